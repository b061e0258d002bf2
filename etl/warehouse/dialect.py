"""SQLAlchemy's dialect for Postgres without its questions to the server: psycopg2 knows the answers once it is connected."""

from typing import Any

from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2


class Dialect(PGDialect_psycopg2):
    """Sends nothing of its own when it connects, and no ping over a connection that has just answered.

    SQLAlchemy asks a new connection four questions. Each is a round trip to a database that may be far away. The server has
    told psycopg2 what they ask for, or this program does not use the answer.
    """

    supports_statement_cache = True

    def _get_server_version_info(self, connection: Any) -> tuple[int, ...]:
        number = connection.connection.dbapi_connection.server_version  # 160004 is 16.4
        return number // 10_000, number % 10_000

    def _get_default_schema_name(self, connection: Any) -> str:
        return "pg_catalog"  # as every transaction sets it; the program's own statements name their schemas

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        return "READ COMMITTED"  # never set, so that whatever the database is set to holds

    def _set_backslash_escapes(self, connection: Any) -> None:
        told = connection.connection.dbapi_connection.get_parameter_status("standard_conforming_strings")
        self._backslash_escapes = told == "off"

    def do_ping(self, dbapi_connection: Any) -> bool:
        return bool(dbapi_connection.has_just_answered) or bool(super().do_ping(dbapi_connection))  # type: ignore[no-untyped-call]
