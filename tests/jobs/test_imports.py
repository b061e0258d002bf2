"""The import job against a real Postgres: what becomes of every row, whose it is, and what it leaves alone.

The other means, by which results are checked: plain Python over the rows, and over the listens that rows are known to be of.
"""

import json
import logging
import re
from collections import Counter
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support import NOW, ago, asked, change_world, settings_of, whole_facts
from support.export_files import write_folder, write_zip
from support.export_reader import rows
from support.truth_sources import MARKS, Export, expected, made_up_sources

from etl import __version__
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.jobs.receipts import Receipt, as_json
from etl.simulator.routes import Grant, Listener, Play
from etl.sources.exports.reader import ExportError, read_exports
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ListenerError
from etl.warehouse.merge import rebuild_plays

pytestmark = pytest.mark.usefixtures("no_pauses")

SONG = "spotify:track:" + "s" * 22
OUTCOMES = ("new_count", "known_count", "merged_count", "duplicate_count", "private_count", "malformed_count")
NOTHING = {
    "master_metadata_track_name": None, "master_metadata_album_artist_name": None,
    "master_metadata_album_album_name": None, "spotify_track_uri": None,
}  # fmt: skip


def listen(minute: float, **changes: object) -> dict:
    """A row of the extended export, of a song that ended so many minutes after noon."""
    ended_at = datetime(2024, 8, 29, 12, tzinfo=UTC) + timedelta(minutes=minute)
    return {
        "ts": f"{ended_at:%Y-%m-%dT%H:%M:%SZ}",
        "username": MARKS["username"],
        "platform": "ios",
        "ms_played": 150_000,
        "conn_country": "AT",
        "ip_addr": MARKS["ip"],
        "user_agent_decrypted": MARKS["agent"],
        "master_metadata_track_name": "Song",
        "master_metadata_album_artist_name": "Ann",
        "master_metadata_album_album_name": "Album",
        "spotify_track_uri": SONG,
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "reason_start": "clickrow",
        "reason_end": "trackdone",
        "shuffle": True,
        "skipped": False,
        "offline": False,
        "offline_timestamp": round((ended_at - timedelta(minutes=3)).timestamp()),
        "incognito_mode": False,
        **changes,
    }


def heard(minute: int, **changes: object) -> dict:
    """A row of the account data."""
    ended_at = datetime(2024, 8, 29, 12, tzinfo=UTC) + timedelta(minutes=minute)
    return {
        "endTime": f"{ended_at:%Y-%m-%d %H:%M}", "artistName": "Ann", "trackName": "Song", "msPlayed": 150_000, **changes
    }  # fmt: skip


def row_of(song, songs, at: datetime, **changes: object) -> dict:
    """A row of the extended export of a track of the made-up catalogue."""
    album = songs.albums[song.album_id]
    return listen(
        0,
        ts=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        ms_played=song.duration_ms,
        spotify_track_uri=f"spotify:track:{song.id}",
        master_metadata_track_name=song.name,
        master_metadata_album_artist_name=songs.artists[album.artist_ids[0]].name,
        master_metadata_album_album_name=album.name,
        offline_timestamp=None,
        **changes,
    )


@pytest.fixture
def load(warehouse, database, spotify, tmp_path):
    """Imports exports, each a zip of its own, in one go: `load(made.extended, {"endsong_0.json": [row]}, dry_run=True)`."""

    def loaded(*exports: Export | dict, time_zone: str | None = None, **options: Any) -> Receipt:
        paths = []
        for number, one in enumerate(exports):
            files = one.files if isinstance(one, Export) else one
            paths.append(write_zip(tmp_path / f"{number}.zip", files))
        settings = settings_of(database, spotify, time_zone=time_zone)
        return import_exports(settings, warehouse, paths, **{"clock": lambda: NOW, "again": True, **options})

    return loaded


@pytest.fixture
def record(settings, warehouse, spotify):
    """One run of the plays job at NOW."""
    return lambda **changes: record_plays(settings.model_copy(update=changes), warehouse, lambda: NOW)


def contents(url: str) -> dict[str, list[tuple]]:
    """Every row of every table, with its place and the transaction that wrote it; a schema without tables too."""
    schemas = asked(url, "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'")
    tables = asked(
        url, "select schemaname || '.' || tablename from pg_tables where schemaname !~ '^(pg_|information_schema)'"
    )
    return {
        "schemas": sorted(schemas),
        "functions": asked(url, "select proname from pg_proc where oid >= 16384"),
        **{table: asked(url, f"select ctid, xmin, * from {table} order by ctid") for (table,) in tables},
    }


def facts_of(ask, listener_id: str) -> list[tuple]:
    return ask(
        "select fact_play.xmin, fact_play.ctid, fact_play.* from listening.fact_play"
        " join listening.dim_listener using (listener_key) where listener_id = %s order by play_key",
        listener_id,
    )


def outcomes(file) -> dict[str, int]:
    return {name: getattr(file, name) for name in OUTCOMES if getattr(file, name)}


# Facts.


@pytest.mark.quick
def test_a_row_of_the_extended_export_becomes_a_fact_with_all_it_says(load, ask):
    rows = [
        listen(0),
        listen(4, ms_played=0, reason_end="fwdbtn", skipped=True, shuffle=False, platform="web_player", conn_country="ZZ"),
        listen(8, offline=True, incognito_mode=True, offline_timestamp=1, reason_start="", skipped=None),
    ]  # fmt: skip
    load({"Streaming_History_Audio_2024.json": rows})
    assert ask(
        "select played_at, track_uri, fact_play.ms_played, reason_start, reason_end, is_shuffle, is_skipped, is_offline,"
        " is_private, country_code, platform, ms_played_basis, sources, observation.started_at, date_key, time_key"
        " from listening.fact_play join listening.dim_track using (track_key) join listening.dim_device using (device_key)"
        " join listening.dim_play_profile using (play_profile_key) join listening.observation"
        " on observation.listener_key = fact_play.listener_key and observation.play_key = fact_play.play_key order by played_at"
    ) == [
        (
            datetime.fromisoformat(row["ts"]), SONG, row["ms_played"], row["reason_start"] or None, row["reason_end"],
            row["shuffle"], row["skipped"], row["offline"], row["incognito_mode"],
            None if row["conn_country"] == "ZZ" else row["conn_country"], row["platform"], "reported", ["extended_export"],
            None if row["offline_timestamp"] == 1 else datetime.fromisoformat(row["ts"]) - timedelta(minutes=3),
            20240829, 720 + 4 * number,
        )
        for number, row in enumerate(rows)
    ]  # fmt: skip


