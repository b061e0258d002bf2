"""migrate.py moves a warehouse: whatever happens on the way, the copy ends as what the original is, row by row."""

import os
import pwd
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from support import NOW, ROOT, ago, asked, fresh_database, in_cluster, libpq, superuser, with_database
from support.warehouse_state import MARK, PASSWORD, differences, everything, fill, rows_of

from etl import __version__
from etl.simulator.routes import Play
from etl.transfer import copy as moves
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError

SMALL_PIECES = (
    "import sys; from etl.transfer import copy; copy.LARGEST = {}; import migrate; sys.exit(migrate.main(sys.argv[1:]))"
)


def migrate(
    *arguments: str, environment: dict[str, str], pieces: int | None = None, **kwargs: Any
) -> subprocess.Popen[str]:
    program = ["-c", SMALL_PIECES.format(pieces)] if pieces else [str(ROOT / "migrate.py")]
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        env={**environment, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit status, and everything that it printed."""
    output = "".join(process.communicate(timeout=100))
    assert PASSWORD not in output
    assert MARK not in output
    return process.returncode, output


def test_a_moved_warehouse_is_the_same_to_its_last_row_and_goes_on(recorded, target, moving, brapped, play, songs):
    status, output = moving("--from", recorded, "--to", target)
    assert (status, "the same by count and hash" in output) == (0, True), output
    assert differences(everything(recorded), everything(target)) == {}
    again = moving("--from", recorded, "--to", target)
    assert again[0] == 0 and not re.findall(r"copied$", again[1], re.MULTILINE)
    assert re.search(r"^listening.fact_play +[\d,]+ rows +there already$", again[1], re.MULTILINE)
    checked = moving("--from", recorded, "--to", target, "--verify")
    assert {*re.findall(r"rows? +(\S.*)$", checked[1], re.MULTILINE)} == {"the same"}
    # the new one is a warehouse like the old one: the same login, no play twice, keys that go on
    track_id = next(iter(songs.tracks))
    play(Play(track_id, ago(0)))
    assert brapped("plays", DATABASE_URL=target).stdout.startswith("1 of 31 plays are new")
    assert asked(target, "select count(*), count(distinct play_key) from listening.fact_play") == [(91, 91)]
    [(newest,)] = asked(target, "select play_key from listening.fact_play order by played_at desc limit 1")
    assert newest > max(key for (key,) in asked(recorded, "select play_key from listening.fact_play"))


@pytest.mark.quick
def test_only_the_difference_moves(database, target):
    fill(database, 10_000)
    source, copy = Warehouse(database), Warehouse(target)
    moved = [moves.copy_warehouse(source, copy, now=NOW) for _ in range(2)]
    asked(database, "update listening.fact_play set ms_played = ms_played + 1 where play_key in (17, 9000)")
    asked(database, "delete from listening.fact_play where play_key = 5000")
    asked(database, "update listening.dim_artist set artist_name = 'Bob' where artist_key = 7")
    moved.append(moves.copy_warehouse(source, copy, now=NOW))
    assert [
        {
            one.table: one.copied_count
            for one in move.tables
            if one.copied_count and one.table.endswith(("play", "artist"))
        }
        for move in moved
    ] == [
        {"listening.dim_artist": 51, "listening.bridge_track_artist": 500, "listening.fact_play": 10_000},
        {},
        {"listening.dim_artist": 51, "listening.fact_play": moved[2].tables[-1].copied_count},
    ]
    assert moved[2].tables[-1].copied_count <= 3 * moves.SMALLEST
    assert differences(everything(database), everything(target)) == {}
    source.close()
    copy.close()


def test_a_name_that_passed_from_one_row_to_another_is_in_nobodys_way(database, target):
    """Two artists by name alone: rows that may not have the same name change theirs against each other."""
    asked(database, "insert into listening.dim_artist (artist_name) values ('Ann'), ('Bob')")
    source, copy = Warehouse(database), Warehouse(target)
    moves.copy_warehouse(source, copy, now=NOW)
    for name, key in (("x", 1), ("Ann", 2), ("Bob", 1)):
        asked(database, "update listening.dim_artist set artist_name = %s where artist_key = %s", name, key)
    moves.copy_warehouse(source, copy, now=NOW)
    assert differences(everything(database), everything(target)) == {}
    source.close()
    copy.close()


def test_a_copy_killed_at_ten_random_points_and_resumed_ends_identical(database, target, environment):
    fill(database, 30_000)
    chance = random.Random(5)
    for point in sorted(chance.randrange(15_000) for _ in range(10)):
        process = migrate("--from", database, "--to", target, environment=environment, pieces=500)
        while fact_count(target) < point:  # counted while it stands still: on a slow machine it would be done by then
            process.send_signal(signal.SIGCONT)
            time.sleep(0.01)
            process.send_signal(signal.SIGSTOP)
            assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert point <= fact_count(target) < 30_000
    status, output = ended(migrate("--from", database, "--to", target, environment=environment, pieces=500))
    assert status == 0, output
    assert differences(everything(database), everything(target)) == {}


def fact_count(url: str) -> int:
    if asked(url, "select to_regclass('listening.fact_play')") == [(None,)]:
        return 0
    [(count,)] = asked(url, "select count(*) from listening.fact_play")
    return int(count)


def test_no_job_works_on_an_unfinished_copy(database, target, environment, brapped):
    fill(database, 60_000)
    process = migrate("--from", database, "--to", target, environment=environment, pieces=500)
    while asked(target, "select to_regclass('ops.warehouse')") == [(None,)] or not asked(
        target, "select 1 from listening.fact_play limit 1"
    ):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    ran = brapped("plays", DATABASE_URL=target)
    assert ran.returncode == 1 and "A copy into this database is unfinished" in ran.stderr
    assert ended(migrate("--check", environment={**environment, "DATABASE_URL": target}))[0] == 1
    assert ended(migrate("--from", database, "--to", target, environment=environment))[0] == 0
    assert brapped("plays", DATABASE_URL=target).returncode == 0


def test_plays_recorded_at_the_source_meanwhile_come_over_with_the_second_run(
    recorded, target, environment, brapped, play, songs
):
    with psycopg2.connect(libpq(recorded)) as connection, connection.cursor() as cursor:  # so that a copy takes a while
        cursor.execute(
            "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, time_key)"
            " select timestamptz '2020-01-01Z' + number * interval '3 minutes', listener_key, 1, 20200101, 0, 0, 0, 0"
            " from generate_series(1, 30000) as numbers (number) cross join listening.dim_listener"
        )
    connection.close()
    is_over = threading.Event()
    tracks = list(songs.tracks)[30:80]
    played: list[str] = []

    def recording() -> None:
        for number, track_id in enumerate(tracks):
            play(Play(track_id, NOW - timedelta(seconds=55 - number)))
            ran = brapped("plays", DATABASE_URL=recorded)
            assert ran.returncode == 0, ran.stderr
            played.append(track_id)
            if is_over.is_set():
                return

    recorder = threading.Thread(target=recording)
    recorder.start()
    try:
        status, output = ended(migrate("--from", recorded, "--to", target, environment=environment, pieces=1_000))
        assert status == 0, output
        [(first_count,)] = asked(target, "select count(*) from listening.fact_play")
    finally:
        is_over.set()
        recorder.join()
    assert len(played) >= 3 and first_count < 30_090 + len(played)  # it went on recording
    status, output = ended(migrate("--from", recorded, "--to", target, environment=environment))
    assert status == 0, output
    assert differences(everything(recorded), everything(target)) == {}
    assert asked(target, "select count(*), count(distinct played_at) from listening.fact_play") == [
        (30_090 + len(played),) * 2
    ]


@pytest.mark.parametrize(
    ("flip", "says"),
    [
        ("update listening.fact_play set ms_played = ms_played + 1 where play_key = 23", "listening.fact_play differs at listener_key 1, played_at"),
        ("update listening.dim_track set track_name = replace(track_name, '8', '9') where track_key = 88", "listening.dim_track differs at track_key 88."),
        ("delete from listening.bridge_track_artist where track_key = 17", "listening.bridge_track_artist differs at track_key 17, artist_key"),
        ("update listening.dim_artist set genres[2] = 'one, with tab' where artist_key = 3", "listening.dim_artist differs at artist_key 3."),
        ("insert into ops.watermark values (1, 'player', null, now())", "ops.watermark differs"),
    ],
)  # fmt: skip
def test_a_flipped_byte_is_found_and_mended(flip, says, database, target, moving):
    fill(database, 2_000)
    assert moving("--from", database, "--to", target)[0] == 0
    status, output = moving("--from", database, "--to", target, "--verify")
    assert (status, "Verified" in output) == (0, True)
    asked(target, flip)
    status, output = moving("--from", database, "--to", target, "--verify")
    assert status == 1 and says in output and "the two differ" in output
    assert moving("--from", database, "--to", target)[0] == 0
    assert differences(everything(database), everything(target)) == {}


def test_what_a_move_would_do_is_said_and_not_done(database, target, moving):
    fill(database, 2_000)
    status, output = moving("--from", database, "--to", target, "--dry-run")
    assert status == 0 and "listening.fact_play" in output and "2,000 to copy" in output
    assert asked(target, "select count(*) from pg_namespace where nspname in ('listening', 'ops')") == [(0,)]
    assert moving("--from", database, "--to", target)[0] == 0
    asked(database, "update listening.fact_play set ms_played = 1 where play_key = 23")
    before = everything(target)
    status, output = moving("--from", database, "--to", target, "--dry-run")
    assert status == 0 and "rows would be copied" in output and " 0 rows would" not in output
    assert everything(target) == before


def test_another_warehouse_is_not_overwritten(recorded, cluster, template, moving, target):
    for other in fresh_database(cluster, "template0"):
        fresh = Warehouse(other)
        fresh.migrate(NOW, __version__)
        fresh.close()
        asked(
            other, "insert into listening.dim_listener (listener_id, time_zone, created_at) values ('x', 'UTC', now())"
        )
        before = everything(other)
        for extra in ((), ("--dry-run",)):
            status, output = moving("--from", recorded, "--to", other, *extra)
            assert status == 1 and "holds another warehouse" in output
        assert everything(other) == before


def test_a_copy_that_has_recorded_for_itself_is_not_overwritten(recorded, target, moving, brapped, play, songs):
    assert moving("--from", recorded, "--to", target)[0] == 0
    play(Play(next(iter(songs.tracks)), ago(0)))
    assert brapped("plays", DATABASE_URL=target).returncode == 0
    before = everything(target)
    status, output = moving("--from", recorded, "--to", target)
    assert status == 1 and "has recorded for itself since it was copied (1 run" in output
    assert everything(target) == before


def test_a_database_is_not_moved_into_itself(recorded, moving):
    before = everything(recorded)
    status, output = moving("--from", recorded, "--to", libpq(recorded) + "&application_name=x")
    assert (status, output) == (1, "migrate: The databases at --from and --to are the same one.\n")
    assert everything(recorded) == before


def test_what_cannot_be_moved_is_said_by_its_name(database, target, moving, empty_database):
    status, output = moving("--from", empty_database, "--to", target)
    assert status == 1 and "There is no warehouse in the database at --from." in output
    status, output = moving("--from", with_database(database, "nowhere"))
    assert status == 1 and "the database that --from names does not exist" in output.replace("or endpoint ", "")
    asked(database, "insert into ops.schema_change values ('schema/999_from_the_future', 'x', now(), '9')")
    status, output = moving("--from", database, "--to", target)
    assert status == 1 and f"and this program is {__version__}) that knows schema/999_from_the_future" in output
    assert asked(target, "select count(*) from pg_namespace where nspname in ('listening', 'ops')") == [(0,)]
    status, output = moving("--from", f"mysql://x:{PASSWORD}@host/y")
    assert status == 1 and "--from has to be the address of a Postgres" in output
    assert moving("--verify")[0] == 1
    for wrong in (("--form", f"postgresql://x:{PASSWORD}@host/y"), (f"postgresql://x:{PASSWORD}@host/y",)):
        status, output = moving(*wrong)  # which sees to it that no password is printed
        assert status == 2 and "too many" in output
    assert moving("--from", database, "--backup", "x")[0] == 2


def test_an_address_can_come_through_a_pipe(recorded, target, environment):
    process = migrate("--from", "-", "--to", target, environment=environment, stdin=subprocess.PIPE)
    _, errors = process.communicate(input=f"{recorded}\n", timeout=100)
    assert process.returncode == 0, errors
    assert differences(everything(recorded), everything(target)) == {}


def test_a_move_needs_no_superuser(cluster, recorded, moving):
    """On both sides an ordinary role that owns its database, as a host gives it."""
    name = f"mover_{random.getrandbits(40):x}"
    in_cluster(cluster, f"create role {name} login password '{PASSWORD}'")
    try:
        for other in fresh_database(cluster, "template0"):
            database = other.rpartition("/")[2].partition("?")[0]
            in_cluster(cluster, f"alter database {database} owner to {name}")
            own = libpq(other).replace("postgresql://brapped@", f"postgresql://{name}:{PASSWORD}@")
            status, output = moving("--from", recorded, "--to", own)
            assert status == 0, output
            for third in fresh_database(cluster, "template0"):
                in_cluster(cluster, f"alter database {third.rpartition('/')[2].partition('?')[0]} owner to {name}")
                further = libpq(third).replace("postgresql://brapped@", f"postgresql://{name}:{PASSWORD}@")
                status, output = moving("--from", own, "--to", further)
                assert status == 0, output
                assert differences(everything(recorded), everything(superuser(third))) == {}
    finally:
        in_cluster(cluster, f"drop role if exists {name}")


def test_a_role_that_reads_there_is_named(recorded, target, moving, cluster):
    name = f"reader_{random.getrandbits(40):x}"
    in_cluster(cluster, f"create role {name}")
    asked(recorded, f"grant usage on schema listening to {name}")
    try:
        status, output = moving("--from", recorded, "--to", target)
        assert status == 0 and f"(docs/bi.md):\n    {name}\n" in output
    finally:
        asked(superuser(recorded), f"drop owned by {name}")
        in_cluster(cluster, f"drop role {name}")


# A worker of the server, such as one that vacuums, is no connection of anybody's, and nobody but a superuser may end it.
CUT = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
"""


def test_a_lost_connection_is_taken_up_again(database, target, monkeypatch):
    """Whichever it is, and whatever it was doing: as if a host had gone to sleep, or a cable had been pulled."""
    fill(database, 20_000)
    monkeypatch.setattr(moves, "LARGEST", 1_000)
    # Six tries outlast five cuts without the long pauses, which are for a host that takes its time to wake up.
    for module in ("etl.warehouse.connection", "etl.transfer.endpoints"):
        monkeypatch.setattr(f"{module}.backoff_s", lambda failures: 0.01)
    source, copy = Warehouse(database), Warehouse(target)
    chance = random.Random(7)
    ours = threading.Lock()  # nobody cuts the connections of the test itself
    cut: list[str] = []

    def cutting() -> None:
        while len(cut) < 5:
            time.sleep(chance.uniform(0.05, 0.2))
            url = (database, target)[len(cut) % 2]
            with ours:
                if asked(url, CUT):
                    cut.append(url)

    with ThreadPoolExecutor(1) as pool:
        cutter = pool.submit(cutting)
        while not cutter.done():
            moved = moves.copy_warehouse(source, copy, now=NOW)
            with ours:
                asked(
                    target,
                    "update ops.warehouse set copy_started_at = now(); delete from listening.fact_play where play_key > 3000",
                )
        cutter.result()
    moved = moves.copy_warehouse(source, copy, now=NOW)
    assert moved.differences == [] and {*cut} == {database, target}
    assert differences(everything(database), everything(target)) == {}
    source.close()
    copy.close()


@pytest.fixture(scope="module")
def older_postgres() -> Iterator[str]:
    """The address of an older Postgres: the oldest here that is not too old, as of Debian 12."""
    home = Path(os.environ.get("BRAPPED_POSTGRES", "/usr/lib/postgresql"))
    found = [path for number in (15, 16, 17) if (path := home / f"{number}/bin/initdb").exists()]
    if not found:
        if "postgresql" in os.environ.get("BRAPPED_REQUIRE", "").split():
            pytest.fail("BRAPPED_REQUIRE says that an older Postgres is here, but it is not")
        pytest.skip("there is no older Postgres here (Debian: apt install postgresql)")
    programs = found[0].parent
    folder = Path(tempfile.mkdtemp(prefix="brapped-older-"))
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def run(name: str, *arguments: str) -> None:
        subprocess.run([programs / name, *arguments], cwd=folder, check=True, capture_output=True, **identity)

    run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "--locale=C.UTF-8", "--pgdata=data")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -p 5433"
    run("pg_ctl", "--pgdata=data", "--wait", "--log=log", f"--options={options}", "start")
    try:
        yield f"postgresql://postgres@/postgres?host={quote(str(folder), safe='')}&port=5433"
    finally:
        run("pg_ctl", "--pgdata=data", "--wait", "--mode=immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def test_from_an_older_postgres_and_back(older_postgres, recorded, target, moving, play, songs, brapped):
    older = with_database(older_postgres, f"moved_{random.getrandbits(40):x}")
    in_cluster(older_postgres, f"create database {older.rpartition('/')[2].partition('?')[0]}")
    numbers = [int(asked(url, "show server_version_num")[0][0]) for url in (older, target)]
    assert 150_000 <= numbers[0] < 180_000 <= numbers[1]
    assert moving("--from", recorded, "--to", older)[0] == 0
    assert differences(rows_of(recorded), rows_of(older)) == {}
    play(Play(next(iter(songs.tracks)), ago(0)))
    assert brapped("plays", DATABASE_URL=older).stdout.startswith("1 of 31 plays are new")
    status, output = moving("--from", older, "--to", target)
    assert status == 0, output
    assert differences(rows_of(older), rows_of(target)) == {}
    assert asked(target, "select count(*) from listening.fact_play") == [(91,)]
    assert everything(recorded).keys() == everything(target).keys()


def test_an_error_names_the_option_that_the_address_is_from(monkeypatch):
    pauses = []
    monkeypatch.setattr("etl.warehouse.connection.time.sleep", pauses.append)
    gone = Warehouse("postgresql://nobody@127.0.0.1:9/x?connect_timeout=1", name="--to")
    with pytest.raises(WarehouseError) as raised:
        gone.pending()
    gone.close()
    assert str(raised.value) == "Nothing listens at the host and port in --to: the connection is refused (6 tries)."
    for pause, full in zip(pauses, (0.5, 1, 2, 4, 8), strict=True):
        assert 0.75 * full <= pause <= 1.25 * full


def test_a_host_that_stays_away_ends_in_a_sentence(database, target, monkeypatch):
    monkeypatch.setattr("etl.transfer.endpoints.time.sleep", lambda seconds: None)
    source = Warehouse(database)
    gone = Warehouse(f"postgresql://nobody:{PASSWORD}@127.0.0.1:9/x?connect_timeout=1")
    with pytest.raises(WarehouseError, match="the connection is refused") as raised:
        moves.copy_warehouse(source, gone, now=NOW)
    assert PASSWORD not in str(raised.value)
    source.close()
