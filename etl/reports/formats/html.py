"""Reports as HTML pages: one file each, without scripts, fetching nothing but covers."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from etl.counts import duration, many
from etl.paths import TEMPLATES
from etl.reports import labels
from etl.reports.formats import charts
from etl.reports.formats.drawing import Picture
from etl.reports.formats.layout import (
    columns_of,
    head_of,
    left_out_sentence,
    recorded_sentences,
    sentences,
    shown_records,
)
from etl.reports.model import COUNTS_AS, Report, Section
from etl.reports.narrative import nothing
from etl.reports.recorded_days import NOT_RECORDED
from etl.reports.sections import spec_of

COVERS = ("scdn.co", "spotifycdn.com")  # Spotify's covers are on hosts below these
MOST_MONTHS = 24  # that are drawn one by one, each with its artist
JUNE = 6
NAMES = ("track_name", "artist_name", "album_name", "show_name", "genre_name")


@dataclass(frozen=True)
class Cell:
    """A value as a person reads it."""

    column: str
    text: str
    url: str = ""
    below: str = ""  # who it is by
    unit: str = ""  # what it counts, where there is no room for heads
    is_none: bool = False  # a count of nothing, which needs no words there
    page: str = ""  # of the web application, about what is named
    by: tuple[tuple[str, str], ...] = ()  # each artist below: page and name

    @property
    def kind(self) -> str:
        return "name" if self.column in NAMES else "number" if labels.is_number(self.column) else "text"


@dataclass(frozen=True)
class Line:
    """A row of a table."""

    cells: tuple[Cell, ...]
    cover: str = ""
    url: str = ""  # where the cover links to
    share: float | None = None  # of the longest bar


@dataclass(frozen=True)
class Table:
    """A part of a report as a table."""

    heads: tuple[tuple[str, str], ...]  # column and what stands above it
    lines: tuple[Line, ...]
    is_ranked: bool = False
    has_covers: bool = False
    is_round: bool = False
    has_names: bool = False  # such a table can be shown as lines on a narrow screen


@dataclass(frozen=True)
class Part:
    """A section of a report for the templates: its table, sentences and pictures, as far as it has them."""

    name: str
    title: str
    table: Table | None
    sentences: tuple[str, ...]
    pictures: tuple[Picture, ...]
    first: dict[str, Any]

    def __bool__(self) -> bool:
        return bool(self.table or self.sentences or self.pictures)


def as_html(report: Report) -> str:
    """The report as a page of its own."""
    environment = environment_of((TEMPLATES,))
    template = "wrapped.html" if report.name == "wrapped" and report.criteria else "report.html"
    style = environment.get_template("page.css").render().strip()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template(template).render(
        **values_of(report),
        covers=" ".join(f"https://*.{host}" for host in COVERS),
        style=Markup(style),  # noqa: S704  # our own file, which holds no value
        style_hash=f"sha256-{digest}",
    )


def values_of(report: Report) -> dict[str, Any]:
    """What the templates of a report need of it, besides its style."""
    zone = zone_of(report)
    return {
        "nothing": nothing(report),
        "report": report,
        "parts": {section.name: part(section, report) for section in report.sections},
        "subtitle": labels.subtitle(report),
        "recorded": recorded_sentences(report),
        "left_out": left_out_sentence(report),
        "counts_as": COUNTS_AS[report.criteria.counts_as] if report.criteria else "",
        "who": who(report),
        "zone": zone,
        "made_at": labels.moment(report.made_at, zone),
    }


@cache
def environment_of(folders: tuple[Path, ...]) -> Environment:
    """Templates of these folders, with what those of reports need. The first that has a template counts."""
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "plain": plain,
        "day": labels.day,
        "duration": duration,
        "many": many,
        "moment": labels.moment,
        "cover": cover,
        "link": link,
    }
    return environment


def zone_of(report: Report) -> tzinfo | None:
    return report.criteria.listener.time_zone if report.criteria else None


def who(report: Report) -> str:
    if report.criteria is None:
        return ""
    return plain(report.criteria.listener.listener_name or report.criteria.listener.listener_id)


def part(section: Section, report: Report) -> Part:
    """A section for the templates; its table only if its pictures do not replace it."""
    drawn = tuple(pictures(section, report))
    is_table = drawn or not spec_of(section).unfolded
    prose = tuple(sentences(section, report))
    return Part(section.name, section.title, table(section, report) if is_table else None, prose, drawn, section.first)


def table(section: Section, report: Report) -> Table | None:
    """The table of a section; None for a section without rows or without a table."""
    spec = spec_of(section)
    columns = list(spec.unfolded or columns_of(section))
    if not columns or not section.rows:
        return None
    named = [column for column in columns if column in NAMES]
    below = "artist_names" if named and "artist_names" in columns else ""
    columns = [column for column in columns if column != below]
    records = shown_records(section)
    if spec.chart == "calendar":  # the picture shows the others
        records = [record for record in records if record["play_count"]]
    measure = measure_of(report)
    most = max(record.get("most_value") or record[measure] for record in records) if spec.is_ranked else 0
    lines = [
        Line(
            tuple(cell(column, record, below, zone_of(report)) for column in columns),
            cover(record.get("image_url")),
            next((link(record.get(labels.LINKS.get(column, ""))) for column in named), ""),
            record[measure] / most if most else None,
        )
        for record in records
    ]
    heads = tuple((column, head_of(section, column)) for column in columns)
    return Table(
        heads,
        tuple(lines),
        is_ranked=spec.is_ranked,
        has_covers=any(line.cover for line in lines),
        is_round=spec.is_round,
        has_names=bool(named),
    )


def cell(column: str, record: dict[str, Any], below: str, zone: tzinfo | None) -> Cell:
    """A value of a record. below: the column with its artists, or ""."""
    value = record[column]
    is_name = isinstance(value, str) and column != "coverage"
    head = labels.HEADS.get(column, "").lower()
    text = charts.span_of(value) if column == "hour" else plain(value) if is_name else labels.shown(column, value, zone)
    return Cell(
        column,
        text,
        url=link(record.get(labels.LINKS.get(column, ""))),
        below=plain(record[below] or "") if below and column in NAMES else "",
        page=labels.page_of(column, record),
        by=tuple((f"/artists/{key}", plain(name)) for key, name in record.get("artists") or () if below),
        unit=head.removesuffix("s") if value == 1 else head,
        is_none=(column == "featured_play_count" and not value)
        or (column == "coverage" and not text)
        or (value is None and record.get("coverage") == NOT_RECORDED),
    )


def pictures(section: Section, report: Report) -> list[Picture]:
    """The charts of a section, by plays or by time as the filter of the report has it."""
    drawn: dict[str, Callable[[], list[Picture]]] = {
        "clock": lambda: [charts.clock(section.records(), measure_of(report))],
        "calendar": lambda: calendars(section, report),
        "months": lambda: [
            (charts.months if len(section.rows) <= MOST_MONTHS else charts.history)(
                section.records(), measure_of(report)
            )
        ],
        "timeline": lambda: [charts.history(section.records(), measure_of(report))],
    }
    is_played = any(record.get(measure_of(report)) for record in section.records())
    chart = spec_of(section).chart
    return drawn[chart]() if chart and is_played else []


def calendars(section: Section, report: Report) -> list[Picture]:
    """The half-years of the days of a section, on one scale; of a report about one year both, whatever is to come."""
    days, measure = section.records(), measure_of(report)
    first = year_of(section, report)
    last = max(first, days[-1]["local_date"].year)
    drawn = [half for year in range(first, last + 1) for half in charts.calendar(days, year, measure)]
    if report.name != "times":
        return drawn
    skipped = (days[0]["local_date"].month > JUNE, days[-1]["local_date"].month <= JUNE)
    return drawn[skipped[0] : len(drawn) - skipped[1]]


def measure_of(report: Report) -> str:
    return "listened_ms" if report.criteria and report.criteria.by == "time" else "play_count"


def year_of(section: Section, report: Report) -> int:
    since = report.criteria.since_date if report.criteria else None
    first: date = since or section.first["local_date"]
    return first.year


def plain(text: str) -> str:
    """A name in one line, without the isolation marks of text: on a page `<bdi>` does their work."""
    return labels.in_a_line(text).removeprefix(labels.FIRST_STRONG).removesuffix(labels.END)


def link(url: str | None) -> str:
    """The address, if a name may link to it; else ""."""
    return url if url and url.startswith("https://") else ""


def cover(url: str | None) -> str:
    """The address of a cover, if the page may fetch it; else ""."""
    return url if url and re.match(rf"https://[a-z0-9.-]+\.({'|'.join(map(re.escape, COVERS))})/", url) else ""
