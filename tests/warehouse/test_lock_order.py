"""Locks of listeners are taken in one order, so that runs of different listeners wait for each other and never in a ring."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import psycopg2
import pytest
from sqlalchemy import Connection
from support import NOW, ago, libpq

from etl.sources.recently_played import read_page
from etl.warehouse.connection import Warehouse
from etl.warehouse.load import stage
from etl.warehouse.locks import LISTENER_LOCK, lock, lock_listeners
from etl.warehouse.merge import merge_catalogue, merge_plays, rematch_plays
from etl.warehouse.statements import run

DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


@pytest.fixture
def two(database) -> Iterator[tuple[Warehouse, Warehouse]]:
    with closing(Warehouse(database)) as first, closing(Warehouse(database)) as second:
        yield first, second


def together(
    two: tuple[Warehouse, Warehouse], work: Callable[[Connection, int, Callable[[], object]], None]
) -> list[int]:
    """Does the work for listeners 1 and 2 at once. `met` waits, the first time, until both have come so far. How often each was begun."""
    barrier = threading.Barrier(2)
    begun = {1: 0, 2: 0}

    def for_listener(warehouse: Warehouse, key: int) -> None:
        def once(connection: Connection) -> None:
            begun[key] += 1
            work(connection, key, barrier.wait if begun[key] == 1 else lambda: None)

        warehouse.transaction(once)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(for_listener, *one) for one in zip(two, (1, 2), strict=True)]:
            done.result(timeout=60)
    return [begun[1], begun[2]]


def item(track_id: str, minutes: float, isrc: str | None = None) -> dict:
    return {
        "played_at": f"{ago(minutes):%Y-%m-%dT%H:%M:%S.000Z}",
        "track": {
            "id": track_id, "uri": f"spotify:track:{track_id}", "type": "track", "name": track_id[:2],
            "duration_ms": 200_000, "external_ids": {"isrc": isrc} if isrc else {},
            "artists": [{"id": track_id[::-1], "name": "Band"}], "album": {"id": track_id, "name": "Album"},
        },
    }  # fmt: skip


def save(connection: Connection, key: int, items: list[dict], met: Callable[[], object] = lambda: None) -> None:
    """What a run of a job does with a page, as jobs.save_page."""
    stage(connection, read_page({"items": items}, NOW).tables)
    merge_catalogue(connection)
    merge_plays(connection, listener_key=key, now=NOW)
    met()
    rematch_plays(connection, now=NOW, but_not=key)


def test_two_runs_that_both_find_recordings_of_the_other_listener_meet_no_deadlock(two, ask):
    """Each has its own listener's lock when it finds that the other's plays are to be looked at again."""
    ids = {1: (f"A1{'0' * 20}", f"A2{'0' * 20}"), 2: (f"C1{'0' * 20}", f"C2{'0' * 20}")}
    about = {"stand_ins": [], "listener_name": None, "time_zone": "UTC", "created_at": NOW}
    for key in (1, 2):
        two[0].transaction(
            lambda connection, key=key: run(connection, "dimensions/listener", listener_id=str(key), **about)
        )
        own = [item(ids[key][0], 400, f"ISRC{key}")]
        two[0].transaction(lambda connection, key=key, own=own: save(connection, key, own))
    for key in (1, 2):
        both = [item(ids[1][1], 600), item(ids[2][1], 500)]
        two[0].transaction(lambda connection, key=key, both=both: save(connection, key, both))

    def work(connection: Connection, key: int, met: Callable[[], object]) -> None:
        save(connection, key, [item(ids[key][1], 60 * key, f"ISRC{key}")], met)

    [_, second_count] = together(two, work)
    assert second_count == 2  # it holds the later lock, and so begins anew instead of waiting
    assert ask(DEADLOCKS) == [(0,)]
    assert ask("select listener_key, count(*) from listening.fact_play group by 1 order by 1") == [(1, 4), (2, 4)]
    assert ask(
        "select array_agg(track_name order by track_name) from listening.dim_track where recording_key is not null "
        "group by recording_key order by 1"
    ) == [(["A1", "A2"],), (["C1", "C2"],)]


def test_whoever_holds_the_later_lock_begins_anew(two, ask):
    def work(connection: Connection, key: int, met: Callable[[], object]) -> None:
        lock(connection, LISTENER_LOCK, key)
        met()
        lock_listeners(connection, [3 - key])

    [_, second_count] = together(two, work)
    assert second_count == 2
    assert ask(DEADLOCKS) == [(0,)]


def test_a_free_lock_out_of_order_is_simply_taken(two):
    tries = []

    def work(connection: Connection) -> None:
        tries.append(1)
        lock(connection, LISTENER_LOCK, 2)
        lock_listeners(connection, [3, 1])

    two[0].transaction(work)
    assert tries == [1]


def test_a_run_that_begins_anew_takes_all_its_locks_in_order(two, database):
    """Also when it finds others each time."""
    asked: list[set[int]] = []

    def work(connection: Connection) -> None:
        asked.append(set(connection.info["listeners_held"]))
        lock(connection, LISTENER_LOCK, 9)
        if len(asked) == 1:
            with held_for_a_moment(database, 5):
                lock_listeners(connection, [5])
        if len(asked) == 2:
            with held_for_a_moment(database, 3):
                lock_listeners(connection, [3])

    two[0].transaction(work)
    assert asked == [set(), {5, 9}, {3, 5, 9}]


@contextmanager
def held_for_a_moment(url: str, key: int) -> Iterator[None]:
    with ExitStack() as stack:
        connection = stack.enter_context(closing(psycopg2.connect(libpq(url))))
        cursor = stack.enter_context(connection.cursor())
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", (LISTENER_LOCK, key))
        yield
