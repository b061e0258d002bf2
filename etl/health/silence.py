"""Runs that succeed but bring no play, for much longer than this listener was ever silent before."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from etl.clock import span_in_words
from etl.health.findings import Finding
from etl.notices import moment
from etl.warehouse.statements import run

# Silence is a finding after a week, and after three times the longest silence of the year before. The record of that
# year must have enough plays, over enough time, to show what is usual.
SHORTEST = timedelta(days=7)
TIMES = 3
USUAL_PLAYS = 100
USUAL_SPAN = timedelta(days=90)


def quiet_findings(connection: Connection) -> Iterator[Finding]:
    """A finding for each listener who has been silent unusually long. Reads facts only after a week without a play."""
    return quiet_findings_from(dict(row._mapping) for row in run(connection, "ops/health/quiet", shortest=SHORTEST))


def quiet_findings_from(rows: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """The findings from the rows of sql/ops/health/quiet.sql."""
    for one in rows:
        silence = one["checked_at"] - one["played_at"]
        longest = timedelta(seconds=float(one["longest_s"] or 0))
        is_known_well = one["play_count"] >= USUAL_PLAYS and float(one["span_s"] or 0) >= USUAL_SPAN.total_seconds()
        if is_known_well and silence >= TIMES * longest:
            yield Finding(
                "quiet",
                f"{one['listener_key']} {one['played_at']:%Y-%m-%dT%H:%M}",
                "Runs succeed, but bring no plays",
                f"There has been no play for {span_in_words(silence)}, since {moment(one['played_at'])}. In the year"
                f" before, the longest time without one was {span_in_words(longest)}. If you did listen: is a private"
                " session on, or did you use another Spotify account than the one that is logged in here? If you did"
                " not, ignore this: it closes by itself with the next play.",
            )
