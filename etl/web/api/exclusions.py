"""Routes about rules of what reports leave out: list, add, remove. The same job as `brapped exclude`."""

from datetime import date
from types import SimpleNamespace
from typing import Annotated, Any, cast

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from etl.jobs import exclusions as job
from etl.web.api.describing import answer, refusals, router_of, told
from etl.web.api.more_models import Exclusion, Exclusions, TriedExclusion
from etl.web.api.problems import Problem, nothing_here
from etl.web.api.query import Day, DryRunQuery, Key, Words
from etl.web.api.readers import Reader, TheReader
from etl.web.api.reading import Question, answers
from etl.web.visitors import TheSite

router = router_of("Exclusions")

RULES = "ops/exclusions/rules"


def weekday(value: Any) -> Any:
    """A number, not its digits as text. Raises ValueError."""
    if isinstance(value, str | bool):
        raise ValueError("write a number from 1 for Monday to 7")
    return value


Weekday = Annotated[int, Field(ge=1, le=7), BeforeValidator(weekday)]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class NewExclusion(BaseModel):
    """The conditions of a rule. A play that meets all of them is left out of reports; nothing is deleted."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"artist": "Ann", "from_time": "22:00", "until_time": "06:00", "weekdays": [6, 7]}
        },
    )

    artist: Words | None = Field(None, description="Name, Spotify id or address of an artist.")
    track: Words | None = Field(None, description="Of a track.")
    album: Words | None = Field(None, description="Of an album.")
    show: Words | None = Field(None, description="Of a podcast or an audiobook; not together with an album.")
    context: Words | None = Field(None, description="Of a playlist or anything else that it is played from.")
    device: Words | None = Field(None, description="Name, type or platform of a device.")
    genre: Words | None = Field(None, description="A genre of a main artist.")
    from_time: ClockTime | None = Field(None, description="From this local time of the day on; with until_time.")
    until_time: ClockTime | None = Field(None, description="Until before this local time; it may be after midnight.")
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7)] | None = Field(
        None, description="On these local weekdays, 1 for Monday to 7."
    )
    since_date: Day | None = Field(None, description="From this local day on.")
    until_date: Day | None = Field(None, description="Up to and including this local day.")
    note: Annotated[str, StringConstraints(min_length=1, max_length=job.LONGEST_NOTE)] | None = Field(
        None, description="Why, in your words."
    )

    def conditions(self) -> job.Conditions:
        """As the job takes them. Raises Problem 422 where they contradict each other, or there is none."""
        names = {kind: name for kind in job.FINDERS if (name := getattr(self, kind)) is not None}
        if (self.from_time is None) != (self.until_time is None):
            raise Problem(422, "from_time and until_time belong together.")
        if self.from_time is not None and self.from_time == self.until_time:
            raise Problem(422, "from_time and until_time are the same. Leave both out for the whole day.")
        if self.since_date and self.until_date and self.until_date < self.since_date:
            raise Problem(422, "until_date is before since_date.")
        if "album" in names and "show" in names:
            raise Problem(422, "A rule is about an album or a show, not both. Make two rules.")
        if not (names or self.from_time or self.weekdays or self.since_date or self.until_date):
            raise Problem(422, "A rule needs a condition, such as an artist or a time of the day.")
        return job.Conditions(
            names,
            minute_of(self.from_time),
            minute_of(self.until_time),
            tuple(self.weekdays or ()),
            self.since_date,
            self.until_date,
        )


def minute_of(clock_time: str | None) -> int | None:
    """The minute of the day of 22:30."""
    if clock_time is None:
        return None
    hour, _, minute = clock_time.partition(":")
    return int(hour) * 60 + int(minute)


def rules_of(site: TheSite, reader: Reader, number: int | None) -> list[Exclusion]:
    """The rules of the listener, or one of them."""
    found = answers(site, reader, Question([RULES], parameters={"exclusion_key": number}))[RULES]
    return [Exclusion.of(job.rule_of(cast(Any, with_days(row)))) for row in found]


def with_days(row: dict[str, Any]) -> SimpleNamespace:
    """The row as the job reads it: its days are days, not text."""
    days = {name: date.fromisoformat(row[name]) if row[name] else None for name in ("since_date", "until_date")}
    return SimpleNamespace(**row | days)


@router.get("/exclusions", **told(Exclusions))
def exclusions(reader: TheReader, site: TheSite) -> Response:
    """The rules of what reports leave out, and what each leaves out."""
    return answer(Exclusions(exclusions=rules_of(site, reader, None)))


@router.get("/exclusions/{number}", **told(Exclusion, 404))
def exclusion(reader: TheReader, site: TheSite, number: Key) -> Response:
    """One of the rules."""
    found = rules_of(site, reader, number)
    if not found:
        raise nothing_here("rule")
    return answer(found[0])


@router.post(
    "/exclusions",
    status_code=201,
    response_model=Exclusion,
    responses={
        200: {"description": "A dry run: the rule that would be made.", "model": TriedExclusion},
        201: {
            "headers": {"Location": {"description": "Address of the rule.", "schema": {"type": "string"}}},
        },
        **refusals(403, 409, 413, 422),
    },
)
def add(reader: TheReader, site: TheSite, body: NewExclusion, query: Annotated[DryRunQuery, Query()]) -> Response:
    """Make a rule. With dry_run, only say what it would leave out."""
    try:
        rule = job.add(
            site.settings,
            site.records.warehouse,
            body.conditions(),
            note=body.note,
            listener=reader.listener.listener_id,
            dry_run=query.dry_run,
            clock=site.clock,
        )
    except job.ExclusionError as error:
        raise Problem(409, str(error)) from None
    if query.dry_run:
        return answer(TriedExclusion.of(rule))
    return answer(Exclusion.of(rule), 201, {"Location": f"/api/v1/exclusions/{rule.number}"})


@router.delete(
    "/exclusions/{number}",
    response_model=Exclusion,
    responses={200: {"description": "The rule that was removed, or would be."}, **refusals(403, 404)},
)
def remove(reader: TheReader, site: TheSite, number: Key, query: Annotated[DryRunQuery, Query()]) -> Response:
    """Remove a rule: what it left out counts again. With dry_run, only say what would count again."""
    try:
        rule = job.remove(
            site.settings,
            site.records.warehouse,
            number,
            listener=reader.listener.listener_id,
            dry_run=query.dry_run,
            clock=site.clock,
        )
    except job.ExclusionError:
        raise nothing_here("rule") from None
    return answer(Exclusion.of(rule))
