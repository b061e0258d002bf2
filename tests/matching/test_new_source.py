"""What a new source needs outside matching: nothing but its row. The made-up "diary" comes by an import, and by a file of our own."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from matching.test_orders import DIARY, with_diary  # noqa: F401
from support import NOW, ago, asked, settings_of, whole_facts
from support.cases import Record, Song, exported, minuted, observed_tables, told, watched
from support.history_files import taken_back, written

from etl.jobs.imports import import_exports, import_parts
from etl.jobs.plays import record_plays
from etl.jobs.receipts import Receipt
from etl.simulator.routes import Play
from etl.sources.exports.reader import Part
from etl.staging import EXPORT_PLAY_COLUMNS, Table
from etl.warehouse.connection import Warehouse

MINUTE = timedelta(minutes=1)
NOTED = Song(None, "Noted", ("Nobody else",))
GAPS = "select starts_at, ends_at, closed_by from ops.coverage where state = 'gap'"
COVERED = "select starts_at, ends_at from ops.coverage where state = 'covered' and source = 'diary'"

pytestmark = pytest.mark.usefixtures("with_diary", "no_pauses")


@pytest.fixture(autouse=True)
def row_of_the_diary(database: str) -> None:
    asked(database, DIARY)


@pytest.fixture
def listen(settings, warehouse, spotify, play, songs) -> Callable[..., list[datetime]]:
    """Plays `count` tracks from some minutes ago on, 40 s each, and fetches the list 10 minutes after the last; when they ended."""

    def listened(minutes: int, count: int) -> list[datetime]:
        plays = [Play(list(songs.tracks)[n % 40], ago(minutes) + timedelta(seconds=40 * n)) for n in range(count)]
        play(*plays)
        at = plays[-1].played_at + 10 * MINUTE
        spotify.clock = lambda: at
        record_plays(settings, warehouse, spotify.clock)
        return [one.played_at for one in plays]

    return listened


@pytest.fixture
def note(settings, warehouse) -> Callable[..., Receipt]:
    """Imports a package of the diary with plays that ended at these moments."""

    def noted(*moments: datetime) -> Receipt:
        rows: list[dict[str, Any]] = [{"source": "diary", "song": NOTED, "played_at": at} for at in moments]
        tables: dict[str, Any] = observed_tables(rows)
        uri = tables["staging_track"]["track_uri"][0]
        plays = [
            {"item_number": n, "file_number": 0, "source": "diary", "track_uri": uri, "played_at": at}
            for n, at in enumerate(moments)
        ]
        tables["staging_play"] = Table.of(plays, EXPORT_PLAY_COLUMNS)
        part = Part("diary", "diary.txt", "diary", len(rows), 0, 0, 0, (), 0, tables)
        return import_parts(
            settings, warehouse, lambda *_: iter([part]), listener=None, dry_run=False, clock=lambda: NOW
        )

    return noted


def covers(database: str, coverage: str | None) -> None:
    asked(database, "update listening.source set coverage = %s where source_name = 'diary'", coverage)


def minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


@pytest.mark.parametrize("coverage", ["span", "watched", None])
def test_a_diary_closes_a_gap_only_if_it_covers_a_span(coverage, database, listen, note, ask, brapped):
    covers(database, coverage)
    [begin] = listen(300, 1)
    end = listen(280, 75)[25]
    assert ask(GAPS) == [(begin, end, None)]
    reach = (minute_of(begin) - 10 * MINUTE, minute_of(end) + 10 * MINUTE)
    note(*reach)
    if coverage == "span":
        assert ask(GAPS) == [(begin, end, "diary")] and ask(COVERED) == [reach]
        assert "brought by the diary" in brapped("status").stdout
    else:
        assert ask(GAPS) == [(begin, end, None)] and ask(COVERED) == []


@pytest.mark.parametrize(("coverage", "begins"), [("span", 285), ("watched", 285), ("window", 285), (None, 300)])
def test_a_gap_that_is_found_later_begins_where_the_diary_ends_if_it_covers_anything(
    coverage, begins, database, listen, note, ask
):
    covers(database, coverage)
    listen(300, 1)
    note(ago(310), ago(285))
    end = listen(280, 75)[25]
    closed = [(ago(300), ago(285), "diary")] if coverage == "span" else []
    assert sorted(ask(GAPS)) == [*closed, (ago(begins), end, None)]


def test_a_gap_is_closed_from_the_first_where_a_diary_covers_the_span(database, listen, note, ask):
    covers(database, "span")
    [begin] = listen(300, 1)
    note(ago(310), ago(10))
    end = listen(280, 75)[25]
    assert ask(GAPS) == [(begin, end, "diary")]
    assert ask("select outcome from ops.run where job = 'plays' order by run_key desc limit 1") == [("done",)]


@pytest.mark.parametrize("coverage", ["span", None])
def test_an_import_that_has_none_of_the_recorded_plays_is_doubted_whatever_it_covers(coverage, database, listen, note):
    covers(database, coverage)
    listen(300, 60)
    warned = note(ago(310), ago(200)).warnings
    assert [one.split(" plays")[0] for one in warned] == ["50"]


def test_every_source_of_a_day_is_counted(record: Record, note, database, ask):
    a, b = Song("A", "One"), Song("B", "Two")
    record.load([told(-100.5, a), told(-400, b)], [exported(-100, a, 150_000)], [minuted(-2, a, 150_000)])
    record.observe([watched(-400.2, b)], record.listener_keys["one"])
    note(ago(20), ago(15), ago(14))
    assert ask(
        "select listen_count, recently_played_count, extended_export_count, account_export_count, source_counts"
        " from listening.coverage_day where listen_count > 0"
    ) == [
        (
            5, 2, 1, 1,
            {"recently_played": 2, "extended_export": 1, "account_export": 1, "player": 1, "diary": 3},
        )
    ]  # fmt: skip


def test_the_history_of_every_source_comes_back_as_the_same_plays(
    record: Record, note, settings, warehouse, ask, other_database, spotify, tmp_path: Path
):
    """The player's too, and those of a source that Brapped's own code does not know."""
    asked(other_database, DIARY)
    a, b = Song("A", "One"), Song("B", "Two")
    record.load([told(-100.5, a), told(-400, b)], [exported(-100, a, 150_000, start=-250)], [minuted(-2, a, 150_000)])
    record.observe([watched(-400.2, b, 190_000), watched(-900.25, a, 33_333)], record.listener_keys["one"])
    note(ago(30), ago(25))
    facts = whole_facts(ask)
    path = written(warehouse, settings, tmp_path, "extended", with_sources=True).rename(tmp_path / "back.json")
    marks = [row.get("brapped_source") for row in json.loads(path.read_text("utf-8"))]
    assert sorted(marks, key=str) == sorted(
        [None, "account_export", "diary", "diary", "player", "player", "recently_played", "recently_played"], key=str
    )
    back = taken_back(path, other_database, spotify, time_zone="Europe/Berlin")
    assert [row[1:] for row in back] == [row[1:] for row in facts]
    starts = "select observed_at, started_at, source_name from listening.observation join listening.source using (source_key)"
    assert sorted(asked(other_database, starts), key=repr) == sorted(ask(starts), key=repr)


def test_a_source_that_gives_names_only_comes_back_without_an_id_and_an_album(
    record: Record, settings, warehouse, database, ask, tmp_path: Path
):
    """Observations that were derived from the plays of an older version have the play's track, which has an id."""
    a = Song("A", "One")
    record.load([exported(-100, a, 150_000)], [minuted(-2, a, 150_000)])
    asked(database, "update listening.observation set track_key = (select max(track_key) from listening.fact_play)")
    path = written(warehouse, settings, tmp_path, "extended", with_sources=True)
    assert {
        (row.get("brapped_source"), row["spotify_track_uri"], row["master_metadata_album_album_name"])
        for row in json.loads(path.read_text("utf-8"))
    } == {(None, a.uri, "Album"), ("account_export", None, None)}


def test_a_source_that_the_database_does_not_know_is_not_imported(
    record: Record, note, settings, warehouse, other_database, spotify, tmp_path: Path
):
    record.load([told(-400, Song("B", "Two"))])
    note(ago(30))
    path = written(warehouse, settings, tmp_path, "extended", with_sources=True).rename(tmp_path / "back.json")
    other = Warehouse(other_database)
    [file] = import_exports(settings_of(other_database, spotify), other, [path], clock=lambda: NOW).files
    other.close()
    assert (file.new_count, file.malformed) == (1, ("row 1: brapped_source is not a known source",))
