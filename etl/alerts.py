"""Telling people: one issue on GitHub a cause, opened, updated and closed; and a webhook, if there is one.

Standard library only. A workflow runs it as `python3 -m etl.alerts JOB` with the runner's own Python, also when nothing could
be installed; so it reads what a workflow hands over from the environment itself, as `etl.settings` does for all else. The
step that runs it holds the right to write issues, and no secret but the webhook's address.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol

from etl import limits
from etl.findings import of_program
from etl.webhook import NotSent, send
from etl.whole_file import UnwritableError, whole_file

LABEL = "brapped"
MARK = re.compile(r"<!-- brapped (\{.*?\}) -->")
KEPT = ("cause", "state", "title", "jobs", "is_well")  # of an entry, in its issue; and is_heard

Say = Callable[[str], None]
Tell = Callable[[str, str], bool]  # a title and a text; whether it arrived
News = tuple[str, str]  # a title and a text


@dataclass(frozen=True)
class Alert:
    """A cause that needs a person, and its present state; title and text are for people. `is_failure`: something does not work
    now, as against what is going to come, or what has been lost."""

    cause: str
    state: str
    title: str
    text: str
    is_failure: bool = False


@dataclass(frozen=True)
class Report:
    """What a run of a job found.

    looked_at: the causes that it looked for, so that one of them that it did not find is well again; None: all of this job's.
    is_daily: it is the first of a day, which tells all of it where nothing remembers what was told before.
    """

    job: str
    alerts: tuple[Alert, ...] = ()
    looked_at: tuple[str, ...] | None = None
    is_daily: bool = False

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> "Report":
        told = json.loads(text)
        alerts = tuple(Alert(**one) for one in told["alerts"])
        looked_at = None if told["looked_at"] is None else tuple(told["looked_at"])
        return cls(told["job"], alerts, looked_at, told["is_daily"])


@dataclass(frozen=True)
class Known:
    """What was told of a cause before: in which state, by which jobs, whether it is well again, and whether the place where
    it was told is still open to read. `place` is what the book calls that place. `is_heard`: the webhook, if there is one, has
    taken the last news of it."""

    cause: str
    state: str
    title: str
    jobs: tuple[str, ...]
    is_well: bool = False
    is_open: bool = True
    is_heard: bool = True
    place: int = field(default=0, compare=False)


class Book(Protocol):
    """Where it stands what was told: one entry a cause."""

    def known(self) -> dict[str, Known]: ...

    def write(self, entry: Known, alert: Alert | None, news: News | None, is_again: bool = False) -> None:
        """Tells the news, if there are any, and only then keeps the entry: what is told twice is the lesser evil than what is never
        told. `alert`: what is now wrong with it; None: it is well, or nothing has changed. `is_again`: only the webhook has yet to
        hear the news."""


class Unwritable(Exception):
    """The book can't be read or written. The message says why, in a line."""


def told(report: Report, book: Book) -> Iterator[News]:
    """Brings the book up to date with a report; what is news, each when the book has it."""
    known = book.known()
    for alert in report.alerts:
        before = known.get(alert.cause)
        jobs = tuple(sorted({report.job, *(before.jobs if before and not before.is_well else ())}))
        now = Known(alert.cause, alert.state, alert.title, jobs, place=before.place if before else 0)
        if before is None or before.is_well or before.state != alert.state or is_of_another(report.job, alert, before):
            news = (alert.title, alert.text)
            book.write(now, alert, news)
            yield news
        elif not before.is_heard:
            news = (alert.title, alert.text)
            book.write(replace(now, is_open=before.is_open), None, news, is_again=True)
            yield news
        elif before.jobs != jobs:
            book.write(replace(now, is_open=before.is_open), None, None)
    found = {alert.cause for alert in report.alerts}
    for cause, before in known.items():
        over = (f"Over: {before.title}", "This is well again.")
        if before.is_well and not before.is_heard and cause not in found:
            book.write(before, None, over, is_again=True)
            yield over
        was_looked_at = report.looked_at is None or cause in report.looked_at
        if cause in found or not was_looked_at or before.is_well or report.job not in before.jobs:
            continue
        others = tuple(job for job in before.jobs if job != report.job)
        now = replace(before, jobs=others, is_open=before.is_open and bool(others), is_well=not others)
        is_news = before.is_open and not others
        book.write(replace(now, is_heard=before.is_heard or now.is_well), None, over if is_news else None)
        if is_news:
            yield over


