"""Copy frames into staging tables."""

import csv
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from etl.warehouse.statements import driver_cursor, run

if TYPE_CHECKING:
    import pandas as pd


def stage(connection: Connection, tables: "Mapping[str, pd.DataFrame]") -> None:
    """Makes the temporary staging tables and fills each by one COPY. A frame's columns are those of its table."""
    for name, rows in tables.items():
        run(connection, f"staging/{name}")
        copy(connection, name, rows)


def copy(connection: Connection, name: str, rows: "pd.DataFrame") -> None:
    """Adds rows to a table by one COPY. None and an empty text are null."""
    if rows.empty:
        return
    buffer = io.StringIO()
    columns = (values_of(rows[name]) for name in rows)
    csv.writer(buffer, lineterminator="\r\n").writerows(zip(*columns, strict=True))  # so that a lone \r is quoted
    buffer.seek(0)
    names = ", ".join(rows.columns)
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(f"copy {name} ({names}) from stdin with (format csv, null '')", buffer, 2**20)


def values_of(column: "pd.Series[Any]") -> list[Any]:
    """The values with None for null. A column of dtype object has no other null."""
    return (column if column.dtype == object else column.astype(object).where(column.notna(), None)).tolist()
