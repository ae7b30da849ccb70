# SPDX-License-Identifier: LGPL-2.1-or-later
"""Userspace: built by meson, with its unit tests and fuzzers, plain and with sanitizers."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from vferry_tests import libvirt_xml
from vferry_tests.paths import LOGS, ROOT

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
LIMIT = 3600


def meson(build: Path, *arguments: str) -> None:
    """Run meson; what it says is in the failure."""
    result = subprocess.run(
        ["meson", *arguments], cwd=ROOT, env=os.environ | {"PATH": PATH},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT,
    )
    if result.returncode != 0:
        log = build / "meson-logs" / "testlog.txt"
        if log.exists():
            LOGS.mkdir(exist_ok=True)
            (LOGS / f"{build.name}.txt").write_bytes(log.read_bytes())
        raise AssertionError(f"meson {' '.join(arguments)}:\n{result.stdout[-6000:]}")


def build_and_test(build: Path, *options: str, suite: str, targets: tuple[str, ...] = ()) -> None:
    """Build the targets, or everything, and run a suite that needs no other."""
    meson(build, "setup", str(build), *options)
    meson(build, "compile", "-C", str(build), *targets)
    # The limits of meson.build are for a machine of one's own.
    meson(build, "test", "-C", str(build), "--no-rebuild", "--print-errorlogs", "--suite", suite,
          "--timeout-multiplier", "4")


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a build of its own may skip is not skipped here."""
    monkeypatch.setenv("VFERRY_LIBVIRT_XML", str(libvirt_xml.get()))
    monkeypatch.setenv("VFERRY_NO_SKIPS", "1")


@pytest.mark.usefixtures("everything")
def test_unit(tmp_path: Path) -> None:
    build_and_test(tmp_path / "plain", "-Dfuzz=disabled", suite="unit")


@pytest.mark.usefixtures("everything")
def test_unit_with_sanitizers(tmp_path: Path) -> None:
    # The optimizer takes four times as long over what the sanitizers add.
    build_and_test(
        tmp_path / "sanitized", "-Dfuzz=disabled", "-Db_sanitize=address,undefined",
        "-Db_lundef=false", "--buildtype=debug", suite="unit",
    )


def test_fuzz_for_a_minute(tmp_path: Path) -> None:
    build_and_test(
        tmp_path / "fuzz", "-Dfuzz=enabled", "-Dfuzz_seconds=20", suite="fuzz",
        targets=("fuzzers",),
    )
