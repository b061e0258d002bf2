"""A warehouse of before schema/012 is migrated: its provenance becomes observations, and all plays are derived from them anew."""

from collections import Counter
from contextlib import contextmanager
from functools import partial

import pytest
from support import NOW, asked, facts_as_they_are, fresh_database, observed, whole_facts
from support.old_warehouse import CATALOGUE, EXPORTS, PAGES, TOLD, make_old, record_of, tell

from etl import __version__
from etl.warehouse.connection import Warehouse


@pytest.fixture(params=[9, 10, 11], ids="schema {}".format)
def old(request, empty_database, tmp_path, monkeypatch):
    """The URL of an old warehouse."""
    make_old(empty_database, tmp_path / "old_sql", request.param, monkeypatch)
    return empty_database


def migrated(url):
    warehouse = Warehouse(url)
    files = warehouse.migrate(NOW, __version__)
    warehouse.close()
    return files


@pytest.fixture
def fresh(cluster, template, tmp_path):
    """Today's program, told everything for the first time, in an order of its own."""
    with contextmanager(fresh_database)(cluster, template) as url:
        record = record_of(url, tmp_path / "fresh")
        tell(record, [*CATALOGUE, *EXPORTS, *PAGES])
        yield partial(asked, url)
        record.warehouse.close()


def counted(rows):
    return Counter(tuple(map(str, row)) for row in rows)


def test_x(old, fresh, tmp_path):
    migrated(old)
    ask = partial(asked, old)
    for f in (whole_facts, observed):
        x, y = counted(f(ask)), counted(f(fresh))
        print(f.__name__, x.total(), y.total())
        for r in sorted(x - y): print("<", r)
        for r in sorted(y - x): print(">", r)
    record = record_of(old, tmp_path / "again")
    tell(record, TOLD)
    for f in (whole_facts, observed):
        x, y = counted(f(ask)), counted(f(fresh))
        print("again", f.__name__, x.total(), y.total())
        for r in sorted(x - y): print("<", r)
        for r in sorted(y - x): print(">", r)
    assert 0
