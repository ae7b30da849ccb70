# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hook killed before each system call that changes something, and what comes after.

A call that changes nothing leaves what the one before it left, so these are all states
that a death can leave. What a PF is told by netlink is a file here, which is written when
the PF has done it: so a death comes before and after each request, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hook_host import OURS, Host
from hook_kernel import Kernel
from hook_xml import OTHER_UUID, UUID, Domain, hostdev

PF = "0000:01:00.0"
CALLS_MAX = 200
# What a PF holds of a VF: as it comes, and as the domain's metadata say.
FREE = "00:00:00:00:00:00 0 0 33024 0 1 0 0 0"
MACS = ("52:54:00:12:34:56", "52:54:00:12:34:57")


@dataclass
class Scene:
    host: Host
    kernel: Kernel
    vfs: list[str]
    xml: str
    other: str
    metadata: list[str]

    def expect(self, driver: str | None, claims: dict[str, str]) -> None:
        """Both VFs on this driver, without an override that contradicts it; freed, the PF has
        forgotten the guest."""
        if self.metadata and not claims:
            held = (self.host.root / "pf-table").read_text().splitlines()
            assert held == [FREE] * len(self.vfs)
        assert self.host.claimed() == claims
        for vf in self.vfs:
            assert self.host.driver(vf) == driver
            assert self.host.override(vf) == (OURS if driver == OURS else None)


def scene(folder: Path, identity: bool) -> Scene:
    folder.mkdir()
    host = Host(folder)
    vfs = host.add_pf(PF, 2, driver="igbvf")
    for number, vf in enumerate(vfs):
        host.set_interface(vf, f"eth{number}", up=False)
    host.configure("[pf lo]\nnetwork=lab\n")
    devices = [hostdev(vf) for vf in vfs]
    metadata = [f"hostdev='{number}' mac='{mac}' vlan='42' trust='yes' max-tx-rate='1000'"
                for number, mac in enumerate(MACS)] if identity else []
    if identity:
        host.preload = Path(os.environ["VFERRY_PF_KERNEL"])
        (host.root / "pf-table").write_text(f"{FREE}\n" * len(vfs))
    return Scene(host, Kernel(host), vfs, Domain(devices, metadata).text(),
                 Domain(devices, uuid=OTHER_UUID, name="other").text(), metadata)


def run(at: Scene, *operations: str) -> None:
    for operation in operations:
        at.kernel.hook(operation, at.xml, "shutdown" if operation == "release" else "-").good()


def after_a_failed_start(at: Scene) -> None:
    """What libvirt does when the hook has failed: it releases the domain."""
    at.kernel.hook("release", at.xml, "failed").good()
    at.expect("igbvf", {})


def again(at: Scene) -> None:
    run(at, "prepare", "started")
    at.expect(OURS, dict.fromkeys(at.vfs, "running"))
    run(at, "release")
    at.expect("igbvf", {})


def for_another_after_the_lifetime(at: Scene) -> None:
    """libvirt died, too, and never calls again for this domain."""
    for vf in at.host.claimed():
        at.host.age(vf, created="0", lifetime="30")
    at.kernel.hook("prepare", at.other).good()
    assert {at.host.claim(vf)["uuid"] for vf in at.vfs} == {OTHER_UUID}
    at.kernel.hook("release", at.other, "shutdown").good()
    at.expect("igbvf", {})


def for_another_at_once(at: Scene) -> None:
    """The domain has ended, so libvirt gives its VFs to the next."""
    at.kernel.hook("prepare", at.other).good()
    at.kernel.hook("started", at.other).good()
    at.expect(OURS, dict.fromkeys(at.vfs, "running"))
    # Had it been killed early, or had libvirt called again for the first domain: no harm.
    at.kernel.hook("release", at.xml, "shutdown").good()
    assert {at.host.claim(vf)["uuid"] for vf in at.vfs} == {OTHER_UUID}
    at.kernel.hook("release", at.other, "shutdown").good()
    at.expect("igbvf", {})


def release_again(at: Scene) -> None:
    run(at, "release")
    at.expect("igbvf", {})


def reconnected(at: Scene) -> None:
    """libvirt is started anew and finds the domain running."""
    run(at, "reconnect")
    at.expect(OURS, dict.fromkeys(at.vfs, "running"))
    release_again(at)


def comes_again(at: Scene) -> None:
    run(at, "migrate", "prepare", "started")
    at.expect(OURS, dict.fromkeys(at.vfs, "running"))
    release_again(at)


@pytest.mark.parametrize("before, operation, after, calls", [
    ([], "prepare", after_a_failed_start, 15),
    ([], "prepare", again, 15),
    ([], "prepare", for_another_after_the_lifetime, 15),
    (["prepare"], "started", reconnected, 8),
    (["prepare"], "started", after_a_failed_start, 8),
    (["prepare", "started"], "release", release_again, 10),
    (["prepare", "started"], "release", for_another_at_once, 10),
    (["prepare", "started"], "release", again, 10),
    ([], "migrate", comes_again, 8),
    ([], "migrate", for_another_after_the_lifetime, 8),
    (["migrate"], "prepare", comes_again, 15),
    (["migrate", "prepare"], "started", reconnected, 8),
    (["prepare", "started"], "reconnect", reconnected, 8),
], ids=lambda value: getattr(value, "__name__", None) or
    (value if isinstance(value, str) else "-".join(value) if isinstance(value, list) else "at"))
def test_killed(tmp_path: Path, before: list[str], operation: str,
                after: Callable[[Scene], None], calls: int) -> None:
    """calls: at least so many there are to be killed at."""
    kill_at_each(tmp_path, before, operation, after, calls, identity=False)


@pytest.mark.parametrize("before, operation, after, calls", [
    ([], "prepare", after_a_failed_start, 23),
    ([], "prepare", again, 23),
    ([], "prepare", for_another_after_the_lifetime, 23),
    (["prepare", "started"], "release", release_again, 18),
    (["prepare", "started"], "release", for_another_at_once, 18),
    (["migrate"], "prepare", comes_again, 23),
], ids=lambda value: getattr(value, "__name__", None) or
    (value if isinstance(value, str) else "-".join(value) if isinstance(value, list) else "at"))
def test_killed_while_a_pf_is_told(tmp_path: Path, before: list[str], operation: str,
                                   after: Callable[[Scene], None], calls: int) -> None:
    kill_at_each(tmp_path, before, operation, after, calls, identity=True)


def kill_at_each(folder: Path, before: list[str], operation: str,
                 after: Callable[[Scene], None], calls: int, identity: bool) -> None:
    for kill_at in range(1, CALLS_MAX):
        at = scene(folder / str(kill_at), identity)
        run(at, *before)
        result = at.kernel.hook(operation, at.xml, "shutdown" if operation == "release" else "-",
                                kill_at)
        killed = len(at.kernel.calls) == kill_at
        done = list(at.kernel.calls)
        assert result.status == (-9 if killed else 0), (kill_at, result)
        try:
            after(at)
        except AssertionError as error:
            raise AssertionError(f"killed before {done[-1]} ({kill_at}): {done}") from error
        at.host.close()
        if not killed:
            break
    assert calls < kill_at < CALLS_MAX - 1
