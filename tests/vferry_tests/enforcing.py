# SPDX-License-Identifier: LGPL-2.1-or-later
"""Enforcing hosts: our policy in them, and what their audit log says was denied."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vferry_lab.host import Host
from vferry_lab.image import Image
from vferry_lab.progress import Progress, silent

from . import artefacts, paths

POLICY = "/etc/selinux/default/policy"
INTRUDER = "/usr/local/bin/intruder"
INTRUDER_POLICY = "/var/lib/intruder.policy"
ALLOWED = paths.TESTS / "lab" / "allowed-denials"

# In the tree of an image, with ours unpacked: the whole policy, and another one for intrusions.
BUILD = f"""
set -e
tar -C / --keep-directory-symlink -xf /in.tar
/usr/share/selinux/packages/vferry/policy install default > /dev/null
cp -r /src /tests
make -s -C /tests -f /usr/share/selinux/devel/Makefile intruder.pp lab_guest.pp
semodule -s default -n -i /tests/lab_guest.pp
tar -C / --exclude=previous -cf /out/policy.tar etc/selinux/default var/lib/selinux/default
semodule -s default -n -D -i /tests/intruder.pp
cp {POLICY}/policy.* /out/intruder.policy
gcc -static -O1 -Wall -Werror -o /out/intruder /src/intruder.c
"""
FIELD = re.compile(r"(\w+)=(\"[^\"]*\"|\S+)")


@dataclass(frozen=True)
class Denial:
    """One AVC denial: types of source and target, class, permissions, and what else it says."""

    source: str
    target: str
    kind: str
    perms: frozenset[str]
    comm: str
    line: str = field(compare=False)

    def __str__(self) -> str:
        return self.line

    @staticmethod
    def parse(line: str) -> Denial:
        perms = re.search(r"denied\s+\{ ([^}]*) \}", line)
        assert perms is not None, line
        fields = {key: value.strip('"') for key, value in FIELD.findall(line)}
        return Denial(
            fields["scontext"].split(":")[2], fields["tcontext"].split(":")[2], fields["tclass"],
            frozenset(perms[1].split()), fields.get("comm", ""), line,
        )


@dataclass(frozen=True)
class Allowed:
    """A line of the list of denials that are none of ours: patterns, and the reason."""

    source: str
    target: str
    kind: str
    perms: frozenset[str]

    def covers(self, denial: Denial) -> bool:
        return (fnmatch.fnmatchcase(denial.source, self.source)
                and fnmatch.fnmatchcase(denial.target, self.target)
                and fnmatch.fnmatchcase(denial.kind, self.kind)
                and denial.perms <= self.perms)

    @staticmethod
    def parse(line: str) -> Allowed:
        words, _, reason = line.partition("#")
        source, target, kind, *perms = words.split()
        assert reason.strip() and perms, f"{ALLOWED}: '{line}' has no reason or no permission"
        return Allowed(source, target, kind, frozenset(perms))


def allowed() -> list[Allowed]:
    """The list of what is not ours."""
    lines = (line.strip() for line in ALLOWED.read_text().splitlines())
    return [Allowed.parse(line) for line in lines if line and not line.startswith("#")]


def avc_denials(host: Host) -> list[Denial]:
    """Every denial since the host's start: of the audit log, and of the kernel's before that."""
    text = host.run(
        "cat /var/log/audit/audit.log 2> /dev/null; journalctl -b -q -o cat --grep 'avc: +denied'",
        check=False,
    ).stdout
    found: dict[str, Denial] = {}
    for line in text.splitlines():
        stamp = re.search(r"audit\((\d+\.\d+:\d+)\)", line)
        if stamp and re.search(r"avc: +denied", line):
            found.setdefault(stamp[1] + line.partition("denied")[2], Denial.parse(line))
    return list(found.values())


def unexpected(denials: Iterable[Denial]) -> list[str]:
    """Those that are on no list, each once."""
    known = allowed()
    found = {denial: str(denial) for denial in denials
             if not any(entry.covers(denial) for entry in known)}
    return list(found.values())


def policy(image: Image, programs: Path, progress: Progress = silent) -> Path:
    """Folder with the policy for hosts of this image, ours in it, and with what intrudes."""
    source = paths.TESTS / "enforcing"

    def build(folder: Path) -> None:
        progress(f"{image.suite}: linking the SELinux policy")
        image.run_in_tree(BUILD, binds={programs: "/in.tar", source: "/src", folder: "/out"},
                          timeout=600)

    return artefacts.cached("policy", image.path.name, [programs, source], build)


def relabel(host: Host, *where: str) -> None:
    """Give files their label; what tar writes has that of its folder."""
    host.run(["restorecon", "-R", "-F", *where], timeout=120)


def label_guest(host: Host) -> None:
    """The guest's kernel and initrd are not where libvirt's policy has such files."""
    host.run(f"chcon -t virt_content_t {paths.KERNEL} {paths.INITRD}")


def install_policy(host: Host, folder: Path) -> None:
    """Put our policy into the running host, and label what it is about."""
    host.copy_to(folder / "policy.tar", to="/var/tmp/policy.tar")
    host.run(
        "tar -C / -xf /var/tmp/policy.tar && rm /var/tmp/policy.tar && load_policy && "
        "restorecon -i -R -F /etc/selinux /var/lib/selinux /etc/vferry /run/vferry "
        "/usr/bin/vferry /usr/sbin/vferry-hook /usr/libexec/vferry /etc/libvirt/hooks "
        "/usr/lib/systemd/system /usr/lib/udev/rules.d "
        "&& systemctl daemon-reexec && systemctl restart libvirtd",
        timeout=300,
    )
