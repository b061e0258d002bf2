"""Spotify's data exports: found in archives and folders, read to plays, and what is odd about them named, never quoted."""

import json
import os
import struct
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import NOW, real_data
from support.export_reader import PERSONAL, URI, heard, listen, nameless, part_of, plays, read, rows, told, written

from etl.sources.exports import archives
from etl.sources.exports import rows as export_rows
from etl.sources.exports.reader import ExportError, Malformed, Unreadable, name_uri, read_exports
from etl.staging import ALBUM_COLUMNS, ARTIST_COLUMNS, TRACK_ARTIST_COLUMNS, TRACK_COLUMNS, Part

PLAY_COLUMNS = [
    "item_number", "file_number", "source", "track_uri", "played_at", "started_at", "ms_played", "platform",
    "reason_start", "reason_end", "is_shuffle", "is_skipped", "is_offline", "is_private", "country_code",
]  # fmt: skip


def zipped(path: Path, files: Mapping[str, object], packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, told in files.items():
            archive.writestr(name, told if isinstance(told, bytes) else json.dumps(told))
    return path


# Rows.


def test_a_listen_of_the_extended_history_becomes_a_whole_row(tmp_path):
    assert plays(part_of(tmp_path, [listen()])) == [
        {
            "item_number": 0, "file_number": 0, "source": "extended_export", "track_uri": URI,
            "played_at": "2024-08-29T14:48:46Z", "started_at": "2024-08-29T14:45:25Z", "ms_played": 200000,
            "platform": "ios", "reason_start": "clickrow", "reason_end": "trackdone", "is_shuffle": True,
            "is_skipped": False, "is_offline": False, "is_private": False, "country_code": "AT",
        }
    ]  # fmt: skip


def test_a_listen_of_the_account_data_is_known_by_its_names_alone(tmp_path):
    part = part_of(tmp_path, [heard()])
    assert plays(part) == [
        dict.fromkeys(PLAY_COLUMNS)
        | {
            "item_number": 0, "file_number": 0, "source": "account_export", "track_uri": "name:track:Ann:Song",
            "played_at": "2024-08-29T14:48:00Z", "ms_played": 200000,
        }
    ]  # fmt: skip
    assert told(part.tables["staging_track"]) == [
        {"track_uri": "name:track:Ann:Song", "track_name": "Song", "content_type": "track", "album_artist_name": "Ann"}
    ]


COLUMNS = {
    "staging_play": PLAY_COLUMNS,
    "staging_track": list(TRACK_COLUMNS),
    "staging_album": list(ALBUM_COLUMNS),
    "staging_artist": list(ARTIST_COLUMNS),
    "staging_track_artist": list(TRACK_ARTIST_COLUMNS),
}


@pytest.mark.parametrize("listed", [[listen()], [heard()], [nameless()]])
def test_each_table_has_the_columns_of_its_staging_table_all_of_one_length(tmp_path, listed):
    tables: dict[str, Any] = {**part_of(tmp_path, listed).tables}
    assert {name: list(table.columns) for name, table in tables.items()} == COLUMNS
    assert all({len(table[name]) for name in table.columns} == {len(table)} for table in tables.values())


def test_music_brings_its_track_album_and_artist_along(tmp_path):
    tables = part_of(tmp_path, [listen()]).tables
    assert {name: told(table) for name, table in tables.items() if name != "staging_play"} == {
        "staging_artist": [{"artist_name": "Ann"}],
        "staging_album": [{"album_name": "Album", "album_artist_name": "Ann"}],
        "staging_track": [
            {
                "track_id": "t" * 22, "track_uri": URI, "track_name": "Song", "content_type": "track",
                "album_name": "Album", "album_artist_name": "Ann",
            }
        ],
        "staging_track_artist": [
            {"track_uri": URI, "artist_name": "Ann", "position": 1, "role": "main", "weight": 1.0}
        ],
    }  # fmt: skip


EPISODE = "spotify:episode:" + "e" * 22
CHAPTER = "spotify:episode:" + "c" * 22
LOCAL = "spotify:local:Ann:Album:Song:200"
spoken = {"spotify_episode_uri": EPISODE, "episode_name": "One", "episode_show_name": "Show"}
read_out = {"audiobook_chapter_uri": CHAPTER, "audiobook_chapter_title": "One", "audiobook_title": "Book"}


@pytest.mark.parametrize(
    ("row", "uri", "content_type", "track_id", "album", "artists"),
    [
        (nameless(**spoken), EPISODE, "episode", "e" * 22, {"album_name": "Show", "album_type": "show"}, []),
        (nameless(**read_out), CHAPTER, "chapter", "c" * 22, {"album_name": "Book", "album_type": "audiobook"}, []),
        (listen(spotify_track_uri=LOCAL), LOCAL, "local", None, {"album_name": "Album", "album_artist_name": "Ann"}, ["Ann"]),
        (listen(spotify_track_uri=None), "name:track:Ann:Song", "track", None, {"album_name": "Album", "album_artist_name": "Ann"}, ["Ann"]),
        (listen(spotify_track_uri="spotify:local:" + "x" * 500), "name:track:Ann:Song", "track", None, {"album_name": "Album", "album_artist_name": "Ann"}, ["Ann"]),
        (listen(spotify_track_uri="https://x"), "name:track:Ann:Song", "track", None, {"album_name": "Album", "album_artist_name": "Ann"}, ["Ann"]),
        (nameless(**{**spoken, "spotify_episode_uri": None}), "name:episode:Show:One", "episode", None, {"album_name": "Show", "album_type": "show"}, []),
        (nameless(**{**read_out, "audiobook_chapter_uri": ""}), "name:chapter:Book:One", "chapter", None, {"album_name": "Book", "album_type": "audiobook"}, []),
        (nameless(spotify_track_uri=URI), URI, "track", "t" * 22, None, []),
        ({"endTime": "2024-08-29 14:48", "msPlayed": 1, "podcastName": "Show", "episodeName": "One"}, "name:episode:Show:One", "episode", None, {"album_name": "Show", "album_type": "show"}, []),
        ({"endTime": "2024-08-29 14:48", "msPlayed": 1, "audiobookName": "Book", "chapterName": "One", "authorName": "Ben"}, "name:chapter:Book:One", "chapter", None, {"album_name": "Book", "album_artist_name": "Ben", "album_type": "audiobook"}, ["Ben"]),
    ],
)  # fmt: skip
def test_what_was_played_is_known_by_its_uri_or_else_by_its_names(
    tmp_path, row, uri, content_type, track_id, album, artists
):
    part = part_of(tmp_path, [row])
    assert [play["track_uri"] for play in plays(part)] == [uri]
    [track] = rows(part.tables["staging_track"])
    assert (track["track_uri"], track["content_type"], track["track_id"]) == (uri, content_type, track_id)
    assert told(part.tables["staging_album"]) == ([album] if album else [])
    assert [artist["artist_name"] for artist in rows(part.tables["staging_artist"])] == artists
    is_music = content_type in ("track", "local")
    assert [by["artist_name"] for by in rows(part.tables["staging_track_artist"])] == (artists if is_music else [])
    assert (part.podcast_count, part.unnamed_count) == (content_type == "episode", 0)


@pytest.mark.parametrize(
    "row",
    [
        nameless(),
        nameless(spotify_track_uri="", episode_name=""),
        {"ts": "2024-08-29T14:48:46Z", "ms_played": 1},
        heard(artistName="Unknown Artist", trackName="Unknown Track"),
        {"endTime": "2024-08-29 14:48", "msPlayed": 1},
    ],
)
def test_a_listen_to_nothing_that_has_a_name_is_kept(tmp_path, row):
    part = part_of(tmp_path, [row])
    assert [play["track_uri"] for play in plays(part)] == [None]
    assert part.unnamed_count == 1
    assert [len(table) for table in part.tables.values()] == [1, 0, 0, 0, 0]


def test_only_both_names_unknown_are_no_name(tmp_path):
    part = part_of(tmp_path, [heard(artistName="Unknown Artist"), heard(trackName="Unknown Track")])
    assert [play["track_uri"] for play in plays(part)] == [
        "name:track:Unknown%20Artist:Song",
        "name:track:Ann:Unknown%20Track",
    ]


@pytest.mark.parametrize(
    ("stamp", "start"),
    [
        (1724942725, "2024-08-29T14:45:25Z"),
        (1724942725910, "2024-08-29T14:45:25.910Z"),
        (1724942725000, "2024-08-29T14:45:25Z"),
        (1725029326, "2024-08-30T14:48:46Z"),  # a day after the end
        (1725029327, None),
        (1693320526, "2023-08-29T14:48:46Z"),  # 366 days before it
        (1693320525, None),
        (0, None),
        (1, None),
        (-1724942725, None),
        (10**8, None),
        (10**11, None),
        (10**30, None),
        (None, None),
        ("1724942725", None),
        (True, None),
        ([], None),
    ],
)
def test_a_start_is_told_in_seconds_or_milliseconds_or_not_at_all(tmp_path, stamp, start):
    part = part_of(tmp_path, [listen(offline_timestamp=stamp)])
    assert [play["started_at"] for play in plays(part)] == [start]
    assert part.malformed == ()


def test_a_start_before_spotify_is_none(tmp_path):
    part = part_of(tmp_path, [listen(ts="2006-01-02T00:00:00Z", offline_timestamp=1136073599)])
    assert [play["started_at"] for play in plays(part)] == [None]
    part = part_of(tmp_path, [listen(ts="2006-01-02T00:00:00Z", offline_timestamp=1136073600)])
    assert [play["started_at"] for play in plays(part)] == ["2006-01-01T00:00:00Z"]


@pytest.mark.parametrize(
    ("key", "value", "column", "kept"),
    [
        ("reason_start", "", "reason_start", None),
        ("reason_end", "", "reason_end", None),
        ("reason_end", 5, "reason_end", None),
        ("platform", "x" * 300, "platform", "x" * 200),
        ("platform", "a\x00b", "platform", "ab"),
        ("platform", {"os": "secret"}, "platform", None),
        ("conn_country", "ZZ", "country_code", None),
        ("conn_country", "Austria", "country_code", None),
        ("conn_country", 43, "country_code", None),
        ("shuffle", None, "is_shuffle", None),
        ("shuffle", "perhaps", "is_shuffle", None),
        ("skipped", 2, "is_skipped", None),
        ("offline", True, "is_offline", True),
        ("incognito_mode", [], "is_private", None),
        ("incognito_mode", True, "is_private", True),
    ],
)
def test_an_odd_value_that_a_listen_can_do_without_is_none_and_the_listen_stays(tmp_path, key, value, column, kept):
    part = part_of(tmp_path, [listen(**{key: value})])
    assert [(play[column], play["track_uri"], play["ms_played"]) for play in plays(part)] == [(kept, URI, 200000)]
    assert part.malformed_count == 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (listen(ts=None), "ts is missing"),
        ({"ms_played": 1}, "ts is missing"),
        (listen(ts=172494292), "ts is not a UTC time since 2006"),
        (listen(ts="NaT"), "ts is not a UTC time since 2006"),
        (listen(ts="0000-01-01T00:00:00Z"), "ts is not a UTC time since 2006"),
        (listen(ts="secret"), "ts is not a UTC time since 2006"),
        (listen(ts="2024-08-29T14:48:46"), "ts is not a UTC time since 2006"),
        (listen(ts="2024-02-30T14:48:46Z"), "ts is not a UTC time since 2006"),
        (listen(ts="2024-08-29T14:48:46Zsecret"), "ts is not a UTC time since 2006"),
        (listen(ts="2005-12-31T23:59:59Z"), "ts is not a UTC time since 2006"),
        (listen(ts="2026-11-21T09:20:01Z"), "ts is not a UTC time since 2006"),
        (listen(ts="0001-01-01T00:00:00+14:00"), "ts is not a UTC time since 2006"),
        ({"ts": "2024-08-29T14:48:46Z"}, "ms_played is missing"),
        (listen(ms_played=None), "ms_played is missing"),
        (listen(ms_played=None, brapped_source="account_export"), "ms_played is missing"),
        (listen(brapped_source="hearsay"), "brapped_source is not a known source"),
        (listen(ms_played=-1), "ms_played is not a whole number from 0 to 2147483647"),
        (listen(ms_played=2**31), "ms_played is not a whole number from 0 to 2147483647"),
        (listen(ms_played=10**40), "ms_played is not a whole number from 0 to 2147483647"),
        (listen(ms_played=1.5), "ms_played is not a whole number from 0 to 2147483647"),
        (listen(ms_played=float("nan")), "ms_played is not a whole number from 0 to 2147483647"),
        (listen(ms_played="200000"), "ms_played is not a whole number from 0 to 2147483647"),
        (listen(ms_played=True), "ms_played is not a whole number from 0 to 2147483647"),
        (listen(spotify_track_uri=5), "spotify_track_uri is not a text"),
        (listen(master_metadata_track_name=["secret"]), "master_metadata_track_name is not a text"),
        (nameless(episode_name={"a": 1}), "episode_name is not a text"),
        (heard(), "it is a row of the other kind of export"),
        ("secret", "it is not a JSON object"),
        (None, "it is not a JSON object"),
        ([listen()], "it is not a JSON object"),
    ],
)
def test_a_malformed_row_is_named_and_the_rest_goes_in(tmp_path, row, reason):
    part = part_of(tmp_path, [listen(ms_played=1), row, listen(ms_played=3)])
    assert part.malformed == (Malformed(2, reason),)
    assert (part.row_count, part.malformed_count, part.kind) == (3, 1, "extended_export")
    assert [(play["item_number"], play["ms_played"]) for play in plays(part)] == [(0, 1), (1, 3)]
    assert "secret" not in repr(part)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (heard(endTime="2024-08-29 14"), "endTime is not a UTC time since 2006"),
        (heard(endTime="2024-08-29"), "endTime is not a UTC time since 2006"),
        (heard(endTime="2024-08-29 25:00"), "endTime is not a UTC time since 2006"),
        (heard(endTime="2004-08-29 14:48"), "endTime is not a UTC time since 2006"),
        (heard(endTime=0), "endTime is not a UTC time since 2006"),
        (heard(msPlayed="1"), "msPlayed is not a whole number from 0 to 2147483647"),
        (heard(trackName=True), "trackName is not a text"),
        (listen(), "it is a row of the other kind of export"),
    ],
)
def test_a_malformed_row_of_the_account_data_is_named_too(tmp_path, row, reason):
    part = part_of(tmp_path, [heard(msPlayed=1), row])
    assert part.malformed == (Malformed(2, reason),)
    assert [(play["ms_played"], play["played_at"]) for play in plays(part)] == [(1, "2024-08-29T14:48:00Z")]


