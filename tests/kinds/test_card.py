"""Payment cards: schemes, statuses, check digits and masks. Numbers here are made up or public test numbers."""

from __future__ import annotations

import itertools
import re
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum import luhn

import cardscreen as cs
from cardscreen.foundation.cards.luhn import luhn_ok
from cardscreen.kinds.card import samples

Row = dict[str, Any]
FIELDS = ["iin", "last4", "scheme", "status", "masked"]
NOTHING = dict.fromkeys(FIELDS)


def is_filler(text: str) -> bool:
    """Whether each digit is the next one, or the one before, or the same: as forms are filled with."""
    steps = {(int(after) - int(before)) % 10 for before, after in itertools.pairwise(text)}
    return len(steps) == 1 and steps <= {0, 1, 9}


digit_strings = st.text(st.sampled_from("0123456789"), min_size=1, max_size=19)
pans = st.text(st.sampled_from("0123456789"), min_size=12, max_size=19).filter(
    lambda text: not is_filler(text) and not is_filler(text.lstrip("0").rjust(12, "0"))
)
separators = st.sampled_from(
    [*(" ", "-", "\u3000", "\u00a0", "\u2010", "\u2011", "－", "\u200b", "\t", "  "), *"\u200e\u200f\u202c\u2066\u2069"]
)


def read(cells: Any, pan: bool = False) -> list[Row]:
    column = cells if isinstance(cells, pl.Series) else pl.Series(cells, dtype=pl.String)
    return pl.DataFrame({"card": column}).select(cs.card("card", pan=pan).struct.unnest()).to_dicts()


def with_check_digit(body: str) -> str:
    return body + luhn.calc_check_digit(body)


def numbers(prefix: str, length: int) -> str:
    """A sound PAN of a scheme: the prefix, ones, and the check digit."""
    return with_check_digit(prefix.ljust(length - 1, "1"))


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        pytest.param(None, "missing", id="null"),
        pytest.param("", "missing", id="empty"),
        pytest.param(" \t\u3000\x1c", "missing", id="blank"),
        pytest.param("622202******1234", "truncated", id="stars"),
        pytest.param("622202xxxxxx1234", "truncated", id="small-x"),
        pytest.param("6222-02XX-XXXX-1234", "truncated", id="grouped-x"),
        pytest.param("************1234", "truncated", id="last-four-only"),
        pytest.param("622202••••••1234", "truncated", id="bullets"),
        pytest.param("62*4", "truncated", id="truncated-before-length"),
        pytest.param("622202…1234", "truncated", id="ellipsis"),
        pytest.param("6222 02 ... 1234", "truncated", id="three-dots"),
        pytest.param("4.11111E+15", "damaged", id="as-a-spreadsheet-shows-it"),
        pytest.param("4,11111E+15", "damaged", id="as-a-german-spreadsheet-shows-it"),
        pytest.param("6.222021234561234E18", "damaged", id="as-a-float-is-printed"),
        pytest.param("4111111111111110", "damaged", id="last-digit-lost"),
        pytest.param("6222021234567890000", "damaged", id="last-four-digits-lost"),
        pytest.param("6222021234567820000", "valid", id="four-zeros-and-a-right-check-digit"),
        pytest.param("378282246310000", "bad_checksum", id="fifteen-digits-lose-nothing"),
        pytest.param("4.11111E+05", "not_a_number", id="too-small-for-a-card"),
        pytest.param("1.2E+19", "not_a_number", id="too-large-for-a-card"),
        pytest.param("...", "not_a_number", id="only-dots"),
        pytest.param("see file", "not_a_number", id="words"),
        pytest.param("4111x11111111111", "not_a_number", id="a-single-x-is-a-slip"),
        pytest.param("****", "not_a_number", id="only-stars"),
        pytest.param("----", "not_a_number", id="only-hyphens"),
        pytest.param("4111 1111 1111 1111 05/29", "not_a_number", id="with-expiry"),
        pytest.param("4111,1111,1111,1111", "not_a_number", id="commas"),
        pytest.param("4111111111111111.0", "damaged", id="as-pandas-writes-it"),
        pytest.param("411111111111111,00", "damaged", id="with-a-decimal-comma"),
        pytest.param("41111111111.0", "not_a_number", id="too-short-for-a-card-with-decimals"),
        pytest.param("411111111111.111", "not_a_number", id="two-groups-may-be-decimals"),
        pytest.param("4111.1111_1111.1111", "not_a_number", id="several-signs-between-groups"),
        pytest.param("C4111111111111111", "not_a_number", id="a-letter-is-no-label"),
        pytest.param("account 4111111111111111", "not_a_number", id="no-label-of-a-card"),
        pytest.param("+4111111111111111", "not_a_number", id="plus"),
        pytest.param("４１１１a", "not_a_number", id="not-a-number-before-length"),
        pytest.param("٤١١١١١١١١١١١١١١١", "not_a_number", id="arabic-digits"),
        pytest.param("41111111111", "bad_length", id="eleven"),
        pytest.param("4" * 20, "bad_length", id="twenty"),
        pytest.param("0", "bad_length", id="zero"),
        pytest.param("411111111111111", "bad_length", id="visa-of-fifteen"),
        pytest.param("41111111111111111", "bad_length", id="visa-of-seventeen"),
        pytest.param("3782822463100055", "bad_length", id="amex-of-sixteen"),
        pytest.param("411111111111112", "bad_length", id="length-before-checksum"),
        pytest.param("4111111111111112", "bad_checksum", id="wrong-check-digit"),
        pytest.param("6222021234561234", "bad_checksum", id="real-looking-debit-card"),
        pytest.param("4111111111111111", "valid", id="plain"),
        pytest.param("4111 1111 1111 1111", "valid", id="spaces"),
        pytest.param(" 4111-1111-1111-1111 ", "valid", id="hyphens"),
        pytest.param("4111\u30001111\u00a01111\u20111111", "valid", id="odd-spaces-and-hyphens"),
        pytest.param("４１１１１１１１１１１１１１１１", "valid", id="full-width"),
        pytest.param("'4111111111111111", "valid", id="apostrophe"),
        pytest.param(" ’4111 1111 1111 1111", "valid", id="curly-apostrophe"),
    ],
)
def test_a_cell_has_the_first_status_that_applies(cell: str | None, status: str) -> None:
    assert [row["status"] for row in read([cell])] == [status]


