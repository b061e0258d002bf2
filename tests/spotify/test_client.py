"""The client by itself: what each answer of Spotify turns into, how long it waits, and that it never waits for ever."""

from dataclasses import replace

import pytest
import requests
import responses
from responses import matchers

from etl.simulator.routes import Fault
from etl.spotify.accounts import Accounts
from etl.spotify.api import Api
from etl.spotify.errors import (
    AppRefused,
    Forbidden,
    LoginRefused,
    NotFound,
    PermissionMissing,
    RateLimited,
    Refused,
    SpotifyError,
    Unavailable,
)
from etl.spotify.http import RetryBudget

API = "https://api.example/v1"
ACCOUNTS = "https://accounts.example"
ARTIST = f"{API}/artists/x"


pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def web():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


@pytest.fixture
def api():
    tokens = iter(["first", "second", "third"])
    return Api(API, lambda: next(tokens), RetryBudget())


@pytest.fixture
def simulated(request):
    """The simulated Spotify; its fixture bears the name of the module tested here."""
    return request.getfixturevalue("spotify")


def error(status: int, message: str, **more: object) -> dict:
    return {"json": {"error": {"status": status, "message": message, **more}}, "status": status}


def test_the_json_comes_back_untouched(web, api):
    body = {"id": "x", "name": "Ünder “quotes” \u202e", "odd": [None, 1.5, {"deep": []}]}
    web.get(ARTIST, json=body)
    assert api.one("artist", "x") == body


def test_every_request_has_a_time_out(web, api):
    web.post(f"{ACCOUNTS}/api/token", json={"access_token": "a"})
    web.get(ARTIST, json={"id": "x"})
    Accounts(ACCOUNTS, "id", "secret").client_credentials()
    api.one("artist", "x")
    assert [call.request.req_kwargs["timeout"] for call in web.calls] == [(10, 30), (10, 30)]


def test_both_grants_identify_the_app_by_basic_authorization(web):
    basic = matchers.header_matcher({"Authorization": "Basic aWQ6c2VjcmV0"})
    web.post(
        f"{ACCOUNTS}/api/token",
        json={"access_token": "for the app"},
        match=[basic, matchers.urlencoded_params_matcher({"grant_type": "client_credentials"})],
    )
    web.post(
        f"{ACCOUNTS}/api/token",
        json={"access_token": "for her", "refresh_token": "new"},
        match=[basic, matchers.urlencoded_params_matcher({"grant_type": "refresh_token", "refresh_token": "old"})],
    )
    accounts = Accounts(ACCOUNTS, "id", "secret")
    assert accounts.client_credentials() == {"access_token": "for the app"}
    assert accounts.refresh("old") == {"access_token": "for her", "refresh_token": "new"}


@pytest.mark.parametrize("description", ["Refresh token expired", "Refresh token revoked", "Invalid refresh token"])
def test_invalid_grant_is_never_tried_again(web, description):
    web.post(f"{ACCOUNTS}/api/token", json={"error": "invalid_grant", "error_description": description}, status=400)
    with pytest.raises(LoginRefused, match=f"{description}.*Log in again"):
        Accounts(ACCOUNTS, "id", "secret").refresh("old")
    assert len(web.calls) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "calls"),
    [
        (error(401, "Permissions missing"), PermissionMissing, 1),
        (error(401, "Invalid access token"), SpotifyError, 2),
        (error(403, "Forbidden"), Forbidden, 1),
        ({"body": "User not registered in the Developer Dashboard", "status": 403}, Forbidden, 1),
        (error(404, "Resource not found"), NotFound, 1),
        (error(400, "Invalid base62 id"), Refused, 1),
        (error(410, "Gone"), Refused, 1),
        ({"body": "[" * 100000, "status": 200}, Unavailable, 4),
        ({"body": "", "status": 302, "headers": {"Location": "https://elsewhere.example"}}, Refused, 1),
        (error(500, "Internal server error"), Unavailable, 4),
        ({"body": "<html>gateway</html>", "status": 502}, Unavailable, 4),
        ({"body": "<html>hello</html>", "status": 200}, Unavailable, 4),
        ({"body": '{"items": [', "status": 200}, Unavailable, 4),
        ({"body": "[]", "status": 200}, Unavailable, 4),
        ({"body": requests.exceptions.ReadTimeout("secret address")}, Unavailable, 4),
        ({"body": requests.exceptions.ConnectTimeout("secret address")}, Unavailable, 4),
        ({"body": requests.exceptions.ConnectionError("secret address")}, Unavailable, 4),
        ({"body": requests.exceptions.ChunkedEncodingError("secret address")}, Unavailable, 4),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else None,
)
def test_each_answer_has_its_own_fate(answer, kind, calls, web, api):
    web.get(ARTIST, **answer)
    with pytest.raises(SpotifyError) as raised:
        api.one("artist", "x")
    assert type(raised.value) is kind
    assert len(web.calls) == calls
    assert (
        "secret address" not in str(raised.value)
        and raised.value.__cause__ is None
        and raised.value.__context__ is None
    )


