# SPDX-License-Identifier: LGPL-2.1-or-later
"""Host images in the cache, each in a folder SUITE-KEY with the key of its recipe's content.

root/        the unpacked tree; QEMU runs in it, modules are built in it
host.img     the same as an ext4 disk, never written to: hosts run on a snapshot
vmlinuz, initrd, ssh/ (keys, known_hosts), build.log, lock (held by running labs)
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import build, cache, recipe, requirements, tree
from .errors import LabError
from .progress import Progress, silent

KEPT_PER_SUITE = 2
KEYS = "[0-9a-f]" * 16  # as a pattern: another suite's name may begin with this one's


@dataclass(frozen=True)
class Image:
    """A finished image in the cache."""

    suite: str
    path: Path

    @property
    def tree(self) -> Path:
        """The unpacked root tree. Read it; to write, use run_in_tree."""
        return self.path / "root"

    @property
    def identity(self) -> Path:
        """The private key that opens every host as root."""
        return self.path / "ssh" / "id_ed25519"

    @property
    def public_key(self) -> Path:
        """Its other half: hosts log in at each other with it."""
        return self.path / "ssh" / "id_ed25519.pub"

    @property
    def known_hosts(self) -> Path:
        """The hosts' public key under all their names."""
        return self.path / "ssh" / "known_hosts"

    @property
    def lock(self) -> Path:
        """Held by every lab that runs on this image."""
        return self.path / "lock"

    @property
    def kernel_release(self) -> str:
        """What uname -r says in the hosts; headers are under /lib/modules/RELEASE/build."""
        return build.kernel_release(self.tree)

    def run_in_tree(
        self,
        command: str | Sequence[str],
        binds: dict[str | Path, str] | None = None,
        cwd: str = "/",
        timeout: float = 600,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a private copy of the tree; see tree.run."""
        return tree.run(self.tree, command, binds=binds, cwd=cwd, timeout=timeout, check=check)


def get(suite: str = "trixie", progress: Progress = silent, refresh: bool = False) -> Image:
    """The image of a suite, built if the cache has none of this recipe.

    refresh builds anew although there is one: the archive may have moved on.
    Raises LabError.
    """
    wanted = recipe.load(suite, build.generated())
    folder = cache.folder()
    image = Image(suite, folder / f"{suite}-{wanted.key}")
    if not refresh and image.path.exists():
        touch(image)
        return image
    requirements.require_root()
    requirements.install_missing(requirements.BUILD_TOOLS, progress)
    lock = folder / "build.lock"
    if cache.is_locked(lock):
        progress(f"{suite}: waiting for another build to end")
    with cache.locked(lock):
        if refresh and image.path.exists():
            _remove_unused(image.path)
        if not image.path.exists():
            build.build(wanted, image.path, progress)
        prune(image, f"{image.suite}-{KEYS}")
    return image


def touch(image: Image) -> None:
    """Remember the last use: pruning takes the oldest."""
    if os.access(image.path, os.W_OK):
        os.utime(image.path)


def prune(image: Image, pattern: str) -> None:
    """Keep the newest images of a pattern beside this one; one that a lab runs on stays."""
    others = sorted(
        (path for path in image.path.parent.glob(pattern) if path != image.path),
        key=lambda path: path.stat().st_mtime, reverse=True,
    )
    for path in others[KEPT_PER_SUITE - 1:]:
        if not cache.is_locked(path / "lock"):
            shutil.rmtree(path)


def _remove_unused(path: Path) -> None:
    if cache.is_locked(path / "lock"):
        raise LabError(f"{path} is in use by a running lab: take it down first")
    shutil.rmtree(path)
