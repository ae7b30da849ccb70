# SPDX-License-Identifier: LGPL-2.1-or-later
"""The QEMU that is a host: q35 with an IOMMU, an igb with SR-IOV and a virtio-net."""

from __future__ import annotations

import uuid

from . import addresses, network

# Folders of the lab as QEMU sees them in its chroot.
STATE = "/run/lab/state"

PF = "0000:01:00.0"  # where the igb's physical function is in a host
PF_APART = "0000:03:00.0"  # and in the other hosts, if they are to differ from host 1

KERNEL_ARGUMENTS = (
    "root=/dev/vda rw console=ttyS0 intel_iommu=on panic=-1 log_buf_len=4M "
    # On a busy machine ticks come late: do not take that for a broken timer or a hung host.
    "no_timer_check watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120 "
    # Nor for a bad TSC: the clock to fall back to, emulated, slows a guest inside to a fraction.
    "tsc=reliable systemd.default_device_timeout_sec=900 "
    # Page-table isolation and the like cost a multiple under emulation and guard nothing here.
    "mitigations=off systemd.show_status=no"
)


# Debian's kernel starts AppArmor unless it is told.
SELINUX_ARGUMENTS = "security=selinux selinux=1"


def image(number: int) -> str:
    """Folder of a host's image."""
    return f"/run/lab/images/{addresses.host_name(number)}"


def host_uuid(number: int) -> uuid.UUID:
    """The same at each start; libvirt refuses to migrate between hosts of one UUID."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{addresses.host_name(number)}.lab.invalid")


def pf(number: int, apart: bool) -> str:
    """PCI address of a host's PF: everywhere the same, unless they are to be apart."""
    return PF_APART if apart and number > 1 else PF


def command_line(
    number: int, memory_mib: int, processors: int, selinux: bool = False, apart: bool = False
) -> list[str]:
    """The argument vector of a host's QEMU, to be run in the trixie tree."""
    port = int(pf(number, apart).split(":")[1])
    name = addresses.host_name(number)
    own, booted = f"{STATE}/{name}", image(number)
    machine_id = host_uuid(number).hex
    arguments = f"{KERNEL_ARGUMENTS} systemd.hostname={name} systemd.machine_id={machine_id}"
    if selinux:
        arguments += f" {SELINUX_ARGUMENTS}"
    return [
        "qemu-system-x86_64", "-name", f"{name},debug-threads=on", "-uuid", str(host_uuid(number)),
        "-no-user-config", "-nodefaults", "-display", "none",
        "-sandbox", "on,obsolete=deny,spawn=deny",
        "-machine", "q35,kernel-irqchip=off",
        "-accel", "tcg,thread=multi,tb-size=512",
        # With SVM and nested paging a host runs guests under KVM: the guest's code is translated
        # once, here, and not by an emulator inside an emulator.
        "-cpu", "qemu64,+svm,+npt",
        "-smp", str(processors), "-m", str(memory_mib),
        "-device", "intel-iommu,intremap=on",
        "-kernel", f"{booted}/vmlinuz", "-initrd", f"{booted}/initrd", "-append", arguments,
        # A snapshot: what the host writes goes to a file without a name in TMPDIR.
        "-drive", f"file={booted}/host.img,format=raw,if=none,id=disk,snapshot=on,"
                  "cache=unsafe,discard=unmap",
        "-device", "virtio-blk-pci,drive=disk",
        "-object", "rng-random,id=rng,filename=/dev/urandom",
        "-device", "virtio-rng-pci,rng=rng",
        "-device", "pcie-root-port,id=port1,slot=1",
        # No vnet_hdr: frames leave the igb as a card would send them, cut and with checksums.
        "-netdev", f"tap,id=wire,ifname={network.tap(number, 'wire')},script=no,downscript=no,"
                   "vnet_hdr=off",
        "-device", "pcie-root-port,id=port2,slot=2",
        "-device", "pcie-root-port,id=port3,slot=3",
        "-device", f"igb,bus=port{port},id=igb,netdev=wire,"
                   f"mac={addresses.host_mac(number, 'wire')},romfile=",
        "-netdev", f"tap,id=mgmt,ifname={network.tap(number, 'mgmt')},script=no,downscript=no",
        "-device", "virtio-net-pci,bus=port2,id=net,netdev=mgmt,"
                   f"mac={addresses.host_mac(number, 'mgmt')},romfile=",
        "-chardev", f"file,id=console,path={own}/console.log",
        "-serial", "chardev:console",
        "-qmp", f"unix:{own}/qmp.sock,server=on,wait=off",
    ]
