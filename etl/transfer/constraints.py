"""What ties the tables of a warehouse together besides their rows: references between them, and the numbers given last."""

from __future__ import annotations

from psycopg2.sql import SQL, Identifier, Literal
from sqlalchemy import Connection, text

from etl.transfer.layout import NOTED, Layout, Reference, layout_of, reference_of
from etl.transfer.tables import Table
from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import MOVE_LOCK, lock
from etl.warehouse.statements import driver_cursor, run

HONEST_GAP = 10_000_000  # keys that were drawn and not used: each run draws some for rows that are there already


def counters_of(connection: Connection, layout: Layout) -> dict[str, tuple[int, bool]]:
    """Of each table that Postgres numbers: the last number, and whether it was given to a row."""
    return {table.name: counter_of(connection, table) for table in layout.tables if table.counter}


def counter_of(connection: Connection, table: Table) -> tuple[int, bool]:
    rows = run(connection, "ops/transfer/counter", table_name=table.name, column_name=table.counter)
    if len(rows) != 1:
        raise WarehouseError(f"{table.counter} of {table.name} is not numbered by Postgres; nothing was touched.")
    with driver_cursor(connection) as cursor:
        sequence = Identifier(rows[0].schema_name, rows[0].sequence_name)
        cursor.execute(SQL("select last_value, is_called from {}").format(sequence))
        [(number, is_given)] = cursor.fetchall()
    return int(number), bool(is_given)


def untied(connection: Connection) -> Layout:
    """Takes the references between tables away, so that a range can be replaced whatever refers to it.

    They are noted in the same transaction: the database itself knows what to put back, whoever goes on with the copy.
    """
    if connection.execute(text("select pg_catalog.to_regclass(:name)"), {"name": NOTED}).scalar():
        return layout_of(connection, [reference_of(row) for row in run(connection, "ops/transfer/references_dropped")])
    layout = layout_of(connection)
    if not layout.references:
        raise WarehouseError(
            "An older version of the program began a copy into the database at DATABASE_URL; this one can't go on with it."
            " Give an empty database, or drop its schemas listening and ops."
        )
    run(connection, "ops/transfer/copy_reference")
    with driver_cursor(connection) as cursor:
        for one in layout.references:
            run(
                connection,
                "ops/transfer/reference_dropped",
                table_name=one.table,
                other_name=one.other,
                constraint_name=one.name,
                definition=one.definition,
            )
            cursor.execute(SQL("alter table {} drop constraint {}").format(named(one.table), Identifier(one.name)))
    return layout


def tie(connection: Connection, references: tuple[Reference, ...], counters: dict[str, tuple[int, bool]]) -> None:
    """Puts them back, sets the numbers to go on with, and lets the planner see what there is."""
    lock(connection, MOVE_LOCK, 0)
    with driver_cursor(connection) as cursor:
        for one in references:
            cursor.execute(
                SQL("alter table {} drop constraint if exists {}, add constraint {} {}").format(
                    named(one.table), Identifier(one.name), Identifier(one.name), SQL(one.definition)
                )
            )
        cursor.execute(f"drop table if exists {NOTED}")
        for table in layout_of(connection, ()).tables:
            if table.name in counters:
                [row] = run(connection, "ops/transfer/counter", table_name=table.name, column_name=table.counter)
                sequence = Identifier(row.schema_name, row.sequence_name).as_string(cursor)
                number, is_given = counters[table.name]
                # What the other side says is kept between the largest key that is there and what honest gaps come to.
                cursor.execute(
                    SQL(
                        "select pg_catalog.setval({}::pg_catalog.regclass,"
                        " greatest(1, held.largest, least({}, held.largest * 2 + {})), {} or held.largest >= {})"
                        " from (select coalesce(max({}), 0)::bigint as largest from {}) as held"
                    ).format(
                        Literal(sequence),
                        Literal(number),
                        Literal(HONEST_GAP),
                        Literal(is_given),
                        Literal(number),
                        Identifier(str(table.counter)),
                        named(table.name),
                    )
                )
    run(connection, "ops/runs/statistics")


def named(table: str) -> Identifier:
    return Identifier(*table.split("."))
