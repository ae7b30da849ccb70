# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest with a VF that many tests use one after the other.

Booting it takes half a minute, so it stays; what a test leaves broken is
mended, by a new guest if need be. It may be on either host when a test begins.
"""

from __future__ import annotations

from typing import Any

from vferry_lab.errors import CommandError, LabError
from vferry_lab.host import Host

from . import nic
from .domain import VF
from .guest import Guest, Move
from .testbed import Testbed
from .traffic import Connection, Ping

ADDRESS = "192.0.2.100"
MAC = "52:54:00:c0:00:64"
# virsh's words where libvirt has lost the other host's: now and then where one of both is 9.0, or
# has modular daemons. What was said is in a log of libvirt's or the hook's.
LOST = "End of file while reading data"
HEALTHY = 60.0  # seconds for a ping's reply; a busy host takes ten


class SharedGuest:
    """The guest and how it is reached."""

    address = ADDRESS
    mac = MAC

    def __init__(self, bed: Testbed) -> None:
        self.bed = bed
        self.vf = nic.vf_address(0)
        self.device = VF(self.vf)
        self.netdev = ""
        self._guest: Guest | None = None

    @property
    def guest(self) -> Guest:
        assert self._guest is not None
        return self._guest

    @property
    def host(self) -> Host:
        """Where it is."""
        return self.guest.host

    @property
    def away(self) -> Host:
        """Where it is not."""
        return self.bed.other(self.host)

    def repair(self) -> None:
        """See to it that it answers pings over its VF, and that both PFs are in order."""
        for host in self.bed.hosts:
            host.run(f"ip link set {host.pf_netdev} up")
        if self._guest is None or not self._works():
            self._renew()
        else:
            self._clear(self.away)

    def _clear(self, host: Host) -> None:
        """Take back what an administrator gave the VF on a host.

        Not where the guest is: igb takes away the guest's own address with it.
        """
        host.run("for vf in 0 1; do "
                 f"ip link set {host.pf_netdev} vf $vf mac 00:00:00:00:00:00 vlan 0; done")

    def _works(self) -> bool:
        try:
            self.find()
            self.await_network()
        except LabError:
            return False
        return True

    def _renew(self) -> None:
        self.destroy()
        for host in self.bed.hosts:
            self._clear(host)
            nic.bind(host, self.vf)
        self._guest = Guest.create(self.bed.hosts[0], [self.device])
        self.bring_up()

    def find(self) -> None:
        """Look on which host it is running, after a migration that may have failed."""
        for host in self.bed.hosts:
            there = host.run(["virsh", "-q", "list", "--name", "--state-running"]).stdout.split()
            if self.guest.name in there:
                self.guest.host = host
                return
        raise LabError(f"the guest is running on no host")

    def bring_up(self, mtu: int = 1500) -> None:
        """Give the VF's interface in the guest its MAC and its address."""
        self.netdev = self.guest.netdev(VF.guest_driver)
        self.guest.run(f"ip link set {self.netdev} down")
        self.guest.configure(self.netdev, ADDRESS, MAC, mtu)
        self.await_network()

    def await_network(self, address: str = ADDRESS) -> None:
        """Wait until the peer gets an answer from it.

        The peer asks by ARP, as for an address that it does not know: to one that it
        has just confirmed it sends for half a minute where the guest was before.
        """
        peer = self.bed.peer
        peer.run(
            f"ip neigh flush dev {peer.netdev}; for i in $(seq {HEALTHY:g}); do "
            f"ping -n -q -c 1 -W 1 {address} > /dev/null && exit; done; exit 1",
            timeout=HEALTHY * 2 + 10,
        )

    def run(self, command: str, timeout: float = 180, check: bool = True) -> str:
        """Run a shell line in the guest."""
        return self.guest.run(command, timeout, check)

    def ping(self) -> Ping:
        """The peer pings it ten times a second; a `with` block."""
        return Ping(self.bed.peer, ADDRESS)

    def connection(self, **options: Any) -> Connection:
        """A checked TCP connection with the peer; a `with` block."""
        return Connection(self.bed.peer, self.guest, self.bed.stream, **options)

    def move(self, *options: str) -> Move:
        """Migrate it to the other host, and let the one that it left forget it.

        igb keeps the guest's address among the PF's filters: what is behind that PF
        would send to an idle VF instead of the guest.
        """
        source = self.host
        moved = self.guest.migrate(self.away, *options)
        self._clear(source)
        return moved

    def failing_move(self, *options: str) -> str:
        """Try to migrate it, which must fail; the one line in which virsh says why.

        It must still be running where it was, with its network.
        """
        before = self.host
        line = refusal(self.guest, self.away, *options)
        self.goes_on(before)
        return line

    def goes_on(self, where: Host) -> None:
        """Assert that it is running there, not elsewhere, and that its network works."""
        self.find()
        assert self.host is where, f"it is on {self.host.name}, not on {where.name}"
        self.await_network()

    def destroy(self) -> None:
        """Take it away, wherever it is."""
        for host in self.bed.hosts:
            Guest(host).destroy()


def refusal(guest: Guest, target: Host, *options: str) -> str:
    """Try to migrate a guest, which must fail; the one line in which virsh says why."""
    try:
        guest.migrate(target, *options)
    except CommandError as error:
        return one_error(error.stderr)
    raise AssertionError("the migration succeeded")


def one_error(stderr: str) -> str:
    """The error line of virsh's words. Asserts that there is exactly one."""
    errors = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, f"not one clear error: {stderr!r}"
    return errors[0]
