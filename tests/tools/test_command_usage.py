# SPDX-License-Identifier: LGPL-2.1-or-later
"""What holds for all verbs; `vferry export`; bash completion."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from mock_host import MockHost, program

ROOT = Path(__file__).resolve().parents[2]
COMPLETION = ROOT / "tools" / "vferry.bash"
PF = "0000:01:00.0"


def vferry(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program(), *arguments], text=True, capture_output=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})


def verbs() -> list[str]:
    text = vferry("--help").stdout
    found = re.findall(r"^  (\S+) +\S.*$", text[text.index("Verbs:"):], re.MULTILINE)
    assert "list" in found and "decode" in found
    return found


def options_of(verb: str) -> set[str]:
    return set(re.findall(r"^  (?:-\w, )?--([a-z][a-z0-9-]*)", vferry(verb, "--help").stdout,
                          re.MULTILINE))


@pytest.fixture
def host(tmp_path: Path) -> MockHost:
    host = MockHost(tmp_path / "root")
    host.add_pf(PF, "enp1s0f0")
    host.add_vf(PF, 0, "0000:01:10.0", "igbvf_vfio_pci")
    host.add_vf(PF, 1, "0000:01:10.2", "igbvf")
    return host


def test_help_of_each_verb_has_examples_and_exit_status() -> None:
    for verb in verbs():
        done = vferry(verb, "--help")
        assert done.returncode == 0 and done.stderr == ""
        assert f"vferry {verb}" in done.stdout and "Example" in done.stdout, verb
        assert "Exit status: 0" in done.stdout, verb
        assert max(map(len, done.stdout.splitlines())) <= 100, verb


def test_man_page_has_each_verb_and_option() -> None:
    page = (ROOT / "man" / "vferry.1").read_text()
    for verb in verbs():
        assert f".Ss vferry {verb}" in page or f", vferry {verb}" in page, verb
        for option in options_of(verb) - {"help", "json"}:
            assert f"Fl -{option}" in page or f", -{option}" in page, (verb, option)


@pytest.mark.parametrize("arguments, why", [
    (["nothing"], "there is no verb 'nothing'"), ([], "a verb is missing"),
    (["list", "x"], "too many arguments are given: see vferry list --help"),
    (["show"], "too few arguments for VF: see vferry show --help"),
    (["bind", "a", "b", "c"], "too many arguments for VF"),
    (["list", "--nothing"], "--nothing"), (["export", "yaml"], "there is no form 'yaml'"),
    (["export", "nova", "-u"], "--unmanaged is for libvirt-network alone"),
    (["provision"], "give PFs, or --all, and not both"),
    (["provision", "--all", "x"], "give PFs, or --all, and not both"),
])
def test_wrong_arguments(arguments: list[str], why: str) -> None:
    done = vferry(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("vferry: ") and why in done.stderr
    assert done.stderr.count("\n") == 1


def test_full_disk() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([program(), "list", "--help"], stdout=full, stderr=subprocess.PIPE,
                              timeout=60)
        assert done.returncode in (0, 2)        # GOption's --help does not look
        done = subprocess.run([program(), "--version"], stdout=full, stderr=subprocess.PIPE,
                              timeout=60)
        assert done.returncode == 2 and b"cannot write" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("arguments, status", [
    (["list"], 0), (["show", "01:10.0"], 0), (["export", "nova", "enp1s0f0"], 0),
    (["bind", "01:10.0"], 2), (["unbind", "01:10.0"], 2), (["provision", "enp1s0f0"], 2),
])
def test_without_privilege(tmp_path: Path, host: MockHost, arguments: list[str],
                           status: int) -> None:
    command = host.command(*arguments)
    at = command.index(str(program().resolve()))
    command[at:at] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for folder in [*tmp_path.parents, tmp_path, host.root]:
        if os.access(folder, os.W_OK) and folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    done = subprocess.run(command, env=host.environment(), text=True, capture_output=True,
                          timeout=60)
    assert done.returncode == status, done.stderr
    if status:
        assert "only root may do this: " in done.stderr and done.stderr.count("\n") == 1


def test_exports(host: MockHost) -> None:
    host.configure("[pf enp1s0f0]\nnetwork=lab\n")
    xml = host.run("export", "libvirt-network")
    assert xml.returncode == 0 and "<name>lab</name>" in xml.stdout
    assert "<driver model='igbvf_vfio_pci'/>" in xml.stdout
    assert "libvirt before 10.0" in xml.stderr
    assert host.run("export", "libvirt-network", "--unmanaged").stderr == ""
    nova = host.run("export", "nova", "01:00.0").stdout.splitlines()
    assert nova[0] == "[pci]" and json.loads(nova[1].removeprefix("device_spec = "))[
        "physical_network"] == "lab"
    plugin = host.run("export", "sriov-device-plugin")
    resources = json.loads(json.loads(plugin.stdout)["data"]["config.json"])["resourceList"]
    assert resources[0]["selectors"]["drivers"] == ["igbvf_vfio_pci"]
    assert "only if its driver is vfio-pci" in plugin.stderr


@pytest.mark.parametrize("arguments, why", [
    ([], "is about no PF with VFs"), (["--network", "lab"], "network=lab"),
    (["0000:02:00.0"], "0000:02:00.0 has no VFs"), (["none"], "'none'"),
    (["0000:01:10.0"], "is no PF"),
])
def test_nothing_to_export(host: MockHost, arguments: list[str], why: str) -> None:
    host.add_pf("0000:02:00.0", None)
    done = host.run("export", "nova", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert why in done.stderr and done.stderr.count("\n") == 1


# Completion

def complete(host: MockHost, line: str, breaks: str = " ", path: str = "/usr/sbin:/usr/bin:/bin"
             ) -> list[str]:
    """What bash would offer for the last word of a line; breaks is COMP_WORDBREAKS."""
    words = line.split(" ")
    script = (
        '. "$COMPLETION"\n'
        'COMP_WORDBREAKS=$1; shift; COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}\n'
        '_vferry; ((${#COMPREPLY[@]})) && printf "%s\\n" "${COMPREPLY[@]}"; :')
    (host.root / "etc/vferry.bash").write_text(COMPLETION.read_text())
    command = host.command()
    at = command.index(str(program().resolve()))
    command[at:] = ["/bin/bash", "--norc", "-c", script, "bash", breaks, *words]
    done = subprocess.run(
        command, text=True, capture_output=True, timeout=60, check=True,
        env=host.environment(COMPLETION="/etc/vferry.bash", PATH=path))
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


def test_completes_verbs(host: MockHost) -> None:
    assert sorted(complete(host, "vferry ")) == sorted([*verbs(), "--help", "--version"])
    assert complete(host, "vferry pro") == ["provision"]


def test_completes_options(host: MockHost) -> None:
    assert complete(host, "vferry list --j") == ["--json"]
    for verb in verbs():
        offered = complete(host, f"vferry {verb} --")
        assert set(offered) == {f"--{option}" for option in options_of(verb)}, verb


def test_completes_devices(host: MockHost) -> None:
    assert complete(host, "vferry show ") == ["0000:01:10.0", "0000:01:10.2"]
    assert complete(host, "vferry show --json 0000:01:10.2") == ["0000:01:10.2"]
    assert complete(host, "vferry bind 01:10.") == ["01:10.0", "01:10.2"]
    # Where bash takes ":" for the end of a word, it wants what follows.
    assert complete(host, "vferry show 0000:01:1", " :") == ["10.0", "10.2"]
    assert sorted(complete(host, "vferry provision ")) == [PF, "enp1s0f0"]
    assert set(complete(host, "vferry bind 0000:01:10.0 ")) >= {"igbvf", "igbvf_vfio_pci"}


def test_completes_no_name_that_bash_would_expand(host: MockHost) -> None:
    host.add_interface(PF, "$(id)")
    host.add_interface(PF, "a;b")
    assert sorted(complete(host, "vferry provision ")) == [PF, "enp1s0f0"]


def test_completes_domains(host: MockHost) -> None:
    (host.root / "etc/virsh").write_text(
        "#!/bin/sh\n[ $2 = --connect ] && printf 'guest\\nweb2\\n$(id)\\nw b\\n'\n")
    (host.root / "etc/virsh").chmod(0o755)
    assert complete(host, "vferry check ", path="/etc:/usr/sbin:/usr/bin:/bin") == ["guest", "web2"]
    assert complete(host, "vferry migrate w", path="/etc:/usr/sbin:/usr/bin:/bin") == ["web2"]
    assert complete(host, "vferry migrate guest ", path="/etc:/usr/sbin:/usr/bin:/bin") == []
    assert complete(host, "vferry migrate --no-check --bandwidth 200 -c qemu:///system w",
                    path="/etc:/usr/sbin:/usr/bin:/bin") == ["web2"]


def test_completes_no_value_of_an_option(host: MockHost) -> None:
    forms = ["libvirt-network", "nova", "sriov-device-plugin"]
    assert complete(host, "vferry export --network ") == []
    assert complete(host, "vferry export --network lab ") == forms
    assert complete(host, "vferry export --network=lab ") == forms
    assert complete(host, "vferry provision -n enp") == ["enp1s0f0"]


def test_completes_forms(host: MockHost) -> None:
    assert complete(host, "vferry export ") == ["libvirt-network", "nova", "sriov-device-plugin"]
    assert sorted(complete(host, "vferry export nova ")) == [PF, "enp1s0f0"]
