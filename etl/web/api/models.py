"""The answers of the API. Moments are UTC, days are the listener's, `_ms` is milliseconds; what is unknown is null."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from etl.reports.formats.data import as_iso
from etl.web.api.query import CountsAs

Moment = Annotated[
    datetime,
    PlainSerializer(as_iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-20T09:14:00.123Z"]}),
]
Count = Annotated[int, Field(ge=0)]
Ms = Annotated[int, Field(ge=0, description="Milliseconds listened, reported or else estimated.")]
Plays = Annotated[int, Field(ge=0, description="Counted plays.")]
Url = Annotated[str, Field(description="Where Spotify shows it.")]
Cover = Annotated[str, Field(description="Address of the cover or picture.")]
Artists = Annotated[str, Field(description="All artists, joined by commas.")]
ArtistKey = Annotated[int, Field(description="Key of the artist, for /artists/{key}.")]
RecordingKey = Annotated[int, Field(description="Key that all ids of one recording share, for /tracks/{key}.")]
AlbumKey = Annotated[int, Field(description="Key of the album or show, for /albums/{key}.")]
Coverage = Annotated[
    str, Field(description="covered, gap (plays were probably lost), partly recorded, or not recorded.")
]


class Answer(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(extra="ignore")

    @classmethod
    def rows(cls, found: list[dict[str, Any]]) -> list[Any]:
        """A model for each row."""
        return [cls.model_validate(one) for one in found]


class Listener(Answer):
    """Who listened."""

    listener_id: str = Field(description="The stable id of the account at Spotify.")
    listener_key: int = Field(description="Their number here.")
    listener_name: str | None
    time_zone: str = Field(description="By its clock days and hours are told.", examples=["Europe/Berlin"])


class Me(Answer):
    """The listener whose key or session it is, and how far their record goes."""

    listener: Listener
    counts_as: CountsAs = Field(description="What they count as a play, where a question does not say.")
    can_change: bool = Field(description="Whether this key may change something.")
    listen_count: Count = Field(description="Everything played, however short.")
    first_played_at: Moment | None
    last_played_at: Moment | None
    checked_at: Moment | None = Field(description="When Spotify was last asked what was played.")


class Play(Answer):
    """A play: something was listened to, however short."""

    play_key: int
    played_at: Moment = Field(description="When it ended.")
    local_date: date = Field(description="The listener's day of that.")
    content_type: str = Field(description="track, episode, chapter or local.")
    recording_key: RecordingKey | None = Field(description="Null for the unknown track.")
    track_name: str | None
    artist_names: str | None = Field(description="All artists, joined by commas; of an episode, its show.")
    album_key: AlbumKey | None
    album_name: str | None
    track_uri: str | None
    track_url: Url | None
    image_url: Cover | None
    duration_ms: int | None = Field(description="Length of the track.")
    listened_ms: Ms | None
    ms_basis: str | None = Field(description="reported by a source, measured by the player, or estimated.")
    is_skipped: bool | None
    is_private: bool | None
    context_uri: str | None = Field(description="From where it was played, such as a playlist.")
    platform: str | None
    sources: list[str] = Field(description="Which sources reported it.")
    is_excluded: bool = Field(description="A rule of the listener leaves it out of reports.")


class PlayPage(Answer):
    """Plays, the newest first."""

    plays: list[Play]
    next_cursor: str | None = Field(description="For the page after this one; null: this is the last.")


class Ranked(Answer):
    """A row of a ranking."""

    rank: int = Field(ge=1)
    play_count: Plays
    listened_ms: Ms


class TopTrack(Ranked):
    """A recording, by all its ids."""

    recording_key: RecordingKey
    track_name: str | None
    artist_names: Artists | None
    first_played_at: Moment
    last_played_at: Moment
    track_url: Url | None
    image_url: Cover | None


class TopArtist(Ranked):
    """An artist, main or featured."""

    artist_key: ArtistKey
    artist_name: str
    featured_play_count: Count = Field(description="Plays of these as a guest.")
    track_count: Count
    first_played_at: Moment
    last_played_at: Moment
    genres: list[str] | None
    artist_url: Url | None
    image_url: Cover | None


class TopAlbum(Ranked):
    """An album, in all its editions."""

    album_key: AlbumKey
    album_name: str
    artist_names: Artists | None
    track_count: Count
    last_played_at: Moment
    album_url: Url | None
    image_url: Cover | None


class TopGenre(Ranked):
    """A genre, by the main artists of a track."""

    genre_name: str
    track_count: Count
    provider_names: str | None = Field(description="Who told it.")


class TopShow(Ranked):
    """A podcast or an audiobook."""

    album_key: AlbumKey
    show_name: str
    episode_count: Count
    last_played_at: Moment
    show_url: Url | None
    image_url: Cover | None


class Filter(Answer):
    """What of the record an answer is about."""

    since_date: date | None = Field(description="First day; null: from the beginning.")
    until_date: date | None = Field(description="Last day; null: up to now.")
    counts_as: CountsAs


class Tops(Filter):
    """A page of a ranking."""

    by: Literal["plays", "time"]
    offset: Count
    total_count: Count = Field(description="Rows of the whole ranking; 0 also where the offset is past its end.")


class TopTracks(Tops):
    kind: Literal["tracks"] = "tracks"
    tops: list[TopTrack]


class TopArtists(Tops):
    kind: Literal["artists"] = "artists"
    tops: list[TopArtist]


class TopAlbums(Tops):
    kind: Literal["albums"] = "albums"
    tops: list[TopAlbum]


class TopGenres(Tops):
    kind: Literal["genres"] = "genres"
    tops: list[TopGenre]


class TopShows(Tops):
    kind: Literal["shows"] = "shows"
    tops: list[TopShow]


class PeriodTotal(Answer):
    """A day, week, month or year. Numbers are null where nothing of it is recorded."""

    period_start: date
    play_count: Plays | None
    listened_ms: Ms | None
    estimated_ms: int | None = Field(description="What of listened_ms is estimated.")
    track_count: int | None
    artist_count: int | None
    new_track_count: int | None = Field(description="First heard then; null while the record is too young to tell.")
    new_artist_count: int | None
    podcast_ms: int | None
    listen_count: int | None = Field(description="Everything played, however short.")
    skip_count: int | None
    coverage: Coverage
    day_count: Count = Field(description="Days of it up to today.")
    covered_day_count: Count = Field(description="How many of them are covered.")


class Totals(Filter):
    """Totals by period, the oldest first, from the first recorded one to the present one."""

    by: Literal["day", "week", "month", "year"]
    totals: list[PeriodTotal]
