"""Makes docs/tables.md from the comments in the database: `python docs/dictionary.py > docs/tables.md`."""

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, text

ROOT = Path(__file__).resolve().parent.parent

COLUMNS = """
select
    pg_namespace.nspname as schema_name,
    pg_class.relname as table_name,
    pg_class.relkind = 'v' as is_view,
    obj_description(pg_class.oid, 'pg_class') as table_comment,
    pg_attribute.attname as column_name,
    format_type(pg_attribute.atttypid, pg_attribute.atttypmod) as column_type,
    col_description(pg_class.oid, pg_attribute.attnum) as column_comment
from pg_class
inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
inner join pg_attribute on pg_attribute.attrelid = pg_class.oid
where
    pg_namespace.nspname in ('listening', 'ops')
    and pg_class.relkind in ('r', 'v')
    and pg_attribute.attnum > 0
    and not pg_attribute.attisdropped
order by
    pg_namespace.nspname,
    pg_class.relkind = 'v',
    pg_class.relname,
    pg_attribute.attnum
"""

OPENING = """# Tables

Made from the comments in the database by `docs/dictionary.py`; `\\d+` in psql shows the same.
Schema `listening` is the star; schema `ops` is what the program remembers between runs.
"""


def page(connection: Connection) -> str:
    return "\n".join(lines(connection)) + "\n"


def lines(connection: Connection) -> Iterator[str]:
    yield OPENING
    shown = None
    for row in connection.execute(text(COLUMNS)):
        table = f"{row.schema_name}.{row.table_name}"
        if table != shown:
            if shown:
                yield ""
            yield f"## {table}{' (view)' if row.is_view else ''}\n\n{row.table_comment}\n"
            yield "| column | type | |\n|---|---|---|"
            shown = table
        yield f"| `{row.column_name}` | {short(row.column_type)} | {row.column_comment} |"


def short(kind: str) -> str:
    return {"timestamp with time zone": "timestamptz"}.get(kind, kind)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from etl import __version__
    from etl.embedded.postgres import embedded_postgres
    from etl.warehouse.connection import Warehouse

    with tempfile.TemporaryDirectory(prefix="brapped-docs-") as folder:
        Path(folder).chmod(0o711)  # as root, Postgres runs as somebody else
        with embedded_postgres(Path(folder) / "postgres", durable=False) as url:
            warehouse = Warehouse(url)
            warehouse.migrate(datetime.now(UTC), __version__)
            sys.stdout.write(warehouse.transaction(page))
            warehouse.close()
