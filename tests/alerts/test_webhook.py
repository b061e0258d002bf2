"""Where a webhook and PING_URL are allowed to lead, how long they may take, and that what they did not take is told again."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support import ROOT, change_world
from support.gh_stub import Github
from support.raw_server import Answer, Raw, dripping, in_turn, raw_server, whole

from etl import limits
from etl.alerts.__main__ import main
from etl.alerts.incidents import Inspection
from etl.alerts.webhook import NotSent, redirected, request, send
from etl.health.findings import Finding
from etl.jobs.monitored import monitored, ping
from etl.jobs.run import Outcome
from etl.spotify.errors import SpotifyError

DOWN = Finding("database", "failing", "The database can't be used", "It does not answer.", is_failure=True)
SOON = Finding("login", "2027-05-26 30", "Log in again before 2027-05-26", "30 days left.")
PASSWORD = "s3cret-pw"
OK = whole(b"")


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(NotSent) as raised:
        call()
    assert PASSWORD not in str(raised.value) and "127.0.0.1" not in str(raised.value)
    return str(raised.value)


def private(server: Raw, path: str = "/topic") -> str:
    return f"http://me:{PASSWORD}@127.0.0.1:{server.port}{path}"


def to(location: str, status: int) -> Answer:
    return whole(b"", f"Location: {location}", status=f"{status} Somewhere else")


# Redirects.


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("call", [request, lambda url: send(url, "title", "text")], ids=["ping", "message"])
def test_another_origin_learns_nothing(status: int, host: str, call: Callable[[str], None]) -> None:
    """Another port of the same host is another program, perhaps somebody else's."""
    with raw_server(OK) as other, raw_server(to(f"http://{host}:{other.port}/elsewhere", status)) as server:
        reason = refused(lambda: call(private(server)))
        assert reason.startswith(f"status {status}: it redirects to another host")
        assert other.heard == []


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1:1/x", "http://[::1", "//other.example/x"])
def test_a_redirect_to_what_is_no_such_address_is_not_followed(location: str) -> None:
    with raw_server(to(location, 302)) as server:
        assert "redirects to another host" in refused(lambda: request(private(server)))


@pytest.mark.parametrize("status", [307, 308])
def test_a_message_that_is_redirected_within_its_host_arrives_whole(status: int) -> None:
    with raw_server(in_turn(to("/new/topic?x=1", status), OK)) as server:
        send(private(server), "title", "the text")
    first, second = server.heard
    assert second.startswith(b"POST /new/topic?x=1 ") and second.endswith(b"\r\n\r\nthe text")
    for header in (b"Authorization: Basic ", b"Title: title\r\n"):
        assert header in first and header in second


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_message_never_becomes_a_question_without_words(status: int) -> None:
    with raw_server(in_turn(to("/new/topic", status), OK)) as server:
        reason = refused(lambda: send(private(server), "title", "the text"))
        assert reason.startswith(f"status {status}: it redirects, and the message would be lost")
        assert [request[:5] for request in server.heard] == [b"POST "]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_ping_follows_within_its_host(status: int) -> None:
    with raw_server(in_turn(to("alive/", status), OK)) as server:
        request(private(server, "/check/1"))
    assert [request.split()[:2] for request in server.heard] == [[b"GET", b"/check/1"], [b"GET", b"/check/alive/"]]
    assert b"Authorization: Basic " in server.heard[1]


