"""The coverage ledger: what is covered by which source, what may be lost and why, and what an import has closed since."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import NOW, ago, asked, change_world, settings_of
from support.export_files import write_folder

from etl import __version__
from etl.jobs.imports import import_exports
from etl.jobs.plays import record_plays
from etl.simulator.routes import Fault, Play
from etl.spotify.errors import SpotifyError
from etl.warehouse.connection import Warehouse
from etl.warehouse.schema import migrate_within
from etl.warehouse.statements import names_in

HOUR = timedelta(hours=1)
LEDGER = (
    "select source, state, starts_at, ends_at, reason, closed_by from ops.coverage order by starts_at, ends_at, source"
)


@pytest.fixture
def record(settings, warehouse, spotify):
    def run(at: datetime) -> None:
        spotify.clock = lambda: at
        record_plays(settings, warehouse, spotify.clock)

    return run


@pytest.fixture
def track_ids(songs):
    return list(songs.tracks)


@pytest.fixture
def bring(settings, warehouse, tmp_path: Path, songs):
    """Imports an extended export that tells of plays at these moments."""

    def imported(*moments: datetime, name: str = "Streaming_History_Audio_2026.json", **options: Any) -> None:
        rows = [
            {
                "ts": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                "ms_played": 60_000 + number,
                "spotify_track_uri": f"spotify:track:{number:022}",
                "master_metadata_track_name": "It",
                "master_metadata_album_artist_name": "She",
            }
            for number, at in enumerate(moments)
        ]
        folder = write_folder(tmp_path / name, {name: rows})
        usual = {"listener": None, "without_private": False, "dry_run": False, "clock": lambda: NOW}
        import_exports(settings, warehouse, [folder], **{**usual, **options})

    return imported


def account_row(at: datetime) -> dict[str, Any]:
    return {"endTime": f"{at:%Y-%m-%d %H:%M}", "artistName": "She", "trackName": "It", "msPlayed": 60_000}


def many(track_ids: list[str], count: int, start: datetime, step_s: float = 40) -> list[Play]:
    return [Play(track_ids[n % 40], start + timedelta(seconds=step_s * n)) for n in range(count)]


def lose(play, record, track_ids) -> tuple[datetime, datetime]:
    """Loses plays between two runs: where the gap begins and ends."""
    play(Play(track_ids[0], ago(300)))
    record(ago(299))
    binge = many(track_ids, 75, ago(280))
    play(*binge)
    record(ago(200))
    return ago(300), binge[25].played_at


def test_a_span_goes_on_as_long_as_the_list_reaches_back(record, play, track_ids, ask):
    play(Play(track_ids[0], ago(300)), Play(track_ids[1], ago(250)))
    for minutes in (240, 180, 120):
        record(ago(minutes))
    assert ask(LEDGER) == [("recently_played", "covered", ago(300), ago(120), None, None)]


def test_whoever_has_played_nothing_is_covered_from_the_first_look_on(record, ask):
    record(ago(60))
    record(NOW)
    assert ask(LEDGER) == [("recently_played", "covered", ago(60), NOW, None, None)]


@pytest.mark.quick
def test_a_gap_ends_a_span_and_the_next_one_begins_where_it_ends(record, play, track_ids, ask):
    begin, end = lose(play, record, track_ids)
    record(ago(100))
    assert ask(LEDGER) == [
        ("recently_played", "covered", begin, begin, None, None),
        ("recently_played", "gap", begin, end, "full_window", None),
        ("recently_played", "covered", end, ago(100), None, None),
    ]


def test_why_a_gap_could_come_about_is_told_by_the_runs(record, play, track_ids, spotify, ask):
    play(Play(track_ids[0], ago(900)))
    record(ago(899))
    play(*many(track_ids, 60, ago(850)))
    record(ago(700))  # hours later, without a run between
    play(*many(track_ids, 60, ago(690)))
    change_world(spotify, faults=(Fault("/v1/me/player/*", status=403),))
    with pytest.raises(SpotifyError):
        record(ago(600))
    record(ago(590))
    play(*many(track_ids, 60, ago(585)))
    record(ago(530))
    assert ask("select reason from ops.coverage where state = 'gap' order by starts_at") == [
        ("run_missing",),
        ("outage",),
        ("full_window",),
    ]


def test_late_plays_that_reach_the_end_of_a_full_window_are_a_gap_since_the_window_before(record, play, track_ids, ask):
    """Something is known in the window, but not its oldest play: what came with that one may not have fitted in."""
    known = many(track_ids, 50, ago(800), 60)
    play(*known)
    record(ago(700))
    late = [Play(track_ids[n], ago(790) + timedelta(seconds=20 * n), arrives_at=ago(650)) for n in range(40)]
    play(*late)
    record(ago(640))
    window = sorted([one.played_at for one in known + late])[-50:]
    assert window[0] in {one.played_at for one in late}
    assert ask("select starts_at, ends_at from ops.coverage where state = 'gap'") == [(known[0].played_at, window[0])]
    lost = [one for one in late if one.played_at < window[0]]
    assert lost and all(known[0].played_at < one.played_at < window[0] for one in lost)


def test_late_plays_within_the_window_are_no_gap(record, play, track_ids, ask):
    play(*many(track_ids, 50, ago(800), 60))
    record(ago(700))
    play(*(Play(track_ids[n], ago(760) + timedelta(seconds=20 * n), arrives_at=ago(650)) for n in range(5)))
    record(ago(640))
    assert ask("select count(*) from ops.coverage where state = 'gap'") == [(0,)]


# Imports.


def test_an_import_that_tells_of_before_and_after_closes_a_gap(record, play, track_ids, bring, ask, songs):
    begin, end = lose(play, record, track_ids)
    has_gap = "select count(*) filter (where has_gap) from listening.coverage_day"
    assert ask(has_gap) != [(0,)]
    bring(begin - HOUR, begin + HOUR / 4, end + HOUR)
    assert ask("select state, closed_at, closed_by from ops.coverage where state = 'gap'") == [
        ("gap", NOW, "extended_export")
    ]
    assert ("extended_export", "covered", begin - HOUR, end + HOUR, None, None) in [
        (*row[:2], row[2].replace(microsecond=0), row[3].replace(microsecond=0), *row[4:]) for row in ask(LEDGER)
    ]
    assert ask(has_gap) == [(0,)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (timedelta(hours=1), timedelta(minutes=-15)),
        (timedelta(minutes=-15), timedelta(hours=1)),
        (timedelta(days=30), HOUR),
    ],
)
def test_one_that_ends_or_begins_within_it_or_lacks_a_file_does_not(record, play, track_ids, bring, ask, before, after):
    begin, end = lose(play, record, track_ids)
    bring(begin - before, end + after)
    assert (None,) in ask("select closed_at from ops.coverage where state = 'gap'")


def test_an_import_done_again_or_only_tried_changes_nothing_in_the_ledger(record, play, track_ids, bring, ask):
    begin, end = lose(play, record, track_ids)
    everything = "select ctid::text, xmin::text, * from ops.coverage order by coverage_key"
    before = ask(everything)
    bring(begin - HOUR, end + HOUR, dry_run=True)
    assert ask(everything) == before
    bring(begin - HOUR, end + HOUR)
    closed = ask(everything)
    assert closed != before
    bring(begin - HOUR, end + HOUR, clock=lambda: NOW + HOUR)
    assert ask(everything) == closed


def test_a_newer_export_takes_its_span_further(bring, ask):
    first, second, third = ago(9000), ago(6000), ago(3000)
    bring(first, second)
    bring(first, second, third)
    bring(ago(100_000), name="endsong_0.json")
    assert [row[:4] for row in ask(LEDGER)] == [
        ("extended_export", "covered", ago(100_000), ago(100_000)),
        ("extended_export", "covered", first, third),
    ]


def test_where_an_export_reaches_further_than_the_list_the_gap_begins_at_its_end(record, play, track_ids, bring, ask):
    play(Play(track_ids[0], ago(900)))
    record(ago(899))
    bring(ago(950), ago(600))
    play(*many(track_ids, 60, ago(500)))
    record(ago(300))
    [(begin, end)] = ask("select starts_at, ends_at from ops.coverage where state = 'gap' and closed_at is null")
    assert (begin, end) == (ago(600), many(track_ids, 60, ago(500))[10].played_at)


def test_two_exports_that_do_not_overlap_close_no_gap_between_them_and_two_that_do_are_one(
    record, play, track_ids, bring, ask
):
    begin, end = lose(play, record, track_ids)
    is_open = "select distinct closed_at is null from ops.coverage where state = 'gap' order by 1 desc limit 1"
    bring(begin - 2 * HOUR, begin - HOUR)
    bring(end + HOUR, end + 2 * HOUR, name="endsong_1.json")
    assert ask(is_open) == [(True,)]
    bring(begin - 1.5 * HOUR, end - HOUR / 10, name="endsong_2.json")
    assert ask(is_open) == [(True,)]
    bring(end - HOUR / 5, end + 1.5 * HOUR, name="endsong_3.json")
    assert ask(is_open) == [(False,)]
    spans = ask("select starts_at, ends_at from ops.coverage where source = 'extended_export'")
    assert [(at.replace(microsecond=0), to.replace(microsecond=0)) for at, to in spans] == [
        (begin - 2 * HOUR, end + 2 * HOUR)
    ]


def test_what_was_lost_between_two_exports_of_one_command_is_not_brought_either(
    record, play, track_ids, settings, warehouse, ask, tmp_path
):
    begin, end = lose(play, record, track_ids)
    folders = [
        write_folder(tmp_path / name, {"StreamingHistory_music_0.json": [account_row(at) for at in moments]})
        for name, moments in (
            ("one", (begin - 3 * HOUR, begin - HOUR)),
            ("two", (end + HOUR, end + 3 * HOUR)),
        )
    ]
    import_exports(settings, warehouse, folders, clock=lambda: NOW)
    assert ask("select closed_at from ops.coverage where state = 'gap'") == [(None,)]
    assert ask("select count(*) from ops.coverage where source = 'account_export'") == [(2,)]


def test_podcasts_tell_nothing_of_music(record, play, track_ids, settings, warehouse, ask, tmp_path):
    begin, end = lose(play, record, track_ids)
    rows = [
        {"endTime": f"{at:%Y-%m-%d %H:%M}", "podcastName": "P", "episodeName": "E", "msPlayed": 60_000}
        for at in (begin - HOUR, end + HOUR)
    ]
    folder = write_folder(tmp_path / "account", {"StreamingHistory_podcast_0.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: NOW)
    assert ask(
        "select count(*) from listening.fact_play natural join listening.dim_track where content_type = 'episode'"
    ) == [(2,)]
    assert ask(
        "select count(*), min(closed_at) from ops.coverage where source <> 'account_export' and state = 'gap'"
    ) == [(1, None)]
    assert ask("select count(*) from ops.coverage where source = 'account_export'") == [(0,)]


def test_an_export_that_reaches_further_than_the_last_look_does_not_lengthen_the_span_of_the_list(
    record, play, track_ids, bring, ask
):
    """Nobody asked the list for weeks; that the export tells of them is told as its own."""
    weeks = [
        40 * 24 * 60,
        11 * 24 * 60,
        4 * 24 * 60,
    ]  # minutes ago: the only look, the end of the export, the next look
    play(Play(track_ids[0], ago(weeks[0] + 1)))
    record(ago(weeks[0]))
    bring(*(ago(weeks[0] + 60 - day * 24 * 60) for day in range(29)), ago(weeks[1]))
    found = many(track_ids, 60, ago(weeks[2] + 60))
    play(*found)
    record(ago(weeks[2]))
    assert [row[:5] for row in ask(LEDGER) if row[0] == "recently_played"] == [
        ("recently_played", "covered", ago(weeks[0] + 1), ago(weeks[0] + 1), None),
        ("recently_played", "gap", ago(weeks[0] + 1), ago(weeks[1]), "run_missing"),
        ("recently_played", "gap", ago(weeks[1]), found[10].played_at, "run_missing"),
        ("recently_played", "covered", found[10].played_at, ago(weeks[2]), None),
    ]


def test_a_full_window_after_an_empty_list_is_a_gap_since_that_look(record, play, track_ids, ask):
    record(ago(200))
    lost = many(track_ids, 75, ago(190))
    play(*lost)
    record(ago(100))
    assert ask("select count(*) from listening.fact_play") == [(50,)]
    assert ask(LEDGER) == [
        ("recently_played", "covered", ago(200), ago(200), None, None),
        ("recently_played", "gap", ago(200), lost[25].played_at, "full_window", None),
        ("recently_played", "covered", lost[25].played_at, ago(100), None, None),
    ]


def test_what_an_export_tells_of_is_no_gap_even_if_it_lacks_the_oldest_play_of_the_window(
    record, play, track_ids, settings, warehouse, songs, ask, tmp_path
):
    play(Play(track_ids[0], ago(90 * 24 * 60)))
    record(ago(90 * 24 * 60 - 1))
    found = many(track_ids, 60, ago(300))
    told = [
        *(ago(minutes) for minutes in range(91 * 24 * 60, 400, -5 * 24 * 60)),
        *(one.played_at for one in found[15:40]),
    ]
    rows = [
        {
            "ts": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "ms_played": 40_000,
            "spotify_track_uri": f"spotify:track:{next((one.track_id for one in found if one.played_at == at), '0' * 22)}",
            "master_metadata_track_name": "It",
            "master_metadata_album_artist_name": "She",
        }
        for at in told
    ]
    folder = write_folder(tmp_path / "export", {"Streaming_History_Audio_2026.json": rows})
    import_exports(settings, warehouse, [folder], clock=lambda: ago(200))
    play(*found)
    record(ago(100))
    assert ask("select count(*) from ops.coverage where state = 'gap' and closed_at is null") == [(0,)]
    assert [row[:4] for row in ask(LEDGER)] == [
        ("extended_export", "covered", told[0], found[39].played_at),
        ("recently_played", "covered", ago(90 * 24 * 60), ago(90 * 24 * 60)),
        ("recently_played", "gap", ago(90 * 24 * 60), found[10].played_at),
        ("recently_played", "covered", found[10].played_at, ago(100)),
    ]


def test_the_failures_of_somebody_else_are_no_reason(record, play, track_ids, ask):
    play(Play(track_ids[0], ago(300)))
    record(ago(299))
    for statement in (
        "insert into listening.dim_listener (listener_id, time_zone, created_at) values ('bea', 'UTC', now())",
        "insert into ops.run (job, listener_key, started_at, finished_at, outcome, program_version)"
        " select 'plays', max(listener_key), %s, %s, 'failed', '0' from listening.dim_listener",
    ):
        ask(statement, *([ago(250), ago(250)] if "%s" in statement else []))
    play(*many(track_ids, 75, ago(280)))
    record(ago(200))
    assert ask("select reason from ops.coverage where state = 'gap'") == [("full_window",)]


# What is made of an older database.


def test_a_database_from_before_the_ledger_gets_one_of_what_it_knows(empty_database):
    """Three listeners: with a gap, without, and with one that an export tells of; each span follows from watermark, gaps and plays."""
    warehouse = Warehouse(empty_database)
    older = {name for name in names_in("schema") if name < "schema/009"}
    warehouse.transaction(lambda connection: migrate_within(connection, NOW, __version__, only=older))
    for statement in (
        "insert into listening.dim_listener (listener_id, time_zone, created_at) select who, 'UTC', now() from unnest(array['ada', 'bea', 'cem']) who",
        "insert into listening.dim_play_profile (has_recently_played, has_extended_export, has_account_export, has_player)"
        " values (true, false, false, false), (false, true, false, false)",
        "insert into listening.dim_track (track_uri, track_id, track_name, content_type) values ('spotify:track:x', 'x', 'It', 'track')",
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, time_key, context_key, device_key, play_profile_key)"
        " select at, listener_key, track_key, to_char(at, 'YYYYMMDD')::integer, 0, 0, 0,"
        " (select max(play_profile_key) from listening.dim_play_profile where has_extended_export)"
        " from listening.dim_listener, listening.dim_track, generate_series(timestamptz '2026-05-01 10:00+00', '2026-06-09 10:00+00', '1 day') at"
        " where listener_id = 'cem' and track_id = 'x'",
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, time_key, context_key, device_key, play_profile_key)"
        " select at, listener_key, 0, 20260601, 0, 0, 0, (select max(play_profile_key) from listening.dim_play_profile where has_recently_played)"
        " from listening.dim_listener, unnest(array[timestamptz '2026-06-01 10:00+00', '2026-06-02 10:00+00', '2026-06-05 10:00+00']) at",
        "insert into ops.watermark (listener_key, source, played_at, checked_at)"
        " select listener_key, 'recently_played', '2026-06-05 10:00+00', '2026-06-05 11:00+00' from listening.dim_listener",
        "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at)"
        " select listener_key, 'recently_played', 'gap', '2026-06-02 10:00+00', '2026-06-05 10:00+00', '2026-06-05 11:00+00'"
        " from listening.dim_listener where listener_id <> 'bea'",
    ):
        asked(empty_database, statement)
    assert "schema/009_unattended" in warehouse.migrate(NOW, __version__)
    warehouse.close()

    def day(number: int, hour: int = 10) -> str:
        return f"2026-06-0{number}T{hour}:00"

    told = asked(
        empty_database,
        "select listener_id, state || coalesce(' closed by ' || closed_by, ''), to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI'),"
        " to_char(ends_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI') from ops.coverage"
        " join listening.dim_listener using (listener_key) order by 1, 3",
    )
    assert told == [
        ("ada", "covered", day(1), day(2)),
        ("ada", "gap", day(2), day(5)),
        ("ada", "covered", day(5), day(5, 11)),
        ("bea", "covered", day(1), day(5, 11)),
        ("cem", "covered", "2026-05-01T10:00", day(9)),
        ("cem", "covered", day(1), day(2)),
        ("cem", "gap closed by extended_export", day(2), day(5)),
        ("cem", "covered", day(5), day(5, 11)),
    ]
    oldest = "select distinct to_char(window_starts_at at time zone 'UTC', 'YYYY-MM-DD') from ops.watermark"
    assert asked(empty_database, oldest) == [("2026-06-01",)]


# Where people read it.


def test_the_report_of_a_day_says_which_sources_tell_of_it_and_what_was_lost(
    brapped, record, play, track_ids, bring, ask, tmp_path
):
    begin, _ = lose(play, record, track_ids)
    text = " ".join(brapped("report", "daily", "--date", f"{begin:%Y-%m-%d}").stdout.split())
    assert "How complete" in text
    assert "probably lost: more was played than Spotify's list holds" in text and f"{begin:%H:%M}" in text
    assert "Spotify's list covers it from" in text
    bring(begin - timedelta(days=2), begin + HOUR / 4, ago(1))
    text = " ".join(brapped("report", "daily", "--date", f"{begin:%Y-%m-%d}").stdout.split())
    assert "The extended export covers it from 20 Nov 2026 00:00 to 20 Nov 2026 09:19." in text
    assert "were brought by the extended export on" in text and "probably lost" not in text
    page = json.loads(brapped("report", "daily", "--date", f"{begin:%Y-%m-%d}", "--format", "json").stdout)
    assert "coverage" in str(page)


def test_the_status_shows_the_ledger(brapped, record, play, track_ids, settings, database, spotify):
    assert settings_of(database, spotify).database_url
    begin, end = lose(play, record, track_ids)
    text = " ".join(brapped("status").stdout.split())
    assert f"gap {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}: more was played than Spotify's list holds" in text
