"""How little the hourly job asks of the database when Spotify's list brings nothing new, and that it misses nothing by that."""

import copy
import json
import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy.engine import make_url
from support import NOW, REFRESH_TOKEN, ago, change_world, in_cluster, settings_of
from support.wire_count import counted

from etl.jobs.monitored import monitored
from etl.jobs.plays import record_plays
from etl.simulator.routes import Fault, Play
from etl.warehouse.connection import Warehouse

PAGE = "/v1/me/player/recently-played"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LEDGER = {
    "coverage": "select source, state, starts_at, ends_at, found_at, reason, closed_at from ops.coverage order by starts_at",
    "watermark": "select source, played_at, checked_at, window_starts_at from ops.watermark",
    "run": "select job, listener_key, started_at, finished_at, outcome, received_count, recorded_count, repository_id,"
    " run_number, unrecorded_count from ops.run order by run_key",
}

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def heard(play, songs):
    """A full page of plays, three minutes apart."""
    plays = [Play(track_id, ago(3 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:50])]
    play(*plays)
    return plays


@pytest.fixture
def on_github(database, spotify, tmp_path):
    """Settings of a run whose next step makes the report of the morning."""
    return settings_of(
        database, spotify, github_output=tmp_path / "out", github_repository_id=7, github_run_number=12, time_zone="UTC"
    )


def test_a_run_that_brings_nothing_new_takes_at_most_twelve_statements(on_github, database, spotify, heard, warehouse):
    record_plays(on_github, warehouse, lambda: NOW)
    with counted(database) as wire, closing(Warehouse(wire.url)) as there:
        outcome = monitored("plays", on_github, there, record_plays, lambda: NOW + HOUR)
        assert outcome.line.startswith("0 of 50 plays are new")
    assert len(wire.messages) <= 9  # round trips, once the connection stands
    assert len(wire.statements) <= 12, wire.statements
    assert "copy" not in wire.messages


def test_a_run_that_brings_one_play_takes_less_than_forty_round_trips(
    on_github, database, spotify, heard, play, songs, warehouse
):
    record_plays(on_github, warehouse, lambda: NOW)
    play(Play(list(songs.tracks)[60], NOW))
    with counted(database) as wire, closing(Warehouse(wire.url)) as there:
        outcome = monitored("plays", on_github, there, record_plays, lambda: NOW + HOUR)
        assert outcome.line.startswith("1 of 50 plays are new")
    assert len(wire.messages) < 40


@pytest.mark.parametrize(("new_count", "bar"), [(0, 12), (1, 30), (50, 30)])
def test_the_server_counts_as_few_statements(
    new_count, bar, on_github, database, spotify, heard, play, songs, warehouse
):
    """One is what the server gets at once and answers: several files of sql/ may be one, with the settings before them."""
    record_plays(on_github, warehouse, lambda: NOW)
    play(*(Play(list(songs.tracks)[60 + number], NOW + number * MINUTE) for number in range(new_count)))
    spotify.clock = lambda: NOW + HOUR
    with logged_statements(database) as statements, closing(Warehouse(database)) as there:
        outcome = monitored("plays", on_github, there, record_plays, lambda: NOW + HOUR)
    assert outcome.line.startswith(f"{new_count} of 50 plays are new")
    assert 0 < len(statements) <= bar
    assert sum("insert into ops.run (" in statement for statement in statements) == 1


@contextmanager
def logged_statements(database: str) -> Iterator[list[str]]:
    """What the server's own log says that it was asked in this database, once the block has ended."""
    name = make_url(database).database
    log, statements = Path(os.environ["BRAPPED_TEST_CLUSTER"]) / "cluster" / "postgres.log", list[str]()
    in_cluster(database, f"alter database {name} set log_statement = 'all'")
    begin = log.stat().st_size
    try:
        yield statements
    finally:
        in_cluster(database, f"alter database {name} reset all")
    written = log.read_bytes()[begin:].decode()
    for entry in re.split(r"^(?=\S.*?LOG: )", written, flags=re.MULTILINE):
        _, mark, statement = entry.partition("LOG:  statement: ")
        if mark and "alter database" not in statement:
            statements.append(statement)


