# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images whose hosts have our packages: what the tests run is what users get."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from vferry_lab import derived, image, recipe
from vferry_lab.image import Image
from vferry_lab.progress import Progress, silent

from . import packages, paths
from .artefacts import digest

# DKMS builds for the tree's kernel, and no other is there. Debian 12's dkms leaves vfio.ko to
# the administrator, who has to force it, and calls it installed before that. What the tests'
# guest needs of SELinux is no part of a package.
INSTALL = """
dpkg -i /run/debs/*.deb
release=$(basename /lib/modules/*)
for source in /usr/src/vfio-dirty-log-*; do
    module=vfio-dirty-log/${source##*-}
    if "$source/check-kernel" "$release" && ! modinfo -k "$release" -n vfio | grep -q /updates/; then
        dkms install --force "$module" -k "$release"
    fi
done
if command -v semodule > /dev/null; then
    cp -r /run/enforcing /tmp/enforcing
    make -s -C /tmp/enforcing -f /usr/share/selinux/devel/Makefile lab_guest.pp
    semodule -s default -n -i /tmp/enforcing/lab_guest.pp
fi
"""


def get(suite: str, progress: Progress = silent) -> Image:
    """The image of a suite with our packages installed, for Lab(own_image=...)."""
    base = image.get(suite, progress)
    debs = packages.build(recipe.load(suite).release, progress)
    enforcing = paths.TESTS / "enforcing"
    with tempfile.TemporaryDirectory() as work:
        for path in installable(base, debs):
            shutil.copy(path, work)
        key = digest([Path(work), enforcing, Path(__file__)])
        return derived.get(base, "packaged", key, INSTALL,
                           {work: "/run/debs", enforcing: "/run/enforcing"}, progress)


def installable(base: Image, debs: Path) -> list[Path]:
    """The packages of a folder that an image has the dependencies of."""
    names = [name for name in packages.NAMES
             if name != "vferry-selinux" or (base.tree / "usr/sbin/semodule").exists()]
    return [packages.find(debs, name) for name in names]
