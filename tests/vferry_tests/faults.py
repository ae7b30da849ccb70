# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a soak does to a guest: it moves, or something comes in the way.

Each function is called with the guest where it is and returns when it has happened; whether the
guest is well is the soak's business.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vferry_lab.errors import CommandError
from vferry_lab.host import Host
from vferry_lab.process import Background

from . import nic
from .domain import VF
from .guest import MOVE_LIMIT, PLAIN, Guest
from .precopy import SLOW, await_job, hurry


@dataclass(frozen=True)
class Step:
    """name: what is reported; weight: how often, among the others; moves: the guest is on the
    other host afterwards; act(guest, target)."""

    name: str
    weight: int
    moves: bool
    act: Callable[[Guest, Host], None]


def moved(guest: Guest, target: Host) -> None:
    guest.migrate(target, *PLAIN)


def cancelled(guest: Guest, target: Host) -> None:
    with held(guest, target) as migration:
        guest.host.run(["virsh", "-q", "domjobabort", guest.name])
        fails(migration)


def target_qemu_killed(guest: Guest, target: Host) -> None:
    with held(guest, target) as migration:
        target.run(f"kill -KILL $(cat /run/libvirt/qemu/{guest.name}.pid)")
        fails(migration)


def target_libvirt_killed(guest: Guest, target: Host) -> None:
    with held(guest, target) as migration:
        kill_libvirt(target)
        fails(migration)


def source_libvirt_killed(guest: Guest, target: Host) -> None:
    with held(guest, target) as migration:
        kill_libvirt(guest.host)
        fails(migration)


def vf_reset(guest: Guest, target: Host) -> None:
    """By the guest, which ends what PRE_COPY has begun."""
    netdev = guest.netdev(VF.guest_driver)
    with held(guest, target) as migration:
        guest.run(f"echo 1 > /sys/class/net/{netdev}/device/reset")
        hurry(guest)
        fails(migration)


def target_pf_down(guest: Guest, target: Host) -> None:
    with nic.link_down(target):
        try:
            guest.migrate(target, *PLAIN)
        except CommandError:
            return
    raise AssertionError("it moved to a PF that is down")


def source_pf_down(guest: Guest, target: Host) -> None:
    """For a moment, while nothing moves."""
    with nic.link_down(guest.host):
        pass


MOVED = Step("moved", 12, True, moved)
STEPS = (
    MOVED,
    Step("cancelled", 2, False, cancelled),
    Step("QEMU at the target killed", 2, False, target_qemu_killed),
    Step("libvirt at the target killed", 1, False, target_libvirt_killed),
    Step("libvirt at the source killed", 1, False, source_libvirt_killed),
    Step("VF reset by the guest", 2, False, vf_reset),
    Step("PF at the target down", 2, False, target_pf_down),
    Step("PF at the source down", 1, False, source_pf_down),
)


def schedule(seed: int) -> Iterator[Step]:
    """Steps without an end, the same for the same seed."""
    chance = random.Random(seed)
    weights = [step.weight for step in STEPS]
    while True:
        yield chance.choices(STEPS, weights)[0]


@contextmanager
def held(guest: Guest, target: Host) -> Iterator[Background]:
    """A migration that is sending memory, slowly."""
    with guest.start_migrate(target, *PLAIN, "--bandwidth", SLOW) as migration:
        await_job(guest, guest.host)
        yield migration


def fails(migration: Background) -> None:
    """Wait for its end. Asserts that virsh says it failed."""
    migration.communicate(MOVE_LIMIT)
    assert migration.returncode != 0, "it moved in spite of that"


def kill_libvirt(host: Host) -> None:
    """systemd starts it again; wait until it answers."""
    host.run("systemctl kill -s KILL libvirtd && "
             "until virsh -q list > /dev/null 2>&1; do sleep 0.5; done", timeout=120)
