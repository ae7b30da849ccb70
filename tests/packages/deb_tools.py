# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is in a .deb."""

from __future__ import annotations

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path


def contents(package: Path) -> dict[str, str]:
    """Path of each file and link of a package, without "./"; a link's target, '' for a file."""
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True,
                          capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        return {member.name.removeprefix("./"): member.linkname
                for member in archive if not member.isdir()}


def packages_of(folder: Path) -> set[str]:
    """Names of the packages in a folder, without those of debug symbols."""
    names = {path.name.split("_")[0] for path in folder.glob("*.deb")}
    return {name for name in names if not name.endswith("-dbgsym")}
