"""The parameters of the API: each model refuses what it does not know. Days are the listener's own."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from etl.web.api.problems import Problem

LARGEST_KEY = 2**31 - 1
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)  # nothing is recorded before or after
MOST_ROWS = 500  # of a page
FARTHEST = 1_000_000  # rows of a ranking that can be passed over
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

CountsAs = Literal["30s", "half", "full", "all"]
Kind = Literal["tracks", "artists", "albums", "genres", "shows"]


def whole_number(value: Any) -> Any:
    """A number as text, with nothing but digits. Raises ValueError: pydantic alone takes 1.0 and 1_000 too."""
    if isinstance(value, str):
        if not re.fullmatch(r"-?[0-9]{1,18}", value):
            raise ValueError("write a whole number, such as 20")
        return int(value)
    return value


def iso_day(value: Any) -> date:
    """A day as ISO has it. Raises ValueError for anything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("write a day that exists, such as 2026-11-20")


def yes_or_no(value: Any) -> bool:
    """true or false. Raises ValueError for anything else."""
    if value not in ("true", "false"):
        raise ValueError("write true or false")
    return bool(value == "true")


PageSize = Annotated[int, Field(ge=1, le=MOST_ROWS), BeforeValidator(whole_number)]
Offset = Annotated[int, Field(ge=0, le=FARTHEST), BeforeValidator(whole_number)]
Flag = Annotated[bool, BeforeValidator(yes_or_no), WithJsonSchema({"type": "boolean"})]
Day = Annotated[date, BeforeValidator(iso_day), WithJsonSchema({"type": "string", "format": "date"})]
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Year = Annotated[int, Field(ge=1900, le=2199), BeforeValidator(whole_number)]
KeyNumber = Annotated[int, Field(ge=1, le=LARGEST_KEY), BeforeValidator(whole_number)]
FewNumber = Annotated[int, Field(ge=1, le=50), BeforeValidator(whole_number)]
Key = Annotated[KeyNumber, Path(description="A key, as answers have it.")]


class Query(BaseModel):
    """Parameters of a question; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")


class Span(Query):
    """The days that a question is about: those in all of since, until, year and month; without any, all."""

    since: Day | None = Field(None, description="From this local day on.", examples=["2026-01-01"])
    until: Day | None = Field(None, description="Up to and including this local day.", examples=["2026-06-30"])
    year: Year | None = Field(None, description="In this year.", examples=[2026])
    month: Annotated[str, StringConstraints(pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$")] | None = Field(
        None, description="In this month.", examples=["2026-11"]
    )

    def days(self) -> tuple[date | None, date | None]:
        """The first and last day; None is open. Raises Problem 422 when no day is in all of them."""
        first_days = [max(self.since, FIRST_DAY)] if self.since else []
        last_days = [min(self.until, LAST_DAY)] if self.until else []
        if self.year is not None:
            first_days.append(date(self.year, 1, 1))
            last_days.append(date(self.year, 12, 31))
        if self.month is not None:
            first = date.fromisoformat(f"{self.month}-01")
            first_days.append(first)
            last_days.append((first + timedelta(days=31)).replace(day=1) - timedelta(days=1))
        first_day, last_day = max(first_days, default=None), min(last_days, default=None)
        if first_day and last_day and last_day < first_day:
            raise Problem(422, "No day is in all of since, until, year and month.")
        return first_day, last_day


class CountedSpan(Span):
    """Days, and what counts as a play in them."""

    counts_as: CountsAs | None = Field(
        None,
        description="The minimum of a counted play: 30s, half, full or all. Without it, as the listener set it.",
    )
    with_excluded: Flag = Field(False, description="Count what the listener's rules leave out, too.")


class PlaysQuery(Span):
    """Everything played, with conditions, a page at a time."""

    counts_as: CountsAs = Field("all", description="The minimum of a play that is listed: 30s, half, full or all.")
    artist: KeyNumber | None = Field(None, description="By this artist (artist_key).")
    track: KeyNumber | None = Field(None, description="Of this recording (recording_key).")
    album: KeyNumber | None = Field(None, description="From this album or show (album_key).")
    source: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = Field(
        None, description="Reported by this source.", examples=["extended_export"]
    )
    limit: PageSize = Field(50, description="Plays at most.")
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,16}-[0-9]{1,18}$")] | None = Field(
        None, description="The next_cursor of an answer: what comes after it."
    )

    def before(self) -> tuple[str, int]:
        """The moment and the key of the play before which the page begins."""
        if self.cursor is None:
            return "infinity", 0
        microseconds, _, key = self.cursor.partition("-")
        return (EPOCH + int(microseconds) * MICROSECOND).isoformat(), int(key)


def cursor_of(played_at: datetime, play_key: int) -> str:
    """The cursor after this play."""
    return f"{(played_at - EPOCH) // MICROSECOND}-{play_key}"


class TopsQuery(CountedSpan):
    """A page of a ranking."""

    by: Literal["plays", "time"] = Field("plays", description="The order: by plays or by time.")
    limit: PageSize = Field(50, description="Rows at most.")
    offset: Offset = Field(0, description="Rows to pass over.")


class TotalsQuery(CountedSpan):
    """Totals by period: every period of which a day is in the span, whole."""

    by: Literal["day", "week", "month", "year"] = Field("month", description="The period; weeks begin on Monday.")


class SearchQuery(CountedSpan):
    """A search of names."""

    q: Words = Field(description="Some of a name, or one with a slip.", examples=["bohemian"])
    limit: FewNumber = Field(10, description="Artists, and tracks, at most.")


class CountsQuery(Query):
    """What counts as a play."""

    counts_as: CountsAs | None = Field(
        None,
        description="The minimum of a counted play: 30s, half, full or all. Without it, as the listener set it.",
    )
    with_excluded: Flag = Field(False, description="Count what the listener's rules leave out, too.")


class RangeQuery(Query):
    """What the classic application took."""

    limit: PageSize = Field(10, description="Artists at most.")
    range: Literal["week", "month", "year", "all"] = Field(
        "all", description="The last 7, 30 or 365 days up to today, or all."
    )


class DryRunQuery(Query):
    """Whether a change is only tried."""

    dry_run: Flag = Field(False, description="Say what would become of it, and change nothing.")
