# SPDX-License-Identifier: LGPL-2.1-or-later
"""However a lab ends, nothing is left of it; a second one of its name is refused at once."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vferry_lab import lab
from vferry_lab.errors import LabError
from vferry_tests import paths

pytestmark = pytest.mark.lab

TOOL = paths.ROOT / "lab" / "lab"
NAME = "ends"
LIMIT = 60.0  # seconds


@pytest.fixture
def runner() -> Iterator[subprocess.Popen[str]]:
    """Somebody who has started a lab of one host, which is booting."""
    with subprocess.Popen(
        [TOOL, "up", "--name", NAME, "--hosts", "1"], text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert any("booting" in line for line in process.stderr)
            yield process
        finally:
            process.kill()
            lab.down(NAME)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left(runner: subprocess.Popen[str], number: signal.Signals) -> None:
    facts = lab.describe(NAME)
    assert facts is not None
    runner.send_signal(number)
    runner.wait(LIMIT)
    end = time.monotonic() + LIMIT
    # Every process of a lab holds its lock.
    while NAME in lab.names():
        assert time.monotonic() < end, "processes of the lab live on"
        time.sleep(0.1)
    assert not lives(facts["holder"])


def lives(pid: int) -> bool:
    """A process that has ended, and that nobody has asked about yet, does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_second_one_of_the_name_is_refused(runner: subprocess.Popen[str]) -> None:
    assert runner.poll() is None
    with pytest.raises(LabError, match=f"lab '{NAME}' is up already"):
        lab.Lab(NAME, hosts=1).start()
    assert NAME in lab.names()
