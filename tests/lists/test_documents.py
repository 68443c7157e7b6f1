"""JSON and XML documents of publishers: their records become rows, whatever stands around them; presets read them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import Done, cardscreen

import cardscreen as cs

XBT, ETH, TRX = (
    "12QtD5BFwRsdNsAZY76UVE1xyCGNTojH9h",
    "0x098B716B8Aaf21512996dC57EB0615e2383E2f96",
    "TUCsTq7TofTCJRRoHk6RvhMoS2mJLm5Yzq",
)
IBAN, CARD, PHONE = "DE89370400440532013000", "4539578763621486", "+86 138 0013 8000"
# Made up here in OFAC's layouts: sdn.csv by its data specification, sdn.xml by its schema; the addresses are public.
SDN_CSV = (
    f'17760,"DOE, John","individual","CYBER2",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB 1986; Digital Currency Address - '
    f'XBT {XBT}; alt. Digital Currency Address - ETH {ETH}; Passport 12345 (Iran)."\r\n'
    '36,"AEROCARIBBEAN AIRLINES",-0- ,"CUBA",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- \r\n'
    '99,"ROE, Jane","individual","CYBER2",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    f'"Digital Currency Address - USDT {TRX}"\r\n'
)
SDN_XML = f"""<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML">
  <publshInformation><Publish_Date>11/20/2026</Publish_Date></publshInformation>
  <sdnEntry><uid>17760</uid><lastName>DOE</lastName>
    <idList>
      <id><uid>1</uid><idType>Passport</idType><idNumber>12345</idNumber></id>
      <id><uid>2</uid><idType>Digital Currency Address - XBT</idType><idNumber>
          {XBT} </idNumber></id>
      <id><uid>3</uid><idType>Digital Currency Address - ETH</idType><idNumber>{ETH}</idNumber></id>
    </idList></sdnEntry>
  <sdnEntry><uid>36</uid><lastName>AEROCARIBBEAN</lastName></sdnEntry>
  <sdnEntry><uid>99</uid><idList>
      <id><idType>Digital Currency Address - USDT</idType><idNumber>{TRX}</idNumber></id></idList></sdnEntry>
