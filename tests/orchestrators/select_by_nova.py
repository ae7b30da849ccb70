# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in a tree with python3-nova: what `vferry export nova` says, read by Nova itself.

The tree's /sys becomes that of a mock host. Prints JSON: see Selection in test_exports.py.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, "/tests/tools")

from mock_host import PF_82576, VF_82576, MockHost  # noqa: E402

OURS = "igbvf_vfio_pci"
LAB, OTHER = "0000:01:00.0", "0000:03:00.0"
CONFIG = "[pf enp1s0f0]\nnetwork=lab\n"


def mock() -> MockHost:
    """A PF that vferry provisions, with two VFs, and one of the same model that it does not."""
    host = MockHost(Path("/host"))
    host.add_pf(LAB, "enp1s0f0")
    host.add_pf(OTHER, "enp3s0f0", mac="02:00:00:00:00:03")
    host.add_vf(LAB, 0, "0000:01:10.0", OURS, group=1)
    host.add_vf(LAB, 1, "0000:01:10.2", OURS, group=2)
    host.add_vf(OTHER, 0, "0000:03:10.0", OURS, group=3)
    host.configure(CONFIG)
    return host


def device(address: str, parent: str | None) -> dict[str, Any]:
    """A device as Nova's libvirt driver reports it."""
    ids = VF_82576 if parent else PF_82576
    found: dict[str, Any] = {
        "address": address, "vendor_id": f"{ids.vendor:04x}", "product_id": f"{ids.device:04x}",
        "dev_type": "type-VF" if parent else "type-PF"}
    return found | ({"parent_addr": parent} if parent else {})


def main() -> None:
    host = mock()
    done = host.run("export", "nova", LAB)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    plugin = host.run("export", "sriov-device-plugin", LAB)
    Path("/etc/nova/vferry.conf").write_text(done.stdout)
    shutil.copytree(host.root / "sys", "/sys", symlinks=True, dirs_exist_ok=True)

    import nova.conf  # type: ignore
    from nova import objects
    objects.register_all()
    nova.conf.CONF(["--config-file", "/etc/nova/vferry.conf"], project="nova")
    from nova.pci import request, whitelist  # type: ignore

    devices = [device(LAB, None), device(OTHER, None), device("0000:01:10.0", LAB),
               device("0000:01:10.2", LAB), device("0000:03:10.0", OTHER)]
    specs = whitelist.Whitelist(nova.conf.CONF.pci.device_spec).specs
    chosen = {each["address"]: [spec.get_tags() for spec in specs if spec.match(each)]
              for each in devices}
    flavor = {"extra_specs": {"pci_passthrough:alias": "vf-8086-10ca:2"}}
    requests = request.get_pci_requests_from_flavor(flavor).requests
    print(json.dumps({
        "chosen": {address: tags[0] for address, tags in chosen.items() if tags},
        "requests": [{"count": each.count, "alias": each.alias_name, "spec": each.spec}
                     for each in requests],
        "plugin": json.loads(plugin.stdout),
    }))


if __name__ == "__main__":
    main()
