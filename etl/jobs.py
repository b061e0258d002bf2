"""Extract → transform → load, one function a job. A job says in its outcome what it did; commands print it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import SecretStr
from sqlalchemy import Connection

from etl import __version__
from etl.catalogue import SCOPE, Catalogue, Progress, Tally, note_pause
from etl.findings import WHY_LOST, Warned, moment
from etl.keys import Keys, TokenKeyError
from etl.listeners import Account, recorded_account, who_is
from etl.merges import Reach, merge_catalogue, merge_linked, merge_plays, move_watermark
from etl.opening import Clock, utc_now
from etl.plays import Page, read_page
from etl.quarantine import ODD, attempt, sound_items
from etl.settings import Settings
from etl.spotify import WINDOW, Accounts, Api
from etl.tokens import Login
from etl.warehouse import Warehouse, run, stage
from etl.wire import Json, LockedOut, Patience, SpotifyError

log = logging.getLogger(__name__)

APP_SETTINGS = ("SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET")


@dataclass(frozen=True)
class Outcome:
    """What a run came to, in a line fit for any log: numbers and moments, no title and no secret."""

    line: str
    warnings: tuple[Warned, ...] = ()
    is_good: bool = True
    is_report_due: bool = False  # first run after six by the listener's clock that can have it made


@dataclass
class Run:
    """What is known of a run while it goes on; it ends as a row of ops.run, however it ends."""

    job: str
    started_at: datetime
    listener_key: int | None = None

    def record(
        self,
        connection: Connection,
        outcome: str,
        finished_at: datetime,
        received_count: int | None = None,
        recorded_count: int | None = None,
    ) -> int:
        """The run_key of the row."""
        [row] = run(
            connection,
            "run",
            job=self.job,
            listener_key=self.listener_key,
            started_at=self.started_at,
            finished_at=finished_at,
            outcome=outcome,
            received_count=received_count,
            recorded_count=recorded_count,
            program_version=__version__,
        )
        return int(row.run_key)


def record_plays(settings: Settings, warehouse: Warehouse, clock: Clock = utc_now) -> Outcome:
    """The hourly job: the whole recently-played window, merged into the facts in one transaction.

    Raises SettingsError, WarehouseError and SpotifyError, each with a sentence for the person. What was recorded before
    stays, and the next run makes up for this one as far as Spotify's window reaches.
    """
    now = clock()
    warehouse.migrate(now, __version__)
    accounts = accounts_of(settings)
    token = settings.spotify_refresh_token
    login = Login(warehouse, accounts, token.get_secret_value() if token else None, Keys(settings), clock)
    scope = f"plays {login.login_key}"
    this_run = Run("plays", now, login.listener_key)
    if resume_at := paused_until(warehouse, scope, now):
        warehouse.transaction(lambda connection: this_run.record(connection, "waiting", clock()))
        return Outcome(line=f"Spotify wants no calls before {moment(resume_at)}; no play was asked for", is_good=False)
    spotify = Api(settings.spotify_api_url, login.access_token, accounts.patience)
    with failure_recorded(warehouse, this_run, scope, clock):
        listener = None if login.listener_key else who_is(spotify.me())
        page, (new_count, reach, is_report_due) = saved(
            warehouse,
            spotify.recently_played(),
            now,
            lambda connection, page: save_page(connection, settings, login, listener, page, this_run, clock),
        )
    warnings = (*login.warnings, *plays_warnings(page, reach))
    return Outcome(plays_line(page, new_count, reach), warnings, is_report_due=is_report_due)


Saved = tuple[int, Reach, bool]  # how many plays are new, how far the record reaches, whether a report is due


def saved(
    warehouse: Warehouse, body: Json, now: datetime, save: Callable[[Connection, Page], Saved]
) -> tuple[Page, Saved]:
    """Reads the list and saves it in one transaction; one that can't be saved as it is, without what is odd in it."""
    try:
        page = read_page(body, fetched_at=now)
        return page, warehouse.transaction(lambda connection: save(connection, page))
    except ODD:
        log.info("The list could not be recorded as it is; looking for what is odd in it")
    items, bare_count = sound_items(
        body["items"],
        lambda some: attempt(
            warehouse, lambda connection: save(connection, read_page({"items": some}, fetched_at=now))
        ),
    )
    sound = replace(read_page({"items": items}, fetched_at=now), bare_count=bare_count)
    return sound, warehouse.transaction(lambda connection: save(connection, sound))


def save_page(
    connection: Connection,
    settings: Settings,
    login: Login,
    listener: Account | None,
    page: Page,
    this_run: Run,
    clock: Clock,
) -> Saved:
    """Everything that a page changes, to be done in one transaction."""
    if listener is not None:
        this_run.listener_key = recorded_account(connection, listener, settings.time_zone, this_run.started_at)
    listener_key = this_run.listener_key
    assert listener_key is not None, "a login without a listener asks who it is"
    run(connection, "login_accepted", login_key=login.login_key, listener_key=listener_key)
    run(connection, "load/listener_time_zone", listener_key=listener_key, time_zone=settings.time_zone)
    stage(connection, page.tables)
    merge_catalogue(connection)
    is_full_window = page.item_count >= WINDOW
    now = this_run.started_at
    new_count = merge_plays(connection, listener_key=listener_key, now=now, is_full_window=is_full_window)
    reach = move_watermark(
        connection, listener_key=listener_key, source="recently_played", is_full_window=is_full_window, now=now
    )
    merge_linked(connection, now=now, but_not=listener_key)
    is_report_due = False
    if settings.github_output:  # elsewhere nobody would make it
        [report] = run(connection, "report_due", listener_key=listener_key, now=now)
        is_report_due = report.is_due
    if is_report_due:
        Run("daily-report", now, listener_key).record(connection, "done", now)
    this_run.record(connection, "gap" if reach.gap else "done", clock(), page.item_count, new_count)
    return new_count, reach, is_report_due


