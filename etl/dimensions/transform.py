"""Track, album and artist JSON to rows of the dimensions and the bridge. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from etl.staging import ALBUM_COLUMNS, ARTIST_COLUMNS, TRACK_ARTIST_COLUMNS, TRACK_COLUMNS, Table
from etl.values import (
    MOST_ARTISTS,
    Json,
    Row,
    fitted,
    is_uri,
    link,
    mapping,
    mappings,
    name,
    number,
    release,
    spotify_id,
    text,
    title,
    word,
)
from etl.values import uri as fitting_uri

FEATURED_IN_TITLE = re.compile(r"[(\[\s-](?:feat|ft|featuring)\b\.?\s*(?P<names>[^)\]]*)", re.IGNORECASE)


def catalogue_tables(
    *,
    tracks: Iterable[Json] = (),
    artists: Iterable[Json] = (),
    albums: Iterable[Json] = (),
    fetched_at: datetime,
) -> dict[str, Table]:
    """Convert tracks (or episodes), artists and albums of Spotify's Web API to staging tables, by table name.

    Each member occurs once. A full object becomes a member with `fetched_at`; an object embedded in another becomes an
    inferred member without it. Of two objects for one member the full one wins, or else the later one.
    """
    track_rows: dict[str, Row] = {}
    album_rows: dict[tuple[Any, ...], Row] = {}
    artist_rows: dict[tuple[Any, ...], Row] = {}
    track_artist_rows: dict[str, list[Row]] = {}
    for track in tracks:
        row = track_row(track, fetched_at)
        if row is None:
            continue
        track_rows[row["track_uri"]] = row
        album = album_of(track)
        if album:
            keep(album_rows, album_key(album), album_row(album, fetched_at))
        artists_of_track = list(track_artists(track))
        track_artist_rows[row["track_uri"]] = [{"track_uri": row["track_uri"], **artist} for artist in artists_of_track]
        for artist in artists_of_track:
            keep(
                artist_rows,
                (artist["artist_id"], artist["artist_name"] if artist["artist_id"] is None else None),
                {
                    "artist_id": artist["artist_id"],
                    "artist_name": artist["artist_name"],
                    "fetched_at": None,
                },
            )
    for whole in albums:
        keep(album_rows, album_key(whole), {**album_row(whole, fetched_at), "fetched_at": fetched_at})
    for described in artists:
        keep(artist_rows, (spotify_id(described.get("id")), None), artist_row(described, fetched_at))
    return {
        "staging_artist": Table.of(artist_rows.values(), ARTIST_COLUMNS),
        "staging_album": Table.of(album_rows.values(), ALBUM_COLUMNS),
        "staging_track": Table.of(track_rows.values(), TRACK_COLUMNS),
        "staging_track_artist": Table.of(
            (row for rows in track_artist_rows.values() for row in rows), TRACK_ARTIST_COLUMNS
        ),
    }


def track_row(track: Json, fetched_at: datetime) -> Row | None:
    """The row of a track, episode, chapter or local file; None if it has neither URI nor id."""
    uri = uri_of(track)
    if uri is None:
        return None
    album = album_of(track) or {}
    row = fitted(
        track_id=track.get("id"),
        track_uri=uri,
        track_name=track.get("name"),
        content_type=content_type_of(track),
        duration_ms=track.get("duration_ms"),
        isrc=mapping(track.get("external_ids")).get("isrc"),
        is_explicit=track.get("explicit"),
        disc_number=track.get("disc_number"),
        track_number=track.get("track_number"),
        popularity=None if is_local(track) else track.get("popularity"),
        album_id=album.get("id"),
        album_name=album.get("name"),
        album_artist_name=names_of_owner(album),
    )
    is_complete = row["track_name"] is not None and row["duration_ms"] is not None
    return {**row, "fetched_at": fetched_at if is_complete else None}


def track_artists(track: Json) -> Iterator[Row]:
    """The artists of a track in Spotify's order, each once, at most MOST_ARTISTS, with role and equal weight.

    The role is main for the first artist and for artists of the album, unless the title names them after "feat."; it is
    featured for all others.
    """
    seen: dict[tuple[str | None, str | None], Row] = {}
    for one in mappings(track.get("artists")):
        artist = fitted(artist_id=one.get("id"), artist_name=one.get("name"))
        if len(seen) < MOST_ARTISTS and any(artist.values()):
            seen.setdefault((artist["artist_id"], None if artist["artist_id"] else artist["artist_name"]), artist)
    of_album = {spotify_id(artist.get("id")) for artist in mappings((album_of(track) or {}).get("artists"))} - {None}
    in_title = FEATURED_IN_TITLE.search(title(track.get("name")) or "")
    featured = in_title.group("names").casefold() if in_title else ""
    for position, artist in enumerate(seen.values(), start=1):
        named_as_guest = bool(artist["artist_name"]) and str(artist["artist_name"]).casefold() in featured
        is_main = position == 1 or (artist["artist_id"] in of_album and not named_as_guest)
        yield {
            **artist,
            "position": position,
            "role": "main" if is_main else "featured",
            "weight": 1 / len(seen),
        }


def album_row(album: Json, fetched_at: datetime) -> Row:
    """The row of an album or show, full or as given inside a track; fetched once it has all that a report needs."""
    released, precision = release_of(album)
    row = fitted(
        album_id=album.get("id"),
        album_name=album.get("name"),
        album_artist_name=names_of_owner(album),
        album_type="show" if is_show(album) else album.get("album_type"),
        track_count=album.get("total_tracks") or album.get("total_episodes"),
        label=album.get("label"),
        popularity=album.get("popularity"),
        image_url=largest_image(album),
    )
    is_complete = is_show(album) or (released is not None and row["image_url"] is not None)
    dated = {"release_date": released, "release_date_precision": precision}
    return {**row, **dated, "fetched_at": fetched_at if is_complete else None}


def artist_row(artist: Json, fetched_at: datetime) -> Row:
    """The row of a full artist."""
    row = fitted(
        artist_id=artist.get("id"),
        artist_name=artist.get("name"),
        genres=artist.get("genres"),
        image_url=largest_image(artist),
        popularity=artist.get("popularity"),
        follower_count=mapping(artist.get("followers")).get("total"),
    )
    genres = None if row["genres"] is None else json.dumps(row["genres"])
    return {**row, "genres": genres, "fetched_at": fetched_at}


def uri_of(track: Json) -> str | None:
    """The URI of a playable item, built from its id if it has no valid one; None if it has neither."""
    given, track_id = track.get("uri"), spotify_id(track.get("id"))
    if track_id is not None and not is_uri(given):
        return f"spotify:{word(track.get('type')) or 'track'}:{track_id}"
    return fitting_uri(given)


def content_type_of(track: Json) -> str:
    if is_local(track):
        return "local"
    kind = word(track.get("type")) or "track"
    return "chapter" if kind == "audiobook_chapter" else kind


def is_local(track: Json) -> bool:
    return track.get("is_local") is True or (text(track.get("uri")) or "").startswith("spotify:local:")


def album_of(track: Json) -> Json | None:
    """The album of a track, show of an episode or audiobook of a chapter; None if it has neither id nor name."""
    for part in ("album", "show", "audiobook"):
        album = track.get(part)
        if isinstance(album, Mapping) and (spotify_id(album.get("id")) or name(album.get("name"))):
            return album
    return None


def is_show(album: Json) -> bool:
    return album.get("type") == "show"


def album_key(album: Json) -> tuple[Any, ...]:
    album_id = spotify_id(album.get("id"))
    return (album_id,) if album_id else (None, name(album.get("name")), names_of_owner(album))


def names_of_owner(album: Json) -> str | None:
    names = [known for artist in mappings(album.get("artists"))[:MOST_ARTISTS] if (known := name(artist.get("name")))]
    return name(", ".join(names)) or name(album.get("publisher"))


def release_of(album: Json) -> tuple[date | None, str | None]:
    """The first day of the release period, and its precision: day, month or year."""
    return release(album.get("release_date"))


def largest_image(member: Json) -> str | None:
    images = [image for image in mappings(member.get("images")) if link(image.get("url"))]
    return link(max(images, key=lambda image: number(image.get("width")) or 0)["url"]) if images else None


def keep(rows: dict[tuple[Any, ...], Row], key: tuple[Any, ...], row: Row) -> None:
    """Keep the full row of a member over an inferred one, and the later of two of the same kind."""
    known = rows.get(key)
    if known is None or known["fetched_at"] is None or row["fetched_at"] is not None:
        rows[key] = row
