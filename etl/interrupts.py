"""What Ctrl-C does: while the program starts it ends at once, later as an exception, and always in one sentence.

Standard library only, and little of that: until this module is imported, Ctrl-C is a traceback of Python's.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STATUS = 130  # 128 and the number of SIGINT, as shells have it


def exit_on_interrupt() -> None:
    """From now on Ctrl-C ends the process where it stands. For as long as nothing is begun that would need an end: an
    exception in the middle of an import is swallowed by some packages, and turned into something else by others."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # and not ignored, as in a shell's background
        signal.signal(signal.SIGINT, _leave)


def raise_on_interrupt() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt, by way of every `finally`."""
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ignore_interrupts() -> None:
    """From now on Ctrl-C does nothing: all is done, and the process is about to end by itself."""
    if signal.getsignal(signal.SIGINT) in (_leave, signal.default_int_handler):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def starting() -> Iterator[None]:
    """Ctrl-C ends the process at once meanwhile, and is an exception afterwards."""
    exit_on_interrupt()
    try:
        yield
    finally:
        raise_on_interrupt()


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"Stopped. Nothing was changed.\n")
    os._exit(STATUS)
