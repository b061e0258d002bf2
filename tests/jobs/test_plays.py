"""The hourly job against a real Postgres and a simulated Spotify: what it records, and what it asks for."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from support import NOW, REFRESH_TOKEN, ago, asked, change_world, settings_of

from etl import limits
from etl.dimensions.answers import Answers, MemberId
from etl.jobs.plays import record_plays
from etl.simulator.routes import Fault, Grant, Listener, Play
from etl.sources.recently_played import read_page
from etl.spotify.errors import Forbidden, LoginRefused, PermissionMissing, Unavailable
from etl.warehouse.merge import rebuild_plays

PAGE = "/v1/me/player/recently-played"
TOKEN = "/api/token"
PLAYS = "select played_at, track_id from listening.fact_play join listening.dim_track using (track_key) order by 1, 2"


pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def record(settings, warehouse, spotify):
    """One run of the job at a moment, NOW unless told; Spotify's clock shows the same."""

    def run(at=NOW):
        spotify.clock = lambda: at
        return record_plays(settings, warehouse, spotify.clock)

    return run


@pytest.fixture
def track_ids(songs):
    return list(songs.tracks)


def paths(spotify) -> list[str]:
    return [call.path for call in spotify.calls]


def test_the_first_run_records_the_whole_window(record, play, track_ids, ask):
    plays = [Play(track_id, ago(10 * number + 1)) for number, track_id in enumerate(track_ids[:3])]
    play(*plays)

    assert record().line == "3 of 3 plays are new; recorded up to 2026-11-20 09:19 UTC"
    assert ask(PLAYS) == sorted((one.played_at, one.track_id) for one in plays)


def test_a_second_run_asks_only_for_a_token_and_the_page_and_records_what_is_new(record, spotify, play, track_ids, ask):
    play(Play(track_ids[0], ago(30)), Play(track_ids[1], ago(20)))
    record()
    assert paths(spotify) == [TOKEN, "/v1/me", PAGE]
    play(Play(track_ids[2], ago(5)))
    spotify.calls.clear()

    assert record().line == "1 of 3 plays are new; recorded up to 2026-11-20 09:15 UTC"
    assert paths(spotify) == [TOKEN, PAGE]
    assert spotify.calls[1].query == {"limit": "50"}
    assert len(ask(PLAYS)) == 3


def test_a_run_with_nothing_new_writes_no_fact_and_no_dimension(record, play, track_ids, ask):
    play(
        *(
            Play(track_id, ago(number + 1), context_uri="spotify:playlist:" + "p" * 22)
            for number, track_id in enumerate(track_ids[:20])
        )
    )
    record()
    tables = (
        "fact_play",
        "dim_track",
        "dim_album",
        "dim_artist",
        "bridge_track_artist",
        "dim_context",
        "dim_play_profile",
    )
    before = {table: ask(f"select xmin, xmax, ctid, * from listening.{table} order by ctid") for table in tables}

    record(NOW + timedelta(hours=1))

    assert {
        table: ask(f"select xmin, xmax, ctid, * from listening.{table} order by ctid") for table in tables
    } == before


def test_a_listener_who_played_nothing(record, ask):
    assert record().line == "0 of 0 plays are new; nothing recorded yet"
    assert ask("select played_at, checked_at from ops.watermark") == [(None, NOW)]
    assert ask("select outcome, received_count, recorded_count from ops.run") == [("done", 0, 0)]


def test_twelve_of_thirteen_plays_come_late(record, play, track_ids, ask):
    on_time = Play(track_ids[0], ago(1))
    late = [Play(track_ids[number], ago(100 + number), arrives_at=ago(-30)) for number in range(1, 13)]
    play(on_time, *late)
    assert record().line.startswith("1 of 1 ")

    assert record(NOW + timedelta(hours=1)).line == "12 of 13 plays are new; recorded up to 2026-11-20 09:19 UTC"
    assert ask(PLAYS) == sorted((one.played_at, one.track_id) for one in [on_time, *late])
    assert ask("select played_at from ops.watermark") == [(on_time.played_at,)]


