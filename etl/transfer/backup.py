"""Back up a warehouse to one file, and restore it: a zip archive with a CSV for each table and a manifest to check them
by.
"""

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
from etl.transfer.constraints import restore_constraints, sequence_values
from etl.transfer.endpoints import (
    CopiedTable,
    CopyResult,
    Progress,
    Target,
    copyable_schema_files,
    prepare_target,
    retry_on_disconnect,
    schema_files_of,
    snapshot,
)
from etl.transfer.layout import Layout, UntrustedCatalog, layout_of
from etl.transfer.manifest import (
    DAMAGED,
    FORMAT,
    MANIFEST,
    BackedUpTable,
    Manifest,
    check_matches,
    member_name,
    open_backup,
    pair_tables,
)
from etl.transfer.tables import Table
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import MOVE_LOCK, lock
from etl.warehouse.schema import WAREHOUSE
from etl.warehouse.statements import checksum, driver_cursor, run
from etl.whole_file import UnwritableError, whole_file

log = logging.getLogger(__name__)

BLOCK = 2**18  # bytes at a time


def back_up(source: Warehouse, path: Path, *, now: datetime, progress: Progress = Progress()) -> CopyResult:  # noqa: B008
    """Write the warehouse, as it stands now, to a file, whole or not at all.

    The file is readable by its owner alone, because it contains the refresh tokens, encrypted. Raises WarehouseError.
    """

    def attempt(progressed: Callable[[], None]) -> CopyResult:
        try:
            with whole_file(path) as file:
                return write_archive(source, file, now, progress)
        except UnwritableError as error:
            sentence = str(error)
        raise WarehouseError(sentence)

    return retry_on_disconnect(attempt)


def write_archive(source: Warehouse, file: IO[bytes], now: datetime, progress: Progress) -> CopyResult:
    """One attempt of back_up(): writes the archive to an open file."""
    result = CopyResult()
    with snapshot(source) as origin, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        files = copyable_schema_files(origin)
        layout = origin.do(layout_of)
        for name in origin.do(lambda connection: UntrustedCatalog(connection, source.name)).unknown_tables():
            log.warning("%s is no table of Brapped's; it is not in the backup.", name)
        backed_up = []
        for table in layout.tables:
            digest = origin.digest(table)
            progress.rows(table.name, 0, digest.row_count)
            with archive.open(member_name(table.name), "w", force_zip64=True) as member:
                hashing = HashingWriter(member)
                origin.do(lambda connection, table=table, hashing=hashing: write_csv(connection, table, hashing))  # type: ignore[misc]
            backed_up.append(
                BackedUpTable(
                    table.name,
                    table.columns,
                    table.key,
                    digest.row_count,
                    str(digest.row_hash),
                    hashing.sha256.hexdigest(),
                )
            )
            result.tables.append(CopiedTable(table.name, digest.row_count, digest.row_count))
            progress.table(result.tables[-1])
        [warehouse] = origin.do(lambda connection: run(connection, "ops/transfer/warehouse"))
        sequences = origin.do(lambda connection: sequence_values(connection, layout))
        manifest = Manifest(
            FORMAT,
            __version__,
            now,
            warehouse.warehouse_id,
            warehouse.made_at,
            {file_name: checksum(file_name) for file_name in sorted(files)},
            tuple(backed_up),
            tuple((key.table, key.name, key.definition) for key in layout.foreign_keys),
            tuple(
                (table.name, table.identity_column, *sequences[table.name])
                for table in layout.tables
                if table.identity_column
            ),
        )
        archive.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return result


@dataclass
class HashingWriter:
    """A file that hashes what is written to it."""

    file: IO[bytes]

    def __post_init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self.file.write(data)


def write_csv(connection: Connection, table: Table, file: HashingWriter) -> None:
    columns, key = (SQL(", ").join(map(Identifier, names)) for names in (table.columns, table.key))
    statement = SQL("copy (select {} from {} order by {}) to stdout (format csv, header)")
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(statement.format(columns, table.identifier, key), file, BLOCK)


def restore(target: Warehouse, path: Path, *, now: datetime, progress: Progress = Progress()) -> CopyResult:  # noqa: B008
    """Fill an empty database from a backup, compare it with the manifest, and bring its schema up to date.

    A restore that was killed goes on with the first table that is missing or incomplete. Raises WarehouseError.
    """
    with open_backup(path) as (archive, manifest):

        def attempt(progressed: Callable[[], None]) -> CopyResult:
            endpoint = Target(target)
            with endpoint.exclusive():
                return restore_archive(archive, manifest, path, endpoint, now, progress, progressed)

        result = retry_on_disconnect(attempt)
    if not result.differences:
        target.migrate(now, __version__)
    return result


