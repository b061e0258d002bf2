"""`brapped import` as a person meets it: what it prints, how it exits, and that dying, meeting others or losing the database
in the middle comes to one good run."""

import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import NOW, ago, asked, fresh_database, whole_facts
from support.export_files import write_folder, write_zip
from support.marked_rows import GOOD, MARK, listen
from support.table_locks import locked, wait_for_lock
from support.truth_sources import MARKS, Sources, made_up_sources

from etl.jobs.imports import import_exports
from etl.settings import Settings
from etl.simulator.routes import Play
from etl.warehouse.connection import Warehouse

PAGE = "/v1/me/player/recently-played"


def heard(minute: int, **changes: object) -> dict:
    """A row of the account data."""
    ended_at = datetime(2024, 8, 29, 12, tzinfo=UTC) + timedelta(minutes=minute)
    return {
        "endTime": f"{ended_at:%Y-%m-%d %H:%M}",
        "artistName": MARK,
        "trackName": MARK,
        "msPlayed": 150_000,
        **changes,
    }


MIXED: dict[str, Any] = {
    "Streaming_History_Audio_2024_0.json": [listen(0), 7, listen(10), listen(20, incognito_mode=True)],
    "StreamingHistory_music_0.json": [heard(0), heard(1, msPlayed="x"), heard(45, artistName="Unknown Artist", trackName="Unknown Track")],
}  # fmt: skip


def titles_in(text: str) -> list[str]:
    return [word for word in (MARK, *MARKS.values()) if word in text]


# What it prints.


def test_a_first_import_says_what_became_of_each_row(brapped, spotify, tmp_path):
    path = write_zip(tmp_path / "my_spotify_data.zip", GOOD, "Spotify Extended Streaming History")
    page = tmp_path / "summary.md"
    ran = brapped("import", str(path), GITHUB_STEP_SUMMARY=str(page))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == (
        "Into the record of me, who has not logged in.\n"
        f"{'':<62}  rows  new  twice\n"
        f"{'…Extended Streaming History/Streaming_History_Audio_2024.json':<62}     3    2      1\n"
        "\n"
        "      new  plays that no source had reported\n"
        "    twice  reported by another row of this import\n"
        "The listener is new here.\n"
        "3 rows of 1 file: 2 new, 0 known, 0 merged, 1 reported twice\n"
    )
    assert page.read_text() == "3 rows of 1 file: 2 new, 0 known, 0 merged, 1 reported twice\n\n"
    assert spotify.calls == []

    again = brapped("import", str(path))
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines()[-1] == "3 rows of 1 file: 0 new, 2 known, 0 merged, 1 reported twice"
    assert "new here" not in again.stdout


def test_what_is_bad_is_named_and_the_exit_status_says_so(brapped, tmp_path, ask):
    folder = write_folder(tmp_path / "mine", MIXED)
    (folder / "endsong_7.json").write_text('[{"ms_played": 1, ')
    arguments = ("import", "--without-private", str(folder))
    dry = brapped(*arguments, "--dry-run")
    assert ask("select count(*) from ops.run") == ask("select count(*) from listening.dim_listener") == [(0,)]
    ran = brapped(*arguments)
    assert (ran.returncode, ran.stderr) == (dry.returncode, dry.stderr) == (1, "")
    head = (
        "Into the record of me, who has not logged in.\n"
        f"{'':<47}  rows  new  merged  private  bad\n"
        f"{'StreamingHistory_music_0.json':<47}     3    1       1        0    1\n"
        f"{'Streaming_History_Audio_2024_0.json':<47}     4    2       0        1    1\n"
        f"{'total':<47}     7    3       1        1    2\n"
        "\n"
        "      new  plays that no source had reported\n"
        "   merged  plays that another source has reported, too; they are completed\n"
        "  private  left out, as requested; what was recorded before stays\n"
        "      bad  malformed rows\n"
        "1 row does not say what was played.\n"
        "bad: StreamingHistory_music_0.json, row 2: msPlayed is not a whole number from 0\n"
        "  to 2147483647\n"
        "bad: Streaming_History_Audio_2024_0.json, row 2: it is not a JSON object\n"
        "could not be read: endsong_7.json: it is incomplete, or not JSON\n"
        "The listener is new here.\n"
        "7 rows of 2 files: 3 new, 0 known, 1 merged, 0 reported twice, 1 private left\n"
        "  out, 2 bad; 1 file could not be read"
    )
    assert ran.stdout == f"{head}\n"
    assert dry.stdout == f"{head}; nothing was changed (dry run)\n"
    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert titles_in(ran.stdout) == []
    assert len(ask("select play_key from listening.fact_play")) == 3


