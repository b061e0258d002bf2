"""Rules of what a listener leaves out of reports: add one, list them, remove one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row

from etl import __version__, limits, links
from etl.clock import Clock, utc_now
from etl.counts import duration, many
from etl.jobs.exclusion_words import in_words
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ListenerError, RecordedListener, find_listener
from etl.warehouse.statements import run

LONGEST_NOTE = 500  # characters
SHOWN = 5  # candidates for an ambiguous name
FINDERS = {  # what a rule may be about: the file that finds it, and its column
    "artist": ("find_artist", "artist_key"),
    "track": ("find_track", "track_key"),
    "album": ("find_album", "album_key"),
    "show": ("find_album", "album_key"),
    "context": ("find_context", "context_key"),
    "device": ("find_device", "device_name"),
    "genre": ("find_genre", "genre_name"),
}
LINKED = {  # of which kinds a link may be
    "artist": ("artist",),
    "track": ("track", "episode", "chapter"),
    "album": ("album",),
    "show": ("show", "audiobook"),
    "context": ("playlist", "album", "artist", "show", "audiobook", "track", "episode"),
}
BY_NAME = ("device", "genre")  # kept as their names, because they have no key


class ExclusionError(Exception):
    """A rule can't be made or found. The message is for the person."""


@dataclass(frozen=True)
class Conditions:
    """What a rule is about, in the person's words: all of it has to be met.

    `names`: by the keys of FINDERS. Minutes are those of the local day, 0 to 1439. `weekdays`: 1 for Monday to 7.
    """

    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    from_minute: int | None = None
    until_minute: int | None = None
    weekdays: tuple[int, ...] = ()
    since_date: date | None = None
    until_date: date | None = None


@dataclass(frozen=True)
class Rule:
    """A rule in words, and what it leaves out.

    listen_count: plays, however short. play_count, listened_ms: those of at least thirty seconds, and their time; null
    if it is not known of any. own_…: likewise, of what no other rule leaves out.
    """

    number: int
    words: str = field(repr=False)
    note: str | None = field(repr=False)
    listen_count: int
    play_count: int
    listened_ms: int | None
    own_listen_count: int
    own_play_count: int
    own_listened_ms: int | None


def must_be_private(settings: Settings) -> None:
    """Raises ExclusionError in a log that others may read, because rules and what comes near have names in them."""
    if settings.github_actions:
        raise ExclusionError(
            "Rules are shown by the names of artists and titles, and the logs of GitHub Actions may be read by others."
            " Run this on your own computer, with DATABASE_URL set as it is there."
        )


