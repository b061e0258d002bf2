"""`brapped listener`: who is recorded here, a better name for one, two made one, and everything of one deleted."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli.fast_imports import quick_imports
from etl.cli.output import on_summary
from etl.cli.undo import confirm, stamp
from etl.json_text import json_text

if TYPE_CHECKING:
    from etl.jobs.listener_merges import ListenerMerge, Merged
    from etl.jobs.listeners import Listed

listener = typer.Typer(
    help="List the listeners recorded here, rename one, merge two, or delete everything of one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@listener.command("list")
def list_(as_json: Json = False) -> None:
    """Show who is recorded here, and how much of each.

    Example: brapped listener list
    """
    with quick_imports():
        from etl.jobs.listener_merges import list_merges
        from etl.jobs.listeners import list_listeners
        from etl.settings import Runner, read_settings
        from etl.warehouse.open import opened

    is_public = Runner().github_actions
    with opened(read_settings()) as warehouse:
        everybody, merges = list_listeners(warehouse), list_merges(warehouse)
    if as_json:
        shown = [as_dict(one, merges, is_public=is_public) for one in everybody]
        typer.echo(json_text(shown, indent=2))
        return
    if not everybody:
        typer.echo("Nobody is recorded here yet.")
    for one in everybody:
        typer.echo(as_line(one, is_public=is_public))
    for merge in merges:
        typer.echo(merge_line(merge, is_public=is_public))


def as_line(one: "Listed", *, is_public: bool) -> str:
    """A listener in one line. `is_public`: anybody may read it, so nobody is named. Pure."""
    from etl.counts import many
    from etl.jobs.ownership import name_of

    who = "a listener" if is_public else name_of(one.listener_id, one.listener_name)
    text = f"{who}: {many(one.play_count, 'play')}"
    if one.first_played_at and one.last_played_at:
        text += f", {one.first_played_at:%Y-%m-%d} to {one.last_played_at:%Y-%m-%d}"
    return f"{text}{', logged in' if one.is_logged_in else ''}"


def merge_line(merge: "ListenerMerge", *, is_public: bool) -> str:
    """A merge in one line. `is_public`: anybody may read it, so nobody is named. Pure."""
    from etl.jobs.listener_merges import into_name, own_name

    who = "a listener into another" if is_public else f"{own_name(merge)} into {into_name(merge)}"
    return f"merge {merge.merge}, {merge.merged_at:%Y-%m-%d}: {who}; 'brapped listener unmerge {merge.merge}' takes it back"


def as_dict(one: "Listed", merges: "list[ListenerMerge]", *, is_public: bool) -> dict[str, object]:
    """A listener for JSON, with the merges into them; times are UTC. `is_public`: without id and names. Pure."""
    return {
        "listener_id": None if is_public else one.listener_id,
        "listener_name": None if is_public else one.listener_name,
        "is_renamed": one.is_renamed,
        "play_count": one.play_count,
        "first_played_at": stamp(one.first_played_at) if one.first_played_at else None,
        "last_played_at": stamp(one.last_played_at) if one.last_played_at else None,
        "is_logged_in": one.is_logged_in,
        "merged": [
            {
                "merge": merge.merge,
                "listener_id": None if is_public else merge.listener_id,
                "listener_name": None if is_public else merge.listener_name,
                "merged_at": stamp(merge.merged_at),
            }
            for merge in merges
            if merge.into_listener_key == one.listener_key
        ],
    }


@listener.command()
def rename(
    who: Annotated[str, typer.Argument(metavar="LISTENER", help="Id or name of the listener.")],
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The new display name.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to the name that Spotify tells.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Give a listener another display name. Later logins leave it as it is; --undo takes it back.

    Example: brapped listener rename me "Ada"
    """
    if undo == (name is not None):
        raise typer.BadParameter("give the new name, or --undo")
    with quick_imports():
        from etl.jobs.listeners import rename_listener
        from etl.settings import Runner, read_settings
        from etl.values import printable
        from etl.warehouse.open import opened

    is_public = Runner().github_actions
    with opened(read_settings()) as warehouse:
        one, now_named = rename_listener(warehouse, who, name, dry_run=dry_run, is_public=is_public)
    if is_public:
        text = "the listener was renamed"
    else:
        shown = f'"{printable(now_named)}"' if now_named else "nothing but the id"
        text = f"{printable(one.listener_id)} {'would be' if dry_run else 'is now'} shown as {shown}"
    typer.echo(f"{text}; nothing was changed (dry run)" if dry_run else text)


