"""Ctrl-C: it ends the program at once while that starts, raises KeyboardInterrupt later, and never shows a traceback.

Imports as little as possible: until this module is imported, Ctrl-C does show Python's traceback.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STATUS = 130  # 128 plus the number of SIGINT, as shells report it


def exit_on_interrupt() -> None:
    """From now on, Ctrl-C ends the process immediately.

    For the imports, while there is nothing to clean up: some packages swallow a KeyboardInterrupt during their import,
    and others turn it into another error.
    """
    # Not if the signal is ignored, as it is for a background job of a shell.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def raise_on_interrupt() -> None:
    """From now on, Ctrl-C raises KeyboardInterrupt, so that every `finally` runs."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore_interrupts() -> None:
    """From now on, Ctrl-C does nothing: the work is done and the process is about to exit."""
    if signal.getsignal(signal.SIGINT) in (_leave, signal.default_int_handler):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def starting() -> Iterator[None]:
    """Within the block, Ctrl-C ends the process immediately; afterwards it raises KeyboardInterrupt."""
    exit_on_interrupt()
    try:
        yield
    finally:
        raise_on_interrupt()


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"Stopped. Nothing was changed.\n")
    os._exit(STATUS)
