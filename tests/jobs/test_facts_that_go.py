"""What only an import or a listener that is gone told of a track, its name or its longest play, joins and parts nothing.

The other means: a record into which they never went, its most played recordings compared.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from typing import Any

import psycopg2
import pytest
from support import NOW, libpq, whole_facts
from support.cases import Described, Others, Record, Song, exported, minuted, told
from support.export_files import write_folder

from etl.jobs.imports import import_exports
from etl.jobs.listeners import delete_listener
from etl.jobs.undo import Undone, undo_import

AUDIO, ACCOUNT = "Streaming_History_Audio_2026.json", "StreamingHistory_music_0.json"
S = Song("S", "Song")
DAY = 86_400
LISTED = [told(-290 - 600 * number, S) for number in range(3)]
OWN = [minuted(-500 - 10 * number, S, 200_000) for number in range(4)]
LONG = [minuted(-5_000, S, 600_000)]  # three times as long as the song of this name
MOST_PLAYED = (
    "select listener_id, track_name, count(*)"
    " from listening.counted_plays('30s', '-infinity', 'infinity') as counted join listening.dim_track"
    " on dim_track.track_key = counted.recording_key join listening.dim_listener using (listener_key)"
    " where listener_id = 'one' group by listener_id, counted.recording_key, track_name order by 3 desc"
)
NAMES = "select count(*) from listening.track_alias"


@pytest.fixture
def bring(record: Record, tmp_path, ask: Callable[..., list[tuple]]) -> Callable[..., int]:
    """Imports rows of one export; its number."""
    numbers = count()

    def brought(rows: list[dict[str, Any]], listener: str = "one", **options: Any) -> int:
        name = AUDIO if "ts" in rows[0] else ACCOUNT
        folder = write_folder(tmp_path / f"package{next(numbers)}", {name: rows})
        import_exports(record.settings, record.warehouse, [folder], listener=listener, clock=lambda: NOW, **options)
        [(number,)] = ask("select max(run_key) from ops.run where job = 'import'")
        return number

    return brought


@pytest.fixture
def undo(record: Record) -> Callable[[int], Undone]:
    return lambda number: undo_import(record.warehouse, number, dry_run=False, clock=lambda: NOW)


@pytest.fixture
def of_one(record: Record, bring: Callable[..., int], ask: Callable[..., list[tuple]]) -> list[tuple]:
    """A song of the list and of the account data, which are one recording: played seven times."""
    record.load(LISTED)
    bring(OWN)
    before = ask(MOST_PLAYED)
    assert before == [("one", "Song", 7)]
    return before


def test_a_play_too_long_for_a_recording_parts_it_only_as_long_as_it_is_there(of_one, bring, undo, ask) -> None:
    facts = whole_facts(ask)
    number = bring(LONG)
    assert [row[2] for row in ask(MOST_PLAYED)] == [5, 3]
    undo(number)
    assert ask(MOST_PLAYED) == of_one
    assert whole_facts(ask) == facts


def test_taken_back_before_the_rest_came_it_leaves_nothing(record, bring, undo, ask) -> None:
    undo(bring(LONG))
    assert ask("select longest_ms from listening.dim_track where track_uri like 'name:%%'") == [(None,)]
    record.load(LISTED)
    bring(OWN)
    assert ask(MOST_PLAYED) == [("one", "Song", 7)]


def test_a_longest_play_that_another_import_reports_too_stays(of_one, bring, undo, ask) -> None:
    number = bring(LONG)
    bring([*LONG, minuted(-6_000, Song("T", "Tune"))])
    parted = ask(MOST_PLAYED)
    undo(number)
    assert ask(MOST_PLAYED) == parted and len(parted) == 3


@pytest.mark.parametrize("leaves", ["undone", "deleted"])
def test_another_listeners_long_play_parts_nothing_once_it_is_gone(leaves, of_one, record, bring, undo, ask) -> None:
    number = bring(LONG, "zoe")
    assert len(ask(MOST_PLAYED)) == 2  # a fact of the name, whoever played it
    if leaves == "undone":
        undo(number)
    else:
        delete_listener(record.warehouse, "zoe", dry_run=False, is_public=False, clock=lambda: NOW)
    assert ask(MOST_PLAYED) == of_one


def test_a_rebuild_measures_every_name_anew(of_one, record, ask) -> None:
    """As of a warehouse that kept the longest play of an import that is gone."""
    ask("update listening.dim_track set longest_ms = 600000 where track_uri like 'name:%%'")
    record.rebuild()
    assert ask("select longest_ms from listening.dim_track where track_uri like 'name:%%'") == [(200_000,)]
    assert ask(MOST_PLAYED) == of_one


# Names.

RENAMED = Song("S", "Quite Another")
BY_NAME = [minuted(-5, Song(None, "Quite Another"), 200_000)]
FAR = [exported(-10 * DAY, RENAMED)]


@pytest.mark.parametrize("leaves", ["undone", "deleted"])
def test_a_name_that_only_a_gone_import_gave_joins_nothing(leaves, record, bring, undo, ask) -> None:
    record.load([told(-290, S)])
    number = bring(FAR, "zoe" if leaves == "deleted" else "one")
    bring(BY_NAME)
    assert ask("select count(*) from listening.fact_play where played_at > %s - interval '1 day'", NOW) == [(1,)]
    if leaves == "deleted":
        delete_listener(record.warehouse, "zoe", dry_run=False, is_public=False, clock=lambda: NOW)
    else:
        undo(number)
    left = whole_facts(ask)
    assert len(left) == 2
    record.forget()
    ask("delete from ops.run")
    record.load([told(-290, S)])
    bring(BY_NAME)
    assert left == whole_facts(ask)


@pytest.mark.parametrize(
    "other", ["an import", "an import of another's", "the list", "the catalogue", "the list, before"]
)
def test_a_name_that_something_else_gives_stays(other, record, bring, undo, ask) -> None:
    record.load([told(-290, S)])
    if other == "the list, before":
        record.load([told(-20_000, RENAMED)])
    number = bring(FAR)
    bring(BY_NAME)
    if other == "an import":
        bring([exported(-11 * DAY, RENAMED)])
    elif other == "an import of another's":
        bring([exported(-11 * DAY, RENAMED)], "zoe")
    elif other == "the list":
        record.load([told(-20_000, RENAMED)])
    elif other == "the catalogue":
        record.load(Described([{**told(0, RENAMED)["track"]}]))
    names = ask(NAMES)
    undo(number)
    assert ask(NAMES) == names
    assert ask("select count(*) from listening.fact_play where played_at > %s - interval '1 hour'", NOW) == [(1,)]


def test_the_name_of_a_file_that_holds_by_another_receipt_stays(record, bring, undo, ask) -> None:
    record.load([told(-290, S)])
    number = bring(FAR)
    again = bring(FAR, again=True)
    names = ask(NAMES)
    undo(number)
    assert ask(NAMES) == names
    undo(again)
    assert ask(NAMES) == [(names[0][0] - 1,)]


def test_another_listeners_plays_are_matched_anew_too(record, bring, undo, ask) -> None:
    record.listener_keys["other"] = record.listener("other")
    record.load(Others([told(-290, S)]))
    number = bring(FAR)
    record.load(Others(BY_NAME))
    assert ask("select count(*) from listening.fact_play join listening.dim_listener using (listener_key)"
               " where listener_id = 'other'") == [(1,)]  # fmt: skip
    undo(number)
    assert ask("select count(*) from listening.fact_play join listening.dim_listener using (listener_key)"
               " where listener_id = 'other'") == [(2,)]  # fmt: skip


def test_a_name_that_another_import_gives_at_this_moment_stays(record, bring, undo, ask, database) -> None:
    record.load([told(-290, S)])
    number = bring(FAR)
    names = ask(NAMES)
    other = psycopg2.connect(libpq(database))
    with closing(other), other.cursor() as cursor, ThreadPoolExecutor(1) as threads:
        cursor.execute("update listening.track_alias set content_keys = content_keys || 999 where content_keys <> '{}'")
        undone = threads.submit(undo, number)
        deadline = time.monotonic() + 60
        while ask("select count(*) from pg_locks where not granted") == [(0,)]:
            assert time.monotonic() < deadline and not undone.done()
            time.sleep(0.02)
        other.commit()
        undone.result()
    assert ask(NAMES) == names
    assert ask("select content_keys from listening.track_alias where content_keys is not null") == [([999],)]
