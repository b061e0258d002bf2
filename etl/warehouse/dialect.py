"""SQLAlchemy's psycopg2 dialect without the queries it sends on connecting."""

from typing import Any

from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2


class Dialect(PGDialect_psycopg2):
    """Skip the initial queries, and skip the ping on a connection that has just answered.

    SQLAlchemy sends four queries on a new connection, each a round trip to a database that may be far away. psycopg2
    already has the answer from the handshake, or this program does not use it.
    """

    supports_statement_cache = True

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        number = connection.connection.dbapi_connection.server_version  # 160004 is 16.4
        return number // 10_000, number % 10_000

    def _get_default_schema_name(self, connection: Any) -> str:
        return "pg_catalog"  # set at the start of every transaction; statements qualify the names of their own tables

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        return "READ COMMITTED"  # only reported: the database's own default applies

    def _set_backslash_escapes(self, connection: Any) -> None:
        setting = connection.connection.dbapi_connection.get_parameter_status("standard_conforming_strings")
        self._backslash_escapes = setting == "off"

    def do_ping(self, dbapi_connection: Any) -> bool:
        if dbapi_connection.has_just_answered:
            return True
        return bool(super().do_ping(dbapi_connection))  # type: ignore[no-untyped-call]
