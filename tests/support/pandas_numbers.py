"""What the reports have to say of the real exports, by pandas over the rows of their JSON files: one function a quantity.

Nothing of ours is in between. A frame of listens has one row a listen, oldest first; what a report shows is a list of dicts.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from support.real_exports import dated

Record = dict[str, Any]
HALF_AN_HOUR = pd.Timedelta(minutes=30)
BY = {"plays": ["play_count", "listened_ms"], "time": ["listened_ms", "play_count"]}


# The listens.


def listens_of(listens: Iterable[list[dict]]) -> pd.DataFrame:
    """One row a listen of the extended export. Rows that tell the same listen again: the first moment, the most milliseconds.

    `reported_at` is the export's date, `played_at` the end: start and length where that date is one of an upload.
    """
    listens = list(listens)
    ends = [at for at, _, _ in dated(listens)]
    told = pd.DataFrame([listen_of(rows) for rows in listens]).astype({"is_skipped": object, "is_offline": object})
    told["reported_at"] = pd.to_datetime(told.reported_at)
    told["played_at"] = pd.to_datetime(pd.Series(ends))
    told["begins_at"] = told.played_at - pd.to_timedelta(told.ms, unit="ms")
    told["skip"] = told.is_skipped.where(told.is_skipped.notna(), told.reason_end == "fwdbtn").astype(bool)
    told = told.sort_values(["played_at", "uri"], ignore_index=True)
    silence = told.begins_at - told.played_at.shift()
    return told.assign(opens_session=silence.isna() | (silence > HALF_AN_HOUR))


def by_the_clock_of(listens: pd.DataFrame, time_zone: str) -> pd.DataFrame:
    """The same with the local time at which each ended."""
    local_at = listens.played_at.dt.tz_convert(ZoneInfo(time_zone)).dt.tz_localize(None)
    return listens.assign(
        local_at=local_at,
        reported_local_at=listens.reported_at.dt.tz_convert(ZoneInfo(time_zone)).dt.tz_localize(None),
        date=local_at.dt.date,
        year=local_at.dt.year,
        month=local_at.dt.to_period("M").dt.start_time.dt.date,
        hour=local_at.dt.hour,
    )


def listen_of(rows: list[dict]) -> Record:
    row = min(rows, key=lambda row: row["ts"])
    uri = row["spotify_track_uri"] or row["spotify_episode_uri"]
    return {
        "reported_at": row["ts"],
        "ms": max(row["ms_played"] for row in rows),
        "uri": uri,
        "kind": uri and uri.split(":")[1],
        "name": row["master_metadata_track_name"] or row["episode_name"],
        "artist": row["master_metadata_album_artist_name"],
        "album": row["master_metadata_album_album_name"] or row["episode_show_name"],
        "reason_start": max(row["reason_start"] for row in rows),
        "reason_end": row["reason_end"],
        "is_shuffle": any(row["shuffle"] for row in rows),
        "is_skipped": row["skipped"],
        "is_offline": row["offline"],
        "is_private": row["incognito_mode"],
        "platform": row["platform"],
        "country": row["conn_country"],
    }


def counted(listens: pd.DataFrame, counts_as: str) -> pd.DataFrame:
    """What counts as a play. No export tells how long a track is."""
    to_the_end = listens.reason_end == "trackdone"
    return listens[
        {
            "30s": listens.ms >= 30_000,
            "half": to_the_end | (listens.ms >= 240_000),
            "full": to_the_end,
            "all": listens.ms >= 0,
        }[counts_as]
    ]


def within(listens: pd.DataFrame, since: date | None, until: date | None) -> pd.DataFrame:
    """Of local days, both included."""
    return listens[(listens.date >= (since or date.min)) & (listens.date <= (until or date.max))]


def before(listens: pd.DataFrame, day: date) -> pd.DataFrame:
    return listens[listens.date < day]


def music(listens: pd.DataFrame) -> pd.DataFrame:
    return listens[listens.kind == "track"]


def podcasts(listens: pd.DataFrame) -> pd.DataFrame:
    return listens[listens.kind == "episode"]


# As a report shows it.


def records(frame: pd.DataFrame) -> list[Record]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")  # type: ignore[return-value]


def rows(frame: pd.DataFrame) -> list[tuple]:
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def url(uri: str | None) -> str | None:
    """Where Spotify shows it."""
    return uri and "https://open.spotify.com/" + "/".join(uri.split(":")[1:])


def moment(told: Any) -> datetime | None:
    return None if pd.isna(told) else told.to_pydatetime()


def each(listens: pd.DataFrame, *keys: str) -> pd.DataFrame:
    """Plays and time of each, with the first and the last moment; what has none of it is left out."""
    return (
        listens.groupby(list(keys))
        .agg(
            play_count=("ms", "size"),
            listened_ms=("ms", "sum"),
            first_played_at=("played_at", "min"),
            last_played_at=("played_at", "max"),
            track_count=("uri", "nunique"),
            name=("name", "first"),
            artist=("artist", "first"),
            album=("album", "first"),
        )
        .drop(columns=list(keys), errors="ignore")
        .reset_index()
    )


def ranked(frame: pd.DataFrame, by: str, *ties: str) -> pd.DataFrame:
    """The most first; ties by the other number, and then by the alphabet."""
    down = BY[by]
    return frame.sort_values([*down, *ties], ascending=[False] * len(down) + [True] * len(ties), ignore_index=True)


# What is most played.


def top_tracks(plays: pd.DataFrame, by: str) -> list[Record]:
    top = ranked(each(music(plays), "uri"), by, "name", "uri")
    return [
        {
            "track_name": row.name,
            "artist_names": row.artist,
            "play_count": row.play_count,
            "listened_ms": row.listened_ms,
            "first_played_at": moment(row.first_played_at),
            "last_played_at": moment(row.last_played_at),
            "track_url": url(row.uri),
            "image_url": None,
        }
        for row in named(top)
    ]


def top_artists(plays: pd.DataFrame, by: str) -> list[Record]:
    top = ranked(each(music(plays), "artist"), by, "artist")
    return [
        {
            "artist_name": row.artist,
            "play_count": row.play_count,
            "featured_play_count": 0,
            "listened_ms": row.listened_ms,
            "track_count": row.track_count,
            "first_played_at": moment(row.first_played_at),
            "last_played_at": moment(row.last_played_at),
            "genres": None,
            "artist_url": None,
            "image_url": None,
        }
        for row in named(top)
    ]


def top_albums(plays: pd.DataFrame, by: str) -> list[Record]:
    top = ranked(each(music(plays), "album", "artist"), by, "album", "artist")
    return [
        {
            "album_name": row.album,
            "artist_names": row.artist,
            "play_count": row.play_count,
            "listened_ms": row.listened_ms,
            "track_count": row.track_count,
            "last_played_at": moment(row.last_played_at),
            "album_url": None,
            "image_url": None,
        }
        for row in named(top)
    ]


def top_shows(plays: pd.DataFrame, by: str) -> list[Record]:
    top = ranked(each(podcasts(plays), "album"), by, "album")
    return [
        {
            "show_name": row.album,
            "play_count": row.play_count,
            "listened_ms": row.listened_ms,
            "episode_count": row.track_count,
            "last_played_at": moment(row.last_played_at),
            "show_url": None,
            "image_url": None,
        }
        for row in named(top)
    ]


TOP = {"tracks": top_tracks, "artists": top_artists, "albums": top_albums, "shows": top_shows}


def named(frame: pd.DataFrame) -> Iterable[Any]:
    """Its rows, by names."""
    return frame.itertuples(index=False)


# How much, and when.


def numbers(plays: pd.DataFrame) -> Record:
    return {"play_count": len(plays), "listened_ms": int(plays.ms.sum())}


# What is recorded.

A_FILE = pd.Timedelta(days=14)  # as long a pause may be a file that is missing


def covered_spans(listens: pd.DataFrame) -> pd.DataFrame:
    """From the first to the last row of music, as the export dates them, with no longer pause than a missing file would leave."""
    heard = music(listens).sort_values("reported_at")
    number = (heard.reported_at.diff() > A_FILE).cumsum()
    spans = heard.groupby(number).agg(starts_at=("reported_local_at", "min"), ends_at=("reported_local_at", "max"))
    return spans.assign(first_date=spans.starts_at.dt.date, last_date=spans.ends_at.dt.date)


def covered_days(listens: pd.DataFrame) -> list[date]:
    """Every day that a span touches, and every day with a listen, in their order."""
    days = set(listens.date)
    for span in named(covered_spans(listens)):
        days.update(pd.date_range(span.first_date, span.last_date).date)
    return sorted(days)


def covered_hours(listens: pd.DataFrame, day: date) -> set[int]:
    """The hours of a day that a span touches."""
    found = set()
    for span in named(covered_spans(listens)):
        for hour in range(24):
            begin = pd.Timestamp(day) + pd.Timedelta(hours=hour)
            if span.starts_at < begin + pd.Timedelta(hours=1) and span.ends_at >= begin:
                found.add(hour)
    return found


def new_since(listens: pd.DataFrame) -> date | None:
    """From here on a first listen is a discovery: ninety covered days lie before it."""
    days = covered_days(listens)
    return days[89] + timedelta(days=1) if len(days) >= 90 else None


def coverage_of(days: Iterable[date], covered: set[date]) -> str:
    kinds = {day in covered for day in days}
    return "covered" if kinds == {True} else "not recorded" if kinds == {False} else "partly recorded"


def known(told: Record, is_recorded: bool) -> Record:
    """With nothing for 0 where nothing is recorded."""
    return told if is_recorded else dict.fromkeys(told)


def totals(plays: pd.DataFrame, is_recorded: bool = True) -> Record:
    listened_ms = int(plays.ms.sum())
    if not is_recorded and plays.empty:
        return dict.fromkeys(totals(plays))
    return {
        **numbers(plays),
        "track_count": music(plays).uri.nunique(),
        "artist_count": music(plays).artist.nunique(),
        "day_count": plays.date.nunique(),
        "podcast_share": podcasts(plays).ms.sum() / listened_ms if listened_ms else None,
        "estimated_share": 0 if listened_ms else None,
        "first_played_at": moment(plays.played_at.min()),
        "last_played_at": moment(plays.played_at.max()),
    }


def by_hour(plays: pd.DataFrame, recorded: set[int] | None = None) -> list[Record]:
    """All of the twenty-four."""
    return [
        {
            "hour": hour,
            **known(
                numbers(plays[plays.hour == hour]),
                recorded is None or hour in recorded or not plays[plays.hour == hour].empty,
            ),
        }
        for hour in range(24)
    ]


def by_day(plays: pd.DataFrame, days: Iterable[date], covered: set[date]) -> list[Record]:
    return [
        {
            "local_date": day,
            **known(numbers(plays[plays.date == day]), day in covered),
            "coverage": coverage_of([day], covered),
        }
        for day in days
    ]


def by_month(plays: pd.DataFrame, days: Iterable[date], covered: set[date]) -> list[Record]:
    """Each with whoever was played most often, the first of the alphabet of several, and how often."""
    return [
        {
            "month_date": month,
            **known(numbers(plays[plays.month == month]), bool(covered & {*of_month})),
            **most_played_artist(plays[plays.month == month]),
            "artist_url": None,
            "coverage": coverage_of(of_month, covered),
        }
        for month, of_month in pd.Series(list(days)).groupby([day.replace(day=1) for day in days])
    ]


def most_played_artist(plays: pd.DataFrame) -> Record:
    often = music(plays).artist.value_counts()
    return {
        "artist_name": min(often[often == often.max()].index, default=None),
        "artist_play_count": int(often.max()) if len(often) else None,
    }


def by_year(plays: pd.DataFrame) -> list[Record]:
    return [{"year": year, **numbers(of_year)} for year, of_year in plays.groupby("year")]


def by_each_month(plays: pd.DataFrame, covered: set[date]) -> list[Record]:
    """From the first to the last, those without a play too."""
    months = pd.date_range(plays.month.min(), plays.month.max(), freq="MS").date
    recorded = {day.replace(day=1) for day in covered}
    return [{"month_date": month, **known(numbers(plays[plays.month == month]), month in recorded)} for month in months]


# What was new, skipped, repeated.


def new_tracks(plays: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """Tracks of these plays that no earlier play was of."""
    return each(music(plays)[~music(plays).uri.isin(earlier.uri)], "uri")


def discovered(plays: pd.DataFrame, earlier: pd.DataFrame, since: date | None) -> list[Record]:
    """New artists, with how many they are, and how many new tracks there are: what was first heard from a day on."""
    if since is None:
        return []
    heard = music(plays)
    first_dates = heard.groupby("artist").date.min()
    is_new = ~heard.artist.isin(music(earlier).artist) & (heard.artist.map(first_dates) >= since)
    new = ranked(each(heard[is_new], "artist"), "plays", "artist")
    first_of_track = music(plays).groupby("uri").date.min()
    new_track_count = int((first_of_track[new_tracks(plays, earlier).uri] >= since).sum())
    return [
        {
            "artist_name": row.artist,
            "play_count": row.play_count,
            "listened_ms": row.listened_ms,
            "first_played_at": moment(row.first_played_at),
            "artist_url": None,
            "image_url": None,
            "new_artist_count": len(new),
            "new_track_count": new_track_count,
        }
        for row in named(new)
    ]


def first_listens(plays: pd.DataFrame, earlier: pd.DataFrame, is_discovery: bool) -> list[Record]:
    return [
        {
            "track_name": row.name,
            "artist_names": row.artist,
            "play_count": row.play_count,
            "first_played_at": moment(row.first_played_at),
            "track_url": url(row.uri),
            "image_url": None,
            "is_discovery": is_discovery,
        }
        for row in named(new_tracks(plays, earlier).sort_values(["first_played_at", "uri"]))
    ]


def most_repeated(plays: pd.DataFrame) -> list[Record]:
    """The track of most plays in one day: of several the one with most time, the earliest, the first of the alphabet."""
    return [
        {
            "track_name": row.name,
            "artist_names": row.artist,
            "local_date": row.date,
            "play_count": row.play_count,
            "track_url": url(row.uri),
            "image_url": None,
        }
        for row in named(ranked(each(music(plays), "date", "uri"), "plays", "date", "uri").head(1))
    ]


def skips(listens: pd.DataFrame) -> list[Record]:
    """What was skipped most often; of several what was listened to least often."""
    heard = music(listens)
    tracks = (
        heard.groupby("uri")
        .agg(
            name=("name", "first"),
            artist=("artist", "first"),
            skip_count=("skip", "sum"),
            listen_count=("skip", "size"),
        )
        .reset_index()
        .sort_values(["skip_count", "listen_count", "name", "uri"], ascending=[False, True, True, True])
    )
    return [
        {
            "track_name": row.name,
            "artist_names": row.artist,
            "skip_count": row.skip_count,
            "listen_count": row.listen_count,
            "all_skip_share": heard["skip"].mean(),
            "track_url": url(row.uri),
            "image_url": None,
        }
        for row in named(tracks[tracks.skip_count > 0])
    ]


def beyond_wrapped(listens: pd.DataFrame, is_late_recorded: bool) -> Record:
    """What Spotify's own review of the year leaves out: the short, what was after 15 November, what was private."""
    short = listens[listens.ms < 30_000]
    late = listens[[(day.month, day.day) > (11, 15) for day in listens.date]]
    private = listens[listens.is_private]
    return {
        "listen_count": len(listens),
        "listened_ms": listens.ms.sum(),
        "short_count": len(short),
        "short_ms": short.ms.sum(),
        "late_count": len(late) if is_late_recorded else None,
        "late_ms": late.ms.sum() if is_late_recorded else None,
        "private_count": len(private),
        "private_ms": private.ms.sum(),
        "offline_count": listens.is_offline.eq(True).sum(),
        "unnamed_count": listens.uri.isna().sum(),
    }


