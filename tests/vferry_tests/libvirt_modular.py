# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt as a daemon for each driver, as Fedora has it, in hosts that Debian gave one for all."""

from __future__ import annotations

from pathlib import Path

from vferry_lab.host import Host
from vferry_lab.progress import Progress, silent

from . import libvirt_source, paths, suite_tree
from .artefacts import cached
from .testbed import Testbed

SUITE = libvirt_source.SUITE
UNITS = ("virtqemud", "virtnetworkd")  # the first has the guests and calls the hook
SOURCES = paths.TESTS / "modular"
# Unpacked only, so what every system has is named, too.
PACKAGES = (
    "base-files", "bash", "coreutils", "dash", "gcc", "grep", "libc6-dev", "libglib2.0-dev",
    "libgnutls28-dev", "libjson-c-dev", "libpciaccess-dev", "libtirpc-dev", "libudev-dev",
    "libvirt-dev", "libxml2-dev", "libxml2-utils", "meson", "perl", "pkgconf", "python3", "sed",
    "tar", "xsltproc", "xz-utils",
)
LIMIT = 1800  # seconds for the build

# virtqemud gets the settings that the lab gave libvirtd. All start at boot, as libvirt's manual
# says: guests and networks are then started without a client. A virsh of Debian's asked for nothing
# looks for libvirtd only, and is told where its guests are.
INSTALL = r"""
set -e
systemctl -q mask --now libvirtd.service libvirtd{,-ro,-admin,-tcp,-tls}.socket
tar -C / --keep-directory-symlink -xf /var/tmp/modular.tar
rm /var/tmp/modular.tar
sed s/LIBVIRTD/VIRTQEMUD/ /etc/default/libvirtd > /etc/default/virtqemud
rm -f /run/libvirt/libvirt-{,admin-}sock /run/libvirt/libvirt-sock-ro
cd /etc/libvirt
printf 'uri_default = "qemu:///system"\n' >> libvirt.conf
sed -n '/^log_/{s/libvirtd/virtqemud/;p}' libvirtd.conf >> virtqemud.conf
install -d /etc/systemd/system/lab-ready.service.d
printf '[Unit]\nAfter=virtqemud.service virtnetworkd.service\n' \
    > /etc/systemd/system/lab-ready.service.d/modular.conf
systemctl daemon-reload
systemctl -q enable --now virtqemud virtnetworkd virtnodedevd
"""


def build(progress: Progress = silent) -> Path:
    """The daemons for hosts of SUITE: a tar archive to unpack at /."""
    tree = suite_tree.get("modular", SUITE, PACKAGES, progress, configured=False)

    def compile_in(folder: Path) -> None:
        with libvirt_source.tar_file() as source:
            progress(f"{SUITE}: building libvirt's modular daemons")
            tree.run("/src/build /out /source", timeout=LIMIT,
                     binds={SOURCES: "/src", source: "/source", folder: "/out"})

    return cached("modular", tree.root.parent.name, [SOURCES], compile_in) / "modular.tar"


def install(bed: Testbed, progress: Progress = silent) -> None:
    """Put them in the place of libvirtd in each host that still has it. No guest may run there."""
    archive = build(progress)
    progress("installing libvirt's modular daemons in the hosts")

    def one(host: Host) -> None:
        if not is_installed(host):
            host.copy_to(archive, to="/var/tmp/modular.tar")
            host.run(["bash", "-c", INSTALL], timeout=180)

    bed.on_all(one)


def is_installed(host: Host) -> bool:
    """Whether the host's libvirt is modular."""
    return host.run(["systemctl", "-q", "is-enabled", UNITS[0]], check=False).returncode == 0
