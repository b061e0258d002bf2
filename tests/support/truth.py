"""A listener's true moments, made up: what was really played and when, before any source tells of it. Pure.

The same seed always makes the same listening. `support/truth_sources.py` has what Spotify's API and its two exports tell of it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, pairwise
from random import Random
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

Kind = Literal["track", "local", "episode", "chapter"]

SHOWN_FROM_MS = 30_000  # the API tells of no play shorter than this
APART = timedelta(minutes=5)  # of two listens of one song, unless a case wants them close
UNKNOWN_ENDING = 7  # ms_played of what no export row may name ends in it, and no other: (minute, ms) is a key
SYSTEMS_CHANGED = datetime(2022, 10, 1, tzinfo=UTC)  # names of platforms, unit of offline_timestamp, skipped


def made_up_id(*words: object) -> str:
    """22 letters and digits, as Spotify's ids are."""
    return hashlib.sha256("/".join(map(str, words)).encode()).hexdigest()[:22]


@dataclass(frozen=True)
class Track:
    """Anything that can be listened to. The first artist of an episode is its show, of a chapter its book."""

    kind: Kind
    uri: str
    title: str
    artists: tuple[str, ...]
    album: str
    album_artist: str
    duration_ms: int
    isrc: str | None

    @property
    def id(self) -> str:
        return self.uri.rpartition(":")[2]

    @property
    def name_uri(self) -> str:
        """What stands for it where a source tells names only."""
        kind = "track" if self.kind == "local" else self.kind
        return f"name:{kind}:{quote(self.album_artist, safe='')}:{quote(self.title, safe='')}"

    @property
    def song(self) -> tuple[str, ...]:
        """The same for all that anybody might take for one song: other ids, other versions, other spelling."""
        return tuple(unicodedata.normalize("NFKC", name).casefold() for name in (self.album_artist, self.title))


def _track(title: str, artist: str, seconds: int, **known: Any) -> Track:
    """`salt` tells two tracks of one name apart; `recording` is shared by two ids of one recording."""
    salt, kind = known.pop("salt", ""), known.pop("kind", "track")
    recording = known.pop("recording", f"{title}/{artist}/{salt}")
    album = str(known.pop("album", f"{title} and Others"))
    number = sum(map(ord, f"{title}{salt}")) % 900
    duration_ms = int(known.pop("duration_ms", seconds * 1000 + number - number % 10))
    scheme = {"track": "track", "episode": "episode", "chapter": "episode"}.get(str(kind))
    names = ":".join(quote(name, safe="") for name in (artist, album, title))
    return Track(
        kind=kind,
        uri=f"spotify:{scheme}:{made_up_id(title, artist, salt)}" if scheme else f"spotify:local:{names}:{seconds}",
        title=title,
        artists=(artist, *known.pop("also", ())),
        album=album,
        album_artist=str(known.pop("album_artist", artist)),
        duration_ms=duration_ms,
        isrc=f"XX{made_up_id(recording, 'isrc').upper()[:10]}" if kind == "track" else None,
        **known,
    )


TWIN_IDS = tuple(
    _track("Same Recording", "The Reissues", 214, salt=salt, recording="one", duration_ms=214_330, album=album)
    for salt, album in (("single", "Same Recording"), ("album", "All the Reissues"))
)
STUDIO_AND_LIVE = (
    _track("Played Twice", "The Encores", 192, salt="studio"),
    _track("Played Twice", "The Encores", 431, salt="live", album="Live at the Car Park"),
)
NAMESAKES = (_track("Intro", "The Openers", 96), _track("Intro", "The Overtures", 118))
ODD_TITLES = (
    'Don\'t Say "Never"', "L’été à Évreux, ça va", "Nai\u0308ve Décomposé", "ＦＵＬＬ　ＷＩＤＴＨ", "🦔🎺 (¡Olé!)",  # noqa: RUF001
    "NaN", "null", "None", "\\N", "1979", "007", "100% / Off? #1 & More", "a:b:c", "Comma, Semicolon; 'Quote'",
    "shouting", "SHOUTING", "東京の雨", "An Extraordinarily " + "Long " * 45 + "Title", "; drop table fact_play; --",
)  # fmt: skip
LOCAL_FILE = _track("Demo Tape: Side B", "My Own Band", 187, kind="local", album="Cellar Recordings")
EPISODES = (
    _track("Why Kettles Sing", "The Kitchen Hour", 2412, kind="episode", album="The Kitchen Hour"),
    _track("Folge 12: „Über Löffel“", "Drawer Talk", 1630, kind="episode", album="Drawer Talk"),
)
CHAPTER = _track("Chapter 3: The Ferry", "The Reluctant Otter", 1210, kind="chapter", album="Wanda Quince")
SONGS = (
    *(_track(title, f"Odd Artist {place // 4}", 140 + 7 * place) for place, title in enumerate(ODD_TITLES)),
    _track("With a Guest", "The Hosts", 203, also=("The Guest",)),
    _track("On a Sampler", "The Sampled", 178, album="Summer Sampler", album_artist="Various Artists"),
    _track("A Short Interlude", "The Openers", 41),
    _track("Untitled", "NULL", 167),
    *(_track(f"Song of the {noun}", f"The {noun}s", 150 + 11 * place) for place, noun in enumerate(
        ("Otter", "Kettle", "Ferry", "Walnut", "Radiator", "Pigeon", "Mitten", "Spoon", "Teapot", "Umbrella", "Lamp")
    )),
)  # fmt: skip
CATALOGUE = (*SONGS, *TWIN_IDS, *STUDIO_AND_LIVE, *NAMESAKES, LOCAL_FILE, *EPISODES, CHAPTER)
CONTEXTS = (
    None,
    "spotify:user:tilda.teaspoon:collection",
    *(f"spotify:{kind}:{made_up_id('context', kind)}" for kind in ("album", "artist", "playlist")),
    f"spotify:playlist:{made_up_id('context', 'another playlist')}",
)


