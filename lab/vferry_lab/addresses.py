# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names and addresses inside a lab. Each lab has namespaces of its own, so all use the same.

wire  192.0.2.0/24     the PFs, their VFs and the traffic peer; guests take .100 and above
mgmt  198.51.100.0/24  ssh, libvirt and the migration stream
"""

from __future__ import annotations

MAX_HOSTS = 8

WIRE_NET = "192.0.2"
MGMT_NET = "198.51.100"
PREFIX_LENGTH = 24
PEER_WIRE = f"{WIRE_NET}.1"
RUNNER_MGMT = f"{MGMT_NET}.1"


def host_name(number: int) -> str:
    """host1 is number 1."""
    return f"host{number}"


def host_wire(number: int) -> str:
    """Address of the host's PF."""
    return f"{WIRE_NET}.{10 + number}"


def host_mgmt(number: int) -> str:
    """Address that ssh and migration use."""
    return f"{MGMT_NET}.{10 + number}"


def host_mac(number: int, wire: str) -> str:
    """Locally administered MAC of the host's interface on 'wire' or 'mgmt'."""
    return f"52:54:00:{'a0' if wire == 'wire' else 'b0'}:00:{number:02x}"


def hosts_file() -> str:
    """/etc/hosts of every host."""
    lines = ["127.0.0.1 localhost", f"{PEER_WIRE} peer"]
    for number in range(1, MAX_HOSTS + 1):
        lines.append(f"{host_mgmt(number)} {host_name(number)}")
        lines.append(f"{host_wire(number)} {host_name(number)}-wire")
    return "\n".join(lines) + "\n"


def ssh_names() -> str:
    """Host names and addresses as the first field of a known_hosts line."""
    names = []
    for number in range(1, MAX_HOSTS + 1):
        names += [host_name(number), host_mgmt(number), f"{host_name(number)}-wire",
                  host_wire(number)]
    return ",".join(names)
