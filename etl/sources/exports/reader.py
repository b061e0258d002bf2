"""Spotify's data exports to plays: the extended streaming history (a whole life) and the account data (a year)."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from etl.sources.exports import archives
from etl.sources.exports.archives import JsonFile, Unreadable
from etl.sources.exports.members import UNKNOWN_ARTIST, UNKNOWN_TRACK, MemberCatalogue, name_uri, names_of
from etl.sources.exports.owner import owner_in
from etl.sources.exports.rows import (
    ACCOUNT,
    EXTENDED,
    LEFT_EMPTY,
    MARK,
    PRIVATE,
    ExtendedRow,
    Moments,
    Rows,
    format_moments,
    looks_like_a_history,
    moment64,
    row_note,
    rows_of,
)
from etl.sources.exports.text import NotText, to_utf8
from etl.staging import AHEAD, EXPORT_PLAY_COLUMNS, FIRST_PLAY, SHOWN_MALFORMED, Malformed, Part
from etl.values import printable

__all__ = ["ExportError", "Malformed", "Part", "Unreadable", "name_uri", "read_exports"]

Listen = tuple[str, int, str, str]  # minute, milliseconds, title, by whom
SHOWN_PATH = 200  # characters
EARLIEST = moment64(FIRST_PLAY)
LONGEST_PAUSE = np.timedelta64(24, "D")  # from start to end of a play: as much as ms_played can hold
LATEST_START = np.timedelta64(1, "D")  # after the end: clocks of players differ
NAMED_LIKE_A_HISTORY = re.compile(r"(?P<account>streaminghistory)|streaming_history|endsong|endvideo", re.IGNORECASE)


class ExportError(Exception):
    """Nothing to import where the person pointed. The message is for them."""


def read_exports(
    paths: Sequence[Path],
    *,
    without_private: bool = False,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Part | Unreadable]:
    """Every file of a listening history in `paths` (zip archives, folders, JSON files), known by what is in it.

    One file is in memory at a time. `progress` is told bytes done, of all bytes, unpacked. Other JSON of Spotify's packages
    is passed over. Raises ExportError for a path that isn't there, and when nothing was found at all.
    """
    must_exist(paths)
    found = list(archives.find(paths))
    yield from (unreadable for unreadable in found if isinstance(unreadable, Unreadable))
    files = [file for file in found if isinstance(file, JsonFile)]
    done, total, count = 0, sum(file.size for file in files), len(found) - len(files)
    progress(done, total)
    reader = Reader(now + AHEAD, without_private=without_private)
    telling: set[Path] = set()
    if without_private:
        for _, content in archives.contents(files):
            if isinstance(content, bytes):
                reader.leave_out_private(content)
    for file, content in archives.contents(files):
        part = content if isinstance(content, Unreadable) else reader.part(file, content)
        del content
        if part is not None:
            count += 1
            telling.add(file.path)
            yield part
        done += file.size
        progress(done, total)
    if count:
        yield from (
            Unreadable(printable(path.name), "there is no listening history in it")
            for path in paths
            if not any(told.resolve().is_relative_to(path.resolve()) for told in telling)
            and not any(isinstance(found, Unreadable) for found in archives.find([path]))
        )
    else:
        raise ExportError(
            f"No listening history in {', '.join(printable(str(path)) for path in paths)}. Looked for JSON files, also within folders and zip"
            " archives, whose rows have ts and ms_played (extended streaming history) or endTime and msPlayed (account data)."
        )


def must_exist(paths: Sequence[Path]) -> None:
    """Raises ExportError for a path that isn't there, or can't be."""
    for path in paths:
        name = printable(str(path))
        try:
            if not path.exists():
                is_link = path.is_symlink()
                raise ExportError(
                    f"{name} is a link that leads nowhere." if is_link else f"There is no file or folder {name}."
                )
        except OSError as error:  # a name that is too long, a folder that is closed
            raise ExportError(f"{name[:SHOWN_PATH]} can't be opened: {error.strerror}.") from None


class Reader:
    """What is known across the files of one import: numbers, and which members were staged already."""

    def __init__(self, latest: datetime, *, without_private: bool = False) -> None:
        self.latest = latest
        self.without_private = without_private
        self.private: set[Listen] = set()  # what to leave out
        self.item_number = 0
        self.file_number = 0
        self.catalogue = MemberCatalogue()

    def leave_out_private(self, content: bytes) -> None:
        """Notes what was played in private sessions: the account data tells it too, but not that it was private."""
        with suppress(ValueError, RecursionError):  # to be told when the file is read for its plays
            told = rows_of(to_utf8(content), self.latest)
            if told.kind == EXTENDED:
                rows = zip(told.rows, told.end_texts, strict=True)
                self.private.update(
                    listen(EXTENDED, row, end)
                    for position, (row, end) in enumerate(rows)
                    if row.incognito_mode or position in told.unclear_private
                )

    def part(self, file: JsonFile, content: bytes) -> Part | Unreadable | None:
        """The file as plays; None if it is none of a listening history."""
        named = NAMED_LIKE_A_HISTORY.match(file.name.rpartition("/")[2])
        is_meant = bool(named) or file.is_typed
        try:
            content = to_utf8(content)
        except NotText as why:
            return Unreadable(file.name, str(why)) if is_meant else None
        if not is_meant and not MARK.search(content):
            return None
        try:
            told = rows_of(content, self.latest)
        except (ValueError, RecursionError) as error:
            is_meant = is_meant or looks_like_a_history(content)
            reason = str(error) if isinstance(error, NotText) else "it breaks off, or is no JSON"
            return Unreadable(file.name, reason) if is_meant else None
        if told.is_empty and named:
            told = told._replace(kind=ACCOUNT if named["account"] else EXTENDED)
        if told.kind is None:
            return Unreadable(file.name, "its rows are not those of a listening history") if is_meant else None
        return self.staged(file, told.kind, told, owner_in(content) if told.kind == EXTENDED else None)

    def staged(self, file: JsonFile, kind: str, told: Rows, owner: bytes | None) -> Part:
        rows, ends, end_texts, notes = told.rows, told.ends, told.end_texts, told.notes
        if told.unclear_private:
            became = "can't be read: left out as private" if self.without_private else LEFT_EMPTY
            notes = (*notes, row_note(PRIVATE, became, len(told.unclear_private)))
        if self.private:
            is_kept = [
                not (
                    row.incognito_mode or position in told.unclear_private
                    if kind == EXTENDED
                    else listen(kind, row, end) in self.private
                )
                for position, (row, end) in enumerate(zip(rows, end_texts, strict=True))
            ]
            rows, end_texts = list(compress(rows, is_kept)), list(compress(end_texts, is_kept))
            ends = ends[np.array(is_kept, dtype=bool)]
        members = self.catalogue.members(kind, rows)
        plays: dict[str, Any] = {
            "item_number": range(self.item_number, self.item_number + len(rows)),
            "file_number": self.file_number,
            "source": kind if kind == ACCOUNT else [row.brapped_source or EXTENDED for row in rows],
            "track_uri": [member.uri for member in members],
            "played_at": end_texts,
            "ms_played": [row.ms_played for row in rows],
            **(extended_columns(rows, ends) if kind == EXTENDED else {}),
        }
        cells = np.full((len(EXPORT_PLAY_COLUMNS), len(rows)), None, dtype=object)
        for column, values in plays.items():
            cells[EXPORT_PLAY_COLUMNS.index(column)] = values
        self.item_number += len(rows)
        self.file_number += 1
        return Part(
            package=file.package,
            name=file.name,
            kind=kind,
            row_count=len(told.rows) + len(told.malformed),
            podcast_count=sum(member.content_type == "episode" for member in members),
            unnamed_count=plays["track_uri"].count(None),
            private_count=len(told.rows) - len(rows),
            malformed=tuple(told.malformed[:SHOWN_MALFORMED]),
            malformed_count=len(told.malformed),
            tables={
                "staging_play": pd.DataFrame(cells.T, columns=list(EXPORT_PLAY_COLUMNS), dtype=object),
                **self.catalogue.new_tables(),
            },
            notes=notes,
            owner=owner,
        )


def listen(kind: str, row: Any, end: str) -> Listen:
    """What both kinds of export tell of a listen: its minute, milliseconds and names."""
    names = names_of[kind](row)
    if kind == EXTENDED:
        _, _, _, track, artist, _, episode, show, chapter, audiobook = names
    else:
        track, artist, episode, show, chapter, audiobook, _ = names
    title, by = track or episode or chapter, artist or show or audiobook
    return end[:16], row.ms_played, title or UNKNOWN_TRACK, by or UNKNOWN_ARTIST


def extended_columns(rows: list[ExtendedRow], ends: Moments) -> dict[str, list[Any]]:
    """What only the extended history tells of a play."""
    return {
        "started_at": started_at([row.offline_timestamp for row in rows], ends),
        "platform": [row.platform or None for row in rows],
        "reason_start": [row.reason_start or None for row in rows],
        "reason_end": [row.reason_end or None for row in rows],
        "is_shuffle": [row.shuffle for row in rows],
        "is_skipped": [row.skipped for row in rows],
        "is_offline": [row.offline for row in rows],
        "is_private": [row.incognito_mode for row in rows],
        "country_code": [None if row.conn_country == "ZZ" else row.conn_country for row in rows],
    }


def started_at(offline_timestamps: list[int | None], ends: Moments) -> list[str | None]:
    """What each offline_timestamp tells of a start; None where it is none (0, 1) or can't belong to its end."""
    told = np.array([stamp if stamp and 0 < stamp < 10**14 else 0 for stamp in offline_timestamps], dtype="int64")
    starts = np.where(told > 10**11, told, told * 1000).astype("datetime64[ms]")
    is_possible = (starts >= EARLIEST) & (starts >= ends - LONGEST_PAUSE) & (starts <= ends + LATEST_START)
    return [
        text if has_value else None
        for text, has_value in zip(format_moments(starts), is_possible.tolist(), strict=True)
    ]
