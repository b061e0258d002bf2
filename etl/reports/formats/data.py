"""Reports as data for programs: JSON, and CSV."""

import csv
import io
import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from etl.reports.columns import RECORDED
from etl.reports.query import Report, Section


def as_json(report: Report) -> str:
    """Keys: report, title, listener, time_zone, counts_as, since_date, until_date, made_at, note, recorded (runs of days: first_date,
    last_date, coverage), sections (name, title, rows by column)."""
    asked = report.asked
    told = {
        "report": report.name,
        "title": report.title,
        "listener": asked and asked.listener.listener_id,
        "time_zone": asked and asked.listener.time_zone.key,
        "counts_as": asked and asked.counts_as,
        "since_date": asked and asked.since_date,
        "until_date": asked and asked.until_date,
        "made_at": report.made_at,
        "note": report.note or None,
        "recorded": [asdict(one) for one in report.days],
        "sections": [{"name": one.name, "title": one.title, "rows": one.records()} for one in report.sections],
    }
    return json.dumps(told, default=plain, ensure_ascii=False, indent=2) + "\n"


def as_csv(report: Report) -> str:
    """All rows under one heading; where there are several sections, the first column says which a row is of."""
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
    """A value as CSV has it: nothing for null, true and false, moments in UTC."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return plain(value) if isinstance(value, date) else value


def plain(value: Any) -> str:
    """Days and moments as texts: 2026-11-20, 2026-11-20T09:14:00.123Z."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace(".000", "").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
