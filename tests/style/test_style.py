# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every file of the repository must be like."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from vferry_tests.paths import ROOT

# Data: a licence line would be part of what is tested, or the format has no comment.
NO_LICENCE_LINE = re.compile(
    r"(^|/)(\.gitignore|README[^/]*|LICENSES?|COPYING|NEWS)(/|$)|\.(md|json|rst|bin|txt|xz|gz)$"
    r"|(^|/)(corpus|data)/|^lab/recipe/|^tests/expected-skips$|/copyright$|debian/"
)
DRIVER_LICENCE = "GPL-2.0-only"
LICENCE = "LGPL-2.1-or-later"
SHELL = re.compile(rb"#!\s*/(usr/)?bin/(env |busybox )?(ba)?sh\b")


def files() -> list[Path]:
    """The files that git knows or would add."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others",
         "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )
    return [path for name in listing.stdout.splitlines() if (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    """Name and content of each text file."""
    for path in files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield str(path.relative_to(ROOT)), content.decode(errors="replace")


def test_each_file_names_its_licence() -> None:
    wrong = []
    for name, text in texts():
        if NO_LICENCE_LINE.search(name) or not text:
            continue
        head = "\n".join(text.splitlines()[:5])
        licence = DRIVER_LICENCE if name.startswith("driver/") else LICENCE
        if f"SPDX-License-Identifier: {licence}" not in head:
            wrong.append(f"{name}: no 'SPDX-License-Identifier: {licence}' in its first lines")
    assert not wrong, "\n".join(wrong)


def test_shell_scripts_are_clean() -> None:
    scripts = [path for path in files() if SHELL.match(path.read_bytes()[:64])]
    assert scripts
    result = subprocess.run(
        ["shellcheck", "--external-sources", "--source-path=SCRIPTDIR", *scripts],
        capture_output=True, text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_python_is_typed() -> None:
    modules = [path.relative_to(ROOT) for path in files()
               if path.match("tests/*/*.py") and path.name != "conftest.py"
               and path.parent.name != "vferry_tests"]
    result = subprocess.run(
        ["/usr/bin/python3", "-m", "mypy", "--strict", "--python-version=3.11",
         "lab/vferry_lab", "tests/vferry_tests", *modules],
        cwd=ROOT, env={"MYPYPATH": "lab:tests", "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_text_is_tidy() -> None:
    wrong = []
    for name, text in texts():
        if not text or re.search(r"(^|/)(corpus|data|LICENSES)/", name):
            continue
        if not text.endswith("\n"):
            wrong.append(f"{name}: no newline at its end")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip() and not name.endswith((".md", ".diff", ".patch")):
                wrong.append(f"{name}:{number}: blanks at the line's end")
    assert not wrong, "\n".join(wrong)
