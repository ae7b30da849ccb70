# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/draw_timeline: a made-up run as a picture, and files that are no run."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from vferry_tests import demo, paths, picture, run_file, strips, svg
from vferry_tests.figures import Figures, VFFigures
from vferry_tests.memory_watch import Memory
from vferry_tests.run_file import MoveRecord
from vferry_tests.timeline import Arc, Phase, Received, Report, Timeline

STOP, RUN = 8.0, 9.5


def made_up() -> dict[str, Any]:
    """A run of two moves; the first took 12 s, the guest stood still for 1.2 s."""
    line = {
        "total": 12.0,
        "downtime": 1.2,
        "phases": [
            {"name": "set-up", "start": 0.0, "length": 2.0},
            {"name": "pre-copy", "start": 2.0, "length": 6.0},
            {"name": "VF stopped", "start": STOP, "length": RUN - STOP},
            {"name": "completion", "start": RUN, "length": 12.0 - RUN},
        ],
        "arcs": [
            {"side": "source", "from_state": "PRE_COPY", "to_state": "PRE_COPY_P2P",
             "start": STOP, "length": 0.004},
            {"side": "source", "from_state": "PRE_COPY_P2P", "to_state": "STOP_COPY",
             "start": 8.1, "length": 0.5},
            {"side": "target", "from_state": "RUNNING_P2P", "to_state": "RUNNING",
             "start": 9.4, "length": 0.1},
        ],
        "replies": [-1.0, 1.0, 3.0, 5.0, 7.5, 10.5, 11.0, 13.0],
        "memory": [{"time": 3.0, "remaining": 100 << 20, "dirty_rate": 0},
                   {"time": 4.0, "remaining": 50 << 20, "dirty_rate": 400}],
        "reports": [{"time": 5.0, "pages": 7}, {"time": 5.001, "pages": 3},
                    {"time": 8.2, "pages": 100}],
        "received": [{"time": 6.0, "bytes": 0}, {"time": 6.5, "bytes": 50_000},
                     {"time": 7.0, "bytes": 50_000}, {"time": 7.5, "bytes": 75_000}],
        "missing": [],
    }
    return {
        "ok": True,
        "baseline": {"timeline": {"total": 9.0, "downtime": 0.5}},
        "moves": [{"direction": "host1 to host2", "left": "0000:01:10.0", "got": "0000:01:10.2",
                   "timeline": line}, {"timeline": None}],
    }


def run(tmp_path: Path, content: object, *options: str) -> tuple[int, Element | None]:
    """draw_timeline's exit status and its picture."""
    source, target = tmp_path / "run.json", tmp_path / "out.svg"
    source.write_text(content if isinstance(content, str) else json.dumps(content))
    status = picture.main([str(source), str(target), *options])
    return status, ElementTree.fromstring(target.read_text()) if target.exists() else None


def drawn(tmp_path: Path, content: object, *options: str) -> Element:
    status, root = run(tmp_path, content, *options)
    assert status == 0 and root is not None
    return root


def of_class(root: Element, *classes: str) -> list[Element]:
    return [element for element in root.iter()
            if set(classes) <= set(element.get("class", "").split())]


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def at(time: float) -> Any:
    """Where a time of the made-up move's picture, from -2 to 15 s, has to lie."""
    return pytest.approx(svg.LEFT + (svg.RIGHT - svg.LEFT) * (time + 2) / 17, abs=0.06)


def span(element: Element) -> tuple[float, float]:
    x = float(element.get("x", "nan"))
    return x, x + float(element.get("width", "nan"))


def test_phases_and_arcs_lie_where_they_were(tmp_path: Path) -> None:
    root = drawn(tmp_path, made_up())
    assert [span(each) for each in of_class(root, "phase")] == [
        (at(0), at(2)), (at(2), at(STOP)), (at(STOP), at(RUN)), (at(RUN), at(12))]
    assert [span(each)[0] for each in of_class(root, "arc", "source")] == [at(STOP), at(8.1)]
    assert span(of_class(root, "arc", "source")[1])[1] == at(8.6)
    assert [span(each) for each in of_class(root, "arc", "target")] == [(at(9.4), at(9.5))]
    assert "PRE_COPY → PRE_COPY_P2P" in texts(root)
    assert "4.0 ms" in texts(root)


def test_blackout_lies_between_two_replies(tmp_path: Path) -> None:
    root = drawn(tmp_path, made_up())
    assert len(of_class(root, "reply")) == 8
    for kind in ("no-reply", "silence"):
        assert [span(each) for each in of_class(root, kind)] == [(at(7.5), at(10.5))]
    for kind in ("downtime", "standing"):
        assert [span(each) for each in of_class(root, kind)] == [(at(STOP), at(9.2))]
    assert {"3,000 ms", "1,200 ms"} <= set(texts(root))


