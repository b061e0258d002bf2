"""Write a file whole or not at all, for its owner alone or with given permissions, and only ever over a file."""

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
YOUNG_S = 60  # a draft that was created just now may not be locked yet


class UnwritableError(Exception):
    """A file can't be written; the message is one sentence that says why."""


@contextmanager
def whole_file(path: Path, mode: int = stat.S_IRUSR | stat.S_IWUSR) -> Iterator[IO[bytes]]:
    """Open a draft beside `path` that replaces it when the block succeeds, and is removed when it does not.

    mode: the permissions of the file in the end; the draft is readable by its owner alone. The draft is created, never
    opened, so nobody can have put a link in its place. Raises UnwritableError.
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
            draft.chmod(mode)
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
    """Raises UnwritableError when `path` exists and is not a regular file."""
    if path.name in ("", ".."):
        raise UnwritableError(f"{path} is a folder. Name a file in it, such as {path / 'brapped.zip'}.")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise UnwritableError(f"{path} is a folder. Name a file in it, such as {path / 'brapped.zip'}.")
    if stat.S_ISLNK(mode):
        raise UnwritableError(f"{path} is a symbolic link, which is not replaced. Name the file itself.")
    if not stat.S_ISREG(mode):
        raise UnwritableError(f"{path} is a device or a pipe, which is not replaced. Name a file.")


def remove_stale_drafts(folder: Path) -> None:
    """Remove the drafts of programs that were killed while they wrote: their locks are gone."""
    for draft in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # another user's, or still being written
            if time.time() - draft.lstat().st_mtime < YOUNG_S:
                continue
            number = os.open(draft, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            try:
                lock_file(number)
                draft.unlink()
            finally:
                os.close(number)


def lock_file(number: int) -> None:
    """Lock an open file until it is closed. Raises OSError when another program has locked it."""
    try:
        import fcntl
    except ImportError:  # Windows, where an open file can't be removed
        return
    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
