# SPDX-License-Identifier: LGPL-2.1-or-later
"""`vferry doctor` on a host with SELinux and one thing wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fake_host import PF, VF, FakeHost
from test_verb_doctor import found
from test_verb_doctor import host as plain  # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="labels are set by root")

HOOK = "etc/libvirt/hooks/qemu.d/vferry"


def label(path: Path, name: str) -> None:
    os.setxattr(path, "security.selinux", f"system_u:object_r:{name}:s0\0".encode())


def selinux(host: FakeHost) -> Path:
    return host.root / "sys/fs/selinux"


@pytest.fixture
def host(plain: FakeHost) -> FakeHost:  # noqa: F811
    """A host that is in order: enforcing, our modules loaded, labels right."""
    for name, text in (("enforce", "1"), ("class/process/index", "2"), ("access", ""),
                       ("booleans/vferry_libvirt_binds_vfs", "0 0"),
                       ("booleans/virt_use_vfio", "1 1")):
        path = selinux(plain) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder, attribute, name in ((PF, "sriov_numvfs", "vferry_pf_sysfs_t"),
                                    (VF, "driver_override", "vferry_vf_sysfs_t")):
        attribute_path = plain.folder(folder) / attribute
        attribute_path.touch()
        label(attribute_path, name)
    label(plain.root / HOOK, "vferry_hook_exec_t")
    label(plain.root / "etc/vferry", "vferry_etc_t")
    return plain


def off(host: FakeHost) -> None:
    (selinux(host) / "enforce").unlink()
    label(host.root / HOOK, "bin_t")


def permissive(host: FakeHost) -> None:
    (selinux(host) / "enforce").write_text("0")


def no_module(host: FakeHost) -> None:
    (selinux(host) / "booleans/vferry_libvirt_binds_vfs").unlink()
    label(host.root / HOOK, "unlabeled_t")


def wrong_label(host: FakeHost) -> None:
    label(host.root / HOOK, "virt_etc_rw_t")


def boolean_off(host: FakeHost) -> None:
    (selinux(host) / "booleans/virt_use_vfio").write_text("0 1")


def boolean_unknown(host: FakeHost) -> None:
    (selinux(host) / "booleans/virt_use_vfio").unlink()


def pf_lost_label(host: FakeHost) -> None:
    label(host.folder(PF) / "sriov_numvfs", "sysfs_t")


def vf_lost_label(host: FakeHost) -> None:
    label(host.folder(VF) / "driver_override", "sysfs_t")


def vf_kept(host: FakeHost) -> None:
    vf_lost_label(host)
    host.configure(f"[pf {PF}]\nvfs = 1\ndriver = keep\n")
    label(host.root / "etc/vferry", "vferry_etc_t")


@pytest.mark.parametrize(("wrong", "expected"), [
    (off, []),
    (permissive, [("warning", "SELinux")]),
    (no_module, [("warning", "policy")]),
    (wrong_label, [("problem", "label")]),
    (boolean_off, [("problem", "virt_use_vfio")]),
    (boolean_unknown, []),
    (pf_lost_label, [("warning", PF)]),
    (vf_lost_label, [("warning", PF)]),
    (vf_kept, []),
])
def test_found(
    host: FakeHost, wrong: Callable[[FakeHost], None], expected: list[tuple[str, str]]
) -> None:
    wrong(host)
    assert found(host) == expected


def test_in_order(host: FakeHost) -> None:
    assert found(host) == []