def test_gap_before_the_move_is_no_blackout() -> None:
    line = Timeline(10.0, 0.1, replies=[-20.0, -1.0, 4.0, 6.0, 30.0])
    assert strips.silence(line) == (6.0, 30.0)
    assert strips.silence(Timeline(10.0, 0.1, replies=[-20.0, -1.0, 4.0, 6.0])) == (-1.0, 4.0)
    assert strips.silence(Timeline(10.0, 0.1, replies=[3.0])) is None


def test_memory_and_its_scale(tmp_path: Path) -> None:
    root = drawn(tmp_path, made_up())
    samples = of_class(root, "sample")
    assert [float(each.get("x", "nan")) + 2 for each in samples] == [at(3), at(4)]
    tops = [float(each.get("y", "nan")) for each in samples]
    assert tops[1] - tops[0] == pytest.approx(42)
    assert {"100", "50", "400", "200"} <= set(texts(root))


def test_reports_of_one_time_are_one(tmp_path: Path) -> None:
    root = drawn(tmp_path, made_up())
    stems = of_class(root, "stem")
    assert [float(each.get("x1", "nan")) for each in stems] == [at(8.2), at(5)]
    heights = [float(each.get("y1", "nan")) - float(each.get("y2", "nan")) for each in stems]
    assert heights[1] == pytest.approx(heights[0] / 10, abs=0.06)
    assert any("dirty: 110" in words for words in texts(root))
    assert strips.together([Report(2.0, 1), Report(1.0, 1), Report(1.01, 4)]) == [
        Report(1.0, 5), Report(2.0, 1)]


def test_bars_are_as_high_as_the_rate(tmp_path: Path) -> None:
    bars = of_class(drawn(tmp_path, made_up()), "rate-bar")
    heights = [float(each.get("height", "nan")) for each in bars]
    assert heights == pytest.approx([70, 0, 35])
    assert span(bars[0]) == (at(6.02), at(6.48))


def test_text_is_escaped(tmp_path: Path) -> None:
    content = made_up()
    content["moves"][0]["direction"] = "</text><script>&\"'"
    root = drawn(tmp_path, content)
    assert any(words.endswith("</text><script>&\"'") for words in texts(root))
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_what_is_missing_is_left_out(tmp_path: Path) -> None:
    root = drawn(tmp_path, made_up(), "--move", "0")
    assert texts(root).count("not recorded") == 4
    assert not of_class(root, "arc") and not of_class(root, "standing")
    content = made_up()
    content["moves"][0]["timeline"]["missing"] = ["trace of the source: no way"]
    assert "not recorded: trace of the source: no way" in texts(drawn(tmp_path, content))


@pytest.mark.parametrize("part", ["arcs", "phases", "memory", "received", "replies", "reports"])
def test_each_part_may_be_missing(tmp_path: Path, part: str) -> None:
    content = made_up()
    del content["moves"][0]["timeline"][part]
    drawn(tmp_path, content)


def replaced(way: str, value: object) -> dict[str, Any]:
    """The run with something else at "moves.0.timeline.total"."""
    content: Any = made_up()
    *folders, last = way.split(".")
    place = content
    for folder in folders:
        place = place[int(folder) if folder.isdigit() else folder]
    place[int(last) if last.isdigit() else last] = value
    return dict(content)


LINE = "moves.0.timeline"
WRONG = [
    ("", "no JSON"), ("[" * 100_000, "no JSON"), ("[]", "the file: not an object"),
    ("{}", "no move 1"), ('{"moves": 5}', "moves: not a list"),
    ('{"moves": [5]}', r"moves\[0\]: not an object"),
    (replaced("moves.0.timeline", None), r"moves\[0\]: without a time line"),
    (replaced("moves.0.timeline", []), r"timeline: not an object"),
    (replaced("moves.0.direction", 5), "direction: not a line"),
    (replaced("moves.0.left", "a\u0001b"), "left: not a line"),
    (replaced("moves.0.left", "x" * 301), "left: not a line"),
    (replaced(f"{LINE}.total", 0), "total: not a time"),
    (replaced(f"{LINE}.total", float("nan")), "total: not a number"),
    (replaced(f"{LINE}.total", 10 ** 400), "total: not a number"),
    (replaced(f"{LINE}.total", True), "total: not a number"),
    (replaced(f"{LINE}.downtime", -1), "downtime: not a number"),
    (replaced(f"{LINE}.phases.0.length", None), r"phases\[0\]\.length: not a number"),
    (replaced(f"{LINE}.arcs.2.side", "left"), r"arcs\[2\]\.side: not 'source' or 'target'"),
    (replaced(f"{LINE}.arcs.2.start", float("inf")), r"arcs\[2\]\.start: not a number"),
    (replaced(f"{LINE}.replies.1", -5), "replies: not in the order of time"),
    (replaced(f"{LINE}.replies", [0] * 20_001), "replies: not a list of at most"),
    (replaced(f"{LINE}.memory.0.time", 9.0), "memory: not in the order of time"),
    (replaced(f"{LINE}.memory.0.remaining", 1.5), "remaining: not a whole number"),
    (replaced(f"{LINE}.reports.0.pages", -1), "pages: not a whole number"),
    (replaced(f"{LINE}.received.3.bytes", 1), "received: not in the order of time"),
]