def test_of_many_malformed_rows_the_first_are_named_and_all_counted(tmp_path):
    part = part_of(tmp_path, [listen(), *[listen(ts="soon")] * 25])
    assert [odd.row_number for odd in part.malformed] == list(range(2, 22))
    assert (part.row_count, part.malformed_count) == (26, 25)


@pytest.mark.parametrize("ms", [0, 1.0, 2**31 - 1])
def test_any_whole_length_is_a_length(tmp_path, ms):
    [play] = plays(part_of(tmp_path, [listen(ms_played=ms)]))
    assert play["ms_played"] == int(ms) and type(play["ms_played"]) is int


@pytest.mark.parametrize(
    ("ts", "text"),
    [
        ("2024-08-29T14:48:46.123Z", "2024-08-29T14:48:46.123Z"),
        ("2024-08-29T16:48:46+02:00", "2024-08-29T14:48:46Z"),
        ("2006-01-01T00:00:00Z", "2006-01-01T00:00:00Z"),
        ("2026-11-21T09:20:00Z", "2026-11-21T09:20:00Z"),
    ],
)
def test_moments_come_out_in_utc(tmp_path, ts, text):
    part = part_of(tmp_path, [listen(ts=ts, offline_timestamp=None)])
    assert [play["played_at"] for play in plays(part)] == [text]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_where_the_clock_here_stands_makes_no_difference(tmp_path, zone):
    ends = ["2026-11-21T09:20:00Z", "2026-11-21T09:20:01Z"]  # a day ahead, and a second more
    parts = [part_of(tmp_path, [listen(ts=end)], now=NOW.astimezone(ZoneInfo(zone))) for end in ends]
    assert [part.malformed_count for part in parts] == [0, 1]


