# SPDX-License-Identifier: LGPL-2.1-or-later
"""The series of patches that driver/upstream/make-series makes: each applies, is clean and builds."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import kernel_trees
import pytest
from driver_copy import PLACE, Build
from kernel_trees import IN_TREE, LINUX, ROOT, KernelTree

pytestmark = pytest.mark.matrix

WHO = "Some Developer <developer@kernel.invalid>"
IDENTITY = " ".join(f"GIT_{role}_NAME='Some Developer' GIT_{role}_EMAIL=developer@kernel.invalid"
                    for role in ("AUTHOR", "COMMITTER"))
FOLDERS: dict[str | Path, str] = {ROOT / "driver": "/repo/driver", ROOT / "docs": "/repo/docs"}

# For each patch files N.checkpatch, N.apply, N.build, and clang.build in the end. What is
# ignored asks for MAINTAINERS at each new file; the first patch has the entry for all.
TRY = f"""
set -u
cd {LINUX}
count=0
for patch in /out/series/*.patch; do
    count=$((count + 1))
    scripts/checkpatch.pl --strict --terse --no-summary --ignore FILE_PATH_CHANGES "$patch" \\
        > /out/$count.checkpatch 2>&1
    git apply --whitespace=error "$patch" > /out/$count.apply 2>&1 || exit 1
    scripts/config --module IGBVF_VFIO_PCI
    make -s olddefconfig
    make -j2 W=1 C=1 drivers/vfio/pci/ > /out/$count.build 2>&1 || exit 1
done
grep -x CONFIG_IGBVF_VFIO_PCI=m .config
make -s CC=clang olddefconfig
make -j2 CC=clang W=1 {PLACE}/ > /out/clang.build 2>&1
"""


@dataclass(frozen=True)
class Series:
    """What became of the series in a kernel tree; texts by file name."""

    folder: Path
    status: int

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(errors="replace")

    def all(self, kind: str) -> dict[str, str]:
        return {path.stem: path.read_text(errors="replace")
                for path in sorted(self.folder.glob(f"*.{kind}"))}

    @property
    def patches(self) -> list[Path]:
        return sorted((self.folder / "series").glob("*.patch"))


def make_series(tree: KernelTree, out: Path) -> subprocess.CompletedProcess[str]:
    return tree.run(f"{IDENTITY} /repo/driver/upstream/make-series {LINUX} /out/series",
                    {**FOLDERS, out: "/out"})


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    tree = kernel_trees.get(IN_TREE)
    out = tmp_path_factory.mktemp("upstream")
    made = make_series(tree, out)
    assert made.returncode == 0, made.stderr
    return Series(out, tree.run(TRY, {out: "/out"}, timeout=1800).returncode)


def test_each_patch_applies_and_builds(series: Series) -> None:
    """W=1 and sparse; the driver is compiled from the third on."""
    assert series.status == 0, series.all("apply") | series.all("build")
    builds = series.all("build")
    assert len(builds) == len(series.patches) + 1
    complaints = {name: Build(0, text).complaints(PLACE) for name, text in builds.items()}
    assert not any(complaints.values()), complaints
    assert f"CHECK   {PLACE}/main.c" in builds["3"]
    assert f"CC [M]  {PLACE}/state_stream.o" in builds["clang"]


def test_checkpatch_finds_nothing(series: Series) -> None:
    found = {name: text for name, text in series.all("checkpatch").items() if text.strip()}
    assert not found, found


def test_nothing_of_older_kernels_is_left(series: Series) -> None:
    text = "".join(path.read_text() for path in series.patches)
    for word in ("IGBVFIO_HAVE", "compat.h", "__KERNEL__", "docs/driver.md", "symbol_get"):
        assert word not in text, word
    assert f"+M:\t{WHO}" in text
    assert "+   vfio-igbvf" in text
    assert text.count(f"Signed-off-by: {WHO}") == len(series.patches)


def test_a_kernel_that_is_too_old_is_refused(tmp_path: Path) -> None:
    done = kernel_trees.get(IN_TREE).run(
        f"sed -i s/match_token_uuid/other/ {LINUX}/include/linux/vfio.h; "
        f"{IDENTITY} /repo/driver/upstream/make-series {LINUX} /out/series",
        {**FOLDERS, tmp_path: "/out"})
    assert done.returncode != 0
    assert "too old: vfio.h has no match_token_uuid" in done.stderr
    assert not (tmp_path / "series").exists()
