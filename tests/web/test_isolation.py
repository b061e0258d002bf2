"""Nobody reads or changes what is another's: every route there is, with another's ids, and without a right to ask.

Routes are taken from the OpenAPI and from the application, so a new one is tested without being listed here. Ben's titles,
artists and devices all have BENS in them, and all that the database numbered for him has a number from FIRST on.
"""

import hashlib
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from support.household import ADA, BEN, BENS, FIRST, Household, key_from
from support.served import Browser

from etl.web.app import app_of
from etl.web.metrics import Metrics

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
BENS_IDS = (FIRST, FIRST + 1, FIRST + 2)
# What stands for each parameter of an address: one of Ben's ids, or the same for everybody.
IDS: dict[str, tuple[object, ...]] = {
    "key": BENS_IDS,
    "number": BENS_IDS,
    "play_key": BENS_IDS,
    "listener": (BEN, 2, "ben"),
    "listener_key": (2,),
    "name": (BENS, f"{BENS} key"),
}
PLAIN: dict[str, str] = {
    "kind": "tracks",
    "year": "2026",
    "other": "2025",
    "form": "csv",
    "first": "2025",
    "second": "2026",
    "a": "2025",
    "b": "2026",
    "version": "1",
    "shape": "card",
    "token": "x" * 43,
}


def names_in(path: str) -> list[str]:
    return re.findall(r"{(\w+)(?::\w+)?}", path)


def filled(path: str) -> list[str]:
    """The address with what is Ben's in it, in each of the ways there are."""
    addresses = [re.sub(r":\w+}", "}", path)]
    for name in names_in(path):
        values = IDS.get(name) or ((PLAIN[name],) if name in PLAIN else ())
        if not values:
            pytest.fail(
                f"The address {path} has a parameter {name} that this test does not know. If it names something of a"
                " listener, add it to IDS with what is Ben's; otherwise add it to PLAIN."
            )
        addresses = [one.replace(f"{{{name}}}", str(value)) for one in addresses for value in values]
    return addresses


def is_about_ids(path: str) -> bool:
    return any(name in IDS for name in names_in(path))


def page_routes() -> list[tuple[str, str]]:
    """Method and address of every route but those of the API."""
    app = app_of(SimpleNamespace(url="http://127.0.0.1", is_https=False, metrics=Metrics()))  # type: ignore[arg-type]

    def walked(routes: list[Any]) -> Iterator[tuple[str, str]]:
        for route in routes:
            inside = getattr(route, "original_router", None)
            if inside is not None:
                yield from walked(inside.routes)
            elif hasattr(route, "methods"):
                yield from ((method, route.path) for method in route.methods)
            else:
                assert route.path == "/api", f"{route.path} is mounted, and this test does not know what is in it"

    return sorted(walked(app.routes))


PAGES = page_routes()


@pytest.fixture(scope="module")
def operations(home: Household) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, address and description of every operation of the API."""
    described = requests.get(f"{home.served.url}/api/openapi.json", timeout=30).json()
    return [
        (method.upper(), path.removeprefix("/v1"), operation)
        for path, whole in described["paths"].items()
        for method, operation in whole.items()
    ]


@pytest.fixture
def _unchanged(home: Household) -> Iterator[None]:
    """Whatever happens in the test, no row of Ben's may change."""
    before = rows_of(home, 2)
    assert sum(len(rows) for rows in before.values()) > 500
    yield
    assert rows_of(home, 2) == before


def rows_of(home: Household, listener_key: int) -> dict[str, list[str]]:
    """A hash of each row of a listener, by table, but of what notes their own visits."""
    tables = home.ask(
        "select attrelid::regclass::text from pg_attribute inner join pg_class on pg_class.oid = attrelid"
        " where attname = 'listener_key' and relkind = 'r'"
        " and relnamespace in ('listening'::regnamespace, 'ops'::regnamespace) and attrelid <> 'ops.web_session'::regclass"
    )
    return {
        table: sorted(
            hashlib.sha256(row.encode()).hexdigest()
            for (row,) in home.ask(
                f"select (to_jsonb(one) - 'used_at')::text from {table} as one where listener_key = %s", listener_key
            )
        )
        for (table,) in tables
    }


