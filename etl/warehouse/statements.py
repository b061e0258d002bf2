"""Run the files of sql/ by name."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import psycopg2.extensions
from sqlalchemy import Connection, Row, text

from etl import limits
from etl.paths import sql_folder
from etl.warehouse.engine import driver_of, settings_due, limited, limits_of

STREAMED = 5_000  # rows fetched at a time


def run(connection: Connection, name: str, **parameters: Any) -> list[Row[Any]]:
    """Runs a file of sql/ by its folder and name; its rows, if it has any."""
    return run_with_columns(connection, name, **parameters)[1]


def run_with_columns(connection: Connection, name: str, **parameters: Any) -> tuple[tuple[str, ...], list[Row[Any]]]:
    """The same, and what its columns are called, which there are without rows, too."""
    connection.info["step"] = name
    wanted = limits_of(connection)
    own_s = limits.STATEMENTS_S.get(name, wanted.statement_s)
    with limited(connection, replace(wanted, statement_s=max(wanted.statement_s, own_s))):
        result = connection.execute(prepared(name), parameters)
    return (tuple(result.keys()), list(result)) if result.returns_rows else ((), [])


def run_combined(connection: Connection, names: Sequence[str], **parameters: Any) -> dict[str, list[dict[str, Any]]]:
    """Asks several files of sql/, each a single select, in one statement: the rows of each by its name.

    The rows travel as JSON. A column whose name ends in _at is a time; the others hold what JSON holds, so an interval has to
    be selected as seconds. A parameter that several files have is given once.
    """
    connection.info["step"] = ", ".join(names)
    return rows_by_file(names, connection.execute(text(combined_query(tuple(names))), parameters).one())


def rows_by_file(names: Sequence[str], answer: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each file out of the only row of `together`. Pure."""
    return {
        name: [{column: from_json(column, value) for column, value in row.items()} for row in rows]
        for name, rows in zip(names, answer, strict=True)
    }


def from_json(column: str, value: Any) -> Any:
    """A value as its column means it. Pure."""
    return datetime.fromisoformat(value) if column.endswith("_at") and value is not None else value


@cache
def combined_query(names: tuple[str, ...]) -> str:
    """One statement that selects the rows of each file as a JSON list."""
    selects = (
        "(select coalesce(json_agg(row_to_json(answer)), '[]'::json)"  # noqa: S608  of the program's own files
        f" from (\n{script(name).rstrip().removesuffix(';')}\n) as answer)"
        for name in names
    )
    return f"select {', '.join(selects)}"


def run_all(connection: Connection, names: Sequence[str], **parameters: Any) -> list[Row[Any]]:
    """Runs several files of sql/ in one round trip, in their order; the rows of the last, if it has any.

    Each is a statement of its own all the same: it sees what those before it did, and has its own limit at the server.
    """
    connection.info["step"] = ", ".join(names)
    result = connection.execute(joined(tuple(names)), parameters)
    return list(result) if result.returns_rows else []


@cache
def joined(names: tuple[str, ...]) -> Any:
    return text("\n;\n".join(script(name).rstrip().removesuffix(";") for name in names))


def stream(connection: Connection, name: str, **parameters: Any) -> Iterator[Row[Any]]:
    """The rows of a question too large for memory, fetched as they are used, within the transaction."""
    connection.info["step"] = name
    yield from connection.execution_options(yield_per=STREAMED).execute(prepared(name), parameters)


def run_script(connection: Connection, name: str) -> None:
    """Runs a file as it stands, without parameters: a colon or a percent sign in it is just that."""
    connection.info["step"] = name
    with driver_cursor(connection) as cursor:
        cursor.execute(script(name))


def driver_cursor(connection: Connection) -> psycopg2.extensions.cursor:
    """psycopg2's own cursor within the transaction: for COPY, and for scripts that take no parameters."""
    cursor = driver_of(connection).cursor()
    if words := settings_due(connection):
        cursor.execute(words)
    return cursor


@cache
def prepared(name: str) -> Any:
    return text(script(name))


@cache
def script(name: str) -> str:
    return (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")


def checksum(name: str) -> str:
    return hashlib.sha256(script(name).encode()).hexdigest()


def names_in(folder: str) -> list[str]:
    return [f"{folder}/{path.stem}" for path in sorted((sql_folder() / folder).glob("*.sql"))]
