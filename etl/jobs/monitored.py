"""Run a job, turn its findings into alerts, ping the dead man's switch."""

import logging
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from functools import partial

from etl import limits
from etl.alerts.file import FileStore
from etl.alerts.incidents import Inspection, StoreError, reconcile
from etl.alerts.webhook import NotSent, request, send
from etl.auth.encryption import TokenKeyError
from etl.auth.logins import NotLoggedIn
from etl.clock import Clock, WrongClock, utc_now
from etl.deadline import CallTimeout, RunTimeout, run_after, within
from etl.dimensions.fetch import NothingRecorded
from etl.embedded.binaries import EmbeddedError
from etl.health.checks import MISSED, URGENT, inspect_schedule, inspect_urgent
from etl.health.findings import TITLES, Finding, failure_finding
from etl.jobs.run import ListenersFailed, Outcome, Run
from etl.jobs.unrecorded import keep
from etl.jobs.workflow_files import write_output, write_summary
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
    PermissionMissing: "login",
    TokenKeyError: "token-key",
    AppRefused: "app",
    Forbidden: "app",
    NothingRecorded: "answers",
    SpotifyError: "spotify",
    WarehouseError: "database",
    EmbeddedError: "database",
    SettingsError: "settings",
    RunTimeout: "time-limit",
    WrongClock: "clock",
}
Work = Callable[[Settings, Warehouse, Clock], Outcome]


def run_monitored(job: str, needed: Iterable[str], work: Work, clock: Clock = utc_now) -> tuple[Outcome, Settings]:
    """Read the settings, open the warehouse, and run the job there. Every failure on the way becomes an alert, too.

    needed: names of the settings that the job requires. Raises what the job raises, SettingsError, EmbeddedError and
    WarehouseError. Ends the process when the run hangs.
    """
    try:
        settings = read_settings()
    except SettingsError as error:
        inspection = inspection_of(job, [failure_finding("settings", str(error))], inspected=())
        write_output(Runner(), "alerts", inspection.as_json())
        raise
    started_at = clock()
    with ExitStack() as stack:
        end = partial(end_hung_run, job, settings, clock())
        stack.enter_context(run_after(limits.RUN_S[job] + limits.RUN_GRACE_S, end))
        try:
            warehouse = stack.enter_context(opened(settings, *needed, clock=clock))
        except Exception as error:
            if isinstance(error, EmbeddedError):
                keep(settings, job, started_at, clock())
            deliver(settings, inspection_of(job, [failure_of(job, error)], inspected=()))
            raise
        return monitored(job, settings, warehouse, work, clock), settings


def monitored(job: str, settings: Settings, warehouse: Warehouse, work: Work, clock: Clock = utc_now) -> Outcome:
    """Run the job, inspect the warehouse, and deliver the findings of both, even when the job fails.

    Raises what the job raises.
    """
    try:
        outcome = work(settings, warehouse, clock)
    except Exception as error:
        failure = failure_of(job, error)
        # Do not wait a second time for a database that does not answer.
        found, inspected = ([], ()) if isinstance(error, WarehouseError) else inspect(job, settings, warehouse, clock)
        # About a login that has ended, the finding from the database says more (`login_findings` in
        # etl/health/checks.py) than that of the failed run (TITLES in etl/health/findings.py), so it replaces it.
        is_known = any(one.cause == failure.cause and one.is_failure for one in found)
        deliver(settings, inspection_of(job, found if is_known else [failure, *found], inspected))
        raise
    # A gap is reported as the ledger has it; other warnings of a run are only in its outcome.
    warned = [Finding(one.cause, "failing", TITLES[one.cause], one) for one in outcome.warnings if one.cause != "gap"]
    from_outcome = warned if outcome.is_good else [failure_finding("spotify", outcome.line), *warned]
    found, inspected = inspect(job, settings, warehouse, clock)
    is_complete = outcome.is_good and bool(inspected) and not outcome.gave_way
    deliver(
        settings,
        inspection_of(job, [*from_outcome, *found], None if is_complete else inspected, outcome.is_report_due),
    )
    if job == "plays" and outcome.is_good and not outcome.gave_way:
        ping(settings)
    return outcome


def end_hung_run(job: str, settings: Settings, started_at: datetime) -> None:
    """End the process because its run hangs: deliver an alert and, if the database still answers, record a failed run.

    It runs in a thread of its own, because the run may hang inside the Postgres driver, where neither a signal nor an
    exception reaches it. Ending the process loses no more than killing it, which every run survives.
    """
    error = RunTimeout(limits.RUN_S[job])

    def record_failure() -> None:
        assert settings.database_url is not None
        with closing(Warehouse(settings.database_url.get_secret_value())) as warehouse:
            warehouse.transaction(lambda connection: Run(job, started_at).record(connection, "failed", utc_now()))

    try:
        deliver(settings, inspection_of(job, [failure_of(job, error)], inspected=()))
        if settings.database_url is not None:
            with suppress(CallTimeout, WarehouseError):  # the alert stands all the same
                within(limits.FAREWELL_S, record_failure)
        sys.stderr.write(f"brapped: {error}\n")
        write_summary(settings, f"brapped: {error}")
    finally:
        with suppress(CallTimeout):  # last, because it needs the database no more
            within(limits.FAREWELL_S, WatchedConnection.end_all)
        sys.stderr.flush()
        os._exit(1)


def failure_of(job: str, error: Exception) -> Finding:
    """The finding for a run that ended with this error.

    Of an unexpected error only the type is given, because its message may contain anything.
    """
    first = error.first if isinstance(error, ListenersFailed) else error
    cause = next((cause for kind, cause in CAUSES.items() if isinstance(first, kind)), "program")
    return failure_finding(cause, str(error) if cause != "program" else f"An unexpected {type(error).__name__}.", job)


def inspect(job: str, settings: Settings, warehouse: Warehouse, clock: Clock) -> tuple[list[Finding], tuple[str, ...]]:
    """The findings about the warehouse, and the causes that were checked. Both are empty when the database fails."""
    now = clock()
    try:
        if job == "plays":
            return warehouse.ask(lambda connection: inspect_urgent(connection, settings, now)), URGENT
        return warehouse.ask(lambda connection: inspect_schedule(connection, now)), MISSED
    except WarehouseError:  # whatever made the run fail has reported it already
        return [], ()


def inspection_of(
    job: str, found: Iterable[Finding], inspected: tuple[str, ...] | None, is_daily: bool = False
) -> Inspection:
    """The inspection with the findings that are worth an alert, the first of each cause."""
    findings: dict[str, Finding] = {}
    for one in found:
        if one.is_alert:
            findings.setdefault(one.cause, one)
    return Inspection(job, tuple(findings.values()), inspected, is_daily)


def deliver(settings: Settings, inspection: Inspection) -> None:
    """On GitHub, pass the inspection to the step that writes issues; elsewhere send what is new to the webhook."""
    if settings.github_output:
        write_output(settings, "alerts", inspection.as_json())
    elif webhook := settings.alert_webhook_url:
        store = FileStore(settings.home / "alerts.json", partial(send, webhook.get_secret_value()))
        try:
            list(reconcile(inspection, store))
        except (StoreError, NotSent) as error:
            log.warning("Alerts could not be sent: %s. The next run retries.", error)


def ping(settings: Settings) -> None:
    """Request PING_URL after a successful run. The service behind it alerts the person when requests stop coming."""
    if settings.ping_url:
        try:
            request(settings.ping_url.get_secret_value())
        except NotSent as error:
            log.warning("PING_URL could not be requested: %s. The next run retries.", error)
