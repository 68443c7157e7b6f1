"""Reports of the public: what they weigh, which steps they reach, when a person looks, and what is never kept."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from hypothesis import given
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError

DAY = date(2026, 11, 28)
RULES: dict[str, Any] = {
    "categories": {
        "fraud": {"half_life_days": 30, "weight": 1.0, "names": ["诈骗"]},
        "nuisance": {"half_life_days": 7, "weight": 0.2},
    },
    "steps": [{"weight": 3, "severity": 40}, {"weight": 10, "severity": 55}],
}
Report = tuple[str, str, int, str, str]  # value, category, days ago, reporter, group


def frame(reports: Sequence[Report]) -> pl.DataFrame:
    rows = [(value, category, DAY - timedelta(days=ago), who, group) for value, category, ago, who, group in reports]
    names = ["value", "category", "reported_on", "reporter", "group"]
    types = dict(zip(names, [pl.String, pl.String, pl.Date, pl.String, pl.String], strict=True))
    return pl.DataFrame(rows, schema=types, orient="row")


def score(reports: Sequence[Report], review: dict[str, Any] | None = None, **options: Any) -> pl.DataFrame:
    rules = RULES | ({"review": review} if review else {})
    return cs.score_reports(frame(reports), rules, DAY, **options).collect()


def weights(proposals: pl.DataFrame) -> dict[str, float]:
    return dict(proposals.select("value", "weight").rows())


def many(value: str, count: int, ago: int = 0, group: str = "n1", begin: int = 0) -> list[Report]:
    return [(value, "fraud", ago, f"r{at}", group) for at in range(begin, begin + count)]


reports = st.lists(
    st.tuples(
        st.sampled_from(["+861", "+862"]),
        st.sampled_from(["fraud", "nuisance"]),
        st.integers(0, 90),
        st.sampled_from([f"r{at}" for at in range(12)]),
        st.sampled_from(["n1", "n2"]),
    ),
    max_size=40,
)


@given(reports, st.randoms(use_true_random=False))
def test_the_order_of_reports_changes_nothing(rows: list[Report], dice: Any) -> None:
    other = rows * 2
    dice.shuffle(other)
    assert score(rows).equals(score(other))


@given(reports)
def test_the_weight_is_the_sum_of_each_reporters_heaviest_report(rows: list[Report]) -> None:
    lives, most = {"fraud": (30, 1.0), "nuisance": (7, 0.2)}, dict[tuple[str, str], float]()
    for value, category, ago, who, _ in rows:
        life, weight = lives[category]
        most[value, who] = max(most.get((value, who), 0.0), weight * 0.5 ** (ago / life))
    expected: dict[str, float] = {}
    for (value, _), weight in most.items():
        expected[value] = expected.get(value, 0.0) + weight
    found = weights(score(rows))
    for value, weight in expected.items():
        if abs(weight - 3) > 1e-9:
            assert (value in found) == (weight > 3)
    for value, weight in found.items():
        assert weight == pytest.approx(expected[value])


@given(reports, st.integers(0, 60), st.sampled_from(["fraud", "nuisance"]))
def test_one_more_reporter_never_makes_a_number_lighter(rows: list[Report], ago: int, category: str) -> None:
    before = weights(score(rows))
    after = weights(score([*rows, ("+861", category, ago, "somebody else", "n1")]))
    for value, weight in before.items():
        assert after[value] >= weight - 1e-9


def test_a_reporter_counts_once_however_often_he_calls() -> None:
    assert score([("+861", "fraud", 0, "r1", "n1")] * 50 + [("+861", "fraud", 1, "r1", "n1")]).is_empty()


def test_a_report_of_tomorrow_does_not_count_today() -> None:
    assert score(many("+861", 9, ago=-1)).is_empty()


@pytest.mark.parametrize(
    ("count", "was", "severity"),
    [(3, None, 40), (2, None, None), (10, None, 55), (5, 55, 55), (4, 55, 40), (2, 40, 40), (1, 40, None), (2, 55, 40)],
)
def test_a_step_is_left_downwards_only_below_half_its_weight(count: int, was: int | None, severity: int | None) -> None:
    listed = None if was is None else pl.DataFrame({"value": ["+861"], "severity": [was]})
    found = score(many("+861", count), listed=listed)["severity"].to_list()
    assert found == ([] if severity is None else [severity])


@pytest.mark.parametrize(
    ("count", "was", "state"),
    [(4, None, "proposed"), (4, 40, "accepted"), (4, 55, "accepted"), (2, 40, "accepted"), (12, 40, "proposed")],
)
def test_little_evidence_asks_a_person_before_a_listing_or_a_higher_step_and_not_while_it_fades(
    count: int, was: int | None, state: str
) -> None:
    listed = None if was is None else pl.DataFrame({"value": ["+861"], "severity": [was]})
    assert score(many("+861", count), {"below_weight": 15}, listed=listed)["state"].to_list() == [state]


def test_a_listing_keeps_its_reference_when_most_reports_come_from_elsewhere() -> None:
    listed = pl.DataFrame({"value": ["+861"], "severity": [40], "reference": ["n9"]})
    assert score(many("+861", 4), listed=listed)["reference"].to_list() == ["n9"]
    assert score(many("+861", 4))["reference"].to_list() == ["n1"]


@pytest.mark.parametrize(
    ("review", "rows", "doubt"),
    [
        ({"below_weight": 5}, many("+861", 4), "Its weight is below 5."),
        ({"group_share": 0.5}, many("+861", 4) + many("+861", 3, group="n2", begin=10), "come from one place"),
        ({"burst": {"reports": 4, "hours": 1}}, many("+861", 4), "4 reports or more came within 1 hour."),
        ({"new_reporters_share": 0.8}, many("+861", 4), "have never reported another number before"),
        ({"group_share": 0.5}, many("+861", 4) + many("+861", 4, group="n2", begin=10), "come from one place"),
        ({"new_reporters_share": 0.75}, [*many("+862", 1, ago=1), *many("+861", 4)], "75% of its reporters or more"),
        ({"new_reporters_share": 1}, many("+862", 4) + many("+861", 4), "have never reported another number before"),
        ({"new_reporters_share": 1}, many("+861", 4, ago=1) + many("+861", 4), "never reported another number"),
        ({"new_reporters_share": 1}, many("+861", 4, ago=19) + many("+861", 4), "never reported another number"),
        ({"new_reporters_share": 1}, many("+862", 4, ago=-1) + many("+861", 4), "never reported another number"),
    ],
)
def test_a_person_must_look_and_is_told_why(review: dict[str, Any], rows: list[Report], doubt: str) -> None:
    found = score(rows, review).filter(pl.col("value") == "+861").to_dicts()[0]
    assert (found["state"], found["decided_by"]) == ("proposed", None)
    assert doubt in found["why"]


def test_one_hour_and_one_person_are_told_as_one() -> None:
    def why(hours: float, lang: str = "en") -> str:
        rules = {
            "categories": {"fraud": {"half_life_days": 30, "weight": 5}},
            "steps": [{"weight": 3, "severity": 40}],
            "review": {"burst": {"reports": 2, "hours": hours}},
        }
        rows = [("+861", "fraud", 0, "r1", "n1"), ("+861", "fraud", 0, "r1", "n2")]
        return str(cs.score_reports(frame(rows), rules, DAY, lang=lang).collect()["why"][0])

    assert why(1).startswith("1 person has reported it, for fraud, last on 2026-11-28: its weight is 5.0.")
    for hours, told in ((1, "within 1 hour."), (1.5, "within 1.5 hours."), (24, "within 24 hours.")):
        assert why(hours).endswith(told)
    assert "在 1 小时内收到 2 次或更多举报。" in why(1, "zh")


@pytest.mark.parametrize(
    ("review", "rows"),
    [
        ({"below_weight": 4}, many("+861", 4)),
        ({"group_share": 0.6}, many("+861", 4) + many("+861", 3, group="n2", begin=10)),
        ({"burst": {"reports": 4, "hours": 20}}, [("+861", "fraud", at, f"r{at}", "n1") for at in range(4)]),
        ({"new_reporters_share": 0.8}, many("+862", 4, ago=3) + many("+861", 4)),
        ({"new_reporters_share": 0.76}, [*many("+862", 1, ago=1), *many("+861", 4)]),
        ({"group_share": 0.51}, many("+861", 4) + many("+861", 4, group="n2", begin=10)),
    ],
)
def test_what_no_check_doubts_is_accepted_by_rule(review: dict[str, Any], rows: list[Report]) -> None:
    found = score(rows, review).filter(pl.col("value") == "+861").to_dicts()[0]
    assert (found["state"], found["decided_by"]) == ("accepted", "rule")


def test_a_report_weighs_half_with_each_half_life_of_its_category() -> None:
    rows = [*many("+861", 8), *many("+861", 8, ago=30, begin=10), *many("+861", 8, ago=60, begin=20)]
    rows += [("+861", "nuisance", 7, f"s{at}", "n2") for at in range(10)]
    found = score(rows).to_dicts()[0]
    assert found["weight"] == pytest.approx(8 + 4 + 2 + 1)
    assert (found["reporters"], found["reason"], found["reference"]) == (34, "fraud", "n1")
    assert (found["first_on"], found["last_on"]) == (DAY - timedelta(days=60), DAY)


def test_of_a_reporters_reports_the_heaviest_counts_with_its_category_and_place() -> None:
    rows: list[Report] = []
    for at in range(4):
        rows += [("+861", "nuisance", 0, f"r{at}", "n1"), ("+861", "fraud", 0, f"r{at}", "n2")]
        rows += [("+861", "fraud", 9, f"r{at}", "n3")]
    found = score(rows).to_dicts()[0]
    assert (found["weight"], found["reporters"]) == (4, 4)
    assert (found["reason"], found["reference"]) == ("fraud", "n2")


def test_of_equal_places_the_first_by_name_is_the_reference_and_an_unknown_place_the_last() -> None:
    named = [*many("+861", 3, group="n2"), *many("+861", 3, group="n1", begin=10)]
    assert score(named)["reference"].to_list() == ["n1"]
    unknown: Any = None
    assert score([*many("+861", 3, group="n2"), *many("+861", 3, group=unknown, begin=10)])["reference"][0] == "n2"
    heavier = [*many("+861", 3, group="n2"), *many("+861", 4, group=unknown, begin=10)]
    assert score(heavier)["reference"].to_list() == [None]


def test_of_a_reporters_equal_reports_the_first_by_name_counts_and_an_unknown_place_last() -> None:
    alike = {"half_life_days": 30, "weight": 1.0}
    said: list[Any] = [("beta", "n1"), ("alpha", "n2"), ("alpha", "n1"), ("alpha", None)]
    rows = [("+861", category, 0, f"r{at}", group) for at in range(4) for category, group in said]
    found = cs.score_reports(frame(rows), RULES | {"categories": {"beta": alike, "alpha": alike}}, DAY).collect()
    assert found.select("weight", "reason", "reference").rows() == [(4, "alpha", "n1")]


def test_of_what_is_listed_twice_the_first_counts() -> None:
    listed = pl.DataFrame({"value": ["+861"] * 2, "severity": [55, 40], "reference": ["n8", "n9"]})
    assert score(many("+861", 5), listed=listed).select("severity", "reference").rows() == [(55, "n8")]


def test_a_burst_is_found_by_the_hour_where_the_hour_is_known() -> None:
    begin = datetime(2026, 11, 27, 8)
    rows = [("+861", "fraud", begin + timedelta(minutes=20 * at), f"r{at}") for at in range(6)]
    table = pl.DataFrame(rows, schema=["value", "category", "reported_at", "reporter"], orient="row")

    def state(burst: dict[str, Any]) -> list[str]:
        return cs.score_reports(table, RULES | {"review": {"burst": burst}}, DAY).collect()["state"].to_list()

    assert state({"reports": 4, "hours": 1}) == ["proposed"]
    assert state({"reports": 5, "hours": 1}) == ["accepted"]


def test_rules_that_make_no_sense_are_told() -> None:
    falling = [{"weight": 9, "severity": 40}, {"weight": 3, "severity": 50}]
    each: dict[str, Any] = {"half_life_days": 1, "weight": 1}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"steps": falling}, "the steps must rise"),
        ({"categories": {"a": {**each, "names": ["b"]}, "B": each}}, "names two categories"),
    ]
    for rules, told in wrong:
        with pytest.raises(ConfigError, match=told):
            cs.score_reports(frame([]), RULES | rules, DAY)
    with pytest.raises(ConfigError, match="a category that the rules don't"):
        score([("+861", "weather", 0, "r1", "n1")])


def test_rules_are_those_of_a_file_of_reports_too_and_what_is_misspelt_is_told(tmp_path: Path) -> None:
    (tmp_path / "reports.toml").write_text(TOML, "utf-8")
    rows = [("+861", "telecom_fraud", 0, f"r{at}", "n1") for at in range(4)]
    settings = tomllib.loads(TOML)
    for rules in (tmp_path / "reports.toml", settings):
        assert cs.score_reports(frame(rows), rules, DAY).collect()["severity"].to_list() == [40]
    with pytest.raises(ConfigError, match="stpes"):
        cs.score_reports(frame(rows), settings | {"stpes": []}, DAY)


def test_what_is_proposed_has_the_columns_of_the_contract() -> None:
    assert score(many("+861", 4)).schema == pl.Schema(schema.PROPOSALS)


# --- taken in by the command line -----------------------------------------------------------------------

TOML = """
source = "reports"
kind = "phone"
region = "CN"
directory = "leads/reports"
store = "lists"
own = ["010 8888 8888"]
reporter_key = { file = "reporters.key" }
[columns]
value = "number"
category = "category"
reported_on = "when"
reporter = "reporter"
group = "cell"
[categories.telecom_fraud]
half_life_days = 30
weight = 1.0
names = ["诈骗"]
[[steps]]
weight = 3
severity = 40
[limits]
unusable_share = 0.9
"""
HEAD = "number,category,when,reporter,cell,text\n"


def desk(folder: Path, toml: str = TOML) -> Path:
    (folder / "reports.toml").write_text(toml, "utf-8")
    key = folder / "reporters.key"
    key.write_text("r" * 40)
    key.chmod(0o600)
    return folder


def hotline(folder: Path, rows: Sequence[str], name: str = "hotline.csv") -> str:
    (folder / name).write_text(HEAD + "".join(f"{row}\n" for row in rows), "utf-8")
    return name


def calls(number: str, count: int, begin: int = 0) -> list[str]:
    places = range(begin, begin + count)
    return [f"{number},诈骗,2026-11-27 09:{at:02},1880000{at:04},net{at % 5},她骗了我" for at in places]


def add(folder: Path, *files: str) -> Any:
    return cardscreen("reports", "add", "reports.toml", *files, "--as-of", "2026-11-28", cwd=folder)


def newest(folder: Path) -> Path:
    return max((folder / "leads/reports").glob("2*"))


def test_reporters_and_free_text_leave_nowhere(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    done = [add(folder, hotline(folder, calls("159 2222 0001", 4)))]
    done.append(cardscreen("reports", "publish", "reports.toml", "--as-of", "2026-11-28", cwd=folder))
    assert [each.code for each in done] == [0, 0]
    (folder / "hotline.csv").unlink()
    written = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    said = "".join(each.out + each.err for each in done).encode()
    kept = b"".join(
        pl.read_parquet(file).write_csv().encode() for file in folder.rglob("*.parquet") if "lists" not in file.parts
    )
    for reporter in ("18800000000", "8618800000000", "188 0000 0000"):
        assert reporter.encode() not in written + said + kept
    assert "她骗了我".encode() not in written + said + kept
    assert b"+8615922220001" in kept


def test_the_same_reporter_in_two_writings_counts_once(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    people = ("18800000001", "+86 188-0000-0001", "188 0000 0001", "Bob", " bob ")
    rows = [f"15922220001,诈骗,2026-11-27,{who},n1," for who in people]
    add(folder, hotline(folder, rows))
    assert cardscreen("reports", "score", "reports.toml", "--json", "--as-of", "2026-11-28", cwd=folder).code == 0
    assert pl.read_parquet(newest(folder) / "proposals.parquet").is_empty()


NOBODY = ["n/a", "匿名", "未知", "无", "0", "-", "NULL", "anonymous", "Anonymous caller", " 保密 ", "不愿透露", "."]


def test_who_does_not_say_who_he_is_is_nobody(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    rows = [f"15922220001,诈骗,2026-11-27,{who},n1," for who in [*NOBODY, "Nobuko", "18800000001"]]
    assert f"{len(NOBODY)} can't be used" in add(folder, hotline(folder, rows)).out
    rejects = pl.read_csv(folder / "rejects/hotline.csv.rejects")
    assert set(rejects["reason"]) == {"no reporter: nobody knows whether that is one more"}


def test_reports_of_nobody_do_not_weigh() -> None:
    nobody: list[Any] = [*NOBODY, None, ""]
    assert score([("+861", "fraud", 0, who, "n1") for who in nobody]).is_empty()
    assert score([*many("+861", 4), ("+861", "fraud", 0, "n/a", "n1")])["reporters"].to_list() == [4]


def test_reports_of_a_later_day_are_told_where_they_weigh_nothing(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    file = hotline(folder, calls("15922220001", 3) + [row.replace("-27 ", "-30 ") for row in calls("15922220002", 5)])
    cardscreen("reports", "add", "reports.toml", file, "--as-of", "2026-11-28", "--allow", "future", cwd=folder)
    for day, told in (("2026-11-28", True), ("2026-11-30", False)):
        done = cardscreen("reports", "score", "reports.toml", "--as-of", day, cwd=folder)
        assert ("later      5 of them are of a day after 2026-11-28, and weigh nothing yet" in done.out) == told


def test_reports_without_a_header_are_told_so(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    (folder / "hotline.csv").write_text("\n".join(calls("15922220001", 3)), "utf-8")
    done = add(folder, "hotline.csv")
    assert (done.code, "has the file no header?" in done.err) == (3, True), done.err


def test_the_same_file_again_adds_nothing_and_batches_add_up(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        desk(folder)
    rows = calls("15922220001", 4) + calls("15922220002", 5)
    first = add(one, hotline(one, rows))
    assert "9 taken, 0 known already" in first.out
    assert "0 taken, 9 known already" in add(one, "hotline.csv").out
    add(two, hotline(two, rows[5:], "b.csv"), hotline(two, rows[:6], "a.csv"))
    for folder in (one, two):
        cardscreen("reports", "score", "reports.toml", "--as-of", "2026-11-28", cwd=folder)
    tables = [pl.read_parquet(newest(folder) / "proposals.parquet") for folder in (one, two)]
    assert tables[0].equals(tables[1])
    assert len(tables[0]) == 2


def test_rows_that_cant_be_used_are_counted_with_their_reasons(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    rows = [
        *calls("15922220001", 3),
        "110,诈骗,2026-11-27,18800000001,n1,",
        "15922220001,weather,2026-11-27,18800000001,n1,",
        "15922220001,诈骗,2026-11-27,,n1,",
        "nobody,诈骗,2026-11-27,18800000001,n1,",
        "15922220001,诈骗,,18800000001,n1,",
        "1592222000*,诈骗,2026-11-27,18800000001,n1,",
    ]
    assert "6 can't be used" in add(folder, hotline(folder, rows)).out
    rejects = pl.read_csv(folder / "rejects/hotline.csv.rejects")
    assert dict(rejects.select("line", "reason").rows()) == {
        5: "an emergency or service number, or a sender of text messages",
        6: "no category of those that the file of reports names",
        7: "no reporter: nobody knows whether that is one more",
        8: "no phone number",
        9: "no day",
        10: "a range, or a number that hides digits: a report is of one",
    }


def test_a_file_that_fails_a_check_keeps_nothing_of_any_file(tmp_path: Path) -> None:
    folder = desk(tmp_path, TOML.replace("unusable_share = 0.9", "unusable_share = 0.1"))
    bad = hotline(folder, ["nobody,诈骗,2026-11-27,18800000001,n1,"] * 3 + calls("15922220001", 3), "bad.csv")
    done = add(folder, hotline(folder, calls("15922220001", 3)), bad)
    assert done.code == 3
    assert "unusable" in done.err
    assert not list((folder / "leads/reports").glob("received/*"))


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    (folder / "hotline.csv").write_text("number,category,when,caller,cell\n1,2,3,4,5\n")
    done = add(folder, "hotline.csv")
    assert (done.code, "there is no column 'reporter'" in done.err) == (3, True)


def test_allowed_numbers_and_the_institutions_own_are_told_and_never_proposed(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    (folder / "allow.csv").write_text("n\n15922220007\n")
    (folder / "allow.toml").write_text(
        'source="desk"\nkind="phone"\nregion="CN"\nlist="allow"\nreason="hospital"\nopen_ended=true\n[columns]\nvalue="n"\n'
    )
    told = ("--feed", "allow.toml", "--store", "lists", "--as-of", "2026-11-28")
    cardscreen("list", "import", "allow.csv", *told, cwd=folder)
    add(folder, hotline(folder, calls("15922220007", 5) + calls("01088888888", 5) + calls("15922220001", 5)))
    done = cardscreen("reports", "publish", "reports.toml", "--as-of", "2026-11-28", cwd=folder)
    assert "1: an allow listing holds them" in done.out
    assert "1: they are the institution's own" in done.out
    assert pl.read_parquet(newest(folder) / "proposals.parquet")["value"].to_list() == ["+8615922220001"]
    excluded = pl.read_parquet(newest(folder) / "excluded.parquet")
    assert excluded.select("value", "why").rows() == [("+861088888888", "own"), ("+8615922220007", "allowed")]


@pytest.mark.parametrize("number", ["400 800 7777", "800-810-8888", "168 12345"])
def test_numbers_of_services_are_told_and_never_proposed(tmp_path: Path, number: str) -> None:
    folder = desk(tmp_path)
    add(folder, hotline(folder, calls(number, 5) + calls("15922220001", 5)))
    done = cardscreen("reports", "publish", "reports.toml", "--as-of", "2026-11-28", cwd=folder)
    assert pl.read_parquet(newest(folder) / "proposals.parquet")["value"].to_list() == ["+8615922220001"]
    assert "1: they are numbers of services" in done.out


def test_numbers_of_services_are_no_tokens_either(tmp_path: Path) -> None:
    folder = desk(tmp_path, TOML.replace("reporter_key", 'token_key = { file = "reporters.key" }\nreporter_key'))
    assert "5 can't be used" in add(folder, hotline(folder, calls("400 800 7777", 5) + calls("15922220001", 5))).out


@pytest.mark.parametrize("number", ["010-110", "021-12345", "0755-95588", "020-10086", "86-95588", "021 110"])
def test_short_numbers_behind_an_area_or_country_code_are_rejects(tmp_path: Path, number: str) -> None:
    folder = desk(tmp_path)
    assert "5 can't be used" in add(folder, hotline(folder, calls(number, 5) + calls("15922220001", 5))).out
    rejects = pl.read_csv(folder / "rejects/hotline.csv.rejects")
    assert set(rejects["reason"]) == {"an emergency or service number, or a sender of text messages"}


def test_what_weighs_too_little_ends_with_the_next_publication(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    add(folder, hotline(folder, calls("15922220001", 4)))
    for day, live in (("2026-11-28", 1), ("2027-01-20", 0)):
        done = cardscreen("reports", "publish", "reports.toml", "--as-of", day, "--allow", "future", cwd=folder)
        assert done.code == 0, done.err
        listed = cs.Store(folder / "lists").blocklist().listings
        held = listed.filter(pl.col("ended_on").is_null())
        assert len(held) == live


def published(folder: Path, day: str) -> dict[str, int]:
    """What of reports is in force after the publication of a day: number → severity."""
    done = cardscreen("reports", "publish", "reports.toml", "--as-of", day, "--allow", "future", cwd=folder)
    assert done.code == 0, done.err
    held = cs.Store(folder / "lists").blocklist().listings.filter(pl.col("ended_on").is_null())
    return dict(held.select("value", "severity").rows())


STEPS = TOML.replace("[limits]", "[[steps]]\nweight = 10\nseverity = 55\n[review]\nbelow_weight = 5\n[limits]")


def test_a_number_that_was_published_by_rule_fades_step_by_step(tmp_path: Path) -> None:
    folder = desk(tmp_path, STEPS)
    add(folder, hotline(folder, calls("15922220001", 11)))
    severities = [published(folder, day) for day in ("2026-11-28", "2027-01-05", "2027-02-15", "2027-03-15")]
    assert severities == [{"+8615922220001": severity} for severity in (55, 40, 40)] + [{}]


BURST = TOML.replace(
    "[limits]", "[[steps]]\nweight = 10\nseverity = 55\n[review]\nburst = { reports = 5, hours = 1 }\n[limits]"
)
SPREAD = [f"15922220001,诈骗,2026-11-2{at},1880000{at:04},net{at % 5},x" for at in range(1, 5)]


@pytest.mark.parametrize(("word", "severity"), [("accept", 55), ("reject", None), ("later", 40)])
def test_a_number_stays_listed_on_its_earlier_reports_while_a_person_is_asked_about_later_ones(
    tmp_path: Path, word: str, severity: int | None
) -> None:
    folder = desk(tmp_path, BURST)
    add(folder, hotline(folder, SPREAD))
    assert published(folder, "2026-11-25") == {"+8615922220001": 40}
    add(folder, hotline(folder, calls("15922220001", 12, begin=20)))
    for _ in range(2):
        assert published(folder, "2026-11-28") == {"+8615922220001": 40}
    cardscreen("reports", "review", "reports.toml", "--out", "review.csv", cwd=folder)
    review = pl.read_csv(folder / "review.csv")
    assert review.select("severity").rows() == [(55,)]
    assert "What was reported until 2026-11-24 keeps it listed with severity 40" in review["why"][0]
    review.with_columns(decision=pl.lit(word)).write_csv(folder / "review.csv")
    assert cardscreen("reports", "decide", "reports.toml", "review.csv", "--by", "A. Li", cwd=folder).code == 0
    assert published(folder, "2026-11-28") == ({} if severity is None else {"+8615922220001": severity})


def test_what_is_doubted_keeps_nothing_listed_that_has_faded_otherwise(tmp_path: Path) -> None:
    folder = desk(tmp_path, BURST)
    add(folder, hotline(folder, SPREAD))
    published(folder, "2026-11-25")
    add(folder, hotline(folder, calls("15922220001", 12, begin=20)))
    assert published(folder, "2026-12-28") == {"+8615922220001": 40}
    assert published(folder, "2027-01-20") == {}
    assert pl.read_parquet(newest(folder) / "proposals.parquet")["state"].to_list() == ["proposed"]


def test_who_got_a_number_after_its_last_report_is_a_later_holder(tmp_path: Path) -> None:
    folder = desk(tmp_path)
    add(folder, hotline(folder, calls("15922220001", 4)))
    for day in ("2026-11-28", "2026-11-30"):
        done = cardscreen("reports", "publish", "reports.toml", "--as-of", day, "--allow", "future", cwd=folder)
        assert done.code == 0, done.err
    since = [date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 28)]
    accounts = pl.DataFrame({"account_id": ["a", "b", "c"], "mobile": ["15922220001"] * 3, "since": since})
    kinds = {"mobile": cs.Phone("CN", holder_since="since")}
    hits = cs.screen(accounts, cs.Store(folder / "lists").blocklist(), kinds, as_of=date(2026, 11, 30)).hits
    held = hits.sort("account_id").select("listed_on", "holder").collect().rows()
    assert held == [(date(2026, 11, 27), how) for how in ("same", "same", "earlier")]


def test_cards_are_proposed_as_tokens_and_without_a_key_refused(tmp_path: Path) -> None:
    toml = TOML.replace('kind = "phone"', 'kind = "card"').replace('region = "CN"\n', "")
    toml = toml.replace('own = ["010 8888 8888"]', "own = []")
    folder = desk(tmp_path, toml)
    done = add(folder, hotline(folder, calls("6222020000000000018", 4)))
    assert (done.code, "token_key" in done.err) == (2, True)
    desk(folder, toml.replace("reporter_key", 'token_key = { file = "reporters.key" }\nreporter_key'))
    assert add(folder, "hotline.csv").code == 0
    assert cardscreen("reports", "publish", "reports.toml", "--as-of", "2026-11-28", cwd=folder).code == 0
    (folder / "hotline.csv").unlink()
    values = pl.read_parquet(newest(folder) / "proposals.parquet")["value"]
    assert values.str.contains("^[0-9a-f]{8}:").to_list() == [True]
    assert cs.Store(folder / "lists").blocklist().listings["match"].to_list() == ["token"]
    assert b"6222020000000000018" not in b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
