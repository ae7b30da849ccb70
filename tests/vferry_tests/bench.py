# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check --bench: what the driver costs, measured in the lab; figures, not tests.

Throughput from the guest to the peer on stock vfio-pci, on our driver on the same
host, and while the dirty log is on, each the median of some runs; and how much of
an idle guest's memory the log reports during a migration.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass

from vferry_lab import requirements
from vferry_lab.errors import LabError

from . import nic
from .domain import PAGES, VF
from .guest import Guest
from .labs import Labs
from .precopy import SLOW, await_job
from .testbed import Testbed

RUNS = 5
SECONDS = 8
ADDRESS = "192.0.2.100"
PORT = 5201


@dataclass(frozen=True)
class Rate:
    """Throughput of some runs, in Mbit/s."""

    name: str
    runs: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.runs)


def main() -> int:
    labs = Labs()
    try:
        requirements.require_root()
        requirements.install_missing({"iperf3": "iperf3"}, labs.progress)
        rates, pages = _measure(labs.get("trixie"), labs)
    except LabError as error:
        print(f"check: {error}", file=sys.stderr)
        return 1
    finally:
        labs.close()
    print(f"\n{'guest to peer':<28}{'Mbit/s':>10}{'of stock':>10}{'lowest':>10}{'highest':>10}")
    for rate in rates:
        print(f"{rate.name:<28}{rate.median:>10.1f}{rate.median / rates[0].median:>10.2f}"
              f"{min(rate.runs):>10.1f}{max(rate.runs):>10.1f}")
    print(f"pages reported dirty while an idle guest moves: {pages} of {PAGES} "
          f"({pages / PAGES:.2%})")
    return 0


def _measure(bed: Testbed, labs: Labs) -> tuple[list[Rate], int]:
    """Throughputs, and pages that the log reports of an idle guest."""
    host, target = bed.hosts
    address = nic.vf_address(0)
    stock, own = VF(address, driver="vfio-pci"), VF(address)
    bed.install_guest()
    labs.progress("a guest with a VF on stock vfio-pci")
    guest = Guest.create(host, [stock])
    try:
        rates = [_rate("vfio-pci", bed, guest, labs)]
        guest.detach(stock)
        nic.bind(host, address)
        guest.attach(own)
        rates.append(_rate(nic.VARIANT_DRIVER, bed, guest, labs))
        with guest.start_migrate(target, "--bandwidth", SLOW) as migration:
            await_job(guest, host)
            rates.append(_rate("the same, dirty log on", bed, guest, labs))
            if migration.poll() is not None:
                raise LabError("the migration ended before the measurement did")
            host.run(["virsh", "-q", "domjobabort", guest.name])
            migration.communicate(60)
        labs.progress("the guest moves, idle")
        guest.migrate(target)
        return rates, nic.status(host, address).number("dirty_pages_reported")
    finally:
        guest.destroy()


def _rate(name: str, bed: Testbed, guest: Guest, labs: Labs) -> Rate:
    netdev = guest.netdev(VF.guest_driver)
    guest.configure(netdev, ADDRESS)
    runs = []
    for run in range(RUNS):
        with bed.peer.popen(["iperf3", "-s", "-1", "-p", str(PORT)]) as server:
            report = guest.run(
                f"for i in 1 2 3 4 5; do iperf3 -c {bed.peer.address} -p {PORT} -t {SECONDS} -J "
                "&& exit; sleep 1; done; exit 1", timeout=120,
            )
            server.terminate()
        runs.append(json.loads(report)["end"]["sum_received"]["bits_per_second"] / 1e6)
        labs.progress(f"{name}: run {run + 1} of {RUNS}: {runs[-1]:.1f} Mbit/s")
    return Rate(name, runs)


if __name__ == "__main__":
    sys.exit(main())