@pytest.mark.parametrize(
    ("address", "location", "target"),
    [
        ("http://ntfy.example/topic", "https://ntfy.example/topic", "https://ntfy.example/topic"),
        ("http://ntfy.example:80/topic", "https://NTFY.example:443/topic", "https://NTFY.example:443/topic"),
        ("https://ntfy.example/topic", "https://ntfy.example:443/other", "https://ntfy.example:443/other"),
        ("https://ntfy.example/topic", "//ntfy.example/other", "https://ntfy.example/other"),
        ("https://ntfy.example/topic", "https://you:pw@ntfy.example/other", "https://ntfy.example/other"),
        ("https://ntfy.example/topic", "http://ntfy.example/topic", None),
        ("http://ntfy.example:8080/topic", "https://ntfy.example:8443/topic", None),
        ("https://ntfy.example/topic", "https://ntfy.example.evil.example/topic", None),
        ("https://ntfy.example/topic", "https://ntfy.example@evil.example/topic", None),
        ("https://ntfy.example/topic", "https://ntfy.example:nowhere/topic", None),
        ("https://ntfy.example/topic", "https://login.ntfy.example/", None),
    ],
)
def test_a_redirect_may_lead_to_the_same_origin_or_from_http_to_https(
    address: str, location: str, target: str | None
) -> None:
    if target is None:
        assert "another host" in refused(lambda: redirected(address, 308, location, is_post=True))
    else:
        assert redirected(address, 308, location, is_post=True) == target


def test_a_circle_of_redirects_ends() -> None:
    with raw_server(to("/topic", 308)) as server:
        assert "redirects more than" in refused(lambda: send(private(server), "title", "text"))
        assert len(server.heard) == 1 + limits.REDIRECTS


@pytest.mark.parametrize("answer", [whole(b"", status="304 Not Modified"), whole(b"", status="302 Found")])
def test_a_redirect_that_leads_nowhere_is_a_failure(answer: Answer) -> None:
    with raw_server(answer) as server:
        assert refused(lambda: request(private(server))).startswith("status 30")


# How long and how large.

DRIPS = {
    "status line": dripping(b"HTTP/1.1 2"),
    "header": dripping(b"HTTP/1.1 200 OK\r\nX: "),
    "headers": dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "answers that are none yet": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "nothing": lambda _, stopped: stopped.wait() and None,
}


