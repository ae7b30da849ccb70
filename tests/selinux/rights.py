# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what, as Markdown, out of a compiled policy: rights.py POLICY.

Runs in a policy tree, which has setools. docs/security.md holds what it prints:
    ./check tests/selinux/test_rights.py    compares, and says how to bring it up to date
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import setools  # type: ignore[import]

DOMAINS = ("vferry_hook_t", "vferry_provision_t", "vferry_arrival_t", "vferry_modprobe_t",
           "vferry_t")
OBJECTS = ("vferry_pf_sysfs_t", "vferry_vf_sysfs_t", "vferry_drv_sysfs_t", "vferry_etc_t",
           "vferry_runtime_t")
WRITING = {"append", "create", "link", "rename", "setattr", "unlink", "write"}
RELABELLING = {"relabelfrom", "relabelto"}
FILES = {"file", "dir", "lnk_file", "chr_file", "blk_file", "sock_file", "fifo_file"}
# Every domain may write these; a pipe that was handed over is its owner's.
COMMON = {"devtty_t", "null_device_t", "zero_device_t"}


class Rights:
    """The allow rules of a policy, by those who have them; read once, for that takes long."""

    def __init__(self, path: str) -> None:
        policy = setools.SELinuxPolicy(path)
        self._names = {domain: _with_attributes(policy, domain) for domain in (*DOMAINS, *OBJECTS)}
        self._rules = [rule for rule in policy.terules() if isinstance(rule, setools.AVRule)
                       and rule.ruletype == setools.TERuletype.allow]

    def of(self, domain: str) -> list[setools.AVRule]:
        """Rules of a domain, by its own name or an attribute."""
        return [rule for rule in self._rules if str(rule.source) in self._names[domain]]

    def own(self, domain: str) -> int:
        """How many rules name the domain itself."""
        return sum(str(rule.source) == domain for rule in self._rules)

    def on(self, target: str) -> list[setools.AVRule]:
        """Rules about a type of files."""
        return [rule for rule in self._rules if str(rule.target) in self._names[target]
                and str(rule.tclass) == "file"]


def _with_attributes(policy: setools.SELinuxPolicy, name: str) -> set[str]:
    return {name, *map(str, policy.lookup_type(name).attributes())}


def names(found: Iterable[str]) -> str:
    """Sorted, each once, for a cell of a table."""
    return ", ".join(f"`{name}`" for name in sorted(set(found))) or "-"


def condition(rule: setools.AVRule) -> str:
    """What has to be switched on or off for a rule; '' for nothing."""
    try:
        return f" {'if' if rule.conditional_block else 'unless'} {rule.conditional}"
    except setools.exception.RuleNotConditional:
        return ""


def targets(rules: Iterable[setools.AVRule], classes: set[str], perms: set[str]) -> set[str]:
    return {f"{rule.target}{condition(rule)}" for rule in rules
            if str(rule.tclass) in classes and perms & set(rule.perms)}


def domain_row(rights: Rights, domain: str) -> str:
    rules = rights.of(domain)
    written = targets(rules, FILES - {"fifo_file"}, WRITING) - COMMON - {domain}
    capabilities = {f"{perm}{condition(rule)}" for rule in rules
                    if str(rule.tclass) == "capability" for perm in rule.perms}
    sockets = {str(rule.tclass).removesuffix("_socket") for rule in rules
               if str(rule.tclass).endswith("_socket") and "create" in rule.perms
               and str(rule.target) == domain}
    cells = [
        f"`{domain}`", names(written), names(targets(rules, FILES, RELABELLING)),
        names(capabilities), names(sockets), names(targets(rules, {"process"}, {"transition"})),
        str(rights.own(domain)),
    ]
    return f"| {' | '.join(cells)} |"


def object_row(rights: Rights, target: str) -> str:
    def who(perms: set[str]) -> str:
        return names(f"{rule.source}{condition(rule)}" for rule in rights.on(target)
                     if perms & set(rule.perms))

    return f"| `{target}` | {who({'append', 'write'})} | {who(RELABELLING)} |"


def main() -> None:
    rights = Rights(sys.argv[1])
    print("| domain | writes | relabels | capabilities | sockets | enters | rules of its own |")
    print("| --- | --- | --- | --- | --- | --- | ---: |")
    for domain in DOMAINS:
        print(domain_row(rights, domain))
    print("\n| type | who may write a file of it | who may relabel one |")
    print("| --- | --- | --- |")
    for target in OBJECTS:
        print(object_row(rights, target))


if __name__ == "__main__":
    main()
