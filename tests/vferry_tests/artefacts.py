# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is built for the hosts: guest, kernel modules, programs; cached by content.

Everything is built in the hosts' own tree, with their compiler and headers, at
native speed. A finished folder in the cache is never written to again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from vferry_lab import cache, process
from vferry_lab.errors import LabError
from vferry_lab.host import Host
from vferry_lab.image import Image
from vferry_lab.progress import Progress, silent

from . import paths

NOT_NEEDED = 77  # exit status of driver/vfio-core/build-in-tree
KEPT = 4  # finished folders of each kind
NOT_SOURCE = (".o", ".ko", ".mod", ".mod.c", ".cmd", ".symvers", ".order", ".pyc")


def guest(image: Image, progress: Progress = silent) -> Path:
    """Folder with the guest, of this image's packages: vmlinuz, initrd, stream."""
    sources = [paths.TESTS / "guest", paths.TESTS / "traffic"]

    def build(folder: Path) -> None:
        progress(f"{image.suite}: building the guest")
        image.run_in_tree(
            ["/src/guest/build", "/out", "/src/traffic"],
            binds={sources[0]: "/src/guest", sources[1]: "/src/traffic", folder: "/out"},
            timeout=300,
        )

    return cached("guest", image.path.name, sources, build)


def modules(image: Image, progress: Progress = silent) -> Path:
    """The kernel modules for hosts of this image: a tar archive to unpack at /.

    igbvf_vfio_pci.ko always; a vfio.ko where the kernel cannot report dirty
    logs, rebuilt by driver/vfio-core; and the index of all modules, since depmod
    takes a minute in an emulated host and two seconds here.
    """
    core = paths.DRIVER / "vfio-core"
    sources = [path for path in paths.DRIVER.iterdir() if path != core]

    def build_driver(folder: Path) -> None:
        progress(f"{image.suite}: building igbvf_vfio_pci for {image.kernel_release}")
        with tempfile.TemporaryDirectory() as work:
            copy = Path(work, "driver")
            shutil.copytree(paths.DRIVER, copy, ignore=ignored)
            image.run_in_tree(
                f"make -C /src -j2 KERNELDIR=/lib/modules/{image.kernel_release}/build modules "
                "&& strip -g -o /out/igbvf_vfio_pci.ko /src/igbvf_vfio_pci.ko",
                binds={copy: "/src", folder: "/out"}, timeout=300,
            )

    def build_core(folder: Path) -> None:
        progress(f"{image.suite}: rebuilding vfio.ko if {image.kernel_release} needs it")
        with tempfile.TemporaryDirectory() as work:
            build = [core / "build-in-tree", image.tree, image.kernel_release, Path(work, "out")]
            result = process.run("vfio-core", [str(word) for word in build], "build-in-tree",
                                 timeout=600, check=False)
            if result.returncode == NOT_NEEDED:
                return
            if result.returncode != 0:
                raise LabError(f"rebuilding vfio.ko failed: "
                               f"{(result.stdout + result.stderr).strip()[-2000:]}")
            for module in Path(work, "out").glob("vfio.ko*"):
                shutil.copy(module, folder)

    folders = [
        cached("vfio-core", image.path.name, [core], build_core),
        cached("driver", image.path.name, sources, build_driver),
    ]
    built = [module for folder in folders for module in sorted(folder.glob("*.ko*"))]

    def index(folder: Path) -> None:
        base = f"lib/modules/{image.kernel_release}"
        image.run_in_tree(
            f"mkdir -p /{base}/updates && cp /in*/*.ko* /{base}/updates/ "
            f"&& depmod {image.kernel_release} "
            f"&& tar -C / -cf /out/modules.tar {base}/updates $(cd / && ls {base}/modules.*)",
            binds={**{path: f"/in{n}" for n, path in enumerate(folders)}, folder: "/out"},
            timeout=300,
        )

    return cached("modules", image.path.name, built, index) / "modules.tar"


