# SPDX-License-Identifier: LGPL-2.1-or-later
"""A domain that comes: which VFs it gets, and what its XML looks like then."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hook_host import MELLANOX, OURS, Host
from hook_kernel import Kernel
from hook_xml import (
    NOVA, OTHER_UUID, UUID, Domain, address_of, hostdev, interface,
)

PF, PF2, PF3 = "0000:01:00.0", "0000:02:00.0", "0000:03:00.0"
FOREIGN = "0000:77:10.0"
LAB = "network='lab'"


@dataclass
class Bed:
    """A host with a PF on each of two networks, and one that is not configured."""

    host: Host
    lab: list[str] = field(default_factory=list)
    storage: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lab = self.host.add_pf(PF, 3)
        self.storage = self.host.add_pf(PF2, 3)
        self.plain = self.host.add_pf(PF3, 3)
        self.host.configure(f"[pf {PF}]\nnetwork=lab\n[pf {PF2}]\nnetwork=storage\n"
                            "[host]\nclaim-lifetime=77\n")

    def taken(self, *vfs: str) -> None:
        """Claimed for another domain that comes."""
        other = Domain([hostdev(vf) for vf in vfs], uuid=OTHER_UUID, name="other").text()
        assert self.host.hook("migrate", other).good() == b""


@pytest.fixture
def bed(host: Host) -> Bed:
    return Bed(host)


def domain(vf: str, metadata: str | None = None, **options: str) -> Domain:
    return Domain([hostdev(vf)], [f"hostdev='0' {metadata}"] if metadata else [], **options)


def moved(host: Host, sent: Domain, changes: dict[str, str], operation: str = "migrate") -> None:
    """It comes; every byte but those of these addresses is as it was."""
    text = sent.text()
    expected = text
    for old, new in changes.items():
        assert address_of(old) in expected
        expected = expected.replace(address_of(old), address_of(new))
    printed = host.hook(operation, text).good().decode()
    assert printed == ("" if expected == text else expected)


def pool(bed: Bed, name: str, *vfs: str, mode: str = "hostdev", text: str = "") -> Path:
    """What libvirt writes of a network that runs; its VFs, also where it is defined by the PF."""
    folder = bed.host.root / "run/libvirt/network"
    folder.mkdir(parents=True, exist_ok=True)
    addresses = "".join(address_of(vf).replace("<address", "<address type='pci'") for vf in vfs)
    (folder / f"{name}.xml").write_text(text or (
        "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n\n<networkstatus>\n"
        "  <class_id bitmap='0-2'/>\n  <floor sum='0'/>\n  <network>\n"
        f"    <name>{name}</name>\n    <uuid>{OTHER_UUID}</uuid>\n"
        f"    <forward mode='{mode}' managed='yes'>\n      <pf dev='lo'/>{addresses}\n"
        "    </forward>\n  </network>\n</networkstatus>\n"))
    return folder / f"{name}.xml"


def test_vfs_of_a_running_network_are_not_given_away(bed: Bed) -> None:
    pool(bed, "vf-pool", bed.lab[0], bed.lab[1])
    pool(bed, "bridged", bed.lab[2], mode="bridge")
    moved(bed.host, domain(FOREIGN, LAB), {FOREIGN: bed.lab[2]})
    refused = bed.host.hook("migrate", domain("0000:77:10.1", LAB, uuid=OTHER_UUID).text())
    assert "1 claimed or in use, 2 of a network of libvirt's," in refused.refused()
    assert bed.host.journal().count("\n") == 1  # that it moved, and what the user reads


def test_a_vf_of_a_network_that_is_named_is_kept(bed: Bed) -> None:
    pool(bed, "vf-pool", *bed.lab)
    moved(bed.host, domain(bed.lab[1]), {})


@pytest.mark.parametrize("text", [
    "", "<", "<!DOCTYPE a><a/>", "\xff", "<a>" * 1000,
    "<networkstatus><network><name>p</name><forward mode='hostdev'><address slot='77'/></forward>"
    "</network></networkstatus>", "<!-- " + "x" * (1 << 20) + " --><a/>",
])
def test_a_networks_file_that_is_none_holds_nobody_up(bed: Bed, text: str) -> None:
    pool(bed, "bad").write_text(text)
    pool(bed, "vf-pool", bed.lab[0])
    moved(bed.host, domain(FOREIGN, LAB), {FOREIGN: bed.lab[1]})
    said = bed.host.journal()
    assert "a VF that one of libvirt's networks owns may be chosen: bad.xml: " in said


def test_a_networks_file_of_others_is_not_read(bed: Bed) -> None:
    pool(bed, "open", bed.lab[0]).chmod(0o666)
    elsewhere = pool(bed, "vf-pool", bed.lab[0])
    elsewhere.rename(bed.host.root / "run/elsewhere.xml")
    elsewhere.symlink_to("../../elsewhere.xml")
    os.mkfifo(elsewhere.with_name("fifo.xml"))
    moved(bed.host, domain(FOREIGN, LAB), {FOREIGN: bed.lab[0]})
    said = bed.host.journal()
    assert all(f"may be chosen: {name}.xml: " in said for name in ("open", "vf-pool", "fifo"))


@pytest.mark.parametrize("operation", ["migrate", "restore"])
def test_kept_where_it_fits(bed: Bed, operation: str) -> None:
    for vf in (bed.lab[1], bed.plain[2]):
        moved(bed.host, domain(vf), {}, operation)
        assert bed.host.claimed() == {vf: "incoming"}
        claim = bed.host.claim(vf)
        assert (claim["uuid"], claim["lifetime"], claim["xml-address"]) == (UUID, "77", vf)


def test_another_where_it_is_not_here(bed: Bed) -> None:
    moved(bed.host, domain(FOREIGN, LAB), {FOREIGN: bed.lab[0]})
    claim = bed.host.claim(bed.lab[0])
    assert (claim["network"], claim["xml-address"]) == ("lab", FOREIGN)
    assert f"it comes with VF {FOREIGN} and gets {bed.lab[0]}" in bed.host.journal()


def test_another_where_it_is_claimed(bed: Bed) -> None:
    bed.taken(bed.lab[0])
    moved(bed.host, domain(bed.lab[0]), {bed.lab[0]: bed.lab[1]})


def test_another_where_it_is_in_use(bed: Bed) -> None:
    with bed.host.used(bed.storage[0]), bed.host.used(bed.storage[1]):
        moved(bed.host, domain(bed.storage[0]), {bed.storage[0]: bed.storage[2]})


def test_another_where_it_is_on_another_network(bed: Bed) -> None:
    moved(bed.host, domain(bed.storage[0], LAB), {bed.storage[0]: bed.lab[0]})
    moved(bed.host, domain(bed.plain[0], LAB), {bed.plain[0]: bed.lab[0]})


def test_several(bed: Bed) -> None:
    """What one device names and can keep, another does not get."""
    bed.taken(bed.lab[2])
    sent = Domain([hostdev(bed.lab[2]), interface(bed.lab[0]), hostdev(bed.storage[1])])
    moved(bed.host, sent, {bed.lab[2]: bed.lab[1]})
    assert set(bed.host.claimed()) == {*bed.lab, bed.storage[1]}


def test_swapped_hosts(bed: Bed) -> None:
    sent = Domain([hostdev(bed.lab[0]), hostdev(bed.storage[0])],
                  ["hostdev='0' network='storage'", "hostdev='1' network='lab'"])
    first, second = address_of(bed.lab[0]), address_of(bed.storage[0])
    text = sent.text()
    swapped = text.replace(first, "?").replace(second, first).replace("?", second)
    assert bed.host.hook("migrate", text).good().decode() == swapped


def test_comes_again(bed: Bed) -> None:
    """The first try came to nothing: its claims are taken over, or given back."""
    moved(bed.host, domain(FOREIGN, LAB), {FOREIGN: bed.lab[0]})
    moved(bed.host, domain(FOREIGN, LAB), {FOREIGN: bed.lab[0]})
    moved(bed.host, domain(FOREIGN, "network='storage'"), {FOREIGN: bed.storage[0]})
    assert bed.host.claimed() == {bed.storage[0]: "incoming"}


def test_a_claim_whose_migration_never_came(bed: Bed) -> None:
    bed.taken(bed.lab[0])
    bed.host.age(bed.lab[0], created="0", lifetime="30")
    moved(bed.host, domain(bed.lab[0]), {})


def test_a_claim_whose_domain_is_gone(bed: Bed) -> None:
    other = Domain([hostdev(bed.lab[0])], uuid=OTHER_UUID, name="other").text()
    bed.host.hook("reconnect", other).good()
    with bed.host.used(bed.lab[0]):
        moved(bed.host, domain(bed.lab[0]), {bed.lab[0]: bed.lab[1]})
    moved(bed.host, domain(bed.lab[0]), {})


def test_near_the_guests_memory(host: Host) -> None:
    far, near = host.add_pf(PF, 1, numa=0), host.add_pf(PF2, 2, numa=1)
    host.configure("[pf lo]\nnetwork=lab\n")
    moved(host, domain(FOREIGN, LAB), {FOREIGN: far[0]})
    moved(host, domain(FOREIGN, LAB, nodes="1"), {FOREIGN: near[0]})
    with host.used(near[0]), host.used(near[1]):
        moved(host, domain(FOREIGN, LAB, nodes="1"), {FOREIGN: far[0]})


def test_bound_before_unbound(host: Host) -> None:
    unbound, bound = host.add_pf(PF, 1, driver=None), host.add_pf(PF2, 1)
    host.configure("[pf lo]\nnetwork=lab\n")
    moved(host, domain(FOREIGN, LAB), {FOREIGN: bound[0]})
    with host.used(bound[0]):
        moved(host, domain(FOREIGN, LAB), {FOREIGN: unbound[0]})


def test_not_what_the_host_uses(host: Host) -> None:
    vfs = host.add_pf(PF, 3, driver="igbvf")
    host.configure("[pf lo]\nnetwork=lab\n")
    host.set_interface(vfs[0], "eth0", up=True)
    host.set_interface(vfs[2], "eth2", up=False)
    moved(host, domain(FOREIGN, LAB), {FOREIGN: vfs[2]})
    # Named by the domain, it is what libvirt without us would take.
    moved(host, domain(vfs[0], LAB), {})


def test_same_model(host: Host) -> None:
    intel, mellanox = host.add_pf(PF, 2), host.add_pf(PF2, 1, model=MELLANOX,
                                                      driver="mlx5_vfio_pci")
    host.configure("[pf lo]\nnetwork=lab\n")
    with host.used(intel[0]):
        moved(host, domain(intel[0]), {intel[0]: intel[1]})
        with host.used(intel[1]):
            assert "1 of another model" in host.hook("migrate", domain(intel[0]).text()).refused()
    line = host.hook("migrate", domain(FOREIGN, LAB).text()).refused()
    assert "of several models (8086:10ca, 15b3:101e)" in line
    assert host.claimed() == {intel[1]: "incoming"}
    moved(host, domain(mellanox[0]), {})


def test_no_network_anywhere(host: Host) -> None:
    vfs = host.add_pf(PF, 2)
    other = host.add_pf(PF2, 1)
    host.configure(f"[pf {PF}]\n[pf {PF2}]\nnetwork=lab\n")
    moved(host, domain(FOREIGN), {FOREIGN: vfs[0]})
    with host.used(vfs[0]), host.used(vfs[1]):
        assert "none of the 2 VFs on PFs without a network is free" in \
            host.hook("migrate", domain(FOREIGN).text()).refused()
    assert other[0] not in host.claimed()


Occupy = Callable[[Bed], list[str]]


@pytest.mark.parametrize("sent, occupied, said", [
    (domain(FOREIGN, LAB), lambda bed: bed.lab,
     f"cannot have VF {FOREIGN}: there is no such VF here; none of the 3 VFs on network 'lab' "
     "is free: 3 claimed or in use"),
    (domain(FOREIGN, "network='moon'"), lambda bed: [],
     "no PF on network 'moon' is in vferry.conf with VFs"),
    (domain(FOREIGN), lambda bed: [], "no PF on PFs without"),
    (domain("0000:03:10.0"), lambda bed: bed.plain, "0000:03:10.0: process "),
    (domain("0000:03:10.0", LAB, other_metadata=NOVA), lambda bed: [],
     "it is not known to be on network 'lab'; Nova chose it, so vferry takes no other"),
    (domain("0000:01:10.0", other_metadata=NOVA), lambda bed: bed.lab[:1],
     "Nova chose it, so vferry takes no other"),
    (domain(FOREIGN, LAB, other_metadata=NOVA), lambda bed: [], "Nova chose it"),
], ids=range(7))
def test_refused(bed: Bed, sent: Domain, occupied: Occupy, said: str) -> None:
    with ExitStack() as stack:
        for vf in occupied(bed):
            stack.enter_context(bed.host.used(vf))
        line = bed.host.hook("migrate", sent.text()).refused()
    assert said in line, line
    assert bed.host.claimed() == {}
    assert "cret" not in line + bed.host.journal()


def test_an_orchestrators_choice_stands(bed: Bed) -> None:
    moved(bed.host, domain(bed.lab[2], other_metadata=NOVA), {})
    assert bed.host.claimed() == {bed.lab[2]: "incoming"}


def test_devices_that_are_no_vfs(bed: Bed) -> None:
    bed.host.add_device("0000:00:02.0")
    moved(bed.host, domain("0000:00:02.0"), {})
    assert bed.host.claimed() == {}
    # The metadata say that it is a VF where it comes from.
    moved(bed.host, domain("0000:00:02.0", LAB), {"0000:00:02.0": bed.lab[0]})


def test_a_host_without_configuration(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    moved(host, domain(vf), {})
    moved(host, domain(FOREIGN), {})
    assert host.claimed() == {}


@pytest.mark.parametrize("config, driver, model, becomes", [
    ("", OURS, OURS, OURS),
    ("", OURS, "vfio-pci", "vfio-pci"),
    ("", OURS, "mlx9_vfio_pci", OURS),
    ("driver=vfio-pci", "vfio-pci", None, "vfio-pci"),
    ("driver=vfio-pci", "vfio-pci", OURS, OURS),
    ("driver=keep", "vfio-pci", "mlx9_vfio_pci", "vfio-pci"),
    ("", OURS, None, None),
])
def test_driver_model(host: Host, config: str, driver: str, model: str | None,
                      becomes: str | None) -> None:
    vf, = host.add_pf(PF, 1, driver=driver)
    host.configure(f"[pf lo]\nnetwork=lab\n{config}\n")
    text = Domain([hostdev(vf, model=model)]).text()
    printed = host.hook("migrate", text).good().decode()
    if model == becomes:
        assert printed == ""
    elif model is None:
        assert printed.replace(f"<driver model='{becomes}'/>", "") == text
    else:
        assert printed == text.replace(f"model='{model}'", f"model='{becomes}'")


def test_from_migrate_to_release(bed: Bed) -> None:
    """Unbound here: bound for the domain, and put back, with one claim all the way."""
    host = bed.host
    vf, = host.add_pf("0000:04:00.0", 1, driver="igbvf")
    host.set_interface(vf, "eth0", up=False)
    host.configure("[pf 0000:04:00.0]\nnetwork=lab\n")
    kernel = Kernel(host)
    arrived = kernel.hook("migrate", domain(FOREIGN, LAB).text()).good().decode()
    assert host.driver(vf) == "igbvf"
    kernel.hook("prepare", arrived).good()
    assert host.driver(vf) == OURS
    assert host.claimed() == {vf: "incoming"}
    assert host.claim(vf)["xml-address"] == FOREIGN
    kernel.hook("started", arrived).good()
    assert host.claimed() == {vf: "running"}
    assert [note.name for note in host.arrivals.iterdir()] == [UUID]
    kernel.hook("release", arrived, "migrated").good()
    assert (host.driver(vf), host.override(vf), host.claimed()) == ("igbvf", None, {})
