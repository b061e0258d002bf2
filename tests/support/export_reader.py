"""Rows of exports in a few words, and what the reader makes of them."""

import json
from pathlib import Path
from typing import Any

from etl.sources.exports.reader import read_exports
from etl.staging import Part, Table
from support import NOW

URI = "spotify:track:" + "t" * 22
SOURCES = {"recently_played": False, "extended_export": True, "account_export": True}  # whether it gives milliseconds

PERSONAL = {
    "username": "secret-user",
    "ip_addr": "secret-ip",
    "ip_addr_decrypted": "secret-ip",
    "user_agent_decrypted": "secret-agent",
    "city": "secret-city",
    "region": "secret-region",
}


def listen(**changes: object) -> dict:
    """A row of the extended streaming history, with all the keys of a real one."""
    return {
        "ts": "2024-08-29T14:48:46Z",
        "platform": "ios",
        "ms_played": 200000,
        "conn_country": "AT",
        "master_metadata_track_name": "Song",
        "master_metadata_album_artist_name": "Ann",
        "master_metadata_album_album_name": "Album",
        "spotify_track_uri": URI,
        "episode_name": None,
        "episode_show_name": None,
        "spotify_episode_uri": None,
        "reason_start": "clickrow",
        "reason_end": "trackdone",
        "shuffle": True,
        "skipped": False,
        "offline": False,
        "offline_timestamp": 1724942725,
        "incognito_mode": False,
        **PERSONAL,
        **changes,
    }


def nameless(**changes: object) -> dict:
    """A row that names no music."""
    nothing = dict.fromkeys([key for key in listen() if key.startswith("master_") or key.endswith("_uri")])
    return listen(**{**nothing, **changes})


def heard(**changes: object) -> dict:
    """A row of the account data."""
    return {"endTime": "2024-08-29 14:48", "artistName": "Ann", "trackName": "Song", "msPlayed": 200000, **changes}


def written(path: Path, told: object) -> Path:
    """A file with this content: bytes as they are, anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(told if isinstance(told, bytes) else json.dumps(told).encode())
    return path


def read(*paths: Path, **options: Any) -> list[Any]:
    """Every part and what is unreadable. Any: a test knows which of both it reads."""
    return list(read_exports(paths, **{"now": NOW, "sources": SOURCES, **options}))


def part_of(tmp_path: Path, rows: object, **options: Any) -> Part:
    [part] = read(written(tmp_path / "any name.json", rows), **options)
    assert isinstance(part, Part)
    return part


def rows(table: Table) -> list[dict]:
    return [
        dict(zip(table.columns, row, strict=True)) for row in zip(*(table[name] for name in table.columns), strict=True)
    ]


def plays(*parts: Part) -> list[dict]:
    return [row for part in parts for row in rows(part.tables["staging_play"])]


def told(table: Table) -> list[dict]:
    """A table's rows without what they know nothing of."""
    return [{key: value for key, value in row.items() if value is not None} for row in rows(table)]
