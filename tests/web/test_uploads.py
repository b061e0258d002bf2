"""Imports by upload: what a dry run shows, what is imported, and that no upload outlives its import."""

import io
import signal
import stat
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from support import NOW, listener_known
from support.export_files import as_json
from support.served import serving
from support.table_locks import locked, wait_for_lock
from support.two_listeners import ADA, BEN, House, brought_in, exported, settled, upload

from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from etl.web.imports_under_way import Busy, ImportsUnderWay
from etl.web.private_folder import PrivateFolder, safe_name

MONTH = 30 * 24 * 60
COUNT = "select count(*) from listening.fact_play where listener_key = %s"


def kept(house: House) -> list[Path]:
    """Files that were uploaded and still lie on the disk."""
    return [path for path in house.folder.glob("brapped-uploads-*/**/*") if path.is_file() and path.name != "lock"]


def gone(house: House, question: str) -> bool:
    """Whether a question soon has no answer any longer."""
    for _ in range(100):
        if not house.ask(question):
            return True
        time.sleep(0.05)
    return False


def plays(house: House, account_id: str) -> int:
    return int(house.ask(COUNT, house.key(account_id))[0][0])


def test_a_dry_run_says_what_would_be_new_and_changes_nothing_until_it_is_confirmed(house: House) -> None:
    before = house.ask("select * from ops.run order by run_key")
    assert upload(house.ada, *(exported(number, MONTH + 9 * number) for number in range(20))).status_code == 303
    shown = settled(house.ada)
    assert "20 new plays" in shown and "Streaming_History_Audio_2026.json" in shown and "extended export" in shown
    assert "Into the record of <bdi>Ada</bdi>" in shown
    assert plays(house, ADA) == 0 and house.ask("select * from ops.run order by run_key") == before
    [path] = kept(house)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in path.parents[:3]] == [0o700] * 3
    assert "No import is under way" in settled(house.ben), "another listener's upload is nobody else's business"
    assert house.ben.post("/data/import/confirm").status_code == 409
    assert house.ada.post("/data/import/confirm").status_code == 303
    receipt = settled(house.ada)
    assert "Imported" in receipt and "20 new plays" in receipt
    assert plays(house, ADA) == 20 and kept(house) == []
    assert house.ada.post("/data/import/confirm").status_code == 409, "an import is confirmed once"


def test_what_is_declined_is_deleted(house: House) -> None:
    before = plays(house, BEN)
    upload(house.ben, exported(1, MONTH))
    settled(house.ben)
    assert len(kept(house)) == 1
    assert house.ben.post("/data/import/decline").headers["Location"] == "/data/import"
    assert kept(house) == [] and plays(house, BEN) == before
    assert "No import is under way" in settled(house.ben)


def test_a_new_upload_takes_the_place_of_one_that_waits(house: House) -> None:
    upload(house.ben, exported(1, MONTH), name="first.json")
    settled(house.ben)
    upload(house.ben, exported(2, MONTH), exported(3, MONTH + 50), name="second.json")
    assert "2 new plays" in settled(house.ben)
    assert [path.name for path in kept(house)] == ["second.json"]
    house.ben.post("/data/import/decline")


def test_several_files_and_a_zip_are_one_import(house: House) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("MyData/Streaming_History_Audio_2024.json", as_json([exported(50, 3 * MONTH)]))
        package.writestr("../../evil.json", as_json([exported(51, 3 * MONTH + 50)]))
        package.writestr("bomb.json", b"0" * 50_000_000)
    files = [
        ("files", ("../../my_spotify_data.zip", packed.getvalue())),
        ("files", ("same.json", as_json([exported(52, 4 * MONTH)]))),
        ("files", ("same.json", as_json([exported(53, 5 * MONTH)]))),
    ]
    assert house.ben.post("/data/import", files=files).status_code == 303
    shown = settled(house.ben)
    assert "3 new plays" in shown
    assert "its path leads out of the archive" in shown and "zip bomb" in shown
    house.ben.post("/data/import/confirm")
    assert "3 new plays" in settled(house.ben) and kept(house) == []
    assert not list(house.folder.rglob("evil.json"))


