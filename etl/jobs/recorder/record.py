"""The recorder job: open the spool, claim the listeners who are logged in, and record until stopped."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from etl import __version__
from etl.auth.encryption import Keys
from etl.auth.logins import QUESTIONS, Login, NotLoggedIn
from etl.counts import many
from etl.deadline import Deadline
from etl.health.findings import failure_finding
from etl.jobs.monitored import deliver, inspection_of
from etl.jobs.recorder.calls import Calls
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.flush import claim
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
STARTING_S = 30.0  # between two tries to reach the database when the recorder starts
LoginRow = Mapping[str, Any]


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
        rows = patiently(lambda: load_logins(settings, warehouse, clocks, listener), clocks, once=once)
        holder_id = spool.holder_id
        for row in rows:
            claim(warehouse, row["listener_key"], holder_id, host_name(), clocks.now(), is_takeover=is_takeover)
        calls = Calls(spool, app_of(settings), settings.player_daily_budget)
        player = PlayerEndpoint(settings.spotify_api_url, clocks.reading)
        watches = [
            Watch(
                row["listener_key"],
                AccessTokens(lambda row=row: login_of(settings, warehouse, clocks, row)),  # type: ignore[misc]
                player,
                calls,
                spool,
                clocks,
                ZoneInfo(row["time_zone"]),
            )
            for row in rows
        ]
        recorder = Recorder(
            settings, warehouse, spool, watches, holder_id, service, alert=lambda sentence: tell(settings, sentence)
        )
        stop.recorder = recorder
        started(recorder)
        if once:
            new_count = recorder.once()
            notify(f"Asked about {many(len(watches), 'listener')}. {many(new_count, 'play')} recorded.")
            return
        notify(f"Recording {many(len(watches), 'listener')}. Ctrl-C ends it.")
        recorder.run()


def load_logins(settings: Settings, warehouse: Warehouse, clocks: Clocks, listener: str | None) -> list[LoginRow]:
    """The login of each listener to be watched. Raises NotLoggedIn, ListenerError and WarehouseError."""
    warehouse.migrate(clocks.now(), __version__, views_may_wait=True)
    token = settings.spotify_refresh_token.get_secret_value() if settings.spotify_refresh_token else None
    mark = fingerprint(token) if token else None
    rows = warehouse.ask(lambda connection: run(connection, "ops/logins/everyone", setting_fingerprint=mark))
    found: list[LoginRow] = [dict(row._mapping) for row in rows]
    if listener is not None:
        wanted = listener.casefold()
        found = [
            row for row in found if wanted in (row["listener_id"].casefold(), (row["listener_name"] or "").casefold())
        ]
        if not found:
            raise ListenerError("No listener of that id or name is logged in here. 'brapped status' lists them.")
    if not found:
        raise NotLoggedIn
    return found


def login_of(settings: Settings, warehouse: Warehouse, clocks: Clocks, row: LoginRow) -> Login:
    """The newest login of the same listener. Raises LoginRefused if Spotify refused it before, and WarehouseError."""
    token = settings.spotify_refresh_token.get_secret_value() if settings.spotify_refresh_token else None
    mark = fingerprint(token) if token else None
    rows = warehouse.ask(lambda connection: run(connection, "ops/logins/everyone", setting_fingerprint=mark))
    newest = next((dict(one._mapping) for one in rows if one.listener_key == row["listener_key"]), row)
    if newest["refused_at"] is not None:
        raise LoginRefused(newest["refused_reason"])
    answers: dict[str, list[Mapping[str, Any]]] = {QUESTIONS[0]: [newest], QUESTIONS[1]: [newest]}
    return Login(warehouse, accounts_of(settings, Deadline()), token, Keys(settings), clocks.now, answers)


def patiently(work: Callable[[], list[LoginRow]], clocks: Clocks, *, once: bool) -> list[LoginRow]:
    """What `work` returns, as soon as the database answers. Raises WarehouseError at once if `once`."""
    is_said = False
    while True:
        try:
            return work()
        except WarehouseError as error:
            if once or error.is_reached:
                raise
            if not is_said:
                log.warning("%s The recorder starts as soon as it does.", error)
            is_said = True
        if clocks.wait(STARTING_S):
            raise SystemExit(0)


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
