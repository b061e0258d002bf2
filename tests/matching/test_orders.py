"""Whatever order the sources come in, however often, and rebuilt in between: the same facts, row for row, one for each true listen.

A source called "diary" (it gives the minute, and names only) is made up here, with nothing but rows and its de-duplication.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from shutil import copytree

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support import NOW, ROOT, asked, fresh_database, observed, whole_facts
from support.at_once import Remains
from support.cases import NOTHING, Record, Song, described, exported, minuted, noted, told, watched
from support.hard_truth import HardTruth, Rows, hard_truth

from etl.warehouse.connection import Warehouse

DIARY = """
insert into listening.source (
    source_key, source_name, date_rank, ms_rank, name_rank, context_rank, device_rank, precision_s, is_redating, ms_basis,
    coverage, has_ids
)
values (9, 'diary', 9, null, 9, null, null, 60, false, null, null, false);
insert into ops.match_rule (tier, source_key, other_source_key, compared, seconds)
values (11, 9, 1, 'name', 20), (11, 9, 2, 'name', 45), (11, 9, 4, 'name', 20), (11, 9, 3, 'name', 20);
"""
# What it says twice in a minute of one song is one play, which the observations hold once: so there is nothing to link.
DEDUPE = "-- The diary, which says each thing once.\nselect 1 as nothing where false\n"
QUICK = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # each example takes half a second, so a smaller one is not looked for
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def with_diary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The project's SQL with one file more."""
    folder: Path = tmp_path_factory.mktemp("house") / "sql"
    copytree(ROOT / "sql", folder)
    (folder / "matching" / "dedupe" / "diary.sql").write_text(DEDUPE, "utf-8")
    patch = pytest.MonkeyPatch()
    patch.setattr("etl.warehouse.statements.sql_folder", lambda: folder)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def database(cluster: str, template: str) -> Iterator[str]:
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def record(database: str, with_diary: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Record]:
    warehouse = Warehouse(database)
    asked(database, DIARY)
    yield Record(warehouse, database, tmp_path_factory.mktemp("export"))
    warehouse.close()


def deliver(record: Record, name: str, rows: Rows) -> None:
    key = record.listener_keys["one"]
    if name == "rebuild":
        record.rebuild()
    elif not rows:
        return
    elif name.startswith("page"):
        record.merge_page(rows, key)
    elif name == "catalogue":
        record.describe(rows)
    elif name in ("player", "diary", "lastfm", "listenbrainz"):
        record.observe(rows, key)
    else:
        record.merge_export(rows, key)


def deliver_all(record: Record, truth: HardTruth, order: list[str]) -> None:
    record.forget()
    for name in order:
        deliver(record, name, truth.told.get(name, []))


def known(ask: Callable[..., list[tuple]]) -> tuple:
    """All that must be the same: facts, observations with their plays, names, and which ids are one recording."""
    remains = Remains(ask)
    return whole_facts(ask), observed(ask), remains.names, remains.partition()


FACTS = (
    "select played_at, track_uri, ms_played, context_uri, sources from listening.fact_play"
    " join listening.dim_track using (track_key) join listening.dim_context using (context_key)"
    " join listening.dim_play_profile using (play_profile_key)"
)


