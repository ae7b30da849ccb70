# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a PF holds of its VFs before, while and after a domain has them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from hook_host import Host, qemu_of
from hook_xml import OTHER_UUID, UUID, Domain, hostdev, interface

PF = "0000:01:00.0"
FREE = "00:00:00:00:00:00 0 0 33024 0 1 0 0 0"
GUEST_MAC = "52:54:00:12:34:56"
ALL = (f"hostdev='0' mac='{GUEST_MAC}' vlan='42' vlan-qos='3' trust='yes' spoofchk='no' "
       "link-state='enable' min-tx-rate='10' max-tx-rate='1000'")
IFLA_VF_MAC = 1
IFLA_VF_VLAN_LIST = 12
IFLA_VF_SPOOFCHK = 4
IFLA_VF_RATE = 6
IFLA_VF_TRUST = 9


@dataclass
class Bed:
    """A PF with two VFs, and what its driver holds of them."""

    host: Host
    vfs: list[str]

    def set(self, *lines: str) -> None:
        (self.host.root / "pf-table").write_text("".join(f"{line}\n" for line in lines))

    def held(self) -> list[str]:
        return [line for line in (self.host.root / "pf-table").read_text().splitlines()
                if not line.startswith("refuse")]

    def start(self, xml: str) -> None:
        self.host.hook("prepare", xml).good()
        self.host.hook("started", xml).good()

    def stop(self, xml: str, why: str = "shutdown") -> None:
        self.host.hook("release", xml, why).good()
        assert self.host.claimed() == {}
        assert self.host.journal() == ""


@pytest.fixture
def bed(host: Host) -> Bed:
    library = os.environ.get("VFERRY_PF_KERNEL")
    assert library, "VFERRY_PF_KERNEL must name the library: run `meson test -C build hook`"
    host.preload = Path(library)
    host.configure("[pf lo]\n")
    made = Bed(host, host.add_pf(PF, 2))
    made.set(FREE, FREE)
    return made


@pytest.mark.parametrize("why", ["shutdown", "migrated", "-"])
def test_a_hostdev_gets_all_of_it(bed: Bed, why: str) -> None:
    xml = Domain([hostdev(bed.vfs[1])], [ALL]).text()
    bed.start(xml)
    assert bed.held() == [FREE, f"{GUEST_MAC} 42 3 33024 1 0 1 10 1000"]
    bed.stop(xml, why)
    assert bed.held() == [FREE, FREE]


def test_a_pf_is_set_by_its_uplink_and_no_representor(bed: Bed) -> None:
    for name, port in (("a-vf0", "pf0vf0"), ("a-vf1", "pf0vf1"), ("lo", "p0")):
        (bed.host.devices / PF / "net" / name).mkdir(parents=True, exist_ok=True)
        port_name = bed.host.root / "class/net" / name / "phys_port_name"
        port_name.parent.mkdir(parents=True)
        port_name.write_text(f"{port}\n")
    xml = Domain([hostdev(bed.vfs[1])], [ALL]).text()
    bed.start(xml)
    assert bed.held() == [FREE, f"{GUEST_MAC} 42 3 33024 1 0 1 10 1000"]
    bed.stop(xml)
    assert bed.held() == [FREE, FREE]


def test_what_was_there_is_put_back(bed: Bed) -> None:
    """But for a MAC: a VF's own cannot be told from one that was set."""
    before = "00:00:00:00:00:00 7 1 33024 1 0 2 5 50"
    bed.set(before, FREE)
    xml = Domain([hostdev(bed.vfs[0])], [ALL]).text()
    bed.start(xml)
    bed.stop(xml)
    assert bed.held() == [before, FREE]
    only_mac = Domain([hostdev(bed.vfs[0])], [f"hostdev='0' mac='{GUEST_MAC}'"]).text()
    bed.start(only_mac)
    assert bed.held()[0] == f"{GUEST_MAC} 7 1 33024 1 0 2 5 50"
    bed.stop(only_mac)
    assert bed.held() == [before, FREE]


