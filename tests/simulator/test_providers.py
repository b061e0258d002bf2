"""The simulated providers answer in the shapes of the real ones, and refuse what those refuse."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from etl.simulator.catalogue import catalogue
from etl.simulator.providers import Profile, ProviderWorld, Recording, answer, features_of, made_up_providers, mbid_of
from etl.simulator.world import Answer, Request

REAL = Path(os.environ.get("BRAPPED_REAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "providers"
needs_shapes = pytest.mark.skipif(not REAL.is_dir(), reason="no shapes of providers here: BRAPPED_REAL_DATA names none")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ONE, TWO, SINGER = (letter * 22 for letter in "ABS")
ISRC = "USUG12103683"
WORLD = ProviderWorld(
    (
        Recording(ONE, ISRC, 200_000, features_of(ONE), tempo=120.5, is_at_deezer=True),
        Recording(TWO, ISRC, 260_000, features_of(TWO)),
    ),
    (
        Profile(
            SINGER,
            "Singer",
            mbid_of(SINGER),
            "GB",
            (("trip hop", 3, True), ("wow", 1, False)),
            ("trip hop",),
            (("pop", 9),),
        ),
    ),
    lastfm_key="k",
)
NAMED = {"user-agent": "brapped/0 ( https://example.org )"}


def get(path: str, world: ProviderWorld = WORLD, *, form: Mapping[str, str] | None = None, **query: Any) -> Answer:
    pairs = parse_qsl(urlencode(query, doseq=True))
    return answer(world, Request("GET", path, NOW, dict(pairs), NAMED, form or {}, tuple(pairs)))[0]


def real(name: str, *path: Any) -> Any:
    """A part of a recorded answer; a key may be given by its beginning."""
    found = json.loads((REAL / f"{name}.json").read_text(encoding="utf-8"))
    for step in path:
        found = found[step if isinstance(step, int) else next(key for key in found if key.startswith(step))]
    return found


def kinds(value: Any) -> Any:
    """The shape of a JSON value: keys, and of what kind their values are; a list by its first entry."""
    if isinstance(value, dict):
        return {key: kinds(one) for key, one in value.items()}
    if isinstance(value, list):
        return [kinds(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def lacking(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """Where ours says something that theirs does not say, or of another kind."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            one
            for key, value in ours.items()
            for one in (lacking(value, theirs[key], f"{place}.{key}") if key in theirs else [f"{place}.{key}"])
        ]
    if isinstance(ours, list) and isinstance(theirs, list):
        return lacking(ours[0], theirs[0], f"{place}[]") if ours and theirs else []
    return [] if ours == theirs else [place]


@needs_shapes
@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        (lambda: get("/reccobeats/v1/audio-features", ids=[ONE]), ("reccobeats", "GET /v1/audio-features")),
        (lambda: get("/reccobeats/v1/track", ids=[ONE]), ("reccobeats", "GET /v1/track?")),
        (lambda: get(f"/deezer/track/isrc:{ISRC}"), ("deezer", "GET https://api.deezer.com/track")),
        (lambda: get("/deezer/track/isrc:ZZ"), ("deezer", "errors", 0)),
        (
            lambda: get("/musicbrainz/ws/2/url", resource=[f"https://open.spotify.com/artist/{SINGER}", "x"]),
            ("musicbrainz", "GET /ws/2/url"),
        ),
        (
            lambda: get("/listenbrainz/1/metadata/artist/", artist_mbids=mbid_of(SINGER)),
            ("listenbrainz_metadata_artist",),
        ),
        (lambda: get("/wikidata/sparql", form={"query": f'"{SINGER}"'}), ("others", "wikidata")),
        (lambda: get("/lastfm/2.0/", api_key="k", artist="Singer"), ("others", "lastfm artist")),
        (lambda: get("/lastfm/2.0/", api_key="k", artist="Nobody"), ("others", "lastfm errors", 0)),
    ],
)
def test_an_answer_says_nothing_that_the_real_one_does_not_say(said, recorded):
    given = said()
    assert given.status == 200
    ours, theirs = kinds(given.json()), kinds(real(*recorded))
    assert ours and theirs
    if recorded == ("others", "wikidata"):  # the recorded query asks for no country
        [row] = ours["results"]["bindings"]
        row.pop("country")
        assert ours["head"]["vars"] == theirs["head"]["vars"]
    assert lacking(ours, theirs) == []


