# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check --functions without hosts: what it makes of nm, of kprobe_profile, and its report."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vferry_lab.errors import LabError
from vferry_tests import check, functions
from vferry_tests.testbed import Testbed

LISTING = """\

Symbols from igbvf_vfio_pci.ko:

Name                  Value           Class        Type         Size             Line  Section

__func__.1          |0000000000000000|   r  |            OBJECT|0000000000000010|     |.rodata
mark                |0000000000001f40|   t  |              FUNC|00000000000000f8|     |.text
mark.cold           |0000000000000230|   t  |              FUNC|0000000000000012|     |.text.unlikely
__pfx_mark          |0000000000001f30|   t  |              FUNC|0000000000000010|     |.text
settle.isra.0       |0000000000002000|   t  |              FUNC|0000000000000100|     |.text
igbvfio_init        |0000000000000010|   t  |              FUNC|0000000000000036|     |.init.text
init_module         |0000000000000010|   T  |              FUNC|0000000000000036|     |.init.text
igbvfio_exit        |0000000000000000|   t  |              FUNC|0000000000000018|     |.exit.text
cleanup_module      |0000000000000000|   T  |              FUNC|0000000000000018|     |.exit.text
perf_trace_arc      |0000000000003200|   t  |              FUNC|0000000000000018|     |.text
trace_raw_output_arc|0000000000003100|   t  |              FUNC|0000000000000018|     |.text
trace_event_raw_event_arc|0000000000000300|t|              FUNC|0000000000000018|     |.text
__traceiter_arc     |0000000000003300|   T  |              FUNC|0000000000000018|     |.text
"""
PROFILE = """\
  mark                                                     12               0
  settle                                                    0               0
  igbvfio_init                                              0               1
"""


class FakeHost:
    """A host with a kprobe_profile; what is run in it."""

    def __init__(self, profile: str = PROFILE) -> None:
        self.profile = profile
        self.probes: list[str] = []

    def run(self, command: str, timeout: float, stdin: str = "") -> Any:
        if command == functions.SYMBOLS:
            return subprocess.CompletedProcess([], 0, LISTING)
        if command == functions.WATCH:
            self.probes.append(stdin)
        return subprocess.CompletedProcess([], 0, self.profile)


class DeadHost(FakeHost):
    def run(self, command: str, timeout: float, stdin: str = "") -> Any:
        raise LabError("host1: its QEMU has ended")


class FakeBed:
    """As much of a testbed as is used."""

    def __init__(self, *hosts: FakeHost) -> None:
        self.hosts = hosts

    def on_all(self, work: Callable[[FakeHost], None]) -> None:
        for host in self.hosts:
            work(host)


def bed_of(*hosts: FakeHost) -> Testbed:
    return FakeBed(*hosts)  # type: ignore[return-value]


def test_functions_are_those_that_somebody_wrote() -> None:
    assert functions.parse_symbols(LISTING) == ["igbvfio_init", "mark", "settle.isra.0"]


def test_function_is_reached_by_a_hit_or_by_one_that_was_missed() -> None:
    assert functions.reached(PROFILE) == {"mark": True, "settle": False, "igbvfio_init": True}
    assert functions.reached("") == {}


def test_variants_of_a_function_count_together() -> None:
    assert functions.reached("mark 0 0\nmark 3 0\n") == {"mark": True}
    assert functions.reached("mark 3 0\nmark 0 0\n") == {"mark": True}


def test_nothing_is_watched_unasked() -> None:
    host = FakeHost()
    assert functions.VARIABLE not in os.environ
    functions.watch(bed_of(host))
    functions.look(bed_of(host))
    assert not host.probes


def test_hosts_are_watched_and_looked_at() -> None:
    hosts = FakeHost("mark 0 0\nsettle 0 0\n"), FakeHost("mark 0 0\nsettle 0 0\n")
    known = {"igbvfio_init": False, "mark": False, "settle": False}
    with functions.asked_for() as file:
        functions.watch(bed_of(*hosts))
        for host in hosts:
            assert host.probes == [f"p:functions/igbvfio_init {functions.MODULE}:igbvfio_init\n"
                                   f"p:functions/mark {functions.MODULE}:mark\n"
                                   f"p:functions/settle {functions.MODULE}:settle.isra.0\n"]
        assert functions.read(file) == known
        hosts[1].profile = "mark 2 0\nsettle 0 0\n"
        functions.look(bed_of(*hosts))
        assert functions.read(file) == known | {"mark": True}
        hosts[0].profile = "mark 0 0\nsettle 7 0\n"
        hosts[1].profile = "mark 0 0\nsettle 0 0\n"
        functions.look(bed_of(*hosts))
        assert functions.read(file) == known | {"mark": True, "settle": True}
    assert functions.VARIABLE not in os.environ and not file.exists()
    assert [len(host.probes) for host in hosts] == [1, 1]


def test_host_that_was_restarted_is_watched_again() -> None:
    host, dead = FakeHost(""), DeadHost()
    with functions.asked_for() as file:
        functions.look(bed_of(dead, host))
        assert functions.read(file) == {}
    assert len(host.probes) == 1


def test_report_names_file_and_function(tmp_path: Path) -> None:
    (tmp_path / "dirty.c").write_text(
        "static int mark(int a,\n\t\tint b);\n\nstatic int mark(int a,\n\t\tint b)\n{\n}\n")
    (tmp_path / "main.c").write_text("void\nsettle(void)\n{\n\tmark(1, 2);\n}\n")
    text = functions.report({"settle": False, "mark": False, "elsewhere": False, "good": True},
                            sorted(tmp_path.glob("*.c")))
    assert [line.split() for line in text.splitlines()[2:5]] == [
        ["?", "elsewhere"], ["dirty.c", "mark"], ["main.c", "settle"]]
    assert text.endswith("\n1 of 4 functions reached\n")
    assert max(map(len, text.splitlines())) <= 80


def test_report_of_the_driver_finds_each_function() -> None:
    names = ["igbvfio_init", "probe", "log_read_and_clear", "igbvfio_mailbox_replay"]
    text = functions.report(dict.fromkeys(names, False))
    assert "?" not in text and "main.c" in text and "dirty.c" in text and "replay.c" in text


def test_report_without_hosts_says_so() -> None:
    assert "no host" in functions.report({})


def test_check_reports_what_its_tests_reached(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*_: object, **__: object) -> pytest.ExitCode:
        Path(os.environ[functions.VARIABLE]).write_text('{"probe": true, "remove": false}')
        return pytest.ExitCode.OK

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("pytest.main", run)
    check.main(["--functions", "tests/vfio"])
    lines = capsys.readouterr().out.splitlines()
    assert "1 of 2 functions reached" in lines
    assert lines[-1].endswith("skipped")
