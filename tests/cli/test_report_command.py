"""`brapped report …` and `brapped search` as a person meets them: what they print, where it goes, what they refuse."""

import csv
import io
import json
import os
import re
from datetime import UTC, date, datetime

import pytest
from support import NOW, ago, listener_known
from support.export_files import write_folder

from etl.cli.report import report as commands
from etl.reports.formats.output import keep, show
from etl.reports.request import ReportContext
from etl.simulator.routes import Play

MARK = "Qwertz-Nobody-May-See"


def listen(
    minutes: float, name: str | None = "Song", by: str | None = "Ann", letter: str = "A", ms: int = 200_000, **others
) -> dict:
    return {
        "ts": f"{ago(minutes):%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": ms,
        "spotify_track_uri": f"spotify:track:{letter * 22}",
        "master_metadata_track_name": name,
        "master_metadata_album_artist_name": by,
        "master_metadata_album_album_name": "Album",
        "reason_end": "trackdone",
        **others,
    }


@pytest.fixture
def import_rows(brapped, tmp_path):
    """Rows of an extended export, imported by the command: `import_rows(listen(5), …)`."""

    def imported(*rows: dict, listener: str | None = None, **changes: str) -> None:
        path = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": list(rows)})
        ran = brapped("import", str(path), *(["--listener", listener] if listener else []), **changes)
        assert ran.returncode == 0, ran.stderr

    return imported


ALL = [("daily",), ("top", "tracks"), ("wrapped",), ("artist", "x"), ("track", "x"), ("history",)]


@pytest.mark.parametrize("arguments", ALL, ids=lambda arguments: arguments[0])
def test_an_empty_database_gives_a_report_that_says_so_kindly(arguments, brapped):
    ran = brapped("report", *arguments)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("Nothing is recorded yet") and "brapped import" in ran.stdout
    assert json.loads(brapped("report", *arguments, "--format", "json").stdout)["sections"] == []


def test_search_in_an_empty_database_too(brapped):
    assert brapped("search", "x").stdout.startswith("Nothing is recorded yet")


@pytest.mark.parametrize(
    "name", [command.callback.__name__ for command in commands.registered_commands if command.callback]
)
def test_every_report_has_help_with_an_example(name, brapped):
    ran = brapped("report", name, "--help")
    assert ran.returncode == 0
    assert f"Example: brapped report {name}" in re.sub(r"\s+", " ", ran.stdout)
    assert max(map(len, ran.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("zone", "date_option", "day", "plays"),
    [
        ("Pacific/Auckland", "today", date(2026, 11, 20), 3),  # there it is 22:20
        ("Pacific/Honolulu", "today", date(2026, 11, 19), 3),  # and here 23:20 of the day before
        ("Europe/Berlin", "today", date(2026, 11, 20), 2),
        ("Europe/Berlin", "yesterday", date(2026, 11, 19), 1),
        ("Europe/Berlin", "2026-11-19", date(2026, 11, 19), 1),
    ],
)
def test_the_day_is_that_of_the_listeners_clock(
    zone, date_option, day, plays, warehouse, settings, import_rows, tmp_path
):
    """NOW is 09:20 in UTC."""
    import_rows(listen(5), listen(60 * 8), listen(60 * 20), TIME_ZONE=zone)

    def answer(ask):
        on = ask.day(date_option)
        return ask.reporter(since_date=on, until_date=on).daily(on)

    output = tmp_path / "day.json"
    settings = settings.model_copy(update={"time_zone": zone})
    show(warehouse, settings, "daily", answer, None, "json", output, clock=lambda: NOW)
    report = json.loads(output.read_text())
    assert (report["since_date"], report["until_date"], report["time_zone"]) == (str(day), str(day), zone)
    first = report["sections"][0]["rows"][0]
    assert (first["day_label"], first["local_date"], first["play_count"]) == ("this day", str(day), plays)


def test_what_counts_as_a_play_is_one_parameter_everywhere(brapped, import_rows):
    import_rows(
        listen(10, ms=200_000),
        listen(20, ms=250_000, reason_end="fwdbtn"),
        listen(30, ms=31_000, reason_end="fwdbtn"),
        listen(40, ms=2_000, reason_end="fwdbtn"),
    )
    counted = {
        counts_as: json.loads(brapped("report", "top", "tracks", "--min", counts_as, "--format", "json").stdout)
        for counts_as in ("30s", "half", "full", "all")
    }
    assert {counts_as: made["sections"][0]["rows"][0]["play_count"] for counts_as, made in counted.items()} == {
        "30s": 3,
        "half": 2,
        "full": 1,
        "all": 4,
    }
    for arguments in (("daily", "--date", f"{NOW:%F}"), ("wrapped",), ("artist", "ann"), ("track", "song")):
        made = json.loads(brapped("report", *arguments, "--min", "full", "--format", "json").stdout)
        assert made["counts_as"] == "full"
        plays = [row["play_count"] for part in made["sections"] for row in part["rows"] if row.get("play_count")]
        assert plays and set(plays) == {1}, arguments
    assert '"play_count": 2,' in brapped("search", "song", "--min", "half", "--format", "json").stdout


def test_a_file_gets_the_format_of_its_name_and_the_terminal_no_title(brapped, import_rows, tmp_path):
    import_rows(listen(5, name=MARK))
    beginnings = {
        "day.txt": "Friday",
        "day.md": "# Friday",
        "day.json": "{",
        "day.csv": "section,",
        "day.html": "<!doctype html>",
    }
    for name, beginning in beginnings.items():
        path = tmp_path / name
        ran = brapped("report", "daily", "--date", "2026-11-20", "--output", str(path))
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"Written: {path}\n", "")
        text = path.read_text(encoding="utf-8")
        assert text.lower().startswith(beginning.lower()) and MARK in text
    brapped("report", "daily", "--output", str(tmp_path / "day.out"), "--format", "csv")
    assert (tmp_path / "day.out").read_text().startswith("section,")


