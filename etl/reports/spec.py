"""The description of a section of a report: its columns, and its presentation to people."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from etl.reports.model import Report, Section

Chart = Literal["clock", "calendar", "months", "timeline"]


@dataclass(frozen=True)
class SectionSpec:
    """The columns of a section, and its presentation to people.

    title: its heading. columns: those of its SQL, in order; JSON and CSV have them all.
    table: the columns that a person sees, in order; a section without any has sentences or a chart.
    heads: of columns whose head is not that of labels.HEADS.
    narrative: its sentences. narrates_nothing: it has some without rows, too.
    chart: clock (hours of the day), calendar (days of a year), months (of a year, with the artist of each), timeline
    (months of many years); formats that can't draw it show the table.
    unfolded: the columns of the table beneath a chart of the page, where `table` is not what the chart shows.
    few_in: the reports in which it has FEW rows, whatever the limit. most_shown: rows that a person sees at most.
    is_ranked: rows are numbered. has_bars: numbers have bars. is_hits: what a search found, some lines a row.
    is_round: its covers are of people. lists_gaps: it lists the gaps, so nothing else needs to.
    """

    title: str
    columns: tuple[str, ...]
    table: tuple[str, ...] = ()
    heads: Mapping[str, str] = field(default_factory=dict)
    narrative: Callable[[Section, Report], Iterator[str]] | None = None
    narrates_nothing: bool = False
    chart: Chart | None = None
    unfolded: tuple[str, ...] = ()
    few_in: tuple[str, ...] = ()
    most_shown: int | None = None
    is_ranked: bool = False
    has_bars: bool = False
    is_hits: bool = False
    is_round: bool = False
    lists_gaps: bool = False


def cols(names: str) -> tuple[str, ...]:
    return tuple(names.split())
