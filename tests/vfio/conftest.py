# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Debian 13 hosts of these tests have two processors: the program's threads really meet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from vferry_tests.labs import Labs
from vferry_tests.testbed import Testbed


@pytest.fixture(scope="module")
def bed(labs: Labs) -> Iterator[Testbed]:
    yield labs.get("trixie", processors=2)
    labs.check_kernel_logs()