def has_nothing_of_ben(answer: requests.Response) -> bool:
    told = answer.text + str(answer.headers)
    return BENS.lower() not in told.lower().replace("%20", " ") and BEN not in told


def expired(home: Household) -> Browser:
    """A browser of Ada whose session has ended by itself."""
    browser = home.served.visitor()
    browser.log_in(ADA)
    home.ask("update ops.web_session set ends_at = now() - interval '1 second' where created_at ="
             " (select max(created_at) from ops.web_session)")  # fmt: skip
    return browser


def logged_out(home: Household) -> Browser:
    """A browser that still has the cookie of a session that Ada has ended."""
    browser = home.served.visitor()
    browser.log_in(ADA)
    kept = browser.session.cookies.copy()
    assert browser.post("/logout").status_code == 303
    browser.session.cookies.update(kept)
    return browser


# The control: what Ben sees himself, so that the tests below can fail.


def test_ben_himself_finds_his_record_at_these_ids(home: Household, operations: list) -> None:
    seen = set()
    for method, path, operation in operations:
        if method == "GET":
            answers = [home.get(one, "ben", params=needed(operation)) for one in filled(path)]
            assert all(one.status_code in (200, 404) for one in answers), path
            if any(one.status_code == 200 and not has_nothing_of_ben(one) for one in answers):
                seen.add(path)
    assert {"/artists/{key}", "/tracks/{key}", "/albums/{key}", "/exclusions/{number}", "/plays", "/me"} <= seen
    for page in ("/artists", "/tracks", "/albums"):
        assert BENS in home.ben.get(f"{page}/{FIRST}").text
    assert BENS in home.ben.get(f"/settings/keys/{FIRST}/delete").text


# The API.


@pytest.mark.usefixtures("_unchanged")
def test_ada_reads_and_changes_nothing_of_bens_through_the_api(home: Household, operations: list) -> None:
    for method, path, operation in operations:
        for address in filled(path):
            for body in bodies(operation, method):
                answer = home.send(method, address, json=body, params=needed(operation))
                assert answer.status_code < 500, (method, address, answer.text)
                assert has_nothing_of_ben(answer), (method, address)
                if is_about_ids(path):
                    assert answer.status_code == 404, (method, address, answer.text)
        for name in numbers_in_query(operation):
            answer = home.send(method, filled(path)[0], params=needed(operation) | {name: FIRST})
            assert answer.status_code < 500 and has_nothing_of_ben(answer), (path, name)


def bodies(operation: dict[str, Any], method: str) -> list[Any]:
    """Bodies that name something of Ben's: one for each field that takes words."""
    if method == "GET" or "requestBody" not in operation:
        return [None]
    return [{field: f"{BENS} Band"} for field in ("artist", "track", "album", "context", "device", "genre")]


def needed(operation: dict[str, Any]) -> dict[str, str]:
    """The parameters of a question that can't be left out: words, that are Ben's."""
    parameters = operation.get("parameters", ())
    return {one["name"]: BENS for one in parameters if one["in"] == "query" and one["required"]}


def numbers_in_query(operation: dict[str, Any]) -> list[str]:
    return [
        one["name"]
        for one in operation.get("parameters", ())
        if one["in"] == "query"
        and one["schema"].get("type") == "integer"
        and one["name"] not in ("limit", "offset", "year")
    ]


@pytest.mark.usefixtures("_unchanged")
def test_the_api_answers_nobody_who_has_no_right(home: Household, operations: list) -> None:
    home.keys["wrong"] = home.keys["ada"][:-1] + ("A" if home.keys["ada"][-1] != "A" else "B")
    home.keys["deleted"] = deleted_key(home)
    home.keys["no key at all"] = "brapped_"
    strangers = {"nobody": home.served.visitor(), "expired": expired(home), "logged out": logged_out(home)}
    before = rows_of(home, 1)
    for _, path, _ in operations:
        address = filled(path)[0]
        for method in METHODS:
            refused = {name: home.send(method, address, name) for name in ("wrong", "deleted", "no key at all")}
            refused |= {
                name: one.session.request(method, f"{home.served.url}/api/v1{address}", timeout=30)
                for name, one in strangers.items()
            }
            for name, answer in refused.items():
                known = {one[0] for one in operations if one[1] == path}
                if method in known or (method == "HEAD" and "GET" in known):
                    assert answer.status_code == 401, (name, method, path, answer.text)
                    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
                else:
                    assert answer.status_code == 405, (name, method, path)
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert has_nothing_of_ben(answer) and "Ada" not in answer.text
    assert rows_of(home, 1) == before


