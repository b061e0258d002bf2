"""Reports as text for a terminal of 80 columns, and as Markdown."""

import io
import re
from collections.abc import Iterator

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from etl.reports import Report, Section
from etl.sentences import recorded_sentences, sentences
from etl.wording import (
    LINKS,
    RANKED,
    columns_of,
    head_of,
    in_a_line,
    is_number,
    many,
    nothing,
    shown,
    shown_records,
    subtitle,
)

BLOCKS = " ▁▂▃▄▅▆▇█"
UNRECORDED = "░"
WIDTH = 80
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


def terminal() -> Console:
    """Standard output, no wider than reads well; in a file or pipe as wide as on a small terminal, and without colour."""
    console = Console(highlight=False)
    return Console(highlight=False, width=min(console.width, WIDTH) if console.is_terminal else WIDTH)


def as_text(report: Report) -> str:
    """The report for 80 columns, without colour."""
    return plain(as_renderable(report))


def plain(shown: RenderableType) -> str:
    """What a terminal would show, as text of 80 columns, without colour."""
    written = io.StringIO()
    Console(file=written, highlight=False, width=WIDTH, color_system=None).print(shown)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"


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


def as_markdown(report: Report) -> str:
    """The report as GitHub shows Markdown: names link to Spotify."""
    return "\n".join(markdown_lines(report)) + "\n"


def markdown_lines(report: Report) -> Iterator[str]:
    zone = report.asked.listener.time_zone if report.asked else None
    yield f"# {escaped(report.title)}"
    if said := subtitle(report):
        yield f"\n{escaped(said)}"
    yield from (f"\n**{escaped(said)}**" for said in recorded_sentences(report))
    for section in report.sections:
        lines = list(markdown_table(section, zone)) if section.rows and section.name not in PICTURES else []
        told = sentences(section, report)
        if lines or told:
            yield f"\n## {escaped(section.title)}\n"
        yield from lines
        if lines and told:
            yield ""
        yield from (f"{escaped(said)}  " for said in told)
    if report.asked and report.is_empty and (said := nothing(report)):
        yield f"\n{said}"
    if report.note:
        yield f"\n{escaped(report.note)}"


def markdown_table(section: Section, zone: object) -> Iterator[str]:
    if section.name == "plays_by_hour":
        yield from markdown_hours(section)
        return
    columns = columns_of(section)
    if not columns:
        return
    yield "| " + " | ".join(head_of(section, column) for column in columns) + " |"
    yield "|" + "|".join("--:" if is_number(column) else "---" for column in columns) + "|"
    for record in shown_records(section):
        yield "| " + " | ".join(markdown_cell(column, record, zone) for column in columns) + " |"


def markdown_hours(section: Section) -> Iterator[str]:
    """A chart that GitHub draws."""
    counts = [record["play_count"] or 0 for record in section.records()]
    if any(counts):
        yield "```mermaid\nxychart-beta"
        yield "    x-axis " + str([record["hour"] for record in section.records()])
        yield '    y-axis "Plays"'
        yield f"    bar {counts}\n```"


def markdown_cell(column: str, record: dict[str, object], zone: object) -> str:
    text = escaped(shown(column, record[column], zone))  # type: ignore[arg-type]
    link = record.get(LINKS.get(column, ""))
    return f"[{text}]({link})" if link and text else text


def escaped(text: str) -> str:
    """A text that means itself in Markdown, in a table and at the beginning of a line too."""
    text = re.sub(r"([\\`*_\[\]<>|~$&#])", r"\\\1", text)
    # what GitHub makes of its own accord: mentions, addresses, pictures
    text = re.sub(r"@|:(?=//|\w+:)|(?<=www)\.", lambda found: f"&#{ord(found[0])};", text, flags=re.IGNORECASE)
    return re.sub(r"^(\d*)([-+.)])", r"\1\\\2", text)
