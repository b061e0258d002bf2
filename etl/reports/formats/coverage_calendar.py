"""The recorded days of a record through the years, as calendars: what is covered, lost, and not recorded.

The three are told apart by shape as well as by colour: a full square, a square that is crossed out, a hollow one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from markupsafe import Markup, escape

from etl.counts import many
from etl.reports.formats.charts import ACCENT, FAINT, INK, OUTLINE, WEEKDAYS
from etl.reports.formats.drawing import JOIN, Picture, element, picture, words
from etl.reports.recorded_days import COVERED, GAP, NOT_RECORDED, Days, days_in_words

DAY = timedelta(days=1)
PITCH, SIDE, LEFT, TOP = 12, 10, 30, 20
MEANINGS = {COVERED: "covered", GAP: "plays were probably lost", NOT_RECORDED: "not recorded"}


@dataclass(frozen=True)
class Year:
    """A year as two halves, and how many of its days are covered, lost and not recorded."""

    year: int
    pictures: tuple[Picture, ...]
    counts: dict[str, int]


def years(runs: Sequence[Days]) -> list[Year]:
    """The years of these days, the latest first. Days before the first and after the last are left blank."""
    if not runs:
        return []
    return [year_of(runs, year) for year in range(runs[-1].last_date.year, runs[0].first_date.year - 1, -1)]


def year_of(runs: Sequence[Days], year: int) -> Year:
    within = cut(runs, date(year, 1, 1), date(year + 1, 1, 1))
    counts: Counter[str] = Counter()
    for run in within:
        counts[run.coverage] += len(run)
    ends = date(year, 1, 1), date(year, 7, 1), date(year + 1, 1, 1)
    return Year(year, tuple(half_year(runs, *half) for half in pairwise(ends)), dict(counts))


def cut(runs: Sequence[Days], start: date, end: date) -> list[Days]:
    """The runs from `start` until before `end`."""
    return [
        Days(max(run.first_date, start), min(run.last_date, end - DAY), run.coverage)
        for run in runs
        if run.first_date < end and run.last_date >= start
    ]


def half_year(runs: Sequence[Days], start: date, end: date) -> Picture:
    """Half a year, a column a week from Monday."""
    monday = start - timedelta(days=start.weekday())
    within = cut(runs, start, end)
    names = [
        {"x": 0, "y": TOP + PITCH * number + 5.5, "text": WEEKDAYS[number], "fill": FAINT} for number in (0, 2, 4, 6)
    ]
    for month in range(start.month, start.month + 6):
        first = date(start.year, month, 1)
        week, weekday = divmod((first - monday).days, 7)
        names.append({"x": LEFT + PITCH * (week + (weekday > 0)), "y": 8, "text": f"{first:%b}", "fill": FAINT})
    marks = JOIN.join(run_of_days(run, monday) for run in within)
    caption = f"{start:%B} to {end - DAY:%B %Y}: {in_words(within)}."
    return picture([marks, words(names, 12, "left")], LEFT + 28 * PITCH, TOP + 7 * PITCH, caption)


def run_of_days(run: Days, monday: date) -> Markup:
    """The squares of days in a row, as one path with one title."""
    squares = []
    for number in range(len(run)):
        week, weekday = divmod((run.first_date + number * DAY - monday).days, 7)
        squares.append(square(LEFT + PITCH * week, TOP + PITCH * weekday, run.coverage))
    title = element("title", escape(f"{days_in_words(run)}: {MEANINGS[run.coverage]}"))
    return element("path", title, d="".join(squares), **LOOKS[run.coverage])


LOOKS = {
    COVERED: {"fill": ACCENT, "stroke": ACCENT},
    GAP: {"fill": "transparent", "stroke": INK},
    NOT_RECORDED: {"fill": "transparent", "stroke": OUTLINE},
}


def square(x: int, y: int, coverage: str) -> str:
    """A square as path data; of a gap crossed out, of a day that is not recorded a smaller one."""
    if coverage == NOT_RECORDED:
        return f"M{x + 2} {y + 2}h6v6h-6z"
    outline = f"M{x} {y}h{SIDE}v{SIDE}h-{SIDE}z"
    return f"{outline}l{SIDE} {SIDE}m-{SIDE} 0l{SIDE} -{SIDE}" if coverage == GAP else outline


def in_words(runs: Sequence[Days]) -> str:
    """How many of these days are what: 170 days covered, 3 days in which plays were probably lost."""
    counts: Counter[str] = Counter()
    for run in runs:
        counts[run.coverage] += len(run)
    phrases = {COVERED: "covered", GAP: "in which plays were probably lost", NOT_RECORDED: "not recorded"}
    return (
        ", ".join(f"{many(counts[kind], 'day')} {words}" for kind, words in phrases.items() if counts[kind])
        or "no days"
    )


def legend() -> list[tuple[Markup, str]]:
    """Each mark as a picture, and what it means."""
    return [
        (
            element(
                "svg",
                element("path", Markup(), d=square(1, 1, kind), **LOOKS[kind]),
                viewBox="0 0 12 12",
                **{"aria-hidden": "true"},
            ),
            meaning,
        )
        for kind, meaning in MEANINGS.items()
    ]
