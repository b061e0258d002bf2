"""`recently-played` of the simulated Spotify, rule by rule."""

from datetime import timedelta

import pytest
from support.simulated_spotify import (
    ADA,
    ENCORE,
    NOW,
    PLAYED,
    RECORD,
    SONG,
    dates_of,
    get,
    minutes_ago,
    token_for,
    world,
)

from etl.simulator.routes import Play, Request, answer


def test_an_item_is_the_whole_track_its_end_and_its_context() -> None:
    uri = f"spotify:album:{RECORD}"
    page = get(world(Play(SONG, minutes_ago(5), context_uri=uri)), PLAYED).json()
    context = {
        "type": "album",
        "href": f"https://api.spotify.com/v1/albums/{RECORD}",
        "external_urls": {"spotify": f"https://open.spotify.com/album/{RECORD}"},
        "uri": uri,
    }
    track = get(world(), f"/v1/tracks/{SONG}").json()
    assert page["items"] == [{"track": track, "played_at": "2026-11-20T11:55:00Z", "context": context}]


def test_liked_songs_are_a_collection() -> None:
    page = get(world(Play(SONG, minutes_ago(5), context_uri="spotify:user:ada:collection")), PLAYED).json()
    assert page["items"][0]["context"] == {
        "type": "collection",
        "href": "https://api.spotify.com/v1/me/tracks",
        "external_urls": {"spotify": "https://open.spotify.com/collection/tracks"},
        "uri": "spotify:user:ada:collection",
    }


def test_a_listener_who_played_nothing_gets_an_empty_page() -> None:
    assert get(world(), PLAYED, limit="50").json() == {
        "items": [],
        "next": None,
        "cursors": None,
        "limit": 50,
        "href": "https://api.spotify.com/v1/me/player/recently-played?limit=50",
    }


def test_the_newest_come_first_and_never_more_than_fifty_are_there() -> None:
    many = world(*(Play(SONG, minutes_ago(minute)) for minute in (*range(1, 71, 2), *range(2, 71, 2))))
    newest = [f"{minutes_ago(minute):%Y-%m-%dT%H:%M:%SZ}" for minute in range(1, 71)]
    assert dates_of(get(many, PLAYED)) == newest[:20]
    assert dates_of(get(many, PLAYED, limit="50")) == newest[:50]
    assert dates_of(get(many, PLAYED, limit="3")) == newest[:3]


def test_next_leads_through_the_window_to_an_empty_page() -> None:
    many = world(*(Play(SONG, minutes_ago(minute)) for minute in range(1, 71)))
    path, seen = "limit=20", []
    while path:
        page = get(many, PLAYED, **dict(one.split("=") for one in path.split("&"))).json()
        seen.append(len(page["items"]))
        path = (page["next"] or "").partition("?")[2]
    assert seen == [20, 20, 10, 0]


def test_after_and_before_are_exclusive_milliseconds_and_set_the_direction_of_next() -> None:
    three = world(*(Play(SONG, minutes_ago(minute)) for minute in (1, 2, 3)))
    one, two, _ = (round(minutes_ago(minute).timestamp() * 1000) for minute in (1, 2, 3))
    later, earlier = get(three, PLAYED, after=str(two)).json(), get(three, PLAYED, before=str(two)).json()
    url = f"https://api.spotify.com{PLAYED}"
    assert [item["played_at"] for item in later["items"]] == ["2026-11-20T11:59:00Z"]
    assert [item["played_at"] for item in earlier["items"]] == ["2026-11-20T11:57:00Z"]
    assert (later["next"], earlier["next"]) == (f"{url}?after={one}", f"{url}?before={two - 60_000}")
    assert len(dates_of(get(three, PLAYED, after=str(two - 1)))) == 2


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "51"},
        {"limit": "many"},
        {"after": "yesterday"},
        {"after": "1", "before": "2"},
    ],
)
def test_a_request_that_makes_no_sense_is_400(query: dict[str, str]) -> None:
    given = get(world(), PLAYED, **query)
    assert (given.status, given.json()["error"]["status"]) == (400, 400)