@needs_shapes
def test_features_have_every_column_that_the_real_ones_have():
    [row] = get("/reccobeats/v1/audio-features", ids=[ONE]).json()["content"]
    assert kinds(row) == kinds(real("reccobeats", "GET /v1/audio-features", "content", 0))


def test_reccobeats_leaves_unknown_ids_out_and_takes_forty():
    content = get("/reccobeats/v1/audio-features", ids=["Z" * 22, TWO, ONE]).json()["content"]
    assert {row["href"][-22:] for row in content} == {ONE, TWO}
    assert get("/reccobeats/v1/audio-features", ids=["Z" * 22]).json() == {"content": []}
    assert get("/reccobeats/v1/audio-features", ids=[ONE] * 40).status == 200
    assert get("/reccobeats/v1/audio-features", ids=[ONE] * 41).status == 400
    assert get("/reccobeats/v1/audio-features").status == 400
    assert len(get("/reccobeats/v1/audio-features", ids=[ISRC]).json()["content"]) == 2


def test_reccobeats_rows_come_in_an_order_of_their_own():
    ids = [f"{number:022}" for number in range(20)]
    world = ProviderWorld(tuple(Recording(one, None, 1, features_of(one)) for one in ids))
    content = get("/reccobeats/v1/audio-features", world, ids=ids).json()["content"]
    assert [row["href"][-22:] for row in content] != ids and len(content) == 20


def test_musicbrainz_has_another_shape_for_one_address_and_refuses_a_second_call_within_a_second():
    address = f"https://open.spotify.com/artist/{SINGER}"
    assert get("/musicbrainz/ws/2/url", resource=[address]).json()["resource"] == address
    assert get("/musicbrainz/ws/2/url", resource=["x"]).status == 404
    assert get("/musicbrainz/ws/2/url", resource=["x", "y"]).json() == {"url-count": 0, "url-offset": 0, "urls": []}
    assert get("/musicbrainz/ws/2/url", resource=["x"] * 101).status == 400
    _, after = answer(WORLD, Request("GET", "/musicbrainz/ws/2/url", NOW, headers=NAMED))
    soon = Request("GET", "/musicbrainz/ws/2/url", NOW + timedelta(seconds=0.9), headers=NAMED)
    assert answer(after, soon)[0].status == 503
    assert answer(replace(after, is_strict=False), soon)[0].status == 200


@pytest.mark.parametrize(
    ("path", "agent"), [("/reccobeats/v1/audio-features", "Python-urllib/3.13"), ("/musicbrainz/ws/2/url", "brapped")]
)
def test_who_does_not_say_who_they_are_is_refused(path, agent):
    request = Request("GET", path, NOW, {"ids": ONE}, {"user-agent": agent}, {}, (("ids", ONE),))
    assert answer(WORLD, request)[0].status == 403


def test_a_wrong_key_is_refused_with_status_200_and_an_unknown_path_is_a_404():
    assert get("/lastfm/2.0/", api_key="x", artist="Singer").json()["error"] == 10
    assert get("/nobody/1").status == 404


def test_what_is_made_up_is_within_the_documented_ranges_and_the_same_again():
    made = made_up_providers(catalogue())
    assert made == made_up_providers(catalogue())
    shares = [one.features is None for one in made.recordings]
    assert 0.1 < sum(shares) / len(shares) < 0.3
    for one in made.recordings:
        for name, value in (one.features or {}).items():
            least, most = {"loudness": (-60, 0), "tempo": (40, 250), "key": (-1, 11)}.get(name, (0, 1))
            assert least <= value <= most, name
