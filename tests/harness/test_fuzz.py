# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check --fuzz without a fuzzer: what it makes of what libFuzzer says, its command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from vferry_lab.errors import LabError
from vferry_lab.progress import silent
from vferry_tests import check, fuzz
from vferry_tests.fuzz import Result, Target

# As of LLVM 19, with the path of a written input put in.
SAID = """\
INFO: Loaded 1 modules   (467 inline 8-bit counters): 467 [0x55c7, 0x55c8),
INFO:        1 files found in tests/fuzz/corpus/config
INFO: seed corpus: files: 1 min: 3291b max: 3291b total: 3291b rss: 32Mb
#2	INITED cov: 97 ft: 98 corp: 1/3291b exec/s: 0 rss: 33Mb
#8	NEW    cov: 100 ft: 110 corp: 2/6Kb lim: 3291 exec/s: 0 rss: 33Mb L: 9/9 MS: 1 EraseBytes-
#170356	REDUCE cov: 149 ft: 389 corp: 104/16Kb lim: 4096 exec/s: 24336 rss: 93Mb L: 5/9 MS: 2
"""
DONE = """\
#170360	DONE   cov: 150 ft: 389 corp: 104/16Kb lim: 4096 exec/s: 24336 rss: 93Mb
Done 170360 runs in 7 second(s)
stat::number_of_executed_units: 170360
stat::new_units_added:          304
"""
CRASH = """\
==1== ERROR: libFuzzer: deadly signal
artifact_prefix='FOUND'; Test unit written to FOUND
Base64: AAAA
stat::number_of_executed_units: 170357
"""


@pytest.fixture(autouse=True)
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fuzz, "FOLDER", tmp_path)
    monkeypatch.setattr(fuzz, "BUILD", tmp_path / "build")
    monkeypatch.setattr(fuzz, "PERIOD", 0.05)
    (tmp_path / "build").mkdir()


def fuzzer(folder: Path, says: str, does: str = "exit 0") -> Target:
    """A script in a fuzzer's place."""
    script, new = folder / "script", folder / "new"
    new.mkdir()
    script.write_text(f"#!/bin/sh\ncat << 'SAYS'\n{says}SAYS\n{does}\n")
    script.chmod(0o755)
    return Target("fuzz-x", ["env", str(script), "-timeout=30", str(new), "/corpus"])


def test_figures_are_what_libfuzzer_says(tmp_path: Path) -> None:
    target = fuzzer(tmp_path, SAID + DONE, f"touch {tmp_path}/new/1 {tmp_path}/new/2")
    result = fuzz.run(target, 5, silent)
    assert (result.executions, result.edges, result.edges_reached) == (170_360, 467, 150)
    assert result.new_inputs == 2
    assert result.problems() == []


def test_fuzzer_gets_its_time_and_a_place_for_findings(tmp_path: Path) -> None:
    result = fuzz.run(fuzzer(tmp_path, "", 'echo "$*"; exit 1'), 5, silent)
    assert result.wrong == (f"ended with 1: -timeout=30 {tmp_path}/new /corpus "
                            f"-max_total_time=5 -artifact_prefix={tmp_path}/fuzz-x-")


@pytest.mark.parametrize("name, is_finding", [
    ("crash-1", True), ("leak-1", True), ("timeout-1", True), ("oom-1", True),
    ("slow-unit-1", False),
])
def test_finding_is_kept_and_told(name: str, is_finding: bool, tmp_path: Path) -> None:
    path = f"{tmp_path}/fuzz-x-{name}"
    target = fuzzer(tmp_path, SAID + CRASH.replace("FOUND", path), f"exit {77 * is_finding}")
    result = fuzz.run(target, 5, silent)
    assert result.findings == [path] * is_finding
    assert result.problems() == [f"fuzz-x {path}"] * is_finding
    assert (result.executions, result.edges_reached) == (170_357, 149)


def test_fuzzer_that_did_not_work_is_told(tmp_path: Path) -> None:
    target = fuzzer(tmp_path, "", "echo; echo cannot map shadow memory; exit 1")
    assert fuzz.run(target, 5, silent).problems() == [
        "fuzz-x: ended with 1: cannot map shadow memory"]


def test_fuzzer_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fuzz, "LATE", 0.2)
    target = fuzzer(tmp_path, "", "exec sleep 60")
    assert fuzz.run(target, 0, silent).problems() == ["fuzz-x: ended with -9: it said nothing"]


def test_watcher_hears_of_it_meanwhile(tmp_path: Path) -> None:
    told: list[str] = []
    heard = tmp_path / "heard"
    os.mkfifo(heard)

    def progress(text: str) -> None:
        if "170,356 executions or more, 149 edges" in text and text not in told:
            heard.write_text("\n")
        told.append(text)

    target = fuzzer(tmp_path, SAID, f"read -r line < {heard}")
    assert fuzz.run(target, 60, progress).wrong == ""
    assert told[0] == "fuzz-x: 60 s"


def introspection(*suites: str) -> str:
    return json.dumps([{"name": f"test-{n}", "cmd": ["env", "x", "new"], "suite": [suite]}
                       for n, suite in enumerate(suites)])


def test_targets_are_mesons_fuzzers() -> None:
    targets = fuzz.targets_of(introspection("vferry:unit", "vferry:fuzz", "fuzz"))
    assert [target.name for target in targets] == ["test-1", "test-2"]
    assert targets[0].new_inputs == Path("new")


def test_no_fuzzer_is_an_error() -> None:
    with pytest.raises(LabError, match="no fuzzer"):
        fuzz.targets_of(introspection("vferry:unit"))


RESULTS = [Result("fuzz-config", 600.0, 1_234_567_890, 467, 150, 12),
           Result("fuzz-sections", 400.0, 110, 1526, 1198, 6, ["/logs/crash-1"])]


def test_table_fits_a_terminal() -> None:
    lines = fuzz.table(RESULTS).splitlines()
    words = [line.split() for line in lines]
    assert words[1] == ["fuzz-config", "1,234,567,890", "2,057,613", "467", "150", "12", "0"]
    assert words[3] == ["all", "1,234,568,000", "1,234,568", "18", "1"]
    assert {len(line) for line in lines} == {80}


@pytest.mark.parametrize("results, status", [(RESULTS, 1), (RESULTS[:1], 0)])
def test_finding_is_an_exit_status(
    results: list[Result], status: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seconds = []

    def run(target: Target, share: int, progress: object) -> Result:
        seconds.append(share)
        return results[len(seconds) - 1]

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(fuzz, "_build", lambda _: [Target("", [])] * len(results))
    monkeypatch.setattr(fuzz, "run", run)
    report = tmp_path / "report.json"
    assert check.main(["--fuzz", "3", "--json", str(report)]) == status
    assert seconds == [180 // len(results)] * len(results)
    assert [entry["executions"] for entry in json.loads(report.read_text())] == [
        result.executions for result in results]
    said = capsys.readouterr()
    assert said.out.strip() == fuzz.table(results).strip()
    assert ("check: fuzz-sections /logs/crash-1" in said.err.splitlines()) == bool(status)


def test_build_that_fails_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:
    def build(_: object) -> list[Target]:
        raise LabError("fuzzers: 'meson setup' ended with 1: no clang")

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(fuzz, "_build", build)
    assert check.main(["--fuzz", "1"]) == 1
    assert capsys.readouterr().err == "check: fuzzers: 'meson setup' ended with 1: no clang\n"


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "1e9"])
def test_senseless_minutes(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check.main([f"--fuzz={minutes}"])
    assert "minutes" in capsys.readouterr().err.splitlines()[-1]
