"""Jobs that die, meet each other, or lose their database: run again, all is as if run once."""

import os
import random
import signal
import threading
import time
from dataclasses import replace

import pytest
from support import NOW, REFRESH_TOKEN, ago, asked
from support.table_locks import locked, wait_for_lock

from etl.simulator.routes import Grant, Play

PLAYS = "select played_at, track_id from listening.fact_play join listening.dim_track using (track_key) order by 1, 2"


@pytest.fixture
def heard(play, songs):
    """Thirty plays in two hours."""
    plays = [Play(track_id, ago(4 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:30])]
    play(*plays)
    return sorted((one.played_at, one.track_id) for one in plays)


@pytest.mark.parametrize("path", ["/api/token", "/v1/me", "/v1/me/player/recently-played"])
def test_plays_killed_while_spotify_answers(path, start, brapped, spotify, heard, ask):
    with spotify.holding(path) as held:
        process = start("plays")
        assert held.arrived.wait(30)
        process.kill()
        process.wait()
    assert ask(PLAYS) == []
    ran = brapped("plays")
    assert ran.stdout.startswith("30 of 30 plays are new"), ran.stderr
    assert ask(PLAYS) == heard


@pytest.mark.parametrize(
    "table",
    [
        "ops.login",
        "listening.dim_listener",
        "listening.dim_album",
        "listening.bridge_track_artist",
        "listening.dim_play_profile",
        "listening.fact_play",
        "ops.watermark",
        "ops.run",
    ],
)
def test_plays_killed_within_a_statement(table, start, brapped, database, heard, ask):
    with locked(database, table):
        process = start("plays")
        wait_for_lock(database, table)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ask(PLAYS) == []
    ran = brapped("plays")
    assert ran.stdout.startswith("30 of 30 plays are new"), ran.stderr
    assert ask(PLAYS) == heard
    assert ask("select count(*) from listening.dim_listener") == [(1,)]


def test_plays_killed_at_any_moment_while_the_record_grows(start, brapped, spotify, play, songs, ask):
    track_ids = list(songs.tracks)
    chance = random.Random(20261120)
    for number in range(8):
        play(Play(track_ids[number], ago(100 - number)))
        process = start("plays")
        time.sleep(chance.uniform(0.02, 0.5))
        process.kill()
        process.wait()
    brapped("plays")
    assert ask(PLAYS) == [(ago(100 - number), track_ids[number]) for number in range(8)]


def test_two_plays_at_the_same_moment(start, heard, ask, spotify):
    with spotify.holding("/v1/me/player/recently-played") as held:
        one, other = start("plays"), start("plays")
        assert held.arrived.wait(30)
        for _ in range(500):  # until the second has arrived too, or as good as
            if sum(call.path == "/api/token" for call in spotify.calls) == 2:
                break
            time.sleep(0.02)
    lines = sorted(process.communicate(timeout=60)[0].split(" are new")[0] for process in (one, other))
    assert [one.returncode, other.returncode] == [0, 0]
    assert lines == ["0 of 30 plays", "30 of 30 plays"]
    assert ask(PLAYS) == heard
    assert ask("select count(*) from listening.dim_listener") == [(1,)]


def test_two_plays_at_once_of_which_each_knows_all_tracks_record_a_play_once(
    start, brapped, database, spotify, play, heard, songs, ask
):
    brapped("plays")
    play(Play(next(iter(songs.tracks)), NOW))  # a track that is known: no other lock keeps the two apart
    with locked(database, "ops.watermark"):
        one, other = start("plays"), start("plays")
        wait_for_lock(database, "ops.watermark")
        for _ in range(100):  # until both are in the merge, the second of them at the door
            if ask("select count(*) from pg_locks where locktype = 'advisory' and not granted") == [(1,)]:
                break
            time.sleep(0.02)
    lines = sorted(process.communicate(timeout=60)[0].split(" are new")[0] for process in (one, other))
    assert lines == ["0 of 31 plays", "1 of 31 plays"]
    assert ask("select count(*) from listening.fact_play") == [(31,)]


