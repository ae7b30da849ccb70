# SPDX-License-Identifier: LGPL-2.1-or-later
"""A copy of the driver that a test may alter, and the ways to build and check it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from kernel_trees import LINUX, ROOT, KernelTree

DRIVER = ROOT / "driver"
INSIDE = "/driver"  # where an out-of-tree build sees the driver
PLACE = "drivers/vfio/pci/igbvf"  # where an in-tree build has it, below LINUX


@dataclass(frozen=True)
class Build:
    """How a build ended."""

    status: int
    output: str

    def complaints(self, *about: str) -> list[str]:
        """Lines with a warning or an error; with `about`, those that name one of these."""
        return [
            line for line in self.output.splitlines()
            if ("warning:" in line.lower() or "error:" in line.lower() or "***" in line)
            and (not about or any(word in line for word in about))
        ]

    def checked(self) -> set[str]:
        """Names of the driver's files that sparse was run over."""
        lines = (line.split() for line in self.output.splitlines())
        return {Path(words[1]).name for words in lines
                if len(words) == 2 and words[0] == "CHECK"
                and words[1].startswith((f"{INSIDE}/", f"{PLACE}/"))}


@dataclass(frozen=True)
class Driver:
    """A copy of the driver that a test may alter and build."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Driver:
        """Copy the driver as it is in the checkout, without what was built there."""
        folder.mkdir()
        for path in DRIVER.iterdir():
            if _is_source(path):
                shutil.copy(path, folder)
        return cls(folder)

    @property
    def sources(self) -> list[Path]:
        """Every file that would go into a kernel tree."""
        return sorted(path for path in self.folder.iterdir() if _is_source(path))

    def compiled(self) -> set[str]:
        """Names of the files that Kbuild compiles."""
        return {path.name for path in self.sources if path.suffix == ".c"}

    def plant(self, name: str, code: str) -> None:
        """Append code to a file: a check that finds nothing there is no check."""
        with (self.folder / name).open("a") as file:
            file.write(code)

    def build(self, tree: KernelTree, options: str = "", target: str = "modules") -> Build:
        """Build out of tree, against the headers of a tree."""
        done = tree.run(
            f"make -j2 -C {tree.headers} M={INSIDE} {options} {target}", {self.folder: INSIDE})
        return Build(done.returncode, done.stdout + done.stderr)

    def build_in_tree(
        self, tree: KernelTree, value: str, options: str = "", target: str = ""
    ) -> Build:
        """Build inside the prepared source of a tree; value is m or y, target a file or all."""
        done = tree.run(
            f"""
            set -eu
            cd {LINUX}
            echo 'source "{PLACE}/Kconfig"' >> drivers/vfio/pci/Kconfig
            echo 'obj-$(CONFIG_IGBVF_VFIO_PCI) += igbvf/' >> drivers/vfio/pci/Makefile
            if [ {value} = y ]; then
                scripts/config --enable VFIO --enable VFIO_PCI --enable IOMMUFD
            fi
            scripts/config --set-val IGBVF_VFIO_PCI {value}
            make -s olddefconfig
            grep -x CONFIG_IGBVF_VFIO_PCI={value} .config
            make -j2 {options} {PLACE}/{target}
            """,
            {self.folder: f"{LINUX}/{PLACE}"})
        return Build(done.returncode, done.stdout + done.stderr)

    def checkpatch(self, tree: KernelTree, only: str = "") -> Build:
        """What the kernel's checkpatch.pl --strict says of every file, or of one."""
        names = " ".join(f"{PLACE}/{path.name}" for path in self.sources
                         if path.name == (only or path.name))
        done = tree.run(
            f"cd {LINUX} && scripts/checkpatch.pl --strict --terse --no-summary -f {names}",
            {self.folder: f"{LINUX}/{PLACE}"})
        return Build(done.returncode, done.stdout + done.stderr)


def _is_source(path: Path) -> bool:
    if path.name in ("Kbuild", "Kconfig", "Makefile"):
        return True
    return path.suffix in (".c", ".h") and not path.name.endswith(".mod.c")
