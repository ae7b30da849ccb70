# SPDX-License-Identifier: LGPL-2.1-or-later
"""`vferry decode` as its user sees it. meson test sets VFERRY to the program."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).parent / "data"
CORPUS = Path(__file__).parent.parent / "fuzz" / "corpus" / "stream"
HEADER = struct.Struct("<IHHII")
NAMES = ["IDENT", "MAILBOX", "RX_QUEUES", "TX_QUEUES", "INTERRUPTS", "STATISTICS", "END"]
MAX_SIZE = 4096

REFUSED = 1
USAGE = 2


def vferry(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    program = os.environ.get("VFERRY")
    assert program, "VFERRY must name the program to test: run `meson test -C build vferry-decode`"
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, timeout=20,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def decode(stream: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    return vferry("decode", *options, "-", stdin=stream)


def decode_json(stream: bytes) -> dict[str, Any]:
    done = decode(stream, "--json")
    parsed = json.loads(done.stdout)
    assert isinstance(parsed, dict)
    assert parsed["accepted"] == (done.returncode == 0)
    return parsed


def golden(device: str = "10ca") -> bytes:
    return (DATA / f"{device}.bin").read_bytes()


def split(stream: bytes) -> list[tuple[int, int, int, bytes]]:
    """Sections as (type, version, flags, payload)."""
    sections = []
    while stream:
        kind, version, flags, length, _ = HEADER.unpack_from(stream)
        sections.append((kind, version, flags, stream[16:16 + length]))
        stream = stream[16 + length:]
    return sections


def join(sections: list[tuple[int, int, int, bytes]]) -> bytes:
    stream = b""
    for kind, version, flags, payload in sections:
        crc = zlib.crc32(HEADER.pack(kind, version, flags, len(payload), 0) + payload)
        stream += HEADER.pack(kind, version, flags, len(payload), crc) + payload
    return stream


def altered(section: int, offset: int, value: bytes, device: str = "10ca") -> bytes:
    """The golden stream with bytes of a section's payload replaced, checksums right."""
    sections = split(golden(device))
    kind, version, flags, payload = sections[section]
    payload = payload[:offset] + value + payload[offset + len(value):]
    sections[section] = (kind, version, flags, payload)
    return join(sections)


def offset_of(section: int) -> int:
    return sum(16 + len(payload) for *_, payload in split(golden())[:section])


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("vferry: decode: ")
    return lines[0]


# What is good


@pytest.mark.parametrize("device, name, queues", [("10ca", "82576", 2), ("1520", "I350", 1)])
def test_a_good_state_is_shown(device: str, name: str, queues: int) -> None:
    done = vferry("decode", DATA / f"{device}.bin")
    assert done.returncode == 0
    assert done.stderr == ""
    for text in (f"8086:{device}, Intel {name} VF", "52:54:00:12:34:56", "52:54:00:aa:bb:02",
                 "10-12 100 4094", "0x001 0xfb0 0xfff", "9018 bytes", "PFACK",
                 "0x0000000123450000", "3000000003"):
        assert text in done.stdout
    assert ("queue 1" in done.stdout) == (queues == 2)
    for section in NAMES:
        assert section in done.stdout
    assert done.stdout.count("  ok\n") == len(NAMES)


