"""Derive the plays of listeners anew from their observations, after the rule that matches them has changed."""

import logging
from datetime import datetime

from sqlalchemy import Connection

from etl.warehouse.locks import LISTENER_LOCK, lock, lock_listeners
from etl.warehouse.merge import Rebuilt, derive_recordings, rebuild_plays
from etl.warehouse.statements import run, run_all, script
from etl.warehouse.time_zones import update_time_zone

log = logging.getLogger(__name__)

DUE = "ops/migrations/rebuild_due"
MARKER = "-- rebuild"  # a line of the comment at the head of a schema file, alone or before a colon


def changes_the_rule(name: str) -> bool:
    """Whether all plays have to be derived anew after this schema file: the comment at its head says so."""
    for line in script(name).splitlines():
        if not line.startswith("--"):
            return False
        if line.partition(":")[0].rstrip() == MARKER:
            return True
    return False


def lock_everybody(connection: Connection) -> None:
    """Take the lock of every listener. Before tables are changed, because a merge holds them in that order."""
    lock_listeners(connection, [row.listener_key for row in run(connection, "ops/listeners/keys")])


def note_rebuild(connection: Connection, schema_file: str, now: datetime) -> None:
    """Note that the plays of all listeners are to be derived anew, and derive now which tracks are one recording.

    The plays themselves are left to `Warehouse.rebuild_due`, so that a migration takes no longer than its schema files, and what
    is recorded before they are derived already follows the new rule.
    """
    if run(connection, "ops/migrations/rebuild_due_noted", schema_file=schema_file, due_at=now):
        derive_recordings(connection)
        # a dry run of an import goes on in this transaction
        run_all(connection, ("matching/90_drop_temporary_tables", "dimensions/drop_changed_tracks"))


def rebuild_if_due(connection: Connection, listener_key: int, now: datetime) -> Rebuilt | None:
    """Derive the plays of a listener anew, unless another run has done it meanwhile: then None.

    Raises OutOfOrder and a lock timeout as `lock` does.
    """
    lock(connection, LISTENER_LOCK, listener_key)
    if all(row.listener_key != listener_key for row in run(connection, DUE)):
        return None
    # note_rebuild has derived the recordings, and whatever was merged since has kept them
    return rebuild_listener(connection, listener_key, now, derives_recordings=False)


def rebuild_listener(
    connection: Connection, listener_key: int, now: datetime, *, derives_recordings: bool = True
) -> Rebuilt:
    """Derive the plays of one listener anew, with their local dates. Raises OutOfOrder and a lock timeout as `lock` does.

    A play that stays the same keeps its `play_key`. If it was due after an update, it no longer is.
    `derives_recordings`: as `rebuild_plays` has it.
    """
    warning = update_time_zone(connection, listener_key)
    if warning is not None:
        log.warning("%s", warning)
    rebuilt = rebuild_plays(connection, listener_key=listener_key, now=now, derives_recordings=derives_recordings)
    run(connection, "ops/migrations/rebuild_done", listener_key=listener_key)
    return rebuilt


def total_of(rebuilt: list[Rebuilt]) -> Rebuilt:
    return Rebuilt(
        play_count=sum(one.play_count for one in rebuilt),
        added_count=sum(one.added_count for one in rebuilt),
        removed_count=sum(one.removed_count for one in rebuilt),
        changed_count=sum(one.changed_count for one in rebuilt),
    )


def changes(rebuilt: Rebuilt) -> str:
    """What a rebuild changed, in numbers."""
    return f"{rebuilt.added_count:,} added, {rebuilt.removed_count:,} removed, {rebuilt.changed_count:,} changed"


def would(rebuilt: Rebuilt) -> str:
    """What a rebuild would change, in numbers."""
    return f"{rebuilt.added_count:,} would come, {rebuilt.removed_count:,} go, {rebuilt.changed_count:,} differ"
