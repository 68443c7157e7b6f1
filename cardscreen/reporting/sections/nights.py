"""How tonight stands among other nights, and how near it came to being held."""

from __future__ import annotations

from typing import Any

from cardscreen.foundation.words import shown
from cardscreen.foundation.words.languages import phrase
from cardscreen.reporting.material import Chart, Figure, Material, Section
from cardscreen.reporting.sections.counting import NONE, percent, table

_BARS = 8  # limits that are drawn
_SHOWN = 14  # nights in the table; the picture has all
#: What is measured.
LIMITS = {
    "flagged_share": phrase("accounts flagged"),
    "source_share": phrase("accounts hit by one source"),
    "rejected_share": phrase("filled cells that can't be read"),
    "invalid_share": phrase("usable cells that are no valid numbers"),
    "exempted_share": phrase("accounts exempted"),
    "new_suspend": phrase("newly told suspend"),
    "new_close": phrase("newly told close"),
    "released_share": phrase("released, of those flagged before"),
    "flagged_gone_share": phrase("flagged before and not there"),
    "accounts_shrink": phrase("fewer accounts than before"),
    "accounts_grow": phrase("more accounts than before"),
    "coverage_drop": phrase("fewer usable cells than before"),
}
_RUNS = {
    "published": phrase("published"),
    "held": phrase("held"),
    "discarded": phrase("discarded"),
    "pruned": phrase("pruned"),
}


def trend(material: Material) -> Section:
    """The section of nights."""
    say, nights = material.language.say, material.nights
    if not nights:
        return Section("trend", say("Nights"), [say("There are no nights to compare with.")])
    flagged, told, released = say("flagged"), say("newly told"), say("released")
    went = [each for each in nights if each["state"] in ("published", "pruned")]
    marks = [
        {"of": each["as_of"], "part": part, "count": each[name]}
        for each in went
        for part, name in ((flagged, "flagged"), (told, "told"), (released, "released"))
    ]
    rows = [
        [each["as_of"], each["rows"], each["flagged"], each["told"], each["released"], say(_RUNS[each["state"]])]
        for each in reversed(nights[-_SHOWN:])
    ]
    held = sum(each["held"] for each in nights)
    counted = [each["flagged"] for each in went]
    sentence = (
        material.language.many(
            "Accounts flagged in the one published night shown: {most:,}. Runs that were held: {held:,}.",
            "Accounts flagged in the {count:,} published nights shown: {least:,} to {most:,}. Runs that were held: "
            "{held:,}.",
            len(went),
            least=min(counted),
            most=max(counted),
            held=held,
        )
        if went
        else say("No night was published yet.")
    )
    figure = Figure(
        "nights",
        sentence,
        table([say("day"), say("rows"), flagged, told, released, say("state")], rows),
        Chart("lines", marks, (), {flagged: "calm", told: "suspend", released: "good"}, say("accounts"))
        if marks
        else None,
    )
    return Section("trend", say("Nights"), [], [figure])


def limits(material: Material) -> Section:
    """The section of limits."""
    say = material.language.say
    if material.limits is None:
        return Section("limits", say("Limits"), [say("How near the limits came was not recorded.")])
    measured = _measured(material)
    if not measured:
        return Section("limits", say("Limits"), [say("No limit was measured.")])
    name, part = measured[0]["name"], measured[0]["part"]
    if part > 1:
        sentence = say("{name} is past its limit: {part} of it.", name=name, part=f"{part:.0%}")
    else:
        sentence = say("The nearest to its limit is: {name}, {part} of it.", name=name, part=f"{part:.0%}")
    rows = [
        [
            each["label"],
            each["name"],
            percent(each["share"]),
            percent(each["most"]),
            f"{each['part']:.0%}" if each["most"] else NONE,
        ]
        for each in measured
    ]
    names = list(dict.fromkeys(each["label"] for each in measured))[:_BARS]
    marks = [{"of": each["label"], "count": each["part"]} for each in measured if each["label"] in names]
    header = [say("limit's name"), say("what"), say("tonight"), say("limit"), say("of the limit")]
    figure = Figure("near", sentence, table(header, rows), Chart("bullets", marks, names, {}, say("of the limit")))
    return Section(
        "limits", say("Limits"), [say("A night that passes a limit is held until a person has looked.")], [figure]
    )


def nearest(material: Material) -> tuple[str, float] | None:
    """What came nearest to its limit, and how near; None where nothing was measured."""
    measured = _measured(material)
    return (measured[0]["name"], measured[0]["part"]) if measured else None


def _measured(material: Material) -> list[dict[str, Any]]:
    """What was measured, in words and as a part of its limit, the nearest first."""
    measured = [
        {
            **each,
            "name": material.language.say(LIMITS[each["limit"]]) + (f" ({shown(each['of'])})" if each["of"] else ""),
            "label": " ".join(filter(None, [each["limit"], each["of"] and shown(each["of"])])),
            "part": _part(each["share"], each["most"]),
        }
        for each in material.limits or ()
    ]
    return sorted(measured, key=lambda each: -each["part"])


def _part(share: float, most: float) -> float:
    if most:
        return share / most
    return 10.0 if share else 0.0
