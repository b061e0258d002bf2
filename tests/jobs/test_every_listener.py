"""The hourly run records every listener who is logged in, and one whose login fails stops nobody else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support import NOW, REFRESH_TOKEN, ago, change_world, settings_of

from etl.auth.encryption import Keys
from etl.auth.logins import keep_login
from etl.jobs.monitored import monitored
from etl.jobs.plays import record_plays
from etl.jobs.run import ListenersFailed
from etl.simulator.catalogue import Catalogue
from etl.simulator.routes import Fault, Grant, Listener, Play
from etl.simulator.server import SimulatedSpotify
from etl.spotify.errors import LoginRefused
from etl.warehouse.connection import Warehouse

NAMES = ("ben", "cleo", "dora")
HOUR = timedelta(hours=1)
COUNTS = "select listener_id, count(*) from listening.fact_play join listening.dim_listener using (listener_key) group by 1 order by 1"
RUNS = "select listener_id, outcome from ops.run join listening.dim_listener using (listener_key) where job = 'plays' order by run_key"

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def house(spotify: SimulatedSpotify, songs: Catalogue, warehouse: Warehouse, database: str) -> Callable[..., Any]:
    """Ben, Cleo and Dora have logged in here, each with plays of their own; gives settings without a token."""
    tracks = list(songs.tracks)
    listeners, grants = [], {}
    for number, name in enumerate(NAMES, 1):
        plays = tuple(Play(tracks[10 * number + k], ago(4 * k + number)) for k in range(number + 2))
        listeners.append(Listener(f"account-of-{name}", name, name.title(), plays=plays))
        grants[f"AQ-{name}"] = Grant(f"account-of-{name}", NOW - timedelta(days=1))
    change_world(
        spotify,
        listeners=(*spotify.world.listeners, *listeners),
        refresh_tokens={**spotify.world.refresh_tokens, **grants},
    )
    settings = settings_of(database, spotify, spotify_refresh_token=None)

    def log_in(connection: Any) -> None:
        for name in NAMES:
            [(key,)] = connection.exec_driver_sql(
                "insert into listening.dim_listener (listener_id, listener_name, time_zone, created_at)"
                f" values ('account-of-{name}', '{name.title()}', 'Europe/Berlin', now()) returning listener_key"
            ).fetchall()
            keep_login(connection, f"AQ-{name}", key, Keys(settings), NOW - timedelta(days=1))

    warehouse.transaction(log_in)
    return lambda **changes: settings_of(database, spotify, **{"spotify_refresh_token": None, **changes})


def test_each_listener_is_recorded_in_a_run_of_their_own(house, warehouse, ask):
    outcome = record_plays(house(), warehouse, lambda: NOW)
    assert outcome.line == "3 listeners: 12 of 12 plays new" and outcome.is_good
    assert ask(COUNTS) == [("account-of-ben", 3), ("account-of-cleo", 4), ("account-of-dora", 5)]
    assert sorted(ask(RUNS)) == [(f"account-of-{name}", "done") for name in NAMES]
    again = record_plays(house(), warehouse, lambda: NOW + HOUR)
    assert again.line == "3 listeners: 0 of 12 plays new" and not again.is_news


def test_the_listener_of_the_setting_comes_first_and_the_others_too(house, warehouse, ask, play, songs):
    play(Play(next(iter(songs.tracks)), ago(1)))
    record_plays(house(spotify_refresh_token=REFRESH_TOKEN), warehouse, lambda: NOW)
    assert next(name for name, _ in ask(RUNS)) == "account-of-ada"
    assert ask(COUNTS) == [("account-of-ada", 1), ("account-of-ben", 3), ("account-of-cleo", 4), ("account-of-dora", 5)]


def test_one_whose_login_has_ended_stops_nobody_and_is_named_by_number(house, warehouse, spotify, ask):
    known = spotify.world.refresh_tokens
    change_world(spotify, refresh_tokens={token: grant for token, grant in known.items() if token != "AQ-cleo"})
    with pytest.raises(ListenersFailed) as failed:
        monitored("plays", house(), warehouse, record_plays, lambda: NOW)
    [(cleo,)] = ask("select listener_key from listening.dim_listener where listener_id = 'account-of-cleo'")
    assert isinstance(failed.value.first, LoginRefused)
    assert str(failed.value).startswith(f"Listener {cleo}: Spotify no longer accepts the login")
    assert str(failed.value).endswith("2 other listeners recorded.") and "leo" not in str(failed.value)
    assert ask(COUNTS) == [("account-of-ben", 3), ("account-of-dora", 5)]
    assert sorted(ask(RUNS)) == [("account-of-ben", "done"), ("account-of-cleo", "failed"), ("account-of-dora", "done")]


def test_an_unreadable_answer_for_one_stops_nobody_else(house, warehouse, spotify, ask):
    change_world(spotify, faults=(Fault(path="/v1/me/player/recently-played", times=1, status=403),))
    with pytest.raises(ListenersFailed, match=r"2 other listeners recorded\.$"):
        record_plays(house(), warehouse, lambda: NOW)
    assert sum(count for _, count in ask(COUNTS)) in (7, 8, 9)


def test_a_pause_that_spotify_demands_is_kept_by_all(house, warehouse, spotify, ask):
    change_world(
        spotify,
        faults=(Fault(path="/v1/me/player/recently-played", times=9, status=429, headers={"Retry-After": "50000"}),),
    )
    with pytest.raises(ListenersFailed):
        record_plays(house(), warehouse, lambda: NOW)
    asked = sum(call.path.endswith("recently-played") for call in spotify.calls)
    assert asked == 1, "the others have the same app"
    assert sorted(ask(RUNS)) == [(f"account-of-{name}", "waiting") for name in NAMES]
    outcome = record_plays(house(), warehouse, lambda: NOW + HOUR)
    assert not outcome.is_good and outcome.line.count("wants no calls before") == 3
    assert sum(call.path.endswith("recently-played") for call in spotify.calls) == 1


def test_those_who_were_looked_at_longest_ago_come_first(house, warehouse, ask):
    record_plays(house(), warehouse, lambda: NOW)
    ask("update ops.watermark set checked_at = checked_at - interval '1 hour' where listener_key ="
        " (select listener_key from listening.dim_listener where listener_id = 'account-of-cleo')")  # fmt: skip
    record_plays(house(), warehouse, lambda: NOW + HOUR)
    # Dora's consent is the newest, so hers is the login of this database; the others wait their turn.
    assert [name for name, _ in ask(RUNS)][3:] == [f"account-of-{name}" for name in ("dora", "cleo", "ben")]


def test_the_time_zone_of_the_setting_is_nobodys_where_several_are_logged_in(house, warehouse, ask):
    record_plays(house(time_zone="America/New_York"), warehouse, lambda: NOW)
    assert {
        zone for (zone,) in ask("select time_zone from listening.dim_listener where listener_id like 'account-of-%%'")
    } == {"Europe/Berlin"}


def test_a_login_with_another_key_is_no_obstacle(house, warehouse, ask):
    ask("update ops.login set refresh_token_encrypted = 'gAAAAAB' where listener_key ="
        " (select listener_key from listening.dim_listener where listener_id = 'account-of-ben')")  # fmt: skip
    with pytest.raises(ListenersFailed, match="encrypted with another key"):
        record_plays(house(), warehouse, lambda: NOW)
    assert ask(COUNTS) == [("account-of-cleo", 4), ("account-of-dora", 5)]


def test_the_same_account_is_asked_once(house, warehouse, spotify, ask):
    """A new setting of somebody who has logged in here, too."""
    change_world(spotify, refresh_tokens={**spotify.world.refresh_tokens, "AQ-new": Grant("account-of-ben", NOW)})
    record_plays(house(spotify_refresh_token="AQ-new"), warehouse, lambda: NOW)
    asked = sum(call.path.endswith("recently-played") for call in spotify.calls)
    assert asked == 3 and len(ask(COUNTS)) == 3


def test_the_finding_names_the_listeners_whose_login_ends_or_has_ended(house, warehouse, ask, spotify):
    from etl.health.checks import inspect_all, inspect_urgent

    known = spotify.world.refresh_tokens
    change_world(spotify, refresh_tokens={token: grant for token, grant in known.items() if token != "AQ-cleo"})
    with pytest.raises(ListenersFailed):
        record_plays(house(), warehouse, lambda: NOW)
    keys = dict(ask("select listener_id, listener_key from listening.dim_listener"))
    ben, cleo = keys["account-of-ben"], keys["account-of-cleo"]
    ask("update ops.login set consented_at = consented_at - interval '170 days' where listener_key = %s", ben)
    for inspect in (inspect_urgent, lambda *given: inspect_all(*given).findings):
        found = warehouse.transaction(lambda connection, inspect=inspect: list(inspect(connection, house(), NOW)))
        [login] = [one for one in found if one.cause == "login"]
        assert login.title == f"Listeners {cleo}, {ben}: The Spotify login has ended: nothing is being recorded"
        assert login.is_failure and f"Listener {ben}. The login ends" in login.text
    health = warehouse.transaction(lambda connection: inspect_all(connection, house(), NOW))
    assert {one["account_key"] for one in health.logins} == set(keys.values()) and health.login == health.logins[0]
