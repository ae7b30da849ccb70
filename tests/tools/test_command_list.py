# SPDX-License-Identifier: LGPL-2.1-or-later
"""`vferry list` and `show` as their user sees them, on a host in a folder (mock_host.py)."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from mock_host import PF_MLX5, VF_MLX5, Ids, MockHost

PF = "0000:01:00.0"
VFS = ["0000:01:10.0", "0000:01:10.2", "0000:01:10.4"]

# Modules and IDs of Linux 7.2; the drivers are named as there.
VARIANTS = {
    "mlx5_vfio_pci": ("mlx5_core", Ids(0x15B3, 0x101E, 0x15B3, 0x40)),
    "hisi-acc-vfio-pci": ("hisi_hpre", Ids(0x19E5, 0xA259, 0x19E5, 0, 0x100000)),
    "pds_vfio_pci": ("pds_core", Ids(0x1DD8, 0x1003, 0x1DD8, 0)),
    "virtio_vfio_pci": ("virtio-pci", Ids(0x1AF4, 0x1041, 0x1AF4, 0x1041)),
    "qat_vfio_pci": ("4xxx", Ids(0x8086, 0x4941, 0x8086, 0, 0x0B4000)),
    "igbvf_vfio_pci": ("igb", Ids(0x8086, 0x1520)),
}


@pytest.fixture
def host(tmp_path: Path) -> MockHost:
    host = MockHost(tmp_path / "root")
    host.add_pf(PF, "enp1s0f0")
    for index, driver in enumerate(("igbvf_vfio_pci", "igbvf", "vfio-pci")):
        host.add_vf(PF, index, VFS[index], driver, group=22 + index)
    host.add_interface(VFS[1], "enp1s0f0v1")
    return host


def listed(host: MockHost, *arguments: str) -> dict[str, Any]:
    done = host.run("list", "--json", *arguments)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    result = json.loads(done.stdout)
    assert isinstance(result, dict)
    return result


def shown(host: MockHost, vf: str) -> dict[str, Any]:
    done = host.run("show", "--json", vf)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    result = json.loads(done.stdout)
    assert isinstance(result, dict)
    return result


def vf_of(host: MockHost, address: str) -> dict[str, Any]:
    [found] = [vf for pf in listed(host)["pfs"] for vf in pf["vfs"] if vf["address"] == address]
    assert isinstance(found, dict)
    return found


def test_table(host: MockHost) -> None:
    host.configure("[pf enp1s0f0]\nnetwork=lab\n")
    host.claim(VFS[0])
    host.claim(VFS[2], name="web2", purpose="incoming")
    done = host.run("list")
    assert done.returncode == 0
    assert done.stdout == """\
