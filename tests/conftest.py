"""What the tests stand on: one real Postgres for all of them, a fresh database for each, and a simulated Spotify."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import (
    NOW,
    REFRESH_TOKEN,
    ROOT,
    ago,
    asked,
    environment_of,
    fresh_database,
    in_cluster,
    memory,
    settings_of,
    with_database,
)
from support.cases import Record
from support.cli_process import ForkServer, Program
from support.export_files import write_folder
from support.warehouse_state import MARK, PASSWORD

import migrate
from etl import __version__
from etl.embedded.postgres import embedded_postgres
from etl.settings import Settings
from etl.simulator.catalogue import Catalogue, catalogue
from etl.simulator.routes import Listener, Play
from etl.simulator.server import SimulatedSpotify
from etl.simulator.world import world_of
from etl.warehouse.connection import Warehouse


def pytest_configure(config: pytest.Config) -> None:
    # A background job of a shell ignores SIGINT, and the programs under test would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        # Not below pytest's own folder: that is closed to the user whom Postgres runs as when the tests run as root.
        folder = tempfile.mkdtemp(prefix="brapped-tests-", dir=memory())
        Path(folder).chmod(0o711)
        os.environ["BRAPPED_TEST_CLUSTER"] = folder
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    # No test may read what the person running it has set for themselves.
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    os.environ["XDG_CONFIG_HOME"] = f"{os.environ['BRAPPED_TEST_CLUSTER']}/config"
    if (ROOT / ".env").exists():
        pytest.exit(f"{ROOT}/.env would be read by the tests: move it away, or run them in another clone.", 2)


# What takes long, the longest first, so that no worker waits for another in the end. The rest of a file keeps its order.
LONGEST = (
    "jobs/test_six_months.py",
    "matching/test_real_exports.py",
    "reports/test_numbers.py",
    "workflows/test_workflows.py",
    "matching/test_known_truth.py",
    "transfer/test_copy.py",
    "jobs/test_import_command.py",
    "jobs/test_imports.py",
    "jobs/test_killed.py",
    "jobs/test_recorder_killed.py",
    "embedded/test_embedded.py",
    "cli/test_ctrl_c.py",
    "reports/test_pages.py",
    "matching/test_between_sources.py",
)
# Besides those: what starts processes, servers or a browser, or goes through hundreds of cases in a database.
ALSO_SLOW = (
    "alerts/test_alerts.py",
    "auth/test_login.py",
    "cli/test_demo.py",
    "cli/test_migrate_command.py",
    "cli/test_recordings_command.py",
    "cli/test_report_command.py",
    "embedded/test_owner.py",
    "ground_floor/test_env_file.py",
    "health/test_status.py",
    "house/test_benchmarks.py",
    "jobs/test_coverage.py",
    "jobs/test_dimensions.py",
    "jobs/test_failed_runs.py",
    "jobs/test_hanging_neighbours.py",
    "jobs/test_odd_answers.py",
    "jobs/test_ownership.py",
    "jobs/test_real_pages.py",
    "jobs/test_recorder_limits.py",
    "jobs/test_recorder_spool.py",
    "jobs/test_run_limits.py",
    "matching/test_linear.py",
    "matching/test_model.py",
    "matching/test_orders.py",
    "matching/test_real_truths.py",
    "matching/test_rebuild.py",
    "matching/test_recordings.py",
    "matching/test_recently_played.py",
    "reports/test_history.py",
    "reports/test_history_forms.py",
    "reports/test_not_recorded.py",
    "reports/test_reading.py",
    "sources/test_player_truth.py",
    "transfer/test_backup.py",
    "transfer/test_hostile_backup.py",
    "transfer/test_hostile_source.py",
    "transfer/test_legacy.py",
    "transfer/test_migrate_refuses.py",
    "warehouse/test_errors.py",
    "warehouse/test_hosted.py",
    "warehouse/test_limits.py",
    "warehouse/test_old_warehouse.py",
    "warehouse/test_time_zones.py",
    "workflows/test_masked_on_github.py",
    "workflows/test_runner.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many workers as processors: many a test waits for Postgres, a process or a pause."""
    return 2 * (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and start the longest first. A test marked `quick` in a slow file is not slow."""
    folder = ROOT / "tests"
    place = {name: number for number, name in enumerate(LONGEST)}
    names = {item: item.path.relative_to(folder).as_posix() for item in items if item.path.is_relative_to(folder)}
    for item, name in names.items():
        if (name in place or name in ALSO_SLOW) and item.get_closest_marker("quick") is None:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: place.get(names.get(item, ""), len(LONGEST)))


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """A Postgres for the whole run, shared by all workers; gone when the last one leaves."""
    with embedded_postgres(Path(os.environ["BRAPPED_TEST_CLUSTER"]) / "cluster", durable=False) as url:
        yield url


@pytest.fixture(scope="session")
def template(cluster: str) -> str:
    """A database with the schema in place, to be copied."""
    name = f"template_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    in_cluster(cluster, f"create database {name} owner brapped")
    warehouse = Warehouse(with_database(cluster, name))
    warehouse.migrate(NOW, __version__)
    warehouse.close()
    return name


@pytest.fixture
def empty_database(cluster: str) -> Iterator[str]:
    """The URL of a database without anything in it."""
    yield from fresh_database(cluster, "template0")


@pytest.fixture
def database(cluster: str, template: str) -> Iterator[str]:
    """The URL of a database of its own with the schema in place."""
    yield from fresh_database(cluster, template)


@pytest.fixture
def other_database(cluster: str, template: str) -> Iterator[str]:
    """A second database with the schema in place."""
    yield from fresh_database(cluster, template)


@pytest.fixture
def record(warehouse: Warehouse, database: str, tmp_path: Path) -> Record:
    """Plays of every source, loaded as the jobs do it, of the only listener there is."""
    record = Record(warehouse, database, tmp_path / "export")
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql("delete from listening.dim_listener where listener_id = 'other'")
        connection.exec_driver_sql("update listening.dim_listener set time_zone = 'Europe/Berlin'")
    return record


@pytest.fixture
def warehouse(database: str) -> Iterator[Warehouse]:
    warehouse = Warehouse(database)
    yield warehouse
    warehouse.close()


@pytest.fixture
def ask(database: str) -> Callable[..., list[tuple]]:
    """Asks the database by a connection of its own, not the program's: `ask("select …")` gives all rows."""
    return lambda statement, *values: asked(database, statement, *values)


@pytest.fixture(scope="session")
def songs() -> Catalogue:
    """The made-up catalogue that the simulated Spotify serves."""
    return catalogue()


@pytest.fixture
def spotify(songs: Catalogue) -> Iterator[SimulatedSpotify]:
    """A simulated Spotify with one listener, who has played nothing yet. Its clock stands still at NOW."""
    listener = Listener(account_id="account-of-ada", user_id="ada", display_name="Ada")
    world = world_of(songs, listener, REFRESH_TOKEN, NOW - timedelta(days=1))
    with SimulatedSpotify(world, clock=lambda: NOW, is_dated=False) as server:
        yield server


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that the client would have made, recorded instead of made."""
    made: list[float] = []
    monkeypatch.setattr("etl.spotify.http.time.sleep", made.append)
    return made


@pytest.fixture
def play(spotify: SimulatedSpotify) -> Callable[..., None]:
    """Lets the listener play something: `play(Play(…), …)`."""

    def played(*plays: Play) -> None:
        spotify.change(lambda world: world.with_plays("account-of-ada", *plays))

    return played


@pytest.fixture
def environment(database: str, spotify: SimulatedSpotify, tmp_path: Path) -> dict[str, str]:
    """The environment of a listener who has set everything up."""
    return environment_of(database, spotify, tmp_path)


@pytest.fixture(scope="session")
def forkserver() -> Iterator[ForkServer]:
    """What forks the program for the two fixtures below."""
    forkserver = ForkServer()
    yield forkserver
    forkserver.close()


@pytest.fixture
def start(forkserver: ForkServer, environment: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts the program in a process of its own and does not wait for it: `start("plays", TIME_ZONE="…")`."""
    running = []

    def started(*arguments: str, **changes: str) -> Program:
        running.append(forkserver.start(arguments, {**environment, **changes}, tmp_path))
        return running[-1]

    yield started
    for program in running:
        program.kill()
        program.wait()


@pytest.fixture
def brapped(start: Callable[..., Program]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the program in a process of its own, as a person does: `brapped("plays")`."""
    return lambda *arguments, **changes: start(*arguments, **changes).completed()


@pytest.fixture
def brapped_without_pauses(brapped: Callable[..., Any]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The same, but tries again at once: for what is said after the last try, not for when."""
    return partial(brapped, BRAPPED_TEST_WITHOUT_PAUSES="yes")


@pytest.fixture
def settings(database: str, spotify: SimulatedSpotify) -> Settings:
    """The same settings within the process."""
    return settings_of(database, spotify)


@pytest.fixture
def target(cluster: str) -> Iterator[str]:
    """Where to move: an empty database."""
    yield from fresh_database(cluster, "template0")


@pytest.fixture
def moving(database, monkeypatch, capsys) -> Callable[..., tuple[int, str]]:
    """migrate.py within this process, which is quicker: its exit status, and all it said."""
    monkeypatch.setenv("DATABASE_URL", database)

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            status = migrate.main([*arguments])
        except SystemExit as ended:
            status = int(str(ended.code))
        output = "".join(capsys.readouterr())
        assert PASSWORD not in output and MARK not in output
        return status, output

    return run


@pytest.fixture
def recorded(brapped, play, songs, spotify, tmp_path, database) -> str:
    """A warehouse that the jobs have filled: plays, a whole catalogue, an export, a login."""
    play(*(Play(track_id, ago(4 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:30])))
    rows = [
        {
            "ts": f"{ago(60 * 24 * 30 + 4 * number):%Y-%m-%dT%H:%M:%SZ}", "ms_played": 100_000 + number,
            "spotify_track_uri": f"spotify:track:{number:022}", "master_metadata_track_name": f'{MARK} "{number}"\t,\\N é🎈\n',
            "master_metadata_album_artist_name": "Ann", "master_metadata_album_album_name": "", "platform": "a\\b",
        }
        for number in range(60)
    ]  # fmt: skip
    for arguments in (
        ("plays",),
        ("dimensions",),
        ("import", str(write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows}))),
    ):
        ran = brapped(*arguments)
        assert ran.returncode == 0, ran.stderr
    return database


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of root's with a file in it."""
    folder = tmp_path / "victim"
    folder.mkdir(mode=0o700)
    (folder / "kept").write_text("kept")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real one, headless: a context of Playwright's."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        if "chromium" in os.environ.get("BRAPPED_REQUIRE", "").split():
            pytest.fail("BRAPPED_REQUIRE says that Chromium is here, but it is not")
        pytest.skip("Chromium is not here (Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program)
        yield started.new_context()
        started.close()
