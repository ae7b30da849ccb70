# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can go wrong in the lab, each with a message for the one who runs it."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what it was asked to; the text says why and what to do."""


class CommandError(LabError):
    """A command in a host, in the peer or in the tree failed."""

    def __init__(self, where: str, command: str, returncode: int, stdout: str, stderr: str) -> None:
        self.where = where
        self.command = command
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        text = f"{where}: '{command}' ended with {returncode}"
        tail = (stderr.strip() or stdout.strip())[-2000:]
        super().__init__(f"{text}: {tail}" if tail else text)


class CommandTimeout(LabError):
    """A command did not end within its time limit; it was killed."""

    def __init__(self, where: str, command: str, seconds: float, stdout: str, stderr: str) -> None:
        self.where = where
        self.command = command
        self.stdout = stdout
        self.stderr = stderr
        text = f"{where}: '{command}' did not end within {seconds:g} s"
        tail = (stderr.strip() or stdout.strip())[-2000:]
        super().__init__(f"{text}: {tail}" if tail else text)
