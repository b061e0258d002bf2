"""Save a page of Spotify's recently-played list: what is new of it, in one transaction."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

from sqlalchemy import Connection

from etl.auth.logins import Login
from etl.clock import Clock
from etl.jobs.run import Run
from etl.jobs.sound_items import sound_items
from etl.limits import WINDOW
from etl.notices import Warned
from etl.settings import Settings
from etl.sources.recently_played import Page, read_page
from etl.spotify.profile import Account
from etl.values import Json
from etl.warehouse.connection import Warehouse
from etl.warehouse.known_page import page_state
from etl.warehouse.listeners import recorded_account
from etl.warehouse.load import stage
from etl.warehouse.merge import Reach, merge_catalogue, merge_plays, move_watermark, rematch_plays
from etl.warehouse.merged_listeners import merges_between, pass_on
from etl.warehouse.quarantine import VALUE_ERRORS, dry_run
from etl.warehouse.statements import run, run_all
from etl.warehouse.time_zones import check_time_zone, update_time_zone

log = logging.getLogger(__name__)

# New plays, the end of the record with any gap, whether a report is due, and a warning about the time zone.
SaveResult = tuple[int, Reach, bool, Warned | None]


def save_list(
    warehouse: Warehouse,
    body: Json,
    now: datetime,
    save: Callable[[Connection, Page], SaveResult],
    save_known: Callable[[Connection, Page], SaveResult | None],
) -> tuple[Page, SaveResult]:
    """Read the list and save it in one transaction; if the database refuses an item, save what it accepts.

    `body`: Spotify's answer. `save_known` is tried first: it saves a page that brings nothing new. For any other page
    it changes nothing and returns None. Returns the page as it was saved, and the result of `save` or `save_known`.
    Raises WarehouseError.
    """
    with suppress(*VALUE_ERRORS):  # `save` then finds the item that is refused
        page = read_page(body, fetched_at=now)
        if known := warehouse.transaction(lambda connection: save_known(connection, page)):
            return page, known
    try:
        page = read_page(body, fetched_at=now)
        return page, warehouse.transaction(lambda connection: save(connection, page))
    except VALUE_ERRORS:
        log.info("Spotify's list could not be recorded as it is. Looking for the items that the database refuses.")
    items, bare_count, refused_count = sound_items(
        body["items"],
        lambda some: dry_run(
            warehouse, lambda connection: save(connection, read_page({"items": some}, fetched_at=now))
        ),
    )
    page = read_page({"items": items}, fetched_at=now)
    unreadable_count = page.unreadable_count - refused_count
    sound = replace(page, bare_count=bare_count, refused_count=refused_count, unreadable_count=unreadable_count)
    return sound, warehouse.transaction(lambda connection: save(connection, sound))


def save_known_page(
    connection: Connection, settings: Settings, login: Login, page: Page, this_run: Run, clock: Clock
) -> SaveResult | None:
    """Save a page that brings nothing new. For any other page, change nothing and return None.

    Takes only the listener's lock, and writes nothing that `save_page` would not write. Raises WarehouseError.
    """
    listener_key = login.listener_key
    if listener_key is None or listener_key != login.account_key:  # of a merged listener: always in full
        return None
    now = this_run.started_at
    answers = page_state(
        connection,
        page.tables,
        listener_key=listener_key,
        login_key=login.login_key,
        time_zone=settings.time_zone,
        now=now,
    )
    [recorded], [zone], [report] = answers.values()
    if not recorded["is_recorded"]:
        return None
    is_settled, zone_warning = check_time_zone(connection, SimpleNamespace(**zone), settings.time_zone)
    if not is_settled:
        return None
    is_report_due = settings.github_output is not None and report["is_due"]
    if is_report_due:
        Run("daily-report", now, listener_key).record(connection, "done", now)
    run_all(
        connection,
        ("coverage/page_seen", "ops/runs/run"),
        source="recently_played",
        checked_at=now,
        played_at=recorded["recorded_to_at"],
        window_starts_at=recorded["window_starts_at"],
        **this_run.row("done", clock(), page.item_count, 0),
    )
    return 0, Reach(watermark=recorded["recorded_to_at"], gap=None), is_report_due, zone_warning


def save_page(
    connection: Connection,
    settings: Settings,
    login: Login,
    listener: Account | None,
    page: Page,
    this_run: Run,
    clock: Clock,
) -> SaveResult:
    """Save a page: login, dimensions, plays, coverage and the run. Raises WarehouseError.

    listener: their profile, to be recorded; None when the login already has one. connection: in a transaction.
    """
    account_key = login.account_key
    if listener is not None:
        account_key, this_run.listener_key = recorded_account(
            connection,
            listener.listener_id,
            listener.user_id,
            listener.listener_name,
            settings.time_zone,
            this_run.started_at,
        )
    listener_key = this_run.listener_key
    assert listener_key is not None and account_key is not None, "a login without a listener fetches the profile"
    login.listener_key, login.account_key = listener_key, account_key
    run(connection, "ops/logins/accepted", login_key=login.login_key, listener_key=account_key)
    merges = merges_between(connection, account_key, listener_key)
    stage(connection, page.tables)
    merge_catalogue(connection)
    zone_warning = update_time_zone(connection, listener_key, settings.time_zone)
    is_full_window = page.item_count >= WINDOW
    now = this_run.started_at
    merge_set = merges[-1].set_key if merges else None
    new_count = merge_plays(
        connection, listener_key=listener_key, account_key=account_key, now=now, merge_set=merge_set
    )
    if merges:
        pass_on(connection, account_key, merges)
    reach = move_watermark(
        connection,
        listener_key=account_key,
        record_key=listener_key,
        source="recently_played",
        is_full_window=is_full_window,
        now=now,
    )
    rematch_plays(connection, now=now, but_not=listener_key)
    is_report_due = False
    if settings.github_output:  # only the workflow makes the daily report
        [report] = run(connection, "ops/runs/report_due", listener_key=listener_key, now=now)
        is_report_due = report.is_due
    if is_report_due:
        Run("daily-report", now, listener_key).record(connection, "done", now)
    this_run.record(connection, "gap" if reach.gap else "done", clock(), page.item_count, new_count)
    return new_count, reach, is_report_due, zone_warning
