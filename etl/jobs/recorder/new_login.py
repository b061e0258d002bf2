"""How `brapped login` tells the recorder of the same computer that there is a new login: by a file's date."""

from contextlib import suppress

from etl.jobs.recorder.spool import spool_folder
from etl.settings import Settings

FILE = "login"


def note_login(settings: Settings) -> None:
    """Note that somebody has just logged in. Does nothing where no recorder has run, or where its folder can't be used."""
    folder = spool_folder(settings)
    with suppress(OSError):  # another user's recorder: it looks by itself, but later
        if folder.is_dir():
            (folder / FILE).write_text("", "utf-8")


def login_noted_at(settings: Settings) -> int | None:
    """When that was last noted, in nanoseconds of the file system; None: never."""
    try:
        return (spool_folder(settings) / FILE).stat().st_mtime_ns
    except OSError:
        return None
