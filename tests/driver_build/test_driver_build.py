# SPDX-License-Identifier: LGPL-2.1-or-later
"""The driver builds without a complaint, out of tree and in, old kernels and new."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from driver_copy import INSIDE, PLACE, Driver
from kernel_trees import IN_TREE, ROOT, SUITES, KernelTree
from vferry_lab.requirements import SYSTEM_PATH

MODULE = "igbvf_vfio_pci"
DEVICES = ("10CA", "152D", "1520", "152F")

PLANTED = "state_stream.o"  # where faults are planted

# Each is a fault that only the tool named sees.
COMPILER = "\nstatic int planted_warning;\n"
COMPILER_W1 = "\nstatic const int planted_w1 = 1;\n"
SPARSE = """
int planted_space(const int __user *p);
int planted_space(const int __user *p) { return *p; }
"""
CHECKPATCH = "\nstatic inline int planted_style (int a) {return a;}\n"


def modinfo(module: Path, field: str) -> list[str]:
    done = subprocess.run(["modinfo", "-F", field, module], capture_output=True, text=True,
                          check=True, env={"PATH": SYSTEM_PATH})
    return done.stdout.split("\n")[:-1]


def test_builds_against_the_headers_without_a_warning(driver: Driver, tree: KernelTree) -> None:
    build = driver.build(tree, "W=1 KCFLAGS=-Werror")
    assert build.status == 0, build.output
    assert build.complaints() == []
    module = driver.folder / f"{MODULE}.ko"
    assert modinfo(module, "vermagic")[0].startswith(f"{tree.release} ")
    assert modinfo(module, "license") == ["GPL"]
    # libvirt and modprobe find the driver by these.
    aliases = "\n".join(modinfo(module, "alias"))
    for device in DEVICES:
        assert f"vfio_pci:v00008086d0000{device}sv*sd*bc*sc*i*" in aliases


# The headers of 7.2 lack the script with which its makefile tries sparse: there
# it is run inside the kernel tree.
@pytest.mark.parametrize("tree", [s for s in SUITES if s != IN_TREE], indirect=True)
def test_sparse_finds_nothing(driver: Driver, tree: KernelTree) -> None:
    build = driver.build(tree, "C=2")
    assert build.status == 0, build.output
    assert build.checked() == driver.compiled()
    assert build.complaints(f"{INSIDE}/") == []


def test_builds_as_a_module_inside_a_kernel_tree(driver: Driver, source: KernelTree) -> None:
    build = driver.build_in_tree(source, "m", "W=1 C=2")
    assert build.status == 0, build.output
    assert (driver.folder / f"{MODULE}.o").exists(), build.output
    assert driver.compiled() <= build.checked()
    assert build.complaints() == []


def test_builds_into_the_kernel_inside_a_kernel_tree(driver: Driver, source: KernelTree) -> None:
    build = driver.build_in_tree(source, "y", "W=1")
    assert build.status == 0, build.output
    assert (driver.folder / "built-in.a").exists(), build.output
    assert build.complaints() == []


def test_checkpatch_finds_nothing(driver: Driver, source: KernelTree) -> None:
    build = driver.checkpatch(source)
    assert build.output == ""
    assert build.status == 0


def test_meson_builds_the_module_beside_its_source(
    driver: Driver, tmp_path: Path, source: KernelTree
) -> None:
    """The script behind meson's option `module`."""
    script = ROOT / "tools" / "build-module"
    before = sorted(path.name for path in driver.folder.iterdir())
    out = tmp_path / "out"
    out.mkdir()
    done = source.run(f"/build-module {source.headers} {INSIDE} /out/{MODULE}.ko",
                      {driver.folder: INSIDE, script: "/build-module", out: "/out"})
    assert done.returncode == 0, done.stderr
    assert modinfo(out / f"{MODULE}.ko", "vermagic")[0].startswith(f"{source.release} ")
    assert sorted(path.name for path in driver.folder.iterdir()) == before
    done = source.run(f"/build-module /nowhere {INSIDE} /out/{MODULE}.ko",
                      {driver.folder: INSIDE, script: "/build-module", out: "/out"})
    assert done.returncode == 1
    assert "no kernel headers there" in done.stderr


# The checks above see what they are there for.


def test_a_warning_would_be_seen(driver: Driver, source: KernelTree) -> None:
    driver.plant("state_stream.c", COMPILER + COMPILER_W1)
    complaints = "\n".join(driver.build(source, "W=1", PLANTED).complaints())
    assert "planted_warning" in complaints
    assert "planted_w1" in complaints


@pytest.mark.parametrize("tree", [s for s in SUITES if s != IN_TREE], indirect=True)
def test_a_finding_of_sparse_would_be_seen(driver: Driver, tree: KernelTree) -> None:
    driver.plant("state_stream.c", SPARSE)
    complaints = driver.build(tree, "C=2", PLANTED).complaints(f"{INSIDE}/")
    assert any("dereference of noderef" in line for line in complaints)


def test_a_finding_of_sparse_would_be_seen_inside_a_kernel_tree(
    driver: Driver, source: KernelTree
) -> None:
    driver.plant("state_stream.c", SPARSE)
    complaints = driver.build_in_tree(source, "m", "C=2", PLANTED).complaints()
    assert any("dereference of noderef" in line for line in complaints)


def test_a_finding_of_checkpatch_would_be_seen(driver: Driver, source: KernelTree) -> None:
    driver.plant("regs.h", CHECKPATCH)
    build = driver.checkpatch(source, "regs.h")
    assert build.status != 0
    assert f"{PLACE}/regs.h" in build.output
