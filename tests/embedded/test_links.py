"""Root in the folder of another user: no link that lies there is followed."""

import os
import pwd
from pathlib import Path

import pytest
from support.users import only_root

from etl.embedded.cluster import Cluster
from etl.embedded.postgres import EmbeddedError, embedded_postgres


@pytest.fixture
def folder_of_nobody(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    folder = tmp_path / "of-nobody"
    folder.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return folder


@only_root
@pytest.mark.parametrize("name", ["data", "users", "socket", "password", "postgres.log", "start.lock"])
def test_root_follows_no_link_in_the_folder_of_another_user(name, folder_of_nobody, victim):
    aim = victim if name in ("data", "users", "socket") else victim / "kept"
    (folder_of_nobody / name).symlink_to(aim)
    with (
        pytest.raises(EmbeddedError, match="is a link, and root does not follow links"),
        embedded_postgres(folder_of_nobody),
    ):
        pass
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("kept", "kept")]
    assert (victim / "kept").stat().st_uid == 0


@only_root
def test_settings_are_not_written_through_a_link(folder_of_nobody, victim, monkeypatch):
    (folder_of_nobody / "draft-settings").symlink_to(victim / "kept")
    (folder_of_nobody / "data").mkdir()
    Cluster(folder_of_nobody, durable=False, tcp=True)._configure()
    assert (victim / "kept").read_text() == "kept"
    assert "port" in (folder_of_nobody / "data" / "postgresql.auto.conf").read_text()


@only_root
@pytest.mark.parametrize("named", ["/tmp/brapped-x/../{}", "{}"])
def test_no_folder_that_a_pid_file_names_is_removed(named, folder_of_nobody, victim):
    cluster = Cluster(folder_of_nobody, durable=False, tcp=False)
    cluster._drop_fallback_sockets({"host": named.format(victim), "port": "5432"})
    assert (victim / "kept").read_text() == "kept"


@only_root
def test_a_socket_folder_of_somebody_else_is_not_removed(folder_of_nobody):
    theirs = Path("/tmp/brapped-ofsomebodyelse")
    theirs.mkdir(exist_ok=True)
    try:
        Cluster(folder_of_nobody, durable=False, tcp=False)._drop_fallback_sockets(
            {"host": str(theirs), "port": "5432"}
        )
        assert theirs.exists()
        owner = folder_of_nobody.stat()
        os.chown(theirs, owner.st_uid, owner.st_gid)
        Cluster(folder_of_nobody, durable=False, tcp=False)._drop_fallback_sockets(
            {"host": str(theirs), "port": "5432"}
        )
        assert not theirs.exists()
    finally:
        if theirs.exists():
            theirs.rmdir()
