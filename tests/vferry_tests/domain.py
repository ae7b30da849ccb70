# SPDX-License-Identifier: LGPL-2.1-or-later
"""The libvirt definitions of the guest and of its network devices."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
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


def pci_attributes(address: str) -> str:
    """The attributes of <address> for a PCI address ("0000:01:10.0"), as libvirt writes them."""
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return f"domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'"


def pci_address(attributes: Mapping[str, str]) -> str:
    """The PCI address in the attributes of such an <address>."""
    number = {key: int(attributes[key], 16) for key in ("domain", "bus", "slot", "function")}
    return "{domain:04x}:{bus:02x}:{slot:02x}.{function:x}".format_map(number)


def identity_metadata(alias: str, mac: str) -> str:
    """What a domain's XML says to vferry of a VF: its network, its MAC, and what else it holds."""
    return f"""
  <metadata>
    <vferry:vfs xmlns:vferry='http://vferry.org/xmlns/domain/1.0'>
      <vferry:vf hostdev='{alias}' network='lab' mac='{mac}' trust='yes' spoofchk='no'
                 max-tx-rate='500'/>
    </vferry:vfs>
  </metadata>"""


class ByMac:
    """A network device that libvirt's XML of the domain tells from others by its MAC."""

    mac: str

    @property
    def mark(self) -> str:
        """What only this device has in libvirt's XML of the domain."""
        return f"<mac address='{self.mac}'/>"


@dataclass(frozen=True)
class VF:
    """A passed-through VF: its PCI address in the host ("0000:01:10.0").

    driver: the host driver that libvirt has to take; None lets it choose.
    managed: libvirt binds it; else it has to be bound when the guest gets it.
    alias: what libvirt's XML and vferry's metadata call it ("ua-...").
    """

    address: str
    driver: str | None = None
    managed: bool = True
    alias: str | None = None

    guest_driver = "igbvf"

    @property
    def mark(self) -> str:
        """What only this device has in libvirt's XML of the domain."""
        return pci_attributes(self.address)

    def xml(self) -> str:
        model = f"<driver name='vfio' model='{self.driver}'/>" if self.driver else ""
        alias = f"<alias name='{self.alias}'/>" if self.alias else ""
        return f"""
<hostdev mode='subsystem' type='pci' managed='{"yes" if self.managed else "no"}'>
  {model}
  <source>
    <address {self.mark}/>
  </source>
  {alias}
  <rom enabled='no'/>
</hostdev>"""


@dataclass(frozen=True)
class Virtio(ByMac):
    """A virtio NIC on the same wire, by a macvtap on the PF's interface.

    Without vhost: libvirt does not give its device to a guest whose AppArmor profile was made
    before there was a NIC.
    """

    mac: str
    netdev: str = "pf0"

    guest_driver = "virtio_net"

    def xml(self) -> str:
        return f"""
<interface type='direct'>
  <mac address='{self.mac}'/>
  <source dev='{self.netdev}' mode='bridge'/>
  <model type='virtio'/>
  <driver name='qemu'/>
  <rom enabled='no'/>
</interface>"""


@dataclass(frozen=True)
class Interface(ByMac):
    """A passed-through VF as <interface type='hostdev'>: libvirt sets its MAC and VLAN."""

    address: str
    mac: str
    vlan: int = 0
    managed: bool = True

    guest_driver = "igbvf"

    def xml(self) -> str:
        tag = f"<vlan><tag id='{self.vlan}'/></vlan>" if self.vlan else ""
        return f"""
<interface type='hostdev' managed='{"yes" if self.managed else "no"}'>
  <mac address='{self.mac}'/>
  <source>
    <address type='pci' {pci_attributes(self.address)}/>
  </source>
  {tag}
  <rom enabled='no'/>
</interface>"""


@dataclass(frozen=True)
class Pool(ByMac):
    """A VF out of a libvirt network that is a pool of VFs."""

    network: str
    mac: str

    guest_driver = "igbvf"

    def xml(self) -> str:
        return f"""
<interface type='network'>
  <mac address='{self.mac}'/>
  <source network='{self.network}'/>
  <rom enabled='no'/>
</interface>"""


Device = VF | Interface | Pool | Virtio


def define(name: str = NAME, devices: Sequence[Device] = (), metadata: str = "",
           machine: str = "q35") -> str:
    """The domain: a distribution's kernel, no disk, the agent's channel; network devices if wanted.

    machine: as QEMU names it; "q35" is the newest that the host's QEMU has.

    Debian's kernel has no driver for a VF before the guest's init loads it, so devices may be
    there from the start, as in a definition that stays, or be plugged in.

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
  <name>{name}</name>
  <uuid>{uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.lab.invalid")}</uuid>{metadata}
  <memory unit='MiB'>{MEMORY_MIB}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>
    <kernel>{paths.KERNEL}</kernel>
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
    <serial type='file'><source path='{paths.CONSOLE.format(guest=name)}' append='on'/></serial>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>{"".join(device.xml() for device in devices)}
  </devices>
  <qemu:capabilities><qemu:del capability='cpu-unavailable-features'/></qemu:capabilities>
</domain>
"""
