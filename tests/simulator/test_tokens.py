"""The token endpoint of the simulated Spotify, and its access tokens."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.simulated_spotify import ADA, CONSENT, NOW, PLAYED, SONG, exchange, refresh, refusal, token_for, world

from etl.simulator.routes import Grant, Request, answer
from etl.simulator.tokens import AccessToken, seal, unseal
from etl.simulator.world import EMAIL, PRIVATE_PROFILE, RECENTLY_PLAYED


def test_a_refresh_token_buys_an_access_token_for_an_hour_and_usually_no_new_refresh_token() -> None:
    bought, _ = refresh(world())
    body = bought.json()
    headers = {"authorization": f"Bearer {body.pop('access_token')}"}
    assert (bought.status, body) == (
        200,
        {"token_type": "Bearer", "expires_in": 3600, "scope": "user-read-playback-state user-read-recently-played"},
    )
    last_moment = NOW + timedelta(minutes=59, seconds=59)
    good, _ = answer(world(), Request("GET", "/v1/me", last_moment, {}, headers))
    late, _ = answer(world(), Request("GET", "/v1/me", NOW + timedelta(hours=1), {}, headers))
    assert (good.status, good.json()["id"]) == (200, "ada")
    assert refusal(late) == (401, "The access token expired")


def test_client_credentials_buy_the_catalogue_and_no_listener() -> None:
    body = exchange(world(), grant_type="client_credentials")[0].json()
    headers = {"authorization": f"Bearer {body.pop('access_token')}"}
    assert body == {"token_type": "Bearer", "expires_in": 3600}
    answers = [
        answer(world(), Request("GET", path, NOW, {}, headers))[0].status
        for path in (f"/v1/tracks/{SONG}", "/v1/me", PLAYED)
    ]
    assert answers == [200, 401, 401]


@pytest.mark.parametrize(
    ("client", "form", "body"),
    [
        (
            "00000000000000000000000000000de3:wrong",
            {"grant_type": "client_credentials"},
            {"error": "invalid_client", "error_description": "Invalid client secret"},
        ),
        (
            "somebody-else:wrong",
            {"grant_type": "client_credentials"},
            {"error": "invalid_client", "error_description": "Invalid client"},
        ),
        (
            None,
            {"grant_type": "refresh_token", "refresh_token": "AQ-unheard-of"},
            {"error": "invalid_grant", "error_description": "Invalid refresh token"},
        ),
        (
            None,
            {"grant_type": "refresh_token", "refresh_token": "AQ-revoked"},
            {"error": "invalid_grant", "error_description": "Refresh token revoked"},
        ),
        (
            None,
            {"grant_type": "refresh_token", "refresh_token": "AQ-old"},
            {"error": "invalid_grant", "error_description": "Refresh token expired"},
        ),
        (
            None,
            {"grant_type": "refresh_token"},
            {"error": "invalid_request", "error_description": "refresh_token must be supplied"},
        ),
        (
            None,
            {},
            {"error": "unsupported_grant_type", "error_description": "grant_type parameter is missing"},
        ),
    ],
)
def test_the_token_endpoint_refuses_in_flat_json(client: str | None, form: Any, body: Any) -> None:
    grants = {
        "AQ-revoked": Grant(ADA.account_id, CONSENT, is_revoked=True),
        "AQ-old": Grant(ADA.account_id, datetime(2026, 5, 1, tzinfo=UTC)),
    }
    refused, _ = exchange(world(refresh_tokens=grants), client=client, **form)
    assert (refused.status, refused.json()) == (400, body)


@pytest.mark.parametrize(
    ("consent", "death"),
    [("2026-03-02T10:00", "2026-09-02T10:00"), ("2026-08-31T09:00", "2027-02-28T09:00")],
)
def test_a_refresh_token_dies_six_months_after_consent_however_often_used(consent: str, death: str) -> None:
    given_at, dead_at = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (consent, death))
    used = world(refresh_tokens={"AQ-ada": Grant(ADA.account_id, given_at)})
    statuses = []
    for at in (given_at, dead_at - timedelta(days=30), dead_at - timedelta(seconds=1), dead_at):
        given, used = refresh(used, at=at)
        statuses.append(given.status)
    assert statuses == [200, 200, 200, 400]


def test_a_rotated_refresh_token_replaces_the_old_one_and_lives_no_longer() -> None:
    first, rotated = refresh(world(rotate_refresh_tokens=True))
    fresh = first.json()["refresh_token"]
    assert fresh != "AQ-ada"
    assert refresh(rotated)[0].json()["error_description"] == "Refresh token revoked"
    assert refresh(rotated, fresh)[0].status == 200
    assert refresh(rotated, fresh, datetime(2027, 3, 1, tzinfo=UTC))[0].json() == {
        "error": "invalid_grant",
        "error_description": "Refresh token expired",
    }


scope_sets = st.frozensets(st.sampled_from([RECENTLY_PLAYED, PRIVATE_PROFILE, EMAIL]))


@given(st.none() | st.text(), scope_sets, st.datetimes(timezones=st.just(UTC)))
def test_an_access_token_says_to_the_simulation_what_it_was_made_of(
    account_id: str | None, scopes: frozenset[str], expires_at: datetime
) -> None:
    token = AccessToken(account_id, scopes, expires_at)
    assert unseal(world(), seal(world(), token)) == token


@given(st.text() | st.text(alphabet="ABCabc019-_").map("BQ".__add__))
def test_no_other_text_is_an_access_token(text: str) -> None:
    assert unseal(world(), text) is None


def test_an_access_token_tells_nobody_else_anything() -> None:
    text = token_for(world())["authorization"].removeprefix("Bearer ")
    inside = base64.urlsafe_b64decode(text[2:] + "==")
    assert text.startswith("BQ")
    assert b"account-ada" not in inside
    assert b"user-read" not in inside
    assert unseal(world(), text[:-3] + ("AAA" if text[-3:] != "AAA" else "BBB")) is None
