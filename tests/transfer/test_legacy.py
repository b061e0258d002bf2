"""migrate.py --from-legacy: the tables of older projects, with all that is wrong in them, as plays with a receipt."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from support import NOW, asked, fresh_database, whole_facts
from support.export_files import write_folder

from etl.simulator.routes import Play

TABLES = """
create schema old;
create table old.main_streaming_data (
    played_at timestamptz, track_id text, track_name text, artist_name text, aritst_id text, duration_ms bigint, "rowNum" bigint
);
create table old.track_table (
    track_id text, track_name text, explicit text, popularity text, album_name text, img_link text, ft_artists text, rn bigint
);
create table old.artist_table (artist_id text, aritst_name text, popularity double precision, genre text, img_link text, rn bigint);
create table public.listening_history (
    id serial, track_uri text, track_name text, artist_name text, album_name text, played_at timestamp, ms_played integer, popularity integer
)
"""
FIRST = datetime(2025, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
ANN, BOB = "A" * 22, "B" * 22


def song(number: int) -> str:
    return f"{number:022}"


@pytest.fixture
def old(cluster: str) -> Iterator[str]:
    """The database of an older project."""
    for url in fresh_database(cluster, "template0"):
        asked(url, TABLES)
        yield url


@pytest.fixture
def add(old) -> Callable[..., None]:
    """`add("main_streaming_data", (played_at, …), …)`: rows of one of its tables."""

    def added(table: str, *rows: tuple) -> None:
        name = "public.listening_history" if table == "listening_history" else f"old.{table}"
        columns = (
            "(track_uri, track_name, artist_name, album_name, played_at, ms_played, popularity)"
            if table == "listening_history"
            else ""
        )
        for row in rows:
            asked(old, f"insert into {name} {columns} values ({', '.join(['%s'] * len(row))})", *row)

    return added


def receipt_of(output: str) -> dict[str, int]:
    """The counts of the last line: `5 rows of 2 files: 3 new, 0 known, 1 merged, 1 reported twice, 1 bad`."""
    return {
        word: int(number.replace(",", ""))
        for number, word in re.findall(
            r"([\d,]+) (rows|new|known|merged|reported|bad)\b", output[output.rindex("rows of") - 12 :]
        )
    }


def test_the_plays_of_the_classic_layout_come_over(old, add, moving, ask):
    add(
        "main_streaming_data",
        (FIRST, song(1), "One", "Ann", ANN, 200_000, 1),
        (FIRST, song(1), "One", "Ann", ANN, 200_000, 2),  # told twice
        (FIRST + timedelta(minutes=5), song(2), "Two", "Ann", ANN, 180_000, 1),
        (FIRST + timedelta(minutes=10), song(1), "One", "Ann", ANN, 200_000, 1),
        (FIRST + timedelta(minutes=20), "NaN", "Nameless id", "Cyd", "", None, 1),
        (FIRST + timedelta(minutes=30), song(3), None, None, None, None, 1),  # null names
        (FIRST + timedelta(minutes=40), None, None, "NaN", None, None, 1),  # nothing at all
        (None, song(1), "One", "Ann", ANN, 200_000, 1),  # no moment
    )
    add(
        "track_table",
        (song(1), "One", "true", "57", "The Album", "https://i.example/one", "Bob, Dan", 1),
        (song(2), "Two", "False", "NaN", "EP/SINGLE", "", "NaN", 1),
        (song(1), "One", "true", "57", "The Album", "https://i.example/one", "Bob, Dan", 2),
        ("NaN", None, None, None, None, None, None, 1),
    )
    add(
        "artist_table",
        (ANN, "Ann", 61.0, "dream pop, shoegaze", "https://i.example/ann", 1),
        (BOB, "Bob", float("nan"), "NaN", "", 1),
        ("", None, None, None, None, 1),
    )
    status, output = moving("--from-legacy", old)
    assert status == 1  # a row was bad, and is named
    assert receipt_of(output) == {"rows": 8, "new": 6, "known": 0, "merged": 0, "reported": 1, "bad": 1}, output
    assert "bad: main_streaming_data, ctid (0,8): played_at is not a time since 2006" in output
    assert ask(
        "select played_at, track_uri, track_name, artist_names, main_artist_names, album_name, duration_ms, is_explicit, ms_played"
        " from listening.fact_play join listening.dim_track using (track_key) left join listening.track_credit using (track_key)"
        " join listening.dim_album using (album_key) order by played_at"
    ) == [
        (FIRST, f"spotify:track:{song(1)}", "One", "Ann, Bob, Dan", "Ann", "The Album", 200_000, True, None),
        (FIRST + timedelta(minutes=5), f"spotify:track:{song(2)}", "Two", "Ann", "Ann", None, 180_000, False, None),
        (
            FIRST + timedelta(minutes=10),
            f"spotify:track:{song(1)}",
            "One",
            "Ann, Bob, Dan",
            "Ann",
            "The Album",
            200_000,
            True,
            None,
        ),
        (
            FIRST + timedelta(minutes=20),
            "name:track:Cyd:Nameless%20id",
            "Nameless id",
            "Cyd",
            "Cyd",
            None,
            None,
            None,
            None,
        ),
        (FIRST + timedelta(minutes=30), f"spotify:track:{song(3)}", None, None, None, None, None, None, None),
        (FIRST + timedelta(minutes=40), None, None, None, None, None, None, None, None),
    ]
    assert ask(
        "select artist_id, artist_name, genres, popularity, image_url, fetched_at from listening.dim_artist where artist_id = %s",
        ANN,
    ) == [(ANN, "Ann", ["dream pop", "shoegaze"], 61, "https://i.example/ann", None)]
    assert ask("select count(*) from listening.dim_track where fetched_at is not null and track_key > 0") == [
        (0,)
    ]  # Spotify is still to be asked
    assert ask("select job, received_count, recorded_count from ops.run") == [("import", 8, 6)]
    assert ask("select file_name, source, row_count, new_count, malformed_count from ops.import_file") == [
        ("main_streaming_data", "recently_played", 8, 6, 1)
    ]
    again = receipt_of(moving("--from-legacy", old)[1])
    assert (again["new"], again["merged"], again["bad"]) == (0, 0, 1)


def test_the_flat_history_comes_over(old, add, moving, ask):
    """Of an export where the moment is a whole second and the time played is told, else of the list."""
    naive = datetime(2025, 3, 1, 12)  # noqa: DTZ001  a timestamp without a time zone: UTC
    add(
        "listening_history",
        (f"spotify:track:{song(1)}", "One", "Ann", "The Album", naive, 150_000, 57),
        (f"spotify:track:{song(2)}", "Two", "Ann", "", naive + timedelta(minutes=5, milliseconds=250), 180_000, 0),
        (f"spotify:track:{song(2)}", "Two", "Ann", "", naive + timedelta(minutes=9), None, None),
        (f"spotify:episode:{song(4)}", "Four", "The Show", "The Show", naive + timedelta(minutes=60), 1_800_000, None),
        ("", "Three", "Bob", None, naive + timedelta(minutes=70), 30_000, None),
        ("spotify:track:short", "Five", "Bob", None, naive + timedelta(minutes=80), 30_000, None),
    )
    status, output = moving("--from-legacy", old)
    assert (status, receipt_of(output)) == (0, {"rows": 6, "new": 6, "known": 0, "merged": 0, "reported": 0}), output
    noon = naive.replace(tzinfo=UTC)
    assert ask(
        "select played_at, track_uri, ms_played, duration_ms, 'extended_export' = any(sources), 'recently_played' = any(sources) from listening.fact_play"
        " join listening.dim_track using (track_key) join listening.dim_play_profile using (play_profile_key) order by played_at"
    ) == [
        (noon, f"spotify:track:{song(1)}", 150_000, None, True, False),
        (noon + timedelta(minutes=5, milliseconds=250), f"spotify:track:{song(2)}", None, 180_000, False, True),
        (noon + timedelta(minutes=9), f"spotify:track:{song(2)}", None, 180_000, False, True),
        (noon + timedelta(minutes=60), f"spotify:episode:{song(4)}", 1_800_000, None, True, False),
        (noon + timedelta(minutes=70), "name:track:Bob:Three", 30_000, None, True, False),
        (noon + timedelta(minutes=80), "name:track:Bob:Five", 30_000, None, True, False),
    ]


def test_a_flat_history_of_the_list_alone_is_not_taken_for_an_export(old, add, moving, ask, brapped, tmp_path):
    """Its moments were cut to the second, and its time played is the track's length: the export tells the same listens, and better."""
    ends = [datetime(2025, 3, 1, 12, tzinfo=UTC) + timedelta(minutes=5 * number) for number in range(4)]
    for number, end in enumerate(ends):
        add(
            "listening_history",
            (f"spotify:track:{song(number)}", "One", "Ann", "", end.replace(tzinfo=None), 200_000, None),
        )
    assert moving("--from-legacy", old)[0] == 0
    rows = [
        {"ts": f"{end:%Y-%m-%dT%H:%M:%SZ}", "ms_played": 120_000, "spotify_track_uri": f"spotify:track:{song(number)}"}
        for number, end in enumerate(ends)
    ]
    ran = brapped("import", str(write_folder(tmp_path / "mine", {"Streaming_History_Audio_2025.json": rows})))
    assert receipt_of(ran.stdout) == {"rows": 4, "new": 0, "known": 0, "merged": 4, "reported": 0}
    assert ask("select ms_played, count(*) from listening.fact_play group by 1") == [(120_000, 4)]


