"""Brings the database up to date, moves it to another host, backs it up and restores it."""

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
from etl.settings import Settings, SettingsError, address_error, read_settings
from etl.terminal import bar
from etl.transfer.endpoints import CopiedTable, CopyResult, Progress
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.open import opened
from etl.warehouse.time_zones import all_dated_anew

HERE = "DATABASE_URL"
EXAMPLES = """
examples, all of them about the database at DATABASE_URL:
  python migrate.py                            apply what is pending
  python migrate.py --check                    say what is; exit 1 if anything is
  python migrate.py --from OLD_URL --dry-run   say what a move would copy
  python migrate.py --from OLD_URL             move everything here, and compare
  python migrate.py --from OLD_URL --verify    only compare
  python migrate.py --from-legacy OLD_URL      take over an older project's tables
  python migrate.py --backup brapped.zip       everything as one file
  python migrate.py --restore brapped.zip      and back, into an empty database

A URL that is "-" is asked for without showing it, or read from a pipe.
Exit status: 0, 1 when it failed, 2 when it was called wrongly.
docs/moving.md has more.
"""


def main(arguments: list[str], program: str = "python migrate.py") -> int:
    """`program`: what it is called in its help, as `brapped migrate` is the same."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("etl").setLevel(logging.INFO)
    asked, unknown = parser(program).parse_known_args(arguments)
    if unknown:  # not repeated: it may be an address with its password
        parser(program).error("there is a word or an option too many; --help says which there are")
    interrupts.raise_on_interrupt()
    try:
        return work(asked)
    except (SettingsError, WarehouseError, EmbeddedError, WrongClock) as error:
        print(f"migrate: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("migrate: stopped; the same command goes on from here.", file=sys.stderr)
        return interrupts.STATUS
    return 1


class Parser(argparse.ArgumentParser):
    """What is wrong with a command line, without what was typed: it may be an address with its password."""

    def error(self, message: str) -> NoReturn:
        super().error(re.sub(r"(['\"]).*\1", "…", message, flags=re.DOTALL))


def a_file(told: str) -> Path:
    """A path; an address that was put in the wrong place would be repeated as one."""
    if "://" in told:
        raise argparse.ArgumentTypeError("takes a file, not an address")
    return Path(told)


def parser(program: str) -> argparse.ArgumentParser:
    made = Parser(
        prog=program,
        allow_abbrev=False,
        usage=f"{program} [--check | --from URL | --from-legacy URL |\n                          --backup FILE | --restore FILE] [--to URL] …",
        description=__doc__,
        epilog=EXAMPLES.replace("python migrate.py", program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = made.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="only say what is pending")
    what.add_argument("--from", dest="source", metavar="URL", help="move the warehouse of this database")
    what.add_argument("--from-legacy", dest="legacy", metavar="URL", help="take over the tables of an older project")
    what.add_argument("--backup", type=a_file, metavar="FILE", help="write everything into a file")
    what.add_argument("--restore", type=a_file, metavar="FILE", help="fill an empty database with a backup")
    made.add_argument("--to", dest="target", metavar="URL", help=f"the database to work on (default: {HERE})")
    made.add_argument("--dry-run", action="store_true", help="only say what would be copied")
    made.add_argument("--verify", action="store_true", help="only compare, with --from or --restore")
    made.add_argument("--listener", metavar="NAME", help="with --from-legacy: whose plays they are")
    return made


def work(asked: argparse.Namespace) -> int:
    if asked.verify and not (asked.source or asked.restore):
        raise SettingsError("--verify compares with something: give --from or --restore, too.")
    if asked.dry_run and not (asked.source or asked.legacy):
        raise SettingsError("--dry-run goes with --from and --from-legacy.")
    if asked.listener is not None and not asked.legacy:
        raise SettingsError("--listener goes with --from-legacy.")
    settings = read_settings()
    name = "--to" if asked.target else HERE if settings.database_url else "BRAPPED_HOME"
    with warehouse_at(asked.target, "--to", settings) as target:
        if asked.source:
            with warehouse_at(asked.source, "--from", settings) as source:
                return moved(source, target, name, asked)
        if asked.legacy:
            with warehouse_at(asked.legacy, "--from-legacy", settings) as source:
                return run_legacy_import(source, target, settings, asked)
        if asked.backup:
            return run_backup(target, name, asked.backup)
        if asked.restore:
            return restored(target, name, asked.restore, asked.verify)
        return run_migrations(target, asked.check, settings.time_zone)


@contextmanager
def warehouse_at(url: str | None, option: str, settings: Settings) -> Iterator[Warehouse]:
    """The database at a URL of the command line; that of the settings where there is none."""
    with ExitStack() as stack:
        if url is None:
            yield stack.enter_context(opened(settings))
            return
        if url == "-":
            url = hidden(option)
        if fault := address_error(url):
            raise SettingsError(f"{option} {fault}.")
        warehouse = Warehouse(url, utc_now)
        stack.callback(warehouse.close)
        yield warehouse


def hidden(option: str) -> str:
    """A URL that is neither in the list of processes nor in the history of the shell."""
    import getpass

    return getpass.getpass(f"URL for {option}: ") if sys.stdin.isatty() else sys.stdin.readline().strip()


def run_migrations(target: Warehouse, is_check: bool, time_zone: str | None) -> int:
    if is_check:
        files, said = target.pending(), "pending"
    else:
        files, said = target.migrate(utc_now(), __version__), "applied"
    print("\n".join(f"{said}: sql/{name}.sql" for name in files) or "The database is up to date.")
    if not is_check and (
        count := target.transaction(lambda connection: all_dated_anew(connection, time_zone), limits.IMPORTING)
    ):
        print(f"{many(count, 'play was', 'plays were')} on a wrong local date or minute: dated anew.")
    return 1 if is_check and files else 0


def moved(source: Warehouse, target: Warehouse, name: str, asked: argparse.Namespace) -> int:
    from etl.transfer import copy as moves

    names = ("--from", name)
    if asked.verify:
        return compared(with_progress(lambda told: moves.compare(source, target, names=names, told=told), "compared"))
    verb = "to copy" if asked.dry_run else "copied"
    made = with_progress(
        lambda told: moves.move(source, target, names=names, now=utc_now(), is_dry=asked.dry_run, told=told), verb
    )
    if asked.dry_run:
        print(f"{many(sum(one.copied_count for one in made.tables), 'row')} would be copied. Nothing was changed.")
        return 0
    if status := compared(made):
        return status
    print(
        """
