"""Parse values so that they fit their columns: lengths of texts and sizes of numbers, for all sources alike. Pure.

A name or title that is too long is cut. Whatever identifies something (an id, an ISRC, an address) becomes null
instead, because a part of it would identify something else. tests/ground_floor/test_values.py checks these rules
against the types and the indexes of the schema.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

Json = Mapping[str, Any]
Row = dict[str, Any]

SMALLINT, INTEGER, BIGINT = 2**15 - 1, 2**31 - 1, 2**63 - 1
LONGEST_NAME = 300  # album and artist stand in one index entry of at most 2,704 bytes, with four to a character
LONGEST_TITLE = 10_000  # of a track: no btree holds it, and no real one has a tenth of that
LONGEST_WORD = 50  # a type, such as audiobook_chapter
LONGEST_LINK = 2000
LONGEST_URI = 2000  # bytes: an index entry holds 2,704; a local file's URI has its names percent-encoded
LONGEST_ACCOUNT = 200  # of a listener's id; four bytes to a character still fit an index
MOST_ARTISTS = 200  # of a track: each costs one catalogue call, of a few hundred a day
MOST_GENRES = 50  # of an artist
SPOTIFY_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")  # usually 22 characters; it becomes part of a request's path
ISRC = re.compile(r"[\x21-\x7e]{1,32}")  # twelve characters, with hyphens fifteen
RELEASE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", re.ASCII)
PRECISIONS = ("year", "month", "day")


def text(value: object) -> str | None:
    """A text without the characters that Postgres can't store (NUL, lone surrogates); None if nothing is left."""
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").encode("utf-8", "ignore").decode() or None


def name(value: object) -> str | None:
    """The name of an artist, album, label or person, cut to LONGEST_NAME, which fits an index."""
    return (text(value) or "")[:LONGEST_NAME] or None


def title(value: object) -> str | None:
    """The title of a track, episode or chapter, cut to LONGEST_TITLE."""
    return (text(value) or "")[:LONGEST_TITLE] or None


def word(value: object) -> str | None:
    """A keyword of Spotify's, such as a type; None for a text that is too long to be one."""
    return unchanged(value, LONGEST_WORD)


def link(value: object) -> str | None:
    """The address of a picture; None for a text that is too long to be one."""
    return unchanged(value, LONGEST_LINK)


def account(value: object) -> str | None:
    """The id of a listener; None for a text that can't be one.

    It is never cut: a part of it could be another listener's.
    """
    return unchanged(value, LONGEST_ACCOUNT)


def unchanged(value: object, longest: int) -> str | None:
    """A text of at most `longest` characters, all of which Postgres can store; None for anything else."""
    kept = text(value)
    return kept if kept == value and kept is not None and len(kept) <= longest else None


def spotify_id(value: object) -> str | None:
    """The id of a track, artist or album; None for anything that can't be one."""
    return value if isinstance(value, str) and SPOTIFY_ID.fullmatch(value) else None


def uri(value: object) -> str | None:
    """A URI. One that is too long for an index is cut, and a hash of the whole is added, so that it stays unique."""
    kept = text(value)
    if not isinstance(value, str) or kept is None or is_uri(value):
        return kept
    return f"{kept[:400]}:{sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()}"


def context(value: object) -> str | None:
    """The URI of a context; None for one that is too long for an index."""
    return text(value) if is_uri(value) else None


def is_uri(value: object) -> bool:
    """Whether a value is a URI that fits an index unchanged."""
    kept = text(value)
    return kept is not None and kept == value and len(kept.encode()) <= LONGEST_URI


def isrc(value: object) -> str | None:
    """An ISRC in its standard form, upper case without hyphens and blanks; None for anything that can't be one.

    Labels write GB-SMU-45-66095 and ushm80865849, too: https://isrc.ifpi.org has the form.
    """
    plain = re.sub(r"[\s-]", "", value).upper() if isinstance(value, str) else ""
    return plain if ISRC.fullmatch(plain) else None


def genres(value: object) -> list[str] | None:
    """The genres in a list, each once, in lower case, as Spotify and most others write them: K-pop is k-pop.

    An empty list stays one; None for no list, or one without a readable name.
    """
    if not isinstance(value, list):
        return None
    names = list(dict.fromkeys(one for part in value if isinstance(part, str) and (one := name(part.lower()))))[
        :MOST_GENRES
    ]
    return names if names or not value else None


def number(value: object, most: int = INTEGER) -> int | None:
    """A whole number from 0 to `most`, also one written as 248000.0; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        return None
    return round(value)


def whole(value: object) -> int | None:
    """A whole number as `number` has it, also one that is written as text."""
    if isinstance(value, str):
        return number(int(value)) if value.isascii() and value.isdecimal() and len(value) <= 10 else None
    return number(value)


def up_to(most: int) -> Callable[[object], int | None]:
    """The parser for a column of whole numbers from 0 to `most`."""
    return lambda value: number(value, most)


def from_one_to(most: int) -> Callable[[object], int | None]:
    """The same from 1: Spotify's 0 means that there is no number."""
    return lambda value: number(value, most) or None


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def release(value: object) -> tuple[date | None, str | None]:
    """A release date and its precision: "2020-05" gives (2020-05-01, "month"). (None, None) for anything that is no
    date.
    """
    match = RELEASE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None, None
    parts = [int(part) for part in match.groups() if part]
    try:
        return date(*[*parts, 1, 1][:3]), PRECISIONS[len(parts) - 1]
    except ValueError:
        return None, None


def mapping(value: object) -> Json:
    """A JSON object; {} for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Json]:
    """The JSON objects in a list; [] for anything else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


RULES: dict[str, Callable[[Any], Any]] = {  # by column of the dimensions, whichever table it is in
    "album_artist_name": name,
    "album_id": spotify_id,
    "album_name": name,
    "album_type": word,
    "artist_id": spotify_id,
    "artist_name": name,
    "content_type": word,
    "context_type": word,
    "context_uri": context,
    "disc_number": from_one_to(SMALLINT),
    "duration_ms": up_to(INTEGER),
    "follower_count": up_to(BIGINT),
    "genres": genres,
    "image_url": link,
    "is_explicit": flag,
    "isrc": isrc,
    "label": name,
    "listener_id": account,
    "listener_name": name,
    "popularity": up_to(100),
    "position": from_one_to(SMALLINT),
    "track_count": up_to(INTEGER),
    "track_id": spotify_id,
    "track_name": title,
    "track_number": from_one_to(INTEGER),
    "track_uri": uri,
}


def fitted(**values: Any) -> Row:
    """A row of these columns, each value parsed by the rule of its column."""
    return {column: RULES[column](value) for column, value in values.items()}


def moment(value: object) -> datetime | None:
    """Parse 2024-08-29T14:48:46Z or 2024-08-29T14:25:25.772Z to an aware datetime in UTC; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None


def printable(name: str) -> str:
    """The name of a file or a person, with `?` for characters that could control a terminal."""
    return "".join(character if character.isprintable() else "?" for character in name)


def fingerprint(secret: str) -> str:
    """A hash by which a secret is recognized.

    The secrets here are long and random, so it can't be reversed by guessing.
    """
    return hmac.new(b"brapped fingerprint", secret.encode(), hashlib.sha256).hexdigest()
