"""`brapped import --receipts` and `--undo`: what was imported, and taking one import back."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from etl.cli.fast_imports import quick_imports
from etl.cli.output import on_summary
from etl.json_text import json_text

if TYPE_CHECKING:
    from etl.jobs.undo import ImportReceipt


def show_receipts(*, as_json: bool) -> None:
    """Print the imports recorded here, the latest first. In a public log nobody and no file is named."""
    with quick_imports():
        from etl.jobs.undo import list_receipts
        from etl.settings import Runner, read_settings
        from etl.warehouse.open import opened

    is_public = Runner().github_actions
    with opened(read_settings()) as warehouse:
        receipts = list_receipts(warehouse)
    if as_json:
        typer.echo(json_text([as_dict(one, is_public=is_public) for one in receipts], indent=2))
        return
    if not receipts:
        typer.echo("Nothing was imported yet.")
    for one in receipts:
        typer.echo(as_line(one, is_public=is_public))


def as_line(receipt: "ImportReceipt", *, is_public: bool) -> str:
    """A receipt in one line. `is_public`: anybody may read it. Pure."""
    from etl.counts import many
    from etl.jobs.undo import whose

    count = len(receipt.file_names)
    text = f"{receipt.receipt:>6}  {receipt.started_at.astimezone(UTC):%Y-%m-%d %H:%M}"
    if not is_public:
        text += f"  {whose(receipt)}"
    text += f"  {many(count, 'file')}, {many(receipt.row_count, 'row')}, {many(receipt.new_count, 'new play')}"
    if not is_public and count:
        text += f": {receipt.file_names[0]}{', …' if count > 1 else ''}"
    if receipt.undone_at is not None:
        return f"{text}; taken back on {receipt.undone_at.astimezone(UTC):%Y-%m-%d}"
    return text if receipt.can_be_undone else f"{text}; can't be undone as it is"


def as_dict(receipt: "ImportReceipt", *, is_public: bool) -> dict[str, object]:
    """A receipt for JSON; times are UTC. `is_public`: without listener and file names. Pure."""
    return {
        "receipt": receipt.receipt,
        "started_at": stamp(receipt.started_at),
        "listener_id": None if is_public else receipt.listener_id,
        "listener_name": None if is_public else receipt.listener_name,
        "file_count": len(receipt.file_names),
        "file_names": None if is_public else list(receipt.file_names),
        "row_count": receipt.row_count,
        "new_count": receipt.new_count,
        "undone_at": stamp(receipt.undone_at) if receipt.undone_at else None,
        "can_be_undone": receipt.can_be_undone,
    }


def stamp(at: datetime) -> str:
    """A time as text, in UTC. Pure."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def undo(receipt: int, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Say what would go, ask, and take the import back.

    Without a terminal, `yes` answers. Raises UndoError and WarehouseError, and Exit(1) if it was not confirmed.
    """
    with quick_imports():
        from etl.jobs.undo import line, undo_import, whose
        from etl.settings import Runner, read_settings
        from etl.warehouse.open import opened

    is_public = Runner().github_actions
    with opened(read_settings()) as warehouse:
        undone = undo_import(warehouse, receipt, dry_run=True)
        if not dry_run:
            if not is_public:
                typer.echo(f"Out of the record of {whose(undone.receipt)}.", err=True)
            typer.echo(line(undone), err=True)
            confirm("Take it back?", yes=yes)
            undone = undo_import(warehouse, receipt, dry_run=False)
    if as_json:
        counts = {
            name: getattr(undone, name)
            for name in ("gone_count", "kept_count", "unsure_count", "removed_count", "staying_count")
        }
        shown = {**as_dict(undone.receipt, is_public=is_public), **counts, "is_dry_run": dry_run}
        typer.echo(json_text(shown, indent=2))
    else:
        typer.echo(line(undone))
    on_summary(line(undone))


def confirm(question: str, *, yes: bool) -> None:
    """Ask the person at the terminal, unless `yes`. Raises Exit(1) if they decline, or if nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        why = f"{question.splitlines()[0]} " if "\n" in question else ""
        typer.echo(
            f"{why}Nothing was changed: nobody could be asked. Run it at a terminal, or answer with --yes.", err=True
        )
        raise typer.Exit(1)
    if not typer.confirm(question, err=True):
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(1)
