"""Clocks and versions: a run with a wrong clock records nothing, and of two programs the older one changes nothing."""

import logging
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from support import NOW, ROOT, ago, asked, change_world
from support.cases import Song, exported
from support.export_files import write_folder

from etl import __version__
from etl.clock import WrongClock, check_clock, parse_date_header, span_in_words
from etl.jobs.dimensions import fill_dimensions
from etl.jobs.imports import import_exports
from etl.jobs.monitored import run_monitored
from etl.jobs.plays import record_plays
from etl.jobs.run import APP_SETTINGS
from etl.paths import sql_folder
from etl.simulator.routes import Play
from etl.warehouse import schema, statements, versions
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.open import opened

WRONG = {
    "two years ahead": timedelta(days=730),
    "in 2000": datetime(2000, 1, 1, tzinfo=UTC) - NOW,
    "an hour ahead": timedelta(minutes=61),
    "an hour behind": -timedelta(minutes=61),
}
WRITTEN = (
    "ops.watermark",
    "ops.coverage",
    "listening.fact_play",
    "listening.dim_listener",
    "ops.catalogue_call",
    "ops.import_file",
)


@pytest.fixture
def dated(spotify):
    """Spotify's answers are dated, by its clock, which stands at NOW."""
    spotify.is_dated = True
    return spotify


def counts(ask) -> dict[str, int]:
    return {table: ask(f"select count(*) from {table}")[0][0] for table in WRITTEN}


@pytest.mark.parametrize("apart", WRONG.values(), ids=WRONG)
def test_plays_are_not_recorded_by_a_clock_that_is_far_from_spotifys(
    apart, dated, settings, warehouse, play, songs, ask
):
    play(Play(next(iter(songs.tracks)), ago(5)))
    with pytest.raises(
        WrongClock, match=r"This computer's clock is .* Spotify's: here it is .*, there 2026-11-20 09:20 UTC"
    ):
        record_plays(settings, warehouse, lambda: NOW + apart)
    assert set(counts(ask).values()) == {0}
    # The login was seen, and the run has failed, by the true time.
    assert ask("select first_seen_at, refused_at, rotated_at from ops.login") == [(NOW, None, None)]
    assert ask("select started_at, finished_at, outcome from ops.run") == [(NOW, NOW, "failed")]
    assert record_plays(settings, warehouse, lambda: NOW).is_good
    assert ask("select checked_at from ops.watermark") == [(NOW,)]


def test_a_new_token_that_comes_with_a_wrong_clock_is_kept(dated, settings, warehouse, ask):
    change_world(dated, rotate_refresh_tokens=True)
    with pytest.raises(WrongClock):
        record_plays(settings, warehouse, lambda: NOW + timedelta(days=400))
    assert ask("select rotated_at, first_seen_at, refresh_token_encrypted is not null from ops.login") == [
        (NOW, NOW, True)
    ]
    assert record_plays(settings, warehouse, lambda: NOW).is_good


def test_the_catalogue_is_not_asked_by_a_clock_that_is_far_from_spotifys(dated, settings, warehouse, play, songs, ask):
    play(Play(next(iter(songs.tracks)), ago(5)))
    record_plays(settings, warehouse, lambda: NOW)
    before = ask("select artist_key, fetched_at from listening.dim_artist order by 1")
    with pytest.raises(WrongClock):
        fill_dimensions(settings, warehouse, lambda: NOW + timedelta(days=365))
    assert ask("select artist_key, fetched_at from listening.dim_artist order by 1") == before
    assert ask("select max(finished_at) from ops.run") == [(NOW,)]


def test_minutes_are_only_warned_of(dated, settings, warehouse, caplog):
    assert record_plays(settings, warehouse, lambda: NOW + timedelta(minutes=7)).is_good
    assert "This computer's clock is 7 minutes ahead of Spotify's" in caplog.text
    caplog.clear()
    assert record_plays(settings, warehouse, lambda: NOW + timedelta(minutes=3)).is_good
    assert "clock" not in caplog.text


def years_ahead() -> datetime:
    return datetime.now(UTC) + timedelta(days=730)


def import_something(settings, warehouse, tmp_path):
    folder = write_folder(
        tmp_path / "export", {"Streaming_History_Audio_2026.json": [exported(-90_000, Song("A", "A"))]}
    )
    return import_exports(settings, warehouse, [folder], clock=warehouse.clock)


@pytest.mark.parametrize("job", ["plays", "dimensions", "import", "migrate"])
def test_nothing_is_recorded_by_a_clock_that_is_far_from_the_databases(job, settings, tmp_path, ask, spotify):
    """Whatever opens the warehouse with the computer's clock, as every command does."""
    with opened(settings, clock=years_ahead) as warehouse:
        work = {
            "plays": lambda: record_plays(settings, warehouse, years_ahead),
            "dimensions": lambda: fill_dimensions(settings, warehouse, years_ahead),
            "import": lambda: import_something(settings, warehouse, tmp_path),
            "migrate": lambda: warehouse.migrate(years_ahead(), __version__),
        }
        with pytest.raises(WrongClock, match="730 days ahead of the database's"):
            work[job]()
    assert set(counts(ask).values()) == {0}
    assert ask("select count(*) from ops.login") == [(0,)]
    assert spotify.calls == []
    assert ask("select count(*) from ops.run where abs(extract(epoch from started_at - now())) > 600") == [(0,)]


