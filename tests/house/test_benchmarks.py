"""Every benchmark still runs, and prints its table: with tiny sizes, once, and without a look at the times."""

import hashlib
import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support import in_cluster, memory, with_database

from benchmarks import imports, moves, plays, repeats, reports, start, temporary_folder
from benchmarks.__main__ import BENCHMARKS
from etl.embedded.postgres import embedded_postgres

MODULES = {"start": start, "plays": plays, "import": imports, "moves": moves, "repeats": repeats, "reports": reports}
SIZES = Namespace(facts=2_000, rows=(300, 600), repeats=(60, 120), listeners=3)
FOR_PAGE_100 = Namespace(facts=21_000, rows=(7_000, 0), listeners=3)
NUMBERS = re.compile(
    r" +\d+\.?\d* m?s\b.*?(?=  \d+ [a-z]+$|$)"
)  # of every row of a table; what was counted comes after
JOB = ["Python that does nothing", "Python that only imports what it needs", "brapped plays, 50 of 50 new", "brapped plays, 0 of 50 new"]  # fmt: skip
FLOOR = "parse and raw COPY, the floor"
ROWS = {
    "start": list(start.COMMANDS),
    "plays": [*JOB, *JOB],
    "import": [
        FLOOR, "first time  300 new", "again, known by hash  300 known", "again, every row  300 known",
        "the account export on top  300 merged", "first time, beside 2,000 facts  300 new", FLOOR, "first time  600 new",
    ],
    "moves": [
        "pg_dump | psql, not compared", "migrate.py --from, compared", "the same again, nothing to copy",
        "the same again, one row changed",
    ],
    "repeats": [
        "the list, in one file", "the extended history on top", "the account data on top",
        "an hourly run with one play more", "an hourly run with nothing new",
        "an hourly run that gives the track a new name", "rebuild",
    ],
    "reports": ["read once: count, sum of ms", *reports.REPORTS] * 2,
}  # fmt: skip
LETTERS = hashlib.md5(b"528").hexdigest()
ARTIST_OF_TITLE = f"{LETTERS[:6]} {LETTERS[-5:]}"  # as reports.CATALOGUE makes it up
numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Postgres of its own, because benchmarks create databases by name; one for all of them, because it starts slowly."""
    with benchmark_folder() as folder, embedded_postgres(folder / "postgres", durable=False) as url:
        yield url


@contextmanager
def benchmark_folder() -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", memory())
        with temporary_folder() as folder:
            yield folder


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_runs_to_its_end_and_prints_its_table(name, server, monkeypatch, capsys):
    module: Any = MODULES[name]

    @contextmanager
    def database_of_its_own(folder: Path) -> Iterator[str]:
        made = f"benchmark_{next(numbers)}"
        in_cluster(server, f"create database {made} owner brapped")
        yield with_database(server, made)

    monkeypatch.setattr(module, "embedded_postgres", database_of_its_own)
    if hasattr(module, "RUNS"):
        monkeypatch.setattr(module, "RUNS", 1)
    monkeypatch.setattr(start, "WARM_UPS", 0)
    # few tracks, so that few plays have the one asked for, and its artist
    monkeypatch.setattr(reports, "TRACKS", 20)
    monkeypatch.setitem(reports.REPORTS, "artist", lambda ask: ask.reporter().artist(ARTIST_OF_TITLE))
    BENCHMARKS[name](FOR_PAGE_100 if name == "reports" else SIZES)
    printed = capsys.readouterr().out.splitlines()
    assert [NUMBERS.sub("", line) for line in printed if NUMBERS.search(line)] == ROWS[name]
