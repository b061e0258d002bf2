"""Imports that listeners began in the browser: a dry run, what they say to it, and the import, each in a thread.

Their state is in memory: an import is one transaction, so that one that is cut off is as if it had never been. An
upload is deleted when its import ends, fails or is declined, when the server ends, and after KEPT_S.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from etl.extras import missing_extra
from etl.jobs.imports import import_exports
from etl.jobs.ownership import OWN_RECORD
from etl.jobs.receipts import Receipt
from etl.settings import Settings
from etl.sources.exports.packages import ExportError
from etl.warehouse.connection import Warehouse
from etl.warehouse.engine import WatchedConnection
from etl.warehouse.errors import WarehouseError
from etl.warehouse.listeners import ListenerError, RecordedListener
from etl.web.private_folder import PrivateFolder

log = logging.getLogger(__name__)

AT_ONCE = 2  # imports of all listeners: each takes a processor and some hundred megabytes
KEPT_S = 3600.0  # an upload that waits for an answer
END_S = 15.0  # for imports to be cut off when the server ends
WAITING, CHECKING, CHECKED, IMPORTING, DONE, FAILED = "waiting", "checking", "checked", "importing", "done", "failed"
OF_ANOTHER = "If it is somebody else's export, decline."
FAULT = "Something went wrong here; the log of the server says what. Nothing was imported."
CUT_OFF = "The server was ended before it was done. Nothing was imported: upload it again."


class Busy(Exception):
    """An import of this listener is under way, so no other one can begin."""


class Ended(Exception):
    """The server ends: what is under way is cut off."""


@dataclass(frozen=True)
class UnderWay:
    """An import of a listener, at one moment.

    `done`, `total`: bytes that were read, unpacked. `problem`: in a sentence, once it has failed. `receipt`: of the dry
    run from CHECKED on, of the import when DONE.
    """

    listener: RecordedListener
    folder: Path
    paths: tuple[Path, ...]
    without_private: bool
    again: bool
    stage: str = WAITING
    is_confirmed: bool = False
    done: int = 0
    total: int = 0
    receipt: Receipt | None = field(default=None, repr=False)
    problem: str = field(default="", repr=False)
    since_s: float = field(default_factory=time.monotonic)

    @property
    def is_running(self) -> bool:
        return self.stage in (WAITING, CHECKING, IMPORTING)

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


class ImportsUnderWay:
    """At most one import a listener. Safe to use from several threads."""

    def __init__(self, settings: Settings, warehouse: Warehouse, clock: Callable[[], datetime]) -> None:
        self.settings, self.warehouse, self.clock = settings, warehouse, clock
        self.uploads = PrivateFolder()
        self._turns = threading.Semaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._known: dict[int, UnderWay] = {}
        self._left: set[int] = set()  # listeners whose record is deleted, or is just being deleted
        self._threads: set[threading.Thread] = set()
        self._is_ending = False

    def of(self, listener_key: int) -> UnderWay | None:
        """The import of a listener that is under way, or was the last."""
        self.expire()
        with self._lock:
            return self._known.get(listener_key)

    def begin(
        self, listener: RecordedListener, folder: Path, paths: Sequence[Path], *, without_private: bool, again: bool
    ) -> None:
        """Begin with a dry run of these files, which are in `folder`. What waited for an answer is dropped.

        Raises Busy. The folder is this object's from here on, whatever happens.
        """
        key = listener.listener_key
        with self._lock:
            before = self._known.get(key)
            is_free = not (before and before.is_running) and key not in self._left and not self._is_ending
            if is_free:
                self._known[key] = UnderWay(listener, folder, tuple(paths), without_private, again)
        if not is_free:
            self._delete(folder)
            raise Busy
        if before is not None:
            self._delete(before.folder)
        self._start(key)

    def confirm(self, listener_key: int) -> bool:
        """Begin the import of what was checked; whether there was anything."""
        with self._lock:
            one = self._known.get(listener_key)
            if one is None or one.stage != CHECKED or listener_key in self._left or self._is_ending:
                return False
            self._known[listener_key] = replace(one, stage=WAITING, is_confirmed=True, done=0, since_s=time.monotonic())
        self._start(listener_key)
        return True

    def must_be_idle(self, listener_key: int) -> None:
        """Raises Busy while an import of this listener runs: what waits for its end would take as long."""
        with self._lock:
            one = self._known.get(listener_key)
            if one is not None and one.is_running:
                raise Busy

    def drop(self, listener_key: int) -> None:
        """Forget what was checked or is over, and delete its files. Raises Busy while it runs."""
        with self._lock:
            one = self._known.get(listener_key)
            if one is not None and one.is_running:
                raise Busy
            self._known.pop(listener_key, None)
        if one is not None:
            self._delete(one.folder)

    def leave(self, listener_key: int) -> None:
        """The same, and take nothing more of this listener, whose record is about to be deleted. Raises Busy."""
        with self._lock:
            self._left.add(listener_key)
        try:
            self.drop(listener_key)
        except Busy:
            self.stay(listener_key)
            raise

    def stay(self, listener_key: int) -> None:
        """Take files of this listener again: the record was not deleted after all."""
        with self._lock:
            self._left.discard(listener_key)

    def expire(self) -> None:
        """Delete uploads that nobody answered for KEPT_S, and forget imports that ended so long ago."""
        now_s = time.monotonic()
        with self._lock:
            old = [key for key, one in self._known.items() if not one.is_running and now_s - one.since_s > KEPT_S]
            folders = [self._known.pop(key).folder for key in old]
        for folder in folders:
            self._delete(folder)

    def close(self) -> None:
        """Cut off what runs, and delete every upload. An import that is cut off has changed nothing."""
        with self._lock:
            self._is_ending = True
            threads = list(self._threads)
        deadline_s = time.monotonic() + END_S
        while any(thread.is_alive() for thread in threads) and time.monotonic() < deadline_s:
            WatchedConnection.cancel_all()
            for thread in threads:
                thread.join(0.2)
        self.uploads.close()

    def _start(self, listener_key: int) -> None:
        thread = threading.Thread(target=self._run, args=(listener_key,), name="import", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _run(self, listener_key: int) -> None:
        try:
            with self._turns:
                one = self._changed(listener_key, lambda known: replace(known, stage=self._working(known)))
                try:
                    receipt, problem = self._imported(one), ""
                except Exception as error:  # whatever it is, the listener has to read that it failed
                    receipt, problem = None, self._sentence(one, error)
            if receipt is not None and not any(file.source for file in receipt.files):
                problem = unreadable(receipt)
                receipt = None
            stage = FAILED if receipt is None else DONE if one.is_confirmed else CHECKED
            is_over = stage != CHECKED
            if is_over:
                self._delete(one.folder)
            self._changed(
                listener_key,
                lambda known: replace(known, stage=stage, receipt=receipt, problem=problem, since_s=time.monotonic()),
            )
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())

    def _working(self, known: UnderWay) -> str:
        return IMPORTING if known.is_confirmed else CHECKING

    def _imported(self, one: UnderWay) -> Receipt:
        def progressed(done: int, total: int) -> None:
            if self._is_ending:
                raise Ended
            self._changed(one.listener.listener_key, lambda known: replace(known, done=done, total=total))

        progressed(0, 0)
        return import_exports(
            self.settings,
            self.warehouse,
            one.paths,
            listener=one.listener.listener_id,
            without_private=one.without_private,
            again=one.again,
            dry_run=not one.is_confirmed,
            clock=self.clock,
            progress=progressed,
        )

    def _sentence(self, one: UnderWay, error: Exception) -> str:
        """What went wrong, for the listener. The log gets no name of a file."""
        if self._is_ending:
            return CUT_OFF
        if isinstance(error, ExportError):
            text = str(error)
            for path in one.paths:
                text = text.replace(f"{path.parent}/", "")
            return text
        if isinstance(error, WarehouseError | ListenerError):
            log.error("An import did not succeed: %s", error if isinstance(error, WarehouseError) else "no listener")
            return f"{error} Nothing was imported."
        if lacking := missing_extra(error):
            log.error("%s", lacking)
            return lacking
        log.error("An import failed with %s", type(error).__name__)
        return FAULT

    def _changed(self, listener_key: int, change: Callable[[UnderWay], UnderWay]) -> UnderWay:
        with self._lock:
            changed = self._known[listener_key] = change(self._known[listener_key])
            return changed

    def _delete(self, folder: Path) -> None:
        if folder.parent == self.uploads.path:
            shutil.rmtree(folder, ignore_errors=True)


def unreadable(receipt: Receipt) -> str:
    """Why none of the files can be read, a line each. Pure."""
    return "\n".join(f"{file.file_name}: {file.unreadable_reason}." for file in receipt.files)


def warnings_of(receipt: Receipt) -> list[str]:
    """The warnings of a receipt, in words that fit a browser. Pure."""
    return [warning.replace(OWN_RECORD, OF_ANOTHER) for warning in receipt.warnings]