def test_lines_have_at_most_80_columns() -> None:
    full = bytearray(altered(1, 18, b"\x20\x1e"))  # as many filters and hashes as there can be
    sections = split(bytes(full))
    kind, version, flags, payload = sections[1]
    mailbox = bytearray(payload)
    mailbox[0] |= 0x80
    for i in range(32):
        mailbox[80 + 6 * i:86 + 6 * i] = bytes([2, 0, 0, 0, 0, i])
    for i in range(128):
        mailbox[336 + 4 * i:340 + 4 * i] = bytes([0xAA, 0xAA, 0xAA, 0xAA])
    sections[1] = (kind, version, flags, bytes(mailbox))
    for stream in (golden(), join(sections)):
        done = decode(stream)
        assert done.returncode == 0, done.stderr
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_json_says_what_the_bytes_say() -> None:
    state = decode_json(golden())
    assert state["accepted"] is True
    assert state["size"] == len(golden())
    assert [s["name"] for s in state["sections"]] == NAMES
    assert [s["offset"] for s in state["sections"]] == [offset_of(i) for i in range(7)]
    assert all(s["checksum_ok"] and s["accepted"] for s in state["sections"])
    assert state["identity"]["vendor"] == "0x8086"
    assert state["identity"]["device"] == "0x10ca"
    assert state["mailbox"]["mac"] == "52:54:00:12:34:56"
    assert state["mailbox"]["vlans"] == [10, 11, 12, 100, 4094]
    assert state["mailbox"]["multicast"] == ["0x001", "0xfb0", "0xfff"]
    sections = split(golden())
    rx = [struct.unpack_from("<Q6I", sections[2][3], 32 * q) for q in range(2)]
    for queue, (base, length, srrctl, head, tail, rxdctl, dca) in zip(state["rx_queues"], rx,
                                                                      strict=True):
        assert queue == {
            "enabled": True, "base": f"0x{base:016x}", "length": length, "head": head,
            "tail": tail, "rxdctl": f"0x{rxdctl:08x}", "srrctl": f"0x{srrctl:08x}",
            "dca_rxctrl": f"0x{dca:08x}",
        }
    tx = [struct.unpack_from("<QQ5I", sections[3][3], 40 * q) for q in range(2)]
    for queue, (base, writeback, length, head, tail, txdctl, dca) in zip(state["tx_queues"], tx,
                                                                         strict=True):
        assert queue == {
            "enabled": True, "base": f"0x{base:016x}", "length": length, "head": head,
            "tail": tail, "txdctl": f"0x{txdctl:08x}", "dca_txctrl": f"0x{dca:08x}",
            "head_writeback": f"0x{writeback:016x}",
        }
    eims, eiac, eiam, e0, e1, e2, ivar0, misc, psrtype, _ = struct.unpack("<10I", sections[4][3])
    assert state["interrupts"] == {
        "eims": f"0x{eims:08x}", "eiac": f"0x{eiac:08x}", "eiam": f"0x{eiam:08x}",
        "eitr": [f"0x{e:08x}" for e in (e0, e1, e2)], "ivar0": f"0x{ivar0:08x}",
        "ivar_misc": f"0x{misc:08x}", "psrtype": f"0x{psrtype:08x}",
    }
    assert tuple(state["statistics"].values()) == struct.unpack("<10I", sections[5][3])[:9]


def test_an_address_of_64_bits_is_whole() -> None:
    high = decode_json(altered(2, 0, struct.pack("<Q", 0xFFFFFFFFFFFFFF80)))
    assert high["rx_queues"][0]["base"] == "0xffffffffffffff80"


def test_an_optional_section_is_named_by_its_type() -> None:
    sections = split(golden())
    sections.insert(6, (300, 5, 1, b"abc"))
    length = sum(16 + len(payload) for *_, payload in sections[:7])
    sections[7] = (0xFFFF, 1, 0, struct.pack("<II", 7, length))
    done = decode(join(sections))
    assert done.returncode == 0, done.stderr
    assert "300" in done.stdout and "optional" in done.stdout
    assert decode_json(join(sections))["sections"][6]["optional"] is True


def test_a_file_may_be_named_like_an_option(tmp_path: Path) -> None:
    path = tmp_path / "--json"
    path.write_bytes(golden())
    program = os.environ["VFERRY"]
    done = subprocess.run([program, "decode", "--", "--json"], cwd=tmp_path, capture_output=True,
                          timeout=20)
    assert done.returncode == 0
    assert b"Sections" in done.stdout


# What is refused


@pytest.mark.parametrize("section", range(7))
def test_damage_is_placed_and_what_precedes_it_is_shown(section: int) -> None:
    stream = bytearray(golden())
    stream[offset_of(section) + 16] ^= 0x01
    done = decode(bytes(stream))
    assert done.returncode == REFUSED
    line = the_line(done)
    assert f"offset 0x{offset_of(section):04x}, section {NAMES[section]}: " in line
    assert "checksum does not match" in line and "capture it again" in line
    assert done.stdout.count("  ok\n") == section
    assert done.stdout.count("bad: 0x") == 1
    assert ("52:54:00:12:34:56" in done.stdout) == (section > 1)
    assert ("Receive queues" in done.stdout) == (section > 2)
    state = decode_json(bytes(stream))
    assert state["error"]["offset"] == offset_of(section)
    assert [s["checksum_ok"] for s in state["sections"]] == [True] * section + [False]
    assert ("mailbox" in state) == (section > 1)


