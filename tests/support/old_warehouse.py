"""A warehouse as the program of before schema/012 left it, and the pages and files that it was made of.

tests/warehouse/old_warehouse/ holds both: told.json, what was told of two made-up listeners; facts.txt, what that program made of
it (make.py says how); views/, its views that schema/012 concerns.
"""

import io
import json
from pathlib import Path

import psycopg2
import pytest

from etl import __version__
from etl.warehouse import statements
from etl.warehouse.connection import Warehouse
from support import NOW, ROOT, libpq
from support.cases import Record

FOLDER = ROOT / "tests" / "warehouse" / "old_warehouse"
TOLD: list[dict] = json.loads((FOLDER / "told.json").read_text())
PAGES = [one for one in TOLD if one["name"].startswith("page")]
EXPORTS = [one for one in TOLD if one["name"].startswith(("extended", "account"))]
CATALOGUE = [one for one in TOLD if one["name"] == "catalogue"]


# What schema/011 and 010 added: the newer program that makes the warehouse writes some of it.
ADDED = {
    11: ("drop table ops.listener_user",),
    10: (
        "drop view if exists listening.schema_file",
        "alter table listening.dim_listener drop column dates_checked_at",
        "alter table ops.run drop column repository_id, drop column run_number, drop column unrecorded_count",
        "alter table ops.schema_change drop column former_checksums",
    ),
}

# Views and functions on tables that came later.
NEWER = (
    "chosen_feature", "chosen_genre", "recording_evidence", "excluded_track", "exclusion_scope", "kept_plays",
    "excluded_plays", "excluded_tracks", "marked_plays", "conditional_rules", "excluded_cells", "excluded_minutes",
    "excluded_week_minutes",
)  # fmt: skip


def old_sql(folder: Path) -> Path:
    """A folder sql/ of the old program: its schema up to 011, its functions and its views."""
    for name in ("schema", "functions", "views"):
        (folder / name).mkdir(parents=True)
    (folder / "ops").symlink_to(ROOT / "sql/ops")
    for path in (ROOT / "sql/schema").glob("*.sql"):
        if int(path.name[:3]) <= 11:
            (folder / "schema" / path.name).symlink_to(path)
    for name in ("functions", "views"):
        for path in (ROOT / "sql" / name).glob("*.sql"):
            if path.stem in NEWER:
                continue
            old = FOLDER / name / path.name
            (folder / name / path.name).symlink_to(old if old.exists() else path)
    return folder


def make_old(url: str, folder: Path, last: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the warehouse of the old program in an empty database. `last`: the number of its last schema file."""
    sql = old_sql(folder)
    with monkeypatch.context() as patched:
        patched.setattr(statements, "sql_folder", lambda: sql)
        statements.script.cache_clear()
        warehouse = Warehouse(url)
        warehouse.migrate(NOW, __version__)
        warehouse.close()
    statements.script.cache_clear()
    with psycopg2.connect(libpq(url)) as connection, connection.cursor() as cursor:
        cursor.execute("set time zone 'UTC'")
        for number in range(11, last, -1):
            for statement in ADDED[number]:
                cursor.execute(statement)
            cursor.execute("delete from ops.schema_change where file_name like %s", (f"schema/{number:03}%",))
        blocks = (FOLDER / "facts.txt").read_text().rstrip("\n").split("\n\n")
        blocks.sort(key=lambda block: not block.startswith(("listening.dim", "ops.run ")))
        for block in reversed(blocks):  # the unknown members, which the file has, too
            cursor.execute(f"delete from {block.split()[0]}")
        for block in blocks:
            head, *rows = block.split("\n")
            copy_rows(cursor, head.partition(" ")[0], head.partition("(")[2].removesuffix(")").split(", "), rows)
    connection.close()


def copy_rows(cursor: psycopg2.extensions.cursor, table: str, columns: list[str], rows: list[str]) -> None:
    """The rows of a table, without the columns that this schema does not have yet."""
    schema, name = table.split(".")
    cursor.execute(
        "select column_name, is_identity from information_schema.columns where table_schema = %s and table_name = %s",
        (schema, name),
    )
    known = dict(cursor.fetchall())
    places = [place for place, column in enumerate(columns) if column in known]
    told = ", ".join(columns[place] for place in places)
    text = "".join("\t".join(row.split("\t")[place] for place in places) + "\n" for row in rows)
    cursor.copy_expert(f"copy {table} ({told}) from stdin", io.StringIO(text))
    for column in (column for column, is_identity in known.items() if is_identity == "YES"):
        cursor.execute(f"select setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) from {table}")


def tell(record: Record, batches: list[dict]) -> None:
    """Merge pages, files and catalogue by the program of today."""
    for one in batches:
        key = record.listener_keys[one["listener"]]
        if one["name"] == "catalogue":
            record.describe(one["rows"])
        elif one["name"].startswith("page"):
            record.merge_page(one["rows"], key)
        else:
            record.import_rows(one["rows"], one["listener"])


def record_of(url: str, folder: Path) -> Record:
    """Today's program on a database with its schema; both listeners in Berlin, as in the old warehouse."""
    record = Record(Warehouse(url), url, folder)
    with record.warehouse.engine.begin() as connection:
        connection.exec_driver_sql("update listening.dim_listener set time_zone = 'Europe/Berlin'")
    return record