@listener.command()
def merge(
    who: Annotated[str, typer.Argument(metavar="LISTENER", help="Id or name of the listener who becomes part.")],
    into: Annotated[str, typer.Argument(metavar="INTO", help="Id or name of the listener who has it all then.")],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Merge one listener into another: all that is recorded of both is one record. 'unmerge' takes it back.

    Example: brapped listener merge ada me --dry-run
    """
    with quick_imports():
        from etl.jobs.listener_merges import line, merge_listeners
        from etl.settings import Runner, read_settings
        from etl.warehouse.open import opened

    is_public = Runner().github_actions
    with opened(read_settings()) as warehouse:
        merged = merge_listeners(warehouse, who, into, dry_run=True, is_public=is_public)
        for sentence in preview(merged, is_public=is_public):
            typer.echo(sentence, err=True)
        if not dry_run:
            confirm("Merge them?", yes=yes)
            merged = merge_listeners(warehouse, who, into, dry_run=False, is_public=is_public)
    typer.echo(line(merged))
    if not dry_run:
        typer.echo(f"'brapped listener unmerge {merged.merge.merge}' takes it back.")
    on_summary(line(merged))


@listener.command()
def unmerge(
    number: Annotated[
        int, typer.Argument(metavar="MERGE", min=1, max=2_147_483_647, help="Number of the merge, which 'list' shows.")
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Take a merge back: both are as if it had never been. What came in since then stays with the one it came to.

    Example: brapped listener unmerge 1
    """
    with quick_imports():
        from etl.jobs.listener_merges import line, unmerge_listeners
        from etl.settings import Runner, read_settings
        from etl.warehouse.open import opened

    is_public = Runner().github_actions
    with opened(read_settings()) as warehouse:
        apart = unmerge_listeners(warehouse, number, dry_run=True)
        for sentence in preview(apart, is_public=is_public):
            typer.echo(sentence, err=True)
        if not dry_run:
            confirm("Take it back?", yes=yes)
            apart = unmerge_listeners(warehouse, number, dry_run=False)
    typer.echo(line(apart))
    on_summary(line(apart))


def preview(merged: "Merged", *, is_public: bool) -> list[str]:
    """What two listeners have while apart, and together, a line each. `is_public`: nobody is named. Pure."""
    from etl.jobs.listener_merges import described, into_name, own_name

    own, other = ("the one", "the other") if is_public else (own_name(merged.merge), into_name(merged.merge))
    lines = [
        f"{own}: {described(merged.own)}",
        f"{other}: {described(merged.into)}",
        f"together: {described(merged.together)}; {merged.both_count:,} that both have",
    ]
    if merged.own.is_logged_in and merged.merge.undone_at is None:
        lines.append(f"The login of {own} stays. What it brings while they are merged is recorded of {other}.")
    return lines


@listener.command()
def delete(
    who: Annotated[str, typer.Argument(metavar="LISTENER", help="Id or name of the listener.")],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Delete everything of one listener: plays, imports, logins. It can't be undone; a backup can be restored.

    Example: brapped listener delete ada --dry-run
    """
    with quick_imports():
        from etl.jobs.listeners import delete_listener, line
        from etl.settings import Runner, read_settings
        from etl.warehouse.open import opened

    is_public = Runner().github_actions
    with opened(read_settings()) as warehouse:
        deleted = delete_listener(warehouse, who, dry_run=True, is_public=is_public)
        if not dry_run:
            typer.echo(line(deleted).partition(";")[0] + ".", err=True)
            typer.echo("This can't be undone. 'brapped migrate --backup FILE' keeps a copy.", err=True)
            must_type(who, yes=yes)
            deleted = delete_listener(warehouse, who, dry_run=False, is_public=is_public)
    for table, count in deleted.row_counts.items():
        typer.echo(f"{count:>12,}  {table}")
    typer.echo(line(deleted))
    on_summary(line(deleted))


def must_type(who: str, *, yes: bool) -> None:
    """Have the person at the terminal type the name, unless `yes`. Raises Exit(1) if they don't, or nobody is there."""
    if yes or not sys.stdin.isatty():
        confirm("", yes=yes)
        return
    if typer.prompt(f"Type {who} to delete everything of this listener", default="", err=True) != who:
        typer.echo("Nothing was changed.", err=True)
        raise typer.Exit(1)
