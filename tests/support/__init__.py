"""What several tests need besides fixtures: constants, and plain functions that ask Postgres without the program's help."""

import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, groupby
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
    """Facts that do not say how long after the play before they ended, as their dates have it: (listener, end, said, true).

    Plays of unknown length that ended less than 30 s one after the other ended together. They share the time before the first
    of them: the latest has as much of it as its track is long, then the one before it; the first has what is left."""
    rows = ask(
        "select listener_key, played_at, since_previous_ms, ms_played is null, duration_ms"
        " from listening.fact_play join listening.dim_track using (track_key)"
        " order by listener_key, played_at, ms_played nulls first, track_uri nulls first, since_previous_ms desc nulls first"
    )
    wrong = []
    for listener, plays in groupby(rows, key=lambda row: row[0]):
        previous_at, was_unknown = datetime.min.replace(tzinfo=UTC), False
        together: list[tuple] = []  # since the last play that did not end together with the one before
        room: float = 0.0
        for play in [*plays, None]:
            is_together = (
                play is not None
                and play[3]
                and was_unknown
                and play[1] - previous_at < timedelta(seconds=30)
                and bool(together)
            )
            if not is_together:
                wrong += [
                    (listener, one[1], one[2], true)
                    for one, true in zip(together, shares(together, room), strict=True)
                    if one[2] != true
                ]
                together = []
                if play is not None:
                    gap = play[1] - previous_at
                    room = gap / timedelta(milliseconds=1) if gap <= timedelta(days=1) else math.inf
            if play is not None:
                together.append(play)
                previous_at, was_unknown = play[1], play[3]
    return wrong


def shares(together: list[tuple], room: float) -> list[int | None]:
    """What each of some plays has of the milliseconds before them all."""
    found: list[int | None] = []
    if not together:
        return found
    for play in reversed(together[1:]):
        found.append(round(max(0, min(play[4] or 0, room, 86_400_000))))
        room -= play[4] or 0
    return [None if room == math.inf else round(max(room, 0)), *reversed(found)]


def whole_facts(ask: Callable[..., list[tuple]]) -> list[tuple]:
    """Every fact with all it says, surrogate keys replaced by what they stand for: what has to be the same in whatever order
    its sources arrive. How long after the play before one ended is held to the dates here, too."""
    assert misspaced(ask)[:3] == []
    return facts_as_they_are(ask)


def facts_as_they_are(ask: Callable[..., list[tuple]]) -> list[tuple]:
    return ask(
        "select listener_id, played_at, track_uri, date_key, time_key, context_uri, device_id, device_name, platform,"
        " ms_played, since_previous_ms, reason_start, reason_end, is_shuffle, is_skipped, is_offline, is_private,"
        " country_code, ms_played_basis, sources"
        " from listening.fact_play"
        " join listening.dim_listener using (listener_key)"
        " join listening.dim_track using (track_key)"
        " join listening.dim_context using (context_key)"
        " join listening.dim_device using (device_key)"
        " join listening.dim_play_profile using (play_profile_key)"
        " order by 1, 2, 3 nulls first, 10, 11 nulls first, 20, 6, 9, 12, 13, 14, 15, 16, 17, 18"
    )


def observed(ask: Callable[..., list[tuple]]) -> list[tuple]:
    """Every observation with all it says, and the date of the play it belongs to, surrogate keys replaced alike."""
    return ask(
        "select listener_id, source_name, observed_at, track.track_uri, observation.started_at, observation.ms_played,"
        " context_uri, platform, reason_start, reason_end, is_shuffle, is_skipped, is_offline, is_private, country_code,"
        " fact_play.played_at, played.track_uri"
        " from listening.observation"
        " join listening.dim_listener using (listener_key)"
        " join listening.source using (source_key)"
        " join listening.dim_track as track on track.track_key = observation.track_key"
        " join listening.dim_context on dim_context.context_key = observation.context_key"
        " join listening.dim_device on dim_device.device_key = observation.device_key"
        " join listening.dim_play_profile on dim_play_profile.play_profile_key = observation.play_profile_key"
        " left join listening.fact_play on fact_play.listener_key = observation.listener_key"
        " and fact_play.play_key = observation.play_key"
        " left join listening.dim_track as played on played.track_key = fact_play.track_key"
        " order by 1, 2, 3, 4 nulls first, 5 nulls first, 6, 7, 8, 9, 10, 16, 17"
    )


def agree(address: str, who: str = "account-of-ada") -> str:
    """Agrees as a person does, without a browser: the address that it leads to."""
    page = requests.get(address, timeout=10)
    assert page.status_code == 200, page.text
    form = {**dict(parse_qsl(urlsplit(address).query)), "as": who}
    back = requests.post(address.partition("?")[0], data=form, allow_redirects=False, timeout=10)
    return back.headers["Location"]
