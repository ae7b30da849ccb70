# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the harness reads out of ping, stream, debugfs and virsh."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from dataclasses import replace
from types import ModuleType

import pytest

from vferry_tests import check, demo, guest, nic, paths, shared_guest, traffic
from vferry_tests.figures import SOURCE_ARCS, Figures, VFFigures, _taken

PING = """\
PING 192.0.2.100 (192.0.2.100) 56(84) bytes of data.
[100.000000] 64 bytes from 192.0.2.100: icmp_seq=1 ttl=64 time=1.0 ms
[100.100000] 64 bytes from 192.0.2.100: icmp_seq=2 ttl=64 time=1.0 ms
[103.000000] 64 bytes from 192.0.2.100: icmp_seq=31 ttl=64 time=1.0 ms
[103.100000] From 192.0.2.1 icmp_seq=30 Destination Host Unreachable
[103.200000] 64 bytes from 192.0.2.100: icmp_seq=33 ttl=64 time=1.0 ms
"""


class Said:
    """A peer whose ping has said its lines already."""

    def __init__(self, text: str) -> None:
        self.stdout = text.splitlines(keepends=True)

    def popen(self, command: object) -> Said:
        return self


def ping(text: str) -> traffic.Ping:
    made = traffic.Ping(Said(text), "192.0.2.100")  # type: ignore[arg-type]
    made._lines.finish(5)
    return made


def test_ping_gap_and_loss() -> None:
    said = ping(PING)
    assert [seq for _, seq in said.replies()] == [1, 2, 31, 33]
    assert said.longest_gap(100.5, 101.0) == pytest.approx(2.9)
    assert said.longest_gap(103.15, 104.0) == pytest.approx(0.2)
    assert said.lost(100.5, 101.0) == 28
    assert said.lost(100.0, 103.2) == 29


def test_ping_that_never_came_back_is_an_endless_gap() -> None:
    assert ping(PING).longest_gap(200, 201) == float("inf")


def test_stream_events() -> None:
    events = traffic.parse_events([
        '{"event": "listening"}', '{"event": "gap", "start": 100000, "length": 700}',
        '{"event": "status", "received": 5, "sent": 6}', '{"event": "sta',
    ])
    assert [event["event"] for event in events] == ["listening", "gap", "status"]
    assert traffic.last_counters(events)["received"] == 5


def end(**fields: object) -> dict[str, object]:
    return {"event": "end", "sent": 10, "received": 20, **fields}


def test_stream_differences() -> None:
    guest_end = end(sent=20, received=10)
    assert traffic.differences(end(), guest_end) == []
    assert traffic.differences(end(received=19), guest_end)
    assert traffic.differences(end(), {**guest_end, "event": "error", "text": "byte 3"})


STATUS = """\
state: RUNNING
dirty_pages_reported: 12
mailbox_flags: 0x3
arc RUNNING PRE_COPY count 2 last_ns 10 max_ns 20
arc PRE_COPY PRE_COPY_P2P count {count} last_ns 700 max_ns 900
"""


def test_driver_status() -> None:
    status = nic.Status.parse(STATUS.format(count=2))
    assert status.values["state"] == "RUNNING"
    assert status.number("dirty_pages_reported") == 12
    assert status.number("mailbox_flags") == 3
    assert status.arcs["PRE_COPY", "PRE_COPY_P2P"] == nic.Arc(2, 700, 900)


def test_only_arcs_taken_meanwhile_count() -> None:
    before, after = (nic.Status.parse(STATUS.format(count=count)) for count in (2, 3))
    assert _taken(SOURCE_ARCS, before, after) == 700
    assert _taken(SOURCE_ARCS, after, after) == 0


def test_job_statistics() -> None:
    assert guest.raw_stats("success: 1\ndowntime: 316\nerrmsg: x 1\n") == {
        "success": 1, "downtime": 316}


def test_one_clear_error() -> None:
    assert shared_guest.one_error("error: no\n\n") == "error: no"
    for text in ("", "error: a\nerror: b\n"):
        with pytest.raises(AssertionError):
            shared_guest.one_error(text)


def test_expected_skips() -> None:
    assert check.expected_skips("# all\n\ntests/a.py::*  no such device\n") == ["tests/a.py::*"]


def flip_proxy() -> ModuleType:
    path = str(paths.TESTS / "lab" / "flip-proxy")
    loader = importlib.machinery.SourceFileLoader("flip_proxy", path)
    spec = importlib.util.spec_from_loader("flip_proxy", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_flip_proxy_flips_the_one_bit(size: int) -> None:
    flip = flip_proxy().Flipper("61..63")
    data = b"xxab..axcPQabcR"
    sent = b"".join(flip(data[at:at + size]) for at in range(0, len(data), size))
    assert sent == b"xxab..axcQQabcR"
    assert flip.done


BASELINE = Figures(22000, 316, 400, 3, 410, True)
MOVE = VFFigures(24000, 350, 480, 4, 500, True, "host1 to host2", "0000:01:10.0",
                 "0000:01:10.2", 1752, 700, 1500)


def test_demo_is_ok_only_if_all_held() -> None:
    story = demo.Story(True, BASELINE, [MOVE, MOVE])
    assert story.ok
    assert set(story.to_json()) == {
        "ok", "refused_on_vfio_pci", "guest_pages", "baseline", "moves"}
    dead = replace(MOVE, tcp_alive=False)
    same = replace(MOVE, got=MOVE.left)
    for broken in (
        demo.Story(False, BASELINE, [MOVE, MOVE]), demo.Story(True, None, [MOVE, MOVE]),
        demo.Story(True, BASELINE, [MOVE]), demo.Story(True, BASELINE, [MOVE, dead]), demo.Story(True, BASELINE, [same, same]),
        demo.Story(True, BASELINE, [MOVE, MOVE], ["a byte was wrong"]),
    ):
        assert not broken.ok


def test_demo_table_fits_a_terminal() -> None:
    text = demo.table(demo.Story(True, BASELINE, [MOVE, MOVE]))
    assert max(map(len, text.splitlines())) <= 80
    assert "700 (2.1%)" in text


def test_demo_says_what_did_not_hold() -> None:
    assert demo.Story(True, BASELINE, [MOVE, MOVE]).lacking() == ""
    assert "refused" in demo.Story(False, BASELINE, [MOVE, MOVE]).lacking()
    assert "there and back" in demo.Story(True, BASELINE, [MOVE]).lacking()


def test_names_of_check_are_places_or_words() -> None:
    assert check._selection(["style"]) == ["tests/style"]
    assert check._selection(["test_vlan"])[-2:] == ["-k", "test_vlan"]
    with pytest.raises(SystemExit, match="not both"):
        check._selection(["style", "test_vlan"])
    with pytest.raises(SystemExit, match="is no name"):
        check._selection(["no such test"])


def test_addresses_of_vfs() -> None:
    addresses = [nic.vf_address(index) for index in range(7)]
    assert addresses[0] == "0000:01:10.0" and addresses[3] == "0000:01:10.6"
    assert addresses[4] == "0000:01:11.0" and addresses[6] == "0000:01:11.4"
