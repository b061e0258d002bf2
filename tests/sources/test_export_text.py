"""The encodings of export files: nothing is replaced; what is no UTF-8 is read as what it is, or refused with a sentence."""

import json
from pathlib import Path

import pytest
from support import NOW
from support.export_reader import heard, listen, part_of, plays, read, rows, written

from etl.jobs.imports import import_exports
from etl.sources.exports.reader import Malformed, Unreadable
from etl.staging import Part

CAFE = [listen(master_metadata_track_name="Déjà vu", master_metadata_album_artist_name="Zoë"), listen(ms_played=1)]
WINDOWS = ("read as Windows-1252: it is not UTF-8",)
NEITHER = "its text is neither UTF-8, UTF-16 nor Windows-1252: save it as UTF-8"


def encoded(listed: object, encoding: str) -> bytes:
    return json.dumps(listed, ensure_ascii=False).encode(encoding)


def titles(part: Part) -> list[str]:
    """Each once: names that one track had are staged a second time, with the date of their latest play."""
    return list(dict.fromkeys(row["track_name"] for row in rows(part.tables["staging_track"])))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_every_encoding_of_json_is_read(tmp_path, encoding):
    part = part_of(tmp_path, encoded(CAFE, encoding))
    assert (titles(part)[0], part.notes, part.malformed, len(plays(part))) == ("Déjà vu", (), (), 2)


@pytest.mark.parametrize("odd", [{}, {"skipped": 1}])  # read at once, and row by row
def test_windows_1252_is_read_as_such_and_said(tmp_path, odd):
    part = part_of(tmp_path, encoded([*CAFE, listen(master_metadata_track_name="“Ü” \u2013 5 €", **odd)], "cp1252"))
    assert (titles(part), part.notes, part.malformed) == (["Déjà vu", "Song", "“Ü” \u2013 5 €"], WINDOWS, ())
    account = part_of(tmp_path, encoded([heard(trackName="Déjà vu")], "cp1252"))
    assert (titles(account), account.notes) == (["Déjà vu"], WINDOWS)


@pytest.mark.parametrize(
    ("title", "encoding"),
    [
        ("Ночь", "cp1251"),
        ("Νύχτα", "cp1253"),
        ("夜に駆ける", "shift-jis"),
        ("夜空中最亮的星", "gbk"),
        ("Ночь", "koi8-r"),
    ],
)
def test_another_encoding_of_eight_bits_is_refused_and_not_guessed(tmp_path, title, encoding):
    written(tmp_path / "x" / "endsong_0.json", encoded([listen(master_metadata_track_name=title)], encoding))
    written(tmp_path / "x" / "endsong_1.json", [listen()])
    refused, part = read(tmp_path / "x")
    assert refused == Unreadable("endsong_0.json", NEITHER)
    assert len(plays(part)) == 1


def test_a_byte_that_windows_1252_does_not_have_is_refused(tmp_path):
    written(tmp_path / "x" / "endsong_0.json", encoded(CAFE, "cp1252").replace(b"\xe9", b"\x81"))
    written(tmp_path / "x" / "endsong_1.json", [listen()])
    assert read(tmp_path / "x")[0] == Unreadable("endsong_0.json", NEITHER)


def test_a_file_that_only_begins_like_utf_16_is_refused(tmp_path):
    written(tmp_path / "x" / "endsong_0.json", b"\xff\xfe[")
    written(tmp_path / "x" / "endsong_1.json", [listen()])
    assert read(tmp_path / "x")[0] == Unreadable(
        "endsong_0.json", "it starts like UTF-16 but is not valid: save it as UTF-8"
    )


def test_of_damaged_utf_8_only_the_rows_with_a_broken_byte_are_bad(tmp_path):
    """It is no Windows-1252: that would make DÃ©jÃ  vu of every other name."""
    listed = [
        *CAFE,
        listen(master_metadata_track_name="BROKEN"),
        listen(platform="BROKEN"),
        listen(user_agent="BROKEN"),
    ]
    part = part_of(tmp_path, encoded(listed, "utf-8").replace(b"BROKEN", b"caf\xe9"))
    assert titles(part) == ["Déjà vu", "Song"]
    assert part.malformed == (Malformed(3, "master_metadata_track_name is not a text"),)
    assert len(plays(part)) == 4 and plays(part)[2]["platform"] is None
    assert part.notes == (
        "not valid UTF-8 throughout: a row with a broken byte in the names of what was played is bad",
        "1 row: platform can't be read: left empty",
    )


def test_a_broken_byte_in_a_field_that_is_not_read_costs_nothing(tmp_path):
    content = encoded([*CAFE, listen(user_agent_decrypted="BROKEN")], "utf-8").replace(b"BROKEN", b"\xff")
    part = part_of(tmp_path, content)
    assert (titles(part), part.malformed, len(plays(part))) == (["Déjà vu", "Song"], (), 3)


def test_an_emoji_in_two_halves_of_three_bytes_is_one_again(tmp_path):
    halves = "".join(map(chr, (0xD83C, 0xDF88))).encode("utf-8", "surrogatepass")
    content = json.dumps([listen(master_metadata_track_name="NAME")]).encode().replace(b"NAME", halves)
    part = part_of(tmp_path, content)
    assert (titles(part), part.notes) == (["🎈"], ())


@pytest.mark.parametrize("encoding", ["escaped", "utf-8", "utf-16-le"])
def test_half_an_emoji_is_left_out_and_said(tmp_path, encoding):
    half = listen(master_metadata_track_name="a\ud83db")
    content = (
        json.dumps([half]).encode()
        if encoding == "escaped"
        else json.dumps([half], ensure_ascii=False).encode(encoding, "surrogatepass")
    )
    part = part_of(tmp_path, content)
    assert titles(part) == ["ab"]
    assert part.notes == ("1 row: master_metadata_track_name has characters that no database can store: left out",)


@pytest.mark.parametrize("first", ["cp1252", "utf-8"])
@pytest.mark.parametrize("kinds", [("account", "account"), ("account", "extended"), ("extended", "extended")])
def test_a_listen_is_the_same_in_every_encoding(first, kinds, settings, warehouse, ask, tmp_path):
    listed = {
        "account": [heard(trackName="Déjà vu", artistName="Zoë", msPlayed=200000)],
        "extended": [listen(master_metadata_track_name="Déjà vu", master_metadata_album_artist_name="Zoë")],
    }
    second = {"cp1252": "utf-8", "utf-8": "cp1252"}[first]
    for number, (kind, encoding) in enumerate(zip(kinds, (first, second), strict=True)):
        path = written(tmp_path / f"{number}.json", encoded(listed[kind], encoding))
        receipt = import_exports(settings, warehouse, [path], clock=lambda: NOW)
        assert receipt.notes == ((f"{path.name}: {WINDOWS[0]}",) if encoding == "cp1252" else ())
    assert ask("select count(*) from listening.fact_play") == [(1,)]
    assert ask("select distinct track_name from listening.dim_track where track_key <> 0") == [("Déjà vu",)]


def test_nothing_of_the_program_replaces_what_it_can_not_decode():
    """Where bytes become text. Encoding for a terminal or an ASCII header may replace; it keeps nothing. The simulated Spotify
    keeps nothing either."""
    import etl

    found = [
        line.strip()
        for path in Path(etl.__file__).parent.rglob("*.py")
        if path.parent.name != "simulator"
        for line in path.read_text("utf-8").splitlines()
        if "decode(" in line
        and ('"replace"' in line or '"ignore"' in line)
        and "encode(" not in line.partition("decode(")[0]
    ]
    assert found == []
