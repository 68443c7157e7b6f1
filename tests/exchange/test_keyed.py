"""Keyed tokens: two institutions find what they have in common, and nothing else of each other."""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest import mock

import polars as pl
import pytest
from partners import NAME, Partners, agreement, pan, partners, said_of, texts_told, told_in

from cardscreen.exchange import agreement as agreements
from cardscreen.exchange import letters
from cardscreen.exchange.choosing import condition

FIRST = ("--job", "job.toml", "--out", "ask.cse")
ANSWER = ("ask.cse", "--job", "job.toml", "--out", "answer.cse")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Partners:
    """An operator of 300,000 accounts, 1,500 of which it lists, and a bank of 200,000, which knows 600 of these."""
    both = partners(tmp_path_factory.mktemp("keyed"), agreement(), 300_000, 200_000, 1_500, 400)
    both.operator.exchange("ask", *FIRST)
    both.operator.sends("ask.cse", both.bank)
    both.bank.exchange("answer", *ANSWER, "--feed", "matched.parquet")
    both.bank.sends("answer.cse", both.operator)
    both.operator.exchange("read", "answer.cse", "--out", "matches.csv")
    into = ("--feed", "matched.toml", "--store", "lists", "--key-file", "tokens.key")
    both.bank.does("list", "import", "matched.parquet", *into)
    return both


@pytest.fixture
def fresh(tmp_path: Path) -> Partners:
    """Two who have not exchanged anything."""
    return partners(tmp_path, agreement("min_identifiers = 10"), 60, 40, 20, 8)


def test_both_find_exactly_what_they_have_in_common(done: Partners) -> None:
    found = done.operator.matches().select("account_id", "identifier")
    assert found.sort(found.columns).equals(done.asked.sort(found.columns))


def test_the_askers_table_shows_masks(done: Partners) -> None:
    told = done.operator.matches()
    assert told.columns == ["account_id", "identifier", "kind", "value"]
    assert told["value"].str.contains(r"\*\*\*\*").all()


def test_matches_become_listings_that_ask_a_person_and_say_on_which_ground(done: Partners) -> None:
    bank = done.bank
    bank.does("run", "job.toml")
    flagged = pl.read_parquet(bank.home / "runs/latest/flagged.parquet")
    assert flagged["account_id"].sort().to_list() == done.known["account_id"].sort().to_list()
    assert flagged["action"].unique().to_list() == ["verify"]
    notice = pl.read_csv(bank.home / "runs/latest/notices/verify.csv", infer_schema=False)
    assert notice["source"].unique().to_list() == ["operator-a"]
    assert notice["legal_basis"].unique().to_list() == ["Anti-Telecom Fraud Law, Art. 32"]
    story = bank.does("explain", done.known["account_id"][0], "--run", "runs/latest").out
    assert "operator-a" in story
    listed = pl.read_parquet(bank.home / "matched.parquet")
    assert listed["expires_on"].unique().to_list() == [datetime.now(UTC).date() + timedelta(days=30)]


def test_a_feed_of_matches_names_the_time_zone_that_decided_of_which_day_they_are(done: Partners) -> None:
    zones = [tomllib.loads((done.bank.home / name).read_text("utf-8")) for name in ("matched.toml", "job.toml")]
    assert zones[0]["timezone"] == zones[1]["timezone"]


def test_no_letter_and_nothing_that_is_kept_tells_a_number_an_account_or_a_key(done: Partners) -> None:
    words = said_of(done)
    for side in (done.operator, done.bank):
        kept = [file for file in (side.home / "exchange").rglob("*") if file.is_file()]
        for file in (*kept, *side.home.glob("*.cse")):
            content = file.read_bytes()
            assert told_in(content, words) == set(), file
            assert texts_told(content, done) == [], file


