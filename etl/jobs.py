"""Extract → transform → load, one function a job. A job says in its outcome what it did; commands print it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import SecretStr
from sqlalchemy import Connection

from etl import __version__, unrecorded
from etl.catalogue import SCOPE, Catalogue, Progress, note_pause
from etl.clocks import WrongClock
from etl.deadline import Deadline, span
from etl.findings import Warned, moment
from etl.keys import Keys
from etl.listeners import Account, recorded_account, who_is
from etl.merges import Reach, merge_catalogue, merge_linked, merge_plays, move_watermark
from etl.opening import Clock, utc_now
from etl.outcomes import dimensions_line, dimensions_warnings, plays_line, plays_warnings
from etl.plays import Page, read_page
from etl.quarantine import ODD, attempt, sound_items
from etl.settings import Settings
from etl.spotify import WINDOW, Accounts, Api
from etl.tokens import Login
from etl.warehouse import Busy, Warehouse, WarehouseError, run, stage
from etl.wire import Json, LockedOut, Patience
from etl.zones import settle

log = logging.getLogger(__name__)

APP_SETTINGS = ("SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET")


@dataclass(frozen=True)
class Outcome:
    """What a run came to, in a line fit for any log: numbers and moments, no title and no secret."""

    line: str
    warnings: tuple[Warned, ...] = ()
    is_good: bool = True
    is_report_due: bool = False  # first run after six by the listener's clock that can have it made
    gave_way: bool = False  # another run had its turn: nothing was recorded, and nothing is wrong
    new_count: int | None = None  # plays that were not recorded before; None: the run did not get so far

    @property
    def is_news(self) -> bool:
        """Whether there is something new, or something wrong."""
        return self.new_count != 0 or bool(self.warnings) or not self.is_good


@dataclass
class Run:
    """What is known of a run while it goes on; it ends as a row of ops.run, however it ends."""

    job: str
    started_at: datetime
    listener_key: int | None = None
    scope: str | None = None  # of a pause that Spotify asks for
    repository_id: int | None = None  # on GitHub
    run_number: int | None = None

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
            repository_id=self.repository_id,
            run_number=self.run_number,
        )
        return int(row.run_key)


def record_plays(settings: Settings, warehouse: Warehouse, clock: Clock = utc_now) -> Outcome:
    """The hourly job: the whole recently-played window, merged into the facts in one transaction.

    Raises SettingsError, WarehouseError, SpotifyError, TookTooLong and WrongClock, each with a sentence for the person. What was
    recorded before stays, and the next run makes up for this one as far as Spotify's window reaches.
    """
    deadline = Deadline.of("plays")
    now = clock()
    this_run = run_of(settings, "plays", now)
    with (
        failure_recorded(settings, warehouse, this_run, clock),
        giving_way(warehouse, this_run, clock) as gave_way,
    ):
        warehouse.migrate(now, __version__, views_may_wait=True)
        record_kept(settings, warehouse)
        accounts = accounts_of(settings, deadline)
        token = settings.spotify_refresh_token
        login = Login(warehouse, accounts, token.get_secret_value() if token else None, Keys(settings), clock)
        this_run.scope = f"plays {login.login_key}"
        this_run.listener_key = login.listener_key
        if resume_at := paused_until(warehouse, this_run.scope, now):
            warehouse.transaction(lambda connection: this_run.record(connection, "waiting", clock()))
            return Outcome(f"Spotify wants no calls before {moment(resume_at)}; no play was asked for", is_good=False)
        spotify = Api(settings.spotify_api_url, login.access_token, accounts.patience)
        listener = None if login.listener_key else who_is(spotify.me())
        page, (new_count, reach, is_report_due, zone_warning) = saved(
            warehouse,
            spotify.recently_played(),
            now,
            lambda connection, page: save_page(connection, settings, login, listener, page, this_run, clock),
        )
    if gave_way:
        return Outcome(gave_way[0], gave_way=True)
    warnings = (*login.warnings, *filter(None, [zone_warning]), *plays_warnings(page, reach))
    return Outcome(plays_line(page, new_count, reach), warnings, is_report_due=is_report_due, new_count=new_count)


# How many plays are new, how far the record reaches, whether a report is due, and a warning about the time zone.
Saved = tuple[int, Reach, bool, Warned | None]


def saved(
    warehouse: Warehouse, body: Json, now: datetime, save: Callable[[Connection, Page], Saved]
) -> tuple[Page, Saved]:
    """Reads the list and saves it in one transaction; one that can't be saved as it is, without what is odd in it."""
    try:
        page = read_page(body, fetched_at=now)
        return page, warehouse.transaction(lambda connection: save(connection, page))
    except ODD:
        log.info("The list could not be recorded as it is; looking for what is odd in it")
    items, bare_count, refused_count = sound_items(
        body["items"],
        lambda some: attempt(
            warehouse, lambda connection: save(connection, read_page({"items": some}, fetched_at=now))
        ),
    )
    page = read_page({"items": items}, fetched_at=now)
    unreadable_count = page.unreadable_count - refused_count
    sound = replace(page, bare_count=bare_count, refused_count=refused_count, unreadable_count=unreadable_count)
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
    stage(connection, page.tables)
    merge_catalogue(connection)
    zone_warning = settle(connection, listener_key, settings.time_zone)
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
    return new_count, reach, is_report_due, zone_warning


