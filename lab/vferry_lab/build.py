# SPDX-License-Identifier: LGPL-2.1-or-later
"""The making of an image: packages by mmdebstrap, then the recipe's files, then a disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from . import addresses, archive, requirements
from .errors import LabError
from .progress import Progress
from .recipe import Recipe

DISK_SIZE = "8G"  # sparse: only what is in the tree takes room
ROOM_MIB = 6144  # tree and disk while both are made
LIMIT = 3600.0  # seconds for the packages: 2 minutes on an idle machine, 10 on a busy one

# Stages of mmdebstrap that its user sees.
STAGES = ("running apt-get update", "downloading", "extracting", "installing")


def generated() -> bytes:
    """What an image gets besides the recipe's files; part of the cache key."""
    return (addresses.hosts_file() + addresses.ssh_names() + DISK_SIZE).encode()


def build(recipe: Recipe, target: Path, progress: Progress) -> None:
    """Make the image in a folder beside target, then rename it: target is always whole.

    Raises LabError with the end of the log. The caller holds the build lock.
    """
    requirements.check_disk(target.parent, ROOM_MIB)
    for rest in target.parent.glob("building-*"):
        remove(rest)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=target.parent))
    try:
        _fill(recipe, work, progress)
        work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    progress(f"{recipe.suite}: image is in {target}")


def remove(folder: Path) -> None:
    """Remove what a killed build has left; never what may be mounted in it."""
    done = subprocess.run(["rm", "-rf", "--one-file-system", folder],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise LabError(f"cannot remove what an earlier build left: {done.stderr.strip()[-300:]}")


def kernel_release(tree: Path) -> str:
    """The one kernel that is installed in a tree."""
    releases = sorted(path.name for path in (tree / "lib/modules").iterdir()
                      if (path / "kernel").is_dir())
    if len(releases) != 1:
        raise LabError(f"{tree} has {len(releases)} kernels, one is expected: {releases}")
    return releases[0]


def _fill(recipe: Recipe, work: Path, progress: Progress) -> None:
    """root/, host.img, vmlinuz, initrd, ssh/, lock and build.log in an empty folder."""
    keys, tree = work / "ssh", work / "root"
    run = _Steps(work / "build.log")
    _make_keys(keys)

    def stage(line: str) -> None:
        text = line.removeprefix("I: ").rstrip(".")
        if line.startswith("I: ") and text.startswith(STAGES):
            progress(f"{recipe.suite}: {text}")

    run(_mmdebstrap(recipe, tree), LIMIT, archive.sources(recipe.pockets), stage)
    progress(f"{recipe.suite}: making it a lab host")
    run([str(recipe.customise), str(tree), str(keys)], 900)
    release = kernel_release(tree)
    shutil.copy(tree / "boot" / f"vmlinuz-{release}", work / "vmlinuz")
    shutil.copy(tree / "boot" / f"initrd.img-{release}", work / "initrd")
    progress(f"{recipe.suite}: writing the disk, kernel {release}")
    run(["mke2fs", "-q", "-t", "ext4", "-L", "host", "-d", str(tree),
         str(work / "host.img"), DISK_SIZE], 900)
    (work / "lock").touch(mode=0o600)


def _mmdebstrap(recipe: Recipe, tree: Path) -> list[str]:
    command = [
        "mmdebstrap", "--mode=root", "--format=directory", "--variant=minbase",
        "--architectures=amd64", f"--include={','.join(recipe.packages)}",
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--aptopt={option}" for option in archive.options()),
    ]
    if recipe.preferences is not None:
        command.append(
            f"--setup-hook=install -D -m 644 '{recipe.preferences}' "
            '"$1/etc/apt/preferences.d/lab"'
        )
    # The sources come by standard input.
    return [*command, recipe.release, str(tree), "-"]


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


class _Steps:
    """Runs the steps of a build; all they say is in one log, its end in the error."""

    def __init__(self, log: Path) -> None:
        self._log = log
        # No initrd by the kernel package: customise makes one, and this one takes a minute.
        self._environment = os.environ | {
            "PATH": requirements.SYSTEM_PATH, "LC_ALL": "C.UTF-8", "INITRD": "No",
        }

    def __call__(
        self, command: list[str], limit: float, stdin: str = "",
        seen: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Run a step within limit seconds, show each line it says to seen; raises LabError."""
        name = Path(command[0]).name
        # In a mount namespace of its own: what it mounts is gone when it ends, however it ends.
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", env=self._environment, start_new_session=True,
        )
        assert process.stdin is not None and process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit, stop)
        timer.start()
        try:
            with process.stdin as pipe:
                pipe.write(stdin)
            with self._log.open("a") as log:
                for line in process.stdout:
                    log.write(line)
                    seen(line.rstrip())
            process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise LabError(f"{name} did not end within {limit:g} s")
        if process.returncode != 0:
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
            raise LabError(f"{name} failed with {process.returncode}:\n{tail}")
