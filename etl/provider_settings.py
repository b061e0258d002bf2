"""The settings of other providers of features and genres: who is asked, at which address, with which key."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

# In the order in which they are asked: features first, then who an artist is, then genres.
PROVIDERS = ("reccobeats", "deezer", "musicbrainz", "listenbrainz", "wikidata", "lastfm")


class ProviderSettings(BaseSettings):
    """What `Settings` has about other providers. Without PROVIDERS nobody is asked."""

    providers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Who else is asked for audio features and genres, after commas: reccobeats, deezer, musicbrainz,"
        " listenbrainz, wikidata, lastfm. Absent: nobody. They learn which tracks and artists you play.",
    )
    lastfm_api_key: SecretStr | None = Field(default=None, description="API key for Last.fm, which it needs.")
    reccobeats_url: str = Field(default="https://api.reccobeats.com", description="Base address of ReccoBeats.")
    deezer_url: str = Field(default="https://api.deezer.com", description="Base address of Deezer's API.")
    musicbrainz_url: str = Field(default="https://musicbrainz.org", description="Base address of MusicBrainz.")
    listenbrainz_url: str = Field(default="https://api.listenbrainz.org", description="Base address of ListenBrainz.")
    wikidata_url: str = Field(default="https://query.wikidata.org", description="Base address of Wikidata's queries.")
    lastfm_url: str = Field(default="https://ws.audioscrobbler.com", description="Base address of Last.fm's API.")

    @field_validator("providers", mode="before")
    @classmethod
    def are_known(cls, value: object) -> object:
        """The names of PROVIDERS in their order, however they are written. Raises ValueError for any other."""
        if not isinstance(value, str):
            return value
        names = [name for part in value.replace(",", " ").split() if (name := part.strip().lower())]
        if unknown := [name for name in names if name not in PROVIDERS]:
            raise ValueError(f"{unknown[0]!r} is not a provider; known are {', '.join(PROVIDERS)}")
        return tuple(name for name in PROVIDERS if name in names)

    @field_validator("lastfm_api_key")
    @classmethod
    def is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value().strip() if value else ""
        if key and not (key.isascii() and key.isalnum()):
            raise ValueError("contains a character that no key of Last.fm's has; copy it again")
        return SecretStr(key) if key else None

    @field_validator(*(f"{name}_url" for name in PROVIDERS))
    @classmethod
    def is_an_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("has to start with https://")
        return value.rstrip("/")
