# SPDX-License-Identifier: LGPL-2.1-or-later
"""The strips of a time line's picture, from the top downwards, and their common axis.

What a time line lacks is left out of its strip, which says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .svg import LEFT, RIGHT, Sheet
from .timeline import Arc, Report, Timeline, vf_stop

SIDES = ("source", "target")
KNOWN_PHASES = ("set-up", "pre-copy", "completion")
NICE = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)  # where a scale may end, times a power of ten
STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800)
MIB = 1 << 20
TOGETHER = 0.05  # seconds between dirty reports that are one
SHORTEST = 0.001  # seconds in which bytes make a rate
DIGIT = 6.6  # pixels, at most


def silence(line: Timeline) -> tuple[float, float] | None:
    """The longest time without a reply during the move: last one before, first one after."""
    pairs = [(earlier, later) for earlier, later in zip(line.replies, line.replies[1:])
             if later >= 0 and earlier <= line.total]
    return max(pairs, key=lambda pair: pair[1] - pair[0]) if pairs else None


def phases(sheet: Sheet, line: Timeline) -> None:
    _head(sheet, "phases" + (" and the VF's arcs" if line.arcs else ""))
    at: float = RIGHT
    for phase in reversed(line.phases):
        words = f"{cut(phase.name, 30)} {seconds(phase.length)}"
        at -= len(words) * 5.8
        if at < LEFT + 200:
            break
        sheet.text(at, sheet.y - 8, words, "muted")
        at -= 13
        sheet.rect(at, sheet.y - 16, 9, 9, _phase_kind(phase.name))
        at -= 12
    for phase in line.phases:
        sheet.span(phase.start, phase.length, sheet.y, 18, f"phase {_phase_kind(phase.name)}",
                   f"{phase.name}: {seconds(phase.length)}")
    if not line.phases:
        _nothing(sheet, 13)
    sheet.y += 26
    for side in SIDES:
        arcs = [arc for arc in line.arcs if arc.side == side and sheet.shows(arc.start)]
        if not arcs:
            continue
        _lane(sheet, side, 14)
        for arc in arcs:
            sheet.span(arc.start, arc.length, sheet.y + 1, 12, f"arc {side}",
                       f"{arc_words(arc)}: {ms(arc.length)}", least=1.5)
        sheet.y += 19
    sheet.y += 9


def ping(sheet: Sheet, line: Timeline) -> None:
    _head(sheet, "replies to the peer's ping")
    gap = silence(line)
    _lane(sheet, "ping", 18)
    for when in line.replies:
        if sheet.shows(when):
            sheet.rect(sheet.x(when) - 0.5, sheet.y, 1, 18, "reply")
    if not line.replies:
        _nothing(sheet, 13)
    sheet.y += 24
    if gap is not None:
        _measure(sheet, "no reply", gap[0], gap[1] - gap[0])
    stop = vf_stop(line.arcs)
    if stop is not None:
        _measure(sheet, "downtime", stop, line.downtime)
    sheet.y += 9


def memory(sheet: Sheet, line: Timeline) -> None:
    _head(sheet, "memory still to send", "MiB")
    height = 84.0
    samples = [each for each in line.memory if sheet.shows(each.time)]
    if samples:
        most = _scale(sheet, max(each.remaining for each in samples) / MIB, height, "muted end",
                      LEFT)
        bottom = sheet.y + height

        def y(value: float, full: float) -> float:
            return bottom - height * value / full

        points = [(sheet.x(each.time), y(each.remaining / MIB, most)) for each in samples]
        sheet.path([(points[0][0], bottom), *points, (points[-1][0], bottom)], "memory faint", True)
        sheet.path(points, "outline line")
        for each, (x, top) in zip(samples, points):
            sheet.rect(x - 2, top - 2, 4, 4, "memory sample", f"{each.remaining / MIB:.1f} MiB")
        if any(each.dirty_rate for each in samples):
            rate = _scale(sheet, max(each.dirty_rate for each in samples), height, "muted", RIGHT)
            sheet.path([(sheet.x(each.time), y(each.dirty_rate, rate)) for each in samples],
                       "rate line dashed")
            sheet.text(RIGHT + 8, sheet.y - 8, "pages/s", "muted")
            sheet.text(RIGHT, sheet.y - 8, "dirtied by the guest", "muted end")
            sheet.line(RIGHT - 144, sheet.y - 12, RIGHT - 120, sheet.y - 12, "rate line dashed")
    else:
        _nothing(sheet, height / 2)
    sheet.y += height + 14
    _reports(sheet, line)


def _reports(sheet: Sheet, line: Timeline) -> None:
    """What the VF's dirty log reported: a stem with its number of pages."""
    found = [each for each in together(line.reports) if sheet.shows(each.time)]
    if not found:
        sheet.y += 9
        return
    sheet.y += 8
    _head(sheet, f"pages that the VF's log reported dirty: {sum(each.pages for each in found):,}")
    sheet.y += 10
    height, most = 22.0, max(each.pages for each in found) or 1
    _lane(sheet, "VF log", height)
    labels: list[tuple[float, float]] = []
    for each in sorted(found, key=lambda report: -report.pages):  # the highest is labelled
        x, top = sheet.x(each.time), sheet.y + height * (1 - each.pages / most)
        sheet.line(x, sheet.y + height, x, top, "stem line")
        sheet.rect(x - 2, top - 2, 4, 4, "log report", f"{each.pages} pages")
        half = len(f"{each.pages:,}") * DIGIT / 2
        if each.pages and all(abs(x - at) > half + other for at, other in labels):
            sheet.text(x, top - 6, f"{each.pages:,}", "muted middle")
            labels.append((x, half + 2))
    sheet.y += height + 14


