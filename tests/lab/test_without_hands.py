# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nobody binds a VF, nobody edits an address: udev, the hook and plain virsh between two hosts.

Host 2's first VF is always taken by a second guest, so what moves there gets another one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from vferry_lab.host import Host
from vferry_lab.peer import Peer
from vferry_tests import libvirt_modular, libvirt_version, nic, traffic
from vferry_tests.domain import (
    VF, Device, Interface, Pool, identity_metadata, pci_attributes,
)
from vferry_tests.guest import PLAIN, Guest
from vferry_tests.labs import Labs
from vferry_tests.precopy import SLOW, await_job
from vferry_tests.shared_guest import LOST, refusal
from vferry_tests.testbed import Testbed, config, configure
from vferry_tests.traffic import Connection, Ping

pytestmark = pytest.mark.lab

VFS = 4
CONFIG = config(VFS)
ROUNDS, ROUNDS_ENFORCING = 10, 3  # there and back; the second is what ./check has time for
REACHED = 4  # moves after which everyone has to reach the guest, not only the peer
OTHERS = 1_000_000  # bytes: more than anybody but the peer has to say to the guest in one round
REGISTER = 1 << 32
UDEV_VERIFIES = 254  # the first version of udev with `udevadm verify`
ALIAS = "ua-lan"
MAC, ADDRESS = "52:54:00:c0:00:71", "192.0.2.113"
OTHER_MAC, OTHER_ADDRESS = "52:54:00:c0:00:72", "192.0.2.114"
VLAN = 42
ADDRESS_IN_VLAN, HOST_IN_VLAN = "203.0.113.115", "203.0.113.1"
METADATA = identity_metadata(ALIAS, MAC)


@dataclass
class Pair:
    """Two guests: one that moves, defined, and one that holds host 2's first VF."""

    bed: Testbed
    moving: Guest
    other: Guest

    def reach(self, address: str) -> None:
        """Everyone reaches an address: peer, both PFs, and the other guest through its VF."""
        self.reach_from_peer(address)
        for host in self.bed.hosts:
            host.run(f"ip neigh flush dev {host.pf_netdev}")
            host.run(until_answered(address), timeout=150)
        self.other.run(until_answered(address), timeout=150)

    def reach_from_peer(self, address: str) -> None:
        """The peer, asking by ARP where the address is, reaches it."""
        peer = self.bed.peer
        peer.run(f"ip neigh flush dev {peer.netdev}")
        peer.run(until_answered(address), timeout=150)


@pytest.fixture(scope="module",
                params=["enforcing", pytest.param("trixie", marks=pytest.mark.matrix),
                        pytest.param("forky", marks=pytest.mark.matrix),
                        pytest.param("modular", marks=pytest.mark.matrix),
                        pytest.param("bookworm", marks=pytest.mark.matrix)])
def bed(labs: Labs, request: pytest.FixtureRequest) -> Iterator[Testbed]:
    """Two hosts of a suite without SELinux; or of Debian 13: enforcing, or libvirt's drivers
    each in a daemon of its own."""
    kind = request.param
    yield labs.get("trixie" if kind in ("enforcing", "modular") else kind,
                   selinux=kind == "enforcing", modular=kind == "modular")
    labs.check_kernel_logs()


@pytest.fixture(autouse=True)
def nothing_denied(labs: Labs) -> Iterator[None]:
    """By SELinux, but for what the list of Debian's own noise says."""
    yield
    labs.check_denials()


@pytest.fixture(scope="module")
def hosts(labs: Labs, bed: Testbed) -> list[Host]:
    """Both hosts with our programs and a configuration."""
    labs.configure(bed, CONFIG)
    return bed.hosts


@pytest.fixture(scope="module")
def managed(hosts: list[Host]) -> bool:
    """Whether guests leave it to libvirt to bind their VFs."""
    return libvirt_version.knows_variant_drivers(hosts[0])


@pytest.fixture(scope="module")
def pair(bed: Testbed, hosts: list[Host], managed: bool) -> Iterator[Pair]:
    address = nic.vf_address(0)
    own = VF(address, managed=managed, alias=ALIAS)
    with Guest.between(hosts, [own], "moving", METADATA) as moving:
        other = Guest.create(hosts[1], [VF(address, managed=managed)], "other")
        try:
            moving.configure(moving.netdev(VF.guest_driver), ADDRESS)
            other.configure(other.netdev(VF.guest_driver), OTHER_ADDRESS, OTHER_MAC)
            yield Pair(bed, moving, other)
        finally:
            for host in hosts:
                Guest(host, other.name).destroy()


