"""Turn the names and URIs in rows of Spotify's exports into members of the dimensions."""

import re
from hashlib import sha256
from operator import attrgetter, itemgetter, le
from typing import Any, NamedTuple
from urllib.parse import quote

from etl.sources.exports.rows import ACCOUNT, EXTENDED, AccountRow, ExtendedRow
from etl.sources.exports.values import LONGEST_URI, spotify_uri
from etl.staging import ALBUM_COLUMNS, ARTIST_COLUMNS, TRACK_ARTIST_COLUMNS, TRACK_COLUMNS, Table
from etl.values import name, text, title

UNKNOWN_TRACK, UNKNOWN_ARTIST = (
    "Unknown Track",
    "Unknown Artist",
)  # in the account data these mean that there is no name
URI_WITH_ID = re.compile(r"spotify:(?:track|episode|chapter):([0-9A-Za-z]{22})")
COLUMNS = {
    "staging_artist": ARTIST_COLUMNS,
    "staging_album": ALBUM_COLUMNS,
    "staging_track": TRACK_COLUMNS,
    "staging_track_artist": TRACK_ARTIST_COLUMNS,
}

KNOWN_COLUMNS = {  # the columns that an export can fill
    "staging_artist": ("artist_name",),
    "staging_album": ("album_name", "album_artist_name", "album_type"),
    "staging_track": (
        "track_id",
        "track_uri",
        "track_name",
        "content_type",
        "album_name",
        "album_artist_name",
        "named_at",
    ),
    "staging_track_artist": ("track_uri", "artist_name", "position", "role", "weight"),
}
ALBUM_TYPES = {"episode": "show", "chapter": "audiobook"}

Names = tuple[str | None, ...]
Row = ExtendedRow | AccountRow
# What distinguishes the tracks with a URI, and the names that they had.
music_of = attrgetter(
    "spotify_track_uri",
    "master_metadata_track_name",
    "master_metadata_album_artist_name",
    "master_metadata_album_album_name",
)
names_of = {  # all fields that say what was played
    EXTENDED: attrgetter(*ExtendedRow.__struct_fields__[2:12]),
    ACCOUNT: attrgetter(*AccountRow.__struct_fields__[2:9]),
}


class Member(NamedTuple):
    """The track, episode or chapter of a row. `uri` is None for the unknown track."""

    uri: str | None
    content_type: str


class MemberCatalogue:
    """The members that the files of one import have named so far, and those that are not staged yet."""

    def __init__(self) -> None:
        self.known: dict[Names, Member] = {}
        self.seen: dict[str, set[Names]] = {table: set() for table in COLUMNS}
        self.new: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
        self.named_at: dict[Names, str] = {}  # the latest play of each name
        self.first_names: dict[str, Names] = {}  # by URI
        self.renamed: set[Names] = set()  # names of URIs that have several

    def members(self, kind: str, rows: list[Any], ends: list[str]) -> list[Member]:
        """The member of each row. Members that were not named before are queued for staging. `ends`: of the plays."""
        names = music_of if kind == EXTENDED else names_of[ACCOUNT]
        known = map(self.known.get, map(names, rows))
        members = [member or self.member(kind, row) for member, row in zip(known, rows, strict=True)]
        if kind == EXTENDED:
            self.date_names(list(map(names, rows)), ends)
        return members

    def date_names(self, names: list[Names], ends: list[str]) -> None:
        """Note the latest play of each name of a track, and queue the dated names of tracks that have several."""
        dated = zip(names, ends, strict=True)
        in_order = dated if all(map(le, ends, ends[1:])) else sorted(dated, key=itemgetter(1))
        latest = dict(in_order)
        before = self.named_at
        self.named_at = before | {one: max(end, before.get(one, end)) for one, end in latest.items()}
        for one in latest:
            uri = one[0]
            if uri is not None and self.first_names.setdefault(uri, one) != one:
                self.renamed |= {one, self.first_names[uri]}
        for one in sorted(self.renamed, key=repr):
            if self.named_at[one] != before.get(one) or one in latest:
                self.add_dated_name(one)

    def add_dated_name(self, names: Names) -> None:
        """Queue a name of a track with its latest play, if that is not queued yet."""
        uri, track_name, artist, album = names
        if (valid := spotify_uri(uri)) is None:
            return
        item = PlayedItem(self.known[names].content_type, valid, title(track_name), name(album), name(artist))
        with_id = URI_WITH_ID.fullmatch(valid)
        row = (with_id[1] if with_id else None, valid, item.title, item.content_type, item.album, item.artist)
        dated = (*row, self.named_at[names])
        self.add("staging_track", dated, dated)

    def member(self, kind: str, row: Row) -> Member:
        """The member of one row whose names were not seen before, or that is no track with a URI."""
        if isinstance(row, ExtendedRow) and spotify_uri(row.spotify_track_uri):
            return self.known.setdefault(music_of(row), self.register(item_of_extended(row)))
        names = names_of[kind](row)
        if names not in self.known:
            self.known[names] = self.register(item_of(row))
        return self.known[names]

    def register(self, item: "PlayedItem") -> Member:
        """Queue what a row says about a track, episode or chapter for staging, and return its member."""
        content_type, uri, title, album, artist = item
        is_music = content_type in ("track", "local")
        if uri is None:
            by = artist if is_music else album
            if title is None and by is None:
                return Member(None, content_type)
            uri = name_uri(content_type, by, title)
        with_id = URI_WITH_ID.fullmatch(uri)
        track_id = with_id[1] if with_id else None
        self.add(
            "staging_track", (uri, title, album, artist), (track_id, uri, title, content_type, album, artist, None)
        )
        if album is not None:
            self.add("staging_album", (album, artist), (album, artist, ALBUM_TYPES.get(content_type)))
        if artist is not None:
            self.add("staging_artist", (artist,), (artist,))
        if artist is not None and is_music:
            self.add("staging_track_artist", (uri, artist), (uri, artist, 1, "main", 1.0))
        return Member(uri, content_type)

    def add(self, table: str, key: Names, row: tuple[Any, ...]) -> None:
        seen = self.seen[table]
        if key not in seen:
            seen.add(key)
            self.new[table].append(row)

    def new_tables(self) -> dict[str, Table]:
        """The queued rows for each staging table; empties the queue."""
        tables = {}
        for table, columns in COLUMNS.items():
            rows, nothing = self.new[table], [None] * len(self.new[table])
            known = dict(zip(KNOWN_COLUMNS[table], map(list, zip(*rows, strict=True)), strict=bool(rows)))
            tables[table] = Table({column: known.get(column, nothing) for column in columns})
            self.new[table] = []
        return tables


