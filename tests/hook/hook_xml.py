# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains as libvirt writes them."""

from __future__ import annotations

from dataclasses import dataclass, field

UUID = "a11ce000-0000-4000-8000-00000000000a"
OTHER_UUID = "b0b00000-0000-4000-8000-00000000000b"
NAMESPACE = "http://vferry.org/xmlns/domain/1.0"
NOVA = ("<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>"
        "<nova:name>x</nova:name></nova:instance>")


def address_of(vf: str) -> str:
    domain, bus, rest = vf.split(":")
    slot, function = rest.split(".")
    return f"<address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>"


def hostdev(vf: str, *, managed: bool = True, model: str | None = None, more: str = "") -> str:
    driver = f"      <driver name='vfio' model='{model}'/>\n" if model else ""
    return (f"    <hostdev mode='subsystem' type='pci' managed='{'yes' if managed else 'no'}'>\n"
            f"{driver}      <source>\n        {address_of(vf)}\n      </source>\n"
            f"{more}    </hostdev>\n")


def interface(vf: str, mac: str = "52:54:00:aa:bb:cc") -> str:
    address = address_of(vf).replace("<address", "<address type='pci'")
    return ("    <interface type='hostdev' managed='yes'>\n"
            f"      <mac address='{mac}'/>\n      <source>\n        {address}\n"
            "      </source>\n      <vlan>\n        <tag id='42'/>\n      </vlan>\n"
            "    </interface>\n")


@dataclass
class Domain:
    """A domain; metadata are the <vferry:vf> elements' attributes."""

    devices: list[str] = field(default_factory=list)
    metadata: list[str] = field(default_factory=list)
    uuid: str = UUID
    name: str = "guest"
    other_metadata: str = ""
    nodes: str = ""
    filling: str = ""

    def text(self) -> str:
        vfs = "".join(f"<vferry:vf {attributes}/>" for attributes in self.metadata)
        memory = f"  <numatune><memory mode='strict' nodeset='{self.nodes}'/></numatune>\n"
        return (
            f"<domain type='kvm'>\n  <name>{self.name}</name>\n  <uuid>{self.uuid}</uuid>\n"
            f"  <metadata>{self.other_metadata}<vferry:vfs xmlns:vferry='{NAMESPACE}'>{vfs}"
            f"</vferry:vfs></metadata>\n{memory if self.nodes else ''}"
            "  <!-- a comment, with & and -> in it -->\n"
            f"  <devices>\n{self.filling}{''.join(self.devices)}"
            "    <graphics type='vnc' passwd='se&amp;cret'/>\n  </devices>\n</domain>\n"
        )


def filling(length: int) -> str:
    """Disks of so many bytes."""
    disk = ("    <disk type='file' device='disk'>\n      <driver name='qemu' type='qcow2'/>\n"
            "      <source file='/var/lib/libvirt/images/disk.qcow2'/>\n"
            "      <target dev='vda' bus='virtio'/>\n    </disk>\n")
    return disk * (length // len(disk) + 1)
