"""The two forms of the extended history: a row a play for other programs, a row a source for our own way back."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from support import NOW, asked, settings_of, whole_facts
from support.cases import NOTHING, Song, exported, minuted, told
from support.history_files import taken_back, written

from etl.jobs.imports import import_exports
from etl.warehouse.connection import Warehouse

A = Song("A", "Song", isrc="QZ0000000001")
B = Song("B", "Tune", ("Bob",), 180_000, "QZ0000000002")
EPISODE = Song("H", "Talk", ("Show",), 3_600_000, kind="episode")
OURS = """
    select count(*), sum(best_ms)::bigint, count(best_ms)
    from listening.timed_plays('-infinity', 'infinity')
"""


@pytest.fixture
def played(record, ask):
    """Plays that one, two and three sources report, some of them twice."""
    record.load(
        [told(0.25, B), told(-400.3, B), told(-900.5, A), told(-59.2, A), told(-1500.75, B)],
        [
            exported(-400, B, 170_000, start=-575.5),
            exported(-390, B, 170_000, start=-575.5),  # told again
            exported(-2000, EPISODE, 1_000, incognito_mode=True),
            exported(-7200, A, 5_000, skipped=True),
        ],
        [minuted(-60, A, 150_000), minuted(-50, NOTHING, 1_234), minuted(-7, B, 170_000), minuted(-1, A, 200_000)],
    )
    return whole_facts(ask)


def rows_in(path) -> list[dict]:
    return json.loads(path.read_text())


def test_a_play_is_one_row_and_its_milliseconds_are_ours(played, warehouse, settings, ask, tmp_path):
    rows = rows_in(written(warehouse, settings, tmp_path, "extended"))
    [(plays, total_ms, timed)] = ask(OURS)
    assert (len(rows), sum(row["ms_played"] or 0 for row in rows)) == (plays, total_ms)
    assert sum(row["ms_played"] is not None for row in rows) == timed
    assert (
        len(rows) == len(played) < len(rows_in(written(warehouse, settings, tmp_path, "extended", with_sources=True)))
    )
    sources = Counter(row.get("brapped_source") for row in rows)
    assert sources == {None: 3, "account_export": 3, "recently_played": 3}
    for row in rows:
        datetime.strptime(row["ts"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)  # as programs for Spotify's files do
    assert rows == sorted(rows, key=lambda row: row["ts"])


def test_a_row_has_what_its_best_source_says(played, warehouse, settings, tmp_path):
    rows = {row["ts"]: row for row in rows_in(written(warehouse, settings, tmp_path, "extended"))}
    ends = f"{NOW - timedelta(seconds=400):%Y-%m-%dT%H:%M:%SZ}"
    assert rows[ends] == {
        "ts": ends, "platform": "ios", "ms_played": 170_000, "conn_country": None, "master_metadata_track_name": "Tune",
        "master_metadata_album_artist_name": "Bob", "master_metadata_album_album_name": None, "spotify_track_uri": B.uri,
        "episode_name": None, "episode_show_name": None, "spotify_episode_uri": None, "audiobook_title": None,
        "audiobook_chapter_uri": None, "audiobook_chapter_title": None, "reason_start": "trackdone", "reason_end": "trackdone",
        "shuffle": False, "skipped": False, "offline": False,
        "offline_timestamp": round((NOW - timedelta(seconds=575.5)).timestamp() * 1000), "incognito_mode": False,
    }  # fmt: skip


def test_the_row_a_play_comes_back_as_the_same_plays_to_the_second(
    played,
    warehouse,
    settings,
    other_database,
    spotify,
    tmp_path,
):
    """What is lost: fractions of seconds, second sources, contexts, and milliseconds that were estimated. (And a play of the
    list beside one of the account data, of one song within a minute, may then be taken for it.)"""
    path = written(warehouse, settings, tmp_path, "extended").rename(tmp_path / "back.json")
    taken_back(path, other_database, spotify, time_zone="Europe/Berlin")

    def of(url: str) -> list[tuple]:
        return asked(
            url,
            """
            select coalesce(track_uri, ''), ms_played, is_skipped, is_private, reason_end, platform
            from listening.fact_play
            join listening.dim_track using (track_key)
            join listening.dim_play_profile using (play_profile_key)
            join listening.dim_device using (device_key)
            order by 1, 2, played_at
            """,
        )

    assert Counter(of(other_database)) == Counter(of(warehouse.engine.url.render_as_string(hide_password=False)))
    other = Warehouse(other_database)
    again = import_exports(settings_of(other_database, spotify), other, [path], clock=lambda: NOW).total
    other.close()
    assert (again.new_count, again.merged_count, again.known_count) == (0, 0, len(played))


def test_a_length_that_nobody_knows_is_null(record, warehouse, settings, tmp_path):
    record.load([told(-10, Song("U", "Untimed", duration_ms=None))])
    [row] = rows_in(written(warehouse, settings, tmp_path, "extended"))
    assert (row["ms_played"], row["brapped_source"]) == (None, "recently_played")


@pytest.mark.parametrize("form", ["csv", "json", "text"])
def test_sources_are_of_the_extended_form_only(form, brapped):
    ran = brapped("report", "history", "--with-sources", "--format", form)
    assert ran.returncode == 2 and "--with-sources needs --format extended" in ran.stderr.replace("\n", " ")


def test_the_command_writes_both_forms(record, brapped):
    record.load([told(0.25, A)], [exported(0, A, 150_000)])
    for flags, count in (((), 1), (("--with-sources",), 2)):
        ran = brapped("report", "history", "--format", "extended", *flags)
        assert (ran.returncode, len(json.loads(ran.stdout))) == (0, count)


def test_another_program_counts_real_exports_as_we_do(real_exports, settings, tmp_path):
    warehouse, ask = real_exports
    rows = rows_in(written(warehouse, settings, tmp_path, "extended"))
    [(plays, total_ms, _)] = ask(OURS)
    assert (len(rows), sum(row["ms_played"] for row in rows)) == (plays, total_ms) == (68_474, total_ms)
    by_day = Counter(row["ts"][:10] for row in rows)
    assert by_day == dict(
        ask(
            "select to_char(played_at at time zone 'UTC', 'yyyy-mm-dd'), count(*)::int from listening.fact_play group by 1"
        )
    )