@pytest.mark.parametrize(
    ("pan", "owner"),
    [
        pytest.param(numbers("4", 16), "visa", id="visa-16"),
        pytest.param(numbers("4", 13), "visa", id="visa-13"),
        pytest.param(numbers("4", 19), "visa", id="visa-19"),
        pytest.param(numbers("51", 16), "mastercard", id="mastercard-low"),
        pytest.param(numbers("55", 16), "mastercard", id="mastercard-high"),
        pytest.param(numbers("2221", 16), "mastercard", id="mastercard-2-series-low"),
        pytest.param(numbers("2720", 16), "mastercard", id="mastercard-2-series-high"),
        pytest.param(numbers("34", 15), "amex", id="amex-34"),
        pytest.param(numbers("37", 15), "amex", id="amex-37"),
        pytest.param(numbers("62", 16), "unionpay", id="unionpay-16"),
        pytest.param(numbers("62", 19), "unionpay", id="unionpay-19"),
        pytest.param(numbers("8100", 16), "unionpay", id="unionpay-81"),
        pytest.param(numbers("3528", 16), "jcb", id="jcb-low"),
        pytest.param(numbers("3589", 16), "jcb", id="jcb-high"),
        pytest.param(numbers("2131", 15), "jcb", id="jcb-legacy"),
        pytest.param(numbers("1800", 15), "jcb", id="jcb-inside-uatp"),
        pytest.param(numbers("300", 14), "diners", id="diners-300"),
        pytest.param(numbers("36", 14), "diners", id="diners-36"),
        pytest.param(numbers("6011", 16), "discover", id="discover-6011"),
        pytest.param(numbers("644", 16), "discover", id="discover-644"),
        pytest.param(numbers("65", 16), "discover", id="discover-65"),
        pytest.param(numbers("6304", 12), "maestro", id="maestro-12"),
        pytest.param(numbers("5018", 13), "maestro", id="maestro-50"),
        pytest.param(numbers("67", 18), "maestro", id="maestro-67"),
        pytest.param(numbers("2200", 16), "mir", id="mir-low"),
        pytest.param(numbers("2204", 19), "mir", id="mir-high"),
        pytest.param(numbers("508500", 16), "rupay", id="rupay-inside-maestro"),
        pytest.param(numbers("82", 16), "rupay", id="rupay-82"),
        pytest.param(numbers("506699", 16), "elo", id="elo-inside-maestro"),
        pytest.param(numbers("401178", 16), "elo", id="elo-inside-visa"),
        pytest.param(numbers("606282", 16), "hipercard", id="hipercard"),
        pytest.param(numbers("506099", 18), "verve", id="verve"),
        pytest.param(numbers("9792", 16), "troy", id="troy"),
        pytest.param(numbers("12", 15), "uatp", id="uatp"),
        pytest.param(numbers("5019", 16), "dankort", id="dankort"),
        pytest.param(numbers("99", 16), "unknown", id="unknown-9"),
        pytest.param(numbers("0", 16), "unknown", id="unknown-0"),
        pytest.param(numbers("2220", 16), "unknown", id="just-below-mastercard"),
        pytest.param(numbers("2721", 16), "unknown", id="just-above-mastercard"),
    ],
)
def test_a_sound_number_of_a_scheme_is_valid_and_its_own(pan: str, owner: str) -> None:
    (row,) = read([pan])
    assert (row["scheme"], row["status"]) == (owner, "valid")


