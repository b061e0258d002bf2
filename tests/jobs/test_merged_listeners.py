"""One listener merged into another: as if everything had been recorded of one; and taken back: as if they never had been.

The other means: a record into which the same went otherwise, compared row for row by queries of the tests' own.
"""

import json
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jobs.test_listeners import COLUMNS, fill_the_rest
from support import NOW, asked, facts_as_they_are, fresh_database, misspaced, observed
from support.cases import Record, Song, exported, minuted, scrobbled, told, watched
from support.export_files import write_folder
from support.hard_truth import HardTruth, Rows, hard_truth
from support.table_locks import locked, wait_for_lock

from etl.jobs.listener_merges import WHAT_BECOMES, Merged, merge_listeners, unmerge_listeners
from etl.jobs.listeners import delete_listener, list_listeners, rename_listener
from etl.jobs.plays import record_plays
from etl.jobs.rebuild import rebuild
from etl.jobs.undo import UndoError, list_receipts, undo_import
from etl.simulator.routes import Play
from etl.spotify.api import Api
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.listeners import ListenerError
from etl.warehouse.statements import run

pytestmark = pytest.mark.usefixtures("no_pauses")

S, T, U = Song("S", "Song"), Song("T", "Tune", ("Bob",)), Song("U", "Air", ("Cem",))
PLAIN: dict[str, Any] = {"dry_run": False, "clock": lambda: NOW}
OF = "join listening.dim_listener using (listener_key)"
# What the tables with a listener_key hold, without surrogate keys and when a row was found.
LEDGER = {
    "coverage": f"select listener_id, source, state, starts_at, ends_at, reason, closed_by, closed_at is null from ops.coverage {OF}",
    "told_apart": "select listener_id, track_uri, earlier_at, later_at from ops.told_apart"
    f" {OF} join listening.dim_track using (track_key)",
    "watermark": f"select listener_id, source, played_at, checked_at, window_starts_at from ops.watermark {OF}",
    "rules": f"select listener_id, exclusion_key, device_name from listening.exclusion {OF}",
    "player": f"select listener_id, track_uri, observed_at, sequence, start_basis from listening.player_observation {OF}"
    " join listening.dim_track using (track_key)",
    "reported": "select listener_id, source_key, observed_at, track_uri, observation.started_at, observation.ms_played,"
    " sequence, array(select content_hash from ops.import_content where import_content_key = any(content_keys) order by 1)"
    f" from listening.observation {OF} join listening.dim_track using (track_key)"
    " left join ops.import_set on import_set.import_set_key = observation.import_set_key",
    "logins": f"select listener_id, setting_fingerprint from ops.login {OF}",
    "receipts": f"select listener_id, job, undone_at from ops.run {OF}",
    "contents": f"select listener_id, content_hash, rules, is_earlier from ops.import_content {OF}",
    "spans": f"select listener_id, content_hash, source, starts_at, ends_at from ops.import_content {OF}"
    " join ops.import_span using (import_content_key)",
}


