"""Cards in a screening: hidden digits, lost digits, test numbers, and columns that would show numbers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from stdnum import luhn

import cardscreen as cs
from cardscreen.cli.commands.normalize import normalize_file
from cardscreen.foundation.cards.in_text import Found
from cardscreen.kinds.kind import kind_from_options
from cardscreen.kinds.tokens import TokenKey
from cardscreen.lists.feeds.feed import Columns, Feed
from cardscreen.lists.feeds.rows import read_feed
from cardscreen.runs.job import Job
from cardscreen.screening.hits.evidence import near_in
from cardscreen.screening.targets import Targets

DAY = date(2026, 11, 23)
PAN = "6222021234561234"
KEY = cs.TokenKey("correct horse battery staple, and some more")
NOTHING = {"bad_checksum": 0, "test_card": 0, "damaged": 0, "filler": 0}


def screened(cells: Any, values: list[str], kind: cs.Card | None = None, **options: Any) -> cs.Result:
    """Accounts 0, 1, … with a card each against listings of cards."""
    column = cells if isinstance(cells, pl.Series) else pl.Series(cells, dtype=pl.String)
    accounts = pl.DataFrame({"account_id": range(len(column)), "card": column})
    listed = pl.DataFrame({"kind": "card", "value": values, "severity": 95})
    kinds = {"card": kind or cs.Card()}
    return cs.screen(accounts, cs.Blocklist.from_frame(listed), kinds, as_of=DAY, **options)


def found(result: cs.Result) -> list[tuple[Any, ...]]:
    return result.hits.select("account_id", "value", "match", "cap", "action").collect().rows()


# --- hidden digits ----------------------------------------------------------------------------------

FORMS = [
    pytest.param("622202******1234", id="stars"),
    pytest.param("6222 02** **** 1234", id="grouped-stars"),
    pytest.param("6222-02XX-XXXX-1234", id="grouped-x"),
    pytest.param("622202XXXXXX1234", id="x"),
    pytest.param("622202xxxxxx1234", id="small-x"),
    pytest.param("622202######1234", id="hashes"),
    pytest.param("622202••••••1234", id="bullets"),
    pytest.param("６２２２０２＊＊＊＊＊＊１２３４", id="full-width"),
    pytest.param("622202…1234", id="ellipsis"),
    pytest.param("622202...1234", id="three-dots"),
    pytest.param("62220212****1234", id="eight-and-four"),
    pytest.param("622202****561234", id="six-and-six"),
]


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_number_of_an_account_meets_exact_listings_and_is_capped(form: str) -> None:
    ((account, value, *rest),) = found(screened([form], [PAN]))
    assert (account, *rest) == (0, "truncated", "verify", "verify")
    assert value in ("622202******1234", "622202…1234")


@pytest.mark.parametrize("form", FORMS)
def test_a_truncated_listing_meets_full_numbers_and_the_hit_is_capped(form: str) -> None:
    assert found(screened([PAN], [form])) == [(0, "622202******1234", "truncated", "verify", "verify")]


@pytest.mark.parametrize(
    ("account", "listed"),
    [
        pytest.param("622202*******1234", PAN, id="another-length"),
        pytest.param("622202******1235", PAN, id="another-end"),
        pytest.param("62220213****1234", PAN, id="another-seventh-digit"),
        pytest.param("622202****571234", PAN, id="another-digit-before-the-last-four"),
        pytest.param("622203…1234", PAN, id="another-beginning"),
    ],
)
def test_what_differs_in_a_visible_digit_or_in_length_does_not_match(account: str, listed: str) -> None:
    assert found(screened([account], [listed])) == []


@pytest.mark.parametrize("length", range(12, 20))
def test_an_ellipsis_stands_for_any_number_of_digits(length: int) -> None:
    pan = "622202" + "9" * (length - 10) + "1234"
    assert [hit[2] for hit in found(screened(["622202…1234"], [pan]))] == ["truncated"]
    assert [hit[2] for hit in found(screened([pan], ["622202…1234"]))] == ["truncated"]


def test_equal_ends_of_a_length_that_is_never_issued_are_no_card_since_they_may_be_two_prefixes() -> None:
    assert screened(["622202*622299"], [PAN]).rejects.collect()["status"].to_list() == ["truncated"]
    with pytest.raises(cs.BlocklistError, match="no card|range of prefixes"):
        screened([PAN], ["622202*622299"])


@pytest.mark.parametrize(
    "form", ["************1234", "…1234", "62220*******1234", "622202**********4", "622202**********"]
)
def test_a_number_that_shows_too_little_is_a_reject_and_no_listing(form: str) -> None:
    result = screened([form], [PAN])
    assert result.rejects.collect().select("status", "shape").rows() == [
        ("truncated", form.translate({ord(digit): "9" for digit in "0123456789"}))
    ]
    with pytest.raises(cs.BlocklistError, match="no card"):
        screened([PAN], [form])


# --- lost digits ------------------------------------------------------------------------------------

LOST = "6222021234567890"


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([LOST], id="zero-behind-the-fifteenth"),
        pytest.param(["6222021234567890000"], id="zeros-behind-the-fifteenth"),
        pytest.param(["6.22202E+15"], id="scientific"),
        pytest.param(pl.Series([6222021234561234567.0]), id="float"),
        pytest.param(pl.Series([int(LOST)]), id="integer"),
    ],
)
def test_a_number_that_lost_digits_is_reported_and_matches_nothing(cells: Any) -> None:
    result = screened(cells, [PAN, "622202******7890", "622202*"], tokens=KEY)
    assert (found(result), result.rejects.collect()["status"].to_list()) == ([], ["damaged"])
    assert result.summary["notes"]["card"]["damaged"] == 1
    assert result.summary["coverage"]["card"]["rejected"] == 1


def test_a_listed_number_that_lost_digits_is_refused() -> None:
    with pytest.raises(cs.BlocklistError, match="no card"):
        screened([PAN], [LOST])


@pytest.mark.parametrize("length", range(16, 20))
def test_a_sound_number_that_ends_in_zeros_has_lost_nothing(length: int) -> None:
    bodies = (f"62220212345{body:04}" for body in range(10_000))
    pan = next(body + "0" * (length - 15) for body in bodies if luhn.is_valid(body + "0" * (length - 15)))
    assert [hit[2] for hit in found(screened([pan], [pan]))] == ["exact"]


FLOAT = "6222021234561234.0"


def test_a_number_with_decimals_is_a_reject_unless_it_is_to_be_mended() -> None:
    result = screened([FLOAT] * 3, [PAN])
    assert (found(result), result.rejects.collect()["status"].to_list()) == ([], ["damaged"] * 3)
    assert result.summary["rows"]["not_screenable"] == 3
    mended = screened([FLOAT, "9222021234561234.0"], [PAN], cs.Card(repair=True))
    assert [hit[:3] for hit in found(mended)] == [(0, "622202******1234", "exact")]
    assert mended.rejects.collect()["status"].to_list() == ["damaged"]
    assert mended.summary["notes"]["card"] == {**NOTHING, "bad_checksum": 1, "damaged": 1, "repaired": 1}


def test_a_feed_of_damaged_cards_is_mended_where_its_hint_is_followed(tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text(f'card\n{FLOAT}\n"=""4000001234561234"""\n', encoding="utf-8")
    said: dict[str, Any] = {"source": "a", "columns": {"value": "card"}}
    rows = read_feed(tmp_path / "cards.csv", Feed(**said, kind="card"))
    assert rows.rejects["reason"].to_list() == ["a quantity that a spreadsheet has made of a number"]
    assert kind_from_options("card", {"kind": "card", "repair": True}) == cs.Card(repair=True)
    mended = read_feed(tmp_path / "cards.csv", Feed(**said, kind="card", repair=True))
    assert mended.rows["value"].to_list() == [PAN, "4000001234561234"]
    (tmp_path / "mixed.csv").write_text(f"card,kind\n{FLOAT},card\n", encoding="utf-8")
    said["columns"] = {"value": "card", "kind": "kind"}
    assert read_feed(tmp_path / "mixed.csv", Feed(**said, repair=True)).rows["value"].to_list() == [PAN]