def deleted_key(home: Household) -> str:
    key = key_from(home.ada, "to be deleted", "write")
    number = home.number("select max(api_key_key) from ops.api_key where key_name = 'to be deleted'")
    assert home.ada.post(f"/settings/keys/{number}/delete").status_code == 303
    return key


def test_a_key_that_may_only_read_changes_nothing(home: Household, operations: list) -> None:
    before = rows_of(home, 1)
    own = {"number": home.number("select min(exclusion_key) from listening.exclusion where listener_key = 1")}
    tried = 0
    for method, path, operation in operations:
        if method != "GET":
            address = path.format(**own)
            for body in bodies(operation, method):
                answer = home.send(method, address, "ada reads", json=body)
                assert answer.status_code == 403, (method, address)
                tried += 1
    assert tried > 1
    assert rows_of(home, 1) == before


def test_a_session_reads_its_own_and_changes_nothing_through_the_api(home: Household, operations: list) -> None:
    before = rows_of(home, 1)
    assert home.ada.get("/api/v1/me").json()["listener"]["listener_id"] == ADA
    assert home.ada.get("/api/v1/me", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 401
    for method, path, _ in operations:
        if method != "GET":
            sent = home.ada.session.request(
                method,
                f"{home.served.url}/api/v1{filled(path)[0]}",
                headers={"Sec-Fetch-Site": "same-origin"},
                timeout=30,
            )
            assert sent.status_code == 401, (method, path)
    assert rows_of(home, 1) == before


# The pages.


@pytest.mark.usefixtures("_unchanged")
@pytest.mark.parametrize("stranger", ["nobody", "expired", "logged out"])
def test_pages_are_shown_to_nobody_who_is_not_logged_in(home: Household, stranger: str) -> None:
    browser = {"nobody": home.served.visitor, "expired": lambda: expired(home), "logged out": lambda: logged_out(home)}[
        stranger
    ]()
    before = rows_of(home, 1)
    for method, path in PAGES:
        for address in filled(path):
            answer = browser.get(address) if method == "GET" else browser.post(address)
            where = answer.headers.get("Location", "")
            assert answer.status_code < 500, (method, address)
            assert has_nothing_of_ben(answer) or BENS.lower() in address.lower(), (method, address)
            assert "Ada" not in answer.text and "Band " not in answer.text, (method, address)
            if answer.status_code == 303:
                assert where == "/welcome" or where.startswith("http"), (method, address, where)
            elif method != "GET":
                assert answer.status_code in (400, 401, 403, 404), (method, address)
    assert rows_of(home, 1) == before


@pytest.mark.usefixtures("_unchanged")
def test_ada_reads_and_changes_nothing_of_bens_through_pages(home: Household) -> None:
    for method, path in PAGES:
        if not is_about_ids(path):
            continue
        for address in filled(path):
            answer = home.ada.get(address) if method == "GET" else home.ada.post(address)
            assert answer.status_code in (400, 404), (method, address, answer.status_code)
            assert BENS not in answer.text.replace(f"/{BENS}", ""), (method, address)


def test_adas_own_pages_have_nothing_of_bens(home: Household) -> None:
    for method, path in PAGES:
        if method == "GET" and not is_about_ids(path):
            for query in ("", f"?artist={FIRST}", f"?track={FIRST}", f"?album={FIRST}", f"?q={BENS[:5]}"):
                answer = home.ada.get(filled(path)[0] + query)
                assert answer.status_code < 500, path
                assert has_nothing_of_ben(answer), path + query
