"""Copy a warehouse into another database, and compare the two: only what differs is copied, and all of it is verified.

A copy keeps no state of its own. It compares both databases range by range, by counts and hashes, and copies the ranges
that differ, each in one transaction. So a copy that was killed goes on where it stopped, and a second one copies only
what has changed. All of it reads the source as it stood at one moment.
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
from etl.transfer.constraints import restore_constraints, sequence_values
from etl.transfer.endpoints import (
    CopiedTable,
    CopyResult,
    Progress,
    Source,
    Target,
    copyable_schema_files,
    naming_errors,
    prepare_target,
    retry_on_disconnect,
    schema_files_of,
    snapshot,
)
from etl.transfer.layout import Layout, UntrustedCatalog, layout_of, out_of_range, printable_name
from etl.transfer.pipe import pump
from etl.transfer.tables import Difference, Digest, Span, Table, find_differences
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import MOVE_LOCK, lock
from etl.warehouse.schema import WAREHOUSE, migrate_within
from etl.warehouse.statements import driver_cursor, run

LARGEST, SMALLEST = 100_000, 500  # rows of a range
SHOWN_DIFFERENCES = 5  # of a table


def copy_warehouse(
    source: Warehouse,
    target: Warehouse,
    *,
    now: datetime,
    is_dry: bool = False,
    progress: Progress = Progress(),  # noqa: B008
) -> CopyResult:
    """Make the target equal to the source, compare the two, and bring the target's schema up to date.

    Starts again when a connection broke, which is quick where it is done. `is_dry`: only count what would be copied.
    Raises WarehouseError.
    """

    def attempt(progressed: Callable[[], None]) -> CopyResult:
        with snapshot(source) as origin:
            return Copy(origin, Target(target), now, progress, progressed).run(is_dry)

    result = retry_on_disconnect(attempt)
    if not is_dry and not result.differences:
        target.migrate(now, __version__)
    return result


def compare_warehouses(
    source: Warehouse,
    target: Warehouse,
    *,
    progress: Progress = Progress(),  # noqa: B008
) -> CopyResult:
    """Compare two warehouses, and describe where they differ. Writes nothing. Raises WarehouseError."""

    def attempt(progressed: Callable[[], None]) -> CopyResult:
        with snapshot(source) as origin:
            return Comparison(origin, Target(target), progress).run()

    return retry_on_disconnect(attempt)


class Comparison:
    """Compares two databases table by table."""

    def __init__(self, source: Source, target: Target, progress: Progress) -> None:
        self.source, self.target, self.progress = source, target, progress

    def run(self) -> CopyResult:
        files = self.check_source()
        self.check_same_version(files)
        layout = self.target.do(layout_of)
        self.catalog.check_matches(layout)
        result = CopyResult()
        for table in layout.tables:
            here, there = self.digests(table)
            if here != there:
                result.differences += self.describe_differences(table)
            result.tables.append(CopiedTable(table.name, here.row_count, 0, here == there))
            self.progress.table(result.tables[-1])
        return result

    def check_source(self) -> set[str]:
        """The schema files of the source. Raises WarehouseError when its tables are not safe to read."""
        self.catalog = self.source.do(lambda connection: UntrustedCatalog(connection, self.source.name))
        self.catalog.check_is_safe()
        return copyable_schema_files(self.source)

    def check_same_version(self, files: set[str]) -> None:
        """Raises WarehouseError unless the target has exactly these schema files."""
        there = self.target.do(schema_files_of)
        if not there:
            raise WarehouseError(f"There is no warehouse in the database at {self.target.name}.")
        if files != there:
            raise WarehouseError(
                f"The databases at {self.source.name} and {self.target.name} were made by different versions of the"
                " program. Bring both up to date (DATABASE_URL=… python migrate.py), and compare them then."
            )

    def digests(self, table: Table) -> tuple[Digest, Digest]:
        """The digests of a table at the source and at the target, computed at the same time."""
        with ThreadPoolExecutor(max_workers=1) as other:
            there = other.submit(self.target.digest, table)
            return self.source.digest(table), there.result()

    def describe_differences(self, table: Table) -> Iterator[str]:
        """A sentence for each of the first rows that differ, naming their keys."""
        count = 0
        for one in find_differences(self.source, self.target, table, largest=LARGEST, smallest=1):
            if one.is_equal:
                continue
            count += 1
            if count > SHOWN_DIFFERENCES:
                yield f"{table.name} differs elsewhere, too."
                return
            at = ", ".join(
                f"{name} {printable_name(value)}" for name, value in zip(table.key, one.span.first or (), strict=False)
            )
            yield f"{table.name} differs {f'at {at}' if at else 'at its beginning'}."


class Copy(Comparison):
    """One attempt to make the target equal to the source. Calls `progressed` for every piece that arrived."""

    def __init__(
        self, source: Source, target: Target, now: datetime, progress: Progress, progressed: Callable[[], None]
    ) -> None:
        super().__init__(source, target, progress)
        self.now, self.progressed = now, progressed
        self.changed: set[Table] = set()

    def run(self, is_dry: bool = False) -> CopyResult:
        self.check_are_different()
        files = self.check_source()
        if is_dry:
            return self.estimate(files)
        with self.target.exclusive():
            return self.copy_tables(files)

    def copy_tables(self, files: set[str]) -> CopyResult:
        """Prepare the target, copy and verify every table, and mark the copy as complete if nothing differs."""
        layout = self.target.do(lambda connection: self.prepare(connection, files))
        result = CopyResult()
        for table in layout.tables:
            result.tables.append(self.copy_table(table))
            self.progress.table(result.tables[-1])
        sequences = self.source.do(lambda connection: sequence_values(connection, layout))
        self.target.do(lambda connection: restore_constraints(connection, layout.foreign_keys, sequences))
        for table in layout.tables:
            if table in self.changed:  # all others were found to be equal
                here, there = self.digests(table)
                result.differences += self.describe_differences(table) if here != there else ()
        if not result.differences:
            self.target.do(lambda connection: run(connection, "ops/transfer/warehouse_whole"))
        readers = self.source.do(lambda connection: run(connection, "ops/transfer/readers"))
        result.roles = [printable_name(row.role_name) for row in readers]
        return result

    def estimate(self, files: set[str]) -> CopyResult:
        """Count the rows that would be copied."""
        layout = self.target.do(lambda connection: self.planned_layout(connection, files))
        is_same_version = self.target.do(schema_files_of) == files
        result = CopyResult()
        for table in layout.tables:
            copied_count = row_count = self.row_count(table)
            if is_same_version:
                found = find_differences(self.source, self.target, table, largest=LARGEST, smallest=SMALLEST)
                copied_count = sum(self.source_count(table, one) for one in found if not one.is_equal)
            result.tables.append(CopiedTable(table.name, row_count, copied_count))
            self.progress.table(result.tables[-1])
        return result

    def planned_layout(self, connection: Connection, files: set[str]) -> Layout:
        """The layout that the target is going to have. The schema is made for it and rolled back."""
        self.check_is_replaceable(connection, files)
        savepoint = connection.begin_nested()
        try:
            migrate_within(connection, self.now, __version__, only=files)
            layout = layout_of(connection)
        finally:
            savepoint.rollback()
        self.catalog.check_matches(layout)
        return layout

    def source_count(self, table: Table, difference: Difference) -> int:
        if difference.source_count is not None:
            return difference.source_count
        return self.source.digest(table, difference.span).row_count

    def check_are_different(self) -> None:
        """Raises WarehouseError when both are the same database: a lock taken in one is then held in the other."""
        key = random.getrandbits(31)
        self.source.do(lambda connection: lock(connection, MOVE_LOCK, key))
        is_free = self.target.do(
            lambda connection: connection.execute(
                text("select pg_catalog.pg_try_advisory_xact_lock(:half, :key)"), {"half": MOVE_LOCK, "key": key}
            ).scalar_one()
        )
        if not is_free:
            raise WarehouseError(f"The databases at {self.source.name} and {self.target.name} are the same one.")

    def prepare(self, connection: Connection, files: set[str]) -> Layout:
        """Prepare the target, and return its layout. Raises WarehouseError when it may not be overwritten."""
        [origin] = self.source.do(lambda source: run(source, "ops/transfer/warehouse"))
        self.check_is_replaceable(connection, files)
        layout = prepare_target(connection, files, origin.warehouse_id, origin.made_at, self.now, self.target.name)
        self.catalog.check_matches(layout)
        sequences = self.source.do(lambda source: sequence_values(source, layout))
        if odd := out_of_range(layout, sequences):
            raise WarehouseError(f"The numbering of {odd[0]} in the database at {self.source.name} is out of bounds.")
        return layout

    def check_is_replaceable(self, connection: Connection, files: set[str]) -> None:
        """Raises WarehouseError unless the target is empty, or an earlier copy that has recorded nothing since."""
        has = schema_files_of(connection)
        if ahead := sorted(has - files):
            raise WarehouseError(
                f"The database at {self.target.name} was made by a newer version than that at {self.source.name}"
                f" ({', '.join(ahead)}). Bring the older one up to date first: DATABASE_URL=… python migrate.py"
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
                f"The database at {self.target.name} holds another warehouse. Nothing was changed. Give an empty"
                " database, or the one that this warehouse was copied to before."
            )
        known = {tuple(row) for row in self.source.do(lambda source: run(source, "ops/transfer/runs"))}
        if own := [row for row in run(connection, "ops/transfer/runs") if tuple(row) not in known]:
            raise WarehouseError(
                f"The database at {self.target.name} has recorded for itself since it was copied"
                f" ({many(len(own), 'run')} that {self.source.name} does not know). Copying would undo that."
                " Nothing was changed."
            )

    def copy_table(self, table: Table) -> CopiedTable:
        """Replace the ranges that differ.

        All of them are deleted before any is filled, so that no old row conflicts with a new one of the same unique
        name.
        """
        row_count = self.row_count(table)
        done, different = 0, []
        self.progress.rows(table.name, 0, row_count)
        for one in find_differences(self.source, self.target, table, largest=LARGEST, smallest=SMALLEST):
            if one.is_equal:
                done += one.target_count
                self.progress.rows(table.name, done, row_count)
            else:
                different.append(one)
                self.changed.add(table)
        if outdated := [one.span for one in different if one.target_count]:
            self.target.do(lambda connection: self.delete(connection, table, outdated))
            self.progressed()
        copied_count = 0
        for one in different:
            copied_count += self.target.do(lambda connection, span=one.span: self.fill(connection, table, span))  # type: ignore[misc]
            self.progressed()
            self.progress.rows(table.name, done + copied_count, row_count)
        return CopiedTable(table.name, row_count, copied_count)

    def row_count(self, table: Table) -> int:
        """Rows of a table at the source."""

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
                cursor.execute(SQL("delete from {} where {}").format(table.identifier, span.condition(table)))

    def fill(self, connection: Connection, table: Table, span: Span) -> int:
        """Copy a range from the source into the target, by binary COPY; returns its row count."""
        lock(connection, MOVE_LOCK, 0)
        columns, key = (SQL(", ").join(map(Identifier, names)) for names in (table.columns, table.key))
        read = SQL("copy (select {} from {} where {} order by {}) to stdout (format binary)").format(
            columns, table.identifier, span.condition(table), key
        )
        write = SQL("copy {} ({}) from stdin (format binary)").format(table.identifier, columns)
        with driver_cursor(connection) as cursor, driver_cursor(self.source.connection) as origin:
            cursor.execute("set local synchronous_commit = off")  # what a power cut loses is copied again
            pump(
                lambda pipe, size: origin.copy_expert(read, pipe, size),
                lambda pipe, size: cursor.copy_expert(write, pipe, size),
                lambda: naming_errors(self.source.name),
            )
            return cursor.rowcount
