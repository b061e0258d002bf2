"""Reports as data for programs: JSON and CSV."""

import csv
import io
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from etl.json_text import json_text
from etl.reports.model import Report, Section
from etl.reports.sections import RECORDED


def as_json(report: Report) -> str:
    """One object: report, title, listener, time_zone, counts_as, since_date, until_date, made_at, note, recorded,
    left_out, sections.

    recorded: runs of days, each {first_date, last_date, coverage}. left_out: by rules, {rule_count, play_count,
    listened_ms, is_shown}, whose counts are null in a search; null without rules. sections: each {name, title, rows},
    a row by column.
    """
    criteria = report.criteria
    fields = {
        "report": report.name,
        "title": report.title,
        "listener": criteria and criteria.listener.listener_id,
        "time_zone": criteria and criteria.listener.time_zone.key,
        "counts_as": criteria and criteria.counts_as,
        "since_date": criteria and criteria.since_date,
        "until_date": criteria and criteria.until_date,
        "made_at": report.made_at,
        "note": report.note or None,
        "left_out": report.left_out
        and {**asdict(report.left_out), "is_shown": criteria is not None and criteria.with_excluded},
        "recorded": [asdict(one) for one in report.days],
        "sections": [{"name": one.name, "title": one.title, "rows": one.records()} for one in report.sections],
    }
    return json_text(fields, default=as_iso, indent=2) + "\n"


def as_csv(report: Report) -> str:
    """All rows under one head with the columns of every section.

    A report of several sections has a first column `section`, and ends with the section `recorded`: runs of days.
    """
    if report.csv_head:
        return ",".join(report.csv_head) + "\n"
    sections = list(report.sections)
    is_mixed = len(sections) > 1
    if is_mixed and report.recorded:
        runs = tuple((one.first_date, one.last_date, one.coverage) for one in report.days)
        sections.append(Section("recorded", "", RECORDED, runs))
    columns = list(dict.fromkeys(column for section in sections for column in section.columns))
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow((["section"] if is_mixed else []) + columns)
    for section in sections:
        for record in section.records():
            values = [cell(record.get(column)) for column in columns]
            writer.writerow(([section.name] if is_mixed else []) + values)
    return written.getvalue()


def cell(value: Any) -> Any:
    """A value as CSV has it: nothing for null, true or false, moments in UTC, lists with semicolons."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return as_iso(value) if isinstance(value, date) else value


def as_iso(value: Any) -> str:
    """A day or moment as text: 2026-11-20, 2026-11-20T09:14:00.123Z. Raises TypeError for anything else."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace(".000", "").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
