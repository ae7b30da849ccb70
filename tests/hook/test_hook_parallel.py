# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domains that come to one host at the same time."""

from __future__ import annotations

import re
import uuid

import pytest

from hook_host import Host
from hook_xml import Domain, filling, hostdev

ADDRESS = re.compile(r"domain='0x(\w+)' bus='0x(\w+)' slot='0x(\w+)' function='0x(\w)'")


@pytest.mark.parametrize("number", [2, 20])
def test_none_gets_what_another_has(host: Host, number: int) -> None:
    vfs = host.add_pf("0000:01:00.0", number)
    host.configure("[pf lo]\nnetwork=lab\n")
    # All name the same VF, and one VF less is there than they want.
    domains = [Domain([hostdev(vfs[0])], uuid=str(uuid.UUID(int=i + 1)), name=f"guest{i}",
                      filling=filling(20000)) for i in range(number + 1)]
    running = [host.start("guest", "migrate", "begin", "-", each.text()) for each in domains]
    results = [each.wait() for each in running]
    assert sorted(result.status for result in results) == [0] * number + [1]
    chosen = [ADDRESS.findall(result.stdout.decode() or each.text())[0]
              for result, each in zip(results, domains) if result.status == 0]
    assert len(set(chosen)) == number
    assert set(host.claimed()) == set(vfs)
    assert len({host.claim(vf)["uuid"] for vf in vfs}) == number
