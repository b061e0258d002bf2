"""The answers about what has a name: an artist, a track, an album through the years, and what a search found."""

from datetime import date

from pydantic import Field

from etl.web.api.models import (
    AlbumKey,
    Answer,
    ArtistKey,
    Artists,
    Count,
    Cover,
    Filter,
    Moment,
    Ms,
    Plays,
    Ranked,
    RecordingKey,
    Url,
)


class YearOf(Answer):
    """A year of an artist, album or track."""

    year: int
    year_rank: int = Field(ge=1, description="Place among all, by plays.")
    play_count: Plays
    listened_ms: Ms


class MonthOf(Answer):
    """A month of it; null where nothing of it is recorded."""

    month_date: date
    play_count: int | None
    listened_ms: int | None


class InNumbers(Filter):
    """Numbers of something that was played."""

    play_count: Plays
    listened_ms: Ms
    day_count: Count = Field(description="Days on which it was played.")
    first_played_at: Moment | None
    last_played_at: Moment | None
    by_year: list[YearOf]
    by_month: list[MonthOf]


class TrackOf(Ranked):
    """A recording of an artist or album."""

    recording_key: RecordingKey
    track_name: str | None
    first_played_at: Moment
    last_played_at: Moment
    track_url: Url | None


class Artist(InNumbers):
    """An artist through the years."""

    artist_key: ArtistKey
    artist_name: str
    artist_url: Url | None
    image_url: Cover | None
    genres: list[str] | None
    main_play_count: Count
    featured_play_count: Count
    track_count: Count
    tracks: list[TrackOf] = Field(description="The fifty most played.")


class Credit(Answer):
    """An artist of a track."""

    artist_key: ArtistKey
    artist_name: str
    artist_role: str = Field(description="main or featured.")
    artist_url: Url | None


class Track(InNumbers):
    """A recording through the years, by all its ids."""

    recording_key: RecordingKey
    track_name: str | None
    album_key: AlbumKey | None
    album_name: str | None
    duration_ms: int | None
    track_url: Url | None
    image_url: Cover | None
    artists: list[Credit]


class Album(InNumbers):
    """An album in all its editions, or a show, through the years."""

    album_key: AlbumKey
    album_name: str
    artist_names: Artists | None
    album_url: Url | None
    image_url: Cover | None
    tracks: list[TrackOf] = Field(description="The fifty most played.")


class FoundArtist(Answer):
    """An artist whose name is like the one asked for."""

    artist_key: ArtistKey
    artist_name: str
    play_count: Plays
    listened_ms: Ms
    last_played_at: Moment
    artist_url: Url | None
    image_url: Cover | None


class FoundTrack(Answer):
    """A track whose name, artist or album is like the one asked for."""

    recording_key: RecordingKey
    track_name: str | None
    artist_names: str | None
    play_count: Plays
    listened_ms: Ms
    last_played_at: Moment
    track_url: Url | None
    image_url: Cover | None


class FoundAlbum(Answer):
    """An album or show whose name is like the one asked for."""

    album_key: AlbumKey
    album_name: str
    artist_names: Artists | None
    play_count: Plays
    listened_ms: Ms
    last_played_at: Moment
    album_url: Url | None
    image_url: Cover | None


class Found(Filter):
    """What a search found among what was played, the best first."""

    artists: list[FoundArtist]
    albums: list[FoundAlbum]
    tracks: list[FoundTrack]
