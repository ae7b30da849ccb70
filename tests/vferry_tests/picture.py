# SPDX-License-Identifier: LGPL-2.1-or-later
"""The time line of a move as an SVG: four strips on one axis, and a table of the arcs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vferry_lab.errors import LabError

from . import run_file, strips
from .run_file import MoveRecord
from .strips import arc_words, cut, ms
from .svg import Sheet
from .timeline import AFTER, BEFORE

MARGIN = 20
ROWS = 10  # of arcs in the table, each side
MISSING = 4  # lines about what is not known


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="tests/draw_timeline",
        description="Draws the time line of a move out of what ./demo --json wrote.",
        epilog="Exit status: 0 if it is drawn, 1 if not, 2 for a wrong call.",
    )
    parser.add_argument("run", type=Path, metavar="RUN.json")
    parser.add_argument("svg", type=Path, metavar="OUT.svg")
    parser.add_argument("--move", type=int, default=1, metavar="N",
                        help="the move with a VF of this number; 0: the one without "
                             "(default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        picture = draw(run_file.load(options.run, options.move))
        options.svg.write_text(picture, encoding="utf-8")
    except LabError as error:
        print(f"draw_timeline: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"draw_timeline: {options.svg}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def draw(move: MoveRecord) -> str:
    """The whole picture."""
    line = move.timeline
    title, subtitle = _titles(move)
    sheet = Sheet(title, subtitle, -BEFORE, line.total + AFTER)
    sheet.text(MARGIN, 30, cut(title, 70), "title text")
    sheet.text(MARGIN, 50, cut(subtitle, 120), "muted")
    sheet.y = top = 66.0
    strips.phases(sheet, line)
    strips.ping(sheet, line)
    strips.memory(sheet, line)
    strips.stream(sheet, line)
    strips.axis(sheet, top)
    strips.bands(sheet, line, top)
    sheet.y += 42
    _arcs(sheet, move)
    for words in line.missing[:MISSING]:
        sheet.text(MARGIN, sheet.y, cut(f"not recorded: {words}", 120), "muted")
        sheet.y += 16
    return sheet.finish()


def _titles(move: MoveRecord) -> tuple[str, str]:
    line = move.timeline
    if not move.left:
        title = "A guest without VF moves"
    else:
        title = f"A guest moves with its VF, {move.direction}"
    facts = [f"{line.total:.1f} s in all", f"{ms(line.downtime)} downtime"]
    if move.left:
        facts.insert(0, f"VF {move.left} at the source, {move.got} at the target")
    return title, "  ·  ".join(facts)


def _arcs(sheet: Sheet, move: MoveRecord) -> None:
    """The table: beginning, states and length of each arc, a column each side."""
    line = move.timeline
    if not line.arcs:
        sheet.y += 6
        return
    sheet.y += 16
    ends = []
    for side, left, vf in (("source", MARGIN, move.left), ("target", 415, move.got)):
        arcs = sorted((arc for arc in line.arcs if arc.side == side), key=lambda arc: arc.start)
        sheet.text(left, sheet.y, cut(f"{side}: VF {vf}", 45), "head text")
        y = sheet.y
        for arc in arcs[:ROWS]:
            y += 16
            sheet.text(left + 52, y, f"{arc.start:.3f} s", "muted end")
            sheet.text(left + 62, y, cut(arc_words(arc), 40))
            sheet.text(left + 365, y, ms(arc.length), "text end")
        if len(arcs) > ROWS:
            y += 16
            sheet.text(left + 62, y, f"and {len(arcs) - ROWS} more", "muted")
        ends.append(y)
    sheet.y = max(ends) + 20


if __name__ == "__main__":
    sys.exit(main())
