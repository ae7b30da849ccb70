# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cases for test_alias.cc: random files modules.alias and what libvirt chooses by them.

    alias_cases.py OUTPUT

OUTPUT is a run of "FILE n\\n", n bytes of modules.alias, then lines "VF modalias module\\n".

libvirt_choice() says what virPCIDeviceFindBestVFIOVariant() of libvirt 11.3 answers,
on text as libvirt does, not on numbers as lib/alias.c does. Lines for which libvirt
would name a module that cannot be are not among the cases; test_alias.cc has those.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

SEED = 82576
FILES = 400
DEVICES_PER_FILE = 25
FALLBACK = "vfio_pci"

NAMES = ["v", "d", "sv", "sd", "bc", "sc", "i"]
# Few values, so that a field of an alias is often the device's.
VALUES = [
    ["00008086", "000015B3"],
    ["000010CA", "0000101E", "000010C9"],
    ["00008086", "FFFFFFFF"],
    ["0000A03C", "00000000"],
    ["02", "03"],
    ["00", "80"],
    ["00", "FF"],
]
BLANKS = " \t\n\f\r"  # g_ascii_isspace(): no \v


def split_fields(text: str) -> list[str] | None:
    """The values between the fields' names; the last one ends before a blank."""
    fields = []
    for name, following in zip(NAMES, [*NAMES[1:], None]):
        if not text.startswith(name):
            return None
        text = text[len(name):]
        if following is None:
            end = next((i for i, c in enumerate(text) if c in BLANKS), len(text))
        else:
            end = text.find(following)
            if end < 0:
                return None
        fields.append(text[:end])
        text = text[end:]
    return fields


def libvirt_choice(file: str, modalias: str) -> str | None:
    device = split_fields(modalias.removeprefix("pci:"))
    assert device is not None
    best = None
    fewest = len(NAMES) + 1
    text = file.split("\0")[0]
    for line in text.split("\n")[1:]:
        pattern = line.removeprefix("alias vfio_pci:")
        fields = None if pattern == line else split_fields(pattern)
        if fields is None or any(f not in ("*", d) for f, d in zip(fields, device)):
            continue
        wildcards = fields.count("*")
        if wildcards < fewest:
            best, fewest = pattern.split(" ", 1)[1], wildcards
    return best


def random_device(rng: random.Random) -> list[str]:
    return [rng.choice(values) for values in VALUES]


def join(fields: list[str]) -> str:
    return "".join(name + field for name, field in zip(NAMES, fields))


def random_pattern(rng: random.Random) -> list[str]:
    share = rng.random()
    return ["*" if rng.random() < share else field for field in random_device(rng)]


def spoil(rng: random.Random, fields: list[str], module: str) -> str:
    """A line that nearly is an alias; some are one all the same."""
    pattern = join(fields)
    at = rng.randrange(len(NAMES))
    value = fields[at]

    def with_field(new: str) -> str:
        return f"alias vfio_pci:{join([*fields[:at], new, *fields[at + 1:]])} {module}"

    return rng.choice([
        with_field(value.lower()),
        with_field(value[:-1]),
        with_field(value + "0"),
        with_field("0" + value),
        with_field(value[:-1] + "*"),
        with_field(value[:-1] + "?"),
        with_field(value[:-1] + "[0-9A-F]"),
        with_field("*" * 2),
        with_field(""),
        with_field("-" + value[1:]),
        with_field("0x" + value[2:]),
        f"alias vfio_pci:{join(fields[:-1])} {module}",
        f"alias vfio_pci:{pattern.replace('sv', 'sx')} {module}",
        f"alias vfio_pci:{pattern}x {module}",
        f"alias vfio_pci:{pattern}* {module}",
        f"alias vfio_pci:{pattern}\t {module}",
        f"alias vfio_pci:{pattern}\v\f {module}",
        f"alias vfio_pci: {pattern} {module}",
        f"alias  vfio_pci:{pattern} {module}",
        f" alias vfio_pci:{pattern} {module}",
        f"#alias vfio_pci:{pattern} {module}",
        f"alias\tvfio_pci:{pattern} {module}",
        f"ALIAS vfio_pci:{pattern} {module}",
        f"alias pci:{pattern} {module}",
        f"alias vfio-pci:{pattern} {module}",
        "alias vfio_pci:",
        "alias vfio_pci",
        "\0",
        "",
    ])


def random_file(rng: random.Random) -> str:
    def line() -> str:
        module = rng.choice(["mlx5_vfio_pci", "igbvf-vfio-pci", "A9", "x" * 59, "other"])
        if rng.random() < 0.35:
            return spoil(rng, random_pattern(rng), module)
        return f"alias vfio_pci:{join(random_pattern(rng))} {module}"

    lines = [line() for _ in range(rng.randrange(14))]
    if rng.random() < 0.8:
        lines.insert(0, "# Aliases extracted from modules themselves.")
    return "\n".join(lines) + rng.choice(["\n", ""])


def cases() -> bytes:
    rng = random.Random(SEED)
    output = []
    chosen: dict[str | None, int] = {}
    for _ in range(FILES):
        file = random_file(rng)
        output.append(f"FILE {len(file)}\n{file}")
        for _ in range(DEVICES_PER_FILE):
            modalias = "pci:" + join(random_device(rng))
            choice = libvirt_choice(file, modalias)
            chosen[choice] = chosen.get(choice, 0) + 1
            output.append(f"VF {modalias} {choice or FALLBACK}\n")
    assert len(chosen) == 6 and min(chosen.values()) > 200, chosen
    return "".join(output).encode()


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(cases())
