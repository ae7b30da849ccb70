# SPDX-License-Identifier: LGPL-2.1-or-later
"""The series of patches that driver/upstream/make-series makes: each applies, is clean and builds."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import docutils.core  # type: ignore[import]
import docutils.nodes  # type: ignore[import]
import kernel_trees
import pytest
from driver_copy import PLACE, Build
from kernel_trees import IN_TREE, LINUX, ROOT, KernelTree

pytestmark = pytest.mark.matrix

WHO = "Some Developer <developer@kernel.invalid>"
IDENTITY = " ".join(f"GIT_{role}_NAME='Some Developer' GIT_{role}_EMAIL=developer@kernel.invalid"
                    for role in ("AUTHOR", "COMMITTER"))
FOLDERS: dict[str | Path, str] = {ROOT / "driver": "/repo/driver", ROOT / "docs": "/repo/docs"}

# For each patch N files N.checkpatch, N.apply, N.kernel-doc, N.gcc (with sparse) and N.clang. Until a
# patch has a Makefile, a makeshift one compiles what files there are. What checkpatch is to
# ignore asks for MAINTAINERS at each new file; the first that has any has the entry for all.
TRY = f"""
set -u
cd {LINUX}
patches=$(find /out/series -name '*.patch' ! -name '0000-*' | sort)
count=0