# Sessions and streaks.


def sessions(listens: pd.DataFrame) -> pd.DataFrame:
    """Listens without more than half an hour of silence in between; of those of a span only what is in it."""
    return (
        listens.assign(number=listens.opens_session.cumsum())
        .groupby("number")
        .agg(
            started_at=("begins_at", "min"),
            ended_at=("played_at", "max"),
            listen_count=("ms", "size"),
            listened_ms=("ms", "sum"),
        )
    )


def longest_session(listens: pd.DataFrame) -> list[Record]:
    longest = sessions(listens).sort_values(["listened_ms", "started_at"], ascending=[False, True]).head(1)
    return records(longest[["listened_ms", "started_at", "ended_at", "listen_count"]])


def streaks(plays: pd.DataFrame) -> pd.DataFrame:
    """Days in a row with a play."""
    days = plays.groupby("date").size().rename("play_count").reset_index()
    is_first = pd.to_datetime(days.date).diff() != pd.Timedelta(days=1)
    return days.groupby(is_first.cumsum()).agg(
        day_count=("date", "size"),
        first_date=("date", "min"),
        last_date=("date", "max"),
        play_count=("play_count", "sum"),
    )


def longest_streak(plays: pd.DataFrame, days: Iterable[date], covered: set[date]) -> list[Record]:
    longest = records(streaks(plays).sort_values(["day_count", "first_date"], ascending=[False, True]).head(1))
    return [{**streak, "is_open_ended": is_open_ended(streak, set(days) - covered)} for streak in longest]


