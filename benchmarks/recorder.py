"""What the player recorder costs and finds: a year of plays shown to it by a simulated player, without network."""

import json
import resource
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks import temporary_folder
from etl.jobs.recorder.calls import Calls
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.loop import LEARNED_FROM
from etl.jobs.recorder.spool import Spool
from etl.jobs.recorder.tokens import AccessTokens
from etl.jobs.recorder.watch import Watch
from etl.simulator.catalogue import catalogue
from etl.simulator.listener import TIME_ZONE, made_up_plays
from etl.simulator.player import Item, SimulatedPlayer
from etl.sources.player.asking import Habits, listening_shares
from etl.sources.player.observation import moment_of, unix_ms
from etl.spotify.player import Asked

UNTIL = datetime(2026, 1, 1, tzinfo=UTC)
HOLIDAYS = range(200, 214)  # of the made-up year, without a play
BUDGET = 1_500
LONG_MS, CLOSE_MS, SLACK_MS = 30_000, 5_000, 2_000
LATENCY_MS = 250  # at most, between question and answer
GAP_MS = 500  # a shorter silence between two plays is none
ZONE = ZoneInfo(TIME_ZONE)


@dataclass(frozen=True)
class Truth:
    """A play as it was. Moments in Unix milliseconds; `duration_ms` of the whole item."""

    started_ms: int
    ended_ms: int
    uri: str
    duration_ms: int

    @property
    def ms(self) -> int:
        return self.ended_ms - self.started_ms


@dataclass(frozen=True)
class Found:
    """A play as the recorder has it. `within_ms`: how far off its start and end may be, as the recorder says."""

    started_ms: int
    ended_ms: int
    uri: str
    ms: int
    within_ms: tuple[int, int]


@dataclass(frozen=True)
class Song(Item):
    """An item whose `letter` is its URI."""

    @property
    def uri(self) -> str:
        return self.letter

    def body(self) -> dict[str, Any]:
        return {**super().body(), "id": None, "uri": self.letter, "name": "Song"}


class ReplayClocks(Clocks):
    """Clocks of a time that only the replay moves."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        super().__init__(lambda: moment_of(self.now_ms), lambda: self.now_ms / 1000)


@dataclass
class Replay:
    """A recorder's watch over a simulated player. `calls`, by day; `memory_mb`: of the process, by day."""

    truths: list[Truth]
    watch: Watch
    clocks: ReplayClocks
    player: SimulatedPlayer
    found: list[Found] = field(default_factory=list)
    calls: Counter[date] = field(default_factory=Counter)
    memory_mb: list[float] = field(default_factory=list)
    cpu_s: float = 0.0

    def __post_init__(self) -> None:
        self.at = 0  # the next play
        self.luck = Random(1)
        self.watch.player = self.asked

    def asked(self, token: str) -> Asked:
        """What the player shows at this moment, some time later."""
        before = self.clocks.reading()
        self.bring_on()
        status, body = self.player.answer()
        self.clocks.now_ms += self.luck.randrange(LATENCY_MS)
        self.calls[before[0].date()] += 1
        return Asked("answered", before, self.clocks.reading(), status=status, body=body)

    def bring_on(self) -> None:
        """Let the player do what was done with it until now."""
        now_ms = self.clocks.now_ms
        while self.at < len(self.truths) and self.truths[self.at].started_ms <= now_ms:
            play = self.truths[self.at]
            self.end_play(play.started_ms)
            self.advance(play.started_ms)
            kind = "episode" if ":episode:" in play.uri else "track"
            self.player.bookmarks.clear()
            self.player.play(Song(play.uri, play.duration_ms, kind))
            self.at += 1
        self.end_play(now_ms)
        self.advance(now_ms)

    def end_play(self, until_ms: int) -> None:
        """Pause after the play in hand, if it has ended by then and nothing follows at once."""
        if self.at == 0:
            return
        ended_ms = self.truths[self.at - 1].ended_ms
        follows_ms = self.truths[self.at].started_ms if self.at < len(self.truths) else until_ms
        if self.player.is_playing and ended_ms <= until_ms and follows_ms > ended_ms + GAP_MS:
            self.advance(ended_ms)
            self.player.pause()

    def advance(self, to_ms: int) -> None:
        self.player.advance(max(to_ms - self.player.now_ms, 0))

    def run(self, until_ms: int) -> None:
        """Record until then, and take what the spool has once a day, as a flush does."""
        started_s, today = time.process_time(), None
        while self.clocks.now_ms < until_ms:
            if (day := moment_of(self.clocks.now_ms).date()) != today:
                today = day
                self.collect()
                self.learn()
                self.memory_mb.append(memory_mb())
            self.watch.ask()
            wait_s = self.watch.due_s - self.clocks.steady_s()
            self.clocks.now_ms += max(round(wait_s * 1000), 1)
        self.collect()
        self.cpu_s = time.process_time() - started_s

    def collect(self) -> None:
        spool, key = self.watch.spool, self.watch.listener_key
        while waiting := spool.waiting(key, 1_000):
            self.found += [
                Found(
                    one.started_ms,
                    one.ended_ms,
                    one.uri,
                    one.ms_played,
                    (max(one.start_within_ms or 0, SLACK_MS), max(one.end_within_ms, SLACK_MS)),
                )
                for _, one in waiting
            ]
            spool.forget(key, [number for number, _ in waiting], spool.spans(key))

    def learn(self) -> None:
        """As the recorder learns from the facts of the last ninety days, each day."""
        now = self.clocks.now()
        since_ms = unix_ms(now - LEARNED_FROM)
        first = bisect_left(self.found, since_ms, key=lambda one: one.ended_ms)
        local = {moment_of(one.ended_ms).astimezone(ZONE).replace(tzinfo=None) for one in self.found[first:]}
        hours = {one.replace(minute=0, second=0, microsecond=0) for one in local}
        if hours:
            today = now.astimezone(ZONE).date()
            self.watch.played_at = self.watch.played_at or max(hours).replace(tzinfo=ZONE)
            first_day = max(min(hours).date(), today - LEARNED_FROM)
            self.watch.habits = Habits(listening_shares(hours, first_day, today))