FILLERS = ["0000000000000000", "8888888888888888", "1234567890123456", "0123456789012345", "9876543210987654"]
FILLERS += ["999999999999", "4444 4444 4444 4444", "1234567890123456789", "123456789012", "2345-6789-0123-4567"]


@pytest.mark.parametrize("cell", FILLERS)
def test_what_forms_are_filled_with_is_no_number(cell: str) -> None:
    (row,) = read([cell], pan=True)
    assert row == {"pan": None, **NOTHING, "status": "not_a_number"}
    if not cell.startswith("0"):
        whole = pl.Series([int(cell.replace(" ", "").replace("-", ""))], dtype=pl.UInt64)
        assert read(whole)[0]["status"] == "not_a_number"


def test_no_number_that_is_published_for_testing_is_such_a_filler() -> None:
    assert not any(map(is_filler, samples.published()["pan"]))


WRITTEN = [
    '="4111111111111111"',
    '="4111 1111 1111 1111"',
    '"4111111111111111"',
    "='4111111111111111'",
    "“4111111111111111”",
    "4111.1111.1111.1111",
    "4111_1111_1111_1111",
    "4111/1111/1111/1111",
    "411111.111.111.1111",
    "Card no. 4111111111111111",
    "CARD NUMBER: 4111 1111 1111 1111",
    "credit card #4111111111111111",
    "PAN: 4111-1111-1111-1111",
    "卡号：4111111111111111",
    "银行卡号 4111 1111 1111 1111",
    "Kartennummer: 4111111111111111",
    "Número de tarjeta: 4111.1111.1111.1111",
    "номер карты № 4111111111111111",
    "Visa 4111 1111 1111 1111",
    "\u202a4111111111111111\u202c",
    "\u200e4111 1111\u200f 1111\u2066 1111\u2069",
    "\u202d卡号：\u202c4111\u200e1111\u200e1111\u200e1111",
    "\u2067='4111111111111111\u2069",
]


@pytest.mark.parametrize("cell", WRITTEN)
def test_quotes_labels_dots_and_marks_of_direction_are_no_part_of_a_number(cell: str) -> None:
    assert read([cell], pan=True) == read(["4111111111111111"], pan=True)


@pytest.mark.parametrize(
    "cell",
    [
        *("Card no. 6222 02** **** 1234", "卡号：622202******1234", "6222.02**.****.1234", '="622202xxxxxx1234"'),
        *("\u202a622202\u200e******\u200e1234\u202c", "PAN 622202••••••1234"),
    ],
)
def test_nor_are_they_of_a_truncated_one(cell: str) -> None:
    assert read([cell]) == read(["622202******1234"])


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        pytest.param("4111111111111111.0", "4111111111111111", id="as-pandas-writes-it"),
        pytest.param("6222021234561234.00", "6222021234561234", id="two-zeros"),
        pytest.param("378282246310005,0", "378282246310005", id="decimal-comma"),
        pytest.param("Card: 4111111111111111.0", "4111111111111111", id="behind-a-label"),
        pytest.param("9007199254740991.0", "9007199254740991", id="the-last-that-a-float-holds"),
        pytest.param("9007199254740992.0", None, id="the-first-that-may-be-another"),
        pytest.param("6222021234561234567.0", None, id="nineteen-digits"),
        pytest.param("4111111111111110.0", None, id="a-spreadsheets-fifteen-digits"),
        pytest.param("4.111111111111111E+15", None, id="scientific"),
        pytest.param("4.11111E+15", None, id="scientific-and-short"),
    ],
)
def test_repair_takes_away_the_decimals_of_a_float_that_was_exact_and_guesses_nothing(
    cell: str, number: str | None
) -> None:
    assert [row["status"] for row in read([cell])] == ["damaged"]
    frame = pl.DataFrame({"card": [cell]})
    (row,) = frame.select(cs.card("card", pan=True, repair=True).struct.unnest()).to_dicts()
    if number is None:
        assert row["status"] == "damaged"
    else:
        assert row == read([number], pan=True)[0]


