# SPDX-License-Identifier: LGPL-2.1-or-later
"""Host images: built by mmdebstrap from the recipe, cached by its content.

An image is a folder SUITE-KEY in the cache:

root/        the unpacked tree; QEMU runs in it, modules are built in it
host.img     the same as an ext4 disk, never written to: hosts run on a snapshot
vmlinuz, initrd, ssh/ (keys, known_hosts), build.log, lock (held by running labs)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import addresses, archive, cache, recipe, requirements, tree
from .errors import LabError
from .progress import Progress, silent

DISK_SIZE = "8G"  # sparse: only what is in the tree takes room
BUILD_LIMIT = 1800  # seconds for mmdebstrap
BUILD_ROOM_MIB = 6144
KEPT_PER_SUITE = 2


@dataclass(frozen=True)
class Image:
    """A finished image in the cache."""

    suite: str
    path: Path

    @property
    def tree(self) -> Path:
        """The unpacked root tree."""
        return self.path / "root"

    @property
    def disk(self) -> Path:
        return self.path / "host.img"

    @property
    def kernel(self) -> Path:
        return self.path / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.path / "initrd"

    @property
    def identity(self) -> Path:
        """The private key that opens every host as root."""
        return self.path / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.path / "ssh" / "known_hosts"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def kernel_release(self) -> str:
        """What uname -r says in the hosts; headers are under /lib/modules/RELEASE/build."""
        return kernel_release(self.tree)

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
    """
    wanted = _load(suite)
    folder = cache.folder()
    image = Image(suite, folder / f"{suite}-{wanted.key}")
    if not refresh and image.path.exists():
        _touch(image)
        return image
    requirements.require_root()
    requirements.install_missing(requirements.BUILD_TOOLS, progress)
    with cache.locked(folder / "build.lock"):
        if refresh or not image.path.exists():
            _build(wanted, image, progress)
        _prune(folder, image)
    return image


def run_in_tree(
    command: str | Sequence[str],
    binds: dict[str | Path, str] | None = None,
    suite: str = "trixie",
    cwd: str = "/",
    timeout: float = 600,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a private copy of a suite's tree, building the image if need be."""
    return get(suite).run_in_tree(command, binds=binds, cwd=cwd, timeout=timeout, check=check)


def kernel_release(root: Path) -> str:
    """The one kernel that is installed in a tree."""
    releases = sorted(path.name for path in (root / "lib/modules").iterdir()
                      if (path / "kernel").is_dir())
    if len(releases) != 1:
        raise LabError(f"{root} has {len(releases)} kernels, one is expected: {releases}")
    return releases[0]


def _load(suite: str) -> recipe.Recipe:
    generated = addresses.hosts_file() + addresses.ssh_names() + DISK_SIZE
    return recipe.load(suite, generated.encode())


def _build(wanted: recipe.Recipe, image: Image, progress: Progress) -> None:
    """Build aside, then rename: an image in the cache is always whole."""
    folder = image.path.parent
    requirements.check_disk(folder, BUILD_ROOM_MIB)
    for rest in folder.glob("building-*"):
        shutil.rmtree(rest)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
    try:
        log = work / "build.log"
        keys = work / "ssh"
        root = work / "root"
        _make_keys(keys)
        progress(f"{wanted.suite}: unpacking {len(wanted.packages)} packages and what they need")
        _logged(_mmdebstrap(wanted, root), log, BUILD_LIMIT, archive.sources(wanted.pockets))
        progress(f"{wanted.suite}: making it a lab host")
        _logged([str(wanted.customise), str(root), str(keys)], log, 300)
        release = kernel_release(root)
        shutil.copy(root / "boot" / f"vmlinuz-{release}", work / "vmlinuz")
        shutil.copy(root / "boot" / f"initrd.img-{release}", work / "initrd")
        progress(f"{wanted.suite}: writing the disk, kernel {release}")
        _logged(["mke2fs", "-q", "-t", "ext4", "-L", "host", "-d", str(root),
                 str(work / "host.img"), DISK_SIZE], log, 600)
        (work / "lock").touch(mode=0o600)
        if image.path.exists():
            _remove_unused(image.path)
        work.rename(image.path)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    progress(f"{wanted.suite}: image is in {image.path}")


def _mmdebstrap(wanted: recipe.Recipe, root: Path) -> list[str]:
    command = [
        "mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase",
        "--architectures=amd64", f"--include={','.join(wanted.packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--aptopt={option}" for option in archive.options()),
    ]
    if wanted.preferences is not None:
        command.append(
            f"--setup-hook=install -D -m 644 '{wanted.preferences}' "
            '"$1/etc/apt/preferences.d/lab"'
        )
    # The sources come by standard input.
    return [*command, wanted.suite, str(root), "-"]


def _make_keys(folder: Path) -> None:
    """The pair that opens the hosts, the hosts' own pair, and the names that go with it."""
    folder.mkdir(mode=0o700)
    for name, comment in (("id_ed25519", "root@lab"), ("host_ed25519", "host@lab")):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", folder / name],
            check=True,
        )
    public = (folder / "host_ed25519.pub").read_text()
    (folder / "known_hosts").write_text(f"{addresses.ssh_names()} {public}")
    (folder / "hosts").write_text(addresses.hosts_file())


def _logged(command: list[str], log: Path, timeout: float, stdin: str = "") -> None:
    """Run a step of the build; its output is in the log, its end in the error."""
    with log.open("a") as file:
        try:
            result = subprocess.run(
                command, input=stdin, stdout=file, stderr=subprocess.STDOUT, text=True,
                timeout=timeout, env=os.environ | {"PATH": requirements.SYSTEM_PATH},
            )
        except subprocess.TimeoutExpired as expired:
            raise LabError(f"{command[0]} did not end within {timeout:g} s") from expired
    if result.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise LabError(f"{Path(command[0]).name} failed with {result.returncode}:\n{tail}")


def _touch(image: Image) -> None:
    """Remember the last use: pruning takes the oldest."""
    if os.access(image.path, os.W_OK):
        os.utime(image.path)


def _prune(folder: Path, image: Image) -> None:
    """Keep the newest images of each suite; one that a lab runs on stays."""
    suite_images = sorted(
        (path for path in folder.glob(f"{image.suite}-*") if path != image.path),
        key=lambda path: path.stat().st_mtime, reverse=True,
    )
    for path in suite_images[KEPT_PER_SUITE - 1:]:
        if not cache.is_locked(path / "lock"):
            shutil.rmtree(path)


def _remove_unused(path: Path) -> None:
    if cache.is_locked(path / "lock"):
        raise LabError(f"{path} is in use by a running lab: take it down first")
    shutil.rmtree(path)
