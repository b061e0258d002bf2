"""Import the plays of an older project's tables."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from etl.clock import Clock, utc_now
from etl.jobs.imports import import_parts
from etl.jobs.receipts import Receipt
from etl.settings import Settings
from etl.sources.legacy import PLAYS, OldTable, artist_of, part_of, text_or_none
from etl.staging import Part
from etl.transfer.endpoints import Source, retry_on_disconnect, snapshot
from etl.transfer.legacy_tables import find_old_tables, rows_of
from etl.warehouse.connection import Warehouse

Progress = Callable[[int, int], None]


def import_legacy(
    settings: Settings,
    source: Warehouse,
    target: Warehouse,
    *,
    listener: str | None = None,
    dry_run: bool = False,
    clock: Clock = utc_now,
    progress: Progress = lambda done, total: None,
) -> Receipt:
    """Import the plays of an older project's tables, as import_exports() imports those of an export.

    `listener`: the id or name of the listener; None: the only listener recorded here. `progress` receives rows done
    and rows in all. The receipt accounts for every row. Raises WarehouseError and ListenerError.
    """

    def attempt(progressed: Callable[[], None]) -> Receipt:
        with snapshot(source) as origin:
            tables = {table.name: table for table in origin.do(find_old_tables)}
            return import_parts(
                settings,
                target,
                lambda now, *_: parts_of(origin, tables, now, progress),
                listener=listener,
                dry_run=dry_run,
                clock=clock,
            )

    return retry_on_disconnect(attempt)


def parts_of(origin: Source, tables: Mapping[str, OldTable], now: datetime, progress: Progress) -> Iterator[Part]:
    """Each table with plays as one part of an import; the first part has the old tables' artists, too."""
    described = {
        str(row["track_id"]): row
        for row in rows_of(origin, tables.get("track_table"))
        if text_or_none(row.get("track_id"))
    }
    artists = [artist for row in rows_of(origin, tables.get("artist_table")) if (artist := artist_of(row))]
    plays = [tables[name] for name in PLAYS if name in tables]
    plays = [table for table in plays if table.row_count] or plays
    done, total = 0, sum(table.row_count for table in plays)
    item_number = 0
    for file_number, table in enumerate(plays):
        progress(done, total)
        part = part_of(table, list(rows_of(origin, table)), described, artists, file_number, item_number, now)
        item_number += part.row_count
        done += table.row_count
        artists = []
        yield part
    progress(done, total)
