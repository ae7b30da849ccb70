# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt definitions of the guest and of its network devices."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from . import paths

# What a guest in an emulated host need not do at boot: certificates and
# self-tests cost seconds. A late tick makes the timer check panic.
KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off pci=noearly,lastbus=0 "
    "audit=0 lsm=capability nowatchdog cryptomgr.notests "
    "initcall_blacklist=jent_mod_init,load_system_certificate_list,"
    "bpf_tcp_ca_kfunc_init,bpf_dummy_struct_ops_init,trace_eval_init"
)
NAME = "guest"
MEMORY_MIB = 128
PAGES = (MEMORY_MIB << 20) // 4096
ROOT_PORTS = 4  # the channel takes one; the others are for network devices


@dataclass(frozen=True)
class VF:
    """A passed-through VF: its PCI address in the host ("0000:01:10.0").

    driver: the host driver that libvirt has to take; None lets it choose.
    """

    address: str
    driver: str | None = None

    guest_driver = "igbvf"

    @property
    def mark(self) -> str:
        """What only this device has in libvirt's XML of the domain."""
        domain, bus, rest = self.address.split(":")
        slot, function = rest.split(".")
        return f"domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'"

    def xml(self) -> str:
        model = f"<driver name='vfio' model='{self.driver}'/>" if self.driver else ""
        return f"""
<hostdev mode='subsystem' type='pci' managed='yes'>
  {model}
  <source>
    <address {self.mark}/>
  </source>
  <rom enabled='no'/>
</hostdev>"""


@dataclass(frozen=True)
class Virtio:
    """A virtio NIC on the same wire, by a macvtap on the PF's interface."""

    mac: str
    netdev: str = "pf0"

    guest_driver = "virtio_net"

    @property
    def mark(self) -> str:
        """What only this device has in libvirt's XML of the domain."""
        return f"<mac address='{self.mac}'/>"

    def xml(self) -> str:
        return f"""
<interface type='direct'>
  <mac address='{self.mac}'/>
  <source dev='{self.netdev}' mode='bridge'/>
  <model type='virtio'/>
  <rom enabled='no'/>
</interface>"""


Device = VF | Virtio


def define(kernel_release: str) -> str:
    """The domain: the hosts' own kernel, no disk, no network device, the agent's channel.

    Without the capability libvirt reads the guest's processor from QEMU in words of
    bits. With it, in 470 questions to a monitor that takes in a byte at a time: ten
    seconds of an emulated host for each start and each move.
    """
    ports = "".join(
        f"\n    <controller type='pci' model='pcie-root-port' index='{index}'/>"
        for index in range(1, ROOT_PORTS + 1)
    )
    return f"""\
<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{NAME}</name>
  <uuid>{uuid.uuid5(uuid.NAMESPACE_DNS, f"{NAME}.lab.invalid")}</uuid>
  <memory unit='MiB'>{MEMORY_MIB}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>/boot/vmlinuz-{kernel_release}</kernel>
    <initrd>{paths.INITRD}</initrd>
    <cmdline>{KERNEL_ARGUMENTS}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact' check='none'><model fallback='forbid'>kvm64</model></cpu>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>{ports}
    <serial type='file'><source path='{paths.CONSOLE}' append='on'/></serial>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
  </devices>
  <qemu:capabilities><qemu:del capability='cpu-unavailable-features'/></qemu:capabilities>
</domain>
"""
