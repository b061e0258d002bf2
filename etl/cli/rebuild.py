"""`brapped rebuild`: derive all plays anew from the observations."""

import sys
from typing import Annotated

import typer

from etl.cli.fast_imports import quick_imports
from etl.cli.output import show_outcome


def rebuild(
    listener: Annotated[
        str | None, typer.Option("--listener", help="Id or name of the listener. Default: everybody recorded here.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
) -> None:
    """Derive all plays anew from what the sources said. Needed only after the matching rule or the data was changed.

    Example: brapped rebuild --dry-run
    """
    with quick_imports():
        from etl.jobs import rebuild as job
        from etl.settings import read_settings
        from etl.terminal import bar
        from etl.warehouse.open import opened

    settings = read_settings()
    is_watched = sys.stderr.isatty() and not settings.github_actions
    with opened(settings) as warehouse, bar("listeners", then="done") as progress:
        outcome = job.rebuild(
            settings,
            warehouse,
            listener=listener,
            dry_run=dry_run,
            progress=progress,
            notify=lambda sentence: typer.echo(sentence, err=True) if is_watched else None,
        )
    show_outcome(outcome, settings)