def test_every_scheme_of_the_table_can_be_told() -> None:
    told = {row["scheme"] for row in read([numbers(prefix, 16) for prefix in ONE_PREFIX_EACH.values()])}
    assert told == set(ONE_PREFIX_EACH)


ONE_PREFIX_EACH = {
    "visa": "4",
    "mastercard": "51",
    "amex": "34",
    "unionpay": "62",
    "jcb": "3528",
    "diners": "36",
    "discover": "6011",
    "maestro": "6304",
    "mir": "2200",
    "rupay": "508500",
    "elo": "506699",
    "dankort": "5019",
    "hipercard": "606282",
    "verve": "506099",
    "troy": "9792",
    "uatp": "12",
    "naranja": "589562",
    "cabal": "604201",
    "carnet": "506199",
    "mada": "588848",
    "cartes_bancaires": "507590",
    "unknown": "99",
}


@settings(max_examples=100)
@given(st.lists(digit_strings, min_size=1, max_size=20))
@example(["0", "00", "0000000000000000000", "9999999999999999999", "9223372036854775808"])
def test_the_check_digit_is_that_of_luhn_for_one_to_nineteen_digits(texts: list[str]) -> None:
    frame = pl.DataFrame({"number": [int(text) for text in texts]}, schema={"number": pl.UInt64})
    told = frame.select(luhn_ok(pl.col("number"))).to_series().to_list()
    assert told == [luhn.checksum(text) == 0 for text in texts]


def test_a_null_has_no_check_digit() -> None:
    frame = pl.DataFrame({"number": [None, 0]}, schema={"number": pl.UInt64})
    assert frame.select(luhn_ok(pl.col("number"))).to_series().to_list() == [None, True]


@given(st.lists(pans, min_size=1, max_size=20))
def test_a_number_is_valid_only_if_luhn_says_so(texts: list[str]) -> None:
    for text, row in zip(texts, read(texts), strict=True):
        if row["status"] == "valid":
            assert luhn.is_valid(text)
        if row["status"] in ("bad_checksum", "damaged"):
            assert not luhn.is_valid(text)
        assert (row["status"] == "damaged") <= (len(text) > 15 and set(text[15:]) == {"0"})
        assert row["status"] in ("valid", "bad_checksum", "damaged", "bad_length")


def is_usual(spaced: str) -> bool:
    """Whether groups have the sizes that those of card numbers have."""
    first, *others = [len(group) for group in spaced.split(" ")]
    fours = first == 4 and set(others[:-1]) <= {4} and others[-1:] <= [4] and len([first, *others]) != 2
    iin = first == 6 and len(others) == 1 and 7 <= others[0] <= 13
    return not others or fours or iin or [first, *others] in ([4, 6, 5], [4, 6, 4])


def obvious_status(cell: str) -> str:
    """The statuses one after another, for cells of ASCII characters; no scheme's lengths are looked at."""
    if cell.strip() == "":
        return "missing"
    spaced = re.sub("[ -]+", " ", cell).strip()
    for sign in "._":
        groups = [group.strip() for group in spaced.split(sign)]
        if len(groups) > 2 and all(re.fullmatch(r"[\d*xX# ]+", group) for group in groups):
            spaced = " ".join(groups)
    text = spaced.replace(" ", "")
    hidden = r"(\*|[xX#]{2,})[*xX#]*|\.{2,}"
    if re.fullmatch(rf"\d*({hidden})\d*", text) and re.search(r"\d", text):
        return "truncated"
    if re.fullmatch(r"\d([.,]\d*)?[eE]\+?1[1-8]|\d{12,19}[.,]0+", text):
        return "damaged"
    if not re.fullmatch(r"\d+", text):
        return "not_a_number"
    if not 12 <= len(text) <= 19:
        return "bad_length"
    if is_filler(text) or is_filler(text.lstrip("0").rjust(12, "0")) or not is_usual(spaced):
        return "not_a_number"
    if luhn.is_valid(text):
        return "valid"
    return "damaged" if len(text) > 15 and set(text[15:]) == {"0"} else "bad_checksum"


