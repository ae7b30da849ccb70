# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check --bench: what the driver costs, measured in the lab; figures, not tests.

Throughput from one guest to the peer through a VF on stock vfio-pci and through one
on our driver; then through the latter with and without the dirty log; how much of an
idle guest's memory the log reports during a migration; how long our driver works
while the guest stands still; and how long a host takes to get its VFs (bench_provision).
The first move from or to a host takes longer: the host's processor, an emulator, meets
that code for the first time.

The hosts have our packages, and SELinux, enforcing.

An emulated host has moods that last for minutes, so the two things to compare take
turns, and what counts is the ratio within a turn. Nobody asks the guest's agent for
news meanwhile: that alone takes half of the host's processor.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from vferry_lab import requirements
from vferry_lab.errors import LabError

from . import bench_provision, nic
from .domain import PAGES, VF
from .figures import driver_us
from .guest import Guest
from .labs import Labs
from .precopy import SLOW, await_job
from .testbed import Testbed

TURNS = 6
MOVES = 6
SECONDS = 10
WARM_UP = 3  # seconds that do not count
PORT = 5201


@dataclass(frozen=True)
class Path:
    """A way from the guest to the peer: a VF, and a network that only it is in."""

    index: int  # of the VF, on the host and in the guest
    guest: str
    peer: str


STOCK = Path(0, "192.0.2.100", "192.0.2.1")
OWN = Path(1, "198.18.0.2", "198.18.0.1")


@dataclass(frozen=True)
class Comparison:
    """Throughput in Mbit/s, turn by turn, of the usual and of what is compared with it."""

    usual: str
    other: str
    rates: list[tuple[float, float]] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of the turns' ratios."""
        return statistics.median(other / usual for usual, other in self.rates)

    def lines(self) -> str:
        usual, other = zip(*self.rates)
        ratios = [b / a for a, b in self.rates]
        text = f"{'guest to peer':<28}{'Mbit/s':>10}{'lowest':>10}{'highest':>10}\n"
        for name, runs in ((self.usual, usual), (self.other, other)):
            text += f"{name:<28}{statistics.median(runs):>10.1f}{min(runs):>10.1f}{max(runs):>10.1f}\n"
        return (f"{text}{'ratio within a turn':<28}{self.ratio:>10.2f}"
                f"{min(ratios):>10.2f}{max(ratios):>10.2f}\n")


@dataclass(frozen=True)
class IdleMove:
    """What a move of an idle guest cost: pages that the log reported, our driver's time."""

    pages: int
    driver_us: int


def main() -> int:
    labs = Labs()
    try:
        requirements.require_root()
        requirements.install_missing({"iperf3": "iperf3"}, labs.progress)
        bed = labs.get("trixie", selinux=True)
        comparisons, moves = _measure(bed, labs)
        labs.progress("a host gets its VFs, by vferry-provision and by driverctl")
        bed.configure(bench_provision.CONFIG)
        provisioned = bench_provision.measure(bed.hosts[0])
    except LabError as error:
        print(f"check: {error}", file=sys.stderr)
        return 1
    finally:
        labs.close()
    print()
    for comparison in comparisons:
        print(comparison.lines())
    print(f"{'an idle guest moves':<28}{'pages reported':>20}{'driver in downtime':>20}")
    for number, move in enumerate(moves, start=1):
        print(f"{number:<28}{move.pages:>12} {move.pages / PAGES:>7.2%}{move.driver_us / 1000:>17.1f} ms")
    print(f"\n{bench_provision.lines(provisioned)}")
    return 0


def _measure(bed: Testbed, labs: Labs) -> tuple[list[Comparison], list[IdleMove]]:
    stock = VF(nic.vf_address(STOCK.index), driver="vfio-pci")
    own = VF(nic.vf_address(OWN.index))
    bed.install_guest()
    bed.peer.run(f"ip address add {OWN.peer}/24 dev {bed.peer.netdev}")
    labs.progress("a guest with a VF on stock vfio-pci and one on our driver")
    nic.load(bed.hosts[0], "vfio-pci")
    guest = Guest.create(bed.hosts[0], [stock, own])
    try:
        for path in (STOCK, OWN):
            guest.configure(guest.netdev(VF.guest_driver, path.index), path.guest)
        drivers = Comparison("vfio-pci", nic.VARIANT_DRIVER)
        _take_turns(drivers, labs, lambda: _rate(bed, guest, STOCK), lambda: _rate(bed, guest, OWN))
        guest.detach(stock)
        log = Comparison("dirty log off", "dirty log on")
        _take_turns(log, labs, lambda: _rate(bed, guest, OWN), lambda: _rate_logged(bed, guest))
        labs.progress(f"the guest moves {MOVES} times, idle")
        return [drivers, log], [_move(bed, guest) for _ in range(MOVES)]
    finally:
        guest.destroy()


def _move(bed: Testbed, guest: Guest) -> IdleMove:
    hosts = guest.host, bed.other(guest.host)
    address = nic.vf_address(OWN.index)
    before = nic.status(hosts[0], address), nic.status(hosts[1], address)
    guest.migrate(hosts[1])
    after = nic.status(hosts[0], address), nic.status(hosts[1], address)
    return IdleMove(after[0].number("dirty_pages_reported"), driver_us(before, after))


def _take_turns(
    comparison: Comparison, labs: Labs, usual: Callable[[], float], other: Callable[[], float],
) -> None:
    """Fill in the rates; who begins changes from turn to turn."""
    for turn in range(TURNS):
        if turn % 2:
            second, first = other(), usual()
        else:
            first, second = usual(), other()
        comparison.rates.append((first, second))
        labs.progress(
            f"turn {turn + 1} of {TURNS}, Mbit/s: {comparison.usual} {first:.1f}, "
            f"{comparison.other} {second:.1f}"
        )


def _rate(bed: Testbed, guest: Guest, path: Path) -> float:
    """Throughput of one run in Mbit/s."""
    with bed.peer.popen(["iperf3", "-s", "-1", "-J", "-p", str(PORT)]) as server:
        # The server may not listen yet.
        guest.start_command(
            f"for i in 1 2 3 4 5; do iperf3 -c {path.peer} -p {PORT} -t {SECONDS} -O {WARM_UP} "
            "&& exit; sleep 1; done"
        )
        report, _ = server.communicate(SECONDS + WARM_UP + 60)
    try:
        return float(json.loads(report)["end"]["sum_received"]["bits_per_second"]) / 1e6
    except (ValueError, KeyError) as error:
        raise LabError(f"iperf3 reported no throughput: {report[-500:]}") from error


def _rate_logged(bed: Testbed, guest: Guest) -> float:
    """The same while a slow migration keeps the dirty log on; the guest stays."""
    host, target = bed.hosts
    with guest.start_migrate(target, "--bandwidth", SLOW) as migration:
        await_job(guest, host)
        rate = _rate(bed, guest, OWN)
        if migration.poll() is not None:
            raise LabError("the migration ended before the measurement did")
        host.run(["virsh", "-q", "domjobabort", guest.name])
        migration.communicate(60)
    return rate


if __name__ == "__main__":
    sys.exit(main())
