"""The pages that explore in a real browser: rows that are added, search while typing, what each source said; and axe."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from support.cli_process import ForkServer
from support.explored import ARABIC, SHARED, TOKENS, Explored, explored

ADDRESSES = (
    "/overview?year=2024",
    "/overview?span=30d",
    "/overview/times?year=2024",
    "/top/artists?year=2024",
    "/top/tracks?year=2024&page=2",
    "/top/genres?year=2024",
    "/history",
    "/history?q=song&skipped=yes",
    "/plays/{play}",
    "/artists/{artist}",
    "/tracks/{track}",
    "/albums/{album}",
    "/contexts/{context}",
    "/wrapped/2024",
    "/wrapped/all",
    "/years/2023/2024",
    "/search?q=emile",
)
FEWEST = 50  # rows of a page


@pytest.fixture(scope="module")
def site(cluster: str, template: str, forkserver: ForkServer, tmp_path_factory: Any) -> Iterator[Explored]:
    yield from explored(cluster, template, forkserver, tmp_path_factory.mktemp("explored"))


@pytest.fixture
def tab(site: Explored, browser: Any) -> Iterator[Any]:
    """A page of Ada's browser; whatever its console says fails the test."""
    browser.add_cookies([{"name": "brapped-session", "value": TOKENS["ada"], "url": site.served.url}])
    said: list[str] = []
    tab = browser.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    yield tab
    tab.close()
    assert said == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_axe_finds_nothing_and_a_narrow_screen_needs_no_scrolling(site: Explored, tab: Any, address: str) -> None:
    keys = {
        "artist": site.key("artist", "artist_name", ARABIC),
        "track": site.key("track", "track_name", f"Song 3 of {SHARED}"),
        "album": site.key("album", "album_name", f"Album 1 of {SHARED}"),
        "context": site.key("context", "context_type", "playlist"),
        "play": site.ask("select max(play_key) from listening.fact_play where listener_key = 1")[0][0],
    }
    for width, scheme in ((1280, "light"), (360, "dark")):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(color_scheme=scheme)
        tab.goto(site.served.url + address.format(**keys), wait_until="networkidle")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(tab).response["violations"]
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]][:4]) for one in found] == [], (width, scheme)


def test_more_places_are_added_below_and_count_on(site: Explored, tab: Any) -> None:
    tab.goto(f"{site.served.url}/top/tracks?span=all")
    tracks = len({(row.artist, row.track) for row in site.counted()})
    assert tracks > FEWEST and tab.locator("#rows > tr").count() == FEWEST
    tab.click("text=More places")
    expect(tab.locator("#rows > tr")).to_have_count(tracks)
    places = [int(place) for place in tab.locator("#rows .place").all_inner_texts()]
    assert places == list(range(1, tracks + 1))
    assert tab.locator("text=More places").count() == 0


def test_older_plays_are_added_below(site: Explored, tab: Any) -> None:
    tab.goto(f"{site.served.url}/history")
    tab.click("text=Older plays")
    expect(tab.locator("#plays .time")).to_have_count(2 * FEWEST)
    times = [row.local for row in reversed(site.rows["ada"])][: 2 * FEWEST]
    assert tab.locator("#plays .time").all_inner_texts() == [f"{at:%H:%M}" for at in times]


def test_the_history_is_searched_while_one_types(site: Explored, tab: Any) -> None:
    tab.goto(f"{site.served.url}/history")
    tab.locator("#main [name=q]").press_sequentially("song 1 émile")
    expect(tab.locator("#plays .name").filter(has_not_text="Émile")).to_have_count(0)
    assert "q=song" in tab.url, "the address can be kept"
    assert tab.locator("#main [name=q]").input_value() == "song 1 émile", "what is typed stays"


def test_what_each_source_said_opens_in_its_row(site: Explored, tab: Any) -> None:
    tab.goto(f"{site.served.url}/history")
    tab.locator(".told a").first.click()
    tab.wait_for_selector(".said .said-list")
    assert "extended export ended 20" in " ".join(tab.locator(".said").first.inner_text().split())
    assert tab.url.endswith("/history")


def test_the_lower_half_of_the_overview_comes_by_itself(site: Explored, tab: Any) -> None:
    tab.goto(f"{site.served.url}/overview?year=2024")
    tab.wait_for_selector("#times .plays_by_day svg")
    assert tab.locator("#times .plays_by_hour svg").count() > 0


def test_search_as_one_types(site: Explored, tab: Any) -> None:
    tab.goto(f"{site.served.url}/search")
    tab.locator("#main [name=q], header [name=q]").first.press_sequentially("emile")
    tab.wait_for_selector("#found .search_artists")
    assert "Émile" in tab.locator("#found .search_artists").inner_text()


def test_without_scripts_links_and_forms_do_the_same(site: Explored, browser: Any) -> None:
    context = browser.browser.new_context(java_script_enabled=False)
    context.add_cookies([{"name": "brapped-session", "value": TOKENS["ada"], "url": site.served.url}])
    tab = context.new_page()
    tab.goto(f"{site.served.url}/history")
    tab.locator("#main [name=q]").fill("émile")
    tab.click("text=Filter")
    assert set(tab.locator("#plays .by").all_inner_texts()) == {SHARED}
    tab.goto(f"{site.served.url}/top")
    tab.click("text=All")
    tab.click("text=More places")
    assert tab.locator("#rows .place").first.inner_text() == str(FEWEST + 1)
    tab.goto(f"{site.served.url}/overview?year=2024")
    tab.click("text=When, and what was new")
    assert tab.locator(".plays_by_day svg").count() > 0
    tab.goto(f"{site.served.url}/overview")
    tab.click("text=Other days")
    tab.locator("[name=since]").fill("2024-03-01")
    tab.locator("[name=until]").fill("2024-03-31")
    tab.locator("form:has([name=since]) button").click()
    assert "since=2024-03-01&until=2024-03-31" in tab.url and "March 2024" in tab.locator("h1").inner_text()
    context.close()
