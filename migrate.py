"""Bring the database up to date, move it to another host, back it up and restore it."""

from __future__ import annotations

from etl import interrupts

if __name__ == "__main__":
    interrupts.exit_on_interrupt()

import argparse
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from etl import __version__, limits
from etl.clock import WrongClock, utc_now
from etl.counts import many
from etl.embedded.postgres import EmbeddedError
from etl.extras import missing_extra
from etl.settings import Settings, SettingsError, address_error, read_settings
from etl.terminal import bar
from etl.transfer.endpoints import CopiedTable, CopyResult, Progress
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.open import opened
from etl.warehouse.time_zones import redate_all_plays

EXAMPLES = """
examples, all for the database at DATABASE_URL:
  python migrate.py                            apply what is pending
  python migrate.py --check                    list what is pending; exit 1 if anything is
  python migrate.py --from OLD_URL --dry-run   count what a move would copy
  python migrate.py --from OLD_URL             move everything here, and compare
  python migrate.py --from OLD_URL --verify    only compare
  python migrate.py --from-legacy OLD_URL      import an older project's tables
  python migrate.py --backup brapped.zip       write everything to a file
  python migrate.py --restore brapped.zip      restore it into an empty database

For the URL "-", the program prompts without echo, or reads a pipe.
Exit status: 0 for success, 1 for failure, 2 for a wrong command line.
docs/moving.md has more.
"""


