# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest that the tests share: it boots once, a test that broke it costs a new one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vferry_tests.shared_guest import SharedGuest
from vferry_tests.testbed import Testbed


@pytest.fixture(scope="module")
def keeper(bed: Testbed) -> Iterator[SharedGuest]:
    with SharedGuest(bed) as shared:
        yield shared


@pytest.fixture
def guest(keeper: SharedGuest) -> SharedGuest:
    """A guest with a VF that works, wherever it is at the moment."""
    keeper.repair()
    return keeper
