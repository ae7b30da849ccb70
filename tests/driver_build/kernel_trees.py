# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trees in which the driver is built: a suite's kernel headers, its compiler, its sparse.

A tree is a folder build-SUITE-KEY in the lab's cache, made by mmdebstrap and
keyed by what is named here. Where IN_TREE names the suite it also holds a
prepared kernel source, LINUX, for builds inside a kernel tree.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "lab"))

from vferry_lab import archive, build, cache, recipe, requirements, tree  # noqa: E402
from vferry_lab.errors import LabError  # noqa: E402
from vferry_lab.progress import Progress, silent  # noqa: E402

# Suite: kernel series that its headers must have. A suite that moves on to
# another series says so instead of testing something else.
SUITES = {"bookworm": "6.1", "trixie": "6.12", "forky": "7.2"}
IN_TREE = "forky"

HEADERS = ("gcc", "libc6-dev", "linux-headers-amd64", "make", "sparse")
SOURCE = (
    "bc", "bison", "clang", "flex", "git", "libelf-dev", "libssl-dev", "linux-source", "pandoc",
    "perl", "python3", "unifdef", "xz-utils",
)
LINUX = "/usr/src/linux"  # the prepared source, inside the tree

BUILD_LIMIT = 1200  # seconds for mmdebstrap, and again for the source
ROOM_MIB = 3072


@dataclass(frozen=True)
class KernelTree:
    """A finished tree in the cache."""

    suite: str
    path: Path

    @property
    def root(self) -> Path:
        return self.path / "root"

    @property
    def headers(self) -> str:
        """The folder for make -C, as seen inside the tree."""
        found = sorted(self.root.glob("usr/src/linux-headers-*-amd64"))
        if len(found) != 1:
            raise LabError(f"{self.root} has {len(found)} kernels' headers, one is expected")
        return f"/usr/src/{found[0].name}"

    @property
    def release(self) -> str:
        """Kernel release of the headers, such as 6.12.117+deb13-amd64."""
        return self.headers.removeprefix("/usr/src/linux-headers-")

    def run(
        self, command: str, binds: dict[str | Path, str], timeout: float = 600
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell line in a private view of the tree; the exit status is the caller's."""
        return tree.run(self.root, command, binds=binds, timeout=timeout, check=False)


def get(suite: str, progress: Progress = silent, refresh: bool = False) -> KernelTree:
    """The tree of a suite, built if the cache has none.

    refresh builds anew although there is one: the archive may have moved on.
    """
    if suite not in SUITES:
        raise LabError(f"no kernel tree for suite '{suite}': there are {', '.join(SUITES)}")
    folder = cache.folder()
    wanted = KernelTree(suite, folder / f"build-{suite}-{_key(suite)}")
    requirements.require_root()
    requirements.install_missing({"mmdebstrap": "mmdebstrap", "unshare": "util-linux"}, progress)
    with cache.locked(folder / "build-trees.lock"):
        if refresh or not wanted.path.exists():
            _build(wanted, progress)
        for old in folder.glob(f"build-{suite}-*"):
            if old != wanted.path:
                shutil.rmtree(old)
    if not wanted.release.startswith(SUITES[suite] + "."):
        raise LabError(
            f"{suite} has kernel {wanted.release}, not {SUITES[suite]}: "
            "see SUITES in tests/driver_build/kernel_trees.py"
        )
    return wanted


def _packages(suite: str) -> list[str]:
    return sorted(HEADERS + (SOURCE if suite == IN_TREE else ()))


def _prepare_script() -> Path:
    return Path(__file__).parent / "prepare_source"


def _key(suite: str) -> str:
    digest = hashlib.sha256("\n".join(_packages(suite)).encode())
    if suite == IN_TREE:
        digest.update(_prepare_script().read_bytes())
    return digest.hexdigest()[:16]


def _build(wanted: KernelTree, progress: Progress) -> None:
    """Build aside, then rename: a tree in the cache is always whole."""
    folder = wanted.path.parent
    requirements.check_disk(folder, ROOM_MIB)
    for rest in folder.glob("new-build-*"):
        build.remove(rest)
    work = Path(tempfile.mkdtemp(prefix="new-build-", dir=folder))
    try:
        root = work / "root"
        log = work / "build.log"
        progress(f"{wanted.suite}: unpacking kernel headers and a compiler")
        pockets = recipe.load(wanted.suite).pockets
        command = [
            "mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase",
            "--architectures=amd64", f"--include={','.join(_packages(wanted.suite))}",
            '--aptopt=APT::Install-Recommends "false"',
            *(f"--aptopt={option}" for option in archive.options()),
            wanted.suite, str(root), "-",
        ]
        _logged(command, log, archive.sources(pockets))
        if wanted.suite == IN_TREE:
            progress(f"{wanted.suite}: preparing the kernel source")
            _logged(["chroot", str(root), "/bin/sh", "-s", LINUX], log,
                    _prepare_script().read_text())
        if wanted.path.exists():
            build.remove(wanted.path)
        work.rename(wanted.path)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    progress(f"{wanted.suite}: kernel {wanted.release} is in {wanted.path}")


def _logged(command: list[str], log: Path, stdin: str) -> None:
    """Run a step of the build; its output is in the log, its end in the error."""
    environment = {"PATH": requirements.SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": "/root"}
    with log.open("a") as file:
        # In namespaces of its own: its mounts and processes are gone when it ends, however it ends.
        result = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "--propagation", "private", "--", *command],
            input=stdin, stdout=file, stderr=subprocess.STDOUT, text=True,
            timeout=BUILD_LIMIT, env=os.environ | environment,
        )
    if result.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise LabError(f"{command[0]} failed with {result.returncode}:\n{tail}")