def programs(image: Image, progress: Progress = silent) -> Path:
    """Hook, helper and command for hosts of this image: a tar archive to unpack at /."""
    root = paths.ROOT
    folders = ["driver", "lib", "libvirt-hooks", "man", "selinux", "tools", "udev"]
    files = ["meson.build", "meson_options.txt"]

    def build(folder: Path) -> None:
        progress(f"{image.suite}: building vferry")
        with tempfile.TemporaryDirectory() as work:
            for name in folders:
                shutil.copytree(root / name, Path(work, name), ignore=ignored)
            for name in files:
                shutil.copy(root / name, work)
            image.run_in_tree(
                "meson setup -Dtests=disabled --prefix=/usr --sysconfdir=/etc --libexecdir=libexec "
                "--localstatedir=/var /build /src && DESTDIR=/root/vferry meson install -C /build "
                "&& tar -C /root/vferry -cf /out/programs.tar .",
                binds={work: "/src", folder: "/out"}, timeout=600,
            )

    sources = [root / name for name in folders + files]
    return cached("programs", image.path.name, sources, build) / "programs.tar"


def install_programs(host: Host, archive: Path) -> None:
    """Unpack programs() into the host and let systemd, udev and libvirt know of them."""
    host.copy_to(archive, to="/var/tmp/programs.tar")
    host.run(
        "tar -C / --keep-directory-symlink -xf /var/tmp/programs.tar && rm /var/tmp/programs.tar "
        "&& systemctl daemon-reload && udevadm control --reload "
        "&& for unit in libvirtd virtqemud; do "
        "if systemctl -q is-active $unit; then systemctl reload $unit; fi; done "
        "&& systemctl -q enable vferry-provision.service vferry-detach.service "
        "&& systemctl -q enable --now vferry-arrival.path",
        timeout=120,
    )


def install_modules(host: Host, archive: Path) -> None:
    """Unpack modules() into the host and take them into use.

    No VF of the host may be in use by VFIO meanwhile.
    """
    host.copy_to(archive, to="/var/tmp/modules.tar")
    host.run(
        "tar -C / --keep-directory-symlink -xf /var/tmp/modules.tar && rm /var/tmp/modules.tar "
        "&& for m in vfio_pci igbvf_vfio_pci vfio_pci_core vfio_iommu_type1 vfio; do "
        "if [ -d /sys/module/$m ]; then rmmod $m; fi; done; modprobe igbvf_vfio_pci",
        timeout=120,
    )


def cached(
    kind: str, place: str, sources: Iterable[Path], build: Callable[[Path], None]
) -> Path:
    """The folder of that kind for these sources, built aside and then renamed.

    place: name of the image or tree that it is built in.
    """
    parent = cache.folder() / kind
    parent.mkdir(exist_ok=True)
    target = parent / f"{place}-{digest(sources)}"
    with cache.locked(parent / "lock"):
        if target.exists():
            os.utime(target)
            return target
        work = Path(tempfile.mkdtemp(prefix="building-", dir=parent))
        try:
            build(work)
            work.chmod(0o755)
            work.rename(target)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        _prune(parent, target)
    return target


def _prune(parent: Path, newest: Path) -> None:
    folders = sorted((path for path in parent.iterdir() if path.is_dir() and path != newest),
                     key=lambda path: path.stat().st_mtime, reverse=True)
    for path in folders[KEPT - 1:]:
        shutil.rmtree(path)


def digest(sources: Iterable[Path]) -> str:
    """SHA-256 over names and contents of files, and of folders less the generated files in them."""
    total = hashlib.sha256()
    files: list[Path] = []
    for source in sources:
        files += [source] if source.is_file() else [
            path for path in source.rglob("*")
            if path.is_file() and not path.name.endswith(NOT_SOURCE)
        ]
    for path in sorted(files):
        content = path.read_bytes()
        total.update(f"{path.name} {len(content)}\n".encode())
        total.update(content)
    return total.hexdigest()[:16]


def ignored(_: str, names: list[str]) -> list[str]:
    """What shutil.copytree shall leave out: generated files."""
    return [name for name in names if name.endswith(NOT_SOURCE)]
