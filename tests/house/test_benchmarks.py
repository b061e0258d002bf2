"""Every benchmark still runs, and prints its table: with tiny sizes, once, and without a look at the times."""

import hashlib
import json
import re
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from support import in_cluster, memory, with_database

from benchmarks import exclusions, imports, moves, plays, recorder, repeats, reports, start, temporary_folder, web
from benchmarks.__main__ import BENCHMARKS
from etl.embedded.postgres import embedded_postgres

MODULES = {
    "start": start,
    "plays": plays,
    "import": imports,
    "moves": moves,
    "repeats": repeats,
    "reports": reports,
    "exclusions": exclusions,
    "recorder": recorder,
    "web": web,
}
SIZES = Namespace(export=None, days=3, facts=2_000, rows=(300, 600), repeats=(60, 120), listeners=3)
FOR_PAGE_100 = Namespace(export=None, facts=21_000, rows=(7_000, 0), listeners=3)
NUMBERS = re.compile(
    r" +\d+\.?\d* m?s\b.*?(?=  \d+ [a-z]+$|$)"
)  # of every row of a table; what was counted comes after
JOB = ["Python that does nothing", "Python that only imports what it needs", "brapped plays, 50 of 50 new", "brapped plays, 0 of 50 new"]  # fmt: skip
EXCLUSIONS = [
    "daily", "top tracks, a week", "top tracks, a year", "top tracks, ever", "top artists, ever, by time",
    "top albums, a year", "top genres, ever", "top shows, ever", "wrapped", "features", "artist", "track", "search",
    "history, a page", "history, page 100, plays only",
]  # fmt: skip
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
    "exclusions": EXCLUSIONS,
    "recorder": ["CPU a day"],
    "web": [*web.PAGES, f"{web.FEW} browsers at once"] * 2,
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

    monkeypatch.setattr(module, "embedded_postgres", database_of_its_own, raising=module is not recorder)
    if hasattr(module, "RUNS"):
        monkeypatch.setattr(module, "RUNS", 1)
    monkeypatch.setattr(start, "WARM_UPS", 0)
    # few tracks, so that few plays have the one asked for, and its artist
    monkeypatch.setattr(reports, "TRACKS", 20)
    monkeypatch.setitem(reports.REPORTS, "artist", lambda ask: ask.reporter().artist(ARTIST_OF_TITLE))
    BENCHMARKS[name](FOR_PAGE_100 if name in ("reports", "exclusions") else SIZES)
    printed = capsys.readouterr().out.splitlines()
    assert [NUMBERS.sub("", line) for line in printed if NUMBERS.search(line)] == ROWS[name]


def test_the_replayed_recorder_finds_what_was_played_and_nothing_else(tmp_path: Path):
    replay = recorder.replayed(recorder.made_up(3), 3)
    seen, close, long = recorder.matched(replay)
    assert 60 < long == sum(play.ms >= 30_000 for play in replay.truths)
    assert seen >= 0.9 * long and close >= 0.9 * long
    assert recorder.invented(replay) == 0
    replay.found = [replace(one, uri="spotify:track:another") for one in replay.found]
    assert recorder.matched(replay)[:2] == (0, 0)
    assert recorder.invented(replay) == len(replay.found)


def test_an_export_is_replayed_without_what_was_offline_and_without_overlaps(tmp_path: Path):
    def row(second: int, ms: int, letter: str, **more: object) -> dict[str, object]:
        at = f"2023-05-01T10:{second // 60:02}:{second % 60:02}Z"
        return {"ts": at, "ms_played": ms, "spotify_track_uri": f"spotify:track:{letter}", **more}

    rows = [
        row(100, 60_000, "a", reason_end="trackdone"),
        row(130, 40_000, "b"),  # ten seconds of it overlap
        row(300, 60_000, "c", offline=True),
        {**row(0, 60_000, "d"), "ts": "2022-01-01T00:00:00Z"},
    ]
    (tmp_path / "Streaming_History_Audio_2023.json").write_text(json.dumps(rows))
    first, second = recorder.year_of(tmp_path)
    assert (first.uri, first.ms, first.duration_ms) == ("spotify:track:a", 60_000, 60_000)
    assert (second.uri, second.ms) == ("spotify:track:b", 30_000)
    assert second.duration_ms > second.ms
