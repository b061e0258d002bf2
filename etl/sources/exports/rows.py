"""Parse the rows of Spotify's exports from JSON, typed and checked; malformed rows are listed by number."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from etl.counts import many
from etl.sources.exports import values as export_values
from etl.sources.exports.earlier import MARK
from etl.sources.exports.text import decode
from etl.sources.exports.values import UNREADABLE, has_value, loses_characters, parse_json, whole, without_nan
from etl.staging import FIRST_PLAY, FIRST_SCROBBLE, Malformed

EXTENDED = "extended_export"
ACCOUNT = "account_export"
BACKSLASH = b"\\"
OURS = b'"brapped_source"'  # in a file that Brapped wrote
NO_SOURCES: Mapping[str, bool] = MappingProxyType({})
NUL = rb"\u0000"  # no text in Postgres may contain it
HEAD = 65536  # bytes
LONGEST_TEXT = 200

Moments = npt.NDArray[np.datetime64]  # UTC, to the millisecond
Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Short = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Country = Annotated[str, msgspec.Meta(min_length=2, max_length=2)]


class ExtendedRow(msgspec.Struct, gc=False):
    """A row of the extended streaming history.

    User name, IP address and user agent have no field: they are not decoded.
    """

    end_time: str = msgspec.field(name="ts")  # UTC: 2024-08-29T14:48:46Z
    ms_played: Milliseconds | None  # null only if brapped_source never gives them
    spotify_track_uri: str | None = None
    spotify_episode_uri: str | None = None
    audiobook_chapter_uri: str | None = None
    master_metadata_track_name: str | None = None
    master_metadata_album_artist_name: str | None = None
    master_metadata_album_album_name: str | None = None
    episode_name: str | None = None
    episode_show_name: str | None = None
    audiobook_chapter_title: str | None = None
    audiobook_title: str | None = None
    platform: Short | None = None
    reason_start: Short | None = None
    reason_end: Short | None = None
    shuffle: bool | None = None
    skipped: bool | None = None
    offline: bool | None = None
    incognito_mode: bool | None = None
    conn_country: Country | None = None
    brapped_source: str | None = None  # in a file that Brapped wrote: the other source that reported the play
    offline_timestamp: int | None = None  # start of the play: ms until October 2022, seconds since; 0, 1: none

    def end_text(self) -> str:
        return self.end_time


class AccountRow(msgspec.Struct, gc=False, rename="camel"):
    """A row of the account data: a track, an episode of a podcast or a chapter of an audiobook."""

    end_time: str  # UTC, cut to the minute: 2023-01-26 05:11
    ms_played: Milliseconds
    track_name: str | None = None
    artist_name: str | None = None
    episode_name: str | None = None
    podcast_name: str | None = None
    chapter_name: str | None = None
    audiobook_name: str | None = None
    author_name: str | None = None

    def end_text(self) -> str:
        return f"{self.end_time.replace(' ', 'T')}:00Z" if len(self.end_time) == len("2023-01-26 05:11") else ""


ROW_OF: dict[str, type[ExtendedRow] | type[AccountRow]] = {EXTENDED: ExtendedRow, ACCOUNT: AccountRow}
READ: dict[str, msgspec.json.Decoder[Any]] = {
    EXTENDED: msgspec.json.Decoder(list[ExtendedRow]),
    ACCOUNT: msgspec.json.Decoder(list[AccountRow]),
}
KEYS = {kind: row.__struct_encode_fields__ for kind, row in ROW_OF.items()}
KNOWN_KEYS = frozenset(key for keys in KEYS.values() for key in keys)
PRIVATE = "incognito_mode"
PARSERS: dict[str, Callable[[object], Any]] = {  # any other field is a name
    "spotify_track_uri": export_values.uri,
    "spotify_episode_uri": export_values.uri,
    "audiobook_chapter_uri": export_values.uri,
    "platform": partial(export_values.word, longest=LONGEST_TEXT),
    "reason_start": partial(export_values.word, longest=LONGEST_TEXT),
    "reason_end": partial(export_values.word, longest=LONGEST_TEXT),
    "conn_country": export_values.country,
    "shuffle": export_values.flag,
    "skipped": export_values.flag,
    "offline": export_values.flag,
    PRIVATE: export_values.flag,
    "offline_timestamp": export_values.stamp,
    "brapped_source": lambda value: value,  # checked before
}
WHAT = {  # fields that say what was played: the first group with any value decides
    EXTENDED: (
        (
            "spotify_track_uri",
            "master_metadata_track_name",
            "master_metadata_album_artist_name",
            "master_metadata_album_album_name",
        ),
        ("spotify_episode_uri", "episode_name", "episode_show_name"),
        ("audiobook_chapter_uri", "audiobook_chapter_title", "audiobook_title"),
    ),
    ACCOUNT: (
        ("episodeName", "podcastName"),
        ("chapterName", "audiobookName", "authorName"),
        ("trackName", "artistName"),
    ),
}

URIS = ("spotify_track_uri", "spotify_episode_uri", "audiobook_chapter_uri")
TITLES = ("master_metadata_track_name", "episode_name", "audiobook_chapter_title")


class Rows(NamedTuple):
    """The rows of a file. `kind` is EXTENDED or ACCOUNT, or None if no row is one of a listening history."""

    kind: str | None
    rows: list[Any]  # all ExtendedRow, or all AccountRow
    ends: Moments  # of each row
    end_texts: list[str]  # the same, as text for Postgres
    malformed: list[Malformed]
    is_empty: bool = False  # the file is an empty list
    unclear_private: frozenset[int] = frozenset()  # positions in `rows` whose private flag can't be read
    notes: tuple[str, ...] = ()  # what of the file or of good rows was not read as it is written


listened_ms = attrgetter("ms_played")


def rows_of(content: bytes, latest: datetime, sources: Mapping[str, bool] = NO_SOURCES) -> Rows:
    """Parse a file in UTF-8 or Windows-1252. A row that ends after `latest` is malformed.

    sources: the sources that a row may name in brapped_source, and whether each gives milliseconds.

    Raises ValueError or RecursionError for invalid JSON; NotText, which is a ValueError, for another encoding.
    """
    if rows := read_fast(content, latest):
        return rows
    file = decode(content)
    notes = (file.note,) if file.note else ()
    if notes and not file.is_damaged and (rows := read_fast(file.text.encode(), latest)):
        return rows._replace(notes=notes)
    # Something in the file is odd: check it row by row, so that each malformed row can be listed.
    rows = read_row_by_row(parse_json(file.text, KNOWN_KEYS, is_damaged=file.is_damaged), latest, sources)
    return rows._replace(notes=notes + rows.notes)


def read_fast(content: bytes, latest: datetime) -> Rows | None:
    """Parse a well-formed file in UTF-8 all at once; None if anything in it is odd."""
    mark = MARK.search(content)
    kind = ACCOUNT if mark and mark[0] == b'"msPlayed"' else EXTENDED
    with suppress(ValueError, RecursionError):
        rows = READ[kind].decode(content)
        end_texts = [row.end_time for row in rows] if kind == EXTENDED else [row.end_text() for row in rows]
        ends = parse_moments(end_texts)
        is_possible = moment64(FIRST_PLAY) <= ends.min() and ends.max() <= moment64(latest)
        is_odd = (BACKSLASH in content and NUL in content) or OURS in content or None in map(listened_ms, rows)
        if is_possible and not is_odd and not (kind == EXTENDED and has_foreign_uri(rows)):
            return Rows(kind, rows, ends, end_texts, [])
    return None


def has_foreign_uri(rows: list[ExtendedRow]) -> bool:
    """Whether any row has an id that is none of Spotify's."""
    return any(map(export_values.is_foreign_uri, {uri for key in URIS for uri in map(attrgetter(key), rows)}))


