"""The demo: the program's own jobs on a simulated Spotify and a Postgres of its own, which `--demo` reads."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, text

from etl.dimensions.providers.base import Pace
from etl.embedded.postgres import embedded_postgres
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.plays import record_plays
from etl.jobs.run import Outcome
from etl.provider_settings import PROVIDERS
from etl.reports.formats.html import as_html
from etl.reports.formats.output import keep
from etl.reports.formats.text import as_renderable
from etl.reports.model import Report
from etl.reports.request import ReportContext
from etl.settings import Settings
from etl.simulator.catalogue import catalogue
from etl.simulator.listener import TIME_ZONE, made_up_listener
from etl.simulator.provider_server import SimulatedProviders
from etl.simulator.providers import made_up_providers
from etl.simulator.routes import Fault, Play, World
from etl.simulator.server import SimulatedSpotify
from etl.simulator.world import world_of
from etl.terminal import terminal
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import find_listener

TODAY = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = 60  # before the day that is shown hour by hour
HOURS = range(9, 21)  # a dozen runs
MINUTE = 17  # of each hour, as in the workflow
DESCRIBED_AFTER = (timedelta(minutes=5), timedelta(minutes=185))  # the runs of `dimensions`, after the last of `plays`
SHOWN_AT = TODAY + timedelta(hours=HOURS[-1], minutes=MINUTE + 30)  # the time of the reports, still on that day
POSTGRES = "demo-postgres"  # in the demo's folder
REFRESH_TOKEN = "the-refresh-token-of-the-demo"  # noqa: S105  opens nothing but the simulation
PAGE = "/v1/me/player/recently-played"

# Incidents by hour of the day, and the note beside each.
LATE_PLAYS = (time(17, 13), time(17, 17))  # played on a phone in a tunnel
LATE_FROM = 19
RE_DATED = time(6, 47)
RE_DATED_FROM = 12
LIMITED_AT = 13
EXPIRED_AT = 14
NOTES = {
    RE_DATED_FROM: "Spotify has changed the date of a play that it had reported before: still one play",
    LIMITED_AT: "429, Retry-After: 1. Waited, then retried",
    EXPIRED_AT: "401, the access token had expired. Got a new one, then retried",
    LATE_FROM: "two plays of 17:13 and 17:16 arrive late, from a phone in a tunnel",
}


class DemoError(Exception):
    """The demo can't run, or can't be read."""


def demo_settings() -> Settings:
    """Every setting at its default except BRAPPED_HOME, which the environment may set. Reads no .env."""
    defaults = {name: one.get_default() for name, one in Settings.model_fields.items() if name != "brapped_home"}
    return Settings(_env_file=None, **defaults)


def demo_folder() -> Path:
    """The default folder of the demo, and the one that `--demo` reads."""
    return demo_settings().home / "demo"


@contextmanager
def opened_demo() -> Iterator[Warehouse]:
    """The warehouse that `brapped demo` left in its default folder. Raises DemoError when there is none."""
    folder = demo_folder()
    if not (folder / POSTGRES / "data").is_dir():
        raise DemoError(f"There is no demo in {folder}: run 'brapped demo' first, without --folder.")
    with embedded_postgres(folder / POSTGRES) as url, closing(Warehouse(url)) as warehouse:
        yield warehouse


def demo_now() -> datetime:
    """The clock of `--demo`: half an hour after the last run of `plays`, on the same day."""
    return SHOWN_AT


@contextmanager
def only_demo(folder: Path) -> Iterator[None]:
    """Keep a second demo out of the folder: they would empty each other's database. Raises DemoError."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "demo.lock")
    with suppress(Timeout):
        lock.acquire(timeout=0)
    if not lock.is_locked:
        raise DemoError(f"Another demo is running in {folder}.")
    try:
        yield
    finally:
        lock.release()


