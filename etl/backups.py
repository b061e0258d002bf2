"""A warehouse as one file, and back: a zip archive of a CSV for each table, and a manifest that says what has to be in them."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import msgspec
from psycopg2.sql import SQL, Identifier
from sqlalchemy import Connection

from etl import __version__
from etl.contents import Content, Table, tables_of
from etl.sides import (
    MOVE_LOCK,
    Move,
    Moved,
    Target,
    Ties,
    Told,
    files_of,
    opened_for_copying,
    persistently,
    snapshot,
    speaking_of_errors,
    tie,
    ties_of,
    whole_files,
)
from etl.warehouse import WAREHOUSE, Warehouse, WarehouseError, checksum, driver_cursor, lock, names_in, run

FORMAT = "brapped-backup-1"
MANIFEST = "manifest.json"
BLOCK = 2**18  # bytes at a time
DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, KeyError, NotImplementedError)


class Backed(msgspec.Struct, frozen=True):
    """A table in a backup."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    row_count: int
    row_hash: str  # as Content.row_hash: of what is in the database, whatever the file looks like
    sha256: str  # of the CSV

    @property
    def table(self) -> Table:
        return Table(self.name, self.columns, self.key)

    @property
    def content(self) -> Content:
        return Content(self.row_count, int(self.row_hash))

    @property
    def file_name(self) -> str:
        return file_of(self.name)


def file_of(table_name: str) -> str:
    return f"{table_name.replace('.', '/')}.csv"


class Manifest(msgspec.Struct, frozen=True):
    """What a backup says of itself."""

    format: str
    program_version: str
    backed_up_at: datetime
    warehouse_id: UUID
    made_at: datetime
    schema_files: dict[str, str]  # name and checksum
    tables: tuple[Backed, ...]
    references: tuple[tuple[str, str, str], ...]
    counters: tuple[tuple[str, str, int, bool], ...]


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
        beside = path.with_name(f".{path.name}.part")
        try:
            with os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
                made = written(source, file, name, now, told)
            beside.replace(path)
        except OSError as error:
            raise WarehouseError(f"{path} can't be written: {error.strerror}.") from None
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
        return made

    return persistently(once)


def written(source: Warehouse, file: IO[bytes], name: str, now: datetime, told: Told) -> Move:
    made = Move()
    with snapshot(source, name) as origin, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        files = whole_files(origin)
        tables = origin.do(tables_of)
        backed = []
        for table in tables:
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
        [warehouse] = origin.do(lambda connection: run(connection, "warehouse"))
        ties = origin.do(lambda connection: ties_of(connection, tables))
        manifest = Manifest(
            FORMAT,
            __version__,
            now,
            warehouse.warehouse_id,
            warehouse.made_at,
            {file_name: checksum(file_name) for file_name in sorted(files)},
            tuple(backed),
            **asdict(ties),
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
        made = persistently(lambda note: restored(archive, manifest, path, Target(target, name), now, told, note))
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
        made = Move()
        for backed in manifest.tables:
            if there.content(backed.table) != backed.content:
                made.differences.append(f"{backed.name} differs.")
            made.tables.append(Moved(backed.name, backed.row_count, 0))
            told.table(made.tables[-1])
        return made

    with backup_at(path) as (_, manifest):
        return persistently(once)


@contextmanager
def backup_at(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """A backup and its manifest. Raises WarehouseError when it is none, or none that this program can read."""
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise WarehouseError(f"There is no file {path}.") from None
    except DAMAGED:
        raise WarehouseError(f"{path} is no backup of a warehouse, or it is damaged.") from None
    with archive:
        try:
            manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
        except (*DAMAGED, msgspec.DecodeError):
            raise WarehouseError(
                f"{path} is no backup of a warehouse, or it is damaged: its manifest can't be read."
            ) from None
        if unknown := sorted(manifest.schema_files.keys() - set(names_in("schema"))):
            raise WarehouseError(
                f"{path} is of a newer Brapped ({', '.join(unknown)}). Update the program; nothing was touched."
            )
        if changed := sorted(name for name, told in manifest.schema_files.items() if checksum(name) != told):
            raise WarehouseError(
                f"sql/{', sql/'.join(changed)} was changed since {path} was written. Take it back; nothing was touched."
            )
        yield archive, manifest


def restored(
    archive: zipfile.ZipFile,
    manifest: Manifest,
    path: Path,
    target: Target,
    now: datetime,
    told: Told,
    note: Callable[[], None],
) -> Move:
    def opening(connection: Connection) -> None:
        has = files_of(connection)
        there = run(connection, "warehouse")[0] if WAREHOUSE in has else None
        is_begun = there is not None and there.copy_started_at and there.warehouse_id == manifest.warehouse_id
        if has and not is_begun and (there is None or there.is_filled or not has <= manifest.schema_files.keys()):
            raise WarehouseError(
                f"The database at {target.name} holds a warehouse already. Nothing was touched: give an empty database."
            )
        opened_for_copying(connection, set(manifest.schema_files), manifest.warehouse_id, manifest.made_at, now)

    with speaking_of_errors(target.name):
        target.do(opening)
    made = Move()
    replaced = []
    for backed in manifest.tables:
        copied_count = 0
        told.progress(backed.name, 0, backed.row_count)
        if target.content(backed.table) != backed.content:
            target.do(lambda connection, backed=backed: read_csv(connection, archive, backed, path))  # type: ignore[misc]
            note()
            copied_count = backed.row_count
            replaced.append(backed)
        made.tables.append(Moved(backed.name, backed.row_count, copied_count))
        told.table(made.tables[-1])
    target.do(lambda connection: tie(connection, Ties(manifest.references, manifest.counters)))
    made.differences = [
        f"{backed.name} differs."
        for backed in replaced  # the others were found to be alike
        if target.content(backed.table) != backed.content
    ]
    if not made.differences:
        target.do(lambda connection: run(connection, "warehouse_whole"))
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


def read_csv(connection: Connection, archive: zipfile.ZipFile, backed: Backed, path: Path) -> None:
    """Fills a table with its file, instead of what is in it."""
    lock(connection, MOVE_LOCK, 0)
    columns = SQL(", ").join(map(Identifier, backed.columns))
    with driver_cursor(connection) as cursor, archive.open(backed.file_name) as file:
        member = Member(file, backed.file_name, path)
        cursor.execute(SQL("delete from {}").format(backed.table.identifier))
        try:
            cursor.copy_expert(
                SQL("copy {} ({}) from stdin (format csv, header)").format(backed.table.identifier, columns),
                member,
                BLOCK,
            )
        except BaseException:
            if member.error:
                raise member.error from None
            raise
        if member.sha256.hexdigest() != backed.sha256:
            raise WarehouseError(f"{path} is damaged: {backed.file_name} is not what the manifest says.")
