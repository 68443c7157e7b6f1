"""Classes whose help shows what users say and call, and nothing of the machinery underneath."""

from __future__ import annotations

from abc import ABCMeta


class Plain(type):
    """The type of classes that list in `_offers` what `dir` and `help` show of them; options are in the docstring."""

    def __dir__(cls) -> list[str]:
        return list(cls.__dict__.get("_offers", ()))


class PlainHelp(Plain, ABCMeta):
    """The same for classes with abstract methods."""
