"""Find and read the file `.env`."""

import io
import json
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import platformdirs
from dotenv import dotenv_values
from dotenv.parser import parse_stream

NAME = ".env"


class EnvFileError(Exception):
    """A `.env` exists but can't be read. The message names the file and quotes nothing of it."""


@dataclass(frozen=True)
class EnvFile:
    """The first `.env` found, which is the only one read, and the later ones that set DATABASE_URL, too."""

    path: Path | None = None
    is_here: bool = False  # in the current folder
    sets_database_url: bool = False
    others: tuple[Path, ...] = ()


def find_env_file() -> EnvFile:
    """Look in the current folder, the program's source folder and the user's configuration folder.

    Raises EnvFileError.
    """
    here = current_folder()
    # Not Path.is_file, which raises in a folder that the user may not enter.
    found = [path for path in candidates(here) if os.path.isfile(path)]  # noqa: PTH113
    if not found:
        return EnvFile()
    first, *rest = found
    others = tuple(
        path for path in rest if path.resolve() != first.resolve() and sets_database_url(path, default=False)
    )
    return EnvFile(first, here is not None and first == here / NAME, sets_database_url(first), others)


def candidates(here: Path | None) -> list[Path]:
    """The paths to try, in order."""
    folders = [here, source_folder(), configuration_folder()]
    return [folder / NAME for folder in folders if folder is not None]


def current_folder() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was removed
        return None


def configuration_folder() -> Path | None:
    """The user's configuration folder of the program; None for a user without a home folder."""
    try:
        folder = platformdirs.user_config_path("brapped", appauthor=False)
    except RuntimeError:  # only newer versions of platformdirs raise it
        return None
    return folder if folder.is_absolute() else None  # `~/…` would be a folder of that name in the current one


def source_folder() -> Path | None:
    """The clone that the program runs from, or that pip or uv installed it from; None for any other installation."""
    beside = Path(__file__).parent.parent
    if (beside / "pyproject.toml").is_file():
        return beside
    try:
        origin = json.loads(distribution("brapped").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    url = urlsplit(str(origin.get("url", "")))
    return Path(url2pathname(url.path)) if url.scheme == "file" else None


def read_text(path: Path) -> str:
    """The text of the file, without a byte order mark. Raises EnvFileError, also for a line that is no setting."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise EnvFileError(f"The file {path} can't be read: {error.strerror}.") from None
    if "\0" in text:  # UTF-16 of plain letters is UTF-8 with a NUL after each
        raise EnvFileError(f"The file {path} is not UTF-8 (PowerShell's '>' writes UTF-16); save it again as UTF-8.")
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise EnvFileError(
                f"Line {binding.original.line} of {path} is not a setting: write NAME=value, or # before a comment."
            )
    return text


def sets_database_url(path: Path, default: bool | None = None) -> bool:
    """Whether the file sets DATABASE_URL. For an unreadable file: `default`, or EnvFileError if that is None."""
    try:
        values = dotenv_values(stream=io.StringIO(read_text(path)))
    except EnvFileError:
        if default is None:
            raise
        return default
    return any(name.upper() == "DATABASE_URL" and value and value.strip() for name, value in values.items())