@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS)
def test_an_answer_that_drips_is_given_up(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NOTICE_S", 0.3)
    with raw_server(answer) as server:
        assert refused(lambda: request(private(server))) == "it took longer than 0.3 s"
        assert refused(lambda: send(private(server), "title", "text")) == "it took longer than 0.3 s"


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error"])
def test_the_body_of_an_answer_is_not_read(status: str) -> None:
    """Were it read, this would never end."""
    flood = dripping(f"HTTP/1.1 {status}\r\n\r\n".encode(), b" " * 2**16, 0)
    with raw_server(flood) as server:
        if status.startswith("200"):
            request(private(server))
        else:
            assert refused(lambda: request(private(server))) == "status 500"


# What it did not take it is told again.


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Github:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Github(tmp_path / "bin")


@pytest.fixture
def step(github: Github, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the last step of a workflow: what it logs. `job` found these alerts."""

    def run(*findings: Finding, job: str = "plays", url: str = "", inspected: Any = None) -> str:
        environ = {
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "GITHUB_REPOSITORY": "somebody/brapped",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "7",
            "ALERTS": Inspection(job, findings, inspected).as_json(),
            "ALERT_WEBHOOK_URL": url,
        }
        assert main([job], environ) == 0
        return capsys.readouterr().out

    return run


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A webhook: its address, and the titles it was told."""
    with raw_server(OK) as server:
        heard: list[bytes] = []
        yield private(server), heard
        heard += [request.partition(b"\r\nTitle: ")[2].partition(b"\r\n")[0] for request in server.heard]


NOT_TAKEN = {"elsewhere": to("https://other.example/", 302), "broken": whole(b"", status="503 Unavailable")}


@pytest.mark.parametrize("answer", NOT_TAKEN.values(), ids=NOT_TAKEN)
@pytest.mark.parametrize("alert", [DOWN, SOON], ids=["failure", "reminder"])
def test_the_webhook_hears_at_the_next_run_what_it_did_not_take(step, github, answer: Answer, alert: Finding) -> None:
    with raw_server(answer) as server:
        for _ in range(2):
            assert "::warning::The webhook did not take the message (status" in step(alert, url=private(server))
        assert len(server.heard) == 2
    with listening() as (url, heard):
        for _ in range(3):
            step(alert, url=url)
    assert heard == [alert.title.encode()]
    [issue] = github.issues  # which has told it from the first
    assert (issue["state"], issue["comments"]) == ("OPEN", [])


def test_the_webhook_hears_later_that_something_is_over(step, github) -> None:
    with listening() as (url, _):
        step(DOWN, url=url)
    with raw_server(NOT_TAKEN["broken"]) as server:
        for _ in range(2):
            assert "did not take the message" in step(url=private(server))
    with listening() as (url, heard):
        for _ in range(3):
            step(url=url)
    assert heard == [b"Over: The database can't be used"]
    assert [(one["state"], one["comments"]) for one in github.issues] == [("CLOSED", ["This is well again."])]


def test_what_comes_back_before_the_webhook_took_it_is_told_as_it_is_now(step) -> None:
    with raw_server(NOT_TAKEN["broken"]) as server:
        step(DOWN, url=private(server))
        step(url=private(server))
        step(DOWN, url=private(server))
    with listening() as (url, heard):
        for _ in range(2):
            step(DOWN, url=url)
    assert heard == [b"The database can't be used"]


def test_a_run_of_another_job_does_not_call_it_heard(step) -> None:
    with raw_server(NOT_TAKEN["broken"]) as server:
        step(DOWN, url=private(server))
        step(DOWN, job="dimensions", url=private(server))
    with listening() as (url, heard):
        step(job="dimensions", url=url)
        step(DOWN, url=url)
    assert heard == [b"The database can't be used"]


def test_an_issue_of_an_older_version_counts_as_heard(step, github) -> None:
    step(DOWN)
    [issue] = github.issues
    github.change(issues=[{**issue, "body": issue["body"].replace(', "is_heard": true', "")}])
    with listening() as (url, heard):
        step(DOWN, url=url)
    assert heard == []


def test_a_webhook_that_redirects_is_told_again_on_a_computer_of_ones_own(brapped, spotify, tmp_path) -> None:
    change_world(spotify, refresh_tokens={})
    own = {"BRAPPED_HOME": str(tmp_path / "home")}
    with raw_server(NOT_TAKEN["elsewhere"]) as server:
        stderr = brapped("plays", ALERT_WEBHOOK_URL=private(server), **own).stderr
        assert "redirects to another host" in stderr and PASSWORD not in stderr and "other.example" not in stderr
    with listening() as (url, heard):
        for _ in range(2):
            brapped("plays", ALERT_WEBHOOK_URL=url, **own)
    assert heard == [b"The Spotify login has ended: nothing is being recorded"]


def test_a_ping_that_drips_does_not_hold_up_the_end_of_a_run(settings, warehouse, monkeypatch, caplog) -> None:
    monkeypatch.setattr(limits, "NOTICE_S", 0.3)
    with raw_server(DRIPS["headers"]) as server:
        ping(settings.model_copy(update={"ping_url": type(settings.database_url)(private(server))}))
    assert "PING_URL could not be requested: it took longer than 0.3 s" in caplog.text


def test_the_step_that_tells_needs_nothing_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import etl.alerts.__main__"], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_run_that_gave_way_neither_pings_nor_closes_what_others_found(warehouse, settings, tmp_path):
    """It recorded nothing: what was wrong before may still be."""
    with raw_server(whole(b"")) as server:
        with_webhook = settings.model_copy(
            update={
                "ping_url": SecretStr(server.url),
                "alert_webhook_url": SecretStr(server.url),
                "brapped_home": tmp_path,
            }
        )
        gave_way = Outcome("An import is under way.", gave_way=True)

        def fails(*_: object) -> Outcome:
            raise SpotifyError("Spotify can't be reached.")

        with pytest.raises(SpotifyError):
            monitored("plays", with_webhook, warehouse, fails)
        first = len(server.heard)
        assert any(b"is not available" in one for one in server.heard)
        monitored("plays", with_webhook, warehouse, lambda *_: gave_way)
        assert len(server.heard) == first
        monitored("plays", with_webhook, warehouse, lambda *_: Outcome("0 of 0 plays are new"))
        later = server.heard[first:]
        assert any(b"Over: Spotify is not available" in one for one in later)
        assert any(one.startswith(b"GET ") for one in later)