WHOLE = "6222021234561236"
PADDED = [f"000{WHOLE}", f"00{WHOLE}", "0371449635398431", '="0004111111111111111"']


def test_a_number_that_zeros_fill_up_in_front_is_a_reject_unless_it_is_to_be_mended() -> None:
    result = screened(PADDED, [WHOLE])
    assert (found(result), result.rejects.collect()["status"].to_list()) == ([], ["damaged"] * 4)
    mended = screened(PADDED, [WHOLE, "371449635398431", "4111111111111111"], cs.Card(repair=True))
    assert [hit[:3] for hit in found(mended)] == [
        (0, "622202******1236", "exact"),
        (1, "622202******1236", "exact"),
        (2, "371449*****8431", "exact"),
        (3, "411111******1111", "exact"),
    ]
    assert mended.summary["notes"]["card"]["repaired"] == 2  # the others are test cards, which is noted first
    with pytest.raises(cs.BlocklistError, match="no card"):
        screened([WHOLE], [PADDED[0]])


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("0009999123456789012", id="no-scheme"),
        pytest.param("0006222021234561234", id="wrong-check-digit"),
        pytest.param("0622202123456789012", id="one-zero-of-nineteen-digits"),
    ],
)
def test_what_may_be_a_banks_own_number_with_zeros_is_read_as_it_stands(cell: str) -> None:
    assert [hit[2] for hit in found(screened([cell], [cell]))] == ["exact"]
    told = pl.DataFrame({"x": ["0004111111111111111", cell]}).select(cs.card("x", pan=True))
    assert told.unnest("x")["pan"].to_list() == ["0004111111111111111", cell]