def test_seventy_five_short_plays_between_two_runs_leave_one_gap(record, play, track_ids, ask):
    last_known = Play(track_ids[0], ago(60))
    play(last_known)
    assert record(ago(59)).warnings == ()
    many = [Play(track_ids[number], ago(55) + timedelta(seconds=35 * number)) for number in range(1, 76)]
    play(*many)

    outcome = record()
    again = record(NOW + timedelta(hours=1))

    first_told = many[25].played_at
    assert outcome.line == "50 of 50 plays are new; recorded up to 2026-11-20 09:08 UTC"
    [warning] = outcome.warnings
    assert warning.startswith("plays between 2026-11-20 08:20 UTC and 2026-11-20 08:40 UTC were probably lost")
    assert again.line.startswith("0 of 50") and again.warnings == ()
    assert ask("select count(*) from listening.fact_play") == [(51,)]
    assert ask(
        "select source, state, starts_at, ends_at, found_at, reason from ops.coverage order by starts_at, state"
    ) == [
        ("recently_played", "covered", last_known.played_at, last_known.played_at, ago(59), None),
        ("recently_played", "gap", last_known.played_at, first_told, NOW, "full_window"),
        ("recently_played", "covered", first_told, NOW + timedelta(hours=1), NOW, None),
    ]
    assert ask("select outcome from ops.run order by run_key") == [("done",), ("gap",), ("done",)]


def test_a_full_window_on_an_empty_database_is_no_gap(record, play, track_ids, ask):
    play(*(Play(track_ids[number], ago(200 - number)) for number in range(80)))
    outcome = record()
    assert outcome.line.startswith("50 of 50 ") and outcome.warnings == ()
    assert ask("select count(*) from ops.coverage where state = 'gap'") == [(0,)]


def test_a_full_window_that_still_holds_one_known_play_is_no_gap(record, play, track_ids, ask):
    play(Play(track_ids[0], ago(100)))
    record()
    play(*(Play(track_ids[number], ago(90 - number)) for number in range(1, 50)))
    assert record().warnings == ()
    assert ask("select count(*) from listening.fact_play") == [(50,)]
    assert ask("select count(*) from ops.coverage where state = 'gap'") == [(0,)]


LOCAL_FILE = {
    "id": None,
    "uri": "spotify:local:The+Sockets:Unplugged:Hum:61",
    "type": "track",
    "is_local": True,
    "name": "Hum",
    "duration_ms": 61000,
    "artists": [{"id": None, "name": "The Sockets", "type": "artist", "uri": None}],
    "album": {"id": None, "name": "Unplugged", "artists": [], "images": [], "release_date": None},
    "track_number": 0,
    "disc_number": 0,
    "explicit": False,
    "external_ids": {},
    "popularity": 0,
}
NO_ID = {"id": None, "uri": None, "name": "", "type": "track", "artists": [], "album": None}