def test_rows_of_the_first_generation_are_read(tmp_path):
    """endsong files: an IP and a user agent in the clear, no audiobooks, milliseconds, skipped unknown."""
    old = {
        "ts": "2014-03-01T08:00:00Z", "username": "secret", "platform": "Android OS 4.4 API 19", "ms_played": 1000,
        "conn_country": "AT", "ip_addr_decrypted": "secret", "user_agent_decrypted": "secret",
        "master_metadata_track_name": "Song", "master_metadata_album_artist_name": "Ann",
        "master_metadata_album_album_name": "Album", "reason_start": "fwdbtn", "reason_end": "fwdbtn", "shuffle": False,
        "skipped": None, "offline": None, "offline_timestamp": 1393660798123, "incognito_mode": False,
    }  # fmt: skip
    [play] = plays(part_of(tmp_path, [old]))
    assert (play["track_uri"], play["is_skipped"], play["is_offline"]) == ("name:track:Ann:Song", None, None)
    assert play["started_at"] == "2014-03-01T07:59:58.123Z"


def test_old_account_files_mix_kinds_row_by_row(tmp_path):
    podcast = {"endTime": "2024-08-29 14:49", "podcastName": "Show", "episodeName": "One", "msPlayed": 1}
    part = part_of(tmp_path, [podcast, heard(), podcast])
    assert [play["track_uri"] for play in plays(part)] == [
        "name:episode:Show:One",
        "name:track:Ann:Song",
        "name:episode:Show:One",
    ]
    assert (part.podcast_count, len(part.tables["staging_track"])) == (2, 2)