def measure(export: Path | None, days: int) -> None:
    """Replay the year of an export with the most plays, or so many made-up days, and print what came of it."""
    truths = year_of(export) if export is not None else made_up(days)
    replay = replayed(truths, days)
    print(f"\n{'the recorder, ' + ('an export' if export else 'made-up plays') + f', {days} days':<46}")
    for name, value in figures(replay).items():
        print(f"{name:<46} {value:>12}")


def replayed(truths: list[Truth], days: int) -> Replay:
    """The recorder's days with these plays, in order; they begin at midnight (UTC) before the first one."""
    midnight = moment_of(truths[0].started_ms).replace(hour=0, minute=0, second=0, microsecond=0)
    start_ms = unix_ms(midnight)
    clocks = ReplayClocks(start_ms)
    with temporary_folder() as folder, Spool(folder) as spool:
        watch = Watch(1, NoTokens(), lambda _: nobody(), Calls(spool, "app", BUDGET), spool, clocks, ZONE)
        replay = Replay(truths, watch, clocks, SimulatedPlayer(start_ms))
        replay.run(unix_ms(midnight + timedelta(days=days)))
    return replay


class NoTokens(AccessTokens):
    """A login is not needed without a network."""

    def __init__(self) -> None:
        super().__init__(lambda: nobody())

    def token(self, now: datetime) -> str:
        return ""


def nobody() -> Any:
    raise AssertionError("never asked")


