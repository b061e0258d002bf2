"""An import while another run takes one back or deletes its listener: one waits for the other, and both tell the truth."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from support import NOW, asked, libpq
from support.cases import Song, exported
from support.export_files import write_folder

from etl.jobs.imports import import_exports
from etl.jobs.listeners import delete_listener
from etl.jobs.undo import undo_import
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ListenerError
from etl.warehouse.locks import LISTENER_LOCK

S, T, U = Song("S", "Song"), Song("T", "Tune", ("Bob",)), Song("U", "Air", ("Cem",))
ROWS = [exported(-310, S), exported(-900, T), exported(-9_000, U)]
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
STRAYS = (
    "select count(*) from {table} where listener_key is not null"
    " and listener_key not in (select listener_key from listening.dim_listener)"
)


@pytest.fixture
def bring(database: str, tmp_path) -> Callable[..., Any]:
    """Imports the rows into zoe's record by a connection of its own; `bring()` gives the receipt."""
    folder = write_folder(tmp_path / "package", {"Streaming_History_Audio_2026.json": ROWS})

    def brought(**options: Any) -> Any:
        with closing(Warehouse(database)) as warehouse:
            settings = Settings(_env_file=None, database_url=database)
            return import_exports(settings, warehouse, [folder], listener="zoe", clock=lambda: NOW, **options)

    return brought


def while_it_waits(database: str, other: Callable[[], Any], late: Callable[[], Any]) -> tuple[Any, Future[Any]]:
    """Begins `other`, then `late`, while the listener is locked; lets them go on, in this order, when both wait."""

    def wait_for(count: int, future: Future[Any]) -> None:
        deadline = time.monotonic() + 60
        while not future.done() and asked(database, WAITING) != [(count,)]:
            assert time.monotonic() < deadline, f"{count} sessions never waited at once"
            time.sleep(0.02)

    holder = psycopg2.connect(libpq(database))
    with ThreadPoolExecutor(2) as threads, closing(holder), holder.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(%s, listener_key) from listening.dim_listener where listener_id = 'zoe'",
            [LISTENER_LOCK],
        )
        first = threads.submit(other)
        wait_for(1, first)
        second = threads.submit(late)
        wait_for(2, second)
        holder.rollback()
        return first.result(), second


def latest(ask: Callable[..., list[tuple]]) -> int:
    [(number,)] = ask("select max(run_key) from ops.run where job = 'import'")
    return number


def taken_back(database: str, number: int) -> Any:
    with closing(Warehouse(database)) as warehouse:
        return undo_import(warehouse, number, dry_run=False, clock=lambda: NOW)


@pytest.mark.parametrize("again", [False, True])
def test_an_import_of_a_file_that_is_being_taken_back_brings_it_anew(again, bring, database, ask) -> None:
    bring()
    before = ask("select played_at, track_key, ms_played from listening.fact_play order by 1")
    covered = ask("select source, starts_at, ends_at from ops.coverage order by 1, 2")
    number = latest(ask)
    undone, late = while_it_waits(database, lambda: taken_back(database, number), lambda: bring(again=again))
    assert undone.gone_count == len(ROWS)
    receipt = late.result()
    assert (receipt.total.new_count, receipt.total.known_count, receipt.unchanged_count) == (len(ROWS), 0, 0)
    assert ask("select played_at, track_key, ms_played from listening.fact_play order by 1") == before
    assert ask("select source, starts_at, ends_at from ops.coverage order by 1, 2") == covered
    # each row is known to be of an import that holds, so that one can be taken back, too
    assert ask(
        "select count(*), count(import_set.import_set_key) from listening.observation"
        " left join ops.import_set using (import_set_key)"
    ) == [(len(ROWS), len(ROWS))]
    assert taken_back(database, latest(ask)).gone_count == len(ROWS)
    assert ask("select count(*) from listening.fact_play") == [(0,)]
    assert ask("select count(*) from ops.coverage") == [(0,)]


def test_an_import_whose_listener_is_being_deleted_says_so_and_leaves_nothing(bring, database, ask) -> None:
    bring()

    def deleted() -> Any:
        with closing(Warehouse(database)) as warehouse:
            return delete_listener(warehouse, "zoe", dry_run=False, is_public=False, clock=lambda: NOW)

    done, late = while_it_waits(database, deleted, lambda: bring(again=True))
    assert done.row_counts["listening.fact_play"] == len(ROWS)
    with pytest.raises(ListenerError, match=r"^The listener was deleted, .* Nothing was imported\."):
        late.result()
    assert ask("select count(*) from listening.fact_play") == [(0,)]
    for (table,) in ask(
        "select table_schema || '.' || table_name from information_schema.columns join information_schema.tables"
        " using (table_schema, table_name) where column_name = 'listener_key' and table_type = 'BASE TABLE'"
        " and table_schema in ('listening', 'ops')"
    ):
        assert ask(STRAYS.format(table=table)) == [(0,)], table
