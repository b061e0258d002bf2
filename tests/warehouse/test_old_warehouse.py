"""A warehouse of before schema/012 is migrated: its provenance becomes observations, and all plays are derived from them anew."""

from collections import Counter
from contextlib import contextmanager
from functools import partial

import pytest
from support import NOW, asked, fresh_database, observed, whole_facts
from support.cases import FILES
from support.export_files import write_folder
from support.old_warehouse import CATALOGUE, EXPORTS, PAGES, TOLD, make_old, record_of, tell
from support.warehouse_state import everything

from etl import __version__
from etl.jobs.imports import import_exports
from etl.settings import Settings
from etl.warehouse import rebuild
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.merge import rebuild_plays

# Of two rows equal in date, song and length that began at different moments the old rule kept one, and so the start of one only.
LOST_PLAYS = [("one", "spotify:track:xxxxxxxxxxxxxxxxxx0020"), ("other", "spotify:track:xxxxxxxxxxxxxxxxxx0019")]
# Of a play that the export told again it kept the second date and the longer of the two lengths. The second row was shorter.
SECOND_ROWS = [("one", 106_804), ("other", 77_308)]
# Of a play that the list dated three times it kept the first date and the last.
DATES_BETWEEN = ["one", "one", "other"]
KEPT = (
    "ops.told_apart", "ops.merged_play", "ops.import_file", "ops.coverage", "ops.watermark", "ops.run",
    "listening.dim_listener", "listening.dim_album", "listening.dim_context", "listening.dim_device",
)  # fmt: skip
NAMES = (
    "select track_uri, track_name, named_at, longest_ms, isrc, duration_ms, recording.uri, array_agg(artist_name order by position)"
    " from listening.dim_track"
    " left join listening.bridge_track_artist using (track_key) left join listening.dim_artist using (artist_key)"
    " left join lateral (select min(other.track_uri) as uri from listening.dim_track as other"
    "   where other.recording_key = dim_track.recording_key) as recording on true"
    " group by track_key, recording.uri order by 1"
)
SAID = "select distinct play_key, source_name from listening.observation join listening.source using (source_key)"
KEYS = "select listener_id, play_key from listening.fact_play join listening.dim_listener using (listener_key)"


@pytest.fixture(params=[9, 10, 11], ids="schema {}".format)
def old(request, empty_database, tmp_path, monkeypatch):
    """The URL of an old warehouse."""
    make_old(empty_database, tmp_path / "old_sql", request.param, monkeypatch)
    return empty_database


@pytest.fixture
def newest(empty_database, tmp_path, monkeypatch):
    """That of one of the last schema before 012."""
    make_old(empty_database, tmp_path / "old_sql", 11, monkeypatch)
    return empty_database


@pytest.fixture
def fresh(cluster, template, tmp_path):
    """Asks a warehouse of today's program that was told everything for the first time, in an order of its own."""
    with contextmanager(fresh_database)(cluster, template) as url:
        record = record_of(url, tmp_path / "fresh")
        tell(record, [*CATALOGUE, *EXPORTS, *PAGES])
        yield partial(asked, url)
        record.warehouse.close()


def migrate(url):
    warehouse = Warehouse(url)
    try:
        return warehouse.migrate(NOW, __version__)
    finally:
        warehouse.close()


def differences(one, other):
    """Rows that only the one has, and rows that only the other has."""
    counted = [Counter(tuple(map(str, row)) for row in rows) for rows in (one, other)]
    return [sorted((counted[0] - counted[1]).elements()), sorted((counted[1] - counted[0]).elements())]


def test_only_what_the_old_columns_had_lost_is_missing_and_the_same_files_bring_it(old, fresh, tmp_path):
    ask = partial(asked, old)
    assert "schema/012_observations" in migrate(old)

    more, less = differences(whole_facts(ask), whole_facts(fresh))
    assert more == [] and [(row[0], row[2]) for row in less] == LOST_PLAYS
    more, less = differences(observed(ask), observed(fresh))
    assert [(row[0], int(row[5])) for row in more] == SECOND_ROWS
    assert [row[0] for row in less if row[1] == "recently_played"] == DATES_BETWEEN
    assert len(less) == len(LOST_PLAYS) + len(SECOND_ROWS) + len(DATES_BETWEEN)
    assert ask(NAMES) == fresh(NAMES)

    facts = whole_facts(ask)
    record = record_of(old, tmp_path / "again")
    assert [record.rebuild(listener).play_count for listener in ("one", "other")] == [
        len([fact for fact in facts if fact[0] == listener]) for listener in ("one", "other")
    ]
    assert whole_facts(ask) == facts
    tell(record, TOLD)
    assert differences(whole_facts(ask), whole_facts(fresh)) == [[], []]
    assert differences(observed(ask), observed(fresh)) == [[], []]
    assert ask("select count(*) from listening.observation where sequence < 0") == [(0,)]
    assert ask(NAMES) == fresh(NAMES)
    for listener in ("one", "other"):
        rebuilt = record.rebuild(listener)
        assert (rebuilt.added_count, rebuilt.removed_count, rebuilt.changed_count) == (0, 0, 0)
    record.warehouse.close()


