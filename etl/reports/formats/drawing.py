"""Altair's charts drawn as static SVG, coloured by the CSS variables of the page around them.

A mark's description becomes its `<title>`, which a browser shows when it is pointed at.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import vl_convert
from markupsafe import Markup

from etl.settings import ensure_home

with ensure_home():
    import altair as alt

Record = Mapping[str, Any]
Marks = Sequence[Record]


@dataclass(frozen=True)
class Picture:
    """A chart as SVG, and what it shows in a sentence."""

    svg: Markup
    caption: str
    legend: tuple["Key", ...] = ()


@dataclass(frozen=True)
class Key:
    """What a colour stands for."""

    meaning: str
    fill: str = "transparent"
    stroke: str = "transparent"
    opacity: float = 1


# Layers of marks whose fields hold pixels and colours, not values on a scale.


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
    if any("stroke" in mark for mark in marks):
        found["stroke"] = alt.Stroke("stroke:N", scale=None, legend=None)
    if is_told(marks):
        found["description"] = alt.Description("told:N")
    return found


def picture(
    layers: Sequence[alt.Chart], width: float, height: float, caption: str, legend: Sequence[Key] = ()
) -> Picture:
    chart = alt.layer(*layers).properties(
        width=width,
        height=height,
        padding=0,
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
        view=alt.ViewBackground(stroke=None),
    )
    return Picture(inlined(vl_convert.vegalite_to_svg(chart.to_dict()), caption), caption, tuple(legend))


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
