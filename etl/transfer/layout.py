"""The tables of a warehouse as the program's own schema makes them, and what another database has under their names.

What a copy does to a database is put together from a Layout, which is read from a database that sql/schema/ was
applied to. A backup and the database that is copied from name nothing: they are only compared with it.
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
# Each database has its own of these: what was applied to it, which jobs are under way, which warehouse it is.
OWN = {"ops.schema_change", "ops.lease", "ops.warehouse"}
NOTED = "ops.copy_reference"  # only while a copy is unfinished
LAST = "listening.fact_play"  # the facts name members of all dimensions, without the database's checking it
KINDS = {"v": "a view", "m": "a materialized view", "f": "a foreign table", "p": "a partitioned table"}

LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}  # number of a column by its type


@dataclass(frozen=True)
class Reference:
    """A foreign key between two tables, as Postgres writes it down."""

    table: str
    other: str
    name: str
    definition: str


@dataclass(frozen=True)
class Layout:
    """The tables that are copied, each after those it refers to, and the references between them."""

    tables: tuple[Table, ...]
    references: tuple[Reference, ...]


@cache
def table_names() -> frozenset[str]:
    """The full name of every table that a file of sql/schema/ makes."""
    found = re.compile(r"^create table (?:if not exists )?((?:listening|ops)\.\w+)", re.MULTILINE)
    return frozenset(name for file in names_in("schema") for name in found.findall(script(file)))


def layout_of(connection: Connection, references: Collection[Reference] | None = None) -> Layout:
    """The layout of a database that the program made. `references`: those that a copy has taken away."""
    names = sorted(table_names() - OWN)
    found = {
        row.table_name: Table(
            row.table_name, tuple(row.column_names), tuple(row.key_names), tuple(row.column_types), row.counter_name
        )
        for row in run(connection, "ops/transfer/tables", names=names)
    }
    if references is None:
        references = [reference_of(row) for row in run(connection, "ops/transfer/references", names=names)]
    refers: dict[str, set[str]] = {name: set() for name in sorted(found)}
    for reference in references:
        if reference.table != reference.other:
            refers[reference.table].add(reference.other)
    if LAST in refers:
        refers[LAST] |= refers.keys() - {LAST}
    return Layout(tuple(found[name] for name in TopologicalSorter(refers).static_order()), tuple(references))


def odd_counters(layout: Layout, counters: Mapping[str, tuple[int, bool]]) -> list[str]:
    """Tables whose numbering does not fit the column that it is for."""
    types = {
        table.name: dict(zip(table.columns, table.types, strict=True)).get(table.counter or "")
        for table in layout.tables
    }
    return sorted(
        name for name, (number, _) in counters.items() if not 1 <= number <= LARGEST.get(types[name] or "", 0)
    )


def reference_of(row: Row[Any]) -> Reference:
    return Reference(row.table_name, row.other_name, row.constraint_name, row.definition)


class Foreign:
    """What a database that may be anybody's has in the schemas of a warehouse, or under some names elsewhere.

    Only its catalogue is read.
    """

    def __init__(self, connection: Connection, name: str, names: Collection[str] = ()) -> None:
        rows = run(connection, "ops/transfer/relations", schemas=[] if names else SCHEMAS, names=list(names))
        self.relations = {f"{row.schema_name}.{row.table_name}": row for row in rows}
        self.name = name

    def must_be_plain(self) -> None:
        """Raises WarehouseError when reading one of the program's tables there would run what somebody else wrote."""
        for name in sorted(self.relations.keys() & (table_names() | OWN)):
            row = self.relations[name]
            odd = "has a column of a type that is not Postgres's own" if row.has_odd_type else None
            if fault := fault_of(row) or odd:
                raise WarehouseError(
                    f"{name} of the database at {self.name} {fault}, so it is not read; nothing was touched."
                )

    def must_be(self, layout: Layout) -> None:
        """Raises WarehouseError when the tables there are not those of the layout, column by column."""
        for table in layout.tables:
            row = self.relations.get(table.name)
            if row is None:
                raise WarehouseError(
                    f"The database at {self.name} has no table {table.name}, which its version of the schema has."
                    " Nothing was touched."
                )
            there = dict(zip(row.column_names or (), row.column_types or (), strict=True))
            if odd := sorted(set(dict(zip(table.columns, table.types, strict=True)).items()) ^ set(there.items())):
                raise WarehouseError(
                    f"{table.name} of the database at {self.name} is not as the schema makes it: see its column"
                    f" {plain(odd[0][0])}. Nothing was touched."
                )
        if others := self.strangers():
            raise WarehouseError(
                f"{others[0]} of the database at {self.name} is no table of Brapped's, and would be left behind. Move what"
                " is yours into a schema of its own (alter table … set schema …), and run this again; nothing was touched."
            )

    def strangers(self) -> list[str]:
        """Tables, not views, that lie in the schemas of a warehouse without being a part of it."""
        known = table_names() | OWN | {NOTED}
        return [plain(name) for name, row in self.relations.items() if row.kind not in ("v", "m") and name not in known]


def fault_of(row: Row[Any]) -> str | None:
    """Why a table of a database that may be anybody's can't be read safely."""
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
            f"belongs to {plain(row.owner_name)}, but the address has a superuser of that server, for whom reading it"
            " could run anything: give an address with the owner"
        )
    return None


def plain(name: object) -> str:
    """A name of another database, fit for a terminal: nothing in it moves the cursor or turns the line around."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(name))[:100]