def test_a_play_that_was_uploaded_after_months_is_dated_to_its_end_and_its_observation_to_the_upload(
    load, ask, warehouse
):
    """As far back as a start can lie: more milliseconds than an integer holds, and in a year without an observation."""
    upload = datetime.fromisoformat(listen(0)["ts"])
    starts = [upload - timedelta(days=days) for days in (131, 366)]
    rows = [
        listen(0, ms_played=7_773, offline_timestamp=int(start.timestamp()), reason_end="logout") for start in starts
    ]
    load({"Streaming_History_Audio_2024.json": rows})
    facts = "select played_at, ms_played, since_previous_ms from listening.fact_play order by played_at desc"
    expected = [(start + timedelta(milliseconds=7_773), 7_773, None) for start in starts]
    assert ask(facts) == expected
    assert ask("select distinct observed_at from listening.observation") == [(upload,)]
    ask("delete from listening.dim_date where year < 2024")
    warehouse.transaction(lambda connection: rebuild_plays(connection, listener_key=1, now=NOW))
    assert ask(facts) == expected


@pytest.mark.quick
def test_a_row_of_the_account_data_becomes_a_fact_to_the_minute(load, ask):
    load({"StreamingHistory_music_0.json": [heard(0), heard(5, msPlayed=0), heard(5, msPlayed=17)]})
    assert ask(
        "select to_char(played_at at time zone 'UTC', 'HH24:MI:SS'), track_uri, ms_played, reason_end, is_private,"
        " sources from listening.fact_play join listening.dim_track using (track_key)"
        " join listening.dim_play_profile using (play_profile_key) order by played_at, ms_played"
    ) == [
        (time, "name:track:Ann:Song", ms, None, None, ["account_export"])
        for time, ms in [("12:00:00", 150_000), ("12:05:00", 0), ("12:05:00", 17)]
    ]


@pytest.mark.parametrize("generation", ["old", "new"])
def test_the_facts_of_a_made_up_listener_are_the_listens(generation, load, ask):
    made = made_up_sources(11, begin=date(2023, 3, 25), days=3, generation=generation)
    receipt = load(made.account, made.extended)
    told = expected(made.truth, [made.extended, made.account])
    assert Counter(
        ask(
            "select played_at, track_uri, ms_played, 'extended_export' = any(sources), 'account_export' = any(sources)"
            " from listening.fact_play"
            " join listening.dim_track using (track_key) join listening.dim_play_profile using (play_profile_key)"
        )
    ) == Counter(
        (one.played_at, one.track_uri, one.ms_played, "extended" in one.sources, "account" in one.sources)
        for one in told
    )
    # by the truth itself, past every rule about rows: how often, how long, in which state
    assert len(told) == receipt.total.new_count == len(made.truth)
    for column, name in (("is_private", "is_private"), ("is_shuffle", "is_shuffle")):
        assert ask(
            f"select count(*) from listening.fact_play join listening.dim_play_profile using (play_profile_key) where {column}"
        ) == [(sum(getattr(one, name) for one in made.truth),)]
    assert ask("select sum(ms_played) from listening.fact_play") == [(sum(one.ms_played for one in made.truth),)]


def members(ask) -> dict[str, tuple]:
    """By URI: type, title, album, artist of the album, artist, role, and whether Spotify described it."""
    rows = ask(
        "select track_uri, track_id, content_type, track_name, album_name, album_artist_name, album_type, artist_name, role,"
        " weight, dim_track.fetched_at, dim_album.fetched_at, dim_artist.fetched_at"
        " from listening.dim_track join listening.dim_album using (album_key)"
        " left join listening.bridge_track_artist using (track_key) left join listening.dim_artist using (artist_key)"
        " where track_key <> 0"
    )
    return {row[0]: row[1:] for row in rows}


