"""Runs that failed while the database could not be reached, kept in a file until they can be recorded.

On GitHub nothing is kept between runs. There, missing run numbers show how many ended without a record.
"""

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from etl.settings import Settings
from etl.values import fingerprint
from etl.whole_file import UnwritableError, whole_file

log = logging.getLogger(__name__)

JOBS = ("plays", "dimensions")
MOST = 1_000  # six weeks of hourly runs; older ones are dropped


@dataclass(frozen=True)
class FailedRun:
    """A run that failed. warehouse: fingerprint of its database. started_at, finished_at: ISO 8601, UTC."""

    warehouse: str
    job: str
    started_at: str
    finished_at: str


def keep(settings: Settings, job: str, started_at: datetime, finished_at: datetime) -> None:
    """Add a run to the file. A file that can't be written is only warned of."""
    failed = FailedRun(warehouse_of(settings), job, started_at.isoformat(), finished_at.isoformat())
    if not settings.github_actions:
        write(path_of(settings), [*read(path_of(settings)), failed][-MOST:])


def kept(settings: Settings) -> list[FailedRun]:
    """The runs of this warehouse that are still to be recorded."""
    whose = warehouse_of(settings)
    return [one for one in read(path_of(settings)) if one.warehouse == whose]


def forget(settings: Settings, recorded: list[FailedRun]) -> None:
    """Remove runs from the file after they were recorded."""
    write(path_of(settings), [one for one in read(path_of(settings)) if one not in recorded])


def path_of(settings: Settings) -> Path:
    return settings.brapped_home / "unrecorded.json"


def read(path: Path) -> list[FailedRun]:
    try:
        found = [FailedRun(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
        return [
            one
            for one in found
            if one.job in JOBS and datetime.fromisoformat(one.started_at) <= datetime.fromisoformat(one.finished_at)
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError):
        log.warning("%s can't be read and will be replaced. Failed runs in it are not recorded.", path)
        return []


def write(path: Path, runs: list[FailedRun]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(json.dumps([asdict(one) for one in runs], indent=1).encode())
    except (OSError, UnwritableError) as error:
        log.warning("%s Failed runs may be missing from ops.run, or be recorded twice.", error)


def warehouse_of(settings: Settings) -> str:
    """Fingerprint of the database's host, port and name, so that a new password does not make it another database."""
    if settings.database_url is None:
        return "embedded"
    url = make_url(settings.database_url.get_secret_value())
    return fingerprint(f"{url.host or url.query.get('host')}:{url.port or 5432}/{url.database}")
