# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every domain XML that libvirt tests itself with, as domains that come and that start."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from hook_host import Host, program

FOLDER = os.environ.get("VFERRY_LIBVIRT_XML")
VFS = 60
PIECES = re.compile(rb"<[^>]*>|[^<]+")
WORD = b"hostdev"

pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="VFERRY_LIBVIRT_XML names no folder: ./check fetches libvirt's source")


def sources() -> list[Path]:
    assert FOLDER is not None
    found = sorted(Path(FOLDER).glob("*.xml"))
    assert len(found) > 1000
    return found


def hook(operation: str, xml: bytes) -> subprocess.CompletedProcess[bytes]:
    """Inside the host's view already, see Host.inside()."""
    sub_operation = "end" if operation == "release" else "begin"
    return subprocess.run([program(), "guest", operation, sub_operation, "-"], input=xml,
                          capture_output=True, timeout=60)


def differences(before: bytes, after: bytes) -> list[tuple[bytes, bytes]]:
    """Pieces (tags, and texts between them) that differ; as many there have to be."""
    old, new = PIECES.findall(before), PIECES.findall(after)
    assert len(old) == len(new)
    return [pair for pair in zip(old, new) if pair[0] != pair[1]]


def check_failure(name: str, done: subprocess.CompletedProcess[bytes]) -> None:
    assert done.returncode == 1 and done.stdout == b"", (name, done)
    assert re.fullmatch(rb"vferry: [^\n]{10,400}\n", done.stderr), (name, done)


def test_unrelated_domains_come_out_unchanged(host: Host) -> None:
    host.add_pf("0000:99:00.0", VFS)
    host.configure("[pf lo]\n")

    def run_all() -> int:
        count = 0
        for path in sources():
            xml = path.read_bytes()
            if WORD in xml:
                continue
            done = hook("migrate", xml)
            assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), path.name
            count += 1
        return count

    assert host.inside(run_all) > 1000
    assert host.claimed() == {}


def test_related_domains_differ_in_what_was_meant(host: Host) -> None:
    """Each comes to the same host, which has enough VFs for it."""
    vfs = host.add_pf("0000:99:00.0", VFS)
    host.configure("[pf lo]\n")

    def run_all() -> tuple[int, int]:
        changed = refused = 0
        for path in sources():
            xml = path.read_bytes()
            if WORD not in xml:
                continue
            for claim in host.claims.glob("*") if host.claims.exists() else []:
                claim.unlink()
            done = hook("migrate", xml)
            if done.returncode != 0:
                check_failure(path.name, done)
                refused += 1
                continue
            assert done.stderr == b"", path.name
            if done.stdout:
                changed += 1
                check_change(path.name, xml, done.stdout)
                assert hook("prepare", done.stdout).returncode == 0, path.name
                assert hook("migrate", done.stdout).stdout == b"", path.name
        return changed, refused

    def check_change(name: str, before: bytes, after: bytes) -> None:
        pairs = differences(before, after)
        assert pairs, name
        # A driver that this host lacks.
        pairs = [(old, new) for old, new in pairs
                 if old.replace(b"'vfio-pci-igb'", b"'igbvf_vfio_pci'") != new]
        for old, new in pairs:
            assert old.startswith(b"<address") and new.startswith(b"<address"), (name, old, new)
            assert b"0x99" in new, (name, new)
        assert len({new for _, new in pairs}) == len(pairs), name
        assert len(pairs) == len(list(host.claims.iterdir())), name

    changed, refused = host.inside(run_all)
    assert changed >= 20 and refused < 20, (changed, refused)
    assert vfs


@pytest.mark.parametrize("operation", ["prepare", "started", "reconnect", "release"])
def test_none_is_too_much(host: Host, operation: str) -> None:
    """None of these VFs is here, so all there is to do is to find that out."""
    def run_all() -> int:
        failed = 0
        for path in sources():
            xml = path.read_bytes()
            if WORD not in xml:
                continue
            done = hook(operation, xml)
            if done.returncode != 0:
                check_failure(path.name, done)
                failed += 1
        return failed

    failed = host.inside(run_all)
    assert failed == 0 or (operation == "prepare" and failed < 20)
    assert host.claimed() == {}
