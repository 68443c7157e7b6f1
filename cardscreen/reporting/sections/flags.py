"""Who is flagged: by level, by reason, by how the listing met the number, by a carried column; and who holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.words.codes import HOLDERS, IN_SHORT, LEVELS, MATCHES, worded
from cardscreen.foundation.words.languages import phrase
from cardscreen.reporting.colours import LEVELS as COLOURS
from cardscreen.reporting.material import Figure, Material, Section
from cardscreen.reporting.sections.counting import NONE, bars, counts, rated, table
from cardscreen.screening.summary import exempt_in

_FEW = 12  # values that a carried column may have to be counted by
_HOLDER_COLOURS = {"same": "calm", "earlier": "verify", "unknown": "quiet"}


def flags(material: Material) -> Section:
    """The section of flags."""
    say = material.language.say
    figures = [_rows(material)]
    if material.summary["flagged"]["accounts"]:
        figures += [*_levels(material), *_reasons(material), _sources(material)]
        figures += [*_matches(material), *_carried(material)]
    return Section("flags", say("Flags"), [], figures)


_CLASSES = {
    "hit": (phrase("flagged and not exempt"), "suspend"),
    "exempt": (phrase("exempt"), "notify"),
    "clear": (phrase("clear"), "good"),
    "not_screenable": (phrase("with nothing to look up"), "quiet"),
    "no_account": (phrase("without an account's id"), "quiet"),
    "not_judged": (phrase("not judged"), "verify"),
}


def _rows(material: Material) -> Figure:
    """How all rows came out."""
    say, rows = material.language.say, material.summary["rows"]
    found = {say(text): rows[name] for name, (text, _) in _CLASSES.items() if rows.get(name)}
    return Figure(
        "rows",
        say("How all rows came out. Clear: something in the row could be read, and nothing that could is on a list."),
        table([say("rows"), say("count")], list(found.items())),
        rated(found, {say(text): colour for text, colour in _CLASSES.values()}, say("rows")),
    )


def _sources(material: Material) -> Figure:
    say, found = material.language.say, material.summary["hits"]["sources"]
    rows = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    sentence = say("By source; an account may be on several lists.")
    return Figure("sources", sentence, table([say("source"), say("accounts")], rows))


def _levels(material: Material) -> Iterator[Figure]:
    say, exempt = material.language.say, exempt_in(material.summary)
    found = dict(material.summary["flagged"]["levels"])
    names = {each: worded(material.language, LEVELS, each) for each in schema.LEVELS.categories}
    found["none"] = found.get("none", 0) - exempt  # a hit that counts may be of no level, too
    ranked = {name: found[each] for each, name in reversed(names.items()) if found.get(each)}
    ranked |= {say("exempt"): exempt} if exempt else {}
    colours = {name: COLOURS[each] for each, name in names.items()}
    yield Figure(
        "levels",
        say(
            "{flagged:,} of {rows:,} accounts are flagged, {worst:,} of them critical; {exempt:,} of them are exempt.",
            flagged=material.summary["flagged"]["accounts"],
            rows=material.summary["rows"]["read"],
            worst=found.get("critical", 0),
            exempt=exempt,
        ),
        table([say("level"), say("accounts")], list(ranked.items())),
        rated(ranked, {say("exempt"): COLOURS["none"]} | colours, say("accounts")),
    )


def _reasons(material: Material) -> Iterator[Figure]:
    say = material.language.say
    listed = material.tables["flagged"].select("account_id", "reasons").explode("reasons")
    found = Counter[str]()
    for reason, count in counts(listed.drop_nulls("reasons"), "reasons"):
        found[worded(material.language, IN_SHORT, reason)] += count  # several codes may have the same words
    if not found:
        return
    ranked = sorted(found, key=lambda name: (-found[name], name))
    accounts = say("accounts")
    yield Figure(
        "reasons",
        say("Most are listed for this reason: {reason}. An account may have several.", reason=ranked[0]),
        table([say("reason"), accounts], [[name, found[name]] for name in ranked]),
        bars({(name, accounts): found[name] for name in ranked}, {accounts: "calm"}, accounts),
    )


def _matches(material: Material) -> Iterator[Figure]:
    say = material.language.say
    found = counts(material.tables["hits"], "match")
    rows = [[worded(material.language, MATCHES, match), count] for match, count in found]
    if rows:
        yield Figure(
            "matches",
            say("How listings met the numbers: a whole number is strong evidence, a range or hidden digits are weak."),
            table([say("match"), say("accounts")], rows),
        )


def _carried(material: Material) -> Iterator[Figure]:
    """By the first carried column that has few values."""
    say, flagged = material.language.say, material.tables["flagged"]
    for name in flagged.collect_schema().names():
        if name in schema.FLAGGED or name in material.summary.get("unmasked", ()):
            continue
        found = counts(flagged, name)
        if 1 < len(found) <= _FEW:
            rows = [[value or NONE, count] for value, count in found]
            yield Figure(
                "carried",
                say("Flagged and exempt accounts by {column}, as they have it.", column=name),
                table([name, say("accounts")], rows),
            )
            return


def holders(material: Material) -> Section:
    """The section of holders."""
    say = material.language.say
    hits = material.tables["hits"]
    found: dict[str, int] = dict(counts(hits, "holder"))
    if not found:
        return Section("holders", say("Holders"), [say("No account is on a list.")])
    used = [each for each in schema.HOLDERS.categories if each in found]
    names = {each: worded(material.language, HOLDERS, each) for each in used}
    accounts = say("accounts")
    sentence = say(
        "Accounts whose number was listed before they had it (the listing speaks of somebody else): {earlier:,}.",
        earlier=found.get("earlier", 0),
    )
    figure = Figure(
        "holder",
        sentence,
        table([say("holder"), accounts], [[names[each], found[each]] for each in used]),
        bars(
            {(accounts, names[each]): found[each] for each in used},
            {names[each]: _HOLDER_COLOURS[each] for each in used},
            accounts,
        ),
    )
    return Section("holders", say("Holders"), [], [figure, *_shared(material)])


def _shared(material: Material) -> Iterator[Figure]:
    say = material.language.say
    steps = ["1", "2–5", "6–20", "21–"]
    have = pl.col("carried_by")
    one, few, some, lots = map(pl.lit, steps)
    step = pl.when(have > 20).then(lots).when(have > 5).then(some).when(have > 1).then(few).otherwise(one)
    found: dict[str, int] = dict(counts(material.tables["hits"], step.alias("_step")))
    rows = [[each, found[each]] for each in steps if each in found]
    if rows:
        yield Figure(
            "shared",
            say("How many accounts have the same number: one that many have says little of each."),
            table([say("accounts with the number"), say("accounts")], rows),
        )
