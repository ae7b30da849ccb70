# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian packages of each suite: they build, lintian accepts them, their content is right."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from deb_tools import contents, packages_of

from vferry_tests import packages, paths
from vferry_tests.packages import SUITES

pytestmark = pytest.mark.matrix

# Left out: what is for uploads to Debian, and the age of an older suite's lintian.
LINTIAN = ("lintian --allow-root --tag-display-limit 0 --fail-on error,warning "
           "--suppress-tags initial-upload-closes-no-bugs,newer-standards-version "
           "/packages/*.changes")
# Another folder, user's settings, number of processors and year; umask and time zone, too.
ELSEWHERE = (
    "umask 0077; export TZ=Asia/Kathmandu LC_ALL=C LANG=tr_TR.UTF-8 HOME=/nowhere "
    "DEB_BUILD_OPTIONS=parallel=1; faketime -f +400d " + packages.BUILD
)
PROGRAMS = {"usr/bin/vferry", "usr/sbin/vferry-hook"} | {f"usr/libexec/vferry/{name}" for name in (
    "vferry-arrival", "vferry-hook.so", "vferry-provision")}
UNITS = {"vferry-arrival.path", "vferry-arrival.service", "vferry-bind.service",
         "vferry-detach.service", "vferry-provision.service", "vferry-provision@.service"}
UNIT_FOLDERS = {"bookworm": "lib/systemd/system/"}  # of other suites it is the same below usr/


@pytest.fixture(params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_lintian_finds_nothing(suite: str) -> None:
    done = packages.tree(suite).run(LINTIAN, {packages.build(suite): "/packages"}, check=False)
    assert done.returncode == 0, done.stdout


def test_each_file_is_in_the_package_that_needs_it(suite: str) -> None:
    built = packages.build(suite)
    files = {name: contents(packages.find(built, name)) for name in packages_of(built)}
    command = files["vferry"]
    assert PROGRAMS | {"usr/lib/udev/rules.d/85-vferry.rules"} <= command.keys()
    folder = UNIT_FOLDERS.get(suite, "usr/lib/systemd/system/")
    assert UNITS == {path.removeprefix(folder) for path in command if path.startswith(folder)}
    assert command["etc/libvirt/hooks/qemu.d/vferry"] == "/usr/sbin/vferry-hook"
    assert {path for path in command if path.startswith("etc/")} == {
        "etc/libvirt/hooks/qemu.d/vferry"}, "what is in /etc is not the package's"
    pages = {path.name for path in (paths.ROOT / "man").glob("*.[158]")}
    assert pages == {Path(path).stem for path in command if path.startswith("usr/share/man/")}

    driver = {Path(path).name for path in files["igbvf-vfio-pci-dkms"]
              if path.startswith("usr/src/igbvf-vfio-pci-")}
    assert driver == {path.name for path in paths.DRIVER.iterdir()
                      if path.is_file() and path.name != "Kconfig"
                      and path.suffix in ("", ".c", ".h", ".conf")}
    core = {path.split("/", 3)[3] for path in files["vfio-dirty-log-dkms"]
            if path.startswith("usr/src/vfio-dirty-log-")}
    assert {"dkms.conf", "Makefile", "module/Kbuild", "stock/Kbuild", "check-fit"} <= core
    assert not any("source/" in path or path.endswith(".o") for path in core)


def test_what_systemd_does_with_the_units(suite: str) -> None:
    """Provisioning is not stopped or restarted by an upgrade; udev's and the path's units wait."""
    script = subprocess.run(
        ["dpkg-deb", "--info", packages.find(packages.build(suite), "vferry"), "postinst"],
        check=True, capture_output=True, text=True).stdout
    assert "deb-systemd-helper enable 'vferry-provision.service'" in script
    assert "deb-systemd-helper enable 'vferry-arrival.path'" in script
    started = re.findall(r"deb-systemd-invoke (\S+) (.*) >", script)
    assert {(verb, *sorted(units.replace("'", "").split())) for verb, units in started} == {
        ("start", "vferry-detach.service", "vferry-provision.service"),
        ("$_dh_action", "vferry-arrival.path")}
    for unit in ("vferry-bind", "vferry-provision@", "vferry-arrival.service"):
        assert unit not in script


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    suite = "trixie"
    first = packages.build(suite)
    packages.run(packages.tree(suite), ELSEWHERE, tmp_path, source="/var/elsewhere/deep/vferry")
    for path in sorted([*first.glob("*.deb"), *first.glob("*.tar.xz")]):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), f"{path.name} differs"


def test_the_tree_has_no_more_than_control_asks_for() -> None:
    """Else a build dependency that debian/control lacks would not be seen."""
    tree = packages.tree("trixie")
    for name in ("gtest", "umockdev-1.0", "libsystemd"):
        assert tree.run(f"pkg-config --exists {name}", check=False).returncode != 0, name
    assert tree.run("pkg-config --exists libvirt", check=False).returncode == 0
