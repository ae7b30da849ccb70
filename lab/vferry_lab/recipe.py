# SPDX-License-Identifier: LGPL-2.1-or-later
"""The recipe of a host image: files under lab/recipe, and the key made of their content.

recipe/common/packages    packages of every suite, one a line
recipe/common/customise   script that turns the unpacked packages into a host
recipe/common/files/      files laid over the tree
recipe/SUITE/pockets      "archive suite" lines: what apt sees while building, Debian's release first
recipe/SUITE/preferences  apt pins (optional)
recipe/SUITE/packages     further packages of this suite (optional)
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError

FOLDER = Path(__file__).resolve().parent.parent / "recipe"
ARCHIVES = ("debian", "security")


@dataclass(frozen=True)
class Pocket:
    """One suite of one archive, such as 'security' 'trixie-security'."""

    archive: str
    suite: str


@dataclass(frozen=True)
class Recipe:
    """All that decides what is in the image of a suite."""

    suite: str
    packages: tuple[str, ...]
    pockets: tuple[Pocket, ...]
    preferences: Path | None
    customise: Path
    key: str

    @property
    def release(self) -> str:
        """The Debian release that it is made of; a suite may be one with newer packages."""
        return self.pockets[0].suite


def suites(folder: Path = FOLDER) -> list[str]:
    """The suites that have a recipe."""
    return sorted(path.parent.name for path in folder.glob("*/pockets"))


def load(suite: str, generated: bytes = b"", folder: Path = FOLDER) -> Recipe:
    """Read the recipe of a suite.

    generated is what the image gets besides the recipe's files; it counts for
    the key. Raises LabError for an unknown suite or a malformed file.
    """
    if suite not in suites(folder):
        raise LabError(f"no recipe for suite '{suite}': there are {', '.join(suites(folder))}")
    own, common = folder / suite, folder / "common"
    packages = _lines(common / "packages")
    if (own / "packages").exists():
        packages += _lines(own / "packages")
    pockets = tuple(_pocket(own / "pockets", line) for line in _lines(own / "pockets"))
    if not pockets:
        raise LabError(f"{own / 'pockets'} names no suite of an archive")
    preferences = own / "preferences"
    return Recipe(
        suite=suite,
        packages=tuple(sorted(set(packages))),
        pockets=pockets,
        preferences=preferences if preferences.exists() else None,
        customise=common / "customise",
        key=_digest([common, own], generated),
    )


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _pocket(path: Path, line: str) -> Pocket:
    words = line.split()
    if len(words) != 2 or words[0] not in ARCHIVES:
        raise LabError(f"{path}: '{line}' is not 'ARCHIVE SUITE' with {' or '.join(ARCHIVES)}")
    return Pocket(*words)


def _digest(folders: list[Path], generated: bytes) -> str:
    """SHA-256 over names, execute bits and contents, in an order that never changes."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            if path.is_symlink():
                kind, content = "link", os.readlink(path).encode()
            else:
                kind = "script" if os.access(path, os.X_OK) else "file"
                content = path.read_bytes()
            name = path.relative_to(folder.parent)
            digest.update(f"{kind} {name} {len(content)}\n".encode())
            digest.update(content)
    digest.update(generated)
    return digest.hexdigest()[:16]
