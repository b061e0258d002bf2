"""The SQL of the matching beside the same rule in plain Python (support/model.py), which compares everything with everything."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

import pytest
from matching.test_orders import DIARY, deliver_all, with_diary  # noqa: F401
from support import NOW, asked, fresh_database
from support.cases import Record, Song, exported, minuted, told, watched
from support.hard_truth import HardTruth, Rows, hard_truth
from support.model import Catalogue, Fact, Observation, plays_of

from etl.warehouse.connection import Warehouse

NOISE = (
    Song("A", "Song", isrc="QZ0000000001"),
    Song("B", "Song", duration_ms=201_500),
    Song("C", "Song", duration_ms=240_000, isrc="QZ0000000003"),
    Song("D", "Song (Live)", duration_ms=201_000, isrc="QZ0000000001"),
    Song("E", "Tune", ("Bob",), 40_000, "QZ0000000001"),
)
SAID = (
    "select source_name, nullif(track_uri, ''), observed_at, started_at, observation.ms_played, context_uri, reason_end, is_offline"
    " from listening.observation join listening.source using (source_key) join listening.dim_track using (track_key)"
    " join listening.dim_context using (context_key)"
    " join listening.dim_play_profile using (play_profile_key)"
)
FACTS = (
    "select played_at, track_uri, ms_played, sources from listening.fact_play"
    " join listening.dim_track using (track_key) join listening.dim_play_profile using (play_profile_key)"
)


@pytest.fixture(scope="module")
def database(cluster: str, template: str) -> Iterator[str]:
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def record(database: str, with_diary: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:  # noqa: F811
    warehouse = Warehouse(database)
    asked(database, DIARY)
    yield Record(warehouse, database, tmp_path_factory.mktemp("export"))
    warehouse.close()


def catalogue(ask: Callable[..., list[tuple]]) -> Catalogue:
    def grouped(statement: str) -> dict[str, frozenset[str]]:
        return {uri: frozenset(names) for uri, names in ask(statement)}

    tracks = ask(
        "select track_uri, coalesce(recording_key, track_key), duration_ms from listening.dim_track where track_key <> 0"
    )
    keys = "select track_uri, array_remove(array_agg({}::text), null) from listening.dim_track left join {} where track_key <> 0 group by 1"
    return Catalogue(
        {uri: recording for uri, recording, _ in tracks},
        grouped(keys.format("name_hash", "listening.track_alias using (track_key)")),
        grouped(
            keys.format(
                "lower(artist_name)",
                "listening.bridge_track_artist using (track_key) left join listening.dim_artist using (artist_key)",
            )
        ),
        {uri: length for uri, _, length in tracks},
        frozenset(
            ask(
                "select coalesce(recording_key, track_key), earlier_at, later_at from ops.told_apart"
                " join listening.dim_track using (track_key)"
            )
        ),
    )


def both(ask: Callable[..., list[tuple]]) -> tuple[list[Fact], list[Fact] | None]:
    facts: list[Fact] = [(at, uri, ms, tuple(sources)) for at, uri, ms, sources in ask(FACTS)]
    return sorted(facts, key=repr), plays_of((Observation(*one) for one in ask(SAID)), catalogue(ask))


def differences(modelled: list[Fact] | None, facts: list[Fact]) -> tuple[list[Fact], list[Fact]]:
    """What only the model has, and what only the program has."""
    more, less = Counter(modelled or []), Counter(facts)
    return [*(more - less).elements()], [*(less - more).elements()]


@pytest.mark.parametrize("seed", range(3))
def test_the_hard_truth_by_both(seed, record, ask):
    truth = hard_truth(seed, chapters=14)
    deliver_all(record, truth, Random(seed).sample(list(truth.told), len(truth.told)))
    facts, modelled = both(ask)
    assert differences(modelled, facts) == ([], [])
    assert len(facts) == len(truth.plays)


def noise(random: Random) -> dict[str, Rows]:
    """A quarter of an hour in which list, export and player say a lot, to the millisecond, so that no two pairs are equally near."""

    def at() -> float:
        return random.randrange(1, 900_000) / 1000

    def row() -> dict:
        ts, ms = random.randrange(900), random.choice((0, 0, random.randrange(900), random.randrange(2_000, 200_000)))
        start = random.choice(
            (None, ts - (ms + random.randrange(1, 999)) / 1000, at() - random.choice((200, 9_000, 90_000)))
        )
        ending = random.choice(("trackdone", "trackdone", "unexpected-exit"))
        return exported(ts, random.choice(NOISE), ms, start=start, offline=random.random() < 0.3, reason_end=ending)

    pages = {
        f"page {number}": sorted(
            (told(at(), random.choice(NOISE)) for _ in range(random.randint(4, 14))),
            key=lambda item: item["played_at"],
            reverse=True,
        )
        for number in range(3)
    }
    rows = [row() for _ in range(random.randint(8, 20))]

    def minute_of(one: dict) -> dict:
        """Of a row of the export, as the account data may have it: about its minute, under some name."""
        ended = (datetime.fromisoformat(one["ts"]) - NOW) / timedelta(seconds=1) + random.randrange(-15, 15)
        return minuted(int(ended // 60), random.choice(NOISE), one["ms_played"])

    return {
        **pages,
        "extended": rows,
        "account": [minute_of(one) for one in rows if one["ms_played"] and random.random() < 0.5],
        "player": [
            watched(at(), random.choice(NOISE), 5_000 + random.randrange(999)) for _ in range(random.randint(3, 9))
        ],
    }


def test_noise_by_both(record, ask):
    clear = 0
    for seed in range(int(os.environ.get("SEEDS", 12))):
        told_here = noise(Random(seed))
        deliver_all(record, HardTruth(told_here), [*told_here])
        facts, modelled = both(ask)
        assert len(facts) > 10
        if modelled is not None:
            clear += 1
            assert differences(modelled, facts) == ([], []), seed
    assert clear >= 9  # else the comparison says nothing
