# SPDX-License-Identifier: LGPL-2.1-or-later
"""When a rebuilt vfio.ko fits a kernel: check-fit, against fabricated modules and Module.symvers files."""

from __future__ import annotations

import lzma
from dataclasses import dataclass, field

import pytest
from vfio_core_kernel import BITMAP, EXPORTS, IMPORTS, Kernel, one_line, symvers

FITS, REFUSED, INPUT, NOTHING = 0, 1, 2, 77


@dataclass
class Rebuilt:
    """A rebuilt vfio.ko as it should be; the tests spoil one thing each."""

    kernel: Kernel
    exports: dict[str, str] = field(default_factory=lambda: dict(EXPORTS))
    bitmap: dict[str, str] = field(default_factory=lambda: dict(BITMAP))
    imports: dict[str, str] = field(default_factory=lambda: dict(IMPORTS))
    magic: str = ""
    edit: tuple[str, str] = ("", "")  # replaced in the module

    def check(self) -> tuple[int, str]:
        module, listed = self.kernel.root / "vfio.ko", self.kernel.root / "Module.symvers"
        text = self.kernel.module(self.exports | self.bitmap, self.imports, self.magic)
        module.write_text(text.replace(*self.edit) if self.edit[0] else text)
        listed.write_text(symvers("module/vfio", self.exports) + symvers("module/vfio", self.bitmap, "IOMMUFD"))
        result = self.kernel.run("check-fit", "--module", module, "--symvers", listed, self.kernel.release)
        return result.returncode, one_line(result) if result.returncode else result.stdout


@pytest.fixture
def rebuilt(kernel: Kernel) -> Rebuilt:
    return Rebuilt(kernel)


def test_fits(rebuilt: Rebuilt) -> None:
    code, line = rebuilt.check()
    assert code == FITS
    assert "2 exports and 2 imports agree with the kernel's CRCs" in line


def test_other_version_magic(rebuilt: Rebuilt) -> None:
    rebuilt.magic = "6.12.118+deb13-amd64 SMP mod_unload modversions"
    code, line = rebuilt.check()
    assert code == REFUSED and "version magic" in line


def test_version_magic_without_the_kernels_module(rebuilt: Rebuilt) -> None:
    rebuilt.kernel.stock.unlink()
    assert rebuilt.check()[0] == FITS
    rebuilt.magic = "6.12.118+deb13-amd64 SMP mod_unload modversions"
    assert rebuilt.check()[0] == REFUSED


def test_export_with_other_crc(rebuilt: Rebuilt) -> None:
    rebuilt.exports["vfio_dma_rw"] = "0x00000bad"
    code, line = rebuilt.check()
    assert code == REFUSED
    assert "vfio_dma_rw is 0x00000bad EXPORT_SYMBOL_GPL, the kernel has 0x2947b94f EXPORT_SYMBOL_GPL" in line


def test_missing_export(rebuilt: Rebuilt) -> None:
    del rebuilt.exports["vfio_dma_rw"]
    code, line = rebuilt.check()
    assert code == REFUSED and "vfio_dma_rw is missing" in line


def test_export_that_the_kernel_has_not(rebuilt: Rebuilt) -> None:
    rebuilt.exports["vfio_new_thing"] = "0x00000001"
    code, line = rebuilt.check()
    assert code == REFUSED and "vfio_new_thing" in line


def test_kernel_without_list_of_exports(rebuilt: Rebuilt) -> None:
    (rebuilt.kernel.build / "Module.symvers").write_text(symvers("vmlinux", IMPORTS))
    code, line = rebuilt.check()
    assert code == REFUSED and "no list of what vfio exports" in line


@pytest.mark.parametrize("name", BITMAP)
def test_stub(rebuilt: Rebuilt, name: str) -> None:
    del rebuilt.bitmap[name]
    code, line = rebuilt.check()
    assert code == REFUSED and f"{name} is not exported" in line


def test_bitmap_listed_but_not_defined(rebuilt: Rebuilt) -> None:
    rebuilt.edit = ("0000000000000000 T iova_bitmap_set", "                 U iova_bitmap_set")
    code, line = rebuilt.check()
    assert code == REFUSED and "iova_bitmap_set is not defined" in line


def test_symvers_of_another_build(rebuilt: Rebuilt) -> None:
    rebuilt.edit = ("__ksymtab_vfio_dma_rw", "__ksymtab_other")
    code, line = rebuilt.check()
    assert code == REFUSED and "is of another build" in line


@pytest.mark.parametrize(("name", "crc", "words"), [("kfree", "0x00000bad", "needed as"), ("gone", "0x1", "not exported")])
def test_import_that_the_kernel_has_not(rebuilt: Rebuilt, name: str, crc: str, words: str) -> None:
    rebuilt.imports[name] = crc
    code, line = rebuilt.check()
    assert code == REFUSED and words in line


def test_no_imports(rebuilt: Rebuilt) -> None:
    rebuilt.imports = {}
    assert rebuilt.check()[0] == REFUSED


def test_kernel_without_crcs(kernel: Kernel) -> None:
    zero = "0x00000000"
    kernel.put(kernel.build / ".config", "CONFIG_VFIO=m\n")
    kernel.put(
        kernel.build / "Module.symvers",
        symvers("drivers/vfio/vfio", dict.fromkeys(EXPORTS, zero)) + symvers("vmlinux", dict.fromkeys(IMPORTS, zero)),
    )
    rebuilt = Rebuilt(kernel, dict.fromkeys(EXPORTS, zero), dict.fromkeys(BITMAP, zero), dict.fromkeys(IMPORTS, zero))
    code, line = rebuilt.check()
    assert code == FITS and "by name" in line
    rebuilt.imports["gone"] = zero
    assert rebuilt.check()[0] == REFUSED


def install(kernel: Kernel) -> None:
    """Leaves a rebuilt module where dkms does, compressed."""
    place = kernel.modules / kernel.release / "updates/dkms/vfio.ko.xz"
    place.parent.mkdir(parents=True)
    place.write_bytes(lzma.compress(kernel.module(EXPORTS | BITMAP).encode()))
    kernel.put(
        kernel.root / f"dkms/vfio-dirty-log/kernel-{kernel.release}-x86_64/module/Module.symvers",
        symvers("module/vfio", EXPORTS) + symvers("module/vfio", BITMAP, "IOMMUFD"),
    )


def test_finds_what_dkms_installed(kernel: Kernel) -> None:
    install(kernel)
    result = kernel.run("check-fit", kernel.release)
    assert result.returncode == FITS, result.stderr


def test_damaged_file(kernel: Kernel) -> None:
    install(kernel)
    (kernel.modules / kernel.release / "updates/dkms/vfio.ko.xz").write_bytes(b"hello")
    result = kernel.run("check-fit", kernel.release)
    assert result.returncode == INPUT and "cannot be unpacked" in one_line(result)


def test_none_installed(kernel: Kernel) -> None:
    result = kernel.run("check-fit", kernel.release)
    assert result.returncode == INPUT and "dkms install" in result.stderr


def test_none_installed_and_none_needed(kernel: Kernel) -> None:
    kernel.put(kernel.build / ".config", "CONFIG_VFIO=m\nCONFIG_IOMMUFD_DRIVER=y\n")
    assert kernel.run("check-fit", kernel.release).returncode == NOTHING