def test_members_are_told_once_over_all_files_and_a_new_name_is_a_new_row(tmp_path):
    """Once a track has two names, each is staged with the date of its latest play, so that the latest stands."""
    first = written(tmp_path / "a.json", [listen(), listen()])
    renamed = listen(master_metadata_track_name="Song (Live)")
    second = written(tmp_path / "b.json", [listen(), renamed, nameless(**spoken), nameless(**spoken)])
    parts = read(first, second)
    names = [[(row["track_name"], row["named_at"]) for row in rows(part.tables["staging_track"])] for part in parts]
    at = listen()["ts"]
    assert names == [[("Song", None)], [("Song (Live)", None), ("One", None), ("Song (Live)", at), ("Song", at)]]
    assert [len(part.tables["staging_track_artist"]) for part in parts] == [1, 0]
    assert [len(part.tables["staging_artist"]) for part in parts] == [1, 0]
    assert [row["album_name"] for part in parts for row in rows(part.tables["staging_album"])] == ["Album", "Show"]


def test_two_episodes_without_music_are_not_taken_for_each_other(tmp_path):
    for uri in (None, "", "nonsense"):
        one = nameless(spotify_track_uri=uri, spotify_episode_uri=None, episode_name="One", episode_show_name="Show")
        part = part_of(tmp_path, [one, {**one, "episode_name": "Two"}])
        assert [play["track_uri"] for play in plays(part)] == ["name:episode:Show:One", "name:episode:Show:Two"]


def test_texts_hold_nothing_that_postgres_can_not(tmp_path):
    raw = json.dumps(
        [listen(master_metadata_track_name="NAME"), listen(master_metadata_track_name='😀 “é” \\ \n, "q"')]
    )
    odd = raw.replace("NAME", r"a\u0000b\ud83d c\udc00").encode()
    part = part_of(tmp_path, odd)
    titles = [row["track_name"] for row in rows(part.tables["staging_track"]) if row["named_at"] is None]
    assert titles == ["ab c", '😀 “é” \\ \n, "q"']
    assert part.malformed_count == 0


def test_a_byte_that_is_no_utf8_is_read_as_windows_1252(tmp_path):
    part = part_of(
        tmp_path,
        json.dumps([listen(), listen(master_metadata_track_name="NAME")]).encode().replace(b"NAME", b"caf\xe9"),
    )
    titles = [row["track_name"] for row in rows(part.tables["staging_track"]) if row["named_at"] is None]
    assert titles == ["Song", "café"]
    assert part.notes == ("read as Windows-1252: it is not UTF-8",)


def test_a_line_break_within_a_text_costs_no_row(tmp_path):
    part = part_of(tmp_path, json.dumps([listen(master_metadata_track_name="NAME")]).encode().replace(b"NAME", b"a\nb"))
    assert [row["track_name"] for row in rows(part.tables["staging_track"])] == ["a\nb"]


def test_long_names_stay_whole_up_to_what_an_index_holds(tmp_path):
    title, album, artist = "t" * 300, "😀" * 400, "a" * 300
    row = listen(
        master_metadata_track_name=title,
        master_metadata_album_album_name=album,
        master_metadata_album_artist_name=artist,
        spotify_track_uri=None,
    )
    [track] = rows(part_of(tmp_path, [row]).tables["staging_track"])
    assert (track["track_name"], track["album_name"], track["album_artist_name"]) == (title, "😀" * 300, artist)
    assert track["track_uri"] == name_uri("track", artist, title)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_that_an_editor_saved_anew_is_read(tmp_path, encoding):
    told_again = json.dumps([listen(master_metadata_track_name="é")], ensure_ascii=False).encode(encoding)
    [track] = rows(part_of(tmp_path, told_again).tables["staging_track"])
    assert track["track_name"] == "é"


