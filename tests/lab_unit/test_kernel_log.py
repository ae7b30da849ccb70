# SPDX-License-Identifier: LGPL-2.1-or-later
"""Defects in kernel logs are found, and ordinary lines are not taken for any."""

import pytest
from vferry_lab import kernel_log

DEFECTS = [
    "[   12.345678] WARNING: CPU: 1 PID: 77 at drivers/vfio/vfio_main.c:100 f+0x1/0x2 [vfio]",
    "[   12.345678] BUG: kernel NULL pointer dereference, address: 0000000000000010",
    "[   12.345678] BUG: unable to handle page fault for address: ffffc90000000000",
    "[   12.345678] kernel BUG at mm/slub.c:500!",
    "[   12.345678] Oops: Oops: 0000 [#1] PREEMPT SMP",
    "[   12.345678] Kernel panic - not syncing: Fatal exception",
    "[   12.345678] general protection fault, probably for non-canonical address 0xdead",
    "[   12.345678] BUG: KASAN: slab-use-after-free in igbvf_vfio_close+0x1/0x2",
    "[   12.345678] UBSAN: shift-out-of-bounds in drivers/x.c:1:2",
    "[   12.345678] KFENCE: use-after-free read in foo",
    "[   12.345678] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "[   12.345678] WARNING: possible circular locking dependency detected",
    "[   12.345678] WARNING: possible recursive locking detected",
    "[   12.345678] WARNING: inconsistent lock state",
    "[   12.345678] WARNING: suspicious RCU usage",
    "[   12.345678] WARNING: bad unlock balance detected!",
    "[   12.345678] BUG: sleeping function called from invalid context at kernel/x.c:1",
    "[   12.345678] BUG: scheduling while atomic: bash/1/0x00000002",
    "[   12.345678] INFO: task vfio-test:123 blocked for more than 120 seconds.",
    "[   12.345678] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "[   12.345678] rcu: INFO: rcu_preempt self-detected stall on CPU",
    "[   12.345678] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [x:1]",
    "[   12.345678] refcount_t: underflow; use-after-free.",
    "[   12.345678] list_del corruption, ffff8881 is LIST_POISON1",
    "[   12.345678] BUG: Invalid wait context ]",
    "[   12.345678] BUG: using smp_processor_id() in preemptible [00000000] code: vfio-test/1",
    "[   12.345678] BUG: MAX_LOCKDEP_CHAINS too low!",
    "[   12.345678] INFO: trying to register non-static key.",
    "[   12.345678] ODEBUG: free active (active state 0) object: 00000000 object type: timer_list",
    "[   12.345678] kmemleak: Kernel memory leak detector disabled",
    "[   12.345678] ODEBUG: Out of memory. ODEBUG disabled",
    "[   12.345678] Call Trace:",
    "[   12.345678] DMAR: [DMA Read NO_PASID] Request device [01:10.0] fault addr 0x1000",
    "[   12.345678] DMAR: DRHD: handling fault status reg 2",
    "[   12.345678] vfio-test[123]: segfault at 0 ip 0000 sp 0000 error 4 in vfio-test",
]

ORDINARY = [
    "[    0.000000] Linux version 6.12.117+deb13-amd64 (debian-kernel@lists.debian.org)",
    "[    0.043210] DMAR: Host address width 39",
    "[    0.043210] DMAR: IOMMU enabled",
    "[    0.043210] DMAR-IR: Enabled IRQ remapping in x2apic mode",
    "[    0.043210] DMAR: dmar0: Using Queued invalidation",
    "[    1.000000] igb 0000:01:00.0: added PHC on eth0",
    "[    1.000000] Warning: unable to open an initial console.",
    "[    1.000000] debug: unmapping init [mem 0xffffffff83600000-0xffffffff837fffff]",
    "[    1.000000] systemd[1]: bpf-restrict-fs: LSM BPF program attached",
    "[    1.000000] igb 0000:01:00.0: VF 0 attempted to override administratively set MAC address",
    "[    1.000000] clocksource: Long readout interval, skipping watchdog check",
    "[    1.000000] hrtimer: interrupt took 11924707 ns",
    "[    1.000000] igbvf_vfio_pci: loading out-of-tree module taints kernel.",
    "[    1.000000] printk: debugfs: DEBUG: nothing",
]

FORCED = """\
[   12.345678] FAULT_INJECTION: forcing a failure.
               name failslab, interval 1, probability 0, space 0, times 0
[   12.345678] CPU: 0 UID: 0 PID: 570 Comm: vfio-test Tainted: G           O       6.12.117-debug #1
[   12.345678] Call Trace:
[   12.345678]  <TASK>
[   12.345678]  dump_stack_lvl+0x5d/0x80
[   12.345678]  should_fail_ex+0x1b0/0x1c0
[   12.345678]  </TASK>"""

SHORTAGE = """\
[   13.345678] vfio-test: vmalloc error: size 5272, vm_struct allocation failed, mode:0x400dc0
[   13.345678] Call Trace:
[   13.345678]  <TASK>"""


@pytest.mark.parametrize("line", DEFECTS)
def test_defect_is_found(line: str) -> None:
    assert kernel_log.problems(line) == [line]


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_line_is_not(line: str) -> None:
    assert kernel_log.problems(line) == []


def test_order_is_kept() -> None:
    log = "\n".join([ORDINARY[0], DEFECTS[1], ORDINARY[1], DEFECTS[0]])
    assert kernel_log.problems(log) == [DEFECTS[1], DEFECTS[0]]


def test_forced_failure_is_none() -> None:
    assert kernel_log.problems(FORCED) == []


def test_shortage_is_meant_where_failures_are_forced() -> None:
    assert kernel_log.problems(f"{FORCED}\n{SHORTAGE}") == []
    assert kernel_log.problems(SHORTAGE) == ["[   13.345678] Call Trace:"]


def test_defect_after_a_forced_failure_is_found() -> None:
    log = f"{FORCED}\n{DEFECTS[7]}\n[   12.345678] Call Trace:"
    assert kernel_log.problems(log) == log.splitlines()[-2:]


@pytest.mark.parametrize("line", ["[   12.345678] BUG: x", "<4>[ 1.0] BUG: x", "BUG: x\r"])
def test_stamp_is_removed(line: str) -> None:
    assert kernel_log.without_stamp(line) == "BUG: x"