def test_it_brings_what_the_command_brings(house: House, tmp_path: Path) -> None:
    """The same rows into two records, once by each way."""
    rows = [exported(number, 7 * MONTH + 11 * number) for number in range(30)]
    file = tmp_path / "Streaming_History_Audio_2020.json"
    file.write_bytes(as_json(rows))
    brought_in(house.ben, *rows)
    house.brapped("import", str(file), "--listener", "somebody")
    question = (
        "select played_at, ms_played, track_key from listening.fact_play where listener_key = %s and played_at < %s"
        " order by 1, 3"
    )
    until = NOW - timedelta(minutes=7 * MONTH - 1)
    [(key,)] = house.ask("select listener_key from listening.dim_listener where listener_id = 'somebody'")
    mine, theirs = (house.ask(question, one, until) for one in (house.key(BEN), key))
    assert mine == theirs and len(mine) == 30


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.json", b'{"not": "a history"}', "notes.json: its rows are not those of a listening history"),
        ("broken.zip", b"PK\x03\x04 and no more", "it is not a complete zip archive"),
        ("empty.zip", b"PK\x05\x06" + bytes(18), "No listening history in empty.zip"),
        ("<i>x<i>.json", b"[]", "&lt;i&gt;x&lt;i&gt;.json: its rows are not"),
    ],
)
def test_what_is_no_history_is_refused_in_words_without_our_folders(
    house: House, name: str, content: bytes, said: str
) -> None:
    house.ada.post("/data/import", files=[("files", (name, content))])
    shown = settled(house.ada)
    assert said in shown and "Nothing was imported" in shown
    assert "brapped-uploads" not in shown and kept(house) == []


def test_without_a_file_and_with_features_a_sentence_says_so(house: House) -> None:
    assert "Choose the files first" in house.ada.post("/data/import", data={"again": "yes"}).text
    features = (
        "id,danceability,energy,key,loudness,mode,speechiness,acousticness,instrumentalness,liveness,valence,tempo\n"
    )
    answer = house.ada.post("/data/import", files=[("files", ("tracks.csv", features.encode()))])
    assert answer.status_code == 400 and "audio features" in answer.text
    assert kept(house) == []


def test_nobody_uploads_without_a_session_and_no_form_is_too_large(house: House) -> None:
    stranger = house.served.visitor()
    assert upload(stranger, exported(1, MONTH)).status_code == 401
    assert stranger.post("/data/import/confirm").status_code == 401
    assert stranger.get("/data/import/state").headers["Location"] == "/welcome"
    assert house.ada.post("/data/import/confirm", data={"x": "y" * 70_000}).status_code == 413
    assert kept(house) == []


def test_one_at_a_time_and_a_server_that_is_ended_leaves_nothing(house: House) -> None:
    """The import waits for a table that is locked, as behind a long run of another program."""
    other = serving(house.start)
    ada = other.visitor()
    ada.log_in(ADA)
    before = house.ask("select * from listening.fact_play order by play_key")
    upload(ada, exported(70, 9 * MONTH))
    settled(ada)
    with locked(house.database, "listening.observation"):
        ada.post("/data/import/confirm")
        wait_for_lock(house.database, "listening.observation")
        assert "Importing" in ada.get("/data/import/state").text
        assert ada.get("/data/import").headers["Location"] == "/data/import/state"
        for answer in (
            upload(ada, exported(71, 9 * MONTH)),
            ada.post("/data/import/decline"),
            ada.get("/data/delete"),
            ada.post("/data/delete", data={"typed": "Ada"}),
        ):
            assert answer.status_code == 409 and "An import is under way" in answer.text
        assert len(kept(house)) == 1
        other.program.terminate()
        other.program.wait()
        # its statement was cancelled: a server process that still waited would hold its locks until the table is free
        assert gone(house, "select pid from pg_stat_activity where application_name = 'brapped import'")
    assert kept(house) == []
    assert house.ask("select * from listening.fact_play order by play_key") == before
    assert "Traceback" not in other.program.communicate()[1]


