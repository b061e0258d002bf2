"""A warehouse as one file, and back: a zip archive of a CSV for each table, and a manifest that says what has to be in them."""

from __future__ import annotations

import hashlib
import io
import logging
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec
import psycopg2
from psycopg2.sql import SQL, Identifier
from sqlalchemy import Connection

from etl import __version__
from etl.transfer.constraints import counters_of, tie
from etl.transfer.endpoints import (
    Move,
    Moved,
    Target,
    Told,
    files_of,
    opened_for_copying,
    persistently,
    snapshot,
    speaking_of_errors,
    whole_files,
)
from etl.transfer.layout import Foreign, Layout, layout_of
from etl.transfer.manifest import DAMAGED, FORMAT, MANIFEST, Backed, Manifest, backup_at, file_of, must_fit, pairs
from etl.transfer.tables import Table
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import MOVE_LOCK, lock
from etl.warehouse.schema import WAREHOUSE
from etl.warehouse.statements import checksum, driver_cursor, run
from etl.whole_file import UnwritableError, whole_file

log = logging.getLogger(__name__)

BLOCK = 2**18  # bytes at a time


@dataclass
class Hashed:
    """A file that knows the hash of what was written to it."""

    file: IO[bytes]

    def __post_init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, told: bytes) -> int:
        self.sha256.update(told)
        return self.file.write(told)


def back_up(source: Warehouse, path: Path, *, name: str, now: datetime, told: Told = Told()) -> Move:  # noqa: B008
    """Writes the warehouse, as it stands now, into a file: whole, or not at all. For its owner alone: tokens are in it, encrypted.

    Raises WarehouseError.
    """

    def once(note: Callable[[], None]) -> Move:
        try:
            with whole_file(path) as file:
                return written(source, file, name, now, told)
        except UnwritableError as error:
            sentence = str(error)
        raise WarehouseError(sentence)

    return persistently(once)


def written(source: Warehouse, file: IO[bytes], name: str, now: datetime, told: Told) -> Move:
    made = Move()
    with snapshot(source, name) as origin, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        files = whole_files(origin)
        layout = origin.do(layout_of)
        for stranger in origin.do(lambda connection: Foreign(connection, name)).strangers():
            log.warning("%s is no table of Brapped's; it is not in the backup.", stranger)
        backed = []
        for table in layout.tables:
            content = origin.content(table)
            told.progress(table.name, 0, content.row_count)
            with archive.open(file_of(table.name), "w", force_zip64=True) as member:
                hashed = Hashed(member)
                origin.do(lambda connection, table=table, hashed=hashed: write_csv(connection, table, hashed))  # type: ignore[misc]
            backed.append(
                Backed(
                    table.name,
                    table.columns,
                    table.key,
                    content.row_count,
                    str(content.row_hash),
                    hashed.sha256.hexdigest(),
                )
            )
            made.tables.append(Moved(table.name, content.row_count, content.row_count))
            told.table(made.tables[-1])
        [warehouse] = origin.do(lambda connection: run(connection, "ops/transfer/warehouse"))
        counters = origin.do(lambda connection: counters_of(connection, layout))
        manifest = Manifest(
            FORMAT,
            __version__,
            now,
            warehouse.warehouse_id,
            warehouse.made_at,
            {file_name: checksum(file_name) for file_name in sorted(files)},
            tuple(backed),
            tuple((one.table, one.name, one.definition) for one in layout.references),
            tuple((table.name, table.counter, *counters[table.name]) for table in layout.tables if table.counter),
        )
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return made


def write_csv(connection: Connection, table: Table, file: Hashed) -> None:
    columns, key = (SQL(", ").join(map(Identifier, names)) for names in (table.columns, table.key))
    statement = SQL("copy (select {} from {} order by {}) to stdout (format csv, header)")
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(statement.format(columns, table.identifier, key), file, BLOCK)


def restore(target: Warehouse, path: Path, *, name: str, now: datetime, told: Told = Told()) -> Move:  # noqa: B008
    """Fills an empty database with a backup, and compares it with what the backup says; then brings it up to date.

    A restore that was killed goes on with the first table that is not there. Raises WarehouseError.
    """
    with backup_at(path) as (archive, manifest):

        def once(note: Callable[[], None]) -> Move:
            there = Target(target, name)
            with there.alone():
                return restored(archive, manifest, path, there, now, told, note)

        made = persistently(once)
    if not made.differences:
        with speaking_of_errors(name):
            target.migrate(now, __version__)
    return made


