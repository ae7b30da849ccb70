# SPDX-License-Identifier: LGPL-2.1-or-later
"""The RPM spec, by Debian's rpmbuild and rpmlint: the packages are those of debian/control.

What Fedora has and Debian has not is stubbed here, on rpmbuild's command line: macros of
meson, systemd and SELinux. Scriptlets are not run, and no Fedora is booted.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest
from deb_tools import contents, packages_of

from vferry_tests import packages, paths

pytestmark = pytest.mark.matrix

SUITE = "trixie"
SPEC = paths.ROOT / "packaging/vferry.spec"
STUBS = {
    "_topdir": "/rpm",
    "_unitdir": "/usr/lib/systemd/system",
    "_udevrulesdir": "/usr/lib/udev/rules.d",
    "debug_package": "%{nil}",
    "meson": "meson setup --prefix=/usr --sysconfdir=/etc --localstatedir=/var build",
    "meson_build": "meson compile -C build",
    "meson_install": "DESTDIR=%{buildroot} meson install -C build --no-rebuild",
    "selinux_requires": "Requires: selinux-policy",
    "systemd_post()": "true",
    "systemd_preun()": "true",
    "systemd_postun_with_restart()": "true",
}
BUILD = """
mkdir -p /rpm/SOURCES /rpm/SPECS /tmp/vferry-0.1.0
cp -r /src/. /tmp/vferry-0.1.0
tar -C /tmp -czf /rpm/SOURCES/vferry-0.1.0.tar.gz vferry-0.1.0
cp /vferry.spec /rpm/SPECS
rpmbuild -ba --nodeps {stubs} /rpm/SPECS/vferry.spec > /out/build.log 2>&1 || {{ tail -n 40 /out/build.log; exit 1; }}
find /rpm/RPMS /rpm/SRPMS -name '*.rpm' -exec cp {{}} /out/ ';'
cd /out
for package in *.rpm; do
    case $package in *.src.rpm) continue ;; esac
    rpm --query --list --package "$package" > "${{package%-0.1.0*}}.files"
done
"""


@pytest.fixture(scope="module")
def rpms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages, and a list of files of each."""
    out, source = tmp_path_factory.mktemp("rpms"), tmp_path_factory.mktemp("source")
    packages.copy_source(source)
    shutil.copy(paths.ROOT / "README.md", source)
    stubs = " ".join(f"--define {shlex.quote(f'{name} {body}')}" for name, body in STUBS.items())
    packages.tree(SUITE).run(BUILD.format(stubs=stubs),
                             {source: "/src", SPEC: "/vferry.spec", out: "/out"}, timeout=900)
    return out


def test_rpmlint_finds_nothing(rpms: Path) -> None:
    settings = SPEC.with_name("rpmlint.toml")
    # No debuginfo packages and one-line scriptlets: what is stubbed here.
    stubbed = "|".join(["unstripped-binary-or-object", "one-line-command-in-%"])
    done = packages.tree(SUITE).run(
        "rpmlint --config /rpmlint.toml /vferry.spec /rpms/*.rpm "
        f"| sed -E '/{stubbed}/d'",
        {rpms: "/rpms", SPEC: "/vferry.spec", settings: "/rpmlint.toml"}, check=False)
    found = [line for line in done.stdout.splitlines() if ": W: " in line or ": E: " in line]
    assert not found, done.stdout
    assert "5 packages and 1 specfiles checked" in done.stdout, done.stdout + done.stderr


def test_split_is_that_of_the_debian_packages(rpms: Path) -> None:
    debs = packages.build(SUITE)
    for name in packages_of(debs):
        ours = {path.removeprefix("/") for path in (rpms / f"{name}.files").read_text().split()}
        files = {path for path in contents(packages.find(debs, name))
                 if not path.startswith(("usr/share/doc/", "usr/share/lintian/"))}
        missing = {path for path in files if path not in ours and path.removesuffix(".gz") not in ours}
        assert not missing, f"{name}: the RPM has no {missing}"


def test_versions_agree() -> None:
    text = SPEC.read_text()
    for folder, name in ((paths.DRIVER, "driver_version"), (paths.DRIVER / "vfio-core", "core_version")):
        version = (folder / "dkms.conf").read_text().split('PACKAGE_VERSION="')[1].split('"')[0]
        assert f"%global {name} {version}\n" in text
    version = (paths.ROOT / "meson.build").read_text().split("version: '")[1].split("'")[0]
    assert f"Version:        {version}\n" in text
    assert (paths.ROOT / "debian/changelog").read_text().startswith(f"vferry ({version}) ")
