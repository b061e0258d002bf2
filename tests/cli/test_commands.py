"""The command line as a person meets it: what it prints, how it exits, and what it never says."""

import re
import shutil
import tempfile
from pathlib import Path

import psycopg2
import pytest
from support import REFRESH_TOKEN, ago, asked, change_world

from etl.settings import Settings
from etl.simulator.routes import Fault, Play
from etl.warehouse.errors import is_passing, sentence_about

MARK = "Qwertz-Title-That-Nobody-May-See"
PAGE = "/v1/me/player/recently-played"


def test_plays_prints_one_line_and_the_same_in_the_summary_of_a_run(brapped, play, songs, tmp_path):
    play(*(Play(track_id, ago(number + 1)) for number, track_id in enumerate(list(songs.tracks)[:12])))
    summary = tmp_path / "summary.md"
    ran = brapped("plays", GITHUB_STEP_SUMMARY=str(summary))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == "12 of 12 plays are new; recorded up to 2026-11-20 09:19 UTC\n"
    assert summary.read_text() == "12 of 12 plays are new; recorded up to 2026-11-20 09:19 UTC\n\n"


def test_a_gap_is_a_warning_on_standard_error_and_an_annotation_on_github(brapped, play, songs):
    track_ids = list(songs.tracks)
    play(Play(track_ids[0], ago(100)))
    brapped("plays")
    play(*(Play(track_ids[number], ago(90 - number)) for number in range(1, 61)))
    ran = brapped("plays", GITHUB_ACTIONS="true")
    assert ran.returncode == 0
    assert ran.stdout.startswith("50 of 50 plays are new")
    assert ran.stderr.startswith(
        "::warning::plays between 2026-11-20 07:40 UTC and 2026-11-20 08:01 UTC were probably lost"
    )


def test_dimensions_prints_one_line(brapped, play, songs):
    play(Play(next(iter(songs.tracks)), ago(5)))
    brapped("plays")
    ran = brapped("dimensions")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.fullmatch(r"1 artist, track or album described, 0 missing; 1 call, \d+ left today\n", ran.stdout)


@pytest.mark.parametrize("command", ["plays", "dimensions", "demo"])
def test_every_command_has_help_with_an_example(command, brapped):
    ran = brapped(command, "--help")
    assert ran.returncode == 0
    assert "Example:" in ran.stdout and f"brapped {command}" in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 80


def test_the_program_by_itself_shows_its_help_and_a_wrong_call_exits_with_two(brapped):
    assert "Usage:" in (brapped("--help").stdout)
    assert brapped("--version").stdout.startswith("brapped 0.")
    assert brapped("play").returncode == 2
    assert brapped("plays", "now").returncode == 2


def test_everything_that_is_missing_is_named_in_one_message(brapped, environment):
    for name in ("SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET", "SPOTIFY_REFRESH_TOKEN"):
        environment[name] = ""  # how GitHub passes a secret that is not set
    ran = brapped("plays")
    assert ran.returncode == 1 and ran.stdout == ""
    assert ran.stderr.startswith("brapped: Not set: SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET. Set them")
    assert ran.stderr.count("\n") == 1


def test_on_github_the_embedded_postgres_is_refused(brapped, tmp_path):
    ran = brapped("plays", DATABASE_URL="", GITHUB_ACTIONS="true", SPOTIFY_CLIENT_ID="")
    assert ran.returncode == 1
    assert ran.stderr.startswith("brapped: Not set: DATABASE_URL, SPOTIFY_CLIENT_ID.")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "DATABASE_URL",
            "ep-cool-secret.neon.tech/db",
            "DATABASE_URL: is not the address of a database; write it as postgresql://",
        ),
        ("DATABASE_URL", "mysql://me:hush@db/x", "DATABASE_URL: has to be the address of a Postgres"),
        ("DATABASE_URL", "postgresql://me:hush@/x", "DATABASE_URL: has no host"),
        ("DATABASE_URL", "postgresql://me:hush@host:port/x", "DATABASE_URL: is not the address of a database"),
        ("TIME_ZONE", "Mars/Olympus", "TIME_ZONE: 'Mars/Olympus' is not an IANA time zone"),
        ("CATALOGUE_DAILY_BUDGET", "many", "CATALOGUE_DAILY_BUDGET: Input should be a valid integer"),
        ("CATALOGUE_DAILY_BUDGET", "-1", "CATALOGUE_DAILY_BUDGET: Input should be greater than or equal to 0"),
        ("SPOTIFY_API_URL", "api.spotify.com", "SPOTIFY_API_URL: has to start with https://"),
    ],
)
def test_a_wrong_setting_is_said_in_a_sentence(name, value, sentence, brapped):
    ran = brapped("plays", **{name: value})
    assert ran.returncode == 1 and ran.stdout == ""
    assert ran.stderr.startswith(f"brapped: {sentence}") and ran.stderr.count("\n") == 1
    assert "hush" not in ran.stderr and "cool-secret" not in ran.stderr


