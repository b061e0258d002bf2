"""Copy rows into staging tables."""

import csv
import io
from collections.abc import Mapping

from sqlalchemy import Connection

from etl.staging import Table
from etl.warehouse.statements import driver_cursor, run_all


def stage(connection: Connection, tables: Mapping[str, Table]) -> None:
    """Create the temporary staging tables, and fill those named by the keys with one COPY each."""
    run_all(connection, [f"staging/{name}" for name in {**tables, "staging_play": ()}])
    for name, rows in tables.items():
        copy(connection, name, rows)


def copy(connection: Connection, name: str, rows: Table) -> None:
    """Append rows to a table with one COPY. None and the empty text become null."""
    if not len(rows):
        return
    buffer = io.StringIO()
    columns = list(rows.columns)
    # \r\n, so that csv quotes a lone \r
    csv.writer(buffer, lineterminator="\r\n").writerows(zip(*(rows[column] for column in columns), strict=True))
    buffer.seek(0)
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(f"copy {name} ({', '.join(columns)}) from stdin with (format csv, null '')", buffer, 2**20)
