"""Observations carried over from an older program's columns: the row of the source replaces them, one row each."""

import pytest
from support import observed, whole_facts
from support.cases import Record, Song, exported, minuted, told

A, B = Song("A", "Song"), Song("B", "Tune", ("Bob",))
CARRIED = "select count(*) from listening.observation where sequence < 0"
KEYS = "select play_key from listening.fact_play order by 1"
LONG = 100_000

ONE = exported(-900, A, LONG, start=-1000.5)
# uploaded at once, so equal in date and length, but begun at other times: two plays
TWO = [exported(-900, A, LONG, start=-1000.5), exported(-900, A, LONG, start=-1200.25)]


@pytest.fixture
def carry(record: Record, ask):
    """Import rows as if an older program had recorded them, and as if it had mixed them with others by a statement."""

    def carried(rows, mixed: str | None = None) -> None:
        record.import_rows(rows, "one")
        ask("update listening.observation set sequence = -1 - sequence")
        if mixed:
            ask(f"update listening.observation set {mixed}")
            record.rebuild()

    return carried


@pytest.fixture
def fresh(record: Record, ask):
    """Facts and observations of a first import of all rows; forgets what was recorded."""

    def imported(*batches):
        record.forget()
        record.load(*batches)
        return whole_facts(ask), observed(ask)

    return imported


def state(ask):
    return whole_facts(ask), observed(ask)


# What was carried over, how it differs from its row, and what is imported: all of the carried is replaced or confirmed.
REPLACED = {
    "the same row": ([ONE], None, [ONE]),
    "other reasons": ([ONE], "mixed", [ONE]),
    "another length, of a row told again": ([ONE], "ms_played = 160000", [ONE]),
    "no start, which was too long before": ([ONE], "started_at = null", [ONE]),
    "two of one date and length": (TWO, None, TWO),
    "two, both with other reasons": (TWO, "mixed", TWO[::-1]),
    "two that kept one start": (TWO, "started_at = null where started_at < '2026-11-20 09:00Z'", TWO),
    "one of two rows, which the older program took for one": ([ONE], None, TWO),
    "one of two rows, with the start of neither": ([ONE], "started_at = null", TWO),
    "a date of the list without its context": (
        [told(-900, A, "spotify:playlist:" + "p" * 22)],
        "context_key = 0",
        None,
    ),
    "a minute": ([minuted(-15, A)], None, [minuted(-15, A), minuted(-18, B)]),
}


@pytest.mark.parametrize("case", REPLACED)
def test_the_row_takes_the_place_of_what_was_carried_over(case, record, carry, fresh, ask):
    carried, mixed, rows = REPLACED[case]
    rows = rows or carried
    if mixed == "mixed":
        record.import_rows([exported(-90_000, B, reason_start="other")], "one")
        profile = ask("select play_profile_key from listening.dim_play_profile where reason_start = 'other'")
        ask("delete from listening.observation")
        ask("delete from listening.fact_play")
        mixed = f"play_profile_key = {profile[0][0]}"
    if "played_at" in carried[0]:
        record.load(carried)
        ask(f"update listening.observation set sequence = -1, {mixed}")
        record.rebuild()
    else:
        carry(carried, mixed)
    keys = ask(KEYS)
    assert ask(CARRIED) == [(len(carried),)]
    record.load(rows)
    assert ask(CARRIED) == [(0,)]
    assert set(keys) <= set(ask(KEYS))
    found = state(ask)
    record.load(rows)
    assert state(ask) == found
    record.rebuild()
    assert state(ask) == found == fresh(rows)


def test_rows_that_come_one_after_the_other_end_as_the_same(record, carry, fresh, ask):
    """The first takes the place of one, and the second that of the other: neither is lost, whichever comes first."""
    expected = fresh(TWO)
    for rows in (TWO, TWO[::-1]):
        for start in ("started_at", "null"):
            record.forget()
            carry(TWO, f"started_at = {start}, sequence = -1 - row_number from (select started_at as began,"
                  " row_number() over (order by started_at) from listening.observation) as numbered"
                  " where observation.started_at = began")  # fmt: skip
            record.load([rows[0]])
            assert ask("select count(*) from listening.observation") == [(2,)]
            record.load([rows[1]])
            assert state(ask) == expected


STAYS = {
    "another date": ([exported(-800, A, LONG, start=-900.5)], 2),
    "another song": ([exported(-900, B, LONG, start=-1000.5)], 2),
    "of the same date and length, but begun at another time": ([TWO[1]], 2),
    "of the same date, but begun at another time and longer": ([exported(-900, A, 130_000, start=-1300.5)], 2),
    "of another source": ([minuted(-15, A, LONG)], 1),
}


@pytest.mark.parametrize("case", STAYS)
def test_what_no_row_says_again_stays(case, record, carry, fresh, ask):
    rows, play_count = STAYS[case]
    carry([ONE])
    keys = ask(KEYS)
    record.load(rows)
    assert ask(CARRIED) == [(1,)]
    assert ask("select count(*) from listening.fact_play") == [(play_count,)] and set(keys) <= set(ask(KEYS))
    assert state(ask) == fresh([ONE], rows)


def test_one_row_twice_takes_one_place(record, carry, ask):
    carry(TWO, "started_at = null where started_at < '2026-11-20 09:00Z'")
    record.load([ONE, ONE], [ONE])
    assert ask("select count(*) from listening.observation") == [(2,)] and ask(CARRIED) == [(1,)]


def test_another_listener_keeps_what_was_carried_over(record, carry, ask):
    record.listener_keys["other"] = record.listener("other")
    record.import_rows([exported(-5_000, B)], "other")
    carry([ONE])
    record.import_rows([ONE], "other")
    sequences = (
        "select listener_id, sequence, count(distinct play_key) from listening.observation"
        " join listening.dim_listener using (listener_key) group by 1, 2 order by 1, 2"
    )
    assert ask(sequences) == [("one", -1, 1), ("other", -1, 1), ("other", 0, 1)]
    assert ask("select count(distinct play_key) from listening.observation") == [(3,)]
