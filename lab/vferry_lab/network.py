# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab's two wires, and questions to the one that switches guests' frames.

Set up by the holder in the lab's own network namespace:

wire   a learning bridge with one tap a host (its igb) and a veth to the peer
mgmt   a bridge with one tap a host (its virtio-net) and an address for the runner
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from . import addresses, process
from .errors import LabError
from .namespaces import PEER, Namespaces

# A switch forwards jumbo frames whatever its own addresses use.
SWITCH_MTU = 9216
PEER_PORT = "peer-wire"  # the bridge's end; the peer's own end is called wire


def tap(number: int, wire: str) -> str:
    """Name of the tap that joins a host to 'wire' or 'mgmt'."""
    return f"{addresses.host_name(number)}-{wire}"


def create(hosts: int) -> None:
    """Make bridges, taps and the peer in the current network and mount namespace."""
    for name in ("all", "default"):
        _run(f"sysctl -q -w net.ipv6.conf.{name}.disable_ipv6=1", may_fail=True)
    _run("ip link set lo up")
    for wire in ("wire", "mgmt"):
        _run(f"ip link add {wire} type bridge stp_state 0 forward_delay 0 mcast_snooping 0 "
             "nf_call_iptables 0 nf_call_ip6tables 0 nf_call_arptables 0")
        for number in range(1, hosts + 1):
            port = tap(number, wire)
            _run(f"ip tuntap add {port} mode tap")
            _run(f"ip link set {port} mtu {SWITCH_MTU if wire == 'wire' else 1500} "
                 f"master {wire} up")
    _create_peer()
    _run(f"ip link set wire mtu {SWITCH_MTU} up")
    _run(f"ip addr add {addresses.RUNNER_MGMT}/{addresses.PREFIX_LENGTH} dev mgmt")
    _run("ip link set mgmt up")


def _create_peer() -> None:
    _run(f"ip netns add {PEER}")
    _run(f"ip link add {PEER_PORT} mtu {SWITCH_MTU} type veth "
         f"peer name wire netns {PEER} mtu {SWITCH_MTU}")
    _run(f"ip link set {PEER_PORT} master wire up")
    inside = f"ip netns exec {PEER}"
    # Frames on the wire are as a card would send them: cut, with checksums.
    _run(f"{inside} ethtool -K wire tx off tso off gso off gro off")
    _run(f"{inside} ip link set lo up")
    _run(f"{inside} ip link set wire mtu 1500 up")
    _run(f"{inside} ip addr add {addresses.PEER_WIRE}/{addresses.PREFIX_LENGTH} dev wire")


def _run(line: str, may_fail: bool = False) -> None:
    result = subprocess.run(line.split(), capture_output=True, text=True)
    if result.returncode != 0 and not may_fail:
        raise LabError(f"'{line}' failed: {result.stderr.strip()}")


@dataclass(frozen=True)
class Bridge:
    """One of the lab's bridges, seen from outside."""

    namespaces: Namespaces
    name: str

    def port_of(self, mac: str) -> str | None:
        """The port on which a MAC is learned: 'host1-wire', 'peer-wire'; None if it is not."""
        for entry in self.learned():
            if entry["mac"] == mac.lower():
                return str(entry["ifname"])
        return None

    def learned(self) -> list[dict[str, Any]]:
        """The learned entries, as 'bridge -json fdb' tells them."""
        entries = self._ask("bridge", "-json", "fdb", "show", "br", self.name)
        return [entry for entry in entries
                if entry.get("state") not in ("permanent", "static")
                and "self" not in entry.get("flags", [])]

    def _ask(self, *command: str) -> list[dict[str, Any]]:
        result = process.run(f"bridge {self.name}", self.namespaces.network(list(command)),
                             " ".join(command), timeout=30)
        answer: list[dict[str, Any]] = json.loads(result.stdout) if result.stdout.strip() else []
        return answer
