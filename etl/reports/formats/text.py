"""Reports as text for a terminal of 80 columns, and as Markdown."""

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from etl.counts import many
from etl.reports.formats.labels import (
    RANKED,
    columns_of,
    head_of,
    in_a_line,
    is_number,
    nothing,
    shown,
    shown_records,
    subtitle,
)
from etl.reports.formats.sentences import recorded_sentences, sentences
from etl.reports.query import Report, Section
from etl.terminal import plain

BLOCKS = " ▁▂▃▄▅▆▇█"
UNRECORDED = "░"
BAR = 8  # cells of a bar beside a number
WITH_BARS = {
    "top_tracks",
    "top_artists",
    "top_albums",
    "top_genres",
    "top_shows",
    "plays_by_month",
}
HITS = {"search_artists", "search_tracks"}
MONTHS = {"artist_by_month", "track_by_month"}
PICTURES = {"plays_by_day"}  # too long for a terminal; the page has it as a picture


def as_text(report: Report) -> str:
    """The report for 80 columns, without colour."""
    return plain(as_renderable(report))


def as_renderable(report: Report) -> RenderableType:
    """The report for a terminal."""
    parts: list[RenderableType] = [Text(in_a_line(report.title), style="bold")]
    if said := subtitle(report):
        parts.append(Text(said, style="dim"))
    parts += [Text(said, style="yellow") for said in recorded_sentences(report)]
    for section in report.sections:
        drawn = list(drawn_section(section, report))
        if drawn:
            parts += [Text(), Text(section.title, style="bold cyan"), *drawn]
    if report.asked and report.is_empty and (said := nothing(report)):
        parts += [Text(), Text(said)]
    if report.note:
        parts += [Text(), Text(in_a_line(report.note))]
    return Group(*parts)


def drawn_section(section: Section, report: Report) -> Iterator[RenderableType]:
    if section.name == "plays_by_hour":
        if not any(row["play_count"] for row in section.records()):
            return
        yield clock(section)
    elif section.name in MONTHS and section.rows:
        yield months(section)
    elif section.name in HITS:
        yield from hits(section, report)
    elif columns_of(section):
        yield table(section, report)
    for said in sentences(section, report):
        yield Text(said)


def table(section: Section, report: Report) -> Table:
    """Names take what room the numbers leave; a bar shows how the first number falls."""
    zone = report.asked.listener.time_zone if report.asked else None
    columns = columns_of(section)
    records = shown_records(section)
    is_wide = not all(map(is_number, columns))
    drawn = Table(box=box.SIMPLE_HEAD, expand=is_wide, pad_edge=False, show_edge=False)
    if section.name in RANKED:
        drawn.add_column("", justify="right", style="dim", no_wrap=True)
    for column in columns:
        if is_number(column):
            drawn.add_column(head_of(section, column), justify="right", no_wrap=True)
        elif column.endswith(("_at", "_date")) or column == "coverage":
            drawn.add_column(head_of(section, column), no_wrap=True)
        else:
            drawn.add_column(
                head_of(section, column), ratio=3 if column == columns[0] else 2, no_wrap=True, overflow="ellipsis"
            )
    measure = (
        ("listened_ms" if report.asked and report.asked.by == "time" else "play_count")
        if section.name in WITH_BARS
        else None
    )
    if measure:
        drawn.add_column("", width=BAR, no_wrap=True, style="green")
    most = max((record[measure] or 0 for record in records), default=0) if measure else 0
    for number, record in enumerate(records, start=1):
        cells = [Text(shown(column, record[column], zone)) for column in columns]
        rank = [Text(str(number))] if section.name in RANKED else []
        bar = [Text("█" * round(BAR * (record[measure] or 0) / (most or 1)))] if measure else []
        drawn.add_row(*rank, *cells, *bar)
    return drawn


def hits(section: Section, report: Report) -> Iterator[RenderableType]:
    """What was found, three lines each: what it is, its numbers, where Spotify shows it."""
    zone = report.asked.listener.time_zone if report.asked else None
    for record in section.records():
        name = in_a_line(record.get("track_name") or record.get("artist_name") or "")
        by = in_a_line(record.get("artist_names") or "")
        yield Text(f"{name} by {by}" if by else name, style="bold", no_wrap=True, overflow="ellipsis")
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
