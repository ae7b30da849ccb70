# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab that tests share: one at a time, brought up at its first use."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from vferry_lab import image
from vferry_lab.errors import LabError
from vferry_lab.lab import PROCESSORS, Lab, attach, names

from .paths import LOGS
from .shared_guest import SharedGuest
from .testbed import Artefacts, Testbed, unconfigure

NAME = "check"
VFS = 2
KEPT = "VFERRY_LAB"  # name of a lab that is up: it is used and left, to try a test again soon


class Labs:
    """The lab of a test run, or none yet."""

    def __init__(self) -> None:
        self._bed: Testbed | None = None
        self._guest: SharedGuest | None = None
        self._wanted: tuple[str, int] | None = None
        self._seen: dict[str, set[str]] = {}
        self._start = time.monotonic()

    def progress(self, text: str) -> None:
        """Past pytest's capture: whoever watches sees that something goes on."""
        if sys.__stderr__ is not None:
            seconds = time.monotonic() - self._start
            print(f"\n[{seconds:6.1f} s] {text}", file=sys.__stderr__, end="", flush=True)

    def get(self, suite: str, processors: int = PROCESSORS) -> Testbed:
        """Two hosts of a suite with our driver; a lab of another kind is taken down first."""
        wanted = (suite, processors)
        if self._bed is None or self._wanted != wanted:
            self.close()
            self._bed = self._bring_up(suite, processors)
            self._wanted = wanted
            self._seen = {}
        return self._bed

    def _bring_up(self, suite: str, processors: int) -> Testbed:
        kept = os.environ.get(KEPT)
        if kept:
            return self._attach(kept, suite)
        artefacts = Artefacts.build(image.get(suite, self.progress), self.progress)
        lab = Lab(NAME, suite, log_dir=LOGS / "lab-check", processors=processors,
                  progress=self.progress)
        with contextlib.ExitStack() as failing:
            failing.enter_context(lab)
            bed = Testbed(lab, artefacts)
            self._prepare(bed)
            failing.pop_all()
        return bed

    def _attach(self, name: str, suite: str) -> Testbed:
        if name not in names():
            raise LabError(f"{KEPT}={name}: no such lab; lab/lab up --name {name} --keep")
        lab = attach(name)
        if lab.suite != suite:
            raise LabError(f"{KEPT}={name}: its hosts are {lab.suite}, not {suite}")
        bed = Testbed(lab, Artefacts.build(lab.image, self.progress))
        bed.on_all(unconfigure)
        self._prepare(bed)
        return bed

    def _prepare(self, bed: Testbed) -> None:
        self.progress("installing the driver in the hosts")
        bed.create_vfs(VFS)
        bed.install_driver(VFS)

    def guest(self, bed: Testbed) -> SharedGuest:
        """The guest of the lab that is up. It boots when it is first used, and ends with the lab."""
        if self._guest is None or self._guest.bed is not bed:
            self.progress("installing the guest in the hosts")
            bed.install_guest()
            self._guest = SharedGuest(bed)
        return self._guest

    def end_guest(self) -> None:
        """Take the shared guest away; the next who asks for it gets a new one."""
        guest, self._guest = self._guest, None
        if guest is not None:
            guest.destroy()

    def check_kernel_logs(self) -> None:
        """Raise AssertionError for defects that a host's kernel has reported since the last call."""
        if self._bed is None:
            return
        found: dict[str, list[str]] = {}
        for name, lines in self._bed.lab.kernel_problems().items():
            seen = self._seen.setdefault(name, set())
            new = [line for line in lines if line not in seen]
            seen.update(new)
            if new:
                found[name] = new
        assert not found, f"kernel logs: {found}"

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
