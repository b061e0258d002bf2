"""Whom the simulated Spotify answers, how often, and what is in its catalogue. Shapes are tested elsewhere."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.simulated_spotify import (
    ADA,
    ENCORE,
    NOW,
    PLAYED,
    PODCAST,
    RECORD,
    SINGER,
    SONG,
    TALK,
    get,
    minutes_ago,
    refresh,
    refusal,
    step,
    token_for,
    world,
)

from etl.simulator.routes import Answer, Fault, Play, Request, World, answer
from etl.simulator.world import EMAIL, PRIVATE_PROFILE

# who may ask


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, (401, "No token provided")),
        ({"authorization": "Basic abc"}, (400, "Only valid bearer authentication supported")),
        ({"authorization": "Bearer BQnonsense"}, (401, "Invalid access token")),
        (token_for(world(), until=NOW), (401, "The access token expired")),
        (token_for(world(), ADA.account_id, EMAIL), (401, "Permissions missing")),
        (token_for(world(), None), (401, "Valid user authentication required")),
    ],
)
def test_recently_played_wants_a_valid_token_with_its_scope(
    headers: Mapping[str, str], expected: tuple[int, str]
) -> None:
    given, _ = answer(world(), Request("GET", PLAYED, NOW, {}, headers))
    assert refusal(given) == expected


def test_an_app_whose_owner_does_not_pay_gets_403_on_every_call() -> None:
    unpaid = world(app=replace(World().app, premium=False))
    refused = (403, "Active premium subscription required for the owner of the app")
    answers = [refusal(get(unpaid, path)) for path in ("/v1/me", PLAYED, f"/v1/tracks/{SONG}")]
    assert answers == [refused, refused, refused]


def test_a_listener_not_typed_into_the_dashboard_gets_plain_text() -> None:
    closed = world(app=replace(World().app, registered=frozenset({"account-bob"})))
    refused = get(closed, PLAYED)
    assert refused == Answer(
        403,
        {"Content-Type": "text/plain; charset=utf-8"},
        b"User not registered in the Developer Dashboard",
    )
    opened = world(app=replace(World().app, registered=frozenset({ADA.account_id})))
    assert get(opened, PLAYED).status == 200


def test_what_is_not_there_is_404() -> None:
    paths = ("/", "/v1", "/v1/audio-features/x", "/v1/me/tracks", "/api/token")
    assert [refusal(get(world(), path)) for path in paths] == [(404, "Service not found")] * 5


# /v1/me


def test_me_has_the_account_id_and_of_the_rest_what_the_scopes_and_the_year_allow() -> None:
    bare = {
        "account_id": "account-ada",
        "display_name": "Ada",
        "external_urls": {"spotify": "https://open.spotify.com/user/ada"},
        "href": "https://api.spotify.com/v1/users/ada",
        "id": "ada",
        "images": [],
        "type": "user",
        "uri": "spotify:user:ada",
    }
    followers = {"followers": {"href": None, "total": 0}}
    private = {
        "country": "DE",
        "explicit_content": {"filter_enabled": False, "filter_locked": False},
        "product": "premium",
        "email": "listener@example.org",
    }
    full, older = world(shape="full"), world(absent=frozenset({"account_id"}))
    headers = token_for(full, ADA.account_id, PRIVATE_PROFILE, EMAIL)
    assert get(world(), "/v1/me").json() == bare
    assert get(full, "/v1/me").json() == bare | followers
    assert answer(full, Request("GET", "/v1/me", NOW, {}, headers))[0].json() == bare | followers | private
    assert get(older, "/v1/me").json() == {key: bare[key] for key in bare if key != "account_id"}


# the catalogue


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"/v1/tracks/{SONG}", "The Song"),
        (f"/v1/artists/{SINGER}", "The Singer"),
        (f"/v1/albums/{RECORD}", "The Record"),
        (f"/v1/episodes/{TALK}", "One"),
        (f"/v1/shows/{PODCAST}", "Talking"),
    ],
)
def test_one_thing_is_had_by_its_id(path: str, name: str) -> None:
    given = get(world(), path)
    assert (given.status, given.json()["name"]) == (200, name)
    assert refusal(get(world(), path[:-22] + "0" * 22)) == (404, "Resource not found")
    assert refusal(get(world(), path[:-1] + "-")) == (400, "Invalid base62 id")
    assert refusal(get(world(), path[:-1])) == (400, "Invalid base62 id")


def test_many_things_at_once_are_forbidden_to_new_apps() -> None:
    answers = [refusal(get(world(), f"/v1/{kind}", ids="x")) for kind in ("tracks", "artists", "albums")]
    assert answers == [(403, "Forbidden")] * 3


@pytest.mark.parametrize(
    ("kind", "id", "most"), [("tracks", SONG, 50), ("artists", SINGER, 50), ("albums", RECORD, 20)]
)
def test_an_older_app_gets_many_things_at_once_and_null_for_the_unknown(kind: str, id: str, most: int) -> None:
    older = world(app=replace(World().app, batch_allowed=True))
    unknown = "0" * 22
    found = get(older, f"/v1/{kind}", ids=f"{id},{unknown},{id}").json()
    single = get(older, f"/v1/{kind}/{id}").json()
    assert found == {kind: [single, None, single]}
    assert len(get(older, f"/v1/{kind}", ids=",".join([id] * most)).json()[kind]) == most
    assert get(older, f"/v1/{kind}", ids=",".join([id] * (most + 1))).status == 400
    assert get(older, f"/v1/{kind}", ids=f"{id},nonsense").status == 400
    assert get(older, f"/v1/{kind}").status == 400


def test_what_new_apps_no_longer_get_is_absent_and_not_empty() -> None:
    def keys_gone(path: str, **changes: Any) -> set[str]:
        full, lean = world(shape="full"), world(**changes)
        return set(get(full, path).json()) - set(get(lean, path).json())

    assert keys_gone(f"/v1/tracks/{SONG}") == {"available_markets", "popularity"}
    assert keys_gone(f"/v1/artists/{SINGER}") == {"followers", "popularity"}
    assert keys_gone(f"/v1/albums/{RECORD}") == {"available_markets", "label", "popularity"}
    more = frozenset({"genres", "external_ids"})
    assert keys_gone(f"/v1/artists/{SINGER}", absent=more) == {"followers", "popularity", "genres"}
    assert keys_gone(f"/v1/tracks/{SONG}", absent=more) == {
        "available_markets",
        "popularity",
        "external_ids",
    }


def test_a_track_without_isrc_has_empty_external_ids() -> None:
    found = [get(world(), f"/v1/tracks/{id}").json()["external_ids"] for id in (SONG, ENCORE)]
    assert found == [{"isrc": "ZZDEM2600001"}, {}]


# two different 429s


def test_a_call_too_many_in_thirty_seconds_is_told_how_long_to_wait() -> None:
    busy = world(rate=2)
    seen = []
    for second in (0, 10, 12, 29.5, 30, 31, 40):
        given, busy = step(busy, PLAYED, NOW + timedelta(seconds=second))
        seen.append((given.status, given.headers.get("Retry-After")))
    assert seen == [
        (200, None),
        (200, None),
        (429, "18"),
        (429, "1"),
        (200, None),
        (429, "9"),
        (200, None),
    ]
    limited, _ = step(world(rate=0), PLAYED)
    assert limited.json() == {"error": {"status": 429, "message": "API rate limit exceeded"}}


def test_an_exhausted_quota_locks_the_catalogue_for_long_and_never_the_plays() -> None:
    poor = world(quota=2, quota_lock=timedelta(seconds=80_000))
    exceeded = {"error": {"status": 429, "message": "API rate limit exceeded", "reason": "QUOTA_EXCEEDED"}}
    seen = []
    for path, after in (
        (f"/v1/tracks/{SONG}", 0),
        (f"/v1/artists/{SINGER}", 1),
        (f"/v1/artists/{SINGER}", 2),
        (f"/v1/albums/{RECORD}", 1002),
        (PLAYED, 1003),
        ("/v1/me", 1004),
        (f"/v1/albums/{RECORD}", 80_001),
        (f"/v1/albums/{RECORD}", 86_401),
    ):
        given, poor = step(poor, path, NOW + timedelta(seconds=after))
        seen.append((given.status, given.headers.get("Retry-After")))
        assert (given.json() == exceeded) == (given.status == 429)
    assert seen == [
        (200, None),
        (200, None),
        (429, "80000"),
        (429, "79000"),
        (200, None),
        (200, None),
        (429, "1"),
        (200, None),
    ]


# faults


def test_faults_are_met_in_order_and_used_up() -> None:
    html = Fault(PLAYED, status=502, headers={"Content-Type": "text/html"}, body=b"<html>")
    script = world(
        faults=(
            Fault(PLAYED, skip=1, times=2, status=500),
            Fault("/v1/artists/*", status=429, headers={"Retry-After": "7"}),
            html,
        )
    )
    seen = []
    for path in (PLAYED, PLAYED, f"/v1/artists/{SINGER}", PLAYED, f"/v1/artists/{SINGER}", PLAYED, PLAYED):
        given, script = step(script, path)
        seen.append((given.status, given.headers.get("Retry-After")))
        if given.status == 502:
            assert given == Answer(502, {"Content-Type": "text/html"}, b"<html>")
        if given.status == 500:
            assert given.json() == {"error": {"status": 500, "message": "Internal server error"}}
    assert seen == [(200, None), (500, None), (429, "7"), (500, None), (200, None), (502, None), (200, None)]


def test_a_fate_alone_befalls_the_true_answer_which_has_its_effect() -> None:
    lossy = world(rotate_refresh_tokens=True, faults=(Fault("/api/token", fate="reset"),))
    lost, after = refresh(lossy)
    assert (lost.status, lost.fate, "refresh_token" in lost.json()) == (200, "reset", True)
    assert refresh(after)[0].json()["error_description"] == "Refresh token revoked"


def test_the_same_question_draws_the_same_answer_and_changes_no_world() -> None:
    busy = world(Play(SONG, minutes_ago(1)), rate=5, quota=5, rotate_refresh_tokens=True, faults=(Fault("/nowhere"),))
    untouched = replace(busy)
    for request in (
        Request("GET", PLAYED, NOW, {}, token_for(busy)),
        Request("GET", f"/v1/tracks/{SONG}", NOW, {}, token_for(busy)),
    ):
        assert answer(busy, request) == answer(busy, request)
    assert refresh(busy) == refresh(busy)
    assert busy == untouched


def test_no_secret_stands_in_the_repr_of_a_world_or_an_answer() -> None:
    bought, after = refresh(world(Play(SONG, minutes_ago(1)), rotate_refresh_tokens=True))
    shown = repr((bought, after))
    secrets = [after.app.client_secret, *after.refresh_tokens, bought.json()["access_token"]]
    assert [secret for secret in secrets if secret in shown] == []