def remaining(ask: Callable[..., list[tuple]]) -> list[tuple]:
    second = timedelta(milliseconds=1)
    return sorted(
        ((at - NOW) // second, uri or "", ms or -1, context, tuple(names)) for at, uri, ms, context, names in ask(FACTS)
    )


def right(truth: HardTruth) -> list[tuple]:
    return sorted((one.at, one.uri or "", one.ms or -1, one.context, one.sources) for one in truth.plays)


@QUICK
@given(seed=st.integers(1, 1_000), shuffled=st.randoms(use_true_random=False))
def test_any_order_twice_and_rebuilt_in_between_gives_each_true_listen_once(record, ask, seed, shuffled):
    truth = hard_truth(seed)
    deliver_all(record, truth, sorted(truth.told))
    assert remaining(ask) == right(truth)
    before = known(ask)

    order = [*truth.told, *truth.told, "rebuild", "rebuild"]
    shuffled.shuffle(order)
    deliver_all(record, truth, order)
    assert known(ask) == before


@pytest.mark.parametrize("missing", ["page", "account", "extended", "player", "diary", "catalogue"])
def test_without_one_of_the_sources_too(missing, record, ask):
    """Fewer sources say less for certain, so only the order is compared here."""
    truth = hard_truth(sum(map(ord, missing)), chapters=14)
    names = [name for name in truth.told if not name.startswith(missing)]
    deliver_all(record, truth, names)
    before = known(ask)
    deliver_all(record, truth, [*Random(missing).sample(names, len(names)), "rebuild"])
    assert known(ask) == before


def test_the_hard_truth_holds_every_chapter_and_every_source():
    truth = hard_truth(1, chapters=14)
    assert {name.split()[0] for name in truth.told} == {"page", "extended", "account", "player", "diary", "catalogue"}
    assert len({one.sources for one in truth.plays}) > 8
    assert hard_truth(1) == hard_truth(1) != hard_truth(2)


# No truth at all: sources that say anything, close together. What follows is of no use to anybody, but it is always the same.

NOISE = (
    Song("A", "Song", isrc="QZ0000000001"),
    Song("B", "Song", duration_ms=201_500),
    Song("C", "Song", duration_ms=203_000, isrc="QZ-00-0-0000001"),
    Song("D", "Song (Live)", duration_ms=201_000, isrc="QZ0000000001"),
    Song("E", "Tune", ("Bob",), 40_000, "QZ0000000001"),
    Song(None, "Song"),
    Song(None, "Song (Live)"),
    NOTHING,
)


def noise(random: Random) -> dict[str, Rows]:
    """Some minutes in which all sources say a lot: deliveries by name."""
    span = random.choice((60, 200, 900))

    def at() -> float:
        return round(
            random.choice((random.uniform(0, span), 10 * random.randint(0, span // 10))), random.choice((0, 1, 3))
        )

    def song(is_named: bool = False) -> Song:
        return random.choice(NOISE[:-1] if is_named else NOISE)

    def exported_row() -> dict:
        ts, ms = int(at()), random.choice((0, 400, 5_000, 40_000, 200_000))
        start = random.choice((None, ts - ms / 1000, at() - random.choice((200, 9_000, 90_000)), ts - 200, ts - 40.5))
        reason = random.choice(("trackdone", "trackdone", "unexpected-exit"))
        return exported(ts, song(), ms, start=start, offline=random.random() < 0.3, reason_end=reason)

    batches: dict[str, Rows] = {}
    for number in range(random.randint(1, 4)):
        page = [told(at(), random.choice((*NOISE[:5], NOTHING)), random.choice((None, None, "spotify:album:a", "spotify:album:b")))
                for _ in range(random.randint(1, 8))]  # fmt: skip
        batches[f"page {number}"] = sorted(page, key=lambda item: item["played_at"], reverse=True)
    for number in range(random.randint(0, 2)):
        batches[f"extended {number}"] = [exported_row() for _ in range(random.randint(1, 8))]
    if random.random() < 0.8:
        lengths = (0, 400, 5_000, 40_000, 200_000)
        batches["account"] = [
            minuted(int(at() // 60), song(), random.choice(lengths)) for _ in range(random.randint(1, 6))
        ]
    if random.random() < 0.6:
        batches["player"] = [watched(at(), random.choice(NOISE[:5]), random.choice((5_000, 40_000, 200_000)))
                             for _ in range(random.randint(1, 5))]  # fmt: skip
    if random.random() < 0.6:
        batches["diary"] = [noted("diary", int(at() // 60), song(is_named=True)) for _ in range(random.randint(1, 5))]
    if random.random() < 0.5:
        batches["catalogue"] = [described(one) for one in random.sample(NOISE[:5], 3)]
    return batches


@settings(QUICK, max_examples=8)
@given(seed=st.integers(1, 100_000))
def test_noise_gives_the_same_facts_in_any_order(record, ask, seed):
    random = Random(seed)
    truth = HardTruth(noise(random))
    deliver_all(record, truth, list(truth.told))
    before = known(ask)
    names = [*truth.told, *random.sample(list(truth.told), len(truth.told) // 2), "rebuild"]
    deliver_all(record, truth, random.sample(names, len(names)))
    assert known(ask) == before


def test_a_name_without_milliseconds_that_gets_some(record, ask):
    """A play of it longer than the song with an id: they are two recordings, whenever that turns out."""
    named = Song(None, "Song")
    told_here = {
        "page": [told(0, NOISE[0])],
        "diary": [noted("diary", -100, named)],
        "account": [minuted(-200, named, 202_001)],
    }
    for order in permutations(told_here):
        deliver_all(record, HardTruth(told_here), list(order))
        assert len(Remains(ask).partition()) == 2, order


@pytest.mark.parametrize("seed", [1, 2])
def test_row_by_row_gives_the_same_as_all_at_once(seed, record, ask):
    """Each row in a merge of its own, in any order; but a page is one thing that Spotify says."""
    truth = hard_truth(seed, chapters=6) if seed == 1 else HardTruth(noise(Random(seed)))
    deliver_all(record, truth, [*truth.told])
    before = known(ask)
    single = [
        (name, rows if name.startswith("page") else [row])
        for name, rows in truth.told.items()
        for row in (rows[:1] if name.startswith("page") else rows)
    ]
    record.forget()
    for name, rows in Random(seed).sample(single, len(single)):
        deliver(record, name, rows)
    assert known(ask) == before
