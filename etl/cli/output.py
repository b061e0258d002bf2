"""Output of a command: on the terminal and, on GitHub, on the summary page of the run."""

import textwrap
from typing import TYPE_CHECKING

import typer

from etl.json_text import CONTROL

if TYPE_CHECKING:
    from etl.jobs.run import Outcome
    from etl.settings import Settings

WIDTH = 80  # of a small terminal


def harmless(text: str) -> str:
    """The text, with a question mark for each character that would control the terminal instead of being shown."""
    return CONTROL.sub("?", text)


def in_lines(text: str, indent: str = "  ") -> str:
    """The text, broken into lines of 80 characters, all but the first indented. Words stay whole."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def show_outcome(outcome: "Outcome", settings: "Settings", *, quiet: bool = False) -> None:
    """Print the outcome of a run and its warnings, a line each, also to GitHub's summary page.

    quiet: print the outcome only when something is new or wrong. Raises Exit(1) when the run failed.
    """
    if not quiet or outcome.is_news:
        typer.echo(outcome.line)
    for warning in outcome.warnings:
        typer.echo(f"::warning::{warning}" if settings.github_actions else f"warning: {warning}", err=True)
    on_summary(outcome.line, *outcome.warnings)
    if not outcome.is_good:
        raise typer.Exit(1)


def on_summary(*lines: str) -> None:
    """Append paragraphs to the summary page of the run, on GitHub. Raises OSError."""
    from etl.jobs.workflow_files import write_summary
    from etl.settings import Runner

    write_summary(Runner(), *lines)