class Two:
    """A record of two listeners, "one" and "other", and what it is."""

    def __init__(self, record: Record, ask: Callable[..., list[tuple]]) -> None:
        self.record, self.ask, self.warehouse = record, ask, record.warehouse

    def forget(self) -> None:
        self.ask("update listening.dim_listener set merged_into = null, is_renamed = false, listener_name = null")
        for table in (
            "ops.listener_merge",
            "ops.recorder",
            "ops.watermark",
            "listening.exclusion",
            "listening.player_observation",
        ):
            self.ask(f"delete from {table}")
        self.record.forget()
        self.ask("delete from ops.run")

    def deliver(self, name: str, rows: Rows, who: str) -> None:
        key = self.record.listener_keys[who]
        if name.startswith("page"):
            self.record.merge_page(rows, key)
        elif name == "catalogue":
            self.record.describe(rows)
        elif name in ("player", "lastfm", "listenbrainz"):
            self.record.observe(rows, key)
        else:
            self.record.import_rows(rows, who)

    def merge(self, name: str = "other", into: str = "one", **options: Any) -> Merged:
        return merge_listeners(self.warehouse, name, into, **{"is_public": False, **PLAIN, **options})

    def unmerge(self, number: int, **options: Any) -> Merged:
        return unmerge_listeners(self.warehouse, number, **{**PLAIN, **options})

    def facts(self, who: str | None = None) -> list[tuple]:
        """Of one listener, without their name; or of all."""
        assert misspaced(self.ask)[:3] == []
        rows = facts_as_they_are(self.ask)
        return rows if who is None else [row[1:] for row in rows if row[0] == who]

    def state(self) -> dict[str, list[tuple]]:
        ledger = {name: sorted(self.ask(query), key=repr) for name, query in LEDGER.items()}
        return {"facts": self.facts(), "said": observed(self.ask), **ledger}

    def broken(self) -> dict[str, int]:
        """The rules of consistency that `status` checks and finds broken."""
        with self.warehouse.engine.begin() as connection:
            rows = run(connection, "ops/health/check", now=NOW + timedelta(days=1))
        return {row.check_name: row.row_count for row in rows if row.row_count}


