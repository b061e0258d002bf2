"""Audio features as Spotify documents them: their names and ranges, and how an answer becomes a row. Pure.

The ranges are those of https://developer.spotify.com/documentation/web-api/reference/get-audio-features
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from etl.values import Row

SHARES = (
    "danceability", "energy", "speechiness", "acousticness", "instrumentalness", "liveness", "valence",
)  # fmt: skip
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(SHARES, (0.0, 1.0)),
    "loudness": (-60.0, 5.0),  # "typically between -60 and 0": some loud masters are above 0
    "tempo": (0.0, 300.0),
    "key": (0, 11),
    "mode": (0, 1),
    "time_signature": (3, 7),
    "duration_ms": (1, 2**31 - 1),
}
DIGITS = 9  # after the point: more than a real has, which can't hold what is smaller than 1e-37
# Of no column but those of WHOLE could it separate thousands: nothing else goes beyond 300.
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
WHOLE = ("key", "mode", "time_signature", "duration_ms")
# How an unknown value is written: it is null and nothing is wrong with it.
UNKNOWN: dict[str, tuple[float, ...]] = {"key": (-1,), "tempo": (0,), "time_signature": (0,), "duration_ms": (0,)}
COLUMNS = tuple(RANGES)


def features_of(told: Mapping[str, Any]) -> Row | None:
    """The row of an answer, {column: value or None} with `out_of_range_count`; None if no feature in it is known.

    Numbers may be written as text, as in a CSV, also with a decimal comma. A value outside of its range, or that is no
    number, is None and counted.
    """
    row: Row = {}
    wrong_count = 0
    for name in COLUMNS:
        value, is_wrong = value_of(name, told.get(name))
        row[name] = value
        wrong_count += is_wrong
    if all(row[name] is None for name in COLUMNS if name != "duration_ms"):
        return None
    return {**row, "out_of_range_count": wrong_count}


def value_of(name: str, told: object) -> tuple[float | int | None, bool]:
    """A value of a column, or None; and whether something was told that can't be right."""
    if told is None or (isinstance(told, str) and told.strip().lower() in ("", "null", "none", "nan", "na")):
        return None, False
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None, True
    if isinstance(told, str) and name not in WHOLE and DECIMAL_COMMA.fullmatch(told.strip()):
        told = told.replace(",", ".")
    try:
        number = float(told)
    except (ValueError, OverflowError):
        named = {"major": 1, "minor": 0}.get(str(told).strip().lower()) if name == "mode" else None
        return named, named is None
    if number in UNKNOWN.get(name, ()):
        return None, False
    least, most = RANGES[name]
    if not math.isfinite(number) or not least <= number <= most or (name in WHOLE and number != round(number)):
        return None, True
    return (round(number) if name in WHOLE else round(number, DIGITS)), False
