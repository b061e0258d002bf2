"""Half a year of runs on a moved clock, with all that goes wrong in half a year: what is recorded, what is lost and said
to be, who was told of what and when. Everything is held to a truth that shares no code with the program."""

import random
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support import agree, asked, change_world
from support.export_files import write_folder
from support.webhook import webhook

from etl.auth.oauth import begin_login, complete_login, redirect_uri
from etl.health import checks as health
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.imports import import_exports
from etl.jobs.monitored import monitored
from etl.jobs.plays import record_plays
from etl.settings import read_settings
from etl.simulator.routes import Fault, Play
from etl.simulator.server import SimulatedSpotify
from etl.warehouse.connection import Warehouse

START = datetime(2026, 6, 1, 0, 17, tzinfo=UTC)
DAYS = 187
CONSENT = datetime(2026, 5, 28, 12, tzinfo=UTC)
PLAYER = "/v1/me/player/recently-played"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    return START.replace(hour=0, minute=0) + timedelta(days=number, hours=hour, minutes=minute)


def within(at: datetime, span: tuple[datetime, datetime]) -> bool:
    return span[0] <= at < span[1]


# What goes wrong, and when.
SPOTIFY_IS_DOWN = (day(20, 9), day(20, 14))
PLAYS_ARE_LOCKED_AT = day(41, 10)  # for a day, in which more is played than the list holds
CATALOGUE_IS_LOCKED_AT = day(55, 9)
ROTATING = (day(70), day(73))
DATABASE_IS_DOWN = (day(95, 6), day(95, 12))
NOTHING_RUNS = (day(120, 10), day(122, 10))
BINGES = [day(33, 15, 20), day(150, 16, 25)]  # more within an hour than the list holds
PHONE_WAS_OFFLINE = [(day(60, 8), day(60, 20)), (day(110, 1), day(111, 9))]  # its plays come when it is back
LATE_BEHIND_THE_WINDOW = day(135, 12)  # so many at once that not all of them fit
LOGIN_ENDS = datetime(2026, 11, 28, 12, tzinfo=UTC)  # day 180
RENEWED_AT = datetime(2026, 11, 30, 18, 5, tzinfo=UTC)
QUOTA = b'{"error":{"status":429,"message":"API rate limit exceeded","reason":"QUOTA_EXCEEDED"}}'

# Of what the losses come, in their order: a binge, the locked plays, nothing run, late ones, a binge, the ended login.
REASONS = ["full_window", "outage", "run_missing", "full_window", "full_window", "outage"]

# When somebody asks for the status, and what it has to name.
LOOKED_AT = {
    "Spotify is down": day(20, 12),
    "a gap": day(34),
    "plays are locked": day(41, 20),
    "the catalogue is locked": day(55, 13),
    "nothing runs": day(121, 12),
    "the login ends soon": day(176),
    "the login has ended": day(181, 12),
}
NAMED = {
    "Spotify is down": {"plays-fails", "silence"},
    "a gap": {"gap"},
    "plays are locked": {"plays-fails", "pause plays"},
    "the catalogue is locked": {"pause catalogue"},
    "nothing runs": {"silence"},
    "the login ends soon": {"login"},
    "the login has ended": {"login", "plays-fails", "silence"},
}


# The days on which something goes wrong, or ends. On those, and on the days beside them, a run is tried every hour; on the
# ordinary days between them every third hour, as GitHub does when it is busy.
EVENTFUL = {
    number + beside
    for moment in (
        *SPOTIFY_IS_DOWN,
        PLAYS_ARE_LOCKED_AT,
        CATALOGUE_IS_LOCKED_AT,
        *ROTATING,
        *DATABASE_IS_DOWN,
        *NOTHING_RUNS,
        *BINGES,
        *(edge for span in PHONE_WAS_OFFLINE for edge in span),
        LATE_BEHIND_THE_WINDOW,
        LOGIN_ENDS,
        RENEWED_AT,
        *LOOKED_AT.values(),
    )
    for number in [(moment - START.replace(hour=0, minute=0)).days]
    for beside in (-1, 0, 1)
}


def is_scheduled(at: datetime) -> bool:
    return at.hour % 3 == 0 or (at - START.replace(hour=0, minute=0)).days in EVENTFUL


@dataclass(frozen=True)
class Truth:
    """One listen, and from when on Spotify knows of it."""

    played_at: datetime
    track_id: str
    arrives_at: datetime


