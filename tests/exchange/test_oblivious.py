"""Oblivious tokens: the bank finds which of its own values the operator lists, and neither shows a number."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from partners import KEY, OPRF, POLICE, Partners, Side, agreement, partners, said_of, texts_told, told_in

from cardscreen.exchange import agreement as agreements
from cardscreen.exchange import letters
from cardscreen.exchange.home import Home
from cardscreen.exchange.oblivious import holder

BLIND = ("--job", "job.toml", "--out", "blinded.cse")
OFFER = ("--store", "lists", "--out", "offer.cse")
_OWN = 'list = "allow"\nreason = "own"\nopen_ended = true\nseverity'
_KEY = ("--key-file", "tokens.key")
SMALL = OPRF + "min_identifiers = 10\n"


def played(both: Partners) -> Partners:
    """Offer, blind, evaluate and finish."""
    operator, bank = both.operator, both.bank
    operator.exchange("offer", *OFFER)
    bank.exchange("blind", *BLIND)
    operator.sends("offer.cse", bank)
    bank.sends("blinded.cse", operator)
    operator.exchange("evaluate", "blinded.cse", "--out", "evaluated.cse")
    operator.sends("evaluated.cse", bank)
    bank.exchange("finish", "evaluated.cse", "offer.cse", "--out", "matches.parquet", "--feed", "matched.parquet")
    return both


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Partners:
    """An exchange that was played through, of more values than one batch holds."""
    return played(partners(tmp_path_factory.mktemp("oprf"), agreement(OPRF), banks=700))


@pytest.fixture
def fresh(tmp_path: Path) -> Partners:
    """Two who have not exchanged anything."""
    return partners(tmp_path, agreement(SMALL), 60, 40, 20, 8)


def test_the_bank_finds_exactly_its_accounts_on_the_list(done: Partners) -> None:
    told = done.bank.matches("matches.parquet")
    assert told.columns == ["account_id", "identifier", "kind", "value"]
    assert told.select("account_id", "identifier").equals(done.on_list)
    assert told["value"].str.contains(r"\*\*\*\*").all()


def test_nothing_that_is_sent_or_kept_tells_a_number_an_account_or_a_key(done: Partners) -> None:
    words = said_of(done)
    homes = {side.home: Home(agreements.Agreement.read(side.home / "agreement.toml"), "") for side in both_of(done)}
    words |= {home.seal for home in homes.values()}
    seed = homes[done.operator.home].kept("pair")
    assert seed is not None
    words.add(seed["seed"][0].hex().encode())
    for side in both_of(done):
        kept = [file for file in (side.home / "exchange").rglob("*") if file.is_file() and file.name != "own.key"]
        for file in (*kept, *side.home.glob("*.cse"), *side.home.glob("matched.*")):
            content = file.read_bytes()
            assert seed["seed"][0] not in content
            assert told_in(content, words) == set(), file
            assert texts_told(content, done) == [], file


def both_of(both: Partners) -> list[Side]:
    return [both.operator, both.bank]


def test_with_the_agreements_key_nothing_of_an_offer_can_be_enumerated(done: Partners) -> None:
    """The bank opens the offer, and tries every value that it knows to be in it: none gives a row."""
    import hashlib
    import hmac

    agreed = agreements.Agreement.read(done.bank.home / "agreement.toml")
    offer = letters.opened(done.bank.home / "offer.cse", agreed, "offer", "operator-a")
    rows = {*letters.rows_of(offer.rows())}
    inputs = [f"phone:+86{number}".encode() for number in done.listed["number"]]
    key, keys = agreed.key, (KEY.encode(), bytes.fromhex(KEY), agreed.key.of_files())
    guesses = {hashlib.sha512(value).digest()[:32] for value in inputs}
    guesses |= {hmac.new(each, value, hashlib.sha256).digest() for each in keys for value in inputs}
    guesses |= {hmac.new(each, value, hashlib.sha512).digest()[:32] for each in keys for value in inputs}
    tokens = pl.DataFrame({"value": [value.decode().partition(":")[2] for value in inputs]})
    from cardscreen.exchange.oblivious import rfc9497
    from cardscreen.kinds.tokens import digest_of, token

    guesses |= {*tokens.select(digest_of(token("value", "phone", key.of_tokens()))).to_series()}
    for seed in (bytes.fromhex(KEY), agreed.key.of_files(), hashlib.sha256(KEY.encode()).digest()):
        guesses |= {each[:32] for each in rfc9497.outputs(seed[:32], inputs)}
    assert rows.isdisjoint(guesses)
    assert len(rows) == 150


def test_phones_are_found_and_listed_without_a_key_for_cards(fresh: Partners) -> None:
    fresh.bank.has_phones_only()
    bank = played(fresh).bank
    assert bank.matches("matches.parquet").select("account_id", "identifier").equals(fresh.on_list)
    assert len(bank.matches("matched.parquet")) == len(fresh.on_list)


def test_what_was_done_before_is_told_before_a_file_that_is_there(fresh: Partners) -> None:
    operator, bank = played(fresh).operator, fresh.bank
    evaluate = ("blinded.cse", "--out", "evaluated.cse")
    assert "say --again (and --force, since evaluated.cse is there)" in operator.refuses("evaluate", *evaluate)
    finish = ("evaluated.cse", "offer.cse", "--out")
    assert "say --again (and --force, since matches.parquet is there) to compare anew" in bank.refuses(
        "finish", *finish, "matches.parquet"
    )
    with_feed = ("new.csv", "--feed", "matched.parquet")
    assert "(and --force, since matched.parquet is there)" in bank.refuses("finish", *finish, *with_feed)
    there = bank.tries("exchange", "finish", "agreement.toml", *finish, *with_feed, "--again")
    assert (there.code, "matched.parquet is there already" in there.err) == (2, True), there.err
    bank.exchange("finish", *finish, *with_feed, "--again", "--force")
    assert bank.matches("new.csv").select("account_id", "identifier").equals(fresh.on_list)


def test_what_was_asked_is_not_asked_again_and_is_compared_with_a_new_offer(done: Partners) -> None:
    operator, bank = done.operator, done.bank
    assert "0 values that were not asked about before" in bank.refuses("blind", "--job", "job.toml", "--out", "b.cse")
    before = pl.read_csv(bank.home / "accounts.csv", infer_schema=False)
    more = pl.DataFrame({"number": [before["mobile"][200][4:].replace(" ", ""), "13999999999"]})
    operator.lists(pl.concat([done.listed, more]))
    operator.exchange("offer", "--store", "lists", "--out", "offer2.cse")
    operator.sends("offer2.cse", bank)
    told = bank.exchange("finish", "offer2.cse", "--out", "again.csv")
    assert (told["compared"], told["matches"]) == (1_400, 41)
    assert before["account_id"][200] in bank.matches("again.csv")["account_id"].to_list()
    older = bank.refuses("finish", "offer.cse", "--out", "older.csv")
    assert "is older than the offer used before" in older


def test_new_customers_are_asked_about_and_no_others(fresh: Partners) -> None:
    played(fresh)
    bank, operator = fresh.bank, fresh.operator
    accounts = pl.read_csv(bank.home / "accounts.csv", infer_schema=False)
    new = pl.DataFrame(
        {
            "account_id": [f"NEW{number}" for number in range(12)],
            "mobile": [f"136{number + 40_000_000}" for number in range(11)] + [fresh.listed["number"][10]],
            "card_no": [None] * 12,
        },
        schema=dict.fromkeys(accounts.columns, pl.String),
    )
    pl.concat([accounts, new]).write_csv(bank.home / "accounts.csv")
    assert bank.exchange("blind", "--job", "job.toml", "--out", "next.cse")["identifiers"] == 12
    bank.sends("next.cse", operator)
    operator.exchange("evaluate", "next.cse", "--out", "next2.cse")
    operator.sends("next2.cse", bank)
    told = bank.exchange("finish", "next2.cse", "offer.cse", "--out", "next.csv")
    assert (told["compared"], told["matches"]) == (92, 9)
    assert "NEW11" in bank.matches("next.csv")["account_id"].to_list()


def test_more_than_one_request_may_hold_are_asked_about_in_several(tmp_path: Path) -> None:
    both = partners(tmp_path, agreement(OPRF + "min_identifiers = 10\nmax_identifiers = 50"), 60, 40, 20, 8)
    bank, operator = both.bank, both.operator
    operator.exchange("offer", *OFFER)
    operator.sends("offer.cse", bank)
    asked = []
    for name in ("one", "two"):
        asked.append(bank.exchange("blind", "--job", "job.toml", "--out", f"{name}.cse"))
        bank.sends(f"{name}.cse", operator)
        operator.exchange("evaluate", f"{name}.cse", "--out", f"{name}-done.cse")
        operator.sends(f"{name}-done.cse", bank)
    assert [(each["identifiers"], each["more"]) for each in asked] == [(50, True), (30, False)]
    bank.exchange("finish", "two-done.cse", "offer.cse", "--out", "two.csv")
    bank.exchange("finish", "offer.cse", "one-done.cse", "--out", "one.csv")
    assert bank.matches("one.csv").select("account_id", "identifier").equals(both.on_list)


def test_a_day_has_a_limit_that_stops_enumeration(tmp_path: Path) -> None:
    limits = "min_identifiers = 10\nmax_identifiers = 50\nmax_per_day = 70"
    both = partners(tmp_path, agreement(OPRF + limits), 60, 40, 20, 8)
    bank, operator = both.bank, both.operator
    operator.exchange("offer", *OFFER)
    for name in ("one", "two"):
        bank.exchange("blind", "--job", "job.toml", "--out", f"{name}.cse")
        bank.sends(f"{name}.cse", operator)
    operator.exchange("evaluate", "one.cse", "--out", "one-done.cse")
    refused = operator.refuses("evaluate", "two.cse", "--out", "two-done.cse")
    assert "asks about 30 values, and 50 were answered about today (limit max_per_day = 70" in refused
    assert "answered before" in operator.refuses("evaluate", "one.cse", "--out", "o.cse")
    again = operator.refuses("evaluate", "one.cse", "--out", "o.cse", "--again")
    assert "50 were answered about today" in again
    lines = json.loads(operator.does("exchange", "log", "agreement.toml", "--json").out)
    assert [line["step"] for line in lines] == ["offer", "evaluate", "refuse", "refuse", "refuse"]


def test_what_was_evaluated_under_another_key_is_refused(fresh: Partners) -> None:
    bank, operator = fresh.bank, fresh.operator
    operator.exchange("offer", *OFFER)
    operator.sends("offer.cse", bank)
    bank.exchange("blind", *BLIND)
    bank.sends("blinded.cse", operator)
    agreed = agreements.Agreement.read(operator.home / "agreement.toml")
    home = Home(agreed, "operator-a")
    own = home.kept("pair")
    assert own is not None
    home.keep("pair", pl.DataFrame({"seed": [b"\7" * 32]}))
    operator.exchange("evaluate", "blinded.cse", "--out", "evaluated.cse")
    operator.sends("evaluated.cse", bank)
    refused = bank.refuses("finish", "evaluated.cse", "offer.cse", "--out", "m.csv")
    assert "is under another key of 'operator-a' than the one first seen" in refused
    # The header tells the pinned key, and the proofs another.
    from cardscreen.exchange.oblivious import holder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holder, "public_key", lambda seed: bytes.fromhex(home_key(bank, "offer.cse")))
        operator.exchange("evaluate", "blinded.cse", "--out", "lying.cse", "--again")
    operator.sends("lying.cse", bank)
    assert "its proofs do not hold" in bank.refuses("finish", "lying.cse", "offer.cse", "--out", "m.csv")
    assert not (bank.home / "m.csv").exists()
    home.keep("pair", own)
    operator.exchange("evaluate", "blinded.cse", "--out", "right.cse", "--again")
    operator.sends("right.cse", bank)
    bank.exchange("finish", "right.cse", "offer.cse", "--out", "m.csv")
    assert bank.matches("m.csv").select("account_id", "identifier").equals(fresh.on_list)


def home_key(side: Side, name: str) -> str:
    from cardscreen.foundation.secrets.boxes import Sealed

    return str(Sealed.open(side.home / name, "letter").header["public_key"])


def test_what_can_not_be_offered_is_counted(fresh: Partners) -> None:
    home = fresh.operator.home
    rows = pl.DataFrame({"number": ["13800000000-13800000099", "13810000000"], "list": ["block", "allow"]})
    rows.filter(pl.col("list") == "block").write_csv(home / "ranges.csv")
    rows.filter(pl.col("list") == "allow").write_csv(home / "own.csv")
    feed = (home / "police.toml").read_text(encoding="utf-8")
    (home / "ranges.toml").write_text(feed.replace('"police"', '"regulator"'), encoding="utf-8")
    allow = feed.replace('"police"', '"own"').replace("severity", _OWN)
    (home / "own.toml").write_text(allow, encoding="utf-8")
    for name in ("ranges", "own"):
        fresh.operator.does("list", "import", f"{name}.csv", "--feed", f"{name}.toml", "--store", "lists")
    told = fresh.operator.exchange("offer", *OFFER)
    assert told["identifiers"] == {"card": 0, "phone": 19}
    assert told["left_out"] == {"ranges": 1, "on an allow list": 1}
    only = fresh.operator.exchange("offer", "--store", "lists", "--out", "p.cse", "--source", "police")
    assert only["left_out"] == {"on an allow list": 1}
    done = fresh.operator.tries("exchange", "offer", "agreement.toml", *OFFER, "--source", "poilce", "--force")
    assert (done.code, "the store has no source 'poilce'" in done.err) == (2, True)


def test_what_holds_today_anywhere_is_offered(fresh: Partners, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store doesn't say of which time zone its days are: what was listed this morning in the east is not missed."""
    day, number = date.today(), pl.int_range(4, eager=True)
    far = pl.DataFrame({"number": pl.select(pl.format("1370000000{}", number)).to_series()})
    begun = pl.Series("listed", [day - timedelta(days=9), day - timedelta(days=9), day, day + timedelta(days=1)])
    over = pl.Series("over", [day - timedelta(days=2), day - timedelta(days=1), None, None])
    far.with_columns(begun, over).write_csv(fresh.operator.home / "far.csv")
    feed = (
        POLICE.replace('"police"', '"far"') + 'listed_on = "listed"\nexpires_on = "over"\n[limits]\nfuture_days = 1\n'
    )
    (fresh.operator.home / "far.toml").write_text(feed, encoding="utf-8")
    fresh.operator.does("list", "import", "far.csv", "--feed", "far.toml", "--store", "lists")
    monkeypatch.setattr(holder, "days", lambda: (day - timedelta(days=1), day))
    told = fresh.operator.exchange("offer", *OFFER, "--source", "far")
    assert told["identifiers"]["phone"] == 2