The old database was left as it is. What is left to do:
  - Did it record meanwhile, or does it still? Run this again: only the
    difference is copied.
  - Set the secret DATABASE_URL (and .env, if you have one) to the new address.
    The other secrets stay: logins came along, encrypted with the same key.
  - When the new one has recorded, delete the old one, or keep it for a while."""
    )
    if made.roles:
        print(f"  - Make the roles that read there here, too (docs/bi.md):\n    {', '.join(made.roles)}")
    return 0


def compared(made: CopyResult) -> int:
    """Says how a comparison came out; the exit status."""
    for sentence in made.differences:
        print(sentence)
    if made.differences:
        print("migrate: the two are not the same.", file=sys.stderr)
        return 1
    print(f"Verified: {size_of(made)}, the same by count and hash.")
    return 0


def size_of(made: CopyResult) -> str:
    return f"{many(len(made.tables), 'table')}, {many(sum(one.row_count for one in made.tables), 'row')}"


def run_backup(source: Warehouse, name: str, path: Path) -> int:
    from etl.transfer import backup as backups

    made = with_progress(lambda told: backups.back_up(source, path, name=name, now=utc_now(), told=told), "written")
    print(f"{path}: {size_of(made)}, {path.stat().st_size:,} bytes.")
    print("Keep it as you keep a password: what you listened to is in it, and your login, encrypted.")
    return 0


def restored(target: Warehouse, name: str, path: Path, is_verify: bool) -> int:
    from etl.transfer import backup as backups

    if is_verify:
        return compared(with_progress(lambda told: backups.check(target, path, name=name, told=told), "compared"))
    return compared(
        with_progress(lambda told: backups.restore(target, path, name=name, now=utc_now(), told=told), "restored")
    )


def run_legacy_import(source: Warehouse, target: Warehouse, settings: Settings, asked: argparse.Namespace) -> int:
    from etl.jobs import legacy, receipts
    from etl.warehouse.listeners import ListenerError

    try:
        with bar("Reading the old tables", then="Merging") as progress:
            receipt = legacy.import_legacy(
                settings, source, target, listener=asked.listener, dry_run=asked.dry_run, progress=progress
            )
    except ListenerError as error:
        raise SettingsError(str(error)) from None
    print(receipts.as_text(receipt))
    return 0 if receipt.is_good else 1


def with_progress(do: Callable[[Progress], CopyResult], verb: str) -> CopyResult:
    """Does something that gets on table by table: a bar on a terminal, a line for each table that has rows."""
    with bar("Comparison" if verb in ("compared", "to copy") else "Copy") as progress:

        def line(moved: CopiedTable) -> None:
            if moved.row_count or moved.copied_count:
                copied = f"{moved.copied_count:>12,} {verb}" if verb != "compared" else "    compared"
                print(
                    f"{moved.table:<32}{moved.row_count:>12,} {'row' if moved.row_count == 1 else 'rows':<4} {copied}",
                    flush=True,
                )

        return do(Progress(progress=lambda table, done, total: progress(done, total), table=line))


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    status = main(sys.argv[1:])
    interrupts.ignore_interrupts()
    sys.exit(status)
