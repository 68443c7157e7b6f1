"""The picture of the ratios in benchmarks/ratios.toml, and of nothing else: docs/pictures/speed.svg.

Run: python docs/pictures/speed.py, after `python benchmarks/run.py --write`.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

HERE = Path(__file__).parent
RATIOS = HERE.parents[1] / "benchmarks/ratios.toml"
PICTURE = HERE / "speed.svg"

Ratios = dict[str, dict[str, float]]
Names = dict[tuple[str, str], str]

#: What a ratio is of, for people; those against libraries that read the same strings one by one.
FASTER: Names = {
    ("phone", "as published"): "phones as published ¹",
    ("phone", "clean mobiles"): "clean mobiles ¹",
    ("phone", "clean mobiles in columns"): "clean mobiles, to four columns ¹",
    ("phone", "half written"): "mobiles, half punctuated ¹",
    ("phone", "all regions"): "phones of all regions ¹",
    ("card", "check digits"): "check digits of cards",
    ("card", "all fields"): "cards, all fields ²",
    ("card", "grouped"): "cards in groups, all fields ²",
    ("wallet", "bitcoin"): "Bitcoin addresses",
    ("wallet", "bech32"): "Bitcoin addresses, bech32",
    ("identifiers", "iban"): "IBANs",
    ("identifiers", "imei"): "IMEIs",
    ("identifiers", "imsi"): "IMSIs",
    ("identifiers", "iccid"): "ICCIDs ²",
    ("identifiers", "iban keys"): "IBANs, as they are screened",
    ("identifiers", "imei keys"): "IMEIs, as they are screened",
    ("identifiers", "imsi keys"): "IMSIs, as they are screened",
    ("identifiers", "iccid keys"): "ICCIDs, as they are screened ²",
    ("identifiers", "resident id"): "Chinese resident ids",
    ("identifiers", "resident id keys"): "Chinese resident ids, as they are screened",
}
#: Those against the time of something else that is done with the same rows.
LONGER: Names = {
    ("screening", "raw text to flags, x the floor"): "raw text to flags vs. Polars reading and joining clean keys",
    ("screening", "x DuckDB on clean keys"): "raw text to flags vs. DuckDB joining clean keys",
    ("lists", "first import, x Polars"): "first import of a list vs. Polars reading and writing it",
    ("lists", "next day's import, x Polars"): "the next day's import vs. Polars reading and writing it",
    ("report", "page, x Polars as CSV"): "the page of a night vs. Polars writing its rows as CSV",
    ("rings", "rings, x the screening"): "rings behind the listed vs. screening the accounts",
    ("spark", "x one machine"): "screening in Spark vs. the same without Spark",
    ("night", "an account of most, x of fewer"): "seconds an account of a night: large base vs. small",
}
TITLE = "How fast cardscreen is"
FAST = "Times as fast as a loop over the reference library, on one thread (logarithmic)"
SLOW = "Times as long as something else takes with the same rows (less is better)"
NOTES = [
    "¹ phonenumbers with its pattern cache. All others: python-stdnum.",
    "² of these python-stdnum does no more than the check digit.",
]

#: What the picture is drawn in → what dark pages show in its place.
INK, LINE, FASTER_BAR, LONGER_BAR, PAPER = "#1f2328", "#d1d9e0", "#3f51b5", "#00796b", "#ffffff"
DARK = {INK: "#e6edf3", LINE: "#3d444d", FASTER_BAR: "#8c9eff", LONGER_BAR: "#4db6ac", PAPER: "#1b1f24"}
_WIDTH, _ROW, _NAMES = 340, 21, 340  # pixels


def rows_of(ratios: Ratios, names: Names) -> list[dict[str, Any]]:
    """The ratios of one part of the picture, the largest first; a ratio that is not there is an error."""
    rows = [
        {"of": name, "ratio": ratio, "said": f"{ratio:,.10g}"}
        for (group, key), name in names.items()
        for ratio in [ratios[group][key]]
    ]
    return sorted(rows, key=lambda row: -row["ratio"])


def part(rows: list[dict[str, Any]], colour: str, scale: alt.Scale, ticks: list[int], *title: str) -> Any:
    """Bars with their figures, and a line where both would be equal."""
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("of:N", sort=None, axis=alt.Axis(title=None, ticks=False, domain=False, labelPadding=8)),
        x=alt.X("ratio:Q", scale=scale, axis=alt.Axis(title=None, values=ticks, format=",")),
    )
    bars = base.mark_bar(size=13, color=colour).encode(x2=alt.datum(min(ticks)))
    said = base.mark_text(align="left", dx=5, color=INK, fontSize=12).encode(text="said:N")
    one = alt.Chart(alt.InlineData(values=[{"ratio": 1}])).mark_rule(color=INK).encode(x="ratio:Q")
    head = alt.Title(title[0], subtitle=list(title[1:]) or alt.Undefined, anchor="start", frame="bounds", offset=10)
    return (bars + one + said).properties(width=_WIDTH, height=alt.Step(_ROW), title=head)


def drawn(ratios: Ratios) -> str:
    """The picture of some ratios, as SVG that follows the reader's scheme and can be read aloud."""
    faster, longer = rows_of(ratios, FASTER), rows_of(ratios, LONGER)
    most, longest = (rows[0]["ratio"] for rows in (faster, longer))
    logarithmic, linear = alt.Scale(type="log", domain=[1, most * 2]), alt.Scale(domain=[0, longest * 1.15])
    chart = alt.vconcat(
        part(faster, FASTER_BAR, logarithmic, [1, 10, 100, 1000], FAST, *NOTES),
        part(longer, LONGER_BAR, linear, [0, 1, 5, 10], SLOW),
        spacing=28,
    )
    text = {"labelColor": INK, "labelFontSize": 13, "labelLimit": _NAMES}
    config = {
        "aria": False,
        "background": PAPER,
        "font": "sans-serif",
        "padding": 16,
        "view": {"stroke": None},
        "axis": {**text, "gridColor": LINE, "domainColor": LINE, "tickColor": LINE},
        "axisY": {"grid": False, "minExtent": _NAMES},
        "title": {"color": INK, "subtitleColor": INK, "fontSize": 14, "subtitleFontSize": 12, "subtitlePadding": 6},
    }
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict() | {"config": config})
    dark = "".join(f'[fill="{a}"]{{fill:{b}}}[stroke="{a}"]{{stroke:{b}}}' for a, b in DARK.items())
    told = " ".join(
        f"{title}: " + "; ".join(f"{row['of']} {row['said']}" for row in rows) + "."
        for title, rows in ((FAST, faster), (SLOW, longer))
    )
    head = (
        f'<title id="title">{TITLE}</title><desc id="desc">{told} {" ".join(NOTES)}</desc>'
        f"<style>@media (prefers-color-scheme: dark){{{dark}}}</style>"
    )
    return re.sub(r"(<svg [^>]*)>", rf'\1 role="img" aria-labelledby="title desc">{head}', svg, count=1) + "\n"


def main() -> None:
    """Draw it."""
    PICTURE.write_text(drawn(tomllib.loads(RATIOS.read_text("utf-8"))), "utf-8")


if __name__ == "__main__":
    main()
