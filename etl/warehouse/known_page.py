"""A page of a source's list that brings nothing new: found by one statement, recorded by another."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from etl.staging import Batch
from etl.warehouse.locks import LISTENER_LOCK, run_combined_locked


def page_state(
    connection: Connection,
    tables: Mapping[str, Batch],
    *,
    listener_key: int,
    login_key: int,
    time_zone: str | None,
    now: datetime,
) -> dict[str, list[dict[str, Any]]]:
    """What is known of a page of the recently-played list, in one statement, with the lock of the listener held from here on.

    The rows of page_recorded.sql, and of the two questions that a run asks besides: time_zone_of_listener.sql and
    report_due.sql. Where `is_recorded`, merging the page would leave every fact, dimension and match as it is.
    Raises the driver's errors for a value that JSON or the database can't hold.
    """
    names = ("matching/03_page_recorded", "ops/listeners/time_zone", "ops/runs/report_due")
    given = {"listener_key": listener_key, "login_key": login_key, "asked": time_zone, "now": now}
    return run_combined_locked(connection, LISTENER_LOCK, listener_key, names, page=as_json(tables), **given)


def as_json(tables: Mapping[str, Batch]) -> str:
    """The rows of each staging table, as `load.copy` would copy them: an empty text is null."""
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
