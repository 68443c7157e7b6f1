"""Whose a card number is: the rule, the table, and where public validators say otherwise, and why.

Each validator is asked about the first and last number of every range of its own table and of ours, and about
their neighbours. Whatever it says otherwise is explained here, pair by pair.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import polars as pl
import pytest
from stdnum import luhn

import cardscreen as cs
from cardscreen.foundation.cards import schemes
from cardscreen.kinds.card import samples

CREDIT_CARD_TYPE = json.loads((Path(__file__).parents[1] / "data/credit-card-type.json").read_text(encoding="utf-8"))
#: A validator's name for a scheme → ours. Schemes that only they tell keep their name.
OURS = {"american-express": "amex", "diners-club": "diners", "dinersclub": "diners", "hiper": "hipercard"}
CONTRACT = {
    *("visa", "mastercard", "amex", "unionpay", "jcb", "diners", "discover", "maestro", "mir", "rupay", "elo"),
    *("hipercard", "verve", "troy", "uatp", "dankort"),
    *("naranja", "cabal", "carnet", "mada", "cartes_bancaires"),
}
Differences = set[tuple[str, str]]


def told(pans: Iterable[str]) -> list[str]:
    cells = pl.DataFrame({"card": list(pans)}, schema={"card": pl.String})
    return cells.select(cs.card("card").struct.field("scheme")).to_series().to_list()


def probes(ranges: Iterable[tuple[str, str]], length: int) -> list[str]:
    """Sound numbers at the ends of ranges of prefixes, and just outside."""
    bodies = set()
    for first, last in ranges:
        low, high = int(first.ljust(8, "0")), int(last.ljust(8, "9"))
        bodies |= {each for each in (low - 1, low, high, high + 1) if 10**7 <= each < 10**8}
    return [with_check_digit(str(body).ljust(length - 1, "1")) for body in sorted(bodies)]


def with_check_digit(body: str) -> str:
    return body + luhn.calc_check_digit(body)


def own_ranges() -> list[tuple[str, str]]:
    return schemes.published().select("first", "last").rows()


def differences(theirs: Callable[[str], set[str]], ranges: Iterable[tuple[str, str]], length: int) -> Differences:
    """(what we say, one thing that they say) wherever ours is not among what they say."""
    pans = probes([*own_ranges(), *ranges], length)
    return {
        (ours, each)
        for pan, ours in zip(pans, told(pans), strict=True)
        if ours not in (said := theirs(pan) or {"unknown"})
        for each in said
    }


# --- the table --------------------------------------------------------------------------------------


def test_the_table_names_the_schemes_of_the_contract_with_a_source_and_a_day_for_each_row() -> None:
    table = schemes.published()
    assert set(table["scheme"]) == CONTRACT
    assert table.select(pl.col("source").str.len_chars().min()).item() > 0
    assert table["checked"].str.to_date("%Y-%m-%d").is_null().sum() == 0
    assert table.filter(pl.col("first").str.len_bytes() != pl.col("last").str.len_bytes()).is_empty()
    assert table.filter(pl.struct("first", "last").is_duplicated()).is_empty()


def test_every_range_has_lengths_that_a_card_number_can_have() -> None:
    lengths = {int(end) for text in schemes.published()["lengths"] for end in re.findall("[0-9]+", text)}
    assert lengths <= set(range(12, 20))


def narrowest(prefix: str) -> str:
    """The rule, row by row: of all ranges that hold a prefix of eight digits, the narrowest."""
    owners = [
        (int(last.ljust(8, "9")) - int(first.ljust(8, "0")), scheme)
        for first, last, scheme in schemes.published().select("first", "last", "scheme").rows()
        if int(first.ljust(8, "0")) <= int(prefix) <= int(last.ljust(8, "9"))
    ]
    return min(owners, default=(0, "unknown"))[1]


def test_where_ranges_overlap_the_longest_prefix_decides() -> None:
    pans = probes(own_ranges(), 16)
    assert told(pans) == [narrowest(pan[:8]) for pan in pans]


@pytest.mark.parametrize(
    ("prefix", "owner"),
    [
        pytest.param("401178", "elo", id="elo-in-visa"),
        pytest.param("4571", "visa", id="dankort-on-visa-is-visa"),
        pytest.param("508500", "rupay", id="rupay-in-maestro"),
        pytest.param("652150", "rupay", id="rupay-in-discover"),
        pytest.param("650031", "elo", id="elo-in-discover"),
        pytest.param("650002", "verve", id="verve-in-discover"),
        pytest.param("650161", "troy", id="troy-in-discover"),
        pytest.param("650923", "troy", id="troy-in-elo-in-discover"),
        pytest.param("622126", "unionpay", id="unionpay-accepted-by-discover"),
        pytest.param("627780", "elo", id="elo-in-unionpay"),
        pytest.param("8172", "rupay", id="rupay-behind-unionpay"),
        pytest.param("6304", "maestro", id="maestro"),
        pytest.param("601382", "unionpay", id="a-domestic-debit-card-of-china"),
        pytest.param("95559", "unionpay", id="another-that-begins-like-no-scheme"),
        pytest.param("353111", "jcb", id="jcb-with-rupay"),
        pytest.param("1800", "jcb", id="jcb-in-uatp"),
        pytest.param("384100", "hipercard", id="hipercard-in-diners"),
        pytest.param("384140", "hipercard", id="another-hipercard-in-diners"),
        pytest.param("384160", "hipercard", id="a-third-hipercard-in-diners"),
        pytest.param("384101", "diners", id="diners-beside-hipercard"),
        pytest.param("589562", "naranja", id="naranja-in-maestro"),
        pytest.param("589563", "maestro", id="maestro-beside-naranja"),
        pytest.param("650269", "troy", id="troy-of-is-bankasi"),
        pytest.param("650270", "discover", id="discover-beside-troy"),
        pytest.param("650272", "cabal", id="cabal-between-two-of-troy"),
        pytest.param("604201", "cabal", id="cabal"),
        pytest.param("506199", "carnet", id="carnet-behind-verve"),
        pytest.param("627535", "carnet", id="carnet-in-unionpay"),
        pytest.param("588848", "mada", id="mada-in-maestro"),
        pytest.param("507590", "cartes_bancaires", id="cartes-bancaires-in-maestro"),
        pytest.param("651704", "elo", id="elo-in-discover-at-its-end"),
    ],
)
def test_a_contested_prefix_belongs_to(prefix: str, owner: str) -> None:
    assert told([with_check_digit(prefix.ljust(15, "1"))]) == [owner]


def test_hipercard_of_nineteen_digits_is_as_long_as_it_may_be() -> None:
    cells = pl.DataFrame(
        {"card": [with_check_digit(prefix.ljust(18, "1")) for prefix in ("384100", "384140", "384160")]}
    )
    read = cells.select(cs.card("card").struct.unnest())
    assert (read["scheme"].to_list(), read["status"].to_list()) == (["hipercard"] * 3, ["valid"] * 3)


def test_no_two_ranges_of_one_width_overlap() -> None:
    ends = [
        (int(first.ljust(8, "0")), int(last.ljust(8, "9")))
        for first, last in schemes.published().select("first", "last").rows()
    ]
    alike = [(a, b) for a in ends for b in ends if a < b and a[1] - a[0] == b[1] - b[0]]
    assert [(a, b) for a, b in alike if b[0] <= a[1]] == []


# --- test cards -------------------------------------------------------------------------------------


def test_published_test_cards_are_sound_numbers_of_the_scheme_that_their_source_names() -> None:
    published = samples.published()
    read = published.select("scheme", told=cs.card("pan")).unnest("told", separator="_")
    assert read.filter(pl.col("told_status") != "valid").is_empty()
    assert read.filter(pl.col("scheme") != pl.col("told_scheme")).is_empty()
    assert published.filter(pl.col("source").is_null() | pl.col("pan").is_duplicated()).is_empty()


# --- public validators ------------------------------------------------------------------------------


def test_credit_card_type_agrees_but_for_what_is_explained() -> None:
    patterns = [
        (str(low), str(high), OURS.get(name, name))
        for name, said in CREDIT_CARD_TYPE["types"].items()
        for low, high in said["patterns"]
    ]

    def theirs(pan: str) -> set[str]:
        fitting = [(len(low), name) for low, high, name in patterns if low <= pan[: len(low)] <= high]
        longest = max((digits for digits, _ in fitting), default=0)
        return {name for digits, name in fitting if digits == longest}

    explained = {
        # Maestro is all of 6 and 59 there; here it is 50, 56 to 58, 6304, 639 and 67, where it issues.
        ("unknown", "maestro"): "a catch-all",
        ("unionpay", "maestro"): "62 is all UnionPay's, and Chinese banks' domestic prefixes are not known there",
        ("rupay", "maestro"): "RuPay is not known there",
        ("rupay", "discover"): "the same",
        ("rupay", "unknown"): "the same",
        ("dankort", "maestro"): "Dankort is not known there",
        ("uatp", "unknown"): "UATP is not known there",
        ("unionpay", "unknown"): "the domestic prefixes with 9",
        ("diners", "unknown"): "3095 is Diners' since 2009",
        ("verve", "maestro"): "they name single prefixes of 506099-506198 and 507865-507964",
        ("verve", "discover"): "650002-650027 is not known there",
        # 402918 and 527572 are Naranja's cards of the other two's networks.
        ("visa", "naranja"): "issued as Visa",
        ("mastercard", "naranja"): "issued as Mastercard",
        **{(scheme, "maestro"): "not known there" for scheme in ("cabal", "carnet", "mada", "cartes_bancaires")},
        ("cabal", "discover"): "not known there",
        ("troy", "discover"): "650269 is not known there",
        ("mada", "unknown"): "9682 is not known there",
        ("hipercard", "diners"): "384100, 384140 and 384160 are not known there",
        ("elo", "discover"): "650057-650081 and 651680-651704 are not known there",
    }
    assert differences(theirs, [(low, high) for low, high, _ in patterns], 16) == set(explained)


def test_cardvalidator_agrees_but_for_what_is_explained() -> None:
    validator = pytest.importorskip("cardvalidator", reason="cardvalidator-lite is not installed").CardValidator()

    def theirs(pan: str) -> set[str]:
        name = validator.get_card_type(pan).lower()
        return {OURS.get(name, name)}

    # It knows Visa, Mastercard 51-55, Amex, Discover and RuPay, the first that fits wins, longer prefixes or not.
    unknown_there = {(scheme, "unknown") for scheme in CONTRACT - {"visa", "amex", "discover"}}
    explained = unknown_there | {
        *((scheme, "discover") for scheme in ("cabal", "elo", "rupay", "troy", "verve")),  # inside 65
        *((scheme, "visa") for scheme in ("elo", "maestro")),  # inside 4
        ("unionpay", "discover"),  # 622126 and 622925, which Discover accepts and UnionPay issues
        # All of 60 and 81 there.
        *((scheme, "rupay") for scheme in ("unionpay", "hipercard", "cabal", "carnet", "mada", "unknown")),
    }
    assert differences(theirs, [], 16) - {("amex", "unknown")} == explained
    assert ("amex", "unknown") not in differences(theirs, [], 15)


def test_bin_cc_agrees_but_for_what_is_explained() -> None:
    brands = pytest.importorskip("creditcard_identifier.brands", reason="creditcard-identifier is not installed").BRANDS

    def theirs(pan: str) -> set[str]:
        fitting = {brand["name"]: brand["priority_over"] for brand in brands if re.match(brand["regexp_bin"], pan)}
        beaten = {name for over in fitting.values() for name in over}
        return {OURS.get(name, name) for name in fitting.keys() - beaten}

    # Schemes that the contract has no name for, on others' networks or closed.
    others = {"gpn", "instapayment", "interpayment", "lankapay", "aura", "laser", "switch", "borica", "ukrcart"}
    explained = {
        ("unknown", "maestro"),  # all of 6 and 59 there
        ("unknown", "jcb"),  # all of 35 there, 3528 to 3589 here
        ("unknown", "hipercard"),  # all of 60 there
        *((scheme, "hipercard") for scheme in ("rupay", "unionpay", "carnet", "mada")),
        ("diners", "hipercard"),  # 3841 whole
        *((scheme, "maestro") for scheme in ("discover", "elo", "hipercard", "rupay", "troy", "unionpay")),
        *((scheme, "maestro") for scheme in ("cabal", "carnet", "cartes_bancaires", "mada", "verve")),
        *(
            (scheme, "discover") for scheme in ("cabal", "elo", "rupay", "troy")
        ),  # no longer prefixes inside 65 but Elo's
        *((scheme, "elo") for scheme in ("discover", "troy")),  # 6509 whole; here 650901 to 650978, less Troy's
        ("maestro", "rupay"),  # 508 whole; here 508500 to 508999
        ("unionpay", "rupay"),  # 81 whole; here 8100 to 8171 are UnionPay's
        ("visa", "dankort"),  # 4571 is issued as Visa, Dankort is its co-brand
        ("carnet", "unionpay"),  # 627535
        ("carnet", "unknown"),
        ("mada", "rupay"),  # 508160
        ("unknown", "mada"),  # more single prefixes there
        ("verve", "unknown"),  # 506099 to 506198 and 507865 to 507964, with gaps there
        ("unionpay", "unknown"),  # the domestic prefixes with 9
        ("diners", "unknown"),  # 3095
    }
    found = differences(theirs, [], 16)
    assert {(ours, name) for ours, name in found if name not in others} == explained
