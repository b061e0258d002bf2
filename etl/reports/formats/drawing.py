"""Charts as static SVG, drawn by Vega-Lite and coloured by the CSS variables of the page around them.

A mark's title becomes its `<title>`, which a browser shows when the pointer rests on it. The specifications are plain
dicts: importing Altair to build them took longer than drawing them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import vl_convert
from markupsafe import Markup

Record = Mapping[str, Any]
Marks = Sequence[Record]
Layer = dict[str, Any]  # of a Vega-Lite specification

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


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


# Layers of marks. Their fields hold pixels and colours, not values on a scale.


def bars(marks: Marks, corner: float = 0) -> Layer:
    """Rectangles from `x`, `y` to `x2`, `y2`."""
    mark = {"type": "rect", "cornerRadius": corner}
    return layer(marks, mark, x=position("x"), x2={"field": "x2"}, y=position("y"), y2={"field": "y2"}, **looks(marks))


def sectors_of(marks: Marks) -> Layer:
    """Sectors of a ring: angles from `start` to `end` in radians, radii from `hub` to `rim`."""
    return layer(
        marks,
        {"type": "arc", "stroke": "var(--card)", "strokeWidth": 1.5},
        theta=quantity("start"),
        theta2={"field": "end"},
        radius=quantity("hub"),
        radius2={"field": "rim"},
        **looks(marks),
    )


def words(marks: Marks, size: float, align: Literal["left", "center", "right"] = "center") -> Layer:
    """Lines of text, centred vertically on `y`."""
    mark = {"type": "text", "align": align, "baseline": "middle", "fontSize": size, "font": "inherit"}
    text = {"field": "text", "type": "nominal"}
    return layer(marks, mark, x=position("x"), y=position("y"), text=text, color=colour("fill"))


def layer(marks: Marks, mark: Record, **encoding: Record) -> Layer:
    values = [dict(one) for one in marks]
    return {"data": {"values": values}, "mark": {**mark, "aria": "description" in encoding}, "encoding": encoding}


def looks(marks: Marks) -> dict[str, Record]:
    """The encoding of colour, opacity, outline and title, for marks that have them."""
    encoding: dict[str, Record] = {"color": colour("fill")}
    if any("opacity" in mark for mark in marks):
        encoding["fillOpacity"] = {**quantity("opacity"), "legend": None}
    if any("stroke" in mark for mark in marks):
        encoding["stroke"] = colour("stroke")
    if any("title" in mark for mark in marks):
        encoding["description"] = {"field": "title", "type": "nominal"}
    return encoding


def quantity(name: str) -> Record:
    return {"field": name, "type": "quantitative", "scale": None}


def position(name: str) -> Record:
    return {**quantity(name), "axis": None}


def colour(name: str) -> Record:
    return {"field": name, "type": "nominal", "scale": None, "legend": None}


def picture(layers: Sequence[Layer], width: float, height: float, caption: str, legend: Sequence[Key] = ()) -> Picture:
    """The layers, the first at the back, drawn as one picture of this size in pixels."""
    chart = {
        "$schema": SCHEMA,
        "width": width,
        "height": height,
        "padding": 0,
        "autosize": {"type": "none"},
        "background": "transparent",
        "view": {"stroke": None},
        "layer": list(layers),
    }
    return Picture(inlined(vl_convert.vegalite_to_svg(chart), caption), caption, tuple(legend))


def inlined(svg: str, caption: str) -> Markup:
    """An SVG as part of a page: one image, named by its caption for screen readers, with a title for each mark."""
    [box] = re.findall(r'^<svg[^>]*(viewBox="[-0-9. ]+")', svg)
    inner = re.sub(r"<[^<>]+>", slim, re.sub(r"^<svg[^>]*>|</svg>$", "", svg))
    image = Markup('<svg role="img" aria-label="{}" {}>{}</svg>')
    return image.format(caption, Markup(box), Markup(inner))  # noqa: S704  # Vega has escaped it


def slim(tag: re.Match[str]) -> str:
    """A tag without what only scripts and Vega need, coordinates no finer than a screen's, descriptions as titles."""
    title = re.search(r' aria-label="([^"]*)"', tag[0])
    kept = re.sub(r' (?:role|aria-[a-z]+|pointer-events|class)="[^"]*"', "", tag[0])
    kept = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.4g}", kept)
    return f"{kept.removesuffix('/>')}><title>{title[1]}</title></path>" if title else kept