@settings(max_examples=100)
@given(st.lists(st.text(st.sampled_from("0099-+ _.,eE*xX#"), max_size=22) | pans, min_size=1, max_size=12))
@example(
    ["+99999999999999", "-99999999999999", "+00000000000", "-000000000000", "9_999_999_999_999", "1e15", "0x9999999999"]
)
def test_a_cell_of_any_signs_has_the_status_of_the_obvious_reading(cells: list[str]) -> None:
    unowned = [cell.replace("4", "9") for cell in cells]
    for cell, row in zip(unowned, read(unowned), strict=True):
        hides = re.search(r"[*xX#]|[.]{2}", cell) and re.search("[ _-]|[.]", cell)  # has a test of its own
        if row["scheme"] in (None, "unknown") and not hides:
            assert row["status"] == obvious_status(cell)


@given(pans, st.sampled_from([(4, 8, 12), (6,), ()]), separators, st.booleans())
def test_spaces_hyphens_and_width_between_usual_groups_change_nothing(
    pan: str, ends: tuple[int, ...], gap: str, wide: bool
) -> None:
    if ends == (4, 8, 12) and len(pan) > 16:
        ends = ()
    if ends == (6,) and len(pan) == 12:
        ends = ()
    written = pan.translate({0x30 + digit: 0xFF10 + digit for digit in range(10)}) if wide else pan
    for place in reversed(ends):
        written = (written[:place] + gap + written[place:]).strip()
    assert read([written], pan=True) == read([pan], pan=True)


@pytest.mark.parametrize(
    ("pan", "masked", "iin"),
    [
        pytest.param("630400001234", "630400**1234", "630400", id="12"),
        pytest.param("4000000001234", "400000***1234", "400000", id="13"),
        pytest.param("36000000001234", "360000****1234", "360000", id="14"),
        pytest.param("378200000001234", "378200*****1234", "378200", id="15"),
        pytest.param("4111229900001234", "411122******1234", "41112299", id="16"),
        pytest.param("62220299000001234", "622202*******1234", "62220299", id="17"),
        pytest.param("622202990000001234", "622202********1234", "62220299", id="18"),
        pytest.param("6222029900000001234", "622202*********1234", "62220299", id="19"),
    ],
)
def test_a_mask_shows_first_six_and_last_four_and_the_issuer_is_told(pan: str, masked: str, iin: str) -> None:
    (row,) = read([pan])
    assert (row["masked"], row["iin"], row["last4"]) == (masked, iin, "1234")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("622202******1234", ("622202", "1234", "unionpay", "622202******1234"), id="six-and-four"),
        pytest.param("6222 02XX XXXX 1234", ("622202", "1234", "unionpay", "622202******1234"), id="grouped"),
        pytest.param("62220299****1234", ("62220299", "1234", "unionpay", "622202******1234"), id="eight-and-four"),
        pytest.param(
            "６２２２０２＊＊＊＊＊＊１２３４", ("622202", "1234", "unionpay", "622202******1234"), id="full-width"
        ),
        pytest.param("400000***1234", ("400000", "1234", "visa", "400000***1234"), id="thirteen"),
        pytest.param("************1234", (None, "1234", "unknown", "************1234"), id="tail-only"),
        pytest.param("400*********1234", ("400", "1234", "visa", "400*********1234"), id="visa-alone"),
        pytest.param("50**********1234", ("50", "1234", "unknown", "50**********1234"), id="maestro-and-others"),
        pytest.param("506699******1234", ("506699", "1234", "elo", "506699******1234"), id="elo-inside-maestro"),
        pytest.param("4***********1234", ("4", "1234", "unknown", "4***********1234"), id="visa-or-elo"),
        pytest.param("5***********1234", ("5", "1234", "unknown", "5***********1234"), id="several-schemes"),
        pytest.param("622202**********", ("622202", None, "unionpay", "622202**********"), id="head-only"),
        pytest.param("622202…1234", ("622202", "1234", "unionpay", "622202…1234"), id="unknown-length"),
        pytest.param("62220299....561234", ("622202", "1234", "unionpay", "622202…1234"), id="more-than-may-be-shown"),
        pytest.param("6222…1234", ("6222", "1234", "unionpay", "6222…1234"), id="less-and-unknown-length"),
        pytest.param("…1234", (None, "1234", "unknown", "…1234"), id="last-four-and-unknown-length"),
        pytest.param("62****1234", ("62", "1234", "unknown", "62…1234"), id="shorter-than-any-card"),
        pytest.param("622202**********1234", ("622202", "1234", "unionpay", "622202…1234"), id="longer-than-any-card"),
        pytest.param("622202****1234", ("622202", "1234", "unionpay", "622202…1234"), id="shorter-than-its-scheme's"),
        pytest.param("622202xxxx1234", ("622202", "1234", "unionpay", "622202…1234"), id="the-same-with-x"),
        pytest.param("411111*****1234", ("411111", "1234", "visa", "411111…1234"), id="between-two-lengths"),
        pytest.param("378282******0005", ("378282", "0005", "amex", "378282…0005"), id="longer-than-its-scheme's"),
        pytest.param("990000****1234", ("990000", "1234", "unknown", "990000****1234"), id="of-no-known-scheme"),
        pytest.param("12345678901234567890*1", (None, None, None, None), id="more-digits-than-any-card"),
    ],
)
def test_a_truncated_number_fills_what_it_shows(cell: str, expected: tuple[str | None, ...]) -> None:
    (row,) = read([cell], pan=True)
    assert row["status"] == "truncated"
    assert row["pan"] is None
    assert (row["iin"], row["last4"], row["scheme"], row["masked"]) == expected


