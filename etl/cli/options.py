"""Options that the reports share, and the validation of their values."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from etl.cli.choices import CountsAs, Format

YEARS = range(2002, 9999)  # no scrobble is older (staging.py), nor is Spotify; 9999-12-31 has no day after it
MOST = 1_000_000  # rows of a report, pages of a history


def check_day(text: str | None) -> str | None:
    """Accept a date, today or yesterday, and return it unchanged, because today depends on the listener's time zone.

    Raises BadParameter.
    """
    if text is not None and text not in ("today", "yesterday"):
        try:
            is_possible = YEARS.start <= date.fromisoformat(text).year < YEARS.stop
        except ValueError:
            raise typer.BadParameter("write a day as 2026-11-20, today or yesterday") from None
        if not is_possible:
            raise typer.BadParameter(f"the day has to lie in the years {YEARS.start} to {YEARS.stop - 1}")
    return text


def check_month(text: str | None) -> str | None:
    """Accept a month such as 2026-11. Raises BadParameter."""
    if text is not None:
        try:
            is_possible = YEARS.start <= date.fromisoformat(f"{text}-01").year < YEARS.stop
        except ValueError:
            raise typer.BadParameter("write a month as 2026-11") from None
        if not is_possible:
            raise typer.BadParameter(f"the month has to lie in the years {YEARS.start} to {YEARS.stop - 1}")
    return text


def check_name(text: str | None) -> str | None:
    """Accept a name that is not blank and has no control characters. Raises BadParameter."""
    if text is not None and (not text.strip() or not text.isprintable()):
        raise typer.BadParameter("write a name, or a part of one")
    return text


def check_file(path: Path | None) -> Path | None:
    """Accept a path that ends in a file name. Raises BadParameter."""
    if path is not None and not path.name:
        raise typer.BadParameter("write the name of a file, or - for standard output")
    return path


MinOption = Annotated[
    CountsAs,
    typer.Option("--min", help="Which plays count: 30s (at least 30 seconds), half (or four minutes), full, all."),
]
WithExcludedOption = Annotated[
    bool, typer.Option("--with-excluded", help="Also what your rules leave out (brapped exclude).")
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="Default: the format of the --output file's ending, else text."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", callback=check_file, help="Write to this file instead of the terminal; - is standard output."
    ),
]
ListenerOption = Annotated[
    str | None, typer.Option("--listener", help="Id or name of the listener. Default: the only listener recorded here.")
]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=MOST, help="Maximum number of rows.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="DATE", callback=check_day, help="From this day on, as 2026-11-20.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="DATE", callback=check_day, help="Up to and including this day.")
]
