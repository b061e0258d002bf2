"""The plays job: fetch Spotify's recently-played list of every listener who is logged in, and merge it into the warehouse."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from etl import __version__
from etl.auth.encryption import Keys
from etl.auth.logins import QUESTIONS, Login
from etl.clock import Clock, WrongClock, utc_now
from etl.counts import many
from etl.deadline import Deadline, RunTimeout
from etl.jobs.due_rebuilds import rebuild_in_time
from etl.jobs.page import save_known_page, save_list, save_page
from etl.jobs.run import (
    ListenersFailed,
    Outcome,
    Run,
    accounts_of,
    failure_recorded,
    giving_way,
    record_kept_failures,
    run_of,
)
from etl.limits import WINDOW
from etl.notices import Warned, moment, why_lost
from etl.settings import Settings
from etl.sources.recently_played import Page
from etl.spotify.accounts import Accounts
from etl.spotify.api import Api
from etl.spotify.errors import RateLimited
from etl.spotify.profile import parse_account
from etl.values import fingerprint
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.merge import Reach
from etl.warehouse.pauses import note_pause, paused_until
from etl.warehouse.rebuild import DUE
from etl.warehouse.schema import rows_if_current

log = logging.getLogger(__name__)

EACH, PAUSES = "ops/logins/each", "ops/health/pause"
SHORTEST_S = 20  # with less time left, no further listener is begun
State = dict[str, list[dict[str, Any]]]  # rows of files of sql/, by their names


@dataclass(frozen=True)
class Recorded:
    """What a run did for one listener: their page, and what is new. `line`: instead of these, why there is none."""

    login: Login
    page: Page | None = None
    reach: Reach | None = None
    new_count: int = 0
    is_report_due: bool = False
    warnings: tuple[Warned, ...] = ()
    line: str = ""
    gave_way: bool = False


def record_plays(settings: Settings, warehouse: Warehouse, clock: Clock = utc_now) -> Outcome:
    """Run the hourly job: merge the whole recently-played list of each listener into the facts, in a transaction each.

    The listener of SPOTIFY_REFRESH_TOKEN comes first, then all others who have logged in here. One whose list can't be
    recorded stops none of the others. Plays that an update wants derived anew come afterwards, in the time that is
    left.
    Raises SettingsError, WarehouseError, SpotifyError, RunTimeout and WrongClock, each with a sentence for the person;
    ListenersFailed where there are several listeners.
    After a failure nothing recorded is lost, and the next run catches up as far back as Spotify's list goes.
    """
    deadline, now = Deadline.of("plays"), clock()
    token = settings.spotify_refresh_token.get_secret_value() if settings.spotify_refresh_token else None
    with failure_recorded(settings, warehouse, run_of(settings, "plays", now), clock):
        state = load_run_state(warehouse, token, now)
        if state is None:
            warehouse.migrate(now, __version__, views_may_wait=True, plays_may_wait=True)
        record_kept_failures(settings, warehouse)
        accounts = accounts_of(settings, deadline)
        first = Login(warehouse, accounts, token, Keys(settings), clock, state)
        if state is None:
            state = load_run_state(warehouse, token, now)
    others = [
        Login(warehouse, accounts, token, Keys(settings), clock, {QUESTIONS[0]: [row], QUESTIONS[1]: [row]})
        for row in (state or {}).get(EACH, [])
        if row["account_key"] != first.account_key
    ]
    recorded = record_all(settings, warehouse, accounts, [first, *others], state, deadline, clock)
    if not any(one.gave_way for one in recorded):
        rebuild_in_time("plays", warehouse, clock, deadline, state[DUE] if state else None)
    return outcome_of(recorded)


def record_all(
    settings: Settings,
    warehouse: Warehouse,
    accounts: Accounts,
    logins: Sequence[Login],
    state: State | None,
    deadline: Deadline,
    clock: Clock,
) -> list[Recorded]:
    """Record these listeners one after the other. Raises what a single one raises; ListenersFailed if they are several.

    What concerns all of them ends the run at once: a database that does not answer, a wrong clock, a pause that Spotify
    demands, the end of the time. The next run begins with those who then had no turn.
    """
    whose_zone = logins[0] if len(logins) == 1 or settings.spotify_refresh_token else None
    recorded: list[Recorded] = []
    failures: dict[int, Exception] = {}
    for number, login in enumerate(logins):
        if recorded and login.account_key in {one.login.account_key for one in recorded}:
            continue  # the first was that account's, which nobody knew
        if number and deadline.left_s < SHORTEST_S:
            raise RunTimeout(deadline.limit_s)
        # TIME_ZONE is that of who set it; others choose theirs in the web application.
        own = settings if login is whose_zone else settings.model_copy(update={"time_zone": None})
        try:
            recorded.append(record_listener(own, warehouse, accounts, login, state, clock))
        except Exception as error:
            concerns_all = isinstance(error, RunTimeout | WrongClock) or (
                isinstance(error, WarehouseError) and not error.is_reached
            )
            if len(logins) == 1 or concerns_all:
                raise
            failures[login.account_key or 0] = error
            if isinstance(error, RateLimited):
                let_wait(settings, warehouse, logins[number + 1 :], error, clock())
                break
    if failures:
        raise ListenersFailed(failures, len(recorded))
    return recorded


def record_listener(
    settings: Settings, warehouse: Warehouse, accounts: Accounts, login: Login, state: State | None, clock: Clock
) -> Recorded:
    """Record the list of one listener, and the run in ops.run. Raises as `record_plays` does for a single listener."""
    now = clock()
    this_run = run_of(settings, "plays", now)
    this_run.scope = scope_of(login)
    this_run.listener_key = login.listener_key
    with (
        failure_recorded(settings, warehouse, this_run, clock),
        giving_way(warehouse, this_run, clock) as gave_way,
    ):
        if resume_at := paused_until(warehouse, this_run.scope, now, state[PAUSES] if state else None):
            warehouse.transaction(lambda connection: this_run.record(connection, "waiting", clock()))
            return Recorded(login, line=f"Spotify wants no calls before {moment(resume_at)}; none was made")
        spotify = Api(settings.spotify_api_url, login.access_token, accounts.retry_budget)
        listener = None if login.listener_key else parse_account(spotify.me())
        page, (new_count, reach, is_report_due, zone_warning) = save_list(
            warehouse,
            spotify.recently_played(),
            now,
            lambda connection, page: save_page(connection, settings, login, listener, page, this_run, clock),
            lambda connection, page: save_known_page(connection, settings, login, page, this_run, clock),
        )
    if gave_way:
        return Recorded(login, line=gave_way[0], gave_way=True)
    warnings = (*login.warnings, *filter(None, [zone_warning]), *plays_warnings(page, reach))
    return Recorded(login, page, reach, new_count, is_report_due, warnings)


def let_wait(
    settings: Settings, warehouse: Warehouse, logins: Sequence[Login], error: RateLimited, now: datetime
) -> None:
    """Note the pause that Spotify demands of the app for listeners who had no turn yet. Raises WarehouseError."""
    for login in logins:
        this_run: Run = run_of(settings, "plays", now)
        this_run.listener_key = login.listener_key

        def work(connection: Any, login: Login = login, this_run: Run = this_run) -> None:
            this_run.record(connection, "waiting", now)
            note_pause(connection, scope_of(login), now + timedelta(seconds=error.wait_s), error.reason, now)

        warehouse.transaction(work)


def scope_of(login: Login) -> str:
    """Of a pause: the calls of one login."""
    return f"plays {login.login_key}"


def load_run_state(warehouse: Warehouse, token: str | None, now: datetime) -> State | None:
    """Load the logins, the pauses and what is to be derived anew in one statement: the rows of each file by its name.

    Returns None when the schema has to be migrated first. Raises WarehouseError and WrongClock.
    """
    mark = fingerprint(token) if token else None
    names = (*QUESTIONS, EACH, PAUSES, DUE)
    return warehouse.ask(
        lambda connection: rows_if_current(connection, warehouse.clock, names, setting_fingerprint=mark, now=now)
    )


def outcome_of(recorded: Sequence[Recorded]) -> Outcome:
    """The outcome of a run: for a single listener in full, for several their sums, and who had to wait."""
    if len(recorded) == 1:
        [one] = recorded
        if one.page is None or one.reach is None:
            return Outcome(one.line, is_good=one.gave_way, gave_way=one.gave_way)
        line = plays_line(one.page, one.new_count, one.reach)
        return Outcome(line, one.warnings, is_report_due=one.is_report_due, new_count=one.new_count)
    done = [one for one in recorded if one.page is not None]
    items = sum(one.page.item_count for one in done if one.page)
    new_count = sum(one.new_count for one in done)
    told = [f"{many(len(done), 'listener')}: {new_count} of {many(items, 'play')} new"]
    told += [f"listener {one.login.account_key}: {one.line.rstrip('.')}" for one in recorded if one.page is None]
    return Outcome(
        "; ".join(told),
        tuple(Warned(one.cause, f"listener {each.login.account_key}: {one}") for each in done for one in each.warnings),
        is_good=all(one.page or one.gave_way for one in recorded),
        is_report_due=any(one.is_report_due for one in recorded),
        gave_way=all(one.gave_way for one in recorded),
        new_count=new_count if done else None,
    )


def plays_line(page: Page, new_count: int, reach: Reach) -> str:
    """The outcome of a run in one line: counts, and the end of the record."""
    recorded = f"recorded up to {moment(reach.watermark)}" if reach.watermark else "nothing recorded yet"
    are = "is" if page.item_count == 1 else "are"
    return f"{new_count} of {many(page.item_count, 'play')} {are} new; {recorded}"


def plays_warnings(page: Page, reach: Reach) -> Iterator[Warned]:
    """The warnings of a run: a gap, and items that could not be recorded in full."""
    if gap := reach.gap:
        yield Warned(
            "gap",
            f"plays between {moment(gap.starts_at)} and {moment(gap.ends_at)} were probably lost: Spotify remembers"
            f" only {WINDOW}, and {why_lost(gap.reason)}. The gap is noted in ops.coverage; your export from Spotify"
            " fills it (brapped import)",
        )
    odd = []
    if page.unreadable_count:
        odd.append(
            f"{page.unreadable_count} of {many(page.item_count, 'item')} had no readable date and"
            f" {'was' if page.unreadable_count == 1 else 'were'} skipped"
        )
    if page.refused_count:
        odd.append(
            f"{page.refused_count} of {many(page.item_count, 'item')} could not be recorded, because the database"
            " refuses them; the log says why"
        )
    if page.bare_count:
        odd.append(
            f"{page.bare_count} of {many(page.item_count, 'item')} contained values that can't be recorded: their"
            " plays are recorded, without the details of the track or without the context"
        )
    if odd:
        yield Warned("answers", "; ".join(odd))