def test_a_play_that_was_dated_anew_is_one(old, add, moving, ask):
    """Older projects took every date that the list gave a play for a play of its own. A repeat is none of these: it takes thirty seconds."""
    for seconds in (0, 0.4, 29.5, 59.5, 180, 181.2):
        add("main_streaming_data", (FIRST + timedelta(seconds=seconds), song(1), "One", "Ann", ANN, 40_000, 1))
    status, output = moving("--from-legacy", old)
    assert (status, receipt_of(output)) == (0, {"rows": 6, "new": 3, "known": 0, "merged": 0, "reported": 3}), output
    assert [moment - FIRST for (moment,) in ask("select played_at from listening.fact_play order by 1")] == [
        timedelta(seconds=29.5), timedelta(seconds=59.5), timedelta(seconds=181.2),
    ]  # fmt: skip


def test_what_several_sources_tell_is_one_listen(old, add, moving, ask, brapped, tmp_path, play, songs):
    """The old tables tell what the list told the new warehouse already, and what the export tells: one row each."""
    ids = list(songs.tracks)[:3]
    ends = [NOW - timedelta(minutes=30 * number + 1) for number in range(3)]
    play(*(Play(track_id, end) for track_id, end in zip(ids, ends, strict=True)))
    assert brapped("plays").stdout.startswith("3 of 3 plays are new")
    recorded_plays = asked_plays(ask)
    for end, track_id in recorded_plays:
        track = songs.tracks[track_id]
        add("main_streaming_data", (end, track_id, track.name, "whoever", "", track.duration_ms, 1))
        add(
            "listening_history",
            (f"spotify:track:{track_id}", track.name, "whoever", "", end.replace(tzinfo=None), track.duration_ms, None),
        )
    status, output = moving("--from-legacy", old)
    assert status == 0 and receipt_of(output)["new"] == 0, output
    assert asked_plays(ask) == recorded_plays
    rows = [
        {
            "ts": f"{end:%Y-%m-%dT%H:%M:%SZ}", "ms_played": 120_000, "spotify_track_uri": f"spotify:track:{track_id}",
            "master_metadata_track_name": "x", "master_metadata_album_artist_name": "y", "master_metadata_album_album_name": "z",
        }
        for end, track_id in recorded_plays
    ]  # fmt: skip
    ran = brapped("import", str(write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows})))
    assert ran.returncode == 0 and asked_plays(ask) == recorded_plays and len(whole_facts(ask)) == 3


