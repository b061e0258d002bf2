"""`brapped status`: what it says when all is well, and that it names each fault that is put in."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import REFRESH_TOKEN, ago, change_world, settings_of

from etl.health import checks as health
from etl.simulator.routes import Fault, Grant, Play
from etl.spotify.errors import SpotifyError
from etl.values import fingerprint
from etl.warehouse.statements import names_in

NEWEST = names_in("schema")[-1].removeprefix("schema/")
LOCKED = b'{"error":{"status":429,"message":"API rate limit exceeded","reason":"QUOTA_EXCEEDED"}}'


@pytest.fixture
def filled(brapped, play, songs, spotify):
    """A warehouse with some plays, freshly asked for."""
    now = datetime.now(UTC)
    spotify.clock = lambda: datetime.now(UTC)
    spotify.change(
        lambda world: type(world)(**{**vars(world), "refresh_tokens": {REFRESH_TOKEN: Grant("account-of-ada", now)}})
    )
    play(*(Play(track_id, now - timedelta(minutes=4 * n + 1)) for n, track_id in enumerate(list(songs.tracks)[:20])))
    for job in ("plays", "dimensions"):
        assert brapped(job).returncode == 0


@pytest.fixture
def causes(brapped):
    """Asks for the status as JSON: its exit status, and the causes it names."""

    def asked(**changes: str) -> tuple[int, list[str]]:
        ran = brapped("status", "--json", **changes)
        answer = json.loads(ran.stdout)
        assert answer["is_good"] == (ran.returncode == 0) == (not answer["findings"])
        return ran.returncode, [one["cause"] for one in answer["findings"]]

    return asked


@pytest.mark.quick
def test_when_all_is_well_it_says_so_and_ends_with_zero(filled, brapped, ask):
    ran = brapped("status")
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = [line.rstrip() for line in ran.stdout.splitlines()]
    assert lines[-1] == "Nothing needs you." and max(map(len, lines)) <= 80
    text = " ".join(ran.stdout.split())
    for expected in (
        "listener Ada",
        "plays done",
        "dimensions done",
        "tracks 20 described, 0 to be described",
        f"schema {NEWEST}",
    ):
        assert expected in text
    assert lines == ran.stdout.splitlines()  # no spaces at the ends


def test_as_json_it_holds_everything_with_times_that_programs_read(filled, brapped, ask):
    answer = json.loads(brapped("status", "--json").stdout)
    assert set(answer) == {"is_good", *health.Health.__dataclass_fields__}
    [(size, plays)] = ask("select pg_database_size(current_database()), count(*) from listening.fact_play")
    assert abs(answer["storage"]["size_bytes"] - size) < 1_000_000 and plays == 20
    assert answer["schema"] == {"version": NEWEST, "newest": NEWEST, "pending": []}
    [listener] = answer["listeners"]
    assert [(datetime.fromisoformat(listener["last_played_at"]),)] == ask(
        "select max(played_at) from listening.fact_play"
    )
    assert {one["kind"]: one["known_count"] for one in answer["catalogue"]} == dict(
        ask(
            "select 'artist', count(*) from listening.dim_artist where artist_key > 0"
            " union all select 'track', count(*) from listening.dim_track where track_key > 0"
            " union all select 'album', count(*) from listening.dim_album where album_key > 0"
        )
    )
    assert [(answer["budget"]["spent"],)] == ask("select sum(call_count) from ops.catalogue_call")
    assert REFRESH_TOKEN not in str(answer)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("update listening.fact_play set track_key = 99999 where play_key = 3", "orphan_keys"),
        ("update listening.fact_play set device_key = 99999 where play_key = 3", "orphan_keys"),
        ("update listening.fact_play set play_profile_key = 99999 where play_key = 3", "orphan_keys"),
        ("delete from listening.bridge_track_artist where track_key = 5", "tracks_without_artist"),
        (
            "insert into listening.fact_play (played_at, listener_key, track_key, date_key, time_key, context_key,"
            " device_key, play_profile_key, since_previous_ms) select played_at, listener_key, track_key, date_key,"
            " time_key, context_key, device_key, play_profile_key, 0 from listening.fact_play where play_key = 3",
            "duplicate_plays",
        ),
        (
            "insert into listening.fact_play (played_at, listener_key, track_key, date_key, time_key, context_key,"
            " device_key, play_profile_key) select played_at + interval '2 days', listener_key, track_key,"
            " to_char(played_at + interval '2 days', 'YYYYMMDD')::int, time_key, context_key,"
            " device_key, play_profile_key from listening.fact_play where play_key = 3",
            "plays_of_the_future",
        ),
        ("update listening.fact_play set since_previous_ms = 7 where play_key = 3", "distances_adrift"),
        ("delete from listening.observation where play_key = 3", "plays_without_observation"),
        (
            "insert into listening.observation (observed_at, play_key, listener_key, track_key, context_key, device_key,"
            " play_profile_key, source_key, sequence) select observed_at, 99999, listener_key, track_key, context_key,"
            " device_key, play_profile_key, source_key, 7 from listening.observation where play_key = 3",
            "observations_without_play",
        ),
        ("update ops.watermark set played_at = played_at - interval '1 hour'", "watermarks_adrift"),
        (
            "update listening.fact_play set date_key = (select max(date_key) from listening.dim_date where date_key < fact_play.date_key)"
            " where play_key = 3",
            "local_dates_adrift",
        ),
        ("update ops.run set started_at = started_at - interval '4 hours'", "silence"),
        (
            "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at, reason)"
            " values (1, 'recently_played', 'gap', now() - interval '9 hours', now() - interval '8 hours', now(), 'outage')",
            "gap",
        ),
        ("update ops.login set refused_at = now(), refused_reason = 'Refresh token revoked'", "login"),
        ("update ops.login set first_seen_at = now() - interval '6 months' + interval '29 days'", "login"),
        ("update ops.login set consented_at = now() - interval '6 months' + interval '6 days'", "login"),
        ("delete from ops.login", "login"),
        ("insert into ops.rebuild_due (listener_key, schema_file, due_at) values (1, 'schema/012', now())", "rebuild"),
    ],
)
def test_each_fault_is_named_and_ends_with_one(filled, ask, causes, fault, cause):
    if "delete from ops.login" in fault:
        ask(fault)
        assert causes(SPOTIFY_REFRESH_TOKEN="") == (1, [cause])
        return
    assert causes() == (0, [])
    ask(fault)
    status, named = causes()
    assert status == 1 and cause in named, named
    assert len(named) == 1 or cause in ("plays_of_the_future", "duplicate_plays")  # which bring others with them


@pytest.fixture
def uploaded(play, songs, spotify, brapped, filled, tmp_path):
    """What a phone uploads: plays that the list dates to one moment, and equal ones that began at other times."""
    now = datetime.now(UTC)
    upload = (now - timedelta(minutes=90)).replace(microsecond=0)
    some = list(songs.tracks)[20:26]
    play(*(Play(track_id, upload + timedelta(milliseconds=40 * n)) for n, track_id in enumerate(some)))
    assert brapped("plays").returncode == 0
    row = {
        "ts": f"{upload - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": 4_000,
        "spotify_track_uri": f"spotify:track:{some[0]}",
        "master_metadata_track_name": "It",
        "master_metadata_album_artist_name": "She",
    }
    starts = [int((upload - timedelta(days=2)).timestamp()) - back for back in (10, 20)]
    rows = [{**row, "offline_timestamp": start} for start in starts]
    (tmp_path / "endsong_0.json").write_text(json.dumps(rows))
    assert brapped("import", str(tmp_path / "endsong_0.json")).returncode == 0


def test_plays_that_were_uploaded_together_are_no_fault(uploaded, ask, causes):
    """The list's share the time before them; the export's are equal, but began a length apart."""
    moments = (
        "select count(*) from listening.fact_play group by played_at, track_key, ms_played order by 1 desc limit 1"
    )
    assert ask(moments) == [(2,)]
    assert ask("select count(*) from listening.fact_play where since_previous_ms between 31000 and 400000")[0][0] >= 20
    assert causes() == (0, [])


@pytest.mark.parametrize("place", range(6))
def test_a_wrong_share_of_the_time_before_an_upload_is_a_fault(uploaded, ask, causes, place):
    """`place`: which of the six that were uploaded together."""
    ask(
        "update listening.fact_play set since_previous_ms = coalesce(since_previous_ms, 0) + 1 where play_key ="
        " (select play_key from listening.fact_play join listening.dim_track using (track_key)"
        "  where ms_played is null and played_at < now() - interval '85 minutes' order by played_at limit 1 offset %s)",
        place,
    )
    assert causes() == (1, ["distances_adrift"])


@pytest.mark.parametrize(
    "fault",
    [
        "update listening.observation set play_key = 99999 where play_key = 3",
        "update listening.fact_play set since_previous_ms = 7 where play_key = 3",
        "delete from listening.fact_play where play_key = 3",
        "insert into listening.fact_play (played_at, listener_key, track_key, date_key, time_key, context_key,"
        " device_key, play_profile_key, since_previous_ms) select played_at, listener_key, track_key, date_key,"
        " time_key, context_key, device_key, play_profile_key, 0 from listening.fact_play where play_key = 3",
    ],
)
def test_a_rebuild_repairs_what_differs_from_the_observations(filled, ask, brapped, causes, fault):
    content = "select played_at, track_key, since_previous_ms from listening.fact_play order by 1, 2"
    before = ask(content)
    ask(fault)
    assert causes()[0] == 1
    assert brapped("rebuild").returncode == 0
    assert causes() == (0, [])
    assert ask(content) == before


def test_a_closed_gap_is_no_fault(filled, ask, causes, brapped):
    ask(
        "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at, reason, closed_at, closed_by)"
        " values (1, 'recently_played', 'gap', now() - interval '9 hours', now() - interval '8 hours', now(), 'outage',"
        " now(), 'extended_export')"
    )
    assert causes() == (0, [])
    assert "brought by the extended export on" in " ".join(brapped("status").stdout.split())


def test_failing_runs_are_named_with_since_when(filled, spotify, brapped, causes):
    change_world(spotify, faults=(Fault("/v1/me/player/*", times=1, status=403),))
    assert brapped("plays").returncode == 1
    assert causes() == (1, ["plays-fails"])
    assert "It has failed once, since" in " ".join(brapped("status").stdout.split())


def test_a_lock_is_shown_until_when_and_is_nothing_to_look_at(filled, spotify, brapped, causes, ask):
    ask("update listening.dim_artist set fetched_at = null")
    change_world(
        spotify, faults=(Fault("/v1/artists*", times=9, status=429, headers={"Retry-After": "50000"}, body=LOCKED),)
    )
    brapped("dimensions")
    assert causes() == (0, [])
    assert "catalogue paused by Spotify until" in " ".join(brapped("status").stdout.split())


def test_storage_is_said_with_what_is_left_and_named_when_it_runs_out(filled, ask, causes, brapped):
    [(size,)] = ask("select pg_database_size(current_database()) / 1000000")
    assert causes(STORAGE_LIMIT_MB=str(size * 10)) == (0, [])
    ask("update ops.run set started_at = started_at - interval '10 days', recorded_count = 2000 where job = 'plays'")
    text = " ".join(brapped("status", STORAGE_LIMIT_MB=str(size * 10)).stdout.split())
    left = round((size * 9) * 1_000_000 / (250 * 2000 / 10))
    shown_days = int(text.partition("room for ")[2].partition(" days")[0].replace(",", ""))
    assert abs(shown_days - left) < left * 0.05
    assert "storage" in causes(STORAGE_LIMIT_MB=str(size + 1))[1]


def test_clocks_that_disagree_are_named(warehouse, database, spotify):
    early = datetime.now(UTC) - timedelta(minutes=5)
    found = warehouse.transaction(
        lambda connection: health.inspect_all(connection, settings_of(database, spotify), early)
    )
    assert "clock" in {one.cause for one in found.findings}
    assert 290 < found.clock_skew_s < 310


def test_a_database_of_an_older_program_is_said_and_not_touched(empty_database, brapped, ask):
    ran = brapped("status", DATABASE_URL=empty_database)
    assert ran.returncode == 1 and "The database is empty" in ran.stderr
    from support import asked

    assert asked(empty_database, "select to_regclass('ops.login')") == [(None,)]


def test_whose_listening_comes_from_exports_alone_is_not_asked_to_log_in(warehouse, database, spotify):
    own = settings_of(database, spotify, spotify_client_id=None, spotify_client_secret=None, spotify_refresh_token=None)
    found = warehouse.transaction(lambda connection: health.inspect_all(connection, own, datetime.now(UTC)))
    assert found.login is None and found.findings == ()


@pytest.mark.parametrize(
    ("days", "state"), [(31, None), (29.9, "30"), (7.1, "30"), (6.9, "7"), (1.1, "7"), (0.9, "1"), (-1, "1")]
)
def test_a_login_is_reminded_of_at_thirty_seven_and_one_day(warehouse, database, spotify, ask, days, state):
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    end = now + timedelta(days=days)
    month = end.month - 6
    agreed = end.replace(year=end.year - (month < 1), month=month + 12 * (month < 1))
    ask(
        "insert into ops.login (setting_fingerprint, first_seen_at, consented_at) values (%s, %s, %s)",
        fingerprint(REFRESH_TOKEN),
        agreed,
        agreed,
    )
    found = warehouse.transaction(
        lambda connection: health.inspect_urgent(connection, settings_of(database, spotify), now)
    )
    assert [one.state for one in found] == ([f"{end:%Y-%m-%d} {state}"] if state else [])
    if state:
        assert "connect" in found[0].text and f"{end:%Y-%m-%d}" in found[0].title


def test_the_others_notice_when_plays_does_not_run(warehouse, ask):
    now = datetime.now(UTC)
    ask(
        "insert into ops.run (job, started_at, finished_at, outcome, program_version) values ('plays', %s, %s, 'done', '')",
        now,
        now,
    )

    def found(after: timedelta) -> list[str]:
        looked = warehouse.transaction(lambda connection: health.inspect_schedule(connection, now + after))
        return [one.cause for one in looked]

    assert found(timedelta(hours=5)) == []
    assert found(timedelta(hours=7)) == ["silence"]


def test_plays_that_are_due_are_one_finding_and_an_alert_once_a_job_could_not(
    filled, ask, brapped, warehouse, settings
):
    """What follows from it, such as wrong distances, is no finding of its own; what a rebuild does not mend still is."""

    def found():
        return json.loads(brapped("status", "--json").stdout)["findings"]

    ask("insert into ops.rebuild_due (listener_key, schema_file, due_at) values (1, 'schema/012', '2026-11-20 09:20Z')")
    ask("update listening.fact_play set since_previous_ms = 7")
    [finding] = found()
    assert (finding["cause"], finding["is_alert"]) == ("rebuild", False)
    assert finding["text"] == (
        "An update of 2026-11-20 09:20 UTC improved the rule that decides which reports are one play. Reports show your"
        " earlier plays by the rule of before until they are derived anew. New plays are recorded as always, and nothing"
        " is lost. The next run of plays or dimensions does it if its time allows; `python migrate.py` does it now."
    )
    ask("update ops.rebuild_due set tried_at = '2026-11-20 10:17Z', tried_by = 'plays'")
    ask("insert into ops.rebuild_due (listener_key, schema_file, due_at) values (2, 'schema/012', '2026-11-20 09:20Z')")
    ask("update ops.watermark set played_at = played_at - interval '1 hour'")
    finding, other = found()
    assert (finding["is_alert"], other["cause"]) == (True, "watermarks_adrift")
    assert "2 listeners' earlier plays" in finding["text"]
    assert finding["text"].endswith(
        "The job that began at 2026-11-20 10:17 UTC did not get it done in its time. Run `python migrate.py` on a computer"
        " with this DATABASE_URL: it takes the time it needs, and goes on where it was stopped."
    )
    now = datetime.now(UTC)
    urgent = warehouse.transaction(lambda connection: health.inspect_urgent(connection, settings, now))
    assert [(one.cause, one.text) for one in urgent if one.cause == "rebuild"] == [("rebuild", finding["text"])]
    assert "rebuild" in health.URGENT
    ask("delete from ops.rebuild_due")
    assert {one["cause"] for one in found()} == {"distances_adrift", "watermarks_adrift"}


def test_nothing_of_the_findings_holds_a_title_or_a_secret(filled, ask, brapped, songs, environment: dict[str, Any]):
    ask("update listening.fact_play set track_key = 99999 where play_key = 3")
    ask("update ops.login set refused_at = now(), refused_reason = 'Refresh token revoked'")
    findings = json.loads(brapped("status", "--json").stdout)["findings"]
    names = [track.name for track in list(songs.tracks.values())[:20]] + [REFRESH_TOKEN, environment["DATABASE_URL"]]
    assert len(findings) == 2 and [name for name in names if name in str(findings)] == []


def test_the_status_is_kept_from_changing_anything(filled, ask, brapped):
    before = ask("select count(*), max(run_key) from ops.run"), ask("select count(*) from ops.login")
    brapped("status", SPOTIFY_REFRESH_TOKEN="another-token")
    assert (ask("select count(*), max(run_key) from ops.run"), ask("select count(*) from ops.login")) == before


def test_what_fails_in_a_run_is_told_under_a_cause_that_has_words_for_it():
    from etl.health.findings import ADVICE, TITLES
    from etl.jobs.monitored import CAUSES

    assert set(CAUSES.values()) <= set(TITLES) and set(ADVICE) == set(TITLES) | {"program"}
    kinds = list(CAUSES)
    assert kinds.index(SpotifyError) > max(
        kinds.index(kind) for kind in kinds if kind is not SpotifyError and issubclass(kind, SpotifyError)
    )
    assert ago(0)


def test_a_name_that_looks_like_markup_is_shown_as_it_is(filled, brapped, ask):
    ask("update listening.dim_listener set listener_name = 'Ada [/x] [bold]red\x1b[31m'")
    ran = brapped("status")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Ada [/x] [bold]red?[31m" in ran.stdout and "\x1b" not in ran.stdout


def test_an_import_that_found_nothing_needs_nobody_later(filled, brapped, causes, tmp_path):
    (tmp_path / "endsong_0.json").write_text("[{")
    assert brapped("import", str(tmp_path / "endsong_0.json")).returncode == 1
    assert causes() == (0, [])
    assert "import failed" in " ".join(brapped("status").stdout.split())
