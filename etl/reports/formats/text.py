"""Reports as text for a terminal of 80 columns."""

from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from etl.counts import many
from etl.reports.formats.layout import (
    columns_of,
    head_of,
    left_out_sentence,
    recorded_sentences,
    sentences,
    shown_records,
)
from etl.reports.labels import in_a_line, is_number, shown, subtitle
from etl.reports.model import Report, Section
from etl.reports.narrative import nothing
from etl.reports.sections import spec_of
from etl.terminal import plain

BLOCKS = " ▁▂▃▄▅▆▇█"
UNRECORDED = "░"
BAR = 8  # cells of a bar beside a number


def as_text(report: Report) -> str:
    """The report for 80 columns, without colour."""
    return plain(as_renderable(report))


def as_renderable(report: Report) -> RenderableType:
    """The report for a terminal."""
    parts: list[RenderableType] = [Text(in_a_line(report.title), style="bold")]
    if line := subtitle(report):
        parts.append(Text(line, style="dim"))
    parts += [Text(sentence, style="yellow") for sentence in recorded_sentences(report)]
    if line := left_out_sentence(report):
        parts.append(Text(line, style="dim"))
    for section in report.sections:
        drawn = list(drawn_section(section, report))
        if drawn:
            parts += [Text(), Text(section.title, style="bold cyan"), *drawn]
    if report.criteria and report.is_empty and (sentence := nothing(report)):
        parts += [Text(), Text(sentence)]
    if report.note:
        parts += [Text(), Text(in_a_line(report.note))]
    return Group(*parts)


def drawn_section(section: Section, report: Report) -> Iterator[RenderableType]:
    """The chart, hits or table of a section, then its sentences; nothing where there is nothing to show."""
    spec = spec_of(section)
    if spec.chart == "clock":
        if not any(row["play_count"] for row in section.records()):
            return
        yield clock(section)
    elif spec.chart == "timeline" and section.rows:
        yield months(section)
    elif spec.is_hits:
        yield from hits(section, report)
    elif columns_of(section):
        yield table(section, report)
    for sentence in sentences(section, report):
        yield Text(sentence)


def table(section: Section, report: Report) -> Table:
    """The table of a section. Names share the width that numbers leave; bars show the report's measure."""
    spec = spec_of(section)
    columns = columns_of(section)
    records = shown_records(section)
    is_wide = not all(map(is_number, columns))
    drawn = Table(box=box.SIMPLE_HEAD, expand=is_wide, pad_edge=False, show_edge=False)
    if spec.is_ranked:
        drawn.add_column("", justify="right", style="dim", no_wrap=True)
    for column in columns:
        drawn.add_column(head_of(section, column), no_wrap=True, **column_style(column, is_first=column == columns[0]))
    if spec.has_bars:
        drawn.add_column("", width=BAR, no_wrap=True, style="green")
    most = max((record[report.measure] or 0 for record in records), default=0) if spec.has_bars else 0
    for number, record in enumerate(records, start=1):
        cells = [Text(shown(column, record[column], report.time_zone)) for column in columns]
        rank = [Text(str(number))] if spec.is_ranked else []
        bar = [Text("█" * round(BAR * (record[report.measure] or 0) / (most or 1)))] if spec.has_bars else []
        drawn.add_row(*rank, *cells, *bar)
    return drawn


def column_style(column: str, *, is_first: bool) -> dict[str, Any]:
    """Options of Table.add_column(): numbers on the right; days and times never cut; names share the rest."""
    if is_number(column):
        return {"justify": "right"}
    if column.endswith(("_at", "_date")) or column == "coverage":
        return {}
    return {"ratio": 3 if is_first else 2, "overflow": "ellipsis"}


def hits(section: Section, report: Report) -> Iterator[RenderableType]:
    """The matches of a search, three lines each: name, numbers, address at Spotify."""
    zone = report.time_zone
    for record in section.records():
        name = in_a_line(record.get("track_name") or record.get("artist_name") or "")
        artists = in_a_line(record.get("artist_names") or "")
        yield Text(f"{name} by {artists}" if artists else name, style="bold", no_wrap=True, overflow="ellipsis")
        last = shown("last_played_at", record["last_played_at"], zone)
        yield Text(
            f"  {many(record['play_count'], 'play')}, {shown('listened_ms', record['listened_ms'], zone)}, last {last}"
        )
        if url := record.get("track_url") or record.get("artist_url"):
            yield Text(f"  {url}", style="dim")


def clock(section: Section) -> RenderableType:
    """The hours of the day as columns, three characters each."""
    records = section.records()
    most = max(record["play_count"] or 0 for record in records) or 1
    lines = []
    for level in range(3, -1, -1):
        heights = [32 * (record["play_count"] or 0) / most - 8 * level for record in records]
        lines.append(
            Text("".join(BLOCKS[max(0, min(8, round(height)))] * 2 + " " for height in heights).rstrip(), style="cyan")
        )
    scale = "".join(f"{record['hour']:<6}" if record["hour"] % 2 == 0 else "" for record in records)
    return Group(*lines, Text(scale, style="dim"))


def months(section: Section) -> RenderableType:
    """Months as columns, a line a year."""
    records = section.records()
    most = max(record["play_count"] or 0 for record in records) or 1
    years: dict[int, list[str]] = {}
    for record in records:
        line = years.setdefault(record["month_date"].year, ["  "] * 12)
        height = round(8 * (record["play_count"] or 0) / most)
        mark = BLOCKS[max(1, height)] if record["play_count"] else UNRECORDED if record["play_count"] is None else "·"
        line[record["month_date"].month - 1] = f" {mark}"
    scale = "      " + " ".join("JFMAMJJASOND")
    if any(record["play_count"] is None for record in records):
        scale += f"   {UNRECORDED} not recorded"
    return Group(
        *(Text(f"{year} {''.join(line)}", style="cyan") for year, line in years.items()), Text(scale, style="dim")
    )
