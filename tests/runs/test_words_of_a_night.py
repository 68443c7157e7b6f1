"""A held night says what it is about, and a night warns of what its policy looks for in vain."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from commands import Done, cardscreen
from nights import STORE_JOB, Operator, account, day, listing, phone

import cardscreen as cs
from cardscreen.foundation.words.codes import STATUSES
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.runs.messages import mending

JOB = """
timezone = "UTC"
[accounts]
path = "accounts.csv"
carry = ["segment"]
[identifiers]
mobile = { kind = "phone", region = "CN" }
[blocklist]
paths = ["listed.parquet"]
[policy]
file = "policy.toml"
[limits]
first_run = "publish"
"""


def night(folder: Path, cells: list[str], *, policy: str = "", limits: str = "", listed: int = 1) -> Done:
    rows = [f"A{at},{cell},{'private' if at % 2 else 'business'}\n" for at, cell in enumerate(cells)]
    (folder / "accounts.csv").write_text("account_id,mobile,segment\n" + "".join(rows))
    numbers = [f"+86138001380{at:02}" for at in range(listed)]
    pl.DataFrame({"kind": "phone", "value": numbers, "source": "police", "reason": "fraud"}).write_parquet(
        folder / "listed.parquet"
    )
    (folder / "policy.toml").write_text(policy)
    (folder / "job.toml").write_text(JOB + limits)
    return cardscreen("run", "job.toml", cwd=folder)


PHONES = [f"138001380{at:02}" for at in range(50)]


@pytest.mark.parametrize(
    ("cell", "shape", "mend"),
    [
        pytest.param("1.38001E+10", "9.99999A+99 (damaged)", "export the column as text", id="quantity"),
        pytest.param("138****8000", "999****9999 (damaged)", "digits are hidden", id="hidden"),
        pytest.param("see notes", "AAA AAAAA (not_a_number)", "is it the right column?", id="words"),
        pytest.param("+999 12345", "+999 99999 (invalid_country_code)", "a country code that there is not", id="code"),
    ],
)
def test_a_night_held_for_its_rejects_names_their_commonest_shapes_and_what_would_mend_them(
    tmp_path: Path, cell: str, shape: str, mend: str
) -> None:
    done = night(tmp_path, [*PHONES[1:], *[cell] * 30, "x"])
    assert done.code == 4
    assert "30 of 80 filled cells" in done.err or "31 of 80 filled cells" in done.err
    assert "these accounts are not clear" in done.err
    line = next(line for line in done.err.splitlines() if line.strip().startswith("30 times"))
    assert shape in line
    assert mend in line


@pytest.mark.parametrize("status", sorted(set(STATUSES) - {"missing", "test_card"}))
def test_every_way_in_which_cells_cant_be_read_has_a_way_to_mend_them(status: str) -> None:
    rejects = pl.LazyFrame({"status": [status], "shape": ["999"]})
    (told,) = mending.commonest(rejects)
    assert told.partition(f"({status}): ")[2] not in ("", "rejects.parquet names the accounts")


def test_a_night_held_for_one_source_says_it_in_plain_words(tmp_path: Path) -> None:
    done = night(tmp_path, PHONES, listed=9)
    assert done.code == 4
    assert "9 of 50 accounts carry a number that 'police' lists" in done.err
    assert "set source_share under [limits]" in done.err
    assert "9 of 50 accounts are on a list" in done.err


def test_a_log_has_the_words_too(tmp_path: Path) -> None:
    night(tmp_path, PHONES, listed=9)
    done = cardscreen("run", "job.toml", "--log", "json", cwd=tmp_path)
    told = [json.loads(line) for line in done.err.splitlines()]
    assert any(each["event"] == "that is" and "'police' lists" in each["text"] for each in told)


# --- what a policy looks for in vain ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "words"),
    [
        pytest.param('"account.segment" = "hospital"', "account.segment = 'hospital', which no account", id="carried"),
        pytest.param('source = "polise"', "the source 'polise', which no listing has (did you mean", id="source"),
        pytest.param('reason = "theft"', "the reason 'theft', which no listing has", id="reason"),
        pytest.param('"account.segment" = "privat"', "account.segment = 'privat', which no account", id="misspelt"),
        pytest.param('"account.segment" = ["private", "x"]', "account.segment = 'x', which", id="one-of-two"),
    ],
)
def test_a_rule_of_which_a_value_never_occurs_is_warned_of(tmp_path: Path, when: str, words: str) -> None:
    done = night(tmp_path, PHONES, policy=f'[[rules]]\nwhen = {{ {when} }}\ncap = "verify"\n')
    assert done.code == 0, done.err
    assert f"rule 1 of the policy looks for {words}" in done.err


def test_a_source_of_the_policy_without_a_listing_is_warned_of(tmp_path: Path) -> None:
    done = night(tmp_path, PHONES, policy='[sources.bank]\ncap = "verify"\n')
    assert "the policy speaks of the source 'bank', which has no listing" in done.err


def test_a_policy_whose_values_all_occur_is_not_warned_of(tmp_path: Path) -> None:
    rules = '[[rules]]\nwhen = { "account.segment" = ["Private ", "business"], source = "police" }\ncap = "verify"\n'
    done = night(tmp_path, PHONES, policy=rules + '[sources.police]\ncap = "suspend"\n')
    assert (done.code, "looks for" in done.err, "speaks of" in done.err) == (0, False, False)
    summary = json.loads((tmp_path / "runs/latest/summary.json").read_text())
    assert summary["ruled"] == {"segment": {"Private ": 25, "business": 25}}


LISTED = [listing(phone(1)), listing(phone(2)), listing(phone(8), ended_on=day(0), listing_id="ended")]
UNLIKE = "leading zeros, blanks, letter case, or what a program put around it (' in front, .0 behind)"
UNLISTED = "no listing has their listing_id"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param(["20,,2026-10-01,"], f"{UNLIKE}: 1, the first in line 2", id="leading-zeros"),
        pytest.param(["x,,2026-10-01,", "0 00020,,2026-10-01,"], f"{UNLIKE}: 1, the first in line 3", id="blanks"),
        pytest.param(["A7,,2026-10-01,", "a 7,,2026-10-01,"], f"{UNLIKE}: 2, the first in line 2", id="letter-case"),
        pytest.param(["'-b1,,2026-10-01,", "'20,,2026-10-01,"], f"{UNLIKE}: 2, the first in line 2", id="apostrophe"),
        pytest.param(['"=""000020""",,2026-10-01,'], f"{UNLIKE}: 1, the first in line 2", id="as-a-formula"),
        pytest.param(["20.0,,2026-10-01,", '"20,00",,2026-10-01,'], f"{UNLIKE}: 2, the first in line 2", id="decimals"),
        pytest.param(["\u2060a\u200b7\ufeff,,2026-10-01,"], f"{UNLIKE}: 1, the first in line 2", id="invisible-signs"),
        pytest.param(["7,,2026-10-01,"], f"{UNLIKE}: 1, the first in line 2", id="accounts-with-decimals"),
        pytest.param(["20.5,,2026-10-01,", "b1,,2026-10-01,"], None, id="another-account"),
        pytest.param(["000020,L0,2026-10-01,"], f"{UNLISTED}, although their account is on a list: 1", id="listing"),
        pytest.param(["000020,,2026-11-09,"], "still to come: 1, the first in line 2 of their file, from", id="ahead"),
        pytest.param(["2E+01,,2026-10-01,"], "(1E+05): 1, the first in line 2", id="quantity"),
        pytest.param(["20,,2026-10-01,2026-10-30"], None, id="over"),
        pytest.param(["000020,,2026-10-01,"], None, id="it-frees"),
        pytest.param([" 000020 ,,2026-10-01,", "20,,2026-10-01,"], None, id="another-row-frees"),
        pytest.param(["30,,2026-10-01,", "0030,L0,2026-10-01,"], None, id="account-on-no-list"),
        pytest.param(["000020,ended,2026-10-01,"], None, id="listing-that-has-ended"),
        pytest.param(["000020,L8002,2026-10-01,"], None, id="listing-of-another-account"),
        pytest.param([], None, id="none"),
    ],
)
def test_clearances_that_free_nobody_and_were_meant_to_are_warned_of(
    tmp_path: Path, rows: list[str], words: str | None
) -> None:
    operator = Operator(tmp_path)
    operator.clear(*rows)
    listed = [account(name, phone(number)) for name, number in (("000020", 1), ("a7", 2), ("-b1", 1), ("7.0", 2))]
    accounts = [*listed, account("0030", phone(3))]
    told = [each for each in operator.night(1, accounts, LISTED).run.warnings if "clearances" in each]
    assert len(told) == (words is not None), told
    if words is not None:
        assert words in told[0]
        assert told[0] in " ".join(cardscreen("status", "job.toml", cwd=tmp_path).out.split("\n"))


