"""Versions: which of two programs is the newer one, by what each has applied to a database. Pure."""

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from etl import __version__

log = logging.getLogger(__name__)


class Applied(Protocol):
    """A row of ops.schema_change: a file as it was applied, and what it was before."""

    file_name: str
    program_version: str
    former_checksums: list[str]


def newest_of(rows: Iterable[Applied]) -> str:
    """The highest version of the program that applied any of these files; an empty text when there are none."""
    return max((str(row.program_version) for row in rows), key=version_key, default="")


def are_views_newer(rows: Iterable[Applied], checksums: Mapping[str, str]) -> bool:
    """Whether the views of a database are those of a newer program than this one, whose views have these checksums.

    Newer is one of a higher version; and one that has replaced the very views of this program before, so that two programs of
    one version do not replace each other's in turn. Newer views stay: they only gain columns, so an older program can read them.
    """
    views = [row for row in rows if row.file_name in checksums]
    newest = newest_of(views)
    if version_key(newest) > version_key(__version__):
        why = f"by version {newest}, and this program is {__version__}"
    elif any(checksums[row.file_name] in row.former_checksums for row in views):
        why = f"by another program of version {newest}, which replaced those of this one"
    else:
        return False
    log.info("The views of this database were made by a newer Brapped: %s. They stay. Update the program.", why)
    return True


def version_key(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
