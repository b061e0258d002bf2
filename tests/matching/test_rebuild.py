"""A rebuild derives all plays from the observations anew: it changes nothing, and mends what was damaged."""

import pytest
from support import NOW, observed, whole_facts
from support.cases import Record, Song, exported, minuted, told, watched
from support.hard_truth import HardTruth, hard_truth

from etl.warehouse.merge import Rebuilt

A = Song("A", "Song", isrc="QZ0000000001")
B = Song("B", "Tune", ("Bob",), 180_000, "QZ0000000002")
KEYS = "select play_key, played_at, track_key, ms_played from listening.fact_play order by 2, 3, 4, 1"
EVERY_KEY = "select play_key from listening.fact_play order by 1"


def fill(record: Record, truth: HardTruth) -> None:
    for name, rows in truth.told.items():
        key = record.listener_keys["one"]
        if name == "catalogue":
            record.describe(rows)
        elif name.startswith("page"):
            record.merge_page(rows, key)
        elif name == "player":
            record.observe(rows, key)
        elif name != "diary":
            record.merge_export(rows, key)


@pytest.fixture
def filled(record: Record) -> Record:
    """Plays of every source, and of two listeners."""
    record.listener_keys["other"] = record.listener("other")
    fill(record, hard_truth(7, chapters=9))
    key = record.listener_keys["other"]
    record.merge_page([told(-300, A), told(-600, B)], key)
    record.merge_export([exported(-300, A), minuted(-10, B)], key)
    return record


def test_a_rebuild_of_what_is_whole_changes_nothing_and_says_so(filled, ask):
    facts, said, keys = whole_facts(ask), observed(ask), ask(KEYS)
    count = len([fact for fact in facts if fact[0] == "one"])
    for _ in range(2):
        assert filled.rebuild() == Rebuilt(play_count=count, added_count=0, removed_count=0, changed_count=0)
        assert whole_facts(ask) == facts
        assert observed(ask) == said
        assert ask(KEYS) == keys
    assert ask("select count(*) from ops.merged_play where merged_into is null") == [(0,)]


