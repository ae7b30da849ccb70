# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/state-format.md says what the code does: no field, constant or refusal is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FORMAT = (ROOT / "driver" / "state_format.h").read_text()
STREAM = (ROOT / "driver" / "state_stream.c").read_text()
DOCUMENT = (ROOT / "docs" / "state-format.md").read_text()
GOLDEN = (ROOT / "tests" / "unit" / "data" / "10ca.bin").read_bytes()

SIZES = {"__u8": 1, "__le16": 2, "__le32": 4, "__le64": 8}
NOT_OF_THE_FORMAT = {"IGBVF_STATE_FORMAT_H"}


def constants() -> dict[str, str]:
    """Every macro of the header and what it stands for."""
    found = re.findall(r"^#define\s+(IGBVF_\w+)(?:[ \t]+(\S+))?", FORMAT, re.MULTILINE)
    return {name: value for name, value in found if name not in NOT_OF_THE_FORMAT}


def enumerators() -> list[str]:
    return [name for body in re.findall(r"enum \w+ \{(.*?)\};", FORMAT, re.DOTALL)
            for name in re.findall(r"^\s*(IGBVF_\w+)", body, re.MULTILINE)]


def number(word: str) -> int:
    """An array bound: a number, or a name of one."""
    if word == "IGBVF_STATISTICS":  # the last enumerator counts the others
        return len([name for name in enumerators() if name.startswith("IGBVF_STAT_")])
    return int(constants().get(word, word), 0)


def structures() -> dict[str, list[tuple[int, str, str]]]:
    """Fields of each structure as (offset, name, type in the document's words)."""
    result = {}
    for name, body in re.findall(r"struct (igbvf_\w+) \{(.*?)\n\};", FORMAT, re.DOTALL):
        fields, offset = [], 0
        for kind, field, bounds in re.findall(r"^\s*(__\w+) (\w+)((?:\[\w+\])*);", body,
                                              re.MULTILINE):
            numbers = [number(bound) for bound in re.findall(r"\w+", bounds)]
            words = kind.removeprefix("__") + "".join(f"[{n}]" for n in numbers)
            fields.append((offset, field, words))
            size = SIZES[kind]
            for n in numbers:
                size *= n
            offset += size
        result[name] = fields
    return result


def documented(structure: str) -> list[tuple[int, str, str]]:
    """Rows of the table that follows the structure's name."""
    _, found, rest = DOCUMENT.partition(f"`struct {structure}`")
    assert found, f"docs/state-format.md does not name struct {structure}"
    table = re.search(r"(?:^\|.*\n)+", rest, re.MULTILINE)
    assert table
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (\S+) \|", table.group(), re.MULTILINE)
    return [(int(offset), field, kind) for offset, field, kind in rows]


def refusals() -> dict[str, str]:
    """Text of each refusal and its errno."""
    found = {text: "EINVAL" for text in re.findall(r'refuse\(why, "([^"]+)"\)', STREAM)}
    for errno, text in re.findall(r'bad\(\w+, -(\w+), "([^"]+)"\)', STREAM):
        assert found.setdefault(text, errno) == errno
    return found


def test_the_header_is_understood() -> None:
    """Were the patterns above blind, the other tests would find nothing to compare."""
    assert len(structures()) == 8
    assert all(structures().values())
    assert sum(len(fields) for fields in structures().values()) == len(
        re.findall(r"^\t__(?:u8|le\d+) ", FORMAT, re.MULTILINE))
    assert len(refusals()) == len(set(re.findall(r'(?:refuse\(why|bad\(.*), "([^"]+)"', STREAM)))
    assert len(refusals()) > 30


@pytest.mark.parametrize("structure", structures())
def test_every_field_is_described_where_it_is(structure: str) -> None:
    assert documented(structure) == structures()[structure]


@pytest.mark.parametrize("name", [*constants(), *enumerators()])
def test_every_constant_is_named(name: str) -> None:
    assert f"`{name}`" in DOCUMENT


@pytest.mark.parametrize(
    "name, value",
    [(name, value) for name, value in re.findall(r"`(IGBVF_\w+)` = (\w+)", DOCUMENT)])
def test_a_value_that_is_given_is_right(name: str, value: str) -> None:
    enumerator = re.search(rf"^\s*{name}\s*= (\w+)", FORMAT, re.MULTILINE)
    code = enumerator.group(1) if enumerator else constants()[name]
    assert int(value, 0) == int(code.removesuffix("ULL"), 0)


def test_every_flag_has_its_value() -> None:
    rows = re.findall(r"^\| `(IGBVF_MBX_\w+)` \| (0x\w+) \|", DOCUMENT, re.MULTILINE)
    code = {name: int(value, 0) for name, value in constants().items()
            if name.startswith("IGBVF_MBX_") and name != "IGBVF_MBX_FLAGS_KNOWN"}
    assert {name: int(value, 0) for name, value in rows} == code


def test_every_refusal_is_listed() -> None:
    rows = re.findall(r"^\| (E\w+) \| ([^|]+) \| `", DOCUMENT, re.MULTILINE)
    assert {text: errno for errno, text in rows} == refusals()


def test_every_refusal_has_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.cc"))
    quoted = set(re.findall(r'"([^"\n]*)"', tests))
    for text in refusals():
        assert any(part in text for part in quoted if len(part) >= 10), f"no test of: {text}"


def test_every_function_that_is_named_exists() -> None:
    code = "".join(path.read_text() for path in (ROOT / "driver").glob("*.c"))
    for name in set(re.findall(r"`(\w+)\(\)`", DOCUMENT)):
        assert re.search(rf"\b{name}\(", code), f"{name}() is nowhere in driver/"


def test_the_example_is_the_golden_stream() -> None:
    lines = re.findall(r"^    ([0-9a-f]{4})  ((?:[0-9a-f]{2} )+)", DOCUMENT, re.MULTILINE)
    assert len(lines) > 20
    shown = b""
    for offset, text in lines:
        part = bytes.fromhex(text)
        assert GOLDEN[int(offset, 16):][:len(part)] == part, offset
        shown += part
    first = int(re.findall(r"first (\d+) bytes", DOCUMENT)[0])
    last = int(re.findall(r"last (\d+):", DOCUMENT)[0])
    assert shown == GOLDEN[:first] + GOLDEN[-last:]


def test_the_sizes_that_are_given_are_right() -> None:
    assert f"makes {len(GOLDEN)} of them for\nan 82576" in DOCUMENT
    small = (ROOT / "tests" / "unit" / "data" / "1520.bin").stat().st_size
    assert f"{small} for an I350" in DOCUMENT
