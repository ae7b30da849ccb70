# SPDX-License-Identifier: LGPL-2.1-or-later
"""The figures of ./check --coverage, out of what llvm-cov and meson say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vferry_lab import requirements
from vferry_lab.errors import LabError
from vferry_tests import check, coverage
from vferry_tests.coverage import Count, Coverage
from vferry_tests.paths import ROOT


def report(**files: tuple[int, int, int, int]) -> str:
    """As llvm-cov exports it, with the lines and the functions of files, and how many ran."""
    return json.dumps({"type": "llvm.coverage.json.export", "data": [{"files": [{
        "filename": name,
        "summary": {"lines": {"count": lines, "covered": lines_run, "percent": 0},
                    "functions": {"count": functions, "covered": functions_run, "percent": 0}},
    } for name, (lines, lines_run, functions, functions_run) in files.items()]}]})


def test_report_has_our_c_files_by_their_names() -> None:
    files = coverage.parse(report(**{
        f"{ROOT}/lib/pf.c": (10, 5, 4, 1),
        f"{ROOT}/build/../tools/verb.c": (3, 3, 1, 1),
        f"{ROOT}/lib/pf.h": (9, 9, 9, 9),
        f"{ROOT}/tests/unit/sample_state.c": (9, 9, 9, 9),
        "/usr/include/glib-2.0/glib/glib-autocleanups.c": (9, 9, 9, 9),
    }))
    assert files == {"lib/pf.c": Coverage(Count(10, 5), Count(4, 1)),
                     "tools/verb.c": Coverage(Count(3, 3), Count(1, 1))}


@pytest.mark.parametrize("text", ["", "[]", '{"data": []}', '{"data": [{"files": [{}]}]}',
                                  report(**{"/elsewhere/lib/pf.c": (1, 1, 1, 1)})])
def test_report_without_figures_is_refused(text: str) -> None:
    with pytest.raises(LabError, match="llvm-cov's report"):
        coverage.parse(text)


def test_table_adds_up_by_folder_and_names_the_lowest() -> None:
    files = {f"lib/full-{index}.c": Coverage(Count(100, 100), Count(2, 2)) for index in range(9)}
    files |= {"lib/low.c": Coverage(Count(1000, 250), Count(6, 3)),
              "libvirt-hooks/hook.c": Coverage(Count(4, 1), Count(1, 0)),
              "tools/none.c": Coverage(Count(3, 0), Count(2, 0)),
              "driver/state_stream.c": Coverage(Count(40, 39), Count(4, 4))}
    lines = coverage.table(files).splitlines()
    words = [line.split() for line in lines]
    assert words[2] == ["lib", "1,900", "1,150", "60.5%", "24", "21", "87.5%"]
    assert words[3] == ["libvirt-hooks", "4", "1", "25.0%", "1", "0", "0.0%"]
    assert words[7] == ["all", "1,947", "1,190", "61.1%", "31", "25", "80.6%"]
    assert lines[9] == "lowest of 13 files"
    assert [row[0] for row in words[10:15]] == [
        "tools/none.c", "lib/low.c", "libvirt-hooks/hook.c", "driver/state_stream.c",
        "lib/full-0.c"]
    assert len(lines) == 10 + 10
    assert max(map(len, lines)) <= 80
    assert len({len(line) for line in lines if line.endswith("%")}) == 1


def test_folder_without_lines_is_no_division_by_nothing() -> None:
    assert "100.0%" in coverage.table({"lib/empty.c": Coverage()})


def target(name: str, kind: str, built: bool = True, installed: bool = True) -> dict[str, object]:
    return {"name": name, "type": kind, "filename": [f"/build/{name}"],
            "build_by_default": built, "installed": installed}


TARGETS = [
    target("vferry", "executable"), target("vferry-modprobe", "executable"),
    target("hook", "shared module"), target("lib", "static library", installed=False),
    target("test-names", "executable", installed=False),
    target("make-samples", "executable", built=False, installed=False),
]


def test_objects_are_what_has_code_of_ours() -> None:
    assert coverage.objects(TARGETS) == [
        "/build/vferry", "/build/vferry-modprobe", "/build/hook", "/build/test-names"]


def test_program_that_no_test_started_is_named() -> None:
    files = {"tools/vferry.c": Coverage(Count(1, 1), Count(1, 1))}
    assert coverage.idle_programs(TARGETS, files) == ["vferry-modprobe"]


@pytest.mark.parametrize("tests_status, status", [(0, 0), (1, 1)])
def test_figures_are_shown_although_tests_failed(
    tests_status: int, status: int, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "install_missing", lambda *_: None)
    monkeypatch.setattr(coverage, "_measure", lambda *_: (
        tests_status == 0, TARGETS, report(**{f"{ROOT}/lib/pf.c": (10, 5, 4, 1)})))
    assert check.main(["--coverage"]) == status
    said = capsys.readouterr()
    assert "lib/pf.c" in said.out
    assert said.out.endswith("started by no test, and not counted: vferry, vferry-modprobe\n")
    assert ("unit tests failed" in said.err) == bool(tests_status)


def test_build_that_fails_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(requirements, "install_missing", lambda *_: None)
    monkeypatch.setattr(coverage, "_start", lambda *_, **__: 2)
    assert check.main(["--coverage"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "check: meson setup ended with status 2"


def test_counters_that_were_lost_are_told(tmp_path: Path) -> None:
    warning = "LLVM Profile Warning: Unable to merge profile data: not compatible."
    (tmp_path / "meson-logs").mkdir()
    (tmp_path / "meson-logs/testlog-sh.txt").write_text(
        "stderr\nLLVM Profile Error: __llvm_profile_counter_bias is undefined\n"
        f"{warning}\n")
    assert coverage.lost(tmp_path) == [warning]
