"""A play that a source dates long after its end is derived with its neighbours, wherever a merge looks: also weeks before what is
new, and for a page that brings nothing new."""

from typing import Any

import pytest
from support import NOW, asked
from support.cases import Record, Song, exported, told

X, Y, Z, W = (
    Song(letter, name, (artist,), 200_000)
    for letter, name, artist in zip(
        "xyzw", ("Song", "Fourth", "Other", "Third"), ("Ann", "Dee", "Bob", "Cid"), strict=True
    )
)
DAY, HOUR = 86_400, 3_600
FACTS = """
    select round(extract(epoch from played_at - %s))::integer, track_name, ms_played, sources, since_previous_ms
    from listening.fact_play
    join listening.dim_track using (track_key)
    join listening.dim_play_profile using (play_profile_key)
    order by 1, 2
"""
WITHOUT_A_PLAY = """
    select count(*) from listening.observation
    where not exists (select 1 from listening.fact_play where fact_play.play_key = observation.play_key)
"""


def crashed(end: int, start: int) -> Any:
    """Other, dated to the next start of the app."""
    return exported(end, Z, 200_000, start=start, reason_end="unexpected-exit")


def before(days: int, seconds: int = 0) -> int:
    return -days * DAY + seconds


CASES = {
    "a page that is the first to hold two recorded dates of one song": [
        [crashed(1000, -3000)],
        [told(-2820, X)],
        [told(-2780, X)],
        [told(-2780, X), told(-2820, X)],
    ],
    "a row of an offline phone, uploaded 29 days later": [
        [
            exported(before(30, -2000), Y, 200_000, start=before(30, -2200)),
            crashed(before(30, 5 * HOUR), before(30, -1000)),
        ],
        [exported(before(1), W, 200_000, start=before(30, -900), offline=True)],
    ],
    "two rows of offline phones": [
        [
            exported(before(30, -2000), Y, 200_000, start=before(30, -2200)),
            exported(before(30, 8 * HOUR), Z, 200_000, start=before(30, 1000), offline=True),
        ],
        [exported(before(1), W, 200_000, start=before(30, -900), offline=True)],
    ],
    "a new play on a page that tells two songs of three days ago apart": [
        [crashed(before(3, 5 * HOUR), before(3, -3000))],
        [told(before(3, -2820), X)],
        [told(before(3, -2780), X)],
        [told(-10, W), told(before(3, -2780), X), told(before(3, -2820), X)],
    ],
    "a row told again a month later": [
        [
            exported(before(30), Y, 200_000, start=before(30) - 200.5),
            crashed(before(30, 5 * HOUR), before(30, -230)),
            exported(before(30, -60), X, 30_000),
        ],
        [exported(before(1), Y, 200_000, start=before(30) - 200.5)],
    ],
}


@pytest.mark.parametrize("batches", CASES.values(), ids=CASES)
def test_merged_rebuilt_and_merged_the_other_way_round_are_the_same(record: Record, database: str, batches):
    record.load(*batches)
    merged = asked(database, FACTS, NOW)
    assert asked(database, WITHOUT_A_PLAY) == [(0,)]
    rebuilt = record.rebuild()
    assert (rebuilt.added_count, rebuilt.removed_count, rebuilt.changed_count) == (0, 0, 0)
    assert asked(database, FACTS, NOW) == merged
    record.forget()
    record.load(*batches[::-1])
    assert asked(database, FACTS, NOW) == merged
