# SPDX-License-Identifier: LGPL-2.1-or-later
"""What of a host may grow with each migration, and must not: descriptors, claims, memory."""

from __future__ import annotations

from collections.abc import Mapping

from vferry_lab.host import Host

LIBVIRT = "libvirtd's descriptors"
CLAIMS = "claims"
VFS_OPEN = "VFs open on igbvf_vfio_pci"
DOMAINS = "domains running"
KERNEL = "kernel memory, KiB"

# Of the kernel's memory what it cannot give back when it is asked to.
KERNEL_KEYS = "SUnreclaim|KernelStack|VmallocUsed|Percpu"
SCRIPT = rf"""
echo "{LIBVIRT}: $(ls /proc/$(pidof libvirtd)/fd | wc -l)"
echo "{CLAIMS}: $(ls /run/vferry/claims | wc -l)"
echo "{VFS_OPEN}: $(cat /sys/module/igbvf_vfio_pci/refcnt)"
echo "{DOMAINS}: $(virsh -q list --name | grep -c .)"
echo "{KERNEL}: $(awk '/^({KERNEL_KEYS}):/ {{ sum += $2 }} END {{ print sum }}' /proc/meminfo)"
"""

# libvirt keeps a connection or two to where it migrated last.
SPARE = {LIBVIRT: 4}
# An emulated host's caches of per-processor pages, and what its log of a step takes.
KERNEL_SPARE_KIB, KERNEL_STEP_KIB = 8192, 32


def look(host: Host) -> dict[str, int]:
    """Numbers by what they count; to be compared while the same guests are where they were."""
    return parse(host.run(SCRIPT).stdout)


def parse(text: str) -> dict[str, int]:
    lines = (line.rpartition(": ") for line in text.splitlines())
    return {name: int(value) for name, _, value in lines}


def leaks(before: Mapping[str, int], after: Mapping[str, int], steps: int) -> list[str]:
    """What has grown, in words, by more than so many steps excuse."""
    allowed = {**SPARE, KERNEL: KERNEL_SPARE_KIB + KERNEL_STEP_KIB * steps}
    return [f"{name}: {before[name]} before, {value} after"
            for name, value in after.items() if value > before[name] + allowed.get(name, 0)]
