"""The tables of a warehouse as the program's own schema makes them, and what another database has under their names.

Statements of a copy are built from a Layout, which is read from a database that sql/schema/ was applied to. Names in a
backup, or in the database that is read, are only compared with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from typing import Any

from sqlalchemy import Connection, Row

from etl.transfer.tables import Table
from etl.warehouse.errors import WarehouseError
from etl.warehouse.statements import names_in, run, script

SCHEMAS = ["listening", "ops"]
# Each database keeps its own: what was applied to it, which jobs are running, which warehouse it is.
NOT_COPIED = {"ops.schema_change", "ops.lease", "ops.warehouse"}
DROPPED_KEYS = "ops.copy_reference"  # the table of dropped foreign keys; exists only while a copy is unfinished
LAST = "listening.fact_play"  # facts refer to all dimensions, without foreign keys
KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table", "p": "a partitioned table"}

LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}  # number in a column, by its type


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key between two tables. `definition` is Postgres's own."""

    table: str
    referenced_table: str
    name: str
    definition: str


@dataclass(frozen=True)
class Layout:
    """The tables that are copied, each after those it refers to, and the foreign keys between them."""

    tables: tuple[Table, ...]
    foreign_keys: tuple[ForeignKey, ...]


@cache
def table_names() -> frozenset[str]:
    """The full name of every table that a file of sql/schema/ makes."""
    found = re.compile(r"^create table (?:if not exists )?((?:listening|ops)\.\w+)", re.MULTILINE)
    return frozenset(name for file in names_in("schema") for name in found.findall(script(file)))


def layout_of(connection: Connection, foreign_keys: Collection[ForeignKey] | None = None) -> Layout:
    """Read the layout of a database that the program made. `foreign_keys`: those that a copy has dropped there."""
    names = sorted(table_names() - NOT_COPIED)
    found = {
        row.table_name: Table(
            row.table_name, tuple(row.column_names), tuple(row.key_names), tuple(row.column_types), row.counter_name
        )
        for row in run(connection, "ops/transfer/tables", names=names)
    }
    if foreign_keys is None:
        foreign_keys = [foreign_key_of(row) for row in run(connection, "ops/transfer/references", names=names)]
    needs: dict[str, set[str]] = {name: set() for name in sorted(found)}
    for key in foreign_keys:
        if key.table != key.referenced_table:
            needs[key.table].add(key.referenced_table)
    if LAST in needs:
        needs[LAST] |= needs.keys() - {LAST}
    return Layout(tuple(found[name] for name in TopologicalSorter(needs).static_order()), tuple(foreign_keys))


def out_of_range(layout: Layout, sequences: Mapping[str, tuple[int, bool]]) -> list[str]:
    """Names of the tables whose sequence value does not fit their identity column."""
    types = {
        table.name: dict(zip(table.columns, table.types, strict=True)).get(table.identity_column or "")
        for table in layout.tables
    }
    return sorted(
        name for name, (number, _) in sequences.items() if not 1 <= number <= LARGEST.get(types[name] or "", 0)
    )


def foreign_key_of(row: Row[Any]) -> ForeignKey:
    return ForeignKey(row.table_name, row.other_name, row.constraint_name, row.definition)


class UntrustedCatalog:
    """What a database, which may be anybody's, has in the schemas of a warehouse, or of certain names elsewhere.

    Only Postgres's catalog is read, so nothing that the database's owner wrote is run. `name`: the option or setting of
    the database's address. `names`: table names to look for in all schemas, instead of everything in SCHEMAS.
    """

    def __init__(self, connection: Connection, name: str, names: Collection[str] = ()) -> None:
        rows = run(connection, "ops/transfer/relations", schemas=[] if names else SCHEMAS, names=list(names))
        self.relations = {f"{row.schema_name}.{row.table_name}": row for row in rows}
        self.name = name

    def check_is_safe(self) -> None:
        """Raises WarehouseError when reading one of the warehouse's tables there would run somebody else's code."""
        for name in sorted(self.relations.keys() & (table_names() | NOT_COPIED)):
            row = self.relations[name]
            odd_type = "has a column of a type that is not Postgres's own" if row.has_odd_type else None
            if reason := unsafe_reason(row) or odd_type:
                raise WarehouseError(
                    f"{name} of the database at {self.name} {reason}, so it is not read. Nothing was changed."
                )

    def check_matches(self, layout: Layout) -> None:
        """Raises WarehouseError when the tables there are not those of the layout, column by column."""
        for table in layout.tables:
            row = self.relations.get(table.name)
            if row is None:
                raise WarehouseError(
                    f"The database at {self.name} has no table {table.name}, which its version of the schema has."
                    " Nothing was changed."
                )
            there = dict(zip(row.column_names or (), row.column_types or (), strict=True))
            if odd := sorted(set(dict(zip(table.columns, table.types, strict=True)).items()) ^ set(there.items())):
                raise WarehouseError(
                    f"{table.name} of the database at {self.name} is not as the schema makes it: see its column"
                    f" {printable_name(odd[0][0])}. Nothing was changed."
                )
        if unknown := self.unknown_tables():
            raise WarehouseError(
                f"{unknown[0]} of the database at {self.name} is no table of Brapped's, and would be left behind."
                " Nothing was changed. Move your own tables to another schema (alter table … set schema …) and repeat"
                " the command."
            )

    def unknown_tables(self) -> list[str]:
        """Tables, not views, that lie in the schemas of a warehouse without being part of it."""
        known = table_names() | NOT_COPIED | {DROPPED_KEYS}
        return [
            printable_name(name)
            for name, row in self.relations.items()
            if row.kind not in ("v", "m") and name not in known
        ]


def unsafe_reason(row: Row[Any]) -> str | None:
    """Why a table of a database that may be anybody's can't be read safely; None if it can."""
    if row.kind in KINDS:
        return f"is {KINDS[row.kind]}, not a table"
    if row.has_row_security:
        return "has row security"
    if row.is_inherited:
        return "inherits from a table, or is inherited from"
    if row.has_functions:
        return "has an index or a constraint on a function that is not the program's"
    if row.is_read_with_more_rights:
        return (
            f"belongs to {printable_name(row.owner_name)}, but the address has a superuser of that server, for whom"
            " reading it could run anything: give an address with the owner"
        )
    return None


def printable_name(name: object) -> str:
    """A name from another database made safe for a terminal: no control characters, at most 100 characters."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(name))[:100]
