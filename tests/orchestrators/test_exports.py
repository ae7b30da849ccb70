# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `vferry export` prints, read by those it is for.

Nova: by its own code (Debian's python3-nova). The SR-IOV device plugin is in no package of
Debian: its configuration is held against the schema that its README.md documents.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from vferry_tests import packages, paths, suite_tree
from vferry_tests.suite_tree import SuiteTree

pytestmark = pytest.mark.matrix

SUITE = "trixie"
LIBRARIES = ("libglib2.0-0t64", "libjson-glib-1.0-0", "libkmod2", "libnl-3-200", "libnl-genl-3-200",
             "libudev1", "libvirt0", "libxml2", "zlib1g")
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def tree() -> SuiteTree:
    return suite_tree.get("nova", SUITE, {"python3-nova", *LIBRARIES})


@pytest.fixture(scope="module")
def selection(tree: SuiteTree, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What select_by_nova.py prints."""
    program = tmp_path_factory.mktemp("vferry")
    subprocess.run(["dpkg-deb", "-x", packages.find(packages.build(SUITE), "vferry"), program],
                   check=True)
    done = tree.run(
        "mkdir -p /etc/nova && VFERRY=/opt/usr/bin/vferry python3 /here/select_by_nova.py",
        {program: "/opt", HERE: "/here", paths.TESTS / "tools": "/tests/tools",
         paths.TESTS / "lib": "/tests/lib"}, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nova_takes_the_vfs_of_that_pf_and_nothing_else(selection: dict[str, Any]) -> None:
    assert set(selection["chosen"]) == {"0000:01:10.0", "0000:01:10.2"}


def test_nova_knows_what_it_may_do_with_them(selection: dict[str, Any]) -> None:
    for tags in selection["chosen"].values():
        assert tags["physical_network"] == "lab"
        assert tags["managed"] == "false"
        assert tags["live_migratable"] == "true"


def test_a_flavor_asks_for_them_by_the_alias(selection: dict[str, Any]) -> None:
    assert selection["requests"] == [{"count": 2, "alias": "vf-8086-10ca", "spec": [
        {"vendor_id": "8086", "product_id": "10ca", "dev_type": "type-VF",
         "live_migratable": "true"}]}]


def test_device_plugin(selection: dict[str, Any], tree: SuiteTree, tmp_path: Path) -> None:
    text = selection["plugin"]["data"]["config.json"]
    (tmp_path / "config.json").write_text(text)
    done = tree.run(
        "python3 -c 'import json, jsonschema; jsonschema.validate(json.load(open(\"/in/config.json\")), "
        "json.load(open(\"/here/device-plugin.schema.json\")))'",
        {tmp_path: "/in", HERE: "/here"}, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    selectors = json.loads(text)["resourceList"][0]["selectors"]
    assert selectors["rootDevices"] == ["0000:01:00.0"]
    assert (selectors["vendors"], selectors["devices"]) == (["8086"], ["10ca"])
