"""Read files of Spotify's own audio features, which people saved while Spotify still told them: CSV, JSON, JSON lines.

Columns are those of https://developer.spotify.com/documentation/web-api/reference/get-audio-features, in the spellings
that exporters use ("Duration (ms)"); a track is named by its id, URI or address.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etl import links
from etl.dimensions.features import COLUMNS, features_of
from etl.values import Row, mapping

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
HEAD = 65_536  # bytes that show what a file holds
LARGEST = 2 * 2**30  # bytes of JSON, which is read whole
LONGEST_CELL = 2**20  # characters; sets of data have columns with whole lyrics
IDS = (
    "id",
    "track_id",
    "spotify_id",
    "spotify_track_id",
    "uri",
    "track_uri",
    "spotify_track_uri",
    "track_href",
    "href",
)
IN_JSON = re.compile(rb'"danceability"\s*:', re.IGNORECASE)


class FeatureFileError(Exception):
    """A file of features can't be read. The message is for the person and names the file."""


@dataclass
class FeatureRow:
    """One row of a file. track_id None: it names no track. features None: it has none; see features_of."""

    track_id: str | None
    features: Row | None = field(repr=False)


def holds_features(path: Path) -> bool:
    """Whether a file is one of audio features, by its ending and its beginning. Raises OSError."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(HEAD)
    if path.suffix.lower() not in (".csv", ".tsv"):
        return IN_JSON.search(head) is not None
    first = head.decode("utf-8-sig", "surrogateescape").splitlines()[:1]
    return bool(first) and {"danceability", "energy"} <= set(map(column_of, cells_of(first[0])))


def rows_in(path: Path) -> Iterator[FeatureRow]:
    """The rows of a file in their order. Raises FeatureFileError and OSError."""
    rows = csv_rows(path) if path.suffix.lower() in (".csv", ".tsv") else json_rows(path)
    for row in rows:
        named = next((found for name in IDS if (found := track_id_of(row.get(name)))), None)
        yield FeatureRow(named, features_of({name: row.get(name) for name in COLUMNS}))


def csv_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        first = file.readline()
        columns = [column_of(cell) for cell in cells_of(first)]
        try:
            for cells in csv.reader(file, delimiter=delimiter_of(first)):
                if any(map(str.strip, cells[len(columns) :])):
                    yield {}  # more values than columns, as decimal commas between commas: which is which can't be told
                elif cells:
                    yield dict(zip(columns, cells, strict=False))
        except csv.Error as error:
            raise FeatureFileError(f"{path.name} can't be read as CSV ({error}). Nothing was changed.") from None


def delimiter_of(first: str) -> str:
    return max(",;\t", key=first.count)


def cells_of(first: str) -> list[str]:
    return next(csv.reader([first], delimiter=delimiter_of(first)), [])


def column_of(head: str) -> str:
    """The name of a column as Spotify's API has it: "Duration (ms)" is duration_ms, "Track URI" track_uri."""
    return re.sub(r"\W+", "_", head.strip().lower()).strip("_")


def json_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """A list of objects, a list within an object, an object by track id, or an object a line."""
    if path.stat().st_size > LARGEST:
        raise FeatureFileError(f"{path.name} is larger than 2 GB: split it, or make a CSV of it. Nothing was changed.")
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    try:
        try:
            told = json.loads(text)
        except json.JSONDecodeError:
            told = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise FeatureFileError(f"{path.name} is not JSON: it may be cut short. Nothing was changed.") from None
    yield from objects_in(told)


def objects_in(told: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(told, list):
        for one in told:
            if isinstance(one, Mapping):
                inner = mapping(one.get("audio_features"))
                yield {**one, **inner, "id": inner.get("id") or one.get("id")}
            elif one is not None:  # the API writes null for a track that it does not know
                yield {}
        return
    if not isinstance(told, Mapping):
        return
    if "danceability" in told:
        yield told
        return
    for key, value in told.items():
        if isinstance(value, list):
            yield from objects_in(value)
        elif isinstance(value, Mapping) and "danceability" in value:
            yield {**value, "id": value.get("id") or key}


def track_id_of(value: object) -> str | None:
    """The id in an id, a URI or an address; None for anything else."""
    one = links.named(value) if isinstance(value, str) else None
    return one.spotify_id if one is not None and one.kind in (None, "track") else None
