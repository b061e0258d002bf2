"""Charts of a report: Altair's charts drawn as static SVG, coloured by the CSS variables of the page around them.

Every position is worked out here, in pixels of a drawing some 350 wide: as wide as a small phone, so that the letters
of a chart stay legible on one. A mark's description becomes its `<title>`, which a browser shows when it is pointed at.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Literal

import vl_convert
from markupsafe import Markup

from etl.settings import some_home
from etl.wording import day, duration, in_a_line, many

with some_home():
    import altair as alt

ACCENT, PEAK, QUIET, INK, FAINT = (f"var(--{name})" for name in ("accent", "peak", "cell", "ink", "faint"))
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FAINTEST = 0.2  # opacity of a day with a single play: still to be told from a day without
LONGEST_NAME = 28  # characters of an artist's name beside a bar; the table beneath has all of it

Record = Mapping[str, Any]
Marks = Sequence[Record]


@dataclass(frozen=True)
class Picture:
    """A chart as SVG, and what it shows in a sentence."""

    svg: Markup
    caption: str


def clock(hours: Sequence[Record], measure: str) -> Picture:
    """The hours of the day around a dial of 24, midnight at the top; the area of a sector goes with what it counts."""
    size, hub, rim = 340, 48, 138
    most = max(hours, key=lambda hour: hour[measure])
    sectors = [
        {
            "start": math.tau * hour["hour"] / 24,
            "end": math.tau * (hour["hour"] + 1) / 24,
            "hub": hub,
            "rim": math.sqrt(hub**2 + (rim**2 - hub**2) * hour[measure] / most[measure]),
            "fill": PEAK if hour is most else ACCENT,
            "told": f"{span_of(hour['hour'])}: {counted(hour)}",
        }
        for hour in hours
    ]
    dial = [{**behind(sector), "rim": rim} for sector in sectors]
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
    return picture([sectors_of(dial), sectors_of(sectors), words(numbers, 14), words(middle, 14)], size, size, caption)


def calendar(days: Sequence[Record], year: int, measure: str) -> list[Picture]:
    """The days of a year as squares, a column a week from Monday on: two halves, for side by side or one below the other."""
    counts = {one["local_date"]: one for one in days}
    most = max(days, key=lambda one: one[measure])
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
        value = counted_day.get(measure, 0)
        squares.append(
            {
                "x": left + pitch * week,
                "y": top + pitch * weekday,
                "x2": left + pitch * week + pitch - 1.5,
                "y2": top + pitch * weekday + pitch - 1.5,
                "fill": ACCENT if counted_day else QUIET,
                "opacity": round(FAINTEST + (1 - FAINTEST) * value / (most or 1), 3) if counted_day else 1,
                "told": f"{one:%A}, {day(one)}: {counted(counted_day)}",
            }
        )
        if one.day == 1:
            names.append({"x": left + pitch * (week + (weekday > 0)), "y": 8, "text": f"{one:%b}", "fill": FAINT})
    names += [
        {"x": 0, "y": top + pitch * number + 5.5, "text": WEEKDAYS[number], "fill": FAINT} for number in (0, 2, 4, 6)
    ]
    return picture([bars(squares), words(names, 12, "left")], left + 28 * pitch, top + 7 * pitch, caption)


def months(rows: Sequence[Record], measure: str) -> Picture:
    """A bar a month, one below the other, each with the artist most played in it."""
    width, left, pitch = 340, 38, 40
    most = max(rows, key=lambda row: row[measure])
    lines, names, artists, values = [], [], [], []
    for number, row in enumerate(rows):
        y = pitch * number
        name = shortened(row.get("artist_name") or "")
        lines.append(
            {
                "x": left,
                "y": y + 22,
                "x2": left + (width - left) * row[measure] / (most[measure] or 1),
                "y2": y + 30,
                "fill": PEAK if row is most else ACCENT,
                "told": f"{row['month_date']:%B %Y}: {counted(row)}",
            }
        )
        names.append({"x": 0, "y": y + 26, "text": f"{row['month_date']:%b}", "fill": FAINT})
        artists.append({"x": left, "y": y + 11, "text": name, "fill": INK})
        values.append({"x": width, "y": y + 11, "text": value_of(row, measure), "fill": FAINT})
    layers = [
        bars([{**behind(line), "x2": width} for line in lines], corner=3),
        bars(lines, corner=3),
        words(names, 14, "left"),
        words(artists, 14, "left"),
        words(values, 14, "right"),
    ]
    caption = f"Beside each month who was played most in it. Most in {most['month_date']:%B %Y}: {counted(most)}."
    return picture(layers, width, pitch * len(rows) - 6, caption)


def history(rows: Sequence[Record], measure: str) -> Picture:
    """A column a month, from the first with a play to the last."""
    width, height = 340, 110
    most = max(rows, key=lambda row: row[measure])
    pitch = min(28.0, width / len(rows))
    years = math.ceil(36 / (12 * pitch))  # so that two of the numbers beneath never touch
    columns, names = [], []
    for number, row in enumerate(rows):
        month = row["month_date"]
        columns.append(
            {
                "x": pitch * number,
                "x2": pitch * number + pitch - min(2, pitch / 4),
                "y": height - (height - 6) * row[measure] / (most[measure] or 1),
                "y2": height,
                "fill": PEAK if row is most else ACCENT,
                "told": f"{month:%B %Y}: {counted(row)}",
            }
        )
        is_named = month.month == 1 and month.year % years == 0 if len(rows) > 12 else True
        if is_named and (len(rows) <= 12 or pitch * number < width - 32):
            name = f"{month:%Y}" if len(rows) > 12 else f"{month:%b}"
            names.append({"x": pitch * number, "y": height + 13, "text": name, "fill": FAINT})
    base = [{"x": 0, "x2": pitch * len(rows), "y": height, "y2": height + 1, "fill": QUIET}]
    caption = f"Most in {most['month_date']:%B %Y}: {counted(most)}."
    return picture([bars(base), bars(columns), words(names, 13, "left")], width, height + 22, caption)


def behind(mark: Record) -> dict[str, Any]:
    """The quiet mark behind another one, to be stretched to the full."""
    return {**{name: value for name, value in mark.items() if name != "told"}, "fill": QUIET}


def counted(record: Record) -> str:
    """What a record counts, in words: 112 plays, 5 h 02 min."""
    if not record.get("play_count"):
        return "nothing"
    return f"{many(record['play_count'], 'play')}, {duration(record['listened_ms'])}"


def value_of(record: Record, measure: str) -> str:
    return duration(record[measure]) if measure.endswith("_ms") else f"{record[measure]:,}"


def span_of(hour: int, between: str = "\N{EN DASH}") -> str:
    """The hour as a span, from 0 to 24."""
    return f"{hour}{between}{hour + 1}"


def shortened(name: str) -> str:
    name = in_a_line(name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"


# What the charts are made of: layers of marks whose fields hold pixels and colours, not values on a scale.


def bars(marks: Marks, corner: float = 0) -> alt.Chart:
    chart: alt.Chart = (
        layer(marks)
        .mark_rect(cornerRadius=corner, aria=is_told(marks))
        .encode(
            x=alt.X("x:Q", scale=None, axis=None),
            x2="x2:Q",
            y=alt.Y("y:Q", scale=None, axis=None),
            y2="y2:Q",
            **looks(marks),
        )
    )
    return chart


def sectors_of(marks: Marks) -> alt.Chart:
    chart: alt.Chart = (
        layer(marks)
        .mark_arc(stroke="var(--card)", strokeWidth=1.5, aria=is_told(marks))
        .encode(
            theta=alt.Theta("start:Q", scale=None),
            theta2="end:Q",
            radius=alt.Radius("hub:Q", scale=None),
            radius2="rim:Q",
            **looks(marks),
        )
    )
    return chart


def words(marks: Marks, size: float, align: Literal["left", "center", "right"] = "center") -> alt.Chart:
    chart: alt.Chart = (
        layer(marks)
        .mark_text(align=align, baseline="middle", fontSize=size, font="inherit", aria=False)
        .encode(
            x=alt.X("x:Q", scale=None, axis=None),
            y=alt.Y("y:Q", scale=None, axis=None),
            text="text:N",
            color=alt.Color("fill:N", scale=None, legend=None),
        )
    )
    return chart


def layer(marks: Marks) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[dict(mark) for mark in marks]))


def is_told(marks: Marks) -> bool:
    return any("told" in mark for mark in marks)


def looks(marks: Marks) -> dict[str, Any]:
    """Colour, opacity and description of marks that have them."""
    found: dict[str, Any] = {"color": alt.Color("fill:N", scale=None, legend=None)}
    if any("opacity" in mark for mark in marks):
        found["fillOpacity"] = alt.FillOpacity("opacity:Q", scale=None, legend=None)
    if is_told(marks):
        found["description"] = alt.Description("told:N")
    return found


def picture(layers: Sequence[alt.Chart], width: float, height: float, caption: str) -> Picture:
    chart = alt.layer(*layers).properties(
        width=width,
        height=height,
        padding=0,
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
        view=alt.ViewBackground(stroke=None),
    )
    return Picture(inlined(vl_convert.vegalite_to_svg(chart.to_dict()), caption), caption)


def inlined(svg: str, caption: str) -> Markup:
    """An SVG as part of a page: one image with a name for those who hear it, titles for those who point at its marks."""
    [box] = re.findall(r'^<svg[^>]*(viewBox="[-0-9. ]+")', svg)
    inner = re.sub(r"<[^<>]+>", slim, re.sub(r"^<svg[^>]*>|</svg>$", "", svg))
    image = Markup('<svg role="img" aria-label="{}" {}>{}</svg>')
    return image.format(caption, Markup(box), Markup(inner))  # noqa: S704  # Vega has escaped it


def slim(tag: re.Match[str]) -> str:
    """A tag without what only scripts and Vega need, its coordinates as exact as a screen; a description becomes a title."""
    told = re.search(r' aria-label="([^"]*)"', tag[0])
    kept = re.sub(r' (?:role|aria-[a-z]+|pointer-events|class)="[^"]*"', "", tag[0])
    kept = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.4g}", kept)
    return f"{kept.removesuffix('/>')}><title>{told[1]}</title></path>" if told else kept
