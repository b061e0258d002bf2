"""A made-up catalogue: artists, albums, tracks, shows and episodes that do not exist. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random

from etl.simulator import words

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
VARIOUS_ARTISTS = "Various Artists"
ARTISTS = 80
SPECIALS_EVERY = 11  # one title in eleven is an awkward one, until they are used up


@dataclass(frozen=True)
class Artist:
    id: str
    name: str
    genres: tuple[str, ...] = ()
    image: str | None = None  # the last 24 hex digits of a picture's address
    popularity: int = 50
    followers: int = 1000


@dataclass(frozen=True)
class Album:
    id: str
    name: str
    artist_ids: tuple[str, ...]
    track_ids: tuple[str, ...] = ()
    album_type: str = "album"  # album, single, compilation
    release_date: str = "2020-01-01"
    release_date_precision: str = "day"  # day, month, year
    image: str | None = None
    label: str = words.LABELS[0]
    upc: str = "000000000000"
    popularity: int = 50


@dataclass(frozen=True)
class Track:
    id: str
    name: str
    album_id: str
    artist_ids: tuple[str, ...]
    duration_ms: int
    track_number: int = 1
    disc_number: int = 1
    explicit: bool = False
    isrc: str | None = None
    popularity: int = 50


@dataclass(frozen=True)
class Show:
    id: str
    name: str
    publisher: str
    description: str
    episode_ids: tuple[str, ...] = ()
    image: str | None = None
    language: str = "en"


@dataclass(frozen=True)
class Episode:
    id: str
    name: str
    show_id: str
    description: str
    duration_ms: int
    release_date: str
    image: str | None = None
    explicit: bool = False
    language: str = "en"


@dataclass(frozen=True)
class Catalogue:
    """All objects by id, in the order in which they were made."""

    artists: Mapping[str, Artist] = field(default_factory=dict)
    albums: Mapping[str, Album] = field(default_factory=dict)
    tracks: Mapping[str, Track] = field(default_factory=dict)
    shows: Mapping[str, Show] = field(default_factory=dict)
    episodes: Mapping[str, Episode] = field(default_factory=dict)


def made_up_id(*about: object) -> str:
    """An id of 22 base-62 characters, like Spotify's; the same for the same arguments."""
    number = int.from_bytes(_digest(16, *about))
    digits = ""
    for _ in range(22):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


def _digest(size: int, *about: object) -> bytes:
    return hashlib.blake2b(repr(about).encode(), digest_size=size).digest()


def catalogue(seed: int = 1) -> Catalogue:
    """Some 80 artists and 600 tracks with everything that is awkward in a real catalogue; the same for the same seed.

    Titles with quotes, emoji, umlauts, right-to-left script, markup and a spreadsheet formula; featured
    artists; artists without genres or picture; release dates to the day, month or year; singles that
    also appear on an album, and a compilation of Various Artists (the same ISRC under another id); tracks
    without ISRC.
    """
    return _Press(seed).catalogue()


