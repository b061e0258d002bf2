"""One browser goes the whole way: registers, sees its plays, leaves an artist out, shares, imports, and leaves."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from support import ago, change_world
from support.served import Served, serving

from etl.simulator.catalogue import Catalogue
from etl.simulator.routes import Play
from etl.simulator.server import SimulatedSpotify

LOOKS = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
ROWS = "select (select count(*) from listening.fact_play), (select count(*) from listening.dim_listener)"


@pytest.fixture
def served(start: Callable, spotify: SimulatedSpotify, play: Callable, songs: Catalogue) -> Served:
    app = replace(spotify.world.app, redirect_uris=frozenset({"http://127.0.0.1/callback"}))
    change_world(spotify, app=app)
    play(*(Play(track, ago(4 * number + 1)) for number, track in enumerate(list(songs.tracks)[:30])))
    return serving(start, SPOTIFY_REFRESH_TOKEN="")


class Tab:
    """A tab of a browser, that notes what its console says. `look` is how wide it is, and its scheme."""

    def __init__(self, context: Any, look: tuple[int, str]) -> None:
        self.page = context.new_page()
        self.page.set_viewport_size({"width": look[0], "height": 900})
        self.page.emulate_media(color_scheme=look[1])
        self.said: list[str] = []
        # Covers are on Spotify's hosts, which no test can reach.
        self.page.route(
            re.compile("^https://"), lambda route: route.fulfill(status=200, body=b"", content_type="image/png")
        )
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))

    def check(self) -> None:
        """Axe finds nothing, nothing needs scrolling sideways, and the console is silent."""
        self.page.wait_for_load_state("load")
        found = Axe().run(self.page)
        assert found.violations_count == 0, (self.page.url, found.generate_report())
        width = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, self.page.url
        assert self.said == [], self.page.url


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_from_registering_to_leaving(
    look: tuple[int, str], served: Served, browser: Any, brapped: Callable, ask: Callable, tmp_path: Path
) -> None:
    first = browser.browser.new_context()
    tab = Tab(first, look)
    page = tab.page

    page.goto(served.url + "/")
    tab.check()
    page.click("text=Log in with Spotify")
    page.click("text=Agree as Ada")
    page.wait_for_url(served.url + "/")
    tab.check()

    assert brapped("plays", SPOTIFY_REFRESH_TOKEN="").returncode == 0
    page.goto(served.url + "/history")
    [(plays, _)] = ask(ROWS)
    assert plays == 30 and page.locator("main tbody tr").count() >= 30
    tab.check()

    page.goto(served.url + "/top/artists?since=2026-11-01&until=2026-11-30")
    tab.check()
    [(artist, count)] = ask(
        "select artist_name, count(*) from listening.play_detail join listening.bridge_track_artist using (track_key)"
        " join listening.dim_artist using (artist_key) where is_30s group by 1 order by 2 desc, 1 limit 1"
    )
    assert artist in page.inner_text("main")

    page.goto(served.url + "/data/exclusions/new")
    page.fill("[name=artist]", artist)
    page.click("text=See what it leaves out")
    tab.check()
    page.click("button:has-text('Leave')")
    tab.check()
    page.goto(served.url + "/top/artists?since=2026-11-01&until=2026-11-30")
    names = page.locator("main td.name").all_inner_texts()
    assert names and not any(name.split("\n")[0] == artist for name in names), count

    page.goto(served.url + "/settings/sharing")
    page.select_option("#page", "wrapped")
    page.fill("#year", "2026")
    page.click("text=Make the link")
    tab.check()
    address = page.locator(".made a").first.get_attribute("href")
    second = browser.browser.new_context()
    other = Tab(second, look)
    other.page.goto(address)
    assert "2026" in other.page.inner_text("h1") and "Settings" not in other.page.inner_text("body")
    other.check()
    other.page.goto(served.url + "/history")
    assert other.page.url.endswith("/welcome")
    page.goto(served.url + "/settings/sharing")
    page.click("button:has-text('Revoke')")
    gone = other.page.goto(address)
    assert gone is not None and gone.status == 404

    rows = [
        {"ts": f"2025-03-{day:02}T10:00:00Z", "ms_played": 180_000, "spotify_track_uri": f"spotify:track:{day:022}",
         "master_metadata_track_name": f"Song {day}", "master_metadata_album_artist_name": "Ann"}
        for day in range(1, 21)
    ]  # fmt: skip
    export = tmp_path / "Streaming_History_Audio_2025.json"
    export.write_text(json.dumps(rows), "utf-8")
    page.goto(served.url + "/data/import")
    tab.check()
    page.set_input_files("#files", str(export))
    page.click("text=Upload and check")
    page.wait_for_selector("form[action='/data/import/confirm']", timeout=60_000)
    tab.check()
    page.click("form[action='/data/import/confirm'] button")
    page.wait_for_selector("text=The receipt", timeout=60_000)
    assert ask(ROWS)[0][0] == plays + 20

    page.goto(served.url + "/data/delete")
    tab.check()
    page.fill("form[action='/data/delete'] input:not([type=hidden])", "Ada")
    page.click("text=Delete everything")
    page.wait_for_url("**/goodbye")
    tab.check()
    assert ask(ROWS) == [(0, 0)] and ask("select count(*) from ops.web_session") == [(0,)]
    first.close()
    second.close()