DAMAGE = {
    "plays deleted": (
        "delete from listening.fact_play where listener_key = 1 and play_key % 3 = 0",
        lambda before: Rebuilt(before["plays"], before["third"], 0, 0),
    ),
    "every play deleted": (
        "delete from listening.fact_play where listener_key = 1",
        lambda before: Rebuilt(before["plays"], before["plays"], 0, 0),
    ),
    "milliseconds altered": (
        "update listening.fact_play set ms_played = 1 where listener_key = 1 and play_key % 3 = 0",
        lambda before: Rebuilt(before["plays"], 0, 0, before["third"]),
    ),
    "tracks and contexts forgotten": (
        "update listening.fact_play set track_key = 0, context_key = 0, device_key = 0 where listener_key = 1",
        lambda before: None,
    ),
    "profiles and days altered": (
        "update listening.fact_play set play_profile_key = (select min(play_profile_key) from listening.dim_play_profile),"
        " date_key = date_key + (case when date_key = 20260101 then 0 else 0 end), time_key = 0 where listener_key = 1",
        lambda before: None,
    ),
    "the spacing forgotten": (
        "update listening.fact_play set since_previous_ms = null where listener_key = 1",
        lambda before: None,
    ),
    "dates moved": (
        "update listening.fact_play set played_at = played_at - interval '17 minutes' where listener_key = 1 and play_key % 3 = 0",
        lambda before: None,
    ),
    "plays invented": (
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key,"
        " play_profile_key, ms_played, time_key) select played_at + interval '1 minute', listener_key, track_key, date_key,"
        " context_key, device_key, play_profile_key, ms_played, time_key from listening.fact_play"
        " where listener_key = 1 and play_key % 3 = 0",
        lambda before: Rebuilt(before["plays"], 0, before["third"], 0),
    ),
    "plays parted from their observations": (
        "update listening.observation set play_key = -play_key where listener_key = 1 and source_key = 1",
        lambda before: None,
    ),
    "observations of two plays said to be of one": (
        "update listening.observation set play_key = (select min(play_key) from listening.fact_play where listener_key = 1)"
        " where listener_key = 1 and source_key = 2",
        lambda before: None,
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_rebuild_mends_what_was_damaged(damage, filled, ask):
    """And leaves the plays of others alone, which have no observation that was touched."""
    statement, rebuilt = DAMAGE[damage]
    facts, keys = whole_facts(ask), ask(EVERY_KEY)
    [(plays, third)] = ask(
        "select count(*), count(*) filter (where play_key % 3 = 0) from listening.fact_play where listener_key = 1"
    )
    [(one,)] = ask("select listener_key from listening.dim_listener where listener_id = 'one'")
    assert one == 1 and third > 2
    ask(statement)
    assert whole_facts_unchecked(ask) != facts or "observations" in damage
    counts = filled.rebuild()
    assert whole_facts(ask) == facts
    expected = rebuilt({"plays": plays, "third": third})
    assert expected is None or counts == expected
    assert counts.play_count == plays
    if "altered" in damage or "forgotten" in damage:
        assert ask(EVERY_KEY) == keys
    assert filled.rebuild() == Rebuilt(plays, 0, 0, 0)


def whole_facts_unchecked(ask) -> list[tuple]:
    return ask("select * from listening.fact_play order by played_at, play_key")


def test_a_play_that_stays_keeps_its_key_through_everything(record, ask):
    record.load([told(0.4, A), told(900, B)])
    [(first, *_), (second, *_)] = ask(KEYS)
    for batch in (
        [exported(0, A), exported(2_000, B)],
        [minuted(0, A)],
        [watched(1.5, A)],
        [told(-2, A), told(900, B)],
    ):
        record.load(batch)
        record.rebuild()
        assert [key for key, *_ in ask(KEYS)][:2] == [first, second]
    assert len(ask(KEYS)) == 3


def test_after_better_rules_the_rebuild_parts_and_joins_plays(record, ask):
    """The numbers of the rule stand in ops.match_rule, each once: another number is another rule."""
    record.load([told(0, A)], [exported(30, A)], [told(900, B)], [exported(960, B)])
    assert len(ask(KEYS)) == 3
    rule = "update ops.match_rule set seconds = %s where tier = 1 and source_key = 2 and other_source_key = 1"
    before = whole_facts(ask)
    ask(rule, 20)
    assert record.rebuild() == Rebuilt(play_count=4, added_count=1, removed_count=0, changed_count=1)
    ask(rule, 60)
    rebuilt = record.rebuild()
    assert (rebuilt.play_count, rebuilt.added_count, rebuilt.removed_count) == (2, 0, 2)
    ask(rule, 45)
    record.rebuild()
    assert whole_facts(ask) == before


def test_a_rebuild_of_nobody_and_of_nothing(record, ask):
    assert record.rebuild() == Rebuilt(0, 0, 0, 0)
    assert ask(KEYS) == []


def test_a_rebuild_of_one_leaves_the_others_alone(filled, ask):
    key = filled.listener_keys["other"]
    other = (
        f"select played_at, play_key, ms_played from listening.fact_play where listener_key = {key} order by play_key"
    )
    ask("update listening.fact_play set ms_played = 7 where listener_key = %s", key)
    damaged = ask(other)
    assert len(damaged) == 2
    filled.rebuild()
    assert ask(other) == damaged
    assert filled.rebuild("other").changed_count == len(damaged)
    assert ask(other) != damaged


def test_a_clock_at_any_time_gives_the_same(filled, ask):
    """The present moment is no part of the rule."""
    from etl.warehouse.merge import rebuild_plays

    facts = whole_facts(ask)
    with filled.warehouse.engine.begin() as connection:
        rebuild_plays(connection, listener_key=1, now=NOW.replace(year=2020))
    assert whole_facts(ask) == facts


def test_a_play_uploaded_in_the_next_year_is_dated_in_the_calendar_of_its_own(record, ask):
    """324 days before NOW is the last day of 2025, for which the calendar has no row before."""
    record.merge_export([exported(-320 * 86_400, A, 100_000, start=-324 * 86_400)], record.listener_keys["one"])
    dates = "select full_date::text from listening.fact_play join listening.dim_date using (date_key)"
    assert ask(dates) == [("2025-12-31",)]