def test_the_order_of_rows_says_nothing(done: Partners) -> None:
    agreed = agreements.Agreement.read(done.bank.home / "agreement.toml")
    letter = letters.opened(done.bank.home / "ask.cse", agreed, "ask", "operator-a")
    rows = list(letters.rows_of(letter.rows()))
    cards = letter.header.counts["card"]
    assert isinstance(cards, int)
    assert rows[:cards] == sorted(rows[:cards])
    assert rows[cards:] == sorted(rows[cards:])


def test_both_ledgers_say_what_was_disclosed(done: Partners) -> None:
    for side, steps in ((done.operator, ["ask", "read"]), (done.bank, ["answer"])):
        lines = json.loads(side.does("exchange", "log", "agreement.toml", "--json").out)
        assert [line["step"] for line in lines][: len(steps)] == steps
        assert lines[0]["disclosed"] == (3_000 if side is done.operator else 600)
        assert "disclosed" in side.does("exchange", "log", "agreement.toml").out


def test_an_answer_is_given_once_unless_a_person_says_again(fresh: Partners) -> None:
    operator, bank = fresh.operator, fresh.bank
    operator.exchange("ask", *FIRST)
    operator.sends("ask.cse", bank)
    bank.exchange("answer", *ANSWER)
    answered = (bank.home / "answer.cse").read_bytes()
    assert "say --again (and --force, since answer.cse is there) to answer once more" in bank.refuses("answer", *ANSWER)
    assert "say --again to answer once more" in bank.refuses("answer", *ANSWER, "--force")
    there = bank.tries("exchange", "answer", "agreement.toml", *ANSWER, "--again")
    assert (there.code, "answer.cse is there already: name another file, or say --force" in there.err) == (2, True)
    assert (bank.home / "answer.cse").read_bytes() == answered
    assert "was answered before" in bank.refuses("answer", *ANSWER[:-1], "again.cse")
    assert not (bank.home / "again.cse").exists()
    bank.exchange("answer", *ANSWER[:-1], "again.cse", "--again")
    bank.sends("again.cse", operator)
    bank.sends("answer.cse", operator)
    operator.exchange("read", "answer.cse", "--out", "m.csv")
    assert "say --again (and --force, since m.csv is there)" in operator.refuses("read", "answer.cse", "--out", "m.csv")
    assert "was read before" in operator.refuses("read", "answer.cse", "--out", "n.csv")
    operator.exchange("read", "answer.cse", "--out", "n.csv", "--again")
    operator.exchange("read", "again.cse", "--out", "o.csv")
    steps = [line["step"] for line in json.loads(bank.does("exchange", "log", "agreement.toml", "--json").out)]
    assert steps == ["answer", "refuse", "refuse", "refuse", "answer"]


def test_only_counts_are_told_where_that_was_agreed_and_small_ones_not(tmp_path: Path) -> None:
    both = partners(tmp_path, agreement('answer = "count"\nmin_identifiers = 10'), 60, 40, 20, 8)
    both.operator.exchange("ask", *FIRST)
    both.operator.sends("ask.cse", both.bank)
    assert both.bank.exchange("answer", *ANSWER)["matches"] == {"card": "<5", "phone": 8}
    both.bank.sends("answer.cse", both.operator)
    both.operator.exchange("read", "answer.cse", "--out", "counts.csv")
    assert both.operator.matches("counts.csv").rows() == [("card", "<5"), ("phone", "8")]
    agreed = agreements.Agreement.read(both.operator.home / "agreement.toml")
    assert letters.opened(both.operator.home / "answer.cse", agreed, "answer", "bank-b").rows() == b""


def test_a_kind_that_the_other_side_has_no_column_of_is_not_told_as_unknown(fresh: Partners) -> None:
    operator, bank = fresh.operator, fresh.bank
    bank.has_phones_only()
    operator.exchange("ask", *FIRST)
    operator.sends("ask.cse", bank)
    assert bank.exchange("answer", *ANSWER)["not_compared"] == ["card"]
    bank.sends("answer.cse", operator)
    told = operator.does("exchange", "read", "agreement.toml", "answer.cse", "--out", "m.csv").out
    assert "not compared  card" in told


