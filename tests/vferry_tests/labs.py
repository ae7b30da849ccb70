# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab that tests share: one at a time, brought up at its first use."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

from vferry_lab import image
from vferry_lab.errors import LabError
from vferry_lab.lab import PROCESSORS, Lab, attach, names

from . import artefacts, debug_kernel, enforcing, functions, host_image, libvirt_modular, nic
from .paths import LOGS
from .shared_guest import SharedGuest
from .testbed import Testbed, unconfigure

NAME = "check"
VFS = 2
KEPT = "VFERRY_LAB"  # name of a lab that is up: it is used and left, to try a test again soon


class Wanted(NamedTuple):
    """What hosts a test wants; a lab of another kind is no good."""

    suites: tuple[str, ...]  # of each host
    processors: int
    selinux: bool
    modular: bool  # libvirt as a daemon for each driver
    apart: bool  # the hosts' PFs differ in their PCI address
    debug: bool  # the debug kernel


class Labs:
    """The lab of a test run, or none yet. name: of the lab; of each name one can be up."""

    def __init__(self, name: str = NAME) -> None:
        self._name = name
        self._bed: Testbed | None = None
        self._guest: SharedGuest | None = None
        self._config: str | None = None
        self._wanted: Wanted | None = None
        self._seen: dict[str, set[str]] = {}
        self._denied: dict[str, set[enforcing.Denial]] = {}
        self._start = time.monotonic()

    def progress(self, text: str) -> None:
        """Past pytest's capture: whoever watches sees that something goes on."""
        if sys.__stderr__ is not None:
            seconds = time.monotonic() - self._start
            print(f"\n[{seconds:6.1f} s] {text}", file=sys.__stderr__, end="", flush=True)

    def get(
        self, *suites: str, processors: int = PROCESSORS, selinux: bool = False,
        modular: bool = False, apart: bool = False, debug: bool = False,
    ) -> Testbed:
        """Two hosts of a suite, or one of each of two, with our packages.

        A lab of another kind is taken down first.
        """
        wanted = Wanted(suites if len(suites) > 1 else suites * 2, processors, selinux, modular,
                        apart, debug)
        if self._bed is None or self._wanted != wanted:
            self.close()
            self._bed = self._bring_up(wanted)
            self._wanted = wanted
            self._config = None
            self._seen = {}
            self._denied = {}
        return self._bed

    def _bring_up(self, wanted: Wanted) -> Testbed:
        kept = os.environ.get(KEPT)
        if kept:
            return self._attach(kept, wanted)
        base = [image.get(suite, self.progress) for suite in wanted.suites]
        guest = artefacts.guest(base[0], self.progress)
        new_lab = functools.partial(
            Lab, self._name, wanted.suites, log_dir=LOGS / f"lab-{self._name}",
            processors=wanted.processors, selinux=wanted.selinux, apart=wanted.apart,
            progress=self.progress)
        if wanted.debug:
            lab = new_lab(own_image=[debug_kernel.get(each, self.progress) for each in base],
                          memory_mib=debug_kernel.MEMORY_MIB,
                          boot_timeout=debug_kernel.BOOT_LIMIT)
        else:
            lab = new_lab(
                own_image=[host_image.get(suite, self.progress) for suite in wanted.suites])
        with contextlib.ExitStack() as failing:
            failing.enter_context(lab)
            bed = Testbed(lab, guest)
            if wanted.debug:  # DKMS has built for the other kernel
                bed.renew(self.progress)
            self._prepare(bed, wanted.modular)
            failing.pop_all()
        return bed

    def _attach(self, name: str, wanted: Wanted) -> Testbed:
        if name not in names():
            raise LabError(f"{KEPT}={name}: no such lab; lab/lab up --name {name} --keep")
        lab = attach(name)
        wrong = _unfit(lab, wanted)
        if wrong:
            raise LabError(f"{KEPT}={name}: {wrong}")
        guest = artefacts.guest(image.get(wanted.suites[0], self.progress), self.progress)
        bed = Testbed(lab, guest)
        bed.on_all(unconfigure)
        bed.create_vfs(0)
        bed.renew(self.progress)
        self._prepare(bed, wanted.modular)
        return bed

    def _prepare(self, bed: Testbed, modular: bool) -> None:
        if modular:
            libvirt_modular.install(bed, self.progress)
        bed.create_vfs(VFS)
        functions.watch(bed)
        bed.bind_vfs(VFS)

    def guest(self, bed: Testbed) -> SharedGuest:
        """The guest of the lab that is up. It boots when it is first used, and ends with the lab."""
        if self._guest is None or self._guest.bed is not bed:
            self.progress("installing the guest in the hosts")
            bed.install_guest()
            self._guest = SharedGuest(bed)
        return self._guest

    def configure(self, bed: Testbed, config: str) -> None:
        """A configuration for our programs in the hosts, and no VFs but those that it makes.

        The shared guest, which had one of the others, is taken away. Hosts that have all
        that from the tests before stay as they are.
        """
        if self._config == config:
            return
        self.end_guest()
        bed.create_vfs(0)
        bed.install_guest()
        bed.configure(config)
        self._config = config

    def end_guest(self) -> None:
        """Take the shared guest away; the next who asks for it gets a new one."""
        guest, self._guest = self._guest, None
        if guest is not None:
            guest.destroy()

    def check_kernel_logs(self) -> None:
        """Raise AssertionError for defects that a host's kernel has reported since the last call."""
        if self._bed is None:
            return
        functions.look(self._bed)
        found: dict[str, list[str]] = {}
        for name, lines in self._bed.lab.kernel_problems().items():
            seen = self._seen.setdefault(name, set())
            new = [line for line in lines if line not in seen]
            seen.update(new)
            if new:
                found[name] = new
        assert not found, f"kernel logs: {found}"

    def check_denials(self) -> None:
        """Raise AssertionError for what enforcing hosts have denied since the last call.

        What tests/lab/allowed-denials has does not count.
        """
        if self._bed is None or not self._bed.lab.selinux:
            return
        found: dict[str, list[str]] = {}
        for host in self._bed.hosts:
            seen = self._denied.setdefault(host.name, set())
            new = set(enforcing.avc_denials(host)) - seen
            seen.update(new)
            lines = enforcing.unexpected(new)
            if lines:
                found[host.name] = lines
        assert not found, f"denied: {found}"

    def collect_logs(self, folder: Path) -> bool:
        """Put the hosts' logs into folder; false if there are no hosts."""
        if self._bed is None:
            return False
        self._bed.lab.collect_logs(folder)
        return True

    def close(self) -> None:
        """Take the guest away and the lab down; a lab that was up before stays."""
        bed, self._bed = self._bed, None
        with contextlib.ExitStack() as ending:
            if bed is not None:
                ending.callback(bed.lab.stop)
            self.end_guest()


def _unfit(lab: Lab, wanted: Wanted) -> str:
    """Why a lab that is up is not what a test wants; '' if it is."""
    debug = lab.hosts[0].image.path.name.startswith(debug_kernel.KIND)
    reasons = {
        f"its hosts are {', '.join(lab.suites)}, not {', '.join(wanted.suites)}":
            lab.suites != wanted.suites,
        f"its hosts are {'' if lab.selinux else 'not '}enforcing, and the test wants the other":
            lab.selinux != wanted.selinux,
        f"its PFs {'differ' if lab.apart else 'do not differ'} in address, and the test wants the "
        "other": lab.apart != wanted.apart,
        f"its hosts have {'the' if debug else 'no'} debug kernel, and the test wants the other":
            debug != wanted.debug,
        "its hosts have modular daemons of libvirt by now":
            libvirt_modular.is_installed(lab.hosts[0]) and not wanted.modular,
    }
    return next((reason for reason, true in reasons.items() if true), "")