def test_whatever_was_played_is_named_as_the_export_names_it(load, ask):
    episode, chapter, video = (f"spotify:{kind}:" + kind[0] * 22 for kind in ("episode", "chapter", "video"))
    local = "spotify:local:My+Band:Tapes:Side+B:187"
    rows = [
        listen(0),
        listen(10, **NOTHING, spotify_episode_uri=episode, episode_name="Kettles", episode_show_name="Kitchen"),
        listen(20, **NOTHING, audiobook_chapter_uri=chapter, audiobook_chapter_title="Ferry", audiobook_title="Otter"),
        listen(30, spotify_track_uri=local, master_metadata_track_name="Side B", master_metadata_album_album_name="Tapes",
               master_metadata_album_artist_name="My Band"),
        listen(40, **NOTHING, ms_played=0),
        listen(50, spotify_track_uri=None),
    ]  # fmt: skip
    clip = "spotify:episode:" + "v" * 22
    videos = [listen(60, **NOTHING, spotify_episode_uri=clip, episode_name="Clip", episode_show_name="Channel")]
    receipt = load(
        {"Streaming_History_Audio_2024.json": rows, "Streaming_History_Video_2024.json": videos},
        {"StreamingHistory_podcast_0.json": [{"endTime": "2024-08-30 12:00", "podcastName": "Kitchen", "episodeName": "Spoons", "msPlayed": 9}],
         "StreamingHistory_audiobook_0.json": [{"endTime": "2024-08-30 12:30", "audiobookName": "Otter", "chapterName": "Fin", "authorName": "W. Q.", "msPlayed": 8}],
         "StreamingHistory_music_0.json": [heard(2000, artistName="Unknown Artist", trackName="Unknown Track")]},
    )  # fmt: skip
    never = (None, None, None)
    assert members(ask) == {
        SONG: ("s" * 22, "track", "Song", "Album", "Ann", None, "Ann", "main", 1.0, *never),
        episode: ("e" * 22, "episode", "Kettles", "Kitchen", None, "show", None, None, None, *never),
        chapter: ("c" * 22, "chapter", "Ferry", "Otter", None, "audiobook", None, None, None, *never),
        local: (None, "local", "Side B", "Tapes", "My Band", None, "My Band", "main", 1.0, *never),
        clip: ("v" * 22, "episode", "Clip", "Channel", None, "show", None, None, None, *never),
        "name:track:Ann:Song": (None, "track", "Song", "Album", "Ann", None, "Ann", "main", 1.0, *never),
        "name:episode:Kitchen:Spoons": (None, "episode", "Spoons", "Kitchen", None, "show", None, None, None, *never),
        "name:chapter:Otter:Fin": (None, "chapter", "Fin", "Otter", "W. Q.", "audiobook", None, None, None, *never),
    }
    assert video not in members(ask)
    assert ask(
        "select track_uri, ms_played from listening.fact_play join listening.dim_track using (track_key) order by played_at"
    ) == [
        (SONG, 150_000), (episode, 150_000), (chapter, 150_000), (local, 150_000), (None, 0),
        ("name:track:Ann:Song", 150_000), (clip, 150_000), ("name:episode:Kitchen:Spoons", 9),
        ("name:chapter:Otter:Fin", 8), (None, 150_000),
    ]  # fmt: skip
    counted = {file.file_name: (file.podcast_count, file.unnamed_count) for file in receipt.files}
    assert counted == {
        "Streaming_History_Audio_2024.json": (1, 1),
        "Streaming_History_Video_2024.json": (1, 0),
        "StreamingHistory_audiobook_0.json": (0, 0),
        "StreamingHistory_music_0.json": (0, 1),
        "StreamingHistory_podcast_0.json": (1, 0),
    }


def test_what_an_export_names_is_completed_by_the_dimensions_job_and_the_facts_keep(
    load, settings, warehouse, spotify, songs, ask
):
    tracks = list(songs.tracks.values())[:300:20]
    rows = [row_of(track, songs, ago(4000 + 10 * number)) for number, track in enumerate(tracks)]
    load({"endsong_0.json": rows})
    assert ask("select count(*) filter (where fetched_at is null), count(duration_ms) from listening.dim_track where track_key <> 0") == [(15, 0)]  # fmt: skip
    facts = whole_facts(ask)

    lines = [fill_dimensions(settings, warehouse, lambda at=NOW + timedelta(hours=hours): at).line for hours in (0, 3)]  # type: ignore[misc]

    assert lines[0].startswith("15 artists, tracks, albums described") and ", 0 missing;" in lines[1], lines
    assert sorted(
        ask(
            "select track_id, track_name, duration_ms, album_id, album_name, artist_id, artist_name, role = 'main'"
            " from listening.dim_track join listening.dim_album using (album_key)"
            " join listening.bridge_track_artist using (track_key) join listening.dim_artist using (artist_key)"
            " where position = 1"
        )
    ) == sorted(
        (
            track.id, track.name, track.duration_ms, track.album_id, songs.albums[track.album_id].name,
            track.artist_ids[0], songs.artists[track.artist_ids[0]].name, True,
        )
        for track in tracks
    )  # fmt: skip
    assert whole_facts(ask) == facts
    assert load({"endsong_0.json": rows}).total.known_count == len(rows)
    assert whole_facts(ask) == facts


# The receipt.


def counted(imports: list[list[Export]]) -> list[list[tuple]]:
    """What the receipts of imports one after another have to say, by the listen that each row is known to be of.

    One list an import, of (rows, outcomes by name) for each file, in the order of the files.
    """
    known: dict[str, set[int]] = {"extended": set(), "account": set()}
    receipts = []
    for exports in imports:
        told = {kind: {number for one in exports if one.kind == kind for _, number in one.told} for kind in known}
        seen: set[tuple] = set()
        files = []
        for one in exports:
            others = set().union(*(numbers for kind, numbers in known.items() if kind != one.kind))
            if one.kind == "account":
                others |= told["extended"]
            for name in sorted(one.files):
                outcome: Counter[str] = Counter()
                for number in one.numbers[name]:
                    if (one.kind, number) in seen:
                        outcome["duplicate_count"] += 1
                    elif number in known[one.kind]:
                        outcome["known_count"] += 1
                    else:
                        outcome["merged_count" if number in others else "new_count"] += 1
                    seen.add((one.kind, number))
                files.append((name, len(one.files[name]), dict(outcome)))
        for kind in known:
            known[kind] |= told[kind]
        receipts.append(files)
    return receipts


SEQUENCES = {
    "extended, account, both again": lambda extended, account: [[extended], [account], [extended, account]],
    "account, extended, account again": lambda extended, account: [[account], [extended], [account]],
    "both, then each": lambda extended, account: [[account, extended], [extended], [account]],
    "both at once": lambda extended, account: [[extended, account]],
}


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_receipt_counts_each_row_as_what_it_is(sequence, load, ask):
    made = made_up_sources(7, begin=date(2022, 9, 28), days=4)
    imports = SEQUENCES[sequence](made.extended, made.account)
    receipts = [load(*exports) for exports in imports]
    for receipt, told in zip(receipts, counted(imports), strict=True):
        assert [(file.file_name, file.row_count, outcomes(file)) for file in receipt.files] == told
        assert receipt.is_new_listener is (receipt is receipts[0]) and not receipt.is_dry_run
    assert sum(receipt.total.new_count for receipt in receipts) == ask("select count(*) from listening.fact_play")[0][0]
    assert sum(receipt.total.duplicate_count for receipt in receipts) > 0
    changed = receipts[-1].total.new_count + receipts[-1].total.merged_count
    assert (changed == 0) is (len(receipts) > 1)  # told again: nothing new


