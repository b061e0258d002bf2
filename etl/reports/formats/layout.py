"""The parts of a section that every format shows to people: columns, heads and rows of its table, its sentences."""

from typing import Any

from etl.counts import duration, many
from etl.reports.labels import HEADS
from etl.reports.model import Report, Section
from etl.reports.recorded_days import COVERED, hours_recorded, sentences_about
from etl.reports.sections import spec_of

OF_GUESTS = ("main_play_count", "featured_play_count", "artist_role")


def columns_of(section: Section) -> list[str]:
    """The columns of a section's table; none for a section without rows or without a table.

    Left out are those of guests where there is no guest, the coverage where every day is covered,
    and the mark of what a rule leaves out where nothing is.
    """
    records = section.records()
    columns = [column for column in spec_of(section).table if column in section.columns]
    if all(record.get("coverage") in (None, COVERED) for record in records):
        columns = [column for column in columns if column != "coverage"]
    if not any(record.get("is_excluded") for record in records):
        columns = [column for column in columns if column != "is_excluded"]
    if not any(record.get("featured_play_count") or record.get("artist_role") == "featured" for record in records):
        columns = [column for column in columns if column not in OF_GUESTS]
    if not section.first.get("is_discovery", True):
        return []  # the record is too young to tell
    return columns if records else []


def head_of(section: Section, column: str) -> str:
    """The head of a column."""
    return spec_of(section).heads.get(column, HEADS.get(column, column))


def shown_records(section: Section) -> list[dict[str, Any]]:
    """The rows that a person sees: all, or the first; the section's sentences say how many more there are."""
    return section.records()[: spec_of(section).most_shown]


def sentences(section: Section, report: Report) -> list[str]:
    """The sentences of a section, beside its table or chart."""
    spec = spec_of(section)
    if spec.narrative is None or not (section.rows or spec.narrates_nothing):
        return []
    return list(spec.narrative(section, report))


def left_out_sentence(report: Report) -> str:
    """What the listener's rules leave out of the report, or would; empty where they leave nothing out."""
    one = report.left_out
    if one is None or report.criteria is None or one.play_count == 0:
        return ""
    rules = "a rule" if one.rule_count == 1 else "rules"
    if one.play_count is None or one.listened_ms is None:
        if report.criteria.with_excluded:
            return f"Nothing is left out here. Reports leave plays out by {rules}: brapped exclude list"
        return f"Some plays may be left out by {rules}. These are listed by: brapped exclude list"
    what = f"{rules}: {many(one.play_count, 'play')}, {duration(one.listened_ms)}"
    if report.name == "history":
        return f"Marked here, and left out of reports, by {what}."
    if report.criteria.with_excluded:
        return f"Counted here with --with-excluded, and otherwise left out by {what}."
    return f"Left out by {what}. Rules are listed by: brapped exclude list"


def recorded_sentences(report: Report) -> list[str]:
    """The sentences on top of a report: the days that are not recorded, and those on which plays were probably lost.

    The latter are left to a section that lists them, if the report has one (SectionSpec.lists_gaps).
    """
    if report.recorded is None or report.criteria is None or (report.name == "search" and not report.is_empty):
        return []
    with_gaps = not any(spec_of(section).lists_gaps for section in report.sections)
    first_day = report.criteria.since_date
    found = list(sentences_about(report.recorded, first_day, report.criteria.until_date, with_gaps=with_gaps))
    if report.name == "daily" and not found and first_day and first_day < report.recorded.today:
        spans = [(row["starts_at"], row["ends_at"]) for row in report.section("coverage").records()]
        found += filter(None, [hours_recorded(spans, first_day, report.criteria.listener.time_zone)])
    return found