def asked_plays(ask: Callable[..., list[tuple]]) -> list[tuple]:
    return ask(
        "select played_at, track_id from listening.fact_play join listening.dim_track using (track_key) order by 1"
    )


def test_a_dry_run_leaves_nothing_behind(old, add, moving, ask):
    add("main_streaming_data", (FIRST, song(1), "One", "Ann", ANN, 200_000, 1))
    status, output = moving("--from-legacy", old, "--dry-run")
    assert status == 0 and "1 row of 1 file: 1 new" in output and "nothing was changed" in output
    assert ask("select count(*) from listening.fact_play") == [(0,)]


def test_whose_plays_they_are_can_be_said(old, add, moving, ask):
    add("main_streaming_data", (FIRST, song(1), "One", "Ann", ANN, 200_000, 1))
    assert moving("--from-legacy", old, "--listener", "ada")[0] == 0
    assert ask("select listener_id from listening.fact_play join listening.dim_listener using (listener_key)") == [
        ("ada",)
    ]


def test_a_database_without_such_tables_is_said(database, moving, empty_database):
    status, output = moving("--from-legacy", empty_database)
    assert (status, output) == (
        1,
        "migrate: The database at --from-legacy has none of the tables main_streaming_data and listening_history of an older project.\n",
    )


def test_many_rows_come_over(old, moving, ask):
    asked(
        old,
        "insert into old.main_streaming_data select timestamptz '2020-01-01 00:00:00.5Z' + number * interval '4 minutes', lpad((number %% 900)::text, 22, '0'),"
        " 'Song ' || number %% 900, 'Ann', %s, 200000, 1 from generate_series(1, 30000) as numbers (number)",
        ANN,
    )
    status, output = moving("--from-legacy", old)
    assert status == 0 and receipt_of(output)["new"] == 30_000
    [(count, first, last)] = ask("select count(*), min(played_at), max(played_at) from listening.fact_play")
    assert (count, first, last) == (
        30_000,
        *asked(old, "select min(played_at), max(played_at) from old.main_streaming_data")[0],
    )