@pytest.mark.parametrize("cell", ["0000000000000000", "8888 8888 8888 8888", "1234567890123456", "9876543210987654"])
def test_what_forms_are_filled_with_is_a_reject_and_counted_and_no_listing(cell: str) -> None:
    result = screened([cell, cell], [PAN, "1*", "8*", "98*"])
    assert (found(result), result.rejects.collect()["status"].to_list()) == ([], ["not_a_number"] * 2)
    assert result.summary["notes"]["card"] == {**NOTHING, "filler": 2}
    with pytest.raises(cs.BlocklistError, match="no card"):
        screened([PAN], [cell])


@pytest.mark.parametrize(
    "form",
    [
        *('="6222021234561234"', "6222.0212.3456.1234", "Card no. 6222 0212 3456 1234", "卡号：6222021234561234"),
        *("PAN: 6222-0212-3456-1234", "\u202a6222\u200e0212\u200e3456\u200e1234\u202c", "\u2066卡号：\u2069" + PAN),
    ],
)
def test_other_ways_of_writing_are_screened_and_listed_the_same(form: str, tmp_path: Path) -> None:
    assert [hit[:3] for hit in found(screened([form], [PAN]))] == [(0, "622202******1234", "exact")]
    assert [hit[:3] for hit in found(screened([PAN], [form]))] == [(0, "622202******1234", "exact")]
    pl.DataFrame({"card": [form]}).write_parquet(tmp_path / "list.parquet")
    rows = read_feed(tmp_path / "list.parquet", Feed(source="a", kind="card", columns={"value": "card"})).rows
    assert rows.select("value", pl.col("match").cast(pl.String)).rows() == [(PAN, "exact")]


def test_a_number_with_a_wrong_check_digit_is_screened_all_the_same() -> None:
    assert not luhn.is_valid(PAN)
    assert [hit[2] for hit in found(screened([PAN], [PAN]))] == ["exact"]


# --- test numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("as_tokens", [False, True])
def test_published_test_numbers_can_be_left_out_and_are_counted(as_tokens: bool) -> None:
    values = pl.Series("value", ["4242424242424242", PAN])
    if as_tokens:
        values = values.to_frame().select(cs.token("value", "card", KEY)).to_series()
    cells = ["4242 4242 4242 4242", PAN, "5555555555554444"]
    result = screened(cells, values.to_list(), cs.Card(exclude_test_cards=True), tokens=KEY)
    assert [hit[0] for hit in found(result)] == [1]
    assert result.rejects.collect().select("account_id", "status").rows() == [(0, "test_card"), (2, "test_card")]
    assert result.summary["notes"]["card"] == {**NOTHING, "bad_checksum": 1, "test_card": 2}
    assert sum(result.summary["rows"].values()) == 2 * result.summary["rows"]["read"]


