# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lab made ready for guests with VFs: what is built, installed and set up in its hosts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vferry_lab.host import Host
from vferry_lab.lab import Lab
from vferry_lab.peer import Peer
from vferry_lab.progress import Progress, silent

from . import artefacts, enforcing, nic, paths
from .guest import Guest


def config(vfs: int) -> str:
    """vferry.conf(5) for hosts of the lab: so many VFs of the PF, in the network "lab"."""
    return f"[pf 8086:10c9]\nvfs = {vfs}\nnetwork = lab\n"


def write_config(host: Host, config: str) -> None:
    """Write a host's vferry.conf."""
    host.run(["install", "-D", "-m", "644", "/dev/stdin", paths.CONFIG], stdin=config)


def configure(host: Host, config: str) -> None:
    """Write a host's vferry.conf and apply it."""
    write_config(host, config)
    host.run("systemctl restart vferry-provision", timeout=120)


def unconfigure(host: Host) -> None:
    """Take a host's vferry.conf away: its VFs are nobody's business then."""
    host.run(f"rm -f {paths.CONFIG}")


@dataclass(frozen=True)
class Testbed:
    """A running lab with guests' files in its hosts."""

    __test__ = False  # no test class, whatever its name

    lab: Lab
    guest: Path  # folder: vmlinuz, initrd, stream; the same in all hosts: it goes from one to another

    @property
    def hosts(self) -> list[Host]:
        return self.lab.hosts

    @property
    def peer(self) -> Peer:
        return self.lab.peer

    @property
    def stream(self) -> Path:
        """The traffic program, for the peer."""
        return self.guest / "stream"

    def other(self, host: Host) -> Host:
        """The other one of the two."""
        return self.hosts[1 - self.hosts.index(host)]

    def create_vfs(self, vfs: int = 2) -> None:
        """Make VFs in each host, bound to nothing."""
        self.on_all(lambda host: nic.create_vfs(host, vfs))

    def install_guest(self) -> None:
        """Make each host ready to start the guest."""
        def one(host: Host) -> None:
            Guest.install(host, self.guest)
            if self.lab.selinux:
                enforcing.label_guest(host)

        self.on_all(one)

    def bind_vfs(self, vfs: int = 2) -> None:
        """Bind so many VFs of each host to our driver."""
        def one(host: Host) -> None:
            nic.load(host, nic.VARIANT_DRIVER)
            for index in range(vfs):
                nic.bind(host, nic.vf_address(index, host.pf))

        self.on_all(one)

    def configure(self, config: str) -> None:
        """Write each host's vferry.conf and apply it."""
        self.on_all(lambda host: configure(host, config))

    def programs(self, progress: Progress = silent) -> Path:
        """Hook, helper and command for the hosts: an archive."""
        return artefacts.programs(self.lab.image, progress)

    def renew(self, progress: Progress = silent) -> None:
        """Put what the tree has now over what the hosts have, without packages: within seconds."""
        images = {host.image for host in self.hosts}
        modules = {image: artefacts.modules(image, progress) for image in images}
        programs = {image: artefacts.programs(image, progress) for image in images}
        policies = {image: enforcing.policy(image, archive, progress)
                    for image, archive in programs.items() if self.lab.selinux}

        def one(host: Host) -> None:
            artefacts.install_modules(host, modules[host.image])
            artefacts.install_programs(host, programs[host.image])
            if self.lab.selinux:
                enforcing.relabel(host, "/usr/lib/modules")
                enforcing.install_policy(host, policies[host.image])

        progress("installing driver and programs in the hosts")
        self.on_all(one)

    def on_all(self, work: Callable[[Host], None]) -> None:
        """Do the same on every host at once; the first error is raised."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(work, self.hosts))