@dataclass
class Clock:
    """The simulated time, shared by the jobs and the simulation."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


def run_demo(folder: Path) -> None:
    """Run the demo in `folder` on an empty database and print it.

    Raises DemoError when a demo is running there, EmbeddedError, and what the jobs raise.
    """
    console = terminal()
    clock = Clock(TODAY)
    with (
        only_demo(folder),
        embedded_postgres(folder / POSTGRES) as url,
        SimulatedSpotify(world(), clock) as spotify,
        SimulatedProviders(replace(made_up_providers(catalogue()), is_strict=False), clock) as providers,
    ):
        settings = settings_of(url, spotify, providers)
        warehouse = Warehouse(url)
        empty(warehouse)
        heading(console, "Brapped, on a simulated Spotify")
        catch_up(console, settings, warehouse, clock)
        show_day(console, settings, warehouse, clock, spotify)
        describe(console, settings, warehouse, clock)
        heading(console, "`brapped report daily`")
        page = show_reports(console, warehouse, folder)
        warehouse.close()
        heading(console, "And now")
        brapped = as_called()
        is_default = folder.resolve() == demo_folder().resolve()
        read_it = READ_IT.format(brapped=brapped) if is_default else ""
        steps = NEXT_STEPS.format(brapped=brapped, folder=folder, page=page, read_it=read_it)
        console.print(steps, soft_wrap=True, markup=False)


def as_called() -> str:
    """The command that started this program, as it can be typed in the current folder."""
    if Path(sys.argv[0]).name != "__main__.py":
        return "brapped"
    python = Path(sys.executable)
    return f"{python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python} -m etl"


def heading(console: Console, title: str) -> None:
    console.print()
    console.rule(f"[bold]{title}")
    console.print()


def world() -> World:
    """A simulated Spotify whose listener has late, re-dated and ordinary plays."""
    songs = catalogue()
    listener = made_up_listener(songs, until=TODAY + timedelta(hours=HOURS[-1] + 1), days=DAYS + 3)
    plays = tuple(with_incidents(play) for play in listener.plays)
    # As in reality: an old consent, and a token that expires within the hour.
    made = world_of(songs, replace(listener, plays=plays), REFRESH_TOKEN, TODAY - timedelta(days=DAYS + 5))
    return replace(made, quota=600)


def with_incidents(play: Play) -> Play:
    """The play, late or re-dated if one of the incidents concerns it."""
    if play.played_at.date() != TODAY.date():
        return play
    if LATE_PLAYS[0] <= play.played_at.time() < LATE_PLAYS[1]:
        return replace(play, arrives_at=TODAY + timedelta(hours=LATE_FROM, minutes=5))
    if play.played_at.time().replace(second=0, microsecond=0) == RE_DATED:
        return replace(play, redated=((TODAY + timedelta(hours=RE_DATED_FROM), timedelta(seconds=-1.3)),))
    return play


def settings_of(url: str, spotify: SimulatedSpotify, providers: SimulatedProviders) -> Settings:
    app = spotify.world.app
    return Settings(
        _env_file=None,
        database_url=url,
        spotify_client_id=app.client_id,
        spotify_client_secret=app.client_secret,
        spotify_refresh_token=REFRESH_TOKEN,
        spotify_api_url=spotify.api_url,
        spotify_accounts_url=spotify.accounts_url,
        time_zone=TIME_ZONE,
        catalogue_daily_budget=300,
        providers=PROVIDERS,
        lastfm_api_key=providers.knows.lastfm_key,
        **providers.urls,
    )


def empty(warehouse: Warehouse) -> None:
    """Empty the demo's database, so that every demo starts from nothing."""
    warehouse.transaction(lambda connection: connection.execute(text("drop schema if exists listening, ops cascade")))


def catch_up(console: Console, settings: Settings, warehouse: Warehouse, clock: Clock) -> None:
    """Run `plays` each evening of DAYS days: quicker to watch than every hour, and enough on nearly all of them."""
    console.print(f"`brapped plays`, once an evening for {DAYS} days (all times are UTC):")
    lines = []
    days = [TODAY - timedelta(days=ago) for ago in range(DAYS, 0, -1)]
    for day in track(days, description="  plays", console=console, transient=True, disable=not console.is_terminal):
        clock.now = day + timedelta(hours=23, minutes=MINUTE)
        lines.append((clock.now, record_plays(settings, warehouse, clock)))
    console.print(f"  (the first, the last, and those with a warning; {DAYS} in all)", style="dim")
    for at, outcome in (lines[0], *((at, outcome) for at, outcome in lines if outcome.warnings), lines[-1]):
        show_run(console, at, outcome)


