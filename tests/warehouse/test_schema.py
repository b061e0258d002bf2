"""The schema: made by the program on first use, in one piece, explained to its last column."""

import re
import subprocess
import sys
from datetime import datetime

import pytest
from support import NOW, ROOT, asked

from etl import __version__
from etl.warehouse import statements
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError

DESIGNED = {
    "bridge_track_artist": {"track_key", "artist_key", "position", "role", "weight"},
    "dim_album": {"album_key", "album_id", "album_name", "release_date", "release_date_precision"},
    "dim_artist": {"artist_key", "artist_id", "artist_name", "genres", "image_url", "fetched_at"},
    "dim_context": {"context_key"},
    "dim_date": {"date_key"},
    "dim_device": {"device_key"},
    "dim_listener": {"listener_key", "listener_id", "time_zone"},
    "dim_play_profile": {"play_profile_key"},
    "dim_time": {"time_key"},
    "exclusion": {"listener_key", "exclusion_key"},
    "dim_track": {
        "track_key", "track_id", "track_uri", "track_name", "content_type", "duration_ms", "isrc", "is_explicit",
        "album_key", "fetched_at",
    },
    "fact_play": {
        "play_key", "listener_key", "track_key", "date_key", "time_key", "context_key", "device_key",
        "play_profile_key", "played_at", "ms_played",
    },
    "observation": {
        "listener_key", "source_key", "observed_at", "track_key", "sequence", "play_key", "started_at", "ms_played",
        "context_key", "device_key", "play_profile_key",
    },
    "player_observation": {
        "listener_key", "observed_at", "track_key", "sequence", "start_basis", "end_basis", "ms_within", "pause_count",
    },
    "recording_decision": {"decision_key", "track_uri", "other_track_uri", "is_same", "decided_at", "note"},
    "source": {"source_key", "source_name", "precision_s", "is_redating", "ms_basis"},
    "track_alias": {"track_key", "name_hash"},
    "track_feature": {"track_key", "provider", "danceability", "energy", "valence", "tempo", "fetched_at", "matched_by"},
    "provider": {"provider", "provider_name", "feature_rank", "genre_rank"},
    "artist_genre": {"artist_key", "provider", "genres", "fetched_at", "matched_by"},
    "artist_identity": {"artist_key", "provider", "mbid", "country", "fetched_at", "matched_by"},
}  # fmt: skip


def test_the_star_stands_as_designed(database, ask):
    columns: dict[str, set[str]] = {}
    for table, column in ask(
        "select table_name, column_name from information_schema.columns join information_schema.tables using (table_schema, table_name)"
        " where table_schema = 'listening' and table_type = 'BASE TABLE'"
    ):
        columns.setdefault(table, set()).add(column)
    assert columns.keys() == DESIGNED.keys()
    for table, designed in DESIGNED.items():
        assert designed <= columns[table], table


def test_every_table_and_column_has_a_comment(database, ask):
    without = ask(
        "select n.nspname || '.' || c.relname || coalesce('.' || a.attname, '') from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace"
        " left join lateral (select attname, attnum from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped"
        "   union all select null, 0) a on true"
        " where n.nspname in ('listening', 'ops') and c.relkind in ('r', 'v', 'm', 'p')"
        " and col_description(c.oid, a.attnum) is null and obj_description(case when a.attnum = 0 then c.oid end, 'pg_class') is null"
    )
    assert without == []


def test_names_follow_the_house_rules(database, ask):
    for table, column, kind, is_view in ask(
        "select table_name, column_name, data_type, table_type = 'VIEW' from information_schema.columns"
        " join information_schema.tables using (table_schema, table_name) where table_schema in ('listening', 'ops')"
    ):
        if table == "listening_history":
            continue  # in the words of an older layout
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column), (table, column)
        assert (kind == "timestamp with time zone") == column.endswith("_at"), (table, column)
        assert kind != "timestamp without time zone" or (is_view and column.startswith("local_")), (table, column)
        assert (kind == "boolean") == column.startswith(("is_", "has_")), (table, column)
        if column.endswith("_ms"):
            assert kind in (("integer", "bigint") if is_view else ("integer",)), (table, column)  # a view sums


def test_dimensions_have_an_unknown_member_and_times_are_complete(database, ask):
    for table, key in {
        "dim_track": "track_key", "dim_album": "album_key", "dim_artist": "artist_key", "dim_context": "context_key",
        "dim_device": "device_key", "dim_play_profile": "play_profile_key",
    }.items():  # fmt: skip
        assert ask(f"select count(*) from listening.{table} where {key} = 0") == [(1,)]
    assert ask(
        "select count(*), count(distinct hour_minute), min(time_key), max(time_key) from listening.dim_time"
    ) == [(1440, 1440, 0, 1439)]
    assert ask("select count(*) from listening.dim_time where time_key <> hour * 60 + minute") == [(0,)]
    assert ask("select day_part, min(hour), max(hour) from listening.dim_time group by 1 order by 2") == [
        ("night", 0, 5), ("morning", 6, 11), ("afternoon", 12, 17), ("evening", 18, 23),
    ]  # fmt: skip


def test_every_unique_key_of_the_facts_holds_the_listener_so_that_they_can_be_spread(database, ask):
    keys = ask("select indexdef from pg_indexes where tablename = 'fact_play' and indexdef like 'CREATE UNIQUE%%'")
    assert keys and all("listener_key" in key for (key,) in keys)
    assert (
        ask("select tgname from pg_trigger join pg_class on pg_class.oid = tgrelid where relname = 'fact_play'") == []
    )


