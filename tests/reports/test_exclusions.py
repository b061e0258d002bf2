"""What rules leave out: every report is as if it had not been played, nothing is lost, and without the rule all is as before."""

from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support import NOW, asked, fresh_database, listener_known, settings_of
from support import pandas_numbers as by_pandas
from support.cases import Song, exported
from support.export_files import write_folder
from support.real_exports import ACCOUNT, EXTENDED, imported_once, listens, rows_of

from etl.jobs.exclusions import Conditions, ExclusionError, add, remove, rules
from etl.jobs.imports import import_exports
from etl.reports.formats.data import as_json
from etl.reports.formats.text import as_text
from etl.reports.model import LeftOut, ReportError, ReportFilter
from etl.reports.query import Reporter
from etl.settings import Settings
from etl.warehouse.connection import Warehouse

SPAN = date(2022, 1, 1), date(2022, 12, 31)


@contextmanager
def reporting(warehouse: Warehouse, **asking: Any):
    with warehouse.engine.begin() as connection:
        yield Reporter(connection, ReportFilter(listener_known(connection, None), **asking), NOW)


# The real exports, counted by pandas without what a rule leaves out.


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return by_pandas.by_the_clock_of(by_pandas.listens_of(listens(rows_of(EXTENDED))), "Europe/Berlin")


@pytest.fixture(scope="module")
def real(cluster, template, frame):
    name, _ = imported_once(cluster, template, EXTENDED, ACCOUNT, time_zone="Europe/Berlin")
    with contextmanager(fresh_database)(cluster, name) as database:
        warehouse = Warehouse(database)
        yield database, warehouse
        warehouse.close()


def facts_of(database: str) -> list[tuple]:
    """All facts in a number of their own."""
    return asked(
        database, "select md5(string_agg(fact_play::text, ',' order by fact_play.play_key)) from listening.fact_play"
    )


def top(frame: pd.DataFrame, column: str, place: int) -> str:
    of_year = by_pandas.within(frame[(frame.ms >= 30_000) & (frame.kind == "track")], *SPAN)
    return str(of_year[column].value_counts().index[place])


def minute(frame: pd.DataFrame) -> pd.Series:
    return frame.local_at.dt.hour * 60 + frame.local_at.dt.minute