def test_personal_fields_never_leave_the_reader(tmp_path):
    for odd in ({}, {"shuffle": "odd"}):  # read at once, and row by row
        part = part_of(tmp_path, [listen(**odd)])
        everything = repr(part) + repr([rows(table) for table in part.tables.values()])
        assert "secret" not in everything
        assert "Song" not in repr(part) and "staging" not in repr(part)


def test_personal_fields_are_dropped_while_an_odd_file_is_parsed(tmp_path, monkeypatch):
    rows_found: list[dict] = []

    def read_row_by_row(rows: list[dict], latest: datetime, sources: Mapping[str, bool]) -> export_rows.Rows:
        rows_found.extend(rows)
        return real(rows, latest, sources)

    real = export_rows.read_row_by_row
    monkeypatch.setattr(export_rows, "read_row_by_row", read_row_by_row)
    part_of(tmp_path, [listen(ts="odd"), listen()])
    assert len(rows_found) == 2 and PERSONAL.keys() & {key for row in rows_found for key in row} == set()


def test_private_listens_are_left_out_when_asked(tmp_path):
    listed = [
        listen(ms_played=1),
        listen(ms_played=2, incognito_mode=True, spotify_track_uri="spotify:track:" + "p" * 22),
        listen(ms_played=3, incognito_mode=None, ts="2024-08-29T14:50:00Z"),
    ]
    part = part_of(tmp_path, listed, without_private=True)
    assert [(play["item_number"], play["ms_played"], play["played_at"]) for play in plays(part)] == [
        (0, 1, "2024-08-29T14:48:46Z"),
        (1, 3, "2024-08-29T14:50:00Z"),
    ]
    assert (part.row_count, part.private_count) == (3, 1)
    assert [row["track_uri"] for row in rows(part.tables["staging_track"])] == [URI]
    kept = part_of(tmp_path, listed)
    assert (len(plays(kept)), kept.private_count) == (3, 0)


def test_what_was_private_is_left_out_of_the_account_data_too(tmp_path):
    """It tells the same listens, but not that they were private. Whichever file is read first."""
    written(tmp_path / "a" / "StreamingHistory_music_0.json", [heard(), heard(trackName="Other"), heard(msPlayed=7)])
    played = {
        "master_metadata_track_name": heard()["trackName"],
        "master_metadata_album_artist_name": heard()["artistName"],
    }
    at = f"{heard()['endTime'].replace(' ', 'T')}:59Z"
    private = listen(**played, ts=at, ms_played=heard()["msPlayed"], incognito_mode=True)
    written(tmp_path / "b" / "endsong_0.json", [private, listen(**played, ts=at, ms_played=8)])
    account, extended = read(tmp_path, without_private=True)
    assert (account.row_count, account.private_count, len(plays(account))) == (3, 1, 2)
    assert (extended.row_count, extended.private_count, len(plays(extended))) == (2, 1, 1)
    assert heard()["trackName"] in [row["track_name"] for row in rows(account.tables["staging_track"])]
    account, extended = read(tmp_path)
    assert (account.private_count, extended.private_count) == (0, 0)


def test_a_name_uri_is_made_of_names():
    assert name_uri("track", "Ann & Ben", "A: Song/é") == "name:track:Ann%20%26%20Ben:A%3A%20Song%2F%C3%A9"
    assert name_uri("episode", "Show", None) == "name:episode:Show:"
    assert name_uri("track", "a:b", "c") != name_uri("track", "a", "b:c")
    assert name_uri("track", "a\x00\ud83d", "b") == "name:track:a:b"


def test_a_long_name_uri_is_short_and_still_its_own():
    long = [name_uri("track", "a" * 300, "é" * 300 + last) for last in ("x", "y")]
    assert len(set(long)) == 2 and max(map(len, long)) <= 500
    assert long[0] == name_uri("track", "a" * 300, "é" * 300 + "x")
    assert name_uri("track", "a", "b" * 487) == "name:track:a:" + "b" * 487
    assert name_uri("track", "a", "b" * 488) != "name:track:a:" + "b" * 488


# Files.


def test_files_are_known_by_what_is_in_them(tmp_path):
    folder = tmp_path / "MyData"
    written(folder / "endsong_0.json", [heard()])
    written(folder / "Identity.json", {"displayName": "Ann"})
    written(folder / "StreamingHistory1.JSON", [listen()])
    written(folder / "YourLibrary.json", {"tracks": [{"artist": "Ann"}], "ms_played": 1})
    written(folder / "SearchQueries.json", [{"searchQuery": '"ms_played" "ts"'}])
    written(folder / "Playlist1.json", [])
    written(folder / "broken.json", b'{"a": ')
    written(folder / "notes.txt", [listen()])
    written(folder / "sub" / "x.json", [listen(), listen()])
    assert [(part.name, part.kind, part.row_count) for part in read(folder)] == [
        ("StreamingHistory1.JSON", "extended_export", 1),
        ("endsong_0.json", "account_export", 1),
        ("sub/x.json", "extended_export", 2),
    ]


def test_files_come_in_the_order_of_their_names(tmp_path):
    names = [f"{folder}/{number}.json" for folder in "dbeca" for number in (2, 1)]
    for name in names:
        written(tmp_path / "x" / name, [listen()])
    assert [part.name for part in read(tmp_path / "x")] == sorted(names)
    archive = zipped(tmp_path / "a.zip", {name: [listen()] for name in names})
    assert [part.name for part in read(archive)] == sorted(names)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("StreamingHistory_podcast_0.json", "account_export"),
        ("StreamingHistory0.json", "account_export"),
        ("Streaming_History_Audio_2024.json", "extended_export"),
        ("endsong_1.json", "extended_export"),
        ("endvideo.json", "extended_export"),
    ],
)
def test_an_empty_history_is_a_part_without_rows(tmp_path, name, kind):
    [part] = read(written(tmp_path / "x" / name, []).parent)
    assert (part.kind, part.row_count, len(plays(part))) == (kind, 0, 0)
    assert {key: list(table.columns) for key, table in part.tables.items()} == COLUMNS


