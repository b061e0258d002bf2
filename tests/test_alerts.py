"""Who is told of what, when, and how often: the issues of a repository, the file of a computer, the webhook."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from github import Github

from etl.alerts import Alert, File, Issues, Report, Unwritable, main, send, told

LOGIN_30 = Alert("login", "2027-05-26 30", "Log in again before 2027-05-26", "30 days left.")
LOGIN_7 = Alert("login", "2027-05-26 7", "Log in again before 2027-05-26", "7 days left.")
DOWN = Alert("database", "failing", "The database can't be used", "It does not answer.")


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Github:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Github(tmp_path / "bin")


@pytest.fixture(params=["issues", "file"])
def book(request: pytest.FixtureRequest, github: Github, tmp_path: Path) -> Callable[[], Any]:
    """Opens the book anew, as every run does."""
    if request.param == "issues":
        return lambda: Issues("somebody/brapped", "somebody", "https://github.com/somebody/brapped/actions/runs/1")
    return lambda: File(tmp_path / "home" / "alerts.json")


def report(*alerts: Alert, job: str = "plays", is_whole: bool = True) -> Report:
    return Report(job, alerts, is_whole)


def titles(news: list[tuple[str, str]]) -> list[str]:
    return [title for title, _ in news]


def test_a_cause_is_told_once_as_long_as_nothing_changes(book):
    assert titles(told(report(LOGIN_30), book())) == [LOGIN_30.title]
    assert [told(report(LOGIN_30), book()) for _ in range(3)] == [[], [], []]


def test_a_new_state_is_told_and_told_once(book):
    told(report(LOGIN_30), book())
    assert told(report(LOGIN_7), book()) == [(LOGIN_7.title, LOGIN_7.text)]
    assert told(report(LOGIN_7), book()) == []


def test_what_is_well_again_is_told_and_the_next_time_is_news_again(book):
    told(report(DOWN), book())
    assert titles(told(report(), book())) == [f"Over: {DOWN.title}"]
    assert told(report(), book()) == []
    assert titles(told(report(DOWN), book())) == [DOWN.title]


def test_a_run_that_could_not_look_at_everything_heals_nothing(book):
    told(report(LOGIN_30), book())
    assert titles(told(report(DOWN, is_whole=False), book())) == [DOWN.title]
    assert titles(told(report(LOGIN_30), book())) == [f"Over: {DOWN.title}"]


def test_a_cause_that_two_jobs_see_is_one_and_well_when_both_say_so(book):
    assert titles(told(report(DOWN, job="plays", is_whole=False), book())) == [DOWN.title]
    assert told(report(DOWN, job="dimensions", is_whole=False), book()) == []
    assert told(report(job="plays"), book()) == []
    assert titles(told(report(job="dimensions"), book())) == [f"Over: {DOWN.title}"]


def test_a_job_says_nothing_about_what_only_others_see(book):
    told(report(LOGIN_30), book())
    assert told(report(job="dimensions"), book()) == []
    assert told(report(LOGIN_30), book()) == []


def test_one_issue_a_cause_is_opened_updated_closed_and_opened_again(github):
    def tell(*alerts: Alert) -> None:
        told(report(*alerts), Issues("somebody/brapped", "somebody", "https://example.org/run"))

    tell(LOGIN_30, DOWN)
    assert [(one["title"], one["state"]) for one in github.issues] == [(LOGIN_30.title, "OPEN"), (DOWN.title, "OPEN")]
    assert github.issues[0]["body"].startswith("30 days left.\n\n[The run that found it](https://example.org/run)")
    assert "@somebody" in github.issues[0]["body"]
    tell(LOGIN_7)
    assert [(one["body"][:12], one["state"], len(one["comments"])) for one in github.issues] == [
        ("7 days left.", "OPEN", 1),
        ("It does not ", "CLOSED", 1),
    ]
    assert github.issues[0]["comments"][0].startswith("7 days left.")
    assert github.issues[1]["comments"] == ["This is well again."]
    tell()
    tell(DOWN)
    assert [one["state"] for one in github.issues] == ["CLOSED", "OPEN"]


def test_an_issue_that_a_person_closes_stays_closed_until_there_is_news(github):
    def tell(*alerts: Alert, job: str = "plays") -> list[tuple[str, str]]:
        return told(report(*alerts, job=job), Issues("somebody/brapped"))

    tell(LOGIN_30)
    github.close(1)
    assert tell(LOGIN_30) == [] and tell(LOGIN_30, job="dimensions") == []
    assert github.open_titles == []
    assert titles(tell(LOGIN_7)) == [LOGIN_7.title]
    assert github.open_titles == [LOGIN_7.title]
    github.close(1)
    assert tell(job="dimensions") == tell() == []  # nobody has to hear that it is well
    assert [len(one["comments"]) for one in github.issues] == [1]
    assert titles(tell(LOGIN_7)) == [LOGIN_7.title]


def test_of_two_issues_of_one_cause_the_first_stands(github):
    told(report(DOWN), Issues("somebody/brapped"))
    issues = github.issues
    github.change(issues=[*issues, {**issues[0], "number": 2}])
    told(report(DOWN), Issues("somebody/brapped"))
    assert [one["state"] for one in github.issues] == ["OPEN", "CLOSED"]


def test_issues_of_people_are_left_alone(github):
    mine = {"number": 1, "title": "Mine", "body": "<!-- brapped {} -->", "state": "OPEN", "labels": [], "comments": []}
    theirs = {**mine, "number": 2, "labels": ["brapped"], "body": None}
    github.change(issues=[mine, theirs], labels=["brapped"])
    told(report(DOWN), Issues("somebody/brapped"))
    told(report(), Issues("somebody/brapped"))
    assert github.issues[:2] == [mine, theirs] and github.issues[2]["state"] == "CLOSED"


# As a step of a workflow.


@pytest.fixture
def step(github: Github, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    """Runs the step: what it logs, and what it writes on the summary page."""
    summary = tmp_path / "summary"

    def run(job: str = "plays", **environ: str) -> tuple[str, str]:
        summary.write_text("")
        github_environ = {
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_REPOSITORY": "somebody/brapped",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "7",
        }
        assert main([job], {**github_environ, **environ}) == 0
        return capsys.readouterr().out, summary.read_text()

    return run


@pytest.mark.parametrize(
    ("environ", "title"),
    [
        ({"JOB_OUTCOME": "failure"}, "A run of plays ended with an error of the program"),
        ({"JOB_OUTCOME": "skipped", "SECRETS_OUTCOME": "success"}, "What plays stands on could not be installed"),
        ({"JOB_OUTCOME": "skipped", "SECRETS_OUTCOME": "failure"}, "Some secrets are missing"),
    ],
)
def test_a_run_that_could_say_nothing_is_told_by_how_far_it_got_and_a_good_one_closes_that(
    step, github, environ, title
):
    assert step(**environ) == (f"{title}\n", "")
    assert github.open_titles == [title]
    assert "actions/runs/7" in github.issues[0]["body"]
    assert step(**environ) == ("", "")
    step(JOB_OUTCOME="success")
    assert github.open_titles == []


def test_a_run_that_somebody_stopped_is_no_news(step, github):
    assert step(JOB_OUTCOME="cancelled") == ("", "")
    assert github.issues == []


def test_without_issues_the_summary_says_what_it_is_and_how_to_turn_them_on(step, github):
    github.change(has_issues=False)
    log, summary = step(ALERTS=report(LOGIN_30).as_json())
    assert log == f"::warning::{summary.strip()}\n"
    assert "Settings → General → Features" in summary and LOGIN_30.title in summary
    assert step(JOB_OUTCOME="success") == ("", "")


def test_a_gh_that_fails_is_a_warning_and_no_failure(step, tmp_path):
    (tmp_path / "bin" / "gh").write_text("#!/bin/sh\necho 'HTTP 502' >&2\nexit 1\n")
    log, _ = step(ALERTS=report(DOWN).as_json())
    assert log.startswith("::warning::What needs a person could not be told in an issue (HTTP 502).")


# The webhook.


@contextmanager
def webhook(status: int = 200) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """An address to post to, and what was posted: (path, title, text)."""
    posted: list[tuple[str, str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            posted.append((self.path, self.headers.get("Title") or "", text))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/the-secret-path", posted
        finally:
            server.shutdown()


def test_the_webhook_hears_what_is_news_and_only_once(step):
    with webhook() as (url, posted):
        for alerts in ((LOGIN_30,), (LOGIN_30,), (LOGIN_7,), ()):
            log, _ = step(ALERTS=report(*alerts).as_json(), ALERT_WEBHOOK_URL=url)
            assert "the-secret-path" not in log
    assert posted == [
        ("/the-secret-path", LOGIN_30.title, "30 days left."),
        ("/the-secret-path", LOGIN_7.title, "7 days left."),
        ("/the-secret-path", f"Over: {LOGIN_7.title}", "This is well again."),
    ]


def test_each_kind_of_webhook_is_told_in_its_own_words():
    with webhook() as (url, posted):
        for kind in ("", "discord+", "slack+"):
            send(kind + url, "Über alles", "text")
    assert [(title, text if title else json.loads(text)) for _, title, text in posted] == [
        ("?ber alles", "text"),
        ("", {"content": "**Über alles**\ntext"}),
        ("", {"text": "*Über alles*\ntext"}),
    ]


def test_a_webhook_that_fails_is_a_warning_that_does_not_say_its_address(step):
    with webhook(status=500) as (url, _):
        log, _ = step(ALERTS=report(DOWN).as_json(), ALERT_WEBHOOK_URL=url)
    assert "::warning::The webhook could not be told (status 500)." in log and "secret-path" not in log
    log, _ = step(ALERTS=report(LOGIN_30).as_json(), ALERT_WEBHOOK_URL="file:///etc/passwd")
    assert "has to begin with https://" in log


def test_a_book_that_is_no_book_is_said_and_not_overwritten(tmp_path):
    (tmp_path / "alerts.json").write_text("{")
    with pytest.raises(Unwritable, match="remove it"):
        told(report(DOWN), File(tmp_path / "alerts.json"))
    assert (tmp_path / "alerts.json").read_text() == "{"


# A computer of one's own.


def test_elsewhere_the_webhook_is_told_by_the_job_itself(brapped, environment, spotify, tmp_path):
    with webhook() as (url, posted):
        own = {"ALERT_WEBHOOK_URL": url, "BRAPPED_HOME": str(tmp_path / "home"), "PING_URL": f"{url}/alive"}
        for _ in range(2):
            assert brapped("plays", SPOTIFY_CLIENT_SECRET="w" * 32, **own).returncode == 1
        assert [(path, title) for path, title, _ in posted] == [("/the-secret-path", "Spotify refuses the app")]
        ran = brapped("plays", **own)
        assert ran.returncode == 0 and url not in ran.stderr + ran.stdout
    assert [(path, title) for path, title, _ in posted[1:]] == [
        ("/the-secret-path", "Over: Spotify refuses the app"),
        ("/the-secret-path/alive", ""),
    ]
