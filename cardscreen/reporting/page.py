"""One file that opens anywhere: no network, no resource from elsewhere, every text escaped, every script hashed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from cardscreen.foundation.release import __version__
from cardscreen.foundation.words import shown
from cardscreen.reporting.accounts import Accounts
from cardscreen.reporting.drawing import Drawing
from cardscreen.reporting.material import Material, Section
from cardscreen.reporting.sections.actions import actions
from cardscreen.reporting.sections.flags import flags, holders
from cardscreen.reporting.sections.leads import leads
from cardscreen.reporting.sections.nights import limits, trend
from cardscreen.reporting.sections.provenance import provenance
from cardscreen.reporting.sections.quality import quality
from cardscreen.reporting.sections.sources import sources
from cardscreen.reporting.sections.tonight import tonight

_MOST = 2_800_000  # bytes of a page: 3 MB with room for what is not foreseen
_WITHOUT_SCRIPT = 50  # accounts that are there without the page's script
#: The sections in their order; the accounts, which are no figures, come before the last.
SECTIONS: tuple[Callable[[Material], Section], ...] = (
    *(actions, flags, sources, trend, holders, quality, limits, leads),
    provenance,
)


def page(material: Material, drawing: Drawing | None = None) -> str:
    """A page of HTML.

    Args:
        material: What it is made of.
        drawing: What draws; None: one of its own. Where it fails, the page has tables and no pictures.

    Returns:
        HTML of at most 3 MB.
    """
    if drawing is None:
        with Drawing() as own:
            return page(material, own)
    parts = [make(material) for make in SECTIONS]
    charts = {
        f"{part.name}-{figure.name}": figure.chart
        for part in parts
        for figure in part.figures
        if figure.chart is not None
    }
    pictures = {
        name: Markup(svg)  # nosec B704 # drawn here, of texts that are escaped
        for name, svg in drawing.drawn(charts).items()
    }
    every = Accounts.of(material)
    style, script = _text("page.css"), _text("page.js")
    known: dict[str, Any] = {
        "language": material.language,
        "say": material.language.say,
        "night": material.night,
        "summary": material.summary,
        "tonight": tonight(material),
        "sections": parts,
        "pictures": pictures,
        "undrawn": bool(set(charts) - set(pictures)),
        "style": Markup(style),  # nosec B704 # our own
        "script": Markup(script),  # nosec B704 # our own
        "policy": f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; "
        "form-action 'none'",
        "version": __version__,
        "first": every.first(_WITHOUT_SCRIPT),
        "total": every.total,
    }
    bare = _template().render(**known, accounts=every, data=Markup("{}"))
    fitting, data = every.within(_MOST - len(bare.encode()))
    safe = Markup(data)  # nosec B704 # JSON, in which no tag can stand
    return _template().render(**known, accounts=fitting, data=safe)


@cache
def _text(name: str) -> str:
    return resources.files(__package__).joinpath("looks", name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_tame
    )
    environment.filters["cell"] = _cell
    return environment.from_string(_text("page.html"))


def _tame(value: object) -> object:
    """What an expression of the page writes: plain text, in which words of others may stand, as it may be shown."""
    return shown(value) if type(value) is str else value


def _cell(value: object) -> str:
    """A cell of a table: thousands apart, a dash for what there is none of."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
