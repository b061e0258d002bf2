"""Find the tables of older projects of this kind, in whatever schema they are, check them, and read their rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import psycopg2.extensions
from psycopg2.sql import SQL, Identifier
from sqlalchemy import Connection

from etl.sources.legacy import PLACE, PLAYS, OldTable, Row
from etl.transfer.endpoints import Source
from etl.transfer.layout import KINDS, UntrustedCatalog, printable_name, unsafe_reason
from etl.transfer.tables import AS_TEXT
from etl.warehouse.errors import WarehouseError
from etl.warehouse.statements import driver_cursor

log = logging.getLogger(__name__)

READ = (*PLAYS, "track_table", "artist_table")
# A date without a time is no moment of a play.
NO_DAYS = psycopg2.extensions.new_type((1082,), "NO_DAYS", lambda value, _: None)


def find_old_tables(connection: Connection) -> list[OldTable]:
    """The readable tables of an older project, the smallest first, so that of two with one name the larger one wins.

    Raises WarehouseError when none with plays can be read; logs a warning for each table that can't.
    """
    found, faults = [], []
    for full_name, row in UntrustedCatalog(connection, "--from-legacy", READ).relations.items():
        table = OldTable(row.schema_name, row.table_name, frozenset(row.column_names or ()), 0)
        if missing := sorted(PLAYS.get(table.name, set()) - table.columns):
            faults.append(f"{printable_name(full_name)} has no column {', '.join(missing)}.")
        elif reason := unsafe_reason(row):
            faults.append(
                f"{printable_name(full_name)} {reason}, so it is not read"
                f"{'; make a table of it (create table … as select …).' if row.kind in KINDS else '.'}"
            )
        else:
            with driver_cursor(connection) as cursor:
                cursor.execute(SQL("select count(*) from {}").format(Identifier(table.schema, table.name)))
                [(row_count,)] = cursor.fetchall()
            found.append(replace(table, row_count=int(row_count)))
    if not any(table.name in PLAYS for table in found):
        none = f"The database at --from-legacy has none of the tables {' and '.join(PLAYS)} of an older project."
        raise WarehouseError(
            f"Nothing can be imported from the database at --from-legacy: {' '.join(faults)}" if faults else none
        )
    for fault in faults:
        log.warning("--from-legacy: %s", fault)
    return sorted(found, key=lambda table: table.row_count)


def rows_of(origin: Source, table: OldTable | None) -> Iterator[Row]:
    """The rows of a table, oldest play first, each as a mapping by column, with PLACE; none if `table` is None."""
    if table is None:
        return
    read = SQL(", ").join(map(Identifier, [PLACE, *sorted(table.columns)]))
    order = SQL("played_at") if "played_at" in table.columns else SQL("1")

    def work(connection: Connection) -> list[Row]:
        with driver_cursor(connection) as cursor:
            for kind in (AS_TEXT, NO_DAYS):
                psycopg2.extensions.register_type(kind, cursor)
            cursor.execute(
                SQL("select {} from only {} order by {}").format(read, Identifier(table.schema, table.name), order)
            )
            columns = [column.name for column in cursor.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in cursor]

    yield from origin.do(work)
