"""Histories of Last.fm: the CSV files and the JSON that common exporters write.

Sources of the facts:

- A scrobble is dated to the start of the play, in seconds, UTC; it is sent once half of a track of over 30 s or four
  minutes were heard: https://www.last.fm/api/scrobbling ("timestamp", "When is a scrobble a scrobble?").
- JSON: the answers of user.getRecentTracks, one after the other in a list, or one alone. `artist` and `album` have the
  name in `#text` (with extended=1 in `name`), `date.uts` is the start. A track that is playing has
  `"@attr": {"nowplaying": "true"}` and no date. A single track may stand without its list, as the JSON is made from XML
  (listenbrainz-server, listenbrainz/listens_importer/lastfm.py, reads it so).
- CSV without a header, `artist,album,track,01 Jan 2020 12:34`, UTC, to the minute:
  benfoxall/lastfm-to-csv, js/lastfm-export.js, which leaves commas and quotation marks out of all values.
- CSV with the header `uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid`, every value quoted:
  the export of lastfm.ghan.nl (as in Coloradohusky/ListenBrainz_File_Parser, README.md).
"""

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO, TextIOWrapper
from itertools import islice
from typing import Any

from etl.sources.exports.csv_lines import records
from etl.sources.exports.others import HEAD, Layout, lastfm_date, layout_of
from etl.sources.exports.values import has_bad_byte
from etl.sources.services.json_rows import Raw, Unparsed, decoded, first_of, list_in, parsed
from etl.sources.services.scrobbles import (
    BadRow,
    NoPlay,
    Scrobble,
    album_of,
    attempts,
    named,
    titled,
    unix_moment,
)
from etl.values import mapping, moment

SECONDS, MINUTES = "lastfm", "lastfm_minutes"  # listening.source, by how exact the dates of a file are
PLAYING = "was playing when the file was written, which is no play yet: left out"


def read(content: bytes) -> Iterator[Scrobble | Exception]:
    """The rows of a file in UTF-8. Raises Unparsed."""
    start = content[:HEAD].lstrip()[:1]
    if start in (b"{", b"["):
        yield from attempts(tracks_in(content), track)
    else:
        layout = layout_of(content[:HEAD].decode("utf-8", "surrogateescape"))
        if layout is None:
            raise Unparsed("its columns are not those of an export of Last.fm")
        yield from attempts(lines_in(content, layout), lambda line: scrobble_of_line(line, layout))


def tracks_in(content: Any) -> Iterator[Any]:
    """Every track in pages, in a list of pages, or in a list of tracks. Raises Unparsed."""
    for part in list_in(content):
        kind = first_of(part)
        page = decoded(part, dict[str, Raw]) if kind == b"{" else {}
        within = page.get("recenttracks", page.get("track"))
        if kind == b"[":
            yield from tracks_in(part)
        elif within is not None:
            yield from tracks_in(within)
        else:
            yield part


def track(raw: Any) -> Scrobble:
    """A track of user.getRecentTracks. Raises NoPlay for one that is playing, BadRow for one without name or date."""
    row = parsed(raw)
    date = mapping(row.get("date"))
    if not date and mapping(row.get("@attr")).get("nowplaying") in ("true", True):
        raise NoPlay(PLAYING)
    artist, album = (part_name(row.get(key)) for key in ("artist", "album"))
    return Scrobble(
        SECONDS, unix_moment(date.get("uts")), named(artist, "artist"), titled(row.get("name")), album_of(album)
    )


def part_name(value: object) -> object:
    """The name of an artist or album, which is a text or an object."""
    part = mapping(value)
    return (part.get("#text") or part.get("name")) if part else value


def lines_in(content: bytes, layout: Layout) -> Iterator[list[str] | None]:
    """The records of a CSV, without its header and empty lines; None for a line that can't be split."""
    text = TextIOWrapper(BytesIO(content.lstrip()), "utf-8", errors="surrogateescape", newline="")

    def is_record(fields: list[str]) -> bool:
        try:
            scrobble_of_line(fields, layout)
        except NoPlay:
            return True
        except BadRow:
            return False
        return True

    return islice(records(text, layout.delimiter, is_record), int(layout.has_header), None)


def scrobble_of_line(record: list[str] | None, layout: Layout) -> Scrobble:
    """A record of a CSV. Raises BadRow, and NoPlay for a track that was playing, which has no date."""
    if record is None:
        raise BadRow("a quotation mark in it is not closed, or a field is too long")
    fields = {what: record[column] for what, column in layout.columns.items() if column < len(record)}
    if len(fields) < len(layout.columns):
        raise BadRow("it has too few columns")
    if any(map(has_bad_byte, fields.values())):
        raise BadRow("its text is not UTF-8")
    date = fields["date"].strip()
    artist, title = named(fields["artist"], "artist"), titled(fields["track"])
    if not date:
        raise NoPlay("has no date, like a track that was playing: left out")
    source, at = SECONDS, None
    if (found := lastfm_date(date)) is not None:
        at, is_exact = found
        source = SECONDS if is_exact else MINUTES
    else:
        with suppress(ValueError):
            iso = date.replace(" UTC", "Z").replace(" ", "T", 1)
            at = moment(iso) or moment(f"{iso}Z")
            source = SECONDS if iso.count(":") > 1 else MINUTES
    if at is None:
        source, at = SECONDS, unix_moment(date)
    return Scrobble(source, at, artist, title, album_of(fields.get("album")))
