"""Routes about the record as a whole: who asks, coverage, now, and what the classic application had."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from etl.reports.recorded_days import Recorded
from etl.web.api.describing import answer, router_of, told
from etl.web.api.models import Listener, Me, Play
from etl.web.api.more_models import (
    CoverageAnswer,
    CoverageSpan,
    Days,
    Listening,
    Now,
    RangeArtist,
    RangeArtists,
    WeekHour,
)
from etl.web.api.problems import nothing_here
from etl.web.api.query import CountedSpan, RangeQuery, Span
from etl.web.api.readers import Reader, TheReader, today_of
from etl.web.api.reading import RECORD, Question, answers
from etl.web.visitors import TheSite

router = router_of("The record")

RANGES = {"week": 7, "month": 30, "year": 365}  # days up to today
ListenerId = Annotated[
    str,
    Path(
        description="The word me, or your own listener_key or listener_id. Anybody else's is 404.",
        min_length=1,
        max_length=200,
        examples=["me"],
    ),
]


@router.get("/me", **told(Me))
def me(reader: TheReader, site: TheSite) -> Response:
    """Who asks, and how far their record goes."""
    [row] = answers(site, reader, Question(["ops/web/api_me"]))["ops/web/api_me"]
    listener = Listener(
        listener_id=reader.listener.listener_id,
        listener_key=reader.listener_key,
        listener_name=reader.listener.listener_name,
        time_zone=reader.listener.time_zone.key,
    )
    return answer(Me(listener=listener, counts_as=reader.counts_as, can_change=not reader.is_read_only, **row))


@router.get("/coverage", **told(CoverageAnswer, 422))
def coverage(reader: TheReader, site: TheSite, query: Annotated[Span, Query()]) -> Response:
    """Which days are covered, have a gap, or are not recorded; and the spans behind that."""
    since, until = query.days()
    found = answers(site, reader, Question(["reports/coverage"], since, until, needs_record=True))
    [record] = found[RECORD]
    days = [date.fromisoformat(record[name]) if record[name] else None for name in ("first_date", "new_since", "today")]
    first_date, new_since, today = days
    assert today is not None
    recorded = Recorded(record["covered_days"], record["lost_days"], first_date, new_since, today)
    return answer(
        CoverageAnswer(
            since_date=since,
            until_date=until,
            first_date=first_date,
            new_since=new_since,
            days=[
                Days(first_date=d.first_date, last_date=d.last_date, coverage=d.coverage)
                for d in recorded.of(since, until)
            ],
            spans=CoverageSpan.rows(found["reports/coverage"]),
        )
    )


@router.get("/now", **told(Now))
def now(reader: TheReader, site: TheSite) -> Response:
    """Today so far, and the last play. What plays at this moment is known once it has ended."""
    today = today_of(site, reader)
    # The last play is any; what counts today is what the listener lets count.
    given = {
        "today": today,
        "counted_today_as": reader.counts_as,
        "before_at": "infinity",
        "before_key": 0,
        "source": None,
        "row_limit": 1,
    }
    found = answers(site, reader, Question(["ops/web/api_now", "ops/web/api_plays"], counts_as="all", parameters=given))
    [totals] = found["ops/web/api_now"]
    last_play = next(iter(Play.rows(found["ops/web/api_plays"])), None)
    return answer(Now(local_date=today, counts_as=reader.counts_as, last_play=last_play, **totals))


def own(reader: Reader, listener: str) -> None:
    """Raise Problem 404 for a listener who is not the one who asks."""
    if listener not in ("me", str(reader.listener_key), reader.listener.listener_id):
        raise nothing_here("listener")


@router.get("/listeners/{listener}/artists", **told(RangeArtists, 404))
def range_artists(
    reader: TheReader, site: TheSite, listener: ListenerId, query: Annotated[RangeQuery, Query()]
) -> Response:
    """The most played artists of the last 7, 30 or 365 days, or of all time."""
    own(reader, listener)
    days = RANGES.get(query.range)
    until = today_of(site, reader) if days else None
    since = until - timedelta(days=days - 1) if days and until else None
    question = Question(
        ["reports/top_artists"],
        since,
        until,
        reader.counts_as,
        shared=["reports/shared/report_track", "reports/shared/report_credit"],
        parameters={"row_limit": query.limit},
    )
    found = answers(site, reader, question)["reports/top_artists"]
    return answer(
        RangeArtists(
            since_date=since,
            until_date=until,
            counts_as=reader.counts_as,
            artists=RangeArtist.rows(found),
        )
    )


@router.get("/listeners/{listener}/listening", **told(Listening, 404, 422))
def listening(
    reader: TheReader, site: TheSite, listener: ListenerId, query: Annotated[CountedSpan, Query()]
) -> Response:
    """When the listener listens: plays and time by weekday and hour of their clock."""
    own(reader, listener)
    since, until = query.days()
    counts_as = query.counts_as or reader.counts_as
    question = Question(
        ["ops/web/api_listening"],
        since,
        until,
        counts_as,
        with_excluded=query.with_excluded,
        needs_record=True,
    )
    found = answers(site, reader, question)["ops/web/api_listening"]
    return answer(Listening(since_date=since, until_date=until, counts_as=counts_as, hours=WeekHour.rows(found)))