def is_open_ended(streak: Record, missing: set[date]) -> bool:
    a_day = timedelta(days=1)
    return streak["first_date"] - a_day in missing or streak["last_date"] + a_day in missing


def streak_of(plays: pd.DataFrame, day: date, covered: set[date]) -> list[Record]:
    """How many days in a row had a play, up to this one, or up to the day before if this one has none yet."""
    days = set(plays.date)
    if day not in covered:
        return []
    last = day if day in days else day - timedelta(days=1)
    first = last
    while first in days:
        first -= timedelta(days=1)
    return [
        {
            "day_count": (last - first).days,
            "first_date": first + timedelta(days=1),
            "is_open_ended": first not in covered,
        }
    ]


# A day.


def of_day(plays: pd.DataFrame, day: date) -> Record:
    of_it = within(plays, day, day)
    return {**numbers(of_it), "track_count": music(of_it).uri.nunique()}


def daily_totals(plays: pd.DataFrame, day: date, covered: set[date]) -> list[Record]:
    """The day, the one before, and the same weekday of the eight weeks before on average, as far as they are recorded."""
    same_weekdays = [day - timedelta(weeks=weeks) for weeks in range(1, 9)]
    told = [of_day(plays, other) for other in same_weekdays if other in covered]
    shown = [
        {
            "day_label": label,
            "local_date": one,
            **known(of_day(plays, one), one in covered),
            "coverage": coverage_of([one], covered),
        }
        for label, one in (("this day", day), ("the day before", day - timedelta(days=1)))
    ]
    if told:
        usual = {name: rounded(sum(one[name] for one in told), len(told)) for name in told[0]}
        shown.append({"day_label": f"usual {day:%A}", "local_date": None, **usual, "coverage": None})
    return shown