def test_a_kind_that_is_not_compared_needs_no_key_to_list_the_others_matches(fresh: Partners) -> None:
    operator, bank = fresh.operator, fresh.bank
    job = (bank.home / "job.toml").read_text(encoding="utf-8")
    (bank.home / "job.toml").write_text(job.replace('[tokens]\nkey_file = "tokens.key"\n', ""), encoding="utf-8")
    operator.exchange("ask", *FIRST)
    operator.sends("ask.cse", bank)
    with_feed = (*ANSWER, "--feed", "matched.parquet")
    done = bank.tries("exchange", "answer", "agreement.toml", *with_feed)
    assert (done.code, "matches of the kind card are listed as tokens only" in done.err) == (2, True), done.err
    bank.has_phones_only()
    told = bank.exchange("answer", *with_feed)
    assert (told["not_compared"], told["matches"]) == (["card"], {"phone": 8, "card": 0})
    bank.does("list", "import", "matched.parquet", "--feed", "matched.toml", "--store", "lists")
    bank.does("run", "job.toml")
    flagged = pl.read_parquet(bank.home / "runs/latest/flagged.parquet")["account_id"]
    assert flagged.sort().to_list() == fresh.known.filter(identifier="mobile")["account_id"].sort().to_list()


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ("action >= verify", 20),
        ("action >= close", 0),
        ("score >= 80 and source = police", 20),
        ("reason != listed", 0),
        ("level = 'critical'", 0),
    ],
)
def test_a_condition_chooses_accounts(fresh: Partners, where: str, count: int) -> None:
    if count:
        assert fresh.operator.exchange("ask", *FIRST, "--where", where)["accounts"] == count
    else:
        assert "smaller requests are fishing" in fresh.operator.refuses("ask", *FIRST, "--where", where)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("source = polce", "knows no source 'polce' (did you mean 'police'?): it has police"),
        ("source != 'police and more'", "knows no source 'police and more': it has police"),
        ("reason = lsted", "knows no reason 'lsted' (did you mean 'listed'?): it has listed"),
    ],
)
def test_a_source_or_reason_that_there_is_not_is_told(fresh: Partners, where: str, said: str) -> None:
    assert said in fresh.operator.refuses("ask", *FIRST, "--where", where)
    assert fresh.operator.exchange("ask", *FIRST, "--where", "reason != fraud")["accounts"] == 20


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("action >= suspnd", "did you mean 'suspend'"),
        ("aktion = close", "did you mean 'action'"),
        ("score >= high", "score can't be compared with 'high'"),
        ("anything", "write it like"),
        ("", "write it like"),
        ("action = close or action = suspend", "write it like"),
        ("account.reasons = listed", "there is no 'account.reasons'"),
        ("account.account_id = OP-10000001", "there is no 'account.account_id'"),
        ("source > police", "can only be one"),
        ("account.tenure >= 30", "can only be one"),
    ],
)
def test_a_condition_that_makes_no_sense_is_told(fresh: Partners, where: str, said: str) -> None:
    done = fresh.operator.tries("exchange", "ask", "agreement.toml", *FIRST, "--where", where)
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_condition_takes_a_carried_column_however_it_is_spelt() -> None:
    flagged = pl.DataFrame({"segment": ["shop", "Hospital ", "HOSPITAL", None]})
    for sign, those in (("=", [False, True, True, False]), ("!=", [True, False, False, False])):
        where = condition(f"account.segment {sign} hospital", ["segment"])
        assert flagged.select(where).to_series().to_list() == those


