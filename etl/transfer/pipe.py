"""From one COPY into another: bytes on their way between two threads, a few at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

BLOCK = 2**18  # bytes handed over at once
MAX_BLOCKS = 16  # blocks on their way


class Abandoned(Exception):
    """Nobody reads any more."""


class Pipe:
    """A file that one thread writes and another reads."""

    def __init__(self) -> None:
        self.blocks: queue.Queue[bytes | None] = queue.Queue(MAX_BLOCKS)
        self.written = bytearray()
        self.left = memoryview(b"")
        self.is_abandoned = False
        self.error: BaseException | None = None

    def write(self, told: bytes) -> int:
        self.written += told
        if len(self.written) >= BLOCK:
            self.flush()
        return len(told)

    def flush(self) -> None:
        block, self.written = bytes(self.written), bytearray()
        self.put(block)

    def put(self, block: bytes | None) -> None:
        while not self.is_abandoned:
            try:
                self.blocks.put(block, timeout=0.1)
            except queue.Full:
                continue
            return
        raise Abandoned

    def read(self, size: int = -1) -> bytes:
        if not self.left:
            block = self.blocks.get()
            if block is None:
                self.blocks.put(None)
                if self.error is not None:
                    raise self.error
                return b""
            self.left = memoryview(block)
        size = len(self.left) if size < 0 else size
        given, self.left = bytes(self.left[:size]), self.left[size:]
        return given


def pump(
    write: Callable[[Pipe, int], object],
    read: Callable[[Pipe, int], object],
    speaking: Callable[[], AbstractContextManager[None]],
) -> None:
    """Lets `read` read what `write` writes meanwhile, in a thread of its own. An error of `write` (within `speaking`) is raised before
    one of `read`, which is but its consequence."""
    pipe = Pipe()

    def fill() -> None:
        try:
            with speaking():
                write(pipe, BLOCK)
            pipe.flush()
            pipe.put(None)
        except Abandoned:
            pass
        except BaseException as error:
            pipe.error = error
            if not pipe.is_abandoned:
                pipe.blocks.put(None)

    filling = threading.Thread(target=fill, name="pipe")
    filling.start()
    try:
        read(pipe, BLOCK)
    except BaseException:
        if pipe.error is not None and not isinstance(pipe.error, Abandoned):
            raise pipe.error from None
        raise
    finally:
        pipe.is_abandoned = True
        filling.join()