class DryRunDone(Exception):
    """Rolls the transaction of a dry run back, and carries the rule."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule


def add(
    settings: Settings,
    warehouse: Warehouse,
    conditions: Conditions,
    *,
    note: str | None = None,
    listener: str | None = None,
    dry_run: bool = False,
    clock: Clock = utc_now,
) -> Rule:
    """Make a rule; it, and what it leaves out. `dry_run`: roll it back.

    Raises ExclusionError for conditions that name nothing, or several things, and in a public log; ListenerError and
    WarehouseError.
    """
    must_be_private(settings)
    if note is not None and not (note.isprintable() and 0 < len(note.strip()) <= LONGEST_NOTE):
        raise ExclusionError(f"The note may have at most {LONGEST_NOTE} characters, all of them printable.")

    def work(connection: Connection) -> Rule:
        who = recorded(connection, settings, listener)
        values: dict[str, Any] = {
            "from_minute": conditions.from_minute,
            "until_minute": conditions.until_minute,
            "weekdays": sorted(set(conditions.weekdays)) or None,
            "since_date": conditions.since_date,
            "until_date": conditions.until_date,
            "note": note,
        } | {column: None for _, column in FINDERS.values()}
        for kind, name in conditions.names.items():
            column = FINDERS[kind][1]
            if values[column] is not None:
                raise ExclusionError("A rule is about an album or a show, not both: make two rules.")
            values[column] = found(connection, who, kind, name)
        if all(value is None for column, value in values.items() if column != "note"):
            raise ExclusionError("A rule needs a condition, such as --artist, --from-hour or --weekday.")
        key = {"listener_key": who.listener_key}
        run(connection, "ops/exclusions/locked")
        [made] = run(connection, "ops/exclusions/added", **key, **values, now=clock())
        [same] = run(connection, "ops/exclusions/same", **key, exclusion_key=made.exclusion_key)
        if same.exclusion_key is not None:
            raise ExclusionError(f"Rule {same.exclusion_key} has just these conditions; nothing was changed.")
        run(connection, "ops/exclusions/remembered", **key, exclusion_key=made.exclusion_key)
        [row] = run(connection, "ops/exclusions/rules", **key, exclusion_key=made.exclusion_key)
        if dry_run:
            raise DryRunDone(rule_of(row))
        return rule_of(row)

    return in_transaction(warehouse, work, clock, dry_run=dry_run)


def rules(settings: Settings, warehouse: Warehouse, *, listener: str | None = None) -> list[Rule]:
    """The rules of a listener, by number. Raises ExclusionError in a public log, ListenerError and WarehouseError."""
    must_be_private(settings)
    warehouse.must_be_current()

    def work(connection: Connection) -> list[Rule]:
        who = recorded(connection, settings, listener)
        rows = run(connection, "ops/exclusions/rules", listener_key=who.listener_key, exclusion_key=None)
        return [rule_of(row) for row in rows]

    return warehouse.transaction(work, limits.READING)


def remove(
    settings: Settings,
    warehouse: Warehouse,
    number: int,
    *,
    listener: str | None = None,
    dry_run: bool = False,
    clock: Clock = utc_now,
) -> Rule:
    """Remove a rule; it, and what counts again. `dry_run`: roll it back.

    Raises ExclusionError when the listener has no rule of this number, or in a public log; ListenerError and
    WarehouseError.
    """
    must_be_private(settings)

    def work(connection: Connection) -> Rule:
        who = recorded(connection, settings, listener)
        key = {"listener_key": who.listener_key, "exclusion_key": number}
        rows = run(connection, "ops/exclusions/rules", **key)
        if not rows:
            raise ExclusionError(f"There is no rule {number}. The rules are listed by: brapped exclude list")
        run(connection, "ops/exclusions/removed", **key)
        if dry_run:
            raise DryRunDone(rule_of(rows[0]))
        return rule_of(rows[0])

    return in_transaction(warehouse, work, clock, dry_run=dry_run)


def in_transaction(warehouse: Warehouse, work: Callable[[Connection], Rule], clock: Clock, *, dry_run: bool) -> Rule:
    """Bring the schema up to date, and run `work` in a transaction, which it rolls back by raising DryRunDone."""
    if dry_run:
        warehouse.must_be_current()
    else:
        warehouse.migrate(clock(), __version__, views_may_wait=True, plays_may_wait=True)
    try:
        return warehouse.transaction(work, limits.READING)
    except DryRunDone as done:
        return done.rule


def recorded(connection: Connection, settings: Settings, listener: str | None) -> RecordedListener:
    """The listener whose rules these are. Raises ListenerError."""
    who = find_listener(connection, listener, is_public=settings.github_actions)
    if who is None:
        raise ListenerError("Nobody is recorded here yet, so there is nothing to leave out.")
    return who


def found(connection: Connection, who: RecordedListener, kind: str, name: str) -> int | str:
    """What a name, a Spotify id, URI or address means among what the listener played: its key, or its name as recorded.

    Raises ExclusionError with what comes near.
    """
    rows = candidates(connection, who, kind, name)
    if not rows:
        nothing = f"No {kind} among the recorded plays has a name like this."
        if kind in ("artist", "track"):
            raise ExclusionError(f"{nothing} See: brapped search")
        known = candidates(connection, who, kind, "")
        listed = f" The most played:\n{in_a_list(known)}" if known else ""
        raise ExclusionError(f"{nothing}{listed}")
    exact = [row for row in rows if row.is_exact]
    if len(exact or rows) > 1 or not (exact or len(rows) == 1):
        raise ExclusionError(
            f"More than one {kind} fits. Name one as it stands here, or by its id:\n{in_a_list(exact or rows)}"
        )
    one = (exact or rows)[0]
    return str(one.found_name) if kind in BY_NAME else int(one.found_key)


def candidates(connection: Connection, who: RecordedListener, kind: str, name: str) -> list[Row[Any]]:
    """What a name may mean, the exact ones first, then the most played: SHOWN and one more at most. "": anything."""
    file, _ = FINDERS[kind]
    return run(
        connection,
        f"ops/exclusions/{file}",
        listener_key=who.listener_key,
        wanted=name.strip(),
        wanted_id=id_in(kind, name),
        row_limit=SHOWN + 1,
        **({"is_show": kind == "show"} if file == "find_album" else {}),
    )


def in_a_list(rows: Sequence[Row[Any]]) -> str:
    """Candidates, a line each. Pure."""
    more = ["  …"] if len(rows) > SHOWN else []
    return "\n".join([*(f"  {candidate(row)}" for row in rows[:SHOWN]), *more])


def id_in(kind: str, name: str) -> str | None:
    """The Spotify id in an id, a URI or a link; None for a name. Pure.

    Raises ExclusionError for a link of something else.
    """
    one = links.named(name)
    if one is None or kind in BY_NAME:
        return None
    if one.kind is not None and one.kind not in LINKED[kind]:
        raise ExclusionError(f"That is the link of {links.a(one.kind)}, and --{kind} wants {links.a(kind)}.")
    return one.spotify_id


def candidate(row: Row[Any]) -> str:
    by = f" by {row.by_whom}" if row.by_whom else ""
    return f"{row.found_name}{by}{f' ({row.found_id})' if row.found_id else ''}"


def rule_of(row: Row[Any]) -> Rule:
    return Rule(
        row.exclusion_key,
        in_words(row),
        row.note,
        row.listen_count,
        row.play_count,
        row.listened_ms,
        row.own_listen_count,
        row.own_play_count,
        row.own_listened_ms,
    )


def effect(rule: Rule) -> str:
    """What a rule leaves out: 412 plays, 19 h 05 min, and 57 of less than 30 s (3 of them another rule, too). Pure."""
    shared = rule.listen_count - rule.own_listen_count
    if shared == 0:
        others = ""
    elif shared == rule.listen_count:
        others = " (all of them other rules leave out, too)"
    else:
        others = f" ({shared:,} of them other rules leave out, too)"
    return amount(rule.listen_count, rule.play_count, rule.listened_ms) + others


def effect_of_removal(rule: Rule, *, is_dry_run: bool) -> str:
    """What counts again without a rule: what no other rule leaves out. A sentence. Pure."""
    again, stay = ("would count again", "would stay") if is_dry_run else ("count again", "stay")
    if rule.listen_count == 0:
        return "It left nothing out."
    shared = rule.listen_count - rule.own_listen_count
    others = f"{many(shared, 'play')} {stay} left out by other rules." if shared else ""
    if rule.own_listen_count == 0:
        return f"Nothing {'would count' if is_dry_run else 'counts'} again: {others}"
    own = amount(rule.own_listen_count, rule.own_play_count, rule.own_listened_ms)
    return f"{own} {again}.{f' {others}' if others else ''}"


def amount(listen_count: int, play_count: int, listened_ms: int | None) -> str:
    """412 plays, 19 h 05 min, and 57 of less than 30 s. Pure."""
    shorter = listen_count - play_count
    time = "of unknown length" if listened_ms is None else duration(listened_ms)
    return f"{many(play_count, 'play')}, {time}{f', and {shorter:,} of less than 30 s' if shorter else ''}"
