"""Receipts, rules of what is left out, and recordings in the browser; and that another listener's numbers are none."""

import re
from datetime import date

import pytest
from support.two_listeners import ADA, BEN, MARKUP, House, brought_in, exported

MONTH = 30 * 24 * 60
TABLES = ("listening.fact_play", "listening.exclusion", "listening.recording_decision", "ops.run", "ops.web_decision")


@pytest.fixture(scope="module")
def filled(house: House) -> House:
    """Ada: twenty tracks of Ann's, ten plays each. Ben: one of them, and one of his own."""
    brought_in(house.ada, *(exported(number % 20, MONTH + 13 * number) for number in range(200)))
    brought_in(house.ben, exported(0, MONTH), exported(30, MONTH + 40, MARKUP), exported(31, MONTH + 90, "Ben's"))
    return house


def state(house: House) -> list[list[tuple]]:
    """Every row of what these pages can change."""
    return [house.ask(f"select whole::text from {table} as whole order by 1") for table in TABLES]


# Receipts.


def test_a_receipt_says_what_an_import_brought_and_taking_it_back_is_shown_before(filled: House) -> None:
    number = brought_in(filled.ada, exported(40, 5 * MONTH), exported(0, MONTH))
    page = filled.ada.get(f"/data/receipts/{number}").text
    assert "2 rows of 1 file, 1 new play" in page
    listed = filled.ada.get("/data/receipts").text
    assert f'<a href="/data/receipts/{number}">' in listed
    before = state(filled)
    asked = filled.ada.get(f"/data/receipts/{number}/undo").text
    assert "<strong>1 play</strong> that nothing else reports" in asked and "1 observation that other imports" in asked
    assert state(filled) == before, "to look changes nothing"
    count = "select count(*) from listening.fact_play where listener_key = %s"
    [(plays,)] = filled.ask(count, filled.key(ADA))
    assert filled.ada.post(f"/data/receipts/{number}/undo").headers["Location"] == f"/data/receipts/{number}"
    assert filled.ask(count, filled.key(ADA)) == [(plays - 1,)]
    assert "It was taken back on" in filled.ada.get(f"/data/receipts/{number}").text
    again = filled.ada.post(f"/data/receipts/{number}/undo")
    assert again.status_code == 409 and "taken back" in again.text


# Rules.


def test_a_rule_is_shown_before_it_is_made_and_counts_as_the_command_says(filled: House) -> None:
    before = state(filled)
    told = {"artist": "Ann", "from_time": "00:00", "until_time": "12:00", "weekday1": "yes", "weekday2": "yes",
            "since": "2026-01-01", "note": MARKUP}  # fmt: skip
    shown = filled.ada.post("/data/exclusions/new", data=told).text
    words = "artist Ann, between 00:00 and 12:00, on Mon and Tue, since 2026-01-01"
    assert words in shown and "&lt;b&gt;Bold" in shown and MARKUP not in shown
    assert state(filled) == before
    by_hand = filled.ask(
        "select count(*) from listening.fact_play join listening.dim_listener using (listener_key)"
        " where listener_key = %s and ms_played >= 30000 and extract(isodow from played_at at time zone time_zone) in (1, 2)"
        " and (played_at at time zone time_zone)::time < '12:00' and (played_at at time zone time_zone)::date >= %s",
        filled.key(ADA),
        date(2026, 1, 1),
    )
    assert f"<strong>{by_hand[0][0]} plays, " in shown and by_hand[0][0] > 5
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown))
    assert filled.ada.post("/data/exclusions/new", data=hidden).headers["Location"] == "/data/exclusions"
    assert words in filled.ada.get("/data/exclusions").text
    assert words in filled.brapped("exclude", "list", "--listener", ADA)
    [(number,)] = filled.ask("select max(exclusion_key) from listening.exclusion")
    assert f"<strong>{by_hand[0][0]} plays, " in filled.ada.get(f"/data/exclusions/{number}/remove").text
    assert filled.ada.post(f"/data/exclusions/{number}/remove").headers["Location"] == "/data/exclusions"
    assert filled.ask("select count(*) from listening.exclusion where exclusion_key = %s", number) == [(0,)]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "a rule needs a condition"),
        ({"note": "only a note"}, "a rule needs a condition"),
        ({"artist": "Nobody at all"}, "No artist among the recorded plays has a name like this."),
        ({"track": "Song"}, "More than one track fits"),
        ({"artist": "x" * 401}, "at most 400 characters"),
        ({"artist": "a\x07b"}, "all of them printable"),
        ({"artist": "Ann", "from_time": "22:00"}, "needs both ends"),
        ({"artist": "Ann", "from_time": "22:00", "until_time": "22:00"}, "Both times are the same"),
        ({"artist": "Ann", "from_time": "25:00", "until_time": "22:00"}, "as 22:30"),
        ({"since": "2026-02-30"}, "as 2026-11-20"),
        ({"since": "0001-01-01"}, "as 2026-11-20"),
        ({"since": "2026-02-02", "until": "2026-02-01"}, "before the first"),
        ({"artist": "Ann", "note": "x" * 501}, "at most 500"),
        ({"album": "An album", "show": "An album"}, "an album or a show, not both"),
        ({"artist": "<i>Ann"}, "No artist among"),
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused_with_what_was_typed(filled: House, told: dict, said: str) -> None:
    before = state(filled)
    answer = filled.ada.post("/data/exclusions/new", data=told)
    assert answer.status_code == 400 and said in answer.text and "<i>Ann" not in answer.text
    assert state(filled) == before


