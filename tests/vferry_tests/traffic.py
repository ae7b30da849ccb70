# SPDX-License-Identifier: LGPL-2.1-or-later
"""Traffic between the peer and a guest, and what it noticed.

All times are seconds since 1970 by this machine's clock, which is the peer's too.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vferry_lab.errors import LabError
from vferry_lab.peer import Peer
from vferry_lab.process import Background

from .guest import Guest

REPLY = re.compile(r"\[(\d+\.\d+)\] \d+ bytes from .* icmp_seq=(\d+) ")


class Lines:
    """The lines of a background command, gathered as they come."""

    def __init__(self, background: Background) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._gather, args=(background,), daemon=True)
        self._thread.start()

    def _gather(self, background: Background) -> None:
        try:
            for line in background.stdout:
                with self._changed:
                    self._lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        except ValueError:  # closed meanwhile
            pass

    def all(self) -> list[str]:
        with self._changed:
            return list(self._lines)

    def wait(self, wanted: Callable[[list[str]], bool], timeout: float, what: str) -> None:
        """Wait until wanted(lines) is true. Raises LabError."""
        with self._changed:
            if not self._changed.wait_for(lambda: wanted(self._lines), timeout):
                tail = "\n  ".join(self._lines[-3:])
                raise LabError(f"{what}: not within {timeout:g} s; its last lines:\n  {tail}")

    def finish(self, timeout: float) -> list[str]:
        """All lines, once the command has closed its output."""
        self._thread.join(timeout)
        return self.all()


class Ping:
    """Echo requests from the peer at a fixed interval; used in a `with` block."""

    def __init__(self, peer: Peer, address: str, interval: float = 0.1) -> None:
        self.address = address
        self.interval = interval
        self._background = peer.popen(["ping", "-D", "-n", "-i", f"{interval:g}", address])
        self._lines = Lines(self._background)

    def replies(self) -> list[tuple[float, int]]:
        """Time of arrival and sequence number of each reply."""
        found = []
        for line in self._lines.all():
            reply = REPLY.match(line)
            if reply:
                found.append((float(reply[1]), int(reply[2])))
        return found

    def wait_reply(self, timeout: float = 30) -> None:
        """Wait for a reply that comes after this call."""
        before = len(self._lines.all())
        self._lines.wait(lambda lines: any(map(REPLY.match, lines[before:])), timeout,
                         f"a reply from {self.address}")

    def longest_gap(self, start: float, end: float) -> float:
        """Longest time without a reply that overlaps start..end, in seconds."""
        times = [when for when, _ in self.replies()]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])
                if later >= start and earlier <= end]
        return max(gaps, default=float("inf"))

    def lost(self, start: float, end: float) -> int:
        """Requests between the replies around start and end that got none."""
        replies = self.replies()
        first = max((seq for when, seq in replies if when <= start), default=0)
        last = min((seq for when, seq in replies if when >= end), default=first)
        answered = {seq for _, seq in replies if first < seq <= last}
        return last - first - len(answered)

    def __enter__(self) -> Ping:
        self._background.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._background.__exit__(*exception)


class Stream:
    """One end of a checked TCP stream in the peer (tests/traffic/stream.c); a `with` block."""

    def __init__(self, peer: Peer, program: Path, arguments: list[str]) -> None:
        self._background = peer.popen([str(program), *arguments])
        self._lines = Lines(self._background)

    def events(self) -> list[dict[str, Any]]:
        return parse_events(self._lines.all())

    def wait_event(self, name: str, timeout: float = 30) -> None:
        """Wait until an event of that name was seen."""
        self._lines.wait(
            lambda lines: any(event["event"] == name for event in parse_events(lines)),
            timeout, f"stream: event '{name}'",
        )

    def wait_received(self, timeout: float = 30) -> None:
        """Wait until more has arrived than until now."""
        before = last_counters(self.events())["received"]
        self._lines.wait(
            lambda lines: bool(last_counters(parse_events(lines))["received"] > before),
            timeout, "stream: more data",
        )

    def alive(self) -> bool:
        """Whether it runs and saw no error."""
        return self._background.poll() is None and not any(
            event["event"] == "error" for event in self.events()
        )

    def longest_gap(self, start: float, end: float) -> float:
        """Longest time in seconds without a byte that overlaps start..end; 0 if all were short."""
        return max((
            event["length"] / 1000 for event in self.events()
            if event["event"] == "gap" and event["start"] / 1000 <= end
            and (event["start"] + event["length"]) / 1000 >= start
        ), default=0.0)

    def arrived(self) -> list[tuple[float, int]]:
        """Time and bytes that had arrived by then, read or not, of each report."""
        return [(event["time"] / 1000, event["received"] + event["queued"])
                for event in self.events() if event["event"] == "status"]

    def stop_sending(self) -> None:
        self._background.terminate()

    def finish(self, timeout: float = 60) -> dict[str, Any]:
        """Wait for the end; the last event, "end" or "error"."""
        self._background.wait(timeout)
        events = parse_events(self._lines.finish(timeout))
        return events[-1]

    def __enter__(self) -> Stream:
        self._background.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._background.__exit__(*exception)


def parse_events(lines: list[str]) -> list[dict[str, Any]]:
    """The events of stream's output; a line that is not whole yet is left out."""
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events


