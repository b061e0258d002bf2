"""Rows of Spotify's data exports as JSON tells them: typed, checked, and the bad ones named."""

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, NamedTuple

import msgspec

from etl.dimensions import number, text
from etl.plays import FIRST_PLAY

EXTENDED = "extended_export"
ACCOUNT = "account_export"
MARK = re.compile(rb'"(?:ms_played|msPlayed)"')  # in every row that tells a listen
NUL = rb"\u0000"  # what no text in Postgres may hold
HEAD = 65536  # bytes
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MINUTE = re.compile(r"[T ]([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
SECOND = re.compile(r"(?::([0-5]\d)(?:\.(\d{1,6}))?)?(?:Z|\+00:00)?", re.ASCII)
DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1)
EARLIEST_MS = round(FIRST_PLAY.timestamp() * 1000)

LONGEST_TEXT = 200

Milliseconds = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Short = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Country = Annotated[str, msgspec.Meta(min_length=2, max_length=2)]


@dataclass(frozen=True)
class Malformed:
    """A row that is no listen: its number in the file, from 1, and why. Quotes nothing of it."""

    row_number: int
    reason: str


class ExtendedRow(msgspec.Struct, gc=False):
    """A row of the extended streaming history. User name, IP address and user agent have no field: they are not decoded."""

    end_time: str = msgspec.field(name="ts")  # UTC: 2024-08-29T14:48:46Z
    ms_played: Milliseconds
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
    offline_timestamp: int | None = None  # start of the play: ms until October 2022, seconds since; 0, 1: none


class AccountRow(msgspec.Struct, gc=False, rename="camel"):
    """A row of the account data: music, an episode of a podcast or a chapter of an audiobook."""

    end_time: str  # UTC, cut to the minute: 2023-01-26 05:11
    ms_played: Milliseconds
    track_name: str | None = None
    artist_name: str | None = None
    episode_name: str | None = None
    podcast_name: str | None = None
    chapter_name: str | None = None
    audiobook_name: str | None = None
    author_name: str | None = None


ROW_OF: dict[str, type[ExtendedRow] | type[AccountRow]] = {EXTENDED: ExtendedRow, ACCOUNT: AccountRow}
READ: dict[str, msgspec.json.Decoder[Any]] = {
    EXTENDED: msgspec.json.Decoder(list[ExtendedRow]),
    ACCOUNT: msgspec.json.Decoder(list[AccountRow]),
}
KEYS = {kind: row.__struct_encode_fields__ for kind, row in ROW_OF.items()}
KNOWN_KEYS = {key for keys in KEYS.values() for key in keys}
MINOR = {  # what a listen can do without: a value of another type is none
    "platform": str,
    "reason_start": str,
    "reason_end": str,
    "conn_country": str,
    "shuffle": bool,
    "skipped": bool,
    "offline": bool,
    "incognito_mode": bool,
    "offline_timestamp": int,
}


class Rows(NamedTuple):
    """What a file holds. `kind` is None when no row is one of a listening history."""

    kind: str | None
    rows: list[Any]  # all ExtendedRow, or all AccountRow
    ends: list[int]  # of each row, ms since 1970
    malformed: list[Malformed]
    is_empty: bool = False  # a list of nothing


def rows_of(content: bytes, latest_ms: int) -> Rows:
    """The rows of a file in UTF-8. Raises ValueError or RecursionError for what is no JSON."""
    mark = MARK.search(content)
    kind = ACCOUNT if mark and mark[0] == b'"msPlayed"' else EXTENDED
    try:
        rows = [] if NUL in content else READ[kind].decode(content)
        ends = [moment_ms(row.end_time) for row in rows]
    except (ValueError, RecursionError):
        pass
    else:
        if not rows:
            return Rows(None, [], [], [], is_empty=True)
        if min(ends) >= EARLIEST_MS and max(ends) <= latest_ms:
            return Rows(kind, rows, ends, [])
    told = content.decode("utf-8", "replace")
    return one_by_one(json.loads(told, strict=False, object_hook=without_the_rest), latest_ms)


