# SPDX-License-Identifier: LGPL-2.1-or-later
"""One virtual host, as tests see it."""

from __future__ import annotations

import re
import shlex
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import addresses, kernel_log, process, qemu, qmp
from .errors import CommandError, CommandTimeout, LabError
from .holder import STOPPED
from .image import Image
from .process import Background, Command, Result
from .progress import Progress, silent
from .ssh import Connection

# Fatal for a boot; anything else may still come up.
BOOT_FAILED = re.compile(
    r"Kernel panic|You are in emergency mode|Entering emergency mode|Give root password"
)
PROGRESS_PERIOD = 10.0  # seconds
START_LIMIT = 60.0  # seconds until a command in the background says its first word


@dataclass(frozen=True)
class Host:
    """A host of a running lab. Number 1 is called host1."""

    number: int
    folder: Path  # console.log, qemu.log, qmp.sock
    ssh: Connection
    pf: str = qemu.PF  # PCI address of the physical function

    pf_netdev = "pf0"
    mgmt_netdev = "mgmt0"

    @property
    def name(self) -> str:
        return addresses.host_name(self.number)

    @property
    def image(self) -> Image:
        """What it boots; its run_in_tree builds modules for the host."""
        return self.ssh.image

    @property
    def mgmt_address(self) -> str:
        """IPv4 address for ssh, libvirt and migration."""
        return addresses.host_mgmt(self.number)

    @property
    def console(self) -> Path:
        """What the host wrote to its serial console since it was started."""
        return self.folder / "console.log"

    def run(
        self, command: Command, timeout: float = 60, check: bool = True, stdin: str | None = None
    ) -> Result:
        """Run a command as root (a list, or a line for bash) and return its output as text.

        After timeout seconds it is killed in the host and CommandTimeout raised.
        A non-zero exit raises CommandError unless check is False.
        """
        self.require_running()
        line = process.shell_line(command)
        remote = f"timeout --kill-after=5 {timeout:g} bash -c {shlex.quote(line)}"
        start = time.monotonic()
        # The limit works in the host; the one here is for a host that does not answer.
        result = process.run(
            self.name, self.ssh.command(remote), line, timeout + 30, stdin=stdin, check=False
        )
        if result.returncode in (124, 137) and time.monotonic() - start >= timeout:
            raise CommandTimeout(self.name, line, timeout, result.stdout, result.stderr)
        if check and result.returncode != 0:
            raise CommandError(
                self.name, line, result.returncode, result.stdout, result.stderr
            )
        return result

    def popen(self, command: Command) -> Background:
        """Start a command as root in the background; use it in a `with` block."""
        self.require_running()
        line = process.shell_line(command)
        # A session of its own, whose id comes first: so all of it can be signalled.
        remote = f"exec setsid --wait bash -c {shlex.quote(f'echo $$; {line}')}"
        session: list[int] = []

        def signal_session(_: Background, number: int) -> None:
            name = signal.Signals(number).name.removeprefix("SIG")
            self.run(f"kill -{name} -- -{session[0]}", check=False)

        background = Background(self.ssh.command(remote), self.name, line, signal_session)
        first = background.line(START_LIMIT)
        if not first.isdigit():
            background.communicate(10)
            raise LabError(f"{self.name}: cannot start '{line}'")
        session.append(int(first))
        return background

    def copy_to(self, *sources: str | Path, to: str, timeout: float = 300) -> None:
        """Copy files and folders into the host, as `scp -rp SOURCES host:TO` does."""
        self.require_running()
        words = [*(_local(source) for source in sources), self.ssh.remote_path(to)]
        process.run(self.name, self.ssh.copy(words), f"copy to {to}", timeout)

    def copy_from(self, *sources: str, to: str | Path, timeout: float = 300) -> None:
        """Copy files and folders out of the host."""
        self.require_running()
        words = [*(self.ssh.remote_path(source) for source in sources), _local(to)]
        process.run(self.name, self.ssh.copy(words), f"copy from {' '.join(sources)}", timeout)

    def qmp(self, command: str, *, timeout: float = 30, **arguments: Any) -> Any:
        """Ask this host's QEMU, as in host.qmp('set_link', name='igb', up=False).

        Underscores in argument names stand for dashes. Raises LabError.
        """
        self.require_running()
        dashed = {name.replace("_", "-"): value for name, value in arguments.items()}
        return qmp.execute(self.folder / "qmp.sock", command, dashed, timeout)

    def set_wire(self, up: bool) -> None:
        """Plug the igb's cable in or out."""
        self.qmp("set_link", name="igb", up=up)

    def reboot(self, timeout: float = 300) -> None:
        """Restart the host in an orderly way and wait until it can be used."""
        mark = self.console.stat().st_size
        self.run("systemctl reboot", check=False)
        self.wait_ready(timeout, mark)

    def reset(self, timeout: float = 300) -> None:
        """Press the reset button and wait until the host can be used. Unsynced data is lost."""
        mark = self.console.stat().st_size
        self.qmp("system_reset")
        self.wait_ready(timeout, mark)

    def wait_ready(self, timeout: float, mark: int = 0, progress: Progress = silent) -> None:
        """Wait until the host says on its console, after byte mark, that it is ready; open ssh.

        Tells the progress how far the boot is. Raises LabError with the console's last lines.
        """
        end = time.monotonic() + timeout
        told = time.monotonic()
        ready = f"lab: {self.name} is ready"
        while True:
            self.require_running()
            text = self._console_text(mark)
            if ready in text:
                break
            failure = BOOT_FAILED.search(text)
            if failure or time.monotonic() > end:
                why = f"'{failure.group()}'" if failure else f"not ready after {timeout:g} s"
                raise LabError(f"{self.name}: boot failed: {why}; {self._console_tail()}")
            if time.monotonic() - told > PROGRESS_PERIOD:
                told = time.monotonic()
                progress(f"{self.name}: {_last_line(text)}")
            time.sleep(0.2)
        self.ssh.socket.unlink(missing_ok=True)
        self.ssh.open(max(20.0, end - time.monotonic()))
        self.set_clock()

    def set_clock(self) -> None:
        """Give it this machine's time, to some ten milliseconds.

        It boots with the whole seconds of its RTC, and libvirt takes a migration's
        downtime from the clocks of both hosts.
        """
        # The first date is there so that the second one finds itself in the page cache.
        with self.popen("date && read -r now && date --set=@$now") as setting:
            setting.line(START_LIMIT)
            setting.stdin.write(f"{time.time():.3f}\n")
            setting.stdin.flush()
            if setting.wait(START_LIMIT) != 0:
                raise LabError(f"{self.name}: cannot set its clock: {setting.stderr.read()}")

    def require_running(self) -> None:
        """Raise LabError if this host's QEMU has ended, or the whole lab."""
        if not self.folder.exists():
            raise LabError(f"{self.name}: its lab was taken down")
        stopped = self.folder / STOPPED
        if stopped.exists():
            said = (self.folder / "qemu.log").read_text(errors="replace").strip()[-600:]
            text = f"{self.name}: {stopped.read_text().strip()}"
            raise LabError(f"{text}: {said}" if said else text)

    @property
    def running(self) -> bool:
        return not (self.folder / STOPPED).exists()

    def kernel_log(self) -> str:
        """The kernel's log since this boot, unfiltered; the console's if the host is gone."""
        try:
            return self.run("dmesg", timeout=30).stdout
        except LabError:
            return self._console_text(0)

    def kernel_problems(self) -> list[str]:
        """Lines of the kernel log and of the console, over all boots, that report a defect."""
        found: dict[str, None] = {}
        for text in (self._console_text(0), self.kernel_log()):
            for line in kernel_log.problems(text):
                found.setdefault(kernel_log.without_stamp(line))
        return list(found)

    def collect_logs(self, folder: Path) -> None:
        """Put console, QEMU, kernel, journal and libvirt logs into folder; never raises LabError."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("console.log", "qemu.log", STOPPED):
            if (self.folder / name).exists():
                (folder / name).write_bytes((self.folder / name).read_bytes())
        for name, command in (
            ("dmesg.log", "dmesg"),
            ("journal.log", "journalctl --no-pager -o short-precise"),
            ("audit.log", "cat /var/log/audit/audit.log 2> /dev/null || true"),
        ):
            try:
                (folder / name).write_text(self.run(command, timeout=60).stdout)
            except LabError as error:
                (folder / name).write_text(f"{error}\n")
        try:
            if self.running:
                self.copy_from("/var/log/libvirt", to=folder, timeout=120)
        except LabError as error:
            (folder / "libvirt.error").write_text(f"{error}\n")

    def _console_text(self, mark: int) -> str:
        with self.console.open("rb") as file:
            file.seek(mark)
            return file.read().decode(errors="replace")

    def _console_tail(self) -> str:
        lines = [line.rstrip() for line in self._console_text(0).splitlines() if line.strip()]
        return "the console's last lines:\n  " + "\n  ".join(lines[-15:])


def introduce(hosts: Sequence[Host]) -> None:
    """Let root of each log in at the others: hosts of one image have the keys, others do not."""
    images = dict.fromkeys(host.image for host in hosts)
    if len(images) == 1:
        return
    known = "".join(image.known_hosts.read_text() for image in images)
    allowed = "".join(image.public_key.read_text() for image in images)
    for host in hosts:
        host.run("cat > /etc/ssh/ssh_known_hosts", stdin=known)
        host.run("cat > /root/.ssh/authorized_keys", stdin=allowed)


def _last_line(console: str) -> str:
    """The end of a boot log in what is left of 80 columns."""
    lines = [line.strip() for line in console.splitlines() if line.strip()]
    return kernel_log.without_stamp(lines[-1])[:60] if lines else "started"


def _local(path: str | Path) -> str:
    """A local path that scp cannot take for an option or a host."""
    return str(Path(path).absolute()) + ("/" if str(path).endswith("/") else "")
