"""Charts as static SVG, coloured by the CSS variables of the page around them.

Marks hold pixels and colours, not values on a scale. A mark's title becomes its `<title>`, which a browser shows when
the pointer rests on it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup, escape

Record = Mapping[str, Any]
Marks = Sequence[Record]

JOIN = Markup()  # nothing between parts
ANCHORS = {"left": "start", "center": "middle", "right": "end"}
BASELINE = 0.3  # of the font's size, from the middle of a line down to its baseline


@dataclass(frozen=True)
class Picture:
    """A chart as SVG, and its content in a sentence."""

    svg: Markup
    caption: str
    legend: tuple["Key", ...] = ()


@dataclass(frozen=True)
class Key:
    """An entry of a legend: what a colour means."""

    meaning: str
    fill: str = "transparent"
    stroke: str = "transparent"
    opacity: float = 1


# Layers of marks.


def bars(marks: Marks, corner: float = 0) -> Markup:
    """Rectangles from `x`, `y` to `x2`, `y2`."""
    rounded = {"rx": corner} if corner else {}
    return JOIN.join(
        element(
            "rect",
            titled(mark),
            x=mark["x"],
            y=mark["y"],
            width=mark["x2"] - mark["x"],
            height=mark["y2"] - mark["y"],
            **rounded,
            **look(mark),
        )
        for mark in marks
    )


def sectors_of(marks: Marks, centre: float) -> Markup:
    """Sectors of a ring around (centre, centre): angles from `start` to `end` in radians, clockwise from the top,
    radii from `hub` to `rim`."""
    return JOIN.join(
        element(
            "path", titled(mark), d=sector(mark, centre), **{"stroke": "var(--card)", "stroke-width": 1.5, **look(mark)}
        )
        for mark in marks
    )


def sector(mark: Record, centre: float) -> str:
    """The outline of a sector as SVG path data: along the rim, and back along the hub."""

    def point(angle: float, radius: float) -> str:
        return f"{number(centre + radius * math.sin(angle))},{number(centre - radius * math.cos(angle))}"

    start, end, hub, rim = (mark[name] for name in ("start", "end", "hub", "rim"))
    is_large = int(end - start > math.pi)  # or the arc would take the short way
    hub_arc, rim_arc = (f"A{number(radius)},{number(radius)},0,{is_large}" for radius in (hub, rim))
    return f"M{point(start, rim)}{rim_arc},1,{point(end, rim)}L{point(end, hub)}{hub_arc},0,{point(start, hub)}Z"


def words(marks: Marks, size: float, align: Literal["left", "center", "right"] = "center") -> Markup:
    """Lines of text, centred vertically on `y`."""
    looks = {"font-size": size, "text-anchor": ANCHORS[align]}
    return JOIN.join(
        element("text", escape(mark["text"]), x=mark["x"], y=mark["y"] + BASELINE * size, **looks, fill=mark["fill"])
        for mark in marks
        if mark["text"]
    )


def picture(layers: Sequence[Markup], width: float, height: float, caption: str, legend: Sequence[Key] = ()) -> Picture:
    """The layers, the first at the back, as one picture of this size in pixels, named by its caption."""
    box = f"0 0 {number(width)} {number(height)}"
    svg = element("svg", JOIN.join(layers), role="img", **{"aria-label": caption, "viewBox": box})
    return Picture(svg, caption, tuple(legend))


def look(mark: Record) -> dict[str, Any]:
    """The colour of a mark, and its outline and opacity if it has them."""
    names = {"fill": "fill", "stroke": "stroke", "opacity": "fill-opacity"}
    return {attribute: mark[name] for name, attribute in names.items() if name in mark}


def titled(mark: Record) -> Markup:
    return element("title", escape(mark["title"])) if "title" in mark else Markup()


def element(name: str, content: Markup, **attributes: Any) -> Markup:
    """An element of SVG. Names of elements and attributes are ours; all values are escaped."""
    listed = "".join(
        f' {key}="{number(value) if isinstance(value, int | float) else escape(value)}"'
        for key, value in attributes.items()
    )
    # not by Markup.format, which took half of the time of a page with a calendar
    return Markup(f"<{name}{listed}>{escape(content)}</{name}>")  # noqa: S704


def number(value: float) -> str:
    return f"{value:.4g}"  # no finer than a screen shows it
