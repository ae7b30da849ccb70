# SPDX-License-Identifier: LGPL-2.1-or-later
"""One line a step, with the seconds since the start, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Progress = Callable[[str], None]


def to_stderr() -> Progress:
    """A progress that prints each step with the time since this call."""
    start = time.monotonic()

    def report(text: str) -> None:
        print(f"[{time.monotonic() - start:6.1f} s] {text}", file=sys.stderr, flush=True)

    return report


def silent(text: str) -> None:
    """The progress of callers who do not watch."""
