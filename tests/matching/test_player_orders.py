"""What the recorder saw of a day, what Spotify's list says of it, and what the export does: one play a listen, in every
order of arrival."""

import shutil
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

from support import asked, change_world, fresh_database, settings_of
from support.export_files import write_folder
from support.recorder_day import MORNING, MovedClocks, Time, actions_of_a_day, let_play, run_recorder

from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.jobs.recorder.flush import Mark, claim, flush
from etl.jobs.recorder.spool import Spool
from etl.settings import Settings
from etl.simulator.objects import Object
from etl.simulator.player import TruePlay
from etl.simulator.routes import Play
from etl.sources.player.observation import moment_of, unix_ms
from etl.warehouse.connection import Warehouse

EVENING = MORNING + timedelta(hours=20)
FACTS = """
    select
        played_at, track_uri, ms_played, sources, ms_played_basis, context_uri, device_name, platform, since_previous_ms
    from listening.fact_play
    join listening.dim_track using (track_key)
    join listening.dim_play_profile using (play_profile_key)
    join listening.dim_context using (context_key)
    join listening.dim_device using (device_key)
    order by 1, 2, 3
"""


def listed(plays: list[TruePlay]) -> tuple[Play, ...]:
    """What the list says: plays of thirty seconds and more, dated up to a second and a half off."""
    return tuple(
        Play(None, moment_of(play.ended_ms + 500 * (number % 4) - 500), item=item_of(play))
        for number, play in enumerate(plays)
        if play.heard_ms >= 30_000
    )


def item_of(play: TruePlay) -> Object:
    return play.item.body()


def rows(plays: list[TruePlay]) -> list[dict[str, Any]]:
    """What the extended export says: whole seconds."""
    return [
        {
            "ts": f"{moment_of(play.ended_ms):%Y-%m-%dT%H:%M:%SZ}",
            "ms_played": play.heard_ms,
            "platform": "ios",
            "spotify_track_uri": play.item.uri,
            "master_metadata_track_name": f"Song {play.item.letter}",
            "master_metadata_album_artist_name": "Ada's band",
            "master_metadata_album_album_name": "Album",
            "reason_start": "clickrow",
            "reason_end": "trackdone",
            "offline_timestamp": play.started_ms // 1000,
        }
        for play in plays
        if play.heard_ms > 0
    ]


def test_six_orders_give_the_same_plays(
    cluster, template, database, spotify, warehouse, tmp_path: Path, monkeypatch, no_pauses
):
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", no_pauses.append)
    nowhere = Warehouse("postgresql://nobody@127.0.0.1:1/nothing")
    time = Time(unix_ms(MORNING))
    spotify.clock, spotify.is_dated = time.true, True
    script = let_play(spotify, actions_of_a_day(5))
    settings = settings_of(database, spotify, brapped_home=tmp_path / "home")
    record_plays(settings, warehouse, lambda: MORNING)

    def cut_off() -> None:
        assert clocks.recorder is not None
        clocks.recorder.warehouse = nowhere

    clocks = MovedClocks(time, EVENING, cut_off)
    run_recorder(settings, warehouse, clocks)
    plays = script.plays(EVENING)
    [listener] = spotify.world.listeners
    export = write_folder(tmp_path / "export", {"Streaming_History_Audio_2026.json": rows(plays)})

    def player(settings: Settings, there: Warehouse, folder: Path) -> None:
        shutil.copytree(tmp_path / "home" / "recorder", folder)
        with Spool(folder) as spool:
            claim(there, [1], "x", "here", EVENING, is_takeover=False)
            flush(there, settings, spool, 1, Mark("x", None, 0, 0), EVENING)
            assert spool.waiting(1, 1) == []

    def page(settings: Settings, there: Warehouse, folder: Path) -> None:
        change_world(spotify, listeners=(replace(listener, plays=listed(plays)),))
        time.now_ms = unix_ms(EVENING)
        record_plays(settings, there, lambda: EVENING)

    def exported(settings: Settings, there: Warehouse, folder: Path) -> None:
        import_exports(settings, there, [export], clock=lambda: EVENING)

    found = {}
    for number, order in enumerate(permutations((player, page, exported))):
        for url in fresh_database(cluster, template):
            own = settings_of(url, spotify)
            with closing(Warehouse(url)) as there:
                change_world(spotify, listeners=(replace(listener, plays=()),))
                time.now_ms = unix_ms(MORNING)
                record_plays(own, there, lambda: MORNING)
                for step in order:
                    step(own, there, tmp_path / f"spool-{number}")
                for step in order:  # told again, by what says the same again
                    if step is not player:
                        step(own, there, tmp_path)
            found[tuple(step.__name__ for step in order)] = asked(url, FACTS)
    first, *others = found.values()
    assert all(one == first for one in others)
    known = [play for play in plays if play.heard_ms > 0]
    assert len(first) == len(known) > 20  # one row a listen
    by_end = sorted((play.item.uri, play.heard_ms) for play in known)
    assert sorted((row[1], row[2]) for row in first) == by_end  # the export's milliseconds
    assert sum(row[3] == ["extended_export", "player", "recently_played"] for row in first) > 15
    assert {row[6] for row in first if "player" in row[3]} == {"Ada's phone", "Ada's laptop"}
    assert {row[5] for row in first if "player" in row[3]} == {"spotify:playlist:" + "c" * 22}
