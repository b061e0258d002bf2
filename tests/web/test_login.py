"""Logging in with Spotify: who may, how a login is bound to its browser, and how it ends."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from support import change_world
from support.served import Browser, Served, cookies_of, serving

from etl.simulator.routes import Listener
from etl.simulator.server import SimulatedSpotify

ADA, BEN = "account-of-ada", "account-of-ben"


@pytest.fixture
def served(start: Callable, spotify: SimulatedSpotify) -> Served:
    app = replace(spotify.world.app, redirect_uris=frozenset({"http://127.0.0.1/callback"}))
    change_world(spotify, listeners=(*spotify.world.listeners, Listener(BEN, "ben", "Ben")), app=app)
    return serving(start)


def test_the_first_listener_logs_in_and_sees_their_page(served: Served, ask: Callable) -> None:
    browser = served.visitor()
    assert browser.get("/").headers["Location"] == "/welcome"
    assert browser.log_in(ADA).headers["Location"] == "/"
    page = browser.get("/")
    assert page.status_code == 200 and "Ada" in browser.get("/settings").text
    assert ask("select listener_id, listener_name from listening.dim_listener") == [(ADA, "Ada")]
    [(encrypted,)] = ask("select refresh_token_encrypted from ops.login where consented_at is not null")
    assert encrypted and "AQ" not in encrypted


def test_the_cookie_is_for_this_server_alone_and_the_table_has_only_its_hash(served: Served, ask: Callable) -> None:
    browser = served.visitor()
    answer = browser.log_in(ADA)
    [set_cookie] = [line for line in answer.raw.headers.getlist("Set-Cookie") if line.startswith("brapped-session=")]
    assert "HttpOnly" in set_cookie and "SameSite=lax" in set_cookie and "Path=/" in set_cookie
    token = cookies_of(browser)["brapped-session"].value
    assert token is not None
    [(kept,)] = ask("select session_hash from ops.web_session")
    assert bytes(kept) == hashlib.sha256(token.encode()).digest()


def test_a_second_account_needs_an_invitation_and_each_works_once(
    served: Served, brapped: Callable, ask: Callable
) -> None:
    served.visitor().log_in(ADA)
    refused = served.visitor().log_in(BEN)
    assert refused.status_code == 403 and "invitation" in refused.text
    assert ask("select count(*) from listening.dim_listener") == [(1,)]
    made = brapped("invite", "Ben")
    token = made.stdout.strip().rpartition("/")[2]
    assert served.visitor().log_in(BEN, token).headers["Location"] == "/"
    assert served.visitor().get("/login", params={"invitation": token}).status_code == 403
    assert ask("select listener_id from listening.dim_listener order by 1") == [(ADA,), (BEN,)]
    assert served.visitor().log_in(BEN).headers["Location"] == "/", "who is registered needs no invitation"


def test_a_login_works_in_its_own_browser_and_once(served: Served) -> None:
    browser, thief = served.visitor(), served.visitor()
    back = browser.agreed(browser.get("/login").headers["Location"], ADA)
    assert thief.get(back).status_code == 400
    thief.get("/login")
    assert thief.get(back).status_code == 400
    assert "brapped-session" not in cookies_of(thief)
    again = browser.get(back)
    assert again.headers.get("Location") == "/", "the thief's tries took nothing away"
    assert browser.get(back).status_code == 400


def test_somebody_whom_the_app_does_not_know_reads_what_its_owner_has_to_do(
    served: Served, spotify: SimulatedSpotify
) -> None:
    known = spotify.world
    change_world(spotify, app=replace(known.app, registered=frozenset({ADA})))
    refused = served.visitor().log_in(BEN)
    assert refused.status_code == 400 and "User Management" in refused.text


def test_logging_out_everywhere_ends_every_session(served: Served, ask: Callable) -> None:
    first, second = served.visitor(), served.visitor()
    first.log_in(ADA)
    second.log_in(ADA)
    assert first.post("/logout", data={"everywhere": "true"}).headers["Location"] == "/welcome"
    assert ask("select count(*) from ops.web_session") == [(0,)]
    assert second.get("/").headers["Location"] == "/welcome"


def test_another_sites_page_can_change_nothing(served: Served, ask: Callable) -> None:
    browser = served.visitor()
    browser.log_in(ADA)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert browser.post("/logout", headers=headers).status_code == 403
    bare = Browser(served.url, browser.session)
    answer = bare.session.post(f"{served.url}/logout", headers={"Origin": "https://evil.example"}, timeout=30)
    assert answer.status_code == 403
    assert ask("select count(*) from ops.web_session") == [(1,)]