def test_plays_keep_their_keys_and_the_ledgers_stay(old):
    before, keys = everything(old), set(asked(old, KEYS))
    migrate(old)
    after = everything(old)
    kept, merged = set(asked(old, KEYS)), dict(asked(old, "select play_key, merged_into from ops.merged_play"))
    assert kept < keys
    # what is one play now, by a better rule, says so
    assert {merged.get(key) for _, key in keys - kept} <= {key for _, key in kept}
    assert {row[0] for row in asked(old, "select distinct play_key from listening.observation")} == {
        key for _, key in kept
    }
    for table in KEPT:
        assert before[table]
        rows = [row[: len(before[table][0])] for row in after[table]]
        assert [row for row in before[table] if row not in rows] == [], table
        assert len(rows) == len(before[table]) or table == "ops.merged_play", table


def dying_with(monkeypatch, number, error):
    """The listeners that are derived anew, while the program dies with the one of this number."""
    seen = []

    def dies(connection, **given):
        seen.append(given["listener_key"])
        if len(seen) == number:
            error(connection)
        return rebuild_plays(connection, **given)

    monkeypatch.setattr(rebuild, "rebuild_plays", dies)
    return seen


def out_of_memory(connection):
    raise MemoryError


DUE = "select listener_key from ops.rebuild_due order by 1"


@pytest.mark.parametrize(("number", "left"), [(1, [(1,), (2,)]), (2, [(2,)])])
def test_a_migration_that_dies_with_a_listener_goes_on_with_that_one(
    number, left, cluster, newest, monkeypatch, tmp_path
):
    with contextmanager(fresh_database)(cluster, "template0") as untouched:
        make_old(untouched, tmp_path / "untouched_sql", 11, monkeypatch)
        migrate(untouched)
        asks = partial(asked, newest), partial(asked, untouched)
        with monkeypatch.context() as patched:
            dying_with(patched, number, out_of_memory)
            with pytest.raises(MemoryError):
                migrate(newest)
        assert asks[0](DUE) == left
        with monkeypatch.context() as patched:
            seen = dying_with(patched, 0, out_of_memory)
            assert migrate(newest) == []
            assert [(key,) for key in seen] == left
            assert migrate(newest) == [] and len(seen) == len(left)
        assert asks[0](DUE) == []
        assert whole_facts(asks[0]) == whole_facts(asks[1])
        assert observed(asks[0]) == observed(asks[1])
        assert set(asks[0](KEYS)) == set(asks[1](KEYS))


def test_a_connection_that_is_lost_with_the_second_listener_is_as_if_it_had_not_been(
    cluster, newest, monkeypatch, tmp_path
):
    with contextmanager(fresh_database)(cluster, "template0") as untouched:
        make_old(untouched, tmp_path / "untouched_sql", 11, monkeypatch)
        migrate(untouched)
        seen = dying_with(
            monkeypatch, 2, lambda one: one.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
        )
        migrate(newest)
        assert seen == [1, 2, 2]
        asks = partial(asked, newest), partial(asked, untouched)
        assert whole_facts(asks[0]) == whole_facts(asks[1])
        assert observed(asks[0]) == observed(asks[1])
        assert asks[0](DUE) == []