def test_a_new_file_has_the_permissions_that_any_program_gives_it(tmp_path):
    for mask in (0o022, 0o077):
        masked = os.umask(mask)
        try:
            keep(io.StringIO("a report"), tmp_path / f"{mask}.txt")
        finally:
            os.umask(masked)
        assert (tmp_path / f"{mask}.txt").stat().st_mode & 0o777 == 0o666 & ~mask
    assert sorted(file.name for file in tmp_path.iterdir()) == ["18.txt", "63.txt"]


def test_a_link_stays_one_and_a_private_file_private(brapped, import_rows, tmp_path):
    import_rows(listen(5))
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    assert brapped("report", "daily", "--output", str(link)).returncode == 0
    assert link.is_symlink() and real.read_text() != "old" and real.stat().st_mode & 0o777 == 0o600


def test_of_several_listeners_the_one_who_is_logged_in_is_meant_and_no_log_names_the_others(
    brapped, import_rows, play, songs, warehouse
):
    import_rows(listen(5, name="Hers"), listener="partner-of-ada")
    import_rows(listen(5, name="His", letter="B"), listener="brother-of-ada")
    ran = brapped("report", "top", "tracks", GITHUB_ACTIONS="true")
    assert (ran.returncode, "of-ada" in ran.stdout + ran.stderr) == (1, False)
    [(track_id, track)] = list(songs.tracks.items())[:1]
    play(Play(track_id, ago(5)))
    brapped("plays")
    assert track.name in brapped("report", "top", "tracks", "--format", "csv").stdout


def test_nothing_of_a_track_is_in_the_repr_of_its_report(import_rows, warehouse):
    import_rows(listen(5, name=MARK, by=MARK), listen(6, name=f"{MARK} again", by=MARK, letter="B"))
    for answer in (lambda ask: ask.reporter().track(MARK), lambda ask: ask.reporter().artist(MARK)):
        made = warehouse.transaction(
            lambda connection, answer=answer: answer(ReportContext(connection, listener_known(connection, None), NOW))
        )
        assert MARK in made.title and MARK not in repr(made)


def test_a_search_counts_all_ids_of_a_recording_whatever_they_are_called(brapped, import_rows, ask):
    import_rows(listen(5, "Feeling Good"), listen(50, "Feeling Good"), listen(100, "Sentirse Bien", letter="B"))
    ask(
        "update listening.dim_track set recording_key = (select min(track_key) from listening.dim_track where track_key > 0) where track_key > 0"
    )
    rows = json.loads(brapped("search", "feeling", "--format", "json").stdout)["sections"][1]["rows"]
    assert [(row["track_name"], row["play_count"]) for row in rows] == [("Feeling Good", 3)]


def test_what_cannot_be_written_is_said_before_any_work(brapped, tmp_path):
    for path, why in ((tmp_path / "no" / "day.txt", "there is no such folder"), (tmp_path, "it is a folder")):
        ran = brapped("report", "daily", "--output", str(path))
        assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", f"brapped: {path} can't be written: {why}.\n")


def test_a_report_that_fails_leaves_the_old_file_alone(brapped, import_rows, tmp_path):
    import_rows(listen(5))
    path = tmp_path / "artist.json"
    brapped("report", "artist", "ann", "--output", str(path))
    before = path.read_text()
    ran = brapped("report", "artist", "zzzzzz", "--output", str(path))
    assert (ran.returncode, ran.stderr) == (
        1,
        "brapped: No artist among the recorded plays has a name like this.\n",
    )
    assert path.read_text() == before and [file.name for file in tmp_path.glob("*.part")] == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such thing as /dev/stdout here")