def test_local_files_episodes_and_items_of_nothing(record, play, songs, ask):
    [episode_id, *_] = songs.episodes
    episode = {
        "id": episode_id,
        "uri": f"spotify:episode:{episode_id}",
        "type": "episode",
        "name": "The Kettle",
        "duration_ms": 1800000,
        "explicit": True,
        "release_date": "2026-10-01",
        "show": {
            "id": "s" * 22,
            "type": "show",
            "name": "Household Noises",
            "publisher": "Kitchen Radio",
            "total_episodes": 9,
        },
    }
    play(
        Play(None, ago(9), item=LOCAL_FILE),
        Play(None, ago(8), item=episode),
        Play(None, ago(7), item=NO_ID),
        Play(None, ago(6)),
    )
    assert record().line.startswith("4 of 4 plays are new")

    rows = ask(
        "select track_id, track_uri, track_name, content_type, duration_ms, track_number, album_name, album_artist_name,"
        " album_type, track_key = 0 from listening.fact_play join listening.dim_track using (track_key)"
        " join listening.dim_album using (album_key) order by played_at"
    )
    unknown = (None, None, None, None, None, None, None, None, None, True)
    assert rows == [
        (None, LOCAL_FILE["uri"], "Hum", "local", 61000, None, "Unplugged", None, None, False),
        (
            episode_id,
            episode["uri"],
            "The Kettle",
            "episode",
            1800000,
            None,
            "Household Noises",
            "Kitchen Radio",
            "show",
            False,
        ),
        unknown,
        unknown,
    ]
    assert ask(
        "select artist_id, artist_name, role, weight from listening.bridge_track_artist join listening.dim_artist using (artist_key)"
    ) == [(None, "The Sockets", "main", 1.0)]


@pytest.mark.parametrize("shape", ["2026", "full"])
def test_every_full_track_fills_the_dimensions_at_once(shape, record, spotify, play, songs, ask):
    change_world(spotify, shape=shape)
    played = [songs.tracks[track_id] for track_id in list(songs.tracks)[:40]]
    play(*(Play(track.id, ago(number + 1)) for number, track in enumerate(played)))
    record()

    assert ask(
        "select track_id, track_name, duration_ms, is_explicit, fetched_at from listening.dim_track where track_key <> 0 order by 1"
    ) == sorted((track.id, track.name, track.duration_ms, track.explicit, NOW) for track in played)
    albums = {track.album_id: songs.albums[track.album_id] for track in played}
    assert ask(
        "select album_id, album_name, album_type, fetched_at from listening.dim_album where album_key <> 0 order by 1"
    ) == sorted((album.id, album.name, album.album_type, NOW) for album in albums.values())
    by = {(track.id, artist_id) for track in played for artist_id in track.artist_ids}
    assert (
        set(
            ask(
                "select track_id, artist_id from listening.bridge_track_artist join listening.dim_track using (track_key) join listening.dim_artist using (artist_key)"
            )
        )
        == by
    )
    assert ask(
        "select artist_id, artist_name, genres, fetched_at from listening.dim_artist where artist_key <> 0 order by 1"
    ) == sorted(
        (artist_id, songs.artists[artist_id].name, None, None) for artist_id in {artist_id for _, artist_id in by}
    )
    assert (
        ask("select track_key from listening.bridge_track_artist group by 1 having abs(sum(weight) - 1) > 1e-9") == []
    )
    assert {call.path for call in spotify.calls} == {TOKEN, "/v1/me", PAGE}


def test_what_an_answer_leaves_out_does_not_erase_what_was_known(record, spotify, play, track_ids, ask):
    play(Play(track_ids[0], ago(5)))
    change_world(spotify, shape="full")
    record()
    known = ask("select popularity, isrc from listening.dim_track where track_id = %s", track_ids[0])
    assert known[0][0] is not None
    change_world(spotify, shape="2026", absent=frozenset({"external_ids"}))

    record(NOW + timedelta(days=2))

    assert ask("select popularity, isrc from listening.dim_track where track_id = %s", track_ids[0]) == known


def test_the_local_date_and_minute_follow_the_time_zone_and_its_changes(
    database, warehouse, spotify, play, track_ids, ask
):
    moments = [
        datetime(2026, 1, 1, 3, 30, tzinfo=UTC),  # still the old year in New York
        datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),  # a second before Berlin's clocks go forward
        datetime(2026, 3, 29, 1, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),  # 02:30 in Berlin, and an hour later again
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]
    play(*(Play(track_id, at) for track_id, at in zip(track_ids, moments, strict=False)))

    for zone in ("Europe/Berlin", "America/New_York", "UTC"):
        record_plays(settings_of(database, spotify, time_zone=zone), warehouse, lambda: NOW)
        local = [at.astimezone(ZoneInfo(zone)) for at in moments]
        assert ask(
            "select full_date, hour, minute from listening.fact_play join listening.dim_date using (date_key)"
            " join listening.dim_time using (time_key) order by played_at"
        ) == [(at.date(), at.hour, at.minute) for at in local]
        assert ask("select time_zone from listening.dim_listener") == [(zone,)]


