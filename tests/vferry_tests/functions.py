# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check --functions: which functions of the driver the hosts of the tests have reached.

By kprobes, one at each function's begin, whose hits the kernel counts: Debian's kernels have no
function profiler. They are there before the driver is loaded, so that its first function counts,
and stay when it is unloaded and loaded again. A trace that is off is all they write to.

The tests are other processes, so what they know is in a file that an environment variable names;
without it nothing is watched. A host that was restarted is watched again from the next look on.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from vferry_lab.errors import LabError
from vferry_lab.host import Host

from . import nic
from .paths import DRIVER
from .testbed import Testbed

VARIABLE = "VFERRY_FUNCTIONS"
MODULE = nic.VARIANT_DRIVER
LIMIT = 120.0  # seconds
# Of trace points, calls and branches, and other names of init and exit.
MADE_BY_COMPILER = re.compile(
    r"__|trace_event_raw_event_|trace_raw_output_|perf_trace_|(init|cleanup)_module$|.*\.cold$")
NOT_TRACED = ".exit.text"  # the kernel makes __exit so

# Where the driver is loaded already its first function is gone: such a line is refused.
WATCH = """
mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
cd /sys/kernel/tracing && mkdir -p instances/functions &&
echo 0 > instances/functions/tracing_on &&
while read -r probe; do echo "$probe" >> kprobe_events || true; done 2> /dev/null &&
echo 1 > instances/functions/events/functions/enable
"""
# The module may be compressed.
SYMBOLS = f"""
copy=$(mktemp) && trap 'rm "$copy"' EXIT && file=$(modinfo -n {MODULE}) &&
case $file in
*.xz) xz -dc "$file" ;;
*.zst) zstd -dcq "$file" ;;
*) cat "$file" ;;
esac > "$copy" && nm --defined-only --format=sysv "$copy"
"""
LOOK = "cat /sys/kernel/tracing/kprobe_profile 2> /dev/null || true"


def watch(bed: Testbed) -> None:
    """Count from now on in all hosts, if that is asked for: before the driver is loaded."""
    if VARIABLE not in os.environ:
        return
    names = symbols(bed.hosts[0])
    _add({_plain(name): False for name in names})
    bed.on_all(lambda host: _watch(host, names))


def look(bed: Testbed) -> None:
    """Take note of what the hosts have reached, if that is asked for. Never raises LabError."""
    if VARIABLE not in os.environ:
        return
    for host in bed.hosts:
        with contextlib.suppress(LabError):
            hits = reached(host.run(LOOK, LIMIT).stdout)
            _add(hits)
            if not hits:
                _watch(host, symbols(host))


def symbols(host: Host) -> list[str]:
    """The driver's functions, as the symbols of the host's module name them."""
    return parse_symbols(host.run(SYMBOLS, LIMIT).stdout)


def parse_symbols(listing: str) -> list[str]:
    """The functions that somebody wrote and that can be traced, in what `nm` prints."""
    rows = ([word.strip() for word in line.split("|")] for line in listing.splitlines())
    return sorted({row[0] for row in rows
                   if len(row) == 7 and row[3] == "FUNC" and row[6] != NOT_TRACED
                   and not MADE_BY_COMPILER.match(row[0])})


def reached(profile: str) -> dict[str, bool]:
    """By function whether it was called, out of kprobe_profile: name, hits, hits missed."""
    found: dict[str, bool] = {}
    for line in profile.splitlines():
        name, hits, missed = line.split()
        found[name] = found.get(name, False) or int(hits) + int(missed) > 0
    return found


def report(functions: dict[str, bool], sources: Iterable[Path] | None = None) -> str:
    """What no host has reached, by file, and how many have been."""
    if not functions:
        return "no host had the driver: no test of those was with hosts\n"
    missed = sorted((_file_of(name, sources or DRIVER.glob("*.c")), name)
                    for name, was_reached in functions.items() if not was_reached)
    lines = ["functions of the driver that no host has reached", ""] if missed else []
    lines += [f"{file:<24}{name}" for file, name in missed]
    lines += ["", f"{len(functions) - len(missed)} of {len(functions)} functions reached"]
    return "".join(f"{line}\n" for line in lines)


@contextlib.contextmanager
def asked_for() -> Iterator[Path]:
    """Ask the tests for it; gives the file for read()."""
    with tempfile.TemporaryDirectory(prefix="vferry-functions-") as folder:
        file = Path(folder, "functions.json")
        os.environ[VARIABLE] = str(file)
        try:
            yield file
        finally:
            del os.environ[VARIABLE]


def read(file: Path) -> dict[str, bool]:
    """By function whether a host has reached it."""
    functions: dict[str, bool] = json.loads(file.read_text()) if file.exists() else {}
    return functions


def _add(seen: dict[str, bool]) -> None:
    """Add to what is known. Only the lane with the hosts does that (lanes.py)."""
    file = Path(os.environ[VARIABLE])
    known = read(file)
    file.write_text(json.dumps(known | {
        name: known.get(name, False) or was_reached for name, was_reached in seen.items()}))


def _watch(host: Host, names: list[str]) -> None:
    probes = "".join(f"p:functions/{_plain(name)} {MODULE}:{name}\n" for name in names)
    host.run(WATCH, LIMIT, stdin=probes)


def _plain(symbol: str) -> str:
    """A function's name without what the compiler adds for its own variant, as in ".isra.0"."""
    return symbol.split(".")[0]


def _file_of(function: str, sources: Iterable[Path]) -> str:
    definition = re.compile(rf"^(?:\w[\w \t*]*)?\b{function}\([^;{{}}]*\)\n{{", re.M)
    return next((path.name for path in sources if definition.search(path.read_text())), "?")
