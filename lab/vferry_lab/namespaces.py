# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a process outside gets into the namespaces of a lab.

The lab's first process is `unshare`: its own network and mount namespaces are
the lab's, and its children are in the lab's process namespace. What is started
through here is in that namespace too, so it ends with the lab.
"""

from __future__ import annotations

from dataclasses import dataclass

PEER = "peer"  # name of the peer's network namespace inside the lab


@dataclass(frozen=True)
class Namespaces:
    """The namespaces of the lab whose `unshare` process has this id."""

    pid: int

    def network(self, command: list[str]) -> list[str]:
        """Run on the lab's bridges, with this machine's files."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", self._pid_option, "--", *command]

    def peer(self, command: list[str]) -> list[str]:
        """Run in the traffic peer, with this machine's files and the peer's /sys."""
        return [
            "nsenter", f"--net=/proc/{self.pid}/ns/net", f"--mount=/proc/{self.pid}/ns/mnt",
            "--wdns=.", self._pid_option, "--", "ip", "netns", "exec", PEER, *command,
        ]

    @property
    def _pid_option(self) -> str:
        return f"--pid=/proc/{self.pid}/ns/pid_for_children"
