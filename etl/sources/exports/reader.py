"""Read plays from Spotify's exports: the extended streaming history (all years) and the account data (one year)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from etl.sources.exports.archives import JsonFile, Unreadable
from etl.sources.exports.earlier import MARK, NAMED_LIKE_A_HISTORY, EarlierImports, KnownFile
from etl.sources.exports.members import UNKNOWN_ARTIST, UNKNOWN_TRACK, MemberCatalogue, name_uri, names_of
from etl.sources.exports.owner import owner_in
from etl.sources.exports.packages import ExportError, Progress, must_exist, read_packages
from etl.sources.exports.rows import (
    ACCOUNT,
    EXTENDED,
    LEFT_EMPTY,
    NO_SOURCES,
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
from etl.staging import EXPORT_PLAY_COLUMNS, FIRST_PLAY, FIRST_SCROBBLE, SHOWN_MALFORMED, Malformed, Part, Table

__all__ = ["ExportError", "Malformed", "Part", "Unreadable", "must_exist", "name_uri", "read_exports"]

PlayKey = tuple[str, int, str, str]  # minute, milliseconds, title, artist or show
EARLIEST, EARLIEST_SCROBBLE = moment64(FIRST_PLAY), moment64(FIRST_SCROBBLE)
# Before the end: a phone that is offline uploads its plays when it is online again. Real ones came up to 131 days late.
EARLIEST_START = np.timedelta64(366, "D")
LATEST_START = np.timedelta64(1, "D")  # after the end, because the clocks of players differ


def read_exports(
    paths: Sequence[Path],
    *,
    without_private: bool = False,
    now: datetime,
    earlier: EarlierImports = EarlierImports(),  # noqa: B008  nothing changes it
    progress: Progress = lambda done, total: None,
    sources: Mapping[str, bool] = NO_SOURCES,
) -> Iterator[Part | Unreadable | KnownFile]:
    """Read every file of a listening history in `paths`, as read_packages() does, with the reader below."""
    make_reader = partial(Reader, sources=sources)
    return read_packages(
        paths, make_reader, without_private=without_private, now=now, earlier=earlier, progress=progress
    )


class Reader:
    """Turns the files of one import into parts; keeps the numbering and the members that were staged already.

    sources: the sources that a row may name in brapped_source, and whether each gives milliseconds.
    """

    def __init__(
        self, latest: datetime, *, without_private: bool = False, sources: Mapping[str, bool] = NO_SOURCES
    ) -> None:
        self.latest = latest
        self.sources = sources
        self.without_private = without_private
        self.private: set[PlayKey] = set()  # plays to leave out
        self.item_number = 0
        self.file_number = 0
        self.catalogue = MemberCatalogue()

    def leave_out_private(self, content: bytes) -> None:
        """Note the plays of private sessions, which the account data has without saying that they were private."""
        with suppress(ValueError, RecursionError):  # reported when the file is read for its plays
            read = rows_of(to_utf8(content), self.latest, self.sources)
            if read.kind == EXTENDED:
                rows = zip(read.rows, read.end_texts, strict=True)
                self.private.update(
                    play_key(EXTENDED, row, end)
                    for position, (row, end) in enumerate(rows)
                    if row.incognito_mode or position in read.unclear_private
                )

    def part(self, file: JsonFile, content: bytes) -> Part | Unreadable | None:
        """Read a file; None if it is not one of a listening history."""
        named = NAMED_LIKE_A_HISTORY.match(file.name.rpartition("/")[2])
        is_history = bool(named) or file.is_named
        try:
            content = to_utf8(content)
        except NotText as why:
            return Unreadable(file.name, str(why)) if is_history else None
        if not is_history and not MARK.search(content):
            return None
        try:
            read = rows_of(content, self.latest, self.sources)
        except (ValueError, RecursionError) as error:
            is_history = is_history or looks_like_a_history(content)
            reason = str(error) if isinstance(error, NotText) else "it is incomplete, or not JSON"
            return Unreadable(file.name, reason) if is_history else None
        if read.is_empty and named:
            read = read._replace(kind=ACCOUNT if named["account"] else EXTENDED)
        if read.kind is None:
            return Unreadable(file.name, "its rows are not those of a listening history") if is_history else None
        return self.build_part(file, read.kind, read, owner_in(content) if read.kind == EXTENDED else None)

    def build_part(self, file: JsonFile, kind: str, read: Rows, owner: bytes | None) -> Part:
        """The staging tables of a file that was read, without the plays to be left out, and its counts."""
        rows, ends, end_texts, notes = read.rows, read.ends, read.end_texts, read.notes
        if read.unclear_private:
            became = "can't be read: left out as private" if self.without_private else LEFT_EMPTY
            notes = (*notes, row_note(PRIVATE, became, len(read.unclear_private)))
        if self.private:
            is_kept = [
                not (
                    row.incognito_mode or position in read.unclear_private
                    if kind == EXTENDED
                    else play_key(kind, row, end) in self.private
                )
                for position, (row, end) in enumerate(zip(rows, end_texts, strict=True))
            ]
            rows, end_texts = list(compress(rows, is_kept)), list(compress(end_texts, is_kept))
            ends = ends[np.array(is_kept, dtype=bool)]
        members = self.catalogue.members(kind, rows, end_texts)
        nothing = [None] * len(rows)
        plays: dict[str, Sequence[Any]] = {
            "item_number": range(self.item_number, self.item_number + len(rows)),
            "file_number": [self.file_number] * len(rows),
            "source": [kind] * len(rows) if kind == ACCOUNT else [row.brapped_source or EXTENDED for row in rows],
            "track_uri": [member.uri for member in members],
            "played_at": end_texts,
            "ms_played": [row.ms_played for row in rows],
            **(extended_columns(rows, ends) if kind == EXTENDED else {}),
        }
        self.item_number += len(rows)
        self.file_number += 1
        return Part(
            package=file.package,
            name=file.name,
            kind=kind,
            row_count=len(read.rows) + len(read.malformed),
            podcast_count=sum(member.content_type == "episode" for member in members),
            unnamed_count=sum(member.uri is None for member in members),
            private_count=len(read.rows) - len(rows),
            malformed=tuple(read.malformed[:SHOWN_MALFORMED]),
            malformed_count=len(read.malformed),
            tables={
                "staging_play": Table({column: plays.get(column, nothing) for column in EXPORT_PLAY_COLUMNS}),
                **self.catalogue.new_tables(),
            },
            notes=notes,
            owner=owner,
        )


def play_key(kind: str, row: Any, end: str) -> PlayKey:
    """What both kinds of export know of a play: its minute, milliseconds and names."""
    names = names_of[kind](row)
    if kind == EXTENDED:
        _, _, _, track, artist, _, episode, show, chapter, audiobook = names
    else:
        track, artist, episode, show, chapter, audiobook, _ = names
    title, by = track or episode or chapter, artist or show or audiobook
    return end[:16], row.ms_played, title or UNKNOWN_TRACK, by or UNKNOWN_ARTIST


def extended_columns(rows: list[ExtendedRow], ends: Moments) -> dict[str, list[Any]]:
    """The columns that only the extended history can fill."""
    return {
        "started_at": start_texts(
            [row.offline_timestamp for row in rows],
            ends,
            EARLIEST_SCROBBLE if any(row.brapped_source for row in rows) else EARLIEST,
        ),
        "platform": [row.platform or None for row in rows],
        "reason_start": [row.reason_start or None for row in rows],
        "reason_end": [row.reason_end or None for row in rows],
        "is_shuffle": [row.shuffle for row in rows],
        "is_skipped": [row.skipped for row in rows],
        "is_offline": [row.offline for row in rows],
        "is_private": [row.incognito_mode for row in rows],
        "country_code": [None if row.conn_country == "ZZ" else row.conn_country for row in rows],
    }


def start_texts(offline_timestamps: list[int | None], ends: Moments, earliest: np.datetime64) -> list[str | None]:
    """The start that each offline_timestamp gives; None if it is no time (0, 1) or can't belong to its end."""
    stamps = np.array([stamp if stamp and 0 < stamp < 10**14 else 0 for stamp in offline_timestamps], dtype="int64")
    starts = np.where(stamps > 10**11, stamps, stamps * 1000).astype("datetime64[ms]")
    is_possible = (starts >= earliest) & (starts >= ends - EARLIEST_START) & (starts <= ends + LATEST_START)
    return [
        text if has_value else None
        for text, has_value in zip(format_moments(starts), is_possible.tolist(), strict=True)
    ]
