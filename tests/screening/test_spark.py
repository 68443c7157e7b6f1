"""Screening in Spark: row for row what one machine finds, on any accounts, in any number of partitions."""

from __future__ import annotations

import pickle
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from commands import cardscreen
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from nights import JOB, Night, Operator, account, listing, phone
from parts import assert_same
from worlds import CARRY, DAY, IDS, KEY, KINDS, Row, blocklist_of, frame_of, policy_of, worlds

import cardscreen as cs
from cardscreen import spark as in_spark
from cardscreen.kinds.kind import Kind
from cardscreen.screening.question import Options, Question
from cardscreen.screening.spark import screening, work

SIGNED = ["text", "integer", "date"]  # of the types of account ids those that Spark has


def to_spark(spark: Any, frame: pl.DataFrame, partitions: int = 3) -> Any:
    """A frame in Spark, its rows in some partitions."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    return spark.createDataFrame(table).repartition(partitions)


def in_one_order(result: cs.Result) -> cs.Result:
    """Rejects without the order of the input, which Spark's own shuffles have lost before the screening."""
    rejects = result.rejects.collect()
    return cs.Result(result.flagged, result.hits, rejects.sort(rejects.columns).lazy(), result.summary, result.watched)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spark")


@settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking would take hours
@given(data=st.data())
def test_spark_finds_what_one_machine_finds(spark: Any, folder: Path, data: st.DataObject) -> None:
    id_type, ids = IDS[data.draw(st.sampled_from(SIGNED))]
    day, before, before_there = DAY - timedelta(days=1), None, None
    for _ in range(data.draw(st.integers(1, 2))):
        world = data.draw(worlds(ids))
        accounts = frame_of(world["accounts"], id_type)
        options: Row = {"carry": CARRY, "policy": policy_of(world, folder), "as_of": day, "tokens": KEY}
        listed = blocklist_of(world["listings"], world["terms"])
        expected = cs.screen(accounts, listed, KINDS, previous=before, **options)
        there = to_spark(spark, accounts, data.draw(st.integers(1, 4)))
        found = in_spark.screen(there, listed, KINDS, previous=before_there, **options)
        assert_same(in_one_order(found.collect()), in_one_order(expected))
        day, before, before_there = day + timedelta(days=1), expected, found.flagged


PHONE_FORMS = ["{n}", "+86{n}", "0086 {n}", "{a} {b} {c}", "+86 {a}-{b}-{c}", "({n})", "{n} "]
ODD = ["n/a", "", None, "12", "+44 20 7946 0958", "00", "138 0013 8000x12", "+86"]


def dirty_phones(rng: np.random.Generator, count: int) -> list[str | None]:
    numbers = 13_000_000_000 + rng.integers(0, 3_000, count)
    cells: list[str | None] = []
    for number, form, odd in zip(numbers, rng.integers(0, 99, count), rng.integers(0, 9, count), strict=True):
        n = str(number)
        text = PHONE_FORMS[form % len(PHONE_FORMS)].format(n=n, a=n[:3], b=n[3:7], c=n[7:])
        cells.append(ODD[form % len(ODD)] if odd == 0 else text)
    return cells


def dirty_cards(rng: np.random.Generator, count: int) -> list[str | None]:
    cards: list[str | None] = []
    for number, form in zip(rng.integers(0, 3_000, count), rng.integers(0, 9, count), strict=True):
        pan = f"622202{number:09}7"
        grouped = " ".join(pan[at : at + 4] for at in range(0, 16, 4))
        cards.append([pan, pan, pan, grouped, grouped, f"{pan[:6]}******{pan[-4:]}", "6.22202E+15", None, "x"][form])
    return cards


