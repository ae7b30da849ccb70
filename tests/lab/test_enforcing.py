# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two enforcing hosts: intruders get nowhere, nothing fails silently.

That users notice nothing is seen by test_without_hands.py, on the same hosts.
"""

from __future__ import annotations

import json
import shlex
import statistics
import time
from collections.abc import Callable, Iterator

import pytest

from intrusions import GUEST, HOOK, INTRUSIONS, LIBVIRT, OURS, PF, VF, Intrusion
from vferry_lab.errors import CommandError
from vferry_lab.host import Host
from vferry_tests import enforcing, nic
from vferry_tests import domain
from vferry_tests.enforcing import INTRUDER, INTRUDER_POLICY, POLICY
from vferry_tests.guest import PLAIN, Guest
from vferry_tests.labs import Labs
from vferry_tests.testbed import Testbed, config

pytestmark = pytest.mark.lab

VFS = 4
ROUNDS = 5  # of each measurement


@pytest.fixture(scope="module")
def bed(labs: Labs) -> Iterator[Testbed]:
    """Two enforcing hosts with our programs, our policy and VFs."""
    bed = labs.get("trixie", selinux=True)
    labs.configure(bed, config(VFS))
    yield bed
    labs.check_kernel_logs()


@pytest.fixture(scope="module")
def guest(bed: Testbed) -> Iterator[Guest]:
    """A guest with a managed VF, defined on host 1."""
    vf = domain.VF(nic.vf_address(0), alias="ua-lan")
    with Guest.between(bed.hosts, [vf], "moving") as guest:
        yield guest


@pytest.fixture(scope="module")
def host(bed: Testbed) -> Host:
    return bed.hosts[0]


@pytest.fixture
def intruder(bed: Testbed, host: Host, labs: Labs) -> Iterator[Host]:
    """Host 1 with a stand-in that starts in any domain, and every denial logged."""
    folder = enforcing.policy(bed.lab.image, bed.programs(labs.progress))
    host.copy_to(folder / "intruder", to=INTRUDER)
    host.copy_to(folder / "intruder.policy", to=INTRUDER_POLICY)
    host.run(f"mv {POLICY} {POLICY}.kept && mkdir {POLICY} && "
             f"cp {INTRUDER_POLICY} {POLICY}/$(basename {POLICY}.kept/policy.*) && load_policy && "
             f"chcon -t intruder_exec_t {INTRUDER}", timeout=120)
    yield host
    host.run(f"rm -r {POLICY} {INTRUDER} && mv {POLICY}.kept {POLICY} && load_policy", timeout=120)


def test_enforcing(bed: Testbed) -> None:
    for each in bed.hosts:
        assert each.run("getenforce").stdout == "Enforcing\n"
        told = json.loads(each.run(["vferry", "doctor", "--json"], check=False).stdout)
        wrong = [line for line in told["looks"] if line["level"] in ("warning", "problem")]
        assert not wrong, wrong


def test_labels_of_sysfs(bed: Testbed) -> None:
    for each in bed.hosts:
        assert type_of(each, f"{PF}/sriov_numvfs") == "vferry_pf_sysfs_t"
        assert type_of(each, f"{PF}/driver_override") == "vferry_pf_sysfs_t"
        assert type_of(each, "/sys/bus/pci/drivers_probe") == "vferry_drv_sysfs_t"
        assert type_of(each, "/sys/bus/pci/drivers/igb/unbind") == "sysfs_t"
        assert type_of(each, f"/sys/bus/pci/drivers/{nic.VARIANT_DRIVER}/unbind") == (
            "vferry_drv_sysfs_t")
        for index in range(VFS):
            path = f"/sys/bus/pci/devices/{nic.vf_address(index)}/driver_override"
            assert type_of(each, path) == "vferry_vf_sysfs_t"


def test_intrusions(intruder: Host, guest: Guest) -> None:
    """Each fails, and the audit log says that SELinux did it."""
    assert len(INTRUSIONS) >= 40
    mark = f"i{int(time.time()) % 10000}-"
    script = "\n".join(_start(f"{mark}{number}", each) for number, each in enumerate(INTRUSIONS))
    told = intruder.run(script, timeout=600).stdout.split()
    assert len(told) == len(INTRUSIONS), told
    denied = [denial for denial in enforcing.avc_denials(intruder) if denial.comm.startswith(mark)]
    wrong = []
    for number, each in enumerate(INTRUSIONS):
        logged = any(denial.comm == f"{mark}{number}" and denial.source == each.domain
                     and _stops(denial, each) for denial in denied)
        if told[number] == "0" or not logged:
            lines = [str(denial) for denial in denied if denial.comm == f"{mark}{number}"]
            wrong.append(f"{each}: status {told[number]}, logged: {lines}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.matrix
def test_enforcing_costs_little(
    intruder: Host, record_property: Callable[[str, object], None]
) -> None:
    """Hook and provisioning, enforcing and permissive in turn."""
    hook = ("virsh -q dumpxml moving > /tmp/x.xml 2> /dev/null || echo '<domain/>' > /tmp/x.xml; "
            f"cat /tmp/x.xml | runcon -r system_r -t {HOOK} /usr/sbin/vferry-hook "
            "moving started begin - > /dev/null 2>&1")
    provision = "systemctl restart vferry-provision"
    for name, command in (("hook", hook), ("provisioning", provision)):
        taken: dict[str, list[float]] = {"0": [], "1": []}
        try:
            for _ in range(ROUNDS):
                for mode, times in taken.items():
                    intruder.run(["setenforce", mode])
                    times.append(float(intruder.run(
                        f"TIMEFORMAT=%R; time {{ {command}; }} 2>&1", timeout=120
                    ).stderr.split()[-1]))
        finally:
            intruder.run(["setenforce", "1"])
        ratio = statistics.median(taken["1"]) / statistics.median(taken["0"])
        record_property(name, round(ratio, 3))
        print(f"{name}: {ratio:.2f} of the time that it takes permissive, {taken}")
        assert ratio < 1.5, taken  # a busy machine; by itself it is below 1.1


def test_pf_that_comes_back_is_labelled(bed: Testbed) -> None:
    """Removal takes the labels; the device's return brings provisioning, and that the labels."""
    each = bed.hosts[1]
    each.run(f"echo 1 > {PF}/remove && echo 1 > /sys/bus/pci/rescan", timeout=120)
    each.run(f"until [ -e {VF}/driver ]; do sleep 0.5; done", timeout=120)
    assert type_of(each, f"{PF}/sriov_numvfs") == "vferry_pf_sysfs_t"
    assert type_of(each, f"{VF}/driver_override") == "vferry_vf_sysfs_t"
    each.run(f"ip link set {each.pf_netdev} up")  # it comes back down


