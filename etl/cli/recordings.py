"""`brapped recordings`: which tracks are one recording, and what the person decides about it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli.fast_imports import quick_imports
from etl.cli.options import MOST, check_name
from etl.cli.output import in_lines

if TYPE_CHECKING:
    from sqlalchemy import Connection

recordings = typer.Typer(
    help="Which tracks are one recording, and why. Decide about it yourself, and take it back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

TrackArgument = Annotated[
    str, typer.Argument(metavar="TRACK", callback=check_name, help="URI, link or id of a track, or its title.")
]
OtherArgument = Annotated[str, typer.Argument(metavar="OTHER", callback=check_name, help="The other track, likewise.")]
NoteOption = Annotated[str | None, typer.Option("--note", callback=check_name, help="Why, in your own words.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@recordings.command()
def show(track: TrackArgument, as_json: JsonOption = False) -> None:
    """Show the tracks that are one recording with a track, and why each of them is.

    Example: brapped recordings show "nina simone feeling good"
    """
    with quick_imports():
        from etl.jobs import recordings as job
        from etl.jobs import recordings_text as words

    def answer(connection: "Connection") -> str:
        tracks, about = job.recording(connection, track)
        return words.as_json(tracks) if as_json else words.of_recording(tracks, about)

    read(answer, as_json=as_json)


@recordings.command()
def review(
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST, help="Maximum number of pairs.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show pairs that look alike and are counted apart: remasters, live versions, similar titles.

    Nothing is decided by that. The most played come first, each with what to type.

    Example: brapped recordings review --limit 50
    """
    with quick_imports():
        from etl.jobs import recordings as job
        from etl.jobs import recordings_text as words

    def answer(connection: "Connection") -> str:
        rows = job.undecided(connection, limit)
        return words.as_json(rows) if as_json else words.of_review(rows)

    read(answer, as_json=as_json)


@recordings.command("list")
def list_(as_json: JsonOption = False) -> None:
    """Show all that you have decided, each with its number.

    Example: brapped recordings list
    """
    with quick_imports():
        from etl.jobs import recordings as job
        from etl.jobs import recordings_text as words

    def answer(connection: "Connection") -> str:
        rows = job.decisions(connection)
        return words.as_json(rows) if as_json else words.of_decisions(rows)

    read(answer, as_json=as_json)


@recordings.command()
def merge(track: TrackArgument, other: OtherArgument, note: NoteOption = None, dry_run: DryRunOption = False) -> None:
    """Decide that two tracks are one recording, with the tracks that already belong to either.

    Example: brapped recordings merge "feeling good" "feeling good - remastered" --dry-run
    """
    write("merge", (track, other), note, dry_run=dry_run)


@recordings.command()
def split(track: TrackArgument, other: OtherArgument, note: NoteOption = None, dry_run: DryRunOption = False) -> None:
    """Decide that two tracks are not one recording, whatever comes later.

    Example: brapped recordings split "feeling good" "feeling good - live" --dry-run
    """
    write("split", (track, other), note, dry_run=dry_run)


@recordings.command()
def undo(
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=MOST, help="As 'recordings list' shows it.")],
    dry_run: DryRunOption = False,
) -> None:
    """Take a decision back. Everything is then as if you had never made it.

    Example: brapped recordings undo 3
    """
    write("undo", (str(number),), None, dry_run=dry_run)


def read(answer: "Callable[[Connection], str]", *, as_json: bool) -> None:
    """Print what a question says. Raises SettingsError, EmbeddedError, WarehouseError and RecordingError."""
    with quick_imports():
        from etl import limits
        from etl.cli.output import harmless
        from etl.settings import read_settings
        from etl.warehouse.open import opened
        from etl.warehouse.recordings import must_be_private

    settings = read_settings()
    must_be_private(settings.github_actions)
    with opened(settings) as warehouse:
        warehouse.must_be_current()
        said = harmless(warehouse.transaction(answer, limits.READING))
    typer.echo(said if as_json else broken(said))


def write(action: str, what: Sequence[str], note: str | None, *, dry_run: bool) -> None:
    """Change a decision, and print what that changed. Raises as `read` does."""
    with quick_imports():
        from etl.cli.output import harmless
        from etl.jobs import recordings as job
        from etl.jobs import recordings_text as words
        from etl.settings import read_settings
        from etl.warehouse.open import opened
        from etl.warehouse.recordings import must_be_private

    settings = read_settings()
    must_be_private(settings.github_actions)
    with opened(settings) as warehouse:
        decided = job.change(warehouse, action, what, note=note, dry_run=dry_run)
    typer.echo(broken(harmless(words.of_change(decided))))


def broken(text: str) -> str:
    """The lines of a text, broken into lines of 80 characters; what is to be typed stays in one."""
    return "\n".join(
        line if "brapped recordings" in line else in_lines(line, " " * (len(line) - len(line.lstrip()) + 2))
        for line in text.split("\n")
    )