def test_a_receipt_counts_podcasts_and_rows_without_a_name(load):
    made = made_up_sources(2, begin=date(2022, 9, 28), days=4)
    receipt = load(made.extended, made.account)
    files = [export.files[name] for export in (made.extended, made.account) for name in sorted(export.files)]
    assert [(file.podcast_count, file.unnamed_count) for file in receipt.files] == [
        (
            sum(bool(row.get("episode_name") or row.get("episodeName")) for row in told),
            sum(is_nameless(row) for row in told),
        )
        for told in files
    ]
    assert receipt.total.podcast_count > 3 and receipt.total.unnamed_count > 3


def is_nameless(row: dict) -> bool:
    names = [name for key, name in row.items() if key.endswith(("_name", "Name", "_title", "_uri")) and name]
    return names in ([], ["Unknown Artist", "Unknown Track"])


def kept(ask) -> list[dict]:
    """The files of the last run, as ops.import_file keeps them."""
    names = [name for name in asdict(Receipt((), False, False).total) if name != "malformed"]
    rows = ask(
        f"select {', '.join(names)} from ops.import_file where run_key = (select max(run_key) from ops.run)"
        " order by import_file_key"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


DAMAGED: dict[str, Any] = {
    "Streaming_History_Audio_2023_0.json": [listen(0), 7, listen(1, ms_played="long"), listen(2), listen(0)],
    "Streaming_History_Audio_2023_1.json": [listen(2), {}, listen(9, ts=None), listen(11, incognito_mode=True)],
    "StreamingHistory_music_0.json": [heard(0), None, heard(33, msPlayed=-1), heard(44)],
    "Streaming_History_Audio_2023_2.json": [listen(0, ts=None)],
    "endsong_9.json": [],
}
DAMAGED_ROWS = {
    "Streaming_History_Audio_2023_0.json": {"new_count": 2, "duplicate_count": 1, "malformed_count": 2},
    "Streaming_History_Audio_2023_1.json": {"new_count": 1, "duplicate_count": 1, "malformed_count": 2},
    "Streaming_History_Audio_2023_2.json": {"malformed_count": 1},
    "StreamingHistory_music_0.json": {"merged_count": 1, "new_count": 1, "malformed_count": 2},
    "endsong_9.json": {},
}


def test_what_is_bad_is_named_and_counted_and_the_rest_goes_in(settings, warehouse, ask, tmp_path):
    folder = write_folder(tmp_path / "my data", DAMAGED)
    (folder / "endsong_7.json").write_text('[{"ts": "2024-08-29T12:00:00Z", "ms_played": 1, ')
    (folder / "broken.zip").write_bytes(b"PK no archive")
    receipt = import_exports(settings, warehouse, [folder], clock=lambda: NOW)

    read = {file.file_name: file for file in receipt.files if not file.unreadable_reason}
    assert {name: outcomes(file) for name, file in read.items()} == DAMAGED_ROWS
    assert {name: file.row_count for name, file in read.items()} == {name: len(rows) for name, rows in DAMAGED.items()}
    assert {name: file.malformed for name, file in read.items() if file.malformed} == {
        "Streaming_History_Audio_2023_0.json": (
            "row 2: it is not a JSON object", "row 3: ms_played is not a whole number from 0 to 2147483647",
        ),
        "Streaming_History_Audio_2023_1.json": ("row 2: ts is missing", "row 3: ts is missing"),
        "Streaming_History_Audio_2023_2.json": ("row 1: ts is missing",),
        "StreamingHistory_music_0.json": (
            "row 2: it is not a JSON object", "row 3: msPlayed is not a whole number from 0 to 2147483647",
        ),
    }  # fmt: skip
    assert {file.file_name: (file.source, file.row_count) for file in receipt.files if file.unreadable_reason} == {
        "broken.zip": (None, 0),
        "endsong_7.json": (None, 0),
    }
    assert not receipt.is_good
    assert ask("select extract(minute from played_at)::int from listening.fact_play order by 1") == [(0,), (2,), (11,), (44,)]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "options"),
    [(0, {}), (1, {}), (0, {"without_private": True}), (1, {"without_private": True, "listener": "bea"})],
    ids=["first", "again", "without private", "of somebody else"],
)
def test_a_receipt_sums_up_and_is_kept_as_it_was_told(before, options, load, ask, tmp_path, settings, warehouse):
    for _ in range(before):
        load(DAMAGED)
    (tmp_path / "endsong_7.json").write_text("[{")
    write_zip(tmp_path / "all.zip", DAMAGED)
    receipt = import_exports(
        settings, warehouse, [tmp_path / "all.zip", tmp_path / "endsong_7.json"], clock=lambda: NOW, **options
    )
    for file in [*receipt.files, receipt.total]:
        assert file.row_count == sum(outcomes(file).values())
    assert receipt.total.row_count == sum(map(len, DAMAGED.values()))
    assert receipt.total.private_count == ("without_private" in options)

    files = [asdict(file) for file in receipt.files]
    for one in files:
        del one["malformed"]
    assert kept(ask) == files
    assert ask(
        "select job, listener_id, outcome, received_count, recorded_count, started_at, finished_at, program_version"
        " from ops.run join listening.dim_listener using (listener_key) order by run_key desc limit 1"
    ) == [
        (
            "import", options.get("listener", "me"), "done", receipt.total.row_count,
            receipt.total.new_count + receipt.total.merged_count, NOW, NOW,
            __version__,
        )
    ]  # fmt: skip
    told = json.loads(as_json(receipt))
    assert [{key: value for key, value in file.items() if key != "malformed"} for file in told["files"]] == files
    assert told["total"]["new_count"] == receipt.total.new_count and told["is_good"] is False


