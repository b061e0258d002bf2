"""`brapped exclude …` as a person meets it: what it says before and after, and what it refuses."""

import json

import pytest
from support.cases import Song, exported
from support.export_files import write_folder

A, B = Song("A", "Song"), Song("B", "Tune\x1b[31m", ("Bob",))


@pytest.fixture
def plays(brapped, tmp_path) -> None:
    """Five plays by Ann and four by Bob, of which one is short."""
    rows = [exported(-400 * number, A) for number in range(1, 6)]
    rows += [exported(-400 * number - 200, B, 5_000 if number == 1 else 100_000) for number in range(1, 5)]
    folder = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": rows})
    assert brapped("import", str(folder)).returncode == 0


def said(ran) -> list[str]:
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()


def sentence(ran) -> str:
    """What it said, however it was broken into lines."""
    return " ".join(" ".join(said(ran)).split())


def test_a_rule_is_tried_made_listed_and_removed(plays, brapped):
    whole = brapped("report", "top", "tracks", "--format", "json").stdout
    rule = ("exclude", "add", "--artist", "bob", "--note", "my brother's")
    effect = "artist Bob: 3 plays, 5 min, and 1 of less than 30 s"
    assert sentence(brapped(*rule, "--dry-run")) == f"Would leave out {effect}. Nothing was changed."
    assert said(brapped("exclude", "list")) == [
        "Nothing is left out: there is no rule. Make one with: brapped exclude add"
    ]
    first, second = said(brapped(*rule))
    number = second.rpartition(" ")[2]
    assert number == "1"  # trying it took no number
    assert first == f"Rule {number} leaves out {effect}."
    assert second == f"They stay recorded. To count them again: brapped exclude remove {number}"
    assert said(brapped("exclude", "list")) == [
        f"{number}  artist Bob", "   3 plays, 5 min, and 1 of less than 30 s", "   my brother's"
    ]  # fmt: skip
    [listed] = json.loads(brapped("exclude", "list", "--json").stdout)
    assert (listed["number"], listed["play_count"], listed["note"]) == (int(number), 3, "my brother's")
    for form in ("text", "markdown", "html", "json"):
        shown = brapped("report", "top", "tracks", "--format", form).stdout
        assert "Bob" not in shown
        assert ('"play_count": 3' if form == "json" else "Left out by a rule: 3 plays, 5 min.") in shown
        assert "Bob" in brapped("report", "top", "tracks", "--format", form, "--with-excluded").stdout
    history = said(brapped("report", "history"))
    assert sum(line.rstrip().endswith("left out") for line in history) == 4
    refused = brapped("report", "artist", "bob")
    assert refused.returncode == 1 and "is left out by a rule (brapped exclude list)" in refused.stderr
    line = said(brapped("exclude", "remove", number, "--dry-run"))[0]
    assert line.startswith("Nothing was changed.")
    removed = f"Rule {number} is removed (artist Bob): 3 plays, 5 min, and 1 of less than 30 s count again."
    assert sentence(brapped("exclude", "remove", number)) == removed
    again = brapped("report", "top", "tracks", "--format", "json").stdout
    assert [line for line in again.splitlines() if "made_at" not in line] == [
        line for line in whole.splitlines() if "made_at" not in line
    ]


def test_a_title_can_not_control_the_terminal(plays, brapped):
    line = sentence(brapped("exclude", "add", "--track", "tune", "--dry-run"))
    assert "\x1b" not in line and line.startswith("Would leave out track Tune")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from-hour", "22"), "--from-hour and --until-hour belong together"),
        (("--from-hour", "25", "--until-hour", "3"), "write an hour from 0 to 23, or a time"),
        (("--from-hour", "7", "--until-hour", "07:00"), "are the same"),
        (("--from-hour", "22", "--until-hour", "24"), "midnight is 0"),
        (("--weekday", "someday"), "'someday' is no weekday"),
        (("--weekday", "sat,samstag"), "'samstag' is no weekday"),
        ((), "a rule needs a condition"),
        (("--artist", "Ann", "--artist", "Bob"), "--artist is given more than once, and takes one value"),
        (("--since", "yesterday"), "a rule holds on"),
        (("--since", "2026-02-30"), "write a day as 2026-11-20"),
        (("--since", "2026-03-01", "--until", "2026-02-01"), "--until is before --since"),
    ],
)
def test_a_wrong_condition_is_refused_as_a_wrong_command_line(arguments, words, brapped):
    ran = brapped("exclude", "add", *arguments)
    assert (ran.returncode, ran.stdout) == (2, "") and words in " ".join(ran.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "--artist", "zzz"), "No artist among the recorded plays has a name like this."),
        (
            ("add", "--device", "iPod"),
            "No device among the recorded plays has a name like this. The most played:\n  ios",
        ),
        (("add", "--genre", "pop"), "No genre among the recorded plays has a name like this."),
        (("add", "--show", "zzz"), "No show among the recorded plays has a name like this."),
        (("add", "--album", "zzz"), "has a name like this. The most played:\n  Album by Ann\n  Album by Bob"),
        (("add", "--album", "Album"), "Name one as it stands here, or by its id:\n  Album by Ann\n  Album by Bob"),
        (("add", "--album", "album by bob", "--show", "Album"), "an album or a show, not both"),
        (("add", "--artist", "bob", "--note", "x" * 501), "The note may have at most 500 characters"),
        (("remove", "7"), "There is no rule 7."),
        (("list", "--listener", "nobody"), "No listener with this name or id is recorded here."),
    ],
)
def test_what_can_not_be_done_is_said_and_changes_nothing(arguments, words, plays, brapped):
    ran = brapped("exclude", *arguments)
    assert (ran.returncode, ran.stdout) == (1, "") and words in ran.stderr
    assert "no rule" in brapped("exclude", "list").stdout


