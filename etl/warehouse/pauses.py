"""Pauses that a service asked for (Retry-After), stored so that the next run respects them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from etl.warehouse.connection import Warehouse
from etl.warehouse.statements import run


def paused_until(
    warehouse: Warehouse, scope: str, now: datetime, pauses: Sequence[Mapping[str, Any]] | None = None
) -> datetime | None:
    """When the pause of this scope ends; None if there is none. `pauses`: rows already read, to save a query."""
    if pauses is not None:
        return next((pause["resume_at"] for pause in pauses if pause["scope"] == scope), None)
    rows = warehouse.ask(lambda connection: run(connection, "ops/runs/pause", scope=scope, now=now))
    return rows[0].resume_at if rows else None


def note_pause(connection: Connection, scope: str, resume_at: datetime, reason: str | None, now: datetime) -> None:
    """Record until when a service accepts no calls of this scope, and the reason it gave."""
    run(
        connection,
        "ops/runs/pause_noted",
        scope=scope,
        resume_at=resume_at,
        reason=reason,
        noted_at=now,
    )
