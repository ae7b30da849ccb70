# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our policy, linked into Debian's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import policy_tree  # noqa: E402
from bad_rules import BAD, TYPES  # noqa: E402
from policy_tree import PolicyTree  # noqa: E402


@pytest.fixture(scope="session")
def linked(tmp_path_factory: pytest.TempPathFactory) -> PolicyTree:
    """Debian 13's policy with ours in it: BASE, LINKED, CONTEXTS and bad.log."""
    tree = policy_tree.get(policy_tree.MAIN, tmp_path_factory.mktemp("policy"))
    tree.link_in_turn(TYPES + "\n".join(BAD))
    return tree