def test_who_is_only_on_the_other_sides_list_is_not_asked_about(done: Partners, tmp_path: Path) -> None:
    both = partners(tmp_path, agreement("min_identifiers = 10"), 60, 40, 20, 8)
    operator, home = both.operator, both.operator.home
    numbers = pl.read_csv(home / "accounts.csv", infer_schema=False)["mobile"][15:25]
    pl.DataFrame({"number": numbers}).write_csv(home / "theirs.csv")
    feed = (home / "police.toml").read_text(encoding="utf-8").replace('"police"', '"bank-b"')
    (home / "theirs.toml").write_text(feed, encoding="utf-8")
    operator.does("list", "import", "theirs.csv", "--feed", "theirs.toml", "--store", "lists")
    with mock.patch("time.sleep"):
        operator.does("run", "job.toml")
    told = operator.exchange("ask", *FIRST)
    assert (told["accounts"], told["left_out"]) == (20, 5)


def test_matches_take_no_list_over(fresh: Partners) -> None:
    """The police may be a partner, and a source: its list stays as it is."""
    operator, bank = fresh.operator, fresh.bank
    bank.lists(pl.DataFrame({"number": ["13700000000"]}))
    agreed = agreement("min_identifiers = 10").replace("operator-a", "police")
    operator.agree(agreed)
    bank.agree(agreed)
    operator.exchange("ask", *FIRST)
    operator.sends("ask.cse", bank)
    done = bank.tries("exchange", "answer", "agreement.toml", *ANSWER, "--feed", "m.parquet")
    assert (done.code, 'say listed_as = "police matches" in the agreement' in done.err) == (2, True), done.err
    bank.agree(agreed + 'listed_as = "police matches"\n')
    bank.exchange("answer", *ANSWER, "--feed", "m.parquet")
    more = ("--store", "lists", "--key-file", "tokens.key")
    assert "police matches: 12 rows" in bank.does("list", "import", "m.parquet", "--feed", "m.toml", *more).out


def test_letters_whose_names_look_like_card_numbers_are_known_again(tmp_path: Path) -> None:
    """The name of a letter is any digits: what the ledger keeps of it is what it is."""
    from cardscreen.exchange.ledger import Ledger

    ledger, names = Ledger(tmp_path / "ledger.jsonl"), [f"{pan(number)}{'a' * 16}" for number in range(20)]
    for name in names:
        ledger.add("x", "answer", "bank", 1, "0" * 64, letter="b" * 32, to_letter=name)
    assert [line["to_letter"] for line in ledger.lines("x")] == names


def test_a_request_needs_a_run_and_the_kinds(fresh: Partners) -> None:
    done = fresh.bank.tries("exchange", "ask", "agreement.toml", *FIRST)
    assert (done.code, "holds no published run" in done.err) == (3, True)
    agreed = agreement().replace('["phone", "card"]', '["imei"]')
    fresh.operator.agree(agreed)
    done = fresh.operator.tries("exchange", "ask", "agreement.toml", *FIRST)
    assert (done.code, "the job has no identifier of the agreement's kinds (imei)" in done.err) == (2, True)


def test_what_was_kept_goes_when_an_agreement_is_closed_and_its_listings_are_told(
    done: Partners, tmp_path: Path
) -> None:
    bank = replace(done.bank, home=shutil.copytree(done.bank.home, tmp_path / "bank"))
    told = bank.does("exchange", "close", "agreement.toml", "--store", "lists", "--out", "standing.csv").out
    # Beside the store that it was answered from, which is remembered, the one that is named.
    for store in (done.bank.home / "lists", bank.home / "lists"):
        assert f"600 of operator-a in {store}" in told
        assert len(bank.matches("standing.csv").filter(store=str(store))) == 600
    assert [file.name for file in (bank.home / "exchange").iterdir() if file.name != ".lock"] == ["ledger.jsonl"]
    assert "was closed here on" in bank.refuses("answer", *ANSWER, "--again", "--force")


