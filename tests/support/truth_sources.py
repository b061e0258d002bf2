"""What Spotify's API and its two exports tell of a truth, and the facts that must come of it. Pure.

Rows and items hold real keys only; `numbers`, beside them, says which listen each is of. The API tells what it tells
page by page, with the oddities that docs/one-listen.md lists; the exports tell it with theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from math import ceil
from random import Random
from typing import Any, Literal

from support.truth import SYSTEMS_CHANGED, Listen, Track, made_up_id, made_up_truth, songs_apart

Row = dict[str, Any]
Generation = Literal["new", "old"]

NEW_PLAYS = 18  # between two pages, at most: with late ones and told-twice ones the window of 50 misses none
LATE_BEHIND = 10  # a phone comes back online before so many newer plays
MARKS = {"username": "MARK-USERNAME", "ip": "203.0.113.77", "agent": "MARK-AGENT"}  # must be found nowhere


# The API.


@dataclass(frozen=True)
class Page:
    """An answer of recently-played; `numbers[i]` is the listen that `items[i]` is of."""

    fetched_at: datetime
    items: list[Row]
    numbers: list[int]

    @property
    def body(self) -> Row:
        """The whole answer, as Spotify gives it."""
        href = "https://api.spotify.com/v1/me/player/recently-played"
        moments = [str(round(moment(item["played_at"]).timestamp() * 1000)) for item in self.items]
        cursors = {"after": moments[0], "before": moments[-1]} if moments else None
        return {
            "items": self.items,
            "next": f"{href}?before={moments[-1]}&limit=50" if moments else None,
            "cursors": cursors,
            "limit": 50,
            "href": f"{href}?limit=50",
        }


@dataclass(frozen=True)
class _Telling:
    """How the API tells of one play in the first `many` pages that show it: then it tells the truth."""

    many: int = 0
    late: timedelta = timedelta()
    is_twice: bool = False
    without_context: Literal["never", "first", "later"] = "never"


def api_pages(
    truth: Sequence[Listen], seed: int, window: int = 50, every: timedelta = timedelta(hours=1)
) -> list[Page]:
    """Pages in the order of asking, about that often, more often when much is played.

    Most pages that would tell nothing new are left out. Two plays that are neighbours in the list stand together in
    some page, and the last page that shows a play tells its true date. A window of less than 50 may break both.
    """
    random = Random(f"{seed} pages")
    shown = [listen for listen in truth if listen.in_api]
    if not shown:
        return []
    late = _late(shown, truth, random)
    available = _available(truth, late, random)
    asked = _asked(sorted(available.values()), every, random)
    windows = [[one.number for one in reversed(shown) if available[one.number] <= at][:window] for at in asked]
    pages_of: dict[int, list[int]] = {one.number: [] for one in shown}
    for place, numbers in enumerate(windows):
        for number in numbers[: window - 5]:  # the last few may be pushed out by what is told twice or late
            pages_of[number].append(place)
    apart = songs_apart(truth)
    tellings = {one.number: _telling(one, late, apart, len(pages_of[one.number]), random) for one in shown}
    objects = {one.track.uri: full_track(one.track) for one in shown}
    pages = []
    for place, at in enumerate(asked):
        told = []
        for one in shown:
            if available[one.number] <= at:
                is_early = place in pages_of[one.number][: tellings[one.number].many]
                told += _told(one, tellings[one.number], is_early)
        told.sort(key=lambda each: each[0], reverse=True)
        items = [
            {"track": objects[one.track.uri], "played_at": text(at), "context": context_object(uri)}
            for at, uri, one in told[:window]
        ]
        pages.append(Page(at, items, [one.number for _, _, one in told[:window]]))
    return pages


def _late(shown: Sequence[Listen], truth: Sequence[Listen], random: Random) -> dict[int, timedelta]:
    """By how much the first date told of some plays is late. No play moves past another of its song, or near one."""
    apart = songs_apart(truth)
    late = {}
    for one in shown:
        chance, small = random.random(), random.choice((random.randint(11, 29), random.randint(30, 3_000)))
        by = timedelta(milliseconds=small if chance < 0.12 else random.randint(3_001, 31_000))
        is_unclear = one.number not in apart and _minute(one.ended_at + by) != _minute(one.ended_at)
        if not one.is_offline and (chance < 0.12 or (chance < 0.15 and one.number in apart)) and not is_unclear:
            late[one.number] = by
    return late


def _available(truth: Sequence[Listen], late: dict[int, timedelta], random: Random) -> dict[int, datetime]:
    """When the API can first tell of a play: at once, or when a phone that was offline is online again."""
    shown = [one for one in truth if one.in_api]
    available = {}
    for is_offline, group in groupby(truth, key=lambda one: one.is_offline):
        listens = list(group)
        newer = [one for one in shown if one.number > listens[-1].number][LATE_BEHIND - 1 : LATE_BEHIND]
        back_at = listens[-1].ended_at + timedelta(seconds=random.randint(300, 18_000))
        back_at = min([back_at, *(one.ended_at for one in newer)])
        for one in listens:
            if one.in_api:
                soon = one.ended_at + late.get(one.number, timedelta()) + timedelta(seconds=random.randint(0, 4))
                available[one.number] = back_at if is_offline else soon
    return available


def _asked(moments: Sequence[datetime], every: timedelta, random: Random) -> list[datetime]:
    at, known, asked = moments[0], 0, []
    while known < len(moments):
        at += every * random.uniform(0.8, 1.2)
        at = min([at, *moments[known + NEW_PLAYS - 1 : known + NEW_PLAYS]])
        new = sum(moment <= at for moment in moments) - known
        known += new
        if new or random.random() < 0.1:
            asked.append(at)
    return [*asked, at + every, at + 2 * every]


def _telling(one: Listen, late: dict[int, timedelta], apart: set[int], pages: int, random: Random) -> _Telling:
    many = max(0, min(random.choice((1, 1, 2)), pages - 1))
    by = late.get(one.number, timedelta())
    twin = timedelta(milliseconds=random.randint(20, 50))
    is_clear = one.number in apart or _minute(one.ended_at + twin) == _minute(one.ended_at)
    if not by and is_clear and random.random() < 0.04:
        return _Telling(many, twin, True, random.choice(("first", "later")))
    chance = random.random()
    return _Telling(many, by, False, "first" if chance < 0.12 else "later" if chance < 0.2 else "never")


def _told(one: Listen, telling: _Telling, is_early: bool) -> list[tuple[datetime, str | None, Listen]]:
    """(date, context, listen) of the items that a page holds of one play."""
    when = "first" if is_early else "later"
    if telling.is_twice and is_early:
        contexts = [None, one.context] if telling.without_context == "first" else [one.context, None]
        return [(one.ended_at, contexts[0], one), (one.ended_at + telling.late, contexts[1], one)]
    context = None if telling.without_context == when and not telling.is_twice and telling.many else one.context
    return [(one.ended_at + telling.late if is_early else one.ended_at, context, one)]


def text(at: datetime) -> str:
    """A moment as the API writes it: a fraction of three digits, or none."""
    return at.strftime("%Y-%m-%dT%H:%M:%S") + (f".{at.microsecond // 1000:03}Z" if at.microsecond else "Z")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _minute(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M")


def _identity(kind: str, id: str) -> Row:
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{id}"},
        "href": f"https://api.spotify.com/v1/{kind}s/{id}",
        "id": id,
        "type": kind,
        "uri": f"spotify:{kind}:{id}",
    }


def _artist(name: str) -> Row:
    return {**_identity("artist", made_up_id("artist", name)), "name": name}


def full_track(track: Track) -> Row:
    """The full track object that every item carries, as etl/simulator/objects.py makes it."""
    album_id = made_up_id("album", track.album, track.album_artist)
    images = [
        {"url": f"https://i.scdn.co/image/ab67616d{album_id}", "height": size, "width": size} for size in (640, 300, 64)
    ]
    album = {
        **_identity("album", album_id),
        "album_type": "compilation" if track.album_artist == "Various Artists" else "album",
        "artists": [_artist(track.album_artist)],
        "available_markets": ["AT", "DE"],
        "images": images,
        "name": track.album,
        "release_date": "2019-05-17",
        "release_date_precision": "day",
        "total_tracks": 12,
    }
    return {
        **_identity("track", track.id),
        "album": album,
        "artists": [_artist(name) for name in track.artists],
        "available_markets": ["AT", "DE"],
        "disc_number": 1,
        "duration_ms": track.duration_ms,
        "explicit": False,
        "external_ids": {"isrc": track.isrc} if track.isrc else {},
        "is_local": False,
        "name": track.title,
        "popularity": 40,
        "preview_url": None,
        "track_number": 3,
    }


def context_object(uri: str | None) -> Row | None:
    if uri is None:
        return None
    kind, id = uri.split(":")[-2:]
    if id == "collection":
        href = "https://api.spotify.com/v1/me/tracks"
        return {
            "type": id,
            "href": href,
            "external_urls": {"spotify": "https://open.spotify.com/collection/tracks"},
            "uri": uri,
        }
    return {key: value for key, value in _identity(kind, id).items() if key != "id"}


# The exports.


@dataclass(frozen=True)
class Export:
    """The files of an export by name; `numbers[name][i]` is the listen that `files[name][i]` is of."""

    kind: Literal["extended", "account"]
    files: dict[str, list[Row]]
    numbers: dict[str, list[int]]

    @property
    def told(self) -> list[tuple[Row, int]]:
        """Every row with the number of its listen."""
        return [both for name in self.files for both in zip(self.files[name], self.numbers[name], strict=True)]


@dataclass(frozen=True)
class _Record:
    """What Spotify's archive has of a listen, which both exports are made of. `ts` is without a fraction."""

    listen: Listen
    ts: datetime
    told_again_at: datetime | None
    track: Track
    offline_timestamp: int | None
    is_video: bool


