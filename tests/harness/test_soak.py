# SPDX-License-Identifier: LGPL-2.1-or-later
"""The soak without hosts: its schedule, what it calls a leak, its report, its command line."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from vferry_tests import check, faults, host_state
from vferry_tests.host_state import CLAIMS, KERNEL, LIBVIRT
from vferry_tests.soak import Done, Record, table

STATE = {LIBVIRT: 30, CLAIMS: 1, KERNEL: 90_000}


def names(seed: int, count: int) -> list[str]:
    return [step.name for step in islice(faults.schedule(seed), count)]


def test_a_seed_replays_it() -> None:
    assert names(7, 200) == names(7, 200)
    assert names(7, 200) != names(8, 200)


def test_every_fault_comes_by() -> None:
    assert set(names(1, 500)) == {step.name for step in faults.STEPS}


def test_state_of_a_host_is_read() -> None:
    assert host_state.parse(f"{LIBVIRT}: 30\n{CLAIMS}: 1\n{KERNEL}: 90000\n") == STATE


@pytest.mark.parametrize("grown, steps, leaks", [
    ({}, 10, []),
    ({CLAIMS: 2}, 10, [CLAIMS]),
    ({LIBVIRT: 34}, 10, []),
    ({LIBVIRT: 35}, 10, [LIBVIRT]),
    ({KERNEL: 90_000 + 8192 + 320}, 10, []),
    ({KERNEL: 90_000 + 8192 + 321}, 10, [KERNEL]),
    ({KERNEL: 90_000 + 8192 + 321}, 11, []),
    ({KERNEL: 10, CLAIMS: 0}, 10, []),
])
def test_what_grows_is_a_leak(grown: dict[str, int], steps: int, leaks: list[str]) -> None:
    found = host_state.leaks(STATE, STATE | grown, steps)
    assert [text.split(":")[0] for text in found] == leaks


def record() -> Record:
    steps = [Done("moved", 18.0, "host2"), Done("moved", 20.0, "host1"),
             Done("cancelled", 9.0, "host1")]
    states = {"host1": STATE, "host2": STATE}
    return Record(7, 7260.0, steps, 1, before=states, after=states)


def test_report_fits_a_terminal() -> None:
    text = table(record())
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.splitlines()[0] == "seed 7, 2 h 1 min, 3 steps"
    rows = [line.split() for line in text.splitlines()]
    assert ["moved", "2", "2", "19.0"] in rows and ["cancelled", "1", "1", "9.0"] in rows


def test_nothing_wrong_is_no_problem() -> None:
    assert record().problems() == []


def test_each_problem_is_said() -> None:
    bad = record()
    bad.steps[2] = Done("cancelled", 9.0, "host1", "it moved in spite of that")
    bad.connections_lost = 1
    bad.wrong = ["denied: {}"]
    bad.after = {"host1": STATE, "host2": STATE | {CLAIMS: 2}}
    assert bad.problems() == [
        "step 3, cancelled: it moved in spite of that", "connections lost: 1", "denied: {}",
        f"host2: {CLAIMS}: 1 before, 2 after",
    ]
    assert ["cancelled", "1", "0", "9.0"] in [line.split() for line in table(bad).splitlines()]
    assert bad.to_json()["problems"] == bad.problems()


def test_warm_up_alone_is_reported() -> None:
    assert "2 steps" in table(Record(7, 60.0, record().steps[:2], 1))


@pytest.mark.parametrize("arguments, words", [
    (["--seed", "3"], "--soak"),
    (["--json", "x.json"], "--soak"),
    (["--soak", "0"], "hours"),
    (["--soak", "nan"], "hours"),
    (["--soak", "1", "--json", "/no/such/folder/x.json"], "/no/such/folder"),
])
def test_senseless_command_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        check.main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_options_reach_the_soak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[object] = []

    def soaked(*arguments: object) -> int:
        called.extend(arguments)
        return 0

    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("vferry_tests.soak.main", soaked)
    monkeypatch.chdir(tmp_path)
    assert check.main(["--soak", "0.5", "--seed", "3", "--json", "x.json"]) == 0
    assert called == [0.5, 3, tmp_path / "x.json"]
