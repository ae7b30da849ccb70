# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lab: hosts, wires and peer, from start to end.

    with Lab(suite="trixie", hosts=2, log_dir="logs") as lab:
        lab.hosts[0].run(["uname", "-r"])

In the cache, run/NAME/ is the lab's folder: lab.json (what it is), lock (held
as long as a process of it lives), host1/ and so on.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from . import addresses, cache, image, qemu, requirements
from .errors import LabError
from .holder import Settings
from .host import Host, introduce
from .image import Image
from .namespaces import Namespaces
from .network import Bridge
from .peer import Peer
from .progress import Progress, silent
from .ssh import Connection

# The one suite whose QEMU has an igb with right VF BARs; the hosts may be of any other.
QEMU_SUITE = "trixie"
HOSTS = 2
PROCESSORS = 1  # of a host: with more QEMU's SVM and igb are less sound (README.md)
BOOT_LIMIT = 600.0  # seconds; a busy machine needs many times what an idle one does
SOCKET_PATH_LIMIT = 107  # of a unix socket
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


class Lab:
    """A lab of this process, up inside the `with` block; `attach` finds one that is up.

    name: labs of different names live beside each other
    suite: of the hosts' image, or one each; hosts: how many (1 to 8), 2 if that is not said
    log_dir: where the hosts' logs go if the block ends with an exception
    keep: outlive this process; somebody calls `down` later
    own_image: what the hosts boot, all or each, if not the suite's image: see derived.py
    selinux: hosts with SELinux in enforcing mode; the suite's recipe has to have its packages
    apart: the PF of host 1 has another PCI address than those of the others
    """

    def __init__(
        self,
        name: str = "default",
        suite: str | Sequence[str] = "trixie",
        hosts: int | None = None,
        log_dir: str | Path | None = None,
        keep: bool = False,
        memory_mib: int = 3072,
        processors: int = PROCESSORS,
        selinux: bool = False,
        apart: bool = False,
        own_image: Image | Sequence[Image] | None = None,
        boot_timeout: float = BOOT_LIMIT,
        progress: Progress = silent,
    ) -> None:
        self.suites = _one_each(suite, hosts)
        if processors < 1:
            raise LabError(f"a host has 1 processor at least, not {processors}")
        self.name = name
        self.host_count = len(self.suites)
        self.log_dir = Path(log_dir) if log_dir is not None else None
        self.keep = keep
        self.memory_mib = memory_mib
        self.processors = processors
        self.selinux = selinux
        self.apart = apart
        self.own_image = own_image
        self.boot_timeout = boot_timeout
        self.progress = progress
        self.folder = _folder(name)
        self.hosts: list[Host] = []
        self._holder: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Lab:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is not None:
                self._keep_logs()
        finally:
            self.stop()

    def start(self) -> None:
        """Bring it up and wait until every host can be used.

        Raises LabError; logs are then kept and nothing else is left.
        """
        try:
            self._bring_up()
        except BaseException:
            self._keep_logs()
            self.stop()
            raise

    def _bring_up(self) -> None:
        requirements.require_root()
        requirements.install_missing(requirements.RUN_TOOLS, self.progress)
        own = self._images()
        for each in own:
            if self.selinux and not (each.tree / "etc/selinux/config").exists():
                raise LabError(f"the image of {each.suite} has no SELinux")
        outer = image.get(QEMU_SUITE, self.progress)
        with cache.locked(_runs() / "start.lock"):
            requirements.check_machine(self.host_count, self.memory_mib, cache.folder())
            self._start_holder(own, outer)
        self._describe(own)
        self.progress(f"{self.host_count} hosts of {self.suite} are booting")
        for host in self.hosts:
            host.wait_ready(self.boot_timeout, progress=self.progress)
            self.progress(f"{host.name} is ready")
        introduce(self.hosts)

    def _images(self) -> list[Image]:
        """What each host boots."""
        if isinstance(self.own_image, Image):
            return [self.own_image] * self.host_count
        if self.own_image is None:
            return [image.get(suite, self.progress) for suite in self.suites]
        if len(self.own_image) != self.host_count:
            raise LabError(f"{len(self.own_image)} images are not one for each host")
        return list(self.own_image)

    def stop(self) -> None:
        """Take everything down; nothing is left of the lab. Safe to call twice."""
        if self._holder is not None:
            if self._holder.stdin is not None:
                self._holder.stdin.close()
            _end(self._holder.pid)
            self._holder.wait()
            self._holder = None
            _wait_unlocked(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def namespaces(self) -> Namespaces:
        return self.hosts[0].ssh.namespaces

    @property
    def peer(self) -> Peer:
        """The traffic peer on the wire."""
        return Peer(self.namespaces)

    @property
    def wire(self) -> Bridge:
        """The switch between the hosts' igbs and the peer."""
        return Bridge(self.namespaces, "wire")

    @property
    def suite(self) -> str:
        """That of the hosts; where they differ, as the command line takes it."""
        return self.suites[0] if len(set(self.suites)) == 1 else ",".join(self.suites)

    @property
    def image(self) -> Image:
        """The image of host 1, and of all where they have one suite."""
        return self.hosts[0].image

    def host(self, name: str) -> Host:
        """The host of that name."""
        for host in self.hosts:
            if host.name == name:
                return host
        names = ", ".join(host.name for host in self.hosts)
        raise LabError(f"lab '{self.name}' has no host '{name}': there are {names}")

    def kernel_problems(self) -> dict[str, list[str]]:
        """Host name to the defects its kernel reported; empty if there are none."""
        found = {host.name: host.kernel_problems() for host in self.hosts}
        return {name: lines for name, lines in found.items() if lines}

    def collect_logs(self, folder: str | Path) -> None:
        """Put the logs of every host into folder/HOST/."""
        for host in self.hosts:
            host.collect_logs(Path(folder) / host.name)

    def _keep_logs(self) -> None:
        if self.log_dir is not None and self.hosts:
            self.progress(f"collecting logs in {self.log_dir}")
            with contextlib.suppress(OSError):
                self.collect_logs(self.log_dir)

    def _start_holder(self, own: list[Image], outer: Image) -> None:
        if cache.is_locked(self.folder / "lock"):
            raise LabError(
                f"lab '{self.name}' is up already: 'lab/lab down --name {self.name}' takes it "
                "down, --name OTHER starts another one beside it"
            )
        self._make_folder()
        locks = [cache.try_lock(self.folder / "lock")]
        locks += [cache.try_lock(each.lock, shared=True) for each in {*own, outer}]
        held = tuple(lock for lock in locks if lock is not None)
        if len(held) != len(locks):
            raise LabError(f"lab '{self.name}': its lock or its image's is taken; try again")
        settings = Settings(
            state=str(self.folder), images=tuple(str(each.path) for each in own),
            qemu_tree=str(outer.tree), memory_mib=self.memory_mib, processors=self.processors,
            keep=self.keep, selinux=self.selinux, apart=self.apart, locks=held,
        )
        log = (self.folder / "holder.log").open("wb")
        try:
            self._holder = subprocess.Popen(
                ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child",
                 "--propagation", "private", "--mount-proc",
                 sys.executable, "-m", "vferry_lab.holder", settings.to_json()],
                stdin=subprocess.DEVNULL if self.keep else subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, start_new_session=True,
                pass_fds=held, cwd="/",
                env=os.environ | {
                    "PATH": requirements.SYSTEM_PATH,
                    "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
                },
            )
        finally:
            log.close()
            for descriptor in held:
                os.close(descriptor)
        self.hosts = _hosts(self.folder, own, self._holder.pid, self.apart)
        self._await_network()

    def _make_folder(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        longest = self.folder / addresses.host_name(self.host_count) / "ssh.sock.0123456789abcdef"
        if len(str(longest)) > SOCKET_PATH_LIMIT:
            raise LabError(
                f"{self.folder} is too long for a socket: set {cache.VARIABLE} to a shorter path"
            )
        self.folder.mkdir(parents=True)
        (self.folder / "tmp").mkdir()
        for number in range(1, self.host_count + 1):
            place = self.folder / addresses.host_name(number)
            place.mkdir()
            (place / "console.log").touch()

    def _await_network(self) -> None:
        """Read the holder's one line. No answer within a minute is an error too."""
        assert self._holder is not None and self._holder.stdout is not None
        answer: dict[str, Any] = {}
        ready, _, _ = select.select([self._holder.stdout], [], [], 60)
        if ready:
            with contextlib.suppress(ValueError):
                answer = json.loads(self._holder.stdout.readline())
        if answer.get("ready"):
            return
        said = (self.folder / "holder.log").read_text(errors="replace").strip()[-600:]
        raise LabError(f"the lab's network did not come up: {answer.get('error', said)}")

    def _describe(self, own: list[Image]) -> None:
        assert self._holder is not None
        text = json.dumps({
            "name": self.name, "suites": self.suites, "images": [str(each.path) for each in own],
            "memory_mib": self.memory_mib, "keep": self.keep,
            "selinux": self.selinux, "apart": self.apart,
            "holder": self._holder.pid, "started": time.time(),
        }, indent=2)
        (self.folder / "lab.json.new").write_text(text + "\n")
        (self.folder / "lab.json.new").rename(self.folder / "lab.json")


def attach(name: str = "default") -> Lab:
    """The lab of that name that is up, started by whomever. Raises LabError if it is not."""
    facts = describe(name)
    if facts is None:
        raise LabError(f"lab '{name}' is not up: start it with 'lab/lab up --name {name} --keep'")
    lab = Lab(name, facts["suites"], memory_mib=facts["memory_mib"],
              selinux=facts.get("selinux", False), apart=facts.get("apart", False))
    own = [Image(suite, Path(path)) for suite, path in zip(facts["suites"], facts["images"])]
    lab.hosts = _hosts(lab.folder, own, facts["holder"], lab.apart)
    return lab


def names() -> list[str]:
    """The labs that are up."""
    return sorted(path.parent.name for path in _runs().glob("*/lock") if cache.is_locked(path))


def describe(name: str) -> dict[str, Any] | None:
    """lab.json of a lab that is up; None if it is not."""
    folder = _folder(name)
    if not cache.is_locked(folder / "lock") or not (folder / "lab.json").exists():
        return None
    facts: dict[str, Any] = json.loads((folder / "lab.json").read_text())
    return facts


def down(name: str) -> bool:
    """Take the lab of that name down; False if it was not up. Its folder is removed."""
    facts = describe(name)
    if facts is None and name in names():
        raise LabError(f"lab '{name}' is just starting: try again, or end what starts it")
    if facts is not None:
        _end(facts["holder"])
        _wait_unlocked(_folder(name))
    shutil.rmtree(_folder(name), ignore_errors=True)
    return facts is not None


def _runs() -> Path:
    path = cache.folder() / "run"
    path.mkdir(exist_ok=True)
    return path


def _folder(name: str) -> Path:
    """The folder of the lab of that name, which cannot lead out of the cache."""
    if not NAME.fullmatch(name):
        raise LabError(f"'{name}' is no name for a lab: use a-z, 0-9 and '-', at most 31")
    return _runs() / name


def _one_each(suite: str | Sequence[str], hosts: int | None) -> tuple[str, ...]:
    """The suite of each host. Raises LabError for a number of hosts that cannot be."""
    if isinstance(suite, str):
        count = HOSTS if hosts is None else hosts
        suites = (suite,) * count
    else:
        count = len(suite) if hosts is None else hosts
        suites = tuple(suite)
    if not 1 <= count <= addresses.MAX_HOSTS:
        raise LabError(f"a lab has 1 to {addresses.MAX_HOSTS} hosts, not {count}")
    if len(suites) != count:
        raise LabError(f"{len(suites)} suites are not one for each of {count} hosts")
    return suites


def _hosts(folder: Path, own: list[Image], holder: int, apart: bool) -> list[Host]:
    hosts = []
    for number, each in enumerate(own, 1):
        place = folder / addresses.host_name(number)
        connection = Connection(Namespaces(holder), each, number, place / "ssh.sock")
        hosts.append(Host(number, place, connection, qemu.pf(number, apart)))
    return hosts


def _end(holder: int) -> None:
    """Kill unshare: with it dies process 1 of the lab, and with that all others."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(holder, signal.SIGKILL)


def _wait_unlocked(folder: Path) -> None:
    end = time.monotonic() + 30
    while cache.is_locked(folder / "lock"):
        if time.monotonic() > end:
            raise LabError(f"processes of the lab do not end; {folder / 'lock'} is still held")
        time.sleep(0.05)
