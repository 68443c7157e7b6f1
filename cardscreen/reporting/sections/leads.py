"""Rings and what is proposed: who hangs together with listed accounts, and what waits for a person."""

from __future__ import annotations

from cardscreen.foundation.words.codes import IN_SHORT, worded
from cardscreen.foundation.words.languages import phrase
from cardscreen.kinds.masking import masked_text
from cardscreen.reporting.material import Chart, Figure, Lead, Material, Ring, Section
from cardscreen.reporting.sections.counting import percent, table

_NONE = phrase(
    "When this page was made, nobody had looked for rings and proposals from this run. What was found since is "
    "shown by cardscreen report."
)
_FOUND = phrase("Found on {day}. Nobody is flagged before a person, or a stated rule, accepts it.")


def leads(material: Material) -> Section:
    """The section."""
    say, known = material.language.say, material.leads
    title = say("Leads")
    if known is None:
        return Section("leads", title, [say(_NONE)])
    sentences = [say(_FOUND, day=known.found_on)]
    if not known.rings:
        sentences.append(say("No ring was found."))
    figures = [_picture(material, ring) for ring in known.rings if ring.drawn]
    if known.rings:
        figures.append(_rings(material, known))
    if known.waiting:
        figures.append(_waiting(material, known))
    else:
        sentences.append(say("No proposal waits for a person."))
    return Section("leads", title, sentences, figures)


def _picture(material: Material, ring: Ring) -> Figure:
    say, row = material.language.say, ring.row
    listed, others, shared = say("listed by another source"), say("not listed"), say("shared value")
    accounts = sorted({account for account, _, _ in ring.links})
    values = sorted({(identifier, value) for _, identifier, value in ring.links})
    nodes = [{"of": each, "part": listed if each in ring.listed else others} for each in accounts]
    nodes += [{"of": _label(identifier, value), "part": shared} for identifier, value in values]
    at_account = {each: at for at, each in enumerate(accounts)}
    at_value = {each: at for at, each in enumerate(values, len(accounts))}
    links = [(at_account[account], at_value[identifier, value]) for account, identifier, value in ring.links]
    chart = Chart("graph", nodes, [], {listed: "suspend", others: "calm", shared: "ink"}, "", links)
    sentence = say("Ring {ring_id}: {why}", ring_id=row["ring_id"], why=row["why"])
    carried = [
        [identifier, _short(value), sum((identifier, value) == link[1:] for link in ring.links)]
        for identifier, value in values
    ]
    return Figure(row["ring_id"], sentence, table([say("identifier"), say("value"), say("accounts")], carried), chart)


def _label(identifier: str, value: str) -> str:
    return _short(value) if value.startswith(f"{identifier}:") else f"{identifier} {_short(value)}"


def _short(value: str) -> str:
    """A value as a page shows it: masked, of a token its beginning."""
    token_id, colon, rest = value.partition(":")
    if colon and len(token_id) == _ID and len(rest) == _DIGEST:
        return f"{rest[:6]}…"
    return masked_text(value)


_ID, _DIGEST = 8, 43  # characters of a token


def _rings(material: Material, known: Lead) -> Figure:
    say = material.language.say
    rows = []
    for row in (ring.row for ring in known.rings):
        counts = [row["accounts"], row["listed"], percent(row["share"]), row["links"], row["dropped_links"]]
        rows.append([row["ring_id"], *counts, str(row["first_found"])])
    header = [say("ring"), say("accounts"), say("listed"), say("share")]
    header += [say("links"), say("no links"), say("found first")]
    sentence = material.language.many(
        "{count:,} ring was found behind listed accounts.",
        "{count:,} rings were found behind listed accounts.",
        len(known.rings),
    )
    return Figure("rings", sentence, table(header, rows))


def _waiting(material: Material, known: Lead) -> Figure:
    say = material.language.say
    rows = []
    for each in known.waiting:
        reason = worded(material.language, IN_SHORT, each["reason"])
        rows.append([each["source"], _short(each["value"]), reason, each["severity"], each["why"]])
    header = [say("source"), say("value"), say("reason"), say("severity"), say("why")]
    sentence = material.language.many(
        "{count:,} proposal waits for a person.",
        "{count:,} proposals wait for a person.",
        known.waiting_in_all,
    )
    return Figure("waiting", sentence, table(header, rows))
