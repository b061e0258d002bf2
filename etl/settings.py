"""The settings, read from the environment and a .env file and validated once; nothing else reads the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import platformdirs
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from etl.env_file import EnvFile, EnvFileError, find_env_file
from etl.provider_settings import ProviderSettings
from etl.web_settings import WebSettings

NO_ZONES = {"Factory", "localtime", "posixrules"}  # files of the time zone database that are not zones
SHORTEST_KEY = 32  # characters of TOKEN_KEY, as many as a client secret of Spotify's has
POSTGRES_NAMES = {"postgres", "postgresql", "postgresql+psycopg2"}


class SettingsError(Exception):
    """Settings are missing or wrong. The message names all of them and quotes no secret."""


class Runner(BaseSettings):
    """The variables that GitHub sets on its runners."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    github_actions: bool = Field(default=False, description="Set by GitHub on its runners.")
    github_step_summary: Path | None = Field(
        default=None, description="Set by GitHub on its runners: the run's summary page."
    )
    github_output: Path | None = Field(
        default=None, description="Set by GitHub on its runners: the outputs of a step for later ones."
    )
    github_repository_id: int | None = Field(
        default=None, description="Set by GitHub on its runners: which repository it is."
    )
    github_run_number: int | None = Field(
        default=None, description="Set by GitHub on its runners: which run of the workflow it is."
    )
    github_event_path: Path | None = Field(
        default=None, description="Set by GitHub on its runners: the event that started the run, with its inputs."
    )