def test_two_wrong_settings_are_said_at_once(brapped):
    ran = brapped("plays", TIME_ZONE="Mars", DATABASE_URL="nonsense")
    assert "DATABASE_URL: " in ran.stderr and "TIME_ZONE: " in ran.stderr


def test_an_unreachable_database_is_said_without_its_address(brapped_without_pauses):
    ran = brapped_without_pauses("plays", DATABASE_URL="postgresql://me:hush@127.0.0.1:9/x")
    assert ran.returncode == 1
    *tries, last = ran.stderr.splitlines()
    assert tries == [f"The database does not answer (try {number} of 6)" for number in range(1, 6)]
    assert last == "brapped: Nothing listens at the host and port in DATABASE_URL: the connection is refused (6 tries)."


@pytest.mark.parametrize(
    ("url", "is_worth_another_try", "sentence"),
    [
        ("postgresql://me:hush@no-such-host.invalid/x", False, "The host in DATABASE_URL can't be found."),
        (
            "postgresql://me:hush@127.0.0.1:9/x?sslmode=nonsense",
            False,
            "DATABASE_URL can't be read by the Postgres driver",
        ),
        ("postgresql://me:hush@127.0.0.1:9/x?nonsense=1", False, "DATABASE_URL can't be read by the Postgres driver"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_without_it(url, is_worth_another_try, sentence):
    with pytest.raises(psycopg2.Error) as raised:
        psycopg2.connect(url)
    assert is_passing(raised.value) is is_worth_another_try
    message = sentence_about(raised.value)
    assert message.startswith(sentence) and "hush" not in message and "no-such-host" not in message


@pytest.mark.parametrize(
    ("words", "is_worth_another_try", "sentence"),
    [
        (
            "connection to server at \"ep-x.neon.tech\" failed: ERROR:  password authentication failed for user 'me'",
            False,
            "The database refuses the user or password",
        ),
        ("FATAL: Control plane request failed", True, "The database can't be reached"),
        ("FATAL: Couldn't connect to compute node", True, "The database can't be reached"),
        ("SSL connection has been closed unexpectedly", True, "The database can't be reached"),
        (
            "ERROR: The endpoint is disabled. Enable it using the API and retry.",
            False,
            "The server answers, but the database or endpoint",
        ),
        (
            "ERROR: The requested endpoint could not be found, endpoint cannot be found",
            False,
            "The server answers, but the database or endpoint",
        ),
        (
            "ERROR: Your account or project has exceeded the compute time quota. Upgrade your plan",
            False,
            "The database's host reports that a quota",
        ),
    ],
)
def test_what_a_host_says_is_put_into_a_sentence(words, is_worth_another_try, sentence):
    error = psycopg2.OperationalError(words)
    assert is_passing(error) is is_worth_another_try
    assert sentence_about(error).startswith(sentence) and "neon" not in sentence_about(error)


def test_a_database_that_does_not_exist_is_said(brapped, database):
    ran = brapped("plays", DATABASE_URL=database.replace("/test_", "/no_such_"))
    assert ran.returncode == 1
    assert "does not exist there" in ran.stderr and ran.stderr.count("\n") == 1


def test_an_unreachable_spotify_is_said(brapped_without_pauses):
    ran = brapped_without_pauses("plays", SPOTIFY_ACCOUNTS_URL="http://127.0.0.1:9")
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].startswith("brapped: Spotify can't be reached")


def test_a_dead_login_is_one_sentence_with_the_way_out(brapped, spotify):
    change_world(spotify, refresh_tokens={})
    ran = brapped("plays")
    assert ran.returncode == 1 and ran.stdout == ""
    assert ran.stderr.startswith("brapped: Spotify no longer accepts the login (Invalid refresh token).")
    assert "Log in again" in ran.stderr and ran.stderr.count("\n") == 1
    assert [call.path for call in spotify.calls] == ["/api/token"]


def test_a_failure_is_on_the_summary_page_too(brapped, spotify, tmp_path):
    change_world(spotify, refresh_tokens={})
    page = tmp_path / "summary.md"
    ran = brapped("plays", GITHUB_STEP_SUMMARY=str(page))
    assert page.read_text() == f"{ran.stderr}\n"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SPOTIFY_CLIENT_ID", "abc\u200b", "SPOTIFY_CLIENT_ID: contains a character that no secret of Spotify's has"),
        ("SPOTIFY_CLIENT_ID", "   ", "Not set: SPOTIFY_CLIENT_ID."),
        ("TIME_ZONE", "localtime", "TIME_ZONE: 'localtime' is not an IANA time zone"),
        ("TIME_ZONE", "right/Europe/Berlin", "TIME_ZONE: 'right/Europe/Berlin' is not an IANA time zone"),
        ("DATABASE_URL", "postgresql://me:hush@h/x?plugin=foo", "DATABASE_URL can't be read by the Postgres driver"),
    ],
)
def test_what_looks_right_and_is_not_is_said_too(name, value, sentence, brapped):
    ran = brapped("plays", **{name: value})
    assert ran.returncode == 1 and ran.stderr.startswith(f"brapped: {sentence}") and ran.stderr.count("\n") == 1
    assert "hush" not in ran.stderr