@given(st.lists(pans, min_size=1, max_size=10))
def test_the_full_number_is_never_given_unless_asked_for(texts: list[str]) -> None:
    for text, row in zip(texts, read(texts), strict=True):
        assert list(row) == FIELDS
        shown = [value for value in row.values() if value is not None]
        assert all(text not in value for value in shown)
        assert row["masked"] == text[:6] + "*" * (len(text) - 10) + text[-4:]


@given(st.lists(pans, min_size=1, max_size=10))
def test_the_full_number_comes_first_when_asked_for(texts: list[str]) -> None:
    rows = read(texts, pan=True)
    assert [list(row) for row in rows] == [["pan", *FIELDS]] * len(texts)
    assert [row["pan"] for row in rows] == texts


@pytest.mark.parametrize(
    "cell", [pytest.param("4111111111111112", id="checksum"), pytest.param("411111111111111", id="length")]
)
def test_all_fields_are_filled_for_twelve_to_nineteen_digits_whatever_the_status(cell: str) -> None:
    (row,) = read([cell], pan=True)
    assert row["status"] in ("bad_checksum", "bad_length")
    assert None not in row.values()


@pytest.mark.parametrize("cell", ["41111111111", "4" * 20, "x", "", None], ids=["11", "20", "text", "empty", "null"])
def test_no_field_but_the_status_is_filled_where_there_is_no_card_number(cell: str | None) -> None:
    (row,) = read([cell], pan=True)
    assert {**row, "status": None} == {"pan": None, **NOTHING}


def test_leading_zeros_of_text_are_kept() -> None:
    (row,) = read(["0062220212345678901"], pan=True)
    assert row["pan"] == "0062220212345678901"
    assert (row["masked"], row["iin"]) == ("006222*********8901", "00622202")


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pl.Series([4111111111111111, None]), id="int64"),
        pytest.param(pl.Series([4111111111111111, None], dtype=pl.UInt64), id="uint64"),
        pytest.param(pl.Series([4111111111111111, None], dtype=pl.Int128), id="int128"),
        pytest.param(pl.Series([4111111111111111.0, float("nan")]), id="float"),
        pytest.param(pl.Series(["4111111111111111", None], dtype=pl.Categorical), id="categorical"),
        pytest.param(pl.Series(["4111111111111111", None]).cast(pl.Decimal(20, 0)), id="decimal"),
    ],
)
def test_a_column_of_any_number_type_is_read(column: pl.Series) -> None:
    assert read(column, pan=True) == read(["4111111111111111", None], pan=True)


def test_the_largest_numbers_of_nineteen_digits_are_read() -> None:
    largest = pl.Series([9999999999999999998, 9223372036854775808], dtype=pl.UInt64)
    assert [row["pan"] for row in read(largest, pan=True)] == ["9999999999999999998", "9223372036854775808"]