def test_test_numbers_are_screened_and_counted_where_nothing_is_said() -> None:
    result = screened(["4242424242424242"], ["4242424242424242"])
    assert [hit[0] for hit in found(result)] == [0]
    assert result.summary["notes"]["card"]["test_card"] == 1


# --- columns that results show ----------------------------------------------------------------------


def with_check_digit(body: int) -> str:
    return f"{body}{luhn.calc_check_digit(str(body))}"


SOUND = [with_check_digit(622202123456000 + each * 7919) for each in range(60)]


def world(account_id: Any, **columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"account_id": account_id, **columns}).with_columns(card=pl.lit(PAN))


def screen(accounts: pl.DataFrame, **options: Any) -> cs.Result:
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [PAN]}))
    return cs.screen(accounts, listed, {"card": cs.Card()}, as_of=DAY, **options)


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(SOUND, id="text"),
        pytest.param([int(pan) for pan in SOUND], id="integers"),
        pytest.param([f"{pan[:4]} {pan[4:8]} {pan[8:12]} {pan[12:]}" for pan in SOUND], id="grouped"),
        pytest.param([f"C-{pan}" for pan in SOUND], id="inside-other-text"),
        pytest.param(SOUND[:20] + [f"a{each}" for each in range(40)], id="a-third-of-them"),
        pytest.param(SOUND[:6] + [f"a{each}" for each in range(54)], id="a-tenth-of-them"),
        pytest.param(SOUND[:7], id="a-few"),
        pytest.param(
            [622202123456000 * 10 + each for each in range(60)], id="of-a-scheme-with-cards-that-fail-the-check"
        ),
        pytest.param([400002123456000 * 10 + each for each in range(60)], id="most-of-a-scheme-and-length"),
        pytest.param([f"{pan[:4]}.{pan[4:8]}.{pan[8:12]}.{pan[12:]}" for pan in SOUND], id="dots"),
        pytest.param([f"{pan[:6]}_{pan[6:10]}_{pan[10:]}" for pan in SOUND], id="strokes"),
        pytest.param([f"12 {pan[:4]} {pan[4:8]} {pan[8:12]} {pan[12:]} 7" for pan in SOUND], id="among-other-digits"),
        pytest.param([f"20261123-{pan}" for pan in SOUND], id="behind-a-day"),
    ],
)
def test_an_account_id_that_looks_like_cards_is_refused_unless_it_is_meant(ids: list[Any]) -> None:
    with pytest.raises(cs.ConfigError, match=r"'account_id' is the account id.*card numbers.*unmasked") as refused:
        screen(world(ids))
    assert not any(str(each) in str(refused.value) for each in ids)
    assert screen(world(ids), unmasked=["account_id"]).summary["rows"]["hit"] == len(ids)


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param([f"a{each}" for each in range(60)], id="words"),
        pytest.param(list(range(60)), id="small-numbers"),
        pytest.param(pl.Series(range(60), dtype=pl.Int8), id="numbers-of-a-small-type"),
        pytest.param(
            [f"{400002123456000 * 10 + each}" for each in range(19)] + [f"a{each}" for each in range(41)],
            id="some-numbers-like-cards-of-which-a-tenth-is-sound",
        ),
        pytest.param([f"20261123-{each:03}-{each * 7919:08}" for each in range(60)], id="days-and-numbers"),
        pytest.param([861380013800000 * 10 + each * 7 for each in range(60)], id="of-no-scheme"),
        pytest.param([4915112345600 + each for each in range(60)], id="phone-numbers-that-begin-like-visa"),
        pytest.param([with_check_digit(99020212345600 + each) for each in range(60)], id="sound-numbers-of-no-scheme"),
        pytest.param([with_check_digit(13800138000 + each)[:12] for each in range(60)], id="twelve-digits"),
        pytest.param([f"622202******{each:04}" for each in range(60)], id="masks"),
        pytest.param([date(2026, 1, 1)] * 60, id="dates"),
        pytest.param([None] * 60, id="nulls"),
    ],
)
def test_other_account_ids_are_not(ids: Any) -> None:
    assert screen(world(ids)).summary["rows"]["read"] == 60


