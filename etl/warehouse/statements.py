"""Run the files of sql/ by name."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import psycopg2.extensions
from sqlalchemy import Connection, Row, text

from etl import limits
from etl.paths import sql_folder
from etl.warehouse.engine import driver_of, due, limited, limits_of

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
    if words := due(connection):
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
