# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two hosts for `vferry check`, `migrate` and vferry-arrival: this one in a folder
(mock_host.py) with a libvirt that reads files (fake_libvirt.c), the other one through libvirt."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from mock_host import MockHost, program

UUID = "11111111-2222-3333-4444-555555555555"
OTHER_UUID = "99999999-2222-3333-4444-555555555555"
URI = "qemu+ssh://host2/system"
PF = "0000:01:00.0"
VF = "0000:01:10.0"
OURS = "igbvf_vfio_pci"

RUNNING = "1 1"
RUNNING_MIGRATED = "1 2"
PAUSED_MIGRATION = "3 2"
PAUSED_USER = "3 1"
SHUT_OFF = "5 1"


def address_xml(address: str, kind: str = "") -> str:
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return (f"<address {kind}domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' "
            f"function='0x{function}'/>")


def hostdev(address: str, *, managed: str = "no", guest: str = "0000:05:00.0",
            more: str = "") -> str:
    guest_address = address_xml(guest, "type='pci' ")
    return (f"<hostdev mode='subsystem' type='pci' managed='{managed}'>"
            f"<source>{address_xml(address)}</source>{guest_address}{more}</hostdev>")


def domain_xml(*devices: str, uuid: str = UUID, name: str = "guest", more: str = "") -> str:
    return (f"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n"
            f"  <name>{name}</name>\n  <uuid>{uuid}</uuid>\n  <memory unit='KiB'>131072</memory>\n"
            f"  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>\n"
            f"  <devices>\n    {''.join(devices)}\n  </devices>\n{more}</domain>\n")


def function_xml(address: str, pf: str | None = None, *, driver: str | None = OURS,
                 product: str = "10ca") -> str:
    """A VF as libvirt describes a node device."""
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    capability = (f"<capability type='phys_function'>{address_xml(pf)}</capability>"
                  if pf else "")
    bound = f"<driver><name>{driver}</name></driver>" if driver else ""
    name = "pci_" + address.replace(":", "_").replace(".", "_")
    return (f"<device><name>{name}</name><parent>pci_0000_00_01_0</parent>{bound}"
            f"<capability type='pci'><class>0x020000</class><domain>{int(domain, 16)}</domain>"
            f"<bus>{int(bus, 16)}</bus><slot>{int(slot, 16)}</slot>"
            f"<function>{function}</function><product id='0x{product}'/><vendor id='0x8086'/>"
            f"{capability}</capability></device>")


def interface_xml(name: str, pf: str = PF, state: str = "up") -> str:
    parent = "pci_" + pf.replace(":", "_").replace(".", "_")
    return (f"<device><name>net_{name}</name><parent>{parent}</parent><capability type='net'>"
            f"<interface>{name}</interface><link speed='1000' state='{state}'/></capability>"
            f"</device>")


class FakeLibvirt:
    """One libvirt, in a folder."""

    def __init__(self, folder: Path, host_uuid: str) -> None:
        self.folder = folder
        for name in ("nodedev", "networks", "domains"):
            (folder / name).mkdir(parents=True)
        self.set("version", "10000000")
        self.set("libversion", "11003000")
        self.set_capabilities(host_uuid)

    def set(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def set_capabilities(self, host_uuid: str, more: str = "") -> None:
        self.set("capabilities.xml",
                 f"<capabilities><host><uuid>{host_uuid}</uuid>{more}</host></capabilities>")

    def add_pool(self, name: str, *, apparmor: bool = False) -> None:
        """A network that gives out VFs, on a host whose guests AppArmor confines, or DAC alone."""
        self.set(f"networks/{name}", "<network><forward mode='hostdev'/></network>")
        models = ["apparmor", "dac"] if apparmor else ["dac"]
        self.set_capabilities("cccccccc-0000-0000-0000-000000000003", "".join(
            f"<secmodel><model>{model}</model><doi>0</doi></secmodel>" for model in models))

    def add_function(self, address: str, pf: str | None = PF, **more: str | None) -> None:
        self.set(f"nodedev/{address}", function_xml(address, pf, **more))  # type: ignore[arg-type]

    def add_domain(self, live: str, *, uuid: str = UUID, name: str = "guest",
                   state: str = RUNNING, inactive: str | None = None,
                   migratable: str | None = None) -> None:
        folder = self.folder / "domains" / uuid
        folder.mkdir(exist_ok=True)
        (folder / "name").write_text(name)
        (folder / "live.xml").write_text(live)
        (folder / "migratable.xml").write_text(migratable or live)
        if inactive is not None:
            (folder / "inactive.xml").write_text(inactive)
        self.set_state(state, uuid)

    def set_state(self, state: str, uuid: str = UUID) -> None:
        new = self.folder / "domains" / uuid / "state.new"
        new.write_text(state)
        new.rename(new.with_name("state"))

    def definition(self, uuid: str = UUID) -> str:
        return (self.folder / "domains" / uuid / "inactive.xml").read_text()


class FakeHost(MockHost):
    """A host with a PF and one VF, a guest that has it, and another host with the same."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.fake = root / "fake"
        self.here = FakeLibvirt(self.fake / "here", "aaaaaaaa-0000-0000-0000-000000000001")
        self.there = FakeLibvirt(self.fake / "there", "aaaaaaaa-0000-0000-0000-000000000002")
        library = os.environ.get("FAKE_LIBVIRT_SO")
        assert library, "FAKE_LIBVIRT_SO must name the library: run `meson test -C build`"
        shutil.copy(library, self.fake / "libvirt.so")
        self.add_pf(PF, "pf0")
        self.set_up("pf0", True)
        self.add_vf(PF, 0, VF, OURS, group=1)
        self.offer(VF, "stop-copy", "p2p", "pre-copy", "dirty-tracking")
        self.there.add_function(VF)
        self.there.set("nodedev/net", interface_xml("pf0"))

    def set_up(self, interface: str, is_up: bool) -> None:
        flags = self.root / "sys/class/net" / interface / "flags"
        flags.write_text("0x1003\n" if is_up else "0x1002\n")

    def offer(self, address: str, *features: str) -> None:
        """What debugfs says that a device offers."""
        folder = self.root / "sys/kernel/debug/vfio" / address / "migration"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "features").write_text("".join(f"{name}\n" for name in features))

    def script(self, migrate: str) -> None:
        (self.fake / "migrate").write_text(migrate)

    def log(self) -> list[str]:
        log = self.fake / "log"
        return log.read_text().splitlines() if log.exists() else []

    def fake_command(self, *arguments: str, binary: Path | None = None) -> list[str]:
        """The command, with libvirt replaced for it and nothing before it."""
        words = self.command(*arguments)
        at = len(words) - len(arguments) - 1
        return [*words[:at], "/usr/bin/env", "FAKE_LIBVIRT=/fake", "LD_PRELOAD=/fake/libvirt.so",
                # The fake comes before the sanitizer's library.
                "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0",
                str(binary or program().resolve()), *words[at + 1:]]

    def run_fake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run_command(self.fake_command(*arguments))

    def run_command(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=self.environment(), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
