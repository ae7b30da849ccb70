# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folder that holds images and running labs, and the locks on what is in it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "VFERRY_LAB_CACHE"
DEFAULT = "/var/cache/vferry-lab"


def folder() -> Path:
    """The cache folder, made private at its first use: it holds keys."""
    path = Path(os.environ.get(VARIABLE) or DEFAULT).absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock of a file; wait for whoever has it."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def try_lock(path: Path, shared: bool = False) -> int | None:
    """Lock a file without waiting; the descriptor holds the lock, None means taken."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock of this file."""
    if not path.exists():
        return False
    descriptor = try_lock(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