def test_the_receipt_as_json_is_the_one_that_is_kept(brapped, tmp_path, ask):
    folder = write_folder(tmp_path / "mine", MIXED)
    (folder / "endsong_7.json").write_text('[{"ms_played": 1, ')
    ran = brapped("import", "--json", str(folder))
    assert (ran.returncode, ran.stderr) == (1, "")
    told = json.loads(ran.stdout)
    assert {name: told[name] for name in ("is_new_listener", "is_dry_run", "is_good")} == {
        "is_new_listener": True, "is_dry_run": False, "is_good": False,
    }  # fmt: skip
    counts = dict.fromkeys(
        ["row_count", "new_count", "known_count", "merged_count", "duplicate_count", "private_count", "malformed_count",
         "podcast_count", "unnamed_count"], 0
    )  # fmt: skip
    package = folder.name
    files = [
        {"package_name": "", "file_name": "endsong_7.json", "source": None, **counts,
         "unreadable_reason": "it is incomplete, or not JSON", "malformed": []},
        {"package_name": package, "file_name": "StreamingHistory_music_0.json", "source": "account_export",
         **counts, "row_count": 3, "new_count": 1, "merged_count": 1, "malformed_count": 1, "unnamed_count": 1,
         "unreadable_reason": None, "malformed": ["row 2: msPlayed is not a whole number from 0 to 2147483647"]},
        {"package_name": package, "file_name": "Streaming_History_Audio_2024_0.json", "source": "extended_export",
         **counts, "row_count": 4, "new_count": 3, "malformed_count": 1,
         "unreadable_reason": None, "malformed": ["row 2: it is not a JSON object"]},
    ]  # fmt: skip
    assert sorted(told["files"], key=lambda file: file["file_name"] != "endsong_7.json") == files
    assert told["total"] == {
        **counts, "row_count": 7, "new_count": 4, "merged_count": 1, "malformed_count": 2, "unnamed_count": 1,
    }  # fmt: skip
    names = ["package_name", "file_name", "source", *counts, "unreadable_reason"]
    assert ask(f"select {', '.join(names)} from ops.import_file order by import_file_key") == [
        tuple(file[name] for name in names) for file in told["files"]
    ]


def test_many_files_with_long_names_stay_within_eighty_columns(brapped, tmp_path):
    name = "Spotify Extended Streaming History/" + "of a very long life, " * 5 + "Streaming_History_Audio_20{:02}.json"
    path = write_zip(
        tmp_path / "all.zip", {name.format(year): [listen(1000 * year), listen(1000 * year)] for year in range(30)}
    )
    ran = brapped("import", str(path))
    lines = ran.stdout.splitlines()
    assert (ran.returncode, ran.stderr) == (0, "")
    assert max(map(len, lines)) == 80
    for year, line in enumerate(lines[2:32]):
        assert line.startswith("…") and re.search(rf"Streaming_History_Audio_20{year:02}\.json +2 +1 +1$", line)
    assert lines[32].split() == ["total", "60", "30", "30"]


def test_what_is_bad_of_many_is_told_in_part_and_counted_whole(brapped, tmp_path):
    (tmp_path / "endsong_0.json").write_text(json.dumps([listen(0), *[None] * 1234]))
    ran = brapped("import", str(tmp_path / "endsong_0.json"))
    assert ran.returncode == 1
    told = [line for line in ran.stdout.splitlines() if line.startswith("bad:")]
    assert told == [
        *(f"bad: endsong_0.json, row {number}: it is not a JSON object" for number in range(2, 22)),
        "bad: endsong_0.json, and 1,214 rows more",
    ]
    assert max(map(len, ran.stdout.splitlines())) <= 80


def test_help_has_an_example(brapped):
    ran = brapped("import", "--help")
    assert ran.returncode == 0 and "Example: brapped import ~/Downloads/my_spotify_data.zip" in ran.stdout
    for option in ("--listener", "--without-private", "--dry-run", "--json"):
        assert option in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 80


