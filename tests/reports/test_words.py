"""What a report says where there is little to show, and what the commands refuse."""

import re
from datetime import timedelta

import pytest
from support import NOW
from support.cases import Song, exported
from support.export_files import write_folder

from etl.jobs.imports import import_exports

A, B = Song("A", "Song"), Song("B", "Tune", ("Bob",))


@pytest.fixture
def plays(settings, warehouse, tmp_path) -> None:
    """Ten plays in the days before NOW, of which Bob has five; the record ends with them."""
    rows = [exported(-400 * number, song) for number in range(1, 6) for song in (A, B)]
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)


def words(said: str) -> str:
    """Without the frames of the terminal, the marks of Markdown and of a page, and line breaks."""
    return re.sub(r"<[^>]+>|[│╭╮╰╯─*\\]|\s+", " ", said)


def spaced(said: str) -> str:
    return re.sub(r" +", " ", words(said))


# The history.


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_page_beyond_the_last_one_is_refused_and_the_last_one_named(form, plays, brapped):
    for arguments, last in (
        ((), 1),
        (("--limit", "4"), 3),
        (("--limit", "5"), 2),
        (("--limit", "4", "--artist", "bob"), 2),
    ):
        ran = brapped("report", "history", "--page", "99999", "--format", form, *arguments)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert ran.stderr == f"brapped: There is no page 99999; the last one is {last}.\n"
        assert brapped("report", "history", "--page", str(last), "--format", form, *arguments).returncode == 0


def test_of_a_history_without_plays_every_page_says_so(plays, brapped):
    ran = brapped("report", "history", "--page", "3", "--since", "2031-01-01")
    assert (ran.returncode, ran.stderr) == (0, "") and "Not recorded yet." in ran.stdout


def test_a_name_is_looked_up_in_the_whole_record_whatever_the_span(plays, brapped):
    ran = brapped("report", "history", "--artist", "bob", "--since", "2025-01-01", "--until", "2025-01-31")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Bob" in ran.stdout and "Not recorded: the record begins on" in ran.stdout
    ran = brapped("report", "history", "--track", "tune", "--since", "2025-01-01", "--until", "2025-01-31")
    assert (ran.returncode, ran.stderr) == (0, "") and "Tune" in ran.stdout


def test_an_artist_without_plays_in_recorded_days_has_no_plays_in_these_days(settings, warehouse, brapped, tmp_path):
    """Each day of the span is recorded, so that nothing but the artist is missing."""
    rows = [exported(-86_400 * number, A) for number in range(9)] + [exported(-86_400 * 9, B)]
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    span = "--since", f"{NOW - timedelta(days=4):%F}", "--until", f"{NOW - timedelta(days=2):%F}"
    ran = brapped("report", "history", "--artist", "bob", *span)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "No plays in these days." in ran.stdout and "Nothing was played" not in ran.stdout


@pytest.mark.parametrize(
    "arguments",
    [("report", "artist"), ("report", "track"), ("report", "history", "--artist"), ("report", "history", "--track")],
)
def test_a_name_that_nothing_recorded_has_is_refused_as_a_search_says_it(arguments, plays, brapped):
    ran = brapped(*arguments, "zzzzzz")
    what = "track" if "track" in arguments[-1] else "artist"
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"brapped: No {what} among the recorded plays has a name like this.\n"


def test_an_artist_of_whom_no_play_counts_is_found_and_has_no_plays(settings, warehouse, brapped, tmp_path):
    rows = [exported(0, A), {**exported(-60, B), "ms_played": 5_000}]
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    for name in (("artist", "bob"), ("track", "tune")):
        ran = brapped("report", *name)
        assert (ran.returncode, ran.stderr) == (0, "") and "No play meets --min." in ran.stdout


