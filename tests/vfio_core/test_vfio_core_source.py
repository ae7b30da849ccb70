# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which source is taken, and which is refused: fetch-source and check-source."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from vfio_core_kernel import CORE, HEADERS, SOURCES, Kernel, one_line


def test_takes_what_is_needed_and_no_more(kernel: Kernel) -> None:
    tarball = kernel.tarball(change={"drivers/vfio/vfio_iommu_type1.c": "not needed\n"})
    out = kernel.root / "out"
    assert kernel.run("fetch-source", kernel.build, out, tarball).returncode == 0
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert files == {"Makefile", *SOURCES, *HEADERS}
    assert not list(kernel.root.glob(".source.*"))


def test_a_sublevel_may_differ(kernel: Kernel) -> None:
    result = kernel.run("fetch-source", kernel.build, kernel.root / "out", kernel.tarball("6.12.107"))
    assert result.returncode == 0 and "Linux 6.12.107 for kernel 6.12.117" in result.stdout


@pytest.mark.parametrize("top", ["linux-6.12.117", "linux-source-6.12"])
def test_any_top_folder(kernel: Kernel, top: str) -> None:
    assert kernel.run("fetch-source", kernel.build, kernel.root / "out", kernel.tarball(top=top)).returncode == 0


def refused(kernel: Kernel, tarball: Path, code: int) -> str:
    """Runs fetch-source, which has to refuse and to leave nothing behind."""
    place = kernel.root / "place"
    place.mkdir()
    result = kernel.run("fetch-source", kernel.build, place / "out", tarball)
    assert result.returncode == code
    assert list(place.iterdir()) == []
    return one_line(result)


@pytest.mark.parametrize("version", ["6.11.117", "6.1.117", "7.12.117"])
def test_another_series_is_refused(kernel: Kernel, version: str) -> None:
    line = refused(kernel, kernel.tarball(version), 1)
    assert f"is Linux {version} but the kernel is 6.12.117, install the package linux-source-6.12" in line


@pytest.mark.parametrize("header", HEADERS)
def test_other_header_is_refused(kernel: Kernel, header: str) -> None:
    assert f"{header} of Linux 6.12.117" in refused(kernel, kernel.tarball(change={header: "int other;\n"}), 1)


@pytest.mark.parametrize("path", ["Makefile", "drivers/vfio/group.c", "drivers/iommu/iommufd/iova_bitmap.c"])
def test_incomplete_tarball_is_refused(kernel: Kernel, path: str) -> None:
    assert path in refused(kernel, kernel.tarball(change={path: None}), 1)


def test_link_is_refused(kernel: Kernel) -> None:
    tarball = kernel.tarball(links={"drivers/vfio/group.c": "/etc/hostname"})
    assert "drivers/vfio/group.c" in refused(kernel, tarball, 1)


def test_makefile_without_version_is_refused(kernel: Kernel) -> None:
    assert "does not say" in refused(kernel, kernel.tarball(change={"Makefile": "all:\n"}), 1)


def test_missing_tarball(kernel: Kernel) -> None:
    assert "install the package linux-source-6.12" in refused(kernel, kernel.root / "none.tar.xz", 2)


def test_not_a_tarball(kernel: Kernel) -> None:
    path = kernel.root / "linux-source.tar.xz"
    path.write_text("hello\n")
    assert "not a tar archive" in refused(kernel, path, 2)


def test_existing_folder_is_kept(kernel: Kernel) -> None:
    out = kernel.root / "out"
    kernel.put(out / "mine", "")
    assert kernel.run("fetch-source", kernel.build, out, kernel.tarball()).returncode == 2
    assert (out / "mine").exists()


@pytest.fixture
def package(kernel: Kernel) -> Path:
    """A copy of the package, as in dkms's build folder, with fetched source and a stock vfio.ko built from it."""
    copy = kernel.root / "package"
    shutil.copytree(CORE, copy)
    kernel.put(copy / "source/Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\n")
    kernel.put(copy / "stock/vfio.ko", kernel.module({}))
    return copy


def check(kernel: Kernel, package: Path) -> tuple[int, str]:
    result = kernel.run(str(package / "check-source"), kernel.release, package / "stock/vfio.ko")
    return result.returncode, one_line(result) if result.returncode else result.stdout


def test_equal_source_version(kernel: Kernel, package: Path) -> None:
    assert check(kernel, package)[0] == 0


def test_other_source_version_is_refused(kernel: Kernel, package: Path) -> None:
    kernel.put(kernel.stock, kernel.module({}).replace("srcversion=AAAA", "srcversion=BBBB"))
    code, line = check(kernel, package)
    assert code == 1 and "source version AAAA, not BBBB" in line


def test_equal_source_version_beats_the_sublevel(kernel: Kernel, package: Path) -> None:
    kernel.put(package / "source/Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 107\n")
    assert check(kernel, package)[0] == 0


def test_kernel_module_moved_aside_by_dkms(kernel: Kernel, package: Path) -> None:
    aside = kernel.root / "dkms/vfio-dirty-log/original_module" / kernel.release / "x86_64/vfio.ko"
    kernel.put(aside, kernel.stock.read_text().replace("srcversion=AAAA", "srcversion=BBBB"))
    kernel.stock.unlink()
    assert check(kernel, package)[0] == 1


@pytest.mark.parametrize(("sublevel", "modversions", "code"), [(117, "y", 0), (107, "y", 1), (117, "", 1)])
def test_without_the_kernels_module(kernel: Kernel, package: Path, sublevel: int, modversions: str, code: int) -> None:
    kernel.stock.unlink()
    kernel.put(package / "source/Makefile", f"VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = {sublevel}\n")
    kernel.put(kernel.build / ".config", f"CONFIG_VFIO=m\nCONFIG_MODVERSIONS={modversions}\n")
    assert check(kernel, package)[0] == code