OWN = ["4000001234561234", PAN, "2200001234561234123", with_check_digit(777700123456123)]  # the last one of no scheme


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize(
    "form",
    [
        *("{}", "CARD-{}", "{}-01", "00{}", "ref 12, card {}"),
        *("{a}.{b}.{c}.{d}", "{a}_{b}_{c}_{d}", "{a}/{b}/{c}/{d}", "{a} {b} {c} {d}", "12 {a}\u00a0{b}\u200b{c}–{d} 7"),
    ],
)
def test_a_rows_own_card_number_is_not_shown_however_it_is_written(form: str, own: str) -> None:
    cut = dict(zip("abcd", (own[:4], own[4:8], own[8:12], own[12:]), strict=True))
    note = form.format(own, **cut)
    notes = [f"a{each}" for each in range(99)] + [note, None]
    accounts = pl.DataFrame({"account_id": range(101), "note": notes, "cards": [[None, "x", own]] * 101})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [PAN]}))
    for cells in (pl.col("cards"), pl.col("cards").list.last(), pl.col("cards").list.last() + ".0"):
        table = accounts.with_columns(cells.alias("cards"))
        if own == OWN[2] and table.schema["cards"] == pl.String and table["cards"][0].endswith(".0"):
            continue  # of such a number a float has lost digits
        with pytest.raises(
            cs.ConfigError, match=r"'note' is carried.*1 of 101 rows show their own card num"
        ) as refused:
            cs.screen(table, listed, {"cards": cs.Card()}, as_of=DAY, carry=["note"])
        assert note not in str(refused.value)
        cs.screen(table, listed, {"cards": cs.Card()}, as_of=DAY, carry=["note"], unmasked=["note"])
    with pytest.raises(cs.ConfigError, match="'note' is the account id"):
        cs.screen(accounts, listed, {"cards": cs.Card()}, account_id="note", as_of=DAY)


def test_an_account_number_in_a_card_column_is_not_taken_for_a_card() -> None:
    ids = [f"99990012345612{each:02}" for each in range(1, 10)]
    accounts = pl.DataFrame({"account_id": ids, "card": ids})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [PAN]}))
    unsound = accounts.filter(pl.Series([not luhn.is_valid(each) for each in accounts["card"]]))
    assert cs.screen(unsound, listed, {"card": cs.Card()}, as_of=DAY).summary["rows"]["clear"] == len(unsound)


def test_of_random_ids_no_column_is_taken_for_one_of_cards_and_cards_among_them_are_seen() -> None:
    rng = np.random.default_rng(16)
    for digits in (16, 17, 18, 19):
        ids = pl.Series(rng.integers(10 ** (digits - 1), 10**digits, 1000, dtype=np.uint64)).cast(pl.String)
        assert [Found.of(ids[start : start + 250]).cards for start in range(0, 1000, 250)] == [0] * 4
        assert Found.of(ids).cards == 0
        assert not Found.of(ids).doubtful.any()
        pans = pl.Series([with_check_digit(400000123456000 + int(each)) for each in rng.integers(0, 10**6, 150)])
        assert Found.of(pl.concat([ids, pans])).cards >= 150


def test_a_carried_column_of_cards_or_tokens_is_refused_unless_it_is_meant() -> None:
    tokens = pl.DataFrame({"pan": SOUND}).select(cs.token("pan", "card", KEY)).to_series()
    ids = range(len(SOUND))
    for column, words in ((pl.Series(SOUND), "card numbers"), (tokens, "tokens")):
        with pytest.raises(cs.ConfigError, match=f"'other' is carried.*{words}"):
            screen(world(ids, other=column), carry=["other"])
        assert screen(world(ids, other=column), carry=["other"], unmasked=["other"]).summary["rows"]["hit"] == len(
            SOUND
        )


