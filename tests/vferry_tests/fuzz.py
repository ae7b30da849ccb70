# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check --fuzz: the fuzzers for as long as one wants; figures, and what they found.

logs/fuzz/ keeps what comes of it: the inputs of findings, a log of each fuzzer, and the build
with the fuzzers and the inputs that are new to the corpus. Findings stay at the next run.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vferry_lab import process, requirements
from vferry_lab.errors import LabError
from vferry_lab.progress import Progress, to_stderr

from .paths import LOGS, ROOT

FOLDER = LOGS / "fuzz"
BUILD = FOLDER / "build"
MINUTES_MAX = 100_000
PERIOD = 10.0  # seconds between two lines of progress
LATE = 120.0  # seconds that a fuzzer may take to end after its time
BUILD_LIMIT = 1800.0  # seconds
SLOW = "slow-unit-"  # libFuzzer keeps such inputs, too; they are no findings

# What libFuzzer says.
STATUS = re.compile(r"^#(\d+)\s+\w+.*? cov: (\d+)", re.M)
EXECUTED = re.compile(r"^stat::number_of_executed_units:\s*(\d+)", re.M)
COUNTERS = re.compile(r"\((\d+) inline 8-bit counters\)")
WRITTEN = re.compile(r"Test unit written to (\S+)")


@dataclass(frozen=True)
class Target:
    """A fuzzer, and how `meson test` would start it in the build folder."""

    name: str
    command: list[str]

    @property
    def new_inputs(self) -> Path:
        """The folder for what the corpus lacks; libFuzzer only reads the ones after it."""
        return next(Path(word) for word in self.command[2:] if not word.startswith("-"))


@dataclass(frozen=True)
class Result:
    """What came of a fuzzer; edges: of its code, all and those that an input has reached."""

    target: str
    seconds: float
    executions: int
    edges: int
    edges_reached: int
    new_inputs: int
    findings: list[str] = field(default_factory=list)  # files
    wrong: str = ""  # how it ended, if not well and without a finding

    @property
    def per_second(self) -> float:
        return self.executions / self.seconds if self.seconds else 0.0

    def problems(self) -> list[str]:
        found = [f"{self.target} {_name(path)}" for path in self.findings]
        return [*found, f"{self.target}: {self.wrong}"] if self.wrong else found


def main(minutes: float, file: Path | None) -> int:
    """Fuzz so long, all targets together. Exit status 0 if nothing was found."""
    progress = to_stderr()
    results: list[Result] = []
    ended = ""
    try:
        targets = _build(progress)
        seconds = max(1, round(minutes * 60 / len(targets)))
        for target in targets:
            results.append(run(target, seconds, progress))
    except LabError as error:
        ended = str(error)
    except KeyboardInterrupt:
        ended = "interrupted"
    if file is not None:
        file.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")
    if results:
        print(f"\n{table(results)}", end="", flush=True)
    problems = [problem for result in results for problem in result.problems()]
    for problem in problems:
        print(f"check: {problem}", file=sys.stderr)
    if any(result.findings for result in results):
        print(f"check: to see one again: {_name(BUILD)}/tests/fuzz/TARGET FILE", file=sys.stderr)
    if ended:
        print(f"check: {ended}", file=sys.stderr)
    return 1 if problems or ended else 0


def table(results: list[Result]) -> str:
    """A line a target, and their sum."""
    rows = [f"{'':<16}{'executions':>14}{'a second':>10}{'edges':>10}{'reached':>10}"
            f"{'new inputs':>12}{'found':>8}"]
    for result in results:
        rows.append(_row(result.target, result.executions, result.per_second)
                    + f"{result.edges:>10,}{result.edges_reached:>10,}"
                      f"{result.new_inputs:>12,}{len(result.findings):>8}")
    executions = sum(result.executions for result in results)
    seconds = sum(result.seconds for result in results)
    rows.append(_row("all", executions, executions / seconds if seconds else 0.0)
                + f"{'':>20}{sum(result.new_inputs for result in results):>12,}"
                  f"{sum(len(result.findings) for result in results):>8}")
    return "".join(f"{row}\n" for row in rows)


def run(target: Target, seconds: int, progress: Progress) -> Result:
    """Let a fuzzer work for so many seconds, or until it finds something."""
    log = FOLDER / f"{target.name}.log"
    command = [*target.command, f"-max_total_time={seconds}",
               f"-artifact_prefix={FOLDER / target.name}-"]  # of two the latter counts
    progress(f"{target.name}: {seconds} s")
    start = time.monotonic()
    status = _run_to_end(command, log, start + seconds + LATE,
                         lambda: progress(f"{target.name}: {_state(log)}"))
    text = log.read_text(errors="replace")
    statuses = STATUS.findall(text)
    executed = EXECUTED.search(text)
    counters = COUNTERS.search(text)
    findings = [path for path in WRITTEN.findall(text) if SLOW not in Path(path).name]
    wrong = "" if status == 0 or findings else f"ended with {status}: {_last_line(text)}"
    return Result(
        target.name, round(time.monotonic() - start, 1),
        int(executed[1]) if executed else int(statuses[-1][0]) if statuses else 0,
        int(counters[1]) if counters else 0, int(statuses[-1][1]) if statuses else 0,
        len(list(target.new_inputs.glob("*"))), findings, wrong,
    )


def targets_of(introspection: str) -> list[Target]:
    """The fuzzers in what `meson introspect --tests` prints. Raises LabError if there is none."""
    tests = json.loads(introspection)
    targets = [Target(test["name"], test["cmd"]) for test in tests
               if any(suite.split(":")[-1] == "fuzz" for suite in test["suite"])]
    if not targets:
        raise LabError("meson knows no fuzzer")
    return targets


def _build(progress: Progress) -> list[Target]:
    """Build the fuzzers, with ASan and UBSan as always, and nothing else."""
    progress("building the fuzzers")
    shutil.rmtree(BUILD, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    _meson("setup", str(BUILD), str(ROOT), "-Dfuzz=enabled")
    _meson("compile", "-C", str(BUILD), "fuzzers")
    return targets_of(_meson("introspect", str(BUILD), "--tests"))


def _meson(*arguments: str) -> str:
    command = ["env", f"PATH={requirements.SYSTEM_PATH}", "meson", *arguments]
    return process.run("fuzzers", command, f"meson {arguments[0]}", BUILD_LIMIT).stdout


def _run_to_end(command: list[str], log: Path, end: float, tell: Callable[[], None]) -> int:
    """The exit status of a command in the build folder; it is killed at its end's time."""
    with log.open("wb") as output, subprocess.Popen(
        command, cwd=BUILD, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
    ) as started:
        try:
            while time.monotonic() < end:
                try:
                    return started.wait(PERIOD)
                except subprocess.TimeoutExpired:
                    tell()
        finally:
            started.kill()
    return started.returncode


def _state(log: Path) -> str:
    """How far a fuzzer says that it is; it says so ever more seldom."""
    statuses = STATUS.findall(log.read_text(errors="replace"))
    if not statuses:
        return "reads its corpus"
    return f"{int(statuses[-1][0]):,} executions or more, {statuses[-1][1]} edges"


def _row(name: str, executions: int, per_second: float) -> str:
    return f"{name:<16}{executions:>14,}{per_second:>10,.0f}"


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _name(path: str | Path) -> str:
    return str(Path(path).relative_to(ROOT)) if Path(path).is_relative_to(ROOT) else str(path)
