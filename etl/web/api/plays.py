"""Routes about plays: the history, rankings, totals, and a year."""

from datetime import date
from typing import Annotated, Any

from fastapi import Path, Query
from starlette.responses import Response

from etl.reports.model import FEW
from etl.reports.sections import REPORTS, SECTIONS
from etl.web.api import models, more_models
from etl.web.api.describing import answer, router_of, told
from etl.web.api.models import Play, PlayPage, Totals
from etl.web.api.more_models import Wrapped
from etl.web.api.problems import Problem
from etl.web.api.query import (
    CountsQuery,
    Kind,
    PlaysQuery,
    TopsQuery,
    TotalsQuery,
    Year,
    cursor_of,
)
from etl.web.api.readers import TheReader, today_of
from etl.web.api.reading import Question, Rows, answers
from etl.web.visitors import TheSite

router = router_of("Plays")

TOPS: dict[str, tuple[type[models.Tops], type[models.Ranked]]] = {
    "tracks": (models.TopTracks, models.TopTrack),
    "artists": (models.TopArtists, models.TopArtist),
    "albums": (models.TopAlbums, models.TopAlbum),
    "genres": (models.TopGenres, models.TopGenre),
    "shows": (models.TopShows, models.TopShow),
}
AnyTops = models.TopTracks | models.TopArtists | models.TopAlbums | models.TopGenres | models.TopShows
WRAPPED = ("reports/shared/report_play", "reports/shared/report_track_of_plays", "reports/shared/report_credit")


@router.get("/plays", **told(PlayPage, 422))
def plays(reader: TheReader, site: TheSite, query: Annotated[PlaysQuery, Query()]) -> Response:
    """Everything played, newest first, however short. Follow next_cursor to the end of it.

    A cursor is a place, not a snapshot: what is recorded meanwhile neither repeats a play nor skips one.
    """
    since, until = query.days()
    before_at, before_key = query.before()
    given = {
        "artist_key": query.artist,
        "recording_key": query.track,
        "album_key": query.album,
        "source": query.source,
        "before_at": before_at,
        "before_key": before_key,
        "row_limit": query.limit + 1,
    }
    name = "ops/web/api_plays"
    found = answers(site, reader, Question([name], since, until, query.counts_as, parameters=given))[name]
    shown = found[: query.limit]
    is_more = len(found) > len(shown)
    cursor = cursor_of(shown[-1]["played_at"], shown[-1]["play_key"]) if is_more else None
    return answer(PlayPage(plays=Play.rows(shown), next_cursor=cursor))


def ranked(rows: Rows, offset: int = 0) -> Rows:
    """The rows with their ranks."""
    return [{"rank": offset + place, **row} for place, row in enumerate(rows, 1)]


@router.get("/tops/{kind}", **told(AnyTops, 422))
def tops(
    reader: TheReader,
    site: TheSite,
    kind: Annotated[Kind, Path(description="What is ranked.")],
    query: Annotated[TopsQuery, Query()],
) -> Response:
    """The most played tracks, artists, albums, genres or shows of a span."""
    since, until = query.days()
    counts_as = query.counts_as or reader.counts_as
    name = f"reports/top_{kind}"
    credits = ["reports/shared/report_credit"] if kind in ("artists", "genres") else []
    question = Question(
        [name],
        since,
        until,
        counts_as,
        query.with_excluded,
        shared=["reports/shared/report_track", *credits],
        parameters={"by": query.by, "row_limit": query.limit, "row_offset": query.offset},
    )
    found = answers(site, reader, question)[name]
    whole, row = TOPS[kind]
    fields: dict[str, Any] = {
        "since_date": since,
        "until_date": until,
        "counts_as": counts_as,
        "by": query.by,
        "offset": query.offset,
        "total_count": found[0]["total_count"] if found else 0,
        "tops": row.rows(ranked(found, query.offset)),
    }
    return answer(whole(**fields))


@router.get("/totals", **told(Totals, 422))
def totals(reader: TheReader, site: TheSite, query: Annotated[TotalsQuery, Query()]) -> Response:
    """Totals by day, week, month or year. Periods at the ends of the span are whole ones."""
    since, until = query.days()
    counts_as = query.counts_as or reader.counts_as
    name = "ops/web/api_totals"
    # First plays are known only from the whole record.
    question = Question(
        [name],
        counts_as=counts_as,
        with_excluded=query.with_excluded,
        needs_record=True,
        parameters={"period": query.by, "wanted_since": since, "wanted_until": until},
    )
    found = answers(site, reader, question)[name]
    fields = {"since_date": since, "until_date": until, "counts_as": counts_as, "by": query.by, "totals": found}
    return answer(Totals.model_validate(fields))


@router.get("/wrapped/{year}", **told(Wrapped, 422))
def wrapped(
    reader: TheReader,
    site: TheSite,
    year: Annotated[Year, Path(description="The year.", examples=[2026])],
    query: Annotated[CountsQuery, Query()],
) -> Response:
    """A year, whole: what `brapped wrapped` shows, with ten rows of the rankings."""
    if year > today_of(site, reader).year:
        raise Problem(422, "This year has not begun.")
    since, until = date(year, 1, 1), date(year, 12, 31)
    counts_as = query.counts_as or reader.counts_as
    names = {name: f"reports/{name}" for name in REPORTS["wrapped"]}
    question = Question(
        list(names.values()),
        since,
        until,
        counts_as,
        query.with_excluded,
        needs_record=True,
        shared=WRAPPED,
        parameters={"row_limit": 10},
    )
    told_ = answers(site, reader, question)
    is_played = bool(told_[names["span_totals"]][0]["play_count"])

    def rows(name: str) -> Rows:
        found = told_[names[name]] if is_played or name == "gaps" else []
        return found[:FEW] if "wrapped" in SECTIONS[name].few_in else found

    fields: dict[str, Any] = {
        "since_date": since,
        "until_date": until,
        "counts_as": counts_as,
        "year": year,
        "totals": told_[names["span_totals"]][0],
        **{kind: ranked(rows(f"top_{kind}")) for kind in TOPS},
        "by_hour": rows("plays_by_hour"),
        "by_day": rows("plays_by_day"),
        "by_month": rows("plays_by_month"),
        "discovered": rows("discovered"),
        "longest_streak": next(iter(rows("longest_streak")), None),
        "longest_session": next(iter(rows("longest_session")), None),
        "most_repeated": rows("most_repeated"),
        "skips": rows("skips"),
        "gaps": rows("gaps"),
    }
    return answer(more_models.Wrapped.model_validate(fields))