def with_identifiers(cells: Any, kind: Any, **options: Any) -> cs.Result:
    """Accounts whose column of other identifiers holds these cells."""
    identifiers = {"card": cs.Card(), "other": kind}
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [PAN]}))
    return cs.screen(world(range(len(cells)), other=cells), listed, identifiers, as_of=DAY, **options)


@pytest.mark.parametrize("kind", [cs.Opaque("other"), cs.Opaque(), cs.Handle("instagram")])
@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(SOUND, id="text"),
        pytest.param([int(pan) for pan in SOUND], id="integers"),
        pytest.param([["a", pan, None] for pan in SOUND], id="lists"),
        pytest.param([f"card:{pan}" for pan in SOUND], id="named"),
        pytest.param([f"a{each}" for each in range(59)] + [PAN], id="a-row-with-its-own-card"),
        pytest.param([["a", None]] * 58 + [None, ["a", PAN]], id="a-list-with-the-rows-own-card"),
    ],
)
def test_a_column_of_any_text_that_holds_cards_is_refused_unless_it_is_meant(cells: Any, kind: Any) -> None:
    with pytest.raises(cs.ConfigError, match=r"column .other. holds .*, which results show as they are.*Card") as no:
        with_identifiers(cells, kind)
    assert not any(pan in str(no.value) for pan in SOUND)
    assert with_identifiers(cells, kind, unmasked=["other"]).summary["rows"]["read"] == len(cells)


LONG_IDS = np.random.default_rng(28)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([400002123456000 * 10 + each for each in range(60)], id="customers-that-begin-like-cards"),
        pytest.param([f"{each}" for each in LONG_IDS.integers(10**15, 10**16, 5000)], id="of-sixteen-digits"),
        pytest.param([f"{each}" for each in LONG_IDS.integers(10**18, 9 * 10**18, 5000)], id="of-nineteen-digits"),
        pytest.param([with_check_digit(35000000000000 + each * 7919) for each in range(5000)], id="imeis"),
        pytest.param([f"{each:032x}" for each in range(0, 10**15, 10**12)], id="hexadecimal"),
        pytest.param([["a", "b"], [], None], id="lists"),
        pytest.param(["b8:27:eb:00:00:01", None, "unknown"], id="addresses-of-devices"),
    ],
)
def test_other_columns_of_any_text_are_not(cells: Any) -> None:
    assert with_identifiers(cells, cs.Opaque("device")).summary["rows"]["read"] == len(cells)


def test_the_card_column_itself_is_shown_only_if_it_is_meant() -> None:
    accounts = world(range(3))
    with pytest.raises(cs.ConfigError, match="unmasked"):
        screen(accounts, account_id="card")
    assert screen(accounts, account_id="card", unmasked="card").flagged.collect()["account_id"].to_list() == [PAN]


def test_unmasked_names_columns_that_results_show() -> None:
    with pytest.raises(cs.ConfigError, match=r"unmasked names 'acount_id' \(did you mean 'account_id'\?\)"):
        screen(world(range(3)), unmasked=["acount_id"])


def test_cards_late_in_the_accounts_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BATCH", "ASIDE"):
        monkeypatch.setattr(f"cardscreen.screening.scan.{name}", 50)
    with pytest.raises(cs.ConfigError, match="is the account id"):
        screen(world([f"a{each}" for each in range(100)] + SOUND))


@pytest.mark.parametrize("column", ["reference", "listing_id", "source", "reason"])
@pytest.mark.parametrize(
    "written",
    [
        *(
            PAN,
            f"case {PAN[:4]} {PAN[4:8]} {PAN[8:12]} {PAN[12:]}",
            f"12 {PAN[:6]}.{PAN[6:10]}.{PAN[10:]}",
            f"PAN-{PAN}-01",
        ),
        *(f"{PAN[:8]}\u00a0{PAN[8:]}", f"{PAN[:8]}_{PAN[8:]}", f"{PAN[:8]}/\u200b{PAN[8:]}"),
    ],
)
def test_a_listing_that_tells_its_number_beside_is_refused(column: str, written: str) -> None:
    with pytest.raises(cs.BlocklistError, match="another column holds the number"):
        cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [PAN], column: [written]}))


