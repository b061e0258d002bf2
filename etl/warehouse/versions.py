"""Compare this program's version with the versions that were applied to a database. Pure."""

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from etl import __version__

log = logging.getLogger(__name__)


class Applied(Protocol):
    """A row of ops.schema_change: an applied file, and its former checksums."""

    file_name: str
    program_version: str
    former_checksums: list[str]


def newest_of(rows: Iterable[Applied]) -> str:
    """The highest version that applied any of these files; "" if there are none."""
    return max((str(row.program_version) for row in rows), key=version_key, default="")


def are_views_newer(rows: Iterable[Applied], checksums: Mapping[str, str]) -> bool:
    """Whether the database's views come from a newer program. `checksums`: those of this program's views.

    A program is newer if its version is higher, or if it has already replaced this program's views, so that two
    programs of one version don't replace each other's views in turn. Newer views stay: views only gain columns, so an
    older program can read them. Logs the reason.
    """
    views = [row for row in rows if row.file_name in checksums]
    newest = newest_of(views)
    if version_key(newest) > version_key(__version__):
        why = f"by version {newest}, and this program is {__version__}"
    elif any(checksums[row.file_name] in row.former_checksums for row in views):
        why = f"by another program of version {newest}, which replaced those of this one"
    else:
        return False
    log.info("The database's views were made by a newer Brapped (%s) and stay as they are. Update the program.", why)
    return True


def version_key(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
