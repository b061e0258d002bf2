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

from etl.health.consistency import check_findings
from etl.jobs.exclusions import Conditions
from etl.jobs.imports import import_exports
from etl.jobs.listener_merges import WHAT_BECOMES, Merged, list_merges, merge_listeners, unmerge_listeners
from etl.jobs.listeners import delete_listener, list_listeners, rename_listener
from etl.jobs.plays import record_plays
from etl.jobs.rebuild import rebuild
from etl.jobs.undo import UndoError, list_receipts, undo_import
from etl.simulator.routes import Play
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
        for table in ("ops.listener_merge", "ops.watermark", "listening.exclusion", "listening.player_observation"):
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
    yield Two(Record(warehouse, shared, tmp_path_factory.mktemp("packages")), lambda text, *values: asked(shared, text, *values))
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
    """Every row of every table as it is, but for what the catalogue of combinations gained, and the merges themselves."""
    tables = two.ask(
        "select table_schema || '.' || table_name from information_schema.tables where table_schema in ('listening', 'ops')"
        " and table_type = 'BASE TABLE' and table_name not in ('listener_merge', 'dim_play_profile', 'merged_play')"
    )
    return {table: sorted(two.ask(f"select * from {table}"), key=repr) for (table,) in tables}


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
