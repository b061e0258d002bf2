"""The real exports, read and counted by plain Python: other means than the program's.

Two rows of the extended history are one listen when they are equal in ts, item and milliseconds, or when they began in the same
millisecond; whatever is linked so is one.
"""

import json
import os
import pickle
import zipfile
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from etl.jobs.imports import import_exports
from etl.jobs.receipts import Receipt
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from support import NOW, in_cluster, real_data, with_database

EXTENDED, ACCOUNT = "extended-2020-2024.zip", "account-2023.zip"


def rows_of(name: str) -> list[dict]:
    with zipfile.ZipFile(real_data("exports") / name) as archive:
        return [
            row for entry in archive.namelist() if entry.endswith(".json") for row in json.loads(archive.read(entry))
        ]


def item_of(row: dict) -> str | None:
    return row["spotify_track_uri"] or row["spotify_episode_uri"]


def listens(rows: list[dict]) -> list[list[dict]]:
    """The rows of each listen."""
    stands_for = list(range(len(rows)))

    def root(number: int) -> int:
        while stands_for[number] != number:
            number = stands_for[number]
        return number

    first: dict[tuple, int] = {}
    for number, row in enumerate(rows):
        keys: list[tuple] = [("told", row["ts"], item_of(row), row["ms_played"])]
        began = row["offline_timestamp"] or 0
        if began > 10**12 and began % 1000:  # told to the millisecond
            keys.append(("began", item_of(row), began))
        for key in keys:
            stands_for[root(number)] = root(first.setdefault(key, root(number)))
    found = defaultdict(list)
    for number, row in enumerate(rows):
        found[root(number)].append(row)
    return list(found.values())


def imported_once(cluster: str, template: str, *exports: str, **settings: Any) -> tuple[str, Receipt]:
    """A database with these exports, imported by whichever worker needs them first, and the receipt of that import.

    The database is there to be copied (`fresh_database`), so nobody connects to it. It goes when the cluster does.
    """
    name = "real_" + sha256(repr((exports, sorted(settings.items()))).encode()).hexdigest()[:16]
    is_made = Path(os.environ["BRAPPED_TEST_CLUSTER"]) / name
    with FileLock(f"{is_made}.lock"):
        if not is_made.exists():
            files = [real_data("exports") / export for export in exports]
            in_cluster(cluster, f"drop database if exists {name} with (force)")
            in_cluster(cluster, f"create database {name} template {template} strategy file_copy owner brapped")
            url = with_database(cluster, name)
            warehouse = Warehouse(url)
            receipt = import_exports(
                Settings(_env_file=None, database_url=url, **settings), warehouse, files, clock=lambda: NOW
            )
            warehouse.close()
            is_made.write_bytes(pickle.dumps(receipt))
        return name, pickle.loads(is_made.read_bytes())