def test_libvirt_may_bind_where_the_tunable_says_so(intruder: Host) -> None:
    tried = _start("libvirt", Intrusion(LIBVIRT, f"write {VF}/driver_override", "file", "write"))
    for state, status in (("on", "0"), ("off", "13")):
        intruder.run(f"setsebool vferry_libvirt_binds_vfs {state}")
        assert intruder.run(tried).stdout.split() == [status]


def test_upgrade_and_removal_with_a_guest(bed: Testbed, guest: Guest) -> None:
    """The modules are removed and installed again under a running guest.

    doctor says so while they are not there; no file is left without a label.
    """
    each = guest.host
    policy = "/usr/share/selinux/packages/vferry/policy"
    each.run([policy, "remove"], timeout=600)
    try:
        assert type_of(each, f"{PF}/sriov_numvfs") == "sysfs_t"
        unlabelled = each.run(
            "find /etc/vferry /usr/bin/vferry /usr/sbin/vferry-hook /usr/libexec/vferry /run/vferry "
            f"/sys/bus/pci/drivers/ {PF}/ {VF}/ -context '*:unlabeled_t:*'").stdout
        assert not unlabelled
        told = json.loads(each.run(["vferry", "doctor", "--json"], check=False).stdout)
        assert any(line["about"] == "policy" and line["level"] == "warning"
                   for line in told["looks"])
    finally:
        each.run([policy, "install"], timeout=600)
    assert type_of(each, f"{PF}/sriov_numvfs") == "vferry_pf_sysfs_t"
    guest.migrate(bed.other(each), *PLAIN)


def test_wrong_label_of_the_hook_is_found(host: Host) -> None:
    hook = "/usr/sbin/vferry-hook"
    host.run(f"chcon -t virt_etc_rw_t {hook}")
    try:
        with pytest.raises(CommandError):
            host.run(["vferry", "doctor"])
    finally:
        host.run(f"restorecon {hook}")


def type_of(host: Host, path: str) -> str:
    return host.run(f"stat -L -c %C {shlex.quote(path)}").stdout.split(":")[2]


def _stops(denial: enforcing.Denial, intrusion: Intrusion) -> bool:
    """As expected, or in a folder on the way there already."""
    return ((denial.kind == intrusion.kind and intrusion.perm in denial.perms)
            or (denial.kind == "dir" and "search" in denial.perms))


def _start(name: str, intrusion: Intrusion) -> str:
    """A shell line that starts the stand-in and prints its exit status."""
    level = "s0:c100,c200" if intrusion.domain == GUEST else "s0"
    assert intrusion.domain in (*OURS, GUEST, LIBVIRT)
    return (f"runcon -r system_r -t {intrusion.domain} -l {level} {INTRUDER} {name} "
            f"{intrusion.action} < /dev/null > /dev/null 2>&1; echo $?")