def rounded(total: int, count: int) -> int:
    """The average, a half up."""
    return (2 * total + count) // (2 * count)


def on_this_day(plays: pd.DataFrame, day: date, covered: set[date]) -> list[Record]:
    """The same day of each earlier year since the record began, with its most played track."""
    years = range(day.year - 1, min(covered).year - 1, -1)
    is_leap_day = (day.month, day.day) == (2, 29)
    days = [date(year, day.month, day.day) for year in years if not is_leap_day or year % 4 == 0]
    return [
        {
            "local_date": other,
            **known(numbers(of_it), other in covered),
            **most_played_track(of_it),
            "coverage": coverage_of([other], covered),
        }
        for other in days
        if other >= min(covered)
        for of_it in [within(plays, other, other)]
    ]


def most_played_track(plays: pd.DataFrame) -> Record:
    for row in named(ranked(each(music(plays), "uri"), "plays", "uri").head(1)):
        return {
            "track_name": row.name,
            "artist_names": row.artist,
            "track_play_count": row.play_count,
            "track_url": url(row.uri),
            "image_url": None,
        }
    return dict.fromkeys(["track_name", "artist_names", "track_play_count", "track_url", "image_url"])


def still_unknown(plays: pd.DataFrame, is_recorded: bool) -> Record:
    """Of an export no length, no ISRC is known; all of its milliseconds are."""
    counts = {
        "unnamed_play_count": plays.uri.isna().sum(),
        "inferred_track_count": plays.uri.nunique(),
        "estimated_play_count": 0,
        "unmeasured_play_count": 0,
    }
    return {"gap_count": 0, **known(counts, is_recorded)}


