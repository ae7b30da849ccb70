# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cache key follows the recipe's content, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest
from vferry_lab import recipe
from vferry_lab.errors import LabError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe of two suites, small enough to change at will."""
    files = {
        "common/packages": "# comment\nudev\n\ndkms\n",
        "common/customise": "#!/bin/sh\n",
        "common/files/etc/motd": "hello\n",
        "one/pockets": "debian one\nsecurity one-security\n",
        "two/pockets": "debian two\n",
        "two/packages": "gdb\n",
        "two/preferences": "Package: *\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def key(folder: Path, suite: str = "one", generated: bytes = b"") -> str:
    return recipe.load(suite, generated, folder).key


def test_content_is_read(folder: Path) -> None:
    two = recipe.load("two", folder=folder)
    assert two.packages == ("dkms", "gdb", "udev")
    assert two.preferences == folder / "two/preferences"
    one = recipe.load("one", folder=folder)
    assert one.preferences is None
    assert [(pocket.archive, pocket.suite) for pocket in one.pockets] == [
        ("debian", "one"), ("security", "one-security"),
    ]


def test_key_depends_on_content(folder: Path) -> None:
    before = key(folder)
    (folder / "common/files/etc/motd").write_text("hullo\n")
    assert key(folder) != before


def test_key_depends_on_names(folder: Path) -> None:
    before = key(folder)
    (folder / "common/files/etc/motd").rename(folder / "common/files/etc/issue")
    assert key(folder) != before


def test_key_depends_on_execute_bit(folder: Path) -> None:
    before = key(folder)
    os.chmod(folder / "common/customise", 0o755)
    assert key(folder) != before


def test_key_depends_on_what_is_generated(folder: Path) -> None:
    assert key(folder, generated=b"a") != key(folder, generated=b"b")


def test_key_depends_on_link_target(folder: Path) -> None:
    link = folder / "common/files/etc/link"
    link.symlink_to("/dev/null")
    before = key(folder)
    link.unlink()
    link.symlink_to("/dev/zero")
    assert key(folder) != before


def test_key_ignores_other_suites_and_times(folder: Path) -> None:
    before = key(folder)
    (folder / "two/packages").write_text("strace\n")
    os.utime(folder / "common/packages", (1, 1))
    assert key(folder) == before


def test_key_ignores_the_place(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    copy = tmp_path_factory.mktemp("elsewhere") / "recipe"
    shutil.copytree(folder, copy)
    assert key(copy) == key(folder)


def test_unknown_suite_names_the_known(folder: Path) -> None:
    with pytest.raises(LabError, match="no recipe for suite 'three': there are one, two"):
        recipe.load("three", folder=folder)


def test_suite_cannot_leave_the_folder(folder: Path) -> None:
    with pytest.raises(LabError):
        recipe.load("../one", folder=folder)


def test_release_is_the_first_pocket(folder: Path) -> None:
    assert recipe.load("one", folder=folder).release == "one"
    (folder / "two/pockets").write_text("debian one\ndebian two\n")
    assert recipe.load("two", folder=folder).release == "one"
    (folder / "two/pockets").write_text("# none\n")
    with pytest.raises(LabError, match="names no suite"):
        recipe.load("two", folder=folder)


def test_bad_pocket_is_refused(folder: Path) -> None:
    (folder / "one/pockets").write_text("elsewhere one\n")
    with pytest.raises(LabError, match="'elsewhere one' is not"):
        recipe.load("one", folder=folder)


@pytest.mark.parametrize("suite", recipe.suites())
def test_own_recipes_load(suite: str) -> None:
    loaded = recipe.load(suite)
    assert "linux-image-amd64" in loaded.packages
    assert len(loaded.key) == 16
    assert os.access(loaded.customise, os.X_OK)
