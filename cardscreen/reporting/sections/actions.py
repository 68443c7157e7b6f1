"""Who is told, acted on and released; what is due later; what caps, allow lists and clearances hold back."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.words.codes import ACTIONS, CHANGES, because, worded
from cardscreen.policy.judging import recommended
from cardscreen.reporting.colours import ACTIONS as COLOURS
from cardscreen.reporting.material import Figure, Material, Section
from cardscreen.reporting.sections.counting import bars, counts, rated, table

_STRONGEST_FIRST = list(reversed(schema.ACTIONS.categories.to_list()))


def actions(material: Material) -> Section:
    """The section."""
    say = material.language.say
    figures = list(_moves(material)) if "changes" in material.tables else list(_recommended(material))
    figures += [*_because(material), *_due(material), *_held_back(material), *_moved(material)]
    return Section(
        "actions",
        say("Actions"),
        [] if figures else [say("Nobody is on a list: there is nothing to do.")],
        figures,
    )


def _moves(material: Material) -> Iterator[Figure]:
    """Every account that is flagged now or was, by what became of it."""
    say = material.language.say
    undone = pl.col("change").is_in(["released", "eased"])
    strength = pl.when(undone).then(pl.col("action_before").cast(pl.String)).otherwise(pl.col("action").cast(pl.String))
    found = {
        (change, action): count for change, action, count in counts(material.tables["changes"], "change", strength)
    }
    if not found:
        return
    changes = [each for each in schema.CHANGE_KINDS.categories if any(change == each for change, _ in found)]
    names = {each: worded(material.language, CHANGES, each) for each in changes}
    used = [each for each in _STRONGEST_FIRST if any(action == each for _, action in found)]
    told = {each: worded(material.language, ACTIONS, each) for each in used}
    totals = {each: sum(count for (change, _), count in found.items() if change == each) for each in changes}
    yield Figure(
        "moves",
        say(
            "Newly flagged or flagged for more: {new:,}. Released or flagged for less: {freed:,}. The others stand as "
            "they did.",
            new=totals.get("new", 0) + totals.get("escalated", 0),
            freed=totals.get("released", 0) + totals.get("eased", 0),
        ),
        table(
            [say("change"), *told.values(), say("accounts")],
            [
                [names[change], *(found.get((change, action), 0) for action in used), totals[change]]
                for change in changes
            ],
        ),
        bars(
            {(names[change], told[action]): count for (change, action), count in found.items()},
            {told[each]: COLOURS[each] for each in used},
            say("accounts"),
            list(names.values()),
        ),
    )


def _recommended(material: Material) -> Iterator[Figure]:
    """The same of a screening that has no night before."""
    say, found = material.language.say, material.summary["flagged"]["actions"]
    if not found:
        return
    told = {each: worded(material.language, ACTIONS, each) for each in _STRONGEST_FIRST if each in found}
    ranked = {name: found[each] for each, name in told.items()}
    yield Figure(
        "moves",
        say("What is recommended for the accounts that are on a list."),
        table([say("action"), say("accounts")], list(ranked.items())),
        rated(ranked, {name: COLOURS[each] for each, name in told.items()}, say("accounts")),
    )


def _because(material: Material) -> Iterator[Figure]:
    say, causes = material.language.say, material.summary.get("changes", {}).get("causes", {})
    rows = [
        [worded(material.language, CHANGES, change), material.language.say(because(change, cause)), count]
        for change, of_change in causes.items()
        for cause, count in of_change.items()
    ]
    if rows:
        yield Figure("causes", say("Why that is so."), table([say("change"), say("because"), say("accounts")], rows))


def _due(material: Material) -> Iterator[Figure]:
    """What falls due later."""
    if "changes" not in material.tables or (material.night and material.night.audit):
        return
    say, day = material.language.say, pl.lit(material.summary["as_of"]).str.to_date()
    later = (pl.col("action") > "none") & (pl.col("act_on") > day) & pl.col("carried_since").is_null()
    found = counts(material.tables["changes"].filter(later), "act_on", "action")
    if found:
        rows = [[due, worded(material.language, ACTIONS, action), count] for due, action, count in found]
        yield Figure(
            "due",
            say("What falls due on the days to come, if nothing changes."),
            table([say("due on"), say("action"), say("accounts")], rows),
        )


def _held_back(material: Material) -> Iterator[Figure]:
    """What would be acted on, or acted on more, if nothing spoke for the account."""
    say, language = material.language.say, material.language
    rows = []
    if material.policy is not None:
        more = material.tables["hits"].with_columns(_more=recommended(material.policy, pl.col("score")))
        capped = more.filter(pl.col("exempted_by").is_null() & (pl.col("cap") < pl.col("_more")))
        for was, cap, count in counts(capped, "_more", "cap"):
            what = say(
                "a cap: {action} instead of {more}",
                action=worded(language, ACTIONS, cap),
                more=worded(language, ACTIONS, was),
            )
            rows.append([what, count])
    exempt = pl.col("exempted_by").is_not_null()
    for by, count in counts(material.tables["hits"].filter(exempt), "exempted_by"):
        what = say("a person's clearance") if by == "clearance" else say("the allow list of {source}", source=by)
        rows.append([what, count])
    if rows:
        yield Figure(
            "held-back",
            say(
                "What is held back: weak evidence asks a person, and who is on an allow list or cleared is left alone."
            ),
            table([say("held back by"), say("accounts")], rows),
        )


#: What the change between two nights is called that a move between any two runs is like.
_MOVES = {"enters": "new", "escalates": "escalated", "eases": "eased", "leaves": "released", "same": "unchanged"}


def _moved(material: Material) -> Iterator[Figure]:
    """The difference to another run than the night before."""
    if material.moved is None:
        return
    say, language = material.language.say, material.language
    grouped = material.moved.group_by("move", "action_before", "action").len().sort("move", "action_before", "action")
    rows = [
        [
            worded(language, CHANGES, _MOVES[move]),
            worded(language, ACTIONS, before),
            worded(language, ACTIONS, now),
            count,
        ]
        for move, before, now, count in grouped.rows()
    ]
    yield Figure(
        "moved",
        say("The difference between the two runs."),
        table([say("change"), say("before"), say("now"), say("accounts")], rows),
    )
