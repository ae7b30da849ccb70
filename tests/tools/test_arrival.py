# SPDX-License-Identifier: LGPL-2.1-or-later
"""vferry-arrival, run as its unit runs it, with a libvirt that reads files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fake_host import (OTHER_UUID, PAUSED_MIGRATION, PAUSED_USER, RUNNING_MIGRATED, SHUT_OFF, UUID,
                       VF, FakeHost, domain_xml, hostdev)

AWAY = "0000:81:00.3"
LIMIT = 20.0
COMMENT = "  <!-- kept -->\n"


def binary() -> Path:
    name = os.environ.get("VFERRY_ARRIVAL")
    assert name, "VFERRY_ARRIVAL must name the program to test: run `meson test -C build`"
    return Path(name).resolve()


class ArrivalHost(FakeHost):
    """A host to which guests come."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.arrivals = root / "run/vferry/arrivals"
        self.arrivals.mkdir(parents=True)
        self.processes: list[subprocess.Popen[str]] = []

    def coming(self, uuid: str = UUID, name: str = "guest", state: str = PAUSED_MIGRATION) -> None:
        """A guest that was defined with a VF of another host is on its way here."""
        self.here.add_domain(
            domain_xml(hostdev(VF), uuid=uuid, name=name), uuid=uuid, name=name, state=state,
            inactive=domain_xml(hostdev(AWAY), uuid=uuid, name=name, more=COMMENT))
        (self.arrivals / uuid).touch()

    def start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            self.fake_command(binary=binary()), env=self.environment(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def waiting(self) -> list[str]:
        return sorted(path.name for path in self.arrivals.iterdir())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ArrivalHost]:
    host = ArrivalHost(tmp_path)
    yield host
    for process in host.processes:
        process.kill()
        process.wait()


def await_that(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=LIMIT)
    assert out == ""
    return process.returncode, err


def is_watching(process: subprocess.Popen[str]) -> bool:
    """It has begun, and waits for more files."""
    folder = Path(f"/proc/{process.pid}/fd")
    try:
        return any("inotify" in os.readlink(link) for link in folder.iterdir())
    except FileNotFoundError:  # closed while we looked
        return False


def vf_of(definition: str) -> str:
    found = re.search(r"<source><address domain='0x(.{4})' bus='0x(..)' slot='0x(..)' "
                      r"function='0x(.)'/>", definition)
    assert found
    return f"{found[1]}:{found[2]}:{found[3]}.{found[4]}"


def test_nothing_to_do(host: ArrivalHost) -> None:
    assert end(host.start()) == (0, "")
    host.arrivals.rmdir()
    assert end(host.start()) == (0, "")


def test_arrived(host: ArrivalHost) -> None:
    host.coming()
    process = host.start()
    await_that(lambda: is_watching(process))
    assert process.poll() is None and vf_of(host.here.definition()) == AWAY
    host.here.set_state(RUNNING_MIGRATED)
    code, err = end(process)
    assert code == 0
    assert vf_of(host.here.definition()) == VF and COMMENT in host.here.definition()
    assert host.log() == [f"define {UUID}"] and host.waiting() == []
    assert "<6>domain 'guest': its definition has 1 of this host's VFs now\n" in err
    assert "<hostdev" not in err


@pytest.mark.parametrize("state", [RUNNING_MIGRATED, PAUSED_USER])
def test_arrived_before_it_looked(host: ArrivalHost, state: str) -> None:
    host.coming(state=state)
    assert end(host.start())[0] == 0
    assert vf_of(host.here.definition()) == VF and host.waiting() == []


@pytest.mark.parametrize("is_known", [True, False])
def test_never_arrives(host: ArrivalHost, is_known: bool) -> None:
    host.coming()
    process = host.start()
    await_that(lambda: is_watching(process))
    if is_known:
        host.here.set_state(SHUT_OFF)
    else:
        (host.here.folder / "domains" / UUID).rename(host.fake / "gone")
    assert end(process)[0] == 0
    assert host.waiting() == [] and host.log() == []


def test_definition_that_is_right(host: ArrivalHost) -> None:
    host.coming(state=RUNNING_MIGRATED)
    host.here.add_domain(domain_xml(hostdev(VF)), inactive=domain_xml(hostdev(VF)))
    assert end(host.start())[0] == 0
    assert host.log() == [] and host.waiting() == []


