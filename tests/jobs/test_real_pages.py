"""Real answers of Spotify, served to `brapped plays` in time order: each listen once, counted by other means than ours.

The other means: plain Python over the files. Within one page, items of a track less than a second apart are one listen.
Between two pages of one time the longest common sequence of tracks says which listens they share, wherever Spotify moved
their dates to; no time but "within a minute" goes into it.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from support import NOW, real_data

from etl.jobs.plays import record_plays
from etl.simulator.routes import Fault

RECENTLY_PLAYED = "/v1/me/player/recently-played"


def items_of(path: Path) -> list[dict]:
    body = json.loads(path.read_text(encoding="utf-8"))
    return body if isinstance(body, list) else body["items"]


def told(items: list[dict]) -> list[tuple[datetime, str]]:
    return sorted((datetime.fromisoformat(item["played_at"]), item["track"]["id"]) for item in items)


def listens(plays: list[tuple[datetime, str]]) -> list[tuple[datetime, str]]:
    """Each play once: of a track told again within a second, the first."""
    found: list[tuple[datetime, str]] = []
    latest: dict[str, datetime] = {}
    for played_at, track_id in sorted(set(plays)):
        if track_id not in latest or played_at - latest[track_id] >= timedelta(seconds=1):
            found.append((played_at, track_id))
        latest[track_id] = played_at
    return found


def shared(one: list[tuple[datetime, str]], other: list[tuple[datetime, str]]) -> int:
    """How many listens two pages share: their longest common sequence of tracks, each pair within a minute."""
    best = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for row, (at, track_id) in enumerate(one, start=1):
        for column, (other_at, other_id) in enumerate(other, start=1):
            is_same = track_id == other_id and abs(at - other_at) < timedelta(minutes=1)
            best[row][column] = max(
                best[row - 1][column], best[row][column - 1], best[row - 1][column - 1] + 1 if is_same else 0
            )
    return best[-1][-1]


def serve(spotify, *bodies: bytes) -> None:
    """Lets the next pages asked for be these, byte for byte."""
    faults = tuple(
        Fault(RECENTLY_PLAYED, status=200, headers={"Content-Type": "application/json"}, body=body) for body in bodies
    )
    spotify.change(lambda world: replace(world, faults=faults))


def page_of(items: list[dict]) -> bytes:
    return json.dumps({"items": items, "next": None, "cursors": None, "limit": 50}).encode()


def asked_at(path: Path) -> str:
    return path.name.split("_")[0]


def record(brapped, spotify, paths: list[Path]) -> None:
    """Runs `brapped plays` once for each page, in a process of its own."""
    for path in sorted(paths, key=asked_at):
        body = path.read_bytes()
        serve(spotify, page_of(json.loads(body)) if body.lstrip().startswith(b"[") else body)
        ran = brapped("plays")
        assert ran.returncode == 0, ran.stderr


def test_hourly_pages_give_exactly_the_plays_of_their_union(brapped, spotify, ask):
    paths = list(real_data("api/pages").glob("*.json"))
    union = listens([play for path in paths for play in told(items_of(path))])
    record(brapped, spotify, paths)

    rows = ask("select played_at, track_id from listening.fact_play join listening.dim_track using (track_key)")
    assert sorted(rows) == union
    assert len(union) == 67
    assert ask("select count(*) from ops.coverage where state = 'gap'") == [(0,)]


def test_odd_pages_give_each_listen_once(brapped, spotify, ask):
    paths = list(real_data("api/odd-pages").glob("*.json"))
    union = listens([play for path in paths for play in told(items_of(path))])
    record(brapped, spotify, paths)

    rows = ask("select played_at, track_id from listening.fact_play join listening.dim_track using (track_key)")
    assert sorted(rows) == union
    assert len(union) == 111


@pytest.mark.parametrize(("pair", "count"), [("2023-10", 51), ("2026-05", 52)])
def test_plays_that_spotify_re_dated_are_counted_once(pair, count, brapped, spotify, ask):
    paths = sorted(real_data("api/redated").glob(f"{pair}*.json"))
    one, other = (listens(told(items_of(path))) for path in paths)
    expected = len(one) + len(other) - shared(one, other)
    record(brapped, spotify, paths)

    assert ask("select count(*) from listening.fact_play") == [(expected,)]
    assert expected == count
    per_track = dict(
        ask("select track_id, count(*) from listening.fact_play join listening.dim_track using (track_key) group by 1")
    )
    for track_id in {track_id for _, track_id in one + other}:
        in_one, in_other = ([play for play in page if play[1] == track_id] for page in (one, other))
        assert per_track[track_id] == len(in_one) + len(in_other) - shared(in_one, in_other)


def test_re_dated_pages_served_again_and_backwards_change_nothing(settings, warehouse, spotify, ask):
    for pair in ("2023-10", "2026-05"):
        paths = sorted(real_data("api/redated").glob(f"{pair}*.json"))
        for path in [*paths, *paths, *reversed(paths)]:
            serve(spotify, page_of(items_of(path)))
            record_plays(settings, warehouse, lambda: NOW)

    assert ask("select count(*) from listening.fact_play") == [(51 + 52,)]


def test_a_fortnight_of_another_listener_asked_every_four_hours(settings, warehouse, spotify, ask):
    [path] = real_data("api/2026").glob("*.json")
    items = sorted(items_of(path), key=lambda item: datetime.fromisoformat(item["played_at"]))
    moment = datetime.fromisoformat(items[0]["played_at"])
    end = datetime.fromisoformat(items[-1]["played_at"]) + timedelta(hours=4)
    new = 0
    while moment < end:
        moment += timedelta(hours=4)
        window = [item for item in items if datetime.fromisoformat(item["played_at"]) <= moment][-50:]
        serve(spotify, page_of(window[::-1]))
        new += int(record_plays(settings, warehouse, lambda: moment).line.split()[0])  # noqa: B023

    union = listens(told(items))
    rows = ask("select played_at, track_id from listening.fact_play join listening.dim_track using (track_key)")
    assert sorted(rows) == union
    assert len(union) == new == 426
    assert ask("select count(*) from ops.coverage where state = 'gap'") == [(0,)]


SHAPES = {
    "joostlek__python-spotify/recently_played_tracks.json": 48,
    "JMPerez__spotify-web-api-js/recently_played_tracks.json": 2,
    "zmb3__spotify/player_recently_played.txt": 20,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_pages_of_every_generation_become_plays_and_whole_dimensions(shape, settings, warehouse, spotify, ask):
    path = real_data("api/shapes") / shape
    serve(spotify, path.read_bytes())
    record_plays(settings, warehouse, lambda: NOW)

    items = items_of(path)
    union = listens(told(items))
    rows = ask("select played_at, track_id from listening.fact_play join listening.dim_track using (track_key)")
    assert sorted(rows) == union
    assert len(items) == SHAPES[shape]
    tracks = {item["track"]["id"]: item["track"] for item in items}
    assert sorted(
        ask("select track_id, track_name, duration_ms from listening.dim_track where track_key > 0")
    ) == sorted((key, one["name"], one["duration_ms"]) for key, one in tracks.items())
    by = {(key, artist["name"]) for key, one in tracks.items() for artist in one["artists"]}
    assert by == set(
        ask(
            "select track_id, artist_name from listening.bridge_track_artist"
            " join listening.dim_track using (track_key) join listening.dim_artist using (artist_key)"
        )
    )