def test_a_link_of_another_page_fills_the_form(filled: House) -> None:
    page = filled.ada.get(
        "/data/exclusions/new", params={"artist": 'Ann & "Co" <b>', "weekday3": "yes", "odd": "1"}
    ).text
    assert 'value="Ann &amp; &#34;Co&#34; &lt;b&gt;"' in page
    assert re.search(r'name="weekday3" value="yes" checked', page) and page.count(" checked") == 1


# Recordings.


def test_two_tracks_become_one_recording_and_are_two_again(filled: House) -> None:
    before = state(filled)
    told = {"action": "merge", "one": "Song 2 by Ann", "other": "Song 3"}
    shown = filled.ada.post("/data/recordings", data=told).text
    assert "2 tracks, 20 plays" in shown and shown.count("1 track, 10 plays") == 2
    assert state(filled) == before
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', shown))
    assert filled.ada.post("/data/recordings", data=hidden).headers["Location"] == "/data/recordings"
    same = "select count(distinct coalesce(recording_key, track_key)) from listening.dim_track where track_name in ('Song 2', 'Song 3')"
    assert filled.ask(same) == [(1,)]
    [(number, whose)] = filled.ask("select decision_key, listener_key from ops.web_decision")
    assert whose == filled.key(ADA)
    page = filled.ada.get("/data/recordings").text
    assert f"/data/recordings/{number}/undo" in page and "Song 2" in page
    again = filled.ada.post("/data/recordings", data=hidden)
    assert again.status_code == 400 and f"see decision {number} below" in again.text
    assert "2 tracks, 20 plays" in filled.ada.get(f"/data/recordings/{number}/undo").text
    assert filled.ada.post(f"/data/recordings/{number}/undo").status_code == 303
    assert state(filled)[2:] == before[2:] and filled.ask(same) == [(2,)]
    assert filled.ada.post(f"/data/recordings/{number}/undo").status_code == 404


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"action": "merge", "one": "Song 2", "other": "Song 2"}, "Both names stand for one track"),
        ({"action": "merge", "one": "Song 2", "other": ""}, "Name two tracks"),
        ({"action": "burn", "one": "Song 2", "other": "Song 3"}, "one recording or two"),
        ({"action": "merge", "one": "Song 2", "other": "Ben's"}, "No track among the recorded plays"),
        ({"action": "merge", "one": "Song 2", "other": f"spotify:track:{31:022}"}, "No track among the recorded plays"),
        ({"action": "split", "one": "Song 2", "other": "Song 0"}, "holds for everybody"),
    ],
)
def test_a_listener_decides_about_their_own_plays_only(filled: House, told: dict, said: str) -> None:
    """Ben has played Song 0 as well; Ada has not played what is Ben's."""
    before = state(filled)
    for confirmed in ({}, {"confirmed": "yes"}):
        answer = filled.ada.post("/data/recordings", data=told | confirmed)
        assert answer.status_code == 400 and said in answer.text
        assert state(filled) == before


def test_pairs_to_review_are_of_ones_own_plays(filled: House) -> None:
    brought_in(
        filled.ben, exported(60, 8 * MONTH, "Same old song"), exported(61, 8 * MONTH + 40, "Same old song - Live")
    )
    assert "Same old song - Live" in filled.ben.get("/data/recordings").text
    assert "Same old song" not in filled.ada.get("/data/recordings").text


def test_decisions_of_the_command_are_not_a_listeners_among_several(filled: House) -> None:
    filled.brapped("recordings", "merge", f"spotify:track:{4:022}", f"spotify:track:{5:022}")
    [(number,)] = filled.ask("select max(decision_key) from listening.recording_decision")
    for browser in (filled.ada, filled.ben):
        assert f"/data/recordings/{number}/undo" not in browser.get("/data/recordings").text
        assert browser.post(f"/data/recordings/{number}/undo").status_code == 404
    filled.brapped("recordings", "undo", str(number))


# Numbers of another listener.


def test_the_numbers_of_another_listener_are_none(filled: House) -> None:
    filled.ada.post("/data/exclusions/new", data={"artist": "Ann", "weekday1": "yes", "confirmed": "yes"})
    filled.ada.post(
        "/data/recordings", data={"action": "merge", "one": "Song 6", "other": "Song 7", "confirmed": "yes"}
    )
    [(receipt,)] = filled.ask(
        "select max(run_key) from ops.run where job = 'import' and listener_key = %s and undone_at is null",
        filled.key(ADA),
    )
    [(rule,)] = filled.ask(
        "select max(exclusion_key) from listening.exclusion where listener_key = %s", filled.key(ADA)
    )
    [(decision,)] = filled.ask(
        "select max(decision_key) from ops.web_decision where listener_key = %s", filled.key(ADA)
    )
    before = state(filled)
    paths = [f"/data/receipts/{receipt}/undo", f"/data/exclusions/{rule}/remove", f"/data/recordings/{decision}/undo"]
    wrong = [
        re.sub(r"\d+", number, path) for path in paths for number in ("0", "999999999", "99999999999", "-1", "x", "٣")
    ]
    for path in [*paths, *wrong]:
        for answer in (filled.ben.get(path), filled.ben.post(path)):
            assert answer.status_code == 404 and "You have" in answer.text, path
        stranger = filled.served.visitor()
        assert stranger.post(path).status_code == 401
    assert filled.ben.get(f"/data/receipts/{receipt}").status_code == 404
    assert state(filled) == before
    for path in paths:
        assert filled.ada.get(path).status_code == 200
        assert filled.ada.post(path).status_code == 303, "to whom they belong they are there"
    assert filled.key(BEN) != filled.key(ADA)