def show_day(
    console: Console, settings: Settings, warehouse: Warehouse, clock: Clock, spotify: SimulatedSpotify
) -> None:
    """Run `plays` hourly for one day, with incidents."""
    console.print("\n`brapped plays`, hourly for a day in which things go wrong:")
    faults = {
        LIMITED_AT: Fault(PAGE, status=429, headers={"Retry-After": "1"}),
        EXPIRED_AT: Fault(PAGE, status=401, body=b'{"error":{"status":401,"message":"The access token expired"}}'),
    }
    for hour in HOURS:
        clock.now = TODAY + timedelta(hours=hour, minutes=MINUTE)
        if fault := faults.get(hour):
            spotify.change(lambda world: replace(world, faults=(fault,)))
        show_run(console, clock.now, record_plays(settings, warehouse, clock), NOTES.get(hour))


def describe(console: Console, settings: Settings, warehouse: Warehouse, clock: Clock) -> None:
    """Run `dimensions` twice: the second run finds nothing left to fetch."""
    console.print("\n`brapped dimensions`, twice:")
    for after in DESCRIBED_AFTER:
        clock.now = TODAY + timedelta(hours=HOURS[-1], minutes=MINUTE) + after
        # The simulated providers need no pause between two calls.
        pace = Pace(sleep=lambda seconds: None)
        show_run(console, clock.now, fill_dimensions(settings, warehouse, clock, pace=pace))


def show_reports(console: Console, warehouse: Warehouse, folder: Path) -> Path:
    """Print the report of the day, and write that of the year as a page. Returns the page's path."""

    def reported(answer: Callable[[ReportContext], Report]) -> Report:
        def work(connection: Connection) -> Report:
            listener = find_listener(connection, None)
            assert listener is not None, "the jobs have recorded somebody"
            return answer(ReportContext(connection, listener, SHOWN_AT))

        return warehouse.transaction(work)

    def daily_of(ask: ReportContext) -> Report:
        day = TODAY.date()
        return ask.reporter(since_date=day, until_date=day).daily(day)

    year = TODAY.year
    daily = reported(daily_of)
    wrapped = reported(lambda ask: ask.reporter(**ask.span(None, None, year, None)).wrapped(year))
    console.print(as_renderable(daily))
    page = folder / f"wrapped-{year}.html"
    keep(io.StringIO(as_html(wrapped)), page)
    return page


def show_run(console: Console, at: datetime, outcome: Outcome, note: str | None = None) -> None:
    """Print the time of a run, its outcome and warnings, and a note on an incident."""
    lines = Table.grid(padding=(0, 2))
    lines.add_column(style="dim", no_wrap=True)
    lines.add_column()
    lines.add_row(f"  {at:%d %b %H:%M}", outcome.line)
    for warning in outcome.warnings:
        lines.add_row("", Text(f"warning: {warning}", style="yellow"))
    if note:
        lines.add_row("", Text(f"← {note}", style="dim"))
    console.print(lines)


READ_IT = """\
Read what was recorded, as often as you like:

  {brapped} --demo report daily
  {brapped} --demo report top artists
  {brapped} --demo report features
  {brapped} --demo search love
  {brapped} --demo status

"""
NEXT_STEPS = """\
No account and no network were used; everything but the program was simulated.

{read_it}To record your own listening, follow "Record your own listening" in the README:
a Postgres, a Spotify app, three secrets, a login. It takes an evening. Then:

  {brapped} plays          every hour: what you played since
  {brapped} dimensions     every three hours: tracks, artists and albums
  {brapped} report daily   what you played today
  {brapped} --help         all commands

The year as a page, for any browser: {page}
The demo's database is in {folder}
You can delete that folder at any time."""
