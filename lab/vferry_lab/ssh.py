# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenSSH from the runner to a host, over one shared connection, without the user's settings."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import addresses
from .errors import LabError
from .image import Image
from .namespaces import Namespaces


@dataclass(frozen=True)
class Connection:
    """How to reach one host as root."""

    namespaces: Namespaces
    image: Image
    number: int
    socket: Path  # of the shared connection

    def command(self, remote: str, tty: bool = False) -> list[str]:
        """The argument vector that runs a shell line in the host; '' is a login shell."""
        return self.namespaces.network(
            ["ssh", *self._options(), *(["-tt"] if tty else []), self._target,
             *([remote] if remote else [])]
        )

    def copy(self, arguments: list[str]) -> list[str]:
        """The argument vector of scp."""
        return self.namespaces.network(["scp", "-r", "-p", "-q", *self._options(), *arguments])

    def remote_path(self, path: str) -> str:
        """A path in the host as scp wants it."""
        return f"{self._target}:{path}"

    def open(self, timeout: float) -> None:
        """Start the shared connection; it lives in the lab's process namespace.

        A host whose sshd has just started may refuse once: retried until timeout.
        """
        end = time.monotonic() + timeout
        command = self.namespaces.network(
            ["ssh", *self._options(), "-o", "ControlMaster=yes", "-fN", self._target]
        )
        while True:
            try:
                result = subprocess.run(
                    command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE, text=True, start_new_session=True,
                    timeout=max(1.0, end - time.monotonic()),
                )
            except subprocess.TimeoutExpired:
                name = addresses.host_name(self.number)
                raise LabError(f"{name}: ssh did not log in within {timeout:g} s") from None
            if result.returncode == 0:
                return
            if time.monotonic() >= end:
                raise LabError(f"{addresses.host_name(self.number)}: ssh: {result.stderr.strip()}")
            time.sleep(0.5)

    @property
    def _target(self) -> str:
        return f"root@{addresses.host_mgmt(self.number)}"

    def _options(self) -> list[str]:
        settings = {
            "IdentityFile": self.image.identity,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.image.known_hosts,
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "ControlPath": self.socket,
            "ConnectTimeout": "20",
            "ServerAliveInterval": "10",
            "ServerAliveCountMax": "6",
            "LogLevel": "ERROR",
        }
        words = ["-F", "none"]
        for name, value in settings.items():
            words += ["-o", f"{name}={value}"]
        return words