def main(arguments: list[str], program: str = "python migrate.py", debug: bool = False) -> int:
    """Run the command line; returns the exit status.

    `program`: its name in the help, as `brapped migrate` is the same. `debug`: raise what fails, for its traceback.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("etl").setLevel(logging.INFO)
    options, unknown = parser(program).parse_known_args(arguments)
    if unknown:  # not quoted: it may be an address with its password
        parser(program).error("there are too many words or options; --help lists them")
    interrupts.raise_on_interrupt()
    try:
        return work(options)
    except (SettingsError, WarehouseError, EmbeddedError, WrongClock) as error:
        if debug:
            raise
        print(f"migrate: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        if debug or (advice := missing_extra(error)) is None:
            raise
        print(f"migrate: {advice}", file=sys.stderr)
    except KeyboardInterrupt:
        print("migrate: stopped; the same command goes on from here.", file=sys.stderr)
        return interrupts.STATUS
    return 1


class Parser(argparse.ArgumentParser):
    """A parser whose errors do not quote what was typed, which may be an address with its password."""

    def error(self, message: str) -> NoReturn:
        super().error(re.sub(r"(['\"]).*\1", "…", message, flags=re.DOTALL))


def file_path(typed: str) -> Path:
    """A path. Refuses an address in the wrong place, which later errors would quote as a path."""
    if "://" in typed:
        raise argparse.ArgumentTypeError("takes a file, not an address")
    return Path(typed)


def parser(program: str) -> argparse.ArgumentParser:
    """The parser of the command line; `program` is its name in the help."""
    made = Parser(
        prog=program,
        allow_abbrev=False,
        usage=(
            f"{program} [--check | --from URL | --from-legacy URL |\n"
            "                          --backup FILE | --restore FILE] [--to URL] …"
        ),
        description=__doc__,
        epilog=EXAMPLES.replace("python migrate.py", program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = made.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="only list what is pending")
    what.add_argument("--from", dest="source", metavar="URL", help="move the warehouse of this database")
    what.add_argument("--from-legacy", dest="legacy", metavar="URL", help="import the tables of an older project")
    what.add_argument("--backup", type=file_path, metavar="FILE", help="write everything to a file")
    what.add_argument("--restore", type=file_path, metavar="FILE", help="fill an empty database from a backup")
    made.add_argument("--to", dest="target", metavar="URL", help="the database to work on (default: DATABASE_URL)")
    made.add_argument("--dry-run", action="store_true", help="only count what would be copied")
    made.add_argument("--verify", action="store_true", help="only compare, with --from or --restore")
    made.add_argument("--listener", metavar="NAME", help="with --from-legacy: the listener")
    return made


def work(options: argparse.Namespace) -> int:
    """Run what the options select; returns the exit status. Raises SettingsError, EmbeddedError and WarehouseError."""
    if options.verify and not (options.source or options.restore):
        raise SettingsError("--verify needs --from or --restore.")
    if options.dry_run and not (options.source or options.legacy):
        raise SettingsError("--dry-run needs --from or --from-legacy.")
    if options.listener is not None and not options.legacy:
        raise SettingsError("--listener needs --from-legacy.")
    settings = read_settings()
    with warehouse_at(options.target, "--to", settings) as target:
        if options.source:
            with warehouse_at(options.source, "--from", settings) as source:
                return run_copy(source, target, options)
        if options.legacy:
            with warehouse_at(options.legacy, "--from-legacy", settings) as source:
                return run_legacy_import(source, target, settings, options)
        if options.backup:
            return run_backup(target, options.backup)
        if options.restore:
            return run_restore(target, options.restore, options.verify)
        return run_migrations(target, options.check, settings.time_zone)


@contextmanager
def warehouse_at(url: str | None, option: str, settings: Settings) -> Iterator[Warehouse]:
    """Open the database at a URL of the command line, or that of the settings if there is none.

    option: the name for it in messages. Raises SettingsError, EmbeddedError and WarehouseError.
    """
    with ExitStack() as stack:
        if url is None:
            warehouse = stack.enter_context(opened(settings))
            warehouse.name = "DATABASE_URL" if settings.database_url else "BRAPPED_HOME"
            yield warehouse
            return
        if url == "-":
            url = ask_for_url(option)
        if fault := address_error(url):
            raise SettingsError(f"{option} {fault}.")
        warehouse = Warehouse(url, utc_now, name=option)
        stack.callback(warehouse.close)
        yield warehouse


def ask_for_url(option: str) -> str:
    """Read a URL without echo, or from a pipe, so that neither the process list nor the shell's history has it."""
    import getpass

    return getpass.getpass(f"URL for {option}: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def run_migrations(target: Warehouse, is_check: bool, time_zone: str | None) -> int:
    """Apply pending SQL and correct local dates, or with --check list what is pending; returns the exit status."""
    if is_check:
        files, verb = target.pending(), "pending"
        due_count = len(target.rebuilds_due())
    else:
        files, verb = target.migrate(utc_now(), __version__), "applied"
        due_count = 0
    lines = [f"{verb}: sql/{name}.sql" for name in files]
    if due_count:
        lines.append(f"pending: the plays of {many(due_count, 'listener')} are to be derived anew")
    print("\n".join(lines) or "The database is up to date.")
    if not is_check and (
        count := target.transaction(lambda connection: redate_all_plays(connection, time_zone), limits.IMPORTING)
    ):
        print(f"{many(count, 'play')} had a wrong local date or minute, now corrected.")
    return 1 if is_check and lines else 0


def run_copy(source: Warehouse, target: Warehouse, options: argparse.Namespace) -> int:
    """--from: copy, or with --verify compare; print what is left to do; returns the exit status."""
    from etl.transfer.copy import compare_warehouses, copy_warehouse

    if options.verify:
        return report_comparison(
            with_progress(lambda progress: compare_warehouses(source, target, progress=progress), "compared")
        )
    result = with_progress(
        lambda progress: copy_warehouse(source, target, now=utc_now(), is_dry=options.dry_run, progress=progress),
        "to copy" if options.dry_run else "copied",
    )
    if options.dry_run:
        count = sum(table.copied_count for table in result.tables)
        print(f"{many(count, 'row')} would be copied. Nothing was changed.")
        return 0
    if status := report_comparison(result):
        return status
    print(
        """
The old database is unchanged. What is left to do:
  - If it has recorded meanwhile, or still does, run this again: only the
    difference is copied.
  - Set the secret DATABASE_URL (and .env, if you have one) to the new address.
    The other secrets stay: the logins were copied, encrypted with the same key.
  - When the new database has recorded, delete the old one, or keep it for a while."""
    )
    if result.roles:
        print(f"  - Create the roles that read the old one here, too (docs/bi.md):\n    {', '.join(result.roles)}")
    return 0


def report_comparison(result: CopyResult) -> int:
    """Print the result of a comparison; returns the exit status."""
    for sentence in result.differences:
        print(sentence)
    if result.differences:
        print("migrate: the two differ.", file=sys.stderr)
        return 1
    print(f"Verified: {size_of(result)}, the same by count and hash.")
    return 0


def size_of(result: CopyResult) -> str:
    return f"{many(len(result.tables), 'table')}, {many(sum(table.row_count for table in result.tables), 'row')}"


def run_backup(source: Warehouse, path: Path) -> int:
    from etl.transfer.backup import back_up

    result = with_progress(lambda progress: back_up(source, path, now=utc_now(), progress=progress), "written")
    print(f"{path}: {size_of(result)}, {path.stat().st_size:,} bytes.")
    print("Keep it like a password: it contains what you listened to, and your login, encrypted.")
    return 0


def run_restore(target: Warehouse, path: Path, is_verify: bool) -> int:
    from etl.transfer.backup import restore, verify

    if is_verify:
        return report_comparison(with_progress(lambda progress: verify(target, path, progress=progress), "compared"))
    return report_comparison(
        with_progress(lambda progress: restore(target, path, now=utc_now(), progress=progress), "restored")
    )


def run_legacy_import(source: Warehouse, target: Warehouse, settings: Settings, options: argparse.Namespace) -> int:
    """--from-legacy: import the older project's tables and print the receipt; returns the exit status."""
    from etl.jobs import receipts
    from etl.jobs.legacy import import_legacy
    from etl.warehouse.listeners import ListenerError

    try:
        with bar("Reading the old tables", then="Merging") as progress:
            receipt = import_legacy(
                settings, source, target, listener=options.listener, dry_run=options.dry_run, progress=progress
            )
    except ListenerError as error:
        raise SettingsError(str(error)) from None
    print(receipts.as_text(receipt))
    return 0 if receipt.is_good else 1


def with_progress(work: Callable[[Progress], CopyResult], verb: str) -> CopyResult:
    """Call `work`, showing a progress bar on a terminal and printing a line for each table that has rows."""
    with bar("Comparing" if verb in ("compared", "to copy") else "Copying") as progress:

        def print_table(table: CopiedTable) -> None:
            if table.row_count or table.copied_count:
                copied = f"{table.copied_count:>12,} {verb}"
                if verb == "compared":
                    copied = "the same" if table.is_same else "differs"
                elif table.row_count and not table.copied_count:
                    copied = "there already"
                print(
                    f"{table.table:<32}{table.row_count:>12,} {'row' if table.row_count == 1 else 'rows':<4} {copied:>13}",
                    flush=True,
                )

        return work(Progress(rows=lambda table, done, total: progress(done, total), table=print_table))


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    status = main(sys.argv[1:])
    interrupts.ignore_interrupts()
    sys.exit(status)
