"""Moving a warehouse to another database: what differs is copied, in pieces, and everything is compared afterwards.

A move has no memory of its own. It compares both databases range by range, by counts and hashes, and copies the ranges that differ, each in
one transaction: so one that was killed goes on where it stopped, and a second one moves only what has changed. All of it sees the source
as it stood at one moment.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from psycopg2.sql import SQL, Identifier
from sqlalchemy import Connection, text

from etl import __version__
from etl.counts import many
from etl.transfer.constraints import counters_of, tie
from etl.transfer.endpoints import (
    Move,
    Moved,
    Source,
    Target,
    Told,
    files_of,
    opened_for_copying,
    persistently,
    snapshot,
    speaking_of,
    speaking_of_errors,
    whole_files,
)
from etl.transfer.layout import Foreign, Layout, layout_of, odd_counters, plain
from etl.transfer.pipe import pump
from etl.transfer.tables import Content, Difference, Span, Table, differing
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import MOVE_LOCK, lock
from etl.warehouse.schema import WAREHOUSE, migrate_within
from etl.warehouse.statements import driver_cursor, run

LARGEST, SMALLEST = 100_000, 500  # rows of a range


def move(
    source: Warehouse,
    target: Warehouse,
    *,
    names: tuple[str, str],
    now: datetime,
    is_dry: bool = False,
    told: Told = Told(),  # noqa: B008
) -> Move:
    """Makes the target what the source is, and compares them. Again from its start when a connection broke: that is quick where it is done.

    `names`: what the person calls the two. `is_dry`: only says what would be copied. Raises WarehouseError.
    """

    def once(note: Callable[[], None]) -> Move:
        with snapshot(source, names[0]) as origin:
            return Copying(origin, Target(target, names[1]), now, told, note).done(is_dry)

    made = persistently(once)
    if not is_dry and not made.differences:
        with speaking_of_errors(names[1]):
            target.migrate(now, __version__)
    return made


def compare(
    source: Warehouse,
    target: Warehouse,
    *,
    names: tuple[str, str],
    told: Told = Told(),  # noqa: B008
) -> Move:
    """Says whether the target is what the source is, and where it is not. Writes nothing."""

    def once(note: Callable[[], None]) -> Move:
        with snapshot(source, names[0]) as origin:
            return Comparing(origin, Target(target, names[1]), told).done()

    return persistently(once)


class Comparing:
    """Two databases, table by table."""

    def __init__(self, source: Source, target: Target, told: Told) -> None:
        self.source, self.target, self.told = source, target, told

    def done(self) -> Move:
        files = self.source_files()
        self.must_be_alike(files)
        layout = self.target.do(layout_of)
        self.foreign.must_be(layout)
        made = Move()
        for table in layout.tables:
            here, there = self.contents(table)
            if here != there:
                made.differences += self.sentences(table)
            made.tables.append(Moved(table.name, here.row_count, 0))
            self.told.table(made.tables[-1])
        return made

    def source_files(self) -> set[str]:
        """The schema files of the source, after a look at what it has under the names of a warehouse's tables."""
        self.foreign = self.source.do(lambda connection: Foreign(connection, self.source.name))
        self.foreign.must_be_plain()
        return whole_files(self.source)

    def must_be_alike(self, files: set[str]) -> None:
        """Raises WarehouseError when the two are not of one version."""
        there = self.target.do(files_of)
        if not there:
            raise WarehouseError(f"There is no warehouse in the database at {self.target.name}.")
        if files != there:
            raise WarehouseError(
                f"The databases at {self.source.name} and {self.target.name} are of different versions of the program. Bring both up to"
                " date (DATABASE_URL=… python migrate.py), and compare them then."
            )

    def contents(self, table: Table) -> tuple[Content, Content]:
        """What the table holds at the source and at the target, found at the same time."""
        with ThreadPoolExecutor(max_workers=1) as other:
            there = other.submit(self.target.content, table)
            return self.source.content(table), there.result()

    def sentences(self, table: Table) -> Iterator[str]:
        """Where a table differs: for the first few rows, by their keys."""
        found = 0
        for one in differing(self.source, self.target, table, largest=LARGEST, smallest=1):
            if one.is_alike:
                continue
            found += 1
            if found > 5:
                yield f"{table.name} differs elsewhere, too."
                return
            at = ", ".join(
                f"{name} {plain(value)}" for name, value in zip(table.key, one.span.first or (), strict=False)
            )
            yield f"{table.name} differs {f'at {at}' if at else 'at its beginning'}."