build() {{
    ls {PLACE}/*.c > /dev/null 2>&1 || return 0
    if [ ! -e {PLACE}/Makefile ]; then
        objects=$(cd {PLACE} && echo *.c | sed 's/\\.c/.o/g')
        printf 'obj-m := igbvf.o\nigbvf-y := %s\n' "$objects" > {PLACE}/Makefile
        cp drivers/vfio/pci/Makefile /tmp/parent
        echo 'obj-m += igbvf/' >> drivers/vfio/pci/Makefile
        make -j2 W=1 "$@" {PLACE}/
        status=$?
        rm {PLACE}/Makefile
        mv /tmp/parent drivers/vfio/pci/Makefile
        return $status
    fi
    make -j2 W=1 "$@" {PLACE}/
}}

for patch in $patches; do
    count=$((count + 1))
    scripts/checkpatch.pl --strict --terse --no-summary --ignore FILE_PATH_CHANGES "$patch" \\
        > /out/$count.checkpatch 2>&1
    git apply --whitespace=error "$patch" > /out/$count.apply 2>&1 || exit 1
    [ ! -d {PLACE} ] || find {PLACE} -name '*.[ch]' -exec scripts/kernel-doc -none {{}} + \\
        > /out/$count.kernel-doc 2>&1
    if grep -q 'config IGBVF_VFIO_PCI$' {PLACE}/Kconfig 2> /dev/null; then
        scripts/config --module IGBVF_VFIO_PCI
        make -s olddefconfig
    fi
    build C=1 > /out/$count.gcc 2>&1 || exit 1
done
grep -x CONFIG_IGBVF_VFIO_PCI=m .config || exit 1
# The parents' Makefiles lead to it, and their other drivers build as before.
make -j2 W=1 C=1 drivers/vfio/vfio_iommu_type1.o drivers/vfio/pci/ > /out/all.gcc 2>&1 || exit 1
sed -n '/^VFIO IGBVF PCI DRIVER$/,/^$/s/^F:\t//p' MAINTAINERS | xargs ls -d > /out/maintained 2>&1

make -s CC=clang olddefconfig
for patch in $(printf '%s\n' $patches | tac); do
    build CC=clang > /out/$count.clang 2>&1 || exit 1
    git apply -R "$patch" || exit 1
    rm -f {PLACE}/*.o
    count=$((count - 1))
done
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
        """Without the cover letter."""
        paths = sorted((self.folder / "series").glob("*.patch"))
        return [path for path in paths if not path.name.startswith("0000-")]

    @property
    def whole(self) -> str:
        """Cover letter and patches."""
        return "".join(path.read_text() for path in (self.folder / "series").glob("*.patch"))


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
    """W=1 with gcc, sparse and clang: each file is compiled from the patch on that has it."""
    builds = series.all("gcc") | {f"{name} clang": text
                                  for name, text in series.all("clang").items()}
    assert series.status == 0, series.all("apply") | builds
    assert len(builds) == 2 * len(series.patches) + 1
    complaints = {name: Build(0, text).complaints(PLACE) for name, text in builds.items()}
    assert not any(complaints.values()), complaints
    for number, patch in enumerate(series.patches, 1):
        for name in re.findall(rf"^\+\+\+ b/{PLACE}/(\w+)\.c$", patch.read_text(), re.M):
            assert f"CHECK   {PLACE}/{name}.c" in builds[str(number)], (patch, name)
            assert f"CC [M]  {PLACE}/{name}.o" in builds[f"{number} clang"], (patch, name)


def test_kernel_doc_is_whole(series: Series) -> None:
    found = {name: text for name, text in series.all("kernel-doc").items() if text.strip()}
    assert not found, found


def test_maintainers_entry_is_in_its_place(series: Series) -> None:
    """Sections are sorted, and each F: line leads to what the series adds."""
    diff = "".join(path.read_text() for path in series.patches)
    context = re.search(r"^ F:\tdrivers/vfio/pci/hisilicon/\n \n\+VFIO IGBVF PCI DRIVER\n(?:\+.*\n)+"
                        r" VFIO ISM PCI DRIVER$", diff, re.M)
    assert context, "VFIO HISILICON PCI DRIVER, ours, VFIO ISM PCI DRIVER"
    files = re.findall(r"^\+F:\t(\S+)$", diff, re.M)
    assert series.text("maintained").splitlines() == sorted(files)


def test_checkpatch_finds_nothing(series: Series) -> None:
    found = {name: text for name, text in series.all("checkpatch").items() if text.strip()}
    assert not found, found


def test_document_is_restructured_text(series: Series) -> None:
    """Without a complaint of docutils; one document with two parts has one title."""
    diff = series.patches[-1].read_text().partition("+++ b/Documentation/driver-api/vfio-igbvf.rst\n")
    lines = [line[1:] for line in diff[2].partition("\ndiff ")[0].splitlines() if line[0] == "+"]
    assert len(lines) > 500
    document = docutils.core.publish_doctree(
        "\n".join(lines), settings_overrides={"halt_level": 2, "report_level": 5})
    assert document["title"] == "igbvf_vfio_pci: how it works"


def test_nothing_of_other_builds_is_left(series: Series) -> None:
    """What older kernels need, what an out-of-tree build does, what is only in this repository."""
    for word in ("IGBVFIO_HAVE", "LINUX_VERSION_CODE", "compat.h", "__KERNEL__", "symbol_get",
                 "bitmap_set_t", "dev->bitmap_set", "can_report_dirty", "igbvfio_map_bar0",
                 "igbvfio_uses_iommufd", "older cores", "device_feature(", "docs/", ".md", "vferry", "dkms",
                 "Debian", "`driver/", "`tests/", "not upstream", "./check"):
        assert word not in series.whole, word
    conditions = set(re.findall(r"^\+#\s*(?:el)?if(?:n?def)?\b(.*)", series.whole, re.M))
    assert {text.strip() for text in conditions if not text.endswith("_H")} == {
        "IS_ENABLED(CONFIG_IOMMUFD)",
        "!defined(IGBVFIO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)"}


def test_each_patch_is_for_review(series: Series) -> None:
    """From one developer, of a size that can be read, with a text; a letter before them."""
    subjects = [re.search(r"^Subject: \[PATCH \d+/\d+\] (.*)", path.read_text(), re.M)
                for path in series.patches]
    letter = (series.folder / "series/0000-cover-letter.patch").read_text()
    assert "*** " not in letter
    assert "vfio-pci-device-specific-driver-acceptance.rst" in letter
    for path, subject in zip(series.patches, subjects):
        text = path.read_text()
        head, _, diff = text.partition("\n---\n")
        assert subject and subject[1] in letter, path
        assert re.match(r"(vfio/igbvf|vfio/type1|Documentation): [A-Z]", subject[1]), subject[1]
        assert len(head.partition("\n\n")[2].splitlines()) >= 5, path
        assert text.count(f"\nSigned-off-by: {WHO}\n") == text.count(f"\nFrom: {WHO}\n") == 1
        code = [line for line in diff.splitlines() if line.startswith("+")]
        assert len(code) < 900, f"{path.name}: {len(code)} lines"
    assert f"+M:\t{WHO}" in series.whole
    assert f'+MODULE_AUTHOR("{WHO}");' in series.whole
    assert "+   vfio-igbvf" in series.whole


def test_a_kernel_that_is_too_old_is_refused(tmp_path: Path) -> None:
    done = kernel_trees.get(IN_TREE).run(
        f"sed -i s/match_token_uuid/other/ {LINUX}/include/linux/vfio.h; "
        f"{IDENTITY} /repo/driver/upstream/make-series {LINUX} /out/series",
        {**FOLDERS, tmp_path: "/out"})
    assert done.returncode != 0
    assert "too old: vfio.h has no match_token_uuid" in done.stderr
    assert not (tmp_path / "series").exists()
