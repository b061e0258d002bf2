"""The file `.env`: where it is looked for, and what it says."""

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
    """A `.env` that is there and can't be read. The message names the file and repeats nothing of what is in it."""


@dataclass(frozen=True)
class EnvFile:
    """The first `.env` found, which is the only one read, and those behind it that name a database as well."""

    path: Path | None = None
    is_here: bool = False  # in the current folder
    sets_database_url: bool = False
    others: tuple[Path, ...] = ()


def find() -> EnvFile:
    """Looks in the current folder, in the program's, and in the user's configuration folder. Raises EnvFileError."""
    here = current_folder()
    found = [path for path in places(here) if os.path.isfile(path)]  # noqa: PTH113  Path.is_file raises where one may not look
    if not found:
        return EnvFile()
    first, *rest = found
    others = tuple(
        path for path in rest if path.resolve() != first.resolve() and sets_database_url(path, default=False)
    )
    return EnvFile(first, here is not None and first == here / NAME, sets_database_url(first), others)


def places(here: Path | None) -> list[Path]:
    """In the order in which they are tried."""
    folders = [here, source_folder(), configuration_folder()]
    return [folder / NAME for folder in folders if folder is not None]


def current_folder() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # somebody has removed it
        return None


def configuration_folder() -> Path | None:
    """None for a user without a home folder."""
    try:
        folder = platformdirs.user_config_path("brapped", appauthor=False)
    except RuntimeError:  # which older versions of platformdirs do not raise
        return None
    return folder if folder.is_absolute() else None  # `~/…` would be a folder of that name in the current one


def source_folder() -> Path | None:
    """The folder that the program was cloned into and runs from, or that pip or uv installed it from."""
    beside = Path(__file__).parent.parent
    if (beside / "pyproject.toml").is_file():
        return beside
    try:
        said = json.loads(distribution("brapped").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    url = urlsplit(str(said.get("url", "")))
    return Path(url2pathname(url.path)) if url.scheme == "file" else None


def text_of(path: Path) -> str:
    """What stands in it, without a byte order mark. Raises EnvFileError."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise EnvFileError(f"The file {path} can't be read: {error.strerror}.") from None
    if "\0" in text:  # UTF-16 of plain letters is UTF-8 with a NUL after each
        raise EnvFileError(
            f"The file {path} is not written in UTF-8 (PowerShell's '>' writes UTF-16); save it again as UTF-8."
        )
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise EnvFileError(
                f"Line {binding.original.line} of {path} is no setting: write NAME=value, or # before a comment."
            )
    return text


def sets_database_url(path: Path, default: bool | None = None) -> bool:
    """Whether it sets DATABASE_URL; `default` for a file that can't be read, which without one raises EnvFileError."""
    try:
        values = dotenv_values(stream=io.StringIO(text_of(path)))
    except EnvFileError:
        if default is None:
            raise
        return default
    return any(name.upper() == "DATABASE_URL" and value and value.strip() for name, value in values.items())