def test_vfs_come_back_after_a_reboot(hosts: list[Host]) -> None:
    """Bound to the variant driver before libvirt is there, and never to the network driver."""
    host = hosts[0]
    host.reboot()
    # Not before vferry-detach has ended, where libvirt needs it.
    host.run("systemctl is-system-running --wait", check=False, timeout=120)
    assert [nic.driver_of(host, nic.vf_address(index)) for index in range(VFS)] == (
        [nic.VARIANT_DRIVER] * VFS)
    probed = [line for line in host.kernel_log().splitlines() if " igbvf 0000:" in line]
    assert not probed, f"the network driver had a VF: {probed}"
    if int(host.run("udevadm --version").stdout.split()[0]) >= UDEV_VERIFIES:
        host.run("udevadm verify /usr/lib/udev/rules.d/85-vferry.rules")
    units = libvirt_modular.UNITS if libvirt_modular.is_installed(host) else ("libvirtd",)
    provisioned, *started = (int(time) for time in host.run(
        f"for unit in vferry-provision {' '.join(units)}; do "
        "systemctl show -P ActiveEnterTimestampMonotonic $unit; done").stdout.split())
    assert 0 < provisioned < min(started)


def test_many_times_to_another_address(pair: Pair) -> None:
    """Plain virsh; the VF is another one there, its identity the same, it is reached.

    One connection and one ping live through all moves; counters in the guest go on evenly.
    """
    guest, bed = pair.moving, pair.bed
    rounds = ROUNDS_ENFORCING if bed.lab.selinux else ROUNDS
    netdev = guest.netdev(VF.guest_driver)
    outside = identity(guest)
    assert outside["mac"] == MAC
    with Ping(bed.peer, ADDRESS) as ping, Connection(bed.peer, guest, bed.stream) as connection:
        passed, before = bytes_of(bed.peer), guest.statistics(netdev)
        for number in range(2 * rounds):
            source, target = guest.host, bed.other(guest.host)
            guest.migrate(target, *PLAIN)
            ping.wait_reply()
            connection.peer.wait_received()
            assert bed.lab.wire.port_of(MAC) == f"{target.name}-wire"
            assert MAC not in source.run(["ip", "link", "show", source.pf_netdev]).stdout
            assert identity(guest) == outside
            if target is bed.hosts[1]:
                assert guest.vf_address() != nic.vf_address(0)
            if number < REACHED:
                pair.reach(ADDRESS)
            after = guest.statistics(netdev)
            now = bytes_of(bed.peer)
            jumps = jumps_between(before, after, now - passed + OTHERS)
            assert not jumps, f"counters jumped: {jumps}, and {now - passed} bytes passed"
            passed, before = now, after
        assert connection.peer.alive()
        assert traffic.differences(*connection.finish()) == []


def bytes_of(peer: Peer) -> int:
    """What the peer has sent and received since it is there."""
    folder = f"/sys/class/net/{peer.netdev}/statistics"
    return sum(int(text) for text in peer.run(f"cat {folder}/[rt]x_bytes").stdout.split())


def jumps_between(
    before: dict[str, int], after: dict[str, int], room: int,
) -> dict[str, tuple[int, int]]:
    """Counters whose registers have not gone on evenly, but back, or by more than room.

    igbvf adds 4 Gi where a register seems to have wrapped. It does so without a lock, in its
    watchdog and for ethtool: one that is preempted between reading and comparing, as kernel 7.2
    does, finds a newer value to compare with. So only what the registers hold counts here.
    """
    return {name: (before[name], value) for name, value in after.items()
            if (value - before[name]) % REGISTER > room}


def test_switch_is_told(pair: Pair) -> None:
    """A guest that says nothing is behind the right port at once."""
    guest = pair.moving
    target = pair.bed.other(guest.host)
    netdev = guest.netdev(VF.guest_driver)
    guest.run(f"ip addr flush dev {netdev}; ip link set {netdev} arp off; "
              f"sysctl -q -w net.ipv6.conf.{netdev}.disable_ipv6=1", check=False)
    try:
        guest.migrate(target, *PLAIN)
        end = time.monotonic() + 30
        while pair.bed.lab.wire.port_of(MAC) != f"{target.name}-wire":
            assert time.monotonic() < end, "the switch has not learned the new port"
            time.sleep(0.2)
    finally:
        guest.run(f"ip link set {netdev} arp on")
        guest.configure(netdev, ADDRESS)
    pair.reach(ADDRESS)


