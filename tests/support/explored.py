"""A served record to explore: two listeners whose plays are known row by row, in one database, behind one server."""

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from etl.simulator.catalogue import catalogue
from etl.simulator.routes import Listener
from etl.simulator.server import SimulatedSpotify
from etl.simulator.world import world_of
from support import NOW, REFRESH_TOKEN, asked, environment_of, fresh_database
from support.cli_process import ForkServer
from support.export_files import write_folder
from support.served import Browser, Served, serving

BERLIN = ZoneInfo("Europe/Berlin")
TOKENS = {"ada": "the-token-of-ada", "ben": "the-token-of-ben"}
NASTY = '<b onclick=alert(1)>Bold & "quoted"</b>'
ARABIC = "مقهى الغيوم"
LONG = "W" * 300
ARTISTS = [NASTY, ARABIC, LONG, "Émile", "The Sames", "Single"]
SHARED = "Émile"  # whom Ben plays too
ONLY_BEN = "Nobody but Ben"
PLAYLIST = "spotify:playlist:0000000000000000000001"
GENRE = "r&b / soul"


@dataclass(frozen=True)
class Row:
    """A row of an export: what was played when, for how long."""

    at: datetime
    artist: str
    track: str
    album: str
    ms: int
    is_skipped: bool

    @property
    def local(self) -> datetime:
        return self.at.astimezone(BERLIN)

    @property
    def is_counted(self) -> bool:
        return self.ms >= 30_000


@dataclass
class Explored:
    """The server, the rows of Ada and of Ben, and a way to ask the database."""

    served: Served
    url: str
    rows: dict[str, list[Row]]
    environment: dict[str, str]

    def browser(self, who: str = "ada") -> Browser:
        browser = self.served.visitor()
        browser.session.cookies.set("brapped-session", TOKENS[who], domain="127.0.0.1", path="/")
        return browser

    def ask(self, statement: str, *values: object) -> list[tuple]:
        return asked(self.url, statement, *values)

    def key(self, table: str, column: str, name: str) -> int:
        """The key of the dimension's row of this name."""
        [(key,)] = self.ask(
            f"select {table}_key from listening.dim_{table} where {column} = %s order by 1 limit 1", name
        )
        return int(key)

    def counted(self, year: int | None = None, who: str = "ada") -> list[Row]:
        return [row for row in self.rows[who] if row.is_counted and year in (None, row.local.year)]


def rows_of_ada() -> list[Row]:
    """600 plays in 2023 and 2024, never two within ten minutes."""
    chance = random.Random(19)
    rows, at = [], datetime(2023, 1, 1, 12, tzinfo=UTC)
    for _ in range(600):
        at += timedelta(minutes=chance.randint(10, 3400))
        artist = chance.choices(ARTISTS, [30, 20, 15, 10, 5, 1] if at.year == 2023 else [5, 10, 15, 30, 20, 1])[0]
        number = chance.randint(1, 2 if artist == "Single" else 14)
        ms = chance.choice([900, 20_000, 45_000, 180_000, 200_000])
        rows.append(
            Row(at, artist, f"Song {number} of {artist}", f"Album {number % 3} of {artist[:40]}", ms, ms < 30_000)
        )
    return rows


def rows_of_ben() -> list[Row]:
    begin = datetime(2024, 2, 1, 8, tzinfo=UTC)
    return [
        Row(
            begin + timedelta(hours=7 * n),
            artist,
            f"Ben's {n % 4} of {artist}",
            f"Ben's album of {artist}",
            100_000,
            False,
        )
        for n in range(30)
        for artist in [SHARED if n % 2 else ONLY_BEN]
    ]


def as_export(row: Row) -> dict[str, Any]:
    uri = hashlib.sha256(f"{row.artist}/{row.track}".encode()).hexdigest()[:22]
    return {
        "ts": f"{row.at:%Y-%m-%dT%H:%M:%SZ}", "ms_played": row.ms, "spotify_track_uri": f"spotify:track:{uri}",
        "master_metadata_track_name": row.track, "master_metadata_album_artist_name": row.artist,
        "master_metadata_album_album_name": row.album, "platform": "ios", "conn_country": "DE",
        "skipped": row.is_skipped, "reason_start": "trackdone", "reason_end": "fwdbtn" if row.is_skipped else "trackdone",
        "shuffle": False, "offline": False, "incognito_mode": False,
    }  # fmt: skip


@contextmanager
def spotify_of_ada() -> Iterator[SimulatedSpotify]:
    world = world_of(
        catalogue(), Listener(account_id="account-of-ada", user_id="ada", display_name="Ada"), REFRESH_TOKEN, NOW
    )
    with SimulatedSpotify(world, clock=lambda: NOW, is_dated=False) as server:
        yield server


def explored(cluster: str, template: str, forkserver: ForkServer, folder: Path) -> Iterator[Explored]:
    """For a fixture of a module: imports both exports by the command, adds a playlist and a genre, logs both in."""
    running: list[Any] = []
    with spotify_of_ada() as spotify:
        for url in fresh_database(cluster, template):
            environment = {**environment_of(url, spotify, folder), "TIME_ZONE": "Europe/Berlin"}

            def start(*arguments: str, environment: dict[str, str] = environment, **changes: str) -> Any:
                program = forkserver.start(arguments, {**environment, **changes}, folder)
                running.append(program)
                return program

            try:
                yield made(start, url, folder, environment)
            finally:
                for program in running:
                    program.kill()
                    program.wait()


def made(start: Callable[..., Any], url: str, folder: Path, environment: dict[str, str]) -> Explored:
    rows = {"ada": rows_of_ada(), "ben": rows_of_ben()}
    for who, listened in rows.items():
        files = {"Streaming_History_Audio_2023-2024.json": [as_export(row) for row in listened]}
        ran = start("import", str(write_folder(folder / who, files)), "--listener", who, "--yes").completed()
        assert ran.returncode == 0, ran.stderr
    for who, token in TOKENS.items():
        asked(
            url,
            "insert into ops.web_session (session_hash, listener_key, created_at, seen_at, ends_at)"
            " select %s, listener_key, now(), now(), now() + interval '1 day' from listening.dim_listener"
            " where listener_id = %s",
            hashlib.sha256(token.encode()).digest(), who,
        )  # fmt: skip
    asked(url, "insert into listening.dim_context (context_uri, context_type) values (%s, 'playlist')", PLAYLIST)
    asked(
        url,
        "update listening.fact_play set context_key = (select max(context_key) from listening.dim_context)"
        " where listener_key = (select listener_key from listening.dim_listener where listener_id = 'ada')"
        " and time_key >= 1080",
    )
    asked(
        url,
        "insert into listening.artist_genre (artist_key, provider, genres, fetched_at, matched_by)"
        " select artist_key, 'lastfm', array[%s], now(), 'name' from listening.dim_artist where artist_name = any(%s)",
        GENRE, [NASTY, SHARED],
    )  # fmt: skip
    return Explored(serving(start), url, rows, environment)