@pytest.fixture(scope="module")
def crowd() -> pl.DataFrame:
    """Accounts of which some have many rows, in cells as dirty as in the field."""
    rng, count = np.random.default_rng(9), 8_000
    wallets = ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "no", None]
    return pl.DataFrame(
        {
            "account.id": [f"A{number}" if number % 97 else None for number in rng.integers(0, 6_000, count)],
            "mobile": dirty_phones(rng, count),
            "second": [dirty_phones(rng, int(many)) for many in rng.integers(0, 3, count)],
            "landline": [f"{number};{number + 1}" for number in 1_064_120_000 + rng.integers(0, 9_999, count)],
            "region": rng.choice(np.array(["CN", "GB", "US", None], dtype=object), count).tolist(),
            "card_no": dirty_cards(rng, count),
            "wallet": rng.choice(np.array(wallets, dtype=object), count, p=[0.01, 0.01, 0.01, 0.97]).tolist(),
            "since": pl.Series((np.datetime64("2026-01-01") + rng.integers(0, 300, count)).astype("datetime64[D]")),
            "a `strange` name": rng.choice(["x", "y"], count).tolist(),
        }
    )


CROWD_KINDS: dict[str, Kind] = {
    "mobile": cs.Phone("CN", holder_since="since", repair=True),
    "second": cs.Phone(region_column="region"),
    "landline": cs.Phone("CN", many=True),
    "card_no": cs.Card(holder_since="since"),
    "wallet": cs.Wallet(),
}