def test_cold_boot_after_a_move(pair: Pair) -> None:
    """What is defined at the destination names a VF of that host."""
    guest = pair.moving
    guest.migrate(pair.bed.other(guest.host), *PLAIN)
    live = guest.vf_address()
    guest.host.run(
        f"until virsh -q dumpxml --inactive {guest.name} | grep -q "
        f"\"{pci_attributes(live)}\"; do sleep 0.5; done", timeout=60)
    guest.destroy()
    guest.start()
    guest.configure(guest.netdev(VF.guest_driver), ADDRESS)
    pair.reach(ADDRESS)


def test_two_guests_at_the_same_time(pair: Pair) -> None:
    """They get a VF each."""
    for guest in (pair.moving, pair.other):
        if guest.host is not pair.bed.hosts[0]:
            guest.migrate(pair.bed.hosts[0])
    target = pair.bed.hosts[1]
    with ExitStack() as moves:
        running = [moves.enter_context(guest.start_migrate(target))
                   for guest in (pair.moving, pair.other)]
        for move in running:
            assert move.wait(300) == 0, move.stderr.read()
    for guest in (pair.moving, pair.other):
        guest.host = target
    assert pair.moving.vf_address() != pair.other.vf_address()
    pair.reach(ADDRESS)


@pytest.mark.parametrize("kind", ["managed=no", "network"])
def test_other_ways_to_name_a_vf(pair: Pair, managed: bool, kind: str) -> None:
    """Plugged into a running guest by virsh, moved there and back, unplugged."""
    address = "192.0.2.115"
    device: Device
    if kind == "managed=no":
        device, mac = VF(free_vf(pair.other.host), managed=False), "52:54:00:c0:00:75"
    else:
        device, mac = Pool("vfs", "52:54:00:c0:00:74"), None
        for host in pair.bed.hosts:
            host.run(["virsh", "-q", "net-create", "/dev/stdin"], stdin=pool(managed))
    try:
        with plugged_in(pair.other, device, address, mac):
            for _ in range(2):
                pair.other.migrate(pair.bed.other(pair.other.host))
                pair.reach_from_peer(address)
    finally:
        for host in pair.bed.hosts:
            host.run("virsh -q net-destroy vfs", check=False)


def test_interface_in_a_vlan(pair: Pair, managed: bool) -> None:
    """<interface type='hostdev'>, whose MAC and VLAN libvirt sets: reached in its VLAN."""
    guest = pair.other
    device = Interface(free_vf(guest.host), "52:54:00:c0:00:73", VLAN, managed)
    with plugged_in(guest, device, ADDRESS_IN_VLAN):
        for _ in range(2):
            guest.migrate(pair.bed.other(guest.host))
            away = pair.bed.other(guest.host)
            assert vlans_of(guest.host, device.mac) == [VLAN]
            assert vlans_of(away, device.mac) == []
            with nic.tagged(away, VLAN, HOST_IN_VLAN):
                away.run(until_answered(ADDRESS_IN_VLAN), timeout=150)


def test_save_and_restore(pair: Pair) -> None:
    guest = pair.moving
    file = "/var/lib/libvirt/qemu/save/test"  # SELinux lets libvirt write no other folder
    guest.host.run(["virsh", "-q", "save", guest.name, file], timeout=300)
    guest.host.run(["virsh", "-q", "restore", file], timeout=300)
    pair.reach(ADDRESS)


def test_wrong_network(pair: Pair) -> None:
    guest = pair.moving
    target = pair.bed.other(guest.host)
    configure(target, CONFIG.replace("= lab", "= elsewhere"))
    try:
        line = failing_move(guest, target)
        assert "lab" in line and "network" in line
    finally:
        configure(target, CONFIG)
    pair.reach(ADDRESS)


def test_destination_full(pair: Pair) -> None:
    """Every VF there is open by someone, or a guest's."""
    guest = pair.moving
    target = pair.bed.other(guest.host)
    with target.popen(
        "exec 2>&1; for g in /dev/vfio/[0-9]*; do if ( exec 3<>$g ) 2> /dev/null; "
        "then words=\"$words $g\"; fi; done; "
        "exec python3 -c 'import os,sys; [os.open(g, os.O_RDWR) for g in sys.argv[1:]]; "
        "print(\"open\", flush=True); sys.stdin.read()' $words"
    ) as holder:
        assert holder.line(30).strip() == "open"
        line = failing_move(guest, target)
        assert "VF" in line
    pair.reach(ADDRESS)


