# SPDX-License-Identifier: LGPL-2.1-or-later
"""The domain XML that libvirt tests itself with. What is unpacked is kept in the lab's cache."""

from __future__ import annotations

import shutil
from pathlib import Path

from vferry_lab import cache
from vferry_lab.errors import LabError

from . import libvirt_source

FOLDERS = ("tests/qemuxmlconfdata",)
FOLDER_NAME = f"libvirt-xml-{libvirt_source.SUITE}"


def get() -> Path:
    """A folder with *.xml."""
    folder = cache.folder() / FOLDER_NAME
    with cache.locked(cache.folder() / f"{FOLDER_NAME}.lock"):
        if not folder.exists():
            with libvirt_source.tar_file() as tar:
                unpacked = tar.parent / "xml"
                _unpack(tar, unpacked)
                unpacked.rename(folder)
    return folder


def _unpack(tar: Path, target: Path) -> None:
    unpacked = target.with_name("unpacked")
    unpacked.mkdir()
    libvirt_source.run(
        ["tar", "--extract", "--strip-components=1", "--wildcards", f"--file={tar}",
         *(f"*/{folder}/*.xml" for folder in FOLDERS)], unpacked)
    target.mkdir()
    for folder in FOLDERS:
        for path in (unpacked / folder).glob("*.xml"):
            if not path.is_symlink():
                shutil.move(path, target / path.name)
    if not any(target.iterdir()):
        raise LabError(f"{tar.name} has no XML in {', '.join(FOLDERS)}: libvirt has moved it")
