# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's own tests of VFIO (tools/testing/selftests/vfio): built, and run in a host."""

from __future__ import annotations

import re
from pathlib import Path

from vferry_lab.errors import LabError
from vferry_lab.host import Host
from vferry_lab.progress import Progress, silent

from . import paths, suite_tree
from .artefacts import cached

SUITE = "forky"  # the kernel whose tests they are: 7.2
SOURCES = paths.TESTS / "selftests"
PACKAGES = ("base-files", "bash", "coreutils", "dash", "gcc", "grep", "libc6-dev", "linux-libc-dev",
            "linux-source", "make", "sed", "tar", "uuid-dev", "xz-utils")
# Those that ask nothing of iommufd, of a device with a DMA engine, or of the PF.
TESTS = ("vfio_pci_device_test", "vfio_dma_mapping_test", "vfio_dma_mapping_mmio_test",
         "vfio_pci_device_init_perf_test")
WITHOUT = "iommufd"  # part of the names of variants that need it
FOLDER = "/usr/local/lib/vfio-selftests"
LIMIT = 300.0  # seconds for one program
RESULT = re.compile(r"^(ok|not ok) \d+ (\S+)(?: # (SKIP))?", re.MULTILINE)


def build(progress: Progress = silent) -> Path:
    """Folder with the programs, static."""
    tree = suite_tree.get("selftests", SUITE, PACKAGES, progress, configured=False)

    def make(folder: Path) -> None:
        progress(f"{SUITE}: building the kernel's tests of VFIO")
        tree.run(f"/src/build /out {' '.join(TESTS)}", binds={SOURCES: "/src", folder: "/out"})

    return cached("selftests", tree.root.parent.name, [SOURCES], make)


def install(host: Host, folder: Path) -> None:
    host.run(["install", "-d", FOLDER])
    for name in TESTS:
        host.copy_to(folder / name, to=f"{FOLDER}/")


def run(host: Host, vf: str) -> dict[str, str]:
    """Run all on a VF that a VFIO driver has; "ok", "not ok" or "SKIP" by the tests' names."""
    found: dict[str, str] = {}
    for program in TESTS:
        output = host.run([f"{FOLDER}/{program}", vf], timeout=LIMIT, check=False).stdout
        results = parse(output)
        if not results:
            raise LabError(f"{program} has no result: {output[-500:]}")
        found |= {f"{program}:{name}": result for name, result in results.items()}
    return found


def parse(output: str) -> dict[str, str]:
    """The results in a test's output (KTAP) but those of variants that need iommufd."""
    return {name: skipped or result for result, name, skipped in RESULT.findall(output)
            if WITHOUT not in name}
