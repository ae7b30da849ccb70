# SPDX-License-Identifier: LGPL-2.1-or-later
"""The domain XML that libvirt tests itself with, out of Debian's source package.

apt fetches and verifies it, with sources of its own; the machine's are not changed. What is
unpacked is kept in the lab's cache.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from vferry_lab import archive, cache, recipe
from vferry_lab.errors import LabError

SUITE = "trixie"
FOLDERS = ("tests/qemuxmlconfdata",)
FOLDER_NAME = f"libvirt-xml-{SUITE}"
LIMIT = 600
APT_HELPER = "/usr/lib/apt/apt-helper"


def get() -> Path:
    """A folder with *.xml."""
    folder = cache.folder() / FOLDER_NAME
    with cache.locked(cache.folder() / f"{FOLDER_NAME}.lock"):
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=cache.folder()) as work:
                _unpack(_fetch(Path(work)), Path(work) / "xml")
                (Path(work) / "xml").rename(folder)
    return folder


def _fetch(work: Path) -> Path:
    """The package's original tar file."""
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
    _run([*apt, "update"], work)
    # Of the package only this file is wanted; the index, which is signed, has its checksum.
    listing = _run([*apt, "source", "--print-uris", "libvirt"], work)
    found = re.findall(r"^'(\S+)' (libvirt_\S+\.orig\.tar\.\w+) \d+ (SHA\d+:\w+)$", listing, re.M)
    if len(found) != 1:
        raise LabError(f"Debian's libvirt has {len(found)} original tar files, not one")
    address, name, checksum = found[0]
    _run([APT_HELPER, f"--config-file={work}/apt.conf", "download-file", address,
          str(work / "source" / name), checksum], work / "source")
    return work / "source" / name


def _unpack(tar: Path, target: Path) -> None:
    unpacked = target.with_name("unpacked")
    unpacked.mkdir()
    _run(["tar", "--extract", "--strip-components=1", "--wildcards", f"--file={tar}",
          *(f"*/{folder}/*.xml" for folder in FOLDERS)], unpacked)
    target.mkdir()
    for folder in FOLDERS:
        for path in (unpacked / folder).glob("*.xml"):
            if not path.is_symlink():
                shutil.move(path, target / path.name)
    if not any(target.iterdir()):
        raise LabError(f"{tar.name} has no XML in {', '.join(FOLDERS)}: libvirt has moved it")


def _run(command: list[str], folder: Path) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT,
                            env=os.environ | {"LC_ALL": "C.UTF-8"})
    if result.returncode != 0:
        raise LabError(f"{command[0]} failed: {(result.stderr or result.stdout)[-600:]}")
    return result.stdout
