# SPDX-License-Identifier: LGPL-2.1-or-later
"""XML and configuration that are damaged at random: refused in one line, or taken, no more."""

from __future__ import annotations

import random
import re
import subprocess

import pytest

from hook_host import OURS, Host, program
from hook_xml import Domain, hostdev, interface

ROUNDS = 250
CONFIG = b"[pf lo]\nnetwork = lab\nvfs = 4\ndriver = auto\n[host]\nclaim-lifetime = 60\n"


def damaged(text: bytes, dice: random.Random) -> bytes:
    data = bytearray(text)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data))
        length = dice.randint(1, 12)
        match dice.randrange(5):
            case 0:
                data[at] ^= 1 << dice.randrange(8)
            case 1:
                del data[at:at + length]
            case 2:
                data[at:at] = data[at:at + length]
            case 3:
                other = dice.randrange(len(data))
                data[at:at + length] = data[other:other + length]
            case _:
                data[at:at] = bytes(dice.choices(b"<>&'\"/0179af-= \n", k=length))
        if not data:
            data = bytearray(b"?")
    return bytes(data)


@pytest.mark.parametrize("operation", ["migrate", "prepare", "started"])
def test_domain(host: Host, operation: str) -> None:
    vfs = host.add_pf("0000:01:00.0", 4)
    host.configure(CONFIG.decode())
    xml = Domain([hostdev(vfs[0], model=OURS), interface("0000:77:10.0"), hostdev(vfs[1])],
                 ["hostdev='0' network='lab'", "interface='0' network='lab'"],
                 nodes="0-1").text().encode()
    dice = random.Random(operation)

    def run() -> int:
        taken = 0
        for _ in range(ROUNDS):
            text = damaged(xml, dice)
            done = subprocess.run([program(), "guest", operation, "begin", "-"], input=text,
                                  capture_output=True, timeout=60)
            assert done.returncode in (0, 1), (text, done)
            assert b"Sanitizer" not in done.stderr, done.stderr.decode()
            if done.returncode:
                assert re.fullmatch(rb"vferry: [^\n]+\n", done.stderr), (text, done)
                assert b"cret" not in done.stderr
            taken += done.returncode == 0
        return taken

    assert 0 < host.inside(run) <= ROUNDS


def test_configuration(host: Host) -> None:
    vf, = host.add_pf("0000:01:00.0", 1)
    xml = Domain([hostdev(vf)]).text()
    dice = random.Random(1)
    host.configure(CONFIG.decode())
    host.hook("migrate", xml).good()
    for _ in range(ROUNDS // 5):
        (host.root / "etc/vferry/vferry.conf").write_bytes(damaged(CONFIG, dice))
        result = host.hook("migrate", xml)
        assert result.status == 0 or result.refused()