class PlayedItem(NamedTuple):
    """What a row says was played. `album` is also the show of an episode and the audiobook of a chapter."""

    content_type: str
    uri: str | None
    title: str | None
    album: str | None
    artist: str | None


def item_of(row: Row) -> PlayedItem:
    """What a row played: identified by a URI, or by names if it has no valid one."""
    return item_of_account(row) if isinstance(row, AccountRow) else item_of_extended(row)


def item_of_extended(row: ExtendedRow) -> PlayedItem:
    """What a row of the extended history played: the first of track, episode and chapter with a URI, or else a name."""
    music = PlayedItem(
        "track",
        spotify_uri(row.spotify_track_uri),
        title(row.master_metadata_track_name),
        name(row.master_metadata_album_album_name),
        name(row.master_metadata_album_artist_name),
    )
    if music.uri:
        uri_type = music.uri.split(":")[1]
        return music._replace(content_type=uri_type) if uri_type in ("local", "episode") else music
    episode = PlayedItem(
        "episode", spotify_uri(row.spotify_episode_uri), title(row.episode_name), name(row.episode_show_name), None
    )
    chapter = PlayedItem(
        "chapter",
        spotify_uri(row.audiobook_chapter_uri),
        title(row.audiobook_chapter_title),
        name(row.audiobook_title),
        None,
    )
    with_uri = (item for item in (episode, chapter) if item.uri)
    with_name = (item for item in (music, episode, chapter) if item.title or item.album or item.artist)
    return next(with_uri, None) or next(with_name, music)


def item_of_account(row: AccountRow) -> PlayedItem:
    """What a row of the account data played. It has no URIs, and no albums of music."""
    episode = PlayedItem("episode", None, title(row.episode_name), name(row.podcast_name), None)
    chapter = PlayedItem("chapter", None, title(row.chapter_name), name(row.audiobook_name), name(row.author_name))
    music = PlayedItem("track", None, title(row.track_name), None, name(row.artist_name))
    if (music.title, music.artist) == (UNKNOWN_TRACK, UNKNOWN_ARTIST):
        music = music._replace(title=None, artist=None)
    return next((item for item in (episode, chapter) if item.title or item.album), music)


def name_uri(content_type: str, artist: str | None, title: str | None) -> str:
    """A URI made of names, such as name:track:Ann:A%20Song, for what has no URI of Spotify's.

    Equal names give equal URIs. `artist` is the show of an episode and the audiobook of a chapter. At most LONGEST_URI
    characters: long names are cut, and a hash of the whole is added.
    """
    by, what = (quote(text(part) or "", safe="") for part in (artist, title))
    whole = f"name:{content_type}:{by}:{what}"
    if len(whole) <= LONGEST_URI:
        return whole
    return f"name:{content_type}:{by[:200]}:{what[:200]}:{sha256(whole.encode()).hexdigest()[:16]}"
