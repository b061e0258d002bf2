"""A made-up listener: some months of believable listening to the made-up catalogue. Pure, deterministic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate, islice
from random import Random
from zoneinfo import ZoneInfo

from etl.simulator.catalogue import Catalogue, Track, made_up_id
from etl.simulator.world import Listener, Play

TIME_ZONE = "Europe/Berlin"
BINGE_DAYS_AGO = 19  # a day with more plays than Spotify's list has room for
BINGE_PLAYS = 84
MOST_PLAYS = 45  # on any other day, so that a daily poll of the fifty misses nothing
PLAYLISTS = ("Quiet Carriage", "Washing Up", "Slow Sunday", "Running Late", "Everybody Else's Favourites")


@dataclass(frozen=True)
class FullPlay:
    """A play with its start, which Spotify does not report."""

    track_id: str
    started_at: datetime
    ended_at: datetime
    context_uri: str | None


def made_up_listener(
    catalogue: Catalogue, until: datetime, days: int = 120, seed: int = 1, time_zone: str = TIME_ZONE
) -> Listener:
    """A listener and everything they played in that many days up to `until`."""
    plays = tuple(
        Play(one.track_id, one.ended_at, context_uri=one.context_uri)
        for one in made_up_plays(catalogue, until, days, seed, time_zone)
    )
    return Listener(
        account_id=made_up_id(seed, "account"),
        user_id="tilda.teaspoon",
        display_name="Tilda Teaspoon",
        plays=plays,
    )


def binge_day(until: datetime, time_zone: str = TIME_ZONE) -> date:
    """The one local day with more plays than the window of recently-played holds."""
    return until.astimezone(ZoneInfo(time_zone)).date() - timedelta(days=BINGE_DAYS_AGO)


def made_up_plays(
    catalogue: Catalogue, until: datetime, days: int = 120, seed: int = 1, time_zone: str = TIME_ZONE
) -> Iterator[FullPlay]:
    """The plays that ended by `until`, oldest first and never overlapping.

    A day depends only on its date and the seed (except for the binge), so a later `until` adds plays and
    changes none.
    """
    zone = ZoneInfo(time_zone)
    today = until.astimezone(zone).date()
    taste = _Taste(catalogue, seed)
    binge = binge_day(until, time_zone)
    for day in (today - timedelta(days=ago) for ago in range(days, -1, -1)):
        for play in _day(taste, day, zone, Random(f"{seed} {day}"), day == binge):  # noqa: S311
            if play.ended_at <= until:
                yield play


class _Taste:
    """The listener's taste: a few favourite artists, many others, and a few playlists."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        self.catalogue = catalogue
        self.seed = seed
        random = Random(f"{seed} taste")  # noqa: S311
        artist_ids = list(catalogue.artists)
        random.shuffle(artist_ids)
        rank = {artist_id: place for place, artist_id in enumerate(artist_ids)}
        self.tracks = list(catalogue.tracks.values())
        likes = [1 / (rank[track.artist_ids[0]] + 1.5) ** 1.2 / random.uniform(1, 12) for track in self.tracks]
        self._likes = list(accumulate(likes))
        self.playlists = [
            (f"spotify:playlist:{made_up_id(seed, 'playlist', name)}", self.some(random, 35)) for name in PLAYLISTS
        ]

    def some(self, random: Random, many: int) -> list[Track]:
        return list(dict.fromkeys(random.choices(self.tracks, cum_weights=self._likes, k=many)))

    def one(self, random: Random) -> Track:
        return random.choices(self.tracks, cum_weights=self._likes)[0]

    def crush(self, day: date) -> Track:
        """The track of the fortnight, which is played again and again."""
        return self.one(Random(f"{self.seed} crush {day.toordinal() // 14}"))  # noqa: S311


def _day(taste: _Taste, day: date, zone: ZoneInfo, random: Random, is_binge: bool) -> Iterator[FullPlay]:
    def local(hour: float) -> datetime:
        return (datetime.combine(day, time(), zone) + timedelta(hours=hour)).astimezone(UTC)

    at, room = local(0), BINGE_PLAYS if is_binge else MOST_PLAYS
    for hour, many in _habits(day, random, is_binge):
        session = islice(_stream(taste, day, random), min(many, room))
        room -= min(many, room)
        at = max(at, local(round(hour + random.gauss(0, 0.3), 4)))  # whole milliseconds
        for track, context_uri in session:
            started_at = at + timedelta(milliseconds=random.choice((0, 0, 0, random.randrange(2500))))
            at = _end(track, started_at, random)
            if at >= local(24):
                return
            yield FullPlay(track.id, started_at, at, context_uri)


def _habits(day: date, random: Random, is_binge: bool) -> list[tuple[float, int]]:
    """(local hour, plays) of the day's sessions: on the way to work, sometimes at lunch, and in the evening."""
    if is_binge:
        return [(9.0, 30), (13.0, 27), (17.0, 27)]
    if day.weekday() < 5:
        lunch = [(12.4, random.randint(2, 5))] if random.random() < 0.4 else []
        return [(7.3, random.randint(9, 12)), *lunch, (18.0, random.randint(8, 12)), (20.7, random.randint(9, 14))]
    return [(10.4, random.randint(9, 14)), (15.2, random.randint(5, 10)), (19.3, random.randint(14, 19))]


Choice = tuple[Track, str | None]
Choices = tuple[list[Track], str | None]


def _stream(taste: _Taste, day: date, random: Random) -> Iterator[Choice]:
    """An endless stream of tracks and contexts: whole albums, shuffled playlists, artists, single tracks."""
    kinds = (_album, _playlist, _artist, _liked, _mixed)
    while True:
        [pick] = random.choices(kinds, (30, 40, 8, 8, 14))
        tracks, context_uri = pick(taste, random)
        for track in tracks:
            if random.random() < 0.06:
                yield taste.crush(day), None
            yield track, context_uri
            if random.random() < 0.04:
                yield track, context_uri


def _album(taste: _Taste, random: Random) -> Choices:
    album = taste.catalogue.albums[taste.one(random).album_id]
    return [taste.catalogue.tracks[id] for id in album.track_ids], f"spotify:album:{album.id}"


def _playlist(taste: _Taste, random: Random) -> Choices:
    uri, tracks = random.choice(taste.playlists)
    return random.sample(tracks, min(len(tracks), random.randint(4, 15))), uri


def _artist(taste: _Taste, random: Random) -> Choices:
    artist_id = taste.one(random).artist_ids[0]
    theirs = [track for track in taste.tracks if artist_id in track.artist_ids]
    return random.sample(theirs, min(len(theirs), 5)), f"spotify:artist:{artist_id}"


def _liked(taste: _Taste, random: Random) -> Choices:
    return taste.some(random, 6), "spotify:user:tilda.teaspoon:collection"


def _mixed(taste: _Taste, random: Random) -> Choices:
    return taste.some(random, 3), None


def _end(track: Track, started_at: datetime, random: Random) -> datetime:
    """Usually the end of the track; one play in twelve is skipped, after half a minute: the list shows no shorter ones.

    To the millisecond, sometimes to the second.
    """
    ms = random.randrange(31_000, 67_000) if random.random() < 0.08 else track.duration_ms
    ended_at = started_at + timedelta(milliseconds=ms)
    return ended_at.replace(microsecond=0 if random.random() < 0.02 else ended_at.microsecond // 1000 * 1000)
