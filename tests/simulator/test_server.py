"""The simulated Spotify over a real socket: connections, fates, holding, and a clean end."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from support.simulated_spotify import ADA, NOW, PLAYED, SONG, minutes_ago, token_for, world

from etl.simulator.routes import Fault, Play, World
from etl.simulator.server import Call, SimulatedSpotify

TRACK = f"/tracks/{SONG}"


@pytest.fixture
def spotify() -> Iterator[SimulatedSpotify]:
    with SimulatedSpotify(world(Play(SONG, minutes_ago(5))), clock=lambda: NOW) as started:
        yield started


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.headers.update(token_for(world()))
        opened.trust_env = False
        yield opened


def get(session: requests.Session, url: str) -> requests.Response:
    return session.get(url, timeout=5)


def failing(spotify: SimulatedSpotify, *faults: Fault) -> None:
    spotify.change(lambda known: replace(known, faults=faults))


def test_a_listener_is_followed_from_the_token_to_the_plays(spotify: SimulatedSpotify) -> None:
    app = spotify.world.app
    bought = requests.post(
        f"{spotify.accounts_url}/api/token",
        data={"grant_type": "refresh_token", "refresh_token": "AQ-ada"},
        auth=(app.client_id, app.client_secret),
        timeout=5,
    )
    headers = {"Authorization": f"Bearer {bought.json()['access_token']}"}
    page = requests.get(f"{spotify.api_url}/me/player/recently-played?limit=50", headers=headers, timeout=5)
    assert page.headers["Content-Type"] == "application/json; charset=utf-8"
    assert [item["track"]["name"] for item in page.json()["items"]] == ["The Song"]
    following = requests.get(page.json()["next"], headers=headers, timeout=5)
    assert following.json()["items"] == []
    assert spotify.calls == [
        Call("POST", "/api/token", {}, 200, NOW),
        Call("GET", PLAYED, {"limit": "50"}, 200, NOW),
        Call("GET", PLAYED, {"limit": "50", "before": str(round(minutes_ago(5).timestamp() * 1000))}, 200, NOW),
    ]


def test_one_connection_carries_many_requests(spotify: SimulatedSpotify, session: requests.Session) -> None:
    sockets = set()
    for _ in range(5):
        given = session.get(spotify.api_url + TRACK, timeout=5, stream=True)
        sockets.add(given.raw.connection.sock.getsockname())  # type: ignore[union-attr]
        assert given.json()["name"] == "The Song"
    assert len(sockets) == 1


def test_an_error_is_an_answer_too(spotify: SimulatedSpotify, session: requests.Session) -> None:
    failing(spotify, Fault("*", status=429, headers={"Retry-After": "7"}))
    given = get(session, spotify.api_url + TRACK)
    assert (given.status_code, given.headers["Retry-After"]) == (429, "7")
    assert given.json() == {"error": {"status": 429, "message": "API rate limit exceeded"}}


def test_the_world_and_the_clock_can_change_while_it_runs(spotify: SimulatedSpotify, session: requests.Session) -> None:
    spotify.change(lambda known: known.with_plays(ADA.account_id, Play(SONG, NOW + timedelta(minutes=1))))
    spotify.clock = lambda: NOW + timedelta(minutes=2)
    page = get(session, f"{spotify.api_url}/me/player/recently-played").json()
    assert [item["played_at"] for item in page["items"]] == ["2026-11-20T12:01:00Z", "2026-11-20T11:55:00Z"]
    spotify.world = World()
    assert get(session, spotify.api_url + TRACK).status_code == 404


def test_a_truncated_answer_promises_more_than_it_brings(spotify: SimulatedSpotify, session: requests.Session) -> None:
    failing(spotify, Fault("*", fate="truncated"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        get(session, spotify.api_url + TRACK)
    assert get(session, spotify.api_url + TRACK).status_code == 200


def test_a_reset_connection_brings_no_answer(spotify: SimulatedSpotify, session: requests.Session) -> None:
    failing(spotify, Fault("*", fate="reset"))
    with pytest.raises(requests.ConnectionError, match="Connection reset by peer"):
        get(session, spotify.api_url + TRACK)
    assert get(session, spotify.api_url + TRACK).status_code == 200


def test_silence_lasts_until_the_client_gives_up(spotify: SimulatedSpotify, session: requests.Session) -> None:
    failing(spotify, Fault("*", fate="silent"))
    with pytest.raises(requests.ReadTimeout):
        session.get(spotify.api_url + TRACK, timeout=0.1)
    assert get(session, spotify.api_url + TRACK).status_code == 200


def test_a_held_request_waits_and_others_pass(spotify: SimulatedSpotify, session: requests.Session) -> None:
    given: list[int] = []
    asking = threading.Thread(target=lambda: given.append(get(session, spotify.api_url + TRACK).status_code))
    with spotify.holding("/v1/tracks/*") as held:
        asking.start()
        assert held.arrived.wait(5)
        other = requests.get(f"{spotify.api_url}/me", headers=token_for(world()), timeout=5)
        assert (other.status_code, given) == (200, [])
        held.release()
        asking.join(5)
    assert given == [200]
    assert [call.path for call in spotify.calls] == ["/v1/me", f"/v1{TRACK}"]


def test_a_client_can_be_killed_while_it_is_held(spotify: SimulatedSpotify) -> None:
    script = f"import urllib.request; urllib.request.urlopen({spotify.api_url + TRACK!r})"
    with spotify.holding("*") as held:
        client = subprocess.Popen([sys.executable, "-S", "-c", script])
        assert held.arrived.wait(10)
        client.kill()
        client.wait(5)


def test_stopping_frees_everybody_and_leaves_no_thread() -> None:
    threads = set(threading.enumerate())
    ended: list[str] = []

    def ask(path: str) -> None:
        try:
            requests.get(path, headers=token_for(world()), timeout=20)
        except requests.ConnectionError:
            ended.append("lost")
        else:
            ended.append("answered")

    with ExitStack() as later, SimulatedSpotify(world(faults=(Fault("/v1/me", fate="silent"),))) as spotify:
        idle = later.enter_context(requests.Session())
        get(idle, f"{spotify.api_url}/nowhere")
        held = later.enter_context(spotify.holding("/v1/tracks/*"))
        clients = [threading.Thread(target=ask, args=(spotify.api_url + path,)) for path in ("/me", TRACK)]
        for client in clients:
            client.start()
        assert held.arrived.wait(5)
        while len(spotify.calls) < 2:
            time.sleep(0.001)
    for client in clients:
        client.join(5)
    assert sorted(ended) == ["answered", "lost"]
    assert set(threading.enumerate()) - threads == set()


def test_an_error_of_the_simulation_itself_is_not_swallowed() -> None:
    unknown = world(Play("0" * 22, minutes_ago(1)))
    spotify = SimulatedSpotify(unknown, clock=lambda: NOW)

    def ask() -> None:
        with spotify, pytest.raises(requests.ConnectionError):
            requests.get(f"{spotify.api_url}/me/player/recently-played", headers=token_for(unknown), timeout=5)

    with pytest.raises(KeyError, match="0000"):
        ask()


def test_it_is_quiet(spotify: SimulatedSpotify, session: requests.Session, capfd: pytest.CaptureFixture[str]) -> None:
    get(session, spotify.api_url + TRACK)
    get(session, f"{spotify.api_url}/nowhere")
    assert capfd.readouterr() == ("", "")
