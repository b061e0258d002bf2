"""Disable garbage collection while importing."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from etl.interrupts import starting


@contextmanager
def quick_imports() -> Iterator[None]:
    """Imports inside this context are never garbage-collected, and Ctrl-C ends the program at once.

    Modules live until the exit. Walking through them again and again, while importing and at the exit, took a third
    of an hourly run.
    """
    gc.disable()
    with starting():
        yield
    gc.freeze()
    gc.enable()