def memory_mb() -> float:
    """What this process has in memory; where the system does not say, the most that it had."""
    told = Path("/proc/self/statm")
    if told.exists():
        return int(told.read_text().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def figures(replay: Replay) -> dict[str, str]:
    """The table, by its rows."""
    days = [moment_of(replay.truths[0].started_ms).date() + timedelta(days=one) for one in range(len(replay.calls))]
    calls = [replay.calls[day] for day in days]
    active = {moment_of(at).date() for one in replay.truths for at in (one.started_ms, one.ended_ms)}
    silent = [replay.calls[day] for day in days if day not in active]
    seen, close, long = matched(replay)
    total = sum(one.ms for one in replay.truths)
    memory = replay.memory_mb
    return {
        "calls a day, mean": f"{sum(calls) / len(calls):.0f}",
        "calls a day, most": f"{max(calls)}",
        f"calls on the {len(silent)} days without a play, mean": f"{sum(silent) / max(len(silent), 1):.0f}",
        "and most": f"{max(silent, default=0)}",
        "plays": f"{len(replay.truths):,}",
        "of half a minute and more, seen": f"{seen / long:.1%}",
        "of half a minute and more, close": f"{close / long:.1%}",
        "sum of time, of the true one": f"{sum(one.ms for one in replay.found) / total:.4f}",
        "invented plays": f"{invented(replay)}",
        "plays dated beside their time": f"{invented(replay, (SLACK_MS, SLACK_MS))}",
        "CPU a day": f"{replay.cpu_s / len(days):.2f} s",
        "memory after a day": f"{memory[min(1, len(memory) - 1)]:.0f} MB",
        "memory after a month": f"{memory[min(30, len(memory) - 1)]:.0f} MB",
    }


def matched(replay: Replay) -> tuple[int, int, int]:
    """Of the plays of LONG_MS and more: how many were seen, how many of those within CLOSE_MS, and how many there are."""
    by_uri = defaultdict(list)
    for one in replay.found:
        by_uri[one.uri].append(one)
    used: set[int] = set()
    seen = close = long = 0
    for play in replay.truths:
        if play.ms < LONG_MS:
            continue
        long += 1
        near = [
            one
            for one in by_uri[play.uri]
            if id(one) not in used
            and one.started_ms < play.ended_ms + 60_000
            and one.ended_ms > play.started_ms - 60_000
        ]
        if near:
            best = min(near, key=lambda one: abs(one.ended_ms - play.ended_ms))
            used.add(id(best))
            seen += 1
            close += abs(best.ms - play.ms) <= CLOSE_MS
    return seen, close, long


def invented(replay: Replay, within_ms: tuple[int, int] | None = None) -> int:
    """How many plays were found at whose time nothing of their item played.

    Their time is as exact as the recorder says that it is; `within_ms`: take it to be as exact as that.
    """
    true = defaultdict(list)
    for play in replay.truths:
        true[play.uri].append(play)
    count = 0
    for one in replay.found:
        before_ms, after_ms = within_ms or one.within_ms
        count += not any(
            play.started_ms <= one.ended_ms + after_ms and one.started_ms - before_ms <= play.ended_ms
            for play in true[one.uri]
        )
    return count


def made_up(days: int) -> list[Truth]:
    """What the made-up listener of the demo played in so many days, with a fortnight of a year without music."""
    songs = catalogue()
    plays = [
        Truth(
            unix_ms(play.started_at),
            unix_ms(play.ended_at),
            f"spotify:track:{play.track_id}",
            songs.tracks[play.track_id].duration_ms,
        )
        for play in made_up_plays(songs, UNTIL, days)
        if play.started_at.timetuple().tm_yday not in HOLIDAYS
    ]
    return list(apart(plays))


def year_of(folder: Path) -> list[Truth]:
    """The plays of the calendar year with the most, from the extended export in a folder, without what was offline."""
    rows = [
        row
        for path in sorted(folder.rglob("Streaming_History_Audio*.json"))
        for row in json.loads(path.read_text("utf-8"))
        if not row.get("offline") and (row.get("spotify_track_uri") or row.get("spotify_episode_uri"))
    ]
    [(year, _)] = Counter(row["ts"][:4] for row in rows).most_common(1)
    longest: Counter[str] = Counter()
    plays = []
    for row in (row for row in rows if row["ts"].startswith(year)):
        uri = row.get("spotify_track_uri") or row["spotify_episode_uri"]
        longest[uri] = max(longest[uri], row["ms_played"])
        end_ms = unix_ms(datetime.fromisoformat(row["ts"].replace("Z", "+00:00")))
        plays.append((end_ms - row["ms_played"], end_ms, uri, row["ms_played"], row.get("reason_end") == "trackdone"))
    plays.sort(key=lambda one: (one[1], one[0]))
    # The export does not say how long an item is: as long as a play to its end, else as its longest play.
    return list(
        apart(
            Truth(start_ms, end_ms, uri, ms if is_whole else max(longest[uri], ms + 2_000))
            for start_ms, end_ms, uri, ms, is_whole in plays
        )
    )


def apart(plays: Iterable[Truth]) -> Iterator[Truth]:
    """The plays in order, without the time in which another one still played."""
    before_ms = 0
    for play in plays:
        start_ms = max(play.started_ms, before_ms)
        if play.ended_ms > start_ms:
            # What was cut off at the beginning is not played, so the item is as much shorter.
            cut_ms = start_ms - play.started_ms
            yield Truth(start_ms, play.ended_ms, play.uri, max(play.duration_ms - cut_ms, play.ended_ms - start_ms))
            before_ms = play.ended_ms
