"""Into whose record an import goes is said, on a dry run and before it starts too; and that an export may be somebody else's."""

import json
import os
import pty
import subprocess
import sys
from typing import Any

import pytest
from support import NOW, ago
from support.cases import Song, exported, minuted
from support.export_files import write_folder

from etl.jobs.imports import import_exports
from etl.jobs.ownership import OWN_RECORD, load_record_owner, sentence
from etl.jobs.receipts import as_text
from etl.simulator.routes import Play
from etl.warehouse.listeners import ListenerError

A = Song("A", "Song")
FILE = "Streaming_History_Audio_2026.json"
OTHER_NAME = (
    f"The user name in 1 of 1 file is not that of the account that is logged in. {OWN_RECORD} If you had another user name"
    " before, ignore this."
)


@pytest.fixture
def logged_in(brapped, play, songs):
    """Ada's record: twenty plays of Spotify's list, a login."""
    play(*(Play(track_id, ago(4 * number + 1)) for number, track_id in enumerate(list(songs.tracks)[:20])))
    assert brapped("plays").returncode == 0


@pytest.fixture
def load(settings, warehouse, tmp_path):
    """Imports rows of the extended export, and gives the receipt."""

    def load(*rows: dict, **options: Any):
        folder = write_folder(tmp_path / "mine", {FILE: list(rows)})
        return import_exports(settings, warehouse, [folder], clock=lambda: NOW, **options)

    return load


def mine(songs, number: int, **changes: Any) -> dict:
    """What the export says of one of Ada's plays."""
    track = list(songs.tracks)[number]
    row = exported(0, Song(track[0], "Any"), 150_000, **changes)
    return row | {"ts": f"{ago(4 * number + 1):%Y-%m-%dT%H:%M:%SZ}", "spotify_track_uri": f"spotify:track:{track}"}


def test_before_any_login_it_is_the_record_of_whoever_comes(load):
    said = []
    receipt = load(exported(0, A), notify=said.append)
    assert said == ["Into the record of me, who has not logged in."]
    assert as_text(receipt).splitlines()[0] == said[0] and receipt.warnings == ()


@pytest.mark.parametrize("content", ["[{", "[]", "[1]"])
def test_after_a_login_a_file_without_plays_gets_its_receipt_too(
    content, logged_in, settings, warehouse, ask, tmp_path
):
    """Nothing is merged then, so there is nothing to hold against the list."""
    (tmp_path / FILE).write_text(content)
    receipt = import_exports(settings, warehouse, [tmp_path / FILE], clock=lambda: NOW)
    assert (receipt.total.new_count, receipt.warnings) == (0, ())
    assert ask("select count(*) from ops.run where job = 'import'") == [(1,)]


@pytest.mark.parametrize("dry_run", [True, False])
def test_after_a_login_it_is_said_whose(dry_run, logged_in, load, warehouse, ask):
    [(since,)] = ask("select first_seen_at from ops.login")
    said = []
    receipt = load(exported(-(10**7), A), dry_run=dry_run, notify=said.append)
    assert said == [f"Into the record of Ada (account-of-ada), logged in since {since:%Y-%m-%d}."]
    assert as_text(receipt).splitlines()[0] == said[0]
    assert receipt.owner == warehouse.transaction(
        lambda connection: load_record_owner(connection, receipt.owner.listener_key)
    )
    assert "Ada" not in repr(receipt.owner)


def test_somebody_elses_record_is_named_too(logged_in, load):
    receipt = load(exported(0, A, username="bob"), listener="bob")
    assert as_text(receipt).splitlines()[0] == "Into the record of bob, who has not logged in."
    assert receipt.is_new_listener and receipt.warnings == ()


def test_where_anybody_may_read_it_nobody_is_named(logged_in, brapped, tmp_path):
    folder = str(write_folder(tmp_path / "mine", {FILE: [exported(-(10**7), A)]}))
    for arguments in (("--dry-run",), ("--json", "--dry-run")):
        ran = brapped("import", folder, *arguments, GITHUB_ACTIONS="true")
        assert ran.returncode == 0 and "Ada" not in ran.stdout and "of-ada" not in ran.stdout
    ran = brapped("import", folder, GITHUB_ACTIONS="true")
    assert ran.stdout.startswith("Into the record of the listener, logged in since ")


def test_the_receipt_as_json_says_it(logged_in, brapped, tmp_path, ask):
    [(since,)] = ask("select first_seen_at from ops.login")
    folder = str(write_folder(tmp_path / "mine", {FILE: [exported(-(10**7), A, username="bob")]}))
    told = json.loads(brapped("import", folder, "--json").stdout)
    assert told["listener"] == {
        "listener_id": "account-of-ada",
        "listener_name": "Ada",
        "logged_in_at": f"{since:%Y-%m-%dT%H:%M:%SZ}",
    }
    assert told["warnings"] == [OTHER_NAME]


