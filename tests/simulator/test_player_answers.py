"""What the simulated player answers: over HTTP, with the shape of real answers, and with what can go wrong."""

import json
from dataclasses import replace
from typing import Any

import pytest
from support import REAL_DATA
from support.simulated_spotify import ADA, minutes_ago, token_for, world

from etl.simulator.player import Item, PlayerScript, SimulatedPlayer
from etl.simulator.routes import Answer, Request, answer
from etl.simulator.world import PLAYBACK_STATE, RECENTLY_PLAYED
from etl.sources.player.observation import unix_ms

TRACK, EPISODE, LOCAL = Item("T", 200_000), Item("E", 900_000, "episode"), Item("L", 100_000, "local")
AT = minutes_ago(0)


def asked(
    *actions: tuple[int, Any], minutes: float = 1, scopes: tuple[str, ...] = (PLAYBACK_STATE,), **query: str
) -> Answer:
    """The answer so many minutes after the script began."""
    start = minutes_ago(minutes)
    script = PlayerScript(lambda: SimulatedPlayer(unix_ms(start)), [(unix_ms(start) + at, act) for at, act in actions])
    there = world(listeners=(replace(ADA, player=script),))
    request = Request("GET", "/v1/me/player", AT, query, token_for(there, ADA.account_id, *scopes))
    return answer(there, request)[0]


def test_what_plays_is_shown_with_where_it_is():
    body = asked((0, lambda player: player.play(TRACK))).json()
    assert (body["item"]["uri"], body["progress_ms"], body["is_playing"]) == (TRACK.uri, 60_000, True)


@pytest.mark.parametrize(("query", "is_shown"), [({}, False), ({"additional_types": "track,episode"}, True)])
def test_an_episode_is_shown_to_those_who_ask_for_episodes(query, is_shown):
    body = asked((0, lambda player: player.play(EPISODE)), **query).json()
    assert body["currently_playing_type"] == "episode" and (body["item"] is not None) == is_shown


@pytest.mark.parametrize(
    "act", [lambda player: None, lambda player: player.go_private(True), lambda player: player.stop()]
)
def test_nothing_is_shown_of_a_player_that_is_not_used_or_private(act):
    assert asked((0, act)).status == 204


def test_a_paused_player_is_shown_for_two_minutes():
    actions = (0, lambda player: player.play(TRACK)), (10_000, lambda player: player.pause())
    assert asked(*actions, minutes=2).json()["is_playing"] is False
    assert asked(*actions, minutes=3).status == 204


def test_a_login_without_the_scope_is_refused():
    given = asked(scopes=(RECENTLY_PLAYED,))
    assert (given.status, given.json()["error"]["message"]) == (401, "Permissions missing")


def kinds(value: Any, path: str = "") -> set[tuple[str, str]]:
    """Path and type of every value of an answer. null counts for nothing: it stands for any type."""
    if isinstance(value, dict):
        return {pair for key, one in value.items() for pair in kinds(one, f"{path}.{key}")}
    if isinstance(value, list):
        return {pair for one in value for pair in kinds(one, f"{path}[]")}
    return set() if value is None else {(path, type(value).__name__)}


def test_every_field_has_the_type_that_it_has_in_real_answers():
    path = REAL_DATA / "player" / "player_states.json"
    if not path.exists():
        pytest.skip("real answers are not here")
    real = {pair for one in bodies(json.loads(path.read_text("utf-8"))) for pair in kinds(one)}
    types: dict[str, set[str]] = {}
    for place, kind in real:
        types.setdefault(place, set()).add(kind)
    shown = {
        pair
        for item in (TRACK, EPISODE)
        for pair in kinds(
            asked((0, lambda player, item=item: player.play(item)), additional_types="track,episode").json()
        )
    }
    wrong = {(place, kind) for place, kind in shown if place in types and kind not in types[place]}
    assert wrong == set()
    known = {place for place, _ in shown if place in types}
    assert {".progress_ms", ".is_playing", ".timestamp", ".device.name"} <= known


def bodies(value: Any) -> list[Any]:
    """Every object in a document that looks like a state of a player."""
    if isinstance(value, dict):
        own = [value] if "currently_playing_type" in value else []
        return own + [one for inner in value.values() for one in bodies(inner)]
    return [one for inner in value for one in bodies(inner)] if isinstance(value, list) else []
