# SPDX-License-Identifier: LGPL-2.1-or-later
"""The traffic peer behind the switch: this machine's programs in a namespace on the wire."""

from __future__ import annotations

from dataclasses import dataclass

from . import addresses, process
from .namespaces import PEER, Namespaces
from .process import Background, Command, Result


@dataclass(frozen=True)
class Peer:
    """A network namespace with one interface, 'wire'."""

    namespaces: Namespaces

    name = PEER
    netdev = "wire"
    address = addresses.PEER_WIRE

    def run(
        self, command: Command, timeout: float = 60, check: bool = True, stdin: str | None = None
    ) -> Result:
        """Run a command (a list, or a line for bash); errors as those of Host.run."""
        return process.run(
            self.name, self._arguments(command), process.shell_line(command), timeout,
            stdin=stdin, check=check,
        )

    def popen(self, command: Command) -> Background:
        """Start a command in the background; use it in a `with` block."""
        return Background(self._arguments(command), self.name, process.shell_line(command))

    def _arguments(self, command: Command) -> list[str]:
        words = ["bash", "-c", command] if isinstance(command, str) else list(command)
        return self.namespaces.peer(words)
