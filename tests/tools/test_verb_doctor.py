# SPDX-License-Identifier: LGPL-2.1-or-later
"""`vferry doctor` on hosts with one thing wrong each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fake_host import OURS, PF, UUID, VF, FakeHost, domain_xml, hostdev

VF1 = "0000:01:10.2"
OLD = 1_000_000_000  # a time long ago

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="doctor looks at files of root")


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    """A host that is in order."""
    host = FakeHost(tmp_path)
    (host.root / "sys/kernel/iommu_groups/1").mkdir(parents=True)
    (host.folder(PF) / "sriov_drivers_autoprobe").write_text("0\n")
    (host.root / "sys/module" / OURS / "drivers").mkdir(parents=True)
    (host.root / "sys/module" / OURS / "drivers" / f"pci:{OURS}").symlink_to(
        f"../../../bus/pci/drivers/{OURS}")
    (host.root / "sys/module" / OURS / "initstate").write_text("live\n")
    (host.modules / "modules.alias").write_text(
        f"# depmod\nalias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* {OURS}\n")
    hook = host.root / "etc/libvirt/hooks/qemu.d/vferry"
    hook.parent.mkdir(parents=True)
    hook.touch(0o755)
    host.configure(f"[pf {PF}]\nvfs = 1\n")
    host.claim(VF)
    host.here.add_domain(domain_xml(hostdev(VF)), inactive=domain_xml(hostdev(VF)))
    return host


def doctor(host: FakeHost) -> dict[str, Any]:
    done = host.run_fake("doctor", "--json")
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    assert done.returncode == (1 if report["problems"] else 0), done.stderr
    for line in report["looks"]:
        assert line["level"] in ("ok", "unknown") or line["advice"] or line["about"] in (
            "sysfs", "domains"), line
    return report


def found(host: FakeHost) -> list[tuple[str, str]]:
    """Level and subject of what is not in order, but for what no bus of systemd tells."""
    return [(line["level"], line["about"]) for line in doctor(host)["looks"]
            if line["level"] != "ok" and line["text"] != "systemd cannot be asked"
            and "systemd cannot be asked" not in line["text"]]


def test_in_order(host: FakeHost) -> None:
    assert found(host) == []
    done = host.run_fake("doctor")
    assert done.returncode == 0 and done.stderr == ""
    assert "0 warnings, 0 problems\n" in done.stdout and "\033" not in done.stdout
    assert host.log() == []


def rebind(host: FakeHost, driver: str) -> None:
    (host.folder(VF) / "driver").unlink()
    host.bind(VF, driver)


def no_iommu(host: FakeHost) -> None:
    (host.root / "sys/kernel/iommu_groups/1").rmdir()


def bad_config(host: FakeHost) -> None:
    host.configure("[pf pf0]\nvfs = many\n")


def no_config(host: FakeHost) -> None:
    host.configure("")


def no_hook(host: FakeHost) -> None:
    (host.root / "etc/libvirt/hooks/qemu.d/vferry").unlink()


def hook_without_run_bit(host: FakeHost) -> None:
    (host.root / "etc/libvirt/hooks/qemu.d/vferry").chmod(0o644)


def hook_of_others(host: FakeHost) -> None:
    (host.root / "etc/libvirt/hooks/qemu.d/vferry").chmod(0o775)


def module_gone(host: FakeHost) -> None:
    (host.root / "sys/module" / OURS / "initstate").unlink()
    (host.root / "sys/module" / OURS / "drivers" / f"pci:{OURS}").unlink()
    (host.root / "sys/module" / OURS / "drivers").rmdir()
    (host.root / "sys/module" / OURS).rmdir()


def no_variant(host: FakeHost) -> None:
    (host.modules / "modules.alias").write_text(
        "# depmod\nalias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n")


def more_vfs_configured(host: FakeHost) -> None:
    host.configure(f"[pf {PF}]\nvfs = 2\n")


def pf_down(host: FakeHost) -> None:
    host.set_up("pf0", False)


def autoprobe(host: FakeHost) -> None:
    (host.folder(PF) / "sriov_drivers_autoprobe").write_text("1\n")


def wrong_driver(host: FakeHost) -> None:
    rebind(host, "vfio-pci")


def stale_override(host: FakeHost) -> None:
    (host.folder(VF) / "driver_override").write_text("vfio-pci\n")


def no_dirty_log(host: FakeHost) -> None:
    host.offer(VF, "stop-copy")


def claim_of_nobody(host: FakeHost) -> None:
    host.here.set_state("5 1")


def claim_without_vf(host: FakeHost) -> None:
    host.claim("0000:07:10.0")


def broken_claim(host: FakeHost) -> None:
    (host.root / "run/vferry/claims" / VF).write_text("rubbish")


def use_without_claim(host: FakeHost) -> None:
    (host.root / "run/vferry/claims" / VF).unlink()


def definition_absent(host: FakeHost) -> None:
    host.here.add_domain(domain_xml(hostdev(VF)), inactive=domain_xml(hostdev("0000:81:00.3")))


def definition_of_another_vf(host: FakeHost) -> None:
    host.configure(f"[pf {PF}]\nvfs = 2\n")
    host.add_vf(PF, 1, VF1, OURS)
    host.here.add_domain(domain_xml(hostdev(VF)), inactive=domain_xml(hostdev(VF1)))


def no_libvirt(host: FakeHost) -> None:
    host.here.folder.rename(host.fake / "gone")


def managed_and_old_libvirt(host: FakeHost) -> None:
    host.here.set("libversion", "9000000")
    managed = domain_xml(hostdev(VF, managed="yes"))
    host.here.add_domain(managed, inactive=managed)


def pool_with_apparmor(host: FakeHost) -> None:
    host.here.add_pool("lab")
    confine(host)
    guests_rules(host, "  # /dev/vfio/[0-9]* rw,\n")


def confine(host: FakeHost) -> None:
    profiles = host.root / "sys/kernel/security/apparmor/profiles"
    profiles.parent.mkdir(parents=True)
    profiles.write_text("virt-aa-helper (enforce)\nlibvirtd (enforce)\n")


def guests_rules(host: FakeHost, text: str) -> None:
    file = host.root / "etc/apparmor.d/local/abstractions/libvirt-qemu"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def old_arrival(host: FakeHost) -> None:
    arrivals = host.root / "run/vferry/arrivals"
    arrivals.mkdir()
    (arrivals / UUID).touch()
    os.utime(arrivals / UUID, (OLD, OLD))


@pytest.mark.parametrize(("spoil", "expected"), [
    (no_iommu, [("problem", "IOMMU")]),
    (bad_config, [("problem", "configuration")]),
    (no_config, [("warning", "configuration")]),
    (no_hook, [("problem", "hook")]),
    (hook_without_run_bit, [("problem", "hook")]),
    (hook_of_others, [("problem", "hook")]),
    (module_gone, [("problem", OURS)]),
    # Then vfio-pci is the best there is.
    (no_variant, [("warning", "modules"), ("warning", PF)]),
    (more_vfs_configured, [("problem", PF)]),
    (pf_down, [("problem", "pf0")]),
    (autoprobe, [("warning", PF)]),
    (wrong_driver, [("warning", PF)]),
    (stale_override, [("warning", VF)]),
    (no_dirty_log, [("warning", VF)]),
    (claim_of_nobody, [("warning", VF)]),
    (claim_without_vf, [("warning", "0000:07:10.0")]),
    (broken_claim, [("problem", VF)]),
    (use_without_claim, [("warning", "guest")]),
    (definition_absent, [("problem", "guest")]),
    (definition_of_another_vf, [("warning", "guest")]),
    (no_libvirt, [("unknown", "domains")]),
    (old_arrival, [("warning", UUID)]),
    (managed_and_old_libvirt, [("warning", "guest")]),
    (pool_with_apparmor, [("warning", "AppArmor")]),
])
def test_what_is_wrong(host: FakeHost, spoil: Callable[[FakeHost], None],
                       expected: list[tuple[str, str]]) -> None:
    spoil(host)
    assert found(host) == expected


@pytest.mark.parametrize("apparmor", [True, False])
def test_pool(host: FakeHost, apparmor: bool) -> None:
    """Nothing is wrong with one where there is the rule for it, or no AppArmor."""
    host.here.add_pool("lab")
    if apparmor:
        confine(host)
        guests_rules(host, "  /dev/vfio/[0-9]* rw,\n")
    assert found(host) == []
    assert any(line["about"] == "AppArmor" for line in doctor(host)["looks"]) == apparmor


def test_usage(host: FakeHost) -> None:
    done = host.run_fake("doctor", "more")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
