"""Routes about what has a name: artists, tracks, albums, and the search for them."""

from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from etl.web.api.describing import answer, router_of, told
from etl.web.api.models import Album, Artist, Found, Track
from etl.web.api.plays import WRAPPED, ranked
from etl.web.api.problems import nothing_here
from etl.web.api.query import CountedSpan, Key, SearchQuery
from etl.web.api.readers import TheReader
from etl.web.api.reading import Question, Rows, answers
from etl.web.visitors import TheSite

router = router_of("Names")

MOST_TRACKS = 50  # of an artist


def about(
    site: TheSite,
    reader: TheReader,
    query: CountedSpan,
    header: str,
    sections: list[str],
    shared: list[str],
    **given: Any,
) -> tuple[dict[str, Any], dict[str, Rows]]:
    """What the header found with the filter of the answer, and the rows of the sections. Raises Problem 404."""
    since, until = query.days()
    counts_as = query.counts_as or reader.counts_as
    question = Question(
        sections,
        since,
        until,
        counts_as,
        query.with_excluded,
        header,
        needs_record=True,
        shared=shared,
        parameters={"row_limit": MOST_TRACKS, **given},
    )
    found = answers(site, reader, question)
    if not found[header]:
        raise nothing_here(header.rpartition("_")[2])
    return {"since_date": since, "until_date": until, "counts_as": counts_as, **found[header][0]}, found


@router.get("/artists/{key}", **told(Artist, 404, 422))
def artist(reader: TheReader, site: TheSite, key: Key, query: Annotated[CountedSpan, Query()]) -> Response:
    """An artist through the years, main or featured."""
    parts = ["in_numbers", "by_year", "by_month", "tracks"]
    fields, found = about(
        site,
        reader,
        query,
        "ops/web/api_artist",
        [f"reports/artist_{one}" for one in parts],
        list(WRAPPED),
        artist_key=key,
    )
    numbers, by_year, by_month, tracks = (found[f"reports/artist_{one}"] for one in parts)
    fields |= {**numbers[0], "by_year": by_year, "by_month": by_month, "tracks": ranked(tracks)}
    return answer(Artist.model_validate(fields))


@router.get("/tracks/{key}", **told(Track, 404, 422))
def track(reader: TheReader, site: TheSite, key: Key, query: Annotated[CountedSpan, Query()]) -> Response:
    """A recording through the years, by all its ids. The key of any of its tracks leads here."""
    parts = ["credits", "in_numbers", "by_year", "by_month"]
    fields, found = about(
        site,
        reader,
        query,
        "ops/web/api_track",
        [f"reports/track_{one}" for one in parts],
        list(WRAPPED[:1]),
        recording_key=key,
    )
    credits, numbers, by_year, by_month = (found[f"reports/track_{one}"] for one in parts)
    fields |= {**numbers[0], "artists": credits, "by_year": by_year, "by_month": by_month}
    return answer(Track.model_validate(fields))


@router.get("/albums/{key}", **told(Album, 404, 422))
def album(reader: TheReader, site: TheSite, key: Key, query: Annotated[CountedSpan, Query()]) -> Response:
    """An album in all its editions, or a show, through the years."""
    parts = ["in_numbers", "by_year", "tracks"]
    fields, found = about(
        site,
        reader,
        query,
        "ops/web/api_album",
        [f"ops/web/api_album_{one}" for one in parts],
        list(WRAPPED[:2]),
        album_key=key,
    )
    numbers, by_year, tracks = (found[f"ops/web/api_album_{one}"] for one in parts)
    fields |= {**numbers[0], "by_year": by_year, "tracks": ranked(tracks)}
    return answer(Album.model_validate(fields))


@router.get("/search", **told(Found, 422))
def search(reader: TheReader, site: TheSite, query: Annotated[SearchQuery, Query()]) -> Response:
    """Artists and tracks among what was played whose names are like this, the best first."""
    since, until = query.days()
    counts_as = query.counts_as or reader.counts_as
    names = ["reports/search_artists", "reports/search_tracks"]
    given = {"search_text": query.q, "row_limit": query.limit}
    found = answers(site, reader, Question(names, since, until, counts_as, query.with_excluded, parameters=given))
    artists, tracks = (found[name] for name in names)
    fields = {"since_date": since, "until_date": until, "counts_as": counts_as, "artists": artists, "tracks": tracks}
    return answer(Found.model_validate(fields))
