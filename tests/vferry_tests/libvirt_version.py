# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a host's libvirt can do, by its version."""

from __future__ import annotations

import re

from vferry_lab.errors import LabError
from vferry_lab.host import Host

VARIANT_DRIVERS = (10, 0)  # before, managed='yes' is vfio-pci


def version(host: Host) -> tuple[int, int]:
    """Of its daemon. Raises LabError if it does not say."""
    text = host.run("virsh version --daemon").stdout
    found = re.search(r"Running against daemon: (\d+)\.(\d+)", text)
    if found is None:
        raise LabError(f"{host.name}: virsh version --daemon: {text.strip()!r}")
    return int(found[1]), int(found[2])


def knows_variant_drivers(host: Host) -> bool:
    """Whether it binds VFs to their variant driver by itself; else guests say managed='no'."""
    return version(host) >= VARIANT_DRIVERS
