"""A song played on repeat all night costs so much more for each play, not for each pair: counted, not timed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text
from support import NOW
from support.cases import Record, Song, exported, minuted, told
from support.export_files import Rows

from etl.jobs.imports import stage_files
from etl.sources.exports.reader import read_exports
from etl.sources.recently_played import read_page
from etl.warehouse.connection import Warehouse
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, merge_plays
from etl.warehouse.statements import script

RAIN = Song("R", "Rain", ("Noise",), 35_000, "QZ0000000001")
FEW, MANY = 100, 1_000
RATIO = 12  # ten times as many may cost so many times as much


@contextmanager
def statements(warehouse: Warehouse) -> Iterator[list[str]]:
    """What is sent to Postgres meanwhile."""
    sent: list[str] = []

    def note(connection, cursor, statement, *_: object) -> None:
        sent.append(statement)

    event.listen(warehouse.engine, "before_cursor_execute", note)
    yield sent
    event.remove(warehouse.engine, "before_cursor_execute", note)


def night(count: int) -> tuple[Rows, Rows, Rows]:
    """So many plays of one track in one stretch, each 35 s after the one before, as each source tells them."""
    page = [told(35.0 * number + 0.4, RAIN) for number in range(count)]
    rows = [exported(35 * number, RAIN, start=35.0 * number - 35) for number in range(count)]
    minutes = [minuted(35 * number // 60, RAIN) for number in range(count)]
    return page, rows, minutes


def merged(record: Record, count: int) -> dict[str, int]:
    """What it costs to merge a night of all sources: statements, and rows of each temporary table that the merge made."""
    page, rows, minutes = night(count)
    record.forget()
    record.merge_page(page, record.listener_keys["one"])
    folder = record.written([*rows, *minutes])
    with statements(record.warehouse) as sent, record.warehouse.engine.begin() as connection:
        stage_files(connection, read_exports([folder], now=NOW))
        merge_catalogue(connection)
        merge_plays(connection, listener_key=record.listener_keys["one"], now=NOW)
        names = connection.execute(
            text("select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'r'")
        ).scalars()
        sizes = {name: connection.execute(text(f'select count(*) from "{name}"')).scalar_one() for name in list(names)}
        return {"statements": len([one for one in sent if "count(*)" not in one]), **sizes}


def test_ten_times_as_many_repeats_make_ten_times_as_many_pairs(record, ask):
    few, many = merged(record, FEW), merged(record, MANY)
    assert ask("select count(*) from listening.fact_play where ms_played is not null") == [(MANY,)]
    assert many["match_candidate"] >= MANY
    assert many["statements"] == few["statements"] < 200
    assert {name: (few[name], size) for name, size in many.items() if size > RATIO * max(few[name], 10)} == {}


def test_a_page_that_tells_nothing_new_of_a_long_night_costs_no_more_statements(record):
    """The neighbourhood of a page may be as long as the night: it is read in so many statements, not in one for each play."""
    costs = []
    for count in (FEW, MANY):
        page, rows, _ = night(count)
        record.forget()
        record.merge_export(rows, record.listener_keys["one"])
        record.merge_page(page, record.listener_keys["one"])
        with statements(record.warehouse) as sent, record.warehouse.engine.begin() as connection:
            stage(connection, read_page({"items": page[-50:]}, NOW).tables)
            merge_catalogue(connection)
            assert merge_plays(connection, listener_key=record.listener_keys["one"], now=NOW) == 0
        costs.append(len(sent))
    assert costs[0] == costs[1]


@pytest.mark.parametrize("source", ["list", "extended"])
def test_a_play_of_every_35_seconds_stays_a_play(source, record, ask):
    """All in one page, as a file of an older project may hold them, or in one file of an export."""
    page, rows, _ = night(300)
    if source == "list":
        record.merge_page(page, record.listener_keys["one"])
    else:
        record.merge_export(rows, record.listener_keys["one"])
    assert ask("select count(*), count(distinct played_at) from listening.fact_play") == [(300, 300)]


def looked_at(plan: dict) -> float:
    """Rows that a plan and its parts gave, and those they looked at and left out."""
    loops = plan.get("Actual Loops", 0)
    left_out = sum(plan.get(f"Rows Removed by {what}", 0) for what in ("Filter", "Join Filter", "Index Recheck"))
    return loops * (plan.get("Actual Rows", 0) + left_out) + sum(looked_at(part) for part in plan.get("Plans", ()))


def work(record: Record, count: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """By file of the matching: how many rows it looks at, when a page of so many plays in one stretch is merged."""
    counts: dict[str, float] = {}

    def explained(connection, names, **parameters: object) -> list:
        rows: list = []
        for name in names:
            for statement in re.split(
                r";\n(?=\n|--|with|insert|create|analyze|update|delete|select|do )", script(name)
            ):
                words = re.sub(r"--.*\n", "", statement + "\n").strip().lower()
                is_plan = words.startswith(("insert", "with", "update", "delete", "create temporary table")) and (
                    not words.startswith("create") or " as\n" in words
                )
                if is_plan and "returning" not in words.rpartition(")")[2] and name.startswith("matching/"):
                    asked_for = f"explain (analyze, timing off, format json) {statement}"
                    [[[plan]]] = connection.execute(text(asked_for), parameters)
                    counts[name] = counts.get(name, 0) + looked_at(plan["Plan"])
                elif words:
                    result = connection.execute(text(statement), parameters)
                    rows = list(result) if result.returns_rows else rows
        return rows

    record.forget()
    with monkeypatch.context() as patch:
        patch.setattr("etl.warehouse.merge.run_all", explained)
        record.merge_page(night(count)[0], record.listener_keys["one"])
    return counts


def test_ten_times_as_many_repeats_make_each_file_look_at_ten_times_as_many_rows(record, monkeypatch):
    few, many = work(record, FEW, monkeypatch), work(record, MANY, monkeypatch)
    assert len(many) > 8
    too_much = {name: (few[name], rows) for name, rows in many.items() if rows > RATIO * max(few[name], 200)}
    assert too_much == {}