@dataclass(frozen=True)
class Listen:
    """One listen as it was. Moments are UTC, to the millisecond; `context` is a URI.

    `named_by`: "account" and "nobody" are what the extended export knows no name and no id of.
    """

    number: int
    track: Track
    started_at: datetime
    ended_at: datetime
    ms_played: int
    context: str | None
    is_private: bool
    is_offline: bool
    reason_start: str | None
    reason_end: str | None
    is_shuffle: bool
    is_skipped: bool
    platform: str
    country: str
    named_by: Literal["all", "account", "nobody"] = "all"

    @property
    def in_api(self) -> bool:
        """Whether recently-played tells of it."""
        return (
            self.track.kind == "track"
            and self.ms_played >= SHOWN_FROM_MS
            and not self.is_private
            and self.named_by == "all"
        )


def made_up_truth(
    seed: int, begin: date = date(2022, 9, 26), days: int = 10, time_zone: str = "Europe/Berlin"
) -> list[Listen]:
    """Some forty listens a day in that many local days, oldest first. What begins before midnight may end after it."""
    zone = ZoneInfo(time_zone)
    player = _Player(Random(f"{seed} truth"), special_moments(begin, days, zone))
    for start, many, until in sorted(_sessions(player.random, player.special, begin, days, zone)):
        player.session(start, many, until)
    return player.listens


def special_moments(begin: date, days: int, zone: ZoneInfo) -> list[datetime]:
    """When a play must straddle: New Year (UTC and local), both changes of the clock, every other local midnight."""
    first, last = _local(begin, 0, zone), _local(begin, 24 * days, zone)
    steps = range(int((last - first) / timedelta(hours=1)) + 1)
    moments = [first + timedelta(hours=1) * step for step in steps]
    changes = [
        next for one, next in pairwise(moments) if one.astimezone(zone).utcoffset() != next.astimezone(zone).utcoffset()
    ]
    new_years = [
        datetime(year, 1, 1, tzinfo=place).astimezone(UTC)
        for year in range(begin.year, last.year + 1)
        for place in (UTC, zone)
    ]
    midnights = [_local(begin, 24 * day, zone) for day in range(1, days + 1, 2)]
    return sorted({moment for moment in (*changes, *new_years, *midnights) if first <= moment <= last})


def songs_apart(truth: Iterable[Listen], apart: timedelta = APART) -> set[int]:
    """The numbers of the listens with no other of the same song (in any version) ending within that time."""
    ends: dict[tuple[str, ...], list[Listen]] = {}
    for listen in truth:
        ends.setdefault(listen.track.song, []).append(listen)
    close = {
        listen.number
        for listens in ends.values()
        for one, next in pairwise(listens)
        if next.ended_at - one.ended_at < apart
        for listen in (one, next)
    }
    return {listen.number for listen in chain.from_iterable(ends.values())} - close


Session = tuple[datetime, int, datetime]