def test_command_migrates(pair: Pair) -> None:
    """vferry check finds nothing wrong, vferry migrate moves it, doctor has no complaint."""
    guest = pair.moving
    target = pair.bed.other(guest.host)
    uri = f"qemu+ssh://{target.name}/system"
    report = json.loads(guest.host.run(
        ["vferry", "check", "--json", guest.name, uri], timeout=120).stdout)
    assert report["passed"] and report["here"] and report["there"], report
    moved = json.loads(guest.host.run(
        ["vferry", "migrate", "--json", "--migrate-uri", f"tcp://{target.mgmt_address}",
         guest.name, uri], timeout=300).stdout)
    guest.host = target
    assert moved["result"] == "moved" and moved["downtime_ms"] > 0, moved
    pair.reach(ADDRESS)
    for host in pair.bed.hosts:
        told = json.loads(host.run(["vferry", "doctor", "--json"], check=False).stdout)
        assert told["looks"] and told["problems"] == 0, told


def test_command_is_cancelled(pair: Pair) -> None:
    """Ctrl-C: the guest goes on where it is, and can move later."""
    guest = pair.moving
    target = pair.bed.other(guest.host)
    with guest.host.popen(
        ["vferry", "migrate", "--no-check", "--bandwidth", SLOW, "--migrate-uri",
         f"tcp://{target.mgmt_address}", guest.name, f"qemu+ssh://{target.name}/system"]
    ) as command:
        await_job(guest, guest.host)
        guest.host.run("pkill -INT -x vferry")
        assert command.wait(120) == 2
        assert "cancelled; moving: it runs on here" in command.stderr.read()
    pair.reach(ADDRESS)
    guest.migrate(target, *PLAIN)
    pair.reach(ADDRESS)


def test_list_shows_the_guests(pair: Pair) -> None:
    guest = pair.moving
    shown = json.loads(guest.host.run(["vferry", "list", "--json"]).stdout)
    vfs = [vf for pf in shown["pfs"] for vf in pf["vfs"]]
    used = {vf["address"]: vf for vf in vfs if vf["used_by"]}
    assert used[guest.vf_address()]["used_by"]["name"] == guest.name
    assert used[guest.vf_address()]["mac"] == MAC


def test_pf_down(pair: Pair) -> None:
    guest = pair.moving
    target = pair.bed.other(guest.host)
    with nic.link_down(target):
        assert "link up?" in failing_move(guest, target)
    pair.reach(ADDRESS)
    guest.migrate(target)
    pair.reach(ADDRESS)


@contextmanager
def plugged_in(guest: Guest, device: Device, address: str, mac: str | None = None) -> Iterator[None]:
    """The guest has a second VF with this address meanwhile."""
    guest.attach(device)
    try:
        guest.configure(guest.netdev(VF.guest_driver, 1), address, mac)
        yield
    finally:
        guest.detach(device)


def failing_move(guest: Guest, target: Host) -> str:
    """Try to migrate it, which must fail; the one line in which virsh says why.

    libvirt may lose what the hook has said; it is in the other host's journal then.
    """
    line = refusal(guest, target)
    if LOST not in line:
        return line
    return target.run("journalctl -b -q -o cat -t vferry-hook -n 1").stdout


def until_answered(address: str) -> str:
    return (f"for i in $(seq 60); do ping -n -q -c 1 -W 1 {address} > /dev/null && exit; done; "
            f"echo no answer from {address} >&2; exit 1")


def vfs_of(host: Host) -> list[dict[str, Any]]:
    """What a host's PF says about its VFs, by their numbers."""
    links = json.loads(host.run(["ip", "-json", "-details", "link", "show", host.pf_netdev]).stdout)
    found: list[dict[str, Any]] = links[0]["vfinfo_list"]
    return found


def vlans_of(host: Host, mac: str) -> list[int]:
    """The VLANs that a host's PF gives VFs of this MAC."""
    return [entry["vlan"] for vf in vfs_of(host) if vf["address"] == mac
            for entry in vf.get("vlan_list", [])]


def identity(guest: Guest) -> dict[str, Any]:
    """MAC, VLAN, trust, spoof check, link state and rate of a guest's VF."""
    vf = vfs_of(guest.host)[int(guest.vf_address()[11]) // 2]
    return {"mac": vf["address"],
            **{key: vf.get(key) for key in
               ("vlan_list", "trust", "spoofchk", "link_state", "rate")}}


def free_vf(host: Host) -> str:
    """A VF that no guest of the host has."""
    used = host.run("for d in $(virsh -q list --name); do virsh -q dumpxml $d; done").stdout
    for index in range(VFS):
        address = nic.vf_address(index)
        if pci_attributes(address) not in used:
            return address
    raise AssertionError(f"{host.name} has no free VF")


def pool(managed: bool) -> str:
    """A libvirt network of the last VF, which the hook, taking the first free one, never gets to."""
    address = nic.vf_address(VFS - 1)
    return (f"<network><name>vfs</name><forward mode='hostdev' managed='{'yes' if managed else 'no'}'>"
            f"<address type='pci' {pci_attributes(address)}/></forward></network>")
