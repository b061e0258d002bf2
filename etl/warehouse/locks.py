"""Advisory locks between runs: their numbers, the order in which they are taken, and who holds one.

Locks end with the transaction, so they work through a pooling proxy. A transaction takes the locks of listeners in the
order of their keys, which rules out deadlocks. Which other listeners a batch concerns is known only during the merge,
when the lock of its own listener is already held. A lock with a lower key than one already held is therefore only
tried, never waited for.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import psycopg2
from sqlalchemy import Connection, CursorResult, Engine, Row, TextClause, text
from sqlalchemy.exc import DBAPIError

from etl import limits
from etl.limits import Limits
from etl.warehouse.engine import limited, limits_of
from etl.warehouse.errors import WarehouseError
from etl.warehouse.statements import combined_query, rows_by_file, script

# First halves of the lock number; the second half is the key of what is locked.
LISTENER_LOCK = 0x6272_6170  # merges for one listener; key 0: creation of a listener
SCHEMA_LOCK = 0x6272_6171  # changes of the schema
LOGIN_LOCK = 0x6272_6172  # token exchanges of one login
MOVE_LOCK = 0x6272_6173  # copies into the database
LOCKED = {
    LISTENER_LOCK: "the record of a listener",
    SCHEMA_LOCK: "the schema",
    LOGIN_LOCK: "the login",
    MOVE_LOCK: "a copy into this database",
}

RUNS = {
    "brapped import": "An import is under way",
    "brapped rebuild": "Plays are being derived anew",
    "brapped migrate": "A migration or a copy is under way",
}

HOLDERS = """
    select distinct
        held.pid,
        activity.usename as role_name,
        coalesce(activity.application_name, '') as application_name,
        coalesce(activity.usename = current_user, false) as is_own_role
    from pg_catalog.pg_locks as held
    left join pg_catalog.pg_stat_activity as activity on activity.pid = held.pid
    left join pg_catalog.pg_class as class on class.oid = held.relation
    left join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
    where
        held.granted
        and held.database = (select oid from pg_catalog.pg_database where datname = current_database())
        and held.pid is distinct from pg_backend_pid()
        and {condition}
    order by held.pid
"""
OF_A_LOCK = "held.locktype = 'advisory' and held.objsubid = 2 and held.classid = cast(:half as bigint)"
OF_A_LOCK += " and held.objid = cast(:key as bigint)"
OF_A_TABLE = "namespace.nspname in ('listening', 'ops') and (:is_schema_change or held.mode <> 'AccessShareLock')"


class LockTimeout(WarehouseError):
    """Another session held a lock for longer than this one may wait. `is_ours`: it is a run of this program."""

    def __init__(self, sentence: str, is_ours: bool) -> None:
        super().__init__(sentence, is_reached=True)
        self.is_ours = is_ours


class OutOfOrder(Exception):
    """A transaction needs a lock with a lower key than one it holds. It has to restart and lock all of `keys` first."""

    def __init__(self, keys: Set[int]) -> None:
        super().__init__()
        self.keys = keys


@dataclass(frozen=True)
class Holder:
    """A session that holds a lock. Postgres shows no more than this of another role's session."""

    pid: int | None  # None: a prepared transaction
    role_name: str | None
    application_name: str
    is_own_role: bool

    @property
    def is_ours(self) -> bool:
        """Whether it is a run of this program: both its application name and its role match."""
        return self.is_own_role and self.application_name.split(" ")[0] == "brapped"


def lock(connection: Connection, half: int, key: int) -> None:
    """Take the advisory lock (half, key) and hold it until the transaction ends; waits up to `turn_s` of the limits.

    Raises OutOfOrder if it is a listener's lock that another session holds, and its key is lower than one already held.
    """
    held: set[int] = connection.info["listeners_held"]
    given = {"half": half, "key": key}
    if half == LISTENER_LOCK and key < max(held, default=key):
        if not connection.execute(text("select pg_catalog.pg_try_advisory_xact_lock(:half, :key)"), given).scalar_one():
            raise OutOfOrder(held | {key})
    else:
        connection.info["waiting_for"] = half, key
        with limited(connection, while_waiting(limits_of(connection))):
            connection.execute(text("select pg_catalog.pg_advisory_xact_lock(:half, :key)"), given)
        connection.info["waiting_for"] = None
    if half == LISTENER_LOCK:
        held.add(key)


def run_locked(connection: Connection, half: int, key: int, name: str, **parameters: Any) -> list[Row[Any]]:
    """Take the advisory lock (half, key), then run sql/{name}.sql in the same round trip; its rows.

    The file is a separate statement: it starts once the lock is held, so it sees what the previous holder committed.
    Use it only for the first lock of its kind in a transaction, because it does not check the order of locks.
    """
    connection.info["step"] = name
    return list(execute_locked(connection, half, key, script(name), parameters))


