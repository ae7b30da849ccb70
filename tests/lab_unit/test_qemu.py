# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts of one lab differ in all that must differ, and look the same at each start."""

from vferry_lab import addresses, qemu


def test_hosts_share_no_identity() -> None:
    lines = [qemu.command_line(number, 3072, 2) for number in range(1, addresses.MAX_HOSTS + 1)]
    for option in ("-uuid", "-append", "-qmp", "-kernel"):
        values = [line[line.index(option) + 1] for line in lines]
        assert len(set(values)) == len(lines), option
    macs = {
        word for line in lines for argument in line
        for word in argument.split(",") if word.startswith("mac=")
    }
    assert len(macs) == 2 * addresses.MAX_HOSTS


def test_identity_is_stable() -> None:
    assert qemu.command_line(1, 3072, 2) == qemu.command_line(1, 3072, 2)


def test_names_and_addresses_are_unique() -> None:
    lines = [line.split() for line in addresses.hosts_file().splitlines()]
    assert len({address for address, _ in lines}) == len(lines)
    assert len({name for _, name in lines}) == len(lines)


def test_pfs_can_be_apart() -> None:
    """Host 1 has the igb where the address says it is, the others elsewhere; else all the same."""
    for apart in (False, True):
        for number in (1, 2):
            line = qemu.command_line(number, 3072, 1, apart=apart)
            ports = [word.split(",")[1] for word in line if word.startswith("pcie-root-port,")]
            igb = next(word for word in line if word.startswith("igb,"))
            bus = ports.index(f"id={igb.split(',')[1].removeprefix('bus=')}") + 1
            assert qemu.pf(number, apart) == f"0000:{bus:02x}:00.0"
    assert qemu.pf(1, apart=True) != qemu.pf(2, apart=True)