def test_a_superseded_run_is_called_so_and_the_later_one_latest(tmp_path: Path) -> None:
    assert night(tmp_path, PHONES).code == 0
    assert cardscreen("run", "job.toml", cwd=tmp_path).code == 0
    runs = json.loads(cardscreen("runs", "list", "job.toml", "--json", cwd=tmp_path).out)
    assert [run["state"] for run in runs] == ["superseded", "latest"]


def test_an_audit_of_a_pruned_run_does_not_contradict_itself(tmp_path: Path) -> None:
    assert night(tmp_path, PHONES).code == 0
    for night_of in ("2026-11-20", "2026-11-21"):
        cardscreen("run", "job.toml", "--as-of", night_of, "--allow-future", cwd=tmp_path)
    for _ in range(2):
        cardscreen("run", "job.toml", cwd=tmp_path)
    pruned = json.loads(cardscreen("runs", "prune", "job.toml", "--keep", "0runs", "--json", cwd=tmp_path).out)
    run, files = next(iter(pruned.items()))
    done = cardscreen("audit", f"runs/{run}", cwd=tmp_path)
    assert done.code == 0, done.out
    assert f"{len(files)} were removed, all others are as they were written" in done.out


def test_a_night_whose_rules_came_with_a_source_names_it(tmp_path: Path) -> None:
    operator = Operator(tmp_path, STORE_JOB.format(since="", most=1))
    operator.write([account(f"a{at}", phone(at)) for at in range(9)], [])

    def take(source: str, number: str) -> None:
        file, cap = tmp_path / f"{source}.csv", "verify" if source == "bureau" else "close"
        file.write_text(f"number\n{number}\n", encoding="utf-8")
        feed = Feed(source=source, kind="phone", columns={"value": "number"}, severity=90, terms={"cap": cap})
        import_file(file, feed, cs.Store(tmp_path / "lists"), as_of=day(0))

    take("police", phone(1))
    assert not any("terms" in warning for warning in operator.run(1).warnings)
    take("bureau", phone(2))
    said = [warning for warning in operator.run(2).warnings if "terms" in warning]
    assert said == ["the policy, or a source's terms, have changed since the base run (new sources: bureau)"]