def test_on_a_terminal_it_is_said_before_anything_is_read(logged_in, environment, tmp_path):
    ours, theirs = pty.openpty()
    folder = write_folder(tmp_path / "mine", {FILE: [exported(-(10**7), A)]})
    ran = subprocess.run(
        [sys.executable, "-m", "etl", "import", str(folder), "--json"],
        env={**environment, "TERM": "xterm"}, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
        check=True,
    )  # fmt: skip
    os.close(theirs)
    said = os.read(ours, 100_000).decode()
    os.close(ours)
    assert said.count("Into the record of Ada (account-of-ada), logged in since ") == 1
    assert json.loads(ran.stdout)["is_good"]


def test_a_name_with_escapes_is_said_without_them(logged_in, load, ask):
    ask("update listening.dim_listener set listener_name = e'A\\x1b[31md\\u202ea\\n'")
    assert sentence(load(exported(0, A)).owner).startswith("Into the record of A?[31md?a? (account-of-ada), logged in")


# Signs that it is somebody else's.


@pytest.mark.parametrize("odd", [{}, {"skipped": 1}])  # read at once, and row by row
@pytest.mark.parametrize(
    ("names", "warnings"), [(("bob",), (OTHER_NAME,)), (("ada",), ()), (("ADA ",), ()), ((None,), ()), ((7,), ())]
)
def test_another_user_name_is_warned_of_and_goes_nowhere(names, warnings, odd, logged_in, load, database, ask):
    receipt = load(*(exported(-(10**7), A, username=name, **odd) for name in names))
    assert receipt.warnings == warnings and receipt.total.new_count == 1 and receipt.is_good
    assert all(f"warning: {one[:30]}" in as_text(receipt) for one in warnings)
    told = "".join(
        str(row) for row in ask("select * from ops.listener_user union all select 0, file_name from ops.import_file")
    )
    assert "bob" not in told and "bob" not in as_text(receipt) and "bob" not in repr(receipt)


def test_files_with_and_without_the_name_are_counted(logged_in, settings, warehouse, tmp_path):
    names = ["ada", "bob", "eve", None]
    folder = write_folder(
        tmp_path / "mine",
        {
            f"endsong_{number}.json": [exported(-(10**7) + number, A, username=name)]
            for number, name in enumerate(names)
        },
    )
    receipt = import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    assert receipt.warnings[0].startswith("The user name in 2 of 3 files is not that of the account")


def test_a_listener_who_never_logged_in_has_no_user_name_to_compare(load):
    assert load(exported(0, A, username="bob")).warnings == ()


def test_such_an_export_is_imported_only_when_the_person_says_so(logged_in, brapped, tmp_path, ask):
    foreign = [exported(-60 * minute, A, 1_000 + minute) for minute in (0, 30, 77)]
    folder = write_folder(tmp_path / "foreign", {"endsong_0.json": foreign})
    before = ask("select count(*) from listening.observation"), ask("select count(*) from ops.run")
    refused = brapped("import", str(folder))
    assert refused.returncode == 1
    assert "none of them" in refused.stderr and "Nothing was changed: nobody could be asked" in refused.stderr
    assert (ask("select count(*) from listening.observation"), ask("select count(*) from ops.run")) == before
    assert brapped("import", str(folder), "--dry-run").returncode == 0
    assert brapped("import", str(folder), "--yes").returncode == 0
    assert ask("select count(*) - 3 from listening.observation") == before[0]


def test_an_export_of_the_same_days_with_none_of_the_plays_is_warned_of(logged_in, load):
    foreign = [exported(-60 * minute, A, 1_000 + minute) for minute in (0, 30, 77)]
    receipt = load(*foreign, minuted(-40, A, 5_000), dry_run=True)
    assert receipt.warnings == (
        f"20 plays of music are recorded on the days of this export, and the export has none of them. {OWN_RECORD}",
    )


def test_an_export_with_some_of_the_plays_is_not(logged_in, load, songs):
    rows = [exported(-60 * minute, A, 1_000 + minute) for minute in (0, 30, 77)]
    assert load(*rows, mine(songs, 3)).warnings == ()
    assert load(*rows, mine(songs, 3)).warnings == ()  # known by now


# What was recorded from exports, with or without a login.

DAYS = 30 * 86_400


def history(letters: str, pace: int, *, begins: int = 0, plays: int = 200) -> list[dict]:
    """A play every `pace` seconds, of five songs, each of a length of its own."""
    songs = [Song(letter, f"Song of {letter}") for letter in letters]
    return [
        exported(begins - 300 - pace * number, songs[number % 5], 150_000 + (pace * 1_999 + number * 997) % 90_000)
        for number in range(plays)
    ]


