"""XML, gone through element by element; a document type is refused wherever it stands."""

from __future__ import annotations

from typing import Never
from xml.etree import ElementTree as ET

from cardscreen.foundation.errors import InputError

_BLOCK = 1 << 16  # bytes


class Elements:
    """What is made of a document's elements: the parser calls `start`, `data` and `end` of what has them."""

    def __init__(self, where: str) -> None:
        self.where = where

    def doctype(self, *_: str | None) -> Never:
        """Refuse what may name other files, and make a little text into much."""
        raise InputError(f"{self.where} declares a document type, which may name other files: give it without")


def go_through(content: bytes, elements: Elements) -> None:
    """Tell of each element of a document as it comes.

    Raises:
        InputError: The content is no XML document, or declares a document type.
    """
    parser = ET.XMLParser(target=elements)  # nosec B314 # entities need a document type, which is refused
    try:
        for begin in range(0, len(content), _BLOCK):
            parser.feed(content[begin : begin + _BLOCK])
        parser.close()
    except ET.ParseError as error:
        line = error.position[0]
        raise InputError(f"{elements.where} is no XML document, line {line:,}: is it complete?") from None
