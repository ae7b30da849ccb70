# SPDX-License-Identifier: LGPL-2.1-or-later
"""Install, upgrade, remove and purge in a copy of a lab host's tree.

What needs systemd, libvirt and a guest is tests/lab/test_packages.py's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from deb_tools import packages_of
from installation import Installation, perform

from vferry_lab import image
from vferry_lab.image import Image
from vferry_tests import packages, paths

pytestmark = pytest.mark.matrix

OLD = "0.0.9"
CONFIG = "[pf 8086:10c9]\nvfs = 2\n"
KERNELS = {"bookworm": "6.1.", "trixie": "6.12."}
REBUILT = {"bookworm": False, "trixie": True}  # its vfio.ko cannot report dirty pages

THROUGH_LIFE = """
release=$(basename /lib/modules/*)
list before
sha256sum $(modinfo -k "$release" -n vfio) > /out/vfio-before
dpkg -i /packages/*.deb
list installed
dkms status > /out/dkms
modinfo -k "$release" igbvf_vfio_pci > /out/driver
modinfo -k "$release" -n vfio > /out/vfio
systemctl is-enabled vferry-provision.service vferry-arrival.path > /out/enabled
echo '{config}' > /etc/vferry/vferry.conf
echo '[host]' > /etc/vferry/conf.d/10-own.conf
dpkg -r {names}
list removed
dkms status > /out/dkms-removed
dpkg -P {names}
list purged
sha256sum $(modinfo -k "$release" -n vfio) > /out/vfio-after
dpkg -l {names} > /out/dpkg 2>&1 || true
"""
UPGRADE = """
dpkg -i /packages/old/*.deb
echo '{config}' > /etc/vferry/vferry.conf
systemctl disable vferry-arrival.path
dpkg -i /packages/*.deb
systemctl is-enabled vferry-provision.service vferry-arrival.path > /out/enabled || true
cat /etc/vferry/vferry.conf > /out/config
readlink /etc/libvirt/hooks/qemu.d/vferry > /out/hook
dpkg-query -W -f '${{Version}}\\n' {names} > /out/versions
dkms status > /out/dkms
"""


# A machine whose PCI bus has no devices.
TESTED = """
mkdir -p /sys/bus/pci/devices
dpkg -i /packages/*.deb
/packages/commands > /out/commands
"""


@pytest.fixture(scope="module", params=sorted(KERNELS))
def host(request: pytest.FixtureRequest) -> Image:
    """The tree of a host of each suite."""
    return image.get(request.param)


@pytest.fixture(scope="module")
def debs(host: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What can be installed there."""
    folder = tmp_path_factory.mktemp("debs")
    for name in packages_of(packages.build(host.suite)):
        if name != "vferry-selinux" or (host.tree / "usr/sbin/semodule").exists():
            shutil.copy(packages.find(packages.build(host.suite), name), folder)
    return folder


@pytest.fixture(scope="module")
def life(host: Image, debs: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The packages installed, configured, removed and purged."""
    script = THROUGH_LIFE.format(config=CONFIG, names=" ".join(sorted(packages_of(debs))))
    return perform(host, debs, script, tmp_path_factory.mktemp("life"))


def test_modules_are_built_for_the_kernel(host: Image, life: Installation) -> None:
    assert host.kernel_release.startswith(KERNELS[host.suite])
    status = [line for line in life.text("dkms").splitlines() if ": installed" in line]
    names = {line.split("/")[0] for line in status if host.kernel_release in line}
    wanted = {"igbvf-vfio-pci"} | ({"vfio-dirty-log"} if REBUILT[host.suite] else set())
    assert names == wanted, life.text("dkms")
    assert f"vermagic:       {host.kernel_release} " in life.text("driver")
    assert ("/updates/" in life.text("vfio")) == REBUILT[host.suite]


def test_units_are_enabled(life: Installation) -> None:
    assert life.text("enabled").split() == ["enabled", "enabled"]


def test_removal_leaves_the_configuration_and_no_program(life: Installation) -> None:
    left = life.files("removed").keys() - life.files("before").keys()
    own = {path for path in left if not path.startswith("/etc/systemd/system")}
    assert own == {"/etc/vferry", "/etc/vferry/conf.d", "/etc/vferry/vferry.conf",
                   "/etc/vferry/conf.d/10-own.conf"}
    assert "igbvf" not in life.text("dkms-removed")
    assert "vfio-dirty-log" not in life.text("dkms-removed")


def test_purge_leaves_nothing(life: Installation) -> None:
    before, after = life.files("before"), life.files("purged")
    changed = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()
               if before.get(path) != after.get(path)}
    assert changed == {}
    assert life.text("vfio-before") == life.text("vfio-after")
    assert "ii " not in life.text("dpkg")


def test_upgrade_keeps_what_the_administrator_said(
    host: Image, debs: Path, tmp_path: Path
) -> None:
    both = tmp_path / "debs"
    shutil.copytree(debs, both)
    (both / "old").mkdir()
    for path in debs.iterdir():
        packages.with_version(path, OLD, both / "old")
    out = tmp_path / "out"
    out.mkdir()
    names = sorted(packages_of(debs))
    done = perform(host, both, UPGRADE.format(config=CONFIG, names=" ".join(names)), out)
    assert done.text("enabled").split() == ["enabled", "disabled"]
    assert done.text("config").strip() == CONFIG.strip()
    assert done.text("hook").strip() == "/usr/sbin/vferry-hook"
    assert OLD not in done.text("versions")
    assert f"igbvf-vfio-pci/0.1.0, {host.kernel_release}, x86_64: installed" in done.text("dkms")


def test_debians_own_test(host: Image, debs: Path, tmp_path: Path) -> None:
    """What autopkgtest runs on the installed package (debian/tests)."""
    folder = tmp_path / "debs"
    folder.mkdir()
    shutil.copy(packages.find(debs, "vferry"), folder)
    shutil.copy(paths.ROOT / "debian/tests/commands", folder)
    out = tmp_path / "out"
    out.mkdir()
    assert "There is no PF" in perform(host, folder, TESTED, out).text("commands")