def test_what_is_recorded_before_the_plays_are_derived_anew_ends_as_a_fresh_import(newest, fresh, tmp_path):
    """Every page and file comes in between, each of them only matched around what it brings."""
    warehouse = Warehouse(newest)
    assert "schema/012_observations" in warehouse.migrate(NOW, __version__, plays_may_wait=True)
    ask = partial(asked, newest)
    facts = "select * from listening.fact_play order by play_key"
    before = ask(facts)
    assert ask(DUE) == [(1,), (2,)]
    record = record_of(newest, tmp_path / "meanwhile")
    # as the hourly job and an import do it, but not what `import` does first
    for one in [*PAGES, *EXPORTS]:
        key = record.listener_keys[one["listener"]]
        (record.merge_page if one in PAGES else record.merge_export)(one["rows"], key)
    assert ask(DUE) == [(1,), (2,)] and ask(facts) != before
    assert ask("select count(*) - count(distinct play_key) from listening.fact_play") == [(0,)]
    assert warehouse.migrate(NOW, __version__) == []
    assert ask(DUE) == []
    assert differences(whole_facts(ask), whole_facts(fresh)) == [[], []]
    assert differences(observed(ask), observed(fresh)) == [[], []]
    record.warehouse.close()
    warehouse.close()


def test_a_dry_run_of_an_import_migrates_and_merges_and_changes_nothing(newest, fresh, tmp_path):
    before = everything(newest)
    warehouse = Warehouse(newest)
    rows = [row for one in EXPORTS if one["listener"] == "one" for row in one["rows"]]
    folder = write_folder(
        tmp_path / "files",
        {name: told for mark, name in FILES.items() if (told := [row for row in rows if mark in row])},
    )
    settings = Settings(_env_file=None, database_url=newest)
    receipt = import_exports(settings, warehouse, [folder], listener="one", dry_run=True, clock=lambda: NOW)
    warehouse.close()
    assert receipt.total.row_count == len(rows) and receipt.total.known_count > 0
    after = everything(newest)
    del before["numbers"], after["numbers"]  # numbers that were given stay given
    assert after == before


def test_views_upon_views_and_facts_keep_working(newest):
    asked(newest, "create view listening.mine as select source, count(*) from listening.play_source group by source")
    asked(newest, "create view listening.wide as select sources, artist_names, best_ms from listening.play_detail")
    asked(newest, "create view listening.facts as select play_key, played_at, ms_played from listening.fact_play")
    assert asked(newest, "select count(*) from listening.mine") == [(3,)]
    migrate(newest)
    assert sorted(asked(newest, "select * from listening.mine")) == sorted(
        Counter(source for _, source in asked(newest, SAID)).items()
    )
    wide = "select sources, artist_names, best_ms from listening.play_detail order by 1, 2, 3"
    assert asked(newest, "select * from listening.wide order by 1, 2, 3") == asked(newest, wide)
    assert asked(newest, "select count(*) from listening.facts") == [(48,)]


def test_a_view_that_reads_what_goes_is_named_before_anything_changes(newest):
    asked(newest, "create schema of_mine")
    asked(newest, "create view of_mine.starts as select played_at, start_offset_ms from listening.fact_play")
    asked(newest, "create view of_mine.players as select has_player from listening.dim_play_profile")
    before = everything(newest)
    with pytest.raises(WarehouseError) as refused:
        migrate(newest)
    assert (
        "read them: of_mine.players reads listening.dim_play_profile.has_player;"
        " of_mine.starts reads listening.fact_play.start_offset_ms. Nothing was changed. Drop these views"
    ) in str(refused.value)
    assert everything(newest) == before
    asked(newest, "drop schema of_mine cascade")
    assert "schema/012_observations" in migrate(newest)


def test_a_play_that_moves_to_the_year_before_the_calendar_is_kept(newest):
    """It began on 30 December, for 100 s, and was uploaded on 2 January of the first year that is known."""
    assert asked(newest, "select min(full_date)::text from listening.dim_date") == [("2026-01-01",)]
    asked(
        newest,
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key,"
        "   play_profile_key, ms_played, start_offset_ms, time_key)"
        " select timestamptz '2026-01-02 10:00Z', listener_key, track_key, 20260102, 0, device_key, play_profile_key,"
        "   100000, -3 * 86400000, 0"
        " from listening.fact_play join listening.dim_play_profile using (play_profile_key)"
        " where has_extended_export and not has_recently_played order by play_key limit 1",
    )
    migrate(newest)
    dates = "select played_at::text, full_date::text from listening.fact_play join listening.dim_date using (date_key)"
    assert asked(newest, f"set time zone 'UTC'; {dates} where played_at < '2026-06-01'") == [
        ("2025-12-30 10:01:40+00", "2025-12-30")
    ]
    assert asked(newest, "select count(*), count(distinct year) from listening.dim_date") == [(730, 2)]
