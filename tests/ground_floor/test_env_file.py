"""Settings from a `.env`: which one is read, what is said of it, and that no database of one's own comes of a mistake."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values
from support import ROOT
from support.export_files import write_folder
from support.users import as_nobody, only_root

from etl import env_file
from etl.settings import SettingsError, read_settings

ROW = {
    "ts": "2026-11-19T10:00:00Z",
    "ms_played": 60_000,
    "spotify_track_uri": f"spotify:track:{1:022}",
    "master_metadata_track_name": "A song",
    "master_metadata_album_artist_name": "Ann",
}
Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the program, in which a `.env` may lie."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("etl", "sql", "pyproject.toml", "migrate.py"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder that the account which runs Postgres may enter."""
    with tempfile.TemporaryDirectory(prefix="brapped-home-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def run(environment: dict[str, str], clone: Path, home: Path) -> Callable[..., Ran]:
    """Runs the program of the clone in a folder, without any setting in the environment."""

    def ran(folder: Path, *arguments: str, **changes: str) -> Ran:
        folder.mkdir(exist_ok=True)
        kept = {"PATH": environment["PATH"], "HOME": str(home), "PYTHONPATH": str(clone), "XDG_DATA_HOME": str(home)}
        return subprocess.run(
            [sys.executable, "-m", "etl", *arguments],
            env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **changes},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return ran


@pytest.fixture
def written(environment: dict[str, str]) -> Callable[..., Path]:
    """Writes a `.env` with the settings of the listener, with changes; an empty one is left out."""
    own = {name: value for name, value in environment.items() if name.startswith(("SPOTIFY_", "DATABASE_"))}

    def write(folder: Path, start: bytes = b"", **changes: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{name}={value}\n" for name, value in {**own, **changes}.items() if value)
        (folder / ".env").write_bytes(start + lines.encode())
        return folder / ".env"

    return write


GOOD = "0 of 0 plays are new; nothing recorded yet\n"


def test_in_the_current_folder_it_is_read_and_nothing_is_said(run, written, tmp_path):
    written(tmp_path / "here")
    ran = run(tmp_path / "here", "plays")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, GOOD, "")


def test_in_another_folder_that_of_the_program_is_read_and_said(run, written, clone, home, tmp_path, database):
    file = written(clone)
    ran = run(tmp_path / "elsewhere", "plays")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, GOOD, f"DATABASE_URL is set in {file}\n")
    assert database not in ran.stderr and not (home / "brapped").exists()


def test_that_of_the_configuration_folder_comes_last_and_is_read_and_said(run, written, home, clone, tmp_path):
    file = written(home / "config" / "brapped")
    config = {"XDG_CONFIG_HOME": str(home / "config")}
    ran = run(tmp_path / "elsewhere", "plays", **config)
    assert (ran.returncode, ran.stderr) == (0, f"DATABASE_URL is set in {file}\n")
    nearer = written(clone)
    assert run(tmp_path / "elsewhere", "plays", **config).stderr == f"DATABASE_URL is set in {nearer}\n"


def test_two_files_are_not_mixed_the_first_is_read(run, written, clone, tmp_path):
    written(clone, SPOTIFY_CLIENT_ID="the-id-of-the-clone")
    mine = written(tmp_path / "here", SPOTIFY_CLIENT_ID="")
    ran = run(tmp_path / "here", "plays")
    assert ran.returncode == 1 and ran.stderr.startswith(
        f"brapped: Not set: SPOTIFY_CLIENT_ID. Set it in the environment, in {mine}"
    )


def test_the_environment_counts_more_than_any_file_and_needs_no_word(run, written, clone, tmp_path, database):
    written(clone, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    ran = run(tmp_path / "elsewhere", "plays", DATABASE_URL=database)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, GOOD, "")


