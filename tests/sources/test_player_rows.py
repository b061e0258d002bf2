"""The recorder's observations in the warehouse: one play each, with device, context and milliseconds; twice is once."""

from datetime import UTC, datetime, timedelta

import pytest
from support import NOW, asked

from etl.simulator.player import Item, SimulatedPlayer
from etl.sources.player.answer import read_answer
from etl.sources.player.observation import Observation, moment_of, observation_tables, unix_ms
from etl.sources.player.session import Moment, step
from etl.sources.player.state import State
from etl.warehouse.load import copy, stage
from etl.warehouse.merge import merge_catalogue, merge_plays
from etl.warehouse.statements import run

BEGAN = NOW - timedelta(hours=2)
EPISODE, TRACK, LOCAL = Item("E", 600_000, "episode"), Item("A", 200_000), Item("L", 210_000, "local")


def recorded() -> list[Observation]:
    """An episode left after a minute, a track on a speaker, a local file on a phone, asked every 20 seconds."""
    player = SimulatedPlayer(unix_ms(BEGAN))
    state, observations = State(), []

    def ask_for(seconds: int) -> None:
        nonlocal state
        for _ in range(seconds // 20):
            player.advance(20_000)
            at = datetime.fromtimestamp(player.now_ms / 1000, UTC)
            state, finished = step(state, Moment(at), read_answer(*player.answer()))
            observations.extend(finished)

    ask_for(20)
    player.play(EPISODE)
    ask_for(60)
    player.device, player.shuffle = "speaker", True
    player.play(TRACK)
    ask_for(200)
    player.device = "phone"
    player.play(LOCAL)
    ask_for(60)
    player.pause()
    ask_for(200)
    return observations


def test_observations_of_the_player_become_plays(warehouse, database):
    observations = recorded()
    for _ in range(2):
        tables, details = observation_tables(observations, NOW)
        with warehouse.engine.begin() as connection:
            [row] = run(
                connection,
                "dimensions/listener",
                listener_id="me",
                stand_ins=[],
                listener_name=None,
                time_zone="UTC",
                created_at=NOW,
            )
            stage(connection, tables)
            copy(connection, "staging_play_detail", details)
            merge_catalogue(connection)
            merge_plays(connection, listener_key=row.listener_key, now=NOW)
    rows = asked(
        database,
        "select track_uri, content_type, played_at, ms_played, context_uri, device_id, device_name, device_type,"
        " is_shuffle, is_private, ms_played_basis, sources, started_at, duration_ms"
        " from listening.fact_play"
        " join listening.observation using (listener_key, play_key)"
        " join listening.dim_track on dim_track.track_key = fact_play.track_key"
        " join listening.dim_context on dim_context.context_key = fact_play.context_key"
        " join listening.dim_device on dim_device.device_key = fact_play.device_key"
        " join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key"
        " order by played_at".replace("played_at, ms_played", "fact_play.played_at, fact_play.ms_played", 1),
    )
    playlist, told = "spotify:playlist:" + "c" * 22, (False, "measured", ["player"])
    phone, speaker = ("p" * 40, "Ada's phone", "Smartphone"), (None, "Kitchen", "Speaker")

    def at(seconds: int) -> datetime:
        return BEGAN + timedelta(seconds=seconds)

    assert rows == [
        (EPISODE.uri, "episode", at(80), 60_000, playlist, *phone, False, *told, at(20), 600_000),
        (TRACK.uri, "track", at(280), 200_000, playlist, *speaker, True, *told, at(80), 200_000),
        (LOCAL.uri, "local", at(340), 60_000, playlist, *phone, True, *told, at(280), 210_000),
    ]


@pytest.mark.parametrize(("late_ms", "known"), [(0, True), (30_000, True), (120_000, False), (700_000, False)])
def test_milliseconds_are_kept_only_where_the_end_was_seen(late_ms, known):
    """It plays for a minute; the next answer, so long after the last one, says that nothing plays."""
    player, state = SimulatedPlayer(unix_ms(NOW)), State()
    player.play(TRACK)
    for seconds in (1, 31, 61):
        player.advance(unix_ms(NOW) + seconds * 1000 - player.now_ms)
        state, _ = step(state, Moment(moment_of(player.now_ms)), read_answer(*player.answer()))
    _, [one] = step(state, Moment(moment_of(player.now_ms + max(late_ms, 1))), read_answer(204, None))
    tables, _ = observation_tables([one], NOW)
    [row] = tables["staging_play"].values["ms_played"]
    assert (row is not None) == known
    assert one.ms_played >= 60_000