def test_a_connection_cut_after_the_exchange_of_a_token_exchanges_no_second_one(start, database, spotify, heard, ask):
    spotify.change(lambda world: replace(world, rotate_refresh_tokens=True))
    ask("create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(60); return new; end'")
    ask(
        "create trigger slow before update of refresh_token_encrypted on ops.login for each row execute function slow()"
    )
    process = start("plays")
    backend: list[tuple] = []
    while not backend:
        backend = ask("select pid from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()")
        time.sleep(0.02)
    asked(database, "select pg_terminate_backend(%s)", backend[0][0])
    ask("drop trigger slow on ops.login")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert [call.path for call in spotify.calls].count("/api/token") == 1
    assert ask(PLAYS) == heard


def test_two_plays_at_once_when_spotify_rotates_tokens(start, spotify, heard, ask):
    spotify.change(lambda world: replace(world, rotate_refresh_tokens=True))
    processes = [start("plays") for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert ask(PLAYS) == heard


def test_two_first_runs_at_once_on_a_database_without_anything(empty_database, environment, start, spotify, heard):
    environment["DATABASE_URL"] = empty_database
    processes = [start("plays") for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert asked(empty_database, PLAYS) == heard


@pytest.mark.parametrize("table", ["ops.login", "listening.dim_track", "listening.fact_play", "ops.watermark"])
def test_a_connection_cut_in_mid_transaction_is_made_anew(table, start, database, heard, ask):
    with locked(database, table):
        process = start("plays")
        backend = wait_for_lock(database, table)
        assert asked(database, "select pg_terminate_backend(%s)", backend) == [(True,)]
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert out.startswith("30 of 30 plays are new")
    assert ask(PLAYS) == heard
    assert ask("select outcome, recorded_count from ops.run") == [("done", 30)]


def test_a_run_that_is_asked_to_stop_stops_and_records_nothing_by_half(start, brapped, database, heard, ask):
    with locked(database, "listening.fact_play"):
        process = start("plays")
        wait_for_lock(database, "listening.fact_play")
        process.terminate()
        threading.Timer(0.5, process.terminate).start()
    process.communicate(timeout=60)
    assert process.returncode != 0 or len(ask(PLAYS)) == 30
    brapped("plays")
    assert ask(PLAYS) == heard


def test_the_login_is_not_lost_when_a_run_dies_after_a_rotation(start, brapped, spotify, heard, ask):
    spotify.change(lambda world: replace(world, rotate_refresh_tokens=True))
    with spotify.holding("/v1/me") as held:
        process = start("plays")
        assert held.arrived.wait(30)
        process.kill()
        process.wait()
    assert spotify.world.refresh_tokens[REFRESH_TOKEN].is_revoked
    ran = brapped("plays")
    assert ran.returncode == 0, ran.stderr
    assert ask(PLAYS) == heard


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a Unix")
def test_dimensions_killed_in_the_middle_lose_a_slice_at_most(start, brapped, spotify, heard, ask):
    brapped("plays")
    wanted = ask("select count(*) from listening.dim_artist where fetched_at is null")[0][0]
    assert wanted > 5
    with spotify.holding("/v1/artists/*") as held:
        process = start("dimensions")
        assert held.arrived.wait(30)
        process.kill()
        process.wait()
    booked = ask("select sum(call_count) from ops.catalogue_call")[0][0]
    assert booked >= 1, "calls of a killed run count, whether they were made or not"
    assert brapped("dimensions").stdout == "another run is filling the dimensions; nothing to do\n"

    asked_database = "update ops.lease set expires_at = now()"
    ask(asked_database)
    ran = brapped("dimensions")

    assert ran.returncode == 0, ran.stderr
    assert ask("select count(*) from listening.dim_artist where fetched_at is null") == [(0,)]


def test_dimensions_never_keep_plays_waiting(start, brapped, spotify, heard, play, songs, ask):
    brapped("plays")
    with spotify.holding("/v1/artists/*") as held:
        process = start("dimensions")
        assert held.arrived.wait(30)
        play(Play(list(songs.tracks)[40], NOW))
        ran = brapped("plays")
        assert ran.stdout.startswith("1 of 31 plays are new"), ran.stderr
        assert process.poll() is None
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_second_login_of_the_same_listener_goes_on_with_the_same_record(brapped, spotify, heard, ask):
    brapped("plays")
    grants = {"another": Grant("account-of-ada", ago(9))}
    spotify.change(lambda world: replace(world, refresh_tokens=grants))
    ran = brapped("plays", SPOTIFY_REFRESH_TOKEN="another")
    assert ran.stdout.startswith("0 of 30 plays are new"), ran.stderr
    assert ask("select count(*) from listening.dim_listener") == [(1,)]