def test_without_a_home_folder_no_folder_of_that_name_is_looked_into(monkeypatch, tmp_path):
    """platformdirs used to return `~/.config/brapped`, and now raises; pyproject.toml allows both."""
    monkeypatch.setattr("etl.env_file.platformdirs.user_config_path", lambda *_, **__: Path("~/.config/brapped"))
    assert env_file.configuration_folder() is None
    monkeypatch.setattr("etl.env_file.platformdirs.user_config_path", raising)
    assert env_file.configuration_folder() is None


def raising(*_: object, **__: object) -> Path:
    raise RuntimeError


def test_a_folder_that_is_gone_is_no_reason_to_stop(run, written, clone, tmp_path):
    written(clone)
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"rmdir {gone} && exec {sys.executable} -m etl --version"
    ran = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"PYTHONPATH": str(clone)},
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    monkey = f"rmdir {gone}; exec {sys.executable} -c 'from etl.settings import read_settings; print(read_settings().database_url)'"
    gone.mkdir()
    ran = subprocess.run(
        ["/bin/sh", "-c", monkey], env={"PYTHONPATH": str(clone)}, cwd=gone, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "**********\n"), ran.stderr


# Installed from a folder.


def test_an_installed_program_knows_the_folder_it_was_installed_from(monkeypatch, tmp_path):
    """pip and uv write that down (PEP 610), as they have for the program that runs this test."""
    monkeypatch.setattr(env_file, "__file__", str(tmp_path / "site-packages" / "etl" / "env_file.py"))
    found = env_file.source_folder()
    assert found is not None and (found / "pyproject.toml").is_file()


@pytest.mark.parametrize("content", [None, "", "{}", "nonsense", '{"url": "https://example.com/brapped.whl"}'])
def test_one_from_elsewhere_has_no_such_folder(content, monkeypatch, tmp_path):
    class Installed:
        def read_text(self, name: str) -> str | None:
            return content

    monkeypatch.setattr(env_file, "__file__", str(tmp_path / "etl" / "env_file.py"))
    monkeypatch.setattr(env_file, "distribution", lambda name: Installed())
    assert env_file.source_folder() is None


# A database of one's own, by mistake.


@pytest.mark.parametrize("command", ["import", "plays", "status"])
def test_no_new_database_is_made_where_another_file_names_one(command, run, written, clone, home, tmp_path, ask):
    """Whoever has a .env without DATABASE_URL here, and the right one in the clone, would have two records."""
    here, there = written(tmp_path / "here", DATABASE_URL=""), written(clone)
    exports = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": [ROW]})
    ran = run(tmp_path / "here", command, *([str(exports)] if command == "import" else []))
    assert ran.returncode == 1
    assert ran.stderr.startswith(
        f"brapped: DATABASE_URL is not set: {here}, which was found first, does not set it, but {there} does."
    )
    assert not (home / "brapped").exists()
    assert ask("select count(*) from listening.fact_play") == [(0,)]


