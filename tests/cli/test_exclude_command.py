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


def test_a_rule_is_tried_made_listed_and_removed(plays, brapped):
    whole = brapped("report", "top", "tracks", "--format", "json").stdout
    rule = ("exclude", "add", "--artist", "bob", "--note", "my brother's")
    effect = "artist Bob: 3 plays, 0.1 h, and 1 of less than 30 s"
    assert said(brapped(*rule, "--dry-run")) == [f"Would leave out {effect}. Nothing was changed."]
    assert said(brapped("exclude", "list")) == [
        "Nothing is left out: there is no rule. Make one with: brapped exclude add"
    ]
    first, second = said(brapped(*rule))
    number = second.rpartition(" ")[2]
    assert first == f"Rule {number} leaves out {effect}."
    assert second == f"They stay recorded. To count them again: brapped exclude remove {number}"
    assert said(brapped("exclude", "list")) == [
        f"{number}  artist Bob", "   3 plays, 0.1 h, and 1 of less than 30 s", "   my brother's"
    ]  # fmt: skip
    [listed] = json.loads(brapped("exclude", "list", "--json").stdout)
    assert (listed["number"], listed["play_count"], listed["note"]) == (int(number), 3, "my brother's")
    for form in ("text", "markdown", "html", "json"):
        shown = brapped("report", "top", "tracks", "--format", form).stdout
        assert "Bob" not in shown
        assert ('"play_count": 3' if form == "json" else "Left out by 1 rule: 3 plays, 5 min.") in shown
        assert "Bob" in brapped("report", "top", "tracks", "--format", form, "--with-excluded").stdout
    history = said(brapped("report", "history"))
    assert sum(line.rstrip().endswith("left out") for line in history) == 4
    refused = brapped("report", "artist", "bob")
    assert refused.returncode == 1 and "is left out by a rule (brapped exclude list)" in refused.stderr
    [line] = said(brapped("exclude", "remove", number, "--dry-run"))
    assert line.startswith("Nothing was changed.")
    assert said(brapped("exclude", "remove", number)) == [
        f"Rule {number} is removed (artist Bob): 3 plays, 0.1 h, and 1 of less than 30 s count again."
    ]
    again = brapped("report", "top", "tracks", "--format", "json").stdout
    assert [line for line in again.splitlines() if "made_at" not in line] == [
        line for line in whole.splitlines() if "made_at" not in line
    ]


def test_a_title_can_not_control_the_terminal(plays, brapped):
    [line] = said(brapped("exclude", "add", "--track", "tune", "--dry-run"))
    assert "\x1b" not in line and line.startswith("Would leave out track Tune")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from-hour", "22"), "--from-hour and --until-hour belong together"),
        (("--from-hour", "25", "--until-hour", "3"), "write an hour or a time"),
        (("--from-hour", "7", "--until-hour", "07:00"), "are the same"),
        (("--weekday", "someday"), "is no weekday"),
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
        (("add",), "A rule needs a condition"),
        (("add", "--artist", "zzz"), "No artist among the recorded plays has a name like this."),
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