def moment64(moment: datetime) -> np.datetime64:
    """An aware datetime as numpy's, in UTC."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ms")


def parse_moments(values: list[str]) -> Moments:
    """Parse texts like 2024-08-29T14:48:46Z. Raises ValueError if the list is empty or one has another form."""
    texts = np.array(values, dtype="U21")  # one character more than they have, so that a longer one differs
    found = texts.astype("U19").astype("datetime64[ms]")
    if not values or not (np.datetime_as_string(found, unit="s", timezone="UTC") == texts).all():
        raise ValueError("not all are UTC times with whole seconds")
    return found


def format_moments(moments: Moments) -> list[str]:
    """Format each as 2024-08-29T14:48:46Z, or 2024-08-29T14:48:46.123Z if it has milliseconds."""
    texts = np.datetime_as_string(moments, unit="ms", timezone="UTC").tolist()
    return [text.replace(".000Z", "Z") for text in texts]


def read_row_by_row(content: object, latest: datetime, sources: Mapping[str, bool]) -> Rows:
    """Check each row of a parsed file. The first row of a listening history decides which kind the file is."""
    listed = content if isinstance(content, list) else []
    kind = next((kind for row in listed for kind in KEYS if has_keys_of(row, kind)), None)
    rows: list[ExtendedRow | AccountRow] = []
    ends: list[np.datetime64] = []
    malformed = []
    unclear_private = set()
    odd: Counter[tuple[str, str]] = Counter()  # field, and what became of its value
    for row_number, row in enumerate(listed if kind else [], start=1):
        try:
            end, good, oddities = check_row(row, str(kind), latest, sources)
        except OddRow as bad:
            malformed.append(Malformed(row_number, str(bad)))
        else:
            if (PRIVATE, LEFT_EMPTY) in oddities:
                unclear_private.add(len(rows))
            odd.update(one for one in oddities if one != (PRIVATE, LEFT_EMPTY))
            ends.append(moment64(end))
            rows.append(good)
    as_moments = np.array(ends, dtype="datetime64[ms]")
    notes = tuple(row_note(field, became, count) for (field, became), count in sorted(odd.items()))
    is_empty = content == []
    return Rows(
        kind, rows, as_moments, format_moments(as_moments), malformed, is_empty, frozenset(unclear_private), notes
    )


LEFT_EMPTY = "can't be read: left empty"
CUT = f"has more than {LONGEST_TEXT} characters: cut"
WITHOUT = "has characters that no database can store: left out"


def row_note(field: str, became: str, count: int) -> str:
    """A note for the receipt: in how many rows what became of a field."""
    return f"{many(count, 'row')}: {field} {became}"


class OddRow(Exception):
    """A row is malformed; the message says why and quotes no value."""


def has_keys_of(row: object, kind: str) -> bool:
    return isinstance(row, dict) and all(key in row for key in KEYS[kind][:2])


def check_row(
    row: object, kind: str, latest: datetime, sources: Mapping[str, bool]
) -> tuple[datetime, ExtendedRow | AccountRow, list[tuple[str, str]]]:
    """Check one row: returns its end, the typed row, and (field, what became of it) for each odd value.

    Raises OddRow if a value is unreadable that says what was played, when, or for how long.
    """
    if not isinstance(row, dict):
        raise OddRow("it is not a JSON object")
    if not has_keys_of(row, kind) and any(has_keys_of(row, other) for other in KEYS):
        raise OddRow("it is a row of the other kind of export")
    end_time, ms_played, *others = KEYS[kind]
    row = {**without_nan(row), ms_played: row.get(ms_played)}
    source = row.get("brapped_source")
    if source is not None and not (isinstance(source, str) and source in sources):
        raise OddRow("brapped_source is not a known source")
    for key in (end_time, ms_played):
        if row.get(key) is None and not (key == ms_played and source and not sources[source]):
            raise OddRow(f"{key} is missing")
    ms: Any = whole(row.get(ms_played))
    if row.get(ms_played) is not None and not (ms is not None and 0 <= ms < 2**31):
        raise OddRow(f"{ms_played} is not a whole number from 0 to {2**31 - 1}")
    values = {key: PARSERS.get(key, export_values.name)(row.get(key)) for key in others}
    check_item(values, WHAT[kind])
    if kind == EXTENDED:
        leave_out_foreign_uris(values)
    readable = (None if value is UNREADABLE else value for value in values.values())
    good = ROW_OF[kind](str(row[end_time]), ms, *readable)
    end = export_values.parse_end(row[end_time]) if kind == EXTENDED else export_values.parse_end_minute(row[end_time])
    if end is None or not (FIRST_SCROBBLE if source else FIRST_PLAY) <= end <= latest:
        raise OddRow(f"{end_time} is not a UTC time since 2006")
    return end, good, [(key, became) for key in others if (became := conversion_of(row.get(key), values[key]))]


def check_item(values: dict[str, Any], groups: tuple[tuple[str, ...], ...]) -> None:
    """Raises OddRow for an unreadable value among the fields that say what was played; others do not cost the play."""
    unreadable = [key for keys in groups for key in keys if values[key] is UNREADABLE]
    for keys in groups:
        if has_value(values, keys):
            unreadable = [key for key in keys if values[key] is UNREADABLE]
            break
    if unreadable:
        raise OddRow(f"{unreadable[0]} is not a text")


def leave_out_foreign_uris(values: dict[str, Any]) -> None:
    """Replace ids that are none of Spotify's by UNREADABLE. Raises OddRow if nothing else says what was played."""
    foreign = [key for key in URIS if export_values.is_foreign_uri(values[key])]
    values.update(dict.fromkeys(foreign, UNREADABLE))
    if foreign and not has_value(values, (*URIS, *TITLES)):
        raise OddRow(f"{foreign[0]} is no URI of Spotify's, and there is no title")


def conversion_of(original: object, value: object) -> str | None:
    """What became of a value that was not stored as it was written; None if it was."""
    if value is UNREADABLE:
        return LEFT_EMPTY
    if loses_characters(original):
        return WITHOUT
    return CUT if isinstance(original, str) and isinstance(value, str) and len(original) > len(value) else None


def looks_like_a_history(content: bytes) -> bool:
    """Whether the first bytes are those of a list with a row of a listening history."""
    return content.lstrip().startswith(b"[") and MARK.search(content, 0, HEAD) is not None
