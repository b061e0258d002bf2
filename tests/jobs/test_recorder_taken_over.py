"""A recorder that was killed, and whose listener another computer took over: what it had heard is not left behind."""

from datetime import timedelta
from pathlib import Path

import pytest
from support import settings_of
from support.recorder_day import MORNING, MovedClocks, Time, let_play, run_recorder

from etl.health import checks
from etl.jobs.plays import record_plays
from etl.jobs.recorder import hand_over as hand_over_module
from etl.jobs.recorder import record as record_module
from etl.jobs.recorder.flush import AnotherRecorder, claim
from etl.jobs.recorder.standing import local_recorder
from etl.simulator.player import Item
from etl.sources.player.observation import unix_ms
from etl.warehouse.errors import WarehouseError

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIRST, SECOND, LONG = Item("A", 200_000), Item("B", 180_000), Item("C", 900_000)
PLAYS = (
    "select track_uri, ms_played from listening.fact_play join listening.dim_track using (track_key) order by played_at"
)

MEASURED = (
    "select track_uri, ms_played, end_basis from listening.player_observation"
    " join listening.observation using (listener_key, track_key, observed_at, sequence)"
    " join listening.dim_track using (track_key) order by observed_at"
)


class Killed(BaseException):
    """What a kill is within this process: nothing handles it."""


@pytest.fixture
def settings(database, spotify, tmp_path: Path, warehouse):
    settings = settings_of(database, spotify, brapped_home=tmp_path / "here")
    record_plays(settings, warehouse, lambda: MORNING - DAY)  # somebody has logged in
    return settings


@pytest.fixture
def time(spotify, settings) -> Time:
    time = Time(unix_ms(MORNING))
    spotify.clock, spotify.is_dated = time.true, True
    return time


@pytest.fixture
def elsewhere(settings, tmp_path):
    """The settings of another computer: the same warehouse, and a spool of its own."""
    return settings.model_copy(update={"brapped_home": tmp_path / "elsewhere"})


def run_and_kill(settings, warehouse, time, at, monkeypatch, **options) -> None:
    def happen() -> None:
        if time.now_ms >= unix_ms(at):
            raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(record_module, "release", lambda *_: None)  # which a kill leaves no time for
        with pytest.raises(Killed):
            run_recorder(settings, warehouse, MovedClocks(time, at + DAY, happen), **options)


def plays(spotify, *rows: tuple[timedelta, Item]) -> None:
    let_play(spotify, [(unix_ms(MORNING + at), lambda player, item=item: player.play(item)) for at, item in rows])  # type: ignore[misc]


def start_again(settings, warehouse, time) -> str:
    """What the old recorder says when it is started once more."""
    with pytest.raises(AnotherRecorder) as refused:
        run_recorder(settings, warehouse, MovedClocks(time, time.true() + HOUR))
    return str(refused.value)


def shown(settings, warehouse, time) -> list[str]:
    """The causes of the findings of `brapped status` on this computer that concern a recorder."""
    now = time.true()
    found = warehouse.transaction(
        lambda connection: checks.inspect_all(connection, settings, now, local_recorder(settings, now))
    )
    return [one.cause for one in found.findings if one.cause.startswith("recorder")]


@pytest.fixture
def killed(settings, elsewhere, warehouse, spotify, time, monkeypatch) -> None:
    """A recorder was killed with one play in its spool and one in hand; another has watched since an hour later."""
    plays(spotify, (4 * MINUTE, FIRST), (7 * MINUTE, SECOND))
    run_and_kill(settings, warehouse, time, MORNING + 9 * MINUTE, monkeypatch)
    time.now_ms += 3_600_000
    run_and_kill(elsewhere, warehouse, time, MORNING + 2 * HOUR, monkeypatch, is_takeover=True)


@pytest.mark.usefixtures("killed")
def test_a_recorder_that_was_taken_over_while_it_was_off_writes_what_it_heard_and_ends(settings, warehouse, time, ask):
    assert ask(PLAYS) == []
    assert shown(settings, warehouse, time) == ["recorder-left"]
    sentence = start_again(settings, warehouse, time)
    assert "has watched listener 1 since 2026-11-20 07:09 UTC" in sentence
    assert sentence.endswith(" What this one had heard is recorded now (2 observations).")
    assert [uri for uri, _ in ask(PLAYS)] == [FIRST.uri, SECOND.uri]
    assert ask(MEASURED) == [(FIRST.uri, 180_000, "next"), (SECOND.uri, None, "bounded")]
    assert shown(settings, warehouse, time) == []
    assert "recorded now" not in start_again(settings, warehouse, time)  # there is no more
    assert ask("select released_at from ops.recorder") == [(None,)]  # the other one watches on


