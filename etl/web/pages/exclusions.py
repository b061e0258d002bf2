"""Rules of what a listener leaves out of reports: list them, add one after a dry run, remove one."""

from collections.abc import Mapping
from datetime import date, time

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from etl.jobs import exclusions as job
from etl.web import rendering
from etl.web.numbers import line_of, number_in
from etl.web.sessions import Visitor
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

LIST = "/data/exclusions"
YEARS = range(1990, 2101)
LONGEST = 400  # characters of a name
KINDS = {  # the fields for a name: what stands before each, and what helps
    "artist": ("Artist", "Name, id or address at Spotify"),
    "track": ("Track", "Title, id or address; with all tracks of its recording"),
    "album": ("Album", "Name, id or address"),
    "show": ("Podcast or audiobook", "Name, id or address"),
    "context": ("Played from", "A playlist, by address or id"),
    "device": ("Device", "Name, type or platform"),
    "genre": ("Genre", "Of a main artist"),
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Unclear(Exception):
    """A field of the form says nothing that can be used. The message is for the person."""


@router.get(LIST)
def rules(visitor: TheVisitor, site: TheSite) -> Response:
    """The rules, and what each leaves out."""
    found = job.rules(site.settings, site.records.warehouse, listener=visitor.listener.listener_id)
    return rendering.page("exclusions.html", visitor=visitor, path="/data", rules=found, effect=job.effect)


@router.get(f"{LIST}/new")
def new(request: Request, visitor: TheVisitor) -> Response:
    """The form, filled with what the address names, such as ?artist=Ann."""
    return form(visitor, told_in(request.query_params))


def form(visitor: Visitor, told: Mapping[str, str], problem: str = "") -> Response:
    return rendering.page(
        "exclusion_new.html",
        status=400 if problem else 200,
        visitor=visitor,
        path="/data",
        told=told,
        kinds=KINDS,
        weekdays=WEEKDAYS,
        problem=problem,
        longest=LONGEST,
        longest_note=job.LONGEST_NOTE,
    )


def told_in(fields: Mapping[str, str]) -> dict[str, str]:
    """The fields of the form that say something, as they were written."""
    days = {f"weekday{number}" for number in range(1, 8)}
    names = {*KINDS, *days, "from_time", "until_time", "since", "until", "note"}
    return {name: told[:1000] for name in names if isinstance(told := fields.get(name), str) and told.strip()}


@router.post(f"{LIST}/new")
async def add(request: Request, visitor: TheVisitor, site: TheSite) -> Response:
    """Show what the rule would leave out; make it once that is confirmed."""
    async with request.form(max_files=0, max_fields=40) as sent:
        return await run_in_threadpool(added, sent, visitor, site)


def added(sent: FormData, visitor: Visitor, site: TheSite) -> Response:
    told = told_in({name: value for name, value in sent.items() if isinstance(value, str)})
    is_confirmed = sent.get("confirmed") == "yes"
    try:
        rule = job.add(
            site.settings,
            site.records.warehouse,
            conditions_in(told),
            note=told.get("note", "").strip() or None,
            listener=visitor.listener.listener_id,
            dry_run=not is_confirmed,
            clock=site.clock,
        )
    except Unclear as unclear:
        return form(visitor, told, str(unclear))
    except job.ExclusionError as error:
        return form(visitor, told, str(error).removesuffix(" See: brapped search"))
    if is_confirmed:
        return RedirectResponse(LIST, 303)
    return rendering.page(
        "exclusion_check.html", visitor=visitor, path="/data", told=told, rule=rule, effect=job.effect
    )


def conditions_in(told: Mapping[str, str]) -> job.Conditions:
    """What the form says. Raises Unclear."""
    names = {}
    for kind, (words, _) in KINDS.items():
        if kind in told:
            name = line_of(told[kind], LONGEST)
            if name is None:
                raise Unclear(f"{words}: a name has at most {LONGEST} characters, all of them printable.")
            names[kind] = name
    minutes = [minute_in(told.get(field)) for field in ("from_time", "until_time")]
    if (minutes[0] is None) != (minutes[1] is None):
        raise Unclear("A time of the day needs both ends: from, and until before.")
    if minutes[0] is not None and minutes[0] == minutes[1]:
        raise Unclear("Both times are the same: leave them out for the whole day.")
    days = [date_in(told.get(field)) for field in ("since", "until")]
    if days[0] and days[1] and days[1] < days[0]:
        raise Unclear("The last day is before the first.")
    weekdays = tuple(number for number in range(1, 8) if f"weekday{number}" in told)
    if not (names or weekdays or minutes[0] is not None or any(days)):
        raise Unclear("Say what to leave out: a rule needs a condition, such as an artist or a time of the day.")
    return job.Conditions(names, minutes[0], minutes[1], weekdays, days[0], days[1])


def minute_in(told: str | None) -> int | None:
    """The minute of the day of 22:30; None for nothing. Raises Unclear."""
    if told is None:
        return None
    try:
        read = time.fromisoformat(told.strip())
    except ValueError:
        raise Unclear("Write a time of the day as 22:30.") from None
    return read.hour * 60 + read.minute


def date_in(told: str | None) -> date | None:
    """The day 2026-11-20; None for nothing. Raises Unclear."""
    if told is None:
        return None
    try:
        read = date.fromisoformat(told.strip())
    except ValueError:
        read = None
    if read is None or read.year not in YEARS:
        raise Unclear("Write a day as 2026-11-20.")
    return read


@router.get(f"{LIST}/{{number}}/remove")
def ask(number: str, visitor: TheVisitor, site: TheSite) -> Response:
    """What counts again without the rule."""
    rule = removed(visitor, site, number, dry_run=True)
    return rendering.page("exclusion_remove.html", visitor=visitor, path="/data", rule=rule, effect=job.effect)


@router.post(f"{LIST}/{{number}}/remove")
def remove(number: str, visitor: TheVisitor, site: TheSite) -> Response:
    """Remove the rule."""
    removed(visitor, site, number, dry_run=False)
    return RedirectResponse(LIST, 303)


def removed(visitor: Visitor, site: TheSite, number: str, *, dry_run: bool) -> job.Rule:
    """The rule, which is removed unless `dry_run`. Raises HTTPException (404) if the listener has none of this number."""
    wanted = number_in(number)
    if wanted is not None:
        try:
            return job.remove(
                site.settings,
                site.records.warehouse,
                wanted,
                listener=visitor.listener.listener_id,
                dry_run=dry_run,
                clock=site.clock,
            )
        except job.ExclusionError:
            pass  # another listener's number is none
    raise HTTPException(404, "You have no rule of this number.")
