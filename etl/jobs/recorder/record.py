"""The recorder job: open the spool, claim the listeners who are logged in, and record until stopped."""

import logging
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from etl import __version__
from etl.auth.encryption import Keys
from etl.auth.logins import QUESTIONS, Grant, Login, NotLoggedIn
from etl.counts import many
from etl.deadline import CallTimeout, Deadline, within
from etl.health.findings import failure_finding
from etl.health.recorders import outage_finding
from etl.jobs.monitored import deliver, inspection_of
from etl.jobs.recorder.calls import Calls
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.flush import AnotherRecorder, claim, release
from etl.jobs.recorder.habits import zone_of
from etl.jobs.recorder.hand_over import hand_over
from etl.jobs.recorder.kept_logins import Kept, LoginRow, keep_login, kept_logins
from etl.jobs.recorder.loop import Recorder
from etl.jobs.recorder.service import Service
from etl.jobs.recorder.spool import Spool, app_of, host_name, spool_folder
from etl.jobs.recorder.tokens import AccessTokens
from etl.jobs.recorder.watch import Watch
from etl.jobs.run import accounts_of
from etl.settings import Settings
from etl.spotify.errors import LoginRefused
from etl.spotify.player import PlayerEndpoint
from etl.values import fingerprint
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.listeners import ListenerError
from etl.warehouse.statements import run

log = logging.getLogger(__name__)

LEAVING_S = 27.0  # after a signal; systemd waits for thirty (TimeoutStopSec)
RELEASE_S = 10.0  # to release the claims of a recorder that ends by an error
STARTING_S = 30.0  # between two tries to reach the database when the recorder starts