RECREATED = sorted(
    f"{path.parent.name}/{path.stem}"
    for folder in ("functions", "views")
    for path in (ROOT / "sql" / folder).glob("*.sql")
)


def test_migrating_twice_does_nothing_the_second_time(empty_database):
    made = Warehouse(empty_database)
    files = made.migrate(NOW, __version__)
    schema = [f"schema/{path.stem}" for path in sorted((ROOT / "sql/schema").glob("*.sql"))]
    assert files[: len(schema)] == schema
    assert sorted(files[len(schema) :]) == RECREATED
    assert made.migrate(NOW, __version__) == []
    made.close()


def test_a_schema_change_that_fails_leaves_nothing_behind(empty_database, tmp_path, monkeypatch):
    broken = tmp_path / "sql"
    (broken / "schema").mkdir(parents=True)
    (broken / "views").mkdir()
    (broken / "ops").symlink_to(ROOT / "sql" / "ops")
    (broken / "schema" / "001_good.sql").write_text("create table listening.good (good_key integer);")
    (broken / "schema" / "002_bad.sql").write_text("create table listening.bad (oops nonsense);")
    monkeypatch.setattr(statements, "sql_folder", lambda: broken)
    statements.script.cache_clear()
    made = Warehouse(empty_database)
    with pytest.raises(WarehouseError, match="SQLSTATE 42704"):
        made.migrate(NOW, __version__)
    made.close()
    statements.script.cache_clear()
    assert asked(empty_database, "select count(*) from pg_namespace where nspname in ('listening', 'ops')") == [(0,)]


def test_a_newer_database_is_left_alone(warehouse, database, ask):
    ask("insert into ops.schema_change values ('schema/999_from_the_future', 'x', now(), '9')")
    with pytest.raises(
        WarehouseError, match=r"newer Brapped \(version 9, .* knows schema/999_from_the_future.*Nothing was changed"
    ):
        warehouse.migrate(NOW, __version__)


def test_a_schema_file_changed_after_it_was_applied_is_noticed(warehouse, ask):
    ask("update ops.schema_change set checksum = 'other' where file_name = 'schema/002_dimensions'")
    with pytest.raises(WarehouseError, match="sql/schema/002_dimensions was edited"):
        warehouse.migrate(NOW, __version__)


def test_changed_views_are_made_again(warehouse, ask):
    ask("update ops.schema_change set checksum = 'older' where file_name = 'views/play_source'")
    ask("drop view listening.play_source")
    made = warehouse.migrate(NOW, __version__)
    assert sorted(made) == RECREATED
    assert made.index("functions/estimated_ms") < made.index("functions/timed_plays") < made.index("views/play_time")
    assert made.index("views/coverage_span") < made.index("functions/recorded_days") < made.index("views/streak")
    assert ask("select count(*) from listening.play_source") == [(0,)]


def test_a_record_made_before_plays_kept_their_distance_gets_it(empty_database, tmp_path, monkeypatch):
    """As pandas finds it: per listener, of plays at the same moment by their key, nothing after more than a day."""
    before = tmp_path / "sql"
    (before / "schema").mkdir(parents=True)
    (before / "views").mkdir()
    (before / "ops").symlink_to(ROOT / "sql" / "ops")
    for path in (ROOT / "sql/schema").glob("00[1-5]_*.sql"):
        (before / "schema" / path.name).symlink_to(path)
    with monkeypatch.context() as patched:
        patched.setattr(statements, "sql_folder", lambda: before)
        statements.script.cache_clear()
        older = Warehouse(empty_database)
        assert len(older.migrate(NOW, __version__)) == 5
    moments = [0, 200.0004, 200.0004, 380.5, 380.5 + 86_400, 380.5 + 2 * 86_400 + 0.002, 10**6]
    for listener_key, shift in ((1, 0), (2, 33)):
        asked(
            empty_database,
            "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, time_key)"
            " select %s::timestamptz + seconds * interval '1 second', %s, 0, 20260101, 0, 0, 0, 0 from unnest(%s::double precision[]) as told (seconds)",
            NOW, listener_key, [seconds + shift for seconds in moments],
        )  # fmt: skip
    statements.script.cache_clear()
    older.migrate(NOW, __version__)
    older.close()
    found = asked(
        empty_database,
        "select listener_key, since_previous_ms from listening.fact_play order by 1, played_at, play_key",
    )
    assert found == [(key, ms) for key in (1, 2) for ms in (None, 200_000, 0, 180_500, 86_400_000, None, None)]


def test_a_play_takes_about_a_hundred_and_twenty_bytes_with_its_index(database, ask):
    ask(
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, context_key, device_key, play_profile_key, time_key)"
        " select %s::timestamptz + number * interval '3 minutes', 1, number, 20260101, 1, 0, 1, 0 from generate_series(1, 20000) as numbers (number)",
        datetime(2026, 1, 1),  # noqa: DTZ001
    )
    [(size,)] = ask("select (pg_relation_size('listening.fact_play') + pg_indexes_size('listening.fact_play')) / 20000")
    assert size <= 126


def test_migrate_py_says_what_is_pending_and_applies_it(empty_database, environment, tmp_path):
    def migrate(*arguments: str) -> tuple[int, str]:
        ran = subprocess.run(
            [sys.executable, str(ROOT / "migrate.py"), *arguments],
            env={**environment, "DATABASE_URL": empty_database}, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr

    status, output = migrate("--check")
    assert status == 1 and output.startswith("pending: sql/schema/001_bookkeeping.sql\n")
    assert asked(empty_database, "select to_regclass('ops.run')") == [(None,)]
    assert migrate()[0] == 0
    assert migrate("--check") == (0, "The database is up to date.\n")
    assert migrate("--nonsense")[0] == 2
