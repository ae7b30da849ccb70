# SPDX-License-Identifier: LGPL-2.1-or-later
"""The paper of a picture: an SVG with a time axis, in light and dark."""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

WIDTH = 800
LEFT, RIGHT = 82, 736  # of what lies on the time axis

# Colour of each class on light and on dark paper.
FILLS = {
    "paper": ("#ffffff", "#0d1117"),
    "text": ("#1f2328", "#f0f6fc"),
    "muted": ("#59636e", "#9198a1"),
    "set-up": ("#c3cad2", "#484f58"),
    "pre-copy": ("#9ec5f0", "#2f6bb0"),
    "stopped": ("#d9480f", "#f4793b"),
    "completion": ("#98a1ab", "#6e7681"),
    "arc": ("#1f2328", "#f0f6fc"),
    "reply": ("#59636e", "#9198a1"),
    "memory": ("#2a78d6", "#4f95e8"),
    "log": ("#6d4fc4", "#a78bfa"),
    "stream": ("#1a936f", "#2bb58a"),
}
STROKES = {
    "grid": ("#e4e8ec", "#262c34"),
    "axis": ("#98a1ab", "#6e7681"),
    "outline": ("#2a78d6", "#4f95e8"),
    "rate": ("#b35900", "#e3b341"),
    "stem": ("#6d4fc4", "#a78bfa"),
}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
PLAIN = """
text { font-family: %s; font-size: 11px; font-variant-numeric: tabular-nums; }
.title { font-size: 16px; font-weight: 600; }
.head { font-size: 12px; font-weight: 600; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.line { fill: none; stroke-width: 1.5; }
.thin { fill: none; stroke-width: 1; }
.dashed { stroke-dasharray: 4 3; }
.faint { fill-opacity: 0.22; }
.silence { fill-opacity: 0.09; }
.standing { fill-opacity: 0.16; }
"""


class Sheet:
    """Elements from the top downwards; y is where the next part goes."""

    def __init__(self, title: str, description: str, first: float, last: float) -> None:
        """first, last: times at the ends of the axis, in seconds."""
        self.first, self.last = first, last
        self.y = 0.0
        self._root = Element("svg", {
            "xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-labelledby": "t d"})
        SubElement(self._root, "title", id="t").text = title
        SubElement(self._root, "desc", id="d").text = description
        SubElement(self._root, "style").text = _style()
        self._paper = self.rect(0, 0, WIDTH, 0, "paper")
        self._behind = SubElement(self._root, "g")

    def x(self, time: float) -> float:
        """Where a time lies; the ends of the axis for one beyond."""
        time = min(max(time, self.first), self.last)
        return LEFT + (RIGHT - LEFT) * (time - self.first) / (self.last - self.first)

    def shows(self, time: float) -> bool:
        return self.first <= time <= self.last

    def rect(self, x: float, y: float, width: float, height: float, kind: str,
             tip: str = "", behind: bool = False) -> Element:
        """kind: classes; tip: what a browser shows at the pointer."""
        return self._add("rect", kind, tip, behind, x=x, y=y, width=width, height=height)

    def span(self, start: float, length: float, y: float, height: float, kind: str,
             tip: str = "", behind: bool = False, least: float = 0.0) -> Element:
        """A rect from a time on; least: pixels that it is wide at least."""
        left = self.x(start)
        width = max(self.x(start + length) - left, least)
        return self.rect(left, y, width, height, kind, tip, behind)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self._add("line", kind, behind="grid" in kind, x1=x1, y1=y1, x2=x2, y2=y2)

    def path(self, points: list[tuple[float, float]], kind: str, closed: bool = False) -> None:
        steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self._add("path", kind).set("d", f"M{steps}{'Z' if closed else ''}")

    def text(self, x: float, y: float, words: str, kind: str = "text") -> None:
        self._add("text", kind, x=x, y=y).text = words

    def finish(self) -> str:
        """The document; its height is y."""
        self._paper.set("height", f"{self.y:g}")
        self._root.set("viewBox", f"0 0 {WIDTH} {self.y:g}")
        self._root.set("width", str(WIDTH))
        self._root.set("height", f"{self.y:g}")
        ElementTree.indent(self._root)
        licence = "<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->\n"
        return licence + ElementTree.tostring(self._root, encoding="unicode") + "\n"

    def _add(self, tag: str, kind: str, tip: str = "", behind: bool = False,
             **places: float) -> Element:
        attributes = {name: f"{value:.2f}" for name, value in places.items()}
        parent = self._behind if behind else self._root
        element = SubElement(parent, tag, {"class": kind, **attributes})
        if tip:
            SubElement(element, "title").text = tip
        return element


def _style() -> str:
    light, dark = ("\n".join(
        [f".{name} {{ fill: {pair[shade]}; }}" for name, pair in FILLS.items()]
        + [f".{name} {{ stroke: {pair[shade]}; }}" for name, pair in STROKES.items()]
    ) for shade in (0, 1))
    return f"{PLAIN % FONT}{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n"