def test_an_interface_gets_what_libvirt_does_not_set(bed: Bed) -> None:
    """libvirt sets MAC and VLAN after prepare, and takes them back before release."""
    xml = Domain([interface(bed.vfs[0])], ["interface='0' trust='yes' spoofchk='no'"]).text()
    bed.start(xml)
    assert bed.held()[0] == "00:00:00:00:00:00 0 0 33024 1 0 0 0 0"
    bed.set(FREE.replace("00:00:00:00:00:00 0 0 33024 0 1", "52:54:00:aa:bb:cc 42 0 33024 1 0"),
            FREE)
    bed.stop(xml, "migrated")
    assert bed.held()[0] == "52:54:00:aa:bb:cc 42 0 33024 0 1 0 0 0"


@pytest.mark.parametrize("why, forgets", [("migrated", True), ("shutdown", False), ("-", False)])
def test_a_mac_that_the_administrator_set(bed: Bed, why: str, forgets: bool) -> None:
    """Of a guest that is elsewhere the PF must not know; of one that will start here again, may."""
    bed.set(f"{GUEST_MAC} 42 0 33024 0 1 0 0 0", FREE)
    xml = Domain([hostdev(bed.vfs[0])]).text()
    bed.start(xml)
    bed.stop(xml, why)
    assert (bed.held()[0] == FREE) == forgets


@pytest.mark.parametrize("why, forgets", [("migrated", True), ("shutdown", False), ("-", False)])
def test_a_device_that_was_plugged_in(bed: Bed, why: str, forgets: bool) -> None:
    """libvirt calls no hook for that, so there is no claim."""
    bed.set(f"{GUEST_MAC} 0 0 33024 0 1 0 0 0", FREE)
    bed.stop(Domain([hostdev(bed.vfs[0])]).text(), why)
    assert (bed.held()[0] == FREE) == forgets


@pytest.mark.parametrize("started", [True, False], ids=["started", "plugged in"])
@pytest.mark.parametrize("held, why, asked", [
    (FREE, "migrated", True), (FREE, "-", True), (FREE, "shutdown", False),
    (FREE.replace(" 0 0 ", " 42 0 ", 1), "-", False),
])
def test_a_mac_that_the_guest_chose(
    bed: Bed, held: str, why: str, asked: bool, started: bool,
) -> None:
    """The PF says zero after the VF's reset, and may take frames for it all the same.

    libvirt 9 does not say that the guest has migrated; what was set by hand stays there.
    """
    xml = Domain([hostdev(bed.vfs[0])]).text()
    bed.set(held, FREE)
    if started:
        bed.start(xml)
    bed.set(f"refuse {IFLA_VF_MAC}", held, FREE)
    bed.host.hook("release", xml, why).good()
    assert ("refuses" in bed.host.journal()) == asked
    assert bed.held() == [held, FREE]


def test_not_on_a_pf_that_is_not_configured(bed: Bed) -> None:
    held = f"{GUEST_MAC} 42 0 33024 0 1 0 0 0"
    bed.host.configure("")
    bed.set(held, FREE)
    xml = Domain([hostdev(bed.vfs[0])]).text()
    bed.start(xml)
    bed.stop(xml, "migrated")
    assert bed.held()[0] == held


def test_a_refusal_undoes_all(bed: Bed) -> None:
    """The second VF's rate is refused: the first is as before, too."""
    bed.set(f"refuse {IFLA_VF_RATE}", FREE, FREE)
    xml = Domain([hostdev(vf) for vf in bed.vfs],
                 ["hostdev='0' trust='yes' mac='52:54:00:00:00:01'",
                  "hostdev='1' trust='yes' max-tx-rate='10'"]).text()
    line = bed.host.hook("prepare", xml).refused()
    assert f"VF {bed.vfs[1]}: lo: VF 1: the driver refuses rate 0 to 10 Mb/s" in line
    assert bed.held() == [FREE, FREE]
    assert bed.host.claimed() == {}


def test_a_death_between_start_and_release(bed: Bed) -> None:
    """What the first start found is put back, not what the second one did."""
    xml = Domain([hostdev(bed.vfs[0])], [ALL]).text()
    bed.host.hook("prepare", xml).good()
    bed.start(xml)
    bed.stop(xml)
    assert bed.held() == [FREE, FREE]