@pytest.fixture
def namesakes(brapped, tmp_path) -> None:
    """Artists and tracks whose names are near each other, the longer names played more; and one with short plays only."""
    songs = [
        (Song("A", "Rain", ("Ann Inkpen",)), 2, 200_000),
        (Song("B", "Rain again", ("Wanda Ann Inkpen",)), 4, 200_000),
        (Song("C", "Blink", ("Brief",)), 2, 5_000),
        (Song("D", "Blinking", ("Briefly",)), 3, 200_000),
    ]
    rows = [
        exported(-700 * number - 100_000 * place, song, ms)
        for place, (song, count, ms) in enumerate(songs)
        for number in range(1, count + 1)
    ]
    folder = write_folder(tmp_path / "namesakes", {"Streaming_History_Audio_2026.json": rows})
    assert brapped("import", str(folder)).returncode == 0


def test_a_name_that_is_left_out_is_not_taken_for_another(namesakes, brapped):
    said(brapped("exclude", "add", "--artist", "ann inkpen"))
    for asked in (
        ("artist", "Ann Inkpen"),
        ("artist", "ann inkpén"),
        ("track", "rain"),
        ("track", "Rain by Ann Inkpen"),
    ):
        ran = brapped("report", *asked)
        assert (ran.returncode, ran.stdout) == (1, "") and "left out by a rule" in ran.stderr
        assert said(brapped("report", *asked, "--with-excluded"))[0].strip("# ") in ("Ann Inkpen", "Rain")
    assert said(brapped("report", "artist", "wanda ann inkpen"))[0].strip("# ") == "Wanda Ann Inkpen"
    assert said(brapped("report", "artist", "wanda"))[0].strip("# ") == "Wanda Ann Inkpen"
    for condition in (("--artist", "Ann Inkpen"), ("--track", "rain")):
        [section] = json.loads(brapped("report", "history", *condition, "--format", "json").stdout)["sections"]
        assert [(row["track_name"], row["is_excluded"]) for row in section["rows"]] == [("Rain", True)] * 2
        assert said(brapped("report", "history", *condition))[0].startswith("Everything played, ")


def test_a_name_whose_plays_are_short_is_not_taken_for_another(namesakes, brapped):
    assert said(brapped("report", "artist", "brief"))[0].strip("# ") == "Brief"
    assert said(brapped("report", "track", "blink"))[0].strip("# ") == "Blink"
    assert said(brapped("report", "artist", "briefl"))[0].strip("# ") == "Briefly"


def test_what_several_rules_leave_out_counts_again_with_the_last(plays, brapped):
    assert said(brapped("exclude", "add", "--artist", "Ann"))[0] == "Rule 1 leaves out artist Ann: 5 plays, 17 min."
    for refused in (("--artist", "ann"), ("--track", "zzz"), ("--artist", "Ann", "--note", "x" * 501)):
        assert brapped("exclude", "add", *refused).returncode == 1
    added = sentence(brapped("exclude", "add", "--track", "Song"))
    assert added.startswith(
        "Rule 2 leaves out track Song by Ann: 5 plays, 17 min (all of them other rules leave out, too)."
    )
    tried = sentence(brapped("exclude", "remove", "2", "--dry-run"))
    assert tried.endswith("Nothing would count again: 5 plays would stay left out by other rules.")
    removed = "Rule 2 is removed (track Song by Ann): Nothing counts again: 5 plays stay left out by other rules."
    assert sentence(brapped("exclude", "remove", "2")) == removed
    assert json.loads(brapped("report", "top", "tracks", "--format", "json").stdout)["left_out"]["play_count"] == 5
    said(brapped("exclude", "add", "--weekday", "mon,tue,wed,thu,fri,sat,sun"))
    removed = "Rule 1 is removed (artist Ann): Nothing counts again: 5 plays stay left out by other rules."
    assert sentence(brapped("exclude", "remove", "1")) == removed
    [listed] = json.loads(brapped("exclude", "list", "--json").stdout)
    assert (listed["listen_count"], listed["own_listen_count"]) == (9, 9)


def test_a_rule_that_fits_nothing_says_so(plays, brapped):
    words = sentence(brapped("exclude", "add", "--since", "2030-01-01"))
    assert "Nothing played so far fits; it holds for what comes later." in words and "They stay" not in words
    assert "It left nothing out." in sentence(brapped("exclude", "remove", "1"))


def test_recordings_count_what_rules_leave_out(plays, brapped):
    before = said(brapped("recordings", "show", "Song"))
    assert before[0] == "Song by Ann is a recording of its own: 1 track, 5 plays, 17 min"
    said(brapped("exclude", "add", "--artist", "Ann"))
    assert said(brapped("recordings", "show", "Song")) == before
    assert json.loads(brapped("recordings", "show", "Song", "--json").stdout)[0]["play_count"] == 5


def test_a_search_and_a_top_say_where_rules_leave_everything_out(plays, brapped):
    said(brapped("exclude", "add", "--artist", "Ann"))
    assert "--with-excluded also looks among what rules leave out" in sentence(brapped("search", "zzzz"))
    said(brapped("exclude", "add", "--artist", "Bob"))
    assert "Nothing is left: rules leave plays out." in sentence(brapped("report", "top", "artists"))
    day = json.loads(brapped("report", "top", "tracks", "--with-excluded", "--format", "json").stdout)
    assert day["left_out"]["play_count"] == 8
