"""The only reader of the environment: settings from it or from a .env file, checked once and named in one place."""

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

from etl.env_file import EnvFile, EnvFileError, find

NO_ZONES = {"Factory", "localtime", "posixrules"}  # files beside the zones
SHORTEST_KEY = 32  # characters of TOKEN_KEY: as many as Spotify's client secrets have
POSTGRES_NAMES = {"postgres", "postgresql", "postgresql+psycopg2"}


class SettingsError(Exception):
    """A setting is missing or wrong: one message that names every one, and no value that is secret."""


class Runner(BaseSettings):
    """What GitHub sets on its runners."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    github_actions: bool = Field(default=False, description="Set by GitHub on its runners.")
    github_step_summary: Path | None = Field(
        default=None, description="Set by GitHub on its runners: the run's summary page."
    )
    github_output: Path | None = Field(
        default=None, description="Set by GitHub on its runners: what a step has to say to later ones."
    )
    github_repository_id: int | None = Field(
        default=None, description="Set by GitHub on its runners: which repository it is."
    )
    github_run_number: int | None = Field(
        default=None, description="Set by GitHub on its runners: which run of the workflow it is."
    )
    github_event_path: Path | None = Field(
        default=None, description="Set by GitHub on its runners: what started the run, and what was typed in for it."
    )


class Settings(Runner):
    """Every setting of the program. An empty one counts as absent: that is how GitHub passes a secret that is not set."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8-sig",  # Notepad and PowerShell begin a file with a byte order mark
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        str_strip_whitespace=True,
    )

    database_url: SecretStr | None = Field(
        default=None, description="Postgres to record in. Absent: one of its own in the user's data folder."
    )
    spotify_client_id: SecretStr | None = Field(default=None, description="Client ID of your Spotify app.")
    spotify_client_secret: SecretStr | None = Field(default=None, description="Client secret of your Spotify app.")
    spotify_refresh_token: SecretStr | None = Field(
        default=None, description="Your login: lets the program ask what you played."
    )
    token_key: SecretStr | None = Field(
        default=None,
        description="What logins are encrypted with in the database, 32 characters or more; older ones behind commas."
        " Absent: the client secret.",
    )
    ping_url: SecretStr | None = Field(
        default=None,
        description="Asked after every good hourly run, so that a watchdog elsewhere notices when none comes.",
    )
    alert_webhook_url: SecretStr | None = Field(
        default=None, description="Told when something needs a person, and when it is well again: ntfy, Discord, Slack."
    )
    storage_limit_mb: int | None = Field(
        default=None, gt=0, description="What the database may hold. Absent: 512 at Neon, whose free plan that is."
    )
    time_zone: str | None = Field(
        default=None,
        description="IANA name of your time zone: decides which day a play belongs to. Absent: as before; at first, UTC.",
    )
    spotify_api_url: str = Field(default="https://api.spotify.com/v1", description="Where Spotify's Web API answers.")
    spotify_accounts_url: str = Field(
        default="https://accounts.spotify.com", description="Where Spotify hands out tokens."
    )
    catalogue_daily_budget: int = Field(
        default=300, ge=0, description="Calls a rolling day that the dimensions job may spend on Spotify's catalogue."
    )
    brapped_home: Path = Field(
        default_factory=lambda: default_home(),
        description="Folder of the Postgres that the program keeps itself.",
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
            if value not in NO_ZONES and not value.startswith(("posix/", "right/")):  # which Postgres does not know
                return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError):  # no such file, no path of one, or a folder of them
            pass
        raise ValueError(f"{value!r} is no time zone of the IANA list; write it as in Europe/Berlin")

    @field_validator("spotify_api_url", "spotify_accounts_url")
    @classmethod
    def is_a_web_address(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("has to begin with https://")
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
            raise ValueError(f"is too short: {SHORTEST_KEY} random characters or more, as from 'openssl rand -hex 32'")
        return value if keys else None

    @field_validator("spotify_client_id", "spotify_client_secret", "spotify_refresh_token")
    @classmethod
    def is_trimmed(cls, value: SecretStr | None) -> SecretStr | None:
        # A secret pasted into a web form often brings a line break along, which no HTTP header may hold.
        secret = value.get_secret_value().strip() if value else ""
        if not secret.isascii() or not secret.isprintable():
            raise ValueError("holds a character that none of Spotify's has; copy it again")
        return SecretStr(secret) if secret else None

    @field_validator("brapped_home")
    @classmethod
    def is_below_the_home_folder_where_it_says_so(cls, value: Path) -> Path:
        try:
            return value.expanduser()  # a shell does that on a command line, and nobody in a .env
        except RuntimeError:  # no home folder, which `home` says to whoever needs one
            return value

    @property
    def home(self) -> Path:
        """BRAPPED_HOME. Raises SettingsError where the home folder that it is below is not known."""
        if str(self.brapped_home).startswith("~"):
            raise SettingsError(
                f"There is no home folder for {self.brapped_home}: HOME is not set, and this user has no other. Name a"
                " folder in BRAPPED_HOME, or a database in DATABASE_URL."
            )
        return self.brapped_home

    @property
    def embedded_folder(self) -> Path:
        """The folder of the program's own Postgres. Raises SettingsError where a new one would be made unasked, although
        another .env than the one that is read names a database."""
        folder, env_file = self.home / "postgres", self._env_file_found
        is_chosen = "brapped_home" in self.model_fields_set
        if env_file.others and not is_chosen and not (folder / "data").exists():
            raise SettingsError(
                f"DATABASE_URL is not set: {env_file.path}, which was found first, does not name it, but {env_file.others[0]}"
                f" does. Nothing was recorded into a new database of its own. Write DATABASE_URL into {env_file.path}, or"
                " remove that file; or name a folder in BRAPPED_HOME, if you do want another database."
            )
        return folder

    def database_notice(self) -> str | None:
        """Which database is used, in a line without its address; None where that is obvious: DATABASE_URL is set in the
        environment, or in the current folder's .env."""
        env_file = self._env_file_found
        if self.database_url is None:
            line = f"DATABASE_URL is not set: the record is in {self.embedded_folder}"
            passed_over = [f"; {other} is not read, since {env_file.path} was found first" for other in env_file.others]
            return "".join([line, *passed_over[:1]])
        is_from_file = env_file.sets_database_url and not any(
            value and name.upper() == "DATABASE_URL" for name, value in os.environ.items()
        )
        return f"DATABASE_URL is that of {env_file.path}" if is_from_file and not env_file.is_here else None

    def need(self, *names: str) -> None:
        """Raises SettingsError that names every one of `names` (as in the environment) that is not set."""
        missing = [name for name in names if getattr(self, name.lower()) is None]
        if self.github_actions and self.database_url is None and "DATABASE_URL" not in missing:
            # The embedded Postgres would vanish with the runner, and every play in it.
            missing.insert(0, "DATABASE_URL")
        if missing:
            raise SettingsError(
                f"Not set: {', '.join(missing)}. Set {'it' if len(missing) == 1 else 'them'} in the environment, in"
                f" {self._env_file_found.path or 'a file .env'}, or as secrets of the repository on GitHub; the README says"
                " where each comes from."
            )


def read_settings() -> Settings:
    """The settings of this run: from the environment, and what is not set there from the first .env found. Raises
    SettingsError that says everything that is wrong at once."""
    try:
        env_file = find()
        settings = Settings(_env_file=env_file.path)
    except EnvFileError as error:
        faults = [str(error)]
    except ValidationError as error:
        faults = list(spoken(error))
    else:
        settings._env_file_found = env_file
        return settings
    raise SettingsError(" ".join(faults))


def spoken(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in fault["loc"]).upper()
        yield f"{name}: {fault['msg'].removeprefix('Value error, ')}."


def address_error(address: str) -> str | None:
    """What is wrong with a database address, without repeating any of it; None when it can be used."""
    example = "write it as postgresql://user:password@host/database"
    too_many = (
        "has an @ too many: in a user or a password write @ as %40 (and / as %2F, # as %23, ? as %3F, % as %25), so that it can"
        f" be told from the one before the host; {example}"
    )

    def has_too_many(*parts: str) -> bool:
        """Whether an @ stands behind the one that ends the password, but for values of options."""
        place, _, options = address.partition("://")[2].partition("@")[2].partition("?")
        return any("@" in part for part in (place, *(one.partition("=")[0] for one in options.split("&")), *parts))

    try:
        url = make_url(address)
        host, name = url.host or url.query.get("host"), url.drivername
    except (ArgumentError, ValueError):
        return too_many if has_too_many("") else f"is no address of a database; {example}"
    if name not in POSTGRES_NAMES:
        return f"has to be the address of a Postgres; {example}"
    if not host:
        return f"names no host; {example}"
    if has_too_many(url.host or "", url.database or ""):
        return too_many
    return None


def default_home() -> Path:
    """The user's data folder. Root's lies in /var/lib: Postgres runs as another user, who can't enter /root."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "XDG_DATA_HOME" not in os.environ:
        return Path("/var/lib/brapped")
    try:
        return platformdirs.user_data_path("brapped", appauthor=False)
    except RuntimeError:  # no home folder; older versions of platformdirs return such a path themselves
        return Path("~/brapped")


@contextmanager
def ensure_home() -> Iterator[None]:
    """Meanwhile everybody has a home folder, for packages that ask for it while they are imported and fail without."""
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