def test_a_wrong_call_exits_with_two_and_a_wrong_path_with_one(brapped, tmp_path, ask):
    for arguments in ((), ("--dry", "x"), ("--listener",), ("--json=yes", "x")):
        ran = brapped("import", *arguments)
        assert ran.returncode == 2 and ran.stdout == "" and "Traceback" not in ran.stderr

    nowhere = brapped("import", str(tmp_path / "nowhere.zip"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "Userdata.json").write_text('{"username": "MARK-USERNAME"}')
    nothing = brapped("import", str(tmp_path / "empty"))
    for ran, said in ((nowhere, "There is no file or folder"), (nothing, "No listening history in")):
        assert ran.returncode == 1 and ran.stdout == "" and ran.stderr.count("\n") == 1
        assert ran.stderr.startswith(f"brapped: {said} {tmp_path}")
    assert titles_in(nothing.stderr) == []
    assert ask("select count(*) from ops.run") == ask("select count(*) from listening.dim_listener") == [(0,)]


def test_of_several_listeners_one_has_to_be_named(brapped, tmp_path, ask):
    path = str(write_zip(tmp_path / "mine.zip", GOOD))
    for listener in ("ann", "bea"):
        assert brapped("import", "--listener", listener, path).returncode == 0
    ran = brapped("import", path)
    assert ran.returncode == 1 and ran.stdout == "" and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("brapped: More than one listener is recorded here. Choose one: --listener ")
    assert ran.stderr.endswith(" --listener with one of ann, bea.\n")
    assert ask("select count(*) from listening.fact_play group by listener_key") == [(2,), (2,)]


@pytest.mark.parametrize("flags", [(), ("--debug",)])
def test_no_title_is_said_when_postgres_refuses_a_row(flags, brapped, tmp_path, ask):
    ask("alter table listening.dim_track add constraint no_marks check (track_name not like 'Qwertz%')")
    ran = brapped(*flags, "import", str(write_zip(tmp_path / "mine.zip", GOOD)))
    assert ran.returncode == 1 and ran.stdout == ""
    assert "constraint no_marks" in ran.stderr
    assert ("Traceback" in ran.stderr) is bool(flags)
    assert titles_in(ran.stderr) == []
    assert ask("select count(*) from ops.run") == ask("select count(*) from listening.dim_listener") == [(0,)]


def test_spotify_need_not_be_set_up(brapped, environment, tmp_path):
    for name in [name for name in environment if name.startswith("SPOTIFY_")]:
        del environment[name]
    ran = brapped("import", str(write_zip(tmp_path / "mine.zip", GOOD)))
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_bar_is_drawn_on_a_terminal_only_and_goes_away(environment, tmp_path):
    folder = write_folder(tmp_path / "mine", {f"endsong_{number}.json": [listen(number)] for number in range(9)})
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "etl", "import", str(folder)],
        env={**environment, "TERM": "xterm"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = b""
    with suppress(OSError):  # how a terminal ends on Linux
        while chunk := os.read(ours, 4096):
            drawn += chunk
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert all(shown in drawn.decode() for shown in ("reading", "matching", "━", " kB"))
    assert drawn.endswith(b"\x1b[2K")  # its line is wiped at last
    assert b"\x1b" not in out and "━" not in out.decode() and b"9 rows of 9 files: 9 new" in out


# Dying, and meeting others.


@pytest.fixture(scope="module")
def made() -> Sources:
    return made_up_sources(9, begin=date(2022, 12, 29), days=4)


@pytest.fixture(scope="module")
def good_run(cluster, template, made, tmp_path_factory) -> dict[str, list[tuple]]:
    """What one good run of both exports leaves."""
    paths = paths_of(made, tmp_path_factory.mktemp("good"))
    with contextmanager(fresh_database)(cluster, template) as url, closing(Warehouse(url)) as warehouse:
        import_exports(Settings(_env_file=None, database_url=url), warehouse, paths, clock=lambda: NOW)
        good = record_of(lambda statement: asked(url, statement))
    assert len(good["facts"]) == len(made.truth)
    return good


def record_of(ask) -> dict[str, list[tuple]]:
    """All that is recorded, without surrogate keys and what the moment decides."""
    return {
        "facts": whole_facts(ask),
        "listeners": ask("select listener_id, time_zone from listening.dim_listener"),
        "tracks": ask(
            "select track_uri, track_id, track_name, content_type, album_name, album_artist_name, artist_name, role"
            " from listening.dim_track join listening.dim_album using (album_key)"
            " left join listening.bridge_track_artist using (track_key) left join listening.dim_artist using (artist_key)"
            " order by 1"
        ),
        "albums": ask("select album_name, album_artist_name from listening.dim_album order by 1, 2"),
        "artists": ask("select artist_name from listening.dim_artist order by 1"),
        "sources": ask(
            "select source, first_reported_at, last_reported_at from listening.play_source order by 1, 2, 3"
        ),
        "merged": ask("select play_key from ops.merged_play"),
    }


def paths_of(made: Sources, folder: Path) -> list[Path]:
    return [
        write_zip(folder / "extended.zip", made.extended.files),
        write_zip(folder / "account.zip", made.account.files),
    ]


@pytest.fixture
def exports(made, tmp_path) -> tuple[str, ...]:
    """What to type."""
    return ("import", *map(str, paths_of(made, tmp_path)))


def gone(ask) -> None:
    """Waits until no killed program has a server process any more: then there are no temporary tables either."""
    for _ in range(500):
        if ask("select count(*) from pg_stat_activity where datname = current_database()") == [(1,)]:
            break
        time.sleep(0.02)
    assert ask("select count(*) from pg_class where relpersistence = 't'") == [(0,)]


@pytest.mark.parametrize(
    "table",
    [
        "listening.dim_listener",
        "listening.dim_album",
        "listening.dim_device",
        "listening.dim_play_profile",
        "listening.fact_play",
        "ops.run",
        "ops.import_file",
    ],
)
def test_an_import_killed_within_a_statement_leaves_nothing(table, start, exports, database, ask, brapped, good_run):
    with locked(database, table):
        process = start(*exports)
        wait_for_lock(database, table)
        process.send_signal(signal.SIGKILL)
        process.wait()
    gone(ask)
    left = [("listening.fact_play", 0), ("listening.dim_listener", 0), ("listening.dim_track", 1), ("ops.run", 0)]
    assert [(name, *ask(f"select count(*) from {name}")[0]) for name, _ in left] == left
    ran = brapped(*exports)
    assert ran.returncode == 0 and " new, 0 known, " in ran.stdout, ran.stderr
    assert record_of(ask) == good_run
    assert ask("select job, outcome from ops.run") == [("import", "done")]


def test_an_import_killed_at_any_moment_and_run_again_is_one_good_run(start, brapped, exports, ask, good_run):
    chance = random.Random(20261121)
    left = []
    for delay_s in sorted(chance.uniform(0.02, 0.6) for _ in range(8)):  # the early ones die before it is all there
        process = start(*exports)
        time.sleep(delay_s)
        process.kill()
        process.wait()
        left.append(len(ask("select play_key from listening.fact_play")))
    assert left[0] == 0 and set(left) <= {0, len(good_run["facts"])}
    assert brapped(*exports).returncode == 0
    gone(ask)
    assert record_of(ask) == good_run


def test_an_import_killed_while_it_completes_what_is_known_leaves_that_as_it_was(
    start, brapped, made, tmp_path, database, ask, good_run
):
    extended, account = map(str, paths_of(made, tmp_path))
    brapped("import", account)
    before = ask("select ctid, xmin, fact_play.* from listening.fact_play order by ctid")
    with locked(database, "ops.run"):
        process = start("import", extended)
        wait_for_lock(database, "ops.run")
        process.kill()
        process.wait()
    gone(ask)
    assert ask("select ctid, xmin, fact_play.* from listening.fact_play order by ctid") == before
    assert brapped("import", extended).returncode == 0
    assert record_of(ask) == good_run


def test_an_import_that_is_asked_to_stop_stops_without_a_word_too_many(start, exports, database, ask):
    with locked(database, "listening.fact_play"):
        process = start(*exports)
        wait_for_lock(database, "listening.fact_play")
        process.terminate()
    out, said = process.communicate(timeout=60)
    assert process.returncode != 0 or ask("select count(*) from ops.run") == [(1,)]
    assert "Traceback" not in out + said and titles_in(out + said) == []


def test_two_imports_of_the_same_files_at_once(start, exports, ask, good_run):
    both = [start("import", "--json", *exports[1:]) for _ in range(2)]
    totals = []
    for process in both:
        out, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        totals.append(json.loads(out)["total"])
    assert record_of(ask) == good_run
    assert sorted(total["new_count"] for total in totals) == [0, len(good_run["facts"])]
    assert sorted(total["merged_count"] > 0 for total in totals) == [False, True]


def test_two_imports_of_different_exports_at_once(start, made, tmp_path, ask, good_run):
    both = [start("import", str(path)) for path in paths_of(made, tmp_path)]
    for process in both:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert record_of(ask) == good_run


def test_two_listeners_at_once_do_not_disturb_each_other(start, exports, ask, good_run):
    processes = [start(*exports, "--listener", listener) for listener in ("ann", "bea")]
    for process in processes:
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "")
    facts = whole_facts(ask)
    for listener in ("ann", "bea"):
        assert [row[1:] for row in facts if row[0] == listener] == [row[1:] for row in good_run["facts"]]


