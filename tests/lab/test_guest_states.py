# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever the guest does with its VF, it moves and works afterwards."""

from __future__ import annotations

import pytest

from vferry_tests import nic, traffic
from vferry_tests.domain import VF
from vferry_tests.guest import READY, Guest
from vferry_tests.precopy import await_precopy, hurry, under_way
from vferry_tests.shared_guest import SharedGuest

pytestmark = pytest.mark.lab

GROUP = "239.1.2.3"
UNJOINED_MAC = "01:00:5e:7f:7f:7f"
UNJOINED_ADDRESS = "192.0.2.250"
VLAN = 100
GUEST_IN_VLAN = "203.0.113.100"
HOST_IN_VLAN = "203.0.113.1"
JUMBO = 9000
IPROUTE2 = "/bin/ip"  # by its path: the guest's shell prefers busybox's own "ip"


def test_interface_down(guest: SharedGuest) -> None:
    guest.run(f"ip link set {guest.netdev} down")
    guest.move()
    guest.bring_up()


def test_driver_unloaded(guest: SharedGuest) -> None:
    guest.run("rmmod igbvf")
    guest.move()
    guest.run("load-module igbvf")
    guest.bring_up()


def test_driver_never_loaded(guest: SharedGuest) -> None:
    """The VF is plugged in while the guest has no driver for it, moves, and then gets one."""
    guest.run("rmmod igbvf")
    guest.guest.detach(guest.device)
    guest.guest.attach(guest.device)
    guest.move()
    guest.run("load-module igbvf")
    guest.bring_up()


def test_reboot_during_precopy(guest: SharedGuest) -> None:
    """The migration fails or succeeds; the guest reboots, its network works, it can move."""
    marks = {host.name: len(Guest(host).console()) for host in guest.bed.hosts}
    with under_way(guest) as migration:
        await_precopy(guest, guest.host)
        guest.guest.start_reboot()
        hurry(guest.guest)
        migration.communicate(300)
    guest.find()
    # It may have booted on the source already, while memory was still on its way.
    booted = [host.name for host in guest.bed.hosts
              if READY in Guest(host).console()[marks[host.name]:]]
    if booted:
        guest.guest.wait_agent()
    else:
        guest.guest.await_boot(marks[guest.host.name])
    guest.bring_up()
    guest.move()
    guest.await_network()


def test_multicast_group(guest: SharedGuest) -> None:
    """A group joined before the move is received after it, one not joined is not."""
    guest.run("sysctl -q -w net.ipv4.icmp_echo_ignore_broadcasts=0")
    guest.run(f"{IPROUTE2} addr add {GROUP}/32 dev {guest.netdev} autojoin")
    peer = guest.bed.peer
    peer.run(f"ip route replace {GROUP} dev {peer.netdev}")
    try:
        ask = f"ping -n -c 5 -i 0.5 -W 5 {GROUP}"
        assert f"from {guest.address}" in peer.run(ask, check=False).stdout
        guest.move()
        guest.await_network()
        assert f"from {guest.address}" in peer.run(ask, check=False).stdout
        assert multicast_frames(guest) < 10
    finally:
        guest.run(f"ip addr del {GROUP}/32 dev {guest.netdev}", check=False)


def test_promiscuous(guest: SharedGuest) -> None:
    """Set before the move, it lasts. igbvf asks the PF for nothing more (in tests/vfio a guest does):
    what the VF lets through before the move, it lets through after it."""
    guest.run(f"{IPROUTE2} link set {guest.netdev} promisc on allmulticast on")
    try:
        before = multicast_frames(guest)
        guest.move()
        guest.await_network()
        shown = guest.run(f"{IPROUTE2} link show {guest.netdev}")
        assert "PROMISC" in shown and "ALLMULTI" in shown
        assert (multicast_frames(guest) >= 20) == (before >= 20)
    finally:
        guest.run(f"{IPROUTE2} link set {guest.netdev} promisc off allmulticast off")


def test_vlan(guest: SharedGuest) -> None:
    """A VLAN of the guest's own works on both hosts, and no other one does."""
    guest.run(
        f"load-module 8021q; ip link add link {guest.netdev} name vlan type vlan id {VLAN} && "
        f"ip addr add {GUEST_IN_VLAN}/24 dev vlan && ip link set vlan up"
    )
    try:
        with nic.tagged(guest.away, VLAN, HOST_IN_VLAN) as host:
            host.run(["ping", "-c", "3", "-W", "5", GUEST_IN_VLAN])
        guest.move()
        guest.await_network()
        with nic.tagged(guest.away, VLAN, HOST_IN_VLAN) as host:
            host.run(["ping", "-c", "3", "-W", "5", GUEST_IN_VLAN])
        with nic.tagged(guest.away, VLAN + 1, HOST_IN_VLAN) as host:
            result = host.run(["ping", "-c", "3", "-W", "1", GUEST_IN_VLAN], check=False)
            assert result.returncode == 1
    finally:
        guest.run("ip link del vlan", check=False)


def test_jumbo_frames(guest: SharedGuest) -> None:
    peer = guest.bed.peer
    ask = ["ping", "-n", "-c", "3", "-W", "5", "-M", "do", "-s", str(JUMBO - 28), guest.address]
    peer.run(f"ip link set {peer.netdev} mtu {JUMBO}")
    try:
        guest.bring_up(mtu=JUMBO)
        peer.run(ask)
        guest.move()
        guest.await_network()
        peer.run(ask)
    finally:
        peer.run(f"ip link set {peer.netdev} mtu 1500")
        guest.bring_up()


def test_two_vfs(guest: SharedGuest) -> None:
    second = VF(nic.vf_address(1))
    address = "192.0.2.110"
    guest.guest.attach(second)
    try:
        netdev = guest.guest.netdev(VF.guest_driver, 1)
        # Each interface answers for its own address only, so each VF is asked.
        guest.run("echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore")
        guest.guest.configure(netdev, address, "52:54:00:c0:00:65")
        guest.await_network(address)
        guest.move()
        guest.await_network()
        guest.await_network(address)
    finally:
        guest.guest.detach(second)


def test_save_and_restore(guest: SharedGuest) -> None:
    """Saved to a file and restored: the connection goes on where it was."""
    file = "/var/tmp/guest.save"
    with guest.connection() as connection:
        connection.peer.wait_received()
        guest.host.run(["virsh", "-q", "save", guest.guest.name, file], timeout=300)
        try:
            guest.host.run(["virsh", "-q", "restore", file], timeout=300)
        finally:
            guest.host.run(["rm", "-f", file])
        guest.await_network()
        connection.peer.wait_received(60)
        assert traffic.differences(*connection.finish(120)) == []


def multicast_frames(guest: SharedGuest) -> int:
    """How many of 20 frames to a group that nobody joined reach the guest's interface."""
    peer = guest.bed.peer
    peer.run(f"ip neigh replace {UNJOINED_ADDRESS} lladdr {UNJOINED_MAC} dev {peer.netdev}")
    before = guest.guest.statistics(guest.netdev)["rx_packets"]
    peer.run(f"ping -n -q -c 20 -i 0.05 -W 1 {UNJOINED_ADDRESS}", check=False)
    return guest.guest.statistics(guest.netdev)["rx_packets"] - before