</sdnList>
"""


def attribute(kind: str, value: str, **more: Any) -> dict[str, Any]:
    return {"uuid": f"u-{value[:6]}", "type": kind, "value": value, "to_ids": True, "deleted": False, **more}


MISP = {
    "Event": {
        "uuid": "e-1",
        "info": "Fake bank",
        "date": "2026-11-01",
        "Tag": [{"name": "tlp:clear"}],
        "Attribute": [
            attribute("phone-number", PHONE),
            attribute("ip-src", "192.0.2.1"),
            attribute("btc", XBT),
            attribute("phone-number", "+442079460958", to_ids=False),
            attribute("email-src", "Name@EXAMPLE.com", deleted=True),
        ],
        "Object": [{"name": "bank-account", "Attribute": [attribute("iban", IBAN), attribute("email", "a@b.org")]}],
    }
}
MISP_CSV = (
    "uuid,event_id,category,type,value,comment,to_ids,date,object_relation,attribute_tag,object_uuid\n"
    f'u-1,7,Financial fraud,phone-number,"{PHONE}",,1,20261101,,,\n'
    "u-2,7,Network activity,ip-src,192.0.2.1,,1,20261101,,,\n"
    f"u-3,7,Financial fraud,xmr,{XBT},a remark,0,20261101,,,\n"
    f"u-4,7,Financial fraud,btc,{XBT},,1,20261102,,,\n"
)
WARNING = {"name": "Numbers of films", "version": 1, "type": "string", "list": ["+1 212 555 0123", "/^555/"]}


DOCTYPE = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("kept in a vault and nowhere else, for long", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    return tmp_path


def take(folder: Path, preset: str, name: str, text: str | dict[str, Any]) -> Done:
    content = text if isinstance(text, str) else json.dumps(text)
    (folder / name).write_text(content, encoding="utf-8", newline="")
    told = ("--preset", preset, "--store", "lists", "--key-file", "key", "--as-of", "2026-11-20")
    return cardscreen("list", "import", name, *told, cwd=folder)


def stored(folder: Path, *columns: str) -> list[tuple[Any, ...]]:
    rows = cs.Store(folder / "lists").blocklist().listings.select("kind", "value", *columns)
    return sorted(rows.rows(), key=str)


ADDRESSES = [("wallet", XBT), ("wallet", ETH.lower()), ("wallet", TRX)]


FILES = [("ofac-sdn-csv", "sdn.csv", SDN_CSV), ("ofac-sdn-xml", "sdn.xml", SDN_XML)]


@pytest.mark.parametrize(("preset", "name", "text"), FILES)
def test_ofacs_own_files_give_the_addresses_of_all_chains(preset: str, name: str, text: str, folder: Path) -> None:
    done = take(folder, preset, name, text)
    assert done.code == 0, done.err
    assert stored(folder) == sorted(ADDRESSES, key=str)
    assert {row[2] for row in stored(folder, "reference")} == {"17760", "99"}
    assert ": 1\n" in done.out


def test_an_event_of_misp_gives_its_attributes_that_are_to_be_detected(folder: Path) -> None:
    done = take(folder, "misp-json", "event.json", MISP)
    assert done.code == 0, done.err
    found = stored(folder, "match")
    assert [row[:2] for row in found if row[0] != "iban"] == [
        ("email", "a@b.org"),
        ("phone", "+8613800138000"),
        ("wallet", XBT),
    ]
    assert [row[2] for row in found if row[0] == "iban"] == ["token"]
    assert IBAN not in (done.out + done.err)


def test_an_answer_with_several_events_is_read_as_one_event_is(folder: Path) -> None:
    assert take(folder, "misp-json", "answer.json", {"response": [MISP, MISP]}).code == 0
    assert len(stored(folder)) == 4


def test_an_export_of_misp_as_csv_gives_the_same(folder: Path) -> None:
    done = take(folder, "misp-csv", "export.csv", MISP_CSV)
    assert done.code == 0, done.err
    assert stored(folder, "listed_on") == [
        ("phone", "+8613800138000", date(2026, 11, 1)),
        ("wallet", XBT, date(2026, 11, 2)),
    ]
    assert "rows of other sorts than the feed means (only): 2" in done.out + done.err


def test_a_warning_list_is_one_of_numbers_to_allow(folder: Path) -> None:
    done = take(folder, "misp-warninglist", "list.json", WARNING)
    assert done.code == 0, done.err
    assert stored(folder, "list") == [("phone", "+12125550123", "allow")]


def test_answers_of_the_reassigned_numbers_database_list_those_that_left_their_holder(folder: Path) -> None:
    text = "2125550123,2026-01-02,yes\n2125550124,2026-01-02,no\n2125550125,2026-01-02,no data\n"
    done = take(folder, "reassigned-numbers", "answer.csv", text)
    assert done.code == 0, done.err
    assert stored(folder, "listed_on") == [("phone", "+12125550123", date(2026, 1, 2))]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        pytest.param("sdn.xml", SDN_XML[: len(SDN_XML) // 2], "is no XML document, line", id="cut-off"),
        pytest.param("sdn.xml", "<sdnList><sdnEntry/></sdnList>", "has no sdnEntry.idList.id", id="no-records"),
        pytest.param("sdn.xml", DOCTYPE, "declares a document type", id="doctype"),
        pytest.param("sdn.xml", f"<!--{99_999 * chr(32)}-->{DOCTYPE}", "declares a document type", id="doctype-far"),
        pytest.param("sdn.xml", "<a>" * 200 + "</a>" * 200, "more than 100 levels deep", id="too-deep"),
        pytest.param("sdn.xml", "", "is empty", id="empty"),
        pytest.param("sdn.csv", "a,b\n1,2\n", "needs no path to records", id="a-table"),
    ],
)
def test_what_is_no_such_document_leaves_no_store(name: str, text: str, problem: str, folder: Path) -> None:
    done = take(folder, "ofac-sdn-xml", name, text)
    assert done.code != 0
    assert problem in done.err
    assert not (folder / "lists").exists()


def test_a_document_in_another_encoding_is_read_whatever_it_declares(folder: Path) -> None:
    text = SDN_XML.replace('version="1.0"', 'version="1.0" encoding="UTF-16"').replace("DOE", "DÖE")
    (folder / "sdn.xml").write_bytes(text.encode("utf-16"))
    told = ("--preset", "ofac-sdn-xml", "--store", "lists", "--as-of", "2026-11-20")
    done = cardscreen("list", "import", "sdn.xml", *told, cwd=folder)
    assert done.code == 0, done.err
    assert stored(folder) == sorted(ADDRESSES, key=str)


@pytest.mark.parametrize("text", ['{"Event": {"Attribute": [', "[" * 100_000, "[]", '{"Event": 1}'])
def test_json_that_is_cut_off_too_deep_or_without_records_is_refused(text: str, folder: Path) -> None:
    done = take(folder, "misp-json", "event.json", text)
    assert done.code != 0
    assert "is no JSON document" in done.err or "has no Event.Attribute" in done.err


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('pattern = "no group"\n', "one group in round brackets"),
        ('pattern = "(unclosed"\n', "is no regular expression"),
        ('only = { a = "[" }\n', "only.a is no regular expression"),
        ('only = { other = "x" }\n', "other"),
        ('records = ["a"]\n', "needs no path to records"),
    ],
)
def test_a_feed_with_a_pattern_that_is_none_is_refused(more: str, problem: str, folder: Path) -> None:
    (folder / "list.csv").write_text("a\n+8613800138000\n", encoding="utf-8")
    (folder / "feed.toml").write_text(f'source = "s"\nkind = "phone"\n{more}[columns]\nvalue = "a"\n', encoding="utf-8")
    done = cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", cwd=folder)
    assert done.code != 0
    assert problem in done.err


def test_cells_in_which_a_pattern_finds_nothing_are_counted_and_no_rejects(folder: Path) -> None:
    pl.DataFrame({"text": ["call +8613800138000 or +8613800138001", "nothing", None]}).write_csv(folder / "list.csv")
    (folder / "feed.toml").write_text(
        "source = 's'\nkind = 'phone'\npattern = '([+][0-9]{8,15})'\n[columns]\nvalue = 'text'\n", encoding="utf-8"
    )
    done = cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", cwd=folder)
    assert done.code == 0, done.err
    assert [value for _, value in stored(folder)] == ["+8613800138000", "+8613800138001"]
    assert "rows in which the feed's pattern finds nothing: 1" in done.out + done.err
