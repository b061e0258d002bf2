"""Charts of a report: the position and colour of each mark.

Positions are pixels of a drawing some 350 wide, as wide as a small phone, so that text stays legible there.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from etl.counts import duration, many
from etl.reports.formats.drawing import Key, Picture, Record, bars, picture, sectors_of, words
from etl.reports.labels import day, in_a_line
from etl.reports.recorded_days import COVERED, GAP, NOT_RECORDED, PARTLY

ACCENT, PEAK, QUIET, INK, FAINT = (f"var(--{name})" for name in ("accent", "peak", "cell", "ink", "faint"))
OUTLINE = "var(--hollow)"
HOLLOW = {"fill": "transparent", "stroke": OUTLINE}  # not recorded: an outline without a filling
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FAINTEST = 0.2  # opacity of a day with a single play: still distinct from a day without
LONGEST_NAME = 26  # characters of an artist's name beside a bar; the table beneath has all of it

MOST = Key("the most", PEAK)
NOTHING = Key("nothing played", QUIET)
UNRECORDED = Key("not recorded", stroke=OUTLINE)
LOST = Key("plays were probably lost", stroke=INK)


def clock(hours: Sequence[Record], measure: str) -> Picture:
    """The hours of the day around a dial of 24, midnight at the top; the area of a sector shows its value."""
    size, hub, rim = 340, 48, 138
    most = max(hours, key=lambda hour: hour[measure] or 0)
    sectors = [
        {
            "start": math.tau * hour["hour"] / 24,
            "end": math.tau * (hour["hour"] + 1) / 24,
            "hub": hub,
            "rim": math.sqrt(hub**2 + (rim**2 - hub**2) * (hour[measure] or 0) / most[measure]),
            "fill": PEAK if hour is most else ACCENT,
            "title": f"{span_of(hour['hour'])}: {counted(hour)}",
        }
        for hour in hours
    ]
    dial = [
        {**behind(sector), "rim": rim, **({"fill": "transparent"} if hour[measure] is None else {})}
        for sector, hour in zip(sectors, hours, strict=True)
    ]
    numbers = [
        {
            "x": size / 2 + (rim + 16) * math.sin(math.tau * hour / 24),
            "y": size / 2 - (rim + 16) * math.cos(math.tau * hour / 24),
            "text": str(hour),
            "fill": INK if hour % 6 == 0 else FAINT,
        }
        for hour in range(0, 24, 3)
    ]
    middle = [
        {"x": size / 2, "y": size / 2 - 10, "text": "most at", "fill": FAINT},
        {"x": size / 2, "y": size / 2 + 10, "text": span_of(most["hour"]), "fill": INK},
    ]
    caption = f"Most between {span_of(most['hour'], ' and ')}: {counted(most)}."
    layers = [
        sectors_of(dial, size / 2),
        sectors_of(sectors, size / 2),
        words(numbers, 14),
        words(middle, 14),
    ]
    return picture(layers, size, size, caption)


def calendar(days: Sequence[Record], year: int, measure: str) -> list[Picture]:
    """The days of a year as squares, a column a week from Monday: two halves, side by side or one below the other."""
    counts = {one["local_date"]: one for one in days}
    most = max(days, key=lambda one: one[measure] or 0)
    caption = f"Most on {day(most['local_date'])}: {counted(most)}."
    ends = date(year, 1, 1), date(year, 7, 1), date(year + 1, 1, 1)
    return [half_year(counts, *half, most[measure], measure, caption) for half in pairwise(ends)]


def half_year(counts: Mapping[date, Record], start: date, end: date, most: int, measure: str, caption: str) -> Picture:
    pitch, left, top = 12, 30, 20
    monday = start - timedelta(days=start.weekday())
    squares, names = [], []
    for one in (start + timedelta(days=number) for number in range((end - start).days)):
        week, weekday = divmod((one - monday).days, 7)
        counted_day = counts.get(one, {})
        is_played = bool(counted_day.get("play_count"))
        coverage = counted_day.get("coverage")
        hollow = OUTLINE if coverage == NOT_RECORDED else "transparent"
        value = counted_day.get(measure) or 0
        squares.append(
            {
                "x": left + pitch * week,
                "y": top + pitch * weekday,
                "x2": left + pitch * week + pitch - 1.5,
                "y2": top + pitch * weekday + pitch - 1.5,
                "fill": ACCENT if is_played else QUIET if coverage == COVERED else "transparent",
                "stroke": INK if coverage == GAP else hollow,
                "opacity": round(FAINTEST + (1 - FAINTEST) * value / (most or 1), 3) if is_played else 1,
                "title": f"{one:%A}, {day(one)}: {counted(counted_day)}",
            }
        )
        if one.day == 1:
            names.append({"x": left + pitch * (week + (weekday > 0)), "y": 8, "text": f"{one:%b}", "fill": FAINT})
    names += [
        {"x": 0, "y": top + pitch * number + 5.5, "text": WEEKDAYS[number], "fill": FAINT} for number in (0, 2, 4, 6)
    ]
    kinds = {one.get("coverage") for one in counts.values()}
    few = Key("few plays", ACCENT, opacity=FAINTEST + 0.1)
    legend = [few, Key("many", ACCENT)]
    legend += [NOTHING] if any(one["play_count"] == 0 for one in counts.values()) else []
    legend += [LOST] if GAP in kinds else []
    legend += [UNRECORDED] if NOT_RECORDED in kinds else []
    layers = [bars(squares), words(names, 12, "left")]
    return picture(layers, left + 28 * pitch, top + 7 * pitch, caption, legend)


def months(rows: Sequence[Record], measure: str) -> Picture:
    """A bar a month, one below the other, with its value and the month's most played artist."""
    width, left, pitch = 340, 38, 40
    most = max(rows, key=lambda row: row[measure] or 0)
    lines, grooves, names, artists, values = [], [], [], [], []
    for number, row in enumerate(rows):
        y = pitch * number
        is_recorded = row[measure] is not None
        lines.append(
            {
                "x": left,
                "y": y + 22,
                "x2": left + (width - left) * (row[measure] or 0) / (most[measure] or 1),
                "y2": y + 30,
                "fill": PEAK if row is most else ACCENT,
                "title": f"{row['month_date']:%B %Y}: {counted(row)}",
            }
        )
        grooves.append({**behind(lines[-1]), "x2": width, **({"stroke": "transparent"} if is_recorded else HOLLOW)})
        names.append({"x": 0, "y": y + 26, "text": f"{row['month_date']:%b}", "fill": FAINT})
        artists.append({"x": left, "y": y + 11, "text": most_played(row), "fill": INK})
        values.append({"x": width, "y": y + 11, "text": in_all(row, measure), "fill": FAINT})
    layers = [
        bars(grooves, corner=3),
        bars(lines, corner=3),
        words(names, 14, "left"),
        words(artists, 14, "left"),
        words(values, 14, "right"),
    ]
    caption = (
        "Bars, and numbers on the right: all plays of the month. On the left the artist played most in it, and how"
        f" often. Most in {most['month_date']:%B %Y}: {counted(most)}."
    )
    return picture(layers, width, pitch * len(rows) - 6, caption, legend_of(rows, "a month"))


