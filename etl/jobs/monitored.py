"""A run of a job with whoever is to be told of it: what it found, for GitHub's next step or the webhook, and the watchdog."""

import logging
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from functools import partial

from etl import limits
from etl.alerts.file import File
from etl.alerts.ledger import Alert, Report, Unwritable, told
from etl.alerts.webhook import NotSent, get, send
from etl.auth.encryption import TokenKeyError
from etl.auth.logins import AnybodysLogin, NotLoggedIn
from etl.clock import Clock, WrongClock, utc_now
from etl.deadline import Late, TookTooLong, ended_after, within
from etl.dimensions.fetch import NothingRecorded
from etl.embedded.postgres import EmbeddedError
from etl.health.checks import MISSED, URGENT, missed, urgent
from etl.health.findings import TITLES, Finding, failed
from etl.jobs.run import Outcome, Run
from etl.jobs.unrecorded import keep
from etl.settings import Runner, Settings, SettingsError, read_settings
from etl.spotify.errors import AppRefused, Forbidden, LoginRefused, PermissionMissing, SpotifyError
from etl.warehouse.connection import Warehouse
from etl.warehouse.engine import WatchedConnection
from etl.warehouse.errors import WarehouseError
from etl.warehouse.open import opened

log = logging.getLogger(__name__)

CAUSES: dict[type[Exception], str] = {  # the narrower ones first
    LoginRefused: "login",
    NotLoggedIn: "login",
    AnybodysLogin: "login",
    PermissionMissing: "login",
    TokenKeyError: "token-key",
    AppRefused: "app",
    Forbidden: "app",
    NothingRecorded: "answers",
    SpotifyError: "spotify",
    WarehouseError: "database",
    EmbeddedError: "database",
    SettingsError: "settings",
    TookTooLong: "time-limit",
    WrongClock: "clock",
}
Work = Callable[[Settings, Warehouse, Clock], Outcome]


def watched(job: str, needed: Iterable[str], work: Work, clock: Clock = utc_now) -> tuple[Outcome, Settings]:
    """Reads the settings, opens the warehouse, and does the work there, attended. What goes wrong on the way is told, too."""
    try:
        settings = read_settings()
    except SettingsError as error:
        hand_over(Runner(), report_of(job, [failed("settings", str(error))], looked_at=()))
        raise
    started_at = clock()
    with ExitStack() as stack:
        end = partial(end_hanging, job, settings, clock())
        stack.enter_context(ended_after(limits.RUN_S[job] + limits.RUN_GRACE_S, end))
        try:
            warehouse = stack.enter_context(opened(settings, *needed, clock=clock))
        except Exception as error:
            if isinstance(error, EmbeddedError):
                keep(settings, job, started_at, clock())
            deliver(settings, report_of(job, [failure(job, error)], looked_at=()))
            raise
        return attended(job, settings, warehouse, work, clock), settings


def attended(job: str, settings: Settings, warehouse: Warehouse, work: Work, clock: Clock = utc_now) -> Outcome:
    """Does the work, looks at how things stand, and tells what was found, however the work ends."""
    try:
        outcome = work(settings, warehouse, clock)
    except Exception as error:
        found = failure(job, error)
        # A database that does not answer is not waited for a second time.
        stands, looked_at = ([], ()) if isinstance(error, WarehouseError) else looked(job, settings, warehouse, clock)
        # Of a login that has ended the database knows more.
        is_known = any(one.cause == found.cause and one.is_failure for one in stands)
        deliver(settings, report_of(job, stands if is_known else [found, *stands], looked_at))
        raise
    # A gap is told as it stands in the ledger; what else a run warns of is only in its words.
    warned = [Finding(one.cause, "failing", TITLES[one.cause], one) for one in outcome.warnings if one.cause != "gap"]
    found_by_it = warned if outcome.is_good else [failed("spotify", outcome.line), *warned]
    stands, looked_at = looked(job, settings, warehouse, clock)
    is_all_seen = outcome.is_good and bool(looked_at) and not outcome.gave_way
    report = report_of(job, [*found_by_it, *stands], None if is_all_seen else looked_at, outcome.is_report_due)
    deliver(settings, report)
    if job == "plays" and outcome.is_good and not outcome.gave_way:
        ping(settings)
    return outcome


