"""A recorder on a moved clock: time passes only while it waits, and the simulated Spotify has the same time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.loop import Recorder
from etl.jobs.recorder.record import record
from etl.settings import Settings
from etl.simulator.player import EPOCH, Action, Item, PlayerScript, SimulatedPlayer
from etl.simulator.server import SimulatedSpotify
from etl.sources.player.observation import unix_ms
from etl.warehouse.connection import Warehouse
from support import change_world

MORNING = datetime(2026, 11, 20, 6, tzinfo=UTC)


@dataclass
class Time:
    """The true time, in Unix milliseconds, and by how much this computer's time of day is off."""

    now_ms: int
    off_ms: int = 0

    def true(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.now_ms)

    def wall(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.now_ms + self.off_ms)


class MovedClocks(Clocks):
    """Clocks whose waits move the time. `until`: when the recorder is told to stop; `happen` is called before each wait."""

    def __init__(self, time: Time, until: datetime, happen: Callable[[], None] = lambda: None) -> None:
        super().__init__(time.wall, lambda: time.now_ms / 1000)
        self.time, self.until_ms, self.happen = time, unix_ms(until), happen

    def wait(self, seconds: float) -> bool:
        self.happen()
        if self.time.now_ms >= self.until_ms:
            if self.recorder is None and self.gives_up:
                return True  # it waited for the database from the start
            assert self.recorder is not None
            self.recorder.stop()
            return True
        self.time.now_ms = min(self.time.now_ms + max(round(seconds * 1000), 1), self.until_ms)
        return False

    recorder: Recorder | None = None
    gives_up = False


def items(count: int, random: Random) -> list[Item]:
    """Made-up tracks of two to five minutes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:count]
    return [Item(letter, random.randrange(120_000, 300_000)) for letter in letters]


def actions_of_a_day(seed: int, since: datetime = MORNING, sessions: int = 6) -> list[Action]:
    """What somebody does with a player in a day: sessions with skips, pauses, seeks, repeats and device changes."""
    random = Random(seed)
    tracks = items(20, random)
    at = unix_ms(since) + random.randrange(3_600_000)
    actions: list[Action] = []

    def does(act: Callable[[SimulatedPlayer], object]) -> None:
        actions.append((at, lambda player: (act(player), None)[1]))

    def starts(player: SimulatedPlayer, row: Sequence[Item]) -> None:
        player.play(row[0])
        player.queue = list(row[1:])

    for _ in range(sessions):
        row = random.sample(tracks, random.randrange(3, 9))  # a track skipped to itself looks like a step back
        does(lambda player, row=row: starts(player, row))  # type: ignore[misc]
        for _ in range(random.randrange(0, 6)):
            at += random.randrange(20_000, 240_000)
            act = random.choice(("skip", "pause", "seek", "device"))
            if act == "skip":
                does(lambda player: player.skip())
            elif act == "pause":
                does(lambda player: player.pause())
                at += random.randrange(5_000, 90_000)
                does(lambda player: player.resume())
            elif act == "seek":
                does(lambda player: player.seek(player.progress_ms // 2))
            else:
                does(lambda player: player.move_to("laptop"))
        at += sum(item.duration_ms for item in row) + random.randrange(1_800_000, 5_400_000)
    return actions


def let_play(spotify: SimulatedSpotify, actions: Sequence[Action], since: datetime = MORNING) -> PlayerScript:
    """Have the listener's player do this."""
    script = PlayerScript(lambda: SimulatedPlayer(unix_ms(since)), actions)
    [listener] = spotify.world.listeners
    change_world(spotify, listeners=(replace(listener, player=script),))
    return script


def run_recorder(settings: Settings, warehouse: Warehouse, clocks: MovedClocks, **options: Any) -> None:
    """The recorder job until the clocks end it."""

    def started(recorder: Recorder) -> None:
        clocks.recorder = recorder

    record(settings, warehouse, clocks=clocks, started=started, **options)
