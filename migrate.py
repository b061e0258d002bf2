"""Brings the database at DATABASE_URL up to date: `python migrate.py`; `--check` only says what is pending, and exits 1 if anything is."""

import sys

from etl import __version__, jobs
from etl.embedded import EmbeddedError
from etl.settings import SettingsError, read_settings
from etl.warehouse import WarehouseError


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: python migrate.py [--check]", file=sys.stderr)  # noqa: T201
        return 2
    try:
        with jobs.opened(read_settings()) as warehouse:
            if arguments:
                files, said = warehouse.pending(), "pending"
            else:
                files, said = warehouse.migrate(jobs.utc_now(), __version__), "applied"
    except (SettingsError, WarehouseError, EmbeddedError) as error:
        print(f"migrate: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print("\n".join(f"{said}: sql/{name}.sql" for name in files) or "The database is up to date.")  # noqa: T201
    return 1 if arguments and files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