class _Press:
    """Makes a catalogue with one random number generator and running numbers."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = Random(seed)  # noqa: S311  a catalogue that is always the same is the point
        self.isrcs = count(1)
        self.specials = iter(words.SPECIAL_TITLES)
        self.titled = 0
        self.albums: dict[str, Album] = {}
        self.tracks: dict[str, Track] = {}

    def catalogue(self) -> Catalogue:
        artists = self.artists()
        for place, artist in enumerate(artists):
            others = artists[:place] + artists[place + 1 :]
            for _ in range(self.random.choice((1, 1, 2))):
                self.album(artist, others)
        various = Artist(made_up_id(self.seed, "artist", VARIOUS_ARTISTS), VARIOUS_ARTISTS, popularity=0)
        self.compilation(various)
        shows, episodes = self.shows()
        everybody = [*artists, various]
        return Catalogue({one.id: one for one in everybody}, self.albums, self.tracks, shows, episodes)

    def artists(self) -> list[Artist]:
        names = list(words.SPECIAL_ARTISTS)
        while len(names) < ARTISTS:
            name = self.filled(words.ARTIST_PATTERNS)
            if name not in names:
                names.append(name)
        self.random.shuffle(names)
        return [self.artist(name, place) for place, name in enumerate(names)]

    def artist(self, name: str, place: int) -> Artist:
        has_genres = place % 6 != 5
        return Artist(
            id=made_up_id(self.seed, "artist", name),
            name=name,
            genres=tuple(self.random.sample(words.GENRES, self.random.randint(1, 3))) if has_genres else (),
            image=None if place % 20 == 19 else self.picture(name),
            popularity=max(3, 80 - place + self.random.randint(-5, 5)),
            followers=round(2_000_000 / (place + 1) ** 1.3) + self.random.randrange(100),
        )

    def album(self, artist: Artist, others: list[Artist]) -> None:
        """Make an album of one artist, and for some albums a single of the first track."""
        album = self.cover(artist, self.filled(words.ALBUM_PATTERNS), "album")
        tracks = [self.track(artist, others, album, number + 1) for number in range(self.random.randint(3, 9))]
        self.press(album, tracks)
        if self.random.random() < 0.4:
            single = replace(album, id=self.album_id(tracks[0].name), name=tracks[0].name, album_type="single")
            self.press(single, [self.again(tracks[0], single, 1)])

    def compilation(self, various: Artist) -> None:
        chosen = self.random.sample([one for one in self.tracks.values() if one.isrc], 16)
        album = self.cover(various, words.COMPILATION, "compilation")
        self.press(album, [self.again(track, album, number + 1) for number, track in enumerate(chosen)])

    def cover(self, artist: Artist, name: str, album_type: str) -> Album:
        """An album without tracks, with a release date of some precision, a picture and a label."""
        year = 2026 - int(self.random.expovariate(1 / 9)) % 58
        month, day = self.random.randint(1, 9), self.random.randint(1, 28)
        precision = self.random.choices(("day", "month", "year"), (8, 1, 1 + (year < 1990) * 8))[0]
        full = f"{year}-{month:02}-{day:02}"
        return Album(
            id=self.album_id(name),
            name=name,
            artist_ids=(artist.id,),
            album_type=album_type,
            release_date=full[: {"day": 10, "month": 7, "year": 4}[precision]],
            release_date_precision=precision,
            image=self.picture(artist.name, name),
            label=self.random.choice(words.LABELS),
            upc=f"{self.random.randrange(10**12):012}",
            popularity=max(0, artist.popularity - self.random.randrange(12)),
        )

    def album_id(self, name: str) -> str:
        return made_up_id(self.seed, "album", len(self.albums), name)

    def track(self, artist: Artist, others: list[Artist], album: Album, number: int) -> Track:
        """A new track of an album, one in eight with a guest, one in thirteen without ISRC."""
        name = self.title()
        artist_ids: tuple[str, ...] = (artist.id,)
        if self.random.random() < 0.12:
            guest = self.random.choice(others)
            name, artist_ids = f"{name} (feat. {guest.name})", (artist.id, guest.id)
        running = next(self.isrcs)
        return Track(
            id=made_up_id(self.seed, "track", album.id, number),
            name=name,
            album_id=album.id,
            artist_ids=artist_ids,
            duration_ms=round(self.random.triangular(90_000, 420_000, 190_000)),
            track_number=number,
            explicit=self.random.random() < 0.1,
            isrc=f"ZZDEM{album.release_date[2:4]}{running:05}" if running % 13 else None,
            popularity=max(0, artist.popularity - self.random.randrange(25)),
        )

    def again(self, track: Track, album: Album, number: int) -> Track:
        """The same recording on another album: the same ISRC, another id."""
        id = made_up_id(self.seed, "track", album.id, number)
        return replace(track, id=id, album_id=album.id, track_number=number)

    def press(self, album: Album, tracks: list[Track]) -> None:
        self.albums[album.id] = replace(album, track_ids=tuple(track.id for track in tracks))
        self.tracks.update({track.id: track for track in tracks})

    def shows(self) -> tuple[dict[str, Show], dict[str, Episode]]:
        """All shows and their episodes, by id."""
        shows, episodes = {}, {}
        for name, publisher, description, titles in words.SHOWS:
            show_id = made_up_id(self.seed, "show", name)
            made = [
                Episode(
                    id=made_up_id(self.seed, "episode", name, title),
                    name=title,
                    show_id=show_id,
                    description=description,
                    duration_ms=self.random.randrange(1_200_000, 4_200_000),
                    release_date=f"2026-{number + 1:02}-{self.random.randint(1, 28):02}",
                    image=self.picture(name, title),
                )
                for number, title in enumerate(titles)
            ]
            ids = tuple(one.id for one in made)
            shows[show_id] = Show(show_id, name, publisher, description, ids, self.picture(name))
            episodes.update({one.id: one for one in made})
        return shows, episodes

    def title(self) -> str:
        self.titled += 1
        special = next(self.specials, None) if self.titled % SPECIALS_EVERY == 0 else None
        return special or self.filled(words.TITLE_PATTERNS)

    def filled(self, patterns: tuple[str, ...]) -> str:
        return re.sub(
            r"{(\w+)}",
            lambda blank: self.random.choice(words.WORDS[blank[1]]),
            self.random.choice(patterns),
        )

    def picture(self, *about: object) -> str:
        return _digest(12, self.seed, "picture", *about).hex()