def half_a_year(track_ids: list[str]) -> list[Truth]:
    luck = random.Random(20260601)
    truth = []

    def listen(at: datetime, count: int, seconds: int, arrives_at: datetime | None = None) -> None:
        for _ in range(count):
            at += timedelta(seconds=seconds + luck.randrange(30), milliseconds=luck.randrange(1000))
            truth.append(Truth(at, luck.choice(track_ids), max(arrives_at or at, at)))

    for number in range(-4, DAYS):
        for _ in range(luck.randrange(1, 4)):
            listen(day(number, luck.randrange(7, 22), luck.randrange(60)), luck.randrange(3, 12), 200)
    for start in BINGES:
        listen(start, 75, 15)
    listen(PLAYS_ARE_LOCKED_AT + 3 * HOUR, 70, 180)
    for number in range(2):
        listen(NOTHING_RUNS[0] + number * DAY, 40, 200)
    for start, end in PHONE_WAS_OFFLINE:
        listen(start + HOUR, 9, 210, arrives_at=end)
    listen(LOGIN_ENDS + 30 * HOUR, 60, 200)
    listen(LATE_BEHIND_THE_WINDOW - 7 * HOUR, 60, 200, arrives_at=LATE_BEHIND_THE_WINDOW)
    return sorted(truth, key=lambda one: one.played_at)


def window(truth: list[Truth], at: datetime) -> list[Truth]:
    """The fifty newest that Spotify knows of."""
    return [one for one in truth if one.arrives_at <= at][-50:]


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


def set_the_stage(spotify: SimulatedSpotify, now: datetime) -> None:
    """Has what is wrong at this hour be wrong."""
    faults: tuple[Fault, ...] = ()
    if within(now, SPOTIFY_IS_DOWN):
        faults = (Fault("/v1/*", times=99, status=503),)
    if within(now, (PLAYS_ARE_LOCKED_AT, PLAYS_ARE_LOCKED_AT + HOUR)):
        faults = (Fault(PLAYER, status=429, headers={"Retry-After": "80000"}, body=QUOTA),)
    if within(now, (CATALOGUE_IS_LOCKED_AT, CATALOGUE_IS_LOCKED_AT + HOUR)):
        faults = (Fault("/v1/artists/*", status=429, headers={"Retry-After": "70000"}, body=QUOTA),)
    change_world(spotify, faults=faults, rotate_refresh_tokens=within(now, ROTATING))


def faults_named(warehouse: Warehouse, now: datetime) -> set[str]:
    """What the status of this moment says somebody should look at, or is waiting for."""
    told = warehouse.transaction(lambda connection: health.inspect_all(connection, read_settings(), now))
    return {one.cause for one in told.findings} | {f"pause {one['scope'].split()[0]}" for one in told.pauses}


def log_in(warehouse: Warehouse, clock: Clock) -> None:
    trip = begin_login(read_settings(), redirect_uri())
    complete_login(read_settings(), warehouse, trip, agree(trip.address), clock)


def expected(
    tried: list[datetime], good: list[datetime], gaps: list[tuple[datetime, datetime, str]], seen: dict[Any, datetime]
) -> list[tuple[datetime, str]]:
    """Who has to be told when: with the first run from a moment on."""

    def first(runs: list[datetime], since: datetime) -> datetime:
        return next(at for at in runs if at >= since)

    first_seen_at = {played_at: at for (played_at, _), at in seen.items()}
    pages = [(first_seen_at[end], "Plays were probably lost") for _, end, _ in gaps]
    for title, since in (
        ("Spotify is not available", SPOTIFY_IS_DOWN[0]),
        ("Spotify is not available", PLAYS_ARE_LOCKED_AT),
        ("The database can't be used", DATABASE_IS_DOWN[0]),
        ("The Spotify login has ended: nothing is being recorded", LOGIN_ENDS),
    ):
        begin = first(tried, since)
        pages += [(begin, title), (first(good, begin), f"Over: {title}")]
    reminder = f"Log in to Spotify again before {LOGIN_ENDS:%Y-%m-%d}"
    pages += [(first(tried, LOGIN_ENDS - days * DAY), reminder) for days in (30, 7, 1)]
    return sorted(pages, key=lambda page: page[0])