def _sessions(random: Random, special: Sequence[datetime], begin: date, days: int, zone: ZoneInfo) -> Iterable[Session]:
    """(start, listens at least, until at least)."""
    for day in range(days):
        for hour, many in ((7.4, 10), (12.6, 5), (17.7, 11), (20.5, 9)):
            start = _local(begin, 24 * day + hour + random.uniform(-0.4, 0.4), zone)
            yield start, many, start
    for moment in special:
        yield moment - timedelta(minutes=random.randint(16, 30)), 3, moment + timedelta(minutes=random.randint(2, 12))


def _local(day: date, hour: float, zone: ZoneInfo) -> datetime:
    """That many hours of the wall clock after the beginning of the day, in UTC, to the millisecond."""
    wall = datetime.combine(day, time(), zone) + timedelta(milliseconds=round(hour * 3_600_000))
    return wall.astimezone(UTC)


AHEAD = timedelta(minutes=40)  # the longest case but for a pause takes less
SILENCE = datetime(2000, 1, 1, tzinfo=UTC) - APART
CASES = {
    "skips": 3, "zero": 1, "paused": 1, "repeat": 1, "cut_repeat": 2, "versions": 1, "either_id": 1, "either_version": 1,
    "private": 1, "offline": 1, "podcast": 1, "local_file": 1, "audiobook": 1, "named_by_account": 1,
    "named_by_nobody": 1, "within_a_second": 1, "within_a_minute": 1,
}  # fmt: skip


