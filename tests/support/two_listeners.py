"""One served web application with two listeners who are logged in, shared by the tests of a module."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from etl.simulator.catalogue import Catalogue
from etl.simulator.routes import Listener, Play
from etl.simulator.server import SimulatedSpotify
from etl.simulator.world import world_of
from support import NOW, REFRESH_TOKEN, ago, asked, environment_of, fresh_database
from support.cli_process import ForkServer, Program
from support.export_files import as_json
from support.served import Browser, Served, serving

ADA, BEN = "account-of-ada", "account-of-ben"
MARKUP = '<b>Bold & "brave"</b>'
HEBREW = "שלום עולם"


@dataclass
class House:
    """The server, both browsers, and ways to ask and to run commands beside it."""

    served: Served
    ada: Browser
    ben: Browser
    database: str
    start: Callable[..., Program]
    folder: Path  # for temporary files of the server
    client_secret: str

    def ask(self, statement: str, *values: object) -> list[tuple]:
        return asked(self.database, statement, *values)

    def brapped(self, *arguments: str) -> str:
        ran = self.start(*arguments).completed()
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def key(self, account_id: str) -> int:
        [(key,)] = self.ask("select listener_key from listening.dim_listener where listener_id = %s", account_id)
        return int(key)


def exported(
    number: int, minutes: float, name: str | None = None, artist: str = "Ann", ms: int = 100_000
) -> dict[str, Any]:
    """A row of an extended export: track `number`, ended so many minutes before NOW."""
    return {
        "ts": f"{ago(minutes):%Y-%m-%dT%H:%M:%SZ}", "ms_played": ms + number,
        "spotify_track_uri": f"spotify:track:{number:022}", "master_metadata_track_name": name or f"Song {number}",
        "master_metadata_album_artist_name": artist, "master_metadata_album_album_name": "An album", "platform": "ios",
    }  # fmt: skip


def settled(browser: Browser) -> str:
    """The state of an import, as soon as it asks for itself no longer."""
    for _ in range(600):
        answer = browser.get("/data/import/progress")
        assert answer.status_code == 200, answer.text
        text: str = answer.text
        if "hx-get" not in text:
            return text
        time.sleep(0.15)  # below the rate at which the server slows visitors down
    raise AssertionError(f"the import does not come to an end: {text}")


def brought_in(browser: Browser, *rows: dict[str, Any], name: str = "Streaming_History_Audio_2026.json") -> int:
    """Import these rows through the browser; the number of the receipt."""
    assert upload(browser, *rows, name=name).headers["Location"] == "/data/import/state"
    assert "This would be imported" in settled(browser)
    assert browser.post("/data/import/confirm").status_code == 303
    found = re.search(r"/data/receipts/(\d+)", settled(browser))
    assert found
    return int(found[1])


def upload(browser: Browser, *rows: dict[str, Any], name: str = "Streaming_History_Audio_2026.json") -> Any:
    """Send one file of an extended export; the answer."""
    return browser.post("/data/import", files=[("files", (name, as_json(list(rows)), "application/json"))])


@contextmanager
def two_listeners(
    cluster: str, template: str, forkserver: ForkServer, songs: Catalogue, folder: Path, **changes: str
) -> Iterator[House]:
    """Ada, with thirty plays of Spotify's list, and Ben, who has none."""
    ada, ben = Listener(ADA, "ada", "Ada"), Listener(BEN, "ben", "Ben")
    world = world_of(songs, ada, REFRESH_TOKEN, NOW - timedelta(days=1))
    world = replace(
        world,
        app=replace(world.app, redirect_uris=frozenset({"http://127.0.0.1/callback"})),
        listeners=(*world.listeners, ben),
    )
    running: list[Program] = []
    with SimulatedSpotify(world, clock=lambda: NOW, is_dated=False) as spotify:
        for database in fresh_database(cluster, template):
            environment = environment_of(database, spotify, folder) | {
                "WEB_REGISTRATION": "open",
                "TMPDIR": str(folder),
            }

            def start(*arguments: str, **more: str) -> Program:
                running.append(forkserver.start(arguments, {**environment, **more}, folder))  # noqa: B023  one database
                return running[-1]

            plays = [Play(track_id, ago(4 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:30])]
            spotify.change(lambda known: known.with_plays(ADA, *plays))  # noqa: B023  called at once
            served = serving(start, **changes)
            house = House(served, served.visitor(), served.visitor(), database, start, folder, world.app.client_secret)
            try:
                house.ada.log_in(ADA)
                house.ben.log_in(BEN)
                yield house
            finally:
                for program in running:
                    program.kill()
                    program.wait()