def test_a_friends_export_beside_a_record_of_exports_is_asked_about(brapped, tmp_path, ask):
    mine = write_folder(tmp_path / "mine", {FILE: history("ABCDE", 300)})
    friends = write_folder(tmp_path / "friends", {FILE: history("VWXYZ", 310)})
    assert brapped("import", str(mine), "--listener", "ada").returncode == 0
    refused = brapped("import", str(friends))
    assert refused.returncode == 1 and "has none of them" in refused.stderr
    assert "200 plays of music are recorded on the days" in refused.stderr
    assert ask("select count(*) from listening.fact_play") == [(200,)]
    assert "warning: " in brapped("import", str(friends), "--dry-run").stdout
    assert brapped("import", str(friends), "--listener", "zoe").returncode == 0
    assert brapped("import", str(friends), "--listener", "ada", "--yes").returncode == 0


def accounted(rows: list[dict]) -> list[dict]:
    """What the account data says of these plays."""
    return [
        {
            "endTime": row["ts"][:16].replace("T", " "),
            "artistName": row["master_metadata_album_artist_name"],
            "trackName": row["master_metadata_track_name"],
            "msPlayed": row["ms_played"],
        }
        for row in rows
    ]


@pytest.mark.parametrize("common", [1, 3])
def test_a_play_in_common_by_chance_is_no_proof(common, settings, warehouse, load, tmp_path):
    mine = history("ABCDE", 300)
    load(*mine)
    rows = sorted([*history("VWXYZ", 310), *mine[10 : 10 + common]], key=lambda row: row["ts"])
    folder = write_folder(tmp_path / "friends", {"StreamingHistory_music_0.json": accounted(rows)})
    receipt = import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    assert receipt.total.merged_count == common
    assert bool(receipt.warnings) == (common == 1)


@pytest.mark.parametrize("order", ["extended first", "account first"])
def test_both_exports_of_one_person_share_their_plays(order, settings, warehouse, tmp_path):
    rows = history("ABCDE", 400)
    folders = [
        write_folder(tmp_path / "extended", {FILE: rows}),
        write_folder(tmp_path / "account", {"StreamingHistory_music_0.json": accounted(rows)}),
    ]
    for folder in folders if order == "extended first" else folders[::-1]:
        assert import_exports(settings, warehouse, [folder], asks=True, clock=lambda: NOW).warnings == ()


@pytest.mark.parametrize(
    "second",
    [
        history("ABCDE", 300, begins=-DAYS),  # an older file
        history("ABCDE", 300)[100:] + history("ABCDE", 300, begins=-60_000),  # one that overlaps
        [
            *history("VWXYZ", 310, begins=-2 * DAYS),
            *history("VWXYZ", 310, begins=DAYS - 10**7),
        ],  # years before and after
        history("VWXYZ", 1_000, plays=9),  # too few to tell
        [exported(-450 - 310 * number, Song("V", "Talk", ("Show",), kind="episode")) for number in range(200)],
    ],
    ids=["older", "overlapping", "around", "few", "podcasts"],
)
def test_what_may_well_be_ones_own_is_not_asked_about(second, load):
    load(*history("ABCDE", 300, begins=0))
    assert load(*second, asks=True).warnings == ()


def test_podcasts_that_are_recorded_say_nothing_of_an_export_of_music(load):
    load(*(exported(-450 - 310 * number, Song("V", "Talk", ("Show",), kind="episode")) for number in range(200)))
    assert load(*history("ABCDE", 300), asks=True).warnings == ()


@pytest.mark.parametrize("seconds", [(-(10**7), -(10**7) + 900), (-2000, -1000)])
def test_an_export_of_other_days_or_of_a_few_minutes_says_nothing(seconds, logged_in, load):
    assert load(*(exported(second, A) for second in seconds)).warnings == ()


def test_a_user_id_that_changes_is_remembered_with_the_one_before(logged_in, brapped, spotify, load, ask):
    ask("insert into ops.listener_user select listener_key, 'ada.of.old' from listening.dim_listener")
    assert load(exported(-(10**7), A, username="ada.of.old")).warnings == ()
    assert load(exported(-(10**7), A, username="ada")).warnings == ()
    assert ask("select user_id from ops.listener_user order by 1") == [("ada",), ("ada.of.old",)]


# Names of listeners.


@pytest.mark.parametrize("name", ["\x1b[31mbob", "bob\n::error::x", "\u202ebob", "b" * 201])
def test_a_new_listener_has_a_name_that_can_be_shown(name, load, ask):
    with pytest.raises(ListenerError, match="The name of a new listener may have at most 200 characters"):
        load(exported(0, A), listener=name)
    assert ask("select count(*) from listening.dim_listener") == [(0,)]


@pytest.mark.parametrize("arguments", [("import", "mine"), ("report", "daily"), ("search", "x")])
def test_a_listener_in_bytes_that_are_no_text_is_a_sentence(arguments, environment, tmp_path, database, spotify):
    write_folder(tmp_path / "mine", {FILE: [exported(0, A)]})
    ran = subprocess.run(
        [sys.executable, "-m", "etl", *arguments, "--listener", b"\xff\xfe"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "brapped: The value of --listener can't be read: it is empty, or not UTF-8.\n"
