# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands inside the lab: run to their end within a limit, or in the background."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import IO

from .errors import CommandError, CommandTimeout

Command = str | Sequence[str]
Result = subprocess.CompletedProcess[str]


def shell_line(command: Command) -> str:
    """A shell line as it is, or an argument vector as a shell line."""
    return command if isinstance(command, str) else shlex.join(command)


def run(
    where: str, arguments: list[str], shown: str, timeout: float,
    stdin: str | None = None, check: bool = True,
) -> Result:
    """Run arguments (on this machine) to the end and return what they wrote.

    where and shown are what errors call the place and the command. After
    timeout seconds all of it is killed and CommandTimeout raised; a non-zero
    exit raises CommandError unless check is False.
    """
    process = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace", start_new_session=True,
    )
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill_group(process)
        stdout, stderr = process.communicate()
        raise CommandTimeout(where, shown, timeout, stdout, stderr) from None
    except BaseException:
        _kill_group(process)
        process.wait()
        raise
    if check and process.returncode != 0:
        raise CommandError(where, shown, process.returncode, stdout, stderr)
    return subprocess.CompletedProcess(shown, process.returncode, stdout, stderr)


class Background:
    """A command that goes on while the caller does something else.

    Ends at the latest with the `with` block it is used in, or with the lab.
    """

    def __init__(
        self, arguments: list[str], where: str, shown: str,
        stop: Callable[[Background, int], None] | None = None,
    ) -> None:
        self.where = where
        self.command = shown
        self._stop = stop
        self._process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self.stdin: IO[str] = self._process.stdin
        self.stdout: IO[str] = self._process.stdout
        self.stderr: IO[str] = self._process.stderr

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def poll(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.poll()

    def line(self, timeout: float) -> str:
        """The next line of standard output without its end; '' at the end of output."""
        late = threading.Event()

        def give_up() -> None:
            late.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, give_up)
        timer.start()
        try:
            line = self.stdout.readline()
        finally:
            timer.cancel()
        if late.is_set():
            raise CommandTimeout(self.where, self.command, timeout, line, "")
        return line.rstrip("\n")

    def communicate(self, timeout: float) -> tuple[str, str]:
        """Wait for the end and return what is left of standard output and error."""
        try:
            return self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            stdout, stderr = self._process.communicate()
            raise CommandTimeout(self.where, self.command, timeout, stdout, stderr) from None

    def wait(self, timeout: float) -> int:
        """Wait for the end; who expects much output uses communicate."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise CommandTimeout(self.where, self.command, timeout, "", "") from None

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is not None:
            return
        if self._stop is not None:
            self._stop(self, number)
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def __enter__(self) -> Background:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.poll() is None:
            self.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        _kill_group(self._process)
        for stream in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                stream.close()


def _kill_group(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