def references(texts: list[str]) -> list[int]:
    """Lines of a feed of cards whose references are refused."""
    cards = [str(4_000_001_000_000_001 + 10 * each) for each in range(len(texts))]
    with tempfile.TemporaryDirectory() as folder:
        pl.DataFrame({"card": cards, "ref": texts}).write_csv(Path(folder, "list.csv"))
        feed = Feed(source="a", kind="card", columns=Columns(value="card", reference="ref"))
        rejects = read_feed(Path(folder, "list.csv"), feed).rejects
    return rejects.filter(pl.col("reason") == "the reference or reason holds a card number")["line"].to_list()


def test_a_feeds_references_are_refused_where_they_may_be_card_numbers_and_not_where_chance_makes_some() -> None:
    rng = np.random.default_rng(16)
    ordinary = pl.Series(rng.integers(10**15, 10**16, 300, dtype=np.uint64)).cast(pl.String).to_list()
    assert references(ordinary) == []
    assert references(
        ["case 12", f"12 {SOUND[0]}", f"{PAN[:4]}.{PAN[4:8]}.{PAN[8:12]}.{PAN[12:]}", "4000001234561234"]
    ) == [3, 4]
    assert len(references(ordinary[:30] + SOUND[:10])) >= 10


def test_a_listing_that_tells_its_token_beside_is_refused() -> None:
    token = pl.DataFrame({"pan": [PAN]}).select(cs.token("pan", "card", KEY)).item()
    with pytest.raises(cs.BlocklistError, match="another column holds the number"):
        cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [token], "listing_id": [token]}))


# --- tokens -----------------------------------------------------------------------------------------


def test_each_distinct_number_of_a_part_is_signed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    signed: list[int] = []

    def counting(key: TokenKey, text: pl.Expr, digest: Callable[..., pl.Expr] = TokenKey.digest) -> pl.Expr:
        def count(batch: pl.Series) -> pl.Series:
            signed.append(len(batch))
            return batch

        return digest(key, text.map_batches(count, return_dtype=pl.String, is_elementwise=True))

    token = pl.DataFrame({"pan": [PAN]}).select(cs.token("pan", "card", KEY)).item()
    monkeypatch.setattr(TokenKey, "digest", counting)
    cells = [PAN, f" {PAN}", "4111111111111111", "622202******1234", None] * 1000
    result = screened(cells, [token], tokens=KEY)
    assert len(found(result)) == 2000
    assert sum(signed) == 3  # two numbers in the pass, and the one that may match again as evidence


def test_masks_are_not_written_beside_tokens(tmp_path: Path) -> None:
    cards = pl.DataFrame({"card": SOUND}).with_columns(cs.token("card", "card", KEY).alias("known_as"))
    cards.write_csv(tmp_path / "cards.csv")
    with pytest.raises(cs.ConfigError, match=r"'known_as' 60 of 60 values looked at are tokens"):
        normalize_file("card", str(tmp_path / "cards.csv"), "card", tmp_path / "out.csv")
    assert [file.name for file in tmp_path.iterdir()] == ["cards.csv"]


def test_what_may_match_shows_counts_and_no_keys() -> None:
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [PAN]}))
    assert (
        repr(Targets.of("card", listed.compiled, near_in(listed.lazy))) == "Targets(card: 1 keys, 0 ranges, 0 tokens)"
    )


def test_a_job_may_name_two_keys_while_they_are_changed(tmp_path: Path) -> None:
    for name, secret in (("new", "n" * 40), ("old", "o" * 40)):
        (tmp_path / name).write_text(secret, encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    job = '[accounts]\npath = "a.csv"\nunmasked = ["account_id"]\n[identifiers]\ncard = { kind = "card" }\n'
    job += '[blocklist]\npaths = ["l.parquet"]\n[tokens]\nkey_file = ["new", "old"]\n'
    (tmp_path / "job.toml").write_text(job, encoding="utf-8")
    read = Job.read(tmp_path / "job.toml")
    assert [key.id for key in read.tokens] == [cs.TokenKey("n" * 40).id, cs.TokenKey("o" * 40).id]
    assert read.unmasked == ["account_id"]
