# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's own tests of VFIO say the same of our driver as of vfio-pci.

They map each region that can be mapped as a whole and ask for no areas, so our driver is told to
let nothing be mapped; with areas they would end before their first test.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vferry_lab.host import Host
from vferry_tests import nic, selftests
from vferry_tests.labs import Labs

pytestmark = [pytest.mark.lab, pytest.mark.matrix]

VF = nic.vf_address(0)
PASSED = 15  # at least; huge pages, MSI and the like are skipped
# What vfio_iommu_type1 of these kernels, older than the tests, cannot do for any driver.
NOT_YET = {f"vfio_dma_mapping_test:vfio_dma_map_limit_test.{mode}.overflow"
           for mode in ("vfio_type1_iommu", "vfio_type1v2_iommu")}


def test_same_as_vfio_pci(labs: Labs, host: Host) -> None:
    selftests.install(host, selftests.build(labs.progress))
    with bound(host, "vfio-pci"):
        usual = selftests.run(host, VF)
    with bound(host, nic.VARIANT_DRIVER, "direct_map=0"):
        ours = selftests.run(host, VF)
    print("\n".join(f"{result:<8}{name}" for name, result in ours.items()))
    assert ours == usual
    assert {name for name, result in ours.items() if result == "not ok"} <= NOT_YET
    assert list(ours.values()).count("ok") >= PASSED


@contextmanager
def bound(host: Host, driver: str, *parameters: str) -> Iterator[None]:
    """The VF on a driver that is loaded anew with parameters; all VFs on ours again afterwards."""
    vfs = host.run(f"cd /sys/bus/pci/drivers/{nic.VARIANT_DRIVER} && ls -d 0000:*").stdout.split()
    host.run(["modprobe", "-r", nic.VARIANT_DRIVER])
    host.run(["modprobe", driver.replace("-", "_"), *parameters])
    nic.bind(host, VF, driver)
    try:
        yield
    finally:
        host.run(f"echo {VF} > /sys/bus/pci/devices/{VF}/driver/unbind; "
                 f"modprobe -r {nic.VARIANT_DRIVER}; modprobe {nic.VARIANT_DRIVER}")
        for vf in vfs:
            nic.bind(host, vf)