@pytest.fixture(scope="module")
def listed() -> cs.Blocklist:
    rng = np.random.default_rng(4)
    rows = [
        *(("phone", f"+86{13_000_000_000 + number}") for number in rng.integers(0, 3_000, 300)),
        *(("phone", f"+8610641{number:04}*") for number in rng.integers(0, 200, 20)),
        ("phone", "+8613000001000-+8613000001049"),
        *(("card", f"622202{number:09}7") for number in rng.integers(0, 3_000, 200)),
        *(("card", f"622202******{number:03}7") for number in rng.integers(0, 999, 3)),
        ("wallet", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ]
    frame = pl.DataFrame(rows, schema=["kind", "value"], orient="row").with_row_index("row")
    others = {
        "source": "source-" + (pl.col("row") % 3).cast(pl.String),
        "severity": pl.col("row") % 100 + 1,
        "list": pl.when(pl.col("row") % 11 == 0).then(pl.lit("allow")).otherwise(pl.lit("block")),
        "listed_on": pl.lit(date(2026, 1, 1)) + pl.duration(days=pl.col("row") % 300),
        "reference": pl.col("row").cast(pl.String),
    }
    return cs.Blocklist.from_frame(frame.select("kind", "value", **others))


OPTIONS: Row = {"account_id": "account.id", "carry": ["a `strange` name", "since"], "as_of": DAY}


def test_a_crowd_in_many_partitions_is_screened_as_on_one_machine(
    spark: Any, crowd: pl.DataFrame, listed: cs.Blocklist
) -> None:
    expected = cs.screen(crowd, listed, CROWD_KINDS, **OPTIONS)
    with in_spark.screen(to_spark(spark, crowd, 7), listed, CROWD_KINDS, **OPTIONS) as found:
        assert expected.summary["flagged"]["accounts"] > 500
        assert len(expected.summary["rows"]) == 6
        assert_same(in_one_order(found.collect()), in_one_order(expected))


def test_every_kind_of_the_chain_is_screened_as_on_one_machine(spark: Any) -> None:
    iban, person = "GR1601101050000010547023795", "11010519491231002X"
    accounts = pl.DataFrame(
        {
            "account_id": [f"C-{row}" for row in range(4)],
            "imei": ["35-209900-176148-1", "352098001761482", "n/a", None],
            "imsi": ["460 00 1234567890", "46001123456789", "12", None],
            "sim": ["8986 0012 3456 7890 1238", "8949020000012345678", "894902000001234567", "9868001032547698103F"],
            "iban": ["gr16 0110 1050 0000 1054 7023 795", "DE89370400440532013000", "x", None],
            "person": ["110105491231002", "110105491231996", "1101", None],
            "mail": ["J.Doe+x@Gmail.com", "post@münchen.de", "n/a", ""],
            "contact": ["https://t.me/Some_Name", "@other_name", "x.com/some_name", None],
            "device": [" 8F-03 ", "unknown", "8f-03", None],
            "card": ["4539578763621486", "453957******1486", None, "x"],
            "phone": ["+8613800138000", "+442079460958", "12", None],
        }
    )
    bins = pl.DataFrame({"bin": ["453957"], "issuer": ["Gift Cards Ltd"], "country": ["GB"], "type": ["prepaid"]})
    kinds: dict[str, Kind] = {
        "imei": cs.Imei(),
        "imsi": cs.Imsi(),
        "sim": cs.Iccid(),
        "iban": cs.Iban(),
        "person": cs.ResidentId(),
        "mail": cs.Email(fold="provider"),
        "contact": cs.Handle("telegram"),
        "device": cs.Opaque("device"),
        "card": cs.Card(issuers=bins),
        "phone": cs.Phone(),
    }
    listed = [
        *[("imei", "35209900*"), ("imsi", "460001234567890"), ("imsi", "46001*"), ("iccid", "8986001234567890123")],
        *[("iccid", "8949020000012345678"), ("iban", iban), ("resident_id", person), ("email", "jdoe@gmail.com")],
        *[("email", "post@xn--mnchen-3ya.de"), ("handle", "telegram:some_name"), ("opaque", "device:8F-03")],
        *[("card", "4539578763621486"), ("phone", "+8613800138000"), ("phone", "+4420*")],
    ]
    frame = pl.DataFrame(listed, schema=["kind", "value"], orient="row").with_columns(severity=95)
    secret = pl.col("kind").is_in(["iban", "resident_id"])
    tokens = [frame.filter(kind=kind).with_columns(cs.token("value", kind, KEY)) for kind in ("iban", "resident_id")]
    blocklist = cs.Blocklist.from_frame(pl.concat([frame.filter(~secret), *tokens]))
    policy = cs.Policy(rules=[{"when": {"funding": "prepaid"}, "cap": "notify"}])
    options: Row = {"as_of": DAY, "tokens": KEY, "policy": policy}
    expected = cs.screen(accounts, blocklist, kinds, **options)
    assert expected.hits.collect()["identifier"].n_unique() == len(kinds)
    with in_spark.screen(to_spark(spark, accounts, 2), blocklist, kinds, **options) as found:
        assert_same(in_one_order(found.collect()), in_one_order(expected))


def test_rejects_come_in_the_order_of_the_input(
    spark: Any, crowd: pl.DataFrame, listed: cs.Blocklist, tmp_path: Path
) -> None:
    crowd.write_parquet(tmp_path / "accounts.parquet", row_group_size=2_000)
    spark.conf.set("spark.sql.files.maxPartitionBytes", "40000")
    accounts = spark.read.parquet(str(tmp_path / "accounts.parquet"))
    assert accounts.rdd.getNumPartitions() > 2
    expected = cs.screen(crowd, listed, CROWD_KINDS, **OPTIONS)
    found = in_spark.screen(accounts, listed, CROWD_KINDS, **OPTIONS).collect(tmp_path / "out")
    spark.conf.unset("spark.sql.files.maxPartitionBytes")
    assert_same(found, expected)
    assert cs.Result.read(tmp_path / "out").rejects.collect().equals(expected.rejects.collect())


# --- what may not happen -------------------------------------------------------------------------------------


def test_no_file_that_spark_writes_holds_a_card_number_or_a_secret(spark: Any, tmp_path: Path) -> None:
    pans, secret = (
        [f"62220212345{number:05}" for number in range(7, 6_000, 10)],
        "a secret of a bank, for its tokens only",
    )
    key = cs.TokenKey(secret)
    accounts = pl.DataFrame({"account_id": range(len(pans)), "card_no": pans})
    accounts.write_parquet(tmp_path / "accounts.parquet")
    values = pl.DataFrame({"kind": "card", "value": pans})
    listed = pl.concat([values.head(300), values.tail(50).with_columns(cs.token("value", "card", key))])
    before = cs.screen(accounts.head(9), cs.Blocklist.from_frame(values), {"card_no": cs.Card()})
    shared = tmp_path / "shared"
    shared.mkdir()
    for files in (None, str(shared)):
        there = spark.read.parquet(str(tmp_path / "accounts.parquet"))
        options: Row = {"tokens": key, "previous": before, "files": files}
        found = in_spark.screen(there, cs.Blocklist.from_frame(listed), {"card_no": cs.Card()}, **options)
        hits = found.collect(tmp_path / "out").hits.collect()
        assert len(hits) == 350
    local = Path(spark.sparkContext.getConf().get("spark.local.dir"))
    written = [file for place in (local, shared, tmp_path / "out") for file in place.rglob("*") if file.is_file()]
    content = b"".join(file.read_bytes() for file in written)
    masked = f"{pans[0][:6]}******{pans[0][-4:]}".encode()
    assert masked in content  # so matches were looked into
    assert secret.encode() not in content
    assert [pan for pan in pans if pan.encode() in content or int(pan).to_bytes(8, "little") in content] == []


def test_integers_without_a_sign_are_accounts_and_numbers(spark: Any, tmp_path: Path) -> None:
    accounts = pl.DataFrame(
        {"account_id": [2**64 - 1, 7], "mobile": [13_800_138_000, None], "card_no": [None, 6222021234561234]},
        schema=dict.fromkeys(("account_id", "mobile", "card_no"), pl.UInt64),
    )
    accounts.write_parquet(tmp_path / "accounts.parquet")
    listed = cs.Blocklist.from_frame(
        pl.DataFrame({"kind": ["phone", "card"], "value": ["+8613800138000", "6222021234561234"]})
    )
    there = spark.read.parquet(str(tmp_path / "accounts.parquet"))
    found = in_spark.screen(there, listed, {"mobile": cs.Phone("CN"), "card_no": cs.Card()}, as_of=DAY).collect()
    assert found.hits.collect()["value"].to_list() == ["622202******1234", "+8613800138000"]
    assert found.hits.collect()["account_id"].cast(pl.String).to_list() == ["7", str(2**64 - 1)]


LISTED = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
MOBILE: dict[str, Kind] = {"mobile": cs.Phone("CN", holder_since="since")}
PAN_ID = "4111111111111111"


@pytest.mark.parametrize(
    ("row", "options", "error", "said"),
    [
        pytest.param({"mobil": "1"}, {}, cs.MissingColumn, "mobile", id="column"),
        pytest.param({"mobile": "1", "since": "soon"}, {}, cs.InputError, "'since' holds 1 values that are", id="day"),
        pytest.param(
            {"mobile": "1", "since": None, "account_id": PAN_ID}, {}, cs.ConfigError, "card numbers", id="pan"
        ),
        pytest.param(
            {"mobile": "1", "since": "", "Mobile": "2"}, {"account_id": "Id"}, cs.MissingColumn, "Id", id="id"
        ),
        pytest.param(
            {"mobile": "1", "since": ""},
            {"files": "/proc/nothing"},
            cs.ConfigError,
            "files: there is no folder '/proc/nothing'",
            id="files",
        ),
        pytest.param(
            {"mobile": "1", "since": ""}, {"previous": "/proc/nothing.parquet"}, cs.InputError, "nothing", id="before"
        ),
    ],
)
def test_a_mistake_is_told_in_one_sentence(
    spark: Any, row: Row, options: Row, error: type[cs.CardscreenError], said: str
) -> None:
    names = list({"account_id": "", **row})
    schema = ", ".join(f"{name} string" for name in names)
    ids = [str(int(row["account_id"]) + each) for each in range(30)] if "account_id" in row else ["a"]
    there = spark.createDataFrame([tuple({**row, "account_id": each}[name] for name in names) for each in ids], schema)
    with pytest.raises(error, match=re.escape(said)) as raised:
        in_spark.screen(there, LISTED, MOBILE, **options)
    assert "\n" not in str(raised.value)
    assert PAN_ID not in str(raised.value)


def test_without_java_or_pyspark_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(cs.ConfigError, match=r"Spark needs Java, and there is none: install Java 17 or 21"):
        in_spark.session()
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(cs.ConfigError, match=r"PySpark is not installed: pip install 'cardscreen\[spark\]'"):
        in_spark.session()


@pytest.fixture
def set_to(spark: Any) -> Iterator[Callable[..., None]]:
    """Sets what the session is told for the time of a test."""
    told: list[str] = []

    def said(**settings: str) -> None:
        for name, value in settings.items():
            told.append("spark.sql." + name.replace("_", "."))
            spark.conf.set(told[-1], value)

    yield said
    for name in told:
        spark.conf.unset(name)


def test_an_account_is_decided_whole_where_spark_splits_large_joins(
    spark: Any, set_to: Callable[..., None], listed: cs.Blocklist
) -> None:
    numbers = [f"{13_000_000_000 + number}" for number in range(3_000)]
    accounts = pl.DataFrame({"account_id": ["all"] * 3_000 + numbers, "mobile": numbers * 2})
    kinds: dict[str, Kind] = {"mobile": cs.Phone("CN")}
    before = cs.screen(accounts, listed, kinds, as_of=DAY - timedelta(days=1))
    set_to(autoBroadcastJoinThreshold="-1", adaptive_advisoryPartitionSizeInBytes="1b")
    set_to(adaptive_skewJoin_skewedPartitionThresholdInBytes="1", adaptive_skewJoin_skewedPartitionFactor="1")
    set_to(adaptive_coalescePartitions_enabled="false")
    expected = cs.screen(accounts, listed, kinds, as_of=DAY, previous=before)
    with in_spark.screen(to_spark(spark, accounts, 6), listed, kinds, as_of=DAY, previous=before) as found:
        assert_same(found.collect(), expected)


COLUMNS = [
    ("Id", "mobile", "id"),
    ("2", "0", "1"),
    ("carried_1", "told", "Account_ID"),
]


@pytest.mark.parametrize("names", COLUMNS, ids=str)
def test_columns_are_told_apart_whatever_their_names_and_collations(spark: Any, names: tuple[str, str, str]) -> None:
    account, mobile, other = names
    rows = [("a", "13000000010", "x"), ("A", "13000000010", "X"), ("á", "13000000010", "x")]
    here = pl.DataFrame([(*row, "c") for row in rows], schema=[*names, "carried_0"], orient="row")
    there = to_spark(spark, here).toDF("one", "two", "three", "four")
    there = there.selectExpr("one collate UNICODE_CI_AI", "two", "three collate UTF8_LCASE", "four")
    there = there.toDF(*here.columns)
    options: Row = {"account_id": account, "carry": [other, "carried_0"]}
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613000000010"]}))
    before, before_there = None, None
    for day in (DAY - timedelta(days=1), DAY):
        expected = cs.screen(here, listed, {mobile: cs.Phone("CN")}, as_of=day, previous=before, **options)
        found = in_spark.screen(there, listed, {mobile: cs.Phone("CN")}, as_of=day, previous=before_there, **options)
        assert_same(found.collect(), expected)
        before, before_there = expected, found.flagged


def test_a_screening_that_fails_says_why_and_leaves_nothing_behind(
    spark: Any, listed: cs.Blocklist, tmp_path: Path
) -> None:
    from pyspark.sql import functions as sql

    kinds: dict[str, Kind] = {"mobile": cs.Phone("CN")}
    accounts = spark.sql("select 'a' account_id, '13000000010' mobile")
    stream = spark.readStream.format("rate").load().selectExpr("'a' account_id", "'1' mobile")
    gone = str(tmp_path / "gone")
    accounts.write.parquet(gone)
    lost = spark.read.parquet(gone)
    shutil.rmtree(gone)
    cases: list[tuple[Any, str | None, str]] = [
        (accounts.withColumn("mobile", sql.expr("cast(X'C4E3BAC3' as string)")), None, "'mobile' .* not UTF-8"),
        (accounts.withColumn("mobile", sql.udf(lambda _: 1 // 0)("mobile")), None, "failed with ZeroDivisionError$"),
        (lost, None, "FILE_NOT_EXIST|does not exist"),
        (stream, None, "streaming"),
        (accounts, gone, "there is no folder"),
        (pl.DataFrame(), None, "a DataFrame, not a Spark DataFrame"),
    ]
    kept = spark.sparkContext._jsc.getPersistentRDDs().size()
    for frame, files, said in cases:
        with pytest.raises(cs.CardscreenError, match=said):
            in_spark.screen(frame, listed, kinds, files=files)
    assert spark.sparkContext._jsc.getPersistentRDDs().size() == kept


@pytest.mark.parametrize("since", ["timestamp'2026-01-01T17:00:00Z'", "'2026-01-01T17:00:00Z'"])
def test_a_day_is_that_of_the_session_unless_a_job_names_another_zone(
    spark: Any, set_to: Callable[..., None], since: str
) -> None:
    kinds: dict[str, Kind] = {"mobile": cs.Phone("CN", holder_since="since")}
    listed = cs.Blocklist.from_frame(
        pl.DataFrame({"kind": ["phone"], "value": ["+8613000000010"], "listed_on": [date(2026, 1, 1)]})
    )
    holders = []
    for zone, of_job in (("Asia/Shanghai", None), ("+08:00", None), ("UTC", None), ("UTC", "Asia/Shanghai")):
        set_to(session_timeZone=zone)
        accounts = spark.sql(f"select 'a' account_id, '13000000010' mobile, {since} since")
        asked = Options(kinds, as_of=DAY, zone=of_job)
        with screening.answer(accounts, listed, asked, None, None) as found:
            holders.append(found.hits.collect()[0]["holder"])
    assert holders == ["earlier", "earlier", "same", "earlier"]


def test_a_zone_that_is_not_known_is_named(spark: Any, set_to: Callable[..., None]) -> None:
    kinds: dict[str, Kind] = {"mobile": cs.Phone("CN", holder_since="since")}
    listed = cs.Blocklist.from_frame(
        pl.DataFrame({"kind": ["phone"], "value": ["+8613000000010"], "listed_on": [date(2026, 1, 1)]})
    )
    accounts = spark.sql("select 'a' account_id, '13000000010' mobile, timestamp'2026-01-01T17:00:00Z' since")
    set_to(session_timeZone="GMT+8")
    with pytest.raises(cs.ConfigError, match=r"'since' .* 'GMT\+8', is no zone"):
        in_spark.screen(accounts, listed, kinds)


def test_a_file_that_two_screenings_need_is_sent_once(
    spark: Any, listed: cs.Blocklist, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Spark on a cluster refuses a second file of the same name that lies elsewhere.
    sent: set[Path] = set()
    send = work._send

    def noted(session: Any, path: str) -> None:
        sent.add(Path(path))
        send(session, path)

    monkeypatch.setattr(work, "_send", noted)
    accounts = spark.sql("select 'a' account_id, '13000000010' mobile")
    for _ in range(2):
        in_spark.screen(accounts, listed, {"mobile": cs.Phone("CN")}).close()
    assert len(sent) == len({path.name for path in sent})


def test_files_may_be_shared_in_a_folder_named_from_here_which_is_left_as_it_was(
    spark: Any, listed: cs.Blocklist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "for workers").mkdir()
    accounts = spark.sql("select 'a' account_id, '13000000010' mobile")
    with in_spark.screen(accounts, listed, {"mobile": cs.Phone("CN")}, files="for workers") as found:
        assert found.summary["rows"]["read"] == 1
        assert len(list((tmp_path / "for workers").rglob("cardscreen-*.arrow"))) > 3
    assert list((tmp_path / "for workers").iterdir()) == []
    with pytest.raises(cs.InputError):
        in_spark.screen(
            accounts.selectExpr("account_id", "raise_error('x') mobile"), listed, MOBILE, files="for workers"
        )
    assert list((tmp_path / "for workers").iterdir()) == []


def test_what_travels_to_workers_does_not_grow_with_the_table(spark: Any, listed: cs.Blocklist) -> None:
    # Past a megabyte, PySpark would write it to a file, and the key of the sealed files with it.
    names = ["account_id", "mobile", *(f"a column that is not asked for, number {at}" for at in range(20_000))]
    asked = Question.of(pl.Schema(dict.fromkeys(names, pl.String())), listed, Options({"mobile": cs.Phone("CN")}))
    with work.Work.prepared(spark, asked, listed, {}, None) as prepared:
        assert len(pickle.dumps(prepared)) < 50_000


def test_account_ids_like_card_numbers_by_chance_are_not_refused_for_lying_in_small_parts(
    spark: Any, listed: cs.Blocklist
) -> None:
    # A third of them begin like Visa; of these, those that pass the check are most in some parts.
    ids = [str((4 if row % 3 == 0 else 1) * 10**15 + 7_919 * row) for row in range(60)]
    accounts = pl.DataFrame({"account_id": ids, "mobile": "13000000010"})
    expected = cs.screen(accounts, listed, {"mobile": cs.Phone("CN")})
    with in_spark.screen(to_spark(spark, accounts, 20), listed, {"mobile": cs.Phone("CN")}) as found:
        assert found.summary["rows"] == expected.summary["rows"]


# --- nights ------------------------------------------------------------------------------------------------


ENGINE = """
[engine]
name = "spark"
master = "local[2]"
settings = { "spark.sql.shuffle.partitions" = 3 }
"""


def nights_of(folder: Path, engine: str) -> list[Night]:
    """Two nights: one account is newly listed, one is released, one has another number."""
    operator = Operator(folder, JOB.replace("accounts.csv", "accounts/*.parquet") + engine)
    first = [
        account("a", phone(0)),
        account("b", phone(1), segment="hospital"),
        account("c", phone(2)),
        account("d", "x"),
    ]
    second = [account("a", phone(0)), account("b", phone(1)), account("c", phone(9)), account("e", "x")]
    lists = [[listing(phone(0)), listing(phone(2), "verify")], [listing(phone(1))]]
    nights = []
    for night, (accounts, listings) in enumerate(zip((first, second), lists, strict=True)):
        operator.write([], listings)
        frame = pl.DataFrame(accounts, schema=dict.fromkeys(account("a"), pl.String))
        frame.write_parquet(folder / "accounts" / "part.parquet", mkdir=True)
        nights.append(Night(operator.run(night)))
    return nights


def test_a_run_in_spark_is_a_run_like_any_other(spark: Any, tmp_path: Path) -> None:
    of_both = nights_of(tmp_path / "there", ENGINE), nights_of(tmp_path / "here", "")
    for there, here in zip(*of_both, strict=True):
        names = {str(file.relative_to(here.folder)) for file in here.folder.rglob("*") if file.is_file()}
        assert names == {str(file.relative_to(there.folder)) for file in there.folder.rglob("*") if file.is_file()}
        for name in sorted(names):
            if name.endswith(".parquet"):
                assert pl.read_parquet(there.folder / name).equals(pl.read_parquet(here.folder / name)), name
            elif name.endswith(".csv"):
                assert (there.folder / name).read_text() == (here.folder / name).read_text(), name
        assert there.manifest["summary"]["engine"]["name"] == "spark"
        assert there.manifest["inputs"]["accounts"] == [
            {**said, "path": said["path"].replace("/here/", "/there/")} for said in here.manifest["inputs"]["accounts"]
        ]
    first, second = (night.folder for night in of_both[0])
    for command in (["explain", "a", "--run", second], ["diff", first, second], ["audit", second, "--replay"]):
        done = cardscreen(*command, cwd=tmp_path)
        assert done.code == 0, done.err
    assert "It is released" in cardscreen("explain", "a", "--run", second, cwd=tmp_path).out


def test_a_job_reads_a_table_of_sparks_catalog(spark: Any, tmp_path: Path) -> None:
    row = "'a' as account_id, '13800138000' as mobile, '' as card_no, '' as since, 'x' as segment"
    spark.sql(f"create or replace temporary view subscribers as select {row}")
    operator = Operator(tmp_path, JOB.replace("accounts.csv", "table://subscribers") + ENGINE)
    operator.write([], [listing(phone(0))])
    night = Night(operator.run(0))
    assert night.change("a")[0] == "new"
    assert night.manifest["inputs"]["accounts"] == [{"path": "table://subscribers"}]
    operator.say(JOB.replace("accounts.csv", "table://nobody") + ENGINE)
    with pytest.raises(cs.InputError, match="nobody"):
        operator.run(1)
    operator.say(JOB + ENGINE)
    with pytest.raises(cs.ConfigError, match=r"files ending in '.csv' are not read in Spark: give Parquet"):
        operator.run(1)


def test_folders_named_like_a_column_are_columns_and_keep_their_zeros(spark: Any, tmp_path: Path) -> None:
    for branch in ("010", "9"):
        one = pl.DataFrame({"account_id": [branch], "mobile": ["13800138000"]})
        one.write_parquet(tmp_path / f"branch={branch}" / "part.parquet", mkdir=True)
    for path in (tmp_path, f"{tmp_path}/branch=*/*.parquet"):
        there = in_spark.open_accounts(spark, str(path))
        found = in_spark.screen(there, LISTED, {"mobile": cs.Phone("CN")}, carry=["branch"])
        assert found.collect().flagged.collect()["branch"].to_list() == ["010", "9"]