def test_nothing_that_is_a_history_is_an_error_and_leaves_no_run(load, warehouse, settings, ask, tmp_path):
    with pytest.raises(ExportError, match="No listening history"):
        load({"Playlist1.json": [{"name": "mine"}]})
    with pytest.raises(ExportError, match="There is no file or folder"):
        import_exports(settings, warehouse, [tmp_path / "nowhere.zip"], clock=lambda: NOW)
    assert ask("select count(*) from ops.run") == ask("select count(*) from listening.dim_listener") == [(0,)]


# A dry run.


def test_a_dry_run_gives_the_receipt_of_the_real_run_and_changes_nothing(load, database, ask):
    made = made_up_sources(5, begin=date(2022, 12, 30), days=2)
    load({"endsong_0.json": [listen(0)], **made.account.files})
    before = contents(database)
    dry = load(made.extended, {**DAMAGED}, dry_run=True, without_private=True, time_zone="Asia/Tokyo")
    assert contents(database) == before
    real = load(made.extended, {**DAMAGED}, without_private=True, time_zone="Asia/Tokyo")
    assert dry.files == real.files and dry.total.merged_count and dry.total.new_count and dry.total.private_count
    assert (dry.is_dry_run, real.is_dry_run) == (True, False)
    assert dry.is_new_listener == real.is_new_listener is False
    assert contents(database) != before


def test_a_dry_run_on_a_database_without_anything_leaves_not_even_a_schema(empty_database, spotify, tmp_path):
    settings = settings_of(empty_database, spotify)
    path = write_zip(tmp_path / "mine.zip", {"endsong_0.json": [listen(0), listen(9)]})
    before = contents(empty_database)
    warehouse = Warehouse(empty_database)
    try:
        dry = import_exports(settings, warehouse, [path], dry_run=True, clock=lambda: NOW)
        assert contents(empty_database) == before == {"schemas": [("public",)], "functions": []}
        real = import_exports(settings, warehouse, [path], clock=lambda: NOW)
    finally:
        warehouse.close()
    assert dry.files == real.files and dry.total.new_count == 2
    assert dry.is_new_listener is real.is_new_listener is True
    assert asked(empty_database, "select count(*) from listening.fact_play") == [(2,)]


def test_an_id_that_is_none_of_spotifys_is_noted_and_without_a_title_the_row_is_bad(load, ask):
    no_id = {"spotify_track_uri": "foo"}
    rows_read = [
        listen(0, **no_id),  # its names are known
        listen(9, **no_id, master_metadata_track_name=None),  # only the artist is
        listen(18, **no_id, master_metadata_track_name=None, spotify_episode_uri="spotify:episode:" + "e" * 22),
        listen(27, spotify_track_uri=None, master_metadata_track_name=None),  # nobody says which track
    ]
    receipt = load({"endsong_0.json": rows_read})
    assert (receipt.total.new_count, receipt.total.malformed_count) == (3, 1)
    [file] = receipt.files
    assert len(file.malformed) == 1
    assert "row 2: spotify_track_uri is no URI of Spotify's, and there is no title" in file.malformed[0]
    assert [note for note in receipt.notes if "2 rows: spotify_track_uri can't be read: left empty" in note]
    uris = "select track_uri from listening.fact_play join listening.dim_track using (track_key) order by played_at"
    assert ask(uris) == [("name:track:Ann:Song",), ("spotify:episode:" + "e" * 22,), ("name:track:Ann:",)]


def test_a_dry_run_that_fails_changes_nothing_either(load, database, ask):
    load({"endsong_0.json": [listen(0)]}, listener="ann")
    load({"endsong_0.json": [listen(0)]}, listener="bea")
    before = contents(database)
    with pytest.raises(ListenerError):
        load({"endsong_0.json": [listen(0), listen(5)]}, dry_run=True)
    with pytest.raises(ExportError):
        load({"Playlist1.json": []}, dry_run=True, listener="cleo")
    assert contents(database) == before


# Whose it is.

ONE = {"endsong_0.json": [listen(0)]}
LISTENERS = "select listener_key, listener_id, listener_name, time_zone from listening.dim_listener order by 1"


def test_an_export_before_any_login_is_mine_and_the_plays_job_goes_on_with_the_same_listener(
    load, record, play, songs, ask
):
    assert load(ONE).is_new_listener
    [(key, listener_id, name, time_zone)] = ask(LISTENERS)
    assert (listener_id, name, time_zone) == ("me", None, "UTC")
    facts = whole_facts(ask)

    play(Play(next(iter(songs.tracks)), ago(5)))
    record(time_zone="Europe/Vienna")

    assert ask(LISTENERS) == [(key, "account-of-ada", "Ada", "Europe/Vienna")]
    assert ask("select count(*) from listening.fact_play where listener_key = %s", key) == [(len(facts) + 1,)]
    assert not load(ONE).is_new_listener
    assert load({"endsong_0.json": [listen(0), listen(30)]}).total.new_count == 1
    assert ask("select count(distinct listener_key), count(*) from listening.fact_play") == [(1, 3)]


def test_an_export_imported_under_the_user_id_is_gone_on_with_too(load, record, play, songs, ask):
    load(ONE, listener="ada")
    [(key, *_)] = ask(LISTENERS)
    play(Play(next(iter(songs.tracks)), ago(5)))
    record()
    assert ask(LISTENERS) == [(key, "account-of-ada", "Ada", "UTC")]