def test_a_broken_float_is_no_card_number() -> None:
    assert [row["status"] for row in read(pl.Series([4111111111111.5, float("inf")]))] == ["not_a_number"] * 2


def test_a_float_past_two_to_the_53_has_lost_digits() -> None:
    floats = [4111111111111111.0, 2.0**53 - 1, 2.0**53, 6222021234561234567.0, -1e17, 1e30, None]
    rows = read(pl.Series(floats, dtype=pl.Float64), pan=True)
    statuses = [row["status"] for row in rows]
    assert statuses[0] == "valid"
    assert statuses[1] == "bad_checksum"
    assert statuses[2:] == ["damaged"] * 4 + ["missing"]
    assert all({**row, "status": None} == {"pan": None, **NOTHING} for row in rows[2:])


def test_no_cells_give_no_rows_of_the_same_types() -> None:
    empty = pl.DataFrame(schema={"card": pl.String}).select(cs.card("card", pan=True))
    filled = pl.DataFrame({"card": ["4111111111111111"]}).select(cs.card("card", pan=True))
    assert empty.height == 0
    assert empty.schema == filled.schema


@pytest.mark.parametrize("pan", [False, True])
def test_the_plan_knows_the_type_before_it_runs(pan: bool) -> None:
    query = pl.LazyFrame({"card": ["4111111111111111"]}).select(cs.card("card", pan=pan))
    assert query.collect_schema() == query.collect().schema


def test_eager_and_streaming_answers_agree_in_order_over_many_rows() -> None:
    cells = ["4111111111111111", None, "x", "622202******1234", "4111111111111112", "378282246310005"] * 20_000
    frame = pl.DataFrame({"card": cells})
    assert frame.lazy().select(cs.card("card")).collect(engine="streaming").equals(frame.select(cs.card("card")))


def test_the_result_is_named_like_its_column() -> None:
    frame = pl.DataFrame({"a": ["1"], "b": ["2"]})
    assert frame.select(cs.card("a"), cs.card(pl.col("b").str.strip_chars(), pan=True)).columns == ["a", "b"]


def test_the_full_number_does_not_leave_a_screening_by_being_carried() -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "card": ["6222021234561234"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": ["6222021234561234"]}))
    with pytest.raises(cs.ConfigError, match="card"):
        cs.screen(accounts, listed, {"card": cs.Card()}, carry=["card"])


@pytest.mark.parametrize(
    "cell",
    [
        *("Card 4 371449635398431", "No 5 371449635398431", "card no 1 3714 496353 98431", "Karte 1 371449635398431"),
        *("卡 1 371449635398431", "Card #4 371449635398431", "Amex2 3714-496353-98431"),
    ],
)
def test_which_card_of_several_it_is_makes_no_digit_of_it(cell: str) -> None:
    assert read([cell], pan=True) == read(["371449635398431"], pan=True)
    assert cs.Card().keys_of(pl.DataFrame({"card": [cell]})).keys.tolist() == [0]


@pytest.mark.parametrize(
    "cell",
    [
        *("371449635398431 4", "4111 1111 1111 1111 123", "371449635398431 0126", "4111111111111111 5"),
        *("4111.1111.1111.1111.12", "4 371449635398431", "1 4111 1111 1111 1111", "Card 4 371449635398432"),
        *("Card 4 622202******1234", "411111******1111 123", "4111 11** **** 1111 123"),
        *("62220200-62220299", "622202-622203", "6222020 – 6222029", "4111111-4111112", "62220200..62220299"),
    ],
)
def test_digits_beside_a_number_and_ends_of_ranges_make_no_other_number(cell: str) -> None:
    (row,) = read([cell], pan=True)
    assert row == {"pan": None, **NOTHING, "status": "not_a_number"}
    frame = pl.DataFrame({"card": [cell]})
    assert cs.Card().keys_of(frame).keys.tolist() == [0]
    assert frame.select(cs.Card().written(pl.col("card")).struct.unnest()).row(0) == (None, None)


@pytest.mark.parametrize(
    "cell", ["6222 0212 3456 1234 567", "622202 1234561234567", "3714 496353 98431", "41111111-11111111"]
)
def test_usual_groups_and_others_beyond_doubt_are_one_number(cell: str) -> None:
    bare = cell.replace(" ", "").replace("-", "")
    assert read([cell], pan=True) == read([bare], pan=True)
    assert cs.Card().keys_of(pl.DataFrame({"card": [cell]})).keys.tolist() in ([int(bare)], [0])
