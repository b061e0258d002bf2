"""Time limits for what has none of its own: a call that may never end, and a run as a whole. Standard library only."""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from etl import limits

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class CallTimeout(Exception):
    """The work did not end within its limit."""


class RunTimeout(Exception):
    """A run used up its time. The message is for the person."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"The run was stopped because it took longer than {span(limit_s)}: Spotify or the database answers too"
            " slowly. What is recorded stays; the next run tries again."
        )


@dataclass(frozen=True)
class Deadline:
    """When a run has to end, by the monotonic clock, and the limit it was given, in seconds. By default never."""

    ends_at: float = math.inf
    limit_s: float = math.inf

    @classmethod
    def of(cls, job: str) -> "Deadline":
        """The deadline of a run of `job` that starts now; limits.RUN_S has the limits."""
        limit_s = limits.RUN_S[job]
        return cls(time.monotonic() + limit_s, limit_s)

    @property
    def left_s(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())

    @property
    def is_over(self) -> bool:
        return self.left_s == 0

    def check(self) -> None:
        """Raises RunTimeout when the time is up."""
        if self.is_over:
            raise RunTimeout(self.limit_s)


def within(limit_s: float, work: Callable[[], Result]) -> Result:
    """Run `work` in a thread, and return or raise what it does. Raises CallTimeout after `limit_s` seconds.

    Nothing else bounds a DNS lookup, a TLS handshake or a header that drips. The thread of late work is abandoned (it
    does not keep the program alive), so `work` must hold no lock and change nothing that its caller still uses.
    """
    outcome: Future[Result] = Future()

    def worker() -> None:
        try:
            outcome.set_result(work())
        except BaseException as error:  # handed to the caller
            outcome.set_exception(error)

    threading.Thread(target=worker, name="within", daemon=True).start()
    try:
        failure = outcome.exception(limit_s)
    except TimeoutError:  # of the wait: an exception of `work` is returned
        failure = CallTimeout()
    if failure is not None:
        raise failure
    return outcome.result()


class Watchdog:
    """Calls what a block gives it when the block takes too long: one thread for all blocks of the process.

    A thread for each block would cost more than most statements that it watches. What is called has to be quick,
    because all others wait for it. A forked process starts with none of its parent's blocks.
    """

    def __init__(self) -> None:
        self._start_empty()
        if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork either
            os.register_at_fork(after_in_child=self._start_empty)

    def _start_empty(self) -> None:
        self._watched: dict[object, tuple[float, Callable[[], None]]] = {}
        self._changed = threading.Condition()
        self._wakes_at = -math.inf  # by the monotonic clock, when the thread runs
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, limit_s: float, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` in the thread when the block takes longer than `limit_s` seconds."""
        block, ends_at = object(), time.monotonic() + limit_s
        try:
            with self._changed:
                self._watched[block] = ends_at, end
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                    self._thread.start()
                elif ends_at < self._wakes_at:
                    self._changed.notify()
            yield
        finally:
            with self._changed:
                self._watched.pop(block, None)

    def _watch(self) -> None:
        while True:
            for end in self._late():
                try:
                    end()
                except Exception:  # the other blocks are still to be watched
                    log.exception("What should end a block that takes too long has failed.")
                del end  # it holds a connection

    def _late(self) -> list[Callable[[], None]]:
        """Wait until a block is late; what ends it, and others that are. Maybe none: then ask again."""
        with self._changed:
            now = time.monotonic()
            late = {block: end for block, (ends_at, end) in self._watched.items() if ends_at <= now}
            for block in late:
                del self._watched[block]
            if not late:
                self._wakes_at = min((ends_at for ends_at, _ in self._watched.values()), default=math.inf)
                self._changed.wait(None if self._wakes_at == math.inf else self._wakes_at - now)
            return list(late.values())


@contextmanager
def run_after(limit_s: float, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` in a thread when the block takes longer than `limit_s` seconds.

    For what not even a signal interrupts, such as a wait inside the Postgres driver. The thread is its own, not the
    watchdog's: `end` may take seconds, and use connections that the watchdog watches.
    """
    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def span(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} s"
