"""What plays now as a small SVG picture, for a README or a page of one's own."""

from typing import Any

from markupsafe import Markup, escape

from etl.reports.formats.drawing import element
from etl.reports.formats.html import plain

WIDTH, HEIGHT, LONGEST = 380, 72, 44


def badge(playing: dict[str, Any] | None) -> str:
    """The picture. playing: as `etl.jobs.recorder.playing.playing_now` has it; None where no recorder asks."""
    if playing is None or not playing["is_fresh"]:
        head, first, second = "Not known now", "No recorder has asked lately", ""
    elif not playing["is_playing"]:
        head, first, second = "Nothing plays", "", ""
    else:
        head = "Plays now"
        first = playing["track_name"] or "A track without a name"
        second = ", ".join(name for name in playing["artist_names"] if name)
    shown = [shortened(plain(text)) for text in (head, first, second)]
    title = ": ".join(filter(None, [shown[0], " by ".join(filter(None, shown[1:]))]))
    words = [
        element("text", escape(text), x=72, y=y, **{"font-size": size, "fill": fill, "font-family": "sans-serif"})
        for text, y, size, fill in zip(
            shown, (22, 42, 60), (12, 16, 13), ("#ffdccd", "#fff6ee", "#ffdccd"), strict=True
        )
        if text
    ]
    disc = [
        element("circle", Markup(), cx=36, cy=36, r=radius, **{"fill": "none", "stroke": "#fff6ee", "stroke-width": 2})
        for radius in (8, 16, 24)
    ]
    ground = element("rect", Markup(), width=WIDTH, height=HEIGHT, rx=10, fill="#b5341d")
    content = Markup().join([element("title", escape(title)), ground, *disc, *words])
    return str(
        element(
            "svg", content, role="img", xmlns="http://www.w3.org/2000/svg", width=WIDTH, height=HEIGHT,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
        )
    )  # fmt: skip


def shortened(text: str) -> str:
    """As much of a text as fits, about."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"
