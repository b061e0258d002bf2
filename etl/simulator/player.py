"""A simulated player: what a person does with it, what `/v1/me/player` answers, and what was really listened to.

It knows nothing of the recorder. Time passes only by `advance`, in whole milliseconds. Pure.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

GONE_MS = 120_000  # a paused player is shown for so long (spotify/web-api#1373), then the answer is 204
DEVICES: dict[str, dict[str, Any]] = {
    "phone": {"id": "p" * 40, "name": "Ada's phone", "type": "Smartphone"},
    "laptop": {"id": "l" * 40, "name": "Ada's laptop", "type": "Computer"},
    "speaker": {"id": None, "name": "Kitchen", "type": "Speaker"},
}


@dataclass(frozen=True)
class Item:
    """Something to play. `kind`: track, episode or local."""

    letter: str
    duration_ms: int
    kind: str = "track"

    @property
    def uri(self) -> str:
        return f"spotify:{self.kind}:" + (f"Ada:Tapes:{self.letter}:1" if self.kind == "local" else self.letter * 22)

    def body(self) -> dict[str, Any]:
        part = "show" if self.kind == "episode" else "album"
        return {
            "id": None if self.kind == "local" else self.letter * 22,
            "uri": self.uri,
            "type": "episode" if self.kind == "episode" else "track",
            "is_local": self.kind == "local",
            "name": f"Song {self.letter}",
            "duration_ms": self.duration_ms,
            "explicit": False,
            "artists": [{"id": "a" * 22, "name": "Ada's band"}],
            part: {"id": "b" * 22, "name": "Album", "artists": [], "images": []},
        }


@dataclass
class TruePlay:
    """One play as it really was. It ends with the item, when the player disappears, and when a private session begins."""

    item: Item
    started_ms: int
    ended_ms: int = 0  # the last moment at which it was heard
    heard_ms: int = 0
    progress_ms: int = 0  # at its end
    is_private: bool = False
    pause_count: int = 0
    seek_count: int = 0
    devices: list[str] = field(default_factory=list)  # in their order
    sights: int = 0  # answers that showed it playing


@dataclass
class SimulatedPlayer:
    """A player with a queue. `timestamps`: exact, zero, or missing."""

    now_ms: int
    crossfade_ms: int = 0
    timestamps: str = "exact"
    queue: list[Item] = field(default_factory=list)
    bookmarks: dict[str, int] = field(default_factory=dict)  # by letter: where an episode is left
    ad_ms: int = 0  # between two tracks, on a free account
    repeat: str = "off"
    is_private: bool = False
    device: str = "phone"
    shuffle: bool = False
    plays: list[TruePlay] = field(default_factory=list)
    current: TruePlay | None = None
    item: Item | None = None
    progress_ms: int = 0
    is_playing: bool = False
    is_gone: bool = True
    idle_since_ms: int = 0
    ad_until_ms: int | None = None
    changed_ms: int = 0
    happened: int = 0  # changes that came by themselves

    # What a person does.

    def play(self, item: Item) -> None:
        """Choose an item. A track begins at its beginning, an episode where it was left."""
        self._leave()
        self.item, self.progress_ms = item, self.bookmarks.get(item.letter, 0)
        self.is_playing, self.is_gone = True, False
        self.ad_until_ms = None
        self._take_up()

    def pause(self) -> None:
        if self.is_playing and self.ad_until_ms is None:
            self.is_playing, self.idle_since_ms = False, self.now_ms
            self._changed()

    def resume(self) -> None:
        if not self.is_playing and self.item is not None:
            self.is_playing, self.is_gone = True, False
            if self.current is None:
                self._take_up()
            elif self.current.ended_ms < self.now_ms:
                self.current.pause_count += 1
            self._changed()

    def seek(self, to_ms: int) -> None:
        if self.current is not None and not self.is_gone:
            self.progress_ms = to_ms
            self.current.seek_count += 1
            self._changed()

    def skip(self) -> None:
        if self.ad_until_ms is None:
            self._next()

    def stop(self) -> None:
        """Close the app: the player disappears at once."""
        self._leave()
        self.is_playing, self.is_gone, self.ad_until_ms = False, True, None

    def go_private(self, is_private: bool) -> None:
        if is_private != self.is_private:
            self._leave()
            self.is_private = is_private
            if self.is_playing and self.ad_until_ms is None:
                self._take_up()

    def move_to(self, device: str) -> None:
        self.device = device
        if self.current is not None and self.current.devices[-1] != device:
            self.current.devices.append(device)
        self._changed()

    # What time does.

    @property
    def next_change_ms(self) -> int | None:
        """How long it takes until something happens by itself; None: nothing will."""
        if self.ad_until_ms is not None:
            return self.ad_until_ms - self.now_ms
        if self.is_playing and self.item is not None:
            fade = self.crossfade_ms if self.queue and self.repeat != "track" else 0
            return max(self.item.duration_ms - fade - self.progress_ms, 0)
        if self.item is not None and not self.is_gone:
            return max(self.idle_since_ms + GONE_MS - self.now_ms, 0)
        return None

    def advance(self, ms: int) -> None:
        """Let so much time pass."""
        while ms > 0:
            change = self.next_change_ms
            passing = ms if change is None else min(ms, change)
            self._pass(passing)
            ms -= passing
            if change is not None and passing == change:
                self._happen()

    def _pass(self, ms: int) -> None:
        self.now_ms += ms
        if self.is_playing and self.ad_until_ms is None:
            self.progress_ms += ms
            if self.item is not None and self.item.kind == "episode" and not self.is_private:
                self.bookmarks[self.item.letter] = self.progress_ms
            if self.current is not None:
                self.current.heard_ms += ms
                self.current.ended_ms, self.current.progress_ms = self.now_ms, self.progress_ms

    def _happen(self) -> None:
        self.happened += 1
        if self.ad_until_ms is not None:
            self.ad_until_ms = None
            self._begin_next()
        elif not self.is_playing:
            self._leave()
            self.is_gone = True
        elif self.repeat == "track":
            self._leave()
            self.progress_ms = 0
            self._take_up()
        elif self.ad_ms and self.queue:
            self._leave()
            self.item, self.progress_ms, self.ad_until_ms = None, 0, self.now_ms + self.ad_ms
            self._changed()
        else:
            self._next()

    def _next(self) -> None:
        self._leave()
        self._begin_next()

    def _begin_next(self) -> None:
        if self.queue:
            self.item, self.progress_ms = self.queue.pop(0), 0
            self.is_playing, self.is_gone = True, False
            self._take_up()
        else:  # the last one waits at its beginning
            self.progress_ms, self.is_playing, self.idle_since_ms = 0, False, self.now_ms
            self._changed()

    def _take_up(self) -> None:
        assert self.item is not None
        self.current = TruePlay(self.item, self.now_ms, self.now_ms, is_private=self.is_private, devices=[self.device])
        self.plays.append(self.current)
        self._changed()

    def _leave(self) -> None:
        self.current = None
        self._changed()

    def _changed(self) -> None:
        self.changed_ms = self.now_ms

    # What Spotify answers.

    def answer(self) -> tuple[int, Any]:
        """Status and body of `GET /v1/me/player?additional_types=track,episode`."""
        if self.is_gone or self.is_private:
            return 204, None
        if self.current is not None and self.is_playing:
            self.current.sights += 1
        is_ad = self.ad_until_ms is not None
        progress_ms = (
            self.now_ms - (self.ad_until_ms - self.ad_ms) if self.ad_until_ms is not None else self.progress_ms
        )
        kind = "ad" if is_ad else "episode" if self.item is not None and self.item.kind == "episode" else "track"
        body: dict[str, Any] = {
            "device": {**DEVICES[self.device], "is_active": True, "is_private_session": False, "volume_percent": 50},
            "shuffle_state": self.shuffle,
            "smart_shuffle": False,
            "repeat_state": self.repeat,
            "timestamp": self.changed_ms if self.timestamps == "exact" else 0,
            "context": {"type": "playlist", "uri": "spotify:playlist:" + "c" * 22},
            "progress_ms": progress_ms,
            "item": None if is_ad or self.item is None else self.item.body(),
            "currently_playing_type": kind if is_ad or self.item is not None else "unknown",
            "is_playing": self.is_playing,
        }
        if self.timestamps == "missing":
            del body["timestamp"]
        return 200, body


Action = tuple[int, Callable[[SimulatedPlayer], None]]  # Unix milliseconds, what the person does then


class PlayerScript:
    """A listener's player as a function of time: what they do with it, in order of time. See `Listener.player`."""

    def __init__(self, make: Callable[[], SimulatedPlayer], actions: Sequence[Action]) -> None:
        self._make = make
        self._actions = actions
        self._lock = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._player, self._done = self._make(), 0

    def __call__(self, at: datetime) -> tuple[int, Any]:
        """Status and body at a moment. Earlier moments than the last one are told anew from the start."""
        now_ms = (at - EPOCH) // timedelta(milliseconds=1)
        with self._lock:
            if now_ms < self._player.now_ms:
                self._start()
            self._go(now_ms)
            return self._player.answer()

    def plays(self, until: datetime) -> list[TruePlay]:
        """What was really played until then."""
        self(until)
        return self._player.plays

    def _go(self, now_ms: int) -> None:
        while self._done < len(self._actions) and self._actions[self._done][0] <= now_ms:
            at_ms, act = self._actions[self._done]
            self._done += 1
            self._player.advance(max(at_ms - self._player.now_ms, 0))
            act(self._player)
        self._player.advance(max(now_ms - self._player.now_ms, 0))