def test_steps_out_of_order_are_refused_in_a_sentence(fresh: Partners) -> None:
    bank, operator = fresh.bank, fresh.operator
    bank.exchange("blind", *BLIND)
    bank.sends("blinded.cse", operator)
    assert "offer comes first" in operator.refuses("evaluate", "blinded.cse", "--out", "e.cse")
    operator.exchange("offer", *OFFER)
    operator.exchange("evaluate", "blinded.cse", "--out", "e.cse")
    operator.sends("e.cse", bank)
    operator.sends("offer.cse", bank)
    assert "give the other side's offer, too" in bank.refuses("finish", "e.cse", "--out", "m.csv")
    assert "are both of the step 'offer'" in bank.refuses("finish", "offer.cse", "offer.cse", "--out", "m.csv")
    assert "of the step 'blind'" in bank.refuses("finish", "blinded.cse", "offer.cse", "--out", "m.csv")
    done = bank.tries("exchange", "ask", "agreement.toml", "--job", "job.toml", "--out", "a.cse")
    assert (done.code, "its steps are offer, blind, evaluate and finish" in done.err) == (2, True)
    assert "--again asks about its values anew" in bank.refuses("blind", "--job", "job.toml", "--out", "again.cse")
    bank.exchange("blind", "--job", "job.toml", "--out", "again.cse", "--again")
    bank.exchange("finish", "e.cse", "offer.cse", "--out", "m.csv")  # the first request's answer is still good
    shutil.rmtree(bank.home / "exchange")
    last = ("finish", "e.cse", "offer.cse", "--out", "n.csv", "--job", "job.toml")
    assert "not made here, or that has expired" in bank.refuses(*last)


