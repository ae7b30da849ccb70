# SPDX-License-Identifier: LGPL-2.1-or-later
"""The guest: started on a host, commanded through its agent, moved between hosts.

The agent's channel is a virtio-serial port: it works without a network device
and goes along when the guest moves.
"""

from __future__ import annotations

import base64
import json
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from vferry_lab.errors import CommandError, CommandTimeout, LabError
from vferry_lab.host import Host
from vferry_lab.process import Background

from . import domain, paths
from .domain import Device

BOOT_LIMIT = 120.0  # seconds; takes 20 on a machine that does nothing else
BOOTS = 3  # tries: see Guest.create
MOVE_LIMIT = 300.0
PLAIN = ("--persistent", "--undefinesource")  # as an administrator moves what is defined

# Runs in a host: DOMAIN REQUEST. Prints the answer to guest-exec-status at the command's end;
# ends with NOT_STARTED if the agent did not take the request.
NOT_STARTED = 3
AGENT_EXEC = r"""
ask() { virsh -q qemu-agent-command --timeout 120 "$domain" "$1"; }
domain=$1
pid=$(ask "$2" | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
[ -n "$pid" ] || exit 3
while :; do
    answer=$(ask "{\"execute\":\"guest-exec-status\",\"arguments\":{\"pid\":$pid}}") || exit 1
    case $answer in *'"exited":true'*) break ;; esac
    sleep 0.2
done
printf '%s\n' "$answer"
"""

# What virsh says when the agent went away before it answered.
AGENT_GONE = "Guest agent disappeared while executing command"

READY = "guest: ready"  # what its console says once it has booted
# libvirt did not send the request: an agent that has ended starts again by itself
# (tests/guest/init), and on a busy machine it needs more than the five seconds that
# libvirt gives it to say that it is there.
NO_AGENT = (
    "QEMU guest agent is not connected",
    "guest agent didn't respond to synchronization",
)

# Runs in a host: DOMAIN.
AWAIT_AGENT = r"""
until virsh -q qemu-agent-command --timeout 60 "$1" '{"execute":"guest-ping"}' > /dev/null; do
    sleep 1
done
"""


@dataclass(frozen=True)
class Move:
    """A finished live migration.

    start and end are times of this machine's clock around `virsh migrate`;
    job is what libvirt says about it afterwards (virsh domjobinfo --rawstats).
    """

    source: Host
    target: Host
    start: float
    end: float
    job: dict[str, int]

    @property
    def total_ms(self) -> int:
        return round((self.end - self.start) * 1000)

    @property
    def downtime_ms(self) -> int:
        return self.job["downtime"]


