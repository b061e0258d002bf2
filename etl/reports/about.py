"""Reports about one thing, by its key: an artist, a recording, an album, a genre, a context, through the years."""

from dataclasses import replace
from typing import Any

from etl.reports.model import Report
from etl.reports.query import Reporter
from etl.warehouse.statements import run

KEYS = {  # the name in query.ABOUT of what each report is about
    "artist": "artist_key",
    "track": "recording_key",
    "album": "album_key",
    "genre": "genre_name",
    "context": "context_key",
}


def about(reporter: Reporter, kind: str, title: str, key: Any, track_key: int | None = None) -> Report:
    """The report of a key of KEYS, from the first play to the last. track_key: of a recording, whose credits stand.

    If the listener's rules leave all of it out, it is shown all the same: the report's criteria say so.
    """
    criteria = reporter.criteria
    parameters = {KEYS[kind]: key, "track_key": track_key}
    reporter.prepare(**{KEYS[kind]: key})
    if reporter.left_out and not criteria.with_excluded and not has_listens(reporter):
        run(reporter.connection, "reports/shared/forget")
        reporter = Reporter(reporter.connection, replace(criteria, with_excluded=True), reporter.now)
        reporter.prepare(**{KEYS[kind]: key})
    return reporter.report(kind, title, *reporter.sections_of(kind, **parameters))


def has_listens(reporter: Reporter) -> bool:
    """Whether anything is left of what the reporter has prepared, however short."""
    [row] = run(reporter.connection, "reports/shared/has_listens")
    return bool(row.has_listens)