def test_two_first_imports_at_once_on_a_database_without_anything(
    empty_database, environment, start, exports, good_run
):
    environment["DATABASE_URL"] = empty_database
    for process in [start(*exports) for _ in range(2)]:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert record_of(lambda statement: asked(empty_database, statement)) == good_run


@pytest.mark.parametrize("table", ["listening.dim_track", "ops.import_file"])
def test_a_connection_cut_in_the_middle_is_made_anew_and_all_is_done_again(
    table, start, exports, database, ask, good_run
):
    with locked(database, table):
        process = start(*exports)
        assert asked(database, "select pg_terminate_backend(%s)", wait_for_lock(database, table)) == [(True,)]
    out, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "The database does not answer (try 1 of 6)\n")
    assert f" {len(good_run['facts'])} new, 0 known, " in out and "The listener is new here." in out
    assert record_of(ask) == good_run
    assert ask("select count(*), sum(received_count) from ops.run") == ask(
        "select 1, sum(new_count + known_count + merged_count + duplicate_count) from ops.import_file"
    )
    assert ask("select sum(new_count) from ops.import_file") == [(len(good_run["facts"]),)]


# Beside the hourly run.


@pytest.fixture
def hear(play, songs, tmp_path):
    """Ten plays that both Spotify's list and an export tell, and ten more of the export: the path of that export."""

    def heard_now() -> str:
        tracks = list(songs.tracks.values())[:20]
        ends = [ago(5 * number + 1) for number in range(20)]
        play(*(Play(track.id, at + timedelta(milliseconds=250)) for track, at in zip(tracks[:10], ends, strict=False)))
        rows = [
            {
                "ts": f"{at:%Y-%m-%dT%H:%M:%SZ}", "ms_played": 170_000 + number,
                "spotify_track_uri": f"spotify:track:{track.id}", "master_metadata_track_name": track.name,
            }
            for number, (track, at) in enumerate(zip(tracks, ends, strict=True))
        ]  # fmt: skip
        return str(write_zip(tmp_path / "played.zip", {"endsong_0.json": rows}))

    return heard_now


