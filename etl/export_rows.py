"""Rows of Spotify's data exports as JSON tells them: typed, checked, and the bad ones named."""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from etl.fields import number, text
from etl.plays import FIRST_PLAY, moment

EXTENDED = "extended_export"
ACCOUNT = "account_export"
MARK = re.compile(rb'"(?:ms_played|msPlayed)"')  # in every row that tells a listen
BACKSLASH = b"\\"
OURS = b'"brapped_source"'  # in a file that Brapped wrote
LIST = "recently_played"
NUL = rb"\u0000"  # what no text in Postgres may hold
HEAD = 65536  # bytes
LONGEST_TEXT = 200

Moments = npt.NDArray[np.datetime64]  # UTC, to the millisecond
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
    ms_played: Milliseconds | None  # null only where the list told the play, see brapped_source
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
    brapped_source: str | None = None  # in a file that Brapped wrote: which other source told this
    offline_timestamp: int | None = None  # start of the play: ms until October 2022, seconds since; 0, 1: none

    def told_end(self) -> str:
        return self.end_time


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

    def told_end(self) -> str:
        return f"{self.end_time.replace(' ', 'T')}:00Z" if len(self.end_time) == len("2023-01-26 05:11") else ""


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
    ends: Moments  # of each row
    told_ends: list[str]  # the same as texts that Postgres reads
    malformed: list[Malformed]
    is_empty: bool = False  # a list of nothing


listened_ms = attrgetter("ms_played")


def rows_of(content: bytes, latest: datetime) -> Rows:
    """The rows of a file in UTF-8. None of them ends after `latest`. Raises ValueError or RecursionError for no JSON."""
    mark = MARK.search(content)
    kind = ACCOUNT if mark and mark[0] == b'"msPlayed"' else EXTENDED
    with suppress(ValueError, RecursionError):
        rows = READ[kind].decode(content)
        told_ends = [row.end_time for row in rows] if kind == EXTENDED else [row.told_end() for row in rows]
        ends = moments(told_ends)
        is_possible = moment64(FIRST_PLAY) <= ends.min() and ends.max() <= moment64(latest)
        is_odd = (BACKSLASH in content and NUL in content) or OURS in content or None in map(listened_ms, rows)
        if is_possible and not is_odd:
            return Rows(kind, rows, ends, told_ends, [])
    # Something is odd about the file: row by row, so that each bad one can be named.
    told = json.loads(content.decode("utf-8", "replace"), strict=False, object_hook=only_known)
    return one_by_one(told, latest)


def moment64(told: datetime) -> np.datetime64:
    """An aware moment as numpy has it: in UTC."""
    return np.datetime64(told.astimezone(UTC).replace(tzinfo=None), "ms")


def moments(told: list[str]) -> Moments:
    """Texts like 2024-08-29T14:48:46Z, all at once. Raises ValueError when there is none, or one is of another form."""
    texts = np.array(told, dtype="U21")  # one character more than they have: what is longer must show
    found = texts.astype("U19").astype("datetime64[ms]")
    if not told or not (np.datetime_as_string(found, unit="s", timezone="UTC") == texts).all():
        raise ValueError("not all are moments in UTC, to the second")
    return found


def texts_of(moments: Moments) -> list[str]:
    """2024-08-29T14:48:46Z of each, with milliseconds where there are any: 2024-08-29T14:48:46.123Z."""
    texts = np.datetime_as_string(moments, unit="ms", timezone="UTC").tolist()
    return [told.replace(".000Z", "Z") for told in texts]


def only_known(told: dict[str, Any]) -> dict[str, Any]:
    """An object without what is not for us to know."""
    return {key: value for key, value in told.items() if key in KNOWN_KEYS}


def one_by_one(told: object, latest: datetime) -> Rows:
    """The good rows of a list, and the bad ones by number. The first row that tells a listen says which kind it is."""
    listed = told if isinstance(told, list) else []
    kind = next((kind for row in listed for kind in KEYS if carries(row, kind)), None)
    rows: list[ExtendedRow | AccountRow] = []
    ends: list[np.datetime64] = []
    malformed = []
    for row_number, row in enumerate(listed if kind else [], start=1):
        try:
            end, good = checked(row, str(kind), latest)
        except OddRow as odd:
            malformed.append(Malformed(row_number, str(odd)))
        else:
            ends.append(moment64(end))
            rows.append(good)
    as_moments = np.array(ends, dtype="datetime64[ms]")
    return Rows(kind, rows, as_moments, texts_of(as_moments), malformed, is_empty=told == [])


class OddRow(Exception):
    """Why a row is no listen. Quotes no value."""


def carries(row: object, kind: str) -> bool:
    return isinstance(row, dict) and all(key in row for key in KEYS[kind][:2])


def checked(row: object, kind: str, latest: datetime) -> tuple[datetime, ExtendedRow | AccountRow]:
    """End and content of a row. A value of a wrong type costs a listen only where nothing could be said without it."""
    if not isinstance(row, dict):
        raise OddRow("it is no JSON object")
    if not carries(row, kind) and any(carries(row, other) for other in KEYS):
        raise OddRow("it is a row of the other kind of export")
    end_time, ms_played, *others = KEYS[kind]
    for key in (end_time, ms_played):
        if row.get(key) is None and not (key == ms_played and row.get("brapped_source") == LIST):
            raise OddRow(f"{key} is missing")
    if not isinstance(row[end_time], str):
        raise OddRow(f"{end_time} is not a text")
    if row.get("brapped_source") not in (None, LIST, ACCOUNT):
        raise OddRow("brapped_source is none that is known")
    if row.get(ms_played) is not None and number(row[ms_played]) != row[ms_played]:
        raise OddRow(f"{ms_played} is not a whole number from 0 to {2**31 - 1}")
    for key in others:
        if key not in MINOR and not isinstance(row.get(key), str | None):
            raise OddRow(f"{key} is not a text")
    told_ms: Any = number(row.get(ms_played))
    good = ROW_OF[kind](row[end_time], told_ms, *(minor(key, row.get(key)) for key in others))
    end = moment(good.told_end())
    if end is None or not FIRST_PLAY <= end <= latest:
        raise OddRow(f"{end_time} is not a moment in UTC since 2006")
    return end, good


def minor(key: str, value: Any) -> Any:
    """A value that a listen can do without: None where it is of another type than it should be."""
    if key not in MINOR:
        return value
    if type(value) is not MINOR[key] or (key == "conn_country" and len(str(value)) != 2):
        return None
    return (text(value) or "")[:LONGEST_TEXT] if isinstance(value, str) else value


def looks_like_a_history(content: bytes) -> bool:
    """Whether the first bytes are those of a list with a row that tells a listen."""
    return content.lstrip().startswith(b"[") and MARK.search(content, 0, HEAD) is not None
