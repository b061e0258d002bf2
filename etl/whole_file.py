"""A file written whole or not at all, for its owner alone, never through a link or over anything but a file."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX, SUFFIX = ".brapped-", ".part"
YOUNG_S = 60  # a draft that was made just now may not be locked yet


class UnwritableError(Exception):
    """One sentence: why a file can't be written there."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file beside `path`, which takes its name when all went well, and is gone otherwise. Raises UnwritableError.

    The system says that another user's link is in the way by refusing: a draft is made, never opened.
    """
    try:
        check_replaceable(path)
        remove_stale_drafts(path.parent)
        number, name = tempfile.mkstemp(prefix=PREFIX, suffix=SUFFIX, dir=path.parent)
        draft = Path(name)
        try:
            with os.fdopen(number, "w+b") as file:
                lock_file(file.fileno())
                yield file
                file.flush()
                os.fsync(file.fileno())
            check_replaceable(path)
            draft.replace(path)
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
    except OSError as error:
        sentence = f"{path} can't be written: {error.strerror}."
    else:
        return
    raise UnwritableError(sentence)


def check_replaceable(path: Path) -> None:
    """Raises UnwritableError when something else than a file has this name."""
    if path.name in ("", ".."):
        raise UnwritableError(f"{path} is a folder. Name a file in it, such as {path / 'brapped.zip'}.")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise UnwritableError(f"{path} is a folder. Name a file in it, such as {path / 'brapped.zip'}.")
    if stat.S_ISLNK(mode):
        raise UnwritableError(f"{path} is a link, which is not replaced. Name the file itself.")
    if not stat.S_ISREG(mode):
        raise UnwritableError(f"{path} is no file but a device or a pipe, which is not replaced. Name a file.")


def remove_stale_drafts(folder: Path) -> None:
    """Removes what a program left that was killed while it wrote: nobody holds it any more."""
    for draft in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # somebody else's, or at work
            if time.time() - draft.lstat().st_mtime < YOUNG_S:
                continue
            number = os.open(draft, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            try:
                lock_file(number)
                draft.unlink()
            finally:
                os.close(number)


def lock_file(number: int) -> None:
    """Marks an open file as at work until it is closed. Raises OSError when another program holds it."""
    try:
        import fcntl
    except ImportError:  # Windows, which lets nobody remove an open file
        return
    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
