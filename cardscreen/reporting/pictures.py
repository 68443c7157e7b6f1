"""The program that draws: charts as a line of JSON on its standard input, SVG as one on its standard output.

It is a process of its own: the library that draws reserves more addresses than a bounded process may have, and ends it.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import altair as alt
import vl_convert

from cardscreen.reporting.colours import STAND_INS

_WIDTH, _ROW, _LABEL = 190, 24, 130  # pixels: a phone is 380 wide
_MORE = 60  # of it for the names of bullets
_HEIGHT = 130  # of lines
_LONG = 20  # letters of a name that needs a line of its own
_NARROW, _WIDE = 6, 12  # pixels of a letter, and of a sign of Chinese
_PAST = 1.25  # of a limit: what is further past is not drawn longer


def _config() -> dict[str, Any]:
    ink, line = STAND_INS["ink"], STAND_INS["line"]
    text = {"labelColor": ink, "titleColor": ink, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "background": None,
        "padding": {"left": 14, "right": 10, "top": 4, "bottom": 4},  # the reader's fonts may be wider
        "aria": False,
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": {**text, "gridColor": line, "domainColor": line, "tickColor": line, "labelLimit": _LABEL},
        "legend": {**text, "orient": "bottom", "labelLimit": 290, "title": None, "symbolType": "square"},
    }


def _coloured(parts: Mapping[str, str]) -> alt.Scale:
    return alt.Scale(domain=list(parts), range=[STAND_INS[colour] for colour in parts.values()])


def _counts(axis: str) -> alt.Axis:
    nought = "datum.value === 0 ? '0' : datum.label"  # and no 0k
    return alt.Axis(title=axis or None, tickCount=4, format="~s", tickMinStep=1, labelExpr=nought)


def _chart(marks: Any) -> Any:
    return alt.Chart(alt.InlineData(values=marks))


def _legend(parts: Mapping[str, str]) -> alt.Legend:
    """As many names beside one another as a phone has room for; wide signs only where it is known how wide they are."""
    is_alone = any(len(name) > _LONG or _pixels(name) != len(name) * _NARROW for name in parts)
    return alt.Legend(columns=1 if is_alone else 2)


def _names(marks: Iterable[Mapping[str, Any]], most: int) -> alt.Axis:
    """Names beside the bars, with room for them where this machine has no font to measure them by, and readers have."""
    room = max((_pixels(str(mark["of"])) for mark in marks), default=0)
    return alt.Axis(ticks=False, domain=False, labelLimit=most, minExtent=min(room, most))


def _pixels(name: str) -> int:
    """About how wide a name is in twelve pixels of height."""
    return sum(_WIDE if unicodedata.east_asian_width(sign) in "WF" else _NARROW for sign in name)


def _bars(chart: Mapping[str, Any]) -> Any:
    parts = chart["parts"]
    by_name = all(mark["of"] == mark["part"] for mark in chart["marks"])
    legend = None if by_name or len(parts) < 2 else _legend(parts)
    order = {name: place for place, name in enumerate(parts)}
    marks = [{**mark, "place": order[mark["part"]]} for mark in chart["marks"]]
    return (
        _chart(marks)
        .mark_bar(size=15, minBandSize=15)
        .encode(
            x=alt.X("count:Q", stack="zero", axis=_counts(chart["axis"])),
            y=alt.Y("of:N", sort=chart["order"], title=None, axis=_names(marks, _LABEL)),
            color=alt.Color("part:N", scale=_coloured(parts), legend=legend),
            order=alt.Order("place:Q"),
        )
        .properties(width=_WIDTH, height=alt.Step(_ROW))
    )


def _bullets(chart: Mapping[str, Any]) -> Any:
    rows = [
        {**mark, "count": min(mark["count"], _PAST), "part": "suspend" if mark["count"] > 1 else "calm"}
        for mark in chart["marks"]
    ]
    colours = alt.Scale(domain=["calm", "suspend"], range=[STAND_INS["calm"], STAND_INS["suspend"]])
    x = alt.X(
        "count:Q",
        scale=alt.Scale(domain=[0, _PAST]),
        axis=alt.Axis(title=chart["axis"], format="%", values=[0, 0.5, 1]),
    )
    y = alt.Y("of:N", sort=chart["order"], title=None, axis=_names(rows, _LABEL + _MORE))
    bars = _chart(rows).mark_bar(size=12).encode(x=x, y=y, color=alt.Color("part:N", scale=colours, legend=None))
    limit = _chart([{"count": 1}]).mark_rule(color=STAND_INS["ink"], strokeWidth=2).encode(x="count:Q")
    return (bars + limit).properties(width=_WIDTH - _MORE, height=alt.Step(_ROW))


def _lines(chart: Mapping[str, Any]) -> Any:
    parts = chart["parts"]
    return (
        _chart(chart["marks"])
        .mark_line(point=alt.OverlayMarkDef(size=30, filled=True), strokeWidth=2)
        .encode(
            x=alt.X("of:O", axis=alt.Axis(title=None, labelAngle=0, labelOverlap="greedy", labelLimit=90)),
            y=alt.Y("count:Q", axis=_counts(chart["axis"])),
            color=alt.Color("part:N", scale=_coloured(parts), legend=_legend(parts)),
        )
        .properties(width=_WIDTH + 90, height=_HEIGHT)
    )


def _graph(chart: Mapping[str, Any]) -> dict[str, Any]:
    """A graph whose places a simulation of forces finds, the same each time (Vega; Vega-Lite has none)."""
    nodes, parts = chart["marks"], chart["parts"]
    many = len(nodes) > _NAMED
    apart = _APART[many]
    side = _LEAST + _EACH * apart * len(nodes) ** 0.5
    forces = [
        {"force": "center", "x": {"signal": "width / 2"}, "y": {"signal": "height / 2"}},
        {"force": "collide", "radius": apart},
        {"force": "nbody", "strength": -_PUSH * apart},
        {"force": "link", "links": "links", "distance": apart * 2},
    ]
    shown = {"size": {"value": 60}, "shape": {"scale": "shape", "field": "part"}}
    node = {
        "name": "nodes",
        "type": "symbol",
        "zindex": 1,
        "from": {"data": "things"},
        "encode": {"enter": {"fill": {"scale": "colour", "field": "part"}}, "update": shown},
        "transform": [{"type": "force", "iterations": 300, "static": True, "signal": "force", "forces": forces}],
    }
    path = {"type": "linkpath", "shape": "line", "require": {"signal": "force"}}
    ends = {f"{end}{axis.upper()}": f"datum.{end}.{axis}" for end in ("source", "target") for axis in "xy"}
    link = {
        "type": "path",
        "from": {"data": "links"},
        "encode": {"update": {"stroke": {"value": STAND_INS["line"]}, "strokeWidth": {"value": 1.2}}},
        "transform": [path | ends],
    }
    text = {"fill": {"value": STAND_INS["ink"]}, "fontSize": {"value": 10}, "align": {"value": "center"}}
    at = {"x": {"field": "x"}, "y": {"field": "y", "offset": -8}, "text": {"field": "datum.of"}}
    name = {"type": "text", "from": {"data": "nodes"}, "encode": {"enter": text, "update": at}}
    symbols, scale = ["circle", "circle", "square"], {"type": "ordinal", "domain": list(parts)}
    legend = {
        "fill": "colour",
        "shape": "shape",
        "orient": "bottom",
        "columns": 1,
        "labelColor": STAND_INS["ink"],
        "labelFontSize": 12,
        "labelLimit": 290,
    }
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "width": side,
        "height": side,
        "data": [
            {"name": "things", "values": nodes},
            {"name": "links", "values": [{"source": first, "target": second} for first, second in chart["links"]]},
        ],
        "scales": [
            {**scale, "name": "colour", "range": [STAND_INS[each] for each in parts.values()]},
            {**scale, "name": "shape", "range": symbols[: len(parts)]},
        ],
        "legends": [legend],
        "marks": [node, link] if many else [node, link, name],
    }


_LEAST, _EACH = 60, 3.6  # pixels: the side of a graph, and how it grows with its nodes
_NAMED = 40  # nodes past which a graph's nodes have no names
_APART, _PUSH = {False: 22, True: 9}, 3  # pixels: names need room
_FORMS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {"bars": _bars, "bullets": _bullets, "lines": _lines}


def drawn(chart: Mapping[str, Any]) -> str:
    """A chart as SVG."""
    if chart["form"] == "graph":
        graph: str = vl_convert.vega_to_svg(_graph(chart) | {"config": _config()})
        return graph
    spec = _FORMS[chart["form"]](chart).to_dict()
    svg: str = vl_convert.vegalite_to_svg(spec | {"config": _config()})
    return svg


def main() -> None:
    """Make ready, then draw what comes, line by line."""
    marks = [{"of": name, "part": name, "count": 1} for name in ("a", "b")]
    for form in _FORMS:
        drawn({"form": form, "marks": marks, "order": ["a", "b"], "parts": {"b": "ink", "a": "line"}, "axis": "a"})
    for line in sys.stdin:
        json.dump({name: drawn(chart) for name, chart in json.loads(line).items()}, sys.stdout)
        sys.stdout.write("\n")
        sys.stdout.flush()
    os._exit(0)  # taking the library down takes longer than a picture


if __name__ == "__main__":
    main()