ADDRESS   DRIVER         BEST           MIGR NETWORK IOMMU NUMA MAC               USED BY
01:00.0   igb            -              -    lab         -    0 02:00:00:00:00:01 enp1s0f0
├─01:10.0 igbvf_vfio_pci =              yes  lab        22    0 -                 guest
├─01:10.2 igbvf          igbvf_vfio_pci no   lab        23    0 -                 enp1s0f0v1
└─01:10.4 vfio-pci       igbvf_vfio_pci no   lab        24    0 -                 web2 (incoming)
"""
    # libvirt is not there: said once, and beside the table.
    assert re.fullmatch("note: which domain has a VF is from claims alone: .*\n", done.stderr)


def test_table_fits_80_columns_where_all_is_as_it_should_be(tmp_path: Path) -> None:
    host = MockHost(tmp_path / "root")
    host.add_pf(PF, "enp1s0f0")
    for index in range(7):
        address = f"0000:01:1{index // 4}.{index % 4 * 2}"
        host.add_vf(PF, index, address, "igbvf_vfio_pci", group=22 + index)
        host.claim(address, name=f"guest{index}")
    host.configure(f"[pf {PF}]\nnetwork=lab\n")
    lines = host.run("list").stdout.splitlines()
    assert len(lines) == 9 and max(map(len, lines)) <= 80, lines


def test_ascii_where_the_locale_has_no_more(host: MockHost) -> None:
    lines = host.run("list", LC_ALL="C").stdout.splitlines()
    assert [line[:9] for line in lines[2:]] == ["|-01:10.0", "|-01:10.2", "`-01:10.4"]


def test_other_segments_are_named(host: MockHost) -> None:
    host.add_pf("10000:01:00.0", None)
    assert "├─0000:01:10.0" in host.run("list").stdout


def test_json(host: MockHost) -> None:
    host.configure("[pf enp1s0f0]\nnetwork=lab\n")
    host.claim(VFS[0])
    result = listed(host)
    assert not result["libvirt_answered"] and len(result["notes"]) == 1
    [pf] = result["pfs"]
    vfs = pf.pop("vfs")
    assert pf == {
        "address": PF, "vendor": "8086", "device": "10c9", "driver": "igb",
        "interface": "enp1s0f0", "network": "lab", "mac": "02:00:00:00:00:01", "numa_node": 0,
        "total_vfs": 7,
    }
    assert [vf["address"] for vf in vfs] == VFS
    assert vfs[0] == {
        "address": VFS[0], "vendor": "8086", "device": "10ca", "driver": "igbvf_vfio_pci",
        "interface": None, "network": "lab", "mac": None, "numa_node": 0,
        "best_driver": "igbvf_vfio_pci", "migratable": "yes", "iommu_group": 22,
        "used_by": {"name": "guest", "uuid": "11111111-2222-3333-4444-555555555555",
                    "purpose": "running"},
    }
    assert [vf["migratable"] for vf in vfs] == ["yes", "no", "no"]
    assert vfs[1]["interface"] == "enp1s0f0v1" and vfs[1]["used_by"] is None


@pytest.mark.parametrize("driver", VARIANTS)
def test_variant_drivers_of_all_vendors(tmp_path: Path, driver: str) -> None:
    pf_driver, ids = VARIANTS[driver]
    host = MockHost(tmp_path / "root")
    host.add_pf(PF, None, driver=pf_driver)
    host.add_vf(PF, 0, VFS[0], driver, ids)
    host.add_vf(PF, 1, VFS[1], "vfio-pci", ids)
    for address, migratable in ((VFS[0], "yes"), (VFS[1], "no")):
        vf = vf_of(host, address)
        assert vf["migratable"] == migratable
        assert vf["best_driver"].replace("-", "_") == driver.replace("-", "_")
        assert shown(host, address)["migratable"] == migratable


def test_vfio_driver_that_nobody_knows(host: MockHost) -> None:
    host.add_vf(PF, 3, "0000:01:10.6", "vendor_vfio_pci")
    assert vf_of(host, "0000:01:10.6")["migratable"] == "unknown"
    assert shown(host, "01:10.6")["migratable"] == "unknown"


def test_no_pf(tmp_path: Path) -> None:
    done = MockHost(tmp_path / "root").run("list")
    assert done.returncode == 0
    assert done.stdout == "There is no PF: no PCI device with SR-IOV.\n"


def test_no_sysfs(host: MockHost) -> None:
    (host.pci / "devices").rename(host.pci / "none")
    done = host.run("list")
    assert done.returncode == 2 and done.stdout == ""
    assert re.fullmatch("vferry: list: .*/sys/bus/pci/devices.*\n", done.stderr)


@pytest.mark.parametrize("break_it, about", [
    (lambda host: host.configure("[pf enp1s0f0]\nnetwrk=lab\n"), "vferry.conf:2"),
    (lambda host: (host.modules / "modules.alias").unlink(), "modules.alias"),
    (lambda host: host.claim(VFS[0], uuid="none"), f"claims/{VFS[0]}"),
    (lambda host: (host.folder(VFS[0]) / "modalias").write_text("pci:\n"), "modalias"),
    (lambda host: (host.folder(PF) / "virtfn3").symlink_to("../nowhere"), "virtfn3"),
])
def test_what_cannot_be_read_has_a_note(host: MockHost, break_it: Any, about: str) -> None:
    break_it(host)
    result = listed(host)
    assert [vf["address"] for vf in result["pfs"][0]["vfs"]] == VFS
    assert [note for note in result["notes"] if about in note], result["notes"]


def test_claim_that_cannot_be_trusted_is_a_user(host: MockHost) -> None:
    host.claim(VFS[0], uuid="none")
    assert vf_of(host, VFS[0])["used_by"]["name"] == "?"
    assert "cannot be trusted: " in host.run("show", VFS[0]).stdout


def test_claim_past_its_lifetime_is_none(host: MockHost) -> None:
    host.claim(VFS[0], purpose="incoming", lifetime=30,
               boot="00000000-0000-0000-0000-000000000000")
    assert vf_of(host, VFS[0])["used_by"] is None
    assert shown(host, VFS[0])["claim"] is None


def test_names_do_not_steer_the_terminal(host: MockHost) -> None:
    host.claim(VFS[0], name="g\u202eu")
    host.add_interface(VFS[2], "a\u202eb")
    assert "a?b" in host.run("list").stdout
    for arguments in (("list",), ("show", VFS[0]), ("show", VFS[2])):
        assert "\u202e" not in host.run(*arguments).stdout


def test_errors_and_notes_do_not_either(host: MockHost) -> None:
    (host.folder(PF) / "virtfn3").symlink_to("../\u202e")
    for done in (host.run("show", "\x1b[31m"), host.run("list")):
        assert done.stderr and "\x1b" not in done.stderr and "\u202e" not in done.stderr


def test_interface_that_no_one_may_call_so(host: MockHost) -> None:
    host.add_interface(VFS[2], "a\x1b[31mb")
    result = listed(host)
    assert "/sys/class/net" in result["notes"][0]
    assert "\x1b" not in host.run("list").stdout


def on_terminal(host: MockHost, **environment: str) -> str:
    ours, theirs = pty.openpty()
    subprocess.run(host.command("list"), env=host.environment(TERM="xterm", **environment),
                   stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL, timeout=60,
                   check=True)
    os.close(theirs)
    with os.fdopen(ours, "rb") as terminal:
        return terminal.read1(65536).decode()


def test_colours_on_a_terminal_only(host: MockHost) -> None:
    assert "\x1b[32myes\x1b[0m" in on_terminal(host)
    assert "\x1b" not in on_terminal(host, NO_COLOR="1")
    assert "\x1b" not in host.run("list", TERM="xterm").stdout


# show

def test_show(host: MockHost) -> None:
    host.configure("[pf 8086:10c9]\nnetwork=lab\n[pf enp1s0f0]\ndriver=vfio-pci\nvfs=3\n")
    (host.folder(VFS[0]) / "driver_override").write_text("igbvf_vfio_pci\n")
    host.claim(VFS[0], purpose="bound", lifetime=3600, created=int(time.clock_gettime(
        time.CLOCK_BOOTTIME)) - 90)
    result = shown(host, "enp1s0f0/0")
    assert result["address"] == VFS[0] and result["index"] == 0
    assert result["pf"]["address"] == PF and result["pf"]["interfaces"] == ["enp1s0f0"]
    assert result["vfio_device"] == "vfio0"
    assert result["driver_override"] == "igbvf_vfio_pci"
    assert result["candidates"] == ["igbvf_vfio_pci", "vfio_pci"]
    assert result["chosen_driver"] in ("vfio-pci", "vfio_pci")
    assert "no variant driver" in result["chosen_reason"]
    conf = "/etc/vferry/vferry.conf"
    assert result["configuration"] == {
        "vfs": {"value": "3", "from": f"{conf}:5"},
        "driver": {"value": "vfio-pci", "from": f"{conf}:4"},
        "network": {"value": "lab", "from": f"{conf}:2"},
        "migratable": {"value": "auto", "from": None},
    }
    assert result["claim"]["purpose"] == "bound" and result["claim"]["lifetime"] == 3600
    assert 90 <= result["claim"]["age"] < 150
    assert result["identity"] == {} and result["devlink_migratable"] is None


def test_show_as_text(host: MockHost) -> None:
    host.claim(VFS[0])
    lines = host.run("show", "01:10.0").stdout.splitlines()
    assert all(re.match(r"[A-Za-z_ ]+: +\S", line) for line in lines), lines
    values = dict(re.split(r": +", line, maxsplit=1) for line in lines)
    assert values["VF"] == "0 of 3" and values["IDs"] == "8086:10ca, subsystem 8086:a03c"
    assert values["driver"] == "igbvf_vfio_pci, VFIO device vfio0"
    assert values["migratable"] == "yes: igbvf_vfio_pci is a variant driver for it"
    assert values["config"] == "no section is about this PF"
    assert values["claim"].startswith(
        "domain 'guest' (11111111-2222-3333-4444-555555555555), running, taken ")


@pytest.mark.parametrize("vf, why", [
    ("01:11.0", "0000:01:11.0"), (PF, "no VF"), ("enp1s0f0/3", "it has 3, counted from 0"),
    ("none/0", "no PCI device has a network interface 'none'"), ("01:10", "names no VF"),
    ("enp1s0f0", "names no VF"), ("../x/1", "names no VF"), ("", "names no VF"),
])
def test_show_what_is_not_there(host: MockHost, vf: str, why: str) -> None:
    done = host.run("show", vf)
    assert done.returncode == 2 and done.stdout == ""
    assert why in done.stderr and done.stderr.count("\n") == 1, done.stderr


# Another host, by libvirt's own test driver, which knows no drivers of node devices.

def node_device(address: str, capability: str, driver: str) -> str:
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    name = "pci_" + re.sub(r"[:.]", "_", address)
    return f"""<device><name>{name}</name><parent>computer</parent>
