"""Reports as Markdown."""

import re
from collections.abc import Iterator

from etl.reports.formats.labels import LINKS, columns_of, head_of, is_number, nothing, shown, shown_records, subtitle
from etl.reports.formats.sentences import recorded_sentences, sentences
from etl.reports.formats.text import PICTURES
from etl.reports.query import Report, Section


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