def verify(target: Warehouse, path: Path, *, progress: Progress = Progress()) -> CopyResult:  # noqa: B008
    """Compare a database with a backup of it. Writes nothing. Raises WarehouseError."""

    def attempt(progressed: Callable[[], None]) -> CopyResult:
        endpoint = Target(target)
        if endpoint.do(schema_files_of) != manifest.schema_files.keys():
            raise WarehouseError(
                f"The database at {target.name} and {path} were made by different versions of the"
                " program, so they can't be compared."
            )
        layout = endpoint.do(layout_of)
        check_matches(manifest, layout, path)
        result = CopyResult()
        for table, entry in pair_tables(manifest, layout):
            is_same = endpoint.digest(table) == entry.digest
            if not is_same:
                result.differences.append(f"{table.name} differs.")
            result.tables.append(CopiedTable(table.name, entry.row_count, 0, is_same))
            progress.table(result.tables[-1])
        return result

    with open_backup(path) as (_, manifest):
        return retry_on_disconnect(attempt)


def restore_archive(
    archive: zipfile.ZipFile,
    manifest: Manifest,
    path: Path,
    target: Target,
    now: datetime,
    progress: Progress,
    progressed: Callable[[], None],
) -> CopyResult:
    """One attempt of restore(). Calls `progressed` for every table that arrived."""

    def prepare(connection: Connection) -> Layout:
        has = schema_files_of(connection)
        there = run(connection, "ops/transfer/warehouse")[0] if WAREHOUSE in has else None
        is_begun = there is not None and there.copy_started_at and there.warehouse_id == manifest.warehouse_id
        if has and not is_begun and (there is None or there.is_filled or not has <= manifest.schema_files.keys()):
            raise WarehouseError(
                f"The database at {target.name} holds a warehouse already. Nothing was changed. Give an empty database."
            )
        files = set(manifest.schema_files)
        layout = prepare_target(connection, files, manifest.warehouse_id, manifest.made_at, now, target.name)
        check_matches(manifest, layout, path)
        return layout

    layout = target.do(prepare)
    result = CopyResult()
    replaced = []
    for table, entry in pair_tables(manifest, layout):
        copied_count = 0
        progress.rows(table.name, 0, entry.row_count)
        if target.digest(table) != entry.digest:
            target.do(lambda connection, table=table, entry=entry: read_csv(connection, archive, table, entry, path))  # type: ignore[misc]
            progressed()
            copied_count = entry.row_count
            replaced.append((table, entry))
        result.tables.append(CopiedTable(table.name, entry.row_count, copied_count))
        progress.table(result.tables[-1])
    target.do(lambda connection: restore_constraints(connection, layout.foreign_keys, manifest.sequences))
    result.differences = [
        f"{table.name} differs."
        for table, entry in replaced  # all others were found to be equal
        if target.digest(table) != entry.digest
    ]
    if not result.differences:
        target.do(lambda connection: run(connection, "ops/transfer/warehouse_whole"))
    return result


class HashingReader(io.RawIOBase):
    """A member of the archive that hashes what is read from it."""

    def __init__(self, file: IO[bytes], name: str, path: Path) -> None:
        self.file, self.name, self.path = file, name, path
        self.sha256 = hashlib.sha256()
        self.error: WarehouseError | None = None

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; b"" at the end. Raises WarehouseError where the archive is damaged."""
        try:
            data = self.file.read(size)
        except DAMAGED as error:
            self.error = WarehouseError(f"{self.path} is damaged: {self.name} can't be read.")
            raise self.error from error
        self.sha256.update(data)
        return data


def read_csv(connection: Connection, archive: zipfile.ZipFile, table: Table, entry: BackedUpTable, path: Path) -> None:
    """Replace the rows of a table by those in its file. Raises WarehouseError for a damaged or different file."""
    lock(connection, MOVE_LOCK, 0)
    columns = SQL(", ").join(map(Identifier, table.columns))
    name = member_name(table.name)
    try:
        file = archive.open(name)
    except DAMAGED:
        raise WarehouseError(f"{path} is damaged: {name} can't be read.") from None
    with driver_cursor(connection) as cursor, file:
        member = HashingReader(file, name, path)
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
        if member.sha256.hexdigest() != entry.sha256:
            raise WarehouseError(f"{path} is damaged: {name} is not what the manifest says.")
