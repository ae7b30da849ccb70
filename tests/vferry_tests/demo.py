# SPDX-License-Identifier: LGPL-2.1-or-later
"""./demo: a guest and its VF move between two hosts, told step by step."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vferry_lab import cache, image, recipe, requirements
from vferry_lab.errors import CommandError, LabError
from vferry_lab.lab import Lab

from . import artefacts, enforcing, figures, host_image, nic, packages, paths, traffic
from .domain import PAGES, VF, Virtio
from .figures import Figures, VFFigures
from .guest import Guest
from .testbed import Testbed, config
from .traffic import Connection, Ping

NAME = "demo"
REFUSAL = "VFIO migration is not supported in kernel"
CONFIG = config(vfs=2)
VF_ADDRESS = "192.0.2.100"
VIRTIO_ADDRESS = "192.0.2.101"
STATUS_MS = 500  # between two values of the stream's throughput
WATCHED = 5.0  # seconds of traffic before a move, so that a gap is seen against a rule


@dataclass
class Story:
    """What has been shown so far."""

    refused_on_vfio_pci: bool = False
    baseline: Figures | None = None
    moves: list[VFFigures] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    guest_pages = PAGES

    @property
    def ok(self) -> bool:
        return not self.lacking()

    def lacking(self) -> str:
        """What did not hold, in words; '' if all did."""
        told = [self.baseline, *self.moves]
        held = {
            "vfio-pci was not refused for want of VFIO migration": self.refused_on_vfio_pci,
            "the guest did not move without its VF": self.baseline is not None,
            "the guest did not move there and back with its VF": len(self.moves) == 2,
            "a connection was lost": all(each is None or each.tcp_alive for each in told),
            "no move was to another VF": any(each.left != each.got for each in self.moves),
            "see the messages above": not self.faults,
        }
        return "; ".join(words for words, true in held.items() if not true)

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "refused_on_vfio_pci": self.refused_on_vfio_pci,
            "guest_pages": self.guest_pages,
            "baseline": asdict(self.baseline) if self.baseline else None,
            "moves": [asdict(each) for each in self.moves],
        }


class Teller:
    """Prints each step with the minutes and seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        minutes, seconds = divmod(int(time.monotonic() - self._start), 60)
        print(f"{minutes:3}:{seconds:02}  {text}", flush=True)

    def title(self, text: str) -> None:
        print(f"\n{text}", flush=True)

    def quote(self, text: str) -> None:
        for line in text.strip().splitlines():
            print(f"       | {line}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    story = Story()
    tell = Teller()
    try:
        _check_json(options.json)
        requirements.require_root()
        requirements.check_machine(2, Lab().memory_mib, cache.folder())
        _perform(story, tell, options)
    except LabError as error:
        story.faults.append(str(error))
        print(f"demo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("demo: interrupted" + ("" if options.keep else "; everything it started is gone"),
              file=sys.stderr)
        return 130
    if options.json is not None:
        options.json.write_text(json.dumps(story.to_json(), indent=2) + "\n")
    print("\nAll of it held." if story.ok else f"\nNot all of it held: {story.lacking()}.")
    return 0 if story.ok else 1


def _perform(story: Story, tell: Teller, options: argparse.Namespace) -> None:
    tell.title("Two hosts with SR-IOV, on this machine")
    own = image.get(options.suite, tell)
    guest = artefacts.guest(own, tell)
    lab = Lab(NAME, options.suite, own_image=host_image.get(options.suite, tell),
              log_dir=paths.LOGS / NAME, keep=options.keep, selinux=options.selinux,
              progress=tell)
    if options.keep:
        lab.start()
        try:
            _story(story, tell, Testbed(lab, guest))
        finally:
            tell(f"the hosts stay: lab/lab exec --name {NAME} host1; lab/lab down --name {NAME}")
    else:
        with lab:
            _story(story, tell, Testbed(lab, guest))
    for fault in story.faults:
        print(f"demo: {fault}", file=sys.stderr)


def _story(story: Story, tell: Teller, bed: Testbed) -> None:
    first, second = bed.hosts
    tell("both have these Debian packages, built from this tree:")
    tell.quote(packages.installed(first))
    bed.create_vfs(1)
    tell("each host's libvirt looks at its QEMU")
    bed.install_guest()
    address = nic.vf_address(0)
    stock = VF(address, driver="vfio-pci")
    virtio = Virtio("52:54:00:c0:00:01")

    tell.title("1. A guest with a VF on stock vfio-pci")
    if bed.lab.selinux:
        tell(f"{first.name}: modprobe vfio-pci, since Debian's policy does not let libvirt do so")
        nic.load(first, "vfio-pci")
    tell(f"{first.name}: virsh create, a guest boots; virsh attach-device, VF {address}")
    guest = Guest.create(first, [stock])
    guest.configure(guest.netdev(stock.guest_driver), VF_ADDRESS)
    with Ping(bed.peer, VF_ADDRESS) as ping:
        ping.wait_reply()
        tell("the guest answers the peer's ping over its VF")
        tell(" ".join(["$", *guest.migrate_command(second)]))
        story.refused_on_vfio_pci = _is_refused(guest, second, tell)
        ping.wait_reply()
    guest.detach(stock)

    tell.title("2. The same guest without its VF: what a migration costs here anyway")
    guest.attach(virtio)
    guest.configure(guest.netdev(virtio.guest_driver), VIRTIO_ADDRESS)
    with (Ping(bed.peer, VIRTIO_ADDRESS) as ping,
          Connection(bed.peer, guest, bed.stream, status_ms=STATUS_MS) as connection):
        _watch(ping, connection)
        tell(f"{first.name} to {second.name}: virsh migrate, with a virtio NIC")
        story.baseline = figures.move(guest, second, ping, connection)
        tell(f"done in {story.baseline.total_ms / 1000:.1f} s")
        _tell_missing(story.baseline, tell)
        story.faults += traffic.differences(*connection.finish())
    guest.detach(virtio)

    tell.title("3. The same guest with its VF, on igbvf_vfio_pci")
    tell(f"all that both hosts need beside the packages is {paths.CONFIG}:")
    tell.quote(CONFIG)
    bed.create_vfs(0)
    bed.configure(CONFIG)
    tell(f"{first.name}: another guest boots and has VF {address}")
    other = Guest.create(first, [VF(address)], "other")
    guest.attach(VF(address))
    guest.configure(guest.netdev(VF.guest_driver), VF_ADDRESS)
    tell(f"{second.name}: the guest has VF {address} of this host; vferry list")
    tell.quote(second.run(["vferry", "list"]).stdout)
    with (Ping(bed.peer, VF_ADDRESS) as ping,
          Connection(bed.peer, guest, bed.stream, status_ms=STATUS_MS) as connection):
        for target in (first, second):
            _watch(ping, connection)
            tell(f"{guest.host.name} to {target.name}: virsh migrate, with the VF in use")
            moved = figures.move_vf(guest, target, ping, connection)
            story.moves.append(moved)
            tell(f"done in {moved.total_ms / 1000:.1f} s, the guest's connections live on; "
                 f"it had VF {moved.left} there and has {moved.got} here")
            _tell_missing(moved, tell)
        story.faults += traffic.differences(*connection.finish())
    guest.destroy()
    other.destroy()
    for name, lines in bed.lab.kernel_problems().items():
        story.faults += [f"{name}: its kernel said: {line}" for line in lines]
    if bed.lab.selinux:
        for host in bed.hosts:
            story.faults += [f"{host.name}: SELinux has denied: {line}"
                             for line in enforcing.unexpected(enforcing.avc_denials(host))]
    tell.title("4. What it cost")
    print(table(story))


def _is_refused(guest: Guest, target: Any, tell: Teller) -> bool:
    """Try to migrate; true if libvirt refuses for the reason that this project removes."""
    try:
        guest.migrate(target)
    except CommandError as error:
        tell.quote(error.stderr)
        return REFUSAL in error.stderr
    tell("it was not refused")
    return False


def _watch(ping: Ping, connection: Connection) -> None:
    """Traffic flows in both directions, and has for a while."""
    ping.wait_reply()
    connection.peer.wait_received()
    time.sleep(WATCHED)


def _tell_missing(moved: Figures, tell: Teller) -> None:
    """What its time line lacks, which is no fault of the migration."""
    for words in moved.timeline.missing if moved.timeline else []:
        tell(f"not recorded: {words}")


def table(story: Story) -> str:
    """The figures side by side, 80 columns at most."""
    columns: list[Figures] = [*([story.baseline] if story.baseline else []), *story.moves]
    heads = ["without VF" if not isinstance(each, VFFigures) else each.direction
             for each in columns]
    rows: list[tuple[str, list[str]]] = [
        ("VF at the source", [each.left if isinstance(each, VFFigures) else "-" for each in columns]),
        ("VF at the target", [each.got if isinstance(each, VFFigures) else "-" for each in columns]),
        ("total time", [f"{each.total_ms / 1000:.1f} s" for each in columns]),
        ("downtime (libvirt)", [f"{each.downtime_ms} ms" for each in columns]),
        ("longest gap, ping", [f"{each.ping_gap_ms} ms" for each in columns]),
        ("longest gap, TCP", [f"{each.tcp_gap_ms} ms" for each in columns]),
        ("packets lost, ping", [str(each.ping_lost) for each in columns]),
        ("TCP stream", ["alive" if each.tcp_alive else "DEAD" for each in columns]),
        ("device state", [f"{each.stream_bytes} bytes" if isinstance(each, VFFigures) else "-"
                          for each in columns]),
        ("pages reported dirty", [
            f"{each.dirty_pages} ({each.dirty_pages / story.guest_pages:.1%})"
            if isinstance(each, VFFigures) else "-" for each in columns]),
        ("driver in the downtime", [f"{each.driver_us / 1000:.1f} ms"
                                    if isinstance(each, VFFigures) else "-" for each in columns]),
    ]
    lines = [f"{'':<24}" + "".join(f"{head:>18}" for head in heads)]
    lines += [f"{name:<24}" + "".join(f"{cell:>18}" for cell in cells) for name, cells in rows]
    lines.append(f"(the guest has {story.guest_pages} pages)")
    return "\n".join(lines)


def _check_json(path: Path | None) -> None:
    """Say at once that the file cannot be written, not after ten minutes."""
    if path is None:
        return
    try:
        with path.open("a"):
            pass
    except OSError as error:
        raise LabError(f"--json {path}: {error.strerror}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./demo",
        description="Shows on one machine, without the hardware, that a guest with a passed-through "
                    "VF moves between two hosts. Needs root; installs what it needs.",
        epilog="Exit status: 0 if all of it held, 1 if not, 2 for a wrong call.",
    )
    parser.add_argument("--json", type=Path, metavar="FILE",
                        help="write figures and time lines there; tests/draw_timeline draws them")
    parser.add_argument("--keep", action="store_true", help="leave the two hosts up")
    parser.add_argument("--selinux", action="store_true",
                        help="hosts with SELinux, enforcing, instead of AppArmor")
    parser.add_argument("--suite", default="trixie", choices=recipe.suites(),
                        help="Debian suite of the hosts (default: %(default)s)")
    return parser


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
