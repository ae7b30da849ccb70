# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hosts of these tests have two processors: threads of the test program really meet."""

from __future__ import annotations

import pytest

from vferry_tests.labs import Labs
from vferry_tests.testbed import Testbed


@pytest.fixture(scope="module")
def bed(labs: Labs) -> Testbed:
    return labs.get("trixie", processors=2)
