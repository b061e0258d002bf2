"""Routes about what has a name: artists, tracks, albums, and the search for them."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from etl.reports.about import KEYS
from etl.web.api.describing import answer, router_of, told
from etl.web.api.name_models import Album, Artist, Found, Track
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
    kind: str,
    key: int,
    sections: list[str],
    shared: Sequence[str],
) -> tuple[dict[str, Any], list[Rows]]:
    """What is known of an artist, track or album with the filter of the answer, and the rows of each section.

    Raises Problem 404 where the listener never played it.
    """
    since, until = query.days()
    counts_as = query.counts_as or reader.counts_as
    header = f"ops/web/about_{kind}"
    question = Question(
        [f"reports/{one}" for one in sections],
        since,
        until,
        counts_as,
        query.with_excluded,
        header,
        KEYS[kind],
        needs_record=True,
        shared=shared,
        parameters={"key": key, "row_limit": MOST_TRACKS},
    )
    found = answers(site, reader, question)
    if not found[header]:
        raise nothing_here(kind)
    row = found[header][0]
    named = {KEYS[kind]: row["key"], f"{kind}_name": row["name"], f"{kind}_url": row["url"]}
    fields = {"since_date": since, "until_date": until, "counts_as": counts_as, **row, **named}
    return fields, [found[name] for name in question.sections]


@router.get("/artists/{key}", **told(Artist, 404, 422))
def artist(reader: TheReader, site: TheSite, key: Key, query: Annotated[CountedSpan, Query()]) -> Response:
    """An artist through the years, main or featured."""
    sections = ["artist_in_numbers", "artist_by_year", "artist_by_month", "artist_tracks"]
    fields, rows = about(site, reader, query, "artist", key, sections, WRAPPED)
    numbers, by_year, by_month, tracks = rows
    fields |= {**numbers[0], "by_year": by_year, "by_month": by_month, "tracks": ranked(tracks)}
    return answer(Artist.model_validate(fields))


@router.get("/tracks/{key}", **told(Track, 404, 422))
def track(reader: TheReader, site: TheSite, key: Key, query: Annotated[CountedSpan, Query()]) -> Response:
    """A recording through the years, by all its ids. The key of any of its tracks leads here."""
    sections = ["track_credits", "track_in_numbers", "track_by_year", "track_by_month"]
    fields, rows = about(site, reader, query, "track", key, sections, WRAPPED[:1])
    credits, numbers, by_year, by_month = rows
    fields |= {**numbers[0], "artists": credits, "by_year": by_year, "by_month": by_month}
    return answer(Track.model_validate(fields))


@router.get("/albums/{key}", **told(Album, 404, 422))
def album(reader: TheReader, site: TheSite, key: Key, query: Annotated[CountedSpan, Query()]) -> Response:
    """An album in all its editions, or a show, through the years."""
    sections = ["track_in_numbers", "album_by_year", "track_by_month", "selection_tracks"]
    fields, rows = about(site, reader, query, "album", key, sections, WRAPPED[:2])
    numbers, by_year, by_month, tracks = rows
    fields |= {**numbers[0], "by_year": by_year, "by_month": by_month, "tracks": ranked(tracks)}
    return answer(Album.model_validate(fields))


@router.get("/search", **told(Found, 422))
def search(reader: TheReader, site: TheSite, query: Annotated[SearchQuery, Query()]) -> Response:
    """Artists, albums and tracks among what was played whose names are like this, the best first."""
    since, until = query.days()
    counts_as = query.counts_as or reader.counts_as
    names = ["reports/search_artists", "reports/search_albums", "reports/search_tracks"]
    given = {"search_text": query.q, "row_limit": query.limit}
    found = answers(site, reader, Question(names, since, until, counts_as, query.with_excluded, parameters=given))
    artists, albums, tracks = (found[name] for name in names)
    fields = {"since_date": since, "until_date": until, "counts_as": counts_as}
    return answer(Found.model_validate(fields | {"artists": artists, "albums": albums, "tracks": tracks}))
