"""Reading a warehouse without changing it: whether a report can be made here, and what to say of a schema that is not ours."""

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
UNKNOWN_ZONE_STATE = "22023"  # all that a report hands to Postgres that could be one is the record's time zone


class ReadingError(Exception):
    """Why nothing can be read here. The message is for the person."""


@dataclass(frozen=True)
class Readable:
    """What a database holds, as far as its reader may know."""

    is_made: bool  # it has the tables of a warehouse
    sees_bookkeeping: bool  # of schema ops: the owner does, a reader's role does not
    is_older: bool  # than this program: files of ours are missing, or were other ones
    is_newer: bool  # it has schema files that this program does not know

    @property
    def warning(self) -> str:
        """A line about a schema that is not this program's; empty where it is."""
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
    """Looks at the schema without touching it. Raises ReadingError while a copy into this database is unfinished."""
    with explained(Readable(is_made=True, sees_bookkeeping=False, is_older=False, is_newer=False)):
        [state] = run(connection, "ops/migrations/readable")
    applied = (
        {row.file_name: row.checksum for row in run(connection, "ops/migrations/schema_files")}
        if state.is_made and state.has_files
        else {}
    )
    ours = {name: checksum(name) for name in names_in("schema") + views_in_order()}
    found = Readable(
        is_made=state.is_made,
        sees_bookkeeping=state.sees_bookkeeping,
        is_older=any(applied.get(name) != sum_ for name, sum_ in ours.items()),
        is_newer=any(name.startswith("schema/") and name not in ours for name in applied),
    )
    if found.is_made and found.sees_bookkeeping and applied and run(connection, "ops/transfer/warehouse_unfinished"):
        raise ReadingError(
            "A copy into this database is unfinished: it does not hold everything yet. Run the same python migrate.py again."
        )
    return found


@contextmanager
def explained(state: Readable) -> Iterator[None]:
    """Raises ReadingError instead of Postgres' refusal where the schema is not ours, the user has too few rights, or the host does not
    know the time zone."""
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
            "The database's host does not know the time zone of this record. The next brapped plays or import, or python"
            " migrate.py, goes on with another name of it."
        )
    which = "newer than this program: update the program" if state.is_newer else f"older than this program: {HOW}"
    raise ReadingError(f"This report can't be made, because the database is {which}.")


def must_see_bookkeeping(connection: Connection) -> None:
    """Raises ReadingError for a reader's role, which sees reports and not how the record stands."""
    state = readable(connection)
    if state.is_made and not state.sees_bookkeeping:
        raise ReadingError(
            "brapped status reads the bookkeeping in schema ops, which the user in DATABASE_URL may not: run it as the owner"
            " of the database. Reports, search and history work with this user."
        )
