"""Makes facts.txt: run with the program of before schema/012 (commit e0a4466) and the URL of an empty database of its own.

    PYTHONPATH=OLD_CLONE:OLD_CLONE/tests python make.py URL FOLDER_FOR_FILES

told.json holds what pages, exports and catalogue told of two made-up listeners. It came from support/hard_truth.py, seeds 7 and
23, all chapters, without the player and the diary, which that program did not know. facts.txt is what it made of them.
"""

import io
import json
import sys
from pathlib import Path

import psycopg2
from support import NOW, libpq
from support.export_files import write_folder

from etl import __version__
from etl.dimensions.transform import catalogue_tables
from etl.jobs.imports import import_exports
from etl.settings import Settings
from etl.sources.recently_played import read_page
from etl.warehouse.connection import Warehouse
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, merge_plays, move_watermark, rematch_plays
from etl.warehouse.statements import run

HERE = Path(__file__).parent
ORDER = {
    "one": ("page 1", "account", "page 2", "extended 1", "page 3", "catalogue", "extended 2"),
    "other": ("extended 2", "page 1", "page 2", "page 3", "account", "catalogue", "extended 1"),
}
FILES = {"account": "StreamingHistory_music_0.json", "extended": "Streaming_History_Audio_2026.json"}
WITHOUT_ROWS = ("ops.schema_change", "ops.warehouse", "ops.lease", "listening.dim_time")


def fill(url: str) -> None:
    warehouse = Warehouse(url)
    warehouse.migrate(NOW, __version__)
    told = {(one["listener"], one["name"]): one["rows"] for one in json.loads((HERE / "told.json").read_text())}
    about = {"stand_ins": [], "listener_name": None, "time_zone": "Europe/Berlin", "created_at": NOW}
    for listener_id, names in ORDER.items():
        with warehouse.engine.begin() as connection:
            [listener] = run(connection, "dimensions/listener", listener_id=listener_id, **about)
        for name in names:
            rows, key = told[listener_id, name], listener.listener_key
            if name.split()[0] in FILES:
                folder = write_folder(Path(sys.argv[2]) / listener_id / name, {FILES[name.split()[0]]: rows})
                settings = Settings(_env_file=None, database_url=url)
                assert import_exports(settings, warehouse, [folder], listener=listener_id, clock=lambda: NOW).is_good
                continue
            with warehouse.engine.begin() as connection:
                is_page = name != "catalogue"
                page = read_page({"items": rows}, NOW).tables if is_page else {}
                stage(connection, page or catalogue_tables(tracks=rows, fetched_at=NOW))
                merge_catalogue(connection)
                if is_page:
                    merge_plays(connection, listener_key=key, now=NOW)
                    move_watermark(
                        connection, listener_key=key, source="recently_played", is_full_window=False, now=NOW
                    )
                rematch_plays(connection, now=NOW, but_not=key if is_page else None)
    warehouse.close()


def dump(url: str) -> None:
    tables = (
        "select n.nspname || '.' || c.relname, string_agg(a.attname, ', ' order by a.attnum) from pg_class c"
        " join pg_namespace n on n.oid = relnamespace join pg_attribute a on attrelid = c.oid and attnum > 0"
        " where relkind = 'r' and nspname in ('listening', 'ops') and not attisdropped group by 1 order by 1"
    )
    with (
        psycopg2.connect(libpq(url)) as connection,
        connection.cursor() as cursor,
        (HERE / "facts.txt").open("w") as file,
    ):
        cursor.execute("set time zone 'UTC'")
        cursor.execute(tables)
        for table, columns in cursor.fetchall():
            rows = io.StringIO()
            cursor.copy_expert(f"copy (select {columns} from {table} order by 1, 2) to stdout", rows)
            if table not in WITHOUT_ROWS and rows.getvalue():
                file.write(f"{table} ({columns})\n{rows.getvalue()}\n")


if __name__ == "__main__":
    fill(sys.argv[1])
    dump(sys.argv[1])
