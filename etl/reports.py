"""Rows of sql/reports/ to what a person reads on a terminal."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, Row

from etl.warehouse import run

BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH = 78  # at home on a terminal of 80 columns


def recorded(connection: Connection, listener_key: int) -> Group:
    """What is recorded of a listener: numbers, most played artists, the day as a picture, and what is missing."""
    [record] = run(connection, "reports/record", listener_key=listener_key)
    artists = run(connection, "reports/top_artists", listener_key=listener_key, row_limit=10)
    hours = run(connection, "reports/plays_by_hour", listener_key=listener_key)
    gaps = run(connection, "reports/gaps", listener_key=listener_key)
    return Group(
        Text(
            f"{record.play_count:,} plays of {record.track_count:,} tracks by {record.artist_count:,} artists,"
            f" {record.first_played_at:%d %b} to {record.last_played_at:%d %b %Y}"
        ),
        Text(),
        top_artists(artists),
        Text(),
        clock(hours),
        *missing(gaps),
    )


def top_artists(rows: Sequence[Row[tuple[object, ...]]]) -> Table:
    """The most played artists, each with a bar; the part played as a guest is the light end of it."""
    table = Table(box=box.SIMPLE_HEAD, width=WIDTH, pad_edge=False)
    table.add_column("Most played artists", ratio=5, no_wrap=True, overflow="ellipsis")
    table.add_column("Genres", ratio=4, no_wrap=True, overflow="ellipsis", style="dim")
    table.add_column("Plays", justify="right", no_wrap=True)
    table.add_column("", width=22, no_wrap=True)
    most = max((row.play_count for row in rows), default=1)
    for row in rows:
        whole = round(22 * row.play_count / most)
        guest = round(22 * row.featured_play_count / most)
        bar = Text.assemble(("█" * (whole - guest), "green"), ("░" * guest, "green"))
        genres = "…" if row.genres is None else ", ".join(row.genres) or "none told"
        table.add_row(row.artist_name, genres, f"{row.play_count:,}", bar)
    return table


def clock(rows: Sequence[Row[tuple[object, ...]]]) -> RenderableType:
    """The hours of the day as columns, three characters each."""
    most = max((row.play_count for row in rows), default=0) or 1
    lines = []
    for level in range(3, -1, -1):
        heights = [32 * row.play_count / most - 8 * level for row in rows]
        lines.append(Text("".join(BLOCKS[max(0, min(8, round(height)))] * 2 + " " for height in heights), style="cyan"))
    scale = "".join(f"{row.hour:<6}" if row.hour % 2 == 0 else "" for row in rows)
    return Group(Text("When in the day", style="bold"), *lines, Text(scale, style="dim"))


def missing(gaps: Sequence[Row[tuple[object, ...]]]) -> Iterator[Text]:
    for gap in gaps:
        yield Text()
        yield Text(
            f"Not recorded: plays between {gap.starts_at:%d %b %H:%M} and {gap.ends_at:%d %b %H:%M} UTC, probably."
            " More than 50 lay between two looks, and Spotify tells no more.",
            style="yellow",
        )


def terminal() -> Console:
    """Standard output; in a file or pipe as wide as on a small terminal, and without colour."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=80)
