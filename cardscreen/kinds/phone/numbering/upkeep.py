"""Making the phone tables ahead of time, for container images, and telling what there is of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import phonenumbers

from cardscreen.kinds.phone.numbering import lookup, plan, routes, shelf


def warm(regions: Iterable[str] | None = None) -> dict[str, int]:
    """Build what the cache lacks: the plan, the international routes, and those of some regions.

    Args:
        regions: Region codes; None: all that libphonenumber knows.

    Returns:
        Cells of each table, by its name in the cache.
    """
    cells = {"plan": len(shelf.fetch("plan", plan.PLAN, plan.build)), "plus": len(lookup.fetch_routes(None))}
    for region in sorted(phonenumbers.SUPPORTED_REGIONS) if regions is None else regions:
        cells[region] = len(lookup.fetch_routes(region))
    return cells


def report() -> dict[str, Any]:
    """What `shelf.state` says, and `cells`: name → cells of each sound table in the cache."""
    state = shelf.state()
    cells = {}
    for name in state["tables"]:
        table = shelf.load(name, plan.PLAN if name == "plan" else routes.ROUTES)
        if table is not None:
            cells[name] = len(table)
    return {**state, "cells": cells}