def fill_dimensions(
    settings: Settings, warehouse: Warehouse, clock: Clock = utc_now, progress: Progress = lambda done, total: None
) -> Outcome:
    """The three-hourly job: describes artists, tracks and albums that are only inferred, then refreshes old ones.

    Raises as record_plays does. A lock that Spotify sets is written down and honoured by later runs; it is no failure.
    """
    now = clock()
    warehouse.migrate(now, __version__)
    if resume_at := paused_until(warehouse, SCOPE, now):
        return Outcome(f"Spotify wants no calls to its catalogue before {moment(resume_at)}; none was made")
    accounts = accounts_of(settings)
    spotify = Api(
        settings.spotify_api_url, lambda: str(accounts.client_credentials()["access_token"]), accounts.patience
    )
    this_run = Run("dimensions", now)
    with failure_recorded(warehouse, this_run, SCOPE, clock):
        tally = Catalogue(
            warehouse, spotify, secret(settings.spotify_client_id), settings.catalogue_daily_budget, clock
        ).fill(progress)
        if not tally.is_taken:
            outcome = "waiting" if tally.resume_at else "done"
            warehouse.transaction(
                lambda connection: this_run.record(connection, outcome, clock(), tally.call_count, tally.filled_count)
            )
    return Outcome(dimensions_line(tally), tuple(dimensions_warnings(tally)))


@contextmanager
def failure_recorded(warehouse: Warehouse, this_run: Run, scope: str, clock: Clock) -> Iterator[None]:
    """Leaves a row in ops.run when a run fails, and the pause that Spotify asked for."""
    try:
        yield
    except (SpotifyError, TokenKeyError) as error:
        failure = error
    else:
        return

    def work(connection: Connection) -> None:
        this_run.record(connection, "waiting" if isinstance(failure, LockedOut) else "failed", clock())
        if isinstance(failure, LockedOut):
            note_pause(connection, scope, failure, clock())

    warehouse.transaction(work)
    raise failure


def paused_until(warehouse: Warehouse, scope: str, now: datetime) -> datetime | None:
    rows = warehouse.transaction(lambda connection: run(connection, "pause", scope=scope, now=now))
    return rows[0].resume_at if rows else None


def accounts_of(settings: Settings) -> Accounts:
    return Accounts(
        settings.spotify_accounts_url,
        secret(settings.spotify_client_id),
        secret(settings.spotify_client_secret),
        Patience(),
    )


def plays_line(page: Page, new_count: int, reach: Reach) -> str:
    recorded = f"recorded up to {moment(reach.watermark)}" if reach.watermark else "nothing recorded yet"
    return f"{new_count} of {page.item_count} plays are new; {recorded}"


def plays_warnings(page: Page, reach: Reach) -> Iterator[Warned]:
    if gap := reach.gap:
        yield Warned(
            "gap",
            f"plays between {moment(gap.starts_at)} and {moment(gap.ends_at)} were probably lost: Spotify remembers only"
            f" {WINDOW}, and {WHY_LOST[gap.reason]}. The gap is noted in ops.coverage; your export from Spotify fills it"
            " (brapped import)",
        )
    odd = []
    if page.unreadable_count:
        odd.append(f"{page.unreadable_count} of {page.item_count} items had no readable moment and were passed over")
    if page.bare_count:
        odd.append(
            f"{page.bare_count} of {page.item_count} items held something that can't be recorded: their plays are kept,"
            " without what was said of the track, or of where it was played from"
        )
    if odd:
        yield Warned("answers", "; ".join(odd))


def dimensions_warnings(tally: Tally) -> Iterator[Warned]:
    if tally.set_aside_count:
        yield Warned(
            "answers",
            f"{tally.set_aside_count} of {tally.set_aside_count + tally.filled_count} descriptions could not be recorded"
            " and were set aside until tomorrow; the others are in",
        )


def dimensions_line(tally: Tally) -> str:
    if tally.is_taken:
        return "another run is filling the dimensions; nothing to do"
    said = [f"{tally.filled_count} artists, tracks, albums described"]
    if tally.missed_count:
        said.append(f"{tally.missed_count} unknown to Spotify")
    if tally.set_aside_count:
        said.append(f"{tally.set_aside_count} set aside")
    said.append(f"{tally.missing_count} missing")
    line = f"{', '.join(said)}; {tally.call_count} calls, {tally.left_count} left today"
    return f"{line}; Spotify wants no more before {moment(tally.resume_at)}" if tally.resume_at else line


def secret(setting: SecretStr | None) -> str:
    """The value of a setting that `opened` has found to be set."""
    assert setting is not None
    return setting.get_secret_value()
