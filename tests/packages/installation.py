# SPDX-License-Identifier: LGPL-2.1-or-later
"""Packages installed, upgraded, removed and purged in a copy of a lab host's tree."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vferry_lab.image import Image

LIMIT = 900  # seconds; DKMS builds two modules

# Every file with its kind, mode, owner and a link's target, but what is mounted there.
LIST = r"""
list() {
    find / -xdev \( -path /step -o -path /packages -o -path /proc -o -path /dev -o -path /tmp \) -prune \
        -o -printf '%p\t%y %m %U:%G %l\n' | sort > "/out/$1"
}
trap '[ $? = 0 ] || tail -n 20 /var/lib/dkms/*/*/build/make.log >&2' EXIT
"""
# What any installation changes, and dpkg, dkms and libc keep for themselves.
KEPT = ("/var/lib/dpkg/", "/var/log/", "/var/cache/", "/etc/ld.so.cache", "/var/lib/systemd/",
        "/var/lib/dkms/mok", "/step", "/packages", "/out", "/run/lock")
# libsemanage makes it for the first module of that priority, and leaves it; nothing in it is kept.
KEPT_FOLDER = "/var/lib/selinux/default/active/modules/400"


@dataclass(frozen=True)
class Installation:
    """What a script in the tree has left in its folder."""

    folder: Path
    output: str

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def files(self, name: str) -> dict[str, str]:
        """A listing that the script has made: path, and what it is."""
        lines = (line.split("\t") for line in self.text(name).splitlines())
        return {path: rest for path, rest in lines
                if path != KEPT_FOLDER and not path.startswith(KEPT)}


def perform(image: Image, debs: Path, script: str, folder: Path) -> Installation:
    """Run a script in a copy of the image's tree.

    It finds packages in /packages, writes to /out (folder here) and may call
    `list NAME`. It runs with "set -eux"; CommandError if it fails.
    """
    step = folder / "step"
    step.write_text(f"set -eux\nexport DEBIAN_FRONTEND=noninteractive\n{LIST}\n{script}\n")
    done = image.run_in_tree(
        ["sh", "/step"], binds={step: "/step", debs: "/packages", folder: "/out"}, timeout=LIMIT)
    return Installation(folder, done.stdout + done.stderr)
