# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory that a migration has yet to send, asked of libvirt once a second."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass

from vferry_lab.host import Host

from .guest import raw_stats
from .traffic import Lines

PERIOD = 1.0  # seconds
LIMIT = 60.0  # seconds for an answer: libvirt gives up on a busy guest after 30


@dataclass(frozen=True)
class Memory:
    """One answer of `virsh domjobinfo`."""

    time: float  # by the runner's clock
    remaining: int  # bytes
    dirty_rate: int  # pages a second that the guest wrote


class MemoryWatch:
    """Asks until it is stopped.

    One virsh gets all the questions: under emulation its start costs more than they do,
    so it is up, and has answered once, before the migration begins.
    """

    def __init__(self, host: Host, guest: str) -> None:
        self._guest = guest
        self._samples: list[Memory] = []
        self.fault = ""  # why it gave up
        self._over = threading.Event()
        self._shell = host.popen("exec virsh -q")
        try:
            self._lines = Lines(self._shell)
            self._ask()
        except BaseException:
            self._shell.__exit__(None, None, None)
            raise
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def finish(self) -> list[Memory]:
        """Stop asking; the answers that there are."""
        self._over.set()
        self._thread.join(2 * LIMIT)
        with self._shell:
            if not self.fault:
                self._shell.stdin.close()
                self._shell.wait(LIMIT)
        return list(self._samples)

    def abandon(self) -> None:
        """Stop asking and wait for nothing: virsh ends with its input."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._shell.stdin.close()

    def _watch(self) -> None:
        try:
            while not self._over.wait(PERIOD):
                asked = time.time()
                answer = self._ask()
                sample = parse(answer, (asked + time.time()) / 2)
                if sample is not None:
                    self._samples.append(sample)
        except Exception as error:
            self.fault = str(error) or repr(error)

    def _ask(self) -> str:
        """What virsh says of the guest's job; what it complains of goes elsewhere."""
        before = len(self._lines.all())
        # Its prompt ends no line, so the folder that pwd prints tells the answer's end.
        self._shell.stdin.write(f"domjobinfo {self._guest} --rawstats; pwd\n")
        self._shell.stdin.flush()
        self._lines.wait(
            lambda lines: any(line.startswith("/") for line in lines[before:]), LIMIT,
            "virsh domjobinfo",
        )
        return "\n".join(self._lines.all()[before:])


def parse(answer: str, when: float) -> Memory | None:
    """What an answer says; None before there is a migration, and after it."""
    stats = raw_stats(answer)
    if not stats.get("memory_total") or "memory_remaining" not in stats:
        return None
    return Memory(when, stats["memory_remaining"], stats.get("memory_dirty_rate", 0))
