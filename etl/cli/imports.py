"""`brapped import …`: bring in the past, list what was brought in, and take it back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from etl.cli import undo as undo_cli
from etl.cli.fast_imports import quick_imports
from etl.cli.output import on_summary
from etl.extras import must_be_installed


def import_(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH…", help="Zip archives as Spotify sends them, folders, JSON files, or files of audio features."
        ),
    ] = None,
    listener: Annotated[
        str | None,
        typer.Option(
            "--listener",
            help="Id or name of the listener whose export it is. Default: the only listener recorded here.",
        ),
    ] = None,
    without_private: Annotated[
        bool, typer.Option("--without-private", help="Leave out plays of private sessions.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Look at every row of files that were imported before, too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
    receipts_listed: Annotated[
        bool, typer.Option("--receipts", help="List earlier imports with their numbers, and import nothing.")
    ] = False,
    undo: Annotated[
        int | None, typer.Option("--undo", metavar="RECEIPT", help="Take the import with this number back.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Answer every question with yes.")] = False,
) -> None:
    """Import your past: Spotify's exports, and histories of Last.fm, ListenBrainz, Maloja and Koito. Calls nobody.

    A CSV or JSON of audio features that Spotify once told is taken too, for the tracks that are recorded here.

    Example: brapped import ~/Downloads/my_spotify_data.zip
    """
    if receipts_listed or undo is not None:
        if paths or (receipts_listed and undo is not None):
            raise typer.BadParameter("give either files, or --receipts, or --undo with a number")
        if undo is None:
            undo_cli.show_receipts(as_json=as_json)
        else:
            undo_cli.undo(undo, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    if not paths:
        raise typer.BadParameter("give the files to import, or --receipts, or --undo with a number")
    with quick_imports():
        from etl.jobs import features, receipts
        from etl.jobs.imports import import_exports
        from etl.jobs.ownership import Unconfirmed
        from etl.settings import Runner, read_settings
        from etl.sources.exports.packages import must_exist
        from etl.terminal import bar
        from etl.warehouse.connection import Warehouse
        from etl.warehouse.open import opened

    settings = read_settings()
    must_exist(paths)
    if any(of_features := features.are_features(paths)):
        if not all(of_features):
            raise typer.BadParameter("audio features and listening histories are imported apart: use two commands")
        with opened(settings) as warehouse:
            told = features.import_features(warehouse, paths, dry_run=dry_run)
        typer.echo((features.as_json if as_json else features.as_text)(told))
        return
    must_be_installed("numpy")
    is_public = Runner().github_actions
    is_watched = sys.stderr.isatty() and not is_public

    def attempt(warehouse: Warehouse, *, asks: bool) -> receipts.Receipt:
        with bar("reading", is_bytes=True, then="matching") as progress:
            return import_exports(
                settings,
                warehouse,
                paths,
                listener=listener,
                without_private=without_private,
                again=again,
                dry_run=dry_run,
                asks=asks,
                progress=progress,
                notify=lambda sentence: typer.echo(sentence, err=True) if is_watched else None,
            )

    try:
        with opened(settings) as warehouse:
            try:
                receipt = attempt(warehouse, asks=not (dry_run or yes))
            except Unconfirmed as doubt:
                undo_cli.confirm(f"{doubt}\nImport it all the same?", yes=False)
                receipt = attempt(warehouse, asks=False)
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing was changed.", err=True)
        raise typer.Exit(130) from None
    written = receipts.as_json if as_json else receipts.as_text
    typer.echo(written(receipt, is_public=is_public))
    on_summary(receipts.line(receipt), *receipt.warnings)
    if not receipt.is_good:
        raise typer.Exit(1)
