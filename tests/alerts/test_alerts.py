"""Who is told of what, when, and how often: the issues of a repository, the file of a computer, the webhook."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import change_world
from support.gh_stub import Github
from support.webhook import webhook

from etl.alerts import incidents
from etl.alerts.__main__ import main
from etl.alerts.file import FileStore
from etl.alerts.incidents import AlertStore, Inspection, StoreError
from etl.alerts.issues import IssueStore
from etl.alerts.webhook import NotSent, request, send
from etl.health.findings import Finding
from etl.simulator.routes import Fault

LOGIN_30 = Finding("login", "2027-05-26 30", "Log in again before 2027-05-26", "30 days left.")
LOGIN_7 = Finding("login", "2027-05-26 7", "Log in again before 2027-05-26", "7 days left.")
DOWN = Finding("database", "failing", "The database can't be used", "It does not answer.", is_failure=True)


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Github:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Github(tmp_path / "bin")


@pytest.fixture(params=["issues", "file"])
def book(request: pytest.FixtureRequest, github: Github, tmp_path: Path) -> Callable[[], Any]:
    """Opens the book anew, as every run does."""
    if request.param == "issues":
        return lambda: IssueStore("somebody/brapped", "somebody", "https://github.com/somebody/brapped/actions/runs/1")
    return lambda: FileStore(tmp_path / "home" / "alerts.json", lambda title, text: None)


def report(*findings: Finding, job: str = "plays", **more: Any) -> Inspection:
    return Inspection(job, findings, **more)


def notifications(report: Inspection, book: AlertStore) -> list[tuple[str, str]]:
    return list(incidents.reconcile(report, book))


def titles(news: list[tuple[str, str]]) -> list[str]:
    return [title for title, _ in news]


def test_a_cause_is_told_once_as_long_as_nothing_changes(book):
    assert titles(notifications(report(LOGIN_30), book())) == [LOGIN_30.title]
    assert [notifications(report(LOGIN_30), book()) for _ in range(3)] == [[], [], []]


def test_a_new_state_is_told_and_told_once(book):
    notifications(report(LOGIN_30), book())
    assert notifications(report(LOGIN_7), book()) == [(LOGIN_7.title, LOGIN_7.text)]
    assert notifications(report(LOGIN_7), book()) == []


def test_what_is_well_again_is_told_and_the_next_time_is_news_again(book):
    notifications(report(DOWN), book())
    assert titles(notifications(report(), book())) == [f"Over: {DOWN.title}"]
    assert notifications(report(), book()) == []
    assert titles(notifications(report(DOWN), book())) == [DOWN.title]


def test_a_run_that_could_not_look_at_everything_heals_nothing(book):
    notifications(report(LOGIN_30), book())
    assert titles(notifications(report(DOWN, inspected=()), book())) == [DOWN.title]
    assert titles(notifications(report(LOGIN_30), book())) == [f"Over: {DOWN.title}"]


def test_a_run_that_looked_at_some_heals_only_those(book):
    notifications(report(DOWN, LOGIN_30), book())
    assert titles(notifications(report(inspected=("login",)), book())) == [f"Over: {LOGIN_30.title}"]
    assert titles(notifications(report(), book())) == [f"Over: {DOWN.title}"]


def test_a_cause_that_two_jobs_see_is_one_and_well_when_both_say_so(book):
    assert titles(notifications(report(DOWN, job="plays", inspected=()), book())) == [DOWN.title]
    assert notifications(report(DOWN, job="dimensions", inspected=()), book()) == []
    assert notifications(report(job="plays"), book()) == []
    assert titles(notifications(report(job="dimensions"), book())) == [f"Over: {DOWN.title}"]


def test_a_job_says_nothing_about_what_only_others_see(book):
    notifications(report(LOGIN_30), book())
    assert notifications(report(job="dimensions"), book()) == []
    assert notifications(report(LOGIN_30), book()) == []


def test_one_issue_a_cause_is_opened_updated_closed_and_opened_again(github):
    def tell(*findings: Finding) -> None:
        notifications(report(*findings), IssueStore("somebody/brapped", "somebody", "https://example.org/run"))

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
    def tell(*findings: Finding, job: str = "plays") -> list[tuple[str, str]]:
        return notifications(report(*findings, job=job), IssueStore("somebody/brapped"))

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


def test_a_failure_that_somebody_closed_as_one_of_another_job_is_news_of_this_one(github):
    notifications(report(DOWN, job="dimensions"), IssueStore("somebody/brapped"))
    github.close(1)
    assert notifications(report(DOWN, job="dimensions"), IssueStore("somebody/brapped")) == []
    assert titles(notifications(report(DOWN), IssueStore("somebody/brapped"))) == [DOWN.title]
    assert github.open_titles == [DOWN.title]
    assert notifications(report(DOWN), IssueStore("somebody/brapped")) == []


def test_of_two_issues_of_one_cause_the_first_stands(github):
    notifications(report(DOWN), IssueStore("somebody/brapped"))
    issues = github.issues
    github.change(issues=[*issues, {**issues[0], "number": 2}])
    notifications(report(DOWN), IssueStore("somebody/brapped"))
    assert [one["state"] for one in github.issues] == ["OPEN", "CLOSED"]


def test_issues_of_people_are_left_alone(github):
    mine = {"number": 1, "title": "Mine", "body": "<!-- brapped {} -->", "state": "OPEN", "labels": [], "comments": []}
    theirs = {**mine, "number": 2, "labels": ["brapped"], "body": None}
    github.change(issues=[mine, theirs], labels=["brapped"])
    notifications(report(DOWN), IssueStore("somebody/brapped"))
    notifications(report(), IssueStore("somebody/brapped"))
    assert github.issues[:2] == [mine, theirs] and github.issues[2]["state"] == "CLOSED"


@pytest.mark.parametrize("mark", ["{}", "{", '{"cause": "database"}'])
def test_an_issue_whose_entry_nobody_can_read_is_passed_over(github, mark):
    body = f"<!-- brapped {mark} -->"
    github.change(
        issues=[{"number": 1, "title": "x", "body": body, "state": "OPEN", "labels": ["brapped"], "comments": []}]
    )
    assert titles(notifications(report(DOWN), IssueStore("somebody/brapped"))) == [DOWN.title]
    assert github.issues[0]["body"] == body


@pytest.fixture
def fails(tmp_path: Path, github: Github) -> Callable[..., Any]:
    """`with fails("close", …):` gh fails of these verbs, as when GitHub is down in the middle."""

    @contextmanager
    def failing(*verbs: str) -> Iterator[None]:
        program = tmp_path / "bin" / "gh"
        whole = program.read_text()
        conditions = " || ".join(f'[ "$2" = {verb} ]' for verb in verbs)
        program.write_text(whole.replace("\n", f"\nif {conditions}; then echo 'HTTP 502' >&2; exit 1; fi\n", 1))
        yield
        program.write_text(whole)

    return failing


EVERY_STEP = [("reopen",), ("comment",), ("close",), ("edit",), ("reopen", "comment", "close", "edit")]


@pytest.mark.parametrize("verbs", EVERY_STEP, ids="-".join)
@pytest.mark.parametrize("is_bad", [True, False])
def test_an_alert_broken_off_in_the_middle_is_told_by_the_next_run(github, step, fails, verbs, is_bad):
    """Of what comes back, and of what is well again: after a run that could not tell, one that can does, and then it is quiet."""
    step(ALERTS=report(DOWN).as_json())
    if is_bad:
        step(ALERTS=report().as_json())
    now = report(DOWN) if is_bad else report()
    with fails(*verbs):
        step(ALERTS=now.as_json())
    step(ALERTS=now.as_json())
    [issue] = github.issues
    first_lines = [one.split("\n")[0] for one in issue["comments"]]
    before = ["This is well again."] if is_bad else []
    assert issue["state"] == ("OPEN" if is_bad else "CLOSED")
    assert set(first_lines[len(before) :]) == {DOWN.text if is_bad else "This is well again."}
    for _ in range(2):
        assert step(ALERTS=now.as_json()) == ("", "")
    assert github.issues == [issue]


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
        ({"JOB_OUTCOME": "failure"}, "A run of plays ended with an unexpected error"),
        ({"JOB_OUTCOME": "skipped", "SECRETS_OUTCOME": "success"}, "Installing the dependencies of plays failed"),
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


@pytest.mark.parametrize(
    "environ",
    [
        {"JOB_OUTCOME": "cancelled", "JOB_STATUS": "cancelled", "SECRETS_OUTCOME": "success"},
        {"JOB_OUTCOME": "skipped", "JOB_STATUS": "cancelled", "SECRETS_OUTCOME": "success"},
        {"JOB_OUTCOME": "skipped", "JOB_STATUS": "cancelled", "SECRETS_OUTCOME": "cancelled"},
    ],
    ids=["in the job's own step", "during the installation", "during the first steps"],
)
def test_a_run_that_was_cancelled_is_told_once_and_a_good_one_closes_that(step, github, environ):
    assert step(**environ) == ("A run of plays was cancelled\n", "")
    assert step(**environ) == ("", "")
    assert [(one["state"], one["comments"]) for one in github.issues] == [("OPEN", [])]
    assert step("dimensions", JOB_OUTCOME="success") == ("", "")
    assert step(JOB_OUTCOME="success", JOB_STATUS="success") == ("Over: A run of plays was cancelled\n", "")
    assert github.open_titles == []


def test_a_run_that_was_cancelled_after_it_had_said_what_it_found_is_told_as_that(step, github):
    step(ALERTS=report(DOWN).as_json(), JOB_OUTCOME="success", JOB_STATUS="cancelled")
    assert github.open_titles == [DOWN.title]


def test_without_issues_the_summary_says_what_it_is_and_how_to_turn_them_on(step, github):
    github.change(has_issues=False)
    log, summary = step(ALERTS=report(LOGIN_30).as_json())
    assert log == f"::warning::{summary.strip()}\n"
    assert "Settings → General → Features" in summary and LOGIN_30.title in summary
    assert step(JOB_OUTCOME="success") == ("", "")


def test_without_issues_the_webhook_hears_failures_at_each_run_and_the_rest_once_a_day(step, github):
    github.change(has_issues=False)
    with webhook() as (url, posted):
        for is_daily in (False, True, False):
            step(ALERTS=report(LOGIN_30, is_daily=is_daily).as_json(), ALERT_WEBHOOK_URL=url)
        assert [title for _, title, _ in posted] == [LOGIN_30.title]
        for _ in range(2):
            step(ALERTS=report(LOGIN_30, DOWN).as_json(), ALERT_WEBHOOK_URL=url)
    assert [title for _, title, _ in posted[1:]] == ["The database can't be used"] * 2


def test_without_issues_the_webhook_hears_that_the_login_has_ended(brapped, spotify, step, github, tmp_path):
    github.change(has_issues=False)
    change_world(spotify, refresh_tokens={})
    (tmp_path / "out").write_text("")
    assert brapped("plays", GITHUB_OUTPUT=str(tmp_path / "out")).returncode == 1
    alerts = (tmp_path / "out").read_text().partition("alerts=")[2]
    with webhook() as (url, posted):
        step(ALERTS=alerts, JOB_OUTCOME="failure", ALERT_WEBHOOK_URL=url)
    assert [title for _, title, _ in posted] == ["The Spotify login has ended: nothing is being recorded"]


def test_a_failure_does_not_heal_others_that_only_the_work_could_find(brapped, spotify, step, github, tmp_path):
    """Refused, then garbled, and so on: neither is well because the other came."""
    for status in (403, 400, 403, 400):
        change_world(spotify, faults=(Fault("/v1/me/player/*", status=status),))
        (tmp_path / "out").write_text("")
        assert brapped("plays", GITHUB_OUTPUT=str(tmp_path / "out")).returncode == 1
        step(ALERTS=(tmp_path / "out").read_text().partition("alerts=")[2])
    assert github.open_titles == ["Spotify refuses the app", "Spotify is not available"]
    assert [one["comments"] for one in github.issues] == [[], []]


def test_an_error_of_the_program_is_one_of_its_job(step, github):
    step("daily-report", JOB_OUTCOME="failure")
    github.close(1)
    step("plays", JOB_OUTCOME="failure")
    assert github.open_titles == ["A run of plays ended with an unexpected error"]
    step("daily-report", JOB_OUTCOME="success")
    assert github.open_titles == ["A run of plays ended with an unexpected error"]


def test_a_gh_that_fails_is_a_warning_and_no_failure(step, tmp_path):
    (tmp_path / "bin" / "gh").write_text("#!/bin/sh\necho 'HTTP 502' >&2\nexit 1\n")
    log, _ = step(ALERTS=report(DOWN).as_json())
    assert log.startswith("::warning::The problems that were found could not be written to an issue (HTTP 502).")


# The webhook.


def test_the_webhook_hears_what_is_news_and_only_once(step):
    with webhook() as (url, posted):
        for found in ((LOGIN_30,), (LOGIN_30,), (LOGIN_7,), ()):
            log, _ = step(ALERTS=report(*found).as_json(), ALERT_WEBHOOK_URL=url)
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
    assert "::warning::The webhook did not take the message (status 500)." in log and "secret-path" not in log
    log, _ = step(ALERTS=report(LOGIN_30).as_json(), ALERT_WEBHOOK_URL="file:///etc/passwd")
    assert "has to begin with https://" in log


def test_a_book_that_is_no_book_is_said_and_not_overwritten(tmp_path):
    (tmp_path / "alerts.json").write_text("{")
    with pytest.raises(StoreError, match="remove it"):
        notifications(report(DOWN), FileStore(tmp_path / "alerts.json", lambda title, text: None))
    assert (tmp_path / "alerts.json").read_text() == "{"


@pytest.mark.parametrize("path", ["/the-secret topic", "/%zz\x7f"])
def test_an_address_that_nothing_can_be_sent_to_is_a_warning_that_does_not_say_it(step, path):
    log, _ = step(ALERTS=report(DOWN).as_json(), ALERT_WEBHOOK_URL=f"http://127.0.0.1:1{path}")
    assert "::warning::The webhook did not take the message (InvalidURL)." in log and "secret" not in log
    with pytest.raises(NotSent, match="can't be read"):
        send("https://[secret", "title", "text")


def test_an_address_with_a_password_gives_it_as_one_and_keeps_it_to_itself(step):
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append((self.path, self.headers["Authorization"], self.headers["Host"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        send(f"http://me:s3cret%40pw@{host}/topic", "title", "text")
        server.shutdown()
    basic = "Basic " + base64.b64encode(b"me:s3cret@pw").decode()
    assert heard == [("/topic", basic, host)]
    log, _ = step(ALERTS=report(DOWN).as_json(), ALERT_WEBHOOK_URL="https://me:s3cretpw@127.0.0.1:nowhere/topic")
    assert "::warning::The webhook did not take the message (InvalidURL)." in log and "s3cret" not in log


def test_an_answer_that_is_none_is_said_as_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"garbage\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(NotSent, match="BadStatusLine"):
            request(f"http://127.0.0.1:{server.getsockname()[1]}/alive")


def test_whatever_goes_wrong_the_step_ends_well_and_says_only_what_kind_of_error(step):
    log, _ = step(ALERTS='{"job": "the secret"}')
    assert log == "::warning::Alerts could not be sent: an unexpected KeyError.\n"


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


def test_what_the_webhook_did_not_take_the_next_run_tells(brapped, spotify, tmp_path):
    change_world(spotify, refresh_tokens={})
    own = {"BRAPPED_HOME": str(tmp_path / "home")}
    with webhook(status=503) as (url, _):
        ran = brapped("plays", ALERT_WEBHOOK_URL=url, **own)
        assert "The next run retries" in ran.stderr and "secret-path" not in ran.stderr
    with webhook() as (url, posted):
        for _ in range(3):
            brapped("plays", ALERT_WEBHOOK_URL=url, **own)
    assert [title for _, title, _ in posted] == ["The Spotify login has ended: nothing is being recorded"]


def test_a_permission_that_is_missing_is_not_hidden_by_the_reminder_that_the_login_ends(
    brapped, spotify, ask, tmp_path
):
    assert brapped("plays").returncode == 0
    ask("update ops.login set first_seen_at = now() - interval '170 days'")
    missing = b'{"error":{"status":401,"message":"Permissions missing"}}'
    with webhook() as (url, posted):
        own = {"ALERT_WEBHOOK_URL": url, "BRAPPED_HOME": str(tmp_path / "home")}
        assert brapped("plays", **own).returncode == 0
        change_world(spotify, faults=(Fault("/v1/me/player/*", status=401, body=missing),))
        assert brapped("plays", **own).returncode == 1
    reminder, failure = (title for _, title, _ in posted)
    assert reminder.startswith("Log in to Spotify again before")
    assert failure == "The Spotify login can't be used: nothing is being recorded"