whole = json.dumps([listen(), listen()]).encode()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("endsong_0.json", whole[:-20], "it is incomplete, or not JSON"),
        ("any.json", whole[:-20], "it is incomplete, or not JSON"),
        ("endsong_0.json", b"", "it is incomplete, or not JSON"),
        ("endsong_0.json", b"<html>", "it is incomplete, or not JSON"),
        ("endsong_0.json", b"[" * 200000, "it is incomplete, or not JSON"),
        ("endsong_0.json", b"{}", "its rows are not those of a listening history"),
        ("endsong_0.json", b"[1, 2]", "its rows are not those of a listening history"),
    ],
)
def test_a_broken_history_is_named_and_the_rest_goes_on(tmp_path, name, content, reason):
    written(tmp_path / "x" / name, content)
    written(tmp_path / "x" / "z.json", [listen()])
    broken, part = read(tmp_path / "x")
    assert broken == Unreadable(name, reason)
    assert (part.row_count, plays(part)[0]["item_number"], plays(part)[0]["file_number"]) == (1, 0, 0)


@pytest.mark.parametrize("content", [{"a": 1}, [], [{"ts": 1}], b"nonsense"])
def test_a_file_named_by_the_person_is_never_passed_over(tmp_path, content):
    [unreadable] = read(written(tmp_path / "mine.json", content))
    assert isinstance(unreadable, Unreadable) and unreadable.name == "mine.json"


def test_a_path_that_is_not_there_is_an_error_before_anything_is_read(tmp_path):
    there = written(tmp_path / "a.json", [listen()])
    with pytest.raises(ExportError, match=r"no file or folder .*gone\.zip"):
        next(iter(read_exports([there, tmp_path / "gone.zip"], now=NOW)))


def test_finding_nothing_at_all_is_an_error_that_says_what_was_looked_for(tmp_path):
    zipped(tmp_path / "a.zip", {"Playlist1.json": [], "Identity.json": {}})
    with pytest.raises(ExportError, match=r"ts and ms_played .* endTime and msPlayed"):
        read(tmp_path)


def test_both_packages_are_read_together_each_file_once(tmp_path):
    extended = zipped(tmp_path / "my_spotify_data.zip", {
        "Spotify Extended Streaming History/Streaming_History_Audio_2024.json": [listen(), listen()],
        "Spotify Extended Streaming History/ReadMeFirst.pdf": b"%PDF",
        "__MACOSX/Spotify Extended Streaming History/._Streaming_History_Audio_2024.json": [listen()],
        "__MACOSX/a.json": [listen()],
        "._a.json": [listen()],
    })  # fmt: skip
    folder = tmp_path / "deep"
    account = written(folder / "Spotify Account Data" / "StreamingHistory_music_0.json", [heard()])
    written(folder / "Spotify Account Data" / "._StreamingHistory_music_1.json", [heard()])
    zipped(folder / "old.ZIP", {"MyData/endsong_0.json": [listen()], "MyData/endsong_1.json": [listen()]})
    parts = read(extended, folder, account, extended)
    assert [(part.package, part.name, part.kind) for part in parts] == [
        (f"{extended.name}/Spotify Extended Streaming History", "Spotify Extended Streaming History/Streaming_History_Audio_2024.json", "extended_export"),
        ("deep/old.ZIP/MyData", "old.ZIP/MyData/endsong_0.json", "extended_export"),
        ("deep/old.ZIP/MyData", "old.ZIP/MyData/endsong_1.json", "extended_export"),
        ("deep/Spotify Account Data", "Spotify Account Data/StreamingHistory_music_0.json", "account_export"),
    ]  # fmt: skip
    assert [play["item_number"] for play in plays(*parts)] == [0, 1, 2, 3, 4]
    assert [play["file_number"] for play in plays(*parts)] == [0, 0, 1, 2, 3]


def test_a_package_is_named_without_where_it_lies(tmp_path, monkeypatch):
    """A path has the name of a person in it, more often than not."""
    monkeypatch.chdir(tmp_path)
    zipped(Path("a.zip"), {"endsong_0.json": [listen()]})
    written(Path("b.json"), [listen()])
    assert [part.package for part in read(Path("a.zip"), Path("b.json"), Path())] == ["a.zip", "."]


def test_an_archive_is_known_by_what_it_is(tmp_path):
    [part] = read(zipped(tmp_path / "download", {"a.json": [listen()]}))
    assert part.name == "a.json"