def run_combined_locked(
    connection: Connection, half: int, key: int, names: Sequence[str], **parameters: Any
) -> dict[str, list[dict[str, Any]]]:
    """The same for several selects: `statements.run_combined` behind the lock, with JIT compilation off."""
    connection.info["step"] = ", ".join(names)
    statement = f"set local jit = off\n;\n{combined_query(tuple(names))}"
    return rows_by_file(names, execute_locked(connection, half, key, statement, parameters).one())


def execute_locked(
    connection: Connection, half: int, key: int, statement: str, parameters: Mapping[str, Any]
) -> CursorResult[Any]:
    """Send the lock and the statement in one message. A timeout counts as a wait for the lock (see `lock_timeout`)."""
    connection.info.update(waiting_for=(half, key), reads_behind=True)
    both = prepared_text(f"select pg_catalog.pg_advisory_xact_lock(:half, :key)\n;\n{statement}")
    with limited(connection, while_waiting(limits_of(connection))):
        result = connection.execute(both, {"half": half, "key": key, **parameters})
    connection.info.update(waiting_for=None, reads_behind=False)
    if half == LISTENER_LOCK:
        connection.info["listeners_held"].add(key)
    return result


@cache
def prepared_text(statement: str) -> TextClause:
    return text(statement)


def lock_listeners(connection: Connection, keys: Iterable[int]) -> None:
    """Take the locks of these listeners in order of their keys. Raises OutOfOrder as `lock` does."""
    for key in sorted(keys):
        lock(connection, LISTENER_LOCK, key)


def while_waiting(wanted: Limits) -> Limits:
    """Timeouts for a wait on another run. The lock's has to end before the statement's, or the cause would be lost."""
    return replace(wanted, lock_s=wanted.turn_s, statement_s=max(wanted.statement_s, wanted.turn_s * 1.1))


def lock_timeout(
    engine: Engine, waiting_for: tuple[int, int] | None, *, is_schema_change: bool, reads_behind: bool = False
) -> LockTimeout:
    """The error to raise after a lock timeout, naming the holders. `waiting_for`: an advisory lock; None: a table.

    `reads_behind`: the wait may have been for a table that the statement after the lock reads (`execute_locked`).
    """
    sessions: list[Holder] = []
    with suppress(DBAPIError, psycopg2.Error), engine.connect() as connection:  # on failure the holders stay unknown
        connection.info["limits"] = limits.SHORT
        sessions = holders(connection, waiting_for, is_schema_change=is_schema_change)
        if reads_behind and not sessions:
            waiting_for = None
            sessions = holders(connection, None, is_schema_change=is_schema_change)
    sentence = sentence_about_holders(sessions, waiting_for, is_schema_change=is_schema_change)
    return LockTimeout(sentence, is_ours=bool(sessions) and all(session.is_ours for session in sessions))


def holders(connection: Connection, waiting_for: tuple[int, int] | None, *, is_schema_change: bool) -> list[Holder]:
    """Sessions that hold an advisory lock; without `waiting_for`, those that block a table or view of the warehouse."""
    condition = OF_A_LOCK if waiting_for else OF_A_TABLE
    half, key = waiting_for or (0, 0)
    given: dict[str, Any] = {"half": half, "key": key, "is_schema_change": is_schema_change}
    rows: Iterable[Row[Any]] = connection.execute(text(HOLDERS.format(condition=condition)), given)
    return [Holder(row.pid, row.role_name, row.application_name, row.is_own_role) for row in rows]


def sentence_about_holders(
    sessions: list[Holder], waiting_for: tuple[int, int] | None, *, is_schema_change: bool
) -> str:
    """The message about a lock timeout: what is locked, by whom, and what to do. Pure."""
    if waiting_for:
        what = LOCKED[waiting_for[0]]
    else:
        what = "a view or a table of the warehouse" if is_schema_change else "rows that this run has to change"
    if not sessions:
        return f"Another session held {what} for too long. It has ended by now: run this again."
    strangers = [session for session in sessions if not session.is_ours]
    if strangers:
        names = ", ".join(f"role {one.role_name or '(not shown)'} (process {one.pid})" for one in strangers)
        one = strangers[0]
        return (
            f"Another session holds {what} and does not let go: {names}. End it there, or as the owner of the database"
            f" with select pg_terminate_backend({one.pid}); then run this again."
        )
    kinds = {session.application_name for session in sessions}
    who = next((who for name, who in RUNS.items() if name in kinds), "Another run of the program is under way")
    return f"{who}: it holds {what}. Run this again when it has ended."
