"""A stand-in for a hosted database: PgBouncer in transaction mode that speaks TLS only, before a Postgres that restarts.

The Postgres is the embedded one, which has no TLS of its own; what a client of a hosted database sees is PgBouncer.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2
import pytest
import trustme
from support import ROOT, ago, asked, in_cluster, libpq, with_database
from support.cli_process import Program

from etl.embedded.postgres import embedded_postgres
from etl.simulator.routes import Play

PLAYS = "select played_at, track_id from listening.fact_play join listening.dim_track using (track_key) order by 1, 2"
PASSWORD = "of-the-hosted-database"


@dataclass
class Host:
    """A database as a provider hosts it: `direct` for a look past the proxy, `pooled` as its customers reach it."""

    folder: Path
    direct: str
    pooled: str

    def restart(self) -> None:
        """Stops the server at once, whoever is connected, and starts it again."""
        pid = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGINT)
        while (self.folder / "data" / "postmaster.pid").exists():
            time.sleep(0.01)
        with embedded_postgres(self.folder, durable=False):
            pass  # a second user: it starts the server, and the first keeps it running


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Path, str]]:
    """One Postgres for all tests, which restart it: its folder, and the URL of its database."""
    folder = Path(tempfile.mkdtemp(prefix="brapped-host-"))
    folder.chmod(0o711)
    try:
        with embedded_postgres(folder / "cluster", durable=False) as direct:
            yield folder, direct
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def host(server: tuple[Path, str]) -> Iterator[Host]:
    """With an empty database, and a PgBouncer of its own before it."""
    pgbouncer = shutil.which("pgbouncer", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
    if pgbouncer is None:
        if "pgbouncer" in os.environ.get("BRAPPED_REQUIRE", "").split():
            pytest.fail("BRAPPED_REQUIRE says that PgBouncer is here, but it is not")
        pytest.skip("PgBouncer is not here (Debian: apt install pgbouncer)")
    folder, direct = server
    in_postgres = with_database(direct, "postgres")
    in_cluster(in_postgres, "drop database brapped with (force)")
    in_cluster(in_postgres, "create database brapped template template0 owner brapped")
    with bouncing(pgbouncer, folder, direct) as pooled:
        yield Host(folder / "cluster", direct, pooled)
    shutil.rmtree(folder / "pgbouncer")


@contextmanager
def bouncing(pgbouncer: str, folder: Path, direct: str) -> Iterator[str]:
    """PgBouncer before a database, as the user whom the Postgres runs as: neither is ever root."""
    place = folder / "pgbouncer"
    place.mkdir()
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    certificate = trustme.CA().issue_cert("127.0.0.1", "localhost")
    certificate.private_key_pem.write_to_path(place / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(place / "cert.pem")
    (place / "users.txt").write_text(f'"listener" "{PASSWORD}"\n')
    query = parse_qs(urlsplit(direct).query)
    (place / "pgbouncer.ini").write_text(
        f"""[databases]
