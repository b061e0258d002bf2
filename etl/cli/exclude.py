"""`brapped exclude …`: leave plays out of reports, without deleting them."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from etl.cli.fast_imports import quick_imports
from etl.cli.options import YEARS, ListenerOption, check_name
from etl.cli.output import harmless, in_lines
from etl.json_text import json_text

if TYPE_CHECKING:
    from etl.jobs.exclusions import Rule

exclude = typer.Typer(
    help="Leave plays out of reports: a child's songs, a rain sound at night. Nothing is deleted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def check_date(text: str | None) -> str | None:
    """Accept a date as 2026-11-20. Raises BadParameter."""
    if text in ("today", "yesterday"):
        raise typer.BadParameter("write a day as 2026-11-20: a rule holds on, and tomorrow's yesterday is another day")
    if text is not None:
        try:
            is_possible = date.fromisoformat(text).year in YEARS
        except ValueError:
            is_possible = False
        if not is_possible:
            raise typer.BadParameter("write a day as 2026-11-20")
    return text


def check_time(text: str | None) -> str | None:
    """Accept an hour or a time of the day, 22 or 22:30. Raises BadParameter."""
    if text is not None:
        hour, _, minute = text.partition(":")
        is_time = hour.isdecimal() and (minute.isdecimal() or ":" not in text)
        if not is_time or int(hour) > 23 or int(minute or 0) > 59:
            raise typer.BadParameter("write an hour from 0 to 23, or a time, as 22 or 22:30; midnight is 0")
    return text


def check_weekdays(days: list[str] | None) -> list[str]:
    """Accept English weekdays, three letters or more. Raises BadParameter."""
    told = [day.strip() for text in days or [] for day in text.split(",")]
    if unknown := [day for day in told if len(day) < 3 or not any(full.startswith(day.lower()) for full in WEEKDAYS)]:
        raise typer.BadParameter(f"{unknown[0]!r} is no weekday: write mon, tue, wed, thu, fri, sat or sun")
    return [day.lower()[:3] for day in told]


def minute_of(text: str | None) -> int | None:
    if text is None:
        return None
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute or 0)


@exclude.command()
def add(
    artist: Annotated[str | None, typer.Option(callback=check_name, help="Name, id or address at Spotify.")] = None,
    track: Annotated[str | None, typer.Option(callback=check_name, help="Title, id or address.")] = None,
    album: Annotated[str | None, typer.Option(callback=check_name, help="Name, id or address.")] = None,
    show: Annotated[str | None, typer.Option(callback=check_name, help="Podcast or audiobook.")] = None,
    context: Annotated[
        str | None, typer.Option(callback=check_name, help="Played from here: a playlist, by address or id.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(callback=check_name, help="Name, type or platform, written in full.")
    ] = None,
    genre: Annotated[str | None, typer.Option(callback=check_name, help="Genre of a main artist.")] = None,
    from_hour: Annotated[
        str | None,
        typer.Option(metavar="TIME", callback=check_time, help="From this time of the day on, as 22 or 22:30."),
    ] = None,
    until_hour: Annotated[
        str | None,
        typer.Option(metavar="TIME", callback=check_time, help="Until before this time; may be past midnight."),
    ] = None,
    weekday: Annotated[
        list[str] | None, typer.Option(metavar="DAY", callback=check_weekdays, help="As sat; several times or sat,sun.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", callback=check_date, help="From this day on, as 2026-11-20.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", callback=check_date, help="Up to and including this day.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Why, for yourself.")] = None,
    dry_run: DryRunOption = False,
    listener: ListenerOption = None,
) -> None:
    """Make a rule. A play that meets all its conditions is left out of reports; the history marks it.

    Example: brapped exclude add --artist "White Noise" --from-hour 22 --until-hour 7 --dry-run
    """
    with quick_imports():
        from etl.jobs import exclusions as job
        from etl.settings import read_settings
        from etl.warehouse.open import opened

    if (from_hour is None) != (until_hour is None):
        raise typer.BadParameter(
            "--from-hour and --until-hour belong together: for the rest of the day, --until-hour 0; from midnight on,"
            " --from-hour 0"
        )
    if from_hour is not None and minute_of(from_hour) == minute_of(until_hour):
        raise typer.BadParameter("--from-hour and --until-hour are the same: leave both out for the whole day")
    days = [date.fromisoformat(day) if day else None for day in (since, until)]
    if days[0] and days[1] and days[1] < days[0]:
        raise typer.BadParameter("--until is before --since")
    if all(
        value is None for value in (artist, track, album, show, context, device, genre, from_hour, since, until)
    ) and (not weekday):
        raise typer.BadParameter("a rule needs a condition, such as --artist, --from-hour or --weekday")
    named = {
        "artist": artist, "track": track, "album": album, "show": show, "context": context, "device": device, "genre": genre
    }  # fmt: skip
    conditions = job.Conditions(
        {kind: name for kind, name in named.items() if name is not None},
        minute_of(from_hour),
        minute_of(until_hour),
        tuple(DAYS.index(day) + 1 for day in weekday or []),
        *days,
    )
    settings = read_settings()
    with opened(settings) as warehouse:
        rule = job.add(settings, warehouse, conditions, note=note, listener=listener, dry_run=dry_run)
    what = f"{rule.words}: {job.effect(rule)}"
    nothing = "" if rule.listen_count else " Nothing played so far fits; it holds for what comes later."
    if dry_run:
        say(f"Would leave out {what}. Nothing was changed.{nothing}")
        return
    say(f"Rule {rule.number} leaves out {what}.{nothing}")
    stay, them = ("They stay", "them") if rule.listen_count else ("What it leaves out stays", "it")
    typer.echo(f"{stay} recorded. To count {them} again: brapped exclude remove {rule.number}")


@exclude.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    listener: ListenerOption = None,
) -> None:
    """The rules, and what each leaves out.

    Example: brapped exclude list
    """
    with quick_imports():
        from etl.jobs import exclusions as job
        from etl.settings import read_settings
        from etl.warehouse.open import opened

    settings = read_settings()
    with opened(settings) as warehouse:
        found = job.rules(settings, warehouse, listener=listener)
    if as_json:
        typer.echo(json_text([asdict(rule) for rule in found], indent=2))
        return
    if not found:
        typer.echo("Nothing is left out: there is no rule. Make one with: brapped exclude add")
    for rule in found:
        typer.echo(in_lines(harmless(f"{rule.number}  {rule.words}"), "   "))
        typer.echo(in_lines(f"   {job.effect(rule)}", "   "))
        if rule.note:
            typer.echo(in_lines(harmless(f"   {rule.note}"), "   "))


@exclude.command()
def remove(
    number: Annotated[int, typer.Argument(min=1, max=2_147_483_647, help="Number of the rule, as list shows it.")],
    dry_run: DryRunOption = False,
    listener: ListenerOption = None,
) -> None:
    """Remove a rule: what it left out counts again.

    Example: brapped exclude remove 3
    """
    with quick_imports():
        from etl.jobs import exclusions as job
        from etl.settings import read_settings
        from etl.warehouse.open import opened

    settings = read_settings()
    with opened(settings) as warehouse:
        rule = job.remove(settings, warehouse, number, listener=listener, dry_run=dry_run)
    say(f"{describe(rule, dry_run=dry_run)}: {job.effect_of_removal(rule, is_dry_run=dry_run)}")


def say(text: str) -> None:
    """Print a sentence, broken into lines of 80 characters."""
    typer.echo(in_lines(harmless(text)))


def describe(rule: "Rule", *, dry_run: bool) -> str:
    """The beginning of what `remove` says."""
    if dry_run:
        return f"Nothing was changed. Without rule {rule.number} ({rule.words})"
    return f"Rule {rule.number} is removed ({rule.words})"
