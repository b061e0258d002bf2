"""A report as text, Markdown, JSON and CSV: the same values, and titles of every kind come out as what they are."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from etl.counts import duration
from etl.reports.formats.data import as_csv, as_json
from etl.reports.formats.markdown import as_markdown
from etl.reports.formats.text import as_text
from etl.reports.labels import in_a_line, share
from etl.reports.model import Report, ReportFilter, Section
from etl.reports.query import nothing_recorded
from etl.reports.recorded_days import Recorded
from etl.warehouse.listeners import RecordedListener

NOW = datetime(2026, 11, 20, 9, 20, tzinfo=UTC)
ADA = RecordedListener(1, "ada", "Ada", ZoneInfo("Europe/Berlin"))
TITLES = {
    "quotes": """He said "it's" `fine`""",
    "script": "<script>alert('x')</script>",
    "emoji": "🎉 Party 👩‍👩‍👧",
    "right to left": "שלום عليكم",
    "long": "Long " * 60,
    "lines": "one\ntwo\tthree\x1b[31mred\u2028four",
    "table": "a | b || c",
    "markdown": "*bold* _it_ [link](http://x) # 1. - + ~x~ &amp; \\",
    "list": "1. not a list",
    "github": "@somebody www.evil.example https://evil.example :fire:",
    "turning": "\u202eTune evil\u2066",
    "formula": "=1+1",
    "wide": "宇多田ヒカル " * 20,
}


def tops(*rows: tuple) -> Section:
    columns = ("track_name", "artist_names", "play_count", "listened_ms", "first_played_at", "track_url")
    return Section("top_tracks", "Tracks", columns, rows)


def report(*sections: Section, **changes) -> Report:
    fields = {"name": "top", "title": "Top tracks", "made_at": NOW, "criteria": ReportFilter(ADA), "sections": sections}
    return Report(**{**fields, **changes})


def row(title: str | None, plays: int = 3, ms: int = 600_000) -> tuple:
    return (
        title,
        "Ann, Bob",
        plays,
        ms,
        datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
        "https://open.spotify.com/track/1",
    )


@pytest.mark.parametrize("kind", TITLES)
def test_a_title_is_no_wider_than_the_terminal_and_leaves_the_lines_whole(kind):
    title = TITLES[kind]
    text = as_text(report(tops(row(title), row("Plain"))))
    lines = text.splitlines()
    assert max(cell_len(line) for line in lines) <= 80
    [shown] = [line for line in lines if line.startswith("1 ")]
    assert re.search(r"3 +10 min", shown), "the numbers stand in the line of their title"
    beginning = re.sub(r"[\u2066-\u2069]", "", shown)[4:10].rstrip("… ")
    assert in_a_line(title).strip("\u2068\u2069").startswith(beginning) and beginning
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", text)


def test_a_title_written_from_right_to_left_is_kept_apart_from_its_line():
    word = TITLES["right to left"]
    assert in_a_line(word) == f"\u2068{word}\u2069" and in_a_line("Plain") == "Plain"


@pytest.mark.parametrize("kind", TITLES)
def test_json_and_csv_hold_every_title_to_the_letter(kind):
    title = TITLES[kind]
    made = report(tops(row(title)))
    assert json.loads(as_json(made))["sections"][0]["rows"][0]["track_name"] == title
    [head, values] = csv.reader(io.StringIO(as_csv(made)))
    assert dict(zip(head, values, strict=True))["track_name"] == title


def rendered(markdown: str) -> str:
    """What Markdown shows of escaped text: backslashes before punctuation go, entities are what they stand for."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", re.sub(r"(?<!\\)&#(\d+);", lambda found: chr(int(found[1])), markdown))


@pytest.mark.parametrize("kind", TITLES)
def test_a_title_in_markdown_stays_in_its_cell_and_means_itself(kind):
    lines = as_markdown(report(tops(row(TITLES[kind])))).splitlines()
    [line] = [line for line in lines if "open.spotify.com" in line]
    cells = re.split(r"(?<!\\)\|", line)
    assert len(cells) == 6 and [cell.strip() for cell in cells[3:5]] == ["3", "10 min"]
    label = re.fullmatch(r" \[(.*)\]\(https://open\.spotify\.com/track/1\) ", cells[1])
    assert label and rendered(label[1]) == in_a_line(TITLES[kind])
    assert not re.search(r"(?<!\\)[<*_`\[\]~]|@|://|www\.|:\w+:", label[1])


def test_a_sentence_that_begins_like_a_list_is_none():
    columns = ("track_name", "artist_names", "local_date", "play_count", "track_url", "image_url")
    repeated = Section("most_repeated", "Most", columns, (("1. Song", "Ann", date(2026, 1, 2), 7, None, None),))
    assert "1\\. Song by Ann: 7 times on 2 Jan 2026.  " in as_markdown(report(repeated)).splitlines()