class Guest:
    """A domain that is running on `host`."""

    def __init__(self, host: Host, name: str = domain.NAME) -> None:
        self.host = host
        self.name = name
        self._console = paths.CONSOLE.format(guest=name)

    @staticmethod
    def install(host: Host, files: Path) -> None:
        """Put what the guest needs into a host.

        libvirt asks QEMU what it can do before it starts its first domain: 20 seconds
        that every host had better spend at the same time.
        """
        host.run(["install", "-d", "-m", "755", paths.GUEST])
        host.copy_to(files / "vmlinuz", files / "initrd", to=f"{paths.GUEST}/")
        host.run("virsh domcapabilities --virttype kvm > /dev/null", timeout=120)

    @staticmethod
    def create(
        host: Host, devices: list[Device], name: str = domain.NAME, machine: str = "q35",
    ) -> Guest:
        """Boot a transient guest and plug devices in."""
        guest = Guest(host, name)
        xml = domain.define(name, machine=machine)
        guest._boot("create", "/dev/stdin", stdin=xml)
        for device in devices:
            guest.attach(device)
        return guest

    @staticmethod
    def define(
        host: Host, devices: Sequence[Device], name: str = domain.NAME, metadata: str = "",
    ) -> Guest:
        """Define a guest that has the devices, and boot it."""
        guest = Guest(host, name)
        xml = domain.define(name, devices, metadata)
        host.run(["virsh", "-q", "define", "/dev/stdin"], stdin=xml, timeout=120)
        guest.start()
        return guest

    @staticmethod
    @contextmanager
    def between(
        hosts: Sequence[Host], devices: Sequence[Device], name: str, metadata: str = "",
    ) -> Iterator[Guest]:
        """A guest that is defined on the first of hosts, and taken away from all in the end."""
        try:
            yield Guest.define(hosts[0], devices, name, metadata)
        finally:
            for host in hosts:
                Guest(host, name).undefine()

    def start(self) -> None:
        """Boot it as it is defined on the present host."""
        self._boot("start", self.name)

    def _boot(self, *verb: str, stdin: str | None = None) -> None:
        """Start it by a verb of virsh and wait until it is up.

        One boot in some fifty comes to nothing: in the emulated processor's SVM a
        guest may jump to nowhere before it has found its memory.
        """
        for left in reversed(range(BOOTS)):
            mark = len(self.console())
            self.host.run(["virsh", "-q", *verb], stdin=stdin, timeout=120)
            try:
                self.await_boot(mark)
                return
            except CommandTimeout:
                if not left:
                    raise
                self.destroy()

    def wait_agent(self, timeout: float = BOOT_LIMIT) -> None:
        """Wait until the agent answers; if it does not, the error says how the guest is."""
        try:
            self.host.run(["bash", "-c", AWAIT_AGENT, "sh", self.name], timeout=timeout)
        except LabError as error:
            # First this, then the rest: whoever shows an error cuts its end off.
            raise LabError(f"the guest's agent does not answer; {self._state()}\n{error}") from error

    def _state(self) -> str:
        """What it does instead of answering: two looks at its registers, the console's end.

        An RIP of __svm_vcpu_run in the host's /proc/kallsyms is the emulator's defect.
        """
        look = f"virsh qemu-monitor-command {self.name} --hmp info registers | grep -E 'RIP|CR[0-4]'"
        looks = self.host.run(
            f"virsh domstate --reason {self.name}; {look}; sleep 1; {look}; "
            "grep -w __svm_vcpu_run /proc/kallsyms", check=False).stdout
        return f"{looks}\n{self.console()[-2000:]}"

    def await_boot(self, mark: int, timeout: float = BOOT_LIMIT) -> None:
        """Wait until it has booted again; mark: length of the console's log before.

        Asking the agent all the while would cost the boot a good part of the
        host's processor, so the console is watched.
        """
        self.host.run(
            f"tail -c +{mark + 1} -F {self._console} | grep -q -m 1 '{READY}'",
            timeout=timeout,
        )
        self.wait_agent()

    def console(self) -> str:
        """What the guest wrote to its console on the present host."""
        return self.host.run(f"cat {self._console} 2> /dev/null", check=False).stdout

    def run(self, command: str, timeout: float = 180, check: bool = True) -> str:
        """Run a shell line in the guest and return its standard output.

        Raises CommandError for a non-zero exit unless check is False, and
        CommandTimeout; the command is then left running in the guest.
        """
        request = json.dumps({"execute": "guest-exec", "arguments": {
            "path": "/bin/sh", "arg": ["-c", command], "capture-output": True}})
        execute = ["bash", "-c", AGENT_EXEC, "sh", self.name, request]
        try:
            answer = self.host.run(execute, timeout=timeout).stdout
        except CommandError as error:
            asked = not any(words in error.stderr for words in NO_AGENT)
            if error.returncode != NOT_STARTED or asked:
                raise
            self.wait_agent()
            answer = self.host.run(execute, timeout=timeout).stdout
        status = json.loads(answer)["return"]
        stdout = _decode(status.get("out-data"))
        code = status.get("exitcode", 128 + status.get("signal", 0))
        if check and code != 0:
            stderr = _decode(status.get("err-data"))
            raise CommandError(self.name, command, code, stdout, stderr)
        return stdout

    def start_command(self, command: str) -> None:
        """Start a shell line in the guest that goes on by itself."""
        self.run(f"setsid sh -c {shlex.quote(command)} > /dev/null 2>&1 < /dev/null &")

    def start_reboot(self) -> None:
        """Let its kernel reboot at once; the agent may or may not find the time to answer."""
        request = json.dumps({"execute": "guest-exec", "arguments": {
            "path": "/bin/reboot", "arg": ["-f"]}})
        self.wait_agent()
        asked = self.host.run(
            ["virsh", "-q", "qemu-agent-command", "--timeout", "60", self.name, request],
            timeout=90, check=False,
        )
        if asked.returncode != 0 and AGENT_GONE not in asked.stderr:
            raise LabError(f"{self.name}: reboot: {asked.stderr.strip()}")

    def netdev(self, driver: str, index: int = 0, timeout: float = 30) -> str:
        """Name of the guest's network interface number index of a driver; awaited."""
        command = (
            "for d in /sys/class/net/*; do "
            f"[ \"$(basename \"$(readlink $d/device/driver)\")\" = {driver} ] && basename $d; "
            "done; true"
        )
        end = time.monotonic() + timeout
        while True:
            names = self.run(command).split()
            if len(names) > index:
                return names[index]
            if time.monotonic() > end:
                raise LabError(f"{self.name}: no interface of {driver} number {index}")

    def configure(self, netdev: str, address: str, mac: str | None = None, mtu: int = 1500) -> None:
        """Bring an interface up with an IPv4 address of the wire (24 bits)."""
        own_mac = f"ip link set {netdev} address {mac} && " if mac else ""
        self.run(
            f"{own_mac}ip link set {netdev} mtu {mtu} up && ip addr flush dev {netdev} && "
            f"ip addr add {address}/24 dev {netdev}"
        )

    def statistics(self, netdev: str) -> dict[str, int]:
        """The counters of an interface's driver (ethtool -S)."""
        found = {}
        for line in self.run(f"ethtool -S {netdev}").splitlines():
            key, _, value = line.partition(":")
            if value.strip().isdigit():
                found[key.strip()] = int(value)
        return found

    def vf_address(self) -> str:
        """PCI address on the present host of its first VF ("0000:01:10.0")."""
        xml = self.host.run(["virsh", "-q", "dumpxml", self.name]).stdout
        source = ElementTree.fromstring(xml).find("devices/hostdev/source/address")
        if source is None:
            raise LabError(f"{self.name} has no <hostdev>")
        return domain.pci_address(source.attrib)

    def attach(self, device: Device) -> None:
        """Hot-plug a network device."""
        self.host.run(["virsh", "-q", "attach-device", self.name, "/dev/stdin", "--live"],
                      stdin=device.xml(), timeout=120)

    def detach(self, device: Device) -> None:
        """Unplug a network device and wait until the guest has let it go."""
        self.host.run(
            ["virsh", "-q", "detach-device", self.name, "/dev/stdin", "--live"],
            stdin=device.xml(), timeout=120,
        )
        self.host.run(
            f'while virsh -q dumpxml {self.name} | grep -qF "{device.mark}"; do sleep 0.5; done',
            timeout=60,
        )

    def migrate_command(self, target: Host, *options: str) -> list[str]:
        """The command that moves it; run on the present host."""
        return [
            "virsh", "-q", "migrate", "--live", "--p2p", *options, self.name,
            f"qemu+ssh://{target.name}/system", f"tcp://{target.mgmt_address}",
        ]

    def migrate(self, target: Host, *options: str, timeout: float = MOVE_LIMIT) -> Move:
        """Move it. Raises CommandError with virsh's words if libvirt cannot; it is then where it was."""
        source = self.host
        start = time.time()
        source.run(self.migrate_command(target, *options), timeout=timeout)
        end = time.time()
        self.host = target
        job = target.run(
            ["virsh", "-q", "domjobinfo", self.name, "--completed", "--rawstats"]
        ).stdout
        return Move(source, target, start, end, raw_stats(job))

    def start_migrate(self, target: Host, *options: str) -> Background:
        """Begin to move it; the caller waits for the end and sets `host` if it succeeded."""
        return self.host.popen(self.migrate_command(target, *options))

    def destroy(self) -> None:
        """Take the domain away wherever it is; no error if it is gone."""
        self.host.run(["virsh", "-q", "destroy", self.name], check=False, timeout=120)

    def undefine(self) -> None:
        """Take the domain and its definition away; no error if they are gone."""
        self.destroy()
        self.host.run(["virsh", "-q", "undefine", self.name], check=False)


def _decode(data: str | None) -> str:
    return base64.b64decode(data or "").decode(errors="replace")


def raw_stats(text: str) -> dict[str, int]:
    """The numbers among virsh's "key: value" lines."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if value.strip().lstrip("-").isdigit():
            found[key.strip()] = int(value)
    return found
