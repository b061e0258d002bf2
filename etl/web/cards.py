"""Pictures for social media: a page in a few numbers and names, drawn as PNG."""

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from etl.reports.formats.html import plain
from etl.web.fonts import fitting, font_for, shortened

SIZES = {"card": (1200, 630), "story": (1080, 1920)}  # Open Graph, and a story
HERO, GROOVE, INK, FAINT = "#b5341d", "#c24a33", "#fff6ee", "#ffdccd"
MOST_LINES = 5
DRAWING = threading.Lock()  # a font is not for two threads at once


@dataclass(frozen=True)
class Ranking:
    """A list on a picture: its head and its names, the first five of which are shown."""

    head: str
    names: Sequence[str] = field(repr=False)


@dataclass(frozen=True)
class Card:
    """What a picture shows. `number` with its `unit` is the largest thing on it; empty where there is none."""

    title: str
    who: str = field(repr=False)
    number: str
    unit: str
    rankings: Sequence[Ranking] = ()


def drawn(card: Card, shape: str) -> bytes:
    """The picture as PNG. shape: a key of SIZES."""
    width, height = SIZES[shape]
    image = Image.new("RGB", (width, height), HERO)
    draw = ImageDraw.Draw(image)
    groove(draw, width, height)
    with DRAWING:
        if shape == "card":
            beside(draw, card, width, height)
        else:
            below(draw, card, width, height)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def groove(draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    """Circles around the right edge, as on a record."""
    middle = (width, height * 0.4)
    for radius in range(40, width + height, 36):
        box = (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius)
        draw.ellipse(box, outline=GROOVE, width=3)


def beside(draw: ImageDraw.ImageDraw, card: Card, width: int, height: int) -> None:
    """The number on the left, the names on the right."""
    edge, half = 64, width // 2
    right = half + 40
    line(draw, card.who, edge, 60, 34, FAINT, half - edge)
    line(draw, card.title, edge, 106, 56, INK, half - edge)
    if card.number:
        size = fitting(card.number, 150, half - edge - 16)
        line(draw, card.number, edge, 250, size, INK, half)
        line(draw, card.unit, edge, 250 + size + 24, 40, FAINT, half - edge)
    y = 60
    for ranking in card.rankings[:2]:
        y = listed(draw, ranking, right, y, width - right - 48, 30, 42) + 26
    line(draw, "Brapped", edge, height - 80, 32, FAINT, half)


def below(draw: ImageDraw.ImageDraw, card: Card, width: int, height: int) -> None:
    """Everything in one column."""
    edge = 90
    inside = width - 2 * edge
    line(draw, card.who, edge, 170, 48, FAINT, inside)
    line(draw, card.title, edge, 236, 84, INK, inside)
    y = 420
    if card.number:
        line(draw, card.number, edge, y, fitting(card.number, 220, inside), INK, inside)
        line(draw, card.unit, edge, y + 250, 56, FAINT, inside)
        y += 390
    for ranking in card.rankings[:2]:
        y = listed(draw, ranking, edge, y, inside, 46, 64) + 44
    line(draw, "Brapped", edge, height - 150, 48, FAINT, inside)


def listed(draw: ImageDraw.ImageDraw, ranking: Ranking, x: int, y: int, width: int, size: int, pitch: int) -> int:
    """A ranking with its head; where it ends."""
    if not ranking.names:
        return y
    line(draw, ranking.head, x, y, round(size * 0.85), FAINT, width)
    y += round(pitch * 0.95)
    for number, name in enumerate(ranking.names[:MOST_LINES], 1):
        line(draw, str(number), x, y, size, FAINT, width)
        line(draw, name, x + round(size * 1.5), y, size, INK, width - round(size * 1.5))
        y += pitch
    return y


def line(draw: ImageDraw.ImageDraw, text: str, x: int, y: int, size: int, colour: str, width: int) -> None:
    """A line of text from (x, y) down, cut to the width. Names from outside have no control characters left."""
    if shown := shortened(plain(text), size, width):
        draw.text((x, y), shown, font=font_for(shown, size), fill=colour)
