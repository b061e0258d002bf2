"""Apply the files of sql/schema, sql/functions and sql/views, or list those still to be applied."""

import hashlib
import re
from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from graphlib import TopologicalSorter
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from etl import __version__, limits
from etl.clock import Clock, check_clock
from etl.warehouse.engine import limited
from etl.warehouse.errors import MISSING_STATES, WarehouseError, state_of
from etl.warehouse.locks import SCHEMA_LOCK, lock
from etl.warehouse.rebuild import changes_the_rule, lock_everybody, note_rebuild
from etl.warehouse.statements import checksum, names_in, run, run_combined, run_script, script
from etl.warehouse.versions import are_views_newer, newest_of

WAREHOUSE = "schema/008_warehouse"  # introduced the id of a warehouse (ops.warehouse)
OBSERVATIONS = "schema/012_observations"  # takes columns away that views of people may read
LISTENERS = "schema/002_dimensions"  # introduced listening.dim_listener
RECREATED_FOLDERS = ("functions", "views")  # all their files are applied again when one of them or the schema changes


def rows_if_current(
    connection: Connection, clock: Clock | None, names: Sequence[str] = (), **parameters: Any
) -> dict[str, list[dict[str, Any]]] | None:
    """Run these files of sql/ and check the schema, in one statement; their rows, or None if the schema is not current.

    A result other than None means that `pending` would return no files and raise nothing. Call it within
    `Warehouse.ask`, because the statement fails where tables are missing. Raises WrongClock as `pending` does.
    """
    ours = names_in("schema") + views_in_order()
    try:
        rows = run_combined(connection, ["ops/migrations/schema_digest", *names], file_names=ours, **parameters)
    except DBAPIError as error:
        if state_of(error) not in MISSING_STATES:
            raise
        return None
    [state] = rows["ops/migrations/schema_digest"]
    if clock is not None:
        check_clock(clock(), state["server_at"], "the database's")
    return rows if state["digest"] == digest_of(ours) and not state["is_copy_unfinished"] else None


def digest_of(names: Iterable[str]) -> str:
    """The result of sql/ops/migrations/schema_digest.sql for a database with exactly these files. Pure."""
    lines = (f"{name} {checksum(name)}" for name in sorted(names))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def migrate_within(
    connection: Connection, now: datetime, version: str, only: Set[str] | None = None, clock: Clock | None = None
) -> list[str]:
    """Apply pending files within a transaction; their names. `only`: limit it to these, for a copy in progress.

    If a schema file changes the rule that matches plays, it is noted that the plays of all listeners are to be derived
    anew (`Warehouse.rebuild_due` does so); not those of a copy, which arrive derived. Raises as `pending` does, and OutOfOrder or a lock timeout as `lock` does.
    """

    def missing() -> list[str]:
        if only is None:
            return pending(connection, clock=clock)
        return [name for name in pending(connection, is_copying=True) if name in only]

    if not missing():
        return []
    with limited(connection, limits.MIGRATING):
        lock(connection, SCHEMA_LOCK, 0)
        files = missing()  # again: another run may have applied them meanwhile
        rules = (
            [name for name in files if name.startswith("schema/") and changes_the_rule(name)] if only is None else []
        )
        if rules and LISTENERS not in files:
            lock_everybody(connection)
        if OBSERVATIONS in files:
            refuse_in_the_way(connection)
        if files:
            run(connection, "ops/migrations/schema_change")
        if "schema/005_reports" in files:
            run(connection, "ops/migrations/extension")
            run(connection, "ops/migrations/search_path")
        for name in files:
            run_script(connection, name)
            run(
                connection,
                "ops/migrations/schema_change_recorded"
                if name.startswith("schema/")
                else "ops/migrations/view_recorded",
                file_name=name,
                checksum=checksum(name),
                applied_at=now,
                program_version=version,
            )
        if rules:
            note_rebuild(connection, rules[-1], now)
    return files


def refuse_in_the_way(connection: Connection) -> None:
    """Raise WarehouseError if views of people's own read columns that are about to go."""
    if rows := run(connection, "ops/migrations/in_the_way"):
        read = "; ".join(f"{row.view_name} reads {row.column_name}" for row in rows)
        raise WarehouseError(
            f"The columns of single sources go with this update, and views made in this database read them: {read}."
            " Nothing was changed. Drop these views, run this again, and make them anew upon listening.play_source,"
            " which says the same."
        )


def pending(connection: Connection, *, is_copying: bool = False, clock: Clock | None = None) -> list[str]:
    """Names of the schema files still to be applied, and of all functions and views if one changed. Changes nothing.

    Views of a newer program stay as they are. Raises WrongClock if `clock` and the database's clock differ too much.
    Raises WarehouseError for a database of a newer program, for a schema file that was changed after it was applied,
    and (unless `is_copying`) for an unfinished copy.
    """
    is_made, server_at = connection.execute(
        text("select pg_catalog.to_regclass('ops.schema_change'), pg_catalog.clock_timestamp()")
    ).one()
    if clock is not None:
        check_clock(clock(), server_at, "the database's")
    rows = run(connection, "ops/migrations/schema_state") if is_made else []
    applied = {row.file_name: row.checksum for row in rows}
    schema = names_in("schema")
    views = views_in_order()
    if unknown := sorted(name for name in applied if name.startswith("schema/") and name not in schema):
        newest = newest_of(rows)
        versions = "" if newest == __version__ else f" (version {newest}, and this program is {__version__})"
        raise WarehouseError(
            f"This database was made by a newer Brapped{versions} that knows {', '.join(unknown)}."
            " Nothing was changed. Update the program."
        )
    if changed := [name for name in schema if name in applied and applied[name] != checksum(name)]:
        raise WarehouseError(
            f"sql/{', sql/'.join(changed)} was edited after it was applied to this database. Nothing was changed."
            " Restore the file, and put the change into a new one."
        )
    if WAREHOUSE in applied and not is_copying and run(connection, "ops/transfer/warehouse_unfinished"):
        raise WarehouseError(
            "A copy into this database is unfinished, so data is still missing. Run the same"
            " python migrate.py command again."
        )
    files = [name for name in schema if name not in applied]
    ours = {name: checksum(name) for name in views}
    if files or (any(applied.get(name) != ours[name] for name in views) and not are_views_newer(rows, ours)):
        files += views
    return files


def views_in_order() -> list[str]:
    """The files of sql/functions/ and sql/views/ in dependency order."""
    files = {name.split("/")[1]: name for folder in RECREATED_FOLDERS for name in names_in(folder)}
    named = {name: set(re.findall(r"\blistening\.(\w+)", script(name))) for name in files.values()}
    order = TopologicalSorter({name: {files[one] for one in named[name] & {*files}} - {name} for name in named})
    order.prepare()
    ordered = []
    while order.is_active():
        ready = sorted(order.get_ready())
        ordered += ready
        order.done(*ready)
    return ordered