def test_a_device_can_be_written_to(brapped, import_rows):
    import_rows(listen(5))
    ran = brapped("report", "daily", "--output", "/dev/null")
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("daily", "--date", "20.11.2026"), "2026-11-20"),
        (("top", "songs"), "songs"),
        (("top", "tracks", "--min", "1m"), "1m"),
        (("top", "tracks", "--limit", "0"), "it has to be at least 1"),
        (("top", "tracks", "--month", "2026-13"), "2026-11"),
        (("top", "tracks", "--year", "2026", "--since", "2026-01-01"), "exclude each other"),
        (("history", "--format", "extended", "--artist", "x"), "extended"),
        (("history", "--since", "soon"), "2026-11-20"),
        (("history", "--until", "9999-12-31"), "2002 to 9998"),
        (("top", "tracks", "--month", "9999-12"), "2002 to 9998"),
        (("artist", " "), "a name"),
        (("history", "--page", "0"), "it has to be at least 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_call_is_explained_and_exits_with_two(arguments, word, brapped):
    ran = brapped("report", *arguments)
    assert ran.returncode == 2 and ran.stdout == ""
    assert word in re.sub(r"[│╭╮╰╯─]|\s+", " ", ran.stderr)


def test_a_span_that_ends_before_it_begins_is_refused(brapped, import_rows):
    import_rows(listen(5))
    ran = brapped("report", "history", "--since", "2026-02-01", "--until", "2026-01-01")
    assert ran.returncode == 2 and "--until is before --since" in ran.stderr


def test_an_artist_who_stands_twice_in_a_credit_is_counted_once_and_outranks_nobody(brapped, import_rows, ask):
    """By name alone, as the exports have it, and by id, as Spotify: the one stands for the other."""
    import_rows(listen(5), listen(10), *(listen(minutes, "Other", "Bob", "B") for minutes in (20, 30, 40)))
    ask("insert into listening.dim_artist (artist_id, artist_name) values (%s, 'Ann')", "A" * 22)
    ask(
        "insert into listening.bridge_track_artist select track_key, artist_key, 2, 'featured', 0.5"
        " from listening.dim_track, listening.dim_artist where track_name = 'Song' and artist_id is not null"
    )
    for name, plays, rank in (("ann", 2, 2), ("bob", 3, 1)):
        parts = json.loads(brapped("report", "artist", name, "--format", "json").stdout)["sections"]
        numbers, years, _, tracks = (part["rows"] for part in parts)
        assert [(row["year_rank"], row["play_count"], row["featured_play_count"]) for row in years] == [
            (rank, plays, 0)
        ]
        assert (numbers[0]["play_count"], numbers[0]["main_play_count"]) == (plays, plays)
        assert [(row["artist_role"], row["play_count"]) for row in tracks] == [("main", plays)]
    top = json.loads(brapped("report", "top", "artists", "--format", "json").stdout)["sections"][0]["rows"]
    assert [(row["artist_name"], row["play_count"]) for row in top] == [("Bob", 3), ("Ann", 2)]


def test_two_listeners_are_told_apart(brapped, import_rows):
    import_rows(listen(5, name="Hers"), listener="ada")
    import_rows(listen(5, name="His", letter="B"), listener="bert")
    ran = brapped("report", "top", "tracks")
    assert ran.returncode == 1 and "--listener with one of ada, bert" in ran.stderr
    for listener, own, other in (("ada", "Hers", "His"), ("bert", "His", "Hers")):
        for arguments in (("report", "top", "tracks"), ("report", "history"), ("search", "h", "--min", "all")):
            text = brapped(*arguments, "--listener", listener).stdout
            assert own in text and other not in text, arguments
    ran = brapped("report", "top", "tracks", "--listener", "nobody")
    assert (ran.returncode, ran.stderr) == (1, "brapped: No listener with this name or id is recorded here.\n")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Bjork", "Björk"),
        ("BJÖRK", "Björk"),
        ("bjorkk", "Björk"),
        ("sigur ros", "Sigur Rós"),
        ("кино", "Кино"),
        ("宇多田", "宇多田ヒカル"),
    ],
)
def test_search_forgives_accents_case_and_slips(words, found, brapped, import_rows):
    names = ("Björk", "Sigur Rós", "Кино", "宇多田ヒカル", "Abba")
    import_rows(
        *(
            listen(number, f"Song {number}", name, letter)
            for number, (name, letter) in enumerate(zip(names, "ABCDE", strict=True))
        )
    )
    parts = json.loads(brapped("search", words, "--format", "json").stdout)["sections"]
    assert [row["artist_name"] for row in parts[0]["rows"]][:1] == [found]
    assert [row["artist_names"] for row in parts[1]["rows"]][:1] == [found]


