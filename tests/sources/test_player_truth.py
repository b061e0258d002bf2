"""A generated player of which everything is known: what the recorder observes is what was listened to.

`careful`: between two answers at most one thing happens, so that each number is within what the observation itself
says. `wild`: anything happens at any time. Then not all can be known, but nothing is invented and nothing doubled.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etl.simulator.player import Item, SimulatedPlayer, TruePlay
from etl.sources.player.answer import ERROR, Answer, read_answer
from etl.sources.player.asking import next_ask
from etl.sources.player.moments import Reading, Timeline, place
from etl.sources.player.observation import Observation, unix_ms
from etl.sources.player.session import step
from etl.sources.player.state import State, load, save

START_MS = unix_ms(datetime(2026, 3, 1, 8, tzinfo=UTC))
ITEMS = [
    Item("A", 200_000),
    Item("B", 187_340),
    Item("C", 34_500),
    Item("D", 421_007),
    Item("E", 1_500_000, "episode"),
    Item("L", 210_000, "local"),
]
EPISODE = ITEMS[4]
TRACKS = [item for item in ITEMS if item.kind != "episode"]
JITTER_MS = 1_500  # how old the progress of an answer may be
CLOSE_MS = 3_000
IDLE_MS = 60_000
PAUSE_MS = 30_000


@dataclass
class Recorder:
    """Asks the player as the recorder does: with clocks that are set, sleeps, lost answers, restarts."""

    player: SimulatedPlayer
    random: Random
    has_dates: bool = True  # whether answers have a Date header
    state: State = field(default_factory=State)
    timeline: Timeline = field(default_factory=Timeline)
    observations: list[Observation] = field(default_factory=list)
    wall_off_ms: int = 0  # by how much this computer's time of day is wrong
    asleep_ms: int = 0  # for how long its monotonic clock stood still
    answers: int = 0

    def reading(self, at_ms: int) -> Reading:
        wall = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=at_ms + self.wall_off_ms)
        return Reading(wall, (at_ms - START_MS - self.asleep_ms) / 1000)

    def ask(self, is_lost: bool = False) -> None:
        before, after = self.random.choice([(3, 3), (40, 60), (120, 300)])
        asked, answered = self.reading(self.player.now_ms - before), self.reading(self.player.now_ms + after)
        sent_at = datetime.fromtimestamp(self.player.now_ms // 1000, UTC) if self.has_dates else None
        self.timeline, moment = place(self.timeline, asked, answered, sent_at)
        answer = ERROR if is_lost else self.read()
        self.state, finished = step(self.state, moment, answer)
        self.observations += finished
        self.answers += 1
        self.state = load(json.loads(json.dumps(save(self.state))))  # killed and started again, at any moment

    def read(self) -> Answer:
        status, body = self.player.answer()
        if body is not None and self.player.current is not None and self.player.is_playing:
            # an answer from a cache, but of this state
            age = min(self.random.randrange(JITTER_MS), self.player.now_ms - self.player.changed_ms)
            body["progress_ms"] -= age
        return read_answer(status, body)

    def wait_ms(self) -> int:
        at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=self.state.seen_ms or 0)
        return round(next_ask(self.state, at, IDLE_MS / 1000) * 1000)

    def restart(self) -> None:
        """Another process: its monotonic clock begins elsewhere, and it anchors anew."""
        self.timeline = Timeline()


def player_of(random: Random) -> SimulatedPlayer:
    player = SimulatedPlayer(
        START_MS,
        crossfade_ms=random.choice([0, 0, 5_000]),
        timestamps=random.choice(["exact", "exact", "zero", "missing"]),
        ad_ms=random.choice([0, 0, 0, 15_000]),
    )
    player.queue = random_tracks(random, random.randrange(2, 8), None)
    player.bookmarks = {EPISODE.letter: random.choice([0, 20_000, 600_000])}
    return player


def random_tracks(random: Random, count: int, last: Item | None) -> list[Item]:
    """Tracks in a row, the first another one than `last`. Some come twice, but not the one that is as long as the
    recorder waits: two plays of it can look like a pause.
    """
    row: list[Item] = []
    while len(row) < count:
        track = random.choice(TRACKS)
        if track != last or (row and track.duration_ms > 40_000):
            row.append(track)
            last = track
    return row


# Careful: one thing at a time.


def forget(player: SimulatedPlayer) -> None:
    """Close the app in a private session. Where its item stood is private."""
    player.stop()
    player.go_private(False)
    player.item = None


def careful_acts(player: SimulatedPlayer, random: Random, until_ms: int) -> list[Callable[[], None]]:
    """What a person may do now, if the next answer comes in `until_ms`, so that nothing else happens before it."""

    def fresh() -> None:
        long_enough = [one for one in TRACKS if one.duration_ms - player.crossfade_ms > until_ms + CLOSE_MS]
        if others := [one for one in long_enough if one != player.item]:
            first = random.choice(others)
            player.queue = random_tracks(random, 3, first)
            player.play(first)

    def taken_up() -> None:
        player.play(EPISODE)

    acts: list[Callable[[], None]] = [
        lambda: player.move_to(random.choice(["phone", "laptop", "speaker"])),
        lambda: setattr(player, "repeat", random.choice(["off", "track", "context"])),
    ]
    if player.is_private:
        return [lambda: forget(player)]
    if player.is_gone:
        acts += [fresh, taken_up]
        if (
            player.item is not None
            and player.item.duration_ms - player.crossfade_ms - player.progress_ms > until_ms + CLOSE_MS
        ):
            acts += [player.resume] * 2
    elif player.ad_until_ms is None and player.is_playing and player.item is not None:
        item, here = player.item, player.progress_ms
        acts += [player.pause, player.pause, player.stop, lambda: player.go_private(True)]
        if (
            player.queue
            and player.queue[0] != item
            and player.queue[0].duration_ms - player.crossfade_ms > until_ms + CLOSE_MS
        ):
            acts += [player.skip] * 3
        furthest = item.duration_ms - player.crossfade_ms - until_ms - CLOSE_MS
        if here + 8_000 < furthest:
            acts.append(lambda: player.seek(random.randrange(here + 8_000, furthest)))
        # Back, unless it could be taken for a repeat: that the item ended and began again.
        if here > 12_000 and here + until_ms + 20_000 < item.duration_ms:
            acts.append(lambda: player.seek(random.randrange(0, here - 8_000)))
    elif player.ad_until_ms is None and player.item is not None:
        if player.item.duration_ms - player.crossfade_ms - player.progress_ms > until_ms + CLOSE_MS:
            acts += [player.resume] * 3
        acts += [fresh]
    return acts


def careful(seed: int, questions: int = 60) -> Recorder:
    """A few hours in which the recorder asks when it should, and between two answers at most one thing happens.

    Clocks are set, the computer sleeps, answers are lost; the recorder is killed and started again.
    """
    random = Random(seed)
    player = player_of(random)
    recorder = Recorder(player, random, wall_off_ms=random.choice([0, 0, -3_600_000, 86_400_000]))
    recorder.ask()
    for _ in range(questions):
        wait = recorder.wait_ms()
        missing = random.choices([0, 30_000, 90_000, 900_000], (20, 2, 1, 1))[0]
        if happening(player, wait + missing) > 1:
            missing = 0
        wait += missing
        before = random.randrange(0, max(wait, 1))
        is_quiet = happening(player, wait + CLOSE_MS) == 0 and wait < 600_000
        player.advance(before)
        if is_quiet and random.random() < 0.25:
            acts = careful_acts(player, random, wait - before)
            if acts:
                random.choice(acts)()
        player.advance(wait - before)
        if missing:
            fate = random.choice(["asleep", "asleep", "errors", "killed"])
            if fate == "errors":
                recorder.ask(is_lost=True)
            elif fate == "killed":
                recorder.restart()
            else:
                recorder.asleep_ms += random.choice([missing, 0])
        if random.random() < 0.03:
            recorder.wall_off_ms = random.choice([0, 3_600_000, -3_600_000])
        recorder.ask()
    player.stop()
    player.advance(PAUSE_MS)
    recorder.ask()
    return recorder


def happening(player: SimulatedPlayer, ms: int) -> int:
    """How many things would happen by themselves within that time."""
    other = deepcopy(player)
    other.advance(ms)
    return other.happened - player.happened


def twin(one: Observation, plays: list[TruePlay]) -> TruePlay | None:
    """The true play that an observation is of: of this item, at the same time; None if there is none."""

    def shared(play: TruePlay) -> int:
        return min(play.ended_ms, one.ended_ms) - max(play.started_ms, one.started_ms)

    fitting = [play for play in plays if play.item.uri == one.uri and not play.is_private]
    nearest = max(fitting, key=shared, default=None)
    apart = max(CLOSE_MS, one.start_within_ms or 0, one.end_within_ms)
    return nearest if nearest is not None and shared(nearest) >= -apart else None


def off(recorder: Recorder) -> list[str]:
    """Observations that are farther from the truth than they say, plays that are observed twice, and invented ones."""
    wrong, met = [], []
    for number, one in enumerate(recorder.observations):
        play = twin(one, recorder.player.plays)
        if play is None:
            wrong.append(f"{number} is invented: {one}")
            continue
        if id(play) in met:
            wrong.append(f"{number} is doubled: {one}; {play}")
        met.append(id(play))
        away = {
            "start": (one.started_ms - play.started_ms, one.start_within_ms),
            "end": (one.ended_ms - play.ended_ms, one.end_within_ms),
            "ms": (one.ms_played - play.heard_ms, one.ms_within),
        }
        wrong += [
            f"{number}: {name} is {by} ms off, not {within}: {one}; {play}"
            for name, (by, within) in away.items()
            if within is not None and abs(by) > within
        ]
        if one.device_change_count > len(play.devices) - 1:
            wrong.append(f"{number}: devices {one}; {play}")
    return wrong


def missed(recorder: Recorder) -> list[TruePlay]:
    """Plays that two answers in a row showed playing, but of which there is no observation."""
    observed = [id(twin(one, recorder.player.plays)) for one in recorder.observations]
    return [
        play for play in recorder.player.plays if play.sights > 1 and not play.is_private and id(play) not in observed
    ]


many = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@many
@given(seed=st.integers(0, 2**32))
def test_each_play_is_observed_once_and_within_what_is_said(seed):
    recorder = careful(seed)
    assert off(recorder) == [] and missed(recorder) == []


# Wild: anything at any time.


def wild(seed: int, steps: int = 80) -> Recorder:
    """Anything happens at any time, several things between two answers too; answers are lost, clocks set."""
    random = Random(seed)
    player = player_of(random)
    recorder = Recorder(player, random, has_dates=random.random() < 0.7)
    for _ in range(steps):
        for _ in range(random.choice([0, 0, 1, 1, 2, 5])):
            player.advance(random.choice([0, 700, 3_000, 20_000, 100_000]))
            wild_act(player, random)
        if random.random() < 0.02:
            sleep = random.randrange(60_000, 7_000_000)
            recorder.asleep_ms += random.choice([sleep, 0])
            player.advance(sleep)
        if random.random() < 0.03 and recorder.has_dates:
            recorder.wall_off_ms = random.choice([0, 3_600_000, -3_600_000, 400_000_000])
        if random.random() < 0.05 and recorder.has_dates:
            recorder.restart()
        player.advance(recorder.wait_ms() if random.random() < 0.7 else random.randrange(40_000))
        recorder.ask(is_lost=random.random() < 0.1)
    player.stop()
    recorder.ask()
    return recorder


def wild_act(player: SimulatedPlayer, random: Random) -> None:
    act = random.choice(["play", "pause", "resume", "seek", "skip", "stop", "private", "device", "repeat", "shuffle"])
    if act == "play":
        player.queue = [random.choice(TRACKS) for _ in range(random.randrange(4))]
        player.play(random.choice(ITEMS))
    elif act == "seek" and player.item is not None:
        player.seek(random.randrange(player.item.duration_ms))
    elif act == "private":
        player.go_private(random.random() < 0.5)
    elif act == "device":
        player.move_to(random.choice(["phone", "laptop", "speaker"]))
    elif act == "repeat":
        player.repeat = random.choice(["off", "track", "context"])
    elif act == "shuffle":
        player.shuffle = not player.shuffle
    elif act in ("pause", "resume", "skip", "stop"):
        getattr(player, act)()


def unsound(recorder: Recorder) -> list[str]:
    """What can't be, whatever happened between the answers."""
    wrong = []
    until = 0
    for number, one in enumerate(recorder.observations):
        if not 500 <= one.ms_played <= one.ended_ms - one.started_ms:
            wrong.append(f"{number}: more heard than there was time: {one}")
        if one.started_ms < until - CLOSE_MS:
            wrong.append(f"{number}: two at once, by {until - one.started_ms} ms: {one}")
        if twin(one, recorder.player.plays) is None:
            wrong.append(f"{number}: never played then: {one}")
        until = one.ended_ms
    return wrong