class _Player:
    """One player, one listen after another. A listener's habits come as a shuffled deck of cases, again and again."""

    def __init__(self, random: Random, special: Sequence[datetime]) -> None:
        self.random = random
        self.special = special
        self.listens: list[Listen] = []
        self.at = datetime(2000, 1, 1, tzinfo=UTC)
        self._last: dict[tuple[str, ...], datetime] = {}
        self._deck: list[str] = []
        self._state: dict[str, object] = {}

    def session(self, start: datetime, many: int, until: datetime) -> None:
        self.at = max(self.at, start)
        is_old = self.at < SYSTEMS_CHANGED
        platforms = ("iOS 15.6.1 (iPhone10,4)", "Windows 10 (10.0.19043; x64; AppX)") if is_old else ("ios", "windows")
        self._state = {
            "platform": self.random.choice((*platforms, "Android OS 12 API 31 (Fairphone, FP4)" if is_old else "android")),
            "country": self.random.choices(("DE", "AT"), (9, 1))[0],
            "is_shuffle": self.random.random() < 0.3,
            "context": self.random.choice(CONTEXTS),
        }  # fmt: skip
        target = len(self.listens) + many
        while len(self.listens) < target or self.at < until:
            if any(self.at <= moment < self.at + AHEAD for moment in self.special):
                self._play(self._song(), gap=0)  # no pause and no long case: this one or the next straddles it
            else:
                self._next_case()

    def _next_case(self) -> None:
        if not self._deck:
            self._deck = ["plain"] * 7 + [name for name, many in CASES.items() for _ in range(many)]
            self.random.shuffle(self._deck)
        getattr(self, f"_{self._deck.pop()}")()

    def _song(self, choices: Sequence[Track] = SONGS, at_least: int = 0) -> Track:
        """One that was not heard for a while. There are more songs than fit into that while."""
        silent = [
            track
            for track in choices
            if track.duration_ms >= at_least and self.at - self._last.get(track.song, SILENCE) >= APART
        ]
        return self.random.choice(silent or [self._rest(choices)])

    def _rest(self, choices: Sequence[Track]) -> Track:
        self.at += APART
        return choices[0]

    def _ms(self, low: int, high: int) -> int:
        ms = self.random.randrange(low, high)
        return ms - (ms % 10 == UNKNOWN_ENDING)

    def _play(
        self, track: Track, ms: int | None = None, paused: int = 0, gap: int | None = None, **known: object
    ) -> None:
        """Plays so many ms of it (all), `gap` ms after the one before."""
        is_full = ms is None
        ms = track.duration_ms if ms is None else ms
        if gap is None:
            gap = self.random.choice((0, 0, 0, self.random.randrange(2500)))
            if self.random.random() < 0.04:
                gap += -(self.at.microsecond // 1000 + gap + ms + paused) % 1000  # ends on a whole second
        started_at = self.at + timedelta(milliseconds=gap)
        self.at = started_at + timedelta(milliseconds=ms + paused)
        reasons: tuple[str | None, str | None]
        reasons = ("trackdone", "trackdone") if is_full else (self.random.choice(("fwdbtn", "clickrow")), "fwdbtn")
        if self.random.random() < 0.03:
            reasons = self.random.choice((("", ""), (None, None), ("appload", "unexpected-exit-while-paused")))
        details = {
            "is_private": False,
            "is_offline": False,
            "is_skipped": reasons[1] == "fwdbtn",
            "reason_start": reasons[0],
            "reason_end": reasons[1],
        } | self._state  # fmt: skip
        details = {**details, **known}
        self.listens.append(Listen(len(self.listens), track, started_at, self.at, ms, **details))  # type: ignore[arg-type]
        self._last[track.song] = self.at

    # The cases.

    def _plain(self) -> None:
        self._state["context"] = self.random.choice(CONTEXTS)
        for _ in range(self.random.randint(1, 4)):
            self._play(self._song())

    def _skips(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            self._play(self._song(), self._ms(300, 29_000))

    def _zero(self) -> None:
        self._play(self._song(), 0)

    def _paused(self) -> None:
        self._play(self._song(), paused=self._ms(10_000, 2_400_000))

    def _repeat(self) -> None:
        track = self._song(at_least=90_000)
        for _ in range(self.random.randint(2, 3)):
            self._play(track, reason_start="backbtn")

    def _cut_repeat(self) -> None:
        self._close(*[self._song(at_least=90_000)] * 2)

    def _versions(self) -> None:
        """Two listens less than 45 s apart of what has one name, or one recording."""
        pair = self._song((STUDIO_AND_LIVE[0], TWIN_IDS[0], NAMESAKES[0]))
        pairs = {one[0]: list(one) for one in (STUDIO_AND_LIVE, TWIN_IDS, NAMESAKES)}
        both = pairs[pair]
        self.random.shuffle(both)
        self._close(*both)

    def _close(self, first: Track, second: Track) -> None:
        """The second ends 33 to 44 s after the first, and in another minute: the account export can tell them apart."""
        if self.at - self._last.get(second.song, SILENCE) < APART:
            self.at += APART
        would_end = self.at + timedelta(milliseconds=first.duration_ms)
        wanted = self.random.randrange(30_000, 52_000)
        self._play(first, gap=(wanted - would_end.second * 1000 - would_end.microsecond // 1000) % 60_000)
        gap = self.random.choice((0, 0, self.random.randrange(900)))
        self._play(second, self._ms(33_001, 43_000), gap=gap, is_skipped=True, reason_end="fwdbtn")

    def _either_id(self) -> None:
        self._play(self._song(TWIN_IDS[:1] if self.random.random() < 0.5 else TWIN_IDS[1:]))

    def _either_version(self) -> None:
        self._play(self._song(STUDIO_AND_LIVE[:1] if self.random.random() < 0.5 else STUDIO_AND_LIVE[1:]))

    def _private(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self._play(self._song(), is_private=True)

    def _offline(self) -> None:
        for _ in range(self.random.randint(2, 6)):
            self._play(self._song(), is_offline=True)

    def _podcast(self) -> None:
        self._play(self._song(EPISODES), self._ms(60_000, 900_000))

    def _local_file(self) -> None:
        self._play(self._song((LOCAL_FILE,)))

    def _audiobook(self) -> None:
        self._play(self._song((CHAPTER,)), self._unknown_ms())

    def _named_by_account(self) -> None:
        self._play(self._song(at_least=140_000), self._unknown_ms(), named_by="account")

    def _named_by_nobody(self) -> None:
        self._play(self._song(at_least=140_000), self._unknown_ms(), named_by="nobody")

    def _unknown_ms(self) -> int:
        return self.random.randrange(6_000, 14_000) * 10 + UNKNOWN_ENDING

    def _within_a_second(self) -> None:
        """A song skipped twice: both ends in one second, the starts in two."""
        self._back_and_forth(beginning=820, lengths=(self._ms(330, 380), 210, self._ms(100, 150)))

    def _within_a_minute(self) -> None:
        """A song skipped twice after as many ms, in one minute: one row of the account export."""
        ms = self.random.choice((0, self._ms(900, 9_000)))
        self._back_and_forth(beginning=self.random.randrange(20_000, 30_000), lengths=(ms, self._ms(2_000, 5_000), ms))

    def _back_and_forth(self, beginning: int, lengths: tuple[int, int, int]) -> None:
        """Begins when the clock shows that many ms of a second or minute."""
        unit = 1_000 if beginning < 1_000 else 60_000
        shown = (self.at.second * 1000 + self.at.microsecond // 1000) % unit
        one = self._song()
        self._play(one, lengths[0], gap=(beginning - shown) % unit)
        self._play(self._song(), lengths[1], gap=0)
        self._play(one, lengths[2], gap=0, reason_start="backbtn")