def test_somebody_is_told_of_the_clock_and_the_command_says_what_to_do(environment, monkeypatch, tmp_path, ask):
    github_output = tmp_path / "said"
    for name, value in {**environment, "GITHUB_OUTPUT": str(github_output)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongClock, match="Correct the wrong clock"):
        run_monitored("plays", APP_SETTINGS, record_plays, years_ahead)
    assert '"cause": "clock"' in github_output.read_text() and "The clock is wrong" in github_output.read_text()
    assert ask("select outcome from ops.run") == [("failed",)]


def test_a_run_of_the_future_from_before_hides_no_silence_and_no_failure(settings, warehouse, ask, brapped):
    ask(
        "insert into ops.run (job, started_at, finished_at, outcome, program_version) values"
        " ('plays', now() + interval '2 years', now() + interval '2 years', 'done', '0'),"
        " ('plays', now() - interval '8 hours', now() - interval '8 hours', 'done', '0')"
    )
    assert "The hourly recording has stopped" in brapped("status").stdout


def test_words_and_dates():
    assert [span_in_words(timedelta(minutes=one)) for one in (7, 119, 180, 60 * 47, 60 * 24 * 730)] == [
        "7 minutes", "119 minutes", "3 hours", "47 hours", "730 days",
    ]  # fmt: skip
    assert parse_date_header("Fri, 20 Nov 2026 09:20:00 GMT") == NOW
    assert [parse_date_header(one) for one in (None, "", "nonsense", "20 Nov")] == [None] * 4
    check_clock(NOW, NOW + timedelta(minutes=4), "anybody's")


# Two versions of the program.


@pytest.fixture
def newer(tmp_path, monkeypatch):
    """Lets this process be another program, of another version, with one more column in a view; and the old one again."""
    folder = tmp_path / "sql"
    shutil.copytree(ROOT / "sql", folder)
    view = folder / "views" / "play_source.sql"
    text = view.read_text()
    view.write_text(text.replace("\nfrom ", ",\n    1 as one_more\nfrom ", 1))
    assert "one_more" in view.read_text()
    usual = sql_folder

    def be(is_newer: bool, version: str = __version__) -> str:
        for module in (schema, versions):
            monkeypatch.setattr(module, "__version__", version)
        monkeypatch.setattr(statements, "sql_folder", (lambda: folder) if is_newer else usual)
        statements.script.cache_clear()
        statements.prepared.cache_clear()
        return version

    yield be
    monkeypatch.undo()
    statements.script.cache_clear()
    statements.prepared.cache_clear()


@pytest.mark.parametrize("version", ["0.10.0", "1.0", __version__])
def test_the_views_of_a_newer_program_stay_whoever_runs_in_turn(version, newer, empty_database, caplog):
    caplog.set_level(logging.INFO)
    made = Warehouse(empty_database)
    made.migrate(NOW, newer(False))
    assert made.migrate(NOW, newer(True, version))
    caplog.clear()
    for is_newer in (False, True, False, True):
        assert made.migrate(NOW, newer(is_newer, version if is_newer else __version__)) == []
        assert ("The database's views were made by a newer Brapped" in caplog.text) is not is_newer
        caplog.clear()
    newer(False)
    made.must_be_current()
    made.close()


def test_an_older_program_says_which_is_older_and_touches_nothing(warehouse, ask):
    ask("insert into ops.schema_change values ('schema/999_from_the_future', 'x', now(), '9.1')")
    with pytest.raises(
        WarehouseError, match=rf"version 9.1, and this program is {__version__}\).* Nothing was changed"
    ):
        warehouse.migrate(NOW, __version__)


@pytest.fixture
def before_functions(tmp_path, monkeypatch):
    """Lets this process be the program from before sql/functions/, when functions lay among the views; and itself again."""
    folder = tmp_path / "sql"
    shutil.copytree(ROOT / "sql", folder)
    for path in (folder / "functions").glob("*.sql"):
        path.rename(folder / "views" / path.name)
    for path in (folder / "views" / "play_source.sql", folder / "views" / "is_counted.sql"):
        path.write_text("-- As it was.\n" + path.read_text())
    usual = sql_folder

    def be(is_before: bool) -> str:
        monkeypatch.setattr(statements, "sql_folder", (lambda: folder) if is_before else usual)
        statements.script.cache_clear()
        statements.prepared.cache_clear()
        return __version__

    yield be
    monkeypatch.undo()
    statements.script.cache_clear()
    statements.prepared.cache_clear()


def test_a_function_that_was_recorded_among_the_views_keeps_its_history(before_functions, empty_database):
    def recorded() -> dict[str, int]:
        rows = asked(empty_database, "select file_name, cardinality(former_checksums) from ops.schema_change")
        return {name: formers for name, formers in rows if not name.startswith("schema/")}

    made = Warehouse(empty_database)
    made.migrate(NOW, before_functions(True))
    assert set(recorded()) == {f"views/{name.split('/')[1]}" for name in schema.views_in_order()}
    before_functions(False)
    with pytest.raises(WarehouseError, match="older than this program"):
        made.must_be_current()
    assert made.migrate(NOW, __version__) == schema.views_in_order()
    formers = {"views/play_source": 1, "functions/is_counted": 1}
    assert recorded() == {name: formers.get(name, 0) for name in schema.views_in_order()}
    for is_before in (True, False):
        assert made.migrate(NOW, before_functions(is_before)) == []
    made.close()