def test_the_next_domain_finds_it_clean(bed: Bed) -> None:
    first = Domain([hostdev(bed.vfs[0])], [ALL]).text()
    bed.start(first)
    second = Domain([hostdev(bed.vfs[0])], ["hostdev='0' trust='yes'"], uuid=OTHER_UUID).text()
    bed.host.hook("prepare", second).good()
    assert bed.held()[0] == FREE.replace("33024 0", "33024 1")
    assert "which it does not use" in bed.host.journal()
    bed.stop(second)
    assert bed.held() == [FREE, FREE]


def test_a_process_that_nobody_has_claimed_for(bed: Bed) -> None:
    """A device that was plugged in: no hook was called, and its guest must not get another's MAC."""
    other = f"{GUEST_MAC} 0 0 33024 0 1 0 0 0"
    bed.set(other, FREE)
    xml = Domain([hostdev(bed.vfs[0])], ["hostdev='0' mac='52:54:00:00:00:01' trust='yes'"]).text()
    with bed.host.used(bed.vfs[0]) as process:
        line = bed.host.hook("prepare", xml).refused()
    assert f"VF {bed.vfs[0]}: process {process} uses it" in line
    assert bed.held() == [other, FREE]
    assert bed.host.claimed() == {}


def test_a_part_that_is_not_put_back(bed: Bed) -> None:
    """igb sets no rate while its link is down. The VF is not left trusted for that."""
    xml = Domain([hostdev(bed.vfs[0])], [ALL]).text()
    bed.start(xml)
    bed.set(f"refuse {IFLA_VF_RATE}", *bed.held())
    bed.host.hook("release", xml, "shutdown").good()
    assert bed.held()[0] == "00:00:00:00:00:00 0 0 33024 0 1 0 10 1000"
    assert "the driver refuses rate" in bed.host.journal()
    assert bed.host.claimed() == {}


@pytest.mark.parametrize("failing", [IFLA_VF_TRUST, IFLA_VF_SPOOFCHK, IFLA_VF_VLAN_LIST,
                                     IFLA_VF_MAC])
def test_a_part_that_the_next_guest_must_not_have(bed: Bed, failing: int) -> None:
    """The claim stays, so that it is tried again before anybody gets the VF."""
    xml = Domain([hostdev(bed.vfs[0])], [ALL]).text()
    bed.start(xml)
    bed.set(f"refuse {failing}", *bed.held())
    bed.host.hook("release", xml, "shutdown").good()
    assert "and stays claimed until it is" in bed.host.journal()
    assert bed.host.claimed() == {bed.vfs[0]: "running"}
    second = Domain([hostdev(bed.vfs[0])], uuid=OTHER_UUID).text()
    assert bed.vfs[0] in bed.host.hook("prepare", second).refused()
    bed.set(*bed.held())
    bed.host.hook("prepare", second).good()
    assert bed.held() == [FREE, FREE]
    assert bed.host.claimed() == {bed.vfs[0]: "bound"}


def test_a_process_that_has_not_ended_yet(bed: Bed) -> None:
    """libvirt gives up on a QEMU that hangs; what it has is put back once it is gone."""
    xml = Domain([hostdev(bed.vfs[0])], [ALL]).text()
    bed.start(xml)
    with bed.host.used(bed.vfs[0]), qemu_of(UUID):
        bed.host.hook("release", xml, "shutdown").good()
        assert bed.host.claimed() == {bed.vfs[0]: "running"}
    second = Domain([hostdev(bed.vfs[0])], uuid=OTHER_UUID).text()
    bed.host.hook("prepare", second).good()
    assert bed.held() == [FREE, FREE]


def test_a_mac_that_the_guest_chose_and_no_release(bed: Bed) -> None:
    """The PF is asked to forget it, too, when the claim is dropped as stale."""
    xml = Domain([hostdev(bed.vfs[0])]).text()
    bed.start(xml)
    bed.set(f"refuse {IFLA_VF_MAC}", FREE, FREE)
    bed.host.hook("prepare", Domain([hostdev(bed.vfs[0])], uuid=OTHER_UUID).text()).good()
    assert "the driver refuses MAC" in bed.host.journal()


def test_a_pf_without_a_network_interface(host: Host) -> None:
    vf, = host.add_pf(PF, 1, interface=None)
    host.configure(f"[pf {PF}]\n")
    xml = Domain([hostdev(vf)], [ALL]).text()
    assert f"VF {vf}: PF {PF} has no network interface" in host.hook("prepare", xml).refused()
    assert host.claimed() == {}
