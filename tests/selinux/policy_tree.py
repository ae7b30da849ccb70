# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's reference policy of each suite, with what builds, links and queries policies."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from vferry_tests import suite_tree
from vferry_tests.paths import ROOT
from vferry_tests.suite_tree import SuiteTree

MAIN = "trixie"
OTHERS = ("bookworm", "forky")
PACKAGES = (
    "bash", "checkpolicy", "coreutils", "dash", "diffutils", "findutils", "gawk", "grep",
    "libc-bin", "m4", "make", "policycoreutils", "sed", "selinux-policy-default",
    "selinux-policy-dev", "semodule-utils",
)
QUERYING = ("python3-setools", "setools")
MODULES = ("vferry", "vferry_guest", "vferry_libvirt", "vferry_roles")

# Inside the tree.
SOURCES = "/src/selinux"
TESTS = "/src/tests"
OUT = "/out"
BASE = f"{OUT}/base"  # Debian's policy
LINKED = f"{OUT}/policy"  # the same with ours
CONTEXTS = f"{OUT}/file_contexts"

OURS = " ".join(f"-i {OUT}/{name}.pp" for name in MODULES)
STOCK = "$(printf ' -i %s' /usr/share/selinux/default/*.pp.bz2)"
# semodule checks neverallow only where its configuration says so, and the Makefile not at all.
PREPARE = f"""
set -e
ln -sf gawk /usr/bin/awk
printf 'module-store = direct\\nexpand-check = 1\\n' > /etc/selinux/semanage.conf
printf 'SELINUXTYPE=default\\n' > /etc/selinux/config
mkdir -p /var/lib/selinux/default
{SOURCES}/build {SOURCES} {" ".join(f"{OUT}/{name}.pp" for name in MODULES)}
"""
INSTALL = "semodule -s default -n"
KEEP = "cp /etc/selinux/default/policy/policy.*"
# First without ours, then with a module that must not pass, then with ours alone.
LINK_IN_TURN = f"""
{INSTALL} {STOCK}
{KEEP} {BASE}
mkdir /bad && cp {OUT}/bad.te {SOURCES}/vferry.if /bad
make -s -C /bad -f /usr/share/selinux/devel/Makefile bad.pp
! {INSTALL} {OURS} -i /bad/bad.pp 2> {OUT}/bad.log
{INSTALL} {OURS}
{KEEP} {LINKED}
cp /etc/selinux/default/contexts/files/file_contexts {CONTEXTS}
"""
START = time.monotonic()


def progress(text: str) -> None:
    """Told past pytest's capture: a tree takes a minute the first time."""
    if sys.__stderr__ is not None:
        seconds = time.monotonic() - START
        print(f"\n[{seconds:6.1f} s] {text}", file=sys.__stderr__, end="", flush=True)


@dataclass(frozen=True)
class PolicyTree:
    """A suite's tree, and a folder of this machine that is OUT in it."""

    tree: SuiteTree
    out: Path

    def run(self, command: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a shell line in a private view of the tree; the exit status is the caller's."""
        binds: dict[str | Path, str] = {
            ROOT / "selinux": SOURCES, ROOT / "tests/selinux": TESTS, self.out: OUT,
        }
        return self.tree.run(command, binds, timeout, check=False)

    def ask(self, command: str) -> str:
        """The output of a command that has to succeed."""
        result = self.run(command)
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        return result.stdout

    def link(self) -> None:
        """Build our modules and link them into the suite's policy, assertions checked."""
        self.ask(f"{PREPARE}{INSTALL} {STOCK} {OURS}\n{KEEP} {LINKED}")

    def link_in_turn(self, bad: str) -> None:
        """The same, and before that without ours, and with a module that must not pass.

        What is said of the module is then in bad.log.
        """
        (self.out / "bad.te").write_text(f"policy_module(bad, 1.0)\n{bad}\n")
        self.ask(PREPARE + LINK_IN_TURN)


def get(suite: str, out: Path) -> PolicyTree:
    """The tree of a suite, built if the cache has none; out is where its results go."""
    packages = PACKAGES + QUERYING if suite == MAIN else PACKAGES
    tree = suite_tree.get("policy", suite, packages, progress, configured=False)
    return PolicyTree(tree, out)