# An artist, a track.


def place(plays: pd.DataFrame, key: str, value: str) -> dict[Any, int]:
    """The place in each year, by plays: as many as had more, and one."""
    often = music(plays).groupby(["year", key]).size()
    return {
        year: int((of_year > of_year[(year, value)]).sum()) + 1
        for year, of_year in often.groupby("year")
        if (year, value) in of_year
    }


def artist_numbers(plays: pd.DataFrame) -> Record:
    return {
        "play_count": len(plays),
        "main_play_count": len(plays),
        "featured_play_count": 0,
        "listened_ms": plays.ms.sum(),
        "track_count": plays.uri.nunique(),
        "day_count": plays.date.nunique(),
        "first_played_at": moment(plays.played_at.min()),
        "last_played_at": moment(plays.played_at.max()),
    }


def artist_by_year(plays: pd.DataFrame, artist: str) -> list[Record]:
    places = place(plays, "artist", artist)
    return [
        {
            "year": told["year"],
            "year_rank": places[told["year"]],
            "play_count": told["play_count"],
            "main_play_count": told["play_count"],
            "featured_play_count": 0,
            "listened_ms": told["listened_ms"],
        }
        for told in by_year(plays[plays.artist == artist])
    ]


def artist_tracks(plays: pd.DataFrame) -> list[Record]:
    return [
        {
            "track_name": row.name,
            "artist_role": "main",
            "play_count": row.play_count,
            "listened_ms": row.listened_ms,
            "first_played_at": moment(row.first_played_at),
            "last_played_at": moment(row.last_played_at),
            "track_url": url(row.uri),
            "image_url": None,
        }
        for row in named(ranked(each(plays, "uri"), "plays", "name", "uri"))
    ]


