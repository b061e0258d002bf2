"""Locks between runs of the program: their numbers, the one order in which they are taken, and who holds one.

They are advisory and end with the transaction, so that they work through a pooling proxy. A transaction takes them in the
order of LISTENER_LOCK's keys. Which listeners a batch concerns shows only while it is being merged, when the lock of its
own listener is held already: a lock that comes before one that is held is never waited for, only tried.
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
from etl.warehouse.statements import rows_by_file, script, combined_query

# First halves; the second half is the key of what is locked.
LISTENER_LOCK = 0x6272_6170  # merges of one listener; of 0, whoever makes a listener
SCHEMA_LOCK = 0x6272_6171  # changes of the schema
LOGIN_LOCK = 0x6272_6172  # exchanges of one login's token
MOVE_LOCK = 0x6272_6173  # copies into the database
LOCKED = {
    LISTENER_LOCK: "the record of a listener",
    SCHEMA_LOCK: "the schema",
    LOGIN_LOCK: "the login",
    MOVE_LOCK: "a copy into this database",
}

RUNS = {"brapped import": "An import is under way", "brapped migrate": "A migration or a copy is under way"}

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


class Busy(WarehouseError):
    """Another session held a lock for longer than this one may wait. `is_ours`: it is the program's own, such as an import."""

    def __init__(self, sentence: str, is_ours: bool) -> None:
        super().__init__(sentence, is_reached=True)
        self.is_ours = is_ours


class OutOfOrder(Exception):
    """A transaction needs these listeners' locks, and holds one that comes after. It has to begin anew with all of them."""

    def __init__(self, keys: Set[int]) -> None:
        super().__init__()
        self.keys = keys


@dataclass(frozen=True)
class Holder:
    """A session that holds a lock. Of other roles' sessions Postgres shows no more than this."""

    pid: int | None  # None: a prepared transaction
    role_name: str | None
    application_name: str
    is_own_role: bool

    @property
    def is_ours(self) -> bool:
        """Whether it is a run of this program. Anybody can take its name, but only it has its role."""
        return self.is_own_role and self.application_name.split(" ")[0] == "brapped"


def lock(connection: Connection, half: int, key: int) -> None:
    """Waits for the advisory lock (half, key), as long as a turn may take, and holds it until the transaction ends.

    Raises OutOfOrder for a listener's that is taken, and comes before another that this transaction holds.
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
    """Waits for the advisory lock (half, key) as `lock` does, then runs sql/{name}.sql in the same round trip; its rows.

    The file is a statement of its own: it begins when the lock is held, and sees what the one who held it before wrote. For
    the first lock of its kind in a transaction: it is waited for, whatever the transaction holds.
    """
    connection.info["step"] = name
    return list(execute_locked(connection, half, key, script(name), parameters))


def run_combined_locked(
    connection: Connection, half: int, key: int, names: Sequence[str], **parameters: Any
) -> dict[str, list[dict[str, Any]]]:
    """The same for several selects in one statement: `statements.run_together` behind the lock, and not compiled."""
    connection.info["step"] = ", ".join(names)
    statement = f"set local jit = off\n;\n{combined_query(tuple(names))}"
    return rows_by_file(names, execute_locked(connection, half, key, statement, parameters).one())


def execute_locked(
    connection: Connection, half: int, key: int, statement: str, parameters: Mapping[str, Any]
) -> CursorResult[Any]:
    """Sends the lock and the statement in one message. A wait in vain is told as one for the lock (see `busy`)."""
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
    """Takes the locks of these listeners in their order. Raises OutOfOrder as lock does."""
    for key in sorted(keys):
        lock(connection, LISTENER_LOCK, key)


def while_waiting(wanted: Limits) -> Limits:
    """The limits while another run has its turn: its end has to come before that of the statement, or nobody could say why."""
    return replace(wanted, lock_s=wanted.turn_s, statement_s=max(wanted.statement_s, wanted.turn_s * 1.1))


def busy(
    engine: Engine, waiting_for: tuple[int, int] | None, *, is_schema_change: bool, reads_behind: bool = False
) -> Busy:
    """Who holds the lock that was waited for, as an error to raise. `waiting_for`: an advisory lock; None: a table.

    `reads_behind`: it may have been a table that the statement behind the lock reads (`after_the_lock`).
    """
    found: list[Holder] = []
    with suppress(DBAPIError, psycopg2.Error), engine.connect() as connection:  # then it stays unknown who it is
        connection.info["limits"] = limits.SHORT
        found = holders(connection, waiting_for, is_schema_change=is_schema_change)
        if reads_behind and not found:
            waiting_for = None
            found = holders(connection, None, is_schema_change=is_schema_change)
    sentence = sentence_about_holders(found, waiting_for, is_schema_change=is_schema_change)
    return Busy(sentence, is_ours=bool(found) and all(one.is_ours for one in found))


def holders(connection: Connection, waiting_for: tuple[int, int] | None, *, is_schema_change: bool) -> list[Holder]:
    """Who holds an advisory lock; or, without one, any table or view of the warehouse in a way that others wait for."""
    condition = OF_A_LOCK if waiting_for else OF_A_TABLE
    half, key = waiting_for or (0, 0)
    given: dict[str, Any] = {"half": half, "key": key, "is_schema_change": is_schema_change}
    rows: Iterable[Row[Any]] = connection.execute(text(HOLDERS.format(condition=condition)), given)
    return [Holder(row.pid, row.role_name, row.application_name, row.is_own_role) for row in rows]


def sentence_about_holders(found: list[Holder], waiting_for: tuple[int, int] | None, *, is_schema_change: bool) -> str:
    """What a person is told when a lock was not to be had."""
    if waiting_for:
        what = LOCKED[waiting_for[0]]
    else:
        what = "a view or a table of the warehouse" if is_schema_change else "rows that this run has to change"
    if not found:
        return f"Another session held {what} for too long. It has ended by now: run this again."
    strangers = [one for one in found if not one.is_ours]
    if strangers:
        names = ", ".join(f"role {one.role_name or '(not shown)'} (process {one.pid})" for one in strangers)
        one = strangers[0]
        return (
            f"Another session holds {what} and does not let go: {names}. End it there, or as the owner of the database with"
            f" select pg_terminate_backend({one.pid}); then run this again."
        )
    kinds = {one.application_name for one in found}
    who = next((who for name, who in RUNS.items() if name in kinds), "Another run of the program is under way")
    return f"{who}: it holds {what}. Run this again when it has ended."
