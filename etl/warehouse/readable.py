"""Check whether a database can be read, and explain a schema of another version. Changes nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from etl.warehouse.errors import MISSING_STATES
from etl.warehouse.schema import views_in_order
from etl.warehouse.statements import checksum, names_in, run

HOW = "brapped plays, or python migrate.py, brings it up to date"
FORBIDDEN_STATE = "42501"
UNKNOWN_ZONE_STATE = "22023"  # invalid parameter value: of a report's parameters only the time zone can cause it


class ReadingError(Exception):
    """The database can't be read. The message says why and what to do."""


@dataclass(frozen=True)
class Readable:
    """The state of a database, as far as the current user may see it."""

    is_made: bool  # it has a warehouse's tables
    sees_bookkeeping: bool  # may read schema ops: true for the owner, false for a reader's role
    is_older: bool  # than this program: schema files or views are missing or differ
    is_newer: bool  # it has schema files that this program does not know

    @property
    def warning(self) -> str:
        """A line about a schema of another version; "" if it matches this program."""
        if not self.is_made:
            return ""
        if self.is_newer:
            return (
                "This database was made by a newer Brapped: update the program. Reports only read; nothing was changed."
            )
        if self.is_older:
            return f"This database is older than this program: {HOW}. Reports only read; nothing was changed."
        return ""


def readable(connection: Connection) -> Readable:
    """Inspect the schema. Raises ReadingError if a copy into this database is unfinished."""
    with explained(Readable(is_made=True, sees_bookkeeping=False, is_older=False, is_newer=False)):
        [state] = run(connection, "ops/migrations/readable")
    applied = (
        {row.file_name: row.checksum for row in run(connection, "ops/migrations/schema_files")}
        if state.is_made and state.has_files
        else {}
    )
    ours = {name: checksum(name) for name in names_in("schema") + views_in_order()}
    inspected = Readable(
        is_made=state.is_made,
        sees_bookkeeping=state.sees_bookkeeping,
        is_older=any(applied.get(name) != digest for name, digest in ours.items()),
        is_newer=any(name.startswith("schema/") and name not in ours for name in applied),
    )
    if (
        inspected.is_made
        and inspected.sees_bookkeeping
        and applied
        and run(connection, "ops/transfer/warehouse_unfinished")
    ):
        raise ReadingError(
            "A copy into this database is unfinished, so data is still missing. Run the same"
            " python migrate.py command again."
        )
    return inspected


@contextmanager
def explained(state: Readable) -> Iterator[None]:
    """Raise ReadingError in place of Postgres's error for a schema of another version, missing privileges, or a time
    zone that the database does not know."""
    try:
        yield
        return
    except DBAPIError as error:
        code = getattr(error.orig, "pgcode", None)
        if code not in (FORBIDDEN_STATE, UNKNOWN_ZONE_STATE) and not (
            code in MISSING_STATES and (state.is_older or state.is_newer)
        ):
            raise
    if code == FORBIDDEN_STATE:
        raise ReadingError(
            "The user in DATABASE_URL may not read this. Reports need the right to read schema listening and to make"
            " temporary tables: docs/bi.md has the statements that give them."
        )
    if code == UNKNOWN_ZONE_STATE:
        raise ReadingError(
            "The database does not know the listener's time zone. The next brapped plays or import, or python"
            " migrate.py, switches to an alias that it knows."
        )
    which = "newer than this program: update the program" if state.is_newer else f"older than this program: {HOW}"
    raise ReadingError(f"This report can't be made, because the database is {which}.")


def must_see_bookkeeping(connection: Connection) -> None:
    """Raise ReadingError for a reader's role, which may read reports but not schema ops."""
    state = readable(connection)
    if state.is_made and not state.sees_bookkeeping:
        raise ReadingError(
            "brapped status reads schema ops, which the user in DATABASE_URL may not: run it as the owner of the"
            " database. Reports, search and history work with this user."
        )