def track_numbers(plays: pd.DataFrame) -> Record:
    return {
        **numbers(plays),
        "day_count": plays.date.nunique(),
        "first_played_at": moment(plays.played_at.min()),
        "last_played_at": moment(plays.played_at.max()),
    }


def track_by_year(plays: pd.DataFrame, uri: str) -> list[Record]:
    places = place(plays, "uri", uri)
    return [
        {
            "year": told["year"],
            "year_rank": places[told["year"]],
            "play_count": told["play_count"],
            "listened_ms": told["listened_ms"],
        }
        for told in by_year(plays[plays.uri == uri])
    ]


# Periods.


def periods(listens: pd.DataFrame, plays: pd.DataFrame, period: str, today: date) -> list[tuple]:
    """As day_total, week_total … tell them: totals of each from the first that is recorded to today's."""
    since = new_since(listens)
    assert since is not None
    covered = set(covered_days(listens))
    days = pd.DataFrame({"date": pd.date_range(min(covered), today).date})
    days["start"] = pd.to_datetime(days.date).dt.to_period(period).dt.start_time.dt.date
    first_start = days.start.min()
    days = pd.DataFrame({"date": pd.date_range(first_start, today).date})  # a year begins with its first day
    days["start"] = pd.to_datetime(days.date).dt.to_period(period).dt.start_time.dt.date
    days["is_covered"] = days.date.isin(covered)
    recorded = days.groupby("start").is_covered.agg(["size", "sum"])

    first_of_track = music(plays).drop_duplicates("uri")
    first_of_artist = music(plays).drop_duplicates("artist")
    first_of_track, first_of_artist = (frame[frame.date >= since] for frame in (first_of_track, first_of_artist))
    listens, plays, first_of_track, first_of_artist = (
        frame.assign(start=frame.local_at.dt.to_period(period).dt.start_time.dt.date)
        for frame in (listens, plays, first_of_track, first_of_artist)
    )
    played = plays.groupby("start")
    heard = music(plays).groupby("start")
    talked = podcasts(plays).groupby("start")
    told = pd.DataFrame(
        {
            "play_count": played.size(),
            "listened_ms": played.ms.sum(),
            "estimated_ms": 0,
            "track_count": heard.uri.nunique(),
            "artist_count": heard.artist.nunique(),
            "new_track_count": first_of_track.groupby("start").size(),
            "new_artist_count": first_of_artist.groupby("start").size(),
            "podcast_play_count": talked.size(),
            "podcast_ms": talked.ms.sum(),
        },
        index=recorded.index,
    )
    told = told.fillna(0).astype(int)
    told["podcast_share"] = told.podcast_ms / told.listened_ms  # null where there is nothing
    told["listen_count"] = listens.groupby("start").size()
    told["skip_count"] = listens.groupby("start").skip.sum()
    told = told.fillna({"listen_count": 0, "skip_count": 0}).astype(object)
    told[recorded["sum"] == 0] = None
    is_too_early = told.listen_count.gt(0) & (told.index < pd.Timestamp(since).to_period(period).start_time.date())
    told.loc[is_too_early, ["new_track_count", "new_artist_count"]] = None
    told["coverage"] = [
        "not recorded" if covered == 0 else "partly recorded" if covered < size else "covered"
        for size, covered in rows(recorded)
    ]
    told["day_count"] = recorded["size"]
    told["covered_day_count"] = recorded["sum"]
    return rows(told.reset_index())


