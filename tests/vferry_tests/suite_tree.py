# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tree of a Debian suite's packages to work in by chroot, kept in the lab's cache.

It is a folder KIND-SUITE-KEY, made by mmdebstrap and keyed by the packages' names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vferry_lab import archive, build, cache, recipe, requirements, tree
from vferry_lab.errors import LabError
from vferry_lab.image import KEYS
from vferry_lab.progress import Progress, silent

LIMIT = 1200  # seconds for mmdebstrap
ROOM_MIB = 2048


@dataclass(frozen=True)
class SuiteTree:
    """A finished tree."""

    suite: str
    root: Path

    def run(
        self, command: str, binds: dict[str | Path, str] | None = None, timeout: float = 600,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell line in a private view of the tree; see tree.run."""
        return tree.run(self.root, command, binds=binds, timeout=timeout, check=check)


def get(
    kind: str, suite: str, packages: Iterable[str], progress: Progress = silent,
    configured: bool = True,
) -> SuiteTree:
    """The tree with these packages, built if the cache has none; others of its kind go.

    Unless configured, they are only unpacked, which takes a fraction of the time: what their
    scripts would have done is then the caller's.
    """
    names = sorted(set(packages))
    variant = "minbase" if configured else "extract"
    key = hashlib.sha256("\n".join([variant, *names]).encode()).hexdigest()[:16]
    folder = cache.folder()
    wanted = folder / f"{kind}-{suite}-{key}"
    requirements.require_root()
    requirements.install_missing({"mmdebstrap": "mmdebstrap", "unshare": "util-linux"}, progress)
    with cache.locked(folder / f"{kind}-trees.lock"):
        if not wanted.exists():
            progress(f"{suite}: unpacking packages for {kind}")
            _build(wanted, suite, variant, names)
        for old in folder.glob(f"{kind}-{suite}-{KEYS}"):
            if old != wanted:
                shutil.rmtree(old)
    return SuiteTree(suite, wanted / "root")


def _build(target: Path, suite: str, variant: str, packages: list[str]) -> None:
    """Build aside, then rename: a tree in the cache is always whole."""
    requirements.check_disk(target.parent, ROOM_MIB)
    prefix = f"new-{target.name.rsplit('-', 1)[0]}-"
    for rest in target.parent.glob(f"{prefix}*"):
        build.remove(rest)
    work = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        _unpack(work, suite, variant, packages)
        work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _unpack(work: Path, suite: str, variant: str, packages: list[str]) -> None:
    command = [
        # In namespaces of its own: its mounts and processes are gone when it ends, however it ends.
        "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
        "--propagation", "private", "--",
        "mmdebstrap", "--mode=root", "--format=directory", f"--variant={variant}",
        "--architectures=amd64", f"--include={','.join(packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--aptopt={option}" for option in archive.options()),
        suite, str(work / "root"), "-",
    ]
    environment = {"PATH": requirements.SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": "/root"}
    with (work / "build.log").open("w") as log:
        result = subprocess.run(
            command, input=archive.sources(recipe.load(suite).pockets), stdout=log,
            stderr=subprocess.STDOUT, text=True, timeout=LIMIT, env=os.environ | environment,
        )
    if result.returncode != 0:
        tail = "\n".join((work / "build.log").read_text(errors="replace").splitlines()[-15:])
        raise LabError(f"mmdebstrap failed with {result.returncode}:\n{tail}")