def fill_dimensions(
    settings: Settings, warehouse: Warehouse, clock: Clock = utc_now, progress: Progress = lambda done, total: None
) -> Outcome:
    """The three-hourly job: describes artists, tracks and albums that are only inferred, then refreshes old ones.

    Raises as record_plays does. A lock that Spotify sets is written down and honoured by later runs; it is no failure. Nor is
    a run whose time is up after it has described something: the next one goes on.
    """
    deadline = Deadline.of("dimensions")
    now = clock()
    this_run = run_of(settings, "dimensions", now)
    this_run.scope = SCOPE
    with (
        failure_recorded(settings, warehouse, this_run, clock),
        giving_way(warehouse, this_run, clock) as gave_way,
    ):
        warehouse.migrate(now, __version__, views_may_wait=True)
        record_kept(settings, warehouse)
        if resume_at := paused_until(warehouse, SCOPE, now):
            return Outcome(f"Spotify wants no calls to its catalogue before {moment(resume_at)}; none was made")
        accounts = accounts_of(settings, deadline)

        def authorize() -> str:
            answer = accounts.client_credentials()
            accounts.must_agree(clock())
            return str(answer["access_token"])

        spotify = Api(settings.spotify_api_url, authorize, accounts.patience)
        tally = Catalogue(
            warehouse, spotify, secret(settings.spotify_client_id), settings.catalogue_daily_budget, clock, deadline
        ).fill(progress)
        if not tally.is_taken:
            outcome = "waiting" if tally.resume_at else "done"
            warehouse.transaction(
                lambda connection: this_run.record(connection, outcome, clock(), tally.call_count, tally.filled_count)
            )
    if gave_way:
        return Outcome(gave_way[0], gave_way=True)
    stopped = f"; stopped after {span(deadline.limit_s)}, the next run goes on" if tally.is_stopped else ""
    return Outcome(f"{dimensions_line(tally)}{stopped}", tuple(dimensions_warnings(tally)))


@contextmanager
def giving_way(warehouse: Warehouse, this_run: Run, clock: Clock) -> Iterator[list[str]]:
    """Ends a run that waited in vain for another of the program's own, such as an import: no failure, the next run does its
    work. What to say of it is in the list then. Another program's session is one, and raises Busy."""
    said: list[str] = []
    try:
        yield said
    except Busy as busy:
        if not busy.is_ours:
            raise
        said.append(f"{busy} Nothing is lost: the next run records what this one could not.")
        warehouse.transaction(lambda connection: this_run.record(connection, "waiting", clock()))


def run_of(settings: Settings, job: str, now: datetime) -> Run:
    return Run(job, now, repository_id=settings.github_repository_id, run_number=settings.github_run_number)


@contextmanager
def failure_recorded(settings: Settings, warehouse: Warehouse, this_run: Run, clock: Clock) -> Iterator[None]:
    """Leaves a row in ops.run when a run fails of whatever it be, and the pause that Spotify asked for. A database that can't
    be reached gets the row with the next run that reaches it."""
    try:
        yield
    except Exception as error:
        failure = error
    else:
        return
    finished_at = clock()
    if isinstance(failure, WrongClock):
        this_run.started_at = finished_at = failure.true_at

    def work(connection: Connection) -> None:
        this_run.record(connection, "waiting" if isinstance(failure, LockedOut) else "failed", finished_at)
        if isinstance(failure, LockedOut) and this_run.scope:
            note_pause(connection, this_run.scope, failure, finished_at)

    # A database that does not answer is not waited for a second time.
    is_recorded = not isinstance(failure, WarehouseError) or failure.is_reached
    if is_recorded:
        try:
            warehouse.transaction(work)
        except WarehouseError:
            is_recorded = False
    if not is_recorded:
        unrecorded.keep(settings, this_run.job, this_run.started_at, finished_at)
    raise failure


def record_kept(settings: Settings, warehouse: Warehouse) -> None:
    """Records the runs that failed while the database could not be reached."""
    if not (runs := unrecorded.kept(settings)):
        return

    def work(connection: Connection) -> None:
        for one in runs:
            failed = Run(one.job, datetime.fromisoformat(one.started_at))
            failed.record(connection, "failed", datetime.fromisoformat(one.finished_at))

    warehouse.transaction(work)
    unrecorded.forget(settings, runs)


def paused_until(warehouse: Warehouse, scope: str, now: datetime) -> datetime | None:
    rows = warehouse.transaction(lambda connection: run(connection, "pause", scope=scope, now=now))
    return rows[0].resume_at if rows else None


def accounts_of(settings: Settings, deadline: Deadline) -> Accounts:
    return Accounts(
        settings.spotify_accounts_url,
        secret(settings.spotify_client_id),
        secret(settings.spotify_client_secret),
        Patience(deadline=deadline),
    )


def secret(setting: SecretStr | None) -> str:
    """The value of a setting that `opened` has found to be set."""
    assert setting is not None
    return setting.get_secret_value()
