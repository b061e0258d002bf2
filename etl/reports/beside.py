"""A second report within the transaction of the first: what a span is compared with."""

from dataclasses import replace
from datetime import date
from typing import Any

from etl.reports.model import Section
from etl.reports.query import Reporter
from etl.reports.recorded_days import NOT_RECORDED
from etl.warehouse.statements import run

KEYS = {  # of each ranking: the column by which a row is found again in another span
    "tracks": "recording_key",
    "artists": "artist_key",
    "albums": "album_key",
    "genres": "genre_name",
    "shows": "album_key",
}


def other_span(reporter: Reporter, since: date, until: date) -> Reporter | None:
    """A reporter of the same criteria for other days; None if nothing of them is recorded.

    The shared tables of `reporter` are gone then, so its own sections have to be fetched before.
    """
    if all(run_of_days.coverage == NOT_RECORDED for run_of_days in reporter.recorded.of(since, until)):
        return None
    run(reporter.connection, "reports/shared/forget")
    criteria = replace(reporter.criteria, since_date=since, until_date=until)
    return Reporter(reporter.connection, criteria, reporter.now)


def keys_of(section: Section, kind: str) -> list[Any]:
    """The keys of the rows of a ranking, in order. kind: a key of KEYS."""
    return [record[KEYS[kind]] for record in section.records()]


def places(reporter: Reporter, kind: str, keys: list[Any]) -> dict[Any, int]:
    """The places of these in the reporter's ranking, by key; without those that were not played.

    kind: a key of KEYS. The reporter has prepared report_track, and for artists and genres report_credit.
    """
    rows = run(reporter.connection, f"reports/shared/places_{kind}", **reporter.parameters, keys=keys)
    return {row.key: row.place for row in rows}
