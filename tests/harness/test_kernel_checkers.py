# SPDX-License-Identifier: LGPL-2.1-or-later
"""The debug kernel without a host: what it has, and what is read out of what it says."""

from __future__ import annotations

import subprocess
from typing import cast

import pytest
from vferry_lab.host import Host

from vferry_tests import check, debug_kernel

NEEDED = ("KASAN", "PROVE_LOCKING", "DEBUG_KMEMLEAK", "UBSAN", "DEBUG_ATOMIC_SLEEP",
          "FAULT_INJECTION", "FAILSLAB", "FAIL_PAGE_ALLOC", "FAULT_INJECTION_STACKTRACE_FILTER")

LOG = """\
[  100.000001] FAULT_INJECTION: forcing a failure.
               name failslab, interval 1, probability 0, space 0, times 0
[  100.000002] Call Trace:
[  100.000003]  <TASK>
[  100.000004]  should_fail_ex+0x497/0x5b0
[  100.000005]  __kmalloc_cache_noprof+0x69/0x2f0
[  100.000006]  ? drop.constprop.0+0x5/0x10 [igbvf_vfio_pci]
[  100.000007]  open_session.constprop.0+0x2f/0x1a0 [igbvf_vfio_pci]
[  100.000008]  step+0x2f/0x1a0 [igbvf_vfio_pci]
[  100.000009]  vfio_device_fops_unl_ioctl+0x1/0x2 [vfio]
[  100.000010]  </TASK>
[  101.000001] FAULT_INJECTION: forcing a failure.
[  101.000002] Call Trace:
[  101.000003]  <TASK>
[  101.000004]  open_session+0x3f/0x1a0 [igbvf_vfio_pci]
[  101.000005]  step+0x2f/0x1a0 [igbvf_vfio_pci]
[  101.000006]  </TASK>
[  102.000001]  probe+0x2f/0x1a0 [igbvf_vfio_pci]
"""

LOST = """\
unreferenced object 0xffff888012345678 (size 96):
  comm "modprobe", pid 1
  backtrace (crc 0):
    igb_probe+0x1/0x2 [igb]
unreferenced object 0xffff888012345679 (size 32):
  backtrace (crc 0):
    step+0x1/0x2 [igbvf_vfio_pci]
"""


class Says:
    """A host that has the files of a debug kernel, and refuses some commands."""

    def __init__(self, files: dict[str, str], refuses: str = "nothing") -> None:
        self.files = files
        self.refuses = refuses

    def run(
        self, command: str, timeout: float = 60, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        output = next((text for name, text in self.files.items() if f"cat {name}" in command), "")
        return subprocess.CompletedProcess(command, int(self.refuses in command), output, "")


def host(files: dict[str, str], refuses: str = "nothing") -> Host:
    return cast(Host, Says(files, refuses))


def test_kernel_has_what_it_is_for() -> None:
    lines = (debug_kernel.SOURCES / "config").read_text().splitlines()
    assert not {f"CONFIG_{name}=y" for name in NEEDED} - set(lines)


def test_forced_failures_are_counted_by_their_way() -> None:
    assert debug_kernel.forced_failures(LOG) == {"open_session < step": 2}


def test_leaks_are_told_apart() -> None:
    first, second = debug_kernel.leaks(host({debug_kernel.KMEMLEAK: LOST}))
    assert "[igb]" in first and "igbvf_vfio_pci" not in first
    assert "igbvf_vfio_pci" in second


@pytest.mark.parametrize("locks, refuses, disabled", [
    (1, "nothing", []), (0, "nothing", ["lockdep"]), (1, "scan=off", ["kmemleak"]),
])
def test_checker_that_has_given_up_is_seen(locks: int, refuses: str, disabled: list[str]) -> None:
    stats = f" lock-classes:   1500\n debug_locks:         {locks}\n"
    assert debug_kernel.disabled(host({"/proc/lockdep_stats": stats}, refuses)) == disabled


def test_names_beside_it_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        check.main(["--debug-kernel", "vfio"])
    assert "--debug-kernel takes no names" in capsys.readouterr().err
