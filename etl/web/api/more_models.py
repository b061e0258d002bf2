"""More answers of the API: a year, coverage, now, rules, and what the classic application had."""

from datetime import date
from typing import Annotated, Any, Self

from pydantic import Field

from etl.web.api.models import (
    Answer,
    ArtistKey,
    Artists,
    Count,
    Cover,
    Coverage,
    Filter,
    Moment,
    Ms,
    Play,
    Plays,
    TopAlbum,
    TopArtist,
    TopGenre,
    TopShow,
    TopTrack,
    Url,
)
from etl.web.api.query import CountsAs

Share = Annotated[float, Field(ge=0, le=1)]


class YearTotals(Answer):
    """A year in numbers; null where nothing of it is recorded."""

    play_count: Plays | None
    listened_ms: Ms | None
    track_count: Count | None
    artist_count: Count | None
    day_count: Count | None
    podcast_share: Share | None = Field(description="Of the time.")
    estimated_share: Share | None = Field(description="What of the time is estimated.")
    first_played_at: Moment | None
    last_played_at: Moment | None


class HourTotal(Answer):
    """An hour of the day."""

    hour: int = Field(ge=0, le=23)
    play_count: int | None
    listened_ms: int | None


class DayTotal(Answer):
    """A day of the year."""

    local_date: date
    play_count: int | None
    listened_ms: int | None
    coverage: Coverage | None


class MonthTotal(Answer):
    """A month of the year, and its most played artist."""

    month_date: date
    play_count: int | None
    listened_ms: int | None
    artist_name: str | None
    artist_play_count: int | None
    coverage: Coverage | None


class Discovered(Answer):
    """An artist heard for the first time."""

    artist_name: str | None
    play_count: int | None
    listened_ms: int | None
    first_played_at: Moment | None
    artist_url: Url | None
    image_url: Cover | None
    new_artist_count: int | None = Field(description="Of the whole year.")
    new_track_count: int | None = Field(description="Of the whole year.")


class Streak(Answer):
    """Days in a row with a play."""

    day_count: Count
    first_date: date
    last_date: date
    play_count: Plays
    is_open_ended: bool


class Session(Answer):
    """Listening without more than thirty minutes of silence."""

    listened_ms: Ms
    started_at: Moment
    ended_at: Moment
    listen_count: Count


class Repeated(Answer):
    """Most plays of one track in one day."""

    track_name: str | None
    artist_names: Artists | None
    local_date: date
    play_count: Plays
    track_url: Url | None
    image_url: Cover | None


class Skipped(Answer):
    """A track that was skipped."""

    track_name: str | None
    artist_names: Artists | None
    skip_count: Count
    listen_count: Count
    track_url: Url | None
    image_url: Cover | None


class Gap(Answer):
    """A span in which plays were probably lost."""

    starts_at: Moment
    ends_at: Moment
    reason: str | None


class Wrapped(Filter):
    """A year, as `brapped wrapped` has it. Without a play in it, only totals and gaps."""

    year: int
    totals: YearTotals
    tracks: list[TopTrack]
    artists: list[TopArtist]
    albums: list[TopAlbum]
    genres: list[TopGenre]
    shows: list[TopShow]
    by_hour: list[HourTotal]
    by_day: list[DayTotal]
    by_month: list[MonthTotal]
    discovered: list[Discovered]
    longest_streak: Streak | None
    longest_session: Session | None
    most_repeated: list[Repeated]
    skips: list[Skipped]
    gaps: list[Gap]


class Days(Answer):
    """Local days in a row, both ends included, of one coverage."""

    first_date: date
    last_date: date
    coverage: Coverage


class CoverageSpan(Answer):
    """A span that a source covers, or a gap."""

    source: str
    state: str = Field(description="covered or gap.")
    starts_at: Moment | None
    ends_at: Moment | None
    reason: str | None
    closed_at: Moment | None = Field(description="When a source filled the gap.")
    closed_by: str | None


class CoverageAnswer(Answer):
    """What of the days is recorded. Days in no span are not recorded."""

    since_date: date | None
    until_date: date | None
    first_date: date | None = Field(description="First recorded day.")
    new_since: date | None = Field(description="From this day on a first play is a discovery; null: not yet.")
    days: list[Days]
    spans: list[CoverageSpan]


class Now(Answer):
    """Today by the listener's clock, the last play, and how fresh that is."""

    local_date: date
    counts_as: CountsAs
    play_count: Plays
    listened_ms: Ms
    checked_at: Moment | None = Field(description="When Spotify was last asked what was played.")
    last_play: Play | None


class TriedExclusion(Answer):
    """A rule of what reports leave out, before it is made, and what it would leave out."""

    words: str = Field(description="Its conditions.", examples=["artist Ann, between 22:00 and 06:00"])
    note: str | None
    listen_count: Count = Field(description="Plays that it leaves out, however short.")
    play_count: Count = Field(description="Those of at least thirty seconds.")
    listened_ms: int = Field(description="The time of those.")

    @classmethod
    def of(cls, rule: Any) -> Self:
        """The answer about a rule of `etl.jobs.exclusions`."""
        return cls.model_validate({"number": rule.number, **vars(rule)})


class Exclusion(TriedExclusion):
    """A rule of what reports leave out, and what it leaves out."""

    number: int = Field(description="Its number.")


class Exclusions(Answer):
    """The rules of a listener, by number."""

    exclusions: list[Exclusion]


class RangeArtist(Answer):
    """An artist, as the classic application had it."""

    artist_key: ArtistKey
    artist_name: str
    play_count: Plays
    listened_ms: Ms


class RangeArtists(Filter):
    """The most played artists."""

    artists: list[RangeArtist]


class WeekHour(Answer):
    """An hour of a weekday; 0 where a recorded one had no play, null where none is recorded."""

    day_of_week: int = Field(ge=1, le=7, description="1 for Monday to 7.")
    hour: int = Field(ge=0, le=23)
    play_count: int | None
    listened_ms: int | None


class Listening(Filter):
    """When somebody listens: 7 weekdays of 24 hours."""

    hours: list[WeekHour]
