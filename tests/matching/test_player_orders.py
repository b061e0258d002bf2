"""What the recorder saw of a day, what Spotify's list says of it, and what the export does: one play a listen, in every
order of arrival."""

import shutil
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from support import NOW, asked, change_world, fresh_database, settings_of
from support.cases import Song, exported, told, watched
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


# A play whose end nobody saw for long: the recorder was killed, or the computer slept.

SONG, NEXT = Song("A", "Song"), Song("B", "Tune", ("Bob",), 180_000)


def unseen_end(seconds: float, started: float, song: Song = SONG) -> dict[str, Any]:
    """A play of the recorder that ended at some moment that nobody saw; in seconds from NOW."""
    return {**watched(seconds, song), "started_at": NOW + timedelta(seconds=started), "ms_played": None}


@pytest.mark.parametrize("ended_s", [-120.0, -90.0, -20.0, 0.0, 80.0])
@pytest.mark.parametrize("seen_s", [-110.0, 0.0])  # the recorder dates it to its last sight, or to its next answer
def test_an_end_that_nobody_saw_is_the_one_that_another_source_knows(record, ask, ended_s, seen_s):
    """It began 120 s before NOW, and is 200 s long."""
    player = [unseen_end(seen_s, -120.0)]
    page = [told(ended_s, SONG), told(ended_s + 180, NEXT)]
    export = [exported(round(ended_s), SONG, round(120 + ended_s) * 1000, start=-120)]
    for order in permutations((player, page, export)):
        record.forget()
        record.load(*order)
        plays = ask(
            "select track_uri, played_at, ms_played, sources from listening.fact_play"
            " join listening.dim_track using (track_key) join listening.dim_play_profile using (play_profile_key)"
            " order by 2"
        )
        assert plays == [
            (SONG.uri, NOW + timedelta(seconds=ended_s), round(120 + ended_s) * 1000, ["extended_export", "player", "recently_played"]),
            (NEXT.uri, NOW + timedelta(seconds=ended_s + 180), None, ["recently_played"]),
        ]  # fmt: skip


def test_another_play_of_the_same_song_stays_one_of_its_own(record, ask):
    """Twice in a row, and again after half an hour: the recorder saw the beginning of the first."""
    batches = [unseen_end(-110.0, -120.0)], [told(80, SONG), told(280, SONG), told(1800, SONG)]
    for order in permutations(batches):
        record.forget()
        record.load(*order)
        assert ask(
            "select played_at, sources from listening.fact_play join listening.dim_play_profile using (play_profile_key)"
            " order by 1"
        ) == [
            (NOW + timedelta(seconds=80), ["player", "recently_played"]),
            (NOW + timedelta(seconds=280), ["recently_played"]),
            (NOW + timedelta(seconds=1800), ["recently_played"]),
        ]
