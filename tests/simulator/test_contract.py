"""The simulated Spotify's answers have the shape of the real one's.

Two references: `shapes/*.json`, of our own writing, always; and real answers, in the folder that
`BRAPPED_REAL_DATA` names, where it is.
"""

import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.answer_shapes import Shape, differences, recorded_shape, shape_of
from support.simulated_spotify import exchange

from etl.simulator import objects
from etl.simulator.catalogue import catalogue
from etl.simulator.listener import made_up_listener
from etl.simulator.routes import Answer, Fault, Grant, Request, World, answer, world_of
from etl.simulator.tokens import AccessToken, seal
from etl.simulator.world import EMAIL, PRIVATE_PROFILE, RECENTLY_PLAYED

REAL = Path(os.environ.get("BRAPPED_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "api"
needs_real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="no real answers here: BRAPPED_REAL_DATA names no folder with api/ in it"
)

GENERATIONS = ("full", "2026")
NOW = datetime(2026, 11, 20, 12, 7, tzinfo=UTC)
TOKEN = "AQ-contract"
CATALOGUE = catalogue()


# what we say


def world(generation: str) -> World:
    scopes = frozenset({RECENTLY_PLAYED, PRIVATE_PROFILE, EMAIL})
    listener = made_up_listener(CATALOGUE, NOW, days=3)
    made = world_of(CATALOGUE, listener, TOKEN, NOW - timedelta(days=30))
    grant = Grant(listener.account_id, NOW - timedelta(days=30), scopes)
    return replace(made, refresh_tokens={TOKEN: grant}, shape="full" if generation == "full" else "2026")


def ask(world: World, path: str, **query: str) -> Answer:
    [grant] = world.refresh_tokens.values()
    token = seal(world, AccessToken(grant.account_id, grant.scopes, NOW + timedelta(hours=1)))
    return answer(world, Request("GET", path, NOW, query, {"authorization": f"Bearer {token}"}))[0]


def pages(generation: str) -> list[Any]:
    """Pages with items in them, asked for in every way; of the empty page there is no real one here."""
    made, path = world(generation), "/v1/me/player/recently-played"
    middle = str(milliseconds(ask(made, path, limit="50").json()["items"][20]["played_at"]))
    queries: tuple[dict[str, str], ...] = (
        {"limit": "50"},
        {},
        {"limit": "7", "before": middle},
        {"limit": "50", "after": middle},
    )
    return [ask(made, path, **query).json() for query in queries]


def milliseconds(played_at: str) -> int:
    return round(datetime.fromisoformat(played_at).timestamp() * 1000)


def empty_page(generation: str) -> Any:
    return ask(world(generation), "/v1/me/player/recently-played", before="1").json()


def everything(kind: str, generation: str) -> list[Any]:
    made, records = world(generation), getattr(CATALOGUE, f"{kind}s")
    return [ask(made, f"/v1/{kind}s/{id}").json() for id in records]


def errors() -> list[Any]:
    locked = replace(world("2026"), quota=0)
    return [
        ask(world("2026"), "/v1/tracks/short").json(),
        ask(world("2026"), f"/v1/tracks/{'0' * 22}").json(),
        ask(locked, f"/v1/tracks/{'0' * 22}").json(),
    ]


def token_answers(grant_type: str) -> list[Any]:
    rotating = replace(world("2026"), rotate_refresh_tokens=True)
    return [exchange(rotating, NOW, grant_type=grant_type, refresh_token=TOKEN)[0].json()]


# the claims


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("recently_played", lambda generation: [*pages(generation), empty_page(generation)]),
        ("track", lambda generation: everything("track", generation)),
        ("artist", lambda generation: everything("artist", generation)),
        ("album", lambda generation: everything("album", generation)),
        ("episode", lambda generation: everything("episode", generation)),
        ("show", lambda generation: everything("show", generation)),
        ("me", lambda generation: [ask(world(generation), "/v1/me").json()]),
        ("error", lambda _: errors()),
        ("token", lambda _: token_answers("client_credentials") + token_answers("refresh_token")),
        ("token_error", lambda _: token_answers("none")),
    ],
)
def test_every_answer_has_the_shape_written_down(name: str, ours: Callable[[str], list[Any]], generation: str) -> None:
    assert differences(shape_of(ours(generation)), recorded_shape(name, generation)) == []


def real(pattern: str) -> list[Any]:
    found = [json.loads(path.read_text()) for path in sorted(REAL.glob(pattern))]
    assert found, f"no {pattern} among the real answers"
    return found


# Spotify says that a track may lack it, `external_ids` being {} then, but none of these happens to.
MAY_BE_MISSING = ("external_ids.isrc",)


def shape_of_real(documents: Iterable[Any]) -> Shape:
    shape = shape_of(documents)
    shape.always = {path for path in shape.always if not path.endswith(MAY_BE_MISSING)}
    return shape


def real_items(generation: str) -> list[Any]:
    pattern = {"full": "pages/*.json", "2026": "2026/*.json"}[generation]
    return [item for page in real(pattern) for item in page["items"]]


def real_pages() -> list[Any]:
    return [*real("pages/*.json"), *real("odd-pages/*.json"), *real("shapes/joostlek*/recently_played*.json")]


REAL_ANSWERS: dict[str, Callable[[], list[Any]]] = {
    "track": lambda: [
        *real("shapes/beetbox*/multiartist_track.json"),
        *real("shapes/JMPerez*/track.json"),
        *(item["track"] for page in real_pages() for item in page["items"]),
    ],
    "artist": lambda: [*real("shapes/joostlek*/artist.json"), *real("shapes/JMPerez*/artists.json")],
    "album": lambda: [*real("shapes/joostlek*/get_album.json"), *real("shapes/beetbox*/album_info.json")],
    "episode": lambda: [
        *real("shapes/joostlek*/episode.json"),
        *(saved["episode"] for page in real("shapes/joostlek*/saved_episodes.json") for saved in page["items"]),
    ],
}


