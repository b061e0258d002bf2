"""A generated listener of whom everything is known: whatever their sources tell, in whatever order and however often, the facts
are exactly the listens."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import NOW, settings_of, whole_facts
from support.export_files import write_folder, write_zip
from support.truth_sources import Expected, Export, Page, Sources, expected, made_up_sources

from etl.jobs.imports import import_exports
from etl.sources.recently_played import read_page
from etl.warehouse.load import stage
from etl.warehouse.merge import merge_catalogue, merge_plays
from etl.warehouse.statements import run

SPANS = {
    "the change of Spotify's systems": date(2022, 9, 26),
    "New Year": date(2022, 12, 29),
    "clock forward": date(2023, 3, 23),
    "clock back": date(2023, 10, 26),
}


@pytest.fixture
def load(warehouse, database, spotify, tmp_path):
    """Loads pages and exports, as the jobs do; empties the record first."""
    settings = settings_of(database, spotify, time_zone="Europe/Berlin")

    def loaded(*told: Page | Export) -> None:
        with warehouse.engine.begin() as connection:
            connection.exec_driver_sql(
                "truncate listening.fact_play, listening.observation, ops.told_apart, ops.merged_play, ops.import_file"
            )
            [row] = run(
                connection,
                "dimensions/listener",
                listener_id="me",
                stand_ins=[],
                listener_name=None,
                time_zone="Europe/Berlin",
                created_at=NOW,
            )
        for number, one in enumerate(told):
            if isinstance(one, Page):
                with warehouse.engine.begin() as connection:
                    stage(connection, read_page(one.body, one.fetched_at).tables)
                    merge_catalogue(connection)
                    merge_plays(connection, listener_key=row.listener_key, now=one.fetched_at)
            else:
                path = tmp_path / f"{number}.zip"
                receipt = import_exports(
                    settings, warehouse, [write_zip(path, one.files)], again=True, clock=lambda: NOW
                )
                path.unlink()
                assert receipt.is_good
                for file in receipt.files:
                    assert file.row_count == (
                        file.new_count + file.known_count + file.merged_count + file.duplicate_count
                    )
                assert receipt.total.row_count == sum(len(rows) for rows in one.files.values())

    return loaded


@pytest.fixture
def facts(ask):
    """The facts as a test expects them."""

    def told() -> list[tuple]:
        return ask(
            "select track_uri, played_at, ms_played, context_uri, 'recently_played' = any(sources),"
            " 'extended_export' = any(sources), 'account_export' = any(sources)"
            " from listening.fact_play join listening.dim_track using (track_key) join listening.dim_context using (context_key)"
            " join listening.dim_play_profile using (play_profile_key)"
        )

    return told


def as_facts(plays: list[Expected]) -> list[tuple]:
    return [
        (
            one.track_uri,
            one.played_at,
            one.ms_played,
            one.context_uri,
            "api" in one.sources,
            "extended" in one.sources,
            "account" in one.sources,
        )
        for one in plays
    ]


def in_order(rows: list[tuple]) -> list[tuple]:
    return sorted(rows, key=lambda row: (row[1], row[0] or "", row[2] or 0, row[3] or "", row[4:]))


def all_of(made: Sources) -> list[Page | Export]:
    return [*made.pages, made.extended, made.account]


@pytest.mark.parametrize("span", SPANS)
def test_all_sources_in_the_order_of_time_give_exactly_the_listens(span, load, facts):
    made = made_up_sources(1, begin=SPANS[span], days=6)
    load(*all_of(made))
    assert in_order(facts()) == in_order(as_facts(made.expected({"api", "extended", "account"})))


def backwards(made: Sources) -> list[Page | Export]:
    return [*reversed(made.pages), made.account, made.extended, made.account]


ORDERS = {
    "extended, list, account": ("New Year", lambda made: [made.extended, *made.pages, made.account]),
    "account, list, extended": ("clock forward", lambda made: [made.account, *made.pages, made.extended]),
    "account, extended, list": ("clock back", lambda made: [made.account, made.extended, *made.pages]),
    "backwards": ("New Year", backwards),
    "shuffled, twice": ("clock back", lambda made: Random(4).sample(all_of(made) * 2, 2 * len(all_of(made)))),
}


@pytest.mark.parametrize("order", ORDERS)
def test_any_order_gives_the_same_table(order, load, facts, ask):
    span, arranged = ORDERS[order]
    made = made_up_sources(3, begin=SPANS[span] + timedelta(days=2), days=2)
    load(*all_of(made))
    in_time = whole_facts(ask)
    load(*arranged(made))
    assert whole_facts(ask) == in_time
    assert in_order(facts()) == in_order(as_facts(made.expected({"api", "extended", "account"})))


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), seed=st.integers(1, 400), span=st.sampled_from(list(SPANS.values())), old=st.booleans())
def test_any_permutation_of_any_sources_gives_the_same_table(load, facts, ask, data, seed, span, old):
    made = made_up_sources(seed, begin=span, days=1, generation="old" if old else "new")
    told = data.draw(st.lists(st.sampled_from(range(len(all_of(made)))), unique=True, min_size=1))
    some = [all_of(made)[number] for number in sorted(told)]
    load(*some)
    in_time = whole_facts(ask)
    assert in_order(facts()) == in_order(as_facts(expected(made.truth, some)))
    twice = data.draw(st.permutations(some * 2))
    load(*twice)
    assert whole_facts(ask) == in_time


def test_both_packages_in_one_import(load, facts, warehouse, database, spotify, tmp_path):
    made = made_up_sources(5, begin=SPANS["New Year"], days=6)
    load()
    write_folder(tmp_path / "all" / "extended", made.extended.files)
    write_folder(tmp_path / "all" / "account", made.account.files)
    receipt = import_exports(settings_of(database, spotify), warehouse, [tmp_path / "all"], clock=lambda: NOW)
    plays = made.expected({"extended", "account"})
    assert in_order(facts()) == in_order(as_facts(plays))
    assert receipt.total.new_count == len(plays)