def test_all_forms_tell_the_same_numbers():
    made = report(tops(row("One", 1_234, 36_061_000), row(None, 1, 0)))
    assert re.search(r"^1 +One +Ann, Bob +1,234 +10 h 01 min +█{8}$", as_text(made), re.MULTILINE)
    assert "| [One](https://open.spotify.com/track/1) | Ann, Bob | 1,234 | 10 h 01 min |" in as_markdown(made)
    parsed = json.loads(as_json(made))
    assert parsed["sections"][0]["rows"][0] == {
        "track_name": "One", "artist_names": "Ann, Bob", "play_count": 1_234, "listened_ms": 36_061_000,
        "first_played_at": "2026-03-29T00:59:59Z", "track_url": "https://open.spotify.com/track/1",
    }  # fmt: skip
    assert [parsed[key] for key in ("report", "listener", "time_zone", "counts_as", "made_at")] == [
        "top", "ada", "Europe/Berlin", "30s", "2026-11-20T09:20:00Z",
    ]  # fmt: skip
    assert as_csv(made).splitlines()[1:] == [
        'One,"Ann, Bob",1234,36061000,2026-03-29T00:59:59Z,https://open.spotify.com/track/1',
        ',"Ann, Bob",1,0,2026-03-29T00:59:59Z,https://open.spotify.com/track/1',
    ]


def test_csv_of_several_parts_says_which_a_row_is_of():
    streak = Section("streak_of_day", "Days in a row", ("day_count", "first_date"), ((7, date(2026, 11, 14)),))
    assert as_csv(report(tops(row("One")), streak)).splitlines() == [
        "section,track_name,artist_names,play_count,listened_ms,first_played_at,track_url,day_count,first_date",
        'top_tracks,One,"Ann, Bob",3,600000,2026-03-29T00:59:59Z,https://open.spotify.com/track/1,,',
        "streak_of_day,,,,,,,7,2026-11-14",
    ]


def test_moments_are_told_by_the_clock_of_the_listener():
    columns = ("last_played_at", "checked_at")
    rows = ((datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),)
    text = as_text(report(Section("freshness", "How fresh", columns, rows)))
    # The clock goes forward in between.
    assert "ended 29 Mar 2026 01:59." in text
    assert "checked 29 Mar 2026 03:00" in text


RECORDED = Recorded("{[2026-05-05,2026-11-21)}", "{}", date(2026, 5, 5), date(2026, 8, 3), date(2026, 11, 30))


def test_a_day_after_the_end_of_the_record_is_unknown_and_not_a_day_of_silence():
    columns = (
        "gap_count",
        "unnamed_play_count",
        "inferred_track_count",
        "estimated_play_count",
        "unmeasured_play_count",
    )
    unknown = Section("still_unknown", "What is still unknown", columns, ((0,) * 5,))
    fresh = Section("freshness", "How fresh", ("last_played_at", "checked_at"), ((NOW, NOW),))
    later, same = (
        as_text(report(unknown, fresh, criteria=ReportFilter(ADA, since_date=day, until_date=day), recorded=RECORDED))
        for day in (date(2026, 11, 21), date(2026, 11, 20))
    )
    assert "Not recorded: the record ends on 20 November 2026." in later
    assert "Everything: this day is not recorded." in later
    assert "Nothing, as far as is known." in same and "not recorded" not in same


def test_a_part_without_rows_leaves_no_heading():
    made = report(tops(row("One")), Section("top_genres", "Genres", (), ()))
    for form in (as_text, as_markdown):
        assert "Genres" not in form(made)


@pytest.mark.parametrize("form", [as_text, as_markdown, as_json, as_csv])
def test_a_database_without_anybody_gets_a_kind_word(form):
    made = nothing_recorded("daily", NOW)
    if form is as_csv:
        assert form(made).startswith("section,day_label,local_date,play_count,") and form(made).count("\n") == 1
    else:
        assert (
            "Nothing is recorded yet" in form(made) and "brapped plays" in form(made) and "brapped import" in form(made)
        )


def test_a_span_without_plays_says_so():
    for form in (as_text, as_markdown):
        assert "Nothing was played." in form(report(tops()))


@pytest.mark.parametrize(
    ("ms", "said"),
    [(0, "0 s"), (59_499, "59 s"), (59_500, "1 min"), (60_000, "1 min"), (3_569_999, "59 min"), (3_570_000, "1 h 00 min"),
     (8_819_132, "2 h 27 min"), (36_000_000_000, "10,000 h 00 min")],
)  # fmt: skip
def test_durations_say_as_much_as_matters(ms, said):
    assert duration(ms) == said


@pytest.mark.parametrize(("part", "said"), [(0, "0%"), (0.035, "3.5%"), (0.0996, "10.0%"), (0.474, "47%"), (1, "100%")])
def test_shares_have_a_digit_more_where_they_are_small(part, said):
    assert share(part) == said
