"""Check in one statement whether a page of a source's list brings anything new."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from etl.staging import Table
from etl.warehouse.locks import LISTENER_LOCK, run_combined_locked


def page_state(
    connection: Connection,
    tables: Mapping[str, Table],
    *,
    listener_key: int,
    login_key: int,
    time_zone: str | None,
    now: datetime,
) -> dict[str, list[dict[str, Any]]]:
    """Lock the listener, and compare a page of the recently-played list with what is recorded, in one statement.

    Returns rows by file name: of matching/02_page_recorded, and of two queries that every run needs
    (ops/listeners/time_zone and ops/runs/report_due). `is_recorded` is true only if merging the page would change no
    fact, dimension or match. Raises the driver's errors for a value that the database can't hold.
    """
    names = ("matching/02_page_recorded", "ops/listeners/time_zone", "ops/runs/report_due")
    given = {"listener_key": listener_key, "login_key": login_key, "asked": time_zone, "now": now}
    return run_combined_locked(connection, LISTENER_LOCK, listener_key, names, page=as_json(tables), **given)


def as_json(tables: Mapping[str, Table]) -> str:
    """The rows of each staging table as JSON, with the empty text as null, as `load.copy` does. Pure."""
    return json.dumps(
        {
            name: [
                dict(zip(rows.columns, (None if value == "" else value for value in row), strict=True))
                for row in zip(*(rows[column] for column in rows.columns), strict=True)
            ]
            for name, rows in tables.items()
        },
        default=str,
        ensure_ascii=False,
    )