def test_nothing_playing_is_no_error(web, api):
    web.get(f"{API}/me", status=204)
    assert api.me() == {}


def test_an_expired_token_is_replaced_and_asked_once_more(web, api):
    web.get(
        ARTIST,
        match=[matchers.header_matcher({"Authorization": "Bearer first"})],
        **error(401, "The access token expired"),
    )
    web.get(ARTIST, json={"id": "x"}, match=[matchers.header_matcher({"Authorization": "Bearer second"})])
    assert api.one("artist", "x") == {"id": "x"}


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "1"}, 1),
        ({"Retry-After": "0"}, 0),
        ({}, 2),
        ({"Retry-After": "soon"}, 2),
        ({"Retry-After": "-5"}, 0),
        ({"Retry-After": "inf"}, 2),
        ({"Retry-After": "nan"}, 2),
    ],
)
def test_a_rate_limit_is_waited_out(headers, waited, web, api, no_pauses):
    web.get(ARTIST, headers=headers, **error(429, "API rate limit exceeded"))
    web.get(ARTIST, json={"id": "x"})
    assert api.one("artist", "x") == {"id": "x"}
    [pause] = no_pauses
    assert waited <= pause <= waited + 0.2


def test_an_empty_or_html_429_is_waited_out_too(web, api):
    web.get(ARTIST, status=429, body="")
    web.get(ARTIST, status=429, body="<html>slow down</html>")
    web.get(ARTIST, json={"id": "x"})
    assert api.one("artist", "x") == {"id": "x"}


@pytest.mark.parametrize(
    ("headers", "more", "wait_s"),
    [
        ({"Retry-After": "80000"}, {"reason": "QUOTA_EXCEEDED"}, 80000),
        ({"Retry-After": "5"}, {"reason": "QUOTA_EXCEEDED"}, 5),
        ({}, {"reason": "QUOTA_EXCEEDED"}, 3600),
        ({"Retry-After": "13749"}, {}, 13749),
        ({"Retry-After": "61"}, {}, 61),
        ({"Retry-After": "100000000000"}, {}, 86400),
    ],
)
def test_a_longer_lock_is_never_slept_through(headers, more, wait_s, web, api, no_pauses):
    web.get(ARTIST, headers=headers, **error(429, "API rate limit exceeded", **more))
    with pytest.raises(RateLimited) as raised:
        api.one("artist", "x")
    assert raised.value.wait_s == wait_s
    assert sum(no_pauses) < 60


def test_all_calls_of_a_run_share_a_minute_of_patience(web, api, no_pauses):
    web.get(ARTIST, headers={"Retry-After": "25"}, **error(429, "API rate limit exceeded"))
    web.get(ARTIST, json={"id": "x"})
    web.get(ARTIST, headers={"Retry-After": "25"}, **error(429, "API rate limit exceeded"))
    web.get(ARTIST, json={"id": "x"})
    web.get(ARTIST, headers={"Retry-After": "25"}, **error(429, "API rate limit exceeded"))
    api.one("artist", "x")
    api.one("artist", "x")
    with pytest.raises(RateLimited):
        api.one("artist", "x")
    assert sum(no_pauses) < 60


def test_wrong_credentials_are_the_apps_fault(web):
    web.post(
        f"{ACCOUNTS}/api/token",
        json={"error": "invalid_client", "error_description": "Invalid client secret"},
        status=400,
    )
    with pytest.raises(AppRefused, match="SPOTIFY_CLIENT_ID"):
        Accounts(ACCOUNTS, "id", "secret").client_credentials()


def test_a_refusal_cannot_steer_a_log(web, api):
    web.get(ARTIST, **error(403, "no\r\n::set-output name=x::y \x1b[31m" + "z" * 999))
    with pytest.raises(Forbidden) as raised:
        api.one("artist", "x")
    assert len(str(raised.value)) < 200 and not set(str(raised.value)) & set("\r\n\x1b[]")


def test_nothing_secret_shows_in_a_repr():
    assert "hush" not in repr(Accounts(ACCOUNTS, "hush-id", "hush-secret"))
    assert "hush" not in repr(Api(API, lambda: "hush"))


def test_a_server_that_never_answers_is_given_up_and_asked_again(simulated, songs, monkeypatch):
    monkeypatch.setattr("etl.limits.SILENCE_S", (2, 0.5))
    artist_id = next(iter(songs.artists))
    simulated.change(lambda world: replace(world, faults=(Fault("/v1/artists/*", times=2, fate="silent"),)))
    app = simulated.world.app
    accounts = Accounts(simulated.accounts_url, app.client_id, app.client_secret)
    api = Api(simulated.api_url, lambda: accounts.client_credentials()["access_token"])
    assert api.one("artist", artist_id)["id"] == artist_id