def record(
    settings: Settings,
    warehouse: Warehouse,
    *,
    listener: str | None = None,
    once: bool = False,
    is_takeover: bool = False,
    service: Service = Service(),  # noqa: B008  nothing changes it
    clocks: Clocks | None = None,
    started: Callable[[Recorder], None] = lambda recorder: None,
    notify: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Record what plays until SIGTERM or Ctrl-C, then flush.

    `listener`: their id or name; None: everybody who is logged in. `once`: ask everybody once. `is_takeover`: take
    listeners over from a recorder on another computer. `started` receives the recorder before it asks. Raises SpoolError,
    AnotherRecorder, NotLoggedIn, ListenerError and SettingsError; with `once` also SpotifyError and WarehouseError.
    """
    clocks = clocks or Clocks()
    with Spool(spool_folder(settings)) as spool, stopping(clocks) as stop:
        service.notify("READY=1", "STATUS=waiting for the database")
        keys = Keys(settings)
        kept = {one.row["listener_key"]: one for one in kept_logins(spool, keys)}
        rows, is_away = patiently(
            lambda: load_logins(settings, warehouse, clocks, listener),
            chosen([one.row for one in kept.values()], listener),
            clocks,
            once=once,
        )
        holder_id = spool.holder_id
        if not is_away:  # else this spool was the last to watch them; the first flush claims them
            keys_of_rows = [row["listener_key"] for row in rows]
            try:
                claim(warehouse, keys_of_rows, holder_id, host_name(), clocks.now(), is_takeover=is_takeover)
            except AnotherRecorder as refusal:
                handed = hand_over(warehouse, settings, spool, keys_of_rows, app_of(settings), clocks.now())
                raise AnotherRecorder(f"{refusal}{handed}") from None
        with releasing(warehouse, holder_id, clocks):
            calls = Calls(spool, app_of(settings), settings.player_daily_budget, len(rows))
            player = PlayerEndpoint(settings.spotify_api_url, clocks.reading)
            watches = [
                Watch(
                    row["listener_key"],
                    tokens_of(settings, warehouse, clocks, spool, row, kept.get(row["listener_key"]), is_away=is_away),
                    player,
                    calls,
                    spool,
                    clocks,
                    zone_of(row["time_zone"]),
                )
                for row in rows
            ]
            recorder = Recorder(
                settings,
                warehouse,
                spool,
                watches,
                holder_id,
                service,
                alert=lambda sentence: tell(settings, sentence),
                report=lambda since: tell_outage(settings, since),
                is_away=is_away,
            )
            stop.recorder = recorder
            started(recorder)
            if once:
                new_count = recorder.once()
                notify(f"Asked about {many(len(watches), 'listener')}. {many(new_count, 'play')} recorded.")
                return
            notify(f"Recording {many(len(watches), 'listener')}. Ctrl-C ends it.")
            recorder.run()


def tokens_of(
    settings: Settings,
    warehouse: Warehouse,
    clocks: Clocks,
    spool: Spool,
    row: LoginRow,
    kept: Kept | None,
    *,
    is_away: bool,
) -> AccessTokens:
    """The access tokens of a listener. `kept`: their login as the spool has it, to begin with if the database is away.

    Or if the spool has a newer token than the database.
    """
    keys = Keys(settings)

    def keep(login: Login, grant: Grant, is_unstored: bool) -> None:
        with suppress(sqlite3.Error):  # the disk is full; memory has it
            keep_login(spool, keys, Kept({**row, "login_key": login.login_key}, grant, is_unstored))

    begin = None
    if kept is not None and (is_away or (kept.is_unstored and kept.row["login_key"] == row["login_key"])):
        begin = login_from(settings, warehouse, clocks, kept.row), kept.grant, kept.is_unstored
    return AccessTokens(lambda: login_of(settings, warehouse, clocks, row), begin, keep)


def load_logins(settings: Settings, warehouse: Warehouse, clocks: Clocks, listener: str | None) -> list[LoginRow]:
    """The login of each listener to be watched. Raises NotLoggedIn, ListenerError and WarehouseError."""
    warehouse.migrate(clocks.now(), __version__, views_may_wait=True)
    token = settings.spotify_refresh_token.get_secret_value() if settings.spotify_refresh_token else None
    mark = fingerprint(token) if token else None
    rows = warehouse.ask(lambda connection: run(connection, "ops/logins/everyone", setting_fingerprint=mark))
    found: list[LoginRow] = [dict(row._mapping) for row in rows]
    if listener is not None and not (found := chosen(found, listener)):
        raise ListenerError("No listener of that id or name is logged in here. 'brapped status' lists them.")
    if not found and token:
        raise ListenerError("Nobody knows yet whose login SPOTIFY_REFRESH_TOKEN is. Run 'brapped plays' once first.")
    if not found:
        raise NotLoggedIn
    return found


def chosen(rows: list[LoginRow], listener: str | None) -> list[LoginRow]:
    """The rows of the listener of this id or name; all of them if it is None."""
    if listener is None:
        return rows
    wanted = listener.casefold()
    return [row for row in rows if wanted in (row["listener_id"].casefold(), (row["listener_name"] or "").casefold())]


def login_of(settings: Settings, warehouse: Warehouse, clocks: Clocks, row: LoginRow) -> Login:
    """The newest login of the same listener. Raises LoginRefused if Spotify refused it before, and WarehouseError."""
    token = settings.spotify_refresh_token.get_secret_value() if settings.spotify_refresh_token else None
    mark = fingerprint(token) if token else None
    rows = warehouse.ask(lambda connection: run(connection, "ops/logins/everyone", setting_fingerprint=mark))
    newest = next((dict(one._mapping) for one in rows if one.listener_key == row["listener_key"]), row)
    if newest["refused_at"] is not None:
        raise LoginRefused(newest["refused_reason"])
    return login_from(settings, warehouse, clocks, newest)


def login_from(settings: Settings, warehouse: Warehouse, clocks: Clocks, row: LoginRow) -> Login:
    """The login of a row, without asking the database."""
    token = settings.spotify_refresh_token.get_secret_value() if settings.spotify_refresh_token else None
    answers: dict[str, list[LoginRow]] = {QUESTIONS[0]: [row], QUESTIONS[1]: [row]}
    return Login(warehouse, accounts_of(settings, Deadline()), token, Keys(settings), clocks.now, answers)


def patiently(
    work: Callable[[], list[LoginRow]], kept: list[LoginRow], clocks: Clocks, *, once: bool
) -> tuple[list[LoginRow], bool]:
    """What `work` returns, as soon as the database answers; or `kept`, if there is any, and that the database is away.

    Raises WarehouseError at once if `once`, and if the database answers and refuses.
    """
    is_said = False
    while True:
        try:
            return work(), False
        except WarehouseError as error:
            if once or error.is_reached:
                raise
            if kept:
                log.warning("%s The recorder goes on with the logins that it knows.", error)
                return kept, True
            if not is_said:
                log.warning("%s The recorder starts as soon as it does.", error)
            is_said = True
        if clocks.wait(STARTING_S):
            raise SystemExit(0)


@contextmanager
def releasing(warehouse: Warehouse, holder_id: str, clocks: Clocks) -> Iterator[None]:
    """Release the claims if the block ends by an error: else they would keep a recorder elsewhere from its work."""
    try:
        yield
    except (Exception, SystemExit, KeyboardInterrupt):
        with suppress(WarehouseError, CallTimeout):  # the error that ended the block says more
            within(RELEASE_S, lambda: release(warehouse, holder_id, clocks.now()))
        raise


@dataclass
class Stop:
    """What a signal stops."""

    recorder: Recorder | None = None


@contextmanager
def stopping(clocks: Clocks) -> Iterator[Stop]:
    """Within the block, SIGTERM and Ctrl-C end the recorder in good order.

    What has not ended LEAVING_S after the signal (a question, a flush to a database that does not answer) is left: the
    spool survives that as it survives a kill.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def on_signal(number: int, frame: object) -> None:
        clocks.wake()
        leave = threading.Timer(LEAVING_S, os._exit, (0,))
        leave.daemon = True
        leave.start()
        if stop.recorder is None:  # nothing is recorded yet
            raise SystemExit(0)
        stop.recorder.stop()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tell(settings: Settings, sentence: str) -> None:
    """Send the alert that a recorder stands still."""
    deliver(settings, inspection_of("record", [failure_finding("login", sentence, "record")], inspected=()))


def tell_outage(settings: Settings, since: datetime | None) -> None:
    """Send the alert that no question is answered since then, once; or, with None, that this is over."""
    found = [outage_finding(host_name(), since)] if since is not None else []
    deliver(settings, inspection_of("record", found, inspected=("player",)))
