"""The real exports, read and counted by plain Python: other means than the program's.

Two rows of the extended history are one listen when they are equal in ts, item and milliseconds and did not begin a length apart;
or when they began in the same millisecond, or in the same second and lasted one; whatever is linked so is one.
"""

import json
import os
import pickle
import zipfile
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from etl.jobs.imports import import_exports
from etl.jobs.receipts import Receipt
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from support import NOW, in_cluster, real_data, with_database

EARLIEST_START_MS = 366 * 86_400_000  # a start further from the end than this is no start; no row has one
EXTENDED, ACCOUNT = "extended-2020-2024.zip", "account-2023.zip"


def rows_of(name: str) -> list[dict]:
    with zipfile.ZipFile(real_data("exports") / name) as archive:
        return [
            row for entry in archive.namelist() if entry.endswith(".json") for row in json.loads(archive.read(entry))
        ]


def item_of(row: dict) -> str | None:
    return row["spotify_track_uri"] or row["spotify_episode_uri"]


def began(row: dict) -> int | None:
    """Milliseconds since 1970."""
    stamp = row["offline_timestamp"] or 0
    start = None if stamp < 2 else stamp if stamp > 10**11 else stamp * 1000
    return start if start is None or start >= ended(row) - EARLIEST_START_MS else None


def ended(row: dict) -> int:
    return round(datetime.fromisoformat(row["ts"]).timestamp() * 1000)


def is_again(one: dict, other: dict) -> bool:
    """Of two rows of one item."""
    start, other_start = began(one), began(other)
    if (one["ts"], one["ms_played"]) == (other["ts"], other["ms_played"]):
        return start is None or other_start is None or abs(start - other_start) < max(one["ms_played"], 1)
    if start is None or start != other_start or item_of(one) is None:
        return False
    if start % 1000 or min(one["ms_played"], other["ms_played"]) >= 1000:
        return True
    late = max(ended(one), ended(other)) - start - one["ms_played"]
    return one["ms_played"] == other["ms_played"] and late > 60_000


def listens(rows: list[dict]) -> list[list[dict]]:
    """The rows of each listen, the first date first."""
    alike: dict[tuple, list[int]] = defaultdict(list)
    stands_for = list(range(len(rows)))

    def root(number: int) -> int:
        while stands_for[number] != number:
            number = stands_for[number]
        return number

    for number, row in enumerate(rows):
        for key in (("told", item_of(row), row["ts"], row["ms_played"]), ("began", item_of(row), began(row))):
            for other in alike[key]:
                if is_again(row, rows[other]):
                    stands_for[root(number)] = root(other)
            if key[-1] is not None:
                alike[key].append(number)
    found = defaultdict(list)
    for number, row in enumerate(rows):
        found[root(number)].append(row)
    return [sorted(one, key=lambda row: (row["ts"], began(row) or 0)) for one in found.values()]


def dated(told: list[list[dict]]) -> list[tuple[datetime, str | None, int]]:
    """When each of these listens ended, what, and how long: a date of upload gives way to start and length."""
    crowded = Counter(one[0]["ts"] for one in told if longest(one) >= 30_000 and began(one[0]) is not None)
    found = []
    for one in told:
        start, ms, at = began(one[0]), longest(one), ended(one[0])
        if start is not None:
            row = max(one, key=lambda row: row["ms_played"])
            late, others = at - start - ms, crowded[one[0]["ts"]] - (ms >= 30_000)
            has_crashed = (row["reason_end"] or "").startswith("unexpected-exit")
            if (
                (late > 60_000 and (others or has_crashed))
                or (late > 1_800_000 and row["offline"])
                or late > 43_200_000
            ):
                at = start + ms
        found.append((datetime.fromtimestamp(at // 1000, UTC) + timedelta(milliseconds=at % 1000), item_of(one[0]), ms))
    return found


def longest(one: list[dict]) -> int:
    return max(row["ms_played"] for row in one)


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