def test_an_export_after_the_plays_job_is_of_the_only_listener(load, record, play, songs, ask):
    play(Play(next(iter(songs.tracks)), ago(5)))
    record()
    listeners = ask(LISTENERS)
    for listener in (None, "account-of-ada", "Ada"):
        assert not load(ONE, listener=listener).is_new_listener
    assert ask(LISTENERS) == listeners
    assert ask("select count(*) from listening.fact_play") == [(2,)]


def test_of_several_listeners_one_has_to_be_named(load, record, spotify, play, songs, ask, settings, warehouse):
    record()
    assert load(ONE, listener="bea").is_new_listener
    with pytest.raises(ListenerError, match="More than one listener is recorded here") as raised:
        load(ONE)
    assert "--listener" in str(raised.value)
    assert load({"endsong_0.json": [listen(0), listen(8)]}, listener="bea").total.new_count == 1
    assert ask(
        "select listener_id, count(play_key) from listening.dim_listener left join listening.fact_play using (listener_key)"
        " group by 1 order by 1"
    ) == [("account-of-ada", 0), ("bea", 2)]


def test_a_name_that_two_listeners_have_is_not_enough_but_an_id_is(load, ask):
    for listener in ("one", "two", "Robin"):
        load(ONE, listener=listener)
    ask("update listening.dim_listener set listener_name = 'Robin' where listener_id in ('one', 'two')")
    assert load(ONE, listener="Robin").total.known_count == 1  # who has it for an id goes before those of that name
    ask("update listening.dim_listener set listener_id = 'three' where listener_id = 'Robin'")
    with pytest.raises(ListenerError, match="More than one listener has this name"):
        load(ONE, listener="Robin")
    assert not load(ONE, listener="two").is_new_listener
    assert ask("select count(*) from listening.dim_listener") == [(3,)]


def test_a_second_listeners_export_never_touches_the_firsts(load, record, play, songs, ask):
    made = made_up_sources(5, begin=date(2022, 12, 30), days=2)
    play(Play(next(iter(songs.tracks)), ago(5)))
    record()
    load(made.account)
    before = facts_of(ask, "account-of-ada")
    both = load(made.extended, made.account, listener="bea", time_zone="Asia/Tokyo")
    assert both.total.new_count == len(made.truth) and both.is_new_listener
    assert facts_of(ask, "account-of-ada") == before
    assert ask("select count(*) from ops.merged_play") == [(0,)]
    # and back: what the first listener then completes leaves the second's as it is
    second = facts_of(ask, "bea")
    assert load(made.extended, listener="account-of-ada").total.merged_count > 0
    assert facts_of(ask, "bea") == second
    assert facts_of(ask, "account-of-ada") != before


def test_the_time_zone_is_of_whoever_the_settings_are_of(load, ask):
    local = (
        "select listener_id, time_zone, date_key, time_key from listening.dim_listener"
        " join listening.fact_play using (listener_key) order by listener_id"
    )
    load(ONE, time_zone="Pacific/Auckland")
    assert ask(local) == [("me", "Pacific/Auckland", 20240830, 0)]
    load(ONE, time_zone="America/New_York")  # nothing new is told, and all dates move
    assert ask(local) == [("me", "America/New_York", 20240829, 8 * 60)]
    load(ONE)
    assert ask(local) == [("me", "America/New_York", 20240829, 8 * 60)]
    load(ONE, time_zone="Asia/Kolkata", listener="me")  # somebody else's settings, perhaps
    assert ask(local) == [("me", "America/New_York", 20240829, 8 * 60)]


def test_a_new_listener_has_the_time_zone_of_the_settings_and_a_named_one_keeps_it(load, ask):
    zones = "select listener_id, time_zone, time_key from listening.dim_listener join listening.fact_play using (listener_key)"
    load(ONE, time_zone="Asia/Kolkata", listener="bea")
    assert ask(zones) == [("bea", "Asia/Kolkata", 17 * 60 + 30)]
    load(ONE, time_zone="UTC", listener="bea")
    assert ask(zones) == [("bea", "Asia/Kolkata", 17 * 60 + 30)]


def test_an_export_of_somebody_else_is_not_taken_for_mine_before_any_login(load, ask):
    load(ONE)
    before = facts_of(ask, "me")
    assert load({"endsong_0.json": [listen(0), listen(7)]}, listener="bea").is_new_listener
    assert facts_of(ask, "me") == before
    assert [row[1] for row in ask(LISTENERS)] == ["me", "bea"]


# Private sessions.


def test_private_sessions_are_recorded_with_their_flag_or_left_out_and_counted(load, ask):
    rows = [
        listen(9 * number, incognito_mode=is_private) for number, is_private in enumerate([True, False, None, True])
    ]
    rows += [listen(36), listen(36)]
    told = (
        "select extract(hour from played_at) * 60 + extract(minute from played_at) - 720, is_private from listening.fact_play"
        " join listening.dim_play_profile using (play_profile_key) order by 1"
    )
    without = load({"endsong_0.json": rows}, without_private=True)
    assert outcomes(without.total) == {"new_count": 3, "private_count": 2, "duplicate_count": 1}
    assert ask(told) == [(9, False), (18, None), (36, False)]
    with_them = load({"endsong_0.json": rows})
    assert outcomes(with_them.total) == {"new_count": 2, "known_count": 3, "duplicate_count": 1}
    assert ask(told) == [(0, True), (9, False), (18, None), (27, True), (36, False)]
    assert outcomes(load({"endsong_0.json": rows[:1]}, without_private=True).total) == {"private_count": 1}
    assert len(ask(told)) == 5


# Beside the recently-played list.

BOTH = ["extended_export", "recently_played"]
LISTED = (
    "select track_id, played_at, ms_played, context_uri, reason_start, reason_end, sources"
    " from listening.fact_play join listening.dim_track using (track_key)"
    " join listening.dim_context using (context_key) join listening.dim_play_profile using (play_profile_key)"
    " order by played_at"
)


