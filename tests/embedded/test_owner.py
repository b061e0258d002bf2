"""The embedded database belongs to a role that is no superuser, also one that an older version made."""

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from support import NOW, asked, superuser

from etl import __version__
from etl.embedded import cluster
from etl.embedded.binaries import EmbeddedError
from etl.embedded.postgres import embedded_postgres
from etl.warehouse.connection import Warehouse

forgetful_postgres = partial(embedded_postgres, durable=False)

OWNERS = """
select distinct pg_get_userbyid(owner) from (
    select datdba from pg_database where datname = 'brapped'
    union all select nspowner from pg_namespace where nspname in ('listening', 'ops', 'notes')
    union all select relowner from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where nspname in ('listening', 'ops', 'notes')
    union all select proowner from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
        where nspname in ('listening', 'ops')
) as owners (owner)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Postgres's account may enter it, unlike pytest's own folders."""
    home = Path(tempfile.mkdtemp(prefix="test-brapped-"))
    home.chmod(0o711)
    yield home / "postgres"
    shutil.rmtree(home)


def as_before(made: cluster.Cluster) -> None:
    """What an older version did: everything belongs to the superuser."""
    if not made._ask("select 1 from pg_database where datname = 'brapped'"):
        made._ask("create database brapped")


@pytest.fixture
def old(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse that an older version made, with a reader, and a table of the person's own."""
    with monkeypatch.context() as patch:
        patch.setattr(cluster.Cluster, "_ensure_database", as_before)
        with forgetful_postgres(folder) as url:
            warehouse = Warehouse(superuser(url))
            warehouse.migrate(NOW, __version__)
            warehouse.close()
            asked(
                superuser(url),
                "create role brapped_reader login; grant usage on schema listening to brapped_reader;"
                " grant select on all tables in schema listening to brapped_reader;"
                " alter default privileges in schema listening grant select on tables to brapped_reader;"
                " create schema notes; create table notes.mine (number serial); insert into notes.mine default values",
            )
            assert asked(superuser(url), OWNERS) == [("postgres",)]
    return folder


def test_a_new_database_belongs_to_a_role_that_is_no_superuser(folder):
    with forgetful_postgres(folder) as url:
        assert asked(url, "select current_user, rolsuper from pg_roles where rolname = current_user") == [
            ("brapped", False)
        ]
        warehouse = Warehouse(url)
        warehouse.migrate(NOW, __version__)
        warehouse.close()
        assert asked(url, OWNERS) == [("brapped",)]


def test_one_of_an_older_version_is_handed_over_with_all_rights(old):
    with forgetful_postgres(old) as url:
        assert asked(url, OWNERS) == [("brapped",)]
        assert asked(url, "select number from notes.mine") == [(1,)]
        warehouse = Warehouse(url)
        asked(url, "delete from ops.schema_change where file_name like 'views/%'")
        warehouse.migrate(NOW, __version__)  # which makes all views anew
        warehouse.close()
        asked(url, "create view listening.made_later as select 1 as one")
        reader = url.replace("//brapped@", "//brapped_reader@")
        for name in ("fact_play", "play_detail", "made_later"):
            assert len(asked(reader, f"select count(*) from listening.{name}")) == 1
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            asked(reader, "select 1 from ops.login")
    with forgetful_postgres(old) as url:  # and that is that
        assert asked(url, OWNERS) == [("brapped",)]


def test_a_handover_that_breaks_off_is_done_by_the_next(old, monkeypatch):
    whole = cluster.script("handover")
    with monkeypatch.context() as patch:
        patch.setattr(
            cluster, "script", lambda name: whole.replace("alter database", "raise exception 'x'; alter database")
        )
        with pytest.raises(EmbeddedError), forgetful_postgres(old):
            pass
    with forgetful_postgres(old) as url:
        assert asked(url, OWNERS) == [("brapped",)]


def test_what_an_older_version_makes_afterwards_is_handed_over_too(old):
    with forgetful_postgres(old) as url:
        asked(superuser(url), "create table ops.made_by_an_older_version (number integer)")
        with forgetful_postgres(old) as again:
            assert asked(again, OWNERS) == [("brapped",)]


def test_over_tcp_its_password_is_the_one_in_the_folder_and_no_statement_holds_it(old):
    with forgetful_postgres(old, tcp=True) as url:
        password = (old / "password").read_text()
        assert password in url and asked(url, "select current_user") == [("brapped",)]
        assert asked(url, OWNERS) == [("brapped",)]
        with pytest.raises(psycopg2.OperationalError):
            asked(url.replace(password, "wrong"), "select 1")
        verifier = "select rolpassword like 'SCRAM-SHA-256$%%' from pg_authid where rolname = %s"
        assert asked(superuser(url), verifier, "brapped") == [(True,)]
