# SPDX-License-Identifier: LGPL-2.1-or-later
"""`vferry migrate` as its user sees it, with a libvirt that is told what to do."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_host import PAUSED_USER, RUNNING, SHUT_OFF, URI, UUID, VF, FakeHost, domain_xml, hostdev

LONG = 30_000  # milliseconds; nothing waits for its end
LIMIT = 20.0
PERSISTENT = "persist=1 undefine=1"
TRANSIENT = "persist=0 undefine=0"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path)
    host.here.add_domain(domain_xml(hostdev(VF)), inactive=domain_xml(hostdev(VF)))
    host.script("ok 0 ")
    return host


def call(options: str = PERSISTENT, uri: str = "", bandwidth: int = 0) -> str:
    return f"migrate guest {URI} live=1 p2p=1 {options} uri={uri} bandwidth={bandwidth}"


def await_that(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


class Running:
    """The command while it migrates."""

    def __init__(self, host: FakeHost, *options: str) -> None:
        self.host = host
        self.process = subprocess.Popen(
            host.fake_command("migrate", *options, "guest", URI), env=host.environment(),
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        await_that(lambda: any(line.startswith("migrate") for line in host.log()))

    def signal(self, number: signal.Signals) -> None:
        # unshare, sh and env have become the command itself.
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, out, err


def test_moves(host: FakeHost) -> None:
    done = host.run_fake("migrate", "guest", URI)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"guest has moved to {URI} in 0.")
    assert done.stdout.endswith(" s, 4.0 MiB sent; it stood still for 646 ms\n")
    assert host.log() == [call()]


def test_options(host: FakeHost) -> None:
    (host.here.folder / "domains" / UUID / "inactive.xml").unlink()
    done = host.run_fake("migrate", "--bandwidth", "7", "--migrate-uri", "tcp://192.0.2.2",
                         "guest", URI)
    assert done.returncode == 0, done.stderr
    assert host.log() == [call(TRANSIENT, "tcp://192.0.2.2", 7)]


def test_json(host: FakeHost) -> None:
    done = host.run_fake("migrate", "--json", "guest", URI)
    result = json.loads(done.stdout)
    assert result["result"] == "moved" and result["downtime_ms"] == 646
    assert result["bytes_sent"] == 4 << 20 and result["error"] is None


def test_check_fails(host: FakeHost) -> None:
    host.offer(VF, "stop-copy")
    done = host.run_fake("migrate", "guest", URI)
    assert done.returncode == 1 and host.log() == []
    assert "failed   0000:01:10.0" in done.stdout
    assert done.stderr == ("vferry: migrate: guest stays here: 1 check failed; --no-check "
                           "migrates all the same\n")
    assert not json.loads(host.run_fake("migrate", "--json", "guest", URI).stdout)["passed"]


def test_no_check(host: FakeHost) -> None:
    host.offer(VF, "stop-copy")
    host.there.folder.rename(host.fake / "gone")
    done = host.run_fake("migrate", "--no-check", "guest", URI)
    assert done.returncode == 0 and host.log() == [call()]


def test_fails(host: FakeHost) -> None:
    host.script("fail 50 0000:01:10.0: VFIO migration is not supported in kernel")
    done = host.run_fake("migrate", "--json", "guest", URI)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "vferry: migrate: libvirt: 0000:01:10.0: VFIO migration is not supported in kernel; guest: "
        "it runs on here; the VF is on a driver that cannot migrate: vferry check says which, and "
        "what to do")
    result = json.loads(done.stdout)
    assert result["result"] == "failed" and result["runs_here"] and result["downtime_ms"] is None
    host.here.set_state(PAUSED_USER)
    done = host.run_fake("migrate", "guest", URI)
    assert "guest: it is here, and paused: virsh resume" in done.stderr


def test_lost(host: FakeHost) -> None:
    host.script("fail 200 Lost connection to destination host")
    running = Running(host)
    host.here.set_state(SHUT_OFF)
    code, _, err = running.end()
    assert code == 2
    assert "it does not run here any more: look for it on the other host" in err


@pytest.mark.parametrize("state, here, text", [
    (RUNNING, True, "it runs on here"), (SHUT_OFF, False, "it does not run here any more"),
    (None, None, "libvirt here does not say where it is"),
])
def test_libvirt_ends(host: FakeHost, state: str | None, here: bool | None, text: str) -> None:
    """A daemon that was started again is asked; if there is none, nothing is said of the guest."""
    host.script("lost 500 client socket is closed")
    running = Running(host, "--json")
    if state is None:
        host.here.folder.rename(host.fake / "gone")
    else:
        host.here.set_state(state)
    code, out, err = running.end()
    assert code == 2
    assert json.loads(out)["runs_here"] is here
    assert text in err.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_cancel(host: FakeHost, number: signal.Signals) -> None:
    host.script(f"ok {LONG} ")
    running = Running(host)
    running.signal(number)
    code, out, err = running.end()
    assert code == 2 and out == ""
    assert err.splitlines()[-1] == "vferry: migrate: cancelled; guest: it runs on here"
    assert "cancelling; the guest stays here" in err
    assert host.log() == [call(), "abort guest"]


def test_cancel_that_is_refused(host: FakeHost) -> None:
    """At its end libvirt no longer cancels: the migration is completed, whatever is pressed."""
    host.script("busy 1500 ")
    running = Running(host)
    for _ in range(3):
        running.signal(signal.SIGINT)
        time.sleep(0.3)  # else the kernel makes one of them
    code, out, err = running.end()
    assert code == 0 and out.startswith("guest has moved")
    assert "it is being cancelled already, wait for it" in err
    assert host.log() == [call()]


def test_timeout(host: FakeHost) -> None:
    host.script(f"ok {LONG} ")
    code, _, err = Running(host, "--timeout", "1").end()
    assert code == 2 and "timeout: cancelling" in err
    assert host.log() == [call(), "abort guest"]


def test_timeout_that_is_long(host: FakeHost) -> None:
    """Its microseconds are 33 ms more than fit into 32 bits."""
    host.script("ok 1000 ")
    done = host.run_fake("migrate", "--timeout", "4295", "guest", URI)
    assert done.returncode == 0, done.stderr


def test_progress_in_lines(host: FakeHost) -> None:
    host.script("ok 6000 ")
    done = host.run_fake("migrate", "guest", URI)
    assert "75%, 3.0 MiB sent, 1.0 MiB/s, 1.0 MiB left, 2 s to go\n" in done.stderr
    assert "\r" not in done.stderr and "\033" not in done.stderr


def test_bar_on_a_terminal(host: FakeHost) -> None:
    host.script("ok 1500 ")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(host.fake_command("migrate", "guest", URI), stderr=theirs,
                               env=host.environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    try:
        while some := os.read(ours, 4096):
            shown += some
    except OSError:  # the terminal's other side is closed
        pass
    assert process.wait(LIMIT) == 0
    assert b"\r[=" in shown and b"75%, 3.0 MiB sent" in shown and shown.endswith(b"\r\033[K")


@pytest.mark.parametrize("arguments", [
    ("guest",), ("guest", URI, "more"), ("--bandwidth", "-1", "guest", URI),
    ("--timeout", "-1", "guest", URI), ("--bandwidth", "many", "guest", URI)])
def test_usage(host: FakeHost, arguments: tuple[str, ...]) -> None:
    done = host.run_fake("migrate", *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and host.log() == []
