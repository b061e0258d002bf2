"""The recorded local days of a listener, and sentences about the days that are not recorded. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise

from etl.counts import many

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
FEW_SPANS = 3  # as many spans are listed; of more only their days are counted
COVERED, GAP, PARTLY, NOT_RECORDED = "covered", "gap", "partly recorded", "not recorded"


@dataclass(frozen=True)
class Days:
    """Local days in a row, both ends included, that are covered, have a gap, or are not recorded."""

    first_date: date
    last_date: date
    coverage: str

    def __len__(self) -> int:
        return (self.last_date - self.first_date).days + 1


@dataclass(frozen=True)
class Recorded:
    """The result of sql/functions/recorded_days.sql for a listener, and today by their clock.

    `covered_days` and `lost_days` are multiranges as Postgres writes them: {[2024-01-01,2024-02-09)}.
    """

    covered_days: str
    lost_days: str
    first_date: date | None  # of the first day that is recorded
    new_since: date | None  # from this day on a first play is a discovery
    today: date

    @property
    def last_date(self) -> date | None:
        """The last day that is recorded."""
        ends = [end for ranges in (self.covered_days, self.lost_days) for _, end in ranges_of(ranges)]
        return max(ends) - DAY if ends else None

    def of(self, since: date | None, until: date | None) -> list[Days]:
        """The days from `since` to `until` in runs of one coverage. Open is from the first recorded day, or to today.

        Days to come are left out.
        """
        first = since or self.first_date
        last = min(until, self.today) if until else max(self.today, self.last_date or self.today)
        if first is None or first > last:
            return []
        lost = [span for span in ranges_of(self.lost_days) if span[0] <= last and span[1] > first]
        covered = [span for span in ranges_of(self.covered_days) if span[0] <= last and span[1] > first]
        edges = {end for span in lost + covered for end in span}
        cuts = sorted({first, last + DAY, *(edge for edge in edges if first < edge <= last)})
        runs: list[Days] = []
        for begin, end in pairwise(cuts):
            coverage = GAP if is_in(begin, lost) else COVERED if is_in(begin, covered) else NOT_RECORDED
            if runs and runs[-1].coverage == coverage:
                begin = runs.pop().first_date
            runs.append(Days(begin, end - DAY, coverage))
        return runs


def ranges_of(multirange: str) -> list[tuple[date, date]]:
    """The ranges of {[2024-01-01,2024-02-09)}: first day, and the day after the last."""
    return [
        (date.fromisoformat(begin), date.fromisoformat(end))
        for begin, end in re.findall(r"\[([\d-]+),([\d-]+)\)", multirange)
    ]


def is_in(day: date, ranges: list[tuple[date, date]]) -> bool:
    return any(begin <= day < end for begin, end in ranges)


def sentences_about(recorded: Recorded, since: date | None, until: date | None, *, with_gaps: bool) -> Iterator[str]:
    """Sentences about the days of a span that are not recorded and, with_gaps, those with a gap. None if it is whole.

    since, until: local days, both included; None is open.
    """
    runs = recorded.of(since, until)
    missing = [run for run in runs if run.coverage == NOT_RECORDED]
    kept = [run for run in runs if run.coverage != NOT_RECORDED]
    if not kept:
        yield f"Not recorded{why_not(recorded, since, until)}."
    elif missing:
        yield partly(recorded, joined(kept), missing, since, until)
    lost = [run for run in runs if run.coverage == GAP]
    if with_gaps and lost:
        days = sum(map(len, lost))
        listed = listed_days(lost) if len(lost) <= FEW_SPANS else many(days, "day")
        yield f"On {listed} plays were probably lost."


def partly(recorded: Recorded, kept: list[Days], missing: list[Days], since: date | None, until: date | None) -> str:
    """A sentence: of a span with two ends, the recorded days; of an open one, the others."""
    if since and until:
        count = sum(map(len, kept))
        listed = (
            listed_days(kept)
            if len(kept) <= FEW_SPANS
            else f"{count:,} of {many(count + sum(map(len, missing)), 'day')}"
        )
        return f"Recorded: {listed}; the rest{of_what(since, until)} is not recorded."
    if len(missing) > FEW_SPANS:
        return (
            f"Not recorded: {many(sum(map(len, missing)), 'day')}, the last of them {long_day(missing[-1].last_date)}."
        )
    *before, last = missing
    if last.last_date < recorded.today:
        return f"Not recorded: {listed_days(missing)}."
    ending = f"since {long_day(last.first_date)}"
    return f"Not recorded: {listed_days(before)} and {ending}." if before else f"Not recorded {ending}."


def hours_recorded(spans: list[tuple[datetime, datetime]], day: date, zone: tzinfo) -> str:
    """A sentence about the recorded hours of a past day; empty if all of it is, or if there are no spans.

    spans: (starts_at, ends_at), aware, covered or with a gap; those less than a minute apart count as one.
    """
    begin, end = (datetime.combine(one, time(), zone).astimezone(UTC) for one in (day, day + DAY))
    joined_spans: list[tuple[datetime, datetime]] = []
    for starts_at, ends_at in sorted(spans):
        starts_at, ends_at = max(starts_at.astimezone(UTC), begin), min(ends_at.astimezone(UTC), end)
        if joined_spans and starts_at - joined_spans[-1][1] < MINUTE:
            starts_at, before = joined_spans.pop()
            ends_at = max(before, ends_at)
        joined_spans.append((starts_at, ends_at))
    parts = []
    for starts_at, ends_at in joined_spans:
        from_the_start, to_the_end = starts_at - begin < MINUTE, end - ends_at < MINUTE
        since = "" if from_the_start else f"from {starts_at.astimezone(zone):%H:%M}"
        until = "" if to_the_end else f"{'to' if since else 'until'} {ends_at.astimezone(zone):%H:%M}"
        parts.append(f"{since} {until}".strip())
    if not any(parts):
        return ""
    if len(parts) > FEW_SPANS:
        return f"Recorded: {many(len(parts), 'part')} of the day; the rest of it is not recorded."
    *before_last, last = parts
    return (
        f"Recorded {', '.join(before_last)}{' and ' if before_last else ''}{last}; the rest of the day is not recorded."
    )


def why_not(recorded: Recorded, since: date | None, until: date | None) -> str:
    if since and since > recorded.today:
        return " yet"
    if recorded.first_date and until and until < recorded.first_date:
        return f": the record begins on {long_day(recorded.first_date)}"
    if recorded.last_date and since and since > recorded.last_date:
        return f": the record ends on {long_day(recorded.last_date)}"
    return ""


def joined(runs: list[Days]) -> list[Days]:
    """Recorded runs that follow one another, as one, whether or not plays were lost in them."""
    found: list[Days] = []
    for run in runs:
        if found and found[-1].last_date + DAY == run.first_date:
            found[-1] = Days(found[-1].first_date, run.last_date, COVERED)
        else:
            found.append(run)
    return found


def of_what(since: date, until: date) -> str:
    if (since.month, since.day, until.month, until.day, since.year) == (1, 1, 12, 31, until.year):
        return f" of {since.year}"
    if since.day == 1 and (until + DAY).day == 1 and (since.year, since.month) == (until.year, until.month):
        return f" of {since:%B %Y}"
    return ""


def listed_days(runs: list[Days]) -> str:
    """1 January to 8 February 2024, 3 March 2024 and 5 May 2024."""
    *before, last = map(days_in_words, runs)
    return f"{', '.join(before)} and {last}" if before else last


def days_in_words(days: Days) -> str:
    first, last = days.first_date, days.last_date
    if first == last:
        return long_day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {long_day(last)}"
    return f"{first.day} {first:%B}{f' {first.year}' if first.year != last.year else ''} to {long_day(last)}"


def long_day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"
