# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where things are in the source tree and in the hosts."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = ROOT / "tests"
DRIVER = ROOT / "driver"
LOGS = ROOT / "logs"

# In a host.
GUEST = "/var/lib/vferry-guest"
KERNEL = f"{GUEST}/vmlinuz"
INITRD = f"{GUEST}/initrd"
CONSOLE = "/var/log/libvirt/qemu/{guest}-console.log"  # among the logs that a lab collects
HOST_STATUS = "/sys/kernel/debug/igbvf_vfio_pci/{address}/status"
CONFIG = "/etc/vferry/vferry.conf"
