# SPDX-License-Identifier: LGPL-2.1-or-later
"""Others who choose VFs: Nova, by libvirt's API; libvirt, out of a network of VFs.

The two hosts' PFs have different PCI addresses, so no VF of one has the address of one of the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from vferry_lab.errors import CommandError
from vferry_lab.host import Host
from vferry_tests import nic
from vferry_tests.domain import VF, Pool, pci_address, pci_attributes
from vferry_tests.guest import PLAIN, Guest
from vferry_tests.labs import Labs
from vferry_tests.testbed import Testbed, config
from vferry_tests.traffic import Ping

pytestmark = pytest.mark.lab

CONFIG = config(vfs=4)
NAME = "instance"
ADDRESS = "192.0.2.140"
MAC = "52:54:00:c0:00:81"
EXAMPLE = "/usr/share/doc/vferry/examples/migrate-by-api.py"
NETWORK = "lab"  # its name, and that of the physical network
# virt-aa-helper lets only guests with a <hostdev> at VFIO's groups: docs/orchestrators.md.
APPARMOR = "/etc/apparmor.d/local/abstractions/libvirt-qemu"
METADATA = """
  <metadata>
    <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
      <nova:name>instance</nova:name>
    </nova:instance>
  </metadata>"""


@pytest.fixture(scope="module")
def bed(labs: Labs) -> Iterator[Testbed]:
    """Two hosts whose PFs differ in address, each with four VFs on our driver."""
    bed = labs.get("trixie", apart=True)
    labs.configure(bed, CONFIG)
    assert bed.hosts[0].pf != bed.hosts[1].pf
    yield bed
    labs.check_kernel_logs()


@pytest.fixture
def instance(bed: Testbed) -> Iterator[Guest]:
    """As Nova defines one: its metadata, and a VF that libvirt does not bind."""
    first = VF(vf(bed.hosts[0], 1), managed=False)
    with Guest.between(bed.hosts, [first], NAME, METADATA) as guest:
        guest.configure(guest.netdev(VF.guest_driver), ADDRESS)
        yield guest


def test_novas_choice_is_respected(bed: Testbed, instance: Guest) -> None:
    """There and back, each time to a VF that is not the first free one."""
    with Ping(bed.peer, ADDRESS) as ping:
        ping.wait_reply()
        for target in (bed.hosts[1], bed.hosts[0]):
            chosen = vf(target, 2)
            move_by_api(instance, target, chosen)
            assert instance.vf_address() == chosen
            assert defined_vf(instance) == chosen
            ping.wait_reply()


def test_novas_vf_is_taken(bed: Testbed, instance: Guest) -> None:
    """Refused, not replaced by a free one: Nova's database would be wrong. It stays and works."""
    target = bed.hosts[1]
    chosen = vf(target, 2)
    other = Guest.create(target, [VF(chosen, managed=False)], "other")
    try:
        with Ping(bed.peer, ADDRESS) as ping:
            with pytest.raises(CommandError) as refused:
                move_by_api(instance, target, chosen)
            assert "Nova" in refused.value.stderr and chosen in refused.value.stderr
            assert instance.host.run(["virsh", "domstate", NAME]).stdout.strip() == "running"
            ping.wait_reply()
    finally:
        other.destroy()


def test_network_of_each_hosts_own_vfs(bed: Testbed) -> None:
    """vferry export makes it on each host; the domain says its name, and no address."""
    try:
        for host in bed.hosts:
            host.run("vferry export libvirt-network > /var/tmp/network.xml && "
                     "virsh -q net-create /var/tmp/network.xml")
            xml = host.run(["virsh", "-q", "net-dumpxml", NETWORK]).stdout
            assert f"<driver model='{nic.VARIANT_DRIVER}'/>" in xml
            assert apparmor(host) == "warning"
            host.run(f"mkdir -p $(dirname {APPARMOR}) && echo '/dev/vfio/[0-9]* rw,' >> {APPARMOR}")
            assert apparmor(host) == "ok"
        with Guest.between(bed.hosts, [Pool(NETWORK, MAC)], NAME) as guest, \
                Ping(bed.peer, ADDRESS) as ping:
            guest.configure(guest.netdev(VF.guest_driver), ADDRESS)
            for target in (bed.hosts[1], bed.hosts[0]):
                guest.migrate(target, *PLAIN)
                assert pf_of(target, network_vf(guest)) == target.pf
                assert nic.driver_of(target, network_vf(guest)) == nic.VARIANT_DRIVER
                ping.wait_reply()
    finally:
        for host in bed.hosts:
            host.run(f"virsh -q net-destroy {NETWORK}; sed -i /vfio/d {APPARMOR}", check=False)


def vf(host: Host, index: int) -> str:
    """PCI address of that VF of the host."""
    return nic.vf_address(index, host.pf)


def apparmor(host: Host) -> str:
    """What doctor thinks of AppArmor, with a network of VFs."""
    told = json.loads(host.run(["vferry", "doctor", "--json"], check=False).stdout)
    [look] = [look for look in told["looks"] if look["about"] == "AppArmor"]
    return str(look["level"])


def move_by_api(guest: Guest, target: Host, chosen: str) -> None:
    """As Nova migrates: its own XML for the destination, through libvirt's API."""
    guest.host.run(
        ["python3", EXAMPLE, "--migrate-uri", f"tcp://{target.mgmt_address}", guest.name,
         f"qemu+ssh://{target.name}/system", f"{guest.vf_address()}={chosen}"], timeout=300)
    guest.host = target


def defined_vf(guest: Guest) -> str:
    """The VF in its definition, as soon as vferry-arrival has seen to it."""
    live = guest.vf_address()
    guest.host.run(f"until virsh -q dumpxml --inactive {guest.name} | "
                   f"grep -qF \"{pci_attributes(live)}\"; do sleep 0.5; done", timeout=120)
    return live


def network_vf(guest: Guest) -> str:
    """The VF that libvirt took out of the network for it."""
    xml = guest.host.run(["virsh", "-q", "dumpxml", guest.name]).stdout
    address = ElementTree.fromstring(xml).find("devices/interface/source/address")
    if address is None:  # libvirt shows what it took in its status file only
        status = guest.host.run(["cat", f"/run/libvirt/qemu/{guest.name}.xml"]).stdout
        address = ElementTree.fromstring(status).find(".//actual//source/address")
    assert address is not None
    return pci_address(address.attrib)


def pf_of(host: Host, address: str) -> str:
    """PCI address of a VF's PF."""
    return host.run(f"basename $(readlink /sys/bus/pci/devices/{address}/physfn)").stdout.strip()
