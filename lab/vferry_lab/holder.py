# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab's first process: makes the network, starts the QEMUs, and takes all with it.

Run by `unshare --net --pid --mount --fork --kill-child`, so it is process 1 of
the lab: when it ends, for whatever reason, the kernel ends every process of the
lab, and taps, bridges, namespaces and mounts go with the last of them.

It ends when its standard input does. The runner holds the other end, so the
lab cannot outlive the runner; a lab that is to be kept gets no such input.

    python3 -m vferry_lab.holder SETTINGS

SETTINGS is a JSON object, the fields of `Settings`. One line of JSON on
standard output says {"ready": true} or {"error": "..."}.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from . import addresses, network, qemu
from .errors import LabError

STOPPED = "stopped"  # file in a host's folder that says how its QEMU ended


@dataclass(frozen=True)
class Settings:
    """What the runner asks the holder for."""

    state: str  # folder of the lab, on disk
    images: tuple[str, ...]  # folder of each host's image
    qemu_tree: str  # tree in which QEMU runs
    memory_mib: int
    processors: int
    keep: bool
    selinux: bool
    apart: bool
    locks: tuple[int, ...]  # descriptors which must stay open as long as a QEMU runs

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Settings:
        fields = json.loads(text)
        for name in ("images", "locks"):
            fields[name] = tuple(fields[name])
        return Settings(**fields)


def main() -> int:
    settings = Settings.from_json(sys.argv[1])
    try:
        root = _private_mounts(settings)
        hosts = len(settings.images)
        network.create(hosts)
        qemus = {_start(settings, root, number).pid: number for number in range(1, hosts + 1)}
    except (LabError, OSError, subprocess.SubprocessError) as error:
        _say({"error": str(error)})
        return 1
    _say({"ready": True})
    _hold(settings, qemus)
    return 0


def _private_mounts(settings: Settings) -> Path:
    """Namespace names of the lab's own, and the read-only tree in which QEMU runs."""
    Path("/run/netns").mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "tmpfs", "/run/netns")
    root = Path(settings.state, "root")
    root.mkdir()
    _mount("--bind", settings.qemu_tree, str(root))
    _mount("-o", "remount,bind,ro", str(root))
    _mount("--rbind", "/dev", str(root / "dev"))
    _mount("-t", "proc", "proc", str(root / "proc"))
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(root / "run"))
    images = {qemu.image(number): path for number, path in enumerate(settings.images, 1)}
    for target, source in {**images, qemu.STATE: settings.state}.items():
        inside = root / target.lstrip("/")
        inside.mkdir(parents=True)
        _mount("--bind", source, str(inside))
    return root


def _mount(*arguments: str) -> None:
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        raise LabError(f"mount {' '.join(arguments)} failed: {result.stderr.strip()}")


def _start(settings: Settings, root: Path, number: int) -> subprocess.Popen[bytes]:
    folder = Path(settings.state, addresses.host_name(number))
    command = qemu.command_line(
        number, settings.memory_mib, settings.processors, settings.selinux, settings.apart
    )
    with (folder / "qemu.log").open("wb") as log:
        return subprocess.Popen(
            ["chroot", str(root), *command],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": f"{qemu.STATE}/tmp"},
            pass_fds=settings.locks,
        )


def _hold(settings: Settings, qemus: dict[int, int]) -> None:
    """Reap until the runner is gone. As process 1 this one reaps everybody's orphans."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    watched = [reader] if settings.keep else [reader, sys.stdin.fileno()]
    while True:
        _reap(settings, qemus)
        ready, _, _ = select.select(watched, [], [])
        if reader in ready:
            os.read(reader, 512)
        if not settings.keep and sys.stdin.fileno() in ready and not os.read(0, 512):
            return


def _reap(settings: Settings, qemus: dict[int, int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in qemus:
            code = os.waitstatus_to_exitcode(status)
            text = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
            folder = Path(settings.state, addresses.host_name(qemus.pop(pid)))
            (folder / STOPPED).write_text(f"QEMU {text}\n")


def _say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)
    # Nobody reads any further; a closed pipe tells the runner so.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