@pytest.fixture(scope="module")
def shared(cluster: str, template: str) -> Iterator[str]:
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def kept(shared: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    """One database for many examples."""
    warehouse = Warehouse(shared)
    yield Two(
        Record(warehouse, shared, tmp_path_factory.mktemp("packages")),
        lambda text, *values: asked(shared, text, *values),
    )
    warehouse.close()


@pytest.fixture
def two(kept: Two) -> Two:
    kept.forget()
    return kept


def dealt(truth: HardTruth, chance: Random) -> list[tuple[str, Rows, str]]:
    """The deliveries, each to one listener or to both, some in part, in any order; the catalogue is everybody's."""
    steps = []
    for name, rows in truth.told.items():
        if name == "diary":  # a source that is made up in other tests
            continue
        whose = "one" if name == "catalogue" else chance.choice(("one", "other", "both", "parts"))
        for who in ("one", "other"):
            part = [row for row in rows if chance.random() < 0.6] if whose == "parts" else rows
            if part and whose in (who, "both", "parts"):
                steps.append((name, part, who))
    chance.shuffle(steps)
    return steps


def differences(one: dict[str, list[tuple]], other: dict[str, list[tuple]]) -> dict[str, tuple[list, list]]:
    """The rows that only the one has, and only the other."""
    return {
        name: ([row for row in rows if row not in other[name]], [row for row in other[name] if row not in rows])
        for name, rows in one.items()
        if rows != other[name]
    }


SLOW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # each example takes some seconds
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SLOW
@given(seed=st.integers(1, 10_000))
def test_merged_it_is_as_if_all_had_come_into_one_record_and_taken_back_as_if_nothing_had_been(kept, seed) -> None:
    """With scrobbles; and what comes into the one record after the merge stays there when it is taken back."""
    chance = Random(seed)
    steps = dealt(hard_truth(seed, is_scrobbled=True), chance)
    early, late = steps[: 2 * len(steps) // 3], [step for step in steps[2 * len(steps) // 3 :] if step[2] == "one"]
    kept.forget()
    for step in early:
        kept.deliver(*step)
    apart = kept.state()
    number = kept.merge().merge.merge
    assert kept.broken() == {}
    merged = kept.facts()
    for step in late:
        kept.deliver(*step)
    together = kept.facts("one")
    assert kept.facts("other") == []
    kept.unmerge(number)
    assert kept.broken() == {}
    after = kept.state()
    # without the merge
    kept.forget()
    for step in early:
        kept.deliver(*step)
    kept.merge()
    assert kept.facts() == merged
    kept.forget()
    for step in [*early, *late]:
        kept.deliver(*step)
    without = kept.state()
    if not late:
        assert without == apart
    assert differences(after, without) == {}
    # all into one record
    kept.forget()
    for name, rows, _ in [*early, *late]:
        kept.deliver(name, rows, "one")
    assert kept.facts("one") == together


def test_each_table_with_a_listener_has_its_place(ask) -> None:
    assert {table for (table,) in ask(COLUMNS, "listener_key")} == set(WHAT_BECOMES)


def everything(two: Two) -> dict[str, list[tuple]]:
    """Every row of every table as it is, but for what the catalogue of combinations gained, the merges themselves, and the
    numbers of the ledger's rows."""
    tables = two.ask(
        "select table_schema || '.' || table_name from information_schema.tables where table_schema in ('listening', 'ops')"
        " and table_type = 'BASE TABLE' and table_name not in ('listener_merge', 'dim_play_profile', 'merged_play')"
    )
    columns = {
        "ops.coverage": "listener_key, source, state, starts_at, ends_at, found_at, reason, closed_at, closed_by"
    }
    return {
        table: sorted(map(readable, two.ask(f"select {columns.get(table, '*')} from {table}")), key=repr)
        for (table,) in tables
    }


def readable(row: tuple) -> tuple:
    """A row whose bytes can be compared and sorted."""
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def fill(two: Two) -> None:
    """Both have what the other has, and more: lists, exports, a recorder, scrobbles."""
    keys = two.record.listener_keys
    for who, shift in (("one", 0), ("other", -40_000)):
        two.record.merge_page([told(-300, S), told(-900 + shift, T), told(-910 + shift, T)], keys[who])
        two.record.import_rows([exported(-310, S), exported(-5_000 + shift, U), exported(-60_000, U)], who)
        two.record.import_rows([minuted(-200 + shift // 60, S)], who)
        two.record.observe([watched(-20_000, U), watched(-25_000 + shift, S)], keys[who])
        two.record.observe([scrobbled("lastfm", -9_000, T), scrobbled("lastfm", -11_000 + shift, T)], keys[who])


def test_taken_back_every_row_of_every_table_is_as_it_was(two: Two) -> None:
    fill(two)
    for key in two.record.listener_keys.values():
        fill_the_rest(lambda text, *values: two.ask(text, *values), key)
    two.ask("delete from ops.listener_merge")
    two.ask("update ops.recorder set released_at = now()")
    two.ask("delete from ops.rebuild_due")  # derived anew by both
    two.ask("update ops.coverage set state = 'covered', source = 'recently_played' where source like 'of %%'")
    two.ask("delete from ops.watermark where source like 'of %%'")
    two.ask("delete from ops.import_content where content_hash like 'of %%'")
    before = everything(two)
    dry = two.merge(dry_run=True)
    assert everything(two) == before
    done = two.merge()
    assert (done.own, done.into, done.together) == (dry.own, dry.into, dry.together)
    # both have S of the list and the export, the export's last U, the player's U and the first scrobble
    assert (done.own.play_count, done.into.play_count, done.both_count) == (10, 10, 4)
    assert [row[0] for row in two.facts()] == ["one"] * 16
    assert two.unmerge(done.merge.merge, dry_run=True).together == done.together
    assert [row[0] for row in two.facts()] == ["one"] * 16
    two.unmerge(done.merge.merge)
    after = everything(two)
    assert differences(before, after) == {}


def test_a_page_an_import_and_its_undo_in_between(two: Two) -> None:
    """What the page says is the one's own from then on, also if the merge had brought it; so is what the import brings."""
    one = two.record.listener_keys["one"]
    rows = [exported(-5_000, U), exported(-9_000, S)]
    two.record.merge_page([told(-300, S), told(-900, T)], two.record.listener_keys["other"])
    two.record.import_rows(rows, "other")
    number = two.merge().merge.merge
    two.record.merge_page([told(-900, T), told(-2_000, U)], one)
    two.record.import_rows(rows, "one")
    assert len(two.facts("one")) == 5
    [own, _] = two.ask("select run_key from ops.run where job = 'import' order by 1 desc")
    assert undo_import(two.warehouse, *own, dry_run=False, clock=lambda: NOW).gone_count == 0  # the merge has it still
    two.record.import_rows(rows[:1], "one")
    two.unmerge(number)
    after = two.state()
    two.forget()
    two.record.merge_page([told(-300, S), told(-900, T)], two.record.listener_keys["other"])
    two.record.import_rows(rows, "other")
    two.record.merge_page([told(-900, T), told(-2_000, U)], one)
    two.record.import_rows(rows[:1], "one")
    without = two.state()
    after.pop("receipts"), without.pop("receipts")  # of the import that was undone
    after["contents"] = [row for row in after["contents"] if row in without["contents"]]
    after["spans"] = [row for row in after["spans"] if row in without["spans"]]
    assert differences(after, without) == {}


def test_what_an_older_program_left_is_as_it_was(two: Two) -> None:
    """Rows without a set beside a content that stands for earlier imports, and rows carried over from older columns."""
    for who in ("one", "other"):
        two.record.import_rows([exported(-5_000, U), exported(-9_000, S), exported(-12_000, T)], who)
    two.record.import_rows([exported(-20_000, T)], "other")
    two.ask("update listening.observation set import_set_key = null")
    two.ask("update ops.import_content set is_earlier = true, content_hash = 'earlier ' || import_content_key")
    two.ask("update listening.observation set sequence = -1 where observed_at = %s", NOW - timedelta(seconds=9_000))
    two.ask(
        "update listening.observation set sequence = -1, ms_played = 7 where observed_at = %s and listener_key = %s",
        NOW - timedelta(seconds=12_000), two.record.listener_keys["one"],
    )  # fmt: skip
    two.record.rebuild("one")
    before = everything(two)
    done = two.merge()
    # a carried one stands for what the other has of the same moment
    assert (done.together.play_count, done.both_count) == (4, 3)
    two.unmerge(done.merge.merge)
    assert differences(before, everything(two)) == {}


def test_spans_gaps_and_pages_of_the_merged_listener_count_for_the_other(two: Two) -> None:
    one, other = (two.record.listener_keys[name] for name in ("one", "other"))
    hours = [NOW - timedelta(hours=hour) for hour in range(50)]
    for key, state, begin, end, reason in (
        (one, "gap", hours[30], hours[28], "outage"),
        (other, "covered", hours[49], hours[40], None),
        (other, "gap", hours[20], hours[19], "outage"),
        (other, "gap", hours[4], hours[1], "outage"),
    ):
        two.ask(
            "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at, reason)"
            " values (%s, 'recently_played', %s, %s, %s, %s, %s)", key, state, begin, end, NOW, reason,
        )  # fmt: skip
    two.record.import_rows([exported(-35 * 3600, U), exported(-25 * 3600, S)], "other")
    two.record.import_rows([exported(-22 * 3600, U), exported(-18 * 3600, S)], "one")
    spans = (
        "select listener_key, source, state, starts_at, ends_at, closed_by, closed_at is null from listening.coverage_span"
        " order by 2, 3, 4"
    )
    before = two.ask(f"{spans}, 1")
    number = two.merge().merge.merge
    assert two.ask(spans) == [
        # the exports of both are one package or two days apart, so each has its span
        (one, "extended_export", "covered", hours[35], hours[25], None, True),
        (one, "extended_export", "covered", hours[22], hours[18], None, True),
        (one, "recently_played", "covered", hours[49], hours[40], None, True),
        (one, "recently_played", "gap", hours[30], hours[28], "extended_export", False),
        (one, "recently_played", "gap", hours[20], hours[19], "extended_export", False),
        (one, "recently_played", "gap", hours[4], hours[1], None, True),
    ]
    with two.warehouse.engine.begin() as connection:
        assert [row.starts_at for row in run(connection, "ops/health/gap")] == [hours[4]]
    two.unmerge(number)
    assert two.ask(f"{spans}, 1") == before


def test_rules_go_with_them_and_come_back_unless_removed_meanwhile(two: Two) -> None:
    one, other = (two.record.listener_keys[name] for name in ("one", "other"))
    for key, device in ((one, "car"), (other, "phone"), (other, "tv")):
        two.ask(
            "insert into listening.exclusion (listener_key, created_at, device_name) values (%s, now(), %s)",
            key,
            device,
        )
    rules = "select listener_key, device_name from listening.exclusion order by exclusion_key"
    done = two.merge()
    assert (done.own.rule_count, done.into.rule_count, done.together.rule_count) == (2, 1, 3)
    assert two.ask(rules) == [(one, "car"), (one, "phone"), (one, "tv")]
    two.ask("delete from listening.exclusion where device_name = 'tv'")
    two.unmerge(done.merge.merge)
    assert two.ask(rules) == [(one, "car"), (other, "phone")]


# Merges of merges.


@pytest.fixture
def three(two: Two) -> Iterator[Two]:
    """And a third listener; each has a play of their own and one that all have."""
    keys = two.record.listener_keys
    keys["third"] = two.record.listener("third")
    for number, who in enumerate(("one", "other", "third")):
        two.record.import_rows([exported(-5_000, U), exported(-9_000 - 1_000 * number, S)], who)
        two.record.merge_page([told(-300 - 1_000 * number, T)], keys[who])
    yield two
    two.forget()
    two.ask("delete from listening.dim_listener where listener_id = 'third'")
    del keys["third"]


def test_two_into_a_third_are_taken_back_in_any_order(three: Two) -> None:
    before = everything(three)
    for order in ((0, 1), (1, 0)):
        numbers = [three.merge(name, "third").merge.merge for name in ("one", "other")]
        assert [row[0] for row in three.facts()] == ["third"] * 7
        three.unmerge(numbers[order[0]])
        assert sorted({row[0] for row in three.facts()}) == sorted({("one", "other")[order[0]], "third"})
        assert three.broken() == {}
        three.unmerge(numbers[order[1]])
        assert differences(before, everything(three)) == {}


def test_one_after_the_other_is_taken_back_the_last_first(three: Two) -> None:
    before = everything(three)
    first = three.merge("one", "other").merge.merge
    middle = everything(three)
    second = three.merge("other", "third").merge.merge
    assert [row[0] for row in three.facts()] == ["third"] * 7
    assert {
        row[0] for row in three.ask("select merged_into from listening.dim_listener where listener_id <> 'third'")
    } == {three.record.listener_keys["third"]}
    with pytest.raises(ListenerError, match=rf"into a third one afterwards\. .* 'brapped listener unmerge {second}'"):
        three.unmerge(first)
    three.unmerge(second)
    assert differences(middle, everything(three)) == {}
    three.unmerge(first)
    assert differences(before, everything(three)) == {}


# What can't be merged, and who can't be named.


@pytest.mark.parametrize(
    ("name", "into", "sentence"),
    [
        ("one", "ONE", "Both names are those of one listener"),
        ("othr", "one", r"No listener with this name or id is recorded here\. Near it: other\."),
        ("other", "on", r"No listener with this name or id is recorded here\. Near it: one\."),
    ],
)
def test_who_can_t_be_merged(two: Two, name: str, into: str, sentence: str) -> None:
    with pytest.raises(ListenerError, match=sentence):
        two.merge(name, into)


def test_while_merged_they_are_not_named_and_their_imports_stay(two: Two, tmp_path) -> None:
    two.record.import_rows([exported(-5_000, U)], "other")
    number = two.merge().merge.merge
    assert [one.listener_id for one in list_listeners(two.warehouse)] == ["one"]
    taken = rf"merged into another one, .* 'brapped listener unmerge {number}'"
    for name, into in (("other", "one"), ("one", "other")):
        with pytest.raises(ListenerError, match=taken):
            two.merge(name, into)
    with pytest.raises(ListenerError, match=taken):
        rename_listener(two.warehouse, "other", "Ada", is_public=False, **PLAIN)
    with pytest.raises(ListenerError, match=taken):
        delete_listener(two.warehouse, "other", is_public=False, **PLAIN)
    with pytest.raises(ListenerError, match=taken):
        two.record.import_rows([exported(-7_000, U)], "other")
    with pytest.raises(ListenerError, match=taken):
        rebuild(two.record.settings, two.warehouse, listener="other")
    [receipt] = list_receipts(two.warehouse)
    assert not receipt.can_be_undone
    with pytest.raises(UndoError, match=rf"Take the merge back first \('brapped listener unmerge {number}'\)"):
        undo_import(two.warehouse, receipt.receipt, **PLAIN)
    assert rebuild(two.record.settings, two.warehouse).line.startswith("1 play of 1 listener derived anew: 0 added")
    assert two.facts("one") and two.facts("other") == []
    with pytest.raises(ListenerError, match=rf"^No merge of listeners has the number 0\. Those that hold: {number}\.$"):
        two.unmerge(0)
    two.unmerge(number)
    with pytest.raises(ListenerError, match="was taken back on 2026-11-20 already"):
        two.unmerge(number)
    assert undo_import(two.warehouse, receipt.receipt, **PLAIN).gone_count == 1


@pytest.mark.parametrize("who", ["one", "other"])
def test_not_while_a_recorder_watches(two: Two, who: str) -> None:
    claim = "insert into ops.recorder (listener_key, holder_id, host_name, claimed_at) values (%s, 'x', 'attic', %s)"
    try:
        two.ask(claim, two.record.listener_keys[who], NOW)
        with pytest.raises(ListenerError, match="A recorder has watched one of the two since 2026-11-20 09:20 UTC"):
            two.merge()
        two.ask("update ops.recorder set released_at = now()")
        number = two.merge().merge.merge
        two.ask("update ops.recorder set released_at = null")
        with pytest.raises(ListenerError, match="End it first"):
            two.unmerge(number)
    finally:
        two.ask("delete from ops.recorder")


def test_who_is_deleted_takes_along_who_was_merged_into_them(three: Two) -> None:
    three.merge("one", "other")
    three.merge("other", "third")
    dry = delete_listener(three.warehouse, "third", is_public=False, **{**PLAIN, "dry_run": True})
    assert len(three.facts()) == 7
    done = delete_listener(three.warehouse, "third", is_public=False, **PLAIN)
    assert done.row_counts == dry.row_counts and done.row_counts["listening.dim_listener"] == 3
    for (table,) in three.ask(COLUMNS, "listener_key"):
        assert three.ask(f"select count(*) from {table}") == [(0,)], table
    for name in ("one", "other"):  # for the tests that follow
        three.record.listener_keys[name] = three.record.listener(name)


# Who is logged in.


@pytest.fixture
def logged_in(settings, warehouse, play, songs, ask, tmp_path) -> Callable[[int], list[tuple[str, int]]]:
    """The account of ada, recorded by the hourly job, and an export of hers under another name. Runs the job once more, after
    this many further plays; whose plays there are, and how many."""
    tracks = list(songs.tracks)
    times = iter(range(1, 40))

    def more(count: int) -> list[tuple[str, int]]:
        play(
            *(
                Play(tracks[n % 7], NOW - timedelta(hours=5) + timedelta(minutes=5 * n))
                for n in (next(times) for _ in range(count))
            )
        )
        record_plays(settings, warehouse, lambda: NOW)
        return ask(
            "select listener_id, count(fact_play)::int from listening.dim_listener left join listening.fact_play using (listener_key)"
            " group by 1 order by 1"
        )

    assert more(2) == [("account-of-ada", 2)]
    Record(warehouse, settings.database_url.get_secret_value(), tmp_path / "export").import_rows(
        [exported(-90_000, S)], "one"
    )
    ask("delete from listening.dim_listener where listener_id = 'other'")
    return more


def merged_here(warehouse: Warehouse, into: str = "one") -> int:
    return merge_listeners(warehouse, "account-of-ada", into, is_public=False, **PLAIN).merge.merge


def test_what_the_login_of_the_merged_one_brings_goes_to_the_other(logged_in, warehouse, settings, ask) -> None:
    number = merged_here(warehouse)
    assert list_listeners(warehouse)[0].is_logged_in
    assert logged_in(2) == [("account-of-ada", 0), ("one", 5)]
    assert logged_in(0) == [("account-of-ada", 0), ("one", 5)]  # a page that brings nothing new
    assert ask("select listener_id from ops.login join listening.dim_listener using (listener_key)") == [
        ("account-of-ada",)
    ]
    ask("update ops.login set listener_key = null")  # so that the next run asks for the profile, as after a new consent
    assert logged_in(1) == [("account-of-ada", 0), ("one", 6)]
    assert ask("select listener_id from ops.login join listening.dim_listener using (listener_key)") == [
        ("account-of-ada",)
    ]
    assert ask("select count(*) from ops.coverage where state = 'gap'") == [(0,)]
    with warehouse.engine.begin() as connection:
        [state] = run(connection, "ops/health/listener")
    assert (state.listener_id, state.checked_at) == ("one", NOW)
    unmerge_listeners(warehouse, number, **PLAIN)
    # what was asked and what it covers is that of the account, as without the merge
    whose = "select listener_id, source from {} join listening.dim_listener using (listener_key) order by 1"
    assert ask(whose.format("ops.coverage")) == [("account-of-ada", "recently_played"), ("one", "extended_export")]
    assert ask(whose.format("ops.watermark")) == [("account-of-ada", "recently_played")]
    assert logged_in(1) == [("account-of-ada", 6), ("one", 1)]  # what it brought meanwhile, too
    assert ask("select count(*) from ops.coverage where state = 'gap'") == [(0,)]
    assert [one.is_logged_in for one in list_listeners(warehouse)] == [True, False]


def test_what_it_brings_after_two_merges_is_there_after_each_is_taken_back(logged_in, warehouse, ask, tmp_path) -> None:
    ask("insert into listening.dim_listener (listener_id, time_zone, created_at) values ('third', 'UTC', now())")
    first = merged_here(warehouse)
    assert dict(logged_in(1)) == {"account-of-ada": 0, "one": 4, "third": 0}
    second = merge_listeners(warehouse, "one", "third", is_public=False, **PLAIN).merge.merge
    assert dict(logged_in(2)) == {"account-of-ada": 0, "one": 0, "third": 6}
    unmerge_listeners(warehouse, second, **PLAIN)
    counts = "select listener_id, count(*)::int from listening.fact_play join listening.dim_listener using (listener_key) group by 1 order by 1"
    assert ask(counts) == [("one", 6)]
    assert dict(logged_in(1)) == {"account-of-ada": 0, "one": 7, "third": 0}
    unmerge_listeners(warehouse, first, **PLAIN)
    assert ask(counts) == [("account-of-ada", 6), ("one", 1)]
    assert ask("select count(*) from listening.observation where import_set_key is not null") == [(1,)]  # of the export
    assert ask("select count(*) from ops.coverage where state = 'gap'") == [(0,)]


@pytest.mark.parametrize("begins", ["apart", "merged"])
def test_a_run_that_began_before_records_nothing_where_it_no_longer_belongs(
    logged_in, warehouse, settings, ask, monkeypatch, begins
) -> None:
    """Between its reading whose login it is and its writing the listeners are merged, or the merge is taken back."""
    number = merged_here(warehouse) if begins == "merged" else 0
    original = Api.recently_played

    def meanwhile(self: Api) -> Any:
        beside = Warehouse(settings.database_url.get_secret_value())
        if begins == "merged":
            unmerge_listeners(beside, number, **PLAIN)
        else:
            merged_here(beside)
        beside.close()
        return original(self)

    with monkeypatch.context() as patched:
        patched.setattr(Api, "recently_played", meanwhile)
        with pytest.raises(WarehouseError, match="taken back while" if begins == "merged" else "merged into another"):
            logged_in(1)
    counts = "select listener_id, count(fact_play)::int from listening.dim_listener left join listening.fact_play using (listener_key) group by 1 order by 1"
    assert ask(counts) == (
        [("account-of-ada", 2), ("one", 1)] if begins == "merged" else [("account-of-ada", 0), ("one", 3)]
    )
    assert logged_in(0) == (
        [("account-of-ada", 3), ("one", 1)] if begins == "merged" else [("account-of-ada", 0), ("one", 4)]
    )


# The command.


def test_the_commands(brapped, tmp_path, ask) -> None:
    folder = write_folder(
        tmp_path / "package", {"Streaming_History_Audio_2026.json": [exported(-900, S), exported(-9_000, T)]}
    )
    for name in ("ada", "bob"):
        brapped("import", str(folder), "--listener", name)
    refused = brapped("listener", "merge", "ada", "bob")
    assert refused.returncode == 1 and "--yes" in refused.stderr
    assert refused.stderr.startswith(
        "ada: 2 plays, 7 min\nbob: 2 plays, 7 min\ntogether: 2 plays, 7 min; 2 that both have\n"
    )
    dry = brapped("listener", "merge", "ada", "bob", "--dry-run")
    assert dry.stdout == (
        "two listeners would be one: 2 plays and 2 plays are 2 plays, because both have 2; nothing was changed (dry run)\n"
    )
    assert ask("select count(*) from listening.fact_play") == [(4,)]
    done = brapped("listener", "merge", "ada", "bob", "--yes")
    assert done.returncode == 0 and "'brapped listener unmerge " in done.stdout
    [listed] = json.loads(brapped("listener", "list", "--json").stdout)
    [merge] = listed["merged"]
    assert (listed["listener_id"], listed["play_count"], merge["listener_id"]) == ("bob", 2, "ada")
    assert f"merge {merge['merge']}, " in brapped("listener", "list").stdout
    public = brapped("listener", "list", GITHUB_ACTIONS="true").stdout
    assert "ada" not in public and "bob" not in public and "a listener into another" in public
    public = brapped("listener", "unmerge", str(merge["merge"]), "--dry-run", GITHUB_ACTIONS="true")
    assert "ada" not in public.stdout + public.stderr and "would be taken back" in public.stdout
    back = brapped("listener", "unmerge", str(merge["merge"]), "--yes")
    assert back.stdout == f"merge {merge['merge']} was taken back: 2 plays of the one, 2 plays of the other\n"
    assert brapped("listener", "unmerge", str(merge["merge"]), "--yes").returncode == 1


@pytest.mark.parametrize("command", ["merge", "unmerge"])
def test_killed_in_the_middle_nothing_has_changed(
    two: Two, warehouse, start, brapped, database, ask, tmp_path, command
) -> None:
    here = Two(Record(warehouse, database, tmp_path / "export"), ask)
    fill(here)
    words = ["listener", "merge", "other", "one", "--yes"]
    if command == "unmerge":
        words = ["listener", "unmerge", str(here.merge().merge.merge), "--yes"]
    before = everything(here)
    with locked(database, "listening.dim_play_profile"):  # read when plays are derived, after all the rest
        process = start(*words)
        wait_for_lock(database, "listening.dim_play_profile")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert differences(before, everything(here)) == {}
    assert brapped(*words).returncode == 0
    assert here.broken() == {}
