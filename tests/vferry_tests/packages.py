# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian packages of this source, built in a tree with what debian/control asks for and no more."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from vferry_lab.host import Host
from vferry_lab.progress import Progress, silent

from . import paths, suite_tree
from .artefacts import cached, ignored
from .suite_tree import SuiteTree

SUITES = ("bookworm", "trixie", "forky")
NAMES = ("vferry", "igbvf-vfio-pci-dkms", "vfio-dirty-log-dkms", "vferry-selinux")

# What the packages are made of.
SOURCES = ("LICENSES", "debian", "docs", "driver", "lib", "libvirt-hooks", "man", "meson.build",
           "meson_options.txt", "selinux", "tools", "udev")
TOOLS = {suite: {"build-essential", "dpkg-dev", "lintian"} for suite in SUITES}
TOOLS["trixie"] |= {"faketime", "rpm", "rpmlint"}  # for tests that one suite is enough for
BUILD = "dpkg-buildpackage -us -uc"
LIMIT = 1200  # seconds of a build; one minute on an idle machine


def tree(suite: str, progress: Progress = silent) -> SuiteTree:
    """Where the packages of a suite are built and looked at."""
    return suite_tree.get("packages", suite, TOOLS[suite] | build_depends(), progress)


def build_depends(control: str | None = None) -> set[str]:
    """Names out of Build-Depends of debian/control; of alternatives the first."""
    text = control if control is not None else (paths.ROOT / "debian/control").read_text()
    field = re.search(r"^Build-Depends:((?:.*\n)(?:[ \t].*\n)*)", text, re.M)
    assert field is not None
    return {item.split()[0] for item in field[1].split(",") if item.strip()}


def copy_source(folder: Path) -> None:
    """What the packages are made of, without what was built there."""
    for name in SOURCES:
        source = paths.ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder)


def build(suite: str, progress: Progress = silent) -> Path:
    """Folder with the packages of a suite (*.deb, *.dsc, *.changes), and build.log; cached."""
    where = tree(suite, progress)

    def make(out: Path) -> None:
        progress(f"{suite}: building the packages")
        run(where, BUILD, out)

    sources = [path for name in SOURCES if (path := paths.ROOT / name).exists()]
    return cached("debs", where.root.parent.name, sources, make)


def run(where: SuiteTree, command: str, out: Path, source: str = "/build/vferry") -> None:
    """Run a command that builds packages in a copy of the source, and keep what it made in out.

    source: where the copy is, inside the tree. Raises CommandError; build.log is in out then, too.
    """
    with tempfile.TemporaryDirectory() as work:
        copy_source(Path(work))
        where.run(
            f"mkdir -p {source} && cp -r /src/. {source}/ && cd {source} "
            f"&& {{ {command}; }} > /out/build.log 2>&1 || {{ tail -n 40 /out/build.log; exit 1; }}; "
            "cd .. && find . -maxdepth 1 -type f -exec cp --preserve=timestamps {} /out/ ';'",
            binds={work: "/src", out: "/out"}, timeout=LIMIT,
        )


def find(folder: Path, name: str) -> Path:
    """The .deb of that name in a folder."""
    found = list(folder.glob(f"{name}_*.deb"))
    assert len(found) == 1, f"{folder} has {len(found)} packages {name}"
    return found[0]


def installed(host: Host) -> str:
    """Ours that a host has, a line each: name and version."""
    found = host.run(["dpkg-query", "-W", "-f", "${Package;-22} ${Version}\n", *NAMES],
                     check=False)
    return found.stdout


def with_version(package: Path, version: str, folder: Path) -> Path:
    """The same package with another version, in folder: one to come from, or to go to."""
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["dpkg-deb", "-R", package, work], check=True)
        control = Path(work, "DEBIAN/control")
        control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(),
                                  flags=re.M))
        name, _, architecture = package.name.split("_")
        target = folder / f"{name}_{version}_{architecture}"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", work, target], check=True,
                       stdout=subprocess.DEVNULL)
    return target
