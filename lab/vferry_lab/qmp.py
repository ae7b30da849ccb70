# SPDX-License-Identifier: LGPL-2.1-or-later
"""One QMP command to a host's QEMU (protocol: QEMU's docs/interop/qmp-spec)."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

from .errors import LabError


def execute(path: Path, command: str, arguments: dict[str, Any], timeout: float) -> Any:
    """Run one command and return its "return" value.

    Raises LabError if QEMU refuses it, is gone or does not answer within timeout seconds.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout)
            connection.connect(str(path))
            with connection.makefile("rw", encoding="utf-8") as stream:
                json.loads(stream.readline())  # greeting
                _ask(stream, {"execute": "qmp_capabilities"})
                return _ask(stream, {"execute": command, "arguments": arguments})
    except (OSError, ValueError) as error:
        raise LabError(f"QMP '{command}' on {path}: {error}") from error


def _ask(stream: Any, message: dict[str, Any]) -> Any:
    stream.write(json.dumps(message) + "\n")
    stream.flush()
    while True:
        line = stream.readline()
        if not line:
            raise ValueError("QEMU closed the connection")
        answer = json.loads(line)
        if "error" in answer:
            raise LabError(f"QMP '{message['execute']}': {answer['error']['desc']}")
        if "return" in answer:
            return answer["return"]
