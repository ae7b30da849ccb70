# SPDX-License-Identifier: LGPL-2.1-or-later
"""The driver on a kernel that looks for mistakes (KASAN, lockdep, kmemleak, UBSAN and more).

What that kernel reports during a test is a failure: see clean_kernel_logs in tests/conftest.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from test_vfio import ONE_PROCESSOR, Program, installed, names, one_processor

from vferry_tests import debug_kernel, nic
from vferry_tests.labs import Labs
from vferry_tests.testbed import Testbed

pytestmark = [pytest.mark.lab, pytest.mark.matrix]

SUITES = list(dict.fromkeys(name.split(".")[0] for name in names()))
SLOWNESS = 5
MUTATIONS = 500
ENTRIES = {"probe", "remove", "open_device", "device_ioctl", "set_state", "save_read",
           "save_ioctl", "resume_write", "log_start", "log_read_and_clear", "igbvfio_write"}


@pytest.fixture(scope="module")
def debug_bed(labs: Labs) -> Iterator[Testbed]:
    bed = labs.get(debug_kernel.SUITE, processors=2, debug=True)
    assert not debug_kernel.disabled(bed.hosts[0])
    yield bed
    labs.check_kernel_logs()


@pytest.fixture(scope="module")
def debug_program(debug_bed: Testbed) -> Iterator[Program]:
    with installed(debug_bed.hosts[0]) as ready:
        yield ready


@pytest.mark.parametrize("suite", SUITES)
def test_suite(debug_program: Program, suite: str) -> None:
    alone = f"{suite}." in ONE_PROCESSOR
    with one_processor(debug_program.host) if alone else nullcontext():
        debug_program.test("--slowness", str(SLOWNESS), "--mutations", str(MUTATIONS), suite)


def test_failures_were_everywhere(debug_program: Program) -> None:
    """Each way into the driver that allocates has had its failures."""
    ways = debug_kernel.forced_failures(debug_program.host.kernel_log())
    print("\n".join(f"{count:5} {way}" for way, count in ways.most_common()))
    functions: Counter[str] = Counter()
    for way, count in ways.items():
        functions.update({name: count for name in way.split(" < ")})
    assert not ENTRIES - set(functions), functions


def test_nothing_is_lost(debug_bed: Testbed) -> None:
    """Last: no memory of the driver's is left over, and the checkers are still at work."""
    for host in debug_bed.hosts:
        leaks = debug_kernel.leaks(host)
        print(f"{host.name}: {len(leaks)} unreferenced objects")
        assert not [leak for leak in leaks if nic.VARIANT_DRIVER in leak]
        assert not debug_kernel.disabled(host)