<driver><name>{driver}</name></driver>
<capability type='pci'><domain>{int(domain, 16)}</domain><bus>{int(bus, 16)}</bus>
<slot>{int(slot, 16)}</slot><function>{function}</function>
<product id='0x10ca'/><vendor id='0x8086'/>{capability}
<iommuGroup number='7'><address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}'
function='0x{function}'/></iommuGroup><numa node='1'/></capability></device>"""


def address_xml(address: str) -> str:
    domain, bus, rest = address.split(":")
    slot, function = rest.split(".")
    return (f"<address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' "
            f"function='0x{function}'/>")


DOMAIN = f"""<domain type='test'><name>far</name>
<uuid>11111111-2222-3333-4444-555555555555</uuid><memory>1024</memory>
<os><type>hvm</type></os><devices><hostdev mode='subsystem' type='pci' managed='no'>
<source>{address_xml(VFS[0])}</source></hostdev></devices></domain>"""


def test_another_host(host: MockHost) -> None:
    pf = f"<capability type='virt_functions' maxCount='7'>{address_xml(VFS[0])}</capability>"
    vf = f"<capability type='phys_function'>{address_xml(PF)}</capability>"
    net = """<device><name>net_eth0</name><parent>pci_0000_01_00_0</parent>
<capability type='net'><interface>eth0</interface><address>02:00:00:00:00:09</address>
</capability></device>"""
    (host.root / "tmp/node.xml").write_text(
        f"<node>{node_device(PF, pf, 'igb')}{node_device(VFS[0], vf, 'igbvf_vfio_pci')}{net}"
        f"{DOMAIN}</node>")
    result = listed(host, "--connect", "test:///tmp/node.xml")
    assert result["libvirt_answered"] and result["notes"] == []
    [found] = result["pfs"]
    assert found["address"] == PF and found["total_vfs"] == 7
    assert found["interface"] == "eth0" and found["mac"] == "02:00:00:00:00:09"
    [one] = found["vfs"]
    assert one["address"] == VFS[0]
    assert one["iommu_group"] == 7 and one["numa_node"] == 1
    assert one["used_by"]["name"] == "far"
    # What libvirt cannot tell is not guessed.
    assert one["best_driver"] is None and one["migratable"] is None and one["network"] is None
    table = host.run("list", "-c", "test:///tmp/node.xml")
    assert table.stderr == "" and "└─01:10.0 -      -    -    -" in table.stdout


def test_libvirt_that_is_not_there(host: MockHost) -> None:
    done = host.run("list", "--connect", "nonsense://host2/")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("vferry: list: connecting to nonsense://host2/: ")
    assert done.stderr.count("\n") == 1


def test_libvirt_that_does_not_answer(host: MockHost) -> None:
    """A socket at which nobody accepts: the list comes all the same, in seconds."""
    program = (
        "import os, socket, sys\n"
        "os.makedirs('/run/libvirt')\n"
        "for name in ('libvirt-sock-ro', 'virtqemud-sock-ro'):\n"
        "    s = socket.socket(socket.AF_UNIX); s.bind('/run/libvirt/' + name); s.listen(1)\n"
        "    os.set_inheritable(s.fileno(), True); s.detach()\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n")
    command = host.command("list", "--json")
    at = command.index(str(host.root)) + 1
    command[at:at] = ["/usr/bin/python3", "-c", program]
    (host.root / "var").mkdir(exist_ok=True)  # the program may lie below it
    (host.root / "var/run").symlink_to("../run")
    done = subprocess.run(command, env=host.environment(), text=True, capture_output=True,
                          timeout=30, check=True)
    result = json.loads(done.stdout)
    assert len(result["pfs"]) == 1 and not result["libvirt_answered"]
    assert "has not answered" in result["notes"][-1]


def test_mlx5_has_several_interfaces(host: MockHost) -> None:
    host.add_pf("0000:41:00.0", "p0", PF_MLX5, driver="mlx5_core", node=-1)
    host.add_vf("0000:41:00.0", 0, "0000:41:00.2", None, VF_MLX5)
    # A representor, which sorts before the PF's own.
    host.add_interface("0000:41:00.0", "a0")
    (host.folder("0000:41:00.0") / "net/a0/phys_port_name").write_text("pf0vf0\n")
    assert listed(host)["pfs"][1]["interface"] == "p0"
