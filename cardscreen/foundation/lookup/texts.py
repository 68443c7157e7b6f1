"""A column of text as a loop reads it: where in memory each text is.

In memory a text column is a row of views (Arrow's Utf8View): each a length, and then either the text itself, up to
twelve bytes of it, or its first four bytes and in which buffer it is, and where in that.
"""

from __future__ import annotations

import numpy as np
import polars as pl

_VIEW = 16  # bytes


class Texts:
    """Where the texts of a String column are; of one in several pieces, those of a copy.

    Attributes:
        address: Where a loop finds the addresses of the views, of the buffers' addresses, and of the bits that say
            which texts are not null (0: all are), and which of the bits is the first text's.
    """

    def __init__(self, texts: pl.Series) -> None:
        self._array = texts.to_arrow(compat_level=pl.CompatLevel.newest())
        valid, views, *buffers = self._array.buffers()
        self._buffers = np.array([each.address for each in buffers], dtype=np.int64)
        self._for_loop = np.array(
            [
                (views.address if views else 0) + _VIEW * self._array.offset,
                self._buffers.ctypes.data,
                valid.address if valid and self._array.null_count else 0,
                self._array.offset,
            ],
            dtype=np.int64,
        )
        self.address: int = self._for_loop.ctypes.data

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._array)
