"""The player recorder against the simulated Spotify: what a day leaves in the warehouse, and what it costs."""

from datetime import timedelta
from pathlib import Path

import pytest
from support import settings_of
from support.recorder_day import MORNING, MovedClocks, Time, actions_of_a_day, let_play, run_recorder

from etl.jobs.plays import record_plays
from etl.sources.player.observation import unix_ms

DAY = timedelta(days=1)


@pytest.fixture
def settings(database, spotify, tmp_path: Path, warehouse):
    settings = settings_of(database, spotify, brapped_home=tmp_path / "home")
    record_plays(settings, warehouse, lambda: MORNING - DAY)  # somebody has logged in
    return settings


@pytest.fixture
def time(spotify) -> Time:
    time = Time(unix_ms(MORNING))
    spotify.clock, spotify.is_dated = time.true, True
    return time


FACTS = """
    select round(extract(epoch from played_at) * 1000)::bigint, track_uri, ms_played
    from listening.fact_play join listening.dim_track using (track_key) order by 1, 2
"""


@pytest.mark.parametrize("seed", range(3))
def test_a_day_is_recorded_as_it_was(settings, warehouse, spotify, time, ask, seed):
    script = let_play(spotify, actions_of_a_day(seed))
    run_recorder(settings, warehouse, MovedClocks(time, MORNING + DAY))
    true = [play for play in script.plays(MORNING + DAY) if play.heard_ms >= 30_000]
    facts = ask(FACTS)
    close = 0
    seen = [play for play in true if play.sights]  # the first after a silence can be over before the next question
    for play in seen:
        near = [one for one in facts if one[1] == play.item.uri and abs(one[0] - play.ended_ms) <= 150_000]
        assert len(near) == 1, play
        [(ended_ms, _, ms)] = near
        close += abs(ended_ms - play.ended_ms) <= 5_000 and abs(ms - play.heard_ms) <= 5_000
    assert close >= 0.85 * len(seen) > 12  # where two things happen between two questions, nobody can know
    assert len(seen) >= 0.8 * len(true)
    for ended_ms, uri, ms in facts:
        assert any(
            play.item.uri == uri and play.started_ms - 3_000 <= ended_ms <= play.ended_ms + 300_000
            for play in script.plays(MORNING + DAY)
        ), (ended_ms, uri, ms)
