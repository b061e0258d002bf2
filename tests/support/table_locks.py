"""Tables that are locked, and processes that wait for them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from support import asked, libpq


@contextmanager
def locked(database: str, table: str) -> Iterator[None]:
    """Nobody else can read or write the table in here."""
    connection = psycopg2.connect(libpq(database))
    with connection.cursor() as cursor:
        cursor.execute(f"lock table {table} in access exclusive mode")
        yield
    connection.rollback()
    connection.close()


def wait_for_lock(database: str, table: str) -> int:
    """The server process that waits for the table."""
    for _ in range(1000):
        rows = asked(
            database,
            "select pid from pg_locks where not granted and relation = %s::regclass"
            " and database = (select oid from pg_database where datname = current_database())",
            table,
        )
        if rows:
            return rows[0][0]
        time.sleep(0.02)
    raise AssertionError(f"nobody came to wait for {table}")
