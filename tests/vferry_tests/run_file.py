# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `./demo --json` wrote, read back: the time line of one move, and whose it is.

The file may come from anywhere: what is missing is taken as not known, what is wrong is
refused with the place where it stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from vferry_lab.errors import LabError

from .memory_watch import Memory
from .timeline import Arc, Phase, Received, Report, Timeline

T = TypeVar("T")

MAX_BYTES = 16 << 20
MAX_ITEMS = 20_000  # of a list
MAX_SECONDS = 86400.0
MAX_COUNT = 1 << 53  # bytes, pages
MAX_TEXT = 300  # characters


@dataclass(frozen=True)
class MoveRecord:
    """A move in a run's file; direction, left and got are '' for a guest without VF."""

    direction: str
    left: str
    got: str
    timeline: Timeline


@dataclass(frozen=True)
class Value:
    """Something in the file, and the way to it ("moves[0].timeline")."""

    where: str
    content: Any

    def wrong(self, wanted: str) -> LabError:
        return LabError(f"{self.where or 'the file'}: not {wanted}")

    def get(self, key: str) -> Value:
        """A member of an object; its content is None if there is none."""
        if not isinstance(self.content, dict):
            raise self.wrong("an object")
        return Value(f"{self.where}.{key}".lstrip("."), self.content.get(key))

    @property
    def items(self) -> list[Value]:
        """Of a list; none if there is no list."""
        if self.content is None:
            return []
        if not isinstance(self.content, list) or len(self.content) > MAX_ITEMS:
            raise self.wrong(f"a list of at most {MAX_ITEMS} items")
        return [Value(f"{self.where}[{index}]", item) for index, item in enumerate(self.content)]

    def seconds(self, least: float = 0.0) -> float:
        value = self.content
        if (not isinstance(value, (int, float)) or isinstance(value, bool)
                or not least <= value <= MAX_SECONDS):
            raise self.wrong(f"a number from {least:g} to {MAX_SECONDS:g}")
        return float(value)

    def time(self) -> float:
        return self.seconds(-MAX_SECONDS)

    def count(self) -> int:
        value = self.content
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
            raise self.wrong("a whole number of bytes or pages")
        return value

    def text(self) -> str:
        """A line of text, '' if there is none."""
        value = "" if self.content is None else self.content
        if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
            raise self.wrong(f"a line of at most {MAX_TEXT} characters")
        return value


def load(path: Path, number: int) -> MoveRecord:
    """Move number `number` of a run's file: 1 is the first with a VF, 0 the one without.

    Raises LabError with one line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise LabError(f"{path}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise LabError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
    try:
        run = Value("", json.loads(content))
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path}: no JSON") from error
    try:
        return _record(_move(run, number))
    except LabError as error:
        raise LabError(f"{path}: {error}") from error


def _move(run: Value, number: int) -> Value:
    if number == 0:
        move = run.get("baseline")
        if move.content is None:
            raise LabError("no move without a VF is in it")
        return move
    moves = run.get("moves").items
    if not 1 <= number <= len(moves):
        raise LabError(f"no move {number} is in it, of {len(moves)} with a VF")
    return moves[number - 1]


def _record(move: Value) -> MoveRecord:
    timeline = move.get("timeline")
    if timeline.content is None:
        raise LabError(f"{move.where}: without a time line")
    return MoveRecord(
        direction=move.get("direction").text(),
        left=move.get("left").text(),
        got=move.get("got").text(),
        timeline=_timeline(timeline),
    )


def _timeline(value: Value) -> Timeline:
    def each(key: str, read: Callable[[Value], T]) -> list[T]:
        return [read(item) for item in value.get(key).items]

    total = value.get("total").seconds()
    if total <= 0:
        raise value.get("total").wrong("a time")
    timeline = Timeline(
        total=total,
        downtime=value.get("downtime").seconds(),
        phases=each("phases", lambda item: Phase(
            item.get("name").text(), item.get("start").time(), item.get("length").seconds())),
        arcs=each("arcs", _arc),
        replies=each("replies", Value.time),
        memory=each("memory", lambda item: Memory(
            item.get("time").time(), item.get("remaining").count(),
            item.get("dirty_rate").count())),
        reports=each("reports", lambda item: Report(
            item.get("time").time(), item.get("pages").count())),
        received=each("received", lambda item: Received(
            item.get("time").time(), item.get("bytes").count())),
        missing=each("missing", Value.text),
    )
    _require_order(value.get("replies"), timeline.replies)
    _require_order(value.get("memory"), [sample.time for sample in timeline.memory])
    _require_order(value.get("received"), [sample.time for sample in timeline.received])
    _require_order(value.get("received"), [sample.bytes for sample in timeline.received])
    return timeline


def _arc(value: Value) -> Arc:
    side = value.get("side")
    if side.content not in ("source", "target"):
        raise side.wrong("'source' or 'target'")
    return Arc(side.content, value.get("from_state").text(), value.get("to_state").text(),
               value.get("start").time(), value.get("length").seconds())


def _require_order(value: Value, numbers: Sequence[float]) -> None:
    if any(later < earlier for earlier, later in zip(numbers, numbers[1:])):
        raise value.wrong("in the order of time")
