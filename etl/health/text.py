"""The output of `brapped status` for a terminal of 80 columns."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from etl.clock import span_in_words
from etl.counts import many
from etl.health.checks import MB, Health
from etl.health.consistency import CHECKS
from etl.health.findings import Finding
from etl.health.providers import provider_lines
from etl.health.receipts import receipt_lines
from etl.health.recorders import recorder_lines
from etl.notices import ago, minute, moment, source_in_words, why_lost
from etl.values import printable

SHOWN = 8  # the last spans of the coverage ledger


def as_renderable(health: Health) -> RenderableType:
    """The state of a warehouse, part by part, and the findings at the end; times are UTC."""
    parts: list[RenderableType] = []
    for title, lines in (
        ("Record", record_lines(health)),
        ("Login", login_lines(health)),
        ("Runs", runs_lines(health)),
        ("Imports", receipt_lines(health.receipts)),
        ("Recorder", recorder_lines(health.recorders, health.made_at)),
        ("Coverage", coverage_lines(health)),
        ("Catalogue", catalogue_lines(health)),
        ("Features and genres", provider_lines(health.providers)),
        ("Database", database_lines(health)),
        ("Checks", checks_lines(health)),
    ):
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", min_width=16)
        table.add_column(overflow="fold")
        for name, value in lines:
            table.add_row(name, Text(value))
        if table.row_count:
            parts += [Text(title, style="bold"), Padding(table, (0, 0, 1, 2))]
    parts += finding_lines(health.findings)
    return Group(*parts)


Lines = Iterator[tuple[str, str]]  # label and value


def record_lines(health: Health) -> Lines:
    """The listeners, their last plays, and Spotify's last answers."""
    for one in health.listeners:
        yield "listener", printable(one["listener_name"] or one["listener_id"] or "not named in a public log")
        yield "last play", since(one["last_played_at"], health.made_at)
        yield "last checked", since(one["checked_at"], health.made_at)
    if not health.listeners:
        yield "listener", "none yet"


def login_lines(health: Health) -> Lines:
    """The date of each login, and its end or the reason of its refusal."""
    if not health.logins:
        yield "login", "none"
    for login in health.logins:
        if len(health.logins) > 1:
            yield "listener", str(login["account_key"])
        yield "agreed" if login["is_exact"] else "first seen", f"{login['agreed_at']:%Y-%m-%d}"
        if login["refused_at"]:
            yield "refused", f"{moment(login['refused_at'])} ({login['refused_reason']})"
            continue
        ends = f"{login['ends_at']:%Y-%m-%d}" + ("" if login["is_exact"] else " at the latest")
        if login["has_player_scope"] is False:
            yield "recorder", "this login may not ask what plays: log in anew before you run 'brapped record'"
        rest = login["ends_at"] - health.made_at
        yield "ends", f"{ends}, in {span_in_words(rest)}" if rest > timedelta(0) else f"{ends}: overdue"


def runs_lines(health: Health) -> Lines:
    """The last run of each job, and the pauses that Spotify demands."""
    for one in health.runs:
        line = f"{one['outcome']}, {since(one['started_at'], health.made_at)}"
        if one["failed_count"]:
            good = since(one["good_at"], health.made_at)
            line += f"; last successful: {good}"
        if one["unrecorded_count"]:
            line += f"; of the last week's, {one['unrecorded_count']:,} ended without a record"
        yield one["job"], line
    for one in health.pauses:
        if one["scope"].startswith("provider "):
            name = one["scope"].partition(" ")[2]
            yield f"{name} paused", f"by itself until {moment(one['resume_at'])} ({one['reason']})"
            continue
        scope = one["scope"] if one["scope"] in ("catalogue", "player") else "plays"
        yield f"{scope} paused", f"by Spotify until {moment(one['resume_at'])} ({one['reason']})"


def coverage_lines(health: Health) -> Lines:
    """The last spans of the coverage ledger: covered, or a gap with its reason."""
    spans = health.spans
    for one in spans[-SHOWN:]:
        when = f"{minute(one['starts_at'])} to {minute(one['ends_at'])}"
        if one["state"] == "covered":
            yield source_in_words(one["source"]).removeprefix("the "), when
        elif one["closed_at"]:
            by = source_in_words(one["closed_by"])
            yield "gap, closed", f"{when}; brought by {by} on {one['closed_at']:%Y-%m-%d}"
        else:
            yield "gap", f"{when}: {why_lost(one['reason'])}"
    if len(spans) > SHOWN:
        yield "", f"{len(spans) - SHOWN} spans before; --json has them all"


def catalogue_lines(health: Health) -> Lines:
    """Tracks, artists and albums, described or not, and the calls spent today."""
    for one in health.catalogue:
        counts = [f"{one['known_count']:,} described", f"{one['inferred_count']:,} to be described"]
        if one["unknown_to_spotify_count"]:
            counts.append(f"{one['unknown_to_spotify_count']:,} unknown to Spotify")
        if one["nameless_count"]:
            counts.append(f"{one['nameless_count']:,} without an id")
        yield f"{one['kind']}s", ", ".join(counts)
    if health.refusals:
        kinds = ", ".join(f"{kind}s" for kind in health.refusals)
        yield "one by one", f"{kinds}: Spotify does not let this app fetch several in one call"
    spent, limit = health.budget["spent"], health.budget["limit"]
    yield "calls today", f"{spent:,} of {limit:,}"


def database_lines(health: Health) -> Lines:
    """Size, limit, growth and schema."""
    storage: dict[str, Any] = health.storage
    size = f"{storage['size_bytes'] / MB:,.1f} MB"
    if storage["limit_bytes"]:
        size += f" of {storage['limit_bytes'] / MB:,.0f} ({storage['size_bytes'] / storage['limit_bytes']:.0%})"
    yield "size", size
    if storage["bytes_a_day"] is not None:
        growth = storage["bytes_a_day"] / 1000
        yield (
            "growth",
            f"{growth:,.1f} kB a day" if growth >= 0.05 else "hardly any: nothing new by the hour in 90 days",
        )
    if storage["days_left"] is not None:
        yield "room for", f"{many(storage['days_left'], 'day')} at this rate"
    yield "schema", str(health.schema["version"])


def checks_lines(health: Health) -> Lines:
    """The checks that found something, and the clock."""
    wrong = {name: count for name, count in health.checks.items() if count}
    for name, count in wrong.items():
        yield name.replace("_", " "), f"{count:,}"
    if not wrong:
        yield "tables", f"nothing wrong in {len(CHECKS)} checks"
    yield "clock", f"{abs(health.clock_skew_s):.1f} s from the database's"


def finding_lines(findings: tuple[Finding, ...]) -> Iterator[RenderableType]:
    if not findings:
        yield Text("Nothing needs you.", style="bold")
        return
    yield Text("Somebody should look:", style="bold red")
    for one in findings:
        yield Text(f"\n  {one.title}", style="bold")
        yield Padding(Text(one.text), (0, 0, 0, 2))


def since(at: datetime | None, now: datetime) -> str:
    """A time in UTC and how long ago it was; never, if there is none."""
    if at is None:
        return "never"
    return f"{moment(at)}, {'just now' if now - at < timedelta(minutes=2) else ago(at, now)}"
