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
from etl.warehouse.engine import driver_of, limited, limits_of, settings_due

STREAMED = 5_000  # rows fetched at a time


def run(connection: Connection, name: str, **parameters: Any) -> list[Row[Any]]:
    """Runs a file of sql/ by its folder and name; its rows, if it has any."""
    return run_with_columns(connection, name, **parameters)[1]


def run_with_columns(connection: Connection, name: str, **parameters: Any) -> tuple[tuple[str, ...], list[Row[Any]]]:
    """The names of its columns, which are known even without rows, and its rows."""
    connection.info["step"] = name
    wanted = limits_of(connection)
    own_s = limits.STATEMENTS_S.get(name, wanted.statement_s)
    with limited(connection, replace(wanted, statement_s=max(wanted.statement_s, own_s))):
        result = connection.execute(prepared(name), parameters)
    return (tuple(result.keys()), list(result)) if result.returns_rows else ((), [])


def run_combined(connection: Connection, names: Sequence[str], **parameters: Any) -> dict[str, list[dict[str, Any]]]:
    """Run several files of sql/, each a single select, as one statement; the rows of each by file name.

    Rows arrive as JSON: a column ending in _at becomes a datetime, all others stay JSON values, so select an interval
    as seconds. Files share parameters by name.
    """
    connection.info["step"] = ", ".join(names)
    return rows_by_file(names, connection.execute(text(combined_query(tuple(names))), parameters).one())


def run_with_combined(
    connection: Connection, scripts: Sequence[str], names: Sequence[str], **parameters: Any
) -> dict[str, list[dict[str, Any]]]:
    """`run_combined`, with scripts before it that it stands on, such as temporary tables: all in one round trip."""
    connection.info["step"] = ", ".join((*scripts, *names))
    return rows_by_file(names, connection.execute(scripts_and_query(tuple(scripts), tuple(names)), parameters).one())


@cache
def scripts_and_query(scripts: tuple[str, ...], names: tuple[str, ...]) -> Any:
    before = (script(name).rstrip().removesuffix(";") for name in scripts)
    return text("\n;\n".join((*before, combined_query(names))))


def rows_by_file(names: Sequence[str], answer: Sequence[Any]) -> dict[str, list[dict[str, Any]]]:
    """Split the only row of `combined_query` into the rows of each file. Pure."""
    return {
        name: [{column: from_json(column, value) for column, value in row.items()} for row in rows]
        for name, rows in zip(names, answer, strict=True)
    }


def from_json(column: str, value: Any) -> Any:
    """A JSON value as the type of its column: a datetime if the name ends in _at. Pure."""
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
    """Run several files of sql/ in order and in one round trip; the rows of the last, if it returns any.

    Each file stays a separate statement: it sees the effects of earlier ones and has its own timeout on the server.
    """
    connection.info["step"] = ", ".join(names)
    result = connection.execute(joined(tuple(names)), parameters)
    return list(result) if result.returns_rows else []


@cache
def joined(names: tuple[str, ...]) -> Any:
    return text("\n;\n".join(script(name).rstrip().removesuffix(";") for name in names))


def stream(connection: Connection, name: str, **parameters: Any) -> Iterator[Row[Any]]:
    """The rows of a query too large for memory, fetched in batches of STREAMED within the transaction."""
    connection.info["step"] = name
    yield from connection.execution_options(yield_per=STREAMED).execute(prepared(name), parameters)


def run_script(connection: Connection, name: str) -> None:
    """Run a file verbatim, without parameters, so that colons and percent signs need no escaping."""
    connection.info["step"] = name
    with driver_cursor(connection) as cursor:
        cursor.execute(script(name))


def driver_cursor(connection: Connection) -> psycopg2.extensions.cursor:
    """A psycopg2 cursor within the transaction, for COPY and for scripts without parameters."""
    cursor = driver_of(connection).cursor()
    if settings := settings_due(connection):
        cursor.execute(settings)
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