def test_a_comparison_that_failed_can_be_done_again(fresh: Partners) -> None:
    bank, operator = fresh.bank, fresh.operator
    operator.exchange("offer", *OFFER)
    bank.exchange("blind", *BLIND)
    operator.sends("offer.cse", bank)
    bank.sends("blinded.cse", operator)
    operator.exchange("evaluate", "blinded.cse", "--out", "e.cse")
    operator.sends("e.cse", bank)
    finish = ("exchange", "finish", "agreement.toml", "e.cse", "offer.cse", "--out")
    for out in ("nowhere/m.csv", "m.txt"):
        assert bank.tries(*finish, out).code in (2, 3)
    (bank.home / "accounts.csv").rename(bank.home / "away.csv")
    assert bank.tries(*finish, "m.csv").code == 3
    (bank.home / "away.csv").rename(bank.home / "accounts.csv")
    bank.does(*finish, "m.csv")
    assert bank.matches("m.csv").select("account_id", "identifier").equals(fresh.on_list)
    lines = json.loads(bank.does("exchange", "log", "agreement.toml", "--json").out)
    assert [line["step"] for line in lines] == ["blind", "finish", "compare"]


def test_a_request_that_could_not_be_written_has_asked_about_nothing(
    fresh: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = fresh.bank
    for out in ("blinded.txt", "nowhere/b.cse"):
        bank.tries("exchange", "blind", "agreement.toml", "--job", "job.toml", "--out", out)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Home, "deliver", dies)
        assert bank.tries("exchange", "blind", "agreement.toml", *BLIND).code == 130
    assert bank.exchange("blind", *BLIND)["identifiers"] == 80


