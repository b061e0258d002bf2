"""The history as pages for people; formats/history.py writes all of it for programs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from etl.reports.model import Report, ReportError, Section
from etl.reports.query import NO_FILTER, Reporter
from etl.warehouse.statements import run

PAGE = 50  # rows


def next_plays(reporter: Reporter, filters: Mapping[str, Any]) -> tuple[Section, bool]:
    """The newest plays under these filters, as many as the criteria's row_limit, and whether there are older ones.

    filters: some of NO_FILTER; with before_at and before_key only plays older than that one.
    """
    limit = reporter.criteria.row_limit or PAGE
    found = reporter.fetch("history", **{**NO_FILTER, **filters}, row_limit=limit + 1)
    return replace(found, rows=found.rows[:limit]), len(found.rows) > limit


def page(reporter: Reporter, number: int, filters: dict[str, int | None], about: str) -> Report:
    """A page of the history, newest first; pages count from 1.

    filters, about: of `Reporter.history_filters`. Raises ReportError beyond the last page.
    """
    limit = reporter.criteria.row_limit or PAGE
    found = reporter.fetch("history", **{**NO_FILTER, **filters}, row_limit=limit + 1, row_offset=(number - 1) * limit)
    if number > 1 and not found.rows:
        [whole] = run(reporter.connection, "reports/shared/history_count", **{**reporter.parameters, **filters})
        if whole.play_count:
            last = -(-whole.play_count // limit)
            raise ReportError(f"There is no page {number}; the last one is {last}.")
    is_more = len(found.rows) > limit
    shown = replace(found, rows=found.rows[:limit])
    if reporter.left_out:
        marked = [row["listened_ms"] or 0 for row in shown.records() if row["is_excluded"]]
        reporter.left_out = replace(reporter.left_out, play_count=len(marked), listened_ms=sum(marked))
    note = f"Older plays: page {number + 1} (--page {number + 1})." if is_more else ""
    title = f"Everything played{about}" if number == 1 else f"Everything played{about}, page {number}"
    return reporter.report("history", title, shown, note=note)
