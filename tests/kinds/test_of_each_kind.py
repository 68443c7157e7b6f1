"""IMEIs, IMSIs, ICCIDs, resident ids, addresses, handles and identifiers of one's own: read, met and shown."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import of_each_kind as made
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn

import cardscreen as cs
from cardscreen.foundation.lookup.fillers import filling
from cardscreen.kinds.kind import KINDS, Kind
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import read_feed

DAY = date(2026, 11, 20)
SEED = st.integers(0, 2**32)


def read(fields: Callable[[str], pl.Expr], cells: Sequence[str | None]) -> pl.DataFrame:
    frame = pl.DataFrame({"x": cells}, schema={"x": pl.String})
    return frame.select(fields("x")).unnest("x")


@pytest.mark.parametrize(
    ("cell", "value", "status"),
    [
        # Of python-stdnum's own documentation, but for the last ones.
        pytest.param("35686800-004141-20", "35686800004141", "valid", id="with-a-version"),
        pytest.param("35-417803-685978-9", "35417803685978", "valid", id="with-its-check-digit"),
        pytest.param("35-417803-685978-1", "35417803685978", "bad_checksum", id="with-a-wrong-one"),
        pytest.param("35417803685978", "35417803685978", "valid", id="without"),
        pytest.param("354178036859780", "35417803685978", "spare_digit", id="as-signalling-has-it"),
        pytest.param("01-215800-000000-0", "01215800000000", "spare_digit", id="with-a-zero-in-front"),
        pytest.param("3541780368597", None, "bad_length", id="too-short"),
        pytest.param("35417803685978123", None, "bad_length", id="too-long"),
        pytest.param("3.54178E+14", None, "not_an_imei", id="a-spreadsheets"),
        pytest.param("  ", None, "missing", id="blank"),
    ],
)
def test_imeis(cell: str, value: str | None, status: str) -> None:
    assert read(cs.imei, [cell]).select("value", "status").row(0) == (value, status)
    assert read(cs.imei, [cell])["tac"].item() == (value and value[:8])


@pytest.mark.parametrize(
    ("cell", "mcc", "mnc", "status"),
    [
        pytest.param("429011234567890", "429", "01", "valid", id="nepal"),
        pytest.param("460001234567890", "460", "00", "valid", id="china-mobile"),
        pytest.param("310150123456789", "310", "150", "valid", id="a-network-of-three-digits"),
        pytest.param("46000123456789", "460", "00", "valid", id="fourteen-digits"),
        pytest.param("460001234", "460", "00", "short", id="as-few-networks-have"),
        pytest.param("439011234567890", "439", None, "unknown_country", id="no-such-country"),
        pytest.param("310999123456789", "310", None, "valid", id="no-such-network"),
        pytest.param("46000", None, None, "bad_length", id="too-short"),
        pytest.param("13800138000", None, None, "bad_length", id="a-phone-number"),
        pytest.param("4600012345678901", None, None, "bad_length", id="too-long"),
        pytest.param("460-00-x", None, None, "not_an_imsi", id="no-digits"),
        pytest.param(None, None, None, "missing", id="null"),
    ],
)
def test_imsis(cell: str, mcc: str | None, mnc: str | None, status: str) -> None:
    assert read(cs.imsi, [cell]).select("mcc", "mnc", "status").row(0) == (mcc, mnc, status)


@pytest.mark.parametrize(
    ("cell", "value", "country", "status"),
    [
        pytest.param("8986001234567890123", "8986001234567890123", "CN", "valid", id="china-without"),
        pytest.param("8986 0012 3456 7890 1238", "8986001234567890123", "CN", "valid", id="china-with-check-digit"),
        pytest.param("89860012345678901239", "8986001234567890123", "CN", "bad_checksum", id="with-a-wrong-one"),
        pytest.param("898600A1234567890123", "898600A1234567890123", "CN", "valid", id="letters-have-none"),
        pytest.param("898600123456789012", None, None, "bad_length", id="china-too-short"),
        # 19 digits, of an issuer whose numbers are known to have so many.
        pytest.param("8944110068204611234", "894411006820461123", "GB", "bad_checksum", id="o2"),
        pytest.param("894411006820461123", "894411006820461123", "GB", "valid", id="o2-without"),
        pytest.param("89441000304133971234", "8944100030413397123", "GB", "bad_checksum", id="vodafone"),
        pytest.param("8949020000012345678", "894902000001234567(8)", "DE", "open", id="nineteen-of-another"),
        pytest.param("8949020000012345678F", "894902000001234567(8)", "DE", "open", id="with-filler"),
        pytest.param("894902000001234567(8)", "894902000001234567(8)", "DE", "open", id="as-it-is-written"),
        pytest.param("894902000001234567", "894902000001234567", "DE", "valid", id="eighteen"),
        pytest.param("89014104255505678904", "8901410425550567890", "US", "valid", id="twenty"),
        pytest.param("9868001032547698103F", None, None, "swapped", id="as-it-lies-on-the-card"),
        pytest.param("8986001234567890000", None, None, "damaged", id="a-spreadsheets"),
        pytest.param("89860012345678900000", None, None, "damaged", id="a-spreadsheets-of-twenty"),
        pytest.param("8.986E+18", None, None, "not_an_iccid", id="a-quantity"),
        pytest.param("13800138000", None, None, "not_an_iccid", id="a-phone-number"),
        pytest.param("", None, None, "missing", id="blank"),
    ],
)
def test_iccids(cell: str, value: str | None, country: str | None, status: str) -> None:
    assert read(cs.iccid, [cell]).select("value", "country", "status").row(0) == (value, country, status)


@pytest.mark.parametrize(
    ("cell", "value", "status"),
    [
        # GB 11643-1999, Annex B; then python-stdnum's own.
        pytest.param("11010519491231002X", "11010519491231002X", "valid", id="the-standards"),
        pytest.param("440524188001010014", "440524188001010014", "unknown_region", id="the-standards-of-1880"),
        pytest.param("360426199101010071", "360426199101010071", "valid", id="valid"),
        pytest.param("44011320141005001x", "44011320141005001X", "valid", id="small-x"),
        pytest.param("360426199101010072", "360426199101010072", "bad_checksum", id="a-slip"),
        pytest.param("110105491231002", "11010519491231002X", "valid", id="fifteen-digits"),
        pytest.param("110105491231996", None, "open", id="of-a-centenarian"),
        pytest.param("830000199201300022", "830000199201300022", "unknown_region", id="taiwan-resident"),
        pytest.param("360426199101010000", None, "damaged", id="a-spreadsheets"),
        pytest.param("360426199113010071", None, "not_a_resident_id", id="no-month"),
        pytest.param("360426910230007", None, "not_a_resident_id", id="no-day"),
        pytest.param("3604261991010100", None, "not_a_resident_id", id="sixteen-digits"),
        pytest.param(" ", None, "missing", id="blank"),
    ],
)
def test_resident_ids(cell: str, value: str | None, status: str) -> None:
    assert read(cs.resident_id, [cell]).select("value", "status").row(0) == (value, status)


def test_a_resident_id_shows_neither_birth_date_nor_sex() -> None:
    told = read(cs.resident_id, ["11010519491231002X"])
    assert told.drop("value").row(0) == ("110105", "valid", "110105***********X")
    shown = pl.DataFrame({"x": ["11010519491231002X"]}).select(cs.ResidentId().fields(pl.col("x"))).unnest("x")
    assert shown.columns == ["region", "status", "masked"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        pytest.param("Name@EXAMPLE.com", "name@example.com", id="case"),
        pytest.param(" mailto:a@b.org\t", "a@b.org", id="a-link"),
        pytest.param("test@ツ.life", "test@xn--bdk.life", id="of-email-validators-readme"),
        pytest.param("test@xn--bdk.life", "test@xn--bdk.life", id="in-a-labels"),
        pytest.param("jeff@臺網中心.tw", "jeff@xn--fiqq24b10vi0d.tw", id="of-its-tests"),
        pytest.param("a@b.local", None, id="no-such-mail"),
        pytest.param("a..b@c.org", None, id="two-dots"),
        pytest.param("a@b@c.org", None, id="two-signs"),
        pytest.param("n/a", None, id="no-address"),
    ],
)
def test_addresses(cell: str, value: str | None) -> None:
    assert read(cs.email, [cell])["value"].item() == value


def test_what_providers_ignore_is_dropped_where_it_is_asked_for() -> None:
    cells = ["J.Doe+list@GoogleMail.com", "j.doe+x@outlook.com", "j.doe+x@yahoo.com", "+x@gmail.com"]
    told = pl.DataFrame({"x": cells}).select(cs.email("x", fold="provider").struct.field("value")).to_series().to_list()
    assert told == ["jdoe@gmail.com", "j.doe@outlook.com", "j.doe+x@yahoo.com", "+x@gmail.com"]
    with pytest.raises(cs.ConfigError, match="fold='providers' .did you mean 'provider'"):
        cs.email("x", fold="providers")  # type: ignore[arg-type]


@pytest.mark.parametrize("listed_folded", [False, True])
@pytest.mark.parametrize("folded", [False, True])
def test_an_address_listed_as_it_is_written_is_found_whether_either_side_folds(
    *, folded: bool, listed_folded: bool
) -> None:
    feed = cs.Feed(source="s", kind="email", fold="provider" if listed_folded else "none", columns={"value": "mail"})
    cells = pl.DataFrame({"cell": ["j.doe+x@gmail.com"]})
    kind = feed.kinds()["email"]
    parts = kind.split(pl.col("cell"))
    texts = cells if parts is None else cells.select(cell=parts).explode("cell")
    values = texts.select(kind.written(pl.col("cell")).struct.field("value")).to_series().to_list()
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": "email", "value": values}))
    accounts = pl.DataFrame({"account_id": ["same", "alike"], "mail": ["J.Doe+x@gmail.com", "jdoe@googlemail.com"]})
    kinds = {"mail": cs.Email("provider" if folded else "none")}
    hits = cs.screen(accounts, listed, kinds, as_of=DAY).hits.collect()["account_id"].unique().sort().to_list()
    assert hits == (["alike", "same"] if folded and listed_folded else ["same"])


@pytest.mark.parametrize(
    ("platform", "cell", "value"),
    [
        pytest.param("telegram", "@Some_Name", "telegram:some_name", id="at"),
        pytest.param("telegram", "https://t.me/s/some_name/12", "telegram:some_name", id="preview"),
        pytest.param("telegram", "tg://resolve?domain=some_name", "telegram:some_name", id="in-the-app"),
        pytest.param("telegram", "some_name.t.me", "telegram:some_name", id="own-host"),
        pytest.param("telegram", "t.me/+AbCdEf", None, id="invitation"),
        pytest.param("telegram", "t.me/joinchat/abcdef", None, id="old-invitation"),
        pytest.param("telegram", "John Smith", None, id="a-persons-name"),
        pytest.param("telegram", "+8613800138000", None, id="a-phone-number"),
        pytest.param("telegram", "twitter.com/some_name", None, id="another-platform"),
        pytest.param("x", "https://twitter.com/ABC/status/1?s=2", "x:abc", id="a-post"),
        pytest.param("x", "x.com/i/lists/1", None, id="no-account"),
        pytest.param("facebook", "https://www.facebook.com/John.Smith.7", "facebook:johnsmith7", id="full-stops"),
        pytest.param("tiktok", "https://www.tiktok.com/@some.one/video/1", "tiktok:some.one", id="a-film"),
        pytest.param("youtube", "youtube.com/watch?v=1", None, id="a-film-of-somebody"),
        pytest.param("wechat", "wxid_abc-1", "wechat:wxid_abc-1", id="wechat"),
        pytest.param("telegram", None, None, id="null"),
    ],
)
def test_handles(platform: str, cell: str | None, value: str | None) -> None:
    assert read(lambda column: cs.handle(column, platform), [cell])["value"].item() == value


@pytest.mark.parametrize(
    "link",
    [
        *("facebook.com/photo/?fbid=1001", "facebook.com/photo.php?fbid=1", "facebook.com/some.name?fbid=1"),
        *("facebook.com/login", "facebook.com/messages/t/1", "facebook.com/videos/1", "facebook.com/policies/ads"),
        *("facebook.com/reel/999", "facebook.com/home.php", "facebook.com/log.in", "facebook.com/some_page/1"),
        *("instagram.com/share/p/BAAAscam", "instagram.com/about", "instagram.com/legal/privacy", "instagram.com/p/B"),
        *("instagram.com/stories/highlights/1", "instagram.com/s/abc", "instagram.com/name/settings"),
        *("x.com/compose/post", "x.com/messages", "x.com/notifications", "x.com/tos", "x.com/en/privacy"),
        *("x.com/i/status/1", "x.com/some_name/unheard_of", "t.me/share/url?url=x"),
        *("t.me/giftcode/SCAM1", "t.me/call/abc", "t.me/premium", "t.me/stickers", "t.me/contacts", "t.me/m/abcd"),
        *("t.me/s/", "t.me/c/123/4", "t.me/some_name/some_word", "t.me/addstickers/Some"),
        *("snapchat.com/spotlight/abc", "snapchat.com/lens/abc", "snapchat.com/add", "snapchat.com/t/abcdef"),
        *("tiktok.com/name/video/1", "tiktok.com/t/abc", "youtube.com/about", "youtube.com/c/name"),
    ],
)
def test_a_link_that_names_nobody_is_no_handle(link: str) -> None:
    cells = [link, f"https://www.{link}"]
    assert read(cs.handle, cells)["status"].to_list() == ["not_a_handle"] * 2


@pytest.mark.parametrize(
    ("link", "value"),
    [
        ("https://www.snapchat.com/add/Some.Name?share_id=1", "snapchat:some.name"),
        ("snapchat.com/@some.name/spotlight/abc", "snapchat:some.name"),
        ("https://x.com/Name/status/1/photo/2", "x:name"),
        ("x.com/@Name/", "x:name"),
        ("twitter.com/name/with_replies", "x:name"),
        ("https://www.instagram.com/some.one/p/BAAA/?igsh=1", "instagram:some.one"),
        ("instagram.com/stories/some.one/123", "instagram:some.one"),
        ("instagram.com/some.one/reels/", "instagram:some.one"),
        ("https://m.facebook.com/John.Smith.7/posts/pfbid02?mibextid=1", "facebook:johnsmith7"),
        ("facebook.com/johnsmith7/videos/1/", "facebook:johnsmith7"),
        ("facebook.com/johnsmith7/about_details", "facebook:johnsmith7"),
        ("https://t.me/Some_Name/123/45?single", "telegram:some_name"),
        ("t.me/some_name?text=hello", "telegram:some_name"),
        ("t.me/some_name/s/7", "telegram:some_name"),
        ("t.me/some_bot/an_app?startapp=1", "telegram:some_bot"),
        ("tiktok.com/@some.one/live", "tiktok:some.one"),
        ("youtube.com/@name/videos", "youtube:name"),
    ],
)
def test_a_link_names_an_account_in_the_forms_that_say_who_wrote(link: str, value: str) -> None:
    assert read(cs.handle, [link])["value"].to_list() == [value]


def test_who_holds_a_link_that_names_nobody_is_no_stranger_to_suspend(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("value\nhttps://www.facebook.com/photo/?fbid=1001\n", encoding="utf-8")
    feed = Feed(source="a", kind="handle", platform="facebook", columns={"value": "value"})
    assert read_feed(tmp_path / "a.csv", feed).rows.is_empty()
    accounts = {"account_id": [1, 2], "x": ["https://www.facebook.com/photo/?fbid=999", "facebook.com/reel/1"]}
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["handle"], "value": ["facebook:johnsmith7"]}))
    result = cs.screen(pl.DataFrame(accounts), listed, {"x": cs.Handle("facebook")}, as_of=DAY)
    assert result.flagged.collect().is_empty()
    assert result.rejects.collect()["status"].to_list() == ["not_a_handle"] * 2


def test_a_link_says_its_platform_itself_and_another_one_is_told() -> None:
    links = ["https://t.me/some_name", "instagram.com/some.one/", "@some_name"]
    assert read(cs.handle, links)["value"].to_list() == ["telegram:some_name", "instagram:some.one", None]
    told = read(lambda column: cs.handle(column, "telegram"), ["instagram.com/some.one"])
    assert told["status"].to_list() == ["other_platform"]
    with pytest.raises(cs.ConfigError, match="platform='telegramm' .did you mean 'telegram'"):
        cs.Handle("telegramm")


_WORDS = ["unknown", "N/A", "0", "-", "00000000-0000-0000-0000-000000000000", "不详", "null", "No device", "待补"]
_FILLED = ["00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF", "ffffffffffff", "11111111", "1234567890"]


@pytest.mark.parametrize("word", [*_WORDS, *_FILLED])
def test_what_stands_for_nothing_is_no_identifier_of_ones_own(word: str) -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "device": [word]})
    with pytest.raises(cs.BlocklistError):
        cs.Blocklist.from_frame(pl.DataFrame({"kind": ["opaque"], "value": [f"device:{word}"]}))
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["opaque"], "value": ["device:8F"]}))
    result = cs.screen(accounts, listed, {"device": cs.Opaque("device")}, as_of=DAY)
    assert result.rejects.collect()["status"].to_list() == ["placeholder"]


@pytest.mark.parametrize("written", ["1111111", "AABBCCDDEEFF", "12345679", "FFFFFFF0", "unknown-7"])
def test_what_looks_like_nothing_and_is_something_stays_an_identifier(written: str) -> None:
    told = pl.DataFrame({"x": [written]}).select(cs.Opaque("device").read(pl.col("x")).struct.unnest())
    assert told.rows() == [(f"device:{written}", "valid")]


def test_identifiers_of_ones_own_differ_by_their_name_and_by_case() -> None:
    accounts = pl.DataFrame({"account_id": list("abc"), "x": [" 8F-a ", "8f-a", "8F-a"], "y": ["", "", "8F-a"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["opaque"], "value": ["device:8F-a"]}))
    kinds = {"x": cs.Opaque("device"), "y": cs.Opaque("customer")}
    hits = cs.screen(accounts, listed, kinds, as_of=DAY).hits.collect()
    assert hits.select("account_id", "identifier", "value").rows() == [
        ("a", "x", "device:8F-a"),
        ("c", "x", "device:8F-a"),
    ]
    with pytest.raises(cs.ConfigError, match="name='My device'"):
        cs.Opaque("My device")


def _forms_of_an_imei(dice: random.Random) -> list[str]:
    body = made.digits(dice, 14)
    checked = body + luhn.calc_check_digit(body)
    return [body, checked, body + made.digits(dice, 2), f"{body[:2]}-{body[2:8]}-{body[8:]}", body + "0"]


def _forms_of_an_iccid(dice: random.Random) -> list[str]:
    body = "8986" + made.digits(dice, 14) + dice.choice("123456789")
    checked = body + luhn.calc_check_digit(body)
    return [body, checked, " ".join(checked[each : each + 4] for each in range(0, 20, 4)), f"{body}F"]


def _forms_of_a_resident_id(dice: random.Random) -> list[str]:
    day = f"{dice.randrange(40, 99)}{dice.randrange(1, 13):02}{dice.randrange(1, 29):02}"
    shorter = dice.choice(made.regions()) + day + f"{dice.randrange(1, 996):03}"
    whole = read(cs.resident_id, [shorter])["value"].item()
    return [shorter, whole, whole.lower(), f" {whole}\n"]


def _forms_of_an_address(dice: random.Random) -> list[str]:
    name = "n" + made.digits(dice, 5)
    return [f"{name}@example.com", f"{name.upper()}@EXAMPLE.com", f"mailto:{name}@example.com", f" {name}@Example.COM"]


def _forms_of_a_handle(dice: random.Random) -> list[str]:
    name = "n" + made.digits(dice, 6)
    return [f"telegram:{name}", f"t.me/{name}", f"https://telegram.me/{name.upper()}?start=1", f"telegram:@{name}"]


def _forms_of_an_imsi(dice: random.Random) -> list[str]:
    number = "46000" + made.digits(dice, 10)
    return [number, f"{number[:3]} {number[3:5]} {number[5:]}", f"{number[:3]}-{number[3:]}"]


FORMS: dict[str, Callable[[random.Random], list[str]]] = {
    "imei": _forms_of_an_imei,
    "imsi": _forms_of_an_imsi,
    "iccid": _forms_of_an_iccid,
    "resident_id": _forms_of_a_resident_id,
    "email": _forms_of_an_address,
    "handle": _forms_of_a_handle,
    "opaque": lambda dice: [number := f"device:{made.digits(dice, 5)}A", f" {number}\t"],
}


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=10, deadline=None)
@given(seed=SEED)
def test_what_one_side_writes_in_any_form_meets_the_other_sides(name: str, seed: int) -> None:
    forms = FORMS[name](random.Random(seed))
    kind: Kind = KINDS[name]()
    accounts = pl.DataFrame({"account_id": forms, "x": forms})
    sources = [f"in form {at}" for at in range(len(forms))]
    listed = pl.DataFrame({"kind": name, "value": forms, "source": sources, "severity": 95})
    block = cs.Blocklist.from_frame(listed)
    found = cs.screen(accounts, block, {"x": kind}, as_of=DAY, unmasked=["account_id"]).hits.collect()
    met = {(source, account) for source, account in found.select("source", "account_id").rows()}
    assert set(itertools.product(sources, forms)) - met == set()


def actions(accounts: dict[str, Any], kinds: dict[str, Kind], listed: list[tuple[str, str]]) -> dict[str, str]:
    frame = pl.DataFrame(listed, schema=["kind", "value"], orient="row").with_columns(severity=95)
    result = cs.screen(pl.DataFrame(accounts), cs.Blocklist.from_frame(frame), kinds, as_of=DAY)
    return dict(result.flagged.collect().select("account_id", pl.col("action").cast(pl.String)).rows())


def test_an_open_sim_card_meets_both_numbers_and_asks_a_person() -> None:
    accounts = {
        "account_id": ["short", "open", "other_open", "long", "other"],
        "sim": [
            "894902000001234567",
            "8949020000012345678",
            "8949020000012345679",
            "89490200000123456783",
            "89490200000123456793",
        ],
    }
    kinds: dict[str, Kind] = {"sim": cs.Iccid()}
    told = actions(accounts, kinds, [("iccid", "8949020000012345678")])
    # Of 19 digits on either side, nobody knows whether the last is the check digit.
    assert told == {"short": "verify", "open": "verify", "other_open": "verify", "long": "verify"}
    told = actions(accounts, kinds, [("iccid", "89490200000123456783")])
    assert told == {"open": "verify", "long": "suspend"}
    told = actions(accounts, kinds, [("iccid", "894902000001234567")])
    assert told == {"short": "suspend", "open": "verify", "other_open": "verify"}
    with pytest.raises(cs.BlocklistError):  # ends that are open are no range
        actions(accounts, kinds, [("iccid", "8949020000012345670-8949020000012345679")])
    told = actions(accounts, kinds, [("iccid", "8949020000012345*")])
    assert set(told) == set(accounts["account_id"])


def test_lists_may_name_all_devices_of_a_type_and_ranges_of_cards_and_subscriptions() -> None:
    accounts = {
        "account_id": ["a", "b", "c"],
        "imei": ["352099001761481", "352098001761482", "01-209900-176148-1"],
        "imsi": ["460001234567890", "460011234567890", None],
        "sim": ["89860012345678901238", "898600A1234567890123", "8986011234567890123"],
    }
    kinds: dict[str, Kind] = {"imei": cs.Imei(), "imsi": cs.Imsi(), "sim": cs.Iccid()}
    assert actions(accounts, kinds, [("imei", "35-209900*")]) == {"a": "verify"}
    assert actions(accounts, kinds, [("imei", "01209900*")]) == {"c": "verify"}
    assert actions(accounts, kinds, [("imei", "352099000000000-352099001999999")]) == {"a": "verify"}
    assert actions(accounts, kinds, [("imsi", "46001*")]) == {"b": "verify"}
    assert actions(accounts, kinds, [("imsi", "460000000000000-460009999999999")]) == {"a": "verify"}
    assert actions(accounts, kinds, [("iccid", "898600*")]) == {"a": "verify", "b": "verify"}
    assert actions(accounts, kinds, [("iccid", "89860000000000000000-89860099999999999990")]) == {"a": "verify"}


@pytest.mark.parametrize("between", [",", " / ", "; ", "\n", "、"])
def test_a_cell_may_hold_both_imeis_of_a_phone(between: str) -> None:
    accounts = {"account_id": ["a", "b"], "imei": [f"352098001761482{between}35-209900-176148-1", "352098001761482"]}
    assert actions(accounts, {"imei": cs.Imei(many=True)}, [("imei", "35209900176148")]) == {"a": "suspend"}
    assert actions(accounts, {"imei": cs.Imei()}, [("imei", "35209900176148")]) == {}
    feed = cs.Feed(source="s", kind="imei", many=True, columns={"value": "imei"})
    parts = pl.DataFrame(accounts).select(feed.kinds()["imei"].split(pl.col("imei"))).explode("imei")
    assert len(parts) == 3


def test_a_second_hand_phone_suspends_no_stranger() -> None:
    accounts = {"account_id": ["a", "b"], "imei": ["35209900176148"] * 2, "since": ["2026-11-10", "2020-01-01"]}
    listed = pl.DataFrame(
        {"kind": ["imei"], "value": ["352099001761481"], "severity": [95], "listed_on": ["2026-11-01"]}
    )
    result = cs.screen(
        pl.DataFrame(accounts),
        cs.Blocklist.from_frame(listed),
        {"imei": cs.Imei(holder_since="since")},
        as_of=DAY,
    )
    assert result.hits.collect().sort("account_id").select("holder", "action").rows() == [
        ("earlier", "verify"),
        ("same", "suspend"),
    ]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (cs.Imei(), "000000000000000"),
        (cs.Imsi(), "111111111111111"),
        (cs.Imsi(), "460000000000000"),
        (cs.Imei(), "123456789012345"),
        (cs.Imei(), "012345678901234"),
        (cs.Imei(), "987654321098765"),
        (cs.Imsi(), "123456789012345"),
        (cs.Imsi(), "234567890123456"),
        (cs.Iccid(), "890000000000000000"),
        (cs.Iccid(), "8901234567890123456"),
        (cs.Iccid(), "89111111111111111111"),
        (cs.Iban(), "DE00000000000000000000"),
        (cs.Iban(), "DE12345678901234567890"),
        (cs.Iban(), "DE43123456789012345678"),  # with the right check digits
        (cs.Iban(), "NL00BANK0000000000"),
        (cs.ResidentId(), "111111111111111111"),
        (cs.ResidentId(), "012345678901234567"),
        (cs.Wallet(), "0x0000000000000000000000000000000000000000"),
        (cs.Wallet(), "0x000000000000000000000000000000000000dEaD"),
    ],
)
def test_what_only_fills_a_field_is_nobodys(kind: Kind, cell: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"value\n{cell}\n", encoding="utf-8")
    columns = {"value": "value"}
    rows = read_feed(tmp_path / "a.csv", Feed(source="a", kind=kind.name, store_as="plain", columns=columns))
    assert rows.rejects["reason"].to_list() == ["digits that only fill a field, and are nobody's"]
    # A store may have it from before.
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": [kind.name], "value": [cell]}))
    accounts = pl.DataFrame({"account_id": [1, 2], "x": [cell, cell]})
    result = cs.screen(accounts, listed, {"x": kind}, as_of=DAY)
    assert result.flagged.collect().is_empty()
    assert result.rejects.collect()["status"].to_list() == ["placeholder"] * 2


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (cs.ResidentId(), "111111111111111"),  # 1911-11-11, if it were somebody
        (cs.ResidentId(), "234567890123456"),
        (cs.ResidentId(), "000000000000000"),
        (cs.Handle("telegram"), "unknown"),
        (cs.Handle("x"), "1234567890"),
        (cs.Handle("facebook"), "N/A"),
        (cs.Opaque("device"), "123456789012345"),
        (cs.Opaque("device"), "0123456789ABCDEF"),
        (cs.Opaque("device"), "02:00:00:00:00:00"),  # as Android tells of every device
    ],
)
def test_what_fills_a_field_is_told_from_what_is_written_and_no_list_has_it(kind: Kind, cell: str) -> None:
    scanned = pl.DataFrame({"x": [cell]}).select(told=kind.scan(pl.col("x"))).unnest("told")
    assert scanned.select("key", "status").row(0) == (None, "placeholder")
    written = pl.DataFrame({"x": [cell]}).select(told=kind.written(pl.col("x"))).unnest("told")
    assert written["value"].to_list() == [None]
    with pytest.raises(cs.BlocklistError):
        cs.Blocklist.from_frame(pl.DataFrame({"kind": [kind.name], "value": [cell]}))


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (cs.Imei(), "123456789012355"),
        (cs.Imei(), "353333333333333"),
        (cs.Imsi(), "460001234567890"),
        (cs.Imsi(), "310150123456789"),
        (cs.Iccid(), "8986001234567890123"),
        (cs.Iban(), "NL00BANK1234567890"),
        (cs.Iban(), "DE89370400440532013000"),
        (cs.ResidentId(), "110105111111111"),
        (cs.Handle("telegram"), "@unknown"),
        (cs.Handle("telegram"), "t.me/unknown"),
        (cs.Opaque("device"), "1234567890A"),
    ],
)
def test_digits_in_their_order_in_a_part_of_a_number_are_somebodys(kind: Kind, cell: str) -> None:
    scanned = pl.DataFrame({"x": [cell]}).select(told=kind.scan(pl.col("x"))).unnest("told")
    assert scanned["key"].item() is not None


@pytest.mark.parametrize("name", ["imei", "imsi", "iccid", "resident_id", "iban"])
def test_no_number_that_only_fills_a_field_has_a_key_that_is_plain_to_see(name: str) -> None:
    heads = {"iccid": ["", "89"], "iban": ["DE43", "DE"]}.get(name, [""])
    cells = pl.DataFrame({"x": [head + digits for head in heads for digits in filling(12, 20)]})
    scanned = cells.select(told=KINDS[name]().scan(pl.col("x"))).unnest("told")
    assert scanned["key"].null_count() == len(cells)
    assert not KINDS[name]().keys_of(cells).keys.any()


def test_what_is_odd_about_values_that_are_screened_is_counted() -> None:
    accounts = pl.DataFrame(
        {
            "account_id": list("abc"),
            "imei": ["354178036859780", "354178036859781", "354178036859789"],
            "imsi": ["460001234", "439011234567890", "460001234567890"],
            "sim": ["8949020000012345678", "89860012345678901239", "8986001234567890123"],
            "person": ["440524188001010014", "360426199101010072", "360426199101010071"],
        }
    )
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["imei"], "value": ["35209900176148"]}))
    kinds = {"imei": cs.Imei(), "imsi": cs.Imsi(), "sim": cs.Iccid(), "person": cs.ResidentId()}
    assert cs.screen(accounts, listed, kinds, as_of=DAY).summary["notes"] == {
        "imei": {"bad_checksum": 1, "spare_digit": 1},
        "imsi": {"unknown_country": 1, "short": 1},
        "sim": {"bad_checksum": 1, "open": 1},
        "person": {"bad_checksum": 1, "unknown_region": 1},
    }


def test_floats_that_stand_for_several_numbers_are_nobodys() -> None:
    floats = pl.DataFrame({"x": [8.986001234567890e18, 1.1010519491231002e17, 352099001761481.0, 0.5]})
    assert floats.select(cs.iccid("x").struct.field("value"))["value"].to_list() == [None] * 4
    assert floats.select(cs.resident_id("x").struct.field("value"))["value"].to_list() == [None] * 4
    assert floats.select(cs.imei("x").struct.field("value"))["value"].to_list() == [None, None, "35209900176148", None]
    device = cs.Opaque("device").read(pl.col("x")).struct.field("value")
    assert floats.select(device)["value"].to_list() == [None, None, "device:352099001761481", None]


def test_nulls_and_no_rows_are_read_by_every_kind() -> None:
    for name, kind in KINDS.items():
        empty = pl.DataFrame({"x": [None, " "]}, schema={"x": pl.String})
        assert empty.select(kind().read(pl.col("x")).struct.field("value"))["value"].to_list() == [None, None], name
        assert empty.clear().select(kind().scan(pl.col("x")).struct.unnest()).shape == (0, 5), name


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: cs.Phone(86), "region must be text, not 86"),  # type: ignore[arg-type]
        (lambda: cs.Phone("CN", many="no"), "many must be true or false, not 'no'"),  # type: ignore[arg-type]
        (lambda: cs.Phone(holder_since=0), "holder_since must be text, not 0"),  # type: ignore[arg-type]
        (lambda: cs.Card(repair=1), "repair must be true or false, not 1"),  # type: ignore[arg-type]
        (lambda: cs.Card(show_first=6.0), "show_first must be a whole number, not 6.0"),  # type: ignore[arg-type]
        (lambda: cs.Wallet(many=None), "many must be true or false, not NoneType"),  # type: ignore[arg-type]
        (lambda: cs.Email(holder_since=["since"]), "holder_since must be text, not list"),  # type: ignore[arg-type]
        (lambda: cs.Handle(platform=5), "platform must be text, not 5"),  # type: ignore[arg-type]
        (lambda: cs.Opaque(5), "name=5: give a name of small letters"),  # type: ignore[arg-type]
        (lambda: cs.Opaque("device", holder_since=5), "holder_since must be text, not 5"),  # type: ignore[arg-type]
    ],
)
def test_an_option_of_another_type_is_refused_by_name(made: Callable[[], Any], told: str) -> None:
    with pytest.raises(cs.ConfigError, match=f"^{re.escape(told)}"):
        made()