brapped = host={query["host"][0]} port={query["port"][0]} user=brapped dbname=brapped
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {place}/users.txt
pool_mode = transaction
default_pool_size = 3
client_tls_sslmode = require
client_tls_key_file = {place}/key.pem
client_tls_cert_file = {place}/cert.pem
server_login_retry = 1
logfile = {place}/log
pidfile = {place}/pid
"""
    )
    owner = (folder / "cluster" / "data").stat()
    for path in (place, *place.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    identity: dict[str, Any] = (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    process = subprocess.Popen([pgbouncer, "-q", str(place / "pgbouncer.ini")], **identity)
    url = f"postgresql://listener:{PASSWORD}@127.0.0.1:{port}/brapped?sslmode=require"
    try:
        wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str) -> None:
    for _ in range(300):
        try:
            psycopg2.connect(url).close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("PgBouncer does not answer")


@pytest.fixture(params=["direct", "pooled"])
def way(request, host) -> str:
    return getattr(host, request.param)


@pytest.fixture
def heard(play, songs):
    plays = [Play(track_id, ago(4 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:25])]
    play(*plays)
    return sorted((one.played_at, one.track_id) for one in plays)


def done(process: Program) -> str:
    out, errors = process.communicate(timeout=100)
    assert process.returncode == 0, errors
    assert PASSWORD not in out + errors
    return out


def test_the_stand_in_speaks_tls_only_and_pools_by_transaction(host):
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(host.pooled.replace("sslmode=require", "sslmode=disable"))
    with closing(psycopg2.connect(host.pooled)) as connection:
        assert connection.info.ssl_in_use


def test_both_jobs_do_the_same_through_the_proxy_as_directly(host, start, heard, spotify):
    assert done(start("plays", DATABASE_URL=host.pooled)).startswith("25 of 25 plays are new")
    assert done(start("plays", DATABASE_URL=host.pooled)).startswith("0 of 25 plays are new")
    assert asked(host.direct, PLAYS) == heard
    assert ", 0 missing;" in done(start("dimensions", DATABASE_URL=host.pooled))
    assert asked(host.direct, "select count(*) from listening.dim_artist where fetched_at is null") == [(0,)]
    # nothing was left behind in a server connection that the next customer would find
    assert asked(host.direct, "select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]
    assert asked(host.direct, "select count(*) from pg_class where relpersistence = 't'") == [(0,)]


def test_plays_through_the_proxy_in_parallel_stay_apart(host, start, heard):
    processes = [start("plays", DATABASE_URL=host.pooled) for _ in range(4)]
    for process in processes:
        done(process)
    assert asked(host.direct, PLAYS) == heard


def test_a_restart_between_statements_is_survived(way, host, start, heard, spotify):
    with spotify.holding("/v1/me/player/recently-played") as held:
        process = start("plays", DATABASE_URL=way)
        assert held.arrived.wait(60)
        host.restart()
    assert done(process).startswith("25 of 25 plays are new")
    assert asked(host.direct, PLAYS) == heard


@pytest.mark.parametrize("table", ["listening.dim_track", "listening.fact_play", "ops.watermark"])
def test_a_restart_within_a_statement_is_survived(table, way, host, start, heard, brapped):
    done(start("dimensions", DATABASE_URL=way))  # so that the tables are there
    with closing(psycopg2.connect(libpq(host.direct))) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"lock table {table} in access exclusive mode")
        process = start("plays", DATABASE_URL=way)
        while not asked(host.direct, "select 1 from pg_locks where not granted and relation = %s::regclass", table):
            time.sleep(0.05)
            assert process.poll() is None
        host.restart()
    assert done(process).startswith("25 of 25 plays are new")
    assert asked(host.direct, PLAYS) == heard
    assert asked(host.direct, "select count(*) from ops.run where job = 'plays'") == [(1,)]


def test_dimensions_survive_a_restart(way, host, start, heard, spotify):
    done(start("plays", DATABASE_URL=way))
    with spotify.holding("/v1/artists/*") as held:
        process = start("dimensions", DATABASE_URL=way)
        assert held.arrived.wait(60)
        host.restart()
    assert ", 0 missing;" in done(process)


def test_a_server_that_wakes_up_slowly_is_waited_for(way, host, start, heard):
    """Down when the job starts, up four seconds later."""
    pid = int((host.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGINT)
    while (host.folder / "data" / "postmaster.pid").exists():
        time.sleep(0.01)
    process = start("plays", DATABASE_URL=way)

    def wake() -> None:
        with embedded_postgres(host.folder, durable=False):
            process.wait(90)

    timer = threading.Timer(4, wake)
    timer.start()
    out = done(process)
    timer.join()
    assert out.startswith("25 of 25 plays are new")
    assert asked(host.direct, PLAYS) == heard


def test_a_warehouse_moves_away_from_behind_the_proxy_while_its_host_restarts(
    host, start, heard, empty_database, tmp_path
):
    """With TLS, through a pooler, and the host going away in the middle: the copy is whole all the same."""
    done(start("plays", DATABASE_URL=host.pooled))
    with closing(psycopg2.connect(libpq(host.direct))) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, time_key)"
            " select timestamptz '2020-01-01Z' + number * interval '3 minutes', 1, 1, 20200101, 0, 0, 0, 0 from generate_series(1, 20000) as numbers (number)"
        )
    program = "import sys; from etl.transfer import copy; copy.LARGEST = 200; import migrate; sys.exit(migrate.main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "--from", host.pooled, "--to", empty_database],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not asked(empty_database, "select to_regclass('listening.fact_play') is not null")[0][0] or not asked(
        empty_database, "select 1 from listening.fact_play limit 1"
    ):
        assert process.poll() is None
    host.restart()
    out, errors = process.communicate(timeout=100)
    assert process.returncode == 0 and "the same by count and hash" in out, errors
    assert "A database does not answer (try 1 of" in errors and PASSWORD not in out + errors
    every = "select * from listening.fact_play order by play_key"
    assert asked(empty_database, every) == asked(host.direct, every)
