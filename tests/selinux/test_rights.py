# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what in the linked policy: the golden lists are in docs/security.md and here."""

from __future__ import annotations

import re

import pytest

from policy_tree import BASE, LINKED, TESTS, PolicyTree
from vferry_tests.paths import ROOT

DOCUMENT = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- rights: by tests/selinux/rights.py -->\n", "<!-- end of rights -->"
# What the rules of vferry_guest.te come to: all that is added without naming a type of ours.
FOREIGN = {
    "svirt_t sysfs_t:file": "getattr ioctl lock open read",
    "svirt_t sysfs_t:lnk_file": "getattr read",
    "virtd_t device_t:filesystem": "mount remount unmount",
    "virtd_t devpts_t:filesystem": "mount remount unmount",
    "virtd_t hugetlbfs_t:filesystem": "mount remount unmount",
    "virtd_t lib_t:file": "execute_no_trans",
    "virtd_t svirt_image_t:fifo_file": "ioctl read relabelto write",
    "virtd_t svirt_t:netlink_route_socket":
        "append bind connect create getattr getopt ioctl nlmsg_read read setattr setopt shutdown "
        "write",
    "virtd_t svirt_t:process": "getrlimit setrlimit",
    "virtd_t svirt_t:tcp_socket": "connect create getattr getopt ioctl read setopt shutdown write",
    "virtd_t tmpfs_t:filesystem": "remount unmount",
    "virtd_t vfio_device_t:chr_file": "setattr",
}
TRANSITION = re.compile(r"^Transition \d+: (\S+) -> (\S+)$", re.MULTILINE)


def test_table_in_the_document(linked: PolicyTree) -> None:
    """To bring it up to date, put what this says between the two marks."""
    rights = linked.ask(f"python3 {TESTS}/rights.py {LINKED}")
    text = DOCUMENT.read_text()
    assert text.split(BEGIN)[1].split(END)[0] == rights, f"{DOCUMENT} should say:\n{rights}"


def test_others_gain_nothing_more(linked: PolicyTree) -> None:
    """No right is added that names no type of ours, but those of vferry_guest."""
    told = linked.ask(f"sediff --allow {BASE} {LINKED}; true")
    added = dict(filter(None, map(_gain, told.splitlines())))
    assert added == {rule: set(perms.split()) for rule, perms in FOREIGN.items()}


@pytest.mark.parametrize(("source", "entered"), [
    ("vferry_hook_t", {"vferry_modprobe_t"}),
    ("vferry_arrival_t", set()),
    ("vferry_modprobe_t", set()),
])
def test_ways_out(linked: PolicyTree, source: str, entered: set[str]) -> None:
    """Which domains a program of ours can get to by running something."""
    told = linked.ask(f"sedta -p {LINKED} -s {source}")
    assert {target for _, target in TRANSITION.findall(told)} == entered


def test_no_way_in_for_a_guest(linked: PolicyTree) -> None:
    told = linked.ask(f"sedta -p {LINKED} -s svirt_t")
    assert "vferry" not in told


def test_none_is_permissive(linked: PolicyTree) -> None:
    told = linked.ask(f"seinfo {LINKED} --permissive -x")
    assert "vferry" not in told and "Permissive Types: 0" in told


def _gain(line: str) -> tuple[str, set[str]] | None:
    """A rule and the permissions that are new in it, from a line of sediff."""
    found = re.match(r"\s+([+*]) allow (\S+ \S+) (?:\{ ([^}]*) \}|(\w+));(.*)", line)
    if found is None or "vferry_" in line:
        return None
    sign, rule, several, one, _ = found.groups()
    perms = (several or one).split()
    new = set(perms) if sign == "+" else {perm[1:] for perm in perms if perm[0] == "+"}
    return (rule, new) if new else None
