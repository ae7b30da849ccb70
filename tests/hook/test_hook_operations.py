# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the hook does at each of libvirt's calls but those that choose a VF."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import subprocess
import time

import pytest

from hook_host import OURS, Host, program, qemu_of
from hook_kernel import Kernel
from hook_xml import OTHER_UUID, UUID, Domain, hostdev, interface

PF = "0000:01:00.0"
LAB = "[pf lo]\nnetwork = lab\n"


def one(vf: str, managed: bool = True) -> str:
    return Domain([hostdev(vf, managed=managed)]).text()


@pytest.mark.parametrize("arguments", [
    ["guest", "start", "begin", "-"],
    ["guest", "stopped", "end", "-"],
    ["guest", "attach", "begin", "-"],
    ["guest", "conjure", "begin", "-"],
    ["guest", "prepare", "end", "-"],
    ["guest", "prepare", "begin", "twice"],
    ["guest", "release", "begin", "-"],
    ["guest", "release", "end", "abducted"],
    ["guest", "reconnect", "end", "-"],
    ["guest", "migrate", "begin", "x"],
    ["guest", "prepare", "begin", "-", "-"],
    ["guest", "prepare", "begin"],
    ["guest"],
    [],
], ids=" ".join)
def test_does_nothing(arguments: list[str]) -> None:
    """Nor does it read: this end of the pipe stays open and empty."""
    done = subprocess.Popen([program(), *arguments], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout is not None
    assert done.stdout.read() == b""
    assert done.wait(10) == 0


def test_a_domain_without_devices_of_the_host_is_not_looked_at(host: Host) -> None:
    for operation in ("prepare", "started", "reconnect", "migrate", "restore", "release"):
        assert host.hook(operation, "<not xml").good() == b""
    assert not host.claims.exists()


def test_life_of_a_domain(host: Host) -> None:
    vfs = host.add_pf(PF, 2)
    host.configure(LAB)
    xml = one(vfs[1])
    host.hook("prepare", xml).good()
    claim = host.claim(vfs[1])
    assert (claim["uuid"], claim["name"], claim["network"]) == (UUID, "guest", "lab")
    assert host.claimed() == {vfs[1]: "bound"}
    assert int(claim["lifetime"]) > 0
    host.hook("started", xml).good()
    assert host.claimed() == {vfs[1]: "running"}
    assert host.claim(vfs[1])["lifetime"] == "0"
    host.hook("release", xml, "shutdown").good()
    assert host.claimed() == {}
    assert not host.arrivals.exists()
    assert host.journal() == ""


@pytest.mark.parametrize("managed", [True, False])
@pytest.mark.parametrize("before", ["igbvf", "vfio-pci", None])
def test_binds_and_puts_back(host: Host, managed: bool, before: str | None) -> None:
    vf, = host.add_pf(PF, 1, driver=before)
    host.configure(LAB)
    kernel = Kernel(host)
    xml = one(vf, managed=managed)
    kernel.hook("prepare", xml).good()
    assert host.driver(vf) == host.override(vf) == OURS
    kernel.hook("started", xml).good()
    kernel.hook("release", xml, "destroyed").good()
    assert (host.driver(vf), host.override(vf)) == (before, None)
    assert host.claimed() == {}


def test_leaves_what_is_bound(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    host.configure(LAB)
    kernel = Kernel(host)
    kernel.hook("prepare", one(vf)).good()
    kernel.hook("release", one(vf), "failed").good()
    assert kernel.core.log == []
    assert host.driver(vf) == OURS


@pytest.mark.parametrize("config", ["", "[pf lo]\ndriver = keep\n", "[pf eth7]\nvfs = 1\n"])
def test_binds_only_what_is_configured(host: Host, config: str) -> None:
    vf, = host.add_pf(PF, 1, driver="igbvf")
    host.configure(config)
    host.hook("prepare", one(vf, managed=False)).good()
    assert host.driver(vf) == "igbvf"
    assert host.claimed() == {vf: "bound"}


def test_the_domain_names_the_driver(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    host.configure(LAB)
    xml = Domain([hostdev(vf, model="vfio-pci")]).text()
    Kernel(host).hook("prepare", xml).good()
    assert host.driver(vf) == "vfio-pci"
    assert "domain 'guest': it cannot migrate with VF 0000:01:10.0: " in host.journal()


def test_several_devices_or_none(host: Host) -> None:
    """The third fails: nothing remains of the first two. What is no VF is left alone."""
    vfs = host.add_pf(PF, 3, driver="igbvf")
    host.add_device("0000:00:02.0")
    host.configure(LAB)
    xml = Domain([hostdev(vfs[0]), hostdev("0000:00:02.0"), interface(vfs[1]),
                  hostdev("0000:77:00.0"), hostdev(vfs[2])]).text()
    kernel = Kernel(host)
    with host.used(vfs[2]):
        # Open in another process, and on the wrong driver.
        host.detach(vfs[2])
        host.attach(vfs[2], "vfio-pci")
        (host.devices / vfs[2] / f"vfio-dev/vfio{host.group(vfs[2])}/dev").write_text("1:3\n")
        line = kernel.hook("prepare", xml).refused()
    assert f"VF {vfs[2]}: " in line and f"process {os.getpid()}" in line
    assert [host.driver(vf) for vf in vfs] == ["igbvf", "igbvf", "vfio-pci"]
    assert [host.override(vf) for vf in vfs] == [None, None, None]
    assert host.claimed() == {}
    host.detach(vfs[2])
    kernel.hook("prepare", xml).good()
    assert host.claimed() == dict.fromkeys(vfs, "bound")
    assert [host.driver(vf) for vf in vfs] == [OURS] * 3


def test_a_driver_that_does_not_take_it(host: Host) -> None:
    vf, = host.add_pf(PF, 1, driver="igbvf")
    host.configure(LAB)
    kernel = Kernel(host)
    kernel.core.refusing = {OURS}
    assert f"VF {vf}: driver {OURS} did not take it" in \
        kernel.hook("prepare", one(vf)).refused().replace(f"take {vf}", "take it")
    assert (host.driver(vf), host.override(vf)) == ("igbvf", None)
    assert host.claimed() == {}


def test_another_domains_vf(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    other = Domain([hostdev(vf)], uuid=OTHER_UUID, name="other").text()
    host.hook("prepare", other).good()
    assert f"VF {vf} is claimed by domain 'other' ({OTHER_UUID}, bound)" in \
        host.hook("prepare", one(vf)).refused()
    assert host.claim(vf)["uuid"] == OTHER_UUID
    # Nor does a release of ours touch it.
    host.hook("release", one(vf), "failed").good()
    assert host.claim(vf)["uuid"] == OTHER_UUID
    # It runs: the same.
    host.hook("started", other).good()
    with host.used(vf):
        assert "(b0b00000" in host.hook("prepare", one(vf)).refused()
    # Its release never came: QEMU is gone, and libvirt gave the VF to us.
    host.hook("prepare", one(vf)).good()
    assert host.claim(vf)["uuid"] == UUID
    host.hook("release", other, "shutdown").good()
    assert host.claim(vf)["uuid"] == UUID


def test_a_domain_that_does_not_use_its_vf_yet(host: Host) -> None:
    """Of a failover pair: QEMU is there and has not opened it."""
    vf, = host.add_pf(PF, 1)
    host.hook("reconnect", Domain([hostdev(vf)], uuid=OTHER_UUID, name="other").text()).good()
    qemu = subprocess.Popen(["sleep", "60", OTHER_UUID.upper()[:-1], OTHER_UUID + "0"])
    try:
        host.hook("prepare", one(vf)).good()
        host.hook("reconnect", one(vf)).good()
    finally:
        qemu.kill()
        qemu.wait()
    assert host.claim(vf)["uuid"] == UUID
    qemu = subprocess.Popen(["/bin/sh", "-c", "sleep 60 & wait", "qemu", "-uuid", UUID],
                            start_new_session=True)
    try:
        other = Domain([hostdev(vf)], uuid=OTHER_UUID, name="other").text()
        assert "is claimed by domain 'guest'" in host.hook("prepare", other).refused()
        assert "no PF" in host.hook("migrate", other).refused()
        # It was unplugged, an hour ago.
        host.age(vf, created=str(int(time.clock_gettime(time.CLOCK_BOOTTIME)) - 3601))
        host.hook("prepare", other).good()
    finally:
        os.killpg(qemu.pid, signal.SIGKILL)
        qemu.wait()


TEAMING = "      <teaming type='transient' persistent='ua-backup'/>\n"


@pytest.mark.parametrize("operation", ["reconnect", "prepare"])
def test_a_domain_of_a_failover_pair(host: Host, operation: str) -> None:
    """Its QEMU opens the VF whenever the guest asks for it, hours later too."""
    vf, = host.add_pf(PF, 1)
    xml = Domain([hostdev(vf, more=TEAMING)]).text()
    host.hook("prepare", xml).good()
    host.hook("started", xml).good()
    if operation == "reconnect":
        (host.root / "run/vferry/claims" / vf).unlink()
        host.hook("reconnect", xml).good()
    host.age(vf, created=str(int(time.clock_gettime(time.CLOCK_BOOTTIME)) - 3601))
    other = Domain([hostdev(vf)], uuid=OTHER_UUID, name="other").text()
    with qemu_of(UUID):
        assert "is claimed by domain 'guest'" in host.hook("prepare", other).refused()
    host.hook("prepare", other).good()


def test_a_claim_that_cannot_be_read(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    host.hook("prepare", one(vf)).good()
    (host.claims / vf).write_text("?")
    assert f"/run/vferry/claims/{vf}" in host.hook("prepare", one(vf)).refused()
    host.hook("started", one(vf)).good()
    host.hook("reconnect", one(vf)).good()
    host.hook("release", one(vf), "shutdown").good()
    assert (host.claims / vf).read_text() == "?"
    assert "it has a VF without a claim" in host.journal()


def test_configuration_with_an_error(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    host.configure("[pf lo]\nvfs = many\n")
    assert "/etc/vferry/vferry.conf:2: " in host.hook("prepare", one(vf)).refused()
    assert "/etc/vferry/vferry.conf:2: " in host.hook("migrate", one(vf)).refused()
    host.hook("started", one(vf)).good()
    host.hook("release", one(vf), "migrated").good()
    assert host.claimed() == {}


@pytest.mark.parametrize("xml", [
    b"<domain><hostdev>", b"hostdev", b"<!DOCTYPE x><domain>hostdev</domain>",
    b"\xff hostdev", b"hostdev" + bytes(100), b"hostdev" + b" " * (16 << 20),
], ids=range(6))
def test_input_that_is_no_domain(host: Host, xml: bytes) -> None:
    for operation in ("prepare", "migrate", "restore"):
        assert len(host.hook(operation, xml).refused()) < 300
    for operation in ("started", "reconnect", "release"):
        host.hook(operation, xml).good()


def test_metadata_with_an_error(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    xml = Domain([hostdev(vf)], ["hostdev='0' spoofcheck='no'"]).text()
    assert "vferry's <vf> has an attribute that is not known" in host.hook("prepare", xml).refused()
    assert "attribute" in host.hook("migrate", xml).refused()


def test_metadata_that_are_spoilt_while_it_runs(host: Host) -> None:
    """virsh metadata changes those of a running domain, and no hook can refuse that."""
    vf, = host.add_pf(PF, 1, driver="igbvf")
    host.configure(LAB)
    kernel = Kernel(host)
    kernel.hook("prepare", one(vf)).good()
    xml = Domain([hostdev(vf)], ["hostdev='0' spoofcheck='no'"]).text()
    kernel.hook("started", xml).good()
    kernel.hook("reconnect", xml).good()
    assert host.claimed() == {vf: "running"}
    assert host.driver(vf) == OURS
    kernel.hook("release", xml, "shutdown").good()
    assert host.claimed() == {}
    assert host.driver(vf) == "igbvf"


def test_reconnect_makes_claims_good(host: Host) -> None:
    vfs = host.add_pf(PF, 2)
    xml = Domain([hostdev(vfs[0]), interface(vfs[1])]).text()
    host.hook("reconnect", xml).good()
    assert host.claimed() == dict.fromkeys(vfs, "running")
    host.hook("reconnect", xml).good()
    assert host.claimed() == dict.fromkeys(vfs, "running")


def test_reconnect_returns_0_even_if_it_is_killed(host: Host) -> None:
    """The lock is held, so its child waits, and is killed there."""
    vf, = host.add_pf(PF, 1)
    host.hook("reconnect", one(vf)).good()
    lock = (host.root / "run/vferry/lock").open("r+")
    fcntl.flock(lock, fcntl.LOCK_EX)
    running = host.start("guest", "reconnect", "begin", "-", one(vf))
    children: list[str] = []
    deadline = time.monotonic() + 20
    while not children and time.monotonic() < deadline:
        children = open(f"/proc/{running.pid}/task/{running.pid}/children").read().split()
    os.kill(int(children[0]), 9)
    running.wait().good()


@pytest.mark.parametrize("change", [
    {"lifetime": "1", "created": "0"},
    {"boot": "b0070000-0000-4000-8000-000000000001"},
])
def test_claims_that_count_no_more_go(host: Host, change: dict[str, str]) -> None:
    vfs = host.add_pf(PF, 2, driver="igbvf")
    host.configure(LAB)
    kernel = Kernel(host)
    other = Domain([hostdev(vfs[0])], uuid=OTHER_UUID, name="other").text()
    kernel.hook("prepare", other).good()
    assert host.driver(vfs[0]) == OURS
    host.age(vfs[0], **change)
    kernel.hook("prepare", one(vfs[1])).good()
    assert host.claimed() == {vfs[1]: "bound"}
    # Of another boot: whoever bound it, it was not that claim's domain.
    assert host.driver(vfs[0]) == (OURS if "boot" in change else "igbvf")


def test_an_arrival(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    host.configure(LAB)
    host.hook("migrate", one(vf)).good()
    host.hook("prepare", one(vf)).good()
    assert host.claimed() == {vf: "incoming"}
    host.hook("started", one(vf)).good()
    assert host.claimed() == {vf: "running"}
    note, = host.arrivals.iterdir()
    assert note.name == UUID
    assert stat.S_IMODE(note.stat().st_mode) == 0o600 and note.stat().st_size == 0


def test_a_vf_of_a_pool_is_first_seen_when_it_runs(host: Host) -> None:
    """Perhaps the domain came from elsewhere: switches shall learn its MAC."""
    vf, = host.add_pf(PF, 1)
    pool = "<interface type='network'><source network='hostdev-pool'/></interface>"
    host.hook("migrate", Domain([pool]).text()).good()
    host.hook("prepare", Domain([pool]).text()).good()
    assert not host.claims.exists()
    host.hook("started", Domain([interface(vf)]).text()).good()
    assert host.claimed() == {vf: "running"}
    assert [note.name for note in host.arrivals.iterdir()] == [UUID]


def test_arrivals_is_not_a_way_out(host: Host) -> None:
    """A folder that others could have filled is not used; the guest runs all the same."""
    vf, = host.add_pf(PF, 1)
    host.configure(LAB)
    host.hook("migrate", one(vf)).good()
    host.arrivals.mkdir()
    host.arrivals.chmod(0o777)
    host.hook("started", one(vf)).good()
    assert list(host.arrivals.iterdir()) == []
    assert "arrivals must belong to root" in host.journal()


def test_a_full_journal_holds_nobody_up(host: Host) -> None:
    vf, = host.add_pf(PF, 1)
    host.configure(LAB)
    path = f"/proc/self/fd/{os.open(host.root, os.O_PATH)}/run/systemd/journal/socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.connect(path)
        with pytest.raises(BlockingIOError):
            while True:
                sender.send(b"MESSAGE=x\n")
    Kernel(host).hook("prepare", Domain([hostdev(vf, model="vfio-pci")]).text()).good()


def test_no_end(host: Host) -> None:
    """libvirt never closes the pipe: the time limit ends it."""
    vf, = host.add_pf(PF, 1)
    limit = subprocess.Popen([program(), "guest", "prepare", "begin", "-"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    # Waiting for 30 s tells no more than the signal that then comes.
    assert limit.stdin is not None
    limit.stdin.write(one(vf).encode())
    limit.stdin.flush()
    while not _catches(limit.pid, signal.SIGALRM):
        assert limit.poll() is None
    limit.send_signal(signal.SIGALRM)
    _, said = limit.communicate(timeout=20)
    assert limit.returncode == 1
    assert said.startswith(b"vferry: no end after 30 s: ") and said.count(b"\n") == 1


def _catches(pid: int, number: int) -> bool:
    with open(f"/proc/{pid}/status") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