# Spans to come.


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("wrapped", "2031"),
        ("top", "artists", "--year", "2031"),
        ("top", "genres", "--year", "2031"),
        ("top", "tracks", "--since", "2031-01-01"),
        ("history", "--since", "2031-01-01"),
        ("history", "--artist", "bob", "--since", "2031-01-01"),
        ("daily", "--date", "2031-01-01"),
    ],
    ids=" ".join,
)
def test_of_days_to_come_nothing_is_said_but_that_they_are_not_recorded_yet(arguments, form, plays, brapped):
    said = brapped("report", *arguments, "--format", form).stdout
    assert "Not recorded yet." in spaced(said)
    assert not re.search(
        r"Nothing was played|No plays|not known|No genre", re.sub(r"Not known: the record", "", spaced(said))
    )
    assert "<p></p>" not in said and '<p class="note"></p>' not in said


# What the commands refuse.


def test_a_whole_history_has_no_pages(plays, brapped, tmp_path):
    for form in ("csv", "json", "extended"):
        for page in ("1", "2"):
            ran = brapped("report", "history", "--format", form, "--page", page)
            assert (ran.returncode, ran.stdout) == (2, "")
            assert f"{form} has no pages: leave out --page, or use text, markdown or html" in spaced(ran.stderr)
    path = tmp_path / "history.csv"
    ran = brapped("report", "history", "--page", "2", "--output", str(path))
    assert ran.returncode == 2 and "csv has no pages" in spaced(ran.stderr) and not path.exists()


@pytest.mark.parametrize(
    ("form", "ending"),
    [("csv", "json"), ("json", "html"), ("text", "md"), ("markdown", "TXT"), ("html", "csv"), ("extended", "csv")],
)
def test_a_format_and_an_ending_that_contradict_each_other_are_refused(form, ending, plays, brapped, tmp_path):
    path = tmp_path / f"report.{ending}"
    commands: list[tuple[str, ...]] = [("report", "history")]
    if form != "extended":
        commands += [("report", "daily"), ("report", "top", "tracks"), ("report", "wrapped"), ("search", "song")]
    for command in commands:
        ran = brapped(*command, "--format", form, "--output", str(path))
        assert (ran.returncode, ran.stdout, path.exists()) == (2, "", False)
        said = f"--format {form} and the ending .{ending.lower()} of --output contradict each other: leave one out."
        assert said in spaced(ran.stderr)


@pytest.mark.parametrize(
    ("form", "name"),
    [("extended", "a.json"), ("html", "a.htm"), ("csv", "a.CSV"), ("json", "a.data"), ("markdown", "a"), ("csv", "-")],
)
def test_a_format_and_an_ending_that_agree_or_say_nothing_are_taken(form, name, plays, brapped, tmp_path):
    ran = brapped("report", "history", "--format", form, "--output", name if name == "-" else str(tmp_path / name))
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("top", "tracks", "--limit", "abc"), "'--limit': write a whole number"),
        (("top", "tracks", "--limit", "1.5"), "'--limit': write a whole number"),
        (("top", "tracks", "--limit", "9" * 5000), "'--limit': write a whole number"),
        (("top", "tracks", "--limit", "0"), "'--limit': it has to be at least 1"),
        (("top", "tracks", "--limit", "1000001"), "'--limit': it has to be at most 1000000"),
        (("wrapped", "abc"), "'year': write a whole number"),
        (("wrapped", "1999"), "'year': it has to be at least 2002"),
        (("top", "songs"), "'what': 'songs' is not one of 'tracks', 'artists'"),
        (("daily", "--min", "1m"), "'--min': '1m' is not one of '30s', 'half', 'full', 'all'."),
        (("history", "--format", "xml"), "'--format': 'xml' is not one of 'text'"),
        (("history", "--since", "soon"), "write a day as 2026-11-20, today or yesterday"),
        (("daily", "--output", ""), "'--output': write the name of a file, or - for standard output"),
        (("history", "--output", "/"), "'--output': write the name of a file, or - for standard output"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_a_value_is_refused_in_plain_words(arguments, said, brapped):
    ran = brapped("report", *arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in spaced(ran.stderr)
    assert not re.search(r"Value error|Input should|parse", ran.stderr)


def test_a_search_refuses_a_value_in_plain_words_too(brapped):
    ran = brapped("search", "song", "--limit", "many")
    assert ran.returncode == 2 and "'--limit': write a whole number" in spaced(ran.stderr)
