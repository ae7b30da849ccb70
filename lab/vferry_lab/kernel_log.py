# SPDX-License-Identifier: LGPL-2.1-or-later
"""What in a kernel log means that something is wrong."""

from __future__ import annotations

import re

PROBLEM = re.compile(
    r"""
      \bWARNING:\ (?!.*\ unsupported\ )
    | \bBUG:\ | \bkernel\ BUG\ at\ | \bOops\b | \bKernel\ panic\b
    | \bgeneral\ protection\ fault\b | \bunable\ to\ handle\ (?:kernel\ )?
    | \bKASAN: | \bKCSAN: | \bKFENCE: | \bUBSAN: | \bkmemleak:\ \d+\ new
    | \b[Ll]eak\ detector\ disabled\b | \bODEBUG:\ (?:init|activate|free|assert_init|Out)\b
    | \bpossible\ (?:circular\ locking|recursive\ locking|irq\ lock\ inversion)
    | \binconsistent\ lock\ state\b | \bsuspicious\ RCU\ usage\b | \bbad\ unlock\ balance\b
    | \bcalled\ from\ invalid\ context\b | \bscheduling\ while\ atomic\b
    | \bINFO:\ (?:task\ .*\ blocked|rcu.*\ (?:stall|detected)|possible|trying)
    | \bself-detected\ stall\b | \b(?:soft|hard)\ (?:LOCKUP|lockup)\b
    | \brefcount_t: | \blist_(?:add|del)\ corruption\b | \bslab-(?:use|out)
    | \bCall\ Trace:
    | \bDMAR:.*\b(?:fault|Fault)\b
    | \bsegfault\ at\b
    """,
    re.VERBOSE,
)

# What a debug kernel says of a failure that it was asked for, and what then says that there is
# no memory; each shows the way there, too.
FORCED = "FAULT_INJECTION: forcing a failure"
SHORTAGE = re.compile(r"\bvfio-test: (?:page allocation failure|vmalloc error): ")
TRACE = "Call Trace:"

STAMP = re.compile(r"^\s*(?:<\d+>)?\[\s*\d+\.\d+\]\s*")


def problems(log: str) -> list[str]:
    """The lines of a kernel log that report a defect, in their order."""
    found: list[str] = []
    forcing = meant = False
    for line in log.splitlines():
        forcing = forcing or FORCED in line
        if FORCED in line or (forcing and SHORTAGE.search(line)):
            meant = True
        elif meant and TRACE in line:
            meant = False
        elif PROBLEM.search(line):
            found.append(line.rstrip())
    return found


def without_stamp(line: str) -> str:
    """A line without its time: the same line of dmesg and of the console are then equal."""
    return STAMP.sub("", line).rstrip()