def test_the_calendar_has_whole_years_without_holes(record, play, track_ids, ask):
    play(Play(track_ids[0], datetime(2023, 6, 1, tzinfo=UTC)), Play(track_ids[1], ago(1)))
    record()
    assert ask("select min(full_date)::text, max(full_date)::text, count(*) from listening.dim_date") == [
        ("2023-01-01", "2026-12-31", 365 + 366 + 365 + 365)
    ]


def test_an_item_without_a_moment_is_passed_over_and_said(record, spotify, ask):
    body = b'{"items":[{"track":null,"played_at":"yesterday"},{"track":null,"played_at":"2026-11-20T09:00:00Z"}],"cursors":null}'
    change_world(spotify, faults=(Fault(PAGE, status=200, body=body),))
    outcome = record()
    assert outcome.line.startswith("1 of 2 plays are new")
    assert outcome.warnings == ("1 of 2 items had no readable date and was skipped",)


@pytest.mark.parametrize("year", ["2027-09-16", "9999-01-01", "1999-12-31", "0001-01-01"])
def test_a_play_dated_where_none_can_be_hides_no_gap(year, record, spotify, play, track_ids, ask):
    wrong = {"track": None, "played_at": f"{year}T00:00:00+05:00"}
    play(Play(track_ids[0], ago(100)))
    record()
    told = [
        {"track": None, "played_at": f"2026-11-20T0{number // 60}:{number % 60:02}:00Z"} for number in range(480, 529)
    ]
    change_world(spotify, faults=(Fault(PAGE, status=200, body=json.dumps({"items": [wrong, *told]}).encode()),))
    outcome = record()
    assert outcome.line == "49 of 50 plays are new; recorded up to 2026-11-20 08:48 UTC"
    assert len(outcome.warnings) == 2 and "probably lost" in outcome.warnings[0]
    assert ask("select min(year), max(year) from listening.dim_date") == [(2026, 2026)]


ODD_NUMBERS = {"disc_number": 70000, "track_number": 10**30, "duration_ms": 1e30, "popularity": -1}


def test_odd_numbers_and_half_an_emoji_hold_no_play_up(record, spotify, ask):
    item = {"id": "x", "uri": "spotify:track:x", "type": "track", "name": "half \ud83d", "artists": [], "album": None}
    context = {"type": "playlist", "uri": "spotify:playlist:" + "p" * 9000}
    told = {"track": {**item, **ODD_NUMBERS}, "played_at": "2026-11-20T09:00:00Z", "context": context}
    change_world(spotify, faults=(Fault(PAGE, status=200, body=json.dumps({"items": [told]}).encode()),))
    assert record().line.startswith("1 of 1 play is new")
    assert ask(
        "select track_name, disc_number, track_number, duration_ms, popularity from listening.dim_track where track_key > 0"
    ) == [("half ", None, None, None, None)]


def test_a_play_moved_back_over_new_year_moves_to_the_old_one(database, warehouse, spotify, play, track_ids, ask):
    moved = Play(track_ids[0], datetime(2025, 12, 31, 23, 0, 10, tzinfo=UTC), redated=((NOW, timedelta(seconds=-31)),))
    play(moved, Play(track_ids[1], ago(1)))
    berlin = settings_of(database, spotify, time_zone="Europe/Berlin")
    for at in (NOW - timedelta(hours=1), NOW):
        spotify.clock = lambda: at  # noqa: B023
        record_plays(berlin, warehouse, spotify.clock)
    assert ask("select date_key, time_key from listening.fact_play order by played_at limit 1") == [(20251231, 1439)]


