"""Reports as Markdown, as GitHub shows it."""

import re
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from etl.reports.formats.layout import (
    columns_of,
    head_of,
    left_out_sentence,
    recorded_sentences,
    sentences,
    shown_records,
)
from etl.reports.labels import LINKS, is_number, shown, subtitle
from etl.reports.model import Report, Section
from etl.reports.narrative import nothing
from etl.reports.sections import spec_of


def as_markdown(report: Report) -> str:
    """The report as Markdown; names link to Spotify."""
    return "\n".join(markdown_lines(report)) + "\n"


def markdown_lines(report: Report) -> Iterator[str]:
    """Lines, some of them with a line break before them."""
    yield f"# {escaped(report.title)}"
    if line := subtitle(report):
        yield f"\n{escaped(line)}"
    yield from (f"\n**{escaped(sentence)}**" for sentence in recorded_sentences(report))
    if line := left_out_sentence(report):
        yield f"\n{escaped(line)}"
    for section in report.sections:
        lines = list(markdown_table(section, report.time_zone)) if section.rows else []
        spoken = sentences(section, report)
        if lines or spoken:
            yield f"\n## {escaped(section.title)}\n"
        yield from lines
        if lines and spoken:
            yield ""
        yield from (f"{escaped(sentence)}  " for sentence in spoken)
    if report.criteria and report.is_empty and (sentence := nothing(report)):
        yield f"\n{sentence}"
    if report.note:
        yield f"\n{escaped(report.note)}"


def markdown_table(section: Section, zone: tzinfo | None) -> Iterator[str]:
    """The lines of a section's table, or of its chart of hours; none where a person sees none."""
    if spec_of(section).chart == "clock":
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
    """The hours of the day as a Mermaid chart, which GitHub draws; nothing without plays."""
    counts = [record["play_count"] or 0 for record in section.records()]
    if any(counts):
        yield "```mermaid\nxychart-beta"
        yield "    x-axis " + str([record["hour"] for record in section.records()])
        yield '    y-axis "Plays"'
        yield f"    bar {counts}\n```"


def markdown_cell(column: str, record: dict[str, Any], zone: tzinfo | None) -> str:
    text = escaped(shown(column, record[column], zone))
    link = record.get(LINKS.get(column, ""))
    return f"[{text}]({link})" if link and text else text


def escaped(text: str) -> str:
    """The text, escaped for Markdown: in a line, in a table and at the beginning of a line."""
    text = re.sub(r"([\\`*_\[\]<>|~$&#])", r"\\\1", text)
    # what GitHub makes of its own accord: mentions, addresses, pictures
    text = re.sub(r"@|:(?=//|\w+:)|(?<=www)\.", lambda found: f"&#{ord(found[0])};", text, flags=re.IGNORECASE)
    return re.sub(r"^(\d*)([-+.)])", r"\1\\\2", text)