def test_reading_again_tells_the_same(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.json": [listen()], "b.json": [listen(), heard()]})
    once, again = read(path), read(path)
    assert plays(*once) == plays(*again)
    assert (
        [len(part.tables["staging_track"]) for part in once]
        == [len(part.tables["staging_track"]) for part in again]
        == [1, 0]
    )


def test_progress_counts_unpacked_bytes_up_to_all_of_them(tmp_path):
    sizes = {"a.json": [listen()] * 50, "b.json": {"no": "history"}, "c.json": [heard()]}
    path = zipped(tmp_path / "a.zip", sizes)
    alone = written(tmp_path / "d.json", [listen()])
    seen: list[tuple[int, int]] = []
    read(path, alone, progress=lambda done, total: seen.append((done, total)))
    lengths = [len(json.dumps(content)) for content in [*sizes.values(), [listen()]]]
    assert seen == [(sum(lengths[:count]), sum(lengths)) for count in range(5)]


def test_one_file_is_in_memory_at_a_time(tmp_path):
    listed = [listen(ts=f"2024-08-29T14:{number // 60:02}:{number % 60:02}Z") for number in range(3000)]
    path = zipped(tmp_path / "a.zip", {f"{number}.json": listed for number in range(8)})
    peaks = []
    tracemalloc.start()
    try:
        for part in read_exports([path], now=NOW):
            peaks.append(tracemalloc.get_traced_memory()[1])
            assert isinstance(part, Part) and part.row_count == 3000
            del part
    finally:
        tracemalloc.stop()
    assert peaks[-1] < 1.5 * peaks[0]


# Archives that can't be trusted.

GOOD = {"good.json": [listen()]}


def unreadable_in(path: Path) -> Unreadable:
    """The one thing that could not be read; the good file beside it was."""
    odd = [one for one in read(path) if isinstance(one, Unreadable)]
    assert [one.name for one in read(path) if isinstance(one, Part)] == ["good.json"]
    assert len(odd) == 1
    return odd[0]


@pytest.mark.parametrize(
    "name", ["../up.json", "a/../../up.json", "/etc/up.json", "..\\up.json", "C:/up.json", "C:\\up.json"]
)
def test_an_entry_that_leads_out_of_its_archive_is_not_opened(tmp_path, name):
    odd = unreadable_in(zipped(tmp_path / "a.zip", {name: [listen()], **GOOD}))
    assert odd == Unreadable(name.replace("\\", "/"), "its path leads out of the archive")


def test_a_name_that_would_upset_a_terminal_is_shown_without_it(tmp_path):
    [part] = read(zipped(tmp_path / "a.zip", {"\x1b[31mendsong\n.json": [listen()]}))
    assert part.name == "?[31mendsong?.json"


def test_an_archive_cut_short_is_named(tmp_path):
    cut = zipped(tmp_path / "cut.zip", {"a.json": [listen()] * 100})
    written(cut, cut.read_bytes()[:-30])
    assert read(cut) == [
        Unreadable("cut.zip", "it is not a complete zip archive: it is damaged, or its download was interrupted")
    ]


def test_an_archive_in_a_folder_that_is_none_is_named_and_the_rest_goes_on(tmp_path):
    written(tmp_path / "x" / "cut.zip", b"PK\x03\x04")
    written(tmp_path / "x" / "good.json", [listen()])
    assert unreadable_in(tmp_path / "x").name == "cut.zip"


def test_an_archive_within_an_archive_is_named(tmp_path):
    inner = zipped(tmp_path / "inner.zip", GOOD).read_bytes()
    odd = unreadable_in(zipped(tmp_path / "a.zip", {"inner.zip": inner, **GOOD}))
    assert odd == Unreadable("inner.zip", "it is an archive within an archive: unpack the outer one first")


def changed(path: Path, name: str, *, offset: int, value: bytes, everywhere: bool = True) -> Path:
    """The archive with bytes of an entry's headers replaced, counted from its flags, as they stand in both."""
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = archive.getinfo(name).header_offset + 6
    central = content.rindex(name.encode()) - 46 + 8
    for start in [local, central] if everywhere else [central]:
        content[start + offset : start + offset + len(value)] = value
    return written(path, bytes(content))


def test_an_encrypted_entry_is_named(tmp_path):
    path = changed(
        zipped(tmp_path / "a.zip", {"locked.json": [listen()], **GOOD}), "locked.json", offset=0, value=b"\x01"
    )
    assert unreadable_in(path) == Unreadable("locked.json", "it is encrypted")


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_can_not_be_unpacked_up_to_a_limit_is_refused(tmp_path, packing):
    path = zipped(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("odd.json", json.dumps([listen()]), packing)
    assert unreadable_in(path) == Unreadable("odd.json", "its compression method is not supported")


def test_an_entry_whose_checksum_is_wrong_is_named(tmp_path):
    path = zipped(tmp_path / "a.zip", {"bad.json": [listen()], **GOOD}, zipfile.ZIP_STORED)
    written(path, path.read_bytes().replace(b"2024-08-29", b"2023-08-29", 1))
    assert unreadable_in(path) == Unreadable("bad.json", "it is damaged within its archive")


def test_an_entry_that_is_no_deflate_stream_is_named(tmp_path):
    path = zipped(tmp_path / "a.zip", {"bad.json": [listen()] * 9, **GOOD})
    content = path.read_bytes()
    written(path, content[:38] + b"\xff" * 20 + content[58:])
    assert unreadable_in(path) == Unreadable("bad.json", "it is damaged within its archive")


def test_an_entry_that_bursts_is_not_unpacked(tmp_path):
    bomb = b"[" + b" " * (archives.BOMB_SIZE + 1) + b"]"
    odd = unreadable_in(zipped(tmp_path / "a.zip", {"endsong_0.json": bomb, **GOOD}))
    assert odd == Unreadable("endsong_0.json", "it unpacks to more than any export does, as in a zip bomb")


def test_an_entry_is_never_unpacked_beyond_what_it_declares(tmp_path):
    size = 64 * archives.MIB
    path = zipped(tmp_path / "a.zip", {"liar.json": b"[" + b" " * size + b"]", **GOOD})
    changed(path, "liar.json", offset=16, value=struct.pack("<L", 1000))
    tracemalloc.start()
    try:
        odd = unreadable_in(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert odd == Unreadable("liar.json", "it is damaged within its archive")
    assert peak < size / 8


def test_an_entry_that_holds_less_than_it_declares_is_damaged(tmp_path):
    path = zipped(tmp_path / "a.zip", {"liar.json": [listen()], **GOOD})
    changed(path, "liar.json", offset=16, value=struct.pack("<L", 100000))
    assert unreadable_in(path) == Unreadable("liar.json", "it is damaged within its archive")


def test_entries_that_overlap_are_those_of_an_archive_made_to_burst(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.json": [listen()], **GOOD})
    changed(path, "a.json", offset=12, value=struct.pack("<L", 10**6), everywhere=False)
    assert read(path) == [Unreadable("a.zip", "its entries overlap, as in a zip bomb")]


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST_FILE", archives.MIB)
    large = [listen()] * 2000
    path = zipped(tmp_path / "x.zip", {"large.json": large, **GOOD})
    assert unreadable_in(path) == Unreadable("large.json", "it is larger than 1 MiB")
    written(tmp_path / "x" / "large.json", large)
    written(tmp_path / "x" / "good.json", [listen()])
    assert unreadable_in(tmp_path / "x") == Unreadable("large.json", "it is larger than 1 MiB")


def test_links_do_not_lead_out_of_a_folder(tmp_path):
    outside = written(tmp_path / "outside" / "endsong_0.json", [listen()])
    folder = tmp_path / "x"
    written(folder / "good.json", [listen()])
    (folder / "linked").symlink_to(outside.parent)
    (folder / "round").symlink_to(folder)
    (folder / "endsong_9.json").symlink_to(outside)
    assert unreadable_in(folder) == Unreadable("endsong_9.json", "it is a link that leads out of the folder")


def test_what_is_no_regular_file_is_named_and_not_waited_for(tmp_path):
    written(tmp_path / "x" / "good.json", [listen()])
    os.mkfifo(tmp_path / "x" / "pipe.json")
    assert unreadable_in(tmp_path / "x") == Unreadable("pipe.json", "it is not a regular file")


# Anything.

scalars = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=6)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)
KEYS = [key for key in listen() if key not in PERSONAL] + list(read_out) + list(heard())


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), values, max_size=4) | scalars, max_size=4))
def test_no_value_of_any_row_breaks_the_file(tmp_path, odd):
    changed_rows = [listen(**row) if isinstance(row, dict) else row for row in odd]
    part = part_of(tmp_path, [listen(), *changed_rows])
    assert part.row_count == 1 + len(odd) == part.malformed_count + len(plays(part))
    assert all(str(value).encode() for table in part.tables.values() for row in rows(table) for value in row.values())