def is_of_another(job: str, alert: Alert, before: Known) -> bool:
    """Whether a failure that somebody has closed, as one of other jobs, is now one of this job, too."""
    return alert.is_failure and not before.is_open and job not in before.jobs


class Issues:
    """The book as issues of a repository, by GitHub's program gh. Each holds its entry in a comment that nobody sees.

    Only issues with the label count: nobody can give it who may not write to the repository. One that a person closes stays
    closed until there is something new to say.
    """

    def __init__(self, repository: str, mention: str = "", link: str = "", tell: Tell = lambda *_: True) -> None:
        self._repository = repository
        self._tell = tell
        self._mention = f"\n\n@{mention}" if mention else ""
        self._link = f"\n\n[The run that found it]({link})" if link else ""
        self._bodies: dict[int, str] = {}
        self._open: set[int] = set()

    def known(self) -> dict[str, Known]:
        fields = "number,state,body"
        listed = self._gh("issue", "list", "--label", LABEL, "--state", "all", "--limit", "200", "--json", fields)
        try:
            issues = sorted(json.loads(listed or "[]"), key=lambda one: one["number"])
        except (ValueError, TypeError, KeyError):
            raise Unwritable("gh gave no list of issues") from None
        found: dict[str, Known] = {}
        for issue in issues:
            entry = entry_in(issue["body"] or "", issue["number"], issue["state"] == "OPEN")
            if entry is None:
                continue
            if entry.cause in found:  # two runs opened one at the same time: the first stands
                if entry.is_open:
                    self._gh("issue", "close", str(entry.place), "--reason", "not planned")
                continue
            self._bodies[entry.place] = issue["body"]
            found[entry.cause] = entry
        self._open = {entry.place for entry in found.values() if entry.is_open}
        return found

    def write(self, entry: Known, alert: Alert | None, news: News | None, is_again: bool = False) -> None:
        number, link = str(entry.place), self._link if alert else ""
        body = f"{alert.text}{link}" if alert else MARK.sub("", self._bodies[entry.place]).strip()
        if not entry.place:
            assert alert is not None, "the first word about a cause is an alert"
            about = "What needs a person: opened, updated and closed by the workflows"
            self._gh("label", "create", LABEL, "--force", "--color", "C23B22", "--description", about)
            body = f"{body}{self._mark(entry, news)}{self._mention}"
            self._gh("issue", "create", "--title", alert.title, "--label", LABEL, text=body)
            return
        was_open = entry.place in self._open
        if alert and not was_open:
            self._gh("issue", "reopen", number)
        if news and not is_again:
            self._gh("issue", "comment", number, text=f"{news[1]}{link}{self._mention if alert else ''}")
        if was_open and not entry.is_open:
            self._gh("issue", "close", number)
        body = f"{body}{self._mark(entry, news)}"
        self._gh("issue", "edit", number, *(("--title", alert.title) if alert else ()), text=body)

    def _mark(self, entry: Known, news: News | None) -> str:
        """The entry as it is kept in its issue, once the webhook has been told the news."""
        told = asdict(replace(entry, is_heard=self._tell(*news) if news else entry.is_heard))
        return f"\n\n<!-- brapped {json.dumps({name: told[name] for name in (*KEPT, 'is_heard')})} -->"

    def _gh(self, *arguments: str, text: str | None = None) -> str:
        command = ["gh", *arguments, "--repo", self._repository, *(("--body-file", "-") if text is not None else ())]
        try:
            done = subprocess.run(
                command, input=text or "", capture_output=True, text=True, timeout=limits.GH_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unwritable(f"gh can't be run ({type(error).__name__})") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise Unwritable(lines[0] if lines else f"gh ended with {done.returncode}")
        return done.stdout


def entry_in(body: str, number: int, is_open: bool) -> Known | None:
    """What an issue keeps; None for one that is not ours, or that somebody has changed so that it can't be read."""
    mark = MARK.search(body)
    try:
        told = json.loads(mark[1]) if mark else {}
        entry = Known(**{name: told[name] for name in KEPT}, is_open=is_open, place=number)
        entry = replace(entry, is_heard=told.get("is_heard", True))
    except (ValueError, KeyError):
        return None
    return replace(entry, jobs=tuple(entry.jobs))


class File:
    """The book as a file, for a computer of one's own; `tell` is told the news; what it raises goes on, and is told again."""

    def __init__(self, path: Path, tell: Callable[[str, str], None]) -> None:
        self._path = path
        self._tell = tell

    def known(self) -> dict[str, Known]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return {one["cause"]: Known(**{**one, "jobs": tuple(one["jobs"])}) for one in told}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError):
            raise Unwritable(f"{self._path} can't be read; remove it") from None

    def write(self, entry: Known, alert: Alert | None, news: News | None, is_again: bool = False) -> None:
        if news:
            self._tell(*news)
        entries = self.known() | {entry.cause: replace(entry, is_open=not entry.is_well)}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path) as file:
                file.write(json.dumps([asdict(one) for one in entries.values()], indent=1).encode())
        except (OSError, UnwritableError):
            raise Unwritable(f"{self._path} can't be written") from None


