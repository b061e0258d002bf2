"""What several tests need besides fixtures: constants, and plain functions that ask Postgres without the program's help."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg2
import pytest
import requests
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from sqlalchemy.engine import Connection, make_url

from etl.settings import Settings
from etl.simulator.server import SimulatedSpotify
from etl.warehouse.listeners import RecordedListener, find_listener

ROOT = Path(__file__).resolve().parents[2]
REAL_DATA = Path(os.environ.get("BRAPPED_REAL_DATA", ROOT.parent / "shared" / "data"))
REFRESH_TOKEN = "AQ-the-refresh-token-of-the-tests"
ROOMY = 4_000_000_000  # bytes; the databases of a whole run take a good one
NOW = datetime(2026, 11, 20, 9, 20, tzinfo=UTC)

numbers = count()


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def environment_of(database: str, spotify: SimulatedSpotify, home: Path) -> dict[str, str]:
    app = spotify.world.app
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database,
        "SPOTIFY_CLIENT_ID": app.client_id,
        "SPOTIFY_CLIENT_SECRET": app.client_secret,
        "SPOTIFY_REFRESH_TOKEN": REFRESH_TOKEN,
        "SPOTIFY_API_URL": spotify.api_url,
        "SPOTIFY_ACCOUNTS_URL": spotify.accounts_url,
    }


def settings_of(database: str, spotify: SimulatedSpotify, **changes: Any) -> Settings:
    app = spotify.world.app
    known: dict[str, Any] = {
        "database_url": database,
        "spotify_client_id": app.client_id,
        "spotify_client_secret": app.client_secret,
        "spotify_refresh_token": REFRESH_TOKEN,
        "spotify_api_url": spotify.api_url,
        "spotify_accounts_url": spotify.accounts_url,
    }
    return Settings(_env_file=None, **{**known, **changes})


def change_world(spotify: SimulatedSpotify, **changes: Any) -> None:
    spotify.change(lambda world: replace(world, **changes))


def memory() -> str | None:
    """A folder in memory that is roomy enough for a Postgres, where there is one: the tests make tables by the thousand, and
    files in memory halve the time of that. None: the usual place."""
    folder = Path("/dev/shm")
    is_there = sys.platform == "linux" and folder.is_dir() and os.access(folder, os.W_OK)
    return str(folder) if is_there and shutil.disk_usage(folder).free > ROOMY else None


def fresh_database(cluster: str, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(numbers)}"
    # Copying files costs the server a third of what writing each page into the log does; there is no crash to recover from.
    in_cluster(cluster, f"create database {name} template {template} strategy file_copy owner brapped")
    yield with_database(cluster, name)
    in_cluster(cluster, f"drop database {name} with (force)")


def with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def superuser(url: str) -> str:
    """The same database of the embedded Postgres as its superuser, who the program itself is not."""
    return url.replace("//brapped", "//postgres", 1)


def in_cluster(url: str, statement: str) -> None:
    connection = psycopg2.connect(libpq(superuser(url)))
    connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def asked(url: str, statement: str, *values: object) -> list[tuple]:
    connection = psycopg2.connect(libpq(url))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def libpq(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def real_data(folder: str) -> Path:
    """A folder of the real data, or a skip that says so."""
    path = REAL_DATA / folder
    if not path.is_dir():
        pytest.skip(f"the real data is not here ({folder}; set BRAPPED_REAL_DATA)")
    return path


def listener_known(connection: Connection, listener: str | None) -> RecordedListener:
    """The listener that a command means; a test knows that there is one."""
    meant = find_listener(connection, listener)
    assert meant is not None
    return meant


def misspaced(ask: Callable[..., list[tuple]]) -> list[tuple]:
    """Facts that do not say how long after the play before they ended, as their dates have it: (listener, end, said, true)."""
    wrong = []
    previous = {}
    for listener, played_at, said in ask(
        "select listener_key, played_at, since_previous_ms from listening.fact_play order by listener_key, played_at, play_key"
    ):
        gap = played_at - previous.get(listener, datetime.min.replace(tzinfo=UTC))
        true = round(gap / timedelta(milliseconds=1)) if gap <= timedelta(days=1) else None
        if said != true:
            wrong.append((listener, played_at, said, true))
        previous[listener] = played_at
    return wrong


def whole_facts(ask: Callable[..., list[tuple]]) -> list[tuple]:
    """Every fact with all it says, surrogate keys replaced by what they stand for: what has to be the same in whatever order
    its sources arrive. How long after the play before one ended follows from the dates, and is held to them here."""
    assert misspaced(ask)[:3] == []
    return ask(
        "select listener_id, played_at, track.track_uri, date_key, time_key, context_uri, platform, ms_played,"
        " reason_start, reason_end, is_shuffle, is_skipped, is_offline, is_private, country_code, ms_played_basis,"
        " has_recently_played, has_extended_export, has_account_export, has_player,"
        " recently_played_offset_ms, extended_export_offset_ms, extended_export_last_offset_ms, account_export_offset_ms,"
        " start_offset_ms, listed.track_uri, extended_export_track_key = 0, exported.track_uri, account_export_track_key = 0"
        " from listening.fact_play"
        " join listening.dim_listener using (listener_key)"
        " join listening.dim_track as track using (track_key)"
        " join listening.dim_context using (context_key)"
        " join listening.dim_device using (device_key)"
        " join listening.dim_play_profile using (play_profile_key)"
        " left join listening.dim_track as listed on listed.track_key = recently_played_track_key"
        " left join listening.dim_track as exported on exported.track_key = extended_export_track_key"
        " order by 1, 2, 3 nulls first, 8, 25, 9, 10, 18, 17, 19"
    )


def agree(address: str, who: str = "account-of-ada") -> str:
    """Agrees as a person does, without a browser: the address that it leads to."""
    page = requests.get(address, timeout=10)
    assert page.status_code == 200, page.text
    form = {**dict(parse_qsl(urlsplit(address).query)), "as": who}
    back = requests.post(address.partition("?")[0], data=form, allow_redirects=False, timeout=10)
    return back.headers["Location"]
