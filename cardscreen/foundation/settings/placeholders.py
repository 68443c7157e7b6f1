"""Text that a template left to be filled in, and nobody did: it must not reach the person concerned."""

from __future__ import annotations

import re

#: What templates put where only a person knows what to say. A sentence may end in dots; these are all there is.
_PLACEHOLDER = re.compile(
    r"""\s*(?:
        [\W_]*                                                          # …, ..., ???, ---
        | x{2,} | n/?a | tb[acd] | to\ be\ (?:added|confirmed|defined|done)
        | .*\b(?:todo|fixme|changeme|change\ me|fill\ me\ in|lorem\ ipsum)\b.*
        | (?:please\s+)?(?:name|say|state|give|insert|enter|fill\s+in|put|write|your)\b.*\bhere
        | name\ (?:the|who|your|a)\b.*
        | <[^<>]*> | \[[^\[\]]*\] | \{[^{}]*\} | …[^…]*…
    )[\s.…!]*""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def is_placeholder(text: str) -> bool:
    """Whether a text says nothing but that something is to be said.

    Example:
        >>> [is_placeholder(text) for text in ("…", "name the law or the agreement here", "Fraud Act 2006, s. 2 ...")]
        [True, True, False]
    """
    return _PLACEHOLDER.fullmatch(text) is not None
