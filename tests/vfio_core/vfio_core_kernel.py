# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fabricated kernel (headers, vfio.ko, tools that read it) for the scripts of driver/vfio-core."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

CORE = Path(__file__).resolve().parents[2] / "driver" / "vfio-core"
SOURCES = [
    "drivers/vfio/Makefile",
    *(
        f"drivers/vfio/{name}"
        for name in (
            "vfio.h", "vfio_main.c", "group.c", "container.c", "virqfd.c",
            "debugfs.c", "device_cdev.c", "iommufd.c",
        )
    ),
    "drivers/iommu/iommufd/iova_bitmap.c",
]
HEADERS = [
    "include/linux/vfio.h",
    "include/uapi/linux/vfio.h",
    "include/linux/iommufd.h",
    "include/linux/iova_bitmap.h",
]

EXPORTS = {"vfio_dma_rw": "0x2947b94f", "vfio_assign_device_set": "0xc0ef676a"}
BITMAP = {f"iova_bitmap_{name}": f"0x0000000{i}" for i, name in enumerate(("alloc", "free", "for_each", "set"), 1)}
IMPORTS = {"kfree": "0x037a0cba", "module_layout": "0xd272d446"}


def symvers(module: str, symbols: dict[str, str], namespace: str = "") -> str:
    return "".join(f"{crc}\t{name}\t{module}\tEXPORT_SYMBOL_GPL\t{namespace}\n" for name, crc in symbols.items())


@dataclass
class Kernel:
    """One kernel below root. A fabricated module is a text file: fields for modinfo, then symbols for nm, then imports."""

    root: Path
    version: str
    release: str
    config: dict[str, str] = field(default_factory=lambda: {"CONFIG_VFIO": "m", "CONFIG_MODVERSIONS": "y"})
    srcversion: str = "AAAA"

    @property
    def modules(self) -> Path:
        return self.root / "lib/modules"

    @property
    def build(self) -> Path:
        return self.modules / self.release / "build"

    @property
    def stock(self) -> Path:
        return self.modules / self.release / "kernel/drivers/vfio/vfio.ko"

    @property
    def env(self) -> dict[str, str]:
        return os.environ | {
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "MODULES_DIR": str(self.modules),
            "DKMS_TREE": str(self.root / "dkms"),
        }

    def write(self) -> Kernel:
        major, minor, patch = self.version.split(".")
        self.put(
            self.build / "include/generated/uapi/linux/version.h",
            f"#define LINUX_VERSION_MAJOR {major}\n#define LINUX_VERSION_PATCHLEVEL {minor}\n"
            f"#define LINUX_VERSION_SUBLEVEL {patch}\n",
        )
        self.put(self.build / ".config", "".join(f"{k}={v}\n" for k, v in self.config.items()))
        for header in HEADERS:
            self.put(self.modules / self.release / "source" / header, f"/* {header} */\n")
        self.put(self.build / "Module.symvers", symvers("drivers/vfio/vfio", EXPORTS) + symvers("vmlinux", IMPORTS))
        self.put(self.stock, self.module(EXPORTS))
        for tool, body in TOOLS.items():
            self.put(self.root / "bin" / tool, body)
            (self.root / "bin" / tool).chmod(0o755)
        return self

    def module(self, exports: dict[str, str], imports: dict[str, str] | None = None, magic: str = "") -> str:
        """The text of a module that exports and imports these symbols (name: CRC)."""
        lines = [f"vermagic={magic or self.release + ' SMP mod_unload modversions'}", f"srcversion={self.srcversion}"]
        for name in exports:
            lines += [f"nm 0000000000000000 T {name}", f"nm 0000000000000000 r __ksymtab_{name}"]
        for name, crc in (IMPORTS if imports is None else imports).items():
            lines += [f"nm                  U {name}", f"import {crc}\t{name}"]
        return "\n".join(lines) + "\n"

    def tarball(
        self,
        version: str = "",
        change: dict[str, str | None] | None = None,
        links: dict[str, str] | None = None,
        top: str = "linux-source",
    ) -> Path:
        """A source tarball of that version; change maps a path to other text, or to None to leave it out, links to a
        symbolic link's target."""
        major, minor, patch = (version or self.version).split(".")
        files: dict[str, str | None] = {path: f"/* {path} */\n" for path in SOURCES + HEADERS}
        files["Makefile"] = f"VERSION = {major}\nPATCHLEVEL = {minor}\nSUBLEVEL = {patch}\nEXTRAVERSION =\n"
        files |= change or {}
        path = self.root / "linux-source.tar.xz"
        with tarfile.open(path, "w:xz") as archive:
            for name, text in files.items():
                if text is None:
                    continue
                member = tarfile.TarInfo(f"{top}/{name}")
                if name in (links or {}):
                    member.type, member.linkname = tarfile.SYMTYPE, (links or {})[name]
                    archive.addfile(member)
                    continue
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        return path

    def run(self, script: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [CORE / script, *args], env=self.env, text=True, capture_output=True, timeout=30, check=False
        )

    @staticmethod
    def put(path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# Stand-ins that read the fabricated modules, with the output format of the real tools.
TOOLS = {
    "modinfo": '#!/bin/sh\ngrep -q ^vermagic= "$3" && sed -n "s/^$2=//p" "$3"\n',
    "modprobe": '#!/bin/sh\nsed -n "s/^import //p" "$2"\n',
    "nm": '#!/bin/sh\nsed -n "s/^nm //p" "$1"\n',
}


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line that a refusing script says."""
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("vfio-dirty-log: "), result.stderr
    return lines[0]