# Real exports.


def counted(path: Path) -> list[dict]:
    with zipfile.ZipFile(path) as archive:
        return [row for name in archive.namelist() for row in json.loads(archive.read(name))]


def test_a_real_extended_history_is_read_to_the_last_row():
    path = real_data("exports") / "extended-2020-2024.zip"
    listed = counted(path)
    parts = read(path)
    assert [part.row_count for part in parts] == [16636, 16539, 17081, 17216, 965, 98]
    assert [(part.malformed_count, part.kind) for part in parts] == [(0, "extended_export")] * 6
    assert {part.package for part in parts} == {f"{path.name}/Spotify Extended Streaming History"}
    found = plays(*parts)
    assert [play["item_number"] for play in found] == list(range(68535))
    assert sum(part.unnamed_count for part in parts) == sum(
        not (row["spotify_track_uri"] or row["spotify_episode_uri"] or row["episode_name"]) for row in listed
    )
    assert Counter(
        (play["played_at"], play["track_uri"], play["ms_played"], play["is_shuffle"]) for play in found
    ) == Counter(
        (row["ts"], row["spotify_track_uri"] or row["spotify_episode_uri"], row["ms_played"], row["shuffle"])
        for row in listed
    )
    assert sum(part.podcast_count for part in parts) == sum(bool(row["spotify_episode_uri"]) for row in listed)
    tracks = [row for part in parts for row in rows(part.tables["staging_track"])]
    assert {(row["track_uri"], row["track_name"]) for row in tracks if row["content_type"] == "track"} == {
        (row["spotify_track_uri"], row["master_metadata_track_name"]) for row in listed if row["spotify_track_uri"]
    }
    starts = [play["started_at"] for play in found]
    assert sum(start is not None for start in starts) > 0.99 * sum(
        (row["offline_timestamp"] or 0) > 1 for row in listed
    )


def test_real_account_data_is_read_to_the_last_row():
    path = real_data("exports") / "account-2023.zip"
    listed = counted(path)
    parts = read(path)
    assert [(part.row_count, part.podcast_count) for part in parts] == [(10000, 0), (10000, 0), (4502, 0), (112, 112)]
    assert [(part.malformed_count, part.kind) for part in parts] == [(0, "account_export")] * 4
    assert sum(part.unnamed_count for part in parts) == 19
    assert Counter((play["played_at"], play["ms_played"]) for play in plays(*parts)) == Counter(
        (f"{row['endTime'].replace(' ', 'T')}:00Z", row["msPlayed"]) for row in listed
    )
    tracks = [row for part in parts for row in rows(part.tables["staging_track"])]
    assert len(tracks) == len({row["track_uri"] for row in tracks})