def stream(sheet: Sheet, line: Timeline) -> None:
    _head(sheet, "TCP stream from the guest, as it arrived at the peer", "kB/s")
    height = 70.0
    seen = [each for each in line.received if sheet.shows(each.time)]
    rates = [(first.time, then.time - first.time,
              (then.bytes - first.bytes) / 1000 / (then.time - first.time))
             for first, then in zip(seen, seen[1:]) if then.time - first.time >= SHORTEST]
    if rates:
        most = _scale(sheet, max(rate for _, _, rate in rates), height, "muted end", LEFT)
        for start, length, rate in rates:
            tall = height * rate / most
            sheet.span(start + 0.02, max(length - 0.04, 0), sheet.y + height - tall, tall,
                       "stream rate-bar", f"{rate:.1f} kB/s")
    else:
        _nothing(sheet, height / 2)
    sheet.y += height


def axis(sheet: Sheet, top: float) -> None:
    step = next((each for each in STEPS if each * 14 >= sheet.last - sheet.first), STEPS[-1])
    sheet.line(LEFT, sheet.y, RIGHT, sheet.y, "axis thin")
    for number in range(math.ceil(sheet.first / step), math.floor(sheet.last / step) + 1):
        x = sheet.x(number * step)
        sheet.line(x, top + 26, x, sheet.y, "grid thin")
        sheet.line(x, sheet.y, x, sheet.y + 4, "axis thin")
        sheet.text(x, sheet.y + 16, f"{number * step:g}", "muted middle")
    sheet.text((LEFT + RIGHT) / 2, sheet.y + 32, "seconds since virsh migrate was started",
               "muted middle")


def bands(sheet: Sheet, line: Timeline, top: float) -> None:
    """Behind all strips: when nobody answered, and when the guest stood still."""
    gap, stop = silence(line), vf_stop(line.arcs)
    if gap is not None:
        sheet.span(gap[0], gap[1] - gap[0], top + 26, sheet.y - top - 26, "stopped silence",
                   behind=True)
    if stop is not None:
        sheet.span(stop, line.downtime, top + 26, sheet.y - top - 26, "stopped standing",
                   behind=True)


def together(reports: Sequence[Report]) -> list[Report]:
    """Reports of many ranges at one time as one."""
    found: list[Report] = []
    for each in sorted(reports, key=lambda report: report.time):
        if found and each.time - found[-1].time < TOGETHER:
            found[-1] = Report(found[-1].time, found[-1].pages + each.pages)
        else:
            found.append(each)
    return found


def _head(sheet: Sheet, words: str, unit: str = "") -> None:
    sheet.y += 14
    sheet.text(LEFT, sheet.y, words, "head text")
    sheet.text(LEFT - 8, sheet.y, unit, "muted end")
    sheet.y += 8


def _lane(sheet: Sheet, name: str, height: float) -> None:
    sheet.text(LEFT - 8, sheet.y + height / 2 + 4, name, "muted end")
    sheet.line(LEFT, sheet.y + height, RIGHT, sheet.y + height, "grid thin")


def _measure(sheet: Sheet, name: str, start: float, length: float) -> None:
    """A bar with its length beside it, on the side where there is room."""
    sheet.text(LEFT - 8, sheet.y + 8, name, "muted end")
    sheet.span(start, length, sheet.y + 1, 7, f"stopped {name.replace(' ', '-')}",
               f"{name}: {ms(length)}", least=1)
    if sheet.x(start + length) < RIGHT - 60:
        sheet.text(sheet.x(start + length) + 6, sheet.y + 8, ms(length))
    else:
        sheet.text(sheet.x(start) - 6, sheet.y + 8, ms(length), "text end")
    sheet.y += 15


def _scale(sheet: Sheet, most: float, height: float, kind: str, x: float) -> float:
    """Three lines with numbers; the value at the top."""
    top = _nice(most)
    for part in (0, 0.5, 1):
        y = sheet.y + height * (1 - part)
        sheet.line(LEFT, y, RIGHT, y, "grid thin")
        sheet.text(x - 8 if kind.endswith("end") else x + 8, y + 4, f"{top * part:,g}", kind)
    return top


def _nice(most: float) -> float:
    """The next round number."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next((factor * power for factor in NICE if factor * power >= most * 0.9999), 10 * power)


def _nothing(sheet: Sheet, y: float) -> None:
    sheet.text(LEFT + 8, sheet.y + y, "not recorded", "muted")


def _phase_kind(name: str) -> str:
    return name if name in KNOWN_PHASES else "stopped"


def arc_words(arc: Arc) -> str:
    return f"{arc.from_state} → {arc.to_state}"


def cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[:most - 1] + "…"


def seconds(length: float) -> str:
    return f"{length:.1f} s" if length >= 0.1 else ms(length)


def ms(length: float) -> str:
    ms = length * 1000
    return f"{ms:,.0f} ms" if ms >= 100 else f"{ms:.1f} ms" if ms >= 1 else f"{ms:.2f} ms"