@pytest.mark.parametrize("content, words", WRONG, ids=[words for _, words in WRONG])
def test_what_is_no_run_gets_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: object, words: str,
) -> None:
    status, root = run(tmp_path, content)
    assert (status, root) == (1, None)
    said = capsys.readouterr().err
    assert said.startswith(f"draw_timeline: {tmp_path}/run.json: ") and said.count("\n") == 1
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(said)


def test_what_demo_writes_is_read(tmp_path: Path) -> None:
    line = Timeline(
        10.0, 0.3, [Phase("set-up", 0.0, 2.0)], [Arc("target", "STOP", "RUNNING", 3.0, 0.1)],
        [-1.0, 2.5], [Memory(3.0, 4, 5)], [Report(6.0, 7)], [Received(8.0, 9)], ["memory: why"])
    figures = VFFigures(1, 2, 3, 4, 5, True, "host1 to host2", "0000:01:10.0", "0000:01:10.2",
                        6, 7, 8, timeline=line)
    baseline = Figures(1, 2, 3, 4, 5, True, timeline=Timeline(9.0, 0.2))
    story = demo.Story(True, baseline, [figures])
    path = tmp_path / "run.json"
    path.write_text(json.dumps(story.to_json()))
    assert run_file.load(path, 1) == MoveRecord(
        "host1 to host2", "0000:01:10.0", "0000:01:10.2", line)
    assert run_file.load(path, 0).timeline == Timeline(9.0, 0.2)


def test_moves_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, made_up(), "--move", "2") == (1, None)
    assert "moves[1]: without a time line" in capsys.readouterr().err
    for number in ("3", "-1"):
        assert run(tmp_path, made_up(), "--move", number) == (1, None)
        assert f"no move {number} is in it, of 2 with a VF" in capsys.readouterr().err


def test_files_that_are_not_there(tmp_path: Path) -> None:
    draw = paths.TESTS / "draw_timeline"
    missing = subprocess.run([draw, tmp_path / "none.json", tmp_path / "out.svg"],
                             capture_output=True, text=True)
    assert (missing.returncode, missing.stderr) == (
        1, f"draw_timeline: {tmp_path}/none.json: No such file or directory\n")
    (tmp_path / "run.json").write_text(json.dumps(made_up()))
    assert picture.main([str(tmp_path / "run.json"), str(tmp_path / "none" / "out.svg")]) == 1


def stretched(total: float, most: int) -> dict[str, Any]:
    """A run at the limits of what is accepted."""
    content = made_up()
    line = content["moves"][0]["timeline"]
    line["total"] = total
    line["downtime"] = 86400
    line["arcs"] = line["arcs"] * 30
    line["phases"] = line["phases"] * 30
    line["memory"][1]["remaining"] = line["memory"][1]["dirty_rate"] = most
    line["reports"] += [{"time": index / 10, "pages": most} for index in range(100)]
    received = min(most + 75_000, 1 << 53)
    line["received"] += [{"time": 7.5, "bytes": received}, {"time": 7.6, "bytes": received}]
    line["missing"] = ["x" * 300] * 30
    content["moves"][0].update(direction="d" * 300, left="l" * 300, got="g" * 300)
    return content


@pytest.mark.parametrize("total", [1e-300, 12.0, 86400.0])
@pytest.mark.parametrize("most", [0, 1 << 53])
def test_nothing_lies_beside_the_paper(tmp_path: Path, total: float, most: int) -> None:
    root = drawn(tmp_path, stretched(total, most))
    _, _, width, height = map(float, root.get("viewBox", "").split())
    assert width == 800 and 300 < height < 1200
    for element in root.iter():
        x, y = (float(element.get(name, "0")) for name in ("x", "y"))
        assert 0 <= x <= x + float(element.get("width", "0")) <= width
        assert 0 <= y <= y + float(element.get("height", "0")) <= height


def test_each_class_has_a_colour_in_light_and_in_dark(tmp_path: Path) -> None:
    root = drawn(tmp_path, made_up())
    style = next(root.iter("{http://www.w3.org/2000/svg}style")).text or ""
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    coloured = {*svg.FILLS, *svg.STROKES}
    for element in root.iter():
        classes = set(element.get("class", "").split())
        if classes and element.tag.split("}")[1] != "text":
            assert len(classes & coloured) == 1, classes
    for name in coloured:
        assert f".{name} {{" in light and f".{name} {{" in dark


def test_the_run_is_not_changed_by_drawing(tmp_path: Path) -> None:
    content = made_up()
    before = copy.deepcopy(content)
    first = drawn(tmp_path, content)
    assert content == before
    assert ElementTree.tostring(first) == ElementTree.tostring(drawn(tmp_path, content))
