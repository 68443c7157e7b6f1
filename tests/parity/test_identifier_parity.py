"""IMEIs, IMSIs, ICCIDs, resident ids, IBANs and addresses, edited or any: the verdict is the reference library's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from of_each_kind import COMPARED


@pytest.mark.parametrize("kind", COMPARED)
def test_edited_numbers_have_the_references_verdict(kind: str) -> None:
    compared = COMPARED[kind]
    texts = list(compared.strings(1, 6_000))
    assert 0.1 < sum(map(compared.reference, texts)) / len(texts) < 0.9
    assert compared.differences(texts) == []


@pytest.mark.parametrize("kind", ["imei", "imsi", "resident_id"])
@given(cells=st.lists(st.text(max_size=30) | st.text("0123456789Xx -", max_size=20), min_size=1))
def test_any_text_has_the_references_verdict(kind: str, cells: list[str]) -> None:
    assert COMPARED[kind].differences(cells) == []


@given(st.lists(st.text(max_size=30) | st.emails(), min_size=1))
def test_any_address_has_the_references_verdict(cells: list[str]) -> None:
    assert COMPARED["email"].differences([cell.strip() for cell in cells]) == []