def test_a_page_asked_with_before_can_be_short_although_more_exist() -> None:
    many = world(*(Play(SONG, minutes_ago(minute)) for minute in range(1, 51)), short_before=8)
    now = str(round(NOW.timestamp() * 1000))
    assert len(dates_of(get(many, PLAYED, limit="50"))) == 50
    assert len(dates_of(get(many, PLAYED, limit="50", before=now))) == 42


def test_a_whole_second_drops_its_fraction_and_microseconds_are_not_told() -> None:
    moments = [
        NOW - timedelta(seconds=1),
        NOW - timedelta(seconds=2, microseconds=-500),
        NOW - timedelta(milliseconds=2999.5),
    ]
    page = get(world(*(Play(SONG, moment) for moment in moments)), PLAYED)
    assert dates_of(page) == [
        "2026-11-20T11:59:59Z",
        "2026-11-20T11:59:58Z",
        "2026-11-20T11:59:57.000Z".replace(".000", ""),
    ]


def test_a_late_play_turns_up_in_its_place_when_it_arrives() -> None:
    late = world(Play(SONG, minutes_ago(1)), Play(ENCORE, minutes_ago(60), arrives_at=NOW), Play(SONG, minutes_ago(90)))
    before, after = get(late, PLAYED, minutes_ago(0.5)), get(late, PLAYED)
    assert dates_of(before) == ["2026-11-20T11:59:00Z", "2026-11-20T10:30:00Z"]
    assert dates_of(after) == ["2026-11-20T11:59:00Z", "2026-11-20T11:00:00Z", "2026-11-20T10:30:00Z"]


def test_what_is_still_to_be_played_is_not_told() -> None:
    assert dates_of(get(world(Play(SONG, NOW + timedelta(milliseconds=1))), PLAYED)) == []


def test_a_play_is_redated_from_a_moment_on_measured_from_its_first_date() -> None:
    shifts = ((minutes_ago(2), timedelta(seconds=-1.5)), (minutes_ago(1), timedelta(milliseconds=11)))
    moved = world(Play(SONG, minutes_ago(10), redated=shifts))
    seen = [dates_of(get(moved, PLAYED, minutes_ago(minute)))[0] for minute in (3, 2, 1, 0)]
    assert seen == [
        "2026-11-20T11:50:00Z",
        "2026-11-20T11:49:58.500Z",
        "2026-11-20T11:50:00.011Z",
        "2026-11-20T11:50:00.011Z",
    ]


def test_a_context_may_come_later_than_the_play() -> None:
    uri = f"spotify:playlist:{RECORD}"
    played = world(Play(SONG, minutes_ago(10), context_uri=uri, context_from=NOW))
    contexts = [get(played, PLAYED, at).json()["items"][0]["context"] for at in (minutes_ago(1), NOW)]
    assert [context and context["uri"] for context in contexts] == [None, uri]


def test_odd_items_stand_as_they_are_in_the_place_of_the_track() -> None:
    local = {"id": None, "is_local": True, "name": "demo_tape_final2.mp3"}
    odd = world(Play(None, minutes_ago(1)), Play(None, minutes_ago(2), item=local))
    assert [item["track"] for item in get(odd, PLAYED).json()["items"]] == [None, local]


def test_more_plays_can_be_added_to_a_world() -> None:
    grown = world(Play(SONG, minutes_ago(2))).with_plays(ADA.account_id, Play(ENCORE, minutes_ago(1)))
    assert grown.listeners[0].plays == (Play(SONG, minutes_ago(2)), Play(ENCORE, minutes_ago(1)))


def test_links_to_follow_lead_to_whoever_was_asked() -> None:
    headers = {**token_for(world()), "host": "127.0.0.1:8000"}
    played = world(Play(SONG, minutes_ago(1)))
    page = answer(played, Request("GET", PLAYED, NOW, {"limit": "5"}, headers))[0].json()
    assert page["href"] == f"http://127.0.0.1:8000{PLAYED}?limit=5"
    assert page["next"].startswith(f"http://127.0.0.1:8000{PLAYED}?before=")