def test_a_run_without_a_time_zone_leaves_that_of_the_listener(database, warehouse, spotify, play, track_ids, ask):
    play(Play(track_ids[0], ago(5)))
    record_plays(settings_of(database, spotify, time_zone="Europe/Berlin"), warehouse, lambda: NOW)
    record_plays(settings_of(database, spotify), warehouse, lambda: NOW)
    assert ask(
        "select time_zone, time_key from listening.dim_listener join listening.fact_play using (listener_key)"
    ) == [("Europe/Berlin", 10 * 60 + 15)]


def test_no_title_shows_in_the_repr_of_what_the_program_hands_around(spotify, play, songs, track_ids):
    track = songs.tracks[track_ids[0]]
    item = {"track": {"id": track.id, "uri": "u", "name": "Hush"}, "played_at": "2026-11-20T09:00:00Z"}
    answers = Answers()
    answers.take(MemberId("artist", "x"), {"name": "Hush"})
    assert answers.members
    assert "Hush" not in repr(read_page({"items": [item]}, NOW)) + repr(answers)


def test_an_answer_without_account_id_names_the_listener_by_id(record, spotify, ask):
    change_world(spotify, absent=frozenset({"account_id"}))
    record()
    assert ask("select listener_id, listener_name from listening.dim_listener") == [("ada", "Ada")]


def test_a_listener_first_known_by_id_is_the_same_one_once_there_is_an_account_id(
    database, warehouse, record, spotify, play, track_ids, ask
):
    play(Play(track_ids[0], ago(5)))
    change_world(spotify, absent=frozenset({"account_id"}))
    record()
    change_world(spotify, absent=frozenset(), refresh_tokens={"another": Grant("account-of-ada", ago(9))})
    outcome = record_plays(settings_of(database, spotify, spotify_refresh_token="another"), warehouse, lambda: NOW)
    assert outcome.line.startswith("0 of 1 play is new")
    assert ask("select listener_id from listening.dim_listener") == [("account-of-ada",)]


HOSTILE = [
    "\\N",
    "\\.",
    "a\nb\r\nc\td",
    "'; drop table listening.fact_play; --",
    "%s :name {0}",
    '"',
    "\u202eevil\u0000",
    "x" * 3000,
    "\x1a!",
    "NaN",
    " ",
]


def test_titles_arrive_as_they_are_whatever_is_in_them(record, play, ask):
    for number, title in enumerate(HOSTILE):
        item = {"id": str(number), "uri": f"spotify:track:{number}", "type": "track", "name": title, "duration_ms": 1}
        play(
            Play(
                None,
                ago(100 - number),
                item={
                    **item,
                    "artists": [{"id": f"a{number}", "name": title}],
                    "album": {"id": f"b{number}", "name": title},
                },
            )
        )
    record()
    told = [title.replace("\x00", "") for title in HOSTILE]
    assert [
        row[0]
        for row in ask(
            "select track_name from listening.fact_play join listening.dim_track using (track_key) order by played_at"
        )
    ] == told
    for table, key in {"dim_artist": "artist", "dim_album": "album"}.items():
        assert [
            row[0]
            for row in ask(
                f"select {key}_name from listening.{table} where {key}_key > 0 order by length({key}_id), {key}_id"
            )
        ] == [name[:300] for name in told]  # so much of a name fits an index, whatever its characters


def test_the_account_id_stays_though_the_id_changes(record, spotify, ask):
    record()
    spotify.change(lambda world: replace(world, listeners=(replace(world.listeners[0], user_id="ada-the-second"),)))
    record()
    assert ask("select listener_id from listening.dim_listener") == [("account-of-ada",)]