@pytest.mark.parametrize("count", [0, 1, 50])
def test_the_short_way_leaves_the_ledger_as_the_whole_merge_does(
    count, on_github, spotify, play, songs, warehouse, ask, monkeypatch
):
    play(*(Play(track_id, ago(3 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:count])))
    record_plays(on_github, warehouse, lambda: NOW)
    before = {name: ask(f"select * from ops.{name}") for name in LEDGER}
    left = []
    for is_whole in (False, True):
        if is_whole:
            monkeypatch.setattr("etl.jobs.plays.save_known_page", lambda *_: None)
        outcomes = [record_plays(on_github, warehouse, lambda at=at: NOW + at) for at in (HOUR, 30 * HOUR)]  # type: ignore[misc]
        left.append((outcomes, {name: ask(query) for name, query in LEDGER.items()}))
        for name, rows in before.items():
            ask(f"delete from ops.{name}")
            for row in rows:
                ask(f"insert into ops.{name} overriding system value values ({', '.join(['%s'] * len(row))})", *row)
    assert left[0] == left[1]
    assert [row[0] for row in left[0][1]["run"]].count("daily-report") == 2


CHANGES = {
    "another name": lambda item: item["track"].update(name="Another Name"),
    "another length": lambda item: item["track"].update(duration_ms=123_456),
    "another ISRC": lambda item: item["track"].update(external_ids={"isrc": "GBAYE0000001"}),
    "another album": lambda item: item["track"]["album"].update(id="Z" * 22, name="Another Album"),
    "another name of the album": lambda item: item["track"]["album"].update(name="Renamed"),
    "another artist": lambda item: item["track"].update(
        artists=[{"id": "Y" * 22, "name": "Somebody", "type": "artist"}]
    ),
    "a context": lambda item: item.update(context={"type": "playlist", "uri": "spotify:playlist:" + "q" * 22}),
    "another moment": lambda item: item.update(played_at="2026-11-20T09:18:58.500Z"),
    "another track": lambda item: item["track"].update(id="X" * 22, uri="spotify:track:" + "X" * 22),
    "no track": lambda item: item.update(track=None),
}
KNOWN = [
    "observation", "fact_play", "dim_track", "dim_album", "dim_artist", "bridge_track_artist", "track_alias", "dim_context",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_the_list_says_anew_of_a_known_play_is_recorded_as_the_whole_merge_records_it(
    change, settings, spotify, heard, warehouse, ask, monkeypatch
):
    change_world(spotify, shape="full")
    record_plays(settings, warehouse, lambda: NOW)
    before = {table: ask(f"select t.* from listening.{table} as t") for table in KNOWN}
    page = pages_of(spotify)
    # of an album that stands in a page twice, what is said last counts
    for item in page["items"] if change == "another name of the album" else page["items"][:1]:
        CHANGES[change](item)
    changed = (Fault(PAGE, status=200, body=json.dumps(page).encode()),)
    change_world(spotify, faults=changed)

    record_plays(settings, warehouse, lambda: NOW + HOUR)

    short = {table: sorted(ask(f"select t.* from listening.{table} as t"), key=repr) for table in KNOWN}
    assert short != {table: sorted(rows, key=repr) for table, rows in before.items()}
    monkeypatch.setattr("etl.jobs.plays.save_known_page", lambda *_: None)
    change_world(spotify, faults=changed)
    record_plays(settings, warehouse, lambda: NOW + HOUR)
    assert {table: sorted(ask(f"select t.* from listening.{table} as t"), key=repr) for table in KNOWN} == short


def pages_of(spotify) -> dict:
    """The list as the simulated Spotify answers it now."""
    token = requests.post(
        f"{spotify.accounts_url}/api/token",
        data={"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN},
        auth=(spotify.world.app.client_id, spotify.world.app.client_secret),
        timeout=10,
    ).json()["access_token"]
    url = f"{spotify.api_url}/me/player/recently-played"
    answer = requests.get(url, params={"limit": 50}, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    return copy.deepcopy(answer.json())