def artist_totals(plays: pd.DataFrame) -> list[tuple]:
    return [
        (
            row.artist,
            *(row.play_count, row.play_count, 0),
            *(row.listened_ms, row.listened_ms, 0),
            row.track_count,
            moment(row.first_played_at),
            moment(row.last_played_at),
        )
        for row in named(each(music(plays), "artist"))
    ]


def hours_of_weekdays(plays: pd.DataFrame) -> list[tuple]:
    """Monday is 1."""
    told = plays.assign(day_of_week=plays.local_at.dt.day_of_week + 1, day_name=plays.local_at.dt.day_name())
    return rows(told.groupby(["day_of_week", "day_name", "hour"]).ms.agg(["size", "sum"]).reset_index())


def coverage(listens: pd.DataFrame, account_counts: Mapping[date, int], today: date) -> list[tuple]:
    """Every day from the first to today: what the extended export told of it, and the account data; whether it is covered."""
    count = listens.groupby("date").size()
    unknown = listens[listens.uri.isna()].groupby("date").size()
    covered = set(covered_days(listens))
    return [
        (
            day,
            *(count.get(day, 0), 0, count.get(day, 0), account_counts.get(day, 0), unknown.get(day, 0)),
            False,
            "covered" if day in covered else "not recorded",
        )
        for day in pd.date_range(min(covered), today).date
    ]