def of_workflow(job: str, environ: Mapping[str, str]) -> Report | None:
    """What a run on GitHub came to: what the job has said, or else how far it got. None: there is nothing to say."""
    if environ.get("ALERTS"):
        return Report.of_json(environ["ALERTS"])
    outcome = environ.get("JOB_OUTCOME", "")
    if outcome == "success":
        return Report(job)
    if "cancelled" in (outcome, environ.get("JOB_STATUS")):
        cause, title = f"cancelled-{job}", f"A run of {job} was cancelled"  # by whom, GitHub does not say
        text = "A person cancelled it, or GitHub did because it took too long. What is recorded stays recorded."
    elif outcome == "failure":
        cause, title = of_program(job)
        text = "It ended before it could say why; its log may. If it comes again, update the program (Sync fork)."
    elif environ.get("SECRETS_OUTCOME") == "failure":
        cause, title = "settings", "Some secrets are missing"
        text = "The run names them. Set them under Settings → Secrets and variables → Actions."
    else:
        cause, title = "installation", f"What {job} stands on could not be installed"
        text = "Mostly this passes by itself. If it comes again, update the program (Sync fork)."
    return Report(job, (Alert(cause, "failing", title, text, is_failure=True),), looked_at=())


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Brings the issues of the repository up to date. Always 0: an alert that fails says so, and is no failure of the job."""

    def warn(said: str) -> None:
        print(f"::warning::{said}")  # noqa: T201
        with Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(f"{said}\n\n")

    def tell(title: str, text: str) -> bool:
        print(title)  # noqa: T201
        try:
            if webhook:
                send(webhook, title, text)
        except NotSent as error:
            warn(f"The webhook could not be told ({error}). The next run tries again.")
            return False
        return True

    [job] = arguments
    webhook = environ.get("ALERT_WEBHOOK_URL", "").strip()
    try:
        if report := of_workflow(job, environ):
            told_in_issues(report, environ, tell, warn)
    except Exception as error:  # its words, or where it arose, may hold the address of the webhook
        warn(f"Nobody could be told what needs a person: an unexpected {type(error).__name__}.")
    return 0


def told_in_issues(report: Report, environ: Mapping[str, str], tell: Tell, warn: Say) -> None:
    """Tells the issues, and whoever `tell` reaches. Without issues nobody knows what was told before: then failures are told again
    rather than not at all, and what is going to come once a day."""
    link = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(environ)
    repository = environ["GITHUB_REPOSITORY"]
    heard = set()

    def tell_once(title: str, text: str) -> bool:
        heard.add((title, text))
        return tell(title, text)

    try:
        list(told(report, Issues(repository, repository.partition("/")[0], link, tell_once)))
    except Unwritable as error:
        if "disabled issues" not in str(error):
            warn(f"What needs a person could not be told in an issue ({error}).")
        elif report.alerts:
            warn(
                "What needs a person can't be told, because this repository has no issues: tick them under Settings →"
                f" General → Features. It is: {'; '.join(alert.title for alert in report.alerts)}."
            )
        for alert in report.alerts:
            if (alert.is_failure or report.is_daily) and (alert.title, alert.text) not in heard:
                tell(alert.title, alert.text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