def test_two_listeners_stay_apart(database, warehouse, spotify, track_ids, play, ask):
    grace = Listener("account-of-grace", "grace", "Grace", (Play(track_ids[0], ago(3)),))
    spotify.change(
        lambda world: replace(
            world,
            listeners=(*world.listeners, grace),
            refresh_tokens={**world.refresh_tokens, "of-grace": Grant("account-of-grace", ago(99))},
        )
    )
    play(Play(track_ids[0], ago(3)))
    for token in (REFRESH_TOKEN, "of-grace", REFRESH_TOKEN, "of-grace"):
        record_plays(settings_of(database, spotify, spotify_refresh_token=token), warehouse, lambda: NOW)
    assert ask(
        "select listener_id, count(*) from listening.fact_play join listening.dim_listener using (listener_key) group by 1 order by 1"
    ) == [
        ("account-of-ada", 1),
        ("account-of-grace", 1),
    ]


def test_a_rotated_token_is_kept_encrypted_and_wins_over_the_setting(record, spotify, ask):
    change_world(spotify, rotate_refresh_tokens=True)
    for _ in range(4):  # each run uses up the token before
        record()
    [(kept,)] = ask("select refresh_token_encrypted from ops.login")
    assert all(token not in kept for token in spotify.world.refresh_tokens)
    assert len(spotify.world.refresh_tokens) == 5


def test_a_rotated_token_is_kept_before_the_access_token_is_used(record, spotify, ask):
    change_world(spotify, rotate_refresh_tokens=True, faults=(Fault("/v1/*", times=99, status=403),))
    with pytest.raises(Forbidden):
        record()
    change_world(spotify, faults=())
    record()
    assert ask("select count(*) from ops.login where rotated_at is not null") == [(1,)]


def test_a_new_setting_wins_over_the_rotated_token(database, warehouse, record, spotify, ask):
    change_world(spotify, rotate_refresh_tokens=True)
    record()
    spotify.change(
        lambda world: replace(
            world, rotate_refresh_tokens=False, refresh_tokens={"another": Grant("account-of-ada", ago(9))}
        )
    )
    with pytest.raises(LoginRefused):
        record()
    outcome = record_plays(settings_of(database, spotify, spotify_refresh_token="another"), warehouse, lambda: NOW)
    assert outcome.is_good
    assert ask("select count(*), count(listener_key), count(refused_at) from ops.login") == [(2, 2, 1)]


def test_after_a_new_client_secret_the_setting_is_used_and_a_warning_given(database, warehouse, record, spotify):
    change_world(spotify, rotate_refresh_tokens=True)
    record()
    grants = {REFRESH_TOKEN: Grant("account-of-ada", ago(9))}
    spotify.change(
        lambda world: replace(world, app=replace(world.app, client_secret="another-secret"), refresh_tokens=grants)
    )
    outcome = record_plays(settings_of(database, spotify), warehouse, lambda: NOW)
    assert outcome.is_good
    assert outcome.warnings == (
        "The stored login was encrypted with another key (TOKEN_KEY or SPOTIFY_CLIENT_SECRET has changed); using"
        " SPOTIFY_REFRESH_TOKEN as set.",
    )


def test_a_dead_login_is_asked_once_marked_and_loses_nothing(record, spotify, play, track_ids, ask):
    play(Play(track_ids[0], ago(5)))
    record()
    spotify.change(
        lambda world: replace(world, refresh_tokens={REFRESH_TOKEN: Grant("account-of-ada", NOW - timedelta(days=200))})
    )
    spotify.calls.clear()

    with pytest.raises(LoginRefused, match=r"Refresh token expired.*Log in again"):
        record()

    assert paths(spotify) == [TOKEN]
    assert ask("select refused_at, refused_reason from ops.login") == [(NOW, "Refresh token expired")]
    assert ask("select outcome from ops.run order by run_key") == [("done",), ("failed",)]
    assert len(ask(PLAYS)) == 1
    spotify.change(lambda world: replace(world, refresh_tokens={REFRESH_TOKEN: Grant("account-of-ada", ago(1))}))
    record()
    assert ask("select refused_at from ops.login") == [(None,)]