def check(target: Warehouse, path: Path, *, name: str, told: Told = Told()) -> Move:  # noqa: B008
    """Says whether a database is what a backup of it says. Writes nothing."""

    def once(note: Callable[[], None]) -> Move:
        there = Target(target, name)
        if there.do(files_of) != manifest.schema_files.keys():
            raise WarehouseError(f"The database at {name} is of another version than {path}: they can't be compared.")
        layout = there.do(layout_of)
        must_fit(manifest, layout, path)
        made = Move()
        for table, backed in pairs(manifest, layout):
            if there.content(table) != backed.content:
                made.differences.append(f"{table.name} differs.")
            made.tables.append(Moved(table.name, backed.row_count, 0))
            told.table(made.tables[-1])
        return made

    with backup_at(path) as (_, manifest):
        return persistently(once)


def restored(
    archive: zipfile.ZipFile,
    manifest: Manifest,
    path: Path,
    target: Target,
    now: datetime,
    told: Told,
    note: Callable[[], None],
) -> Move:
    def opening(connection: Connection) -> Layout:
        has = files_of(connection)
        there = run(connection, "ops/transfer/warehouse")[0] if WAREHOUSE in has else None
        is_begun = there is not None and there.copy_started_at and there.warehouse_id == manifest.warehouse_id
        if has and not is_begun and (there is None or there.is_filled or not has <= manifest.schema_files.keys()):
            raise WarehouseError(
                f"The database at {target.name} holds a warehouse already. Nothing was touched: give an empty database."
            )
        files = set(manifest.schema_files)
        layout = opened_for_copying(connection, files, manifest.warehouse_id, manifest.made_at, now)
        must_fit(manifest, layout, path)
        return layout

    with speaking_of_errors(target.name):
        layout = target.do(opening)
    made = Move()
    replaced = []
    for table, backed in pairs(manifest, layout):
        copied_count = 0
        told.progress(table.name, 0, backed.row_count)
        if target.content(table) != backed.content:
            target.do(lambda connection, table=table, backed=backed: read_csv(connection, archive, table, backed, path))  # type: ignore[misc]
            note()
            copied_count = backed.row_count
            replaced.append((table, backed))
        made.tables.append(Moved(table.name, backed.row_count, copied_count))
        told.table(made.tables[-1])
    target.do(lambda connection: tie(connection, layout.references, manifest.numbers))
    made.differences = [
        f"{table.name} differs."
        for table, backed in replaced  # the others were found to be alike
        if target.content(table) != backed.content
    ]
    if not made.differences:
        target.do(lambda connection: run(connection, "ops/transfer/warehouse_whole"))
    return made


class Member(io.RawIOBase):
    """A file of the archive as it is read, and the hash of it. A damaged one raises WarehouseError."""

    def __init__(self, file: IO[bytes], name: str, path: Path) -> None:
        self.file, self.name, self.path = file, name, path
        self.sha256 = hashlib.sha256()
        self.error: WarehouseError | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            told = self.file.read(size)
        except DAMAGED as error:
            self.error = WarehouseError(f"{self.path} is damaged: {self.name} can't be read.")
            raise self.error from error
        self.sha256.update(told)
        return told


def read_csv(connection: Connection, archive: zipfile.ZipFile, table: Table, backed: Backed, path: Path) -> None:
    """Fills a table with its file, instead of what is in it."""
    lock(connection, MOVE_LOCK, 0)
    columns = SQL(", ").join(map(Identifier, table.columns))
    name = file_of(table.name)
    try:
        file = archive.open(name)
    except DAMAGED:
        raise WarehouseError(f"{path} is damaged: {name} can't be read.") from None
    with driver_cursor(connection) as cursor, file:
        member = Member(file, name, path)
        cursor.execute(SQL("delete from {}").format(table.identifier))
        try:
            cursor.copy_expert(
                SQL("copy {} ({}) from stdin (format csv, header)").format(table.identifier, columns), member, BLOCK
            )
        except (psycopg2.DataError, psycopg2.IntegrityError):
            raise WarehouseError(f"{path} is damaged: {name} does not fit its table.") from None
        except BaseException:
            if member.error:
                raise member.error from None
            raise
        if member.sha256.hexdigest() != backed.sha256:
            raise WarehouseError(f"{path} is damaged: {name} is not what the manifest says.")
