"""A pipe between two COPY statements: one thread writes, another reads, and a few blocks are in memory at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

BLOCK = 2**18  # bytes handed over at once
MAX_BLOCKS = 16  # waiting to be read


class Abandoned(Exception):
    """The reader is gone."""


class Pipe:
    """A file object that one thread writes and another reads."""

    def __init__(self) -> None:
        self.blocks: queue.Queue[bytes | None] = queue.Queue(MAX_BLOCKS)
        self.written = bytearray()
        self.left = memoryview(b"")
        self.is_abandoned = False
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        self.written += data
        if len(self.written) >= BLOCK:
            self.flush()
        return len(data)

    def flush(self) -> None:
        block, self.written = bytes(self.written), bytearray()
        self.put(block)

    def put(self, block: bytes | None) -> None:
        """Queue a block, or None for the end. Raises Abandoned when nobody reads any more."""
        while not self.is_abandoned:
            try:
                self.blocks.put(block, timeout=0.1)
            except queue.Full:
                continue
            return
        raise Abandoned

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes; b"" at the end. Raises the writer's error after what it wrote was read."""
        if not self.left:
            block = self.blocks.get()
            if block is None:
                self.blocks.put(None)
                if self.error is not None:
                    raise self.error
                return b""
            self.left = memoryview(block)
        size = len(self.left) if size < 0 else size
        data, self.left = bytes(self.left[:size]), self.left[size:]
        return data


def pump(
    write: Callable[[Pipe, int], object],
    read: Callable[[Pipe, int], object],
    write_errors: Callable[[], AbstractContextManager[None]],
) -> None:
    """Run `write` in a thread and `read` in this one, with a pipe between them; both are called with the pipe and
    BLOCK.

    `write` runs within `write_errors()`, which may translate its errors. Raises what `write` or `read` raises; if both
    do, the error of `write`, because that of `read` is only its consequence.
    """
    pipe = Pipe()

    def fill() -> None:
        try:
            with write_errors():
                write(pipe, BLOCK)
            pipe.flush()
            pipe.put(None)
        except Abandoned:
            pass
        except BaseException as error:
            pipe.error = error
            if not pipe.is_abandoned:
                pipe.blocks.put(None)

    writer = threading.Thread(target=fill, name="pipe")
    writer.start()
    try:
        read(pipe, BLOCK)
    except BaseException:
        if pipe.error is not None and not isinstance(pipe.error, Abandoned):
            raise pipe.error from None
        raise
    finally:
        pipe.is_abandoned = True
        writer.join()