def test_blanks_around_a_time_zone_do_no_harm(brapped):
    assert brapped("plays", TIME_ZONE=" Europe/Berlin ").returncode == 0


def test_a_dotenv_file_that_is_not_utf_8_is_said(brapped, tmp_path):
    (tmp_path / ".env").write_text("TIME_ZONE=UTC\n", encoding="utf-16")
    ran = brapped("plays")
    assert ran.returncode == 1 and ran.stderr.startswith(f"brapped: The file {tmp_path}/.env is not UTF-8")


def test_without_a_database_of_ones_own_it_is_said_where_the_record_is(brapped, tmp_path):
    home = Path(tempfile.mkdtemp(prefix="brapped-home-"))
    home.chmod(0o711)
    try:
        ran = brapped("plays", DATABASE_URL="", BRAPPED_HOME=str(home))
        assert ran.returncode == 0, ran.stderr
        assert ran.stderr == f"DATABASE_URL is not set: recording in {home}/postgres\n"
        ran = brapped("report", "daily", DATABASE_URL="", BRAPPED_HOME=str(home))
        assert ran.stderr == f"DATABASE_URL is not set: reading from {home}/postgres\n"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_settings_come_from_a_dotenv_file_too(brapped, environment, tmp_path):
    names = [name for name in environment if name.startswith(("SPOTIFY_", "DATABASE_"))]
    (tmp_path / ".env").write_text("".join(f"{name}={environment.pop(name)}\n" for name in names))
    ran = brapped("plays")
    assert ran.stdout == "0 of 0 plays are new; nothing recorded yet\n", ran.stderr