@pytest.mark.parametrize("is_export_first", [True, False])
def test_an_export_and_the_list_complete_each_other_in_either_order(
    is_export_first, load, record, spotify, play, songs, ask
):
    playlist = "spotify:playlist:" + "p" * 22
    tracks = list(songs.tracks.values())[:5]
    plays = [Play(track.id, ago(60 - 10 * number) + timedelta(milliseconds=321), context_uri=playlist) for number, track in enumerate(tracks)]  # fmt: skip
    rows = [row_of(track, songs, one.played_at) for track, one in zip(tracks[:4], plays, strict=False)]
    skipped = {
        **row_of(tracks[0], songs, ago(3)),
        "ms_played": 2000,
        "reason_end": "fwdbtn",
    }  # the list shows none such
    files = {"endsong_0.json": [*rows, skipped]}
    play(*plays)
    if is_export_first:
        receipt = load(files)
        outcome = record()
        assert outcome.line.startswith("1 of 5 plays are new")
        assert outcomes(receipt.total) == {"new_count": 5}
    else:
        record()
        keys = ask("select play_key from listening.fact_play order by played_at")
        spotify.calls.clear()
        receipt = load(files)
        assert outcomes(receipt.total) == {"merged_count": 4, "new_count": 1}
        assert ask("select play_key from listening.fact_play order by played_at")[:5] == keys
        assert spotify.calls == []
    told = [(one.track_id, one.played_at, track.duration_ms, playlist, "clickrow", "trackdone", BOTH) for track, one in zip(tracks[:4], plays, strict=False)]  # fmt: skip
    assert ask(LISTED) == [
        *told,
        (plays[4].track_id, plays[4].played_at, None, playlist, None, None, BOTH[1:]),
        (tracks[0].id, ago(3), 2000, None, "clickrow", "fwdbtn", BOTH[:1]),
    ]
    assert outcomes(load(files).total) == {"known_count": 5}
    assert record().line.startswith("0 of 5 plays are new")


def test_an_import_asks_nothing_of_spotify(load, spotify):
    made = made_up_sources(5, begin=date(2022, 12, 30), days=1)
    load(made.extended, made.account)
    load(made.extended, dry_run=True)
    assert spotify.calls == []


# Provenance.


def test_each_source_of_a_play_is_told_with_its_own_timestamps(load, record, play, songs, ask):
    first, second = list(songs.tracks.values())[:2]
    play(Play(first.id, ago(30) + timedelta(milliseconds=400)), Play(second.id, ago(20)))
    record()
    began = round((ago(1000) - timedelta(milliseconds=150_000)).timestamp() * 1000) + 7
    again = {"offline_timestamp": began}
    rows = [
        row_of(first, songs, ago(30)),
        {**row_of(second, songs, ago(1000)), **again},
        {**row_of(second, songs, ago(998)), **again},  # the same play, dated anew
    ]
    artist = rows[0]["master_metadata_album_artist_name"]
    account = [
        {"endTime": f"{ago(30):%Y-%m-%d %H:%M}", "artistName": artist, "trackName": first.name, "msPlayed": first.duration_ms},
        {"endTime": f"{ago(50):%Y-%m-%d %H:%M}", "artistName": artist, "trackName": first.name, "msPlayed": 77},
    ]  # fmt: skip
    load({"endsong_0.json": rows}, {"StreamingHistory0.json": account})
    assert ask(
        "select fact_play.played_at, source, first_reported_at, last_reported_at from listening.play_source"
        " join listening.fact_play using (play_key, listener_key) order by 1, 2"
    ) == [
        (ago(1000), "extended_export", ago(1000), ago(998)),
        (ago(50), "account_export", ago(50), ago(50)),
        (ago(30) + timedelta(milliseconds=400), "account_export", ago(30), ago(30)),
        (ago(30) + timedelta(milliseconds=400), "extended_export", ago(30), ago(30)),
        (ago(30) + timedelta(milliseconds=400), "recently_played", *[ago(30) + timedelta(milliseconds=400)] * 2),
        (ago(20), "recently_played", ago(20), ago(20)),
    ]


def test_provenance_of_a_made_up_listener_is_what_each_row_says(load, ask):
    made = made_up_sources(6, begin=date(2022, 9, 29), days=3)
    load(made.account)
    load(made.extended)
    told = Counter()
    for export, source, at in ((made.extended, "extended_export", "ts"), (made.account, "account_export", "endTime")):
        moments: dict[int, set] = {}
        for row, number in export.told:
            moments.setdefault(number, set()).add(datetime.fromisoformat(row[at].replace("Z", "")).replace(tzinfo=UTC))
        told += Counter((source, min(each), max(each)) for each in moments.values())
    assert Counter(ask("select source, first_reported_at, last_reported_at from listening.play_source")) == told


def test_two_plays_that_turn_out_to_be_one_become_one_and_it_is_written_down(load, record, play, songs, ask):
    """A phone that was offline: the list knows when the play ended, the account data when the phone was back."""
    track = next(iter(songs.tracks.values()))
    play(Play(track.id, ago(60)))
    record()
    row = row_of(track, songs, ago(20))
    row["offline_timestamp"] = round((ago(60) - timedelta(milliseconds=row["ms_played"])).timestamp())
    names = {"artistName": row["master_metadata_album_artist_name"], "trackName": track.name}
    load({"StreamingHistory0.json": [{"endTime": f"{ago(20):%Y-%m-%d %H:%M}", **names, "msPlayed": row["ms_played"]}]})
    [(captured, _), (told, _)] = ask("select play_key, played_at from listening.fact_play order by played_at")

    receipt = load({"endsong_0.json": [row]})

    assert outcomes(receipt.total) == {"merged_count": 1}
    assert ask(
        "select play_key, played_at, ms_played, sources"
        " from listening.fact_play join listening.dim_play_profile using (play_profile_key)"
    ) == [(captured, ago(60), track.duration_ms, ["account_export", *BOTH])]
    assert ask(
        "select play_key, merged_play.merged_into, merged_at, listener_id from ops.merged_play"
        " join listening.dim_listener using (listener_key)"
    ) == [(told, captured, NOW, "account-of-ada")]


