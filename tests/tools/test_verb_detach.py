# SPDX-License-Identifier: LGPL-2.1-or-later
"""`vferry detach`: which VFs a libvirt before 10.0 is told of."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from fake_host import OURS, PF, VF, FakeHost

OLD = "9000000"
VF1, VF2 = "0000:01:10.2", "0000:01:10.4"
DETACH = "detach pci_0000_01_10_{} vfio"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may detach")


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """A configured PF with three VFs: on its variant driver, so and claimed, on vfio-pci."""
    host = FakeHost(tmp_path)
    host.add_vf(PF, 1, VF1, OURS, group=2)
    host.add_vf(PF, 2, VF2, "vfio-pci", group=3)
    for group in (1, 2, 3):
        (host.root / f"sys/class/vfio/{group}").mkdir(parents=True)
        (host.root / f"sys/class/vfio/{group}/dev").write_text(f"240:{group}\n")
    host.claim(VF1)
    (host.modules / "modules.alias").write_text(
        f"# depmod\nalias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* {OURS}\n")
    host.configure(f"[pf {PF}]\nvfs = 3\n")
    host.here.set("libversion", OLD)
    return host


def detach(host: FakeHost, *options: str) -> subprocess.CompletedProcess[str]:
    """In a PID namespace of its own: a process that cannot be looked at could have any VF open."""
    return host.run_command(["unshare", "--pid", "--fork", "--mount-proc",
                             *host.fake_command("detach", *options)])


def test_free_ones_on_a_variant_driver(host: FakeHost) -> None:
    done = detach(host)
    assert (done.returncode, done.stdout, done.stderr) == (
        0, "libvirt 9.0: 1 VFs detached, 1 in use\n", "")
    assert host.log() == [DETACH.format(0)]
    assert json.loads(detach(host, "--json").stdout) == {
        "needed": True, "used": 1, "detached": [VF]}


def test_later_libvirt_needs_nothing(host: FakeHost) -> None:
    host.here.set("libversion", "10000000")
    done = detach(host)
    assert (done.returncode, done.stdout) == (0, "libvirt 10.0 needs nothing of this\n")
    assert json.loads(detach(host, "--json").stdout)["needed"] is False
    assert host.log() == []


@pytest.mark.parametrize("config", [f"[pf {PF}]\ndriver = keep\n", "[pf 0000:07:00.0]\nvfs = 1\n"])
def test_others_are_left_alone(host: FakeHost, config: str) -> None:
    host.configure(config)
    assert detach(host).returncode == 0
    assert host.log() == []


def test_no_libvirt(host: FakeHost) -> None:
    host.here.folder.rename(host.fake / "gone")
    done = detach(host)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
