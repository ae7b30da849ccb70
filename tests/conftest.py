# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures for tests that need hosts. One lab is up at a time; tests of one kind share it.

bed      two Debian 13 hosts with our packages, VFs on our driver (vferry_tests.testbed.Testbed);
         tests/vfio has one of its own, with two processors a host
old_bed  the same with Debian 12's stock kernel
host     the first host of bed
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "lab"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from vferry_lab.host import Host  # noqa: E402
from vferry_tests import lanes  # noqa: E402
from vferry_tests.labs import Labs  # noqa: E402
from vferry_tests.paths import LOGS  # noqa: E402
from vferry_tests.testbed import Testbed  # noqa: E402

LABS = pytest.StashKey[Labs]()
NO_SKIPS = "VFERRY_NO_SKIPS"  # set: what is skipped has failed


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LABS] = Labs()
    if lanes.is_lane(config):
        config.pluginmanager.register(lanes.Lane())


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[LABS].close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is quick and needs no host comes first, other suites' labs last.

    Hosts are used as they are before vferry.conf comes, enforcing ones before intruders come.
    """
    later = {"test_apparmor.py": 2, "test_orchestrators.py": 3, "test_without_hands.py": 4,
             "test_enforcing.py": 5, "test_versions.py": 7, "test_packages.py": 8}

    def band(item: pytest.Item) -> int:
        if item.get_closest_marker("lab") is None:
            return 0
        if "old_bed" in getattr(item, "fixturenames", ()):
            return 6
        return later.get(item.path.name, 1)

    items.sort(key=band)
    if lanes.is_lane(config):
        # A lane is given work in this order, and hosts take longest.
        items.sort(key=lambda item: not lanes.needs_hosts(item.nodeid))


@pytest.fixture(scope="session")
def labs(request: pytest.FixtureRequest) -> Labs:
    return request.config.stash[LABS]


@pytest.fixture(scope="module")
def bed(labs: Labs) -> Iterator[Testbed]:
    yield labs.get("trixie")
    labs.check_kernel_logs()


@pytest.fixture(scope="module")
def old_bed(labs: Labs) -> Iterator[Testbed]:
    yield labs.get("bookworm")
    labs.check_kernel_logs()


@pytest.fixture(scope="module")
def host(bed: Testbed) -> Host:
    return bed.hosts[0]


@pytest.fixture(autouse=True)
def clean_kernel_logs(request: pytest.FixtureRequest, labs: Labs) -> Iterator[None]:
    """No host's kernel may report a defect during a test."""
    yield
    if request.node.get_closest_marker("lab") is not None:
        labs.check_kernel_logs()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep the hosts' logs of a failure in logs/TEST/. Below meson nobody would see a skip."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.skipped and NO_SKIPS in os.environ:
        report.outcome = "failed"
    if report.failed and item.get_closest_marker("lab") is not None:
        folder = LOGS / re.sub(r"[^\w.-]+", "_", f"{item.nodeid}-{report.when}")
        if item.config.stash[LABS].collect_logs(folder):
            report.sections.append(("logs", str(folder)))
