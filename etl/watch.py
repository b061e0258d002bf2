"""A run of a job with whoever is to be told of it: what it found, for GitHub's next step or the webhook, and the watchdog."""

import logging
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial

from etl.alerts import Alert, File, Report, Unwritable, told
from etl.catalogue import NothingRecorded
from etl.embedded import EmbeddedError
from etl.findings import TITLES, Finding, failed
from etl.health import MISSED, URGENT, missed, urgent
from etl.jobs import Outcome
from etl.keys import TokenKeyError
from etl.opening import Clock, opened, utc_now
from etl.settings import Runner, Settings, SettingsError, read_settings
from etl.spotify import AppRefused, Forbidden, LoginRefused, PermissionMissing
from etl.tokens import AnybodysLogin, NotLoggedIn
from etl.warehouse import Warehouse, WarehouseError
from etl.webhook import NotSent, get, send
from etl.wire import SpotifyError

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
}
Work = Callable[[Settings, Warehouse, Clock], Outcome]


def watched(job: str, needed: Iterable[str], work: Work, clock: Clock = utc_now) -> tuple[Outcome, Settings]:
    """Reads the settings, opens the warehouse, and does the work there, attended. What goes wrong on the way is told, too."""
    try:
        settings = read_settings()
    except SettingsError as error:
        hand_over(Runner(), report_of(job, [failed("settings", str(error))], looked_at=()))
        raise
    with ExitStack() as stack:
        try:
            warehouse = stack.enter_context(opened(settings, *needed))
        except Exception as error:
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
    is_all_seen = outcome.is_good and bool(looked_at)
    report = report_of(job, [*found_by_it, *stands], None if is_all_seen else looked_at, outcome.is_report_due)
    deliver(settings, report)
    if job == "plays" and outcome.is_good:
        ping(settings)
    return outcome


def failure(job: str, error: Exception) -> Finding:
    """What the run failed of. Of an error that is not ours only the name is told: its words may hold anything."""
    cause = next((cause for kind, cause in CAUSES.items() if isinstance(error, kind)), "program")
    return failed(cause, str(error) if cause != "program" else f"An unexpected {type(error).__name__}.", job)


def looked(job: str, settings: Settings, warehouse: Warehouse, clock: Clock) -> tuple[list[Finding], tuple[str, ...]]:
    """How things stand, and which causes that was looked at for: none if it could not be found out."""
    now = clock()
    try:
        if job == "plays":
            return warehouse.transaction(lambda connection: urgent(connection, settings, now)), URGENT
        return warehouse.transaction(lambda connection: missed(connection, now)), MISSED
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
        book = File(settings.brapped_home / "alerts.json", partial(send, webhook.get_secret_value()))
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
