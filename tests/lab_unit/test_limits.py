# SPDX-License-Identifier: LGPL-2.1-or-later
"""What cannot work is said at once, in one line."""

from pathlib import Path

import pytest
from vferry_lab import cli, image, requirements
from vferry_lab.errors import LabError
from vferry_lab.lab import Lab


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VFERRY_LAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_memory_counts_what_qemu_takes() -> None:
    needed = 2 * (3072 + requirements.QEMU_OVERHEAD_MIB)
    requirements.check_memory(2, 3072, needed)
    with pytest.raises(LabError, match=f"need {needed} MiB, {needed - 1} MiB are available"):
        requirements.check_memory(2, 3072, needed - 1)


def test_available_memory_is_read() -> None:
    lines = ["MemTotal:       16384000 kB", "MemAvailable:    2048000 kB"]
    assert requirements.available_memory_mib(lines) == 2000


def test_disk(tmp_path: Path) -> None:
    requirements.check_disk(tmp_path, 0)
    with pytest.raises(LabError, match="not enough disk"):
        requirements.check_disk(tmp_path, 1 << 40)


@pytest.mark.parametrize("name", ["", "A", "../x", "a/b", "-x", "x" * 32, "a b"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="is no name for a lab"):
        Lab(name)


@pytest.mark.parametrize("hosts", [0, -1, 9])
def test_number_of_hosts(hosts: int) -> None:
    with pytest.raises(LabError, match="a lab has 1 to 8 hosts"):
        Lab(hosts=hosts)


@pytest.mark.parametrize(("suite", "hosts", "suites"), [
    ("sid", None, ("sid", "sid")),
    ("sid", 3, ("sid", "sid", "sid")),
    (["bookworm", "trixie"], None, ("bookworm", "trixie")),
    (["bookworm", "trixie"], 2, ("bookworm", "trixie")),
])
def test_suite_of_each_host(
    suite: str | list[str], hosts: int | None, suites: tuple[str, ...],
) -> None:
    lab = Lab(suite=suite, hosts=hosts)
    assert lab.suites == suites
    assert lab.suite == ("bookworm,trixie" if "trixie" in suites else "sid")


def test_suites_for_other_hosts() -> None:
    with pytest.raises(LabError, match="2 suites are not one for each of 3 hosts"):
        Lab(suite=["bookworm", "trixie"], hosts=3)
    with pytest.raises(LabError, match="a lab has 1 to 8 hosts, not 9"):
        Lab(suite=["trixie"] * 9)


def test_images_for_other_hosts(tmp_path: Path) -> None:
    image_of_one = image.Image("trixie", tmp_path)
    assert Lab(own_image=image_of_one)._images() == [image_of_one] * 2
    assert Lab(own_image=[image_of_one] * 2)._images() == [image_of_one] * 2
    with pytest.raises(LabError, match="1 images are not one for each host"):
        Lab(own_image=[image_of_one])._images()


def test_a_host_needs_a_processor() -> None:
    with pytest.raises(LabError, match="1 processor at least"):
        Lab(processors=0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["exec", "--name", "none", "host1", "--", "true"], "lab 'none' is not up"),
        (["exec", "--name", "../x", "host1", "--", "true"], "is no name for a lab"),
        (["down", "--name", "../x"], "is no name for a lab"),
        (["logs", "--name", "none", "/nowhere"], "lab 'none' is not up"),
        (["chroot", "--bind", "/tmp", "--", "true"], "write it as HERE:/THERE"),
        (["copy", "a", "b"], "is not up"),
        (["copy", "host1:/x"], "name a source and a target"),
        (["up", "--hosts", "9"], "a lab has 1 to 8 hosts"),
        (["up", "--hosts", "3", "--suite", "bookworm,trixie"], "2 suites are not one for each"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image, "get", lambda *_: None)
    # pytest-xdist may run tests in another thread than the main one, which alone may do that.
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert cli.main(arguments) == 1
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["up", "--suite", "nosuch"], ["up", "--suite", "trixie,nosuch"], ["exec", "--timeout", "-1", "host1"],
     ["up", "--memory", "much"]],
)
def test_usage_errors(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    assert end.value.code == 2


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("host1:/etc/hosts", ("host1", "/etc/hosts")),
        ("host1:", ("host1", "")),
        ("/tmp/a:b", None),
        ("plain", None),
    ],
)
def test_remote_paths(path: str, expected: tuple[str, str] | None) -> None:
    assert cli._remote(path) == expected
