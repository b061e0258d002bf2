"""Many cases of the matching in one record: each a life of its own, sixty days from the next, with songs of its own.

So every order of arrival of all of them costs a handful of merges. What the pieces with one number tell is merged together:
first the pages, then the exports, the player and the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from support import NOW
from support.cases import SHORT, Record, Song, described, exported, minuted, told, watched

APART_S = 60 * 24 * 3600  # more than the neighbourhood of any play
Play = tuple[float, str | None, int | None, str | None, str]  # seconds, URI, ms, context, sources


@dataclass(frozen=True)
class Said:
    """Something a source says in one case, made into a row when it is known which case it is of."""

    kind: str
    make: Callable[..., dict[str, Any]]
    at: float
    song: Song
    ms: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    def row(self, number: int) -> dict[str, Any]:
        shift = -number * APART_S
        more = {
            key: value + shift if key == "start" and value is not None else value for key, value in self.more.items()
        }
        if self.kind == "described":
            return self.make(cast(self.song, number))
        at = self.at + (shift // 60 if self.make is minuted else shift)
        arguments = () if self.make is told else (self.ms,)
        return self.make(at, cast(self.song, number), *arguments, **more)


def L(seconds: float, song: Song, context: str | None = None) -> Said:
    """The recently-played list."""
    return Said("page", told, seconds, song, more={"context": context})


def E(seconds: int, song: Song, ms: int | None = None, **more: Any) -> Said:
    """The extended history. `start` in seconds, too; with a fraction it is told in milliseconds."""
    return Said("export", exported, seconds, song, ms, more)


def M(minute: int, song: Song, ms: int | None = None) -> Said:
    """The account data: minutes."""
    return Said("export", minuted, minute, song, ms)


def P(seconds: float, song: Song, ms: int | None = None, context: str | None = None) -> Said:
    """The player."""
    return Said("player", watched, seconds, song, ms, {"context": context})


def D(song: Song) -> Said:
    """The catalogue, as the dimensions job asks for it."""
    return Said("described", described, 0, song)


@dataclass(frozen=True)
class Case:
    """Pieces that arrive in any order, and what is right whatever the order.

    `plays`: (seconds, song, ms_played, context, sources). `counted`: (seconds, best_ms) of each play that counts from 30 s.
    `one`, `apart`: songs that are one recording, that are two. `names`: title and artists of a song.
    """

    pieces: Sequence[Sequence[Said]]
    plays: Sequence[tuple[float, Song, int | None, str | None, str]] | None = None
    counted: Sequence[tuple[float, int | None]] | None = None
    one: Sequence[Sequence[Song]] = ()
    apart: Sequence[tuple[Song, Song]] = ()
    names: Sequence[tuple[Song, str, str]] = ()


def cast(song: Song, number: int) -> Song:
    """The song as it plays in the case of that number: id, artists and ISRC are of that case alone."""
    tag = f"{number:03}"
    isrc = song.isrc and song.isrc.replace("NNN", tag).replace("nnn", tag)
    return replace(song, tag=tag, by=tuple(f"{name}{tag}" for name in song.by), isrc=isrc)


def load_piece(record: Record, pieces: Iterable[tuple[int, Sequence[Said]]]) -> None:
    """Merge these pieces of the cases of these numbers."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, piece in pieces:
        for said in piece:
            rows.setdefault(said.kind, []).append(said.row(number))
    key = record.listener_keys["one"]
    if page := rows.get("page"):
        record.merge_page(sorted(page, key=lambda item: datetime.fromisoformat(item["played_at"]), reverse=True), key)
    if exports := rows.get("export"):
        record.merge_export(exports, key)
    if player := rows.get("player"):
        record.observe(player, key)
    if tracks := rows.get("described"):
        record.describe(tracks)


PLAYS = (
    "select played_at, track_uri, ms_played, context_uri, sources from listening.fact_play"
    " join listening.dim_track using (track_key) join listening.dim_context using (context_key)"
    " join listening.dim_play_profile using (play_profile_key)"
)
COUNTED = "select played_at, listened_ms from listening.counted_plays('30s', '-infinity', 'infinity')"
RECORDINGS = "select track_uri, coalesce(recording_key, track_key) from listening.dim_track where track_key <> 0"
NAMES = (
    "select track_uri, track_name, string_agg(artist_name, ', ' order by position)"
    " from listening.dim_track left join listening.bridge_track_artist using (track_key)"
    " left join listening.dim_artist using (artist_key) group by 1, 2"
)


class Remains:
    """What a record holds, case by case."""

    def __init__(self, ask: Callable[..., list[tuple]]) -> None:
        self.plays: dict[int, list[Play]] = {}
        for played_at, uri, ms, context, sources in ask(PLAYS):
            number, seconds = case_of(played_at)
            self.plays.setdefault(number, []).append((seconds, uri, ms, context, short(sources)))
        self.counted: dict[int, list[tuple[float, int | None]]] = {}
        for played_at, ms in ask(COUNTED):
            number, seconds = case_of(played_at)
            self.counted.setdefault(number, []).append((seconds, ms))
        self.recordings = dict(ask(RECORDINGS))
        self.names = {uri: (title, artists) for uri, title, artists in ask(NAMES)}

    def faults(self, number: int, case: Case) -> dict[str, Any]:
        """What is not as the case says: what was found, and what was expected."""
        found: dict[str, Any] = {}
        if case.plays is not None:
            plays = in_order(self.plays.get(number, []))
            right = in_order([(at, cast(song, number).uri, *rest) for at, song, *rest in case.plays])
            if plays != right:
                found["plays"] = plays, right
        if case.counted is not None:
            counted = sorted(self.counted.get(number, []))
            if counted != sorted(case.counted):
                found["counted"] = counted, sorted(case.counted)
        for songs in case.one:
            if len({self.recording(song, number) for song in songs}) != 1:
                found["one recording"] = {song.uri: self.recording(song, number) for song in songs}
        for first, second in case.apart:
            if self.recording(first, number) == self.recording(second, number):
                found["two recordings"] = (first.uri, second.uri)
        for song, title, by in case.names:
            right_names = title, ", ".join(f"{name}{number:03}" for name in by.split(", "))
            if self.names.get(cast(song, number).uri) != right_names:
                found["names"] = self.names.get(cast(song, number).uri), right_names
        return found

    def recording(self, song: Song, number: int) -> int | None:
        return self.recordings.get(cast(song, number).uri)

    def partition(self) -> set[frozenset[str]]:
        """The recordings, as sets of URIs."""
        groups: dict[int, set[str]] = {}
        for uri, key in self.recordings.items():
            groups.setdefault(key, set()).add(uri)
        return {frozenset(uris) for uris in groups.values()}


def case_of(moment: datetime) -> tuple[int, float]:
    """The number of the case, and the seconds from its zero; a case reaches thirty days to either side."""
    seconds = (moment - NOW) / timedelta(seconds=1)
    number = round(-seconds / APART_S)
    return number, round(seconds + number * APART_S, 3)


def short(sources: Iterable[str]) -> str:
    names = [SHORT.get(name, name) for name in sources]
    order = [*SHORT.values(), "player"]
    return " ".join(sorted(names, key=lambda name: (order.index(name) if name in order else 9, name)))


def in_order(plays: Iterable[Any]) -> list[Any]:
    return sorted(plays, key=lambda play: (play[0], play[1] or "~", play[2] or 0, play[4]))