def end_hanging(job: str, settings: Settings, started_at: datetime) -> None:
    """Ends the program because its run hangs: delivers an alert and, if the database still answers, records a failed run.

    It runs in a thread of its own: the run may hang inside the driver of Postgres, where no signal and no exception reaches
    it. Ending the process loses no more than killing it, which every run survives.
    """
    error = TookTooLong(limits.RUN_S[job])

    def write_down() -> None:
        assert settings.database_url is not None
        with closing(Warehouse(settings.database_url.get_secret_value())) as warehouse:
            warehouse.transaction(lambda connection: Run(job, started_at).record(connection, "failed", utc_now()))

    try:
        deliver(settings, report_of(job, [failure(job, error)], looked_at=()))
        if settings.database_url is not None:
            with suppress(Late, WarehouseError):  # the alert stands all the same
                within(limits.FAREWELL_S, write_down)
        sys.stderr.write(f"brapped: {error}\n")
        if settings.github_step_summary:
            with settings.github_step_summary.open("a", encoding="utf-8") as summary:
                summary.write(f"brapped: {error}\n\n")
    finally:
        with suppress(Late):  # last of all: the run goes on as soon as its statement has ended
            within(limits.FAREWELL_S, WatchedConnection.cancel_all)
        sys.stderr.flush()
        os._exit(1)


def failure(job: str, error: Exception) -> Finding:
    """What the run failed of. Of an error that is not ours only the name is told: its words may hold anything."""
    cause = next((cause for kind, cause in CAUSES.items() if isinstance(error, kind)), "program")
    return failed(cause, str(error) if cause != "program" else f"An unexpected {type(error).__name__}.", job)


def looked(job: str, settings: Settings, warehouse: Warehouse, clock: Clock) -> tuple[list[Finding], tuple[str, ...]]:
    """How things stand, and which causes that was looked at for: none if it could not be found out."""
    now = clock()
    try:
        if job == "plays":
            return warehouse.ask(lambda connection: urgent(connection, settings, now)), URGENT
        return warehouse.ask(lambda connection: missed(connection, now)), MISSED
    except WarehouseError:  # told already, by whatever made the run fail
        return [], ()


def report_of(job: str, found: Iterable[Finding], looked_at: tuple[str, ...] | None, is_daily: bool = False) -> Report:
    """`found`: of two of one cause the first is told."""
    alerts: dict[str, Alert] = {}
    for one in found:
        if one.is_alert:
            alerts.setdefault(one.cause, Alert(one.cause, one.state, one.title, one.text, one.is_failure))
    return Report(job, tuple(alerts.values()), looked_at, is_daily)


def deliver(settings: Settings, report: Report) -> None:
    """Hands the report to the step that writes issues; elsewhere tells the webhook what is news."""
    if settings.github_output:
        hand_over(settings, report)
    elif webhook := settings.alert_webhook_url:
        book = File(settings.home / "alerts.json", partial(send, webhook.get_secret_value()))
        try:
            list(told(report, book))
        except (Unwritable, NotSent) as error:
            log.warning("Nobody could be told what needs a person: %s. The next run tries again.", error)


def hand_over(runner: Runner, report: Report) -> None:
    if runner.github_output:
        with runner.github_output.open("a", encoding="utf-8") as said:
            said.write(f"alerts={report.as_json()}\n")


def ping(settings: Settings) -> None:
    """Tells the watchdog that a run was good; when it hears nothing for long, it tells the person."""
    if settings.ping_url:
        try:
            get(settings.ping_url.get_secret_value())
        except NotSent as error:
            log.warning("The watchdog at PING_URL could not be told (%s)", error)