# Some 2,300 runs: two minutes alone, and many times that on a slow machine with the other tests beside them.
@pytest.mark.timeout(2400)
def test_half_a_year_unattended_loses_only_what_spotify_forgot_says_so_and_tells_in_time(
    database: str,
    warehouse: Warehouse,
    spotify: SimulatedSpotify,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    no_pauses: list[float],
    songs: Any,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", no_pauses.append)
    monkeypatch.chdir(tmp_path)
    truth = half_a_year(sorted(songs.tracks)[:40])
    luck = random.Random(7)
    clock = Clock(START)
    nowhere = Warehouse("postgresql://nobody@127.0.0.1:1/nothing")
    spotify.clock, spotify.is_dated = clock, True
    seen: dict[
        tuple[datetime, str], datetime
    ] = {}  # every play that the list held when a run asked, and when it first did
    tried: list[datetime] = []
    good: list[datetime] = []
    named: dict[str, set[str]] = {}
    pages: list[tuple[datetime, str]] = []

    with webhook() as (url, posted):
        own = {"ALERT_WEBHOOK_URL": url, "BRAPPED_HOME": str(tmp_path / "home"), "SPOTIFY_REFRESH_TOKEN": ""}
        for name, value in {**environment, **own}.items():
            monkeypatch.setenv(name, value)
        settings = read_settings()
        clock.now = CONSENT
        log_in(warehouse, clock)
        clock.now = START
        while clock.now < START + timedelta(days=DAYS):
            if clock.now.hour == 0:
                near = [one for one in truth if abs(one.played_at - clock.now) < 6 * DAY]
                told = tuple(Play(one.track_id, one.played_at, arrives_at=one.arrives_at) for one in near)
                spotify.change(
                    lambda world: replace(world, listeners=(replace(world.listeners[0], plays=told),))  # noqa: B023
                )
            set_the_stage(spotify, clock.now)
            is_dropped = luck.random() < 0.04 or within(clock.now, NOTHING_RUNS) or not is_scheduled(clock.now)
            if not is_dropped:
                tried.append(clock.now)
                before = len(posted)
                with suppress(Exception):
                    reached = nowhere if within(clock.now, DATABASE_IS_DOWN) else warehouse
                    outcome = monitored("plays", settings, reached, record_plays, clock)
                    if outcome.is_good:
                        good.append(clock.now)
                        seen |= {
                            (one.played_at, one.track_id): clock.now
                            for one in window(near, clock.now)
                            if (one.played_at, one.track_id) not in seen
                        }
                pages += [(clock.now, title) for _, title, _ in posted[before:]]
            if clock.now.hour % 3 == 0 and within(
                clock.now, (CATALOGUE_IS_LOCKED_AT, CATALOGUE_IS_LOCKED_AT + 2 * DAY)
            ):
                monitored("dimensions", settings, warehouse, fill_dimensions, clock)
            for fault, at in LOOKED_AT.items():
                if at <= clock.now < at + HOUR:
                    named[fault] = faults_named(warehouse, clock.now)
            clock.now += HOUR
            if clock.now - HOUR < RENEWED_AT <= clock.now:
                log_in(warehouse, clock)
        # What the list held is recorded, once each, and nothing else.
        recorded = asked(
            database,
            "select played_at, track_id from listening.fact_play join listening.dim_track using (track_key) order by 1, 2",
        )
        assert recorded == sorted(seen)
        assert len(tried) > 2000 and len(good) > 1900 and len(seen) > 2900

        # What it had forgotten lies within a gap of the ledger, and no gap is without a loss.
        first = min(at for at, _ in seen)
        lost = [one.played_at for one in truth if one.played_at > first and (one.played_at, one.track_id) not in seen]
        lost = [at for at in lost if at < good[-1] - HOUR]
        gaps = asked(
            database, "select starts_at, ends_at, reason from ops.coverage where state = 'gap' order by starts_at"
        )
        assert [at for at in lost if not any(begin < at < end for begin, end, _ in gaps)] == []
        assert [gap for gap in gaps if not any(gap[0] < at < gap[1] for at in lost)] == []
        assert len(lost) > 60
        reasons = [reason for _, _, reason in gaps]
        assert reasons == REASONS, gaps

        # The rest is covered: spans and gaps lie end to end.
        spans = asked(database, "select starts_at, ends_at from ops.coverage order by starts_at, ends_at")
        assert spans[0][0] == first and spans[-1][1] == good[-1]
        assert all(one[1] == other[0] for one, other in pairwise(spans)), spans

        # Who was told, and when: the first run on or after each moment, and never again.
        assert pages == expected(tried, good, gaps, seen)

        # What was wrong was named by the status of that hour.
        assert {fault: NAMED[fault] <= causes for fault, causes in named.items()} == dict.fromkeys(NAMED, True), named

        # The export brings what was lost, and closes the gaps.
        rows = [
            {
                "ts": f"{one.played_at:%Y-%m-%dT%H:%M:%SZ}",
                "ms_played": 15_000,
                "spotify_track_uri": f"spotify:track:{one.track_id}",
                "master_metadata_track_name": songs.tracks[one.track_id].name,
                "master_metadata_album_artist_name": "Somebody",
            }
            for one in truth
        ]
        folder = write_folder(tmp_path / "export", {"Streaming_History_Audio_2026.json": rows})
        import_exports(settings, warehouse, [folder], listener=None, without_private=False, dry_run=False, clock=clock)
        still_open = "select starts_at, ends_at, reason from ops.coverage where state = 'gap' and closed_at is null"
        assert asked(database, still_open) == []
        assert asked(database, "select count(*) from listening.fact_play where played_at >= %s", first) == [
            (sum(one.played_at >= first for one in truth),)
        ]
