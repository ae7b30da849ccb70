# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's source, out of Debian's source package.

apt fetches and verifies it, with sources of its own; the machine's are not changed.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vferry_lab import archive, cache, recipe
from vferry_lab.errors import LabError

SUITE = "trixie"
LIMIT = 600
APT_HELPER = "/usr/lib/apt/apt-helper"


@contextmanager
def tar_file() -> Iterator[Path]:
    """The package's original tar file; it and the folder around it are gone afterwards."""
    with tempfile.TemporaryDirectory(dir=cache.folder()) as work:
        yield _fetch(Path(work))


def _fetch(work: Path) -> Path:
    (work / "sources.list").write_text(
        archive.sources(recipe.load(SUITE).pockets[:1]).replace("deb [", "deb-src ["))
    for name in ("state/lists/partial", "cache/archives/partial", "source"):
        (work / name).mkdir(parents=True)
    options = [
        f"Dir::Etc::SourceList={work}/sources.list", "Dir::Etc::SourceParts=/dev/null",
        f"Dir::State={work}/state", f"Dir::Cache={work}/cache", "APT::Sandbox::User=root",
        "APT::Get::List-Cleanup=false",
    ]
    (work / "apt.conf").write_text("".join(f"{line}\n" for line in archive.options()))
    apt = ["apt-get", "-qq", f"--config-file={work}/apt.conf",
           *(f"--option={option}" for option in options)]
    run([*apt, "update"], work)
    # Of the package only this file is wanted; the index, which is signed, has its checksum.
    listing = run([*apt, "source", "--print-uris", "libvirt"], work)
    found = re.findall(r"^'(\S+)' (libvirt_\S+\.orig\.tar\.\w+) \d+ (SHA\d+:\w+)$", listing, re.M)
    if len(found) != 1:
        raise LabError(f"Debian's libvirt has {len(found)} original tar files, not one")
    address, name, checksum = found[0]
    run([APT_HELPER, f"--config-file={work}/apt.conf", "download-file", address,
         str(work / "source" / name), checksum], work / "source")
    return work / "source" / name


def run(command: list[str], folder: Path) -> str:
    """Run a command in a folder and return its output. Raises LabError with its last words."""
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT,
                            env=os.environ | {"LC_ALL": "C.UTF-8"})
    if result.returncode != 0:
        raise LabError(f"{command[0]} failed: {(result.stderr or result.stdout)[-600:]}")
    return result.stdout
