# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel's driver core, played while a hook runs, and its death at a chosen moment.

System calls of the hook and its children that change something wait in seccomp until the
thread here has looked at them: write(2), which has its effect in the mocked sysfs by the
time it returns, and what makes, renames and removes files. So no test waits for anything.
"""

from __future__ import annotations

import array
import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import threading
from collections.abc import Callable

from hook_host import LIBC, Host, Result

NR_SECCOMP = 317
SET_MODE_FILTER = 1
FLAG_NEW_LISTENER = 8
RET_USER_NOTIF = 0x7FC00000
RET_ALLOW = 0x7FFF0000
NOTIF_RECV = 0xC0502100
NOTIF_SEND = 0xC0182101
FLAG_CONTINUE = 1
NOTIF = struct.Struct("=QIIiIQ6Q")
ANSWER = struct.Struct("=QqiI")

# Numbers of x86-64, where all this is tested.
CALLS_X86_64 = {1: "write", 82: "rename", 83: "mkdir", 87: "unlink", 258: "mkdirat",
                263: "unlinkat", 264: "renameat", 316: "renameat2"}
NR_OPENAT = 257
O_CREAT = 0o100

BPF_LOAD = 0x20
BPF_EQUAL = 0x15
BPF_AND_BITS = 0x45
BPF_RETURN = 0x06


def _program() -> bytes:
    """The filter: notify of each call in the table, and of an openat() that may make a file."""
    def op(code: int, yes: int, no: int, value: int) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    numbers = list(CALLS_X86_64)
    lines = [op(BPF_LOAD, 0, 0, 0)]
    # Behind the list: 3 instructions for openat, then allow, then notify.
    for index, number in enumerate(numbers):
        lines.append(op(BPF_EQUAL, len(numbers) - index - 1 + 4, 0, number))
    lines += [
        op(BPF_EQUAL, 0, 2, NR_OPENAT),
        op(BPF_LOAD, 0, 0, 16 + 8 * 2),
        op(BPF_AND_BITS, 1, 0, O_CREAT),
        op(BPF_RETURN, 0, 0, RET_ALLOW),
        op(BPF_RETURN, 0, 0, RET_USER_NOTIF),
    ]
    return b"".join(lines)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def install_filter() -> int:
    """In the process that it is for; returns the listener's descriptor."""
    code = _program()
    program = _Program(len(code) // 8, code)
    listener = LIBC.syscall(NR_SECCOMP, SET_MODE_FILTER, FLAG_NEW_LISTENER,
                            ctypes.byref(program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(listener)


class DriverCore:
    """What drivers do with the host's VFs."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.refusing: set[str] = set()
        self.log: list[str] = []

    def write(self, name: str, value: str) -> int:
        """A write to a file of /sys/bus/pci; returns an errno."""
        self.log.append(f"{name} {value.strip()}")
        folder, _, attribute = name.rpartition("/")
        if name == "drivers_probe":
            return self._probe(value)
        if attribute == "unbind":
            return self._unbind(folder.rpartition("/")[2], value)
        if attribute == "driver_override":
            override = value.strip() or "(null)"
            (self.host.root / "pci" / name).write_text(f"{override}\n")
            return 0
        return errno.EACCES

    def _unbind(self, driver: str, vf: str) -> int:
        if self.host.driver(vf) != driver:
            return errno.ENODEV
        self.host.detach(vf)
        return 0

    def _probe(self, vf: str) -> int:
        driver = self.host.override(vf) or "igbvf"
        if self.host.driver(vf) is None and driver not in self.refusing:
            self.host.attach(vf, driver)
        return 0


class Kernel:
    """Runs hooks on a host with a driver core."""

    def __init__(self, host: Host) -> None:
        self.core = DriverCore(host)
        self.host = host
        self.calls: list[str] = []

    def hook(self, operation: str, xml: str, extra: str = "-", kill_at: int = 0) -> Result:
        """As Host.hook(), killed with all its children before its kill_at'th call, if any."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.calls = []

        def before_exec() -> None:
            listener = install_filter()
            theirs.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                     array.array("i", [listener]))])
            os.close(listener)

        running = self.host.start("guest", operation,
                                  "end" if operation == "release" else "begin", extra, xml,
                                  before_exec)
        _, ancillary, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
        listener = array.array("i", ancillary[0][2])[0]
        ours.close()
        theirs.close()
        thread = threading.Thread(target=self._serve, args=(listener, kill_at, running.kill))
        thread.start()
        result = running.wait()
        thread.join()
        os.close(listener)
        return result

    def _serve(self, listener: int, kill_at: int, kill: Callable[[], None]) -> None:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        # It hangs up when the last process with the filter has ended.
        while all(not events & select.POLLHUP for _, events in poll.poll()):
            buffer = bytearray(NOTIF.size)
            try:
                fcntl.ioctl(listener, NOTIF_RECV, buffer)
            except OSError:  # it was killed meanwhile
                continue
            number, pid, _, call, _, _, *arguments = NOTIF.unpack(buffer)
            if self._is_of_a_pipe(pid, call, arguments):
                answer = ANSWER.pack(number, 0, 0, FLAG_CONTINUE)
            else:
                self.calls.append(self._describe(pid, call, arguments))
                if len(self.calls) == kill_at:
                    kill()
                    continue
                answer = ANSWER.pack(number, *self._answer(pid, call, arguments))
            try:
                fcntl.ioctl(listener, NOTIF_SEND, bytearray(answer))
            except OSError:
                continue

    def _path(self, pid: int, descriptor: int) -> str:
        try:
            return os.readlink(f"/proc/{pid}/fd/{descriptor}")
        except OSError:
            return ""

    def _is_of_a_pipe(self, pid: int, call: int, arguments: list[int]) -> bool:
        """Between a process and its child: nothing outlives it."""
        return call == 1 and not self._path(pid, arguments[0]).startswith("/")

    def _describe(self, pid: int, call: int, arguments: list[int]) -> str:
        name = CALLS_X86_64.get(call, "openat")
        return f"{name} {self._path(pid, arguments[0])}" if call == 1 else name

    def _answer(self, pid: int, call: int, arguments: list[int]) -> tuple[int, int, int]:
        """Value, error and flags of the answer."""
        path = self._path(pid, arguments[0]) if call == 1 else ""
        head, found, name = path.partition("/pci/")
        if not found:
            return 0, 0, FLAG_CONTINUE
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(arguments[1])
            value = memory.read(arguments[2]).decode()
        number = self.core.write(name, value)
        return (0, -number, 0) if number else (arguments[2], 0, 0)
