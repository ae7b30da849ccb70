# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest that the tests share: it boots once, a test that broke it costs a new one."""

from __future__ import annotations

import pytest

from vferry_tests.labs import Labs
from vferry_tests.shared_guest import SharedGuest
from vferry_tests.testbed import Testbed


@pytest.fixture
def guest(labs: Labs, bed: Testbed) -> SharedGuest:
    """A guest with a VF that works, wherever it is at the moment."""
    shared = labs.guest(bed)
    shared.repair()
    return shared
