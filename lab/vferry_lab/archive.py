# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where this machine's apt gets Debian from: the image is built from the same place."""

from __future__ import annotations

import subprocess

from .errors import LabError
from .recipe import Pocket

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
LABELS = {"Debian": "debian", "Debian-Security": "security"}

# Settings of the machine's apt that decide whether it reaches its archive at all.
INHERITED = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


def sources(pockets: tuple[Pocket, ...]) -> str:
    """sources.list lines for the pockets, with the addresses this machine's apt uses.

    Raises LabError if the machine's apt knows no Debian archive.
    """
    found = _addresses()
    if not found:
        _apt("apt-get", "-qq", "update")
        found = _addresses()
    lines = []
    for pocket in pockets:
        address = found.get(pocket.archive)
        if address is None:
            raise LabError(
                f"this machine's apt has no source for the '{pocket.archive}' archive of Debian: "
                "see 'apt-cache policy'"
            )
        lines.append(f"deb [signed-by={KEYRING}] {address} {pocket.suite} main")
    return "\n".join(lines) + "\n"


def options() -> list[str]:
    """The machine's apt settings, as values for mmdebstrap's --aptopt."""
    return [
        line for line in _apt("apt-config", "dump").splitlines()
        if line.startswith(INHERITED) and not line.endswith('"";')
    ]


def parse_targets(text: str) -> dict[str, str]:
    """Archive name to address, from 'ORIGIN|LABEL|ADDRESS' lines; the first of each counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        origin, label, address = line.split("|", 2)
        if origin == "Debian" and label in LABELS:
            found.setdefault(LABELS[label], address)
    return found


def _addresses() -> dict[str, str]:
    return parse_targets(
        _apt("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)",
             "Created-By: Packages")
    )


def _apt(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise LabError(f"'{' '.join(command)}' failed: {result.stderr.strip()[-600:]}")
    return result.stdout
