"""A private folder for what listeners upload: gone when the server ends, and, after a crash, with the next start."""

import logging
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

from etl.values import printable
from etl.whole_file import lock_file

log = logging.getLogger(__name__)

PREFIX = "brapped-uploads-"
LONGEST_NAME = 120  # bytes of a file's name that are kept, besides its ending


class PrivateFolder:
    """A folder that only this user may open, and that is locked for as long as this process uses it."""

    def __init__(self, above: Path | None = None) -> None:
        """Make it in `above` (default: the folder for temporary files), and delete what earlier processes left there."""
        parent = above or Path(tempfile.gettempdir())
        delete_leftovers(parent)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # mode 0700
        self._lock = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        lock_file(self._lock)

    def new(self) -> Path:
        """A new folder within it."""
        return Path(tempfile.mkdtemp(dir=self.path))

    def close(self) -> None:
        """Delete it with all that is in it."""
        os.close(self._lock)
        shutil.rmtree(self.path, ignore_errors=True)


def delete_leftovers(parent: Path) -> None:
    """Delete the folders of processes of this user that are no longer there."""
    own = os.getuid() if hasattr(os, "getuid") else 0  # Windows has no users in numbers: all files are of 0
    for path in parent.glob(f"{PREFIX}*"):
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != own:
            continue
        with suppress(OSError):  # another process uses it, or has deleted it just now
            number = os.open(path / "lock", os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                lock_file(number)
                shutil.rmtree(path, ignore_errors=True)
                log.info("Uploads that an earlier process left behind are deleted.")
            finally:
                os.close(number)


def safe_name(told: str | None) -> str:
    """The last part of the name that a browser gives for a file, as a name of a file here. Pure."""
    name = printable(PurePosixPath((told or "").replace("\\", "/")).name).strip()
    if name in ("", ".", ".."):
        return "file"
    ending = PurePosixPath(name).suffix[:10]
    return name.removesuffix(ending).encode()[:LONGEST_NAME].decode("utf-8", "ignore") + ending
