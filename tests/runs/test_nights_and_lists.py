"""Weeks of nights and lists, by dice: who is cut off, told or freed is what the lists say, and when."""

from __future__ import annotations

from pathlib import Path

import pytest
from nights_and_lists import play


@pytest.mark.parametrize("seed", range(12))
def test_whatever_lists_and_people_do_nobody_is_cut_off_untold_unlisted_or_missed(seed: int, tmp_path: Path) -> None:
    play(seed, tmp_path)
