# SPDX-License-Identifier: LGPL-2.1-or-later
"""The driver to build and the trees to build it in."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import kernel_trees  # noqa: E402
from driver_copy import Driver  # noqa: E402
from kernel_trees import KernelTree  # noqa: E402
from vferry_lab import requirements  # noqa: E402

START = time.monotonic()


def progress(text: str) -> None:
    """Told past pytest's capture: a tree takes minutes the first time."""
    if sys.__stderr__ is not None:
        seconds = time.monotonic() - START
        print(f"\n[{seconds:6.1f} s] {text}", file=sys.__stderr__, end="", flush=True)


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    """A copy of the driver for this test alone."""
    return Driver.make(tmp_path / "driver")


@pytest.fixture(scope="session", autouse=True)
def modinfo_is_there() -> None:
    """What a module says of itself is read with kmod's modinfo."""
    requirements.install_missing({"modinfo": "kmod"}, progress)


@pytest.fixture(params=kernel_trees.SUITES)
def tree(request: pytest.FixtureRequest) -> KernelTree:
    """The headers and the compiler of each suite in turn."""
    return kernel_trees.get(request.param, progress)


@pytest.fixture
def source() -> KernelTree:
    """The tree that has a kernel source."""
    return kernel_trees.get(kernel_trees.IN_TREE, progress)