@needs_real_data
@pytest.mark.parametrize("kind", REAL_ANSWERS)
def test_every_catalogue_answer_has_the_shape_of_real_ones(kind: str) -> None:
    reference = shape_of_real(REAL_ANSWERS[kind]())
    assert differences(shape_of(everything(kind, "full")), reference) == []
    reference.always.clear()  # there are no real ones of 2026: it may leave keys out, but not invent any
    assert differences(shape_of(everything(kind, "2026")), reference) == []


@needs_real_data
def test_a_full_page_has_the_shape_of_real_ones() -> None:
    assert differences(shape_of(pages("full")), shape_of_real(real_pages())) == []


@needs_real_data
def test_an_item_of_2026_has_all_that_a_real_one_has_and_nothing_that_none_ever_had() -> None:
    ours = shape_of(item for page in pages("2026") for item in page["items"])
    reference = shape_of([*real_items("2026"), *real_items("full")])
    reference.always = shape_of(real_items("2026")).always
    assert differences(ours, reference) == []


@needs_real_data
def test_errors_read_as_the_real_ones_word_for_word() -> None:
    made = world("2026")
    [limited] = real("shapes/joostlek*/rate_limit.json")
    [gone] = real("shapes/joostlek*/playlist_not_found.json")
    [posted] = real("shapes/errors_posted_in_issues.json")
    [expired] = [one["body"] for one in posted if one["status"] == 401]
    stale = seal(made, AccessToken("whoever", frozenset(), NOW))
    request = Request("GET", "/v1/me", NOW, {}, {"authorization": f"Bearer {stale}"})
    ours = [
        ask(replace(made, rate=0), "/v1/me").json(),
        ask(replace(made, faults=(Fault("*", status=429),)), "/v1/me").json(),
        ask(made, f"/v1/albums/{'0' * 22}").json(),
        answer(made, request)[0].json(),
    ]
    assert ours == [limited, limited, gone, expired]


# what holds within one answer, held against ours and the real ones alike

PLAYED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(?!000)\d{3})?Z")
DATES = {"day": r"\d{4}-\d\d-\d\d", "month": r"\d{4}-\d\d", "year": r"\d{4}"}


def broken_promises(page: dict[str, Any]) -> list[str]:
    times = [item["played_at"] for item in page["items"]]
    moments = [milliseconds(played_at) for played_at in times]
    query = dict(one.split("=") for one in page["href"].partition("?")[2].split("&") if one)
    onward = {"after": page["cursors"]["after"]} if "after" in query else {"before": page["cursors"]["before"]}
    url = f"{objects.API_URL}/me/player/recently-played"
    following = "&".join(f"{key}={value}" for key, value in sorted({**query, **onward}.items()))
    promises = {
        "newest first": moments == sorted(moments, reverse=True),
        "timestamps with milliseconds or none": all(PLAYED_AT.fullmatch(one) for one in times),
        "cursors are the newest and the oldest": page["cursors"]
        == {"after": str(moments[0]), "before": str(moments[-1])},
        "next goes on where this ends": page["next"] == f"{url}?{following}",
        "href is what was asked": page["href"].partition("?")[0] == url,
        "limit holds": len(times) <= page["limit"] == int(query.get("limit", 20)),
        "after is exclusive": min(moments) > int(query.get("after", 0)),
        "before is exclusive": max(moments) < int(query.get("before", 1 << 60)),
    }
    return [promise for promise, is_kept in promises.items() if not is_kept]


def misnamed(value: Any) -> list[str]:
    """Ids, links, addresses and dates that do not have the form that all real ones have."""
    inners = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [one for inner in inners for one in misnamed(inner)]
    if isinstance(value, dict):
        if {"id", "type", "uri"} <= value.keys():
            kind, id = value["type"], value["id"]
            names = {
                "uri": f"spotify:{kind}:{id}",
                "href": f"{objects.API_URL}/{kind}s/{id}",
                "external_urls": {"spotify": f"{objects.OPEN_URL}/{kind}/{id}"},
            }
            found += [f"{key} of {kind} {id}" for key, name in names.items() if value[key] != name]
            if not re.fullmatch("[0-9A-Za-z]{22}", id):
                found.append(f"id {id}")
        if "release_date" in value and not re.fullmatch(DATES[value["release_date_precision"]], value["release_date"]):
            found.append(f"release date {value['release_date']}")
        if "album_type" in value and value["album_type"] not in ("album", "single", "compilation"):
            found.append(f"album type {value['album_type']}")
        if "width" in value and not re.fullmatch(r"https://i\.scdn\.co/image/[0-9a-f]{40}", value["url"]):
            found.append(f"image {value['url']}")
        if "isrc" in value and not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", value["isrc"]):
            found.append(f"isrc {value['isrc']}")
    return found


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_page_keeps_its_promises(generation: str) -> None:
    assert [broken_promises(page) for page in pages(generation)] == [[], [], [], []]


@needs_real_data
def test_a_real_page_keeps_the_same_promises() -> None:
    broken = [broken_promises(page) for page in real_pages()]
    assert broken == [[]] * len(broken)


def test_things_are_named_as_they_are_everywhere() -> None:
    assert misnamed([pages("full"), everything("album", "full"), everything("artist", "full")]) == []


@needs_real_data
def test_real_things_are_named_the_same_way() -> None:
    singles = [*real("shapes/joostlek*/artist.json"), *real("shapes/joostlek*/get_album.json")]
    assert misnamed([real_pages(), real("2026/*.json"), singles]) == []
