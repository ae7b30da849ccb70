# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images made of another one: its tree, changed by a command or with another kernel.

DERIVED is a folder KIND-IMAGE-KEY in the cache. root is a link to the image's tree, for
builds; what the command has changed is on the disk only. An image with another kernel has a tree
of its own, since modules are built for that kernel.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import build, cache, process, requirements, tree
from .image import KEYS, Image, prune, touch
from .progress import Progress, silent

LIMIT = 1800.0  # seconds for the command and the disk

# The command has mounts of its own in the view, which are gone before the view is written.
# Labels of SELinux come last, so that all files have one.
# Arguments: working folder, base tree, size of the disk, those of tree.INSIDE.
MAKE = r"""
set -eu
work=$1 tree=$2 size=$3
shift 3
view=$work/view
mkdir "$work/upper" "$work/work" "$view"
mount -t overlay overlay -o "lowerdir=$tree,upperdir=$work/upper,workdir=$work/work" "$view"
unshare --mount --pid --fork --kill-child sh -c "$CHANGE" sh "$view" "$@"
if [ -e "$view/etc/selinux/config" ]; then
    chroot "$view" setfiles -F /etc/selinux/default/contexts/files/file_contexts /
fi
mke2fs -q -t ext4 -L host -d "$view" "$work/host.img" "$size"
umount "$view"
rm -rf "$work/upper" "$work/work" "$view"
"""
# Guests start with the kernel file of the host's release: they keep the base's kernel.
# Arguments: working folder, base tree, folder of the kernel, size of the disk.
EXCHANGE = r"""
set -eu
work=$1 tree=$2 kernel=$3 size=$4
cp -al "$tree" "$work/root"
rm -r "$work"/root/lib/modules/*
cp -a "$kernel"/lib/modules/* "$work/root/lib/modules/"
mv "$work"/root/boot/vmlinuz-* "$work/root/boot/vmlinuz-$(basename "$kernel"/lib/modules/*)"
mke2fs -q -t ext4 -L host -d "$work/root" "$work/host.img" "$size"
cp "$kernel/boot/vmlinuz" "$work/vmlinuz"
"""
CHANGE = "set -eu\nview=$1 cwd=/\nshift\n" + tree.INSIDE


def get(
    base: Image, kind: str, key: str, command: str, binds: dict[str | Path, str],
    progress: Progress = silent,
) -> Image:
    """The image of that kind, built if the cache has none with this key.

    command: a shell script that changes the tree; key: of all that it depends on
    beside the base; binds: what it needs of this machine, as in tree.run. The two
    newest of a kind and suite stay. Raises LabError.
    """
    def fill(work: Path) -> None:
        words = [str(word) for bind in binds.items() for word in bind]
        _logged(work, MAKE, command, [
            str(base.tree), build.DISK_SIZE, *words, "--", "sh", "-euc", command])
        shutil.copy(base.path / "vmlinuz", work)
        (work / "root").symlink_to(Path("..", base.path.name, "root"))

    return _get(base, kind, key, fill, progress)


def with_kernel(
    base: Image, kind: str, key: str, kernel: Path, progress: Progress = silent
) -> Image:
    """The image with a kernel in place of its own, built if the cache has none with this key.

    kernel: a folder with boot/vmlinuz and lib/modules/RELEASE. The initrd stays, whose
    modules it does not load: it has to find an ext4 on a virtio disk by itself.
    """
    def fill(work: Path) -> None:
        _logged(work, EXCHANGE, f"exchange the kernel for that of {kernel}",
                [str(base.tree), str(kernel), build.DISK_SIZE])

    return _get(base, kind, key, fill, progress)


def _get(
    base: Image, kind: str, key: str, fill: Callable[[Path], None], progress: Progress
) -> Image:
    """fill: makes root, host.img and vmlinuz in an empty folder."""
    folder = cache.folder()
    image = Image(base.suite, folder / f"{kind}-{base.path.name}-{key}")
    if image.path.exists():
        touch(image)
        return image
    lock = folder / "build.lock"
    if cache.is_locked(lock):
        progress(f"{base.suite}: waiting for another build to end")
    with cache.locked(lock):
        if image.path.exists():
            return image
        requirements.check_disk(folder, build.ROOM_MIB)
        progress(f"{base.suite}: making an image with {kind}")
        work = Path(tempfile.mkdtemp(prefix="building-", dir=folder))
        try:
            fill(work)
            shutil.copy(base.path / "initrd", work)
            shutil.copytree(base.path / "ssh", work / "ssh")
            (work / "lock").touch(mode=0o600)
            work.rename(image.path)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        prune(image, f"{kind}-{image.suite}-{KEYS}-*")
    return image


def _logged(work: Path, script: str, shown: str, arguments: list[str]) -> None:
    """Run a script with the folder and arguments, in mounts of its own; build.log has its words."""
    done = process.run(
        work.name,
        ["unshare", "--mount", "--propagation", "private", "env", f"CHANGE={CHANGE}",
         f"PATH={requirements.SYSTEM_PATH}", "sh", "-c", script, "sh", str(work), *arguments],
        shown, timeout=LIMIT)
    (work / "build.log").write_text(done.stdout + done.stderr)
