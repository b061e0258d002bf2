"""Which tracks are one recording: pairs that look alike, decisions about them, and taking those back.

A decision holds for everybody who is recorded here. So a listener decides in the browser only about recordings that
nobody else has played, and takes back only their own decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form
from sqlalchemy import Connection, Row
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from etl import limits
from etl.jobs import exclusions
from etl.jobs import recordings as job
from etl.jobs.recordings_text import heard, length, shape
from etl.warehouse.recordings import RecordingError
from etl.warehouse.statements import run
from etl.web import rendering
from etl.web.numbers import line_of, number_in
from etl.web.sessions import Visitor
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

LIST = "/data/recordings"
PAIRS = 25
LONGEST = 400  # characters of a title or an address
ACTIONS = {"merge": "one recording", "split": "two recordings"}
OF_EVERYBODY = (
    "What is one recording holds for everybody who is recorded here, and somebody else's plays would change too. Who"
    " runs the server decides about these, with brapped recordings. Nothing was changed."
)


class Unclear(Exception):
    """The tracks can't be decided about. The message is for the person."""


@dataclass(frozen=True)
class Found:
    """Pairs that look alike, and decisions that are the listener's to take back."""

    pairs: list[Row[Any]]
    decisions: list[Row[Any]]


@router.get(LIST)
def review(visitor: TheVisitor, site: TheSite) -> Response:
    """Pairs among the listener's own plays, and their decisions."""
    return shown(visitor, site)


def shown(visitor: Visitor, site: TheSite, problem: str = "", told: Sequence[str] = ("", "")) -> Response:
    pairs = site.records.read(visitor.listener_key, lambda connection: job.undecided(connection, PAIRS))
    decisions = site.records.change(lambda connection: decided(connection, visitor, None))
    return rendering.page(
        "recordings.html",
        status=400 if problem else 200,
        visitor=visitor,
        path="/data",
        found=Found(pairs, decisions),
        length=length,
        problem=problem,
        told=told,
    )


def decided(connection: Connection, visitor: Visitor, number: int | None) -> list[Row[Any]]:
    return run(connection, "ops/web/decisions", listener_key=visitor.listener_key, decision_key=number)


@router.post(LIST)
def decide(
    visitor: TheVisitor,
    site: TheSite,
    action: Annotated[str, Form()] = "",
    one: Annotated[str, Form()] = "",
    other: Annotated[str, Form()] = "",
    confirmed: Annotated[str, Form()] = "",
) -> Response:
    """Show what a decision would change; make it once that is confirmed."""
    try:
        if action not in ACTIONS:
            raise Unclear("Choose whether they are one recording or two.")
        uris = site.records.change(lambda connection: [track_named(connection, visitor, told) for told in (one, other)])
        change = changed(visitor, site, action, uris, dry_run=confirmed != "yes")
    except (Unclear, RecordingError, exclusions.ExclusionError) as error:
        return shown(visitor, site, in_browser(str(error)), (one[:LONGEST], other[:LONGEST]))
    if confirmed == "yes":
        return RedirectResponse(LIST, 303)
    return rendering.page(
        "recording_check.html",
        visitor=visitor,
        path="/data",
        action=action,
        words=ACTIONS[action],
        uris=uris,
        change=change,
        shows_plays=True,  # nobody else's are among them
        is_same=shape(change.before) == shape(change.after),
        heard=heard,
        length=length,
    )


def track_named(connection: Connection, visitor: Visitor, told: str) -> str:
    """The URI of the track that the listener means among what they played. Raises Unclear and ExclusionError."""
    name = line_of(told, LONGEST)
    if name is None:
        raise Unclear("Name two tracks, by title, id or address.")
    if name.startswith(("spotify:", "name:")) and run_of(connection, visitor, [name]):
        return name
    key = exclusions.found(connection, visitor.listener, "track", name)
    [row] = run(connection, "ops/web/track_uri", track_key=key)
    return str(row.track_uri)


def run_of(connection: Connection, visitor: Visitor, uris: Sequence[str]) -> list[Row[Any]]:
    """The tracks of these whose recordings the listener has played."""
    rows = run(connection, "ops/web/played_tracks", listener_key=visitor.listener_key, track_uris=list(uris))
    return [row for row in rows if row.is_played]


def changed(visitor: Visitor, site: TheSite, action: str, what: Sequence[str], *, dry_run: bool) -> job.Decided:
    """Decide in one transaction, and write down whose decision it is. Raises Unclear and RecordingError."""

    site.imports.must_be_idle(visitor.listener_key)

    def work(connection: Connection) -> job.Decided:
        now = site.clock()
        is_undo = action == "undo"
        if not is_undo and any(row.is_played_by_others for row in run_of(connection, visitor, what)):
            raise Unclear(OF_EVERYBODY)
        made = job.changed(connection, action, what, note=None, now=now, is_dry_run=dry_run)
        if dry_run:
            raise job.DryRunDone(made)
        if not is_undo:
            key = {"decision_key": made.decision_key, "listener_key": visitor.listener_key}
            run(connection, "ops/web/decision_noted", **key)
        run(connection, "ops/web/decision_forgotten")
        return made

    try:
        decided_now: job.Decided = site.records.warehouse.transaction(work, limits.REBUILDING)
    except job.DryRunDone as done:
        return done.decided
    return decided_now


def in_browser(text: str) -> str:
    """A sentence of the commands without what is typed in a terminal."""
    for command, words in (
        (" 'brapped recordings show' lists the tracks of its recording; write two of them by id or link.", ""),
        (" of 'brapped recordings list'", " below"),
        (" See: brapped search", ""),
    ):
        text = text.replace(command, words)
    return text.partition(" Take it back first: brapped")[0]


def own(visitor: Visitor, site: TheSite, number: str) -> Row[Any]:
    """The decision with this number. Raises HTTPException (404) unless the listener may take it back."""
    wanted = number_in(number)
    rows: list[Row[Any]] = (
        site.records.change(lambda connection: decided(connection, visitor, wanted)) if wanted else []
    )
    if not rows:
        raise HTTPException(404, "You have made no decision of this number.")
    return rows[0]


@router.get(f"{LIST}/{{number}}/undo")
def ask(number: str, visitor: TheVisitor, site: TheSite) -> Response:
    """What taking a decision back would change."""
    decision = own(visitor, site, number)
    change = changed(visitor, site, "undo", [str(decision.decision_key)], dry_run=True)
    uris = [decision.track_uri, decision.other_track_uri]
    played = site.records.change(lambda connection: run_of(connection, visitor, uris))
    return rendering.page(
        "recording_check.html",
        visitor=visitor,
        path="/data",
        action="undo",
        words="",
        uris=(),
        change=change,
        shows_plays=not any(row.is_played_by_others for row in played),
        is_same=shape(change.before) == shape(change.after),
        heard=heard,
        length=length,
    )


@router.post(f"{LIST}/{{number}}/undo")
def undo(number: str, visitor: TheVisitor, site: TheSite) -> Response:
    """Take a decision back."""
    decision = own(visitor, site, number)
    try:
        changed(visitor, site, "undo", [str(decision.decision_key)], dry_run=False)
    except RecordingError:
        raise HTTPException(404, "The decision was taken back already.") from None
    return RedirectResponse(LIST, 303)
