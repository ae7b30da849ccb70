# SPDX-License-Identifier: LGPL-2.1-or-later
"""File contexts: valid, and right for what is really installed."""

from __future__ import annotations

import pytest

from policy_tree import CONTEXTS, LINKED, PolicyTree

LABELS = {
    "/etc/vferry": "vferry_etc_t",
    "/etc/vferry/vferry.conf": "vferry_etc_t",
    "/etc/vferry/conf.d/site.conf": "vferry_etc_t",
    "/run/vferry": "vferry_runtime_t",
    "/run/vferry/claims/0000:01:10.0": "vferry_runtime_t",
    "/usr/bin/vferry": "vferry_exec_t",
    "/usr/libexec/vferry/vferry-arrival": "vferry_arrival_exec_t",
    "/usr/sbin/vferry-hook": "vferry_hook_exec_t",
    "/usr/libexec/vferry/vferry-hook.so": "lib_t",
    "/usr/libexec/vferry/vferry-modprobe": "vferry_modprobe_exec_t",
    "/usr/libexec/vferry/vferry-provision": "vferry_provision_exec_t",
    "/etc/libvirt/hooks/qemu.d/vferry": "virt_etc_rw_t",
    "/usr/bin/vferry-other": "bin_t",
}


def test_valid(linked: PolicyTree) -> None:
    linked.ask(f"setfiles -c {LINKED} {CONTEXTS}")


@pytest.mark.parametrize("path", LABELS)
def test_label(linked: PolicyTree, path: str) -> None:
    told = linked.ask(f"matchpathcon -f {CONTEXTS} -n {path}")
    assert told.split(":")[2] == LABELS[path]
