# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes this folder's modules importable."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
