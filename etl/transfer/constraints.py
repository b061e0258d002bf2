"""What a warehouse has besides rows: the foreign keys between its tables, and the sequences that number their keys."""

from __future__ import annotations

from psycopg2.sql import SQL, Identifier, Literal
from sqlalchemy import Connection, text

from etl.transfer.layout import DROPPED_KEYS, ForeignKey, Layout, foreign_key_of, layout_of
from etl.transfer.tables import Table
from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import MOVE_LOCK, lock
from etl.warehouse.statements import driver_cursor, run

LARGEST_KEY_GAP = 10_000_000  # keys drawn and never used: each run draws some for rows that turn out to exist

SequenceValue = tuple[int, bool]  # the last number of a sequence, and whether a row was given it


def sequence_values(connection: Connection, layout: Layout) -> dict[str, SequenceValue]:
    """By table: the state of the sequence behind its identity column. Raises WarehouseError."""
    return {table.name: sequence_value(connection, table) for table in layout.tables if table.identity_column}


def sequence_value(connection: Connection, table: Table) -> SequenceValue:
    """The state of the sequence behind the table's identity column. Raises WarehouseError when there is none."""
    rows = run(connection, "ops/transfer/identity_sequence", table_name=table.name, column_name=table.identity_column)
    if len(rows) != 1:
        raise WarehouseError(
            f"{table.identity_column} of {table.name} is not numbered by Postgres. Nothing was changed."
        )
    with driver_cursor(connection) as cursor:
        sequence = Identifier(rows[0].schema_name, rows[0].sequence_name)
        cursor.execute(SQL("select last_value, is_called from {}").format(sequence))
        [(number, is_given)] = cursor.fetchall()
    return int(number), bool(is_given)


def drop_constraints(connection: Connection, name: str) -> Layout:
    """Drop the foreign keys between the tables, so that any range of rows can be replaced, and return the layout.

    They are noted in DROPPED_KEYS in the same transaction: if this copy is killed, the database itself knows what the
    next one has to restore. `name`: the option or setting of the database's address. Raises WarehouseError.
    """
    if connection.execute(text("select pg_catalog.to_regclass(:name)"), {"name": DROPPED_KEYS}).scalar():
        return layout_of(
            connection, [foreign_key_of(row) for row in run(connection, "ops/transfer/references_dropped")]
        )
    layout = layout_of(connection)
    if not layout.foreign_keys:
        raise WarehouseError(
            f"An older version of the program began a copy into the database at {name}; this one can't go on with it."
            " Give an empty database, or drop its schemas listening and ops."
        )
    run(connection, "ops/transfer/copy_reference")
    with driver_cursor(connection) as cursor:
        for key in layout.foreign_keys:
            run(
                connection,
                "ops/transfer/reference_dropped",
                table_name=key.table,
                other_name=key.referenced_table,
                constraint_name=key.name,
                definition=key.definition,
            )
            cursor.execute(SQL("alter table {} drop constraint {}").format(identifier(key.table), Identifier(key.name)))
    return layout


def restore_constraints(
    connection: Connection, foreign_keys: tuple[ForeignKey, ...], sequences: dict[str, SequenceValue]
) -> None:
    """Restore the foreign keys, set the sequences, and gather statistics for the planner.

    A sequence value from elsewhere is not trusted: it is kept between the largest key there is and LARGEST_KEY_GAP
    beyond twice that key.
    """
    lock(connection, MOVE_LOCK, 0)
    with driver_cursor(connection) as cursor:
        for key in foreign_keys:
            cursor.execute(
                SQL("alter table {} drop constraint if exists {}, add constraint {} {}").format(
                    identifier(key.table), Identifier(key.name), Identifier(key.name), SQL(key.definition)
                )
            )
        cursor.execute(f"drop table if exists {DROPPED_KEYS}")
        tables = layout_of(connection, ()).tables
        for table in tables:
            if table.name in sequences:
                [row] = run(
                    connection,
                    "ops/transfer/identity_sequence",
                    table_name=table.name,
                    column_name=table.identity_column,
                )
                sequence = Identifier(row.schema_name, row.sequence_name).as_string(cursor)
                number, is_given = sequences[table.name]
                cursor.execute(
                    SQL(
                        "select pg_catalog.setval({}::pg_catalog.regclass,"
                        " greatest(1, held.largest, least({}, held.largest * 2 + {})), {} or held.largest >= {})"
                        " from (select coalesce(max({}), 0)::bigint as largest from {}) as held"
                    ).format(
                        Literal(sequence),
                        Literal(number),
                        Literal(LARGEST_KEY_GAP),
                        Literal(is_given),
                        Literal(number),
                        Identifier(str(table.identity_column)),
                        identifier(table.name),
                    )
                )
        # An older schema lacks some tables of this program's: only those that are there are analyzed.
        cursor.execute(SQL("analyze {}").format(SQL(", ").join(identifier(table.name) for table in tables)))


def identifier(table: str) -> Identifier:
    """The full name of a table, quoted."""
    return Identifier(*table.split("."))
