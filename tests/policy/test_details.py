"""Rules on who issued a card, how it is funded, and what sort of phone number it is, and where: hits tell it, too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen

import cardscreen as cs
from cardscreen.foundation import schema

DAY = date(2026, 11, 20)
PREPAID, DEBIT, FOREIGN = "4539578763621486", "6222029876354193", "5500000000000004"
BINS = pl.DataFrame(
    {
        "bin": ["453957", "622202", "5500"],
        "issuer": ["Gift Cards Ltd", "ICBC", "Bank of Elsewhere"],
        "country": ["GB", "CN", "US"],
        "type": ["prepaid", "debit", "credit"],
    }
)
ACCOUNTS = pl.DataFrame(
    {
        "account_id": ["prepaid", "debit", "foreign", "truncated"],
        "card": [PREPAID, DEBIT, FOREIGN, f"{PREPAID[:6]}******{PREPAID[-4:]}"],
        "phone": ["+8613800138000", "+442079460958", "+443301234567", "+12015550123"],
    }
)
LISTED = pl.DataFrame(
    {
        "kind": ["card"] * 3 + ["phone"] * 4,
        "value": [PREPAID, DEBIT, FOREIGN, *ACCOUNTS["phone"]],
        "severity": [95] * 7,
    }
)


def rules(*each: Any) -> cs.Policy:
    return cs.Policy(rules=list(each))


def acted(kinds: Mapping[str, Any], policy: cs.Policy) -> dict[str, str]:
    result = cs.screen(ACCOUNTS, cs.Blocklist.from_frame(LISTED), kinds, as_of=DAY, policy=policy)
    return dict(result.hits.collect().select("account_id", pl.col("action").cast(pl.String)).rows())


def test_hits_tell_issuer_country_and_funding_of_cards_and_type_and_region_of_phones() -> None:
    kinds: Mapping[str, Any] = {"card": cs.Card(issuers=BINS), "phone": cs.Phone()}
    # What sort of phone number it is is told where rules look at it.
    policy = rules({"when": {"phone_type": "pager", "phone_region": "FR"}, "cap": "none"})
    hits = cs.screen(ACCOUNTS, cs.Blocklist.from_frame(LISTED), kinds, as_of=DAY, policy=policy).hits.collect()
    told = hits.sort("identifier", "account_id").select("account_id", *schema.DETAILS).rows()
    assert told == [
        ("debit", "ICBC", "CN", "debit", None, None),
        ("foreign", "Bank of Elsewhere", "US", "credit", None, None),
        ("prepaid", "Gift Cards Ltd", "GB", "prepaid", None, None),
        ("truncated", "Gift Cards Ltd", "GB", "prepaid", None, None),
        ("debit", None, None, None, "fixed_line", "GB"),
        ("foreign", None, None, None, "uan", "GB"),
        ("prepaid", None, None, None, "mobile", "CN"),
        ("truncated", None, None, None, "fixed_line_or_mobile", "US"),
    ]


def test_rules_look_at_funding_and_issuer() -> None:
    kinds = {"card": cs.Card(issuers=BINS)}
    policy = rules(
        {"when": {"funding": ["prepaid", "credit"]}, "cap": "notify"}, {"when": {"issuer": "ICBC"}, "score": 50}
    )
    assert acted(kinds, policy) == {"prepaid": "notify", "debit": "verify", "foreign": "notify", "truncated": "notify"}
    policy = rules({"when": {"issuer_country": "CN"}, "cap": "none"})
    assert acted(kinds, policy)["debit"] == "none"


@pytest.mark.parametrize(
    "when",
    [
        {"funding": "prepaid"},
        {"issuer": "ＧＩＦＴ cards LTD"},
        {"issuer_country": ["us", "gb"]},
        {"reason": "telecom_fraud"},
    ],
)
def test_rules_tell_no_spelling_of_what_files_say_apart(when: dict[str, str]) -> None:
    bins = BINS.with_columns(type=pl.lit("PREPAID "))
    listed = LISTED.with_columns(reason=pl.lit("Telecom_Fraud"))
    policy = rules({"when": when, "cap": "verify"})
    result = cs.screen(
        ACCOUNTS[:1], cs.Blocklist.from_frame(listed), {"card": cs.Card(issuers=bins)}, as_of=DAY, policy=policy
    )
    assert result.hits.collect()["action"].to_list() == ["verify"]


def test_a_rule_that_names_the_same_in_another_spelling_is_hidden() -> None:
    with pytest.raises(cs.ConfigError, match="never applies"):
        rules({"when": {"funding": "PREPAID"}, "cap": "verify"}, {"when": {"funding": "prepaid"}, "cap": "none"})


def test_rules_look_at_type_and_region_of_phones() -> None:
    kinds = {"phone": cs.Phone()}
    policy = rules(
        {"when": {"phone_region": "CN"}, "cap": "notify"}, {"when": {"phone_type": "uan"}, "measure_only": True}
    )
    assert acted(kinds, policy)["prepaid"] == "notify"
    result = cs.screen(ACCOUNTS, cs.Blocklist.from_frame(LISTED), kinds, as_of=DAY, policy=policy)
    assert "foreign" not in result.flagged.collect()["account_id"]


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ({"phone_type": "voice_over_ip"}, 'is never "voice_over_ip"'),
        ({"phone_region": "UK"}, 'is never "UK"'),
        ({"isuer": "ICBC"}, "did you mean 'issuer'"),
    ],
)
def test_a_rule_on_what_no_hit_has_is_refused(when: dict[str, str], problem: str) -> None:
    with pytest.raises(cs.ConfigError) as refused:
        rules({"when": when, "cap": "none"})
    assert problem in str(refused.value)


@pytest.mark.parametrize(("column", "kind"), [("funding", cs.Card()), ("phone_type", cs.Card(issuers=BINS))])
def test_a_rule_on_what_no_column_tells_is_refused(column: str, kind: cs.Card) -> None:
    value = "mobile" if column == "phone_type" else "prepaid"
    with pytest.raises(cs.ConfigError, match=f"a rule looks at {column}, and there is no"):
        acted({"card": kind}, rules({"when": {column: value}, "cap": "none"}))


def test_a_night_keeps_its_table_of_issuers_and_is_replayed_by_it(tmp_path: Path) -> None:
    BINS.write_csv(tmp_path / "bins.csv")
    ACCOUNTS.select("account_id", "card").write_csv(tmp_path / "accounts.csv")
    LISTED.filter(kind="card").write_parquet(tmp_path / "list.parquet")
    (tmp_path / "job.toml").write_text(
        '[accounts]\npath = "accounts.csv"\n[identifiers]\ncard = { kind = "card", issuers = "bins.csv" }\n'
        '[blocklist]\npaths = ["list.parquet"]\n[[policy.rules]]\nwhen = { funding = "prepaid" }\ncap = "notify"\n'
        '[limits]\nfirst_run = "publish"\nflagged_share = 1\nsource_share = 1\nnew_suspend = 1\n'
        "[output]\nreport = false\n",
        encoding="utf-8",
    )
    run = cardscreen("run", "job.toml", "--as-of", "2026-11-20", cwd=tmp_path)
    assert run.code == 0, run.err
    # Another table: the next night says that the policy is another one, and the old night is replayed by its own.
    BINS.with_columns(type=pl.lit("debit")).write_csv(tmp_path / "bins.csv")
    audited = cardscreen("audit", "runs/latest", "--replay", cwd=tmp_path)
    assert audited.code == 0, audited.out + audited.err
    explained = cardscreen("explain", "prepaid", "--run", "runs/latest", cwd=tmp_path)
    assert "notify" in explained.out
    run = cardscreen("run", "job.toml", "--as-of", "2026-11-21", cwd=tmp_path)
    assert run.code == 0, run.err
    changes = pl.read_parquet(tmp_path / "runs/latest/changes.parquet").filter(account_id="prepaid")
    assert changes.select("change", "cause", "action").rows() == [("escalated", "policy_changed", "suspend")]
    audited = cardscreen("audit", "runs/latest", "--replay", cwd=tmp_path)
    assert audited.code == 0, audited.out + audited.err


def test_a_table_of_issuers_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(
        '[accounts]\npath = "a.csv"\n[identifiers]\ncard = { kind = "card", issuers = "bins.csv" }\n'
        '[blocklist]\npaths = ["list.parquet"]\n',
        encoding="utf-8",
    )
    run = cardscreen("run", "job.toml", cwd=tmp_path)
    assert run.code != 0
    assert "bins.csv" in run.err