def test_a_key_of_ones_own_is_ones_own(fresh: Partners) -> None:
    fresh.operator.agree(agreement(SMALL + 'own_key = { file = "exchange.key" }'))
    done = fresh.operator.tries("exchange", "offer", "agreement.toml", *OFFER)
    assert (done.code, "own_key is the key that the other side has" in done.err) == (2, True), done.err
    fresh.operator.agree(agreement(SMALL + 'own_key = { file = "tokens.key" }'))
    fresh.operator.exchange("offer", *OFFER)
    assert not list((fresh.operator.home / "exchange").rglob("own.key"))


def test_what_a_partner_has_named_is_not_told_to_others(fresh: Partners) -> None:
    played(fresh)
    bank = fresh.bank
    bank.does("list", "import", "matched.parquet", "--feed", "matched.toml", "--store", "lists", *_KEY)
    third = agreement('min_identifiers = 1\nmethod = "oprf"\nholder = "bank-b"').replace("operator-a", "third")
    bank.agree(third)
    for more in ((), ("--source", "operator-a")):
        assert "that can be offered" in bank.refuses("offer", "--store", "lists", "--out", "o.cse", *more)
    bank.does("run", "job.toml")
    keyed = agreement("min_identifiers = 1").replace("operator-a", "third").replace("bank-b", "other")
    bank.agree(keyed)
    refused = bank.refuses("ask", "--job", "job.toml", "--out", "a.cse")
    assert "the 0 accounts chosen (8 more are known by the word of partners only) carry 0 values" in refused


def test_without_the_extra_a_sentence_says_what_to_install(fresh: Partners, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "voprf", None)
    done = fresh.operator.tries("exchange", "offer", "agreement.toml", *OFFER)
    assert (done.code, "pip install 'cardscreen[exchange]'" in done.err) == (2, True)