CASES = {
    "artist": lambda frame: (Conditions({"artist": top(frame, "artist", 1)}), frame.artist == top(frame, "artist", 1)),
    "track": lambda frame: (Conditions({"track": top(frame, "uri", 2)}), frame.uri == top(frame, "uri", 2)),
    "night": lambda frame: (
        Conditions(from_minute=22 * 60 + 30, until_minute=6 * 60),
        (minute(frame) >= 22 * 60 + 30) | (minute(frame) < 6 * 60),
    ),
    "the night the clock went back": lambda frame: (
        Conditions(from_minute=0, until_minute=5 * 60, since_date=date(2021, 10, 31), until_date=date(2021, 10, 31)),
        (frame.date == date(2021, 10, 31)) & (frame.local_at.dt.hour < 5),
    ),
    "device": lambda frame: (Conditions({"device": "IOS"}), frame.platform == "ios"),
    "an artist at weekends": lambda frame: (
        Conditions({"artist": top(frame, "artist", 0)}, weekdays=(6, 7)),
        (frame.artist == top(frame, "artist", 0)) & (frame.local_at.dt.day_of_week >= 5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_year_is_as_if_it_had_not_been_played(name, real, frame, spotify):
    database, warehouse = real
    conditions, is_out = CASES[name](frame)
    since, until = SPAN
    before = facts_of(database)
    rule = add(settings_of(database, spotify), warehouse, conditions, clock=lambda: NOW)
    try:
        kept = frame[~is_out]
        of_year = by_pandas.within(kept, since, until)
        plays = by_pandas.counted(of_year, "30s")
        with reporting(warehouse, since_date=since, until_date=until) as reporter:
            made = reporter.wrapped(2022)
        shown = {section.name: section.records() for section in made.sections}
        assert shown["span_totals"] == [by_pandas.totals(plays)]
        for kind in ("tracks", "artists", "albums"):
            assert shown[f"top_{kind}"] == by_pandas.TOP[kind](plays, "plays")[:10]
        assert shown["longest_session"] == by_pandas.longest_session(
            of_year.assign(opens_session=lambda one: ~(one.begins_at - one.played_at.shift() <= by_pandas.HALF_AN_HOUR))
        )
        assert shown["skips"] == by_pandas.skips(of_year)[:5]
        out = by_pandas.within(frame[is_out], since, until)
        counted_out = by_pandas.counted(out, "30s")
        assert made.left_out == LeftOut(1, len(counted_out), int(counted_out.ms.sum()))
        assert (rule.listen_count, rule.play_count) == (is_out.sum(), (is_out & (frame.ms >= 30_000)).sum())
        assert rule.play_count > 0
        with reporting(warehouse, counts_as="all", row_limit=None) as reporter:
            filters = {"artist_key": None, "recording_key": None, "row_offset": 0}
            marked = reporter.fetch("history", **filters).records()
        assert len(marked) == len(frame) and sum(row["is_excluded"] for row in marked) == is_out.sum()
        if name == "an artist at weekends":  # the views take seconds
            [[detailed]] = asked(database, "select count(*) from listening.play_detail where is_excluded")
            assert detailed == is_out.sum()
            [[in_totals, heard]] = asked(database, "select sum(play_count), sum(listen_count) from listening.day_total")
            assert (int(in_totals), int(heard)) == (int((kept.ms >= 30_000).sum()), len(kept))
            [[in_sessions]] = asked(database, "select sum(listen_count) from listening.session")
            [[in_old_layout]] = asked(database, "select count(*) from listening.listening_history")
            assert (int(in_sessions), in_old_layout) == (len(kept), len(kept))
        with reporting(warehouse, since_date=since, until_date=until, with_excluded=True) as reporter:
            reporter.prepare()
            whole = reporter.fetch("span_totals").records()
        assert whole == [by_pandas.totals(by_pandas.counted(by_pandas.within(frame, since, until), "30s"))]
    finally:
        remove(settings_of(database, spotify), warehouse, rule.number, clock=lambda: NOW)
    assert facts_of(database) == before


# A few plays of every kind, of our own making.

NIGHT = "Rain"
SONGS = (
    Song("A", "Song"), Song("B", "Tune", ("Bob",)), Song("C", "Song", ("Cy", "Ann")), Song("D", "Rain", ("Noise",)),
    Song("E", "Talk", ("Hosts",), kind="episode"),
)  # fmt: skip
DEVICES = ("ios", "Windows 10", "web_player")


def made_up() -> list[dict]:
    """240 plays of nine weeks, over the end of summer time, each at another minute."""
    found = []
    for number in range(240):
        at = -(number * 22_771 % (63 * 86_400))
        row = exported(at, SONGS[number * 7 % 5], 20_000 + number * 997 % 200_000)
        found.append({**row, "platform": DEVICES[number % 3]})
    return found


@pytest.fixture(scope="module")
def small(cluster, template, tmp_path_factory):
    with contextmanager(fresh_database)(cluster, template) as database:
        warehouse = Warehouse(database)
        settings = Settings(_env_file=None, database_url=database, time_zone="Europe/Berlin")
        folder = write_folder(tmp_path_factory.mktemp("small"), {"Streaming_History_Audio_2026.json": made_up()})
        import_exports(settings, warehouse, [folder], clock=lambda: NOW)
        yield settings, warehouse, database
        warehouse.close()


REPORTS = {
    "daily": ((NOW - timedelta(days=3)).date(),),
    "wrapped": (2026,),
    **{f"top {kind}": (kind,) for kind in ("tracks", "artists", "albums", "genres", "shows")},
    "search": ("song",),
    "artist": ("bob",),
}


def everything(warehouse: Warehouse) -> dict[str, tuple[str, str]]:
    """Every report as JSON and as text."""
    found = {}
    for name, about in REPORTS.items():
        day = {"since_date": about[0], "until_date": about[0]} if name == "daily" else {}
        with reporting(warehouse, **day) as reporter:
            made = getattr(reporter, name.partition(" ")[0])(*about)
        found[name] = as_json(made), as_text(made)
    return found


days = st.dates(date(2026, 9, 18), date(2026, 11, 20))
some = st.fixed_dictionaries(
    {},
    optional={
        "names": st.dictionaries(
            st.sampled_from(["artist", "device"]), st.none(), min_size=1
        ).flatmap(
            lambda kinds: st.fixed_dictionaries(
                {kind: st.sampled_from(["Noise", "Cy"] if kind == "artist" else DEVICES) for kind in kinds}
            )
        ),
        "times": st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda two: two[0] != two[1]),
        "weekdays": st.sets(st.integers(1, 7), min_size=1).map(lambda some: tuple(sorted(some))),
        "dates": st.tuples(days, days).map(sorted),
    },
).filter(bool)  # fmt: skip


def conditions_of(chosen: dict) -> Conditions:
    first, last = chosen.get("times", (None, None))
    since, until = chosen.get("dates", (None, None))
    return Conditions(chosen.get("names", {}), first, last, chosen.get("weekdays", ()), since, until)


def is_met(play: dict, one: Conditions) -> bool:
    """By hand: play has artists, device, local (naive)."""
    at: datetime = play["local"]
    now = at.hour * 60 + at.minute
    is_in_time = True
    if one.from_minute is not None and one.until_minute is not None:
        is_past_midnight = one.until_minute < one.from_minute
        is_in_time = (
            now >= one.from_minute or now < one.until_minute
            if is_past_midnight
            else one.from_minute <= now < one.until_minute
        )
    return (
        ("artist" not in one.names or one.names["artist"] in play["artists"])
        and ("device" not in one.names or one.names["device"].lower() == play["device"].lower())
        and is_in_time
        and (not one.weekdays or at.isoweekday() in one.weekdays)
        and (one.since_date is None or at.date() >= one.since_date)
        and (one.until_date is None or at.date() <= one.until_date)
    )


@pytest.fixture(scope="module")
def plays(small) -> list[dict]:
    _, _, database = small
    rows = asked(
        database,
        "select played_at at time zone 'Europe/Berlin', ms_played, platform,"
        " array(select artist_name from listening.bridge_track_artist join listening.dim_artist using (artist_key)"
        " where bridge_track_artist.track_key = fact_play.track_key)"
        " from listening.fact_play join listening.dim_device using (device_key)",
    )
    return [dict(zip(("local", "ms", "device", "artists"), row, strict=True)) for row in rows]


@given(st.lists(some, min_size=1, max_size=4, unique_by=repr), st.randoms(use_true_random=False))
@hypothesis_settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_rules_made_and_removed_in_any_order_leave_no_trace(small, plays, chosen, luck):
    settings, warehouse, _ = small
    before = everything(warehouse)
    made, wanted = [], []
    for one in map(conditions_of, chosen):
        made.append(add(settings, warehouse, one, clock=lambda: NOW).number)
        wanted.append(one)
    out = [play for play in plays if any(is_met(play, one) for one in wanted)]
    with reporting(warehouse, counts_as="all") as reporter:
        reporter.prepare()
        assert reporter.left_out == LeftOut(len(made), len(out), sum(play["ms"] for play in out))
        totals = reporter.fetch("span_totals").first
    assert totals["play_count"] == len(plays) - len(out)
    assert totals["listened_ms"] == sum(play["ms"] for play in plays) - sum(play["ms"] for play in out)
    listed = {rule.number: rule.listen_count for rule in rules(settings, warehouse)}
    assert listed == {
        number: sum(is_met(play, one) for play in plays) for number, one in zip(made, wanted, strict=True)
    }
    luck.shuffle(made)
    for number in made:
        remove(settings, warehouse, number, clock=lambda: NOW)
    assert everything(warehouse) == before


@pytest.mark.parametrize(
    "parts",
    [
        [Conditions(weekdays=(day,)) for day in range(1, 8)],
        [
            Conditions(from_minute=first, until_minute=last % 1440)
            for first, last in pairwise([0, 6 * 60, 9 * 60 + 30, 22 * 60, 24 * 60])
        ],
        [Conditions({"artist": name}) for name in ("Ann", "Bob", "Cy", "Noise")] + [Conditions({"show": "Hosts"})],
    ],
    ids=["weekdays", "hours", "artists and shows"],
)
def test_the_parts_of_a_partition_add_up_to_the_whole(small, plays, parts):
    settings, warehouse, _ = small
    made = [add(settings, warehouse, one, clock=lambda: NOW) for one in parts]
    try:
        assert sum(rule.listen_count for rule in made) == len(plays)
        with reporting(warehouse, counts_as="all") as reporter:
            reporter.prepare()
            assert reporter.left_out is not None and reporter.left_out.play_count == len(plays)
            assert reporter.fetch("span_totals").first["play_count"] == 0
    finally:
        for rule in made:
            remove(settings, warehouse, rule.number, clock=lambda: NOW)


def test_a_rule_for_a_recording_is_about_all_its_tracks_also_those_to_come(record, warehouse, settings):
    record.load([exported(0, Song("A", "Song")), exported(-900, Song("Z", "Other"))])
    rule = add(settings, warehouse, Conditions({"track": "song"}), clock=lambda: NOW)
    assert rule.listen_count == 1
    with warehouse.engine.begin() as connection:
        connection.exec_driver_sql(
            "update listening.dim_track set recording_key ="
            " (select min(track_key) from listening.dim_track where track_key > 0) where track_key > 0"
        )
    [rule] = rules(settings, warehouse)
    assert rule.listen_count == 2


def test_what_is_not_played_can_not_be_left_out_and_what_is_ambiguous_is_listed(small):
    settings, warehouse, _ = small
    with pytest.raises(ExclusionError, match="No artist among the recorded plays"):
        add(settings, warehouse, Conditions({"artist": "Nobody"}), clock=lambda: NOW)
    with pytest.raises(ExclusionError) as refused:
        add(settings, warehouse, Conditions({"track": "song"}), clock=lambda: NOW)
    assert "Song by Ann (spotify:track:" in str(refused.value) and "Song by Cy" in str(refused.value)
    [chosen] = [line for line in str(refused.value).splitlines() if "Song by Cy" in line]
    rule = add(
        settings, warehouse, Conditions({"track": chosen[chosen.index("(") + 1 : -1]}), clock=lambda: NOW, dry_run=True
    )
    assert rule.words == "track Song by Cy" and rules(settings, warehouse) == []
    with pytest.raises(ExclusionError, match="needs a condition"):
        add(settings, warehouse, Conditions(), clock=lambda: NOW)
    with pytest.raises(ExclusionError, match="There is no rule 4711"):
        remove(settings, warehouse, 4711, clock=lambda: NOW)


def test_the_same_rule_twice_is_refused(small):
    settings, warehouse, _ = small
    rule = add(settings, warehouse, Conditions({"artist": "Bob"}, weekdays=(7, 1, 7)), clock=lambda: NOW)
    try:
        with pytest.raises(ExclusionError, match=f"Rule {rule.number} has just these conditions"):
            add(settings, warehouse, Conditions({"artist": "BOB"}, weekdays=(1, 7)), clock=lambda: NOW, note="again")
    finally:
        remove(settings, warehouse, rule.number, clock=lambda: NOW)


def test_an_artist_who_is_left_out_is_said_to_be(small):
    settings, warehouse, _ = small
    rule = add(settings, warehouse, Conditions({"artist": "Bob"}), clock=lambda: NOW)
    try:
        with reporting(warehouse) as reporter, pytest.raises(ReportError, match="is left out by a rule"):
            reporter.artist("bob")
        with reporting(warehouse, with_excluded=True) as reporter:
            assert reporter.artist("bob").title == "Bob"
    finally:
        remove(settings, warehouse, rule.number, clock=lambda: NOW)


def test_rules_of_one_listener_leave_the_plays_of_others_alone(small, tmp_path):
    settings, warehouse, database = small
    folder = write_folder(tmp_path, {"Streaming_History_Audio_2025.json": [exported(-5, SONGS[1])]})
    import_exports(settings, warehouse, [folder], listener="grace", clock=lambda: NOW)
    rule = add(settings, warehouse, Conditions({"artist": "Bob"}), listener="me", clock=lambda: NOW)
    try:
        counts = asked(
            database,
            "select listener_id, count(*) from listening.counted_plays('all', '-infinity', 'infinity')"
            " join listening.dim_listener using (listener_key) group by 1 order by 1",
        )
        [[whole]] = asked(database, "select count(*) from listening.fact_play where listener_key = 1")
        assert counts == [("grace", 1), ("me", whole - rule.listen_count)]
    finally:
        remove(settings, warehouse, rule.number, listener="me", clock=lambda: NOW)
        asked(database, "delete from listening.fact_play where listener_key <> 1 returning play_key")
        asked(database, "delete from listening.observation where listener_key <> 1 returning play_key")
        asked(database, "delete from listening.dim_listener where listener_key <> 1 returning listener_key")