def test_an_agreement_that_is_closed_tells_anew_what_stands_on_it(done: Partners, tmp_path: Path) -> None:
    bank = replace(done.bank, home=shutil.copytree(done.bank.home, tmp_path / "bank"))
    close = ("exchange", "close", "agreement.toml", "--store", "lists", "--out", "standing.csv")
    bank.does(*close)
    ledger = (bank.home / "exchange/ledger.jsonl").read_bytes()
    refused = bank.tries(*close)
    assert (refused.code, "say --force to write over it" in refused.err) == (2, True), refused.err
    ended = ("--source", "operator-a", "--reference", NAME, "--by", "A. Li", "--reason", "the agreement has ended")
    bank.does("list", "expire", "--store", "lists", *ended)
    told = bank.does(*close, "--force").out
    assert f"{NAME} was closed here on " in told
    assert f"600 of operator-a in {done.bank.home / 'lists'}" in told
    assert bank.matches("standing.csv")["store"].unique().to_list() == [str(done.bank.home / "lists")]
    assert (bank.home / "exchange/ledger.jsonl").read_bytes() == ledger


def test_what_stands_on_an_agreement_is_told_before_its_first_day_and_not_after_its_last(fresh: Partners) -> None:
    """Tomorrow's day is today's where it is later already, and yesterday's still is where it is earlier."""
    operator, bank = fresh.operator, fresh.bank
    operator.exchange("ask", *FIRST)
    operator.sends("ask.cse", bank)
    bank.exchange("answer", *ANSWER, "--feed", "matched.parquet")
    row, day = pl.int_range(pl.len()), pl.lit(datetime.now(UTC).date())
    begun = pl.when(row < 4).then(day + pl.duration(days=1)).when(row < 6).then(day - pl.duration(days=9))
    over = pl.when((row >= 4) & (row < 6)).then(day - pl.duration(days=2))
    matched = pl.read_parquet(bank.home / "matched.parquet")
    matched = matched.with_columns(listed_on=begun.otherwise("listed_on"), expires_on=over.otherwise("expires_on"))
    matched.write_parquet(bank.home / "matched.parquet")
    feed = (bank.home / "matched.toml").read_text(encoding="utf-8") + "\n[limits]\nfuture_days = 1\n"
    (bank.home / "matched.toml").write_text(feed, encoding="utf-8")
    more = ("--store", "lists", "--key-file", "tokens.key")
    bank.does("list", "import", "matched.parquet", "--feed", "matched.toml", *more)
    told = bank.exchange("close", "--out", "standing.csv")
    assert [each["listings"] for each in told["standing"]] == [10]
    assert len(bank.matches("standing.csv")) == 10


def test_where_nothing_stands_on_an_agreement_it_says_where_it_has_looked(fresh: Partners) -> None:
    operator = fresh.operator
    operator.exchange("ask", *FIRST)
    assert "there is no store" in operator.refuses("close", "--store", "lsts")
    assert (
        "stand on it   not known: name stores with --store" in operator.does("exchange", "close", "agreement.toml").out
    )
    told = operator.does("exchange", "close", "agreement.toml", "--store", "lists").out
    assert f"stand on it   nothing in {operator.home / 'lists'}" in told


def test_an_agreement_that_has_ended_allows_nothing_but_its_end(fresh: Partners) -> None:
    fresh.operator.exchange("ask", *FIRST)
    fresh.operator.agree(agreement("min_identifiers = 10", until=date.today() - timedelta(days=1)))
    assert "ended on" in fresh.operator.refuses("ask", "--job", "job.toml", "--out", "other.cse")
    fresh.operator.does("exchange", "close", "agreement.toml")


