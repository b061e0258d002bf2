"""A listener's evening hours with everything awkward in them, what six sources tell of each, and the plays that must result. Pure.

Where `support/truth.py` is long and ordinary, this is short and hard: offline evenings that the list and the export date to their
upload, crashes, titles that changed between two packages, two songs of one ISRC, ids that only the catalogue links, plays told
again, rows without a name, plays known by name alone. The player, and a made-up source "diary" (minute and names only), tell theirs.

Two listens of one song end 150 s apart or farther, and most have milliseconds of their own: so it is clear what is one play.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from support.cases import NOTHING, Song, described, exported, minuted, noted, scrobbled, told, watched

Rows = list[dict[str, Any]]
HOUR = 3_600_000  # milliseconds, as everywhere here
APART = 150_000
CHAPTERS = (
    "plain", "plain", "evening", "crash", "renamed", "one_isrc", "relinked", "told_again", "told_again_in_seconds",
    "nameless", "by_name", "repeat", "unseen", "paused",
)  # fmt: skip
PLAYLIST = "spotify:playlist:" + "p" * 22


@dataclass(frozen=True)
class Right:
    """A play that must result. `at`: milliseconds from NOW."""

    at: int
    uri: str | None
    ms: int | None
    context: str | None
    sources: tuple[str, ...]


@dataclass
class HardTruth:
    """`told`: by the name of a delivery, the rows of one page, one file, or one batch. They may come in any order."""

    told: dict[str, Rows] = field(default_factory=dict)
    plays: list[Right] = field(default_factory=list)

    def tell(self, delivery: str, row: dict[str, Any]) -> None:
        self.told.setdefault(delivery, []).append(row)


def hard_truth(seed: int, chapters: int = 9, pages: int = 3, *, is_scrobbled: bool = False) -> HardTruth:
    """Some chapters of the listed kinds, the same for the same seed, each hours after the one before, the last before NOW.

    is_scrobbled: Last.fm and ListenBrainz tell of some plays, too, of which half was heard.
    """
    random = Random(f"{seed} hard truth")
    kinds = random.sample(CHAPTERS, min(chapters, len(CHAPTERS)))
    writer = _Writer(random, pages, HardTruth(), Random(f"{seed} scrobbled") if is_scrobbled else None)
    for place, kind in enumerate(kinds):
        # minutes and seconds of no particular kind, so that minutes are met at every second
        writer.at = -(len(kinds) - place) * 30 * HOUR + random.randrange(HOUR)
        writer.page = min(pages, 1 + place * pages // len(kinds))
        getattr(writer, f"_{kind}")()
    for name in [name for name in writer.truth.told if name.startswith("page")]:
        writer.truth.told[name].sort(key=lambda item: item["played_at"], reverse=True)
    return writer.truth


@dataclass
class _Writer:
    random: Random
    pages: int
    truth: HardTruth
    scrobbler: Random | None = None  # draws apart, so that the other sources tell the same with it and without
    at: int = 0
    page: int = 1  # the first that tells of the chapter
    songs: int = 0
    listens: int = 0

    def _song(self, **known: Any) -> Song:
        self.songs += 1
        given = {
            "letter": "x",
            "tag": f"{self.songs:04}",
            "name": f"Song {self.songs}",
            "by": (f"Artist {self.songs}",),
            "duration_ms": self.random.randrange(150_000, 300_000),
            "isrc": f"QZ{self.songs:05}00001",
        }
        return Song(**{**given, **known})

    def _ms(self, low: int = 31_000, high: int = 150_000) -> int:
        """Of this listen alone."""
        self.listens += 1
        return self.random.randrange(low // 100, high // 100) * 100 + self.listens

    def _passes(self, ms: int) -> int:
        """The end of a play that begins when the one before ended. Never on a whole second, nor its start."""
        self.at += self.random.choice((0, 0, self.random.randrange(3_000))) + ms
        if self.at % 1_000 == 0 or (self.at - ms) % 1_000 == 0:
            self.at += 1
        return self.at

    # What each source tells of one listen.

    def _listed(self, song: Song, end: int, context: str | None = None) -> int:
        """By this page and the next ones, dated back from page to page; the earliest date."""
        shifts = sorted((self.random.choice((0, 0, 0, 20, 2_900, 31_000)) for _ in range(self.pages)), reverse=True)
        dates = []
        for page in range(self.page, self.pages + 1):
            dates.append(end + shifts[page - 1] - shifts[-1])
            self.truth.tell(f"page {page}", told(dates[-1] / 1000, song, context))
        return min(dates)

    def _exported(self, song: Song, end: int, ms: int, *, is_told_start: bool | None = None, **more: Any) -> int:
        """The `ts` of the row: cut to the second, and a second off now and then."""
        ts = end // 1000 + self.random.choice((0, 0, 0, 0, 1, -1))
        if self.random.random() < 0.5 if is_told_start is None else is_told_start:
            more["start"] = (end - ms) / 1000
        self.truth.tell(f"extended {self.random.randint(1, 2)}", exported(ts, song, ms, **more))
        return ts * 1000

    def _minuted(self, song: Song, end: int, ms: int, off: int | None = None) -> None:
        """In the minute of the end, or of up to nine seconds before it."""
        off = self.random.choice((0, 0, -9_000)) if off is None else off
        self.truth.tell("account", minuted((end // 1000 * 1000 + off) // 60_000, song, ms))

    def _watched(self, song: Song, end: int, ms: int) -> int:
        seen = end + self.random.randrange(-1_500, 1_500)
        self.truth.tell("player", watched(seen / 1000, song, max(1, ms - self.random.randrange(900))))
        return seen

    def _noted(self, song: Song, end: int) -> None:
        self.truth.tell("diary", noted("diary", end // 60_000, song))

    def _scrobbled(self, song: Song, end: int, ms: int) -> list[str]:
        """By services that date the start, by their own clocks, some before half was heard, some twice. Which ones tell of it."""
        if self.scrobbler is None or ms < (song.duration_ms or 0) * 0.3 or song.letter is None:
            return []
        by = [name for name in ("lastfm", "listenbrainz") if self.scrobbler.random() < 0.7]
        for name in by:
            at = (end - ms) // 1000 + self.scrobbler.randrange(-20, 20)
            one = song if name == "listenbrainz" else replace(song, letter=None)
            self.truth.tell(name, scrobbled(name, at, one))
            if self.scrobbler.random() < 0.2:
                self.truth.tell(name, scrobbled(name, at + self.scrobbler.randrange(10), one))
        return by

    def _right(self, at: int, song: Song, ms: int | None, *sources: str, context: str | None = None) -> None:
        names = {"list": "recently_played", "extended": "extended_export", "account": "account_export"}
        self.truth.plays.append(
            Right(at, song.uri, ms, context, tuple(sorted(names.get(source, source) for source in sources)))
        )

    def _everywhere(self, song: Song, end: int, ms: int, exported_song: Song | None = None) -> None:
        """A listen that every source tells of, but for some that miss it."""
        context = self.random.choice((None, PLAYLIST))
        by = ["extended", *(name for name in ("list", "account", "player", "diary") if self.random.random() < 0.7)]
        at = self._exported(exported_song or song, end, ms)
        if "account" in by:
            self._minuted(song, end, ms)
        if "diary" in by:
            self._noted(song, end)
        if "player" in by:
            at = self._watched(song, end, ms)
        by += self._scrobbled(song, end, ms)
        if "list" in by:
            at = self._listed(song, end, context)
        self._right(at, exported_song or song, ms, *by, context=context if "list" in by else None)

    # The chapters.

    def _plain(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            ms = self._ms()
            self._everywhere(self._song(), self._passes(ms), ms)

    def _repeat(self) -> None:
        song = self._song(duration_ms=240_100)
        for _ in range(2):
            ms = self._ms(APART, 240_000)
            self._everywhere(song, self._passes(ms), ms)

    def _evening(self) -> None:
        """Offline; list and export date all of it to the upload. Some song is played twice for as long, unlisted."""
        heard = []
        for _ in range(self.random.randint(2, 4)):
            ms = self._ms()
            heard.append((self._song(), self._passes(ms), ms, True))
        song, ms = self._song(duration_ms=240_100), self._ms(APART, 200_000)
        heard += [(song, self._passes(ms), ms, False) for _ in range(2)]
        upload = (self.at + self.random.randrange(2 * HOUR, 20 * HOUR)) // 1000
        for number, (one, end, ms, is_listed) in enumerate(heard):
            start = (end - ms) / 1000
            self.truth.tell(
                f"extended {self.random.randint(1, 2)}", exported(upload, one, ms, start=start, offline=True)
            )
            by = ["extended"]
            if is_listed:
                for page in range(self.page, self.pages + 1):
                    self.truth.tell(f"page {page}", told(upload + number / 25, one))
                by.append("list")
                self._minuted(one, end, ms, off=0)
                self._noted(one, end)
                by += ["account", "diary"]
            self._right(end, one, ms, *by)

    def _crash(self) -> None:
        """The export dates the play to the next start of the app; the others to its end."""
        song, ms = self._song(), self._ms()
        end = self._passes(ms)
        late = self.random.randrange(120_000, 3 * HOUR)
        row = exported(
            (end + late) // 1000, song, ms, start=(end - ms) / 1000, reason_end="unexpected-exit-while-paused"
        )
        self.truth.tell("extended 1", row)
        self._minuted(song, end, ms, off=0)
        self._noted(song, end)
        if self.random.random() < 0.5:
            self._right(self._listed(song, end), song, ms, "extended", "account", "diary", "list")
        else:
            self._right(end, song, ms, "extended", "account", "diary")

    def _renamed(self) -> None:
        """The account data has the title of another year."""
        song, ms = self._song(), self._ms()
        end = self._passes(ms) // 60_000 * 60_000 + 30_500  # so that the second off leaves the minute alone
        ts = self._exported(song, end, ms)
        self._minuted(replace(song, name=f"{song.name} - Remastered"), end, ms, off=0)
        if self.random.random() < 0.5:
            self._right(self._listed(song, end), song, ms, "extended", "account", "list")
        else:
            self._right(ts, song, ms, "extended", "account")

    def _one_isrc(self) -> None:
        """Two songs of one ISRC, of other names and lengths, which end 41 s apart in two pages."""
        first = self._song()
        second = self._song(isrc=first.isrc, duration_ms=(first.duration_ms or 0) + 5_000)
        for song, ms in ((first, self._ms()), (second, self._ms(40_500, 40_900))):
            self._everywhere(song, self._passes(ms), ms)
            self.page = min(self.pages, self.page + 1)

    def _relinked(self) -> None:
        """The export has another id of the recording; the catalogue tells that they are one."""
        song, ms = self._song(), self._ms()
        other = replace(song, letter="y", name=self.random.choice((song.name, f"{song.name} - Single")))
        self.truth.tell("catalogue", described(other))
        self.truth.tell("catalogue", described(song))
        self._everywhere(song, self._passes(ms), ms, exported_song=replace(other, name=song.name))

    def _told_again(self) -> None:
        """The same start to the millisecond, told again hours later, with less."""
        song, ms = self._song(), self._ms()
        end = self._passes(ms)
        start = (end - ms) / 1000
        self.truth.tell("extended 1", exported(end // 1000, song, ms, start=start))
        self.truth.tell("extended 2", exported(end // 1000 + 7_000, song, ms - 1_000, start=start))
        self._minuted(song, end, ms)
        self._right(end // 1000 * 1000, song, ms, "extended", "account")

    def _told_again_in_seconds(self) -> None:
        song, ms = self._song(), self._ms()
        end = self._passes(ms)
        start = (end - ms) // 1000
        self.truth.tell("extended 1", exported(end // 1000, song, ms, start=start, reason_end="logout"))
        self.truth.tell("extended 2", exported(end // 1000 + 14_344, song, ms, start=start, reason_end="logout"))
        self._right(self._watched(song, end, ms), song, ms, "extended", "player")

    def _nameless(self) -> None:
        """A row of the export without any name, which the account data names."""
        song, ms = self._song(), self._ms()
        end = self._passes(ms)
        end = end // 60_000 * 60_000 + 30_500
        ts = self._exported(NOTHING, end, ms, is_told_start=False)
        self._minuted(song, end, ms, off=0)
        self._noted(song, end)
        self._right(ts, replace(song, letter=None), ms, "extended", "account", "diary")

    def _by_name(self) -> None:
        """Songs with an id, of which some play only the account data or the diary knows."""
        song, ms = self._song(), self._ms()
        self._everywhere(song, self._passes(ms), ms)
        self.at += HOUR
        ms = self._ms(31_000, 140_000)
        end = self._passes(ms)
        self._minuted(song, end, ms, off=0)
        self._right(end // 60_000 * 60_000, replace(song, letter=None), ms, "account")
        self.at += HOUR
        end = self._passes(self._ms())
        self._noted(song, end)
        self._right(end // 60_000 * 60_000, replace(song, letter=None), None, "diary")

    def _unseen(self) -> None:
        """A play of the list that no export has yet, and skips that only the export or the player has."""
        song = self._song()
        ms = self._ms()
        end = self._passes(ms)
        at = self._listed(song, end, PLAYLIST)
        self._right(at, song, None, "list", *self._scrobbled(song, end, ms), context=PLAYLIST)
        song, ms = self._song(), self._ms(1_000, 20_000)
        ts = self._exported(song, self._passes(ms), ms)
        self._right(ts, song, ms, "extended")
        song = self._song()
        ms = self._ms(1_000, 20_000)
        seen = self._passes(ms)
        self.truth.tell("player", watched(seen / 1000, song, ms))
        self._right(seen, song, ms, "player")

    def _paused(self) -> None:
        """An hour's pause in the play, which is no upload."""
        song, ms = self._song(), self._ms()
        begun = self.at
        self.at += HOUR
        end = self._passes(ms)
        self.truth.tell("extended 1", exported(end // 1000, song, ms, start=begun // 1000))
        self._minuted(song, end, ms, off=0)
        self._right(self._listed(song, end), song, ms, "extended", "account", "list")