class Copying(Comparing):
    """One attempt to make the target what the source is. `note` is called for every piece that got there."""

    def __init__(self, source: Source, target: Target, now: datetime, told: Told, note: Callable[[], None]) -> None:
        super().__init__(source, target, told)
        self.now, self.note = now, note
        self.changed: set[Table] = set()

    def done(self, is_dry: bool = False) -> Move:
        self.must_be_two()
        files = self.source_files()
        if is_dry:
            return self.estimate(files)
        with self.target.alone():
            return self.copied(files)

    def copied(self, files: set[str]) -> Move:
        layout = self.target.do(lambda connection: self.open(connection, files))
        made = Move()
        for table in layout.tables:
            made.tables.append(self.copy(table))
            self.told.table(made.tables[-1])
        counters = self.source.do(lambda connection: counters_of(connection, layout))
        self.target.do(lambda connection: tie(connection, layout.references, counters))
        for table in layout.tables:
            if table in self.changed:  # the others were found to be alike as a whole
                here, there = self.contents(table)
                made.differences += self.sentences(table) if here != there else ()
        if not made.differences:
            self.target.do(lambda connection: run(connection, "ops/transfer/warehouse_whole"))
        readers = self.source.do(lambda connection: run(connection, "ops/transfer/readers"))
        made.roles = [plain(row.role_name) for row in readers]
        return made

    def estimate(self, files: set[str]) -> Move:
        """What would be copied."""
        layout = self.target.do(lambda connection: self.planned(connection, files))
        is_alike = self.target.do(files_of) == files
        made = Move()
        for table in layout.tables:
            copied_count = row_count = self.row_count(table)
            if is_alike:
                found = differing(self.source, self.target, table, largest=LARGEST, smallest=SMALLEST)
                copied_count = sum(self.counted(table, one) for one in found if not one.is_alike)
            made.tables.append(Moved(table.name, row_count, copied_count))
            self.told.table(made.tables[-1])
        return made

    def planned(self, connection: Connection, files: set[str]) -> Layout:
        """The layout that the target is going to have. Leaves nothing behind."""
        self.must_be_a_copy(connection, files)
        undone = connection.begin_nested()
        try:
            with speaking_of_errors(self.target.name):
                migrate_within(connection, self.now, __version__, only=files)
            layout = layout_of(connection)
        finally:
            undone.rollback()
        self.foreign.must_be(layout)
        return layout

    def counted(self, table: Table, difference: Difference) -> int:
        if difference.source_count is not None:
            return difference.source_count
        return self.source.content(table, difference.span).row_count

    def must_be_two(self) -> None:
        """Raises WarehouseError when both are the same database: a lock taken in the one is seen in the other."""
        key = random.getrandbits(31)
        self.source.do(lambda connection: lock(connection, MOVE_LOCK, key))
        is_free = self.target.do(
            lambda connection: connection.execute(
                text("select pg_catalog.pg_try_advisory_xact_lock(:half, :key)"), {"half": MOVE_LOCK, "key": key}
            ).scalar_one()
        )
        if not is_free:
            raise WarehouseError(f"The databases at {self.source.name} and {self.target.name} are the same one.")

    def open(self, connection: Connection, files: set[str]) -> Layout:
        [origin] = self.source.do(lambda source: run(source, "ops/transfer/warehouse"))
        self.must_be_a_copy(connection, files)
        with speaking_of_errors(self.target.name):
            layout = opened_for_copying(connection, files, origin.warehouse_id, origin.made_at, self.now)
        self.foreign.must_be(layout)
        counters = self.source.do(lambda source: counters_of(source, layout))
        if odd := odd_counters(layout, counters):
            raise WarehouseError(f"The numbering of {odd[0]} in the database at {self.source.name} is out of bounds.")
        return layout

    def must_be_a_copy(self, connection: Connection, files: set[str]) -> None:
        """Raises WarehouseError unless the target holds nothing, or an earlier copy that has had no life of its own since."""
        has = files_of(connection)
        if ahead := sorted(has - files):
            raise WarehouseError(
                f"The database at {self.target.name} is of a newer version than that at {self.source.name} ({', '.join(ahead)}). Bring the"
                " older one up to date first: DATABASE_URL=… python migrate.py"
            )
        if has and WAREHOUSE not in has:
            raise WarehouseError(
                f"The database at {self.target.name} holds a warehouse of an older version. Give an empty database."
            )
        there = run(connection, "ops/transfer/warehouse")[0] if has else None
        [here] = self.source.do(lambda source: run(source, "ops/transfer/warehouse"))
        if there is None or not there.is_filled:
            return
        if there.warehouse_id != here.warehouse_id:
            raise WarehouseError(
                f"The database at {self.target.name} holds another warehouse. Nothing was touched: give an empty database, or the one that"
                " this warehouse was copied to before."
            )
        known = {tuple(row) for row in self.source.do(lambda source: run(source, "ops/transfer/runs"))}
        if own := [row for row in run(connection, "ops/transfer/runs") if tuple(row) not in known]:
            raise WarehouseError(
                f"The database at {self.target.name} has recorded for itself since it was copied ({many(len(own), 'run')} that"
                f" {self.source.name} does not know). Copying would undo that; nothing was touched."
            )

    def copy(self, table: Table) -> Moved:
        """Replaces what differs: all of it is deleted first, so that no row is in the way of another that has its name now."""
        row_count = self.row_count(table)
        done, different = 0, []
        self.told.progress(table.name, 0, row_count)
        for one in differing(self.source, self.target, table, largest=LARGEST, smallest=SMALLEST):
            if one.is_alike:
                done += one.target_count
                self.told.progress(table.name, done, row_count)
            else:
                different.append(one)
                self.changed.add(table)
        if superfluous := [one.span for one in different if one.target_count]:
            self.target.do(lambda connection: self.delete(connection, table, superfluous))
            self.note()
        copied_count = 0
        for one in different:
            copied_count += self.target.do(lambda connection, span=one.span: self.fill(connection, table, span))  # type: ignore[misc]
            self.note()
            self.told.progress(table.name, done + copied_count, row_count)
        return Moved(table.name, row_count, copied_count)

    def row_count(self, table: Table) -> int:
        def work(connection: Connection) -> int:
            with driver_cursor(connection) as cursor:
                cursor.execute(SQL("select count(*) from {}").format(table.identifier))
                [(count,)] = cursor.fetchall()
            return int(count)

        return self.source.do(work)

    def delete(self, connection: Connection, table: Table, spans: list[Span]) -> None:
        lock(connection, MOVE_LOCK, 0)
        with driver_cursor(connection) as cursor:
            for span in spans:
                cursor.execute(SQL("delete from {} where {}").format(table.identifier, span.within(table)))

    def fill(self, connection: Connection, table: Table, span: Span) -> int:
        """Copies a range from one connection to the other; how many rows it has."""
        lock(connection, MOVE_LOCK, 0)
        columns, key = (SQL(", ").join(map(Identifier, names)) for names in (table.columns, table.key))
        read = SQL("copy (select {} from {} where {} order by {}) to stdout (format binary)").format(
            columns, table.identifier, span.within(table), key
        )
        write = SQL("copy {} ({}) from stdin (format binary)").format(table.identifier, columns)
        with driver_cursor(connection) as cursor, driver_cursor(self.source.connection) as origin:
            cursor.execute("set local synchronous_commit = off")  # what a power cut takes is copied again
            pump(
                lambda pipe, size: origin.copy_expert(read, pipe, size),
                lambda pipe, size: cursor.copy_expert(write, pipe, size),
                lambda: speaking_of(self.source.name),
            )
            return cursor.rowcount