def test_transient(host: ArrivalHost) -> None:
    host.coming(state=RUNNING_MIGRATED)
    (host.here.folder / "domains" / UUID / "inactive.xml").unlink()
    assert end(host.start())[0] == 0
    assert host.log() == [] and host.waiting() == []


def test_definition_that_comes_late(host: ArrivalHost) -> None:
    """libvirt may define a domain just after it has resumed it."""
    host.coming(state=RUNNING_MIGRATED)
    inactive = host.here.folder / "domains" / UUID / "inactive.xml"
    inactive.rename(host.fake / "later")
    process = host.start()
    await_that(lambda: is_watching(process))
    (host.fake / "later").rename(inactive)
    assert end(process)[0] == 0
    assert vf_of(host.here.definition()) == VF


def test_several_and_one_more(host: ArrivalHost) -> None:
    host.coming()
    process = host.start()
    await_that(lambda: is_watching(process))
    host.coming(OTHER_UUID, "other")
    host.here.set_state(RUNNING_MIGRATED, OTHER_UUID)
    await_that(lambda: host.waiting() == [UUID])
    assert process.poll() is None and vf_of(host.here.definition(OTHER_UUID)) == VF
    host.here.set_state(RUNNING_MIGRATED)
    assert end(process)[0] == 0 and host.waiting() == []


def test_killed_and_started_again(host: ArrivalHost) -> None:
    host.coming()
    process = host.start()
    await_that(lambda: is_watching(process))
    process.send_signal(signal.SIGKILL)
    process.wait(LIMIT)
    assert host.waiting() == [UUID]
    host.here.set_state(RUNNING_MIGRATED)
    assert end(host.start())[0] == 0
    assert vf_of(host.here.definition()) == VF and host.waiting() == []


def test_no_libvirt(host: ArrivalHost) -> None:
    host.coming()
    host.here.folder.rename(host.fake / "gone")
    code, err = end(host.start())
    assert code == 1 and host.waiting() == [UUID]
    assert err == "<3>connecting to qemu:///system: unable to connect to server\n"


@pytest.mark.parametrize("name", ["guest", UUID.upper().replace("1", "A"), UUID + "x", ".hidden",
                                  "new\nline"])
def test_names_that_are_no_uuid(host: ArrivalHost, name: str) -> None:
    (host.arrivals / name).touch()
    code, err = end(host.start())
    assert code == 0 and host.waiting() == []
    assert "removed, it is not named by a domain's UUID" in err and err.count("\n") == 1


def test_folder_open_to_others(host: ArrivalHost) -> None:
    host.coming()
    host.arrivals.chmod(0o777)
    code, err = end(host.start())
    assert code == 1 and host.waiting() == [UUID]
    assert err == ("<3>/run/vferry/arrivals: others than root can write to it: chown root and "
                   "chmod go-w\n")


def test_bad_xml_is_not_logged(host: ArrivalHost) -> None:
    host.coming(state=RUNNING_MIGRATED)
    host.here.add_domain(domain_xml(hostdev(VF)), state=RUNNING_MIGRATED,
                         inactive="<domain><secret>hunter2</secret></domain>")
    code, err = end(host.start())
    assert code == 0 and host.waiting() == []
    assert "domain 'guest': its definition is not corrected: " in err and "hunter2" not in err
    assert all(line.startswith("<4>") for line in err.splitlines())


def test_pf_that_cannot_announce(host: ArrivalHost) -> None:
    """The interface exists in the folder only, so no frame can be sent: that is a warning."""
    host.coming(state=RUNNING_MIGRATED)
    code, err = end(host.start())
    assert code == 0 and vf_of(host.here.definition()) == VF
    assert f"<4>domain 'guest': its MAC behind {VF} is not announced: " in err


def test_announce_switched_off(host: ArrivalHost) -> None:
    host.configure("[host]\nannounce = no\n")
    host.coming(state=RUNNING_MIGRATED)
    code, err = end(host.start())
    assert code == 0 and "announced" not in err and vf_of(host.here.definition()) == VF