def test_a_netrc_does_not_take_the_place_of_the_login(brapped, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    ran = brapped("plays")
    assert ran.stdout == "0 of 0 plays are new; nothing recorded yet\n", ran.stderr


ODD = {
    "id": "a" * 22,
    "uri": "spotify:track:" + "a" * 22,
    "type": "track",
    "name": MARK,
    "duration_ms": 1000,
    "artists": [{"id": "b" * 22, "name": MARK}],
    "album": {"id": "c" * 22, "name": MARK, "album_type": "album", "artists": [], "images": [], "release_date": "2020"},
}


def secrets_of(environment: dict[str, str]) -> list[str]:
    return [value for name, value in environment.items() if name.startswith(("SPOTIFY_CLIENT", "SPOTIFY_REFRESH"))]


@pytest.mark.parametrize("flags", [(), ("--debug",)])
def test_no_title_and_no_secret_is_said_when_postgres_refuses_a_row(flags, brapped, play, environment, ask):
    play(Play(None, ago(5), item=ODD))
    ask("alter table listening.dim_track add constraint no_marks check (track_name not like 'Qwertz%')")
    ran = brapped(*flags, "plays")
    assert ran.returncode == 0  # the play is recorded, without what the database refuses
    assert "constraint no_marks" in ran.stderr
    assert "1 of 1 item contained values that can't be recorded" in ran.stderr
    for word in [MARK, *secrets_of(environment)]:
        assert word not in ran.stderr + ran.stdout
    assert ask("select track_name from listening.fact_play join listening.dim_track using (track_key)") == [(None,)]


def test_a_database_that_takes_no_play_fails_the_run_and_loses_none(brapped, play, songs, ask):
    play(*(Play(track_id, ago(5 * number + 5)) for number, track_id in enumerate(list(songs.tracks)[:3])))
    ask("alter table listening.fact_play add constraint never check (play_key < 0)")
    ran = brapped("plays")
    assert ran.returncode == 1
    assert "Postgres refused a statement" in ran.stderr.splitlines()[-1] and "constraint never" in ran.stderr
    assert ask("select count(*) from ops.coverage") == [(0,)]
    assert ask("select outcome from ops.run") == [("failed",)]
    ask("alter table listening.fact_play drop constraint never")
    assert brapped("plays").stdout.startswith("3 of 3 plays are new")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(PAGE, status=403, body=f'{{"error":{{"status":403,"message":"Forbidden"}},"x":"{MARK}"}}'.encode()),
        Fault(PAGE, times=9, fate="truncated"),
        Fault("/api/token", times=9, status=500),
        Fault(PAGE, status=401, times=9, body=b'{"error":{"status":401,"message":"Permissions missing"}}'),
    ],
    ids=str,
)
def test_no_title_and_no_secret_is_said_whatever_spotify_does(
    fault, brapped_without_pauses, spotify, play, environment
):
    play(Play(None, ago(5), item=ODD))
    change_world(spotify, faults=(fault,), rotate_refresh_tokens=True)
    ran = brapped_without_pauses("--debug", "plays")
    assert ran.returncode == 1
    for word in [MARK, *secrets_of(environment), *spotify.world.refresh_tokens]:
        assert word not in ran.stderr + ran.stdout
    assert not re.search(r"Bearer [\w.-]{8}", ran.stderr + ran.stdout)


def test_no_secret_shows_in_a_repr(settings, warehouse):
    shown = f"{settings!r} {settings!s} {warehouse!r} {warehouse.engine!r}"
    for name in ("spotify_client_secret", "spotify_refresh_token", "spotify_client_id"):
        assert getattr(settings, name).get_secret_value() not in shown
    assert "hush" not in repr(Settings(_env_file=None, database_url="postgresql://me:hush@db/x"))


def test_no_token_stands_in_the_database_in_clear(brapped, spotify, database, play, songs):
    change_world(spotify, rotate_refresh_tokens=True)
    play(Play(next(iter(songs.tracks)), ago(5)))
    brapped("plays")
    brapped("plays")
    tables = asked(
        database, "select schemaname || '.' || tablename from pg_tables where schemaname in ('ops', 'listening')"
    )
    stored = "\n".join(str(asked(database, f"select * from {table}")) for (table,) in tables)
    assert "account-of-ada" in stored
    for word in [REFRESH_TOKEN, *spotify.world.refresh_tokens, spotify.world.app.client_secret]:
        assert word not in stored


def test_an_unexpected_failure_is_one_line_unless_debug_asks_for_more(brapped, tmp_path):
    nowhere = str(tmp_path / "no" / "such" / "folder")
    ran = brapped("plays", GITHUB_STEP_SUMMARY=nowhere)
    assert (ran.returncode, ran.stderr) == (
        1,
        "brapped: an unexpected FileNotFoundError; 'brapped --debug …' shows where\n",
    )
    assert "Traceback" in brapped("--debug", "plays", GITHUB_STEP_SUMMARY=nowhere).stderr


def test_an_answer_without_a_list_of_plays_is_no_empty_list(brapped, spotify):
    change_world(spotify, faults=(Fault(PAGE, status=200, body=b'{"items":7}'),))
    ran = brapped("plays")
    assert (ran.returncode, ran.stderr) == (1, "brapped: Spotify's response held no list of plays.\n")
