"""Two listeners side by side: who may, and the numbers."""

import html
import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from support import ago, asked, change_world
from support.served import serving

from etl.simulator.catalogue import Catalogue
from etl.simulator.routes import Grant, Listener, Play
from etl.simulator.server import SimulatedSpotify
from etl.web.comparison import compared

ADA, BEN = "account-of-ada", "account-of-ben"


@pytest.fixture
def both(spotify: SimulatedSpotify, songs: Catalogue, brapped: Callable, database: str) -> Callable:
    """Ada and Ben, who play partly the same tracks, recorded; gives their listener_key by account id."""
    tracks = list(songs.tracks)
    plays = {
        ADA: [Play(track, ago(4 * number + 1)) for number, track in enumerate(tracks[:20])],
        BEN: [Play(track, ago(4 * number + 2)) for number, track in enumerate(tracks[10:30])],
    }
    world = spotify.world
    app = replace(world.app, redirect_uris=frozenset({"http://127.0.0.1/callback"}))
    listeners = [
        Listener(BEN, "ben", "Ben", plays=tuple(plays[BEN])),
        replace(world.listeners[0], plays=tuple(plays[ADA])),
    ]
    grants = {**world.refresh_tokens, "AQ-of-ben": Grant(BEN, ago(60))}
    change_world(spotify, app=app, listeners=tuple(listeners), refresh_tokens=grants)
    for changes in ({}, {"SPOTIFY_REFRESH_TOKEN": "AQ-of-ben"}):
        ran = brapped("plays", **changes)
        assert ran.returncode == 0, ran.stderr
    keys = dict(asked(database, "select listener_id, listener_key from listening.dim_listener"))
    return keys.__getitem__


def agree(database: str, *keys: int) -> None:
    for key in keys:
        asked(database, "insert into ops.web_setting (listener_key, is_open_to_comparison) values (%s, true)", key)


def test_two_who_agree_see_what_they_have_in_common(
    both: Callable, start: Callable, database: str, ask: Callable
) -> None:
    served = serving(start)
    ada, ben = served.visitor(), served.visitor()
    ada.log_in(ADA)
    ben.log_in(BEN)
    path = f"/compare/{both(BEN)}"
    assert ada.get(path).status_code == 404, "nobody has agreed"
    agree(database, both(ADA))
    assert ada.get(path).status_code == 404, "Ben has not agreed"
    assert "Nobody else here" in ada.get("/compare").text
    agree(database, both(BEN))
    assert "Ben" in ada.get("/compare").text
    page = ada.get(path)
    common = ask(
        "select track_name from listening.dim_track where track_key in (select track_key from listening.fact_play"
        " where listener_key = %s) and track_key in (select track_key from listening.fact_play where listener_key = %s)",
        both(ADA), both(BEN),
    )  # fmt: skip
    assert len(common) == 10 and page.status_code == 200
    for (name,) in common:
        assert name in html.unescape(page.text)
    counts = {
        key: dict(
            asked(database, "select recording_key, count(*) from listening.play_detail where is_30s and listener_key = %s"
                            " group by 1", key)
        )
        for key in (both(ADA), both(BEN))
    }  # fmt: skip
    mine, theirs = counts.values()
    product = sum(count * theirs.get(key, 0) for key, count in mine.items())
    share = product / math.sqrt(sum(n * n for n in mine.values()) * sum(n * n for n in theirs.values()))
    assert 0.3 < share < 0.7 and f'<p class="big">{100 * share:.0f} %</p>' in page.text
    asked(database, "delete from ops.web_setting where listener_key = %s", both(ADA))
    assert ada.get(path).status_code == 404 and ben.get(f"/compare/{both(ADA)}").status_code == 404
    assert ada.get(f"/compare/{both(ADA)}").status_code == 404, "not with oneself"


def rows(**counts: int) -> list[dict]:
    ranked = sorted(counts.items(), key=lambda one: -one[1])
    return [{"track_name": name, "artist_names": "X", "play_count": count} for name, count in ranked]


def test_the_share_is_the_cosine_of_the_play_counts() -> None:
    found = compared((rows(one=3, two=4), rows(one=6, three=8)), "track_name")
    assert found.share == pytest.approx(18 / (5 * 10))
    assert [(one.name, one.counts, one.ranks) for one in found.shared] == [("one", (3, 6), (2, 2))]
    assert found.only == (["two"], ["three"])
    assert compared((rows(one=3), rows(one=9)), "track_name").share == 1
    assert compared((rows(one=3), []), "track_name").share == 0
    assert math.isclose(compared((rows(one=1), rows(two=1)), "track_name").share, 0)
