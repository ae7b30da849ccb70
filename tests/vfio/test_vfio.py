# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs vfio-test in a host of the lab: each of its tests is one of pytest's.

The program is built here, at native speed, and is static, so it runs in a host
of any suite. All VFs that igb gives are used: hostile.mutations shares its work
among them.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from vferry_lab import cache
from vferry_lab.host import Host
from vferry_tests import labs, nic
from vferry_tests.testbed import Testbed

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "build" / "vfio-test"
HOST_PROGRAM = "/usr/local/bin/vfio-test"
VFS = 7  # igb's limit
LIMIT = 2000.0  # seconds; the program has its own limit for each test
ACCESS_WITHOUT_MAP = "access"  # the suite that also runs with direct_map=0
FAULTS = "faults."  # a suite for the debug kernel: test_debug_kernel.py

# QEMU (10.0, TCG) sends a register access of one processor to another VF, about one in 50,000,
# while the other processor resets a VF. These suites reset VFs beside busy ones.
ONE_PROCESSOR = ("parallel.", "hostile.")

# What a host may lack; any other skip is a failure.
KNOWN_SKIPS = re.compile(
    r"no dirty log here|this kernel's vfio.ko|this kernel has no PRE_COPY|direct_map is off|"
    r"this kernel forces no failures"
)


@functools.cache
def names() -> list[str]:
    """Names of all tests; builds the program. Both lanes (lanes.py) do so, hence the lock."""
    PROGRAM.parent.mkdir(exist_ok=True)
    with cache.locked(PROGRAM.parent / "lock"):
        subprocess.run(["make", "-s", "-j2", "-C", HERE], check=True)
    listing = subprocess.run([PROGRAM, "--list"], check=True, capture_output=True, text=True)
    return listing.stdout.split()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [name for name in names() if not name.startswith(FAULTS)])


@dataclass(frozen=True)
class Program:
    """vfio-test in a host, its VFs bound."""

    host: Host
    vfs: list[str]

    def run(self, *arguments: str) -> str:
        """Standard output; raises if the host or the program breaks down, not if a test fails."""
        vfs = [word for vf in self.vfs for word in ("--vf", vf)]
        result = self.host.run([HOST_PROGRAM, *arguments, *vfs], timeout=LIMIT, check=False)
        if result.returncode not in (0, 1):
            raise AssertionError(f"vfio-test ended with {result.returncode}: {result.stderr}")
        return result.stdout

    def test(self, *arguments: str) -> None:
        """Run tests by name, suites or (no name) all, and pass on what they say."""
        output = self.run(*arguments)
        print(output)
        failures = re.findall(r"^not ok (.*)$", output, re.MULTILINE)
        skips = re.findall(r"^skip (.*)$", output, re.MULTILINE)
        marker = re.search(r"^vfio-test: (\d+) passed, 0 failed, \d+ skipped$", output, re.MULTILINE)
        assert not failures, "\n".join(failures)
        assert marker, f"no closing line in: {output}"
        unknown = [skip for skip in skips if not KNOWN_SKIPS.search(skip)]
        assert not unknown, "\n".join(unknown)
        if skips and marker[1] == "0":
            pytest.skip("; ".join(skips))


def bind_all(host: Host) -> list[str]:
    """Make the VFs, bind each to our driver; their addresses."""
    nic.create_vfs(host, VFS)
    host.run(["ip", "link", "set", host.pf_netdev, "up"])
    links = host.run(f"cd /sys/bus/pci/devices/{host.pf} && readlink virtfn{{0..{VFS - 1}}}")
    vfs = [Path(link).name for link in links.stdout.split()]
    for vf in vfs:
        nic.bind(host, vf)
    return vfs


@contextmanager
def installed(host: Host) -> Iterator[Program]:
    """The program in a host that has all VFs for a while."""
    names()
    host.copy_to(PROGRAM, to=HOST_PROGRAM)
    host.run("modprobe aer_inject")  # for reset.bus_error
    try:
        yield Program(host, bind_all(host))
    finally:
        nic.create_vfs(host, labs.VFS)
        for index in range(labs.VFS):
            nic.bind(host, nic.vf_address(index))


@pytest.fixture(scope="module")
def program(host: Host) -> Iterator[Program]:
    with installed(host) as ready:
        yield ready


@contextmanager
def one_processor(host: Host) -> Iterator[None]:
    """Leave the host one processor for a while, if it has more."""
    others = "shopt -s nullglob; for cpu in /sys/devices/system/cpu/cpu[1-9]*/online"
    host.run(f"{others}; do echo 0 > $cpu; done")
    try:
        yield
    finally:
        host.run(f"{others}; do echo 1 > $cpu; done")


@pytest.mark.lab
def test_vfio(program: Program, name: str) -> None:
    with one_processor(program.host) if name.startswith(ONE_PROCESSOR) else nullcontext():
        program.test(name)


@pytest.mark.lab
def test_without_direct_map(program: Program) -> None:
    """The module parameter takes BAR0's mapping away; all accesses work without it."""
    host = program.host
    nic.create_vfs(host, 0)
    host.run("rmmod igbvf_vfio_pci && modprobe igbvf_vfio_pci direct_map=0")
    try:
        bind_all(host)
        program.test(ACCESS_WITHOUT_MAP)
        program.test("move.traffic")
    finally:
        nic.create_vfs(host, 0)
        host.run("rmmod igbvf_vfio_pci && modprobe igbvf_vfio_pci")
        bind_all(host)


@pytest.mark.lab
def test_bench(program: Program) -> None:
    """The measurements work; their figures are benchmarks, not tests."""
    bench = json.loads(program.run("bench", "--json", "--rounds", "5"))["bench"]
    print(json.dumps(bench, indent=1))
    assert all(0 < row["min_ns"] <= row["median_ns"] <= row["max_ns"] for row in bench)
    assert {"save, RUNNING to stream", "load, stream to RUNNING"} <= {row["name"] for row in bench}


@pytest.mark.lab
@pytest.mark.matrix
def test_on_stock_kernel(old_bed: Testbed) -> None:
    """Debian 12's 6.1, nothing rebuilt: no PRE_COPY there, all else is the same."""
    host = old_bed.hosts[0]
    with installed(host) as program, one_processor(host):
        program.test("--mutations", "1000")