def test_a_missing_permission_is_no_reason_to_refresh_in_a_loop(record, spotify):
    grants = {REFRESH_TOKEN: Grant("account-of-ada", ago(9), scopes=frozenset({"user-read-private"}))}
    change_world(spotify, refresh_tokens=grants)
    with pytest.raises(PermissionMissing, match="user-read-recently-played"):
        record()
    assert paths(spotify).count(TOKEN) == 1
    assert paths(spotify).count(PAGE) == 1


def test_an_expired_access_token_is_replaced_once(record, spotify, play, track_ids):
    play(Play(track_ids[0], ago(5)))
    expired = b'{"error":{"status":401,"message":"The access token expired"}}'
    change_world(spotify, faults=(Fault(PAGE, status=401, body=expired),))
    assert record().line.startswith("1 of 1")
    assert paths(spotify) == [TOKEN, "/v1/me", PAGE, TOKEN, PAGE]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(PAGE, times=2, status=500),
        Fault(PAGE, times=1, status=503, body=b"<html>upstream</html>"),
        Fault(PAGE, times=2, fate="truncated"),
        Fault(PAGE, times=1, fate="reset"),
        Fault(PAGE, times=1, status=200, headers={"Content-Type": "text/html"}, body=b"<html>hello</html>"),
        Fault(TOKEN, times=2, status=502),
        Fault(TOKEN, times=1, fate="reset"),
        Fault(PAGE, times=2, status=429, headers={"Retry-After": "0"}),
        Fault(PAGE, times=1, status=429, headers={}, body=b""),
    ],
    ids=str,
)
def test_what_passes_by_itself_is_tried_again(fault, record, spotify, play, track_ids, ask):
    play(Play(track_ids[0], ago(5)))
    change_world(spotify, faults=(fault,))
    assert record().line.startswith("1 of 1")


def test_when_nothing_helps_the_run_fails_and_the_next_one_makes_up_for_it(record, spotify, play, track_ids, ask):
    play(Play(track_ids[0], ago(5)))
    change_world(spotify, faults=(Fault(PAGE, times=4, status=500),))
    with pytest.raises(Unavailable, match="status 500; 4 tries"):
        record()
    assert ask("select outcome from ops.run") == [("failed",)]
    assert record(NOW + timedelta(hours=1)).line.startswith("1 of 1")


def test_a_lock_is_written_down_and_no_call_made_before_it_ends(record, spotify, play, track_ids, ask):
    play(Play(track_ids[0], ago(5)))
    record()
    quota = b'{"error":{"status":429,"message":"API rate limit exceeded","reason":"QUOTA_EXCEEDED"}}'
    change_world(spotify, faults=(Fault(PAGE, status=429, headers={"Retry-After": "7200"}, body=quota),))
    with pytest.raises(Exception, match="QUOTA_EXCEEDED"):
        record()
    spotify.calls.clear()

    outcome = record(NOW + timedelta(hours=1))

    assert not outcome.is_good
    assert outcome.line == "Spotify wants no calls before 2026-11-20 11:20 UTC; none was made"
    assert spotify.calls == []
    assert record(NOW + timedelta(hours=2, seconds=1)).is_good


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"premium": False}, "The owner of the app needs Spotify Premium"),
        ({"registered": frozenset()}, "User Management"),
    ],
)
def test_a_refusal_says_what_a_person_can_do(change, sentence, record, spotify):
    spotify.change(lambda world: replace(world, app=replace(world.app, **change)))
    with pytest.raises(Forbidden, match=sentence):
        record()


# The morning's report.


