"""The login page of the simulated Spotify, and the codes that it gives out."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from support.simulated_spotify import ADA, NOW, exchange, refresh, world

from etl.simulator.consent import challenge_of
from etl.simulator.routes import Answer, App, Request, World, answer
from etl.simulator.world import RECENTLY_PLAYED

CALLBACK = "http://127.0.0.1:8888/callback"
VERIFIER = "a-verifier-that-is-longer-than-forty-three-characters"


def asked(**changes: str) -> dict[str, str]:
    usual = {
        "client_id": App().client_id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": RECENTLY_PLAYED,
        "state": "the state & more",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in {**usual, **changes}.items() if value}


def agreed(known: World, who: str = ADA.account_id, **changes: str) -> tuple[dict[str, str], World]:
    """What the listener is led back with."""
    given, known = answer(known, Request("POST", "/authorize", NOW, {}, {}, {**asked(**changes), "as": who}))
    assert given.status == 302
    address = given.headers["Location"]
    assert address.startswith(f"{CALLBACK}?")
    return dict(parse_qsl(urlsplit(address).query)), known


def bought(known: World, code: str, after: timedelta = timedelta(0), **changes: str) -> tuple[Answer, World]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return exchange(known, NOW + after, **{**form, **changes})


def test_whoever_agrees_comes_back_with_state_and_a_code_that_buys_a_login() -> None:
    back, known = agreed(world(refresh_tokens={}))
    assert back["state"] == "the state & more" and set(back) == {"code", "state"}
    given, known = bought(known, back["code"])
    body = given.json()
    assert (given.status, body["scope"], body["token_type"]) == (200, RECENTLY_PLAYED, "Bearer")
    [grant] = known.refresh_tokens.values()
    assert (grant.account_id, grant.consent_at, grant.scopes) == (ADA.account_id, NOW, frozenset({RECENTLY_PLAYED}))
    assert refresh(known, body["refresh_token"])[0].status == 200


def test_whoever_declines_comes_back_without_one() -> None:
    assert agreed(world(), "")[0] == {"error": "access_denied", "state": "the state & more"}


@pytest.mark.parametrize(
    ("after", "changes", "message"),
    [
        (timedelta(minutes=10), {}, "Authorization code expired"),
        (timedelta(0), {"code": "AQ-another"}, "Invalid authorization code"),
        (timedelta(0), {"redirect_uri": "http://127.0.0.1:9999/callback"}, "Invalid redirect URI"),
        (timedelta(0), {"code_verifier": VERIFIER + "."}, "code_verifier was incorrect"),
        (timedelta(0), {"code_verifier": ""}, "code_verifier was incorrect"),
    ],
)
def test_a_code_is_good_for_ten_minutes_and_for_who_asked(after: timedelta, changes: Any, message: str) -> None:
    back, known = agreed(world())
    refused, _ = bought(known, after=after, **{"code": back["code"], **changes})
    assert (refused.status, refused.json()) == (400, {"error": "invalid_grant", "error_description": message})


def test_a_code_serves_once() -> None:
    back, known = agreed(world())
    first, known = bought(known, back["code"])
    second, _ = bought(known, back["code"])
    assert (first.status, second.status) == (200, 400)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"client_id": "somebody-else"}, "INVALID_CLIENT: Invalid client"),
        ({"redirect_uri": "http://localhost:8888/callback"}, "INVALID_CLIENT: Invalid redirect URI"),
        ({"redirect_uri": "http://127.0.0.1:8889/callback"}, "INVALID_CLIENT: Invalid redirect URI"),
        ({"redirect_uri": "http://127.0.0.1/callback"}, "INVALID_CLIENT: Invalid redirect URI"),
        ({"response_type": "token"}, "response_type must be code"),
        ({"code_challenge_method": "plain"}, "code_challenge_method must be S256"),
    ],
)
def test_an_address_that_spotify_would_not_take_shows_no_page(changes: Any, message: str) -> None:
    refused, _ = answer(world(), Request("GET", "/authorize", NOW, asked(**changes)))
    assert (refused.status, refused.body.decode()) == (400, message)


def test_a_redirect_address_without_a_port_fits_every_port() -> None:
    known = world(app=App(redirect_uris=frozenset({"http://127.0.0.1/callback"})))
    for port in ("8888", "51234"):
        page, _ = answer(
            known, Request("GET", "/authorize", NOW, asked(redirect_uri=f"http://127.0.0.1:{port}/callback"))
        )
        assert page.status == 200
