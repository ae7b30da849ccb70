# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which kernels need the rebuild: check-kernel, and dkms.conf's directives, which have to agree with it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from vferry_lab.requirements import SYSTEM_PATH
from vfio_core_kernel import CORE, Kernel, one_line

REBUILD, REFUSED, INPUT, NOTHING = 0, 1, 2, 77


def make(tmp_path: Path, version: str, release: str = "", **config: str) -> Kernel:
    values = {"CONFIG_VFIO": "m", "CONFIG_MODVERSIONS": "y"} | {f"CONFIG_{k}": v for k, v in config.items()}
    return Kernel(tmp_path, version, release or f"{version}-amd64", values).write()


@pytest.mark.parametrize(
    ("version", "code", "words"),
    [
        ("5.10.200", REFUSED, "older than 6.1"),
        ("6.1.0", NOTHING, "reports dirty logs by itself"),
        ("6.1.170", NOTHING, "reports dirty logs by itself"),
        ("6.6.99", NOTHING, "reports dirty logs by itself"),
        ("6.7.0", REFUSED, "outside the range"),
        ("6.11.11", REFUSED, "outside the range"),
        ("6.12.0", REBUILD, "needs the rebuild"),
        ("6.12.300", REBUILD, "needs the rebuild"),
        ("7.2.13", REBUILD, "needs the rebuild"),
        ("7.3.0", REFUSED, "outside the range"),
        ("7.12.1", REFUSED, "outside the range"),
    ],
)
def test_version(tmp_path: Path, version: str, code: int, words: str) -> None:
    kernel = make(tmp_path, version)
    result = kernel.run("check-kernel", kernel.release)
    assert result.returncode == code
    assert words in (result.stdout if code == REBUILD else one_line(result))


@pytest.mark.parametrize("value", ["y", "m"])
def test_iommufd_driver_needs_nothing(tmp_path: Path, value: str) -> None:
    kernel = make(tmp_path, "7.2.1", IOMMUFD_DRIVER=value)
    assert kernel.run("check-kernel", kernel.release).returncode == NOTHING


def test_commented_option_is_off(tmp_path: Path) -> None:
    kernel = make(tmp_path, "6.12.1")
    with (kernel.build / ".config").open("a") as file:
        file.write("# CONFIG_IOMMUFD_DRIVER is not set\nCONFIG_IOMMUFD_DRIVER_CORE=y\n")
    assert kernel.run("check-kernel", kernel.release).returncode == REBUILD


def test_builtin_vfio_is_refused(tmp_path: Path) -> None:
    kernel = make(tmp_path, "6.12.1", VFIO="y")
    result = kernel.run("check-kernel", kernel.release)
    assert result.returncode == REFUSED and "as a module" in one_line(result)


@pytest.mark.parametrize("missing", ["include/generated/uapi/linux/version.h", ".config"])
def test_missing_headers(kernel: Kernel, missing: str) -> None:
    (kernel.build / missing).unlink()
    result = kernel.run("check-kernel", kernel.release)
    assert result.returncode == INPUT and "install linux-headers" in one_line(result)


def dkms_conf(release: str, path: str = SYSTEM_PATH) -> dict[str, str]:
    """What is read from dkms.conf for a kernel release, with dkms found in path."""
    names = ["AUTOINSTALL", "BUILD_EXCLUSIVE_KERNEL", "BUILD_EXCLUSIVE_CONFIG", "MAKE", "POST_BUILD"]
    script = '. "$1"; shift; for name; do printf "%s=%s\\n" "$name" "${!name-}"; done'
    result = subprocess.run(
        ["bash", "-c", script, "-", CORE / "dkms.conf", *names],
        env={"kernelver": release, "arch": "x86_64", "kernel_source_dir": "/k", "PATH": path},
        text=True, capture_output=True, check=True, timeout=30,
    )
    return dict(line.split("=", 1) for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    "release",
    [
        "6.1.0-56-amd64", "6.6.13+bpo-amd64", "6.11.10+bpo-amd64", "6.12.117+deb13-amd64", "6.12-amd64",
        "6.19.2+deb14-amd64", "7.0-rc3-amd64", "7.2.12+deb13-amd64", "7.3.4+deb13-amd64", "7.20.1-amd64",
        "16.12.1-amd64",
    ],
)
def test_dkms_conf_agrees(tmp_path: Path, release: str) -> None:
    found = re.match(r"(\d+\.\d+)(?:\.(\d+))?", release)
    assert found
    kernel = make(tmp_path, f"{found[1]}.{found[2] or 0}", release)
    builds = re.search(dkms_conf(release)["BUILD_EXCLUSIVE_KERNEL"], release) is not None
    assert builds == (kernel.run("check-kernel", release).returncode == REBUILD)


def test_dkms_conf_skips_what_reports() -> None:
    assert dkms_conf("6.12.1")["BUILD_EXCLUSIVE_CONFIG"].split() == ["CONFIG_VFIO", "!CONFIG_IOMMUFD_DRIVER"]


@pytest.mark.parametrize("knows,wanted", [("BUILD_EXCLUSIVE_KERNEL_MIN", "yes"), ("BUILD_EXCLUSIVE_KERNEL", "")])
def test_old_dkms_does_not_autoinstall(tmp_path: Path, knows: str, wanted: str) -> None:
    program = tmp_path / "dkms"
    program.write_text(f"#!/bin/sh\n# {knows}\n")
    program.chmod(0o755)
    assert dkms_conf("6.12.1", f"{tmp_path}:{SYSTEM_PATH}")["AUTOINSTALL"] == wanted
