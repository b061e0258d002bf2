"""What a person reads of Spotify's refusals: whole words, the useful half of a long one, and of what it is a refusal."""

import json

import pytest
from support import NOW, ago, change_world
from support.raw_server import raw_server, whole

from etl.jobs.dimensions import fill_dimensions
from etl.jobs.plays import record_plays
from etl.simulator.routes import Fault, Play
from etl.spotify.accounts import Accounts
from etl.spotify.api import Api
from etl.spotify.errors import Forbidden, NotFound, Refused, SpotifyError

PREMIUM = (
    "Active premium subscription required for the owner of the app. When the subscription status changes, it can take a few"
    " hours before requests are allowed again."
)
PAGE = "/v1/me/player/recently-played"

pytestmark = pytest.mark.usefixtures("no_pauses")


def error(status: int, message: object) -> bytes:
    return json.dumps({"error": {"status": status, "message": message}}).encode()


def answered(status: int, body: bytes, ask=lambda api: api.recently_played()) -> SpotifyError:
    with raw_server(whole(body, status=f"{status} No")) as server, pytest.raises(SpotifyError) as raised:
        ask(Api(server.url, lambda: "token"))
    return raised.value


def test_a_long_refusal_keeps_its_useful_half(brapped, spotify) -> None:
    change_world(spotify, faults=(Fault("/v1/*", status=403, body=error(403, PREMIUM)),))
    [line] = brapped("plays").stderr.splitlines()
    assert line == f"brapped: Spotify refuses the request: {PREMIUM} The owner of the app needs Spotify Premium."


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("word " * 100, f"{'word ' * 46}word…"),
        ("w" * 999, f"{'w' * 239}…"),
        ("It ends.", "It ends."),
        ("It does not", "It does not."),
        ("", "Forbidden."),
        (None, "Forbidden."),
    ],
)
def test_a_refusal_is_whole_words_and_ends_once(message, expected) -> None:
    refused = answered(403, error(403, message))
    assert isinstance(refused, Forbidden) and str(refused) == f"Spotify refuses the request: {expected}"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, error(400, "Bad request"), "Spotify refuses the request: 400 Bad request."),
        (400, error(400, "Bad request."), "Spotify refuses the request: 400 Bad request."),
        (410, b"", "Spotify refuses the request: 410."),
        (401, b"", "Spotify refuses an access token that it has just issued (no reason given)."),
    ],
)
def test_a_refusal_without_words_has_no_hole_where_they_would_be(status, body, expected) -> None:
    assert str(answered(status, body)) == expected


def test_so_has_a_token_that_is_refused_without_words() -> None:
    with raw_server(whole(b"", status="400 No")) as server, pytest.raises(SpotifyError) as raised:
        Accounts(server.url, "id", "secret").client_credentials()
    assert str(raised.value) == "Spotify gave no token: 400."


QUESTIONS = {
    "me": lambda api: api.me(),
    "recently played": lambda api: api.recently_played(),
    "several": lambda api: api.several("artist", ["a", "b"]),
}


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_a_404_to_a_question_that_names_no_single_id_is_not_about_one(ask) -> None:
    refused = answered(404, error(404, "Not found."), ask)
    assert type(refused) is Refused
    assert str(refused).startswith("Spotify has no such endpoint: 404 Not found. This usually")


def test_a_404_to_a_question_about_an_id_is() -> None:
    refused = answered(404, error(404, "Not found."), lambda api: api.one("artist", "x"))
    assert type(refused) is NotFound and str(refused) == "Spotify does not know this id."


def test_the_run_that_meets_a_404_says_so_and_is_told_as_trouble_with_spotify(brapped, spotify, tmp_path) -> None:
    change_world(spotify, faults=(Fault(PAGE, status=404, body=error(404, "Not found.")),))
    output = tmp_path / "output"
    output.write_text("")
    stderr = brapped("plays", GITHUB_OUTPUT=str(output)).stderr
    assert "no such endpoint" in stderr and "this id" not in stderr
    assert '"cause": "spotify"' in output.read_text()


def test_genres_that_spotify_does_not_know_are_not_promised(
    brapped, settings, warehouse, spotify, play, songs, ask
) -> None:
    play(*(Play(track_id, ago(10 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:5])))
    record_plays(settings, warehouse, lambda: NOW)
    artists = ask("select artist_id from listening.dim_artist where artist_id is not null and artist_key > 0")
    change_world(
        spotify,
        faults=tuple(
            Fault(f"/v1/artists/{artist_id}", status=200, body=artist(artist_id), times=9) for (artist_id,) in artists
        ),
    )
    fill_dimensions(settings, warehouse, lambda: NOW)
    assert ask("select distinct genres, fetched_at is null from listening.dim_artist where artist_key > 0") == [
        (None, False)
    ]
    text = brapped("report", "top", "genres", "--min", "all").stdout
    assert "No genre of what was played is known. Spotify gives genres for few artists" in text
    assert "asks for them" not in text


def artist(artist_id: str) -> bytes:
    return json.dumps({"id": artist_id, "name": "Ann", "genres": None, "images": [], "type": "artist"}).encode()