def most_played(row: Record) -> str:
    """The most played artist of a month, and how often."""
    if not row.get("artist_name"):
        return ""
    times = row.get("artist_play_count")
    return f"{shortened(row['artist_name'])}, {times:,} times" if times else shortened(row["artist_name"])


def in_all(row: Record, measure: str) -> str:
    if row[measure] is None:
        return "not recorded"
    value = value_of(row, measure) if measure.endswith("_ms") else many(row[measure], "play")
    return f"{value}, in part" if row.get("coverage") == PARTLY else value


def legend_of(rows: Sequence[Record], one: str) -> list[Key]:
    is_missing = any(row["play_count"] is None for row in rows)
    return [Key(one, ACCENT), MOST, *([UNRECORDED] if is_missing else [])]


def history(rows: Sequence[Record], measure: str) -> Picture:
    """A column a month, from the first with a play to the last."""
    width, height = 340, 110
    most = max(rows, key=lambda row: row[measure] or 0)
    pitch = min(28.0, width / len(rows))
    years = math.ceil(36 / (12 * pitch))  # so that the year numbers below never touch
    columns, hollow, names = [], [], []
    for number, row in enumerate(rows):
        month = row["month_date"]
        columns.append(
            {
                "x": pitch * number,
                "x2": pitch * number + pitch - min(2, pitch / 4),
                "y": height - (height - 6) * (row[measure] or 0) / (most[measure] or 1),
                "y2": height,
                "fill": PEAK if row is most else ACCENT,
                "title": f"{month:%B %Y}: {counted(row)}",
            }
        )
        if row[measure] is None:
            hollow.append({**columns.pop(), "y": 6, **HOLLOW})
        is_named = month.month == 1 and month.year % years == 0 if len(rows) > 12 else True
        if is_named and (len(rows) <= 12 or pitch * number < width - 32):
            name = f"{month:%Y}" if len(rows) > 12 else f"{month:%b}"
            names.append({"x": pitch * number, "y": height + 13, "text": name, "fill": FAINT})
    base = [{"x": 0, "x2": pitch * len(rows), "y": height, "y2": height + 1, "fill": QUIET}]
    caption = f"Most in {most['month_date']:%B %Y}: {counted(most)}."
    layers = [bars(base), bars(columns), words(names, 13, "left")]
    if hollow:
        layers.append(bars(hollow))
    return picture(layers, width, height + 22, caption, legend_of(rows, "a month"))


def behind(mark: Record) -> dict[str, Any]:
    """The quiet mark behind another one, for the caller to stretch to full size."""
    return {**{name: value for name, value in mark.items() if name != "title"}, "fill": QUIET}


def counted(record: Record) -> str:
    """The plays and time of a record, in words: 112 plays, 5 h 02 min."""
    if not record.get("play_count"):
        return "not recorded" if record and record.get("play_count", 0) is None else "nothing"
    return f"{many(record['play_count'], 'play')}, {duration(record['listened_ms'])}"


def value_of(record: Record, measure: str) -> str:
    return duration(record[measure]) if measure.endswith("_ms") else f"{record[measure]:,}"


def span_of(hour: int, between: str = "\N{EN DASH}") -> str:
    """The hour as a span, from 0 to 24."""
    return f"{hour}{between}{hour + 1}"


def shortened(name: str) -> str:
    name = in_a_line(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"
