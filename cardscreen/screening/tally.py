"""Counts that add up over the parts of a pass, each by what it counts and, perhaps, of what."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable


class Tally:
    """Counts under words, such as `read`, or `rejected` of the column `mobile`.

    Example:
        >>> tally = Tally()
        >>> tally.add(2, "rejected", "mobile")
        >>> tally["rejected", "mobile"], tally["read"], tally.under("rejected")
        (2, 0, {'mobile': 2})
    """

    def __init__(self, counts: Iterable[tuple[tuple[str, ...], int]] = ()) -> None:
        self._counts = Counter(dict(counts))

    def add(self, count: int, *of: str) -> None:
        """Count so many more."""
        self._counts[of] += count

    def update(self, other: Tally) -> None:
        """Count what another part has counted."""
        self._counts.update(other._counts)

    def __getitem__(self, of: str | tuple[str, ...]) -> int:
        """How many were counted; 0 where nothing was."""
        return self._counts[of if isinstance(of, tuple) else (of,)]

    def under(self, *of: str) -> dict[str, int]:
        """The counts whose words begin like this, by the word that follows; in the order in which they came."""
        return {words[len(of)]: count for words, count in self._counts.items() if words[:-1] == of}

    def to_json(self) -> str:
        """As text, for another process."""
        return json.dumps([[list(words), count] for words, count in self._counts.items()])

    @classmethod
    def from_json(cls, text: str) -> Tally:
        """What `to_json` gave."""
        return cls((tuple(words), count) for words, count in json.loads(text))
