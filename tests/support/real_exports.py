"""The real exports, read and counted by plain Python: other means than the program's.

Two rows of the extended history are one listen when they are equal in ts, item and milliseconds, or when they began in the same
millisecond; whatever is linked so is one.
"""

import json
import zipfile
from collections import defaultdict

from support import real_data

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
        keys = [("told", row["ts"], item_of(row), row["ms_played"])]
        began = row["offline_timestamp"] or 0
        if began > 10**12 and began % 1000:  # told to the millisecond
            keys.append(("began", item_of(row), began))
        for key in keys:
            stands_for[root(number)] = root(first.setdefault(key, root(number)))
    found = defaultdict(list)
    for number, row in enumerate(rows):
        found[root(number)].append(row)
    return list(found.values())
