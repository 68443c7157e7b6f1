"""The manifest in words."""

from __future__ import annotations

from cardscreen.reporting.material import Figure, Material, Section
from cardscreen.reporting.sections.counting import table


def provenance(material: Material) -> Section:
    """The section of what the run was made of."""
    say = material.language.say
    rows = [list(each) for each in material.provenance]
    if not rows:
        versions = material.summary["versions"].items()
        rows = [[say("as of"), material.summary["as_of"]], *([name, version] for name, version in versions)]
    figure = Figure("manifest", say("What this was made of, and by what."), table([say("what"), say("which")], rows))
    return Section("provenance", say("Provenance"), [], [figure])