@pytest.mark.usefixtures("killed")
def test_what_waits_stays_in_the_spool_while_the_database_refuses_it(settings, warehouse, time, ask, monkeypatch):
    def fail(*_: object) -> None:
        raise WarehouseError("The database is out of space.")

    with monkeypatch.context() as broken:
        broken.setattr(hand_over_module, "flush", fail)
        assert "Run 'brapped record' here once more" in start_again(settings, warehouse, time)
    assert ask(PLAYS) == [] and shown(settings, warehouse, time) == ["recorder-left"]
    start_again(settings, warehouse, time)
    assert len(ask(PLAYS)) == 2


@pytest.mark.parametrize("off", [2 * MINUTE, 30 * MINUTE])
def test_the_play_in_hand_is_never_two_plays(settings, elsewhere, warehouse, spotify, time, ask, monkeypatch, off):
    """Whether the other recorder met it or not; and whoever writes last."""
    plays(spotify, (12 * MINUTE, LONG))
    run_and_kill(settings, warehouse, time, MORNING + 22 * MINUTE, monkeypatch)
    time.now_ms += unix_ms(MORNING + off) - unix_ms(MORNING)
    run_and_kill(elsewhere, warehouse, time, time.true() + HOUR, monkeypatch, is_takeover=True)
    met = ask(PLAYS)
    assert met == ([(LONG.uri, 900_000)] if off < 5 * MINUTE else [])
    start_again(settings, warehouse, time)
    [(uri, ms)] = ask(PLAYS)
    assert uri == LONG.uri and (ms == 900_000 if met else ms is None or 590_000 < ms < 625_000)
    run_recorder(settings, warehouse, MovedClocks(time, time.true() + HOUR), is_takeover=True)  # and back again
    assert ask(PLAYS) == [(uri, ms)]


def test_a_recorder_that_is_taken_over_while_it_runs_says_so_once(
    settings, elsewhere, warehouse, spotify, time, monkeypatch, caplog
):
    told: list[str] = []
    monkeypatch.setattr(record_module, "tell", lambda settings, sentence: told.append(sentence))
    plays(spotify, (12 * MINUTE, FIRST))

    def happen() -> None:
        if time.now_ms >= unix_ms(MORNING + 13 * MINUTE):
            claim(warehouse, [1], "another spool", "attic", time.true(), is_takeover=True)

    with caplog.at_level("INFO"), pytest.raises(AnotherRecorder, match="attic has taken over") as ended:
        run_recorder(settings, warehouse, MovedClocks(time, MORNING + HOUR, happen))
    assert "What was heard here is written" in str(ended.value) and told == [str(ended.value)]
    assert "attic" not in caplog.text  # the command line prints what ends it


@pytest.mark.parametrize("off_s", [80, 130])
def test_what_came_and_went_while_it_was_off_is_not_counted_for_the_play_before(
    off_s, settings, warehouse, spotify, time, ask, monkeypatch
):
    """SECOND plays, and for half a minute after the kill; then FIRST comes and goes unseen; then LONG plays."""
    kill, off = 10 * MINUTE, timedelta(seconds=off_s)
    killed_at = MORNING + kill
    began = (MINUTE, LONG), (kill - timedelta(seconds=42), SECOND)
    plays(spotify, *began, (kill + timedelta(seconds=35), FIRST), (kill + off, LONG))
    run_and_kill(settings, warehouse, time, killed_at, monkeypatch)
    time.now_ms += off_s * 1000 + 15_000
    run_recorder(settings, warehouse, MovedClocks(time, time.true() + 20 * MINUTE))
    measured = {uri: (ms, basis) for uri, ms, basis in ask(MEASURED)}
    ms, basis = measured[SECOND.uri]
    assert basis == "bounded" and (ms is None or ms <= 80_000)
    [(within,)] = ask(
        "select end_within_ms from listening.player_observation join listening.dim_track using (track_key)"
        " where track_uri = %s", SECOND.uri,
    )  # fmt: skip
    assert within >= off_s * 1000 - 35_000, "it says how little is known"