def test_a_new_agreement_has_tokens_of_its_own(fresh: Partners) -> None:
    operator = fresh.operator
    operator.exchange("ask", *FIRST)
    operator.agree(agreement(f'min_identifiers = 10\nreplaces = "{NAME}"', name="operator-a/bank-b/2027-01"))
    operator.exchange("ask", "--job", "job.toml", "--out", "next.cse")
    rows = []
    for name, text in (("ask.cse", agreement("min_identifiers = 10")), ("next.cse", None)):
        if text:
            (operator.home / "old.toml").write_text(text, encoding="utf-8")
        agreed = agreements.Agreement.read(operator.home / ("old.toml" if text else "agreement.toml"))
        rows.append({*letters.rows_of(letters.opened(operator.home / name, agreed, "ask", "operator-a").rows())})
    assert rows[0].isdisjoint(rows[1])


def test_listings_older_than_the_present_holder_are_not_asked_about(tmp_path: Path) -> None:
    """Of ten flagged accounts the number was another's when it was listed; one of these has a card listed since."""
    both = partners(tmp_path, agreement("min_identifiers = 10"), 60, 40, 20, 8)
    operator, home = both.operator, both.operator.home
    accounts = pl.read_csv(home / "accounts.csv", infer_schema=False).with_row_index()
    since = pl.when(pl.col("index") < 10).then(pl.lit("2999-01-01")).otherwise(pl.lit("2020-01-01"))
    accounts.with_columns(since=since).drop("index").write_csv(home / "accounts.csv")
    job = (home / "job.toml").read_text(encoding="utf-8")
    job = job.replace('region = "CN" }', 'region = "CN", holder_since = "since" }')
    (home / "job.toml").write_text(job, encoding="utf-8")
    pl.DataFrame({"number": accounts["card_no"][:1]}).write_csv(home / "cards.csv")
    feed = (home / "police.toml").read_text(encoding="utf-8").replace('"police"', '"cards"')
    feed = feed.replace('"phone"\nregion = "CN"', '"card"')
    (home / "cards.toml").write_text(feed, encoding="utf-8")
    operator.does("list", "import", "cards.csv", "--feed", "cards.toml", "--store", "lists", "--key-file", "tokens.key")
    operator.does("run", "job.toml", "--allow-changed-identifiers")
    told = operator.exchange("ask", *FIRST)
    assert (told["accounts"], told["earlier_holder"], told["left_out"]) == (11, 9, 0)
    said = operator.does("exchange", "ask", "agreement.toml", *FIRST, "--force").out
    assert "left out      9 accounts, since the listings are older than their present holder\n" in said
    refused = operator.refuses("ask", *FIRST, "--force", "--where", "score >= 100")
    assert "the 0 accounts chosen carry 0 values" in refused
    operator.agree(agreement("min_identifiers = 100"))
    refused = operator.refuses("ask", *FIRST, "--force")
    assert "(9 more are known by listings from before their present holder only)" in refused


def test_a_match_does_not_say_whose_the_number_was_when_the_partner_listed_it(fresh: Partners) -> None:
    operator, bank = fresh.operator, fresh.bank
    accounts = pl.read_csv(bank.home / "accounts.csv", infer_schema=False)
    accounts.with_columns(since=pl.lit("2026-01-01")).write_csv(bank.home / "accounts.csv")
    job = (bank.home / "job.toml").read_text(encoding="utf-8")
    job = job.replace('region = "CN" }', 'region = "CN", holder_since = "since" }')
    (bank.home / "job.toml").write_text(job, encoding="utf-8")
    operator.exchange("ask", *FIRST)
    operator.sends("ask.cse", bank)
    bank.exchange("answer", *ANSWER, "--feed", "matched.parquet")
    into = ("--feed", "matched.toml", "--store", "lists", "--key-file", "tokens.key")
    bank.does("list", "import", "matched.parquet", *into)
    bank.does("run", "job.toml")
    hits = pl.read_parquet(bank.home / "runs/latest/hits.parquet")
    assert hits["holder"].unique().to_list() == ["unknown"]
    story = bank.does("explain", fresh.known["account_id"][0], "--run", "runs/latest").out
    assert "Whether it was listed before the present holder got it is not known." in story
