"""The manifest of a backup, checked against the program's own schema before anything in it is used."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec

from etl.transfer.layout import Layout, out_of_range, printable_name
from etl.transfer.tables import Digest, Table
from etl.warehouse.errors import WarehouseError
from etl.warehouse.schema import WAREHOUSE
from etl.warehouse.statements import checksum, names_in

FORMAT = "brapped-backup-1"
MANIFEST = "manifest.json"
MANIFEST_BYTES = 2**22  # a real manifest has some 20,000
# Limits of an unpacked CSV: real ones become twenty times as long, and a small file must not fill a disk.
UNPACKED_BYTES, UNPACKED_TIMES = 2**26, 200
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError,
    ValueError, KeyError, NotImplementedError, RuntimeError,
)  # fmt: skip

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Hash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
RowHash = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,40}\Z")]


class BackedUpTable(msgspec.Struct, frozen=True):
    """A table in a backup."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    row_count: Count
    row_hash: RowHash  # Digest.row_hash: of the rows in the database, however the file writes them
    sha256: Hash  # of the CSV

    @property
    def digest(self) -> Digest:
        return Digest(self.row_count, int(self.row_hash))


def member_name(table_name: str) -> str:
    return f"{table_name.replace('.', '/')}.csv"


class Manifest(msgspec.Struct, frozen=True):
    """The contents of manifest.json. Names in it are compared with those of the schema, and used for nothing else."""

    format: str
    program_version: str
    backed_up_at: Moment
    warehouse_id: UUID
    made_at: Moment
    schema_files: dict[str, str]  # name and checksum
    tables: tuple[BackedUpTable, ...]
    references: tuple[tuple[str, str, str], ...]  # foreign keys: table, name and definition of each
    counters: tuple[tuple[str, str, Count, bool], ...]  # sequences: table, column, last number, whether a row has it

    @property
    def sequences(self) -> dict[str, tuple[int, bool]]:
        return {table: (number, is_given) for table, _, number, is_given in self.counters}

    def mismatch(self, layout: Layout) -> str | None:
        """Which part of the manifest differs from this layout of the schema that it names; None if none does."""
        shapes = {(table.name, table.columns, table.key) for table in layout.tables}
        if {(one.name, one.columns, one.key) for one in self.tables} != shapes or len(self.tables) != len(shapes):
            return "its tables"
        references = {(key.table, key.name, key.definition) for key in layout.foreign_keys}
        if {*self.references} != references or len(self.references) != len(references):
            return "its references"
        numbered = {(table.name, table.identity_column) for table in layout.tables if table.identity_column}
        if {(table, column) for table, column, *_ in self.counters} != numbered or len(self.counters) != len(numbered):
            return "its counters"
        return "its counters" if out_of_range(layout, self.sequences) else None


@contextmanager
def open_backup(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open a backup and parse its manifest.

    Raises WarehouseError for a file that is no backup, or none of this version.
    """
    with open_archive(path) as archive:
        try:
            with archive.open(MANIFEST) as file:
                content = file.read(MANIFEST_BYTES + 1)
            manifest = msgspec.json.decode(content[:MANIFEST_BYTES], type=Manifest)
        except (*DAMAGED, msgspec.DecodeError):
            raise WarehouseError(
                f"{path} is not a backup of a warehouse, or it is damaged: its manifest can't be read."
            ) from None
        if manifest.format != FORMAT:
            raise WarehouseError(
                f"{path} is a backup in a format that this program does not read. Nothing was changed."
            )
        names = names_in("schema")
        if unknown := sorted(map(printable_name, manifest.schema_files.keys() - {*names})):
            raise WarehouseError(
                f"{path} was made by a newer Brapped ({', '.join(unknown[:3])})."
                " Nothing was changed. Update the program."
            )
        if {*manifest.schema_files} != {*names[: len(manifest.schema_files)]} or WAREHOUSE not in manifest.schema_files:
            raise WarehouseError(
                f"{path} is damaged: no version of the program has the schema files that its manifest names."
                " Nothing was changed."
            )
        if changed := sorted(name for name, known in manifest.schema_files.items() if checksum(name) != known):
            raise WarehouseError(
                f"sql/{', sql/'.join(changed)} was edited after {path} was written. Nothing was changed. Undo the edit."
            )
        check_members(archive, manifest, path)
        yield archive, manifest


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive that is a regular file. Raises WarehouseError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise WarehouseError(f"{path} is not a file.")
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise WarehouseError(f"There is no file {path}.") from None
    except PermissionError as error:
        raise WarehouseError(f"{path} can't be read: {error.strerror}.") from None
    except DAMAGED:
        raise WarehouseError(f"{path} is not a backup of a warehouse, or it is damaged.") from None
    with archive:
        yield archive


def check_members(archive: zipfile.ZipFile, manifest: Manifest, path: Path) -> None:
    """Raises WarehouseError unless each table has exactly one file in the archive that can be unpacked and is no zip
    bomb.
    """
    size = path.stat().st_size
    names = archive.namelist()
    for name in (member_name(backed.name) for backed in manifest.tables):
        if names.count(name) > 1:
            raise WarehouseError(f"{path} is damaged: {printable_name(name)} is in it twice. Nothing was changed.")
        try:
            member = archive.getinfo(name)
        except KeyError:
            raise WarehouseError(
                f"{path} is damaged: there is no {printable_name(name)} in it. Nothing was changed."
            ) from None
        is_ours = member.compress_type in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED) and not member.flag_bits & 1
        if not is_ours or member.compress_size > size:
            raise WarehouseError(f"{path} is damaged: {printable_name(name)} can't be read. Nothing was changed.")
        if member.file_size > max(UNPACKED_BYTES, UNPACKED_TIMES * member.compress_size):
            raise WarehouseError(
                f"{path} is not a backup of this program: {printable_name(name)} would become {UNPACKED_TIMES} times as"
                " long or more when it is unpacked. Nothing was changed."
            )


def check_matches(manifest: Manifest, layout: Layout, path: Path) -> None:
    """Raises WarehouseError when the manifest names anything that the schema does not have."""
    if mismatch := manifest.mismatch(layout):
        raise WarehouseError(
            f"{path} is not a backup of this program, or its manifest was changed: {mismatch} are not those of the"
            " schema that it names. Nothing was changed."
        )


def pair_tables(manifest: Manifest, layout: Layout) -> list[tuple[Table, BackedUpTable]]:
    """The tables of the layout in its order, each with its entry in the manifest."""
    backed = {one.name: one for one in manifest.tables}
    return [(table, backed[table.name]) for table in layout.tables]
