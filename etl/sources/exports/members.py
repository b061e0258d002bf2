"""Names and URIs in rows of Spotify's data exports, to members of the dimensions."""

import re
from hashlib import sha256
from operator import attrgetter
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from etl.sources.exports.rows import ACCOUNT, EXTENDED, AccountRow, ExtendedRow
from etl.staging import ALBUM_COLUMNS, ARTIST_COLUMNS, TRACK_ARTIST_COLUMNS, TRACK_COLUMNS
from etl.values import name, text, title

UNKNOWN_TRACK, UNKNOWN_ARTIST = "Unknown Track", "Unknown Artist"  # how the account data says that it names nothing
LONGEST_URI = 500
URI_WITH_ID = re.compile(r"spotify:(?:track|episode|chapter):([0-9A-Za-z]{22})")
COLUMNS = {
    "staging_artist": ARTIST_COLUMNS,
    "staging_album": ALBUM_COLUMNS,
    "staging_track": TRACK_COLUMNS,
    "staging_track_artist": TRACK_ARTIST_COLUMNS,
}

KNOWN_COLUMNS = {  # those of them that an export knows something for
    "staging_artist": ("artist_name",),
    "staging_album": ("album_name", "album_artist_name", "album_type"),
    "staging_track": ("track_id", "track_uri", "track_name", "content_type", "album_name", "album_artist_name"),
    "staging_track_artist": ("track_uri", "artist_name", "position", "role", "weight"),
}
ALBUM_TYPES = {"episode": "show", "chapter": "audiobook"}

Names = tuple[str | None, ...]
Row = ExtendedRow | AccountRow
music_of = attrgetter(*ExtendedRow.__struct_fields__[2:6])  # URI, names: enough to tell tracks with a URI apart
names_of = {  # all that a row tells of what was played
    EXTENDED: attrgetter(*ExtendedRow.__struct_fields__[2:12]),
    ACCOUNT: attrgetter(*AccountRow.__struct_fields__[2:9]),
}


class Member(NamedTuple):
    """What a row played. `uri` is None for the unknown track."""

    uri: str | None
    content_type: str


class MemberCatalogue:
    """The members that an import named so far, and which of them are still to be staged."""

    def __init__(self) -> None:
        self.known: dict[Names, Member] = {}
        self.seen: dict[str, set[Names]] = {table: set() for table in COLUMNS}
        self.new: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}

    def members(self, kind: str, rows: list[Any]) -> list[Member]:
        """What each row played; what was not named before is to be staged."""
        names = music_of if kind == EXTENDED else names_of[ACCOUNT]
        members = map(self.known.get, map(names, rows))
        return [member or self.member(kind, row) for member, row in zip(members, rows, strict=True)]

    def member(self, kind: str, row: Row) -> Member:
        """What a row played that was not named before, or that takes more than its music to tell."""
        if isinstance(row, ExtendedRow) and uri_of(row.spotify_track_uri):
            return self.known.setdefault(music_of(row), self.met(item_of_extended(row)))
        names = names_of[kind](row)
        if names not in self.known:
            self.known[names] = self.met(item_of(row))
        return self.known[names]

    def met(self, told: "Item") -> Member:
        """Stages what a row tells of a track, episode or chapter."""
        content_type, uri, title, album, artist = told
        is_music = content_type in ("track", "local")
        if uri is None:
            by = artist if is_music else album
            if title is None and by is None:
                return Member(None, content_type)
            uri = name_uri(content_type, by, title)
        with_id = URI_WITH_ID.fullmatch(uri)
        track_id = with_id[1] if with_id else None
        self.add("staging_track", (uri, title, album, artist), (track_id, uri, title, content_type, album, artist))
        if album is not None:
            self.add("staging_album", (album, artist), (album, artist, ALBUM_TYPES.get(content_type)))
        if artist is not None:
            self.add("staging_artist", (artist,), (artist,))
        if artist is not None and is_music:
            self.add("staging_track_artist", (uri,), (uri, artist, 1, "main", 1.0))
        return Member(uri, content_type)

    def add(self, table: str, key: Names, row: tuple[Any, ...]) -> None:
        seen = self.seen[table]
        if key not in seen:
            seen.add(key)
            self.new[table].append(row)

    def new_tables(self) -> dict[str, pd.DataFrame]:
        """A frame for each staging table of the members not staged before."""
        tables = {}
        for table, columns in COLUMNS.items():
            rows, nothing = self.new[table], [None] * len(self.new[table])
            told = dict(zip(KNOWN_COLUMNS[table], map(list, zip(*rows, strict=True)), strict=bool(rows)))
            tables[table] = pd.DataFrame({column: told.get(column, nothing) for column in columns}, dtype=object)
            self.new[table] = []
        return tables


class Item(NamedTuple):
    """What a row tells of what was played: an album is also the show of an episode and the audiobook of a chapter."""

    content_type: str
    uri: str | None
    title: str | None
    album: str | None
    artist: str | None


def item_of(row: Row) -> Item:
    """By a URI, or where there is none that is one, by names."""
    return item_of_account(row) if isinstance(row, AccountRow) else item_of_extended(row)


def item_of_extended(row: ExtendedRow) -> Item:
    music = Item(
        "track",
        uri_of(row.spotify_track_uri),
        title(row.master_metadata_track_name),
        name(row.master_metadata_album_album_name),
        name(row.master_metadata_album_artist_name),
    )
    if music.uri:
        told_type = music.uri.split(":")[1]
        return music._replace(content_type=told_type) if told_type in ("local", "episode") else music
    episode = Item(
        "episode", uri_of(row.spotify_episode_uri), title(row.episode_name), name(row.episode_show_name), None
    )
    chapter = Item(
        "chapter",
        uri_of(row.audiobook_chapter_uri),
        title(row.audiobook_chapter_title),
        name(row.audiobook_title),
        None,
    )
    with_uri = (told for told in (episode, chapter) if told.uri)
    with_name = (told for told in (music, episode, chapter) if told.title or told.album or told.artist)
    return next(with_uri, None) or next(with_name, music)


def item_of_account(row: AccountRow) -> Item:
    """There are no URIs, and no albums of music."""
    episode = Item("episode", None, title(row.episode_name), name(row.podcast_name), None)
    chapter = Item("chapter", None, title(row.chapter_name), name(row.audiobook_name), name(row.author_name))
    music = Item("track", None, title(row.track_name), None, name(row.artist_name))
    if (music.title, music.artist) == (UNKNOWN_TRACK, UNKNOWN_ARTIST):
        music = music._replace(title=None, artist=None)
    return next((told for told in (episode, chapter) if told.title or told.album), music)


def uri_of(value: str | None) -> str | None:
    uri = text(value)
    return uri if uri and uri.startswith("spotify:") and len(uri) <= LONGEST_URI else None


def name_uri(content_type: str, artist: str | None, title: str | None) -> str:
    """A URI made of names, for what has none of Spotify's: the same for the same names, at most 500 characters.

    name:track:Ann:A%20Song. `artist` is the show of an episode and the audiobook of a chapter. Of long names it has the
    beginnings, and a hash of the whole.
    """
    by, what = (quote(text(part) or "", safe="") for part in (artist, title))
    whole = f"name:{content_type}:{by}:{what}"
    if len(whole) <= LONGEST_URI:
        return whole
    return f"name:{content_type}:{by[:200]}:{what[:200]}:{sha256(whole.encode()).hexdigest()[:16]}"