# Each listen.


DETAIL = (
    "played_at", "local_moment", "local_date", "local_hour", "day_name", "content_type", "track_uri", "track_name", "artist_names",
    "main_artist_names", "featured_artist_names", "album_name", "album_artist_name", "track_url", "duration_ms", "isrc", "reported_ms",
    "estimated_ms", "ms_basis", "best_ms", "is_30s", "is_half", "is_full", "platform", "reason_start", "reason_end", "is_shuffle",
    "is_skipped", "is_offline", "is_private", "country_code",
)  # fmt: skip


def detail(listens: pd.DataFrame) -> list[tuple]:
    """In these columns of play_detail."""
    told = pd.DataFrame(index=listens.index).assign(
        played_at=listens.played_at,
        local_moment=listens.local_at,
        local_date=listens.date,
        local_hour=listens.hour,
        day_name=listens.local_at.dt.day_name(),
        content_type=listens.kind,
        track_uri=listens.uri,
        track_name=listens.name,
        artist_names=listens.artist,
        main_artist_names=listens.artist,
        album_name=listens.album,
        album_artist_name=listens.artist,
        track_url=listens.uri.map(url, na_action="ignore"),
        reported_ms=listens.ms,
        ms_basis="reported",
        best_ms=listens.ms,
        **{f"is_{how}": listens.index.isin(counted(listens, how).index) for how in ("30s", "half", "full")},
        **{
            name: listens[name]
            for name in ("platform", "reason_start", "reason_end", "is_shuffle", "is_offline", "is_private")
        },
        is_skipped=listens["skip"],
        country_code=listens.country,
    )
    return rows(told.reindex(columns=DETAIL))


HISTORY = (
    "played_at", "track_name", "artist_names", "album_name", "content_type", "listened_ms", "ms_basis", "is_skipped", "is_private",
    "context_uri", "platform", "track_uri", "track_url",
)  # fmt: skip


def history(listens: pd.DataFrame) -> list[tuple]:
    """As the history shows it, but for its sources."""
    told = pd.DataFrame(index=listens.index).assign(
        played_at=listens.played_at,
        track_name=listens.name,
        artist_names=listens.artist.fillna(listens.album),
        album_name=listens.album,
        content_type=listens.kind,
        listened_ms=listens.ms,
        ms_basis="reported",
        is_skipped=listens["skip"],
        is_private=listens.is_private,
        context_uri=None,
        platform=listens.platform,
        track_uri=listens.uri,
        track_url=listens.uri.map(url, na_action="ignore"),
    )
    return rows(told.reindex(columns=HISTORY))


def older_history(listens: pd.DataFrame) -> list[tuple]:
    """In the columns of listening_history, but for the id."""
    told = listens.assign(played_at=listens.played_at.dt.tz_localize(None), popularity=None)
    return rows(told[["uri", "name", "artist", "album", "played_at", "ms", "popularity"]])


# Found by name.


def found_artist(plays: pd.DataFrame, name: str) -> Record:
    of_artist = plays[plays.artist == name]
    return {
        "artist_name": name,
        **numbers(of_artist),
        "last_played_at": moment(of_artist.played_at.max()),
        "artist_url": None,
        "image_url": None,
    }


def found_track(plays: pd.DataFrame, name: str) -> Record:
    of_track = plays[plays.name == name]
    return {
        "track_name": name,
        "artist_names": of_track.artist.iloc[0],
        **numbers(of_track),
        "last_played_at": moment(of_track.played_at.max()),
        "track_url": url(of_track.uri.iloc[0]),
        "image_url": None,
    }