Told = tuple[Row, int]  # a row and the number of its listen


def _records(truth: Sequence[Listen], seed: int) -> list[_Record]:
    random = Random(f"{seed} records")
    apart = songs_apart(truth)
    other_id = _other_ids(truth)
    old = [one.number for one in truth if one.number in apart and one.ended_at < SYSTEMS_CHANGED]
    again = set(random.sample(old, min(len(old), 2 + len(old) // 40)))
    records = []
    for one in truth:
        is_clear = one.number in apart and one.number not in again
        off = timedelta(seconds=random.choice((-1, 1)) if is_clear and random.random() < 0.03 else 0)
        ts = one.ended_at.replace(microsecond=0) + off
        start = one.started_at.timestamp()
        stamp: int | None = round(start * 1000) if one.ended_at < SYSTEMS_CHANGED else int(start)
        if is_clear and random.random() < 0.05:
            stamp = random.choice((0, 0, 1, None))
        shift = timedelta(seconds=random.randint(1, 62))
        track = other_id.get(one.track.uri, one.track) if random.random() < 0.5 else one.track
        chance = 0.3 if one.track.kind == "episode" else 0.02
        is_video = random.random() < chance and one.number not in again
        records.append(_Record(one, ts, ts + shift if one.number in again else None, track, stamp, is_video))
    return records


def _other_ids(truth: Iterable[Listen]) -> dict[str, Track]:
    """By URI, the other id of the same recording."""
    tracks = {one.track.uri: one.track for one in truth if one.track.isrc}.values()
    pairs = ((one, other) for one in tracks for other in tracks)
    return {one.uri: other for one, other in pairs if one.uri != other.uri and one.isrc == other.isrc}


def extended_export(truth: Sequence[Listen], seed: int, generation: Generation = "new") -> Export:
    """The extended streaming history: some files of sound, one of video, nothing in order.

    The old generation has 21 keys and names no chapter of an audiobook; the new one has four keys more for those.
    """
    random = Random(f"{seed} extended")
    records = _records(truth, seed)
    sound = [record for record in records if not record.is_video]
    size = max(1, ceil(len(sound) / 3))
    chunks = [sound[start : start + size] for start in range(0, len(sound), size)]
    lists = [[told for record in chunk for told in _rows(record, generation)] for chunk in chunks]
    years = [[row["ts"][:4] for row, _ in rows] for rows in lists]
    again = {record.listen.number for record in records if record.told_again_at}
    names = [_file_name(generation, "Audio", place, years[place]) for place in range(len(lists))]
    _mix(lists, again, random)
    video = [told for record in records if record.is_video for told in _rows(record, generation)]
    if video:
        names.append(_file_name(generation, "Video", None, [row["ts"][:4] for row, _ in video]))
        lists.append(video)
    return _export("extended", dict(zip(names, lists, strict=True)))


def _mix(lists: list[list[Told]], again: set[int], random: Random) -> None:
    """Rows go to another file, come twice, and lose their order. A play told again stays with its first telling."""
    for rows in lists:
        for told in random.sample(rows, len(rows) // 30):
            if told[1] not in again:
                rows.remove(told)
                random.choice(lists).append(told)
    for rows in list(lists):
        for row, number in random.sample(rows, min(len(rows), 1 + len(rows) // 60)):
            elsewhere = rows if number in again or random.random() < 0.7 else random.choice(lists)
            elsewhere.insert(random.randint(0, len(elsewhere)), (dict(row), number))
    for rows in lists:
        start = random.randint(0, len(rows))
        some = rows[start : start + 25]
        random.shuffle(some)
        rows[start : start + 25] = some


def _file_name(generation: Generation, what: Literal["Audio", "Video"], place: int | None, years: list[str]) -> str:
    if generation == "old":
        return "endvideo.json" if place is None else f"endsong_{place}.json"
    span = min(years) if min(years) == max(years) else f"{min(years)}-{max(years)}"
    return f"Streaming_History_{what}_{span}{'' if place is None else f'_{place}'}.json"


def _rows(record: _Record, generation: Generation) -> list[Told]:
    moments = [at for at in (record.ts, record.told_again_at) if at]
    return [(_row(record, at, generation), record.listen.number) for at in moments]


def _row(record: _Record, ts: datetime, generation: Generation) -> Row:
    listen, track = record.listen, record.track
    kind = track.kind if listen.named_by == "all" else None
    is_music, is_episode, is_chapter = kind in ("track", "local"), kind == "episode", kind == "chapter"
    is_old = listen.ended_at < SYSTEMS_CHANGED
    audiobook = {
        "audiobook_title": track.artists[0] if is_chapter else None,
        "audiobook_uri": f"spotify:show:{made_up_id('book', track.artists[0])}" if is_chapter else None,
        "audiobook_chapter_uri": track.uri if is_chapter else None,
        "audiobook_chapter_title": track.title if is_chapter else None,
    }
    return {
        "ts": ts.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "username": MARKS["username"],
        "platform": listen.platform,
        "ms_played": listen.ms_played,
        "conn_country": listen.country,
        "ip_addr" if generation == "new" else "ip_addr_decrypted": MARKS["ip"],
        "user_agent_decrypted": MARKS["agent"],
        "master_metadata_track_name": track.title if is_music else None,
        "master_metadata_album_artist_name": track.album_artist if is_music else None,
        "master_metadata_album_album_name": track.album if is_music else None,
        "spotify_track_uri": track.uri if is_music else None,
        "episode_name": track.title if is_episode else None,
        "episode_show_name": track.artists[0] if is_episode else None,
        "spotify_episode_uri": track.uri if is_episode else None,
        **(audiobook if generation == "new" else {}),
        "reason_start": listen.reason_start,
        "reason_end": listen.reason_end,
        "shuffle": listen.is_shuffle,
        "skipped": None if is_old else listen.is_skipped,
        "offline": None if record.is_video else listen.is_offline,
        "offline_timestamp": record.offline_timestamp,
        "incognito_mode": listen.is_private,
    }


def account_export(truth: Sequence[Listen], seed: int, since: datetime, until: datetime) -> Export:
    """The account data of since ≤ ts < until; the same seed as the extended export's. A row stands for its first listen."""
    rows: dict[tuple[str, ...], tuple[str, Row, int]] = {}
    for record in sorted(_records(truth, seed), key=lambda record: (record.ts, record.listen.number)):
        if since <= record.ts < until:
            kind, row = _account_row(record)
            rows.setdefault((kind, *map(str, row.values())), (kind, row, record.listen.number))
    lists: dict[str, list[Told]] = {}
    for kind in ("music", "podcast", "audiobook"):
        told = [(row, number) for its_kind, row, number in rows.values() if its_kind == kind]
        size = ceil(len(told) / 2) if kind == "music" else len(told)
        for place, start in enumerate(range(0, len(told), max(1, size))):
            lists[f"StreamingHistory_{kind}_{place}.json"] = told[start : start + size]
    return _export("account", lists)


def _account_row(record: _Record) -> tuple[str, Row]:
    listen, track = record.listen, record.track
    end, ms = {"endTime": _minute(record.ts)}, {"msPlayed": listen.ms_played}
    if listen.named_by == "nobody":
        return "music", {**end, "artistName": "Unknown Artist", "trackName": "Unknown Track", **ms}
    if track.kind == "episode":
        return "podcast", {**end, "podcastName": track.artists[0], "episodeName": track.title, **ms}
    if track.kind == "chapter":
        names = {"audiobookName": track.artists[0], "chapterName": track.title, "authorName": track.album}
        return "audiobook", {**end, **names, **ms}
    return "music", {**end, "artistName": track.album_artist, "trackName": track.title, **ms}


def _export(kind: Literal["extended", "account"], lists: dict[str, list[Told]]) -> Export:
    return Export(
        kind,
        {name: [row for row, _ in rows] for name, rows in lists.items()},
        {name: [number for _, number in rows] for name, rows in lists.items()},
    )


# What must come of it.


@dataclass(frozen=True)
class Expected:
    """A fact that must result: one listen, with the best of what each source told."""

    number: int
    track_uri: str | None
    played_at: datetime
    ms_played: int | None
    context_uri: str | None
    sources: frozenset[str]


def expected(truth: Sequence[Listen], told: Iterable[Page | Export]) -> list[Expected]:
    """The facts that must result when exactly these pages and exports were loaded, in whatever order. By played_at."""
    tracks = {listen.number: listen.track for listen in truth}
    api: dict[int, list[Row]] = {}
    exports: dict[str, dict[int, list[Row]]] = {"extended": {}, "account": {}}
    for source in told:
        if isinstance(source, Page):
            for item, number in zip(source.items, source.numbers, strict=True):
                api.setdefault(number, []).append(item)
        else:
            for row, number in source.told:
                exports[source.kind].setdefault(number, []).append(row)
    facts = [
        _fact(tracks[number], number, api.get(number, []), exports["extended"].get(number, []), account)
        for number in sorted(api.keys() | exports["extended"].keys() | exports["account"].keys())
        for account in [exports["account"].get(number, [])]
    ]
    return sorted(facts, key=lambda fact: (fact.played_at, fact.number))


def _fact(track: Track, number: int, items: list[Row], extended: list[Row], account: list[Row]) -> Expected:
    named = [row for row in account if row.get("artistName") != "Unknown Artist"]
    keys = ("spotify_track_uri", "spotify_episode_uri", "audiobook_chapter_uri")
    uris = [
        *(row[key] for row in extended for key in keys if row.get(key)),
        *(item["track"]["uri"] for item in items),
        *(track.name_uri for _ in named),
    ]
    dates = (
        [moment(item["played_at"]) for item in items]
        or [moment(row["ts"]) for row in extended]
        or [moment(f"{row['endTime']}Z") for row in account]
    )
    ms = [*(row["ms_played"] for row in extended), *(row["msPlayed"] for row in account)]
    contexts = [item["context"]["uri"] for item in items if item["context"]]
    names = [name for name, rows in (("api", items), ("extended", extended), ("account", account)) if rows]
    return Expected(
        number,
        next(iter(uris), None),
        min(dates),
        next(iter(ms), None),
        next(iter(contexts), None),
        frozenset(names),
    )


@dataclass(frozen=True)
class Sources:
    """A truth and all that is told of it."""

    truth: list[Listen]
    pages: list[Page]
    extended: Export
    account: Export

    def expected(self, sources: Iterable[str]) -> list[Expected]:
        """The facts of exactly these: "api", "extended", "account"."""
        told: dict[str, list[Page | Export]] = {
            "api": list(self.pages), "extended": [self.extended], "account": [self.account],
        }  # fmt: skip
        return expected(self.truth, [one for name in set(sources) for one in told[name]])


def made_up_sources(
    seed: int,
    begin: date = date(2022, 9, 26),
    days: int = 10,
    time_zone: str = "Europe/Berlin",
    generation: Generation = "new",
    since: datetime = datetime(2000, 1, 1, tzinfo=UTC),
    until: datetime = datetime(2100, 1, 1, tzinfo=UTC),
) -> Sources:
    """A truth with its three sources. `since` and `until` bound the account export."""
    truth = made_up_truth(seed, begin, days, time_zone)
    return Sources(
        truth,
        api_pages(truth, seed),
        extended_export(truth, seed, generation),
        account_export(truth, seed, since, until),
    )