class ServiceManager(BaseSettings):
    """The variables that systemd sets for a service of Type=notify."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    notify_socket: str | None = Field(
        default=None, description="Set by systemd: where a service says that it is ready."
    )


class Settings(Runner, ProviderSettings, WebSettings):
    """All settings of the program. An empty one counts as absent: GitHub passes secrets that are not set like this."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8-sig",  # Notepad and PowerShell begin a file with a byte order mark
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    database_url: SecretStr | None = Field(
        default=None,
        description="Address of the Postgres to record in. Absent: an embedded one in the user's data folder.",
    )
    spotify_client_id: SecretStr | None = Field(default=None, description="Client ID of your Spotify app.")
    spotify_client_secret: SecretStr | None = Field(default=None, description="Client secret of your Spotify app.")
    spotify_refresh_token: SecretStr | None = Field(
        default=None, description="Your login, which lets the program ask what you played."
    )
    token_key: SecretStr | None = Field(
        default=None,
        description="Key that encrypts the logins in the database, 32 characters or more; older keys after commas."
        " Absent: the client secret.",
    )
    ping_url: SecretStr | None = Field(
        default=None,
        description="URL requested after each successful hourly run, so that a watchdog notices when none comes.",
    )
    alert_webhook_url: SecretStr | None = Field(
        default=None, description="URL that receives alerts, and the news that a problem is gone: ntfy, Discord, Slack."
    )
    storage_limit_mb: int | None = Field(
        default=None,
        gt=0,
        description="Size limit of the database in MB. Absent: 512 at Neon, the limit of its free plan.",
    )
    time_zone: str | None = Field(
        default=None,
        description="IANA name of your time zone, which decides the day of a play. Absent: as before; at first, UTC.",
    )
    spotify_api_url: str = Field(default="https://api.spotify.com/v1", description="Base address of Spotify's Web API.")
    spotify_accounts_url: str = Field(
        default="https://accounts.spotify.com", description="Base address of Spotify's accounts service."
    )
    catalogue_daily_budget: int = Field(
        default=300,
        ge=0,
        description="Requests that the dimensions job may send to Spotify's catalogue in any 24 hours.",
    )
    catalogue_search: bool = Field(
        default=False,
        description="Whether the dimensions job searches Spotify's catalogue for tracks that exports name without an"
        " id.",
    )
    player_daily_budget: int = Field(
        default=1500,
        ge=1,
        description="Requests that the recorder may send to Spotify's player in a day (UTC), for all listeners.",
    )
    brapped_home: Path = Field(
        default_factory=lambda: default_home(),
        description="Folder of the embedded Postgres.",
    )
    _env_file_found: EnvFile = PrivateAttr(default_factory=EnvFile)

    @field_validator("database_url")
    @classmethod
    def is_a_postgres_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        reason = address_error(value.get_secret_value().strip())
        if reason:
            raise ValueError(reason)
        return SecretStr(value.get_secret_value().strip())

    @field_validator("time_zone")
    @classmethod
    def is_a_time_zone(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            if value not in NO_ZONES and not value.startswith(("posix/", "right/")):  # Postgres does not know these
                return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):  # no such file, not a path, or a folder
            pass
        raise ValueError(f"{value!r} is not an IANA time zone; write it like Europe/Berlin")

    @field_validator("spotify_api_url", "spotify_accounts_url")
    @classmethod
    def is_a_web_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("has to start with https://")
        return value.rstrip("/")

    @field_validator("ping_url", "alert_webhook_url")
    @classmethod
    def is_a_web_address_or_absent(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        address = value.get_secret_value().strip()
        cls.is_a_web_address(address.removeprefix("slack+").removeprefix("discord+"))
        return SecretStr(address)

    @field_validator("token_key")
    @classmethod
    def is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        keys = value.get_secret_value().replace(",", " ").split() if value else []
        if any(len(key) < SHORTEST_KEY for key in keys):
            raise ValueError(
                f"is too short: use {SHORTEST_KEY} random characters or more, as from 'openssl rand -hex 32'"
            )
        return value if keys else None

    @field_validator("spotify_client_id", "spotify_client_secret", "spotify_refresh_token")
    @classmethod
    def is_trimmed(cls, value: SecretStr | None) -> SecretStr | None:
        # A secret pasted into a web form often ends in a line break, which no HTTP header may contain.
        secret = value.get_secret_value().strip() if value else ""
        if not secret.isascii() or not secret.isprintable():
            raise ValueError("contains a character that no secret of Spotify's has; copy it again")
        return SecretStr(secret) if secret else None

    @field_validator("brapped_home")
    @classmethod
    def expand_home(cls, value: Path) -> Path:
        try:
            return value.expanduser()  # a shell expands ~ on a command line, but nothing does in a .env
        except RuntimeError:  # no home folder; `home` raises when it is needed
            return value

    @property
    def home(self) -> Path:
        """BRAPPED_HOME, expanded. Raises SettingsError when it starts with ~ and the user has no home folder."""
        if str(self.brapped_home).startswith("~"):
            raise SettingsError(
                f"There is no home folder for {self.brapped_home}: HOME is not set, and this user has none. Set"
                " BRAPPED_HOME to a folder, or DATABASE_URL to the address of a database."
            )
        return self.brapped_home

    @property
    def embedded_folder(self) -> Path:
        """The folder of the embedded Postgres.

        Raises SettingsError when a new one would be made although a .env that is not read sets DATABASE_URL.
        """
        folder, env_file = self.home / "postgres", self._env_file_found
        is_chosen = "brapped_home" in self.model_fields_set
        if env_file.others and not is_chosen and not (folder / "data").exists():
            raise SettingsError(
                f"DATABASE_URL is not set: {env_file.path}, which was found first, does not set it, but"
                f" {env_file.others[0]} does. No new database was made. Set DATABASE_URL in {env_file.path}, or remove"
                " that file; or set BRAPPED_HOME to a folder, if you do want another database."
            )
        return folder

    def database_notice(self, *, only_reads: bool = False) -> str | None:
        """A line that says which database is used, without its address. `only_reads`: nothing is recorded in it.

        None where that is obvious, because the environment or the .env of the current folder sets DATABASE_URL.
        """
        env_file = self._env_file_found
        if self.database_url is None:
            does = "reading from" if only_reads else "recording in"
            line = f"DATABASE_URL is not set: {does} {self.embedded_folder}"
            passed_over = [
                f"; {other} is not read, because {env_file.path} was found first" for other in env_file.others
            ]
            return "".join([line, *passed_over[:1]])
        is_from_file = env_file.sets_database_url and not any(
            value and name.upper() == "DATABASE_URL" for name, value in os.environ.items()
        )
        return f"DATABASE_URL is set in {env_file.path}" if is_from_file and not env_file.is_here else None

    def need(self, *names: str) -> None:
        """Raises SettingsError that lists which of `names`, as in the environment, are not set."""
        missing = [name for name in names if getattr(self, name.lower()) is None]
        if self.github_actions and self.database_url is None and "DATABASE_URL" not in missing:
            # The embedded Postgres would vanish with the runner, and every play in it.
            missing.insert(0, "DATABASE_URL")
        if missing:
            raise SettingsError(
                f"Not set: {', '.join(missing)}. Set {'it' if len(missing) == 1 else 'them'} in the environment, in"
                f" {self._env_file_found.path or 'a file .env'}, or as secrets of the repository on GitHub."
                " docs/setup.md says where to find each."
            )


def read_settings() -> Settings:
    """Read the settings from the environment and, where that has none, from the first .env found.

    Raises SettingsError, which names everything that is wrong.
    """
    try:
        env_file = find_env_file()
        settings = Settings(_env_file=env_file.path)
    except EnvFileError as error:
        faults = [str(error)]
    except ValidationError as error:
        faults = list(fault_sentences(error))
    else:
        settings._env_file_found = env_file
        return settings
    raise SettingsError(" ".join(faults))


def fault_sentences(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in fault["loc"]).upper()
        yield f"{name}: {fault['msg'].removeprefix('Value error, ')}."


def address_error(address: str) -> str | None:
    """What is wrong with a database address, as the end of a sentence that quotes nothing of it; None if nothing is."""
    example = "write it as postgresql://user:password@host/database"
    too_many = (
        "has an @ too many: in a user or a password write @ as %40 (and / as %2F, # as %23, ? as %3F, % as %25), to"
        f" distinguish it from the one before the host; {example}"
    )

    def has_too_many(*parts: str) -> bool:
        """Whether there is an @ after the one that ends the password, except in the values of options."""
        place, _, options = address.partition("://")[2].partition("@")[2].partition("?")
        return any("@" in part for part in (place, *(one.partition("=")[0] for one in options.split("&")), *parts))

    try:
        url = make_url(address)
        host, name = url.host or url.query.get("host"), url.drivername
    except (ArgumentError, ValueError):
        return too_many if has_too_many("") else f"is not the address of a database; {example}"
    if name not in POSTGRES_NAMES:
        return f"has to be the address of a Postgres; {example}"
    if not host:
        return f"has no host; {example}"
    if has_too_many(url.host or "", url.database or ""):
        return too_many
    return None


def default_home() -> Path:
    """The user's data folder.

    For root it is in /var/lib, because Postgres runs as another user, who can't enter /root.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "XDG_DATA_HOME" not in os.environ:
        return Path("/var/lib/brapped")
    try:
        return platformdirs.user_data_path("brapped", appauthor=False)
    except RuntimeError:  # no home folder; older versions of platformdirs return such a path themselves
        return Path("~/brapped")


@contextmanager
def ensure_home() -> Iterator[None]:
    """Set HOME within the block if the user has none, for packages that fail to import without one."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = os.sep
        try:
            yield
        finally:
            del os.environ["HOME"]
    else:
        yield
