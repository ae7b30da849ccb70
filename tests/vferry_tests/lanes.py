# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two lanes of tests at a time: what needs virtual hosts, and all else beside it.

Hosts have one processor each and wait for each other, so a lab leaves half of a machine with
two processors idle. pytest-xdist runs the lanes, each a process of its own.
"""

from __future__ import annotations

import os

import pytest

OPTIONS = ["-n", "2", "--max-worker-restart=0"]
HOSTS = ("tests/vfio/", "tests/lab/")
NICEST = 19


class Lanes:
    """A plugin for pytest: tests with hosts are one piece of work, each other test is one."""

    @staticmethod
    def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
        # Only here: tests that meson runs need no xdist.
        from xdist.scheduler import LoadScopeScheduling  # type: ignore[import]

        class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
            def _split_scope(self, nodeid: str) -> str:
                return "hosts" if needs_hosts(nodeid) else nodeid

        return Scheduling(config, log)


def is_lane(config: pytest.Config) -> bool:
    """Whether this process is one of the lanes; a pytest that one of its tests runs is not."""
    return hasattr(config, "workerinput")


def needs_hosts(nodeid: str) -> bool:
    return nodeid.startswith(HOSTS)


class Lane:
    """A plugin for pytest in a lane: one that begins without hosts leaves them the machine."""

    def __init__(self) -> None:
        self._begun = False

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if not self._begun and not needs_hosts(item.nodeid):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
            os.setpriority(os.PRIO_PROCESS, 0, NICEST)
        self._begun = True
