"""A real browser goes through the pages of one's data and settings: scripts, accessibility, narrow screens, the policy."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from support.export_files import write_zip
from support.table_locks import locked, wait_for_lock
from support.two_listeners import HEBREW, MARKUP, House, exported

MONTH = 30 * 24 * 60
LONG = "A title of three hundred characters " * 8
NAMES = {3: MARKUP, 4: HEBREW, 5: LONG, 6: "Song 7 - Remastered 2011"}
PAGES = (
    "/data",
    "/data/import",
    "/data/import/state",
    "/data/receipts",
    "/data/exclusions",
    "/data/exclusions/new?artist=Ann",
    "/data/recordings",
    "/data/export",
    "/data/delete",
    "/settings",
)


@pytest.fixture(scope="module")
def page(house: House, browser: Any) -> Any:
    """Logged in as Ada, with everything that the browser complains about in `page.said`."""
    opened = browser.new_page()
    opened.said = []
    opened.goto(f"{house.served.url}/welcome")
    opened.click("text=Log in with Spotify")
    opened.click("text=Agree as Ada")
    opened.wait_for_url(f"{house.served.url}/")
    opened.on("console", lambda message: opened.said.append(message.text))
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    return opened


def faults(page: Any, where: str) -> list[tuple]:
    """What axe finds, and what is wider than the screen: wide and light, narrow and dark."""
    found: list[tuple] = []
    for width, scheme in ((1280, "light"), (360, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        if page.evaluate("document.querySelector('main').scrollWidth") > width:
            found.append((where, width, "wider than the screen"))
        violations = Axe().run(page).response["violations"]
        found += [(where, width, scheme, one["id"], one["nodes"][0]["html"]) for one in violations]
    return found


def test_an_upload_shows_how_far_it_is_and_changes_by_itself(house: House, page: Any, tmp_path: Path) -> None:
    """The pages are not loaded again: htmx swaps the part. In between everything waits for a table that is locked."""
    rows = [exported(number % 30, MONTH + 13 * number, NAMES.get(number % 30)) for number in range(300)]
    archive = write_zip(tmp_path / "my_spotify_data.zip", {"Streaming_History_Audio_2026.json": rows})
    page.goto(f"{house.served.url}/data/import")
    page.set_input_files("#files", archive)
    with locked(house.database, "listening.observation"):
        page.click("text=Upload and check")
        page.wait_for_selector("text=Looking at your files")
        wait_for_lock(house.database, "listening.observation")
        page.evaluate("window.isSame = true")
        assert faults(page, "while it runs") == []
    page.wait_for_selector("text=This would be imported")
    assert page.evaluate("window.isSame") and "300 new plays" in page.inner_text("main")
    assert faults(page, "dry run") == []
    with locked(house.database, "listening.observation"):
        page.click("main button:has-text('Import')")
        wait_for_lock(house.database, "listening.observation")
        page.evaluate("window.isSame = true")
    page.wait_for_selector("text=What was uploaded is deleted")
    assert page.evaluate("window.isSame")
    page.click("text=The receipt")
    assert "300 rows of 1 file, 300 new plays" in page.inner_text("main")
    assert faults(page, "receipt") == []
    page.click("text=Take it back …")
    assert faults(page, "undo") == []
    assert page.said == []


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_no_page_is_wider_than_a_small_screen(house: House, page: Any, path: str) -> None:
    for told in ({"artist": "Ann", "weekday6": "yes", "note": MARKUP}, {"track": MARKUP}):
        house.ada.post("/data/exclusions/new", data=told | {"confirmed": "yes"})
    page.goto(f"{house.served.url}{path}")
    assert faults(page, path) == []
    assert page.said == []


def test_a_rule_and_a_decision_by_hand(house: House, page: Any) -> None:
    page.goto(f"{house.served.url}/data/exclusions/new?artist=Ann")
    page.fill("#from_time", "22:00")
    page.fill("#until_time", "23:00")
    page.click("text=See what it leaves out")
    assert "artist Ann, between 22:00 and 23:00" in page.inner_text("main")
    assert faults(page, "a rule to confirm") == []
    page.click("text=Leave them out")
    assert "between 22:00 and 23:00" in page.inner_text("main")
    page.click("text=Remove >> nth=-1")
    assert faults(page, "a rule to remove") == []
    page.click("text=Remove the rule")
    assert "between 22:00 and 23:00" not in page.inner_text("main")
    page.goto(f"{house.served.url}/data/recordings")
    assert "Same title but for its ending" in page.inner_text("main")
    page.click("button:has-text('One recording')")
    assert faults(page, "a decision to confirm") == []
    page.click("text=They are one")
    assert "Nothing is decided" not in page.inner_text("main")
    assert faults(page, "decided") == []
    assert page.said == []


def test_without_scripts_a_link_shows_how_far_it_is(house: House, browser: Any, tmp_path: Path) -> None:
    context = browser.browser.new_context(java_script_enabled=False, storage_state=browser.storage_state())
    try:
        plain = context.new_page()
        plain.goto(f"{house.served.url}/data/import")
        file = tmp_path / "Streaming_History_Audio_2021.json"
        file.write_text("[" + '{"ts": "2021-01-01T00:00:00Z", "ms_played": 100000}' + "]")
        plain.set_input_files("#files", file)
        with locked(house.database, "listening.observation"):
            plain.click("text=Upload and check")
            wait_for_lock(house.database, "listening.observation")
            plain.click("text=See how far it is")
            assert "Looking at your files" in plain.inner_text("main")
        for _ in range(100):
            if "See how far it is" not in plain.inner_text("main"):
                break
            plain.click("text=See how far it is")
        plain.click("text=Decline, and delete the upload")
        assert plain.url.endswith("/data/import")
    finally:
        context.close()
