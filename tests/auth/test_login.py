"""`brapped login`: the trip through a real browser and by hand, what is kept of it, and what happens when it goes wrong."""

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from support import REFRESH_TOKEN, agree, change_world, settings_of
from support.workflow_runner import calls, stand_in

from etl.auth.callback_server import CallbackServer
from etl.auth.encryption import Keys, TokenKeyError
from etl.auth.logins import NotLoggedIn, ends_at
from etl.auth.oauth import LoginError, begin_login, complete_login
from etl.jobs.plays import record_plays
from etl.jobs.recorder.clocks import Clocks
from etl.jobs.recorder.record import load_logins
from etl.settings import SettingsError, read_settings
from etl.simulator.routes import Grant, Listener, Play
from etl.simulator.server import SimulatedSpotify
from etl.spotify.errors import CodeRefused, LoginRefused, PermissionMissing

CALLBACK = "http://127.0.0.1:8888/callback"
NEVER_SET = {"SPOTIFY_REFRESH_TOKEN": ""}
LOGINS = (
    "select listener_id, consented_at is not null, refresh_token_encrypted is not null"
    " from ops.login join listening.dim_listener using (listener_key) order by login_key"
)


@pytest.fixture
def port(spotify: SimulatedSpotify) -> int:
    """A free port that the simulated dashboard has in a redirect address."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    spotify.change(
        lambda world: replace(
            world, app=replace(world.app, redirect_uris=frozenset({f"http://127.0.0.1:{free}/callback", CALLBACK}))
        )
    )
    spotify.clock = lambda: datetime.now(UTC)
    return free


@pytest.fixture
def opening(environment: dict[str, str], tmp_path: Path) -> Callable[[], str]:
    """Has the program open addresses in a file instead of a browser; waits for the one and says it."""
    file, program = tmp_path / "opened", tmp_path / "a-browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {file}.new && mv {file}.new {file}\n')
    program.chmod(0o755)
    environment["BROWSER"] = f"{program} %s"

    def address() -> str:
        deadline = time.monotonic() + 30
        while not file.exists():
            assert time.monotonic() < deadline, "no browser was opened"
            time.sleep(0.02)
        return file.read_text()

    return address


@contextmanager
def by_hand(environment: dict[str, str], *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "etl", "login", "--no-browser", *options]
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=environment["HOME"],
    ) as program:
        yield program


def address_told(program: subprocess.Popen[str]) -> str:
    assert program.stderr
    for line in program.stderr:
        if line.startswith("http"):
            return line.strip()
    raise AssertionError("no address was told")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_login_through_the_browser_is_kept_and_records(
    start, brapped, opening, browser, spotify, port, ask, play, songs, width, scheme
):
    program = start("login", "--print-token", "--port", str(port), **NEVER_SET)
    window = browser.browser.new_page(viewport={"width": width, "height": 740}, color_scheme=scheme)
    window.goto(opening())
    assert "user-read-recently-played" in window.inner_text("h1")
    window.click("text=Agree as Ada")

    assert window.inner_text("h1") == "You are logged in"
    until = ends_at(datetime.now(UTC))
    assert f"lasts until {until:%Y-%m-%d}" in window.inner_text("p")
    assert window.evaluate("document.documentElement.scrollWidth") <= width
    if folder := os.environ.get("BRAPPED_SCREENSHOTS"):
        window.screenshot(path=f"{folder}/login-{width}.png")
    window.close()
    ended = program.completed()
    assert ended.returncode == 0, ended.stderr
    [token] = ended.stdout.split()
    assert spotify.world.refresh_tokens[token].account_id == "account-of-ada"
    assert "Logged in as Ada." in ended.stderr and "to ask what you played last" in ended.stderr
    assert token not in ended.stderr and "code=" not in ended.stderr
    assert ask(LOGINS) == [("account-of-ada", True, True)]
    assert token not in str(ask("select row_to_json(login)::text from ops.login"))
    assert ask("select has_player_scope from ops.login") == [(True,)]

    play(Play(next(iter(songs.tracks)), datetime.now(UTC) - timedelta(minutes=5)))
    ran = brapped("plays", **NEVER_SET)
    assert ran.stdout.startswith("1 of 1 play is new"), ran.stderr
    # The same token as a setting is the same login, and does not lose its date of consent.
    assert brapped("plays", SPOTIFY_REFRESH_TOKEN=token).returncode == 0
    assert ask(LOGINS) == [("account-of-ada", True, True)]


def test_whoever_declines_reads_so_in_the_browser_and_in_the_terminal(start, opening, browser, port, ask):
    program = start("login", "--port", str(port), **NEVER_SET)
    window = browser.new_page()
    window.goto(opening())
    window.click("text=Cancel")
    assert window.inner_text("h1") == "Not logged in"
    assert "You did not agree" in window.inner_text("p")
    window.close()
    ended = program.completed()
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.splitlines()[-1].startswith("brapped: You did not agree")
    assert ask("select to_regclass('ops.login') is null or not exists (select 1 from ops.login)") == [(True,)]


def test_who_comes_to_the_page_with_another_state_is_turned_away_and_does_not_end_the_trip(start, opening, port, ask):
    program = start("login", "--port", str(port), **NEVER_SET)
    address = opening()
    callback = f"http://127.0.0.1:{port}/callback"
    for wrong in ("", "?code=AQ-of-another&state=guessed", "?code=AQ-of-another"):
        assert requests.get(callback + wrong, timeout=10).status_code == 404
    assert requests.get(f"http://127.0.0.1:{port}/favicon.ico", timeout=10).status_code == 404
    assert requests.get(agree(address), timeout=10).status_code == 200
    assert program.completed().returncode == 0
    assert ask(LOGINS) == [("account-of-ada", True, True)]


def test_a_connection_that_says_nothing_holds_nobody_up(start, opening, port):
    program = start("login", "--port", str(port), **NEVER_SET)
    address = opening()
    with closing(socket.create_connection(("127.0.0.1", port))):
        begun_at = time.monotonic()
        assert requests.get(agree(address), timeout=10).status_code == 200
        assert program.completed().returncode == 0
        assert time.monotonic() - begun_at < 8  # such a connection lives ten


@pytest.mark.quick
def test_any_port_does_where_the_dashboard_has_none(start, opening, spotify, ask):
    spotify.clock = lambda: datetime.now(UTC)
    app = replace(spotify.world.app, redirect_uris=frozenset({"http://127.0.0.1/callback"}))
    change_world(spotify, app=app)
    program = start("login", "--port", "0", **NEVER_SET)
    assert requests.get(agree(opening()), timeout=10).status_code == 200
    assert program.completed().returncode == 0
    assert ask(LOGINS) == [("account-of-ada", True, True)]


def test_a_taken_port_is_named_with_what_to_do(brapped, port):
    with closing(socket.create_server(("127.0.0.1", port))):
        ended = brapped("login", "--port", str(port))
    assert ended.returncode == 1
    assert f"Port {port} is used by another program" in ended.stderr and "--port 0" in ended.stderr


def test_nobody_coming_back_ends_the_trip():
    with CallbackServer(0) as loopback, pytest.raises(LoginError, match="did not come back"):
        loopback.wait(lambda address: True, lambda address: ("", ""), timeout_s=0.3)


@pytest.mark.parametrize("is_in_time", [True, False])
def test_a_browser_that_is_gone_has_missed_the_page_and_not_the_login(is_in_time):
    """It goes while the answer is being worked on; and that is waited for also when the time is up meanwhile."""
    gone, answered = threading.Event(), []

    def answer(address: str) -> tuple[str, str]:
        assert gone.wait(10)
        time.sleep(0.05 if is_in_time else 0.6)
        answered.append(address)
        return "You are logged in", "as Ada"

    def browser(port: int) -> None:
        with closing(socket.create_connection(("127.0.0.1", port))) as line:
            line.sendall(b"GET /callback?code=c HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.1)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed with a reset
        gone.set()

    with CallbackServer(0) as loopback:
        port = urlsplit(loopback.redirect_uri).port
        threading.Thread(target=browser, args=(port,)).start()
        loopback.wait(lambda address: "code" in address, answer, timeout_s=10 if is_in_time else 0.4)
    assert answered == ["/callback?code=c"]


def test_without_a_browser_the_address_is_told_and_the_one_it_leads_to_is_taken(environment, spotify, port, ask):
    environment |= NEVER_SET
    with by_hand(environment, "--print-token") as program:
        answer = agree(address_told(program))
        out, err = program.communicate(answer + "\n", timeout=60)
    assert program.returncode == 0, err
    assert spotify.world.refresh_tokens[out.strip()].account_id == "account-of-ada"
    assert "Logged in as Ada." in err
    assert ask(LOGINS) == [("account-of-ada", True, True)]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("", "its state differs"),
        ("nonsense", "its state differs"),
        (f"{CALLBACK}?code=AQ-of-another&state=of-another", "its state differs"),
    ],
)
def test_an_address_that_is_none_is_no_login(environment, port, ask, answer, message):
    with by_hand(environment) as program:
        address_told(program)
        out, rest = program.communicate(answer + "\n", timeout=60)
    assert (program.returncode, out) == (1, "")
    assert message in rest and "Traceback" not in rest and "AQ-of-another" not in rest


# The trip itself, within the process.


@pytest.fixture
def trip(settings, warehouse, spotify, port):
    """Makes a whole trip: who agrees, with what changed on the way."""

    def made(who: str = "account-of-ada", **changes: Any):
        known = settings.model_copy(update={"spotify_refresh_token": None, **changes})
        begin = begin_login(known, CALLBACK)
        return complete_login(known, warehouse, begin, agree(begin.address, who), lambda: datetime.now(UTC))

    return made


def test_the_address_has_state_and_challenge_and_asks_for_no_more_than_is_used(settings):
    one, other = (begin_login(settings, CALLBACK) for _ in range(2))
    asked = dict(parse_qsl(urlsplit(one.address).query))
    assert (asked["scope"], asked["response_type"], asked["redirect_uri"], asked["code_challenge_method"]) == (
        "user-read-recently-played user-read-playback-state",
        "code",
        CALLBACK,
        "S256",
    )
    assert len(one.verifier) >= 43 and one.verifier not in one.address and one.state in one.address
    assert repr(one) == f"AuthorizationRequest(redirect_uri='{CALLBACK}')"
    assert {one.state, one.verifier}.isdisjoint({other.state, other.verifier})


def test_a_code_serves_once_and_its_refusal_says_to_begin_again(settings, warehouse, port, spotify, ask):
    begin = begin_login(settings, CALLBACK)
    answer = agree(begin.address)
    complete_login(settings, warehouse, begin, answer)
    with pytest.raises(CodeRefused, match="Start the login again") as refused:
        complete_login(settings, warehouse, begin, answer)
    assert dict(parse_qsl(urlsplit(answer).query))["code"] not in str(refused.value)


def test_a_login_without_the_scope_is_not_kept(settings, warehouse, port, ask):
    begin = begin_login(settings, CALLBACK)
    narrower = begin.address.replace("scope=user-read-recently-played", "scope=user-read-email")
    with pytest.raises(PermissionMissing):
        complete_login(settings, warehouse, begin, agree(narrower))
    assert ask("select count(*) from ops.login") == [(0,)]


def test_another_account_than_the_one_recorded_is_turned_away(trip, spotify, ask):
    grace = Listener("account-of-grace", "grace", "Grace")
    spotify.change(lambda world: replace(world, listeners=(*world.listeners, grace)))
    trip()
    with pytest.raises(LoginError, match="not the Spotify account"):
        trip("account-of-grace")
    assert ask(LOGINS) == [("account-of-ada", True, True)]
    assert ask("select count(*) from listening.dim_listener") == [(1,)]


def test_of_two_listeners_who_are_recorded_here_each_can_log_in_again_and_nobody_else(
    trip, spotify, ask, warehouse, database
):
    now = datetime.now(UTC)
    grants = {"AQ-grace": Grant("account-of-grace", now), "AQ-ada": Grant("account-of-ada", now)}
    others = (Listener("account-of-grace", "grace", "Grace"), Listener("account-of-joan", "joan", "Joan"))
    spotify.change(lambda world: replace(world, listeners=(*world.listeners, *others), refresh_tokens=grants))
    for token in ("AQ-grace", "AQ-ada"):
        settings = settings_of(database, spotify, spotify_refresh_token=token)
        record_plays(settings, warehouse, lambda: datetime.now(UTC))
    for who in ("account-of-ada", "account-of-grace"):
        trip(who)
    with pytest.raises(LoginError, match="not the Spotify account"):
        trip("account-of-joan")
    latest = (
        "select listener_id from ops.run join listening.dim_listener using (listener_key) order by run_key desc limit 2"
    )
    record_plays(settings_of(database, spotify, spotify_refresh_token=None), warehouse, lambda: datetime.now(UTC))
    assert sorted(ask(latest)) == [("account-of-ada",), ("account-of-grace",)]
    record_plays(settings, warehouse, lambda: datetime.now(UTC))
    assert ask(latest) == [("account-of-grace",), ("account-of-ada",)]  # whose token is set comes first
    watched = load_logins(settings, warehouse, Clocks(), None)  # as docs/recorder.md says of several listeners
    assert sorted(row["listener_id"] for row in watched) == ["account-of-ada", "account-of-grace"]
    whose = "select listener_id, count(*) from ops.login join listening.dim_listener using (listener_key) group by 1 order by 1"
    assert ask(whose) == [("account-of-ada", 2), ("account-of-grace", 2)]


def test_a_login_goes_on_with_the_export_that_was_imported_before_it(trip, ask):
    ask("insert into listening.dim_listener (listener_id, time_zone, created_at) values ('me', 'UTC', now())")
    trip()
    assert ask("select listener_id from listening.dim_listener") == [("account-of-ada",)]


def test_a_renewed_login_takes_the_place_of_the_older_setting_and_a_newer_setting_of_that(
    trip, database, warehouse, spotify, ask
):
    now = datetime.now(UTC)

    def record(token: str | None) -> str:
        settings = settings_of(database, spotify, spotify_refresh_token=token)
        record_plays(settings, warehouse, lambda: datetime.now(UTC))
        [(used,)] = ask("select max(started_at) from ops.run")
        assert used >= now
        return str(ask("select setting_fingerprint from ops.login order by login_key"))

    spotify.change(lambda world: replace(world, refresh_tokens={REFRESH_TOKEN: Grant("account-of-ada", now)}))
    record(REFRESH_TOKEN)
    renewed = trip().token
    spotify.change(lambda world: replace(world, refresh_tokens={renewed: world.refresh_tokens[renewed]}))
    record(REFRESH_TOKEN)  # the old setting is still there, and dead
    record(None)
    spotify.change(lambda world: replace(world, refresh_tokens={"AQ-newer": Grant("account-of-ada", now)}))
    record("AQ-newer")
    with pytest.raises(LoginRefused):
        record(None)  # the renewed one is the newest that was agreed to


def test_without_any_login_the_job_says_how_to_get_one(database, warehouse, spotify, ask):
    settings = settings_of(database, spotify, spotify_refresh_token=None)
    with pytest.raises(NotLoggedIn, match=r"workflow connect.*brapped login"):
        record_plays(settings, warehouse)
    assert spotify.calls == []


# The keys.

OLD, NEW = "an-old-key-of-32-characters-or-more", "another-key-of-32-characters-or-more"


def test_a_new_key_takes_over_and_the_old_one_may_go(trip, database, warehouse, spotify, ask):
    trip()
    plain = {"spotify_refresh_token": None}

    def kept() -> str:
        [(ciphertext,)] = ask("select refresh_token_encrypted from ops.login")
        return ciphertext

    def record(**changes: Any) -> None:
        record_plays(settings_of(database, spotify, **plain, **changes), warehouse, lambda: datetime.now(UTC))

    under_the_secret = kept()
    record()
    assert kept() == under_the_secret
    record(token_key=OLD)
    under_the_old = kept()
    assert under_the_old != under_the_secret
    record(token_key=f"{NEW}, {OLD}")
    assert kept() != under_the_old
    record(token_key=NEW)
    with pytest.raises(TokenKeyError, match=r"TOKEN_KEY.*Add the old key after the new one.*or log in again"):
        record(token_key=OLD)
    assert ask("select outcome from ops.run order by run_key desc limit 1") == [("failed",)]
    # The way of whoever changed the client secret first: the old one goes behind a new key.
    spotify.change(lambda world: replace(world, app=replace(world.app, client_secret="c" * 32)))
    record(token_key=f"{OLD},{NEW}")
    record(token_key=OLD)


def test_what_is_encrypted_is_authenticated(settings):
    keys = Keys(settings)
    ciphertext = keys.encrypt("AQ-secret")
    assert keys.decrypt(ciphertext) == "AQ-secret" and "AQ-secret" not in ciphertext + repr(keys)
    flipped = ciphertext[:30] + ("A" if ciphertext[30] != "A" else "B") + ciphertext[31:]
    with pytest.raises(TokenKeyError):
        keys.decrypt(flipped)


def test_a_key_that_could_be_guessed_is_refused_unseen(monkeypatch):
    monkeypatch.setenv("TOKEN_KEY", f"{NEW},short")
    with pytest.raises(SettingsError, match="TOKEN_KEY: is too short") as error:
        read_settings()
    assert "short," not in str(error.value) and NEW not in str(error.value)


@pytest.mark.parametrize(
    ("consented", "end"),
    [
        ("2026-03-02", "2026-09-02"),
        ("2026-08-31", "2027-02-28"),
        ("2026-12-31", "2027-06-30"),
        ("2027-08-31", "2028-02-29"),
    ],
)
def test_a_login_ends_six_calendar_months_after_the_consent(consented, end):
    assert ends_at(datetime.fromisoformat(consented)) == datetime.fromisoformat(end)


# --github.


def test_github_gets_the_secret_by_way_of_gh_and_nothing_is_printed(
    start, opening, port, environment, tmp_path, spotify
):
    stand_in(tmp_path / "bin", "gh", does=f"import sys; open({str(tmp_path / 'read')!r}, 'w').write(sys.stdin.read())")
    environment["PATH"] = f"{tmp_path / 'bin'}:{environment['PATH']}"
    program = start("login", "--port", str(port), "--github", "ada/brapped", **NEVER_SET)
    requests.get(agree(opening()), timeout=10)
    ended = program.completed()
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "" and "The secret SPOTIFY_REFRESH_TOKEN of ada/brapped is set." in ended.stderr
    asked = [arguments for arguments, _ in calls(tmp_path / "bin", "gh")]
    assert asked == [
        ["repo", "view", "ada/brapped", "--json", "name"],
        ["secret", "set", "SPOTIFY_REFRESH_TOKEN", "--repo", "ada/brapped"],
    ]
    assert {(tmp_path / "read").read_text()} == set(spotify.world.refresh_tokens) - {REFRESH_TOKEN}


@pytest.mark.parametrize("repository", ["brapped", "-R/x", "ada/", "a/b/c"])
def test_github_wants_a_repository_before_anybody_is_sent_anywhere(brapped, spotify, environment, tmp_path, repository):
    stand_in(tmp_path / "bin", "gh")
    environment["PATH"] = f"{tmp_path / 'bin'}:{environment['PATH']}"
    ended = brapped("login", f"--github={repository}")
    assert ended.returncode == 2 and spotify.calls == []


def test_a_repository_that_gh_can_not_see_is_said_before_the_trip(brapped, environment, tmp_path, spotify):
    stand_in(tmp_path / "bin", "gh", status=1)
    environment["PATH"] = f"{tmp_path / 'bin'}:{environment['PATH']}"
    ended = brapped("login", "--github", "ada/brapped")
    assert ended.returncode == 2 and "gh can't see ada/brapped" in " ".join(ended.stderr.split())
    assert spotify.calls == []


def test_a_name_that_would_drive_the_terminal_is_shown_as_text(environment, spotify, port):
    spotify.change(
        lambda world: replace(
            world, listeners=tuple(replace(one, display_name="Ada\x1b[31m\u202eevil\n::warning::x") for one in world.listeners)
        )
    )  # fmt: skip
    environment |= NEVER_SET
    with by_hand(environment) as program:
        answer = agree(address_told(program))
        written, err = program.communicate(answer + "\n", timeout=60)
    assert program.returncode == 0, err
    assert written == ""  # the token is printed only when asked for
    assert "Logged in as Ada" in err
    assert not {"\x1b", "\u202e"} & set(err)
    assert not any(line.startswith("::") for line in err.splitlines())
