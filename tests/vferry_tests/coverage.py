# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check --coverage: how much of the userspace its unit tests run; figures, not tests.

The hook ends by _exit(2), and tests kill what they test at many a system call. So counters are
files that a program maps (LLVM's continuous mode), and nothing is left to be written at its end.
The name of its file is in the program, for the hook has no environment; and the file is below
/dev, which is the machine's in each mocked host.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vferry_lab import requirements
from vferry_lab.errors import LabError
from vferry_lab.progress import Progress, to_stderr

from . import libvirt_xml
from .paths import ROOT

FOLDERS = ("lib", "libvirt-hooks", "tools", "udev", "driver")
LOWEST = 10
TOOLS = {"llvm-cov": "llvm", "llvm-profdata": "llvm"}
ENVIRONMENT = {"CC": "clang", "CXX": "clang++", "LC_ALL": "C.UTF-8", "VFERRY_NO_SKIPS": "1"}
# Warnings are gcc's; clang has others.
SETUP = ("-Dfuzz=disabled", "-Dwerror=false", "-Db_lundef=false", "--buildtype=debug")
# Test programs of one library look alike to %m, which goes by sizes: files for each test.
FILE_OF_ITS_OWN = 'LLVM_PROFILE_FILE="$0/$$-%m%c.profraw" exec "$@"'
LOST = "LLVM Profile"  # so begins what a program says that cannot have its counters
NOTHING_TO_COUNT = "__llvm_profile_counter_bias is undefined"  # says one without code of ours

Target = dict[str, Any]  # as `meson introspect --targets` has it


@dataclass(frozen=True)
class Count:
    """Lines or functions: how many there are, and how many have run."""

    total: int = 0
    covered: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(self.total + other.total, self.covered + other.covered)

    @property
    def share(self) -> float:
        return self.covered / self.total if self.total else 1.0


@dataclass(frozen=True)
class Coverage:
    """Of a file or, added up, of a folder."""

    lines: Count = Count()
    functions: Count = Count()

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(self.lines + other.lines, self.functions + other.functions)


def main() -> int:
    progress = to_stderr()
    try:
        requirements.install_missing(TOOLS, progress)
        with (tempfile.TemporaryDirectory(prefix="vferry-coverage-") as build,
              tempfile.TemporaryDirectory(prefix="vferry-coverage-", dir="/dev/shm") as counters):
            passed, targets, report = _measure(Path(build).resolve(), Path(counters), progress)
        files = parse(report)
    except LabError as error:
        print(f"check: {error}", file=sys.stderr)
        return 1
    print(f"\n{table(files)}", end="")
    if idle := idle_programs(targets, files):
        print(f"\nstarted by no test, and not counted: {', '.join(idle)}")
    if not passed:
        print("check: unit tests failed, and the figures are without what they left out",
              file=sys.stderr)
    return 0 if passed else 1


def parse(report: str) -> dict[str, Coverage]:
    """The C files of `llvm-cov export`, by their names in the source tree.

    What macros make in headers is left out. Raises LabError if there is nothing to count.
    """
    try:
        entries = json.loads(report)["data"][0]["files"]
        files = {_name(entry["filename"]): _coverage(entry["summary"]) for entry in entries}
    except (ValueError, LookupError, TypeError) as error:
        raise LabError(f"llvm-cov's report is not understood: {error!r}") from error
    files = {name: coverage for name, coverage in files.items()
             if name.endswith(".c") and name.split("/")[0] in FOLDERS}
    if not files:
        raise LabError("llvm-cov's report has no file of ours")
    return files


def table(files: dict[str, Coverage]) -> str:
    """Lines and functions by folder, and of the files with the lowest share of lines."""
    rows = [(folder, _sum(coverage for name, coverage in files.items()
                          if name.startswith(f"{folder}/"))) for folder in FOLDERS]
    lowest = sorted(files.items(), key=lambda item: (item[1].lines.share, item[0]))[:LOWEST]
    heads = [f"{'':<32}{'lines':>16}{'functions':>24}",
             f"{'':<32}{'all':>8}{'covered':>8}{'all':>16}{'covered':>8}"]
    parts = [heads, [_row(*row) for row in rows], [_row("all", _sum(files.values()))],
             ["", f"lowest of {len(files)} files"], [_row(*row) for row in lowest]]
    return "".join(f"{line.rstrip()}\n" for part in parts for line in part)


def idle_programs(targets: list[Target], files: dict[str, Coverage]) -> list[str]:
    """What is installed and has not run: llvm-cov forgets it, because of the other main()s."""
    seen = {Path(name).stem for name in files}
    return sorted(str(target["name"]) for target in targets
                  if target["installed"] and target["type"] == "executable"
                  and target["name"] not in seen)


def objects(targets: list[Target]) -> list[str]:
    """Programs and modules among meson's targets."""
    return [target["filename"][0] for target in targets
            if target["type"] in ("executable", "shared module") and target["build_by_default"]]


def _row(name: str, coverage: Coverage) -> str:
    return f"{name:<32}" + "".join(
        f"{count.total:>8,}{count.covered:>8,}{count.share:>8.1%}"
        for count in (coverage.lines, coverage.functions))


def _sum(coverages: Iterable[Coverage]) -> Coverage:
    return sum(coverages, Coverage())


def _name(path: str) -> str:
    return os.path.relpath(path, ROOT)


def _coverage(summary: dict[str, dict[str, int]]) -> Coverage:
    lines, functions = (Count(summary[kind]["count"], summary[kind]["covered"])
                        for kind in ("lines", "functions"))
    return Coverage(lines, functions)


def _measure(build: Path, counters: Path, progress: Progress) -> tuple[bool, list[Target], str]:
    """Build and test; return whether all tests passed, meson's targets, llvm-cov's report."""
    # %m: programs alike share a file. %c: which they map.
    profile = f"-fprofile-instr-generate={counters}/%m%c.profraw"
    compile_args = f"{profile} -fcoverage-mapping -mllvm -runtime-counter-relocation"
    progress("building the userspace")
    _run("meson", "setup", str(build), *SETUP, f"-Dc_args={compile_args}",
         f"-Dc_link_args={profile}", f"-Dcpp_link_args={profile}")
    _run("meson", "compile", "-C", str(build))
    progress("unit tests")
    tests = ("meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs",
             "--suite", "unit", "--timeout-multiplier", "4",
             f"--wrapper=sh -c '{FILE_OF_ITS_OWN}' {counters}")
    passed = _start(*tests, VFERRY_LIBVIRT_XML=str(libvirt_xml.get())) == 0
    for line in lost(build):
        progress(f"the figures are too low: {line}")
    progress("adding up")
    data = counters / "all.profdata"
    _run("llvm-profdata", "merge", "--sparse", "-o", str(data),
         *map(str, sorted(counters.glob("*.profraw"))))
    targets: list[Target] = json.loads(_output("meson", "introspect", str(build), "--targets"))
    first, *others = objects(targets)
    report = _output("llvm-cov", "export", "--summary-only", f"--instr-profile={data}",
                     first, *(f"--object={name}" for name in others))
    return passed, targets, report


def lost(build: Path) -> list[str]:
    """What tests said of counters that they could not have."""
    # meson names the log after the wrapper.
    logs = [path.read_text(errors="replace") for path in build.glob("meson-logs/testlog*.txt")]
    return [line for log in logs for line in log.splitlines()
            if line.startswith(LOST) and NOTHING_TO_COUNT not in line]


def _start(*command: str, **environment: str) -> int:
    """Run a command, what it says on standard error; return its exit status."""
    return subprocess.run(command, cwd=ROOT, env=_environment(**environment),
                          stdout=sys.stderr).returncode


def _run(*command: str) -> None:
    if (status := _start(*command)) != 0:
        raise LabError(f"{command[0]} {command[1]} ended with status {status}")


def _output(*command: str) -> str:
    result = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True)
    if result.returncode != 0:
        raise LabError(f"{command[0]} {command[1]} failed: {result.stderr.strip()[-600:]}")
    return result.stdout


def _environment(**more: str) -> dict[str, str]:
    return os.environ | {"PATH": requirements.SYSTEM_PATH} | ENVIRONMENT | more