def test_one_that_is_asked_for_or_was_used_before_is_used_and_the_other_file_is_named(
    run, written, clone, home, tmp_path
):
    here, there = written(tmp_path / "here", DATABASE_URL="", BRAPPED_HOME=str(home / "own")), written(clone)
    exports = str(write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": [ROW]}))
    ran = run(tmp_path / "here", "import", exports)
    notice = f"DATABASE_URL is not set: recording in {home}/own/postgres; {there} is not read, because {here} was found first\n"
    assert ran.returncode == 0 and ran.stderr == notice
    written(tmp_path / "here", DATABASE_URL="")
    (home / "own").rename(home / "brapped")
    default = {"XDG_DATA_HOME": str(home)}
    ran = run(tmp_path / "here", "import", exports, "--dry-run", **default)
    if os.geteuid() != 0 or "XDG_DATA_HOME" in default:
        assert ran.returncode == 0 and "/brapped/postgres; " in ran.stderr, ran.stderr


def test_a_first_record_on_a_computer_without_any_setting_may_be_made(run, home, tmp_path):
    exports = str(write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": [ROW]}))
    ran = run(tmp_path / "here", "import", exports)
    assert (ran.returncode, ran.stderr) == (0, f"DATABASE_URL is not set: recording in {home}/brapped/postgres\n")


# How it is written.


def test_a_byte_order_mark_costs_no_setting(run, written, home, tmp_path):
    written(tmp_path / "here", start=b"\xef\xbb\xbf")
    ran = run(tmp_path / "here", "plays")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, GOOD, "")
    assert not (home / "brapped").exists()


def test_a_byte_order_mark_costs_no_setting_whatever_dotenv_makes_of_it(monkeypatch, tmp_path):
    """python-dotenv 1.2.2 kept the mark as a part of the first name; what it is given has none."""
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfTIME_ZONE=Europe/Berlin\n")
    monkeypatch.chdir(tmp_path)
    given = []

    def seen(stream):
        given.append(stream.getvalue())
        return dotenv_values(stream=stream)

    monkeypatch.setattr("etl.env_file.dotenv_values", seen)
    assert read_settings().time_zone == "Europe/Berlin"
    assert set(given) == {"TIME_ZONE=Europe/Berlin\n"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32-le"])
def test_another_encoding_is_said_with_the_file(encoding, monkeypatch, tmp_path):
    (tmp_path / ".env").write_bytes("DATABASE_URL=postgresql://me:hush@h/d\n".encode(encoding))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"\.env is not UTF-8 .*save it again as UTF-8") as refused:
        read_settings()
    assert "hush" not in str(refused.value) and str(tmp_path) in str(refused.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_one_that_may_not_be_read_is_said(monkeypatch, tmp_path):
    (tmp_path / ".env").touch(mode=0)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"\.env can't be read: Permission denied"):
        read_settings()


# No home folder.


@only_root
@pytest.mark.parametrize("arguments", [("plays",), ("status",), ("demo",)])
def test_without_a_home_folder_a_sentence_says_what_to_set(arguments, environment, tmp_path):
    """A user whom /etc/passwd does not know, as in a container, without HOME."""
    who = as_nobody()
    app = {name: value for name, value in environment.items() if name.startswith("SPOTIFY_")}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        ran = subprocess.run(
            [who["python"], "-m", "etl", *arguments],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": who["env"]["PYTHONPATH"], **app},
            cwd=folder,
            user=54321,
            group=54321,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        assert list(Path(folder).iterdir()) == []
    assert (ran.returncode, ran.stdout) == (1, "")
    [line] = ran.stderr.splitlines()
    assert line.startswith("brapped: There is no home folder for ~/brapped: HOME is not set") and "BRAPPED_HOME" in line


@only_root
@pytest.mark.parametrize(
    "work",
    [
        "from etl.settings import read_settings; print(read_settings().database_notice())",
        "import etl.reports.formats.html; print(None)",
    ],
)
def test_without_a_home_folder_a_database_elsewhere_is_used_all_the_same(work):
    who = as_nobody()
    ran = subprocess.run(
        [who["python"], "-c", work],
        env={"PYTHONPATH": who["env"]["PYTHONPATH"], "DATABASE_URL": "postgresql://u@h/d"},
        cwd="/",
        user=54321,
        group=54321,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "None\n", "")


def test_a_tilde_in_a_file_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    (tmp_path / ".env").write_text("BRAPPED_HOME=~/records\n")
    assert read_settings().home == Path("/home/ada/records")


@pytest.mark.parametrize("line", ["DATABASE_URL postgresql://u:p@host/db", "'", "=x", 'SPOTIFY_CLIENT_ID="half'])
def test_a_line_that_is_no_setting_is_named_and_its_content_is_not(line, tmp_path, monkeypatch):
    (tmp_path / ".env").write_text(f"# a comment\nTIME_ZONE=UTC\n{line}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=r"Line 3 of .*\.env is not a setting") as raised:
        read_settings()
    assert "postgresql" not in str(raised.value) and "half" not in str(raised.value)
