# SPDX-License-Identifier: LGPL-2.1-or-later
"""The policy builds and links with every assertion checked, and what it must not allow does not.

That it does on Debian 13 is what the fixture `linked` has found.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import policy_tree
from bad_rules import BAD
from policy_tree import PolicyTree


@pytest.mark.matrix
@pytest.mark.parametrize("suite", policy_tree.OTHERS)
def test_other_suites(suite: str, tmp_path: Path) -> None:
    policy_tree.get(suite, tmp_path).link()


def test_bad_rules_are_caught(linked: PolicyTree) -> None:
    """Every one of them: the assertions are really checked."""
    told = (linked.out / "bad.log").read_text()
    missed = [rule for rule in BAD if _as_cil(rule) not in told]
    assert not missed, f"not caught: {missed}\n{told}"


def _as_cil(rule: str) -> str:
    """How semodule names it: (allow S T (file (write)))."""
    source, target, right = rule.removeprefix("allow ").rstrip(";").split()
    name, kind = target.split(":")
    return f"(allow {source} {name} ({kind} ({right})))"
