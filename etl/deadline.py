"""Time limits for what has none of its own: a call that may drip for ever, and a run as a whole. Standard library only."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from etl import limits

Result = TypeVar("Result")


class CallTimeout(Exception):
    """The work did not end in its time."""


class RunTimeout(Exception):
    """A run has used up its time. The message is for the person."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"The run was stopped because it took longer than {span(limit_s)}: Spotify or the database answers too slowly."
            " What is recorded stays; the next run asks again."
        )


@dataclass(frozen=True)
class Deadline:
    """When a run has to be over, by the monotonic clock. The default never comes."""

    ends_at: float = math.inf
    limit_s: float = math.inf

    @classmethod
    def of(cls, job: str) -> "Deadline":
        """That of a run of the job that begins now."""
        limit_s = limits.RUN_S[job]
        return cls(time.monotonic() + limit_s, limit_s)

    @property
    def left_s(self) -> float:
        return max(0.0, self.ends_at - time.monotonic())

    @property
    def is_over(self) -> bool:
        return self.left_s == 0

    def check(self) -> None:
        """Raises RunTimeout once it is over."""
        if self.is_over:
            raise RunTimeout(self.limit_s)


def within(limit_s: float, work: Callable[[], Result]) -> Result:
    """Does `work` in a thread of its own; returns what it returns, raises what it raises, and raises CallTimeout after `limit_s`.

    Nothing else bounds a name that is being looked up, a TLS handshake or a header that drips. The thread of late work is
    left behind: `work` must hold no lock and change nothing that its caller still uses. It does not keep the program alive.
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
    except TimeoutError:  # of waiting: what `work` raises is returned
        failure = CallTimeout()
    if failure is not None:
        raise failure
    return outcome.result()


@contextmanager
def call_after(limit_s: float, end: Callable[[], None]) -> Iterator[None]:
    """Calls `end`, in a thread of its own, when the block takes longer: for what not even a signal interrupts, as a wait
    inside the driver of Postgres."""
    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def span(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} s"