def test_what_a_killed_server_leaves_is_deleted_by_the_next_but_not_what_another_uses(house: House) -> None:
    killed = serving(house.start)
    ada = killed.visitor()
    ada.log_in(ADA)
    upload(house.ben, exported(80, 9 * MONTH), name="of_ben.json")
    upload(ada, exported(81, 9 * MONTH), name="of_ada.json")
    settled(house.ben)
    settled(ada)
    killed.program.kill()
    killed.program.wait()
    assert sorted(path.name for path in kept(house)) == ["of_ada.json", "of_ben.json"]
    serving(house.start)
    assert [path.name for path in kept(house)] == ["of_ben.json"]
    house.ben.post("/data/import/decline")


def test_the_log_names_no_file_and_no_title(house: House) -> None:
    other = serving(house.start)
    ada = other.visitor()
    ada.log_in(ADA)
    upload(ada, exported(90, 9 * MONTH, "A title of the log"), name="secret-name.json")
    settled(ada)
    ada.post("/data/import", files=[("files", ("another-name.json", b"{}"))])
    settled(ada)
    other.program.send_signal(signal.SIGTERM)
    said = "".join(other.program.communicate())
    assert "A title" not in said and "-name" not in said and ADA not in said and "Ada" not in said


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Ada\\my_spotify_data.zip", "my_spotify_data.zip"),
        ("..", "file"),
        ("", "file"),
        (None, "file"),
        ("a\nb\x00.json", "a?b?.json"),
        ("x" * 300 + ".zip", "x" * 120 + ".zip"),
        ("é" * 300 + ".json", "é" * 60 + ".json"),
    ],
)
def test_a_name_of_a_browser_becomes_one_of_a_file_here(told: str | None, name: str) -> None:
    assert safe_name(told) == name


def test_links_and_folders_of_others_are_no_leftovers(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "lock").write_text("")
    (tmp_path / "brapped-uploads-link").symlink_to(target)
    leftover = tmp_path / "brapped-uploads-old"
    leftover.mkdir()
    (leftover / "lock").write_text("")
    folder = PrivateFolder(tmp_path)
    assert target.is_dir() and (tmp_path / "brapped-uploads-link").is_symlink()
    assert not leftover.exists() and folder.path.is_dir()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    folder.close()
    assert not folder.path.exists()


def test_an_upload_that_nobody_answers_and_one_that_is_over_are_forgotten(
    settings: Settings, warehouse: Warehouse, ask: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ask("insert into listening.dim_listener (listener_id, time_zone, created_at) values ('ada', 'UTC', now())")
    [listener] = warehouse.transaction(lambda connection: [listener_known(connection, "ada")])
    imports = ImportsUnderWay(settings, warehouse, lambda: NOW)
    folder = imports.uploads.new()
    file = folder / "Streaming_History_Audio_2026.json"
    file.write_bytes(as_json([exported(1, MONTH)]))
    imports.begin(listener, folder, [file], without_private=False, again=False)
    for thread in list(imports._threads):
        thread.join()
    one = imports.of(listener.listener_key)
    assert one is not None and one.stage == "checked" and file.exists(), "it waits for an answer"
    monkeypatch.setattr("etl.web.imports_under_way.KEPT_S", -1.0)
    imports.expire()
    assert imports.of(listener.listener_key) is None and not folder.exists()
    assert not imports.confirm(listener.listener_key)
    imports.leave(listener.listener_key)
    with pytest.raises(Busy):
        imports.begin(listener, imports.uploads.new(), [file], without_private=False, again=False)
    assert [path.name for path in imports.uploads.path.iterdir()] == ["lock"], "nothing is taken of who leaves"
    imports.close()
    assert list(tmp_path.iterdir()) == []