def last_counters(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The newest counters of a stream."""
    for event in reversed(events):
        if "received" in event:
            return event
    return {"sent": 0, "received": 0, "queued": 0}


class Connection:
    """A checked TCP connection between the peer and a guest; a `with` block.

    The guest opens it. Both sides send rate bytes a second; lag is how much the
    guest leaves in its socket's queue, in the pages that its NIC wrote. The peer notes
    what has arrived every status_ms.
    """

    def __init__(
        self, peer: Peer, guest: Guest, program: Path, port: int = 5001, rate: int = 50_000,
        lag: int = 0, address: str | None = None, status_ms: int = 1000,
    ) -> None:
        self.guest = guest
        self.log = f"/run/stream-{port}.log"
        self.peer = Stream(peer, program, [
            "--rate", str(rate), "--status", str(status_ms), "listen", str(port)])
        try:
            self.peer.wait_event("listening")
            guest.start_command(
                f"stream --rate {rate} --lag {lag} connect {address or peer.address} {port} "
                f"> {self.log} 2>&1"
            )
            self.peer.wait_event("connected", 60)
        except BaseException:
            self.peer.__exit__(None, None, None)
            raise

    def guest_events(self) -> list[dict[str, Any]]:
        return parse_events(self.guest.run(f"cat {self.log}").splitlines())

    def finish(self, timeout: float = 60) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let both sides end; the last event of the peer and of the guest."""
        self.peer.stop_sending()
        self.guest.run("killall -TERM stream", check=False)
        at_peer = self.peer.finish(timeout)
        end = time.monotonic() + timeout
        while True:
            events = self.guest_events()
            if events and events[-1]["event"] in ("end", "error"):
                return at_peer, events[-1]
            if time.monotonic() > end:
                raise LabError(f"the guest's stream did not end within {timeout:g} s")
            time.sleep(0.5)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.peer.__exit__(*exception)
        if exception[0] is None:
            self.guest.run("killall -KILL stream", check=False)


def differences(at_peer: dict[str, Any], in_guest: dict[str, Any]) -> list[str]:
    """What is wrong with a finished connection; nothing if every byte arrived once and right.

    Each side has compared every byte with the one that was sent, so the counts decide.
    """
    found = [f"{where}: {event.get('text', 'no end')}"
             for where, event in (("peer", at_peer), ("guest", in_guest))
             if event["event"] != "end"]
    for sender, receiver, text in ((at_peer, in_guest, "peer to guest"),
                                   (in_guest, at_peer, "guest to peer")):
        sent, received = sender["sent"], receiver["received"]
        if sent != received:
            found.append(f"{text}: {sent} bytes sent, {received} received")
    return found
