# SPDX-License-Identifier: LGPL-2.1-or-later
"""`vferry check` as its user sees it, on two made-up hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fake_host import (OTHER_UUID, PF, SHUT_OFF, URI, VF, FakeHost, address_xml, domain_xml,
                       hostdev, interface_xml)

VF1 = "0000:01:10.2"
VF_SOURCE = address_xml(VF, "type='pci' ")


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    host = FakeHost(tmp_path)
    host.here.add_domain(domain_xml(hostdev(VF)), inactive=domain_xml(hostdev(VF)))
    return host


def check(host: FakeHost, *arguments: str) -> dict[str, Any]:
    done = host.run_fake("check", "--json", *(arguments or ("guest", URI)))
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert isinstance(report, dict)
    assert done.returncode == (0 if report["passed"] else 1), done.stderr
    assert (done.stderr == "") == report["passed"]
    return report


def lines(report: dict[str, Any], where: str, level: str) -> list[tuple[str, str]]:
    return [(line["about"], line["text"]) for line in report[where] if line["level"] == level]


def only_failure(report: dict[str, Any]) -> tuple[str, str]:
    failures = [line for where in ("here", "there") for line in report.get(where, [])
                if line["level"] == "failed"]
    assert len(failures) == 1, failures
    assert failures[0]["advice"]
    return failures[0]["about"], failures[0]["text"]


def test_all_is_well(host: FakeHost) -> None:
    report = check(host)
    assert report["passed"] and report["domain"] == "guest" and report["uri"] == URI
    assert (VF, f"{VF} is free there and bound to igbvf_vfio_pci") in lines(
        report, "there", "passed")
    assert (VF, "the device can be saved and loaded, also while it runs (according to debugfs)"
            ) in lines(report, "here", "passed")
    assert not lines(report, "here", "failed") and not lines(report, "here", "warned")
    assert host.log() == []


def test_text(host: FakeHost) -> None:
    host.there.set("libversion", "9000000")
    host.here.add_domain(domain_xml(hostdev(VF, managed="yes")))
    done = host.run_fake("check", "guest", URI)
    assert done.returncode == 1
    assert "failed   0000:01:10.0  libvirt 9.0 there binds vfio-pci" in done.stdout
    assert "to do: say managed='no'" in done.stdout
    assert done.stderr == "vferry: check: guest cannot migrate: 1 check failed\n"
    assert "\033" not in done.stdout


def test_this_host_alone(host: FakeHost) -> None:
    report = check(host, "guest")
    assert report["passed"] and "there" not in report


def test_by_uuid_and_unknown(host: FakeHost) -> None:
    assert check(host, "11111111-2222-3333-4444-555555555555")["passed"]
    done = host.run_fake("check", "nobody")
    assert done.returncode == 2
    assert done.stderr == ("vferry: check: looking for the domain 'nobody': Domain not found\n")


def test_no_libvirt(host: FakeHost) -> None:
    host.there.folder.rename(host.fake / "gone")
    done = host.run_fake("check", "guest", URI)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == (f"vferry: check: connecting to {URI}: unable to connect to server\n")


def test_shut_off(host: FakeHost) -> None:
    host.here.set_state(SHUT_OFF)
    assert only_failure(check(host)) == ("domain", "it is not running")


def test_vfio_pci(host: FakeHost) -> None:
    (host.folder(VF) / "driver").unlink()
    host.bind(VF, "vfio-pci")
    about, text = only_failure(check(host, "guest"))
    assert (about, text) == (VF, "its driver is vfio-pci, which cannot save a device")


@pytest.mark.parametrize(("features", "text"), [
    ((), "the device offers no migration (according to debugfs)"),
    (("stop-copy", "p2p"), "it does not report the pages that it writes, so QEMU lets it "
                           "migrate only with an IOMMU that does"),
])
def test_features(host: FakeHost, features: tuple[str, ...], text: str) -> None:
    host.offer(VF, *features)
    report = check(host, "guest")
    assert (VF, text) in lines(report, "here", "failed")


def test_unknown_features(host: FakeHost) -> None:
    (host.root / f"sys/kernel/debug/vfio/{VF}/migration/features").unlink()
    report = check(host, "guest")
    assert report["passed"]
    assert (VF, "the device cannot be asked what it offers: the guest has it open") in lines(
        report, "here", "unknown")


@pytest.mark.parametrize(("more", "about"), [
    ("<qemu:commandline><qemu:arg value='-global'/>"
     "<qemu:arg value='migration.x-postcopy-ram=on'/></qemu:commandline>", "post-copy"),
    ("<qemu:override><qemu:device alias='hostdev0'><qemu:frontend><qemu:property "
     "name='x-enable-migration' type='string' value='off'/></qemu:frontend></qemu:device>"
     "</qemu:override>", "QEMU"),
])
def test_traits(host: FakeHost, more: str, about: str) -> None:
    host.here.add_domain(domain_xml(hostdev(VF), more=more))
    assert only_failure(check(host, "guest"))[0] == about


def test_viommu(host: FakeHost) -> None:
    host.here.add_domain(domain_xml(hostdev(VF), "<iommu model='intel'/>"))
    assert only_failure(check(host, "guest"))[0] == "vIOMMU"


def test_several_devices(host: FakeHost) -> None:
    host.add_vf(PF, 1, VF1, "igbvf_vfio_pci", group=2)
    host.offer(VF1, "stop-copy", "dirty-tracking")
    host.here.add_domain(domain_xml(hostdev(VF), hostdev(VF1, guest="0000:06:00.0")))
    about, text = only_failure(check(host, "guest"))
    assert about == "devices" and VF1 in text
    host.offer(VF1, "stop-copy", "p2p", "dirty-tracking")
    assert check(host, "guest")["passed"]


def test_pf_down(host: FakeHost) -> None:
    host.set_up("pf0", False)
    host.there.set("nodedev/net", interface_xml("pf0", state="down"))
    report = check(host)
    assert (VF, "its PF pf0 is down and answers no VF") in lines(report, "here", "warned")
    assert only_failure(report)[0] == "pf0"


def test_address_taken_there(host: FakeHost) -> None:
    host.there.add_function(VF1)
    host.there.add_domain(domain_xml(hostdev(VF), uuid=OTHER_UUID, name="tenant"),
                          uuid=OTHER_UUID, name="tenant")
    report = check(host)
    assert (VF, f"{VF1} is free there and bound to igbvf_vfio_pci") in lines(
        report, "there", "passed")
    assert (VF, "there 'tenant' has the address, so vferry's hook has to choose there; libvirt "
            "does not tell whether it is installed") in lines(report, "there", "unknown")


def test_none_free_there(host: FakeHost) -> None:
    host.there.add_domain(domain_xml(hostdev(VF), uuid=OTHER_UUID, name="tenant"),
                          uuid=OTHER_UUID, name="tenant")
    assert only_failure(check(host)) == (VF, "every VF 8086:10ca there is taken")


def test_none_of_the_kind_there(host: FakeHost) -> None:
    host.there.add_function(VF, product="1520")
    assert only_failure(check(host)) == (VF, "there is no VF 8086:10ca there")


def test_two_vfs_and_one_there(host: FakeHost) -> None:
    host.add_vf(PF, 1, VF1, "igbvf_vfio_pci", group=2)
    host.offer(VF1, "stop-copy", "p2p", "dirty-tracking")
    host.here.add_domain(domain_xml(hostdev(VF), hostdev(VF1, guest="0000:06:00.0")))
    assert only_failure(check(host)) == (VF1, "there is no VF 8086:10ca there")
    host.there.add_function(VF1)
    assert check(host)["passed"]


def test_orchestrator(host: FakeHost) -> None:
    nova = ("<metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/>"
            "</metadata>")
    host.here.add_domain(domain_xml(hostdev(VF), more=nova))
    report = check(host)
    assert [about for about, _ in lines(report, "here", "warned")] == ["domain"]
    host.there.add_function(VF1)
    (host.there.folder / "nodedev" / VF).unlink()
    about, text = only_failure(check(host))
    assert about == VF and "chooses no other VF" in text


def test_pool(host: FakeHost) -> None:
    interface = (f"<interface type='hostdev'><mac address='52:54:00:00:00:01'/><source>"
                 f"{VF_SOURCE}</source></interface>")
    network = ("<interface type='network'><mac address='52:54:00:00:00:01'/>"
               "<source network='storage'/></interface>")
    host.here.add_domain(domain_xml(interface), migratable=domain_xml(network))
    assert only_failure(check(host)) == (
        "storage", "no active network of this name gives out devices there")
    host.there.set("networks/storage", "<network><forward mode='nat'/></network>")
    assert only_failure(check(host))[0] == "storage"
    host.there.add_pool("storage")
    report = check(host)
    assert report["passed"]
    assert "AppArmor" not in str(report)
    host.there.add_pool("storage", apparmor=True)
    report = check(host)
    assert report["passed"]
    assert [line["about"] for line in report["there"] if "AppArmor" in line["text"]] == ["storage"]


def test_same_host_and_names(host: FakeHost) -> None:
    host.there.set("capabilities.xml", (host.here.folder / "capabilities.xml").read_text())
    host.there.add_domain(domain_xml(), name="guest")
    host.there.add_domain(domain_xml(uuid=OTHER_UUID), uuid=OTHER_UUID)
    failed = dict(lines(check(host), "there", "failed"))
    assert set(failed) == {"host", "domain"}


def test_versions(host: FakeHost) -> None:
    host.here.set("version", "8000000")
    host.here.set("libversion", "8005000")
    host.there.set("version", "7002000")
    failed = {about for where in ("here", "there")
              for about, _ in lines(check(host), where, "failed")}
    assert failed == {"QEMU", "libvirt"}


@pytest.mark.parametrize(("answer", "passed"), [
    ('{"return": {}, "id": "libvirt-1"}', True),
    ('{"return": {"blocked-reasons": ["VFIO: no dirty tracking\\u001b[31m"]}}', False),
])
def test_ask_qemu(host: FakeHost, answer: str, passed: bool) -> None:
    (host.fake / "monitor").write_text(answer)
    report = check(host, "--ask-qemu", "guest")
    assert report["passed"] == passed
    assert "\033" not in json.dumps(report, ensure_ascii=False)
    assert host.log() == ['monitor {"execute":"query-migrate"}']


@pytest.mark.parametrize("answer", ["", "[]", "{}", '{"return": 1}',
                                    '{"return": {"blocked-reasons": [1]}}',
                                    '{"return": {"blocked-reasons": {}}}'])
def test_strange_answer_of_qemu(host: FakeHost, answer: str) -> None:
    (host.fake / "monitor").write_text(answer)
    done = host.run_fake("check", "--ask-qemu", "guest")
    assert done.returncode == 2
    assert done.stderr == "vferry: check: QEMU's answer to query-migrate is not understood\n"


@pytest.mark.parametrize("arguments", [(), ("a", "b", "c"), ("--strange", "guest")])
def test_usage(host: FakeHost, arguments: tuple[str, ...]) -> None:
    done = host.run_fake("check", *arguments)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