def without_the_rest(told: dict[str, Any]) -> dict[str, Any]:
    """An object without what is not for us to know."""
    return {key: value for key, value in told.items() if key in KNOWN_KEYS}


def one_by_one(told: object, latest_ms: int) -> Rows:
    """The good rows of a list, and the bad ones by number."""
    listed = told if isinstance(told, list) else []
    kind = next((kind for row in listed for kind in KEYS if carries(row, kind)), None)
    if kind is None:
        return Rows(None, [], [], [], is_empty=told == [])
    rows, ends, malformed = [], [], []
    for row_number, row in enumerate(listed, start=1):
        reason = trouble_with(row, kind, latest_ms)
        if reason:
            malformed.append(Malformed(row_number, reason))
        else:
            rows.append(typed(row, kind))
            ends.append(moment_ms(rows[-1].end_time))
    return Rows(kind, rows, ends, malformed)


def carries(row: object, kind: str) -> bool:
    return isinstance(row, dict) and all(key in row for key in KEYS[kind][:2])


def trouble_with(row: object, kind: str, latest_ms: int) -> str | None:
    """Why a row is no listen; None if it is one. Quotes no value."""
    if not isinstance(row, dict):
        return "it is no JSON object"
    if not carries(row, kind) and any(carries(row, other) for other in KEYS):
        return "it is a row of another kind of export than the rows before"
    end_time, ms_played, *others = KEYS[kind]
    for key in (end_time, ms_played):
        if row.get(key) is None:
            return f"{key} is missing"
    try:
        is_possible = EARLIEST_MS <= moment_ms(row[end_time]) <= latest_ms
    except (ValueError, TypeError):
        is_possible = False
    if not is_possible:
        return f"{end_time} is not a moment since 2006"
    if number(row[ms_played]) != row[ms_played]:
        return f"{ms_played} is not a whole number from 0 to {2**31 - 1}"
    for key in others:
        if key not in MINOR and not isinstance(row.get(key), str | None):
            return f"{key} is not a text"
    return None


def typed(row: dict[str, Any], kind: str) -> ExtendedRow | AccountRow:
    """A row without trouble. A wrong type where the listen can do without it is none."""
    end_time, ms_played, *others = KEYS[kind]
    known = [clean(key, row.get(key)) for key in others]
    return ROW_OF[kind](row[end_time], round(row[ms_played]), *known)


def clean(key: str, value: Any) -> Any:
    if type(value) is not MINOR.get(key, type(value)):
        return None
    if key == "conn_country" and len(str(value)) != 2:
        return None
    return (text(value) or "")[:LONGEST_TEXT] if MINOR.get(key) is str else value


def moment_ms(told: str) -> int:
    """Milliseconds since 1970 of a moment in UTC, told to the minute, the second or less. Raises ValueError for other texts."""
    return day_ms(told[:10]) + minute_ms(told[10:16]) + second_ms(told[16:])


@cache
def day_ms(day: str) -> int:
    if not DAY.fullmatch(day):
        raise ValueError("not a day")
    return (date.fromisoformat(day) - EPOCH).days * DAY_MS


@cache
def minute_ms(minute: str) -> int:
    told = MINUTE.fullmatch(minute)
    if not told:
        raise ValueError("not a time of day")
    return (int(told[1]) * 60 + int(told[2])) * 60_000


@cache
def second_ms(second: str) -> int:
    told = SECOND.fullmatch(second)
    if not told:
        raise ValueError("neither seconds nor UTC")
    return int(f"{told[1] or '0'}{told[2] or '':0<3.3}")


def looks_like_a_history(content: bytes) -> bool:
    """Whether the first bytes are those of a list with a row that tells a listen."""
    return content.lstrip().startswith(b"[") and MARK.search(content, 0, HEAD) is not None
