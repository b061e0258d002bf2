"""The rule of the matching a second time, in plain Python: every observation is compared with every other. Pure.

It uses nothing of the program's. What it takes as given, because it is not the matching's, is which ids are one recording, which
names a track was given, and which dates a page told apart. Rows of the list that name nothing, and rows of the account data that
repeat a play which has one already, are beyond it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations, takewhile

LIST, EXTENDED, ACCOUNT, PLAYER, DIARY = "recently_played", "extended_export", "account_export", "player", "diary"
DATES = (LIST, PLAYER, EXTENDED, ACCOUNT, DIARY)  # whose date of a play is the best, and so on
LENGTHS = (EXTENDED, PLAYER, ACCOUNT)
TITLES = (EXTENDED, LIST, PLAYER, ACCOUNT, DIARY)
MINUTE_SOURCES = {ACCOUNT, DIARY}
LAST_RESORT = 6  # this tier is for plays that no source with better names has
SECOND = timedelta(seconds=1)
# tier, the two sources, what is compared, seconds, and how much farther off is a play of 0 ms
RULES = (
    (1, LIST, EXTENDED, "recording", 45, 45),
    (1, LIST, PLAYER, "recording", 45, 0),
    (1, PLAYER, EXTENDED, "recording", 45, 0),
    (2, LIST, EXTENDED, "name", 5, 45),
    (2, LIST, PLAYER, "name", 5, 0),
    (2, PLAYER, EXTENDED, "name", 5, 0),
    (3, ACCOUNT, EXTENDED, "name and ms", 10, 0),
    (4, ACCOUNT, EXTENDED, "ms", 0, 0),
    (5, ACCOUNT, EXTENDED, "artist and ms", 0, 0),
    (6, ACCOUNT, LIST, "name", 45, 0),
    (6, ACCOUNT, PLAYER, "name", 45, 0),
    (11, DIARY, EXTENDED, "name", 20, 0),
    (11, DIARY, LIST, "name", 45, 0),
    (11, DIARY, PLAYER, "name", 20, 0),
    (11, DIARY, ACCOUNT, "name", 20, 0),
)


@dataclass(frozen=True)
class Observation:
    source: str
    uri: str | None
    at: datetime
    start: datetime | None = None
    ms: int | None = None
    context: str | None = None
    reason_end: str | None = None
    is_offline: bool | None = None

    @property
    def end(self) -> datetime | None:
        """What start and length say."""
        return self.start + timedelta(milliseconds=self.ms) if self.start is not None and self.ms is not None else None


@dataclass(frozen=True)
class Catalogue:
    recordings: dict[str, int]
    names: dict[str, frozenset[str]]  # artist and title, folded
    artists: dict[str, frozenset[str]]
    lengths: dict[str, int | None]
    apart: frozenset[tuple[int, datetime, datetime]] = frozenset()  # recording, two dates of it


@dataclass
class SourcePlay:
    """What one source says of one play."""

    source: str
    said: list[Observation]
    uploaded_end: datetime | None = None  # of a play that is dated to its upload
    play: Play | None = None

    def __post_init__(self) -> None:
        self.said.sort(key=lambda one: (one.at, one.start or one.at))
        self.uri = min((one.uri for one in self.said if one.uri), default=None)
        self.ms = max((one.ms for one in self.said if one.ms is not None), default=None)
        self.at, self.last = self.said[0].at, self.said[-1].at
        self.start = self.said[0].start

    @property
    def spans(self) -> list[tuple[datetime, datetime]]:
        """When it may have ended by what the source says."""
        minute = timedelta(minutes=1) if self.source in MINUTE_SOURCES else timedelta()
        found = [(self.at, (self.last if self.source == LIST else self.at) + minute)]
        if self.start is not None and self.ms is not None:
            end = self.start + timedelta(milliseconds=self.ms)
            # the date is cut to the second, so a second off says nothing new; and no play ends long after it was dated
            if abs(end - self.at) > SECOND and end < self.at + 60 * SECOND:
                found.append((end, end))
        return found


@dataclass
class Play:
    parts: list[SourcePlay] = field(default_factory=list)


Pair = tuple[int, float, SourcePlay, SourcePlay]  # tier, seconds
Fact = tuple[datetime, str | None, int | None, tuple[str, ...]]


def plays_of(observations: Iterable[Observation], catalogue: Catalogue) -> list[Fact] | None:
    """When, what, how long, and who says so; None where two pairs are equally near, so that the rule says nothing certain."""
    said = list(observations)
    parts = [
        part for source in DATES for part in within(source, [one for one in said if one.source == source], catalogue)
    ]
    date_uploads([part for part in parts if part.source == EXTENDED])
    for part in parts:
        part.play = Play([part])
    pairs: list[Pair] = []
    for one, other in combinations(parts, 2):
        for tier, source, other_source, compared, seconds, silent in RULES:
            if {one.source, other.source} == {source, other_source} and alike(one, other, compared, catalogue):
                near = distance(one, other)
                if near <= seconds:
                    far = silent if 0 in (one.ms, other.ms) else 0
                    pairs.append((tier, near + far, one, other))
    pairs.sort(key=lambda pair: pair[:2])
    for place, pair in enumerate(pairs):
        if not is_possible(pair):
            continue
        as_near = takewhile(lambda next_pair: next_pair[:2] == pair[:2], pairs[place + 1 :])  # noqa: B023
        if any(is_possible(next_pair) and is_instead(pair, next_pair) for next_pair in as_near):
            return None
        one, other = pair[2:]
        assert one.play is not None and other.play is not None
        for part in other.play.parts:
            one.play.parts.append(part)
            part.play = one.play
    plays = {id(part.play): part.play for part in parts if part.play is not None}
    return sorted(map(resolved, plays.values()), key=repr)


def is_possible(pair: Pair) -> bool:
    """The plays of its two sides have no source in common so far; and in the last resort, none that names better than both."""
    tier, _, *sides = pair
    one, other = pair[2].play, pair[3].play
    assert one is not None and other is not None
    sources = [{part.source for part in play.parts} for play in (one, other)]
    better = TITLES[: min(TITLES.index(side.source) for side in sides)] if tier == LAST_RESORT else ()
    return sources[0].isdisjoint(sources[1]) and not (sources[0] | sources[1]).intersection(better)


def is_instead(first: Pair, second: Pair) -> bool:
    """Of two plays of one source with the same third: taking the one rules out the other."""
    return any(
        one is other and first[5 - place].source == second[5 - other_place].source  # type: ignore[union-attr]
        for place, one in enumerate(first[2:], 2)
        for other_place, other in enumerate(second[2:], 2)
    )


def distance(one: SourcePlay, other: SourcePlay) -> float:
    """Seconds between the nearest moments of two source plays."""
    return min(
        max((start - other_end) / SECOND, (other_start - end) / SECOND, 0.0)
        for start, end in one.spans
        for other_start, other_end in other.spans
    )


def alike(one: SourcePlay, other: SourcePlay, compared: str, catalogue: Catalogue) -> bool:
    if compared in ("ms", "artist and ms"):
        if one.ms != other.ms or not is_in_minute(one, other):
            return False
        if one.uri is None or other.uri is None:
            return compared == "ms"
        return compared == "artist and ms" and not catalogue.artists[one.uri].isdisjoint(catalogue.artists[other.uri])
    if one.uri is None or other.uri is None:
        return False
    if compared == "recording":
        return catalogue.recordings[one.uri] == catalogue.recordings[other.uri]
    is_named = not catalogue.names[one.uri].isdisjoint(catalogue.names[other.uri])
    if compared == "name and ms":
        return is_named and one.ms == other.ms
    lengths = catalogue.lengths[one.uri], catalogue.lengths[other.uri]
    return is_named and (lengths[0] is None or lengths[1] is None or abs(lengths[0] - lengths[1]) <= 2_000)


def is_in_minute(one: SourcePlay, other: SourcePlay) -> bool:
    """The minute that the one source gives is that of a date of the other."""
    minuted, dated = (one, other) if one.source in MINUTE_SOURCES else (other, one)
    return any(minuted.at <= start < minuted.at + timedelta(minutes=1) for start, _ in dated.spans)


def resolved(play: Play) -> Fact:
    def best(order: Sequence[str], has: Callable[[SourcePlay], bool] = lambda part: True) -> SourcePlay | None:
        found = [part for part in play.parts if has(part)]
        return min(found, key=lambda part: order.index(part.source)) if found else None

    dated = best(DATES)
    assert dated is not None
    at = dated.uploaded_end or dated.at
    ends = [part.uploaded_end for part in play.parts if part.uploaded_end]
    if ends and min(ends) < at - 60 * SECOND:
        at = min(ends)
    titled = best(TITLES, lambda part: bool(part.uri and part.uri.startswith("spotify:"))) or best(
        TITLES, lambda part: bool(part.uri)
    )
    long = best(LENGTHS, lambda part: part.source in LENGTHS and part.ms is not None)
    title, ms = (titled.uri if titled else None), (long.ms if long else None)
    return at, title, ms, tuple(sorted(part.source for part in play.parts))


def date_uploads(parts: Sequence[SourcePlay]) -> None:
    for part in parts:
        if part.start is None or part.ms is None:
            continue
        end = part.start + timedelta(milliseconds=part.ms)
        late = part.at - end
        together = any(
            other is not part and other.start is not None and (other.ms or 0) >= 30_000
            and other.at.replace(microsecond=0) == part.at.replace(microsecond=0)
            for other in parts
        )  # fmt: skip
        has_crashed = any((one.reason_end or "").startswith("unexpected-exit") for one in part.said)
        is_offline = any(one.is_offline for one in part.said)
        if (
            (late > 60 * SECOND and (together or has_crashed))
            or (late > 1_800 * SECOND and is_offline)
            or late > 43_200 * SECOND
        ):
            part.uploaded_end = end


def within(source: str, said: list[Observation], catalogue: Catalogue) -> list[SourcePlay]:
    """The plays of one source: which of its observations are one play."""
    if source == LIST:
        return listed(said, catalogue)
    groups = [[one] for one in said]
    is_again = {EXTENDED: told_again, PLAYER: seen_twice(catalogue), ACCOUNT: said_twice(catalogue)}.get(source)
    if is_again is None:
        return [SourcePlay(source, group) for group in groups]
    changed = True
    while changed:
        changed = False
        for one, other in combinations(groups, 2):
            if any(is_again(first, second) for first in one for second in other):
                groups.remove(other)
                one.extend(other)
                changed = True
                break
    return [SourcePlay(source, group) for group in groups]


def told_again(one: Observation, other: Observation) -> bool:
    if one.uri != other.uri or one.ms is None or other.ms is None:
        return False
    if one.at == other.at and one.ms == other.ms:
        if one.start is None or other.start is None:
            return True
        return abs(one.start - other.start) < timedelta(milliseconds=max(one.ms, 1))
    if one.start is None or one.start != other.start:
        return False
    if one.start.microsecond or min(one.ms, other.ms) >= 1_000:
        return True
    late = max(one.at, other.at) - one.start - timedelta(milliseconds=one.ms)
    return one.ms == other.ms and late > 60 * SECOND


def seen_twice(catalogue: Catalogue) -> Callable[[Observation, Observation], bool]:
    def is_same(one: Observation, other: Observation) -> bool:
        if one.uri is None or other.uri is None:
            return False
        return catalogue.recordings[one.uri] == catalogue.recordings[other.uri] and abs(one.at - other.at) <= 5 * SECOND

    return is_same


def said_twice(catalogue: Catalogue) -> Callable[[Observation, Observation], bool]:
    def is_same(one: Observation, other: Observation) -> bool:
        if (one.at, one.ms) != (other.at, other.ms):
            return False
        if one.uri is None or other.uri is None:
            return one.uri == other.uri
        return not catalogue.names[one.uri].isdisjoint(catalogue.names[other.uri])

    return is_same


def listed(said: list[Observation], catalogue: Catalogue) -> list[SourcePlay]:
    """In order of time, each date goes to the earliest play that can take it."""
    plays: list[list[Observation]] = []
    for one in sorted(said, key=lambda one: (one.at, one.uri or "")):
        recording = catalogue.recordings.get(one.uri or "")
        for play in plays:
            is_same = catalogue.recordings.get(play[0].uri or "") == recording and recording is not None
            is_near = one.at - play[-1].at <= 45 * SECOND
            is_apart = any((recording, earlier.at, one.at) in catalogue.apart for earlier in play)
            if is_same and is_near and not is_apart:
                play.append(one)
                break
        else:
            plays.append([one])
    return [SourcePlay(LIST, play) for play in plays]
