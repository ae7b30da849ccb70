# SPDX-License-Identifier: LGPL-2.1-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from vfio_core_kernel import Kernel


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """Debian 13's kernel, as far as the scripts look at it."""
    return Kernel(tmp_path, "6.12.117", "6.12.117+deb13-amd64").write()