@pytest.mark.parametrize(
    "stream, section, text",
    [
        (altered(0, 0, b"X"), 0, "not migration data"),
        (altered(0, 8, b"\x02"), 0, "another major version"),
        (altered(0, 12, b"\x00\x00"), 0, "another kind of device"),
        (altered(1, 3, b"\x80"), 1, "unknown mailbox flags"),
        (altered(1, 12, b"\x01"), 1, "MAC address"),
        (altered(1, 18, b"\xff"), 1, "unicast filters"),
        (altered(2, 8, b"\x00\x00\x00\x00"), 2, "impossible receive ring"),
        (altered(2, 32 + 24, b"\xff"), 2, "unknown bits in RXDCTL"),
        (altered(3, 24, b"\xff\xff"), 3, "impossible transmit ring"),
        (altered(3, 36, b"\x01"), 3, "reserved"),
        (altered(4, 0, b"\xff"), 4, "interrupt vector"),
        (altered(5, 36, b"\x01"), 5, "reserved"),
        (altered(6, 0, b"\x07"), 6, "sections are missing"),
    ],
)
def test_a_value_that_is_refused_is_placed(stream: bytes, section: int, text: str) -> None:
    done = decode(stream)
    assert done.returncode == REFUSED
    line = the_line(done)
    assert f"offset 0x{offset_of(section):04x}, section {NAMES[section]}: " in line
    assert text in line
    assert decode_json(stream)["error"]["offset"] == offset_of(section)


@pytest.mark.parametrize("length", [1, 15, 16, 39, 40, 41, 900, 1215])
def test_a_cut_state_says_where_it_ends(length: int) -> None:
    done = decode(golden()[:length])
    assert done.returncode == REFUSED
    line = the_line(done)
    assert f"offset 0x{length:04x}: " in line
    assert "capture it to its end" in line
    assert ("8086:10ca" in done.stdout) == (length >= 40)


def test_an_empty_input_is_told_apart() -> None:
    done = decode(b"")
    assert done.returncode == REFUSED
    assert "it is empty" in the_line(done)


def test_data_after_the_end_is_refused() -> None:
    done = decode(golden() + b"\0")
    assert done.returncode == REFUSED
    assert "data after the end" in the_line(done)
    assert "52:54:00:12:34:56" in done.stdout


def test_an_endless_input_is_refused_without_reading_it_all() -> None:
    with open("/dev/zero", "rb") as zeros:
        done = subprocess.run([os.environ["VFERRY"], "decode", "-"], stdin=zeros,
                              capture_output=True, timeout=20)
    assert done.returncode == REFUSED
    sections = split(golden())
    rest = MAX_SIZE - len(golden()) - 16
    sections.insert(6, (9, 1, 1, bytes(rest + 8)))
    done_long = decode(join(sections) + bytes(100_000))
    assert done_long.returncode == REFUSED
    assert "longer than" in the_line(done_long)


def test_every_flipped_byte_and_any_garbage_gets_one_line() -> None:
    generator = random.Random(2)
    inputs = [bytes(generator.randbytes(generator.randrange(200))) for _ in range(40)]
    for _ in range(60):
        flipped = bytearray(golden())
        flipped[generator.randrange(len(flipped))] ^= 1 << generator.randrange(8)
        inputs.append(bytes(flipped))
    for stream in inputs:
        done = decode(stream)
        assert done.returncode == REFUSED
        the_line(done)


def test_what_the_fuzzers_found_is_survived() -> None:
    found = sorted(CORPUS.iterdir())
    assert len(found) > 10
    for path in found:
        decode_json(path.read_bytes())


# Usage


def test_help_and_version() -> None:
    top = vferry("--help")
    assert top.returncode == 0 and "decode" in top.stdout
    verb = vferry("decode", "--help")
    assert verb.returncode == 0
    assert "vferry decode" in verb.stdout and "Examples:" in verb.stdout
    assert "Exit status" in verb.stdout
    version = vferry("--version")
    assert version.returncode == 0 and version.stdout.startswith("vferry ")


@pytest.mark.parametrize(
    "arguments, text",
    [
        ([], "a verb is missing"),
        (["teleport"], "no verb 'teleport'"),
        (["--teleport"], "--teleport"),
        (["decode"], "one file is expected, 0 are given"),
        (["decode", "a", "b"], "one file is expected, 2 are given"),
        (["decode", "--xml", "a"], "--xml"),
        (["decode", "/nowhere/at/all"], "/nowhere/at/all: cannot open"),
        (["decode", "/"], "/: cannot read"),
    ],
)
def test_wrong_usage_is_told_apart(arguments: list[str], text: str) -> None:
    done = vferry(*arguments)
    assert done.returncode == USAGE
    assert done.stdout == ""
    assert text in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("vferry: ")


def test_a_full_disk_is_no_success() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.environ["VFERRY"], "decode", DATA / "10ca.bin"], stdout=full,
                              stderr=subprocess.PIPE, timeout=20)
    assert done.returncode == USAGE
    assert b"cannot write" in done.stderr