def test_search_finds_a_title_by_its_words_and_by_its_artist(brapped, import_rows):
    import_rows(
        listen(1, "Feeling Good", "Nina Simone"),
        listen(2, "Feeling Good", "Muse", "B"),
        listen(3, "Sinnerman", "Nina Simone", "C"),
    )
    rows = json.loads(brapped("search", "nina simon feeling good", "--format", "json").stdout)["sections"][1]["rows"]
    assert (rows[0]["track_name"], rows[0]["artist_names"]) == ("Feeling Good", "Nina Simone")
    assert rows[0]["track_url"] == f"https://open.spotify.com/track/{'A' * 22}"
    assert "No match among the plays that are recorded." in brapped("search", "nothing like it at all").stdout


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("love", ["Love", "Love Me Do", "All You Need Is Love", "Glove"]),  # as it is, at first, within
        ("love me", ["Love Me Do"]),  # and not what is like it
        ("need love", ["All You Need Is Love"]),
        ("beatles love", ["Love Me Do", "All You Need Is Love"]),  # of artist and title, in any order
        ("do me love beatles", ["Love Me Do"]),
        ("lovve", ["All You Need Is Love", "Love", "Love Me Do"]),  # nothing has it: what is like it
        ("100%", ["100% Pure"]),
        ("0% P", ["100% Pure"]),
        ("%", ["100% Pure"]),
        ("a_b", ["a_b"]),
        ("serial", ["The Alibi"]),  # an episode by its show
        ("alibi serial", ["The Alibi"]),
        ("love me ", ["Love Me Do"]),  # whatever stands around it
    ],
)
def test_a_search_is_for_all_the_words_and_only_if_nothing_has_them_for_what_is_like_them(
    words, titles, brapped, import_rows
):
    songs = [("Love Me Do", "The Beatles"), ("All You Need Is Love", "The Beatles"), ("Glove", "Ann"), ("Love", "Bob"),
             ("100% Pure", "Cyd"), ("1000 Pure", "Cyd"), ("a_b", "Dan"), ("axb", "Dan")]  # fmt: skip
    import_rows(
        *(
            listen(number, name, by, spotify_track_uri=f"spotify:track:{number:022}")
            for number, (name, by) in enumerate(songs)
        ),
        listen(
            50, None, None, master_metadata_album_album_name=None, spotify_track_uri=None, episode_name="The Alibi",
            episode_show_name="Serial", spotify_episode_uri=f"spotify:episode:{50:022}",
        ),
    )  # fmt: skip
    rows = json.loads(brapped("search", words, "--format", "json").stdout)["sections"][1]["rows"]
    assert [row["track_name"] for row in rows] == titles


def test_history_in_csv_goes_into_a_pipe_as_a_whole(brapped, import_rows):
    import_rows(
        *(listen(number, f"Song {number}", spotify_track_uri=f"spotify:track:{number:022}") for number in range(55))
    )
    rows = list(csv.DictReader(brapped("report", "history", "--format", "csv").stdout.splitlines()))
    assert [row["track_name"] for row in rows] == [f"Song {number}" for number in range(55)]
    assert "Older plays: page 2 (--page 2)." in brapped("report", "history").stdout
    assert "Older" not in brapped("report", "history", "--page", "2").stdout


@pytest.mark.parametrize("is_first", [True, False])
def test_the_hourly_run_hands_on_whether_the_report_of_the_morning_is_due(is_first, brapped, play, songs, tmp_path):
    """At any hour after six, unless a run since six has already done so; tests/jobs/test_plays.py tries every hour."""
    play(Play(next(iter(songs.tracks)), ago(5)))
    github_output = tmp_path / "output"
    github_output.write_text("before=1\n")
    # A time zone in which it is noon. The signs of Etc/GMT are the opposite of the usual ones.
    zone = f"Etc/GMT{12 - datetime.now(UTC).hour:+d}".replace("+", "*").replace("-", "+").replace("*", "-")
    if not is_first:
        brapped("plays", TIME_ZONE=zone, GITHUB_OUTPUT=str(tmp_path / "first"))
    assert brapped("plays", GITHUB_OUTPUT=str(github_output), TIME_ZONE=zone).returncode == 0
    lines = [line for line in github_output.read_text().splitlines() if not line.startswith("alerts=")]
    assert lines == ["before=1", f"report_due={str(is_first).lower()}"]
