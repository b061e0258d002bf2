"""What the reports have to say of the real exports, by pandas over the rows of their JSON files: one function a quantity.

Nothing of ours is in between. A frame of listens has one row a listen, oldest first; what a report shows is a list of dicts.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

Record = dict[str, Any]
HALF_AN_HOUR = pd.Timedelta(minutes=30)
BY = {"plays": ["play_count", "listened_ms"], "time": ["listened_ms", "play_count"]}


# The listens.


def listens_of(listens: Iterable[list[dict]]) -> pd.DataFrame:
    """One row a listen of the extended export. Rows that tell the same listen again: the first moment, the most milliseconds."""
    told = pd.DataFrame([listen_of(rows) for rows in listens]).astype({"is_skipped": object, "is_offline": object})
    told["played_at"] = pd.to_datetime(told.played_at)
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
        date=local_at.dt.date,
        year=local_at.dt.year,
        month=local_at.dt.to_period("M").dt.start_time.dt.date,
        hour=local_at.dt.hour,
    )


def listen_of(rows: list[dict]) -> Record:
    row = min(rows, key=lambda row: row["ts"])
    uri = row["spotify_track_uri"] or row["spotify_episode_uri"]
    return {
        "played_at": row["ts"],
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
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


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


def totals(plays: pd.DataFrame) -> Record:
    listened_ms = int(plays.ms.sum())
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


def by_hour(plays: pd.DataFrame) -> list[Record]:
    """All of the twenty-four."""
    return [{"hour": hour, **numbers(plays[plays.hour == hour])} for hour in range(24)]


def by_day(plays: pd.DataFrame) -> list[Record]:
    return [{"local_date": day, **numbers(of_day)} for day, of_day in plays.groupby("date")]


def by_month(plays: pd.DataFrame) -> list[Record]:
    """Each with whoever was played most often, the first of the alphabet of several."""
    return [
        {"month_date": month, **numbers(of_month), "artist_name": most_played_artist(of_month), "artist_url": None}
        for month, of_month in plays.groupby("month")
    ]


def most_played_artist(plays: pd.DataFrame) -> str | None:
    often = music(plays).artist.value_counts()
    return min(often[often == often.max()].index, default=None)


def by_year(plays: pd.DataFrame) -> list[Record]:
    return [{"year": year, **numbers(of_year)} for year, of_year in plays.groupby("year")]


def by_each_month(plays: pd.DataFrame) -> list[Record]:
    """From the first to the last, those without a play too."""
    months = pd.date_range(plays.month.min(), plays.month.max(), freq="MS").date
    return [{"month_date": month, **numbers(plays[plays.month == month])} for month in months]


# What was new, skipped, repeated.


def new_tracks(plays: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """Tracks of these plays that no earlier play was of."""
    return each(music(plays)[~music(plays).uri.isin(earlier.uri)], "uri")


def discovered(plays: pd.DataFrame, earlier: pd.DataFrame) -> list[Record]:
    """New artists, with how many they are, and how many new tracks there are."""
    heard = music(plays)
    new = ranked(each(heard[~heard.artist.isin(music(earlier).artist)], "artist"), "plays", "artist")
    new_track_count = len(new_tracks(plays, earlier))
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


def first_listens(plays: pd.DataFrame, earlier: pd.DataFrame) -> list[Record]:
    return [
        {
            "track_name": row.name,
            "artist_names": row.artist,
            "play_count": row.play_count,
            "first_played_at": moment(row.first_played_at),
            "track_url": url(row.uri),
            "image_url": None,
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


def not_told(listens: pd.DataFrame) -> Record:
    """What Spotify's own review of the year leaves out: the short, what was after 15 November, what was private."""
    short = listens[listens.ms < 30_000]
    late = listens[[(day.month, day.day) > (11, 15) for day in listens.date]]
    private = listens[listens.is_private]
    return {
        "listen_count": len(listens),
        "listened_ms": listens.ms.sum(),
        "short_count": len(short),
        "short_ms": short.ms.sum(),
        "late_count": len(late),
        "late_ms": late.ms.sum(),
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


def longest_streak(plays: pd.DataFrame) -> list[Record]:
    return records(streaks(plays).sort_values(["day_count", "first_date"], ascending=[False, True]).head(1))


def streak_of(plays: pd.DataFrame, day: date) -> Record:
    """How many days in a row had a play, up to this one, or up to the day before if this one has none yet."""
    days = set(plays.date)
    last = day if day in days else day - timedelta(days=1)
    first = last
    while first in days:
        first -= timedelta(days=1)
    return {"day_count": (last - first).days, "first_date": first + timedelta(days=1)}


# A day.


def of_day(plays: pd.DataFrame, day: date) -> Record:
    of_it = within(plays, day, day)
    return {**numbers(of_it), "track_count": music(of_it).uri.nunique()}


def daily_totals(plays: pd.DataFrame, day: date, first_date: date) -> list[Record]:
    """The day, the one before, and the same weekday of the eight weeks before on average, as far as there is a record."""
    same_weekdays = [day - timedelta(weeks=weeks) for weeks in range(1, 9)]
    told = [of_day(plays, other) for other in same_weekdays if other >= first_date]
    shown = [
        {"day_label": "this day", "local_date": day, **of_day(plays, day)},
        {
            "day_label": "the day before",
            "local_date": day - timedelta(days=1),
            **of_day(plays, day - timedelta(days=1)),
        },
    ]
    if told:
        usual = {name: rounded(sum(one[name] for one in told), len(told)) for name in told[0]}
        shown.append({"day_label": f"usual {day:%A}", "local_date": None, **usual})
    return shown


def rounded(total: int, count: int) -> int:
    """The average, a half up."""
    return (2 * total + count) // (2 * count)


def on_this_day(plays: pd.DataFrame, day: date) -> list[Record]:
    """The same day of each earlier year that had a play, with its most played track."""
    earlier = plays[[(other.month, other.day) == (day.month, day.day) and other < day for other in plays.date]]
    return [
        {"local_date": other, **numbers(of_it), **most_played_track(of_it)} for other, of_it in earlier.groupby("date")
    ][::-1]


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


def still_unknown(plays: pd.DataFrame) -> Record:
    """Of an export no length, no ISRC is known; all of its milliseconds are."""
    return {
        "gap_count": 0,
        "unnamed_play_count": plays.uri.isna().sum(),
        "inferred_track_count": plays.uri.nunique(),
        "estimated_play_count": 0,
        "unmeasured_play_count": 0,
    }


# An artist, a track.


def place(plays: pd.DataFrame, key: str, value: str) -> Record:
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


def periods(listens: pd.DataFrame, plays: pd.DataFrame, period: str) -> list[tuple]:
    """As day_total, week_total … tell them: totals of each in which something was listened to."""
    first_of_track = music(plays).drop_duplicates("uri")
    first_of_artist = music(plays).drop_duplicates("artist")
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
        index=sorted(set(listens.start)),
    )
    told = told.fillna(0).astype(int)
    told["podcast_share"] = told.podcast_ms / told.listened_ms  # null where there is nothing
    told["listen_count"] = listens.groupby("start").size()
    told["skip_count"] = listens.groupby("start").skip.sum()
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


def coverage(listens: pd.DataFrame, account_counts: Mapping[date, int]) -> list[tuple]:
    """Every day from the first to the last: what the extended export told of it, and the account data."""
    count = listens.groupby("date").size()
    unknown = listens[listens.uri.isna()].groupby("date").size()
    return [
        (day, count.get(day, 0), 0, count.get(day, 0), account_counts.get(day, 0), unknown.get(day, 0), False)
        for day in pd.date_range(listens.date.min(), listens.date.max()).date
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
