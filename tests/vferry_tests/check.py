# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check: the tests of the project, by pytest, with one last line that counts."""

from __future__ import annotations

import argparse
import fnmatch
import os
import random
import re
import sys
import time
from pathlib import Path

import pytest

from . import bench, coverage, functions, fuzz, lanes, paths, soak

# In this order: what is quick and needs no host first. Without names in two lanes (lanes.py).
FOLDERS = ("style", "harness", "userspace", "vfio_core", "driver_build", "packages",
           "orchestrators", "selinux", "lab_unit", "vfio", "lab")
EXPECTED_SKIPS = paths.TESTS / "expected-skips"
HOURS_MAX = 1000
DEBUG_KERNEL = "tests/vfio/test_debug_kernel.py"


class Tally:
    """Counts tests as pytest reports them; a broken fixture counts as a failed test."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: set[str] = set()
        self.skipped: dict[str, str] = {}
        self._start: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid
        if report.failed:
            self.failed.add(name)
            self.passed.discard(name)
        elif report.skipped:
            self.skipped[name] = _reason(report.longrepr)
        elif report.when == "call":
            self.passed.add(name)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid or "collection")
        elif report.skipped:
            self.skipped[report.nodeid] = _reason(report.longrepr)

    def refuse_skips(self) -> None:
        """In CI a skip that is not on the list is a failure."""
        expected = expected_skips(EXPECTED_SKIPS.read_text())
        for name in list(self.skipped):
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in expected):
                print(f"check: not on the list of {EXPECTED_SKIPS.name}: {name}")
                if os.environ.get("CI") == "true":
                    del self.skipped[name]
                    self.failed.add(name)

    def show(self, seconds: float) -> None:
        minutes, rest = divmod(int(seconds), 60)
        print(f"\nafter {minutes} min {rest} s")
        for name, reason in sorted(self.skipped.items()):
            print(f"skipped: {name}: {reason}")
        for name in sorted(self.failed):
            print(f"failed: {name}")
        print(f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped",
              flush=True)


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    os.chdir(paths.ROOT)
    if options.debug_kernel:
        options.names, options.matrix = [DEBUG_KERNEL], True
    common = ["-c", str(paths.TESTS / "pytest.ini"), f"--rootdir={paths.ROOT}",
              *([] if options.matrix else ["-m", "not matrix"]), *_selection(options.names)]
    if options.list:
        return int(pytest.main([*common, "--collect-only", "-q", "--no-header"]))
    if os.geteuid() != 0:
        print("check: must run as root: sudo ./check", file=sys.stderr)
        return 1
    if options.bench:
        return bench.main()
    if options.coverage:
        return coverage.main()
    if options.fuzz is not None:
        return fuzz.main(options.fuzz, options.json)
    if options.soak is not None:
        return soak.main(options.soak, options.seed, options.json)
    tally = Tally()
    plugins: list[object] = [tally]
    if not options.names:
        common += lanes.OPTIONS
        plugins.append(lanes.Lanes())
    start = time.monotonic()
    # Capture by sys: what the labs tell on the way goes past it to the terminal.
    run = [*common, "-v", "-ra", "--capture=sys", "--durations=25", "--color=auto"]
    if options.functions:
        with functions.asked_for() as file:
            status = pytest.main(run, plugins=plugins)
            print(f"\n{functions.report(functions.read(file))}", end="")
    else:
        status = pytest.main(run, plugins=plugins)
    tally.refuse_skips()
    nothing = not tally.passed and not tally.failed
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not tally.failed:
        tally.failed.add("no test has this name" if nothing else f"pytest ended with {status!r}")
    tally.show(time.monotonic() - start)
    return 1 if tally.failed else 0


def expected_skips(text: str) -> list[str]:
    """The patterns of the list: one a line, a reason after it."""
    lines = (line.split("#")[0].split() for line in text.splitlines())
    return [words[0] for words in lines if words]


def _selection(names: list[str]) -> list[str]:
    """pytest's arguments for names: folders of tests, paths and test ids, other words by -k."""
    names = [f"tests/{name}" if name in FOLDERS else name for name in names]
    places = [name for name in names if _is_test_file(name)]
    words = [name for name in names if name not in places]
    if places and words:
        raise SystemExit(f"check: '{words[0]}' is no file of a test and no folder: name either "
                         "those or parts of tests' names, not both")
    for word in words:
        if not re.fullmatch(r"[\w\[\].:-]+", word):
            raise SystemExit(f"check: '{word}' is no name of a test: see ./check --list")
    if not places:
        places = [str(paths.TESTS / folder) for folder in FOLDERS
                  if (paths.TESTS / folder).is_dir()]
    return [*places, *(["-k", " or ".join(words)] if words else [])]


def _is_test_file(name: str) -> bool:
    path = (paths.ROOT / name.split("::")[0]).resolve()
    return path.exists() and path.is_relative_to(paths.TESTS)


def _reason(longrepr: object) -> str:
    """The words of a skip out of pytest's (file, line, "Skipped: words")."""
    if isinstance(longrepr, tuple):
        return str(longrepr[2]).removeprefix("Skipped: ")
    return str(longrepr)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line; ends with one line where it makes no sense."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.soak is None and options.seed is not None:
        parser.error("--seed is for --soak")
    if options.soak is None and options.fuzz is None and options.json is not None:
        parser.error("--json is for --soak and --fuzz")
    if options.soak is not None and not 0 < options.soak < HOURS_MAX:
        parser.error(f"--soak {options.soak:g}: not a number of hours below {HOURS_MAX}")
    if options.debug_kernel and options.names:
        parser.error("--debug-kernel takes no names")
    if options.fuzz is not None and not 0 < options.fuzz < fuzz.MINUTES_MAX:
        parser.error(f"--fuzz {options.fuzz:g}: not a number of minutes below {fuzz.MINUTES_MAX}")
    if options.json is not None:
        options.json = options.json.absolute()
        if not options.json.parent.is_dir():
            parser.error(f"--json {options.json}: there is no folder {options.json.parent}")
    if options.seed is None:
        options.seed = random.randrange(1000)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./check",
        description="Runs every test but those of the matrix, or those named: a folder of tests/, a path, the id that "
                    "--list prints, or a part of a test's name. Needs root; installs what it needs.",
        epilog="The last line is 'N passed, N failed, N skipped'; exit status 0 if none failed. "
               "With CI=true a skip that tests/expected-skips does not name is a failure. "
               "Logs of failures are in logs/.",
    )
    parser.add_argument("--list", action="store_true", help="list the tests and run none")
    parser.add_argument("--matrix", action="store_true",
                        help="also what is long and about other versions: hours")
    parser.add_argument("--debug-kernel", action="store_true",
                        help="the driver's tests on a kernel that looks for mistakes, which is built first")
    parser.add_argument("--bench", action="store_true", help="measure instead of testing")
    parser.add_argument("--coverage", action="store_true",
                        help="how much of the userspace its unit tests run, instead of testing")
    parser.add_argument("--functions", action="store_true",
                        help="also tell which functions of the driver the tests have not reached")
    parser.add_argument("--fuzz", type=float, metavar="MINUTES",
                        help="feed the fuzzers for so long, all of them together")
    parser.add_argument("--soak", type=float, metavar="HOURS",
                        help="move a guest for hours, with traffic and faults")
    parser.add_argument("--seed", type=int, metavar="N",
                        help="of a soak: the same faults in the same order; printed at the end")
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="also write what the soak or the fuzzers have seen")
    parser.add_argument("names", nargs="*", metavar="NAME")
    return parser


if __name__ == "__main__":
    sys.exit(main())