def test_the_report_of_the_morning_is_due_once_a_day_at_the_first_good_run_after_six(
    settings, warehouse, spotify, play, songs, tmp_path, ask
):
    """In New York, in the night in which the clock goes back. A run at six fails; one at midnight is too early."""
    play(Play(next(iter(songs.tracks)), ago(5)))
    elsewhere = settings.model_copy(update={"time_zone": "America/New_York"})
    settings = elsewhere.model_copy(update={"github_output": tmp_path / "output"})
    # 00:30 in summer time; at 06:00 UTC it is 01:00 for the second time.
    night = datetime(2026, 11, 1, 4, 30, tzinfo=UTC)
    due = []
    for hour in range(34):
        at = night + timedelta(hours=hour)
        spotify.clock = lambda at=at: at
        if hour == 7:
            change_world(spotify, faults=(Fault(PAGE, status=403),))
            with pytest.raises(Forbidden):
                record_plays(settings, warehouse, spotify.clock)
            continue
        assert not record_plays(elsewhere, warehouse, spotify.clock).is_report_due  # nobody there could make it
        if record_plays(settings, warehouse, spotify.clock).is_report_due:
            due.append(at)
            assert not record_plays(settings, warehouse, lambda at=at: at + timedelta(minutes=1)).is_report_due  # type: ignore[misc]
        if hour == 6:  # somebody else's report is not this listener's
            ask(
                "insert into ops.run (job, listener_key, started_at, finished_at, outcome, program_version)"
                " select 'daily-report', 999, %s, %s, 'done', '0'",
                at + timedelta(hours=1),
                at + timedelta(hours=1),
            )
    assert [at.astimezone(ZoneInfo("America/New_York")).strftime("%d %H:%M") for at in due] == ["01 07:30", "02 06:30"]


# Plays that an update wants derived anew.


def test_the_run_records_first_and_then_derives_what_is_due(record, play, track_ids, ask, database, monkeypatch):
    play(Play(track_ids[0], ago(30)), Play(track_ids[1], ago(20)))
    record()
    ask("update listening.fact_play set ms_played = 7")
    ask("insert into ops.rebuild_due (listener_key, schema_file, due_at) values (1, 'schema/012', now())")
    play(Play(track_ids[2], ago(5)))
    seen = []

    def derives(connection, **given):
        seen.append(asked(database, "select count(*) from listening.fact_play"))
        seen.append(asked(database, "select outcome from ops.run order by run_key desc limit 1"))
        return rebuild_plays(connection, **given)

    monkeypatch.setattr("etl.warehouse.rebuild.rebuild_plays", derives)
    assert record().line == "1 of 3 plays are new; recorded up to 2026-11-20 09:15 UTC"
    assert seen == [[(3,)], [("done",)]]
    assert ask("select count(*) from listening.fact_play where ms_played is null") == [(3,)]
    assert ask("select count(*) from ops.rebuild_due") == [(0,)]
    record()
    assert len(seen) == 2


def test_a_run_whose_time_is_not_enough_for_what_is_due_has_recorded_all_the_same(
    record, play, track_ids, ask, monkeypatch
):
    def slow(connection, **given):
        connection.exec_driver_sql("select pg_sleep(60)")

    play(Play(track_ids[0], ago(30)))
    record()
    ask("insert into ops.rebuild_due (listener_key, schema_file, due_at) values (1, 'schema/012', now())")
    monkeypatch.setattr("etl.warehouse.rebuild.rebuild_plays", slow)
    monkeypatch.setattr("etl.jobs.due_rebuilds.SHORTEST_S", 0)
    monkeypatch.setitem(limits.REBUILD_RESERVE_S, "plays", limits.RUN_S["plays"] - 1.5)
    for number, minutes in enumerate((20, 10)):
        play(Play(track_ids[number + 1], ago(minutes)))
        outcome = record()
        assert (outcome.is_good, outcome.new_count, outcome.warnings) == (True, 1, ())
    assert ask("select tried_at, tried_by from ops.rebuild_due") == [(NOW, "plays")]
    assert ask("select distinct outcome from ops.run") == [("done",)]
