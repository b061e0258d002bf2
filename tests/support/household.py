"""Two listeners of one server: Ada, whom most tests are about, and Ben, of whom nobody but Ben may read a byte."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests

from etl.simulator.catalogue import Catalogue
from etl.simulator.routes import Listener
from etl.simulator.server import SimulatedSpotify
from etl.simulator.world import world_of
from support import NOW, REFRESH_TOKEN, ago, asked, change_world, environment_of
from support.cli_process import ForkServer, Program
from support.export_files import write_folder
from support.served import Browser, Served, serving

ADA, BEN = "account-of-ada", "account-of-ben"
BENS = "Xylophonwald"  # in whatever is Ben's: titles, artists, albums, devices

FIRST = 30_001  # of Ben's numbers; a smallint has room for it


@dataclass
class Household:
    """The server, its database, and keys of both listeners."""

    served: Served
    database: str
    start: Callable[..., Program]
    brapped: Callable[..., Any]
    ada: Browser
    ben: Browser
    keys: dict[str, str] = field(default_factory=dict)

    def ask(self, statement: str, *values: object) -> list[tuple]:
        return asked(self.database, statement, *values)

    def number(self, statement: str, *values: object) -> Any:
        """The only value that the statement finds."""
        [(value,)] = self.ask(statement, *values)
        return value

    def restart_numbers(self) -> None:
        """From here on every number that the database gives begins at FIRST, so what is Ben's has numbers of its own."""
        numbered = self.ask(
            "select attrelid::regclass::text, attname from pg_attribute inner join pg_class on pg_class.oid = attrelid"
            " where attidentity <> '' and relnamespace in ('listening'::regnamespace, 'ops'::regnamespace)"
        )
        for table, column in numbered:
            self.ask(f"alter table {table} alter column {column} restart with {FIRST}")

    def get(self, path: str, key: str | None = "ada", **options: Any) -> requests.Response:
        return self.send("GET", path, key, **options)

    def send(self, method: str, path: str, key: str | None = "ada", **options: Any) -> requests.Response:
        """A request to the API as a program sends it; `key`: a name in `keys`, or None for no key."""
        headers = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        headers |= options.pop("headers", {})
        url = f"{self.served.url}/api/v1{path}"
        return requests.request(method, url, headers=headers, timeout=30, allow_redirects=False, **options)


@contextmanager
def household(
    database: str, forkserver: ForkServer, songs: Catalogue, folder: Path, **changes: str
) -> Iterator[Household]:
    """Serve a database with both listeners in it, logged in in a browser each, with years of plays."""
    ada, ben = (Listener(one, one[11:], one[11:].capitalize()) for one in (ADA, BEN))
    world = world_of(songs, ada, REFRESH_TOKEN, NOW)
    running: list[Program] = []
    with SimulatedSpotify(world, clock=lambda: NOW, is_dated=False) as spotify:
        app = replace(world.app, redirect_uris=frozenset({"http://127.0.0.1/callback"}))
        change_world(spotify, listeners=(ada, ben), app=app)
        environment = {**environment_of(database, spotify, folder), "WEB_REGISTRATION": "open", **changes}

        def start(*arguments: str, **more: str) -> Program:
            running.append(forkserver.start(arguments, {**environment, **more}, folder))
            return running[-1]

        def brapped(*arguments: str, **more: str) -> Any:
            ran = start(*arguments, **more).completed()
            assert ran.returncode == 0, ran.stderr
            return ran

        try:
            served = serving(start)
            home = Household(served, database, start, brapped, served.visitor(), served.visitor())
            for browser, account in ((home.ada, ADA), (home.ben, BEN)):
                browser.log_in(account)
            for account, name, rows in ((ADA, "ada", plays_of_ada(songs)), (BEN, "ben", plays_of_ben())):
                if account == BEN:
                    home.restart_numbers()
                files = write_folder(folder / account, {"Streaming_History_Audio_2026.json": rows})
                brapped("import", str(files), "--listener", account)
                browser = getattr(home, name)
                home.keys[name] = key_from(browser, f"{BENS} key" if account == BEN else "key", "write")
                if account == BEN:  # rules are numbered for each listener, one more than the highest
                    home.ask(
                        "insert into listening.exclusion (listener_key, exclusion_key, created_at, weekdays)"
                        f" overriding system value values (2, {FIRST - 1}, now(), '{{2}}')"
                    )
                rule = home.send(
                    "POST", "/exclusions", name, json={"weekdays": [1], "note": f"rule of {rows[0]['platform']}"}
                )
                assert rule.status_code == 201, rule.text
                home.ask(f"delete from listening.exclusion where exclusion_key = {FIRST - 1}")
                if account == ADA:
                    home.keys["ada reads"] = key_from(browser, "reading", "read")
                    brapped("dimensions")
            yield home
        finally:
            for program in running:
                program.kill()
                program.wait()


def key_from(browser: Browser, name: str, may: str) -> str:
    """Make a key in the settings, as a person does."""
    page = browser.post("/settings/keys", data={"name": name, "may": may})
    assert page.status_code == 200, page.text
    return "brapped_" + page.text.partition('class="key">brapped_')[2].partition("<")[0]


def plays_of_ada(songs: Catalogue) -> list[dict[str, Any]]:
    """Forty tracks of the catalogue again and again through two years, some of them short or skipped."""
    tracks = list(songs.tracks)[:40]
    rows = []
    for number in range(1200):
        place = (number * number + number // 3) % 40
        rows.append(row_of(number, tracks[place], f"Song {place}", f"Band {place % 9}", f"Album {place % 13}"))
    return rows


def plays_of_ben() -> list[dict[str, Any]]:
    """Tracks that only Ben plays, all of them with BENS in the name."""
    return [
        row_of(number, f"Ben{number % 20:019}", f"{BENS} {number % 20}", f"{BENS} Band", f"{BENS} Album")
        | {"platform": f"{BENS} phone"}
        for number in range(300)
    ]  # fmt: skip


def row_of(number: int, track_id: str, track: str, artist: str, album: str) -> dict[str, Any]:
    ended = ago(60 * 13.7 * (number + 1))
    return {
        "ts": f"{ended:%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": 12_000 if number % 11 == 0 else 60_000 + number * 37 % 120_000,
        "spotify_track_uri": f"spotify:track:{track_id}",
        "master_metadata_track_name": track,
        "master_metadata_album_artist_name": artist,
        "master_metadata_album_album_name": album,
        "platform": "ios",
        "reason_start": "trackdone",
        "reason_end": "fwdbtn" if number % 7 == 0 else "trackdone",
        "skipped": number % 7 == 0,
    }