def both_told(ask) -> list[tuple]:
    return ask(
        "select sources, count(*), sum(ms_played) from listening.fact_play"
        " join listening.dim_play_profile using (play_profile_key) group by 1 order by 2, 3 desc"
    )


BOTH_TOLD = [
    (["extended_export"], 10, sum(range(170_010, 170_020))),
    (["extended_export", "recently_played"], 10, sum(range(170_000, 170_010))),
]


def test_an_import_while_plays_waits_for_spotify(start, brapped, hear, spotify, ask):
    export = hear()
    with spotify.holding(PAGE) as held:
        process = start("plays")
        assert held.arrived.wait(30)
        assert brapped("import", export).returncode == 0
        assert ask("select listener_id from listening.dim_listener") == [("me",)]
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert out.startswith("0 of 10 plays are new")
    assert both_told(ask) == BOTH_TOLD
    assert ask("select listener_id from listening.dim_listener") == [("account-of-ada",)]


def wait_for_two_waiting(ask, other) -> None:
    """Until another program waits too, or is done without."""
    for _ in range(150):
        if other.poll() is not None or ask("select count(*) from pg_locks where not granted") == [(2,)]:
            return
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("first", "table", "second"), [("plays", "ops.watermark", "import"), ("import", "ops.import_file", "plays")]
)
def test_an_import_and_plays_of_a_known_listener_at_once(first, table, second, start, brapped, hear, database, ask):
    brapped("plays")
    arguments = {"plays": ("plays",), "import": ("import", hear())}
    with locked(database, table):
        one = start(*arguments[first])
        wait_for_lock(database, table)
        other = start(*arguments[second])
        wait_for_two_waiting(ask, other)
    for process in (one, other):
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert both_told(ask) == BOTH_TOLD
    assert ask("select listener_id from listening.dim_listener") == [("account-of-ada",)]


def test_a_first_import_and_a_first_run_of_plays_at_once_are_of_one_listener(start, brapped, hear, database, ask):
    export = hear()
    with locked(database, "ops.import_file"):
        one = start("import", export)
        wait_for_lock(database, "ops.import_file")
        other = start("plays")
        wait_for_two_waiting(ask, other)
    for process in (one, other):
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    brapped("plays")
    assert ask("select listener_id from listening.dim_listener") == [("account-of-ada",)]
    assert both_told(ask) == BOTH_TOLD
