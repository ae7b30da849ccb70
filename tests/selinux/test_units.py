# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much of the system the units leave open, as systemd-analyze counts it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from vferry_tests.paths import ROOT

TEMPLATES = {path.name.removesuffix(".in"): path
             for folder in ("udev", "tools/units")
             for path in sorted((ROOT / folder).glob("*.service.in"))}
DOCUMENT = ROOT / "docs" / "security.md"
BEGIN, END = "<!-- exposure: by tests/selinux/test_units.py -->\n", "<!-- end of exposure -->"
NUMBER = re.compile(r"\b\d+\.\d\b")


def rendered(template: Path) -> str:
    """The unit as meson makes it."""
    build = (ROOT / "udev" / "meson.build").read_text()
    sandbox = re.search(r"'sandbox', '''(.*?)'''", build, re.DOTALL)
    assert sandbox is not None
    values = {"sandbox": sandbox[1], "bindir": "/bin", "libexecdir": "/bin"}
    return re.sub(r"@(\w+)@", lambda found: values[found[1]], template.read_text())


def row(name: str, folder: Path) -> str:
    unit = folder / name.replace("@", "@x")
    text = rendered(TEMPLATES[name])
    unit.write_text(text)
    told = subprocess.run(
        ["/usr/bin/systemd-analyze", "security", "--offline=true", "--no-pager", unit],
        capture_output=True, text=True,
    ).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    capabilities = re.search(r"^CapabilityBoundingSet=(.*)$", text, re.MULTILINE)
    assert exposure is not None and capabilities is not None, told
    words = ", ".join(word.removeprefix("CAP_") for word in capabilities[1].split()) or "-"
    return f"| `{name}` | {exposure[1]} | {words} |"


def test_table_in_the_document(tmp_path: Path) -> None:
    table = "\n".join(["| unit | exposure | capabilities |", "| --- | ---: | --- |",
                       *(row(name, tmp_path) for name in sorted(TEMPLATES))]) + "\n"
    written = DOCUMENT.read_text().split(BEGIN)[1].split(END)[0]
    assert NUMBER.sub("N", written) == NUMBER.sub("N", table), f"it should say:\n{table}"
    # Each version of systemd counts a little differently.
    for told, counted in zip(NUMBER.findall(written), NUMBER.findall(table), strict=True):
        assert abs(float(told) - float(counted)) <= 0.5, f"it should say:\n{table}"


@pytest.mark.parametrize("name", TEMPLATES)
def test_none_is_without_a_sandbox(name: str) -> None:
    text = rendered(TEMPLATES[name])
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateDevices=yes",
                 "SystemCallArchitectures=native", "RestrictNamespaces=yes"):
        assert f"\n{line}\n" in text, line
