"""An import knows a file that it has read before by its hash: nothing is read again, and the receipt is that of reading it."""

import json
import shutil
from contextlib import closing
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support import NOW
from support.export_files import write_folder, write_zip
from support.export_reader import SOURCES, heard, listen, nameless
from support.truth_sources import made_up_sources
from support.wire_count import counted

from etl.jobs import imports
from etl.jobs.imports import import_exports
from etl.jobs.receipts import Receipt, as_text
from etl.sources.exports import earlier
from etl.sources.exports.reader import Reader, read_exports
from etl.staging import Part
from etl.warehouse.connection import Warehouse

FIRST = "Streaming_History_Audio_2023_0.json"
SECOND = "Streaming_History_Audio_2024_1.json"
ACCOUNT = "StreamingHistory_music_0.json"


def at(day: str, number: int = 0, **changes: object) -> dict:
    """A row of the extended export of this day, the second row of which is number 1."""
    uri = f"spotify:track:{number:022}"
    return listen(ts=f"{day}T12:{number:02}:00Z", spotify_track_uri=uri, offline_timestamp=None, **changes)


JANUARY = [at("2024-01-01"), at("2024-01-02", 1), at("2024-01-03", 2)]
PACKAGE: dict[str, Any] = {
    FIRST: JANUARY,
    SECOND: [at("2024-01-09", 3), at("2024-01-09", 3), nameless(ts="2024-01-10T12:00:00Z")],
    ACCOUNT: [heard(endTime="2024-01-03 12:02"), heard(endTime="2024-01-11 12:00", trackName="Another")],
    "Userdata.json": {"username": "ada"},
    "Playlist1.json": {"playlists": [{"name": "mine"}]},
}


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of the files whose rows were looked at."""
    names: list[str] = []
    original = Reader.build_part

    def build_part(self, file, *arguments):
        names.append(file.name.rpartition("/")[2])
        return original(self, file, *arguments)

    monkeypatch.setattr(Reader, "build_part", build_part)
    return names


@pytest.fixture
def load(settings, warehouse):
    """Imports what is at the paths: `load(folder, again=True)`."""

    def load(*paths: Path, **options: Any) -> Receipt:
        return import_exports(settings, warehouse, paths, **{"clock": lambda: NOW, **options})

    return load


def outcomes(receipt: Receipt) -> list[dict[str, Any]]:
    return [asdict(file) for file in sorted(receipt.files, key=lambda file: file.file_name)]


RECORDED = {
    "observations": "select * from listening.observation order by 1, 4, 5, 10, 11",
    "plays": "select * from listening.fact_play order by play_key",
    "tracks": "select track_key, track_uri, track_name, recording_key from listening.dim_track order by 1",
    "coverage": "select source, state, starts_at, ends_at, closed_at, closed_by from ops.coverage order by 1, 2, 3",
}


def recorded(ask) -> dict[str, list[tuple]]:
    return {name: ask(query) for name, query in RECORDED.items()}


# What is known.


@pytest.mark.parametrize("form", ["folder", "archive", "single file"])
def test_what_was_imported_before_is_not_read_again_and_the_receipt_is_that_of_reading_it(
    form, load, read, ask, tmp_path
):
    path = {
        "folder": lambda: write_folder(tmp_path / "mine", PACKAGE),
        "archive": lambda: write_zip(tmp_path / "mine.zip", PACKAGE, "Spotify Account Data"),
        "single file": lambda: write_folder(tmp_path / "mine", PACKAGE) / SECOND,
    }[form]()
    assert load(path).unchanged_count == 0
    names = {"folder": [FIRST, SECOND, ACCOUNT], "archive": [FIRST, SECOND, ACCOUNT], "single file": [SECOND]}[form]
    assert sorted(read) == sorted(names)
    before = recorded(ask)
    read.clear()

    known = load(path)
    assert read == [] and known.unchanged_count == len(names)
    assert (known.total.new_count, known.total.merged_count) == (0, 0) and known.is_good

    looked_at = load(path, again=True)
    assert sorted(read) == sorted(names) and looked_at.unchanged_count == 0
    assert outcomes(known) == outcomes(looked_at)
    assert recorded(ask) == before


def test_a_made_up_listener_with_both_exports_is_known_too(load, read, ask, tmp_path):
    made = made_up_sources(7)
    paths = [write_zip(tmp_path / f"{export.kind}.zip", export.files) for export in (made.extended, made.account)]
    load(*paths)
    before = recorded(ask)
    read.clear()
    known = load(*paths)
    assert read == [] and known.unchanged_count == len(made.extended.files) + len(made.account.files)
    assert outcomes(known) == outcomes(load(*paths, again=True))
    assert recorded(ask) == before


def test_the_same_file_in_another_archive_under_another_name_is_known(load, read, tmp_path):
    load(write_zip(tmp_path / "mine.zip", PACKAGE, "Spotify Account Data"))
    read.clear()
    folder = write_folder(tmp_path / "unpacked", {"endsong_7.json": PACKAGE[FIRST]})
    receipt = load(folder)
    assert read == []
    assert [(file.package_name, file.file_name, file.known_count) for file in receipt.files] == [
        ("unpacked", "endsong_7.json", 3)
    ]


def test_what_is_known_of_one_listener_is_new_to_another(load, read, tmp_path):
    folder = write_folder(tmp_path / "mine", PACKAGE)
    load(folder)
    read.clear()
    receipt = load(folder, listener="bea")
    assert sorted(read) == sorted([FIRST, SECOND, ACCOUNT]) and receipt.unchanged_count == 0
    read.clear()
    assert load(folder, listener="bea").unchanged_count == load(folder, listener="me").unchanged_count == 3
    assert read == []


def test_a_file_with_one_byte_more_is_read_and_with_it_its_package(load, read, tmp_path):
    folder = write_folder(tmp_path / "mine", PACKAGE)
    other = write_folder(tmp_path / "other", {"endsong_0.json": [at("2020-01-01")]})
    load(folder, other)
    read.clear()
    (folder / FIRST).write_bytes((folder / FIRST).read_bytes() + b"\n")
    receipt = load(folder, other)
    assert sorted(read) == sorted([FIRST, SECOND, ACCOUNT])
    assert receipt.unchanged_count == 1 and receipt.total.new_count == 0


def test_after_a_dry_run_and_after_a_failed_one_everything_is_read(load, read, ask, tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "mine", {FIRST: JANUARY})
    assert load(folder, dry_run=True).total.new_count == 3
    assert load(folder).total.new_count == 3 and read == [FIRST, FIRST]
    assert load(folder, dry_run=True).total.known_count == 3 and len(read) == 2

    other = write_folder(tmp_path / "other", {SECOND: PACKAGE[SECOND]})
    with monkeypatch.context() as patch:
        patch.setattr(imports, "record_receipt", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load(other)
    assert load(other).total.new_count == 2
    ask("update ops.run set outcome = 'failed'")
    read.clear()
    assert load(other).unchanged_count == 0 and read == [SECOND]


def test_a_file_with_a_bad_row_is_read_each_time_so_that_the_row_is_named(load, read, tmp_path):
    folder = write_folder(tmp_path / "mine", {FIRST: [*JANUARY, {}]})
    first, again = load(folder), load(folder)
    assert read == [FIRST, FIRST] and again.unchanged_count == 0
    assert first.files[0].malformed == again.files[0].malformed != ()
    assert not again.is_good


def test_what_can_not_be_read_is_named_each_time(load, read, tmp_path):
    folder = write_folder(tmp_path / "mine", {FIRST: JANUARY})
    (folder / "endsong_7.json").write_text("[{")
    there = write_folder(tmp_path / "there", {SECOND: PACKAGE[SECOND]})
    nothing = write_folder(tmp_path / "nothing", {"Playlist1.json": []})
    for _ in range(2):
        receipt = load(folder, there, nothing)
        reasons = {file.file_name: file.unreadable_reason for file in receipt.files if file.unreadable_reason}
        assert reasons == {
            "endsong_7.json": "it is incomplete, or not JSON",
            "nothing": "there is no listening history in it",
        }
    assert receipt.unchanged_count == 1 and read == [FIRST, SECOND, FIRST]


# By the same rules.


def test_a_file_is_read_again_when_the_reader_has_changed(load, read, tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "mine", {FIRST: JANUARY})
    load(folder)
    monkeypatch.setattr(earlier, "RULES", "another")
    assert load(folder).unchanged_count == 0 and load(folder).unchanged_count == 1
    assert read == [FIRST, FIRST]


PRIVATE = {**PACKAGE, FIRST: [*JANUARY[:2], {**JANUARY[2], "incognito_mode": True}]}


def test_without_private_sessions_the_same_files_are_known_and_others_are_read(load, read, ask, tmp_path):
    """What is left out of the account data depends on the extended history beside it."""
    whole = write_folder(tmp_path / "whole", PRIVATE)
    account = write_folder(tmp_path / "account", {ACCOUNT: PRIVATE[ACCOUNT]})
    first = load(whole, without_private=True)
    assert [file.private_count for file in first.files] == [1, 1, 0]
    read.clear()
    known = load(whole, without_private=True)
    assert read == [] and known.unchanged_count == 3
    assert outcomes(known) == outcomes(load(whole, without_private=True, again=True))
    read.clear()
    load(account, without_private=True)
    assert read == [ACCOUNT]
    load(whole)
    assert sorted(read) == sorted([ACCOUNT, FIRST, SECOND, ACCOUNT])
    read.clear()
    assert load(whole).unchanged_count == 3 and load(whole, without_private=True).unchanged_count == 3
    assert read == []


# What follows from an import, besides plays.


def test_two_files_that_were_imported_one_by_one_cover_their_days_as_one_export(load, read, ask, tmp_path):
    """The six days between them belong to the export only when both files are in it."""
    for name in (FIRST, SECOND):
        load(write_folder(tmp_path / name[-6], {name: PACKAGE[name]}))
    spans = "select count(*) from ops.coverage where source = 'extended_export' and state = 'covered'"
    assert ask(spans) == [(2,)]
    read.clear()
    both = write_folder(tmp_path / "both", {name: PACKAGE[name] for name in (FIRST, SECOND)})
    assert load(both).unchanged_count == 0 and ask(spans) == [(1,)]
    assert load(both).unchanged_count == 2
    assert read == [FIRST, SECOND] and ask(spans) == [(1,)]


def test_a_gap_that_a_known_export_covers_is_closed_by_it(load, read, ask, tmp_path):
    folder = write_folder(tmp_path / "mine", {FIRST: JANUARY})
    load(folder)
    ask(
        "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at) select listener_key,"
        " 'recently_played', 'gap', '2024-01-02 00:00+00', '2024-01-02 06:00+00', now() from listening.dim_listener"
    )
    load(folder)
    assert read == [FIRST]
    assert ask("select closed_by from ops.coverage where state = 'gap'") == [("extended_export",)]


def test_a_known_export_of_another_user_is_warned_of_again(load, read, ask, tmp_path):
    folder = write_folder(tmp_path / "mine", {FIRST: [at("2024-01-01", username="bob")]})
    load(folder)
    ask("insert into ops.listener_user select listener_key, 'ada' from listening.dim_listener")
    [warning] = load(folder).warnings
    assert warning.startswith("The user name in 1 of 1 file is not that of the account that is logged in.")
    assert read == [FIRST]


def test_the_receipt_is_kept_with_the_hash_and_only_a_file_that_was_read_has_rules(load, ask, tmp_path):
    folder = write_folder(tmp_path / "mine", PACKAGE)
    (folder / "endsong_7.json").write_text("[{")
    load(folder / FIRST)
    load(folder / FIRST)
    load(folder / "endsong_7.json")
    digest = sha256((folder / FIRST).read_bytes()).hexdigest()
    assert ask(
        "select file_name, new_count, known_count, content_hash, rules from ops.import_file order by import_file_key"
    ) == [
        (FIRST, 3, 0, digest, earlier.RULES),
        (FIRST, 0, 3, digest, None),
        ("endsong_7.json", 0, 0, None, None),
    ]
    assert ask("select job, outcome, received_count, recorded_count from ops.run order by run_key") == [
        ("import", "done", 3, 3),
        ("import", "done", 3, 0),
        ("import", "failed", 0, 0),
    ]


# What it costs.


def test_everything_known_takes_a_handful_of_statements(load, settings, database, tmp_path):
    paths = [
        write_folder(tmp_path / f"{number}", {f"endsong_{number}.json": [at(f"2023-0{number + 1}-01")]})
        for number in range(9)
    ]
    load(*paths)
    with counted(database) as wire, closing(Warehouse(wire.url)) as there:
        receipt = import_exports(settings, there, paths, clock=lambda: NOW)
        assert receipt.unchanged_count == 9
    assert len(wire.messages) <= 16  # round trips
    assert "copy" not in wire.messages


def test_the_command_says_so_and_starts_without_frames(environment, brapped, tmp_path, ask):
    from cli.test_light_start import HEAVY, imported

    folder = write_folder(tmp_path / "mine", {FIRST: JANUARY, SECOND: PACKAGE[SECOND]})
    assert brapped("import", str(folder)).returncode == 0
    known = brapped("import", str(folder))
    assert (known.returncode, known.stderr) == (0, "")
    assert "2 files were imported before and have not changed; --again looks at every row." in known.stdout
    assert known.stdout.splitlines()[-1] == "6 rows of 2 files: 0 new, 5 known, 0 merged, 1 reported twice"
    again = brapped("import", "--again", str(folder))
    assert "--again" not in again.stdout and again.stdout.splitlines()[-1] == known.stdout.splitlines()[-1]
    assert json.loads(brapped("import", "--json", str(folder)).stdout)["unchanged_count"] == 2
    assert imported(environment, "import", str(folder)) & HEAVY == set()
    assert imported(environment, "import", "--again", str(folder)) & HEAVY == {"numpy", "msgspec"}


def test_one_file_is_one_file_in_the_receipt(load, tmp_path):
    folder = write_folder(tmp_path / "mine", {FIRST: JANUARY})
    load(folder)
    assert "1 file was imported before and has not changed; --again looks at every row." in as_text(load(folder))


# Whoever changes how files are read has to raise RULES, or nobody's files would be read anew.

SAMPLE: dict[str, Any] = {
    "endsong_0.json": [
        listen(),
        listen(ts="2021-01-01T00:00:00Z", offline_timestamp=1609459000123, skipped=None, conn_country="ZZ"),
        nameless(episode_name="Talk", episode_show_name="Show", spotify_episode_uri="spotify:episode:" + "e" * 22),
        nameless(audiobook_chapter_title="One", audiobook_title="Book"),
        nameless(),
    ],
    "endsong_1.json": [
        listen(ts=1609459200, shuffle="yes", skipped=0, master_metadata_track_name=22),
        listen(platform="x" * 300, master_metadata_track_name="Nul\x00 half \ud83d"),
        listen(incognito_mode="maybe", offline_timestamp=1.5),
        listen(ms_played=None, brapped_source="recently_played"),
        listen(ms_played=-1),
        listen(ts=None),
    ],
    "StreamingHistory_music_0.json": [
        heard(),
        heard(trackName="Unknown Track", artistName="Unknown Artist"),
        heard(episodeName="Talk", podcastName="Show"),
    ],
    "StreamingHistory_music_1.json": b'[{"endTime":"2024-08-29 14:48","artistName":"Bj\xf6rk","trackName":"J\xf3ga","msPlayed":1}]',
}


def test_a_change_of_how_files_are_read_changes_the_rules(tmp_path):
    digests = []
    for without_private in (False, True):
        folder = tmp_path / "mine"
        folder.mkdir()
        for name, content in SAMPLE.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        parts = list(read_exports([folder], without_private=without_private, now=NOW, sources=SOURCES))
        shutil.rmtree(folder)
        made = [staged(part) for part in parts if isinstance(part, Part)]
        assert len(made) == len(SAMPLE)
        digests.append(sha256(json.dumps(made).encode()).hexdigest()[:16])
    assert (earlier.RULES, digests) == ("1", ["d265e45d918ac6ec", "a60238c38a1ca221"]), (
        "Files are read differently now: raise RULES in etl/sources/exports/earlier.py, and write the new values here."
    )


def staged(part: Part) -> list[Any]:
    """What of a file goes into the database: for each staging table its rows, each without what it does not know."""
    tables = [
        (name, column, row_number, str(value))
        for name, frame in part.tables.items()
        for column in frame.columns
        for row_number, value in enumerate(frame[column])
        if value is not None
    ]
    return [part.name, part.kind, part.malformed_count, sorted(tables)]
