# SPDX-License-Identifier: LGPL-2.1-or-later
"""A kernel that looks for its own mistakes, and hosts that run it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from vferry_lab import derived, requirements
from vferry_lab.host import Host
from vferry_lab.image import Image
from vferry_lab.progress import Progress, silent

from . import paths, suite_tree
from .artefacts import cached, digest

SUITE = "trixie"
SOURCES = paths.TESTS / "debug_kernel"
PACKAGES = ("base-files", "bash", "bc", "bison", "cpio", "flex", "gcc", "kmod", "libc6-dev",
            "libelf-dev", "libssl-dev", "linux-source-6.12", "make", "perl", "python3", "xz-utils")
LIMIT = 8 * 3600.0  # seconds to build it: half an hour of two processors that have nothing else
ROOM_MIB = 3072  # for its sources and objects
KIND = "debug-kernel"
MEMORY_MIB = 4096  # of a host: an eighth is KASAN's
BOOT_LIMIT = 1800.0  # seconds

KMEMLEAK = "/sys/kernel/debug/kmemleak"
# One forced failure in the kernel's log, and the functions that led to it.
FORCED = re.compile(r"FAULT_INJECTION: forcing a failure.*?Call Trace:(.*?)</TASK>", re.DOTALL)
OURS = re.compile(r"(?<!\? )(?<!\.)\b(\w+)(?:\.\w+)*\+0x[0-9a-f]+/0x[0-9a-f]+ \[igbvf_vfio_pci")


def build(progress: Progress = silent) -> Path:
    """Folder with boot/ and lib/modules/ of the kernel."""
    tree = suite_tree.get(KIND, SUITE, PACKAGES, progress)

    def make(folder: Path) -> None:
        requirements.check_disk(folder, ROOM_MIB)
        progress(f"{SUITE}: building the debug kernel: half an hour at least")
        tree.run("/src/build /src/config /out", binds={SOURCES: "/src", folder: "/out"},
                 timeout=LIMIT)

    return cached(KIND, tree.root.parent.name, [SOURCES], make)


def get(base: Image, progress: Progress = silent) -> Image:
    """The image with this kernel instead of its own, for Lab(own_image=...)."""
    kernel = build(progress)
    return derived.with_kernel(base, KIND, digest([kernel / "boot"]), kernel, progress)


def disabled(host: Host) -> list[str]:
    """Which of the kernel's checkers have switched themselves off, as they do after a report."""
    found = []
    if "debug_locks: 1" not in re.sub(" +", " ", host.run("cat /proc/lockdep_stats").stdout):
        found.append("lockdep")
    if host.run(f"echo scan=off > {KMEMLEAK}", check=False).returncode != 0:
        found.append("kmemleak")
    return found


def leaks(host: Host) -> list[str]:
    """What kmemleak has found to be lost: a text with a backtrace each.

    Two scans: what one finds may have been on its way from one place to another.
    """
    host.run(f"echo scan > {KMEMLEAK}; echo scan > {KMEMLEAK}", timeout=900)
    found = host.run(f"cat {KMEMLEAK}", timeout=120).stdout
    return [f"unreferenced object {text}" for text in found.split("unreferenced object ")[1:]]


def forced_failures(log: str) -> Counter[str]:
    """How often failures were forced, by the way through our driver, its last function first."""
    ways = (OURS.findall(trace) for trace in FORCED.findall(log))
    return Counter(" < ".join(way) for way in ways)
