"""A run of a job with whoever is to be told of it: what it found, for GitHub's next step or the webhook, and the watchdog."""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress

from etl.alerts import Alert, File, Report, Unwritable, get, tell, told
from etl.embedded import EmbeddedError
from etl.findings import TITLES, Finding, Warned, failed
from etl.health import missed, urgent
from etl.jobs import Outcome
from etl.keys import TokenKeyError
from etl.opening import Clock, opened, utc_now
from etl.settings import Runner, Settings, SettingsError, read_settings
from etl.spotify import AppRefused, Forbidden, LoginRefused, PermissionMissing, SpotifyError
from etl.tokens import NotLoggedIn
from etl.warehouse import Warehouse, WarehouseError

log = logging.getLogger(__name__)

CAUSES: dict[type[Exception], str] = {  # the narrower ones first
    LoginRefused: "login",
    NotLoggedIn: "login",
    PermissionMissing: "login",
    TokenKeyError: "token-key",
    AppRefused: "app",
    Forbidden: "app",
    SpotifyError: "spotify",
    WarehouseError: "database",
    EmbeddedError: "database",
    SettingsError: "settings",
}
Work = Callable[[Settings, Warehouse, Clock], Outcome]


def watched(job: str, needed: Iterable[str], work: Work, clock: Clock = utc_now) -> tuple[Outcome, Settings]:
    """Opens the warehouse, does the work, and tells what was found on the way, however it ends."""
    found: list[Finding] = []
    is_whole = False
    settings: Settings | None = None
    try:
        settings = read_settings()
        with opened(settings, *needed) as warehouse:
            try:
                outcome = work(settings, warehouse, clock)
                found += [failed("spotify", outcome.line)] if not outcome.is_good else []
                found += of_warnings(outcome.warnings)
            finally:
                with suppress(WarehouseError):  # told by what went wrong before, which it is
                    found += looked(job, settings, warehouse, clock)
                    is_whole = True
    except Exception as error:
        cause = cause_of(error)
        if cause not in {one.cause for one in found}:  # the database may know more of a login than the error does
            found.append(failed(cause, str(error) if cause != "program" else type(error).__name__))
        if settings is not None:
            deliver(settings, report_of(job, found, is_whole))
        else:
            deliver_from_github(Runner(), report_of(job, found, is_whole))
        raise
    deliver(settings, report_of(job, found, is_whole))
    if job == "plays" and outcome.is_good:
        ping(settings)
    return outcome, settings


def looked(job: str, settings: Settings, warehouse: Warehouse, clock: Clock) -> list[Finding]:
    now = clock()
    if job == "plays":
        return warehouse.transaction(lambda connection: urgent(connection, settings, now))
    return warehouse.transaction(lambda connection: missed(connection, now))


def of_warnings(warnings: Iterable[Warned]) -> list[Finding]:
    """What is only in the words of the run; a gap is found in the ledger."""
    return [Finding(one.cause, "failing", TITLES[one.cause], one) for one in warnings if one.cause in TITLES]


def cause_of(error: Exception) -> str:
    return next((cause for kind, cause in CAUSES.items() if isinstance(error, kind)), "program")


def report_of(job: str, found: Iterable[Finding], is_whole: bool) -> Report:
    alerts = {one.cause: Alert(one.cause, one.state, one.title, one.text) for one in found if one.is_alert}
    return Report(job, tuple(alerts.values()), is_whole)


def deliver(settings: Settings, report: Report) -> None:
    """Hands the report to the step that writes issues; elsewhere tells the webhook what is news."""
    if settings.github_output:
        deliver_from_github(settings, report)
    elif settings.alert_webhook_url:
        book = File(settings.brapped_home / "alerts.json")
        try:
            tell(told(report, book), settings.alert_webhook_url.get_secret_value(), log.warning)
        except Unwritable as error:
            log.warning("Nobody could be told: %s", error)


def deliver_from_github(runner: Runner, report: Report) -> None:
    if runner.github_output:
        with runner.github_output.open("a", encoding="utf-8") as said:
            said.write(f"alerts={report.as_json()}\n")


def ping(settings: Settings) -> None:
    """Tells the watchdog that a run was good; when it hears nothing for long, it tells the person."""
    if settings.ping_url:
        try:
            get(settings.ping_url.get_secret_value())
        except Unwritable as error:
            log.warning("The watchdog at PING_URL could not be told (%s)", error)
