"""The role that docs/bi.md makes for BI tools: it reads the star and the views, and nothing else."""

import re

import psycopg2
import pytest
from sqlalchemy.engine import make_url
from support import ROOT, asked
from support.cases import Song, exported

from etl.jobs.imports import import_exports

PAGE = (ROOT / "docs" / "bi.md").read_text(encoding="utf-8")
STATEMENTS = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def reader(database, ask, settings, warehouse, tmp_path):
    """What brapped_reader asks, in a database with a play in it."""
    from support.export_files import write_folder

    path = write_folder(tmp_path / "mine", {"Streaming_History_Audio_2026.json": [exported(0, Song("A", "Song"))]})
    import_exports(settings, warehouse, [path])
    name = f"brapped_reader_{make_url(database).database}"  # roles are of the whole cluster
    make, *_ = STATEMENTS
    for statement in make.strip().split(";\n"):
        ask(statement.rstrip(";").replace("brapped_reader", name))
    url = make_url(database).set(username=name).render_as_string(hide_password=False)
    yield lambda statement: asked(url, statement)
    [away] = re.findall(r"`(grant brapped_reader to current_user;.*?)`", PAGE)
    ask(away.replace("brapped_reader", name))


def test_the_reader_reads_every_table_and_view_of_the_star(reader, ask):
    names = [
        name for (name,) in ask("select table_name from information_schema.tables where table_schema = 'listening'")
    ]
    assert len(names) > 25
    counts = {name: reader(f"select count(*) from listening.{name}")[0][0] for name in names}
    for name in (
        "fact_play",
        "play_detail",
        "listening_history",
        "day_total",
        "artist_total",
        "session",
        "streak",
        "coverage_day",
    ):
        assert counts[name] >= 1, name  # the totals and the coverage go on to today
    assert counts["track_features"] == 0


def test_the_queries_of_the_page_run_as_the_reader(reader):
    _, queries, *_ = STATEMENTS
    for statement in queries.strip().split(";\n"):
        assert reader(statement.rstrip(";")) is not None


@pytest.mark.parametrize(
    "statement",
    [
        "select * from ops.login",
        "select * from ops.coverage",
        "select ops.folded('x')",
        "delete from listening.fact_play",
        "update listening.dim_listener set listener_name = 'x'",
        "create table listening.mine (number integer)",
    ],
)
def test_the_reader_sees_nothing_of_the_bookkeeping_and_writes_nothing(reader, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        reader(statement)


def test_views_made_later_are_readable_too(reader, ask):
    ask("create view listening.made_later as select 1 as one")
    assert reader("select * from listening.made_later") == [(1,)]
