"""Parse the values of an export's rows, however a tool wrote them to JSON: flags, titles, moments. Pure."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from etl.staging import FIRST_PLAY
from etl.values import moment, text

LONGEST_URI = 500
LONGEST_NUMBER = 400  # digits: a title may be a number, but not a longer one
FIRST_MS = 10**11  # from here on a timestamp is in milliseconds: 1973 in these, the year 5138 in seconds
LAST_MS = 10**14  # from here on it would be in a finer unit, which Spotify never wrote
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DIGITS = re.compile(r"[0-9]{9,16}(?:\.[0-9]{1,9})?")
FLAGS = {
    **dict.fromkeys(("true", "1", "1.0", "yes", "y", "t", "on"), True),
    **dict.fromkeys(("false", "0", "0.0", "no", "n", "f", "off"), False),
}


class UnreadableValue:
    """The type of UNREADABLE, which stands for a value of the wrong type or form."""

    def __repr__(self) -> str:
        return "UNREADABLE"


UNREADABLE = UnreadableValue()


def parse_json(text_of_file: str, known_keys: frozenset[str], *, is_damaged: bool = False) -> Any:
    """Parse the JSON of a file, keeping only `known_keys` of its objects.

    A number that is too long becomes UNREADABLE, and in a damaged text every value with a byte that could not be
    decoded. Raises ValueError or RecursionError for invalid JSON.
    """

    def only_known(row: dict[str, Any]) -> dict[str, Any]:
        known = {key: value for key, value in row.items() if key in known_keys}
        return (
            {key: UNREADABLE if has_bad_byte(value) else value for key, value in known.items()} if is_damaged else known
        )

    return json.loads(
        text_of_file,
        strict=False,
        object_hook=only_known,
        parse_int=whole_number,
        parse_float=decimal_number,
        parse_constant=lambda name: float("nan") if name == "NaN" else UNREADABLE,
    )


def without_nan(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with None for NaN, which is how some tools write an empty cell to JSON."""
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}


def has_bad_byte(value: object) -> bool:
    """Whether a text contains a byte that could not be decoded (surrogateescape)."""
    return isinstance(value, str) and any("\udc80" <= character <= "\udcff" for character in value)


def whole_number(digits: str) -> int | UnreadableValue:
    return int(digits) if len(digits) <= LONGEST_NUMBER else UNREADABLE


def decimal_number(digits: str) -> Decimal | UnreadableValue:
    """The number with all its digits, because 3.14159265358979323846 may be a title."""
    is_usual = len(digits) <= LONGEST_NUMBER and math.isfinite(float(digits)) and float(digits) != 0
    return Decimal(digits) if is_usual else UNREADABLE if float(digits) else Decimal(0)


def whole(value: object) -> int | None:
    """A whole number, also one written as 248000.0; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    return int(value) if value == int(value) else None


def flag(value: object) -> bool | UnreadableValue | None:
    """A flag, written as true, 1, 1.0, "true", "1", "yes" or the like; None for null and an empty text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().casefold()
        return FLAGS.get(word, UNREADABLE) if word else None
    number = whole(value)
    return bool(number) if number in (0, 1) else UNREADABLE


def name(value: object) -> str | UnreadableValue | None:
    """A title or the name of its artist. A number is taken as text, 22.0 as "22". None for null and false."""
    if isinstance(value, str):
        return value
    number = whole(value)
    if number is not None:
        return str(number)
    if isinstance(value, Decimal):
        return str(value)
    return None if value is None or value is False else UNREADABLE


def uri(value: object) -> str | UnreadableValue | None:
    """A URI; None for null, false and 0."""
    return (
        value
        if isinstance(value, str)
        else None
        if value is None or whole(value) == 0 or value is False
        else UNREADABLE
    )


def spotify_uri(value: object) -> str | None:
    """A URI of Spotify's, without blanks around it; None for anything else."""
    found = text(value) if isinstance(value, str) else None
    return found if found and found.startswith("spotify:") and len(found) <= LONGEST_URI else None


def is_foreign_uri(value: object) -> bool:
    """Whether a text stands for a URI and is none of Spotify's."""
    return isinstance(value, str) and bool(text(value)) and spotify_uri(value) is None


def word(value: object, longest: int) -> str | UnreadableValue | None:
    """A short text such as a platform or a reason, cut to `longest` characters; None for null and an empty text."""
    return text(value[:longest]) if isinstance(value, str) else None if value is None else UNREADABLE


def country(value: object) -> str | UnreadableValue | None:
    """A country code of two letters; None for null and an empty text."""
    if value is None or value == "":
        return None
    letters = text(value)
    return letters if letters is not None and len(letters) == len("AT") else UNREADABLE


def stamp(value: object) -> int | UnreadableValue | None:
    """An offline_timestamp in seconds or milliseconds. Seconds with a fraction are returned as milliseconds."""
    if value is None:
        return None
    number = whole(value)
    if number is not None:
        return number
    if isinstance(value, Decimal):
        return round(value * 1000 if abs(value) < FIRST_MS else value)
    return UNREADABLE


def parse_end(value: object) -> datetime | None:
    """The end of a play, written as moment() parses it or as seconds or milliseconds since 1970; None for anything
    else.
    """
    if isinstance(value, str):
        if not DIGITS.fullmatch(value.strip()):
            return moment(value)
        value = Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if not FIRST_PLAY.timestamp() <= value < LAST_MS:
        return None
    in_ms = round(value if value >= FIRST_MS else value * 1000)
    return EPOCH + timedelta(milliseconds=in_ms)


def parse_end_minute(value: object) -> datetime | None:
    """The end of a play of the account data, written as 2023-01-26 05:11 or as parse_end() parses it, if a whole
    minute.
    """
    if isinstance(value, str) and not DIGITS.fullmatch(value.strip()):
        is_minute = len(value) == len("2023-01-26 05:11")
        return moment(f"{value.replace(' ', 'T')}:00Z") if is_minute else None
    end = parse_end(value)
    return end if end is not None and end.second == end.microsecond == 0 else None


def loses_characters(value: object) -> bool:
    """Whether a text has characters that Postgres can't store (NUL, lone surrogates), which will be left out."""
    return isinstance(value, str) and value != "" and text(value) != value


def has_value(row: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    """Whether any of these fields has a readable value."""
    return any(row[key] not in (None, "") and row[key] is not UNREADABLE for key in keys)