@many
@given(seed=st.integers(0, 2**32))
def test_whatever_happens_nothing_is_invented_and_no_time_counts_twice(seed):
    assert unsound(wild(seed)) == []


# Back to the beginning: a repeat, or a listener who went back.


def going_back(item: Item, at_ms: int, to_ms: int, order: str, repeat: str) -> Recorder:
    """An item that is heard to `at_ms`, from `to_ms` on again, and to its end."""
    player = SimulatedPlayer(START_MS, repeat=repeat, queue=[Item("Z", 3_000_000)])
    recorder = Recorder(player, Random(at_ms))
    recorder.ask()
    player.play(item)
    recorder.ask()
    now_ms, is_done = 0, False
    while now_ms < 2 * item.duration_ms + 60_000:
        wait = recorder.wait_ms()
        if not is_done and now_ms + wait > at_ms:
            is_done = True
            player.advance(at_ms - now_ms)
            acts = {"moves": player.move_to, "seeks": player.seek}
            for act in order.split():
                acts[act]("laptop" if act == "moves" else to_ms)  # type: ignore[operator]
            player.repeat = "off"
            player.advance(now_ms + wait - at_ms)
        else:
            player.advance(wait)
        now_ms += wait
        recorder.ask()
    return recorder


@many
@given(
    duration_ms=st.sampled_from([34_500, 45_000, 50_000, 61_000, 200_000, 421_007]),
    part=st.floats(0.05, 0.99),
    to_ms=st.integers(0, 4_000),
    order=st.sampled_from(["seeks", "seeks moves", "moves seeks"]),
    repeat=st.sampled_from(["off", "context"]),
)
@example(duration_ms=45_000, part=34 / 45, to_ms=0, order="seeks moves", repeat="off")  # 12 s before the end
def test_whoever_goes_back_hears_one_play_until_shortly_before_the_end(duration_ms, part, to_ms, order, repeat):
    item, at_ms = Item("Q", duration_ms), round(part * duration_ms)
    recorder = going_back(item, at_ms, to_ms, order, repeat)
    plays = [one for one in recorder.observations if one.uri == item.uri]
    margin_ms = min(12_000, duration_ms / 5)
    if at_ms < duration_ms - margin_ms - JITTER_MS - 300:
        assert len(plays) == 1
    elif at_ms > duration_ms - margin_ms + JITTER_MS + 300 and duration_ms > 60_000:  # seen more than twice
        assert len(plays) == 2  # nobody can tell: the queue may hold it twice, and fade
    heard_ms, true_ms = sum(one.ms_played for one in plays), at_ms + duration_ms - to_ms
    assert heard_ms <= true_ms + CLOSE_MS
    if len(plays) == 2 or plays[0].seek_count:  # where it had not come farther than it went back, it looks like a pause
        assert true_ms - heard_ms <= CLOSE_MS
