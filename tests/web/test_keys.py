"""Keys of the API in the settings: shown once, hashed, listed, deleted; and the page about the API."""

import hashlib
import html
import re
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page
from support.household import ADA, BENS, Household, key_from

from etl.warehouse.listeners import RecordedListener
from etl.web.api.problems import Problem
from etl.web.api.readers import Reader, slow_down
from etl.web.security import Rates

PAGE = "/settings/keys"
IS_NARROW = "document.documentElement.scrollWidth <= window.innerWidth"  # no page is wider than its screen


def test_a_key_is_shown_once_and_only_its_hash_is_kept(home: Household) -> None:
    key = key_from(home.ada, "once", "read")
    assert re.fullmatch(r"brapped_[A-Za-z0-9_-]{43}", key)
    assert key not in home.ada.get(PAGE).text
    [(kept, is_read_only, used_at)] = home.ask(
        "select key_hash, is_read_only, used_at from ops.api_key where key_name = 'once'"
    )
    assert bytes(kept) == hashlib.sha256(key.encode()).digest() and is_read_only and used_at is None
    for (row,) in home.ask("select row_to_json(one)::text from ops.api_key as one"):
        assert key.removeprefix("brapped_") not in row
    home.keys["once"] = key
    assert home.get("/me", "once").status_code == 200
    [(used_at,)] = home.ask("select used_at from ops.api_key where key_name = 'once'")
    home.get("/me", "once")
    assert used_at is not None
    assert home.ask("select used_at from ops.api_key where key_name = 'once'") == [(used_at,)], "to the hour"
    home.ask("update ops.api_key set used_at = used_at - interval '61 minutes' where key_name = 'once'")
    home.get("/me", "once")
    assert home.number("select used_at >= %s from ops.api_key where key_name = 'once'", used_at)


def test_a_key_that_is_deleted_opens_nothing_and_says_before_what_will_be(home: Household) -> None:
    home.keys["to go"] = key_from(home.ada, "to go", "write")
    number = home.number("select api_key_key from ops.api_key where key_name = 'to go'")
    asked = home.ada.get(f"{PAGE}/{number}/delete")
    assert "to go" in asked.text and "refused from then on" in asked.text
    assert home.get("/me", "to go").status_code == 200, "nothing is deleted by asking"
    assert home.ada.post(f"{PAGE}/{number}/delete").headers["Location"] == PAGE
    assert home.get("/me", "to go").status_code == 401
    assert (
        home.ada.get(f"{PAGE}/{number}/delete").status_code
        == 404
        == home.ada.post(f"{PAGE}/{number}/delete").status_code
    )


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\u0007b", "twice"])
def test_a_name_of_no_use_is_refused_and_no_key_made(home: Household, name: str) -> None:
    if name == "twice":
        key_from(home.ada, name, "read")
    before = home.ask("select count(*) from ops.api_key")
    page = home.ada.post(PAGE, data={"name": name, "may": "write"})
    assert page.status_code == 400 and 'class="key"' not in page.text and 'role="alert"' in page.text
    assert html.escape(name) in page.text and 'value="write" checked' in page.text, "the form keeps what was said"
    assert home.ask("select count(*) from ops.api_key") == before


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999", "2147483648", "1.0"])
def test_a_number_that_is_none_is_a_page_that_says_so(home: Household, number: str) -> None:
    for answer in (home.ada.get(f"{PAGE}/{number}/delete"), home.ada.post(f"{PAGE}/{number}/delete")):
        assert answer.status_code == 404 and "There is no such key" in answer.text


def test_there_are_so_many_keys_and_no_more(home: Household) -> None:
    for number in range(20):
        answer = home.ben.post(PAGE, data={"name": f"key {number}", "may": "read"})
    assert answer.status_code == 400 and "as many as there can be" in answer.text
    assert home.number("select count(*) from ops.api_key where listener_key = 2") == 20


def test_who_asks_too_often_has_to_wait_and_nobody_else() -> None:
    """Without a server: with its limit, a test would have to ask as often as that."""
    request: Any = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(rates=Rates(2, 60))))
    one, other = (Reader(RecordedListener(1, ADA, "Ada", ZoneInfo("UTC")), "30s", number, False) for number in (1, 2))
    for _ in range(2):
        slow_down(request, one)
    with pytest.raises(Problem) as refused:
        slow_down(request, one)
    assert refused.value.status == 429 and 1 <= int((refused.value.headers or {})["Retry-After"]) <= 31
    slow_down(request, other)


def test_the_page_about_the_api_has_every_address_of_it(home: Household) -> None:
    described = home.ada.get("/api/openapi.json").json()
    page = home.served.visitor().get("/api")
    assert page.status_code == 200
    for path, operations in described["paths"].items():
        for method in operations:
            assert re.search(rf"{method.upper()}</span> <code>/api{re.escape(path)}</code>", page.text), path
    assert "RFC 9457" in page.text and BENS not in page.text


def logged_in(home: Household, browser: BrowserContext) -> Page:
    """A new page of a real browser that has Ada's cookie."""
    cookie = next(one for one in home.ada.session.cookies if one.name == "brapped-session")
    browser.add_cookies([{"name": cookie.name, "value": cookie.value or "", "url": home.served.url}])
    return browser.new_page()


@pytest.mark.parametrize("path", [PAGE, "/settings/keys/{number}/delete", "/api"])
def test_pages_are_whole_for_everybody(home: Household, browser: BrowserContext, path: str) -> None:
    number = home.number("select min(api_key_key) from ops.api_key where listener_key = 1")
    page = logged_in(home, browser)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for width in (360, 1280):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.goto(home.served.url + path.format(number=number))
            for closed in page.query_selector_all("details"):
                closed.evaluate("one => { one.open = true }")
            assert page.evaluate(IS_NARROW)
            if (width == 360) == (scheme == "light"):
                assert_whole(page)
    assert said == []


def assert_whole(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "the page is wider than the screen"
    )
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_person_makes_a_key_and_deletes_it_by_hand(home: Household, browser: BrowserContext) -> None:
    page = logged_in(home, browser)
    page.goto(home.served.url + "/settings")
    page.click("text=Keys to the JSON API")
    page.fill("input[name=name]", "by hand")
    page.check("input[value=write]")
    page.click("text=Make a key")
    home.keys["by hand"] = page.inner_text("code.key")
    assert home.get("/me", "by hand").json()["listener"]["listener_id"] == ADA
    assert_whole(page)
    page.reload()
    assert home.number("select count(*) from ops.api_key where key_name = 'by hand'") == 1
    page.goto(home.served.url + PAGE)
    page.click("[aria-label='Delete the key by hand']")
    page.click("text=Delete it")
    assert page.url.endswith(PAGE) and "by hand" not in page.inner_text("main")
    assert home.get("/me", "by hand").status_code == 401