# How long a play lasted.


def test_reported_and_estimated_time_stand_apart(load, record, play, songs, ask):
    one, other, third = [track for track in songs.tracks.values() if track.duration_ms > 120_000][:3]
    nothing_known = {
        "id": None,
        "uri": "spotify:local:a:b:c:9",
        "type": "track",
        "name": "c",
        "artists": [],
        "is_local": True,
    }
    ms = timedelta(milliseconds=1)
    ends = [ago(100)]
    for gap in (other.duration_ms - 12_000, other.duration_ms - 12_001, 5, 3_600_000, 40_000, one.duration_ms):
        ends.append(ends[-1] + gap * ms)
    tracks = [one, other, other, third, third, None, one]
    play(
        *(
            Play(track and track.id, at, item=None if track else nothing_known)
            for track, at in zip(tracks, ends, strict=True)
        )
    )
    record()
    expected_ms = [
        one.duration_ms,  # nothing before it
        other.duration_ms,  # room for it, but for as much as tracks fade into each other
        other.duration_ms - 12_001 - third.duration_ms,  # what the next one, which ended together with it, leaves
        third.duration_ms,  # the last of two that ended together
        third.duration_ms,  # a long pause before it
        None,  # of unknown length
        one.duration_ms,
    ]
    view = "select reported_ms, estimated_ms, ms_basis, best_ms from listening.play_time order by played_at, play_key"
    assert ask(view) == [(None, at, "estimated" if at is not None else None, at) for at in expected_ms]
    assert ask("select count(ms_played) from listening.fact_play") == [(0,)]

    row = row_of(other, songs, ends[2])
    row["ms_played"] = 31_000
    load({"endsong_0.json": [row]})
    told = ask(view)
    # a length that is known shares no time with others
    expected_ms[2:4] = [other.duration_ms - 12_001, 5]
    assert told[2] == (31_000, other.duration_ms - 12_001, "reported", 31_000)
    assert [row[1] for row in told] == expected_ms and [row[0] for row in told].count(None) == 6


# What nobody is to see.


def test_user_name_address_and_user_agent_go_nowhere(
    load, database, warehouse, settings, spotify, tmp_path, caplog, ask
):
    made = made_up_sources(5, begin=date(2022, 12, 30), days=1)
    old = made_up_sources(8, begin=date(2022, 12, 30), days=1, generation="old")
    odd: dict[str, Any] = {
        "endsong_5.json": [listen(0), listen(1, ms_played=None), listen(2, platform=7), [MARKS["ip"]]]
    }
    broken = b"[" + json.dumps(listen(3)).encode() + b", {"
    paths = [
        write_zip(tmp_path / "0.zip", {**made.extended.files, **odd}),
        write_zip(tmp_path / "1.zip", old.extended.files),
    ]
    (tmp_path / "endsong_7.json").write_bytes(broken)
    paths.append(tmp_path / "endsong_7.json")
    raw = [row for export in (made, old) for row, _ in export.extended.told]
    assert all(mark in json.dumps(raw) for mark in MARKS.values())

    parts = list(read_exports(paths, now=NOW))
    with caplog.at_level(logging.DEBUG):
        receipt = import_exports(settings, warehouse, paths, clock=lambda: NOW)
    staged = [repr(rows(table)) for part in parts for table in getattr(part, "tables", {}).values()]
    tables = ask("select schemaname || '.' || tablename from pg_tables where schemaname in ('ops', 'listening')")
    stored = {table: str(ask(f"select told::text from {table} as told")) for (table,) in tables}
    assert "007 and Others" in stored["listening.dim_album"] and len(stored) > 15
    for mark in MARKS.values():
        assert [table for table, told in stored.items() if mark in told] == []
        for said in (*staged, repr(parts), repr(receipt), as_json(receipt), caplog.text):
            assert mark not in said
    assert len(receipt.files) == len(parts) and not receipt.is_good
    assert not re.search(r"and Others|Song of the|Odd Artist", repr(parts) + repr(receipt) + caplog.text)


def test_progress_is_told_in_bytes_and_ends_with_all_of_them(settings, warehouse, tmp_path):
    made = made_up_sources(5, begin=date(2022, 12, 30), days=1)
    folder: Path = write_folder(tmp_path / "mine", made.extended.files)
    told: list[tuple[int, int]] = []
    import_exports(
        settings, warehouse, [folder], clock=lambda: NOW, progress=lambda done, total: told.append((done, total))
    )
    total = sum(path.stat().st_size for path in folder.iterdir())
    assert told[0] == (0, total) and told[-1] == (total, total)
    assert told == sorted(told) and len(told) == len(made.extended.files) + 1


def test_a_login_of_somebody_else_does_not_take_over_a_named_listener(load, record, spotify, ask):
    load(ONE, listener="bea")
    record()
    assert [row[1] for row in ask(LISTENERS)] == ["bea", "account-of-ada"]
    other = Listener(account_id="account-of-bea", user_id="bea", display_name="Bea")
    change_world(
        spotify,
        listeners=(*spotify.world.listeners, other),
        refresh_tokens={**spotify.world.refresh_tokens, "of-bea": Grant(other.account_id, ago(9))},
    )
    record(spotify_refresh_token=SecretStr("of-bea"))
    assert [row[1:3] for row in ask(LISTENERS)] == [("account-of-bea", "Bea"), ("account-of-ada", "Ada")]
    assert ask("select count(*) from listening.fact_play join listening.dim_listener using (listener_key) where listener_id = 'account-of-bea'") == [(1,)]  # fmt: skip
