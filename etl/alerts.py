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
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

LABEL = "brapped"
MARK = re.compile(r"<!-- brapped (\{.*?\}) -->")
TIMEOUT_S = 20

Say = Callable[[str], None]


@dataclass(frozen=True)
class Alert:
    """A cause that needs a person, and its present state; title and text are for people."""

    cause: str
    state: str
    title: str
    text: str


@dataclass(frozen=True)
class Report:
    """What a run of a job found. `is_whole`: it could look at everything, so what it did not find is well again."""

    job: str
    alerts: tuple[Alert, ...] = ()
    is_whole: bool = True

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> "Report":
        told = json.loads(text)
        return cls(told["job"], tuple(Alert(**one) for one in told["alerts"]), told["is_whole"])


@dataclass(frozen=True)
class Known:
    """What was told of a cause before: in which state, by which jobs, whether it is well again, and whether the place where
    it was told is still open to read. `place` is what the book calls that place."""

    cause: str
    state: str
    title: str
    jobs: tuple[str, ...]
    is_well: bool = False
    is_open: bool = True
    place: int = field(default=0, compare=False)


class Book(Protocol):
    """Where it stands what was told: one entry a cause."""

    def known(self) -> dict[str, Known]: ...

    def write(self, entry: Known, alert: Alert | None, news: str) -> None:
        """Keeps the entry; `alert` None: it is well, or nothing new. `news`: what to tell now, empty for nothing."""


class Unwritable(Exception):
    """The book can't be read or written. The message says why, in a line."""


def told(report: Report, book: Book) -> list[tuple[str, str]]:
    """Brings the book up to date with a report; what is news, as (title, text), each to be told once."""
    news = []
    known = book.known()
    for alert in report.alerts:
        before = known.get(alert.cause)
        jobs = tuple(sorted({report.job, *(before.jobs if before and not before.is_well else ())}))
        now = Known(alert.cause, alert.state, alert.title, jobs, place=before.place if before else 0)
        if before is None or before.is_well or before.state != alert.state:
            book.write(now, alert, alert.text)
            news.append((alert.title, alert.text))
        elif before.jobs != jobs:
            book.write(replace(now, is_open=before.is_open), None, "")
    if not report.is_whole:
        return news
    found = {alert.cause for alert in report.alerts}
    for cause, before in known.items():
        if cause in found or before.is_well or report.job not in before.jobs:
            continue
        others = tuple(job for job in before.jobs if job != report.job)
        if others:
            book.write(replace(before, jobs=others), None, "")
            continue
        book.write(replace(before, is_well=True, is_open=False), None, "This is well again." if before.is_open else "")
        if before.is_open:
            news.append((f"Over: {before.title}", "This is well again."))
    return news


class Issues:
    """The book as issues of a repository, by GitHub's program gh. Each holds its entry in a comment that nobody sees.

    Only issues with the label count: nobody can give it who may not write to the repository. One that a person closes stays
    closed until there is something new to say.
    """

    def __init__(self, repository: str, mention: str = "", link: str = "") -> None:
        self._repository = repository
        self._mention = f"\n\n@{mention}" if mention else ""
        self._link = f"\n\n[The run that found it]({link})" if link else ""
        self._bodies: dict[int, str] = {}

    def known(self) -> dict[str, Known]:
        fields = "number,state,body"
        listed = self._gh("issue", "list", "--label", LABEL, "--state", "all", "--limit", "200", "--json", fields)
        try:
            issues = sorted(json.loads(listed or "[]"), key=lambda one: one["number"])
        except (ValueError, TypeError, KeyError):
            raise Unwritable("gh gave no list of issues") from None
        found: dict[str, Known] = {}
        for issue in issues:
            mark = MARK.search(issue["body"] or "")
            if not mark:
                continue
            entry = json.loads(mark[1])
            is_open = issue["state"] == "OPEN"
            if entry["cause"] in found:  # two runs opened one at the same time: the first stands
                if is_open:
                    self._gh("issue", "close", str(issue["number"]), "--reason", "not planned")
                continue
            self._bodies[issue["number"]] = issue["body"]
            found[entry["cause"]] = Known(
                entry["cause"],
                entry["state"],
                entry["title"],
                tuple(entry["jobs"]),
                entry["is_well"],
                is_open,
                issue["number"],
            )
        return found

    def write(self, entry: Known, alert: Alert | None, news: str) -> None:
        mark = json.dumps({key: asdict(entry)[key] for key in ("cause", "state", "title", "jobs", "is_well")})
        number = str(entry.place)
        body = f"{alert.text}{self._link}" if alert else MARK.sub("", self._bodies[entry.place]).strip()
        body = f"{body}\n\n<!-- brapped {mark} -->"
        if not entry.place:
            assert alert is not None, "the first word about a cause is an alert"
            about = "What needs a person: opened, updated and closed by the workflows"
            self._gh("label", "create", LABEL, "--force", "--color", "C23B22", "--description", about)
            self._gh("issue", "create", "--title", alert.title, "--label", LABEL, text=f"{body}{self._mention}")
            return
        title = ("--title", alert.title) if alert else ()
        self._gh("issue", "edit", number, *title, text=body)
        if alert:
            self._gh("issue", "reopen", number, may_fail=True)  # it may be open
        if news:
            link = self._link if alert else ""
            self._gh("issue", "comment", number, text=f"{news}{link}{self._mention if alert else ''}")
        if not entry.is_open:
            self._gh("issue", "close", number, may_fail=True)  # it may be closed

    def _gh(self, *arguments: str, text: str | None = None, may_fail: bool = False) -> str:
        command = ["gh", *arguments, "--repo", self._repository, *(("--body-file", "-") if text is not None else ())]
        try:
            done = subprocess.run(command, input=text or "", capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unwritable(f"gh can't be run ({type(error).__name__})") from None
        if done.returncode and not may_fail:
            lines = done.stderr.strip().splitlines()
            raise Unwritable(lines[0] if lines else f"gh ended with {done.returncode}")
        return done.stdout


class File:
    """The book as a file, for a computer of one's own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def known(self) -> dict[str, Known]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return {one["cause"]: Known(**{**one, "jobs": tuple(one["jobs"])}) for one in told}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError):
            raise Unwritable(f"{self._path} can't be read; remove it") from None

    def write(self, entry: Known, alert: Alert | None, news: str) -> None:
        entries = self.known() | {entry.cause: replace(entry, is_open=not entry.is_well)}
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps([asdict(one) for one in entries.values()], indent=1), encoding="utf-8")
            new.replace(self._path)
        except OSError:
            raise Unwritable(f"{self._path} can't be written") from None


def send(url: str, title: str, text: str) -> None:
    """Tells a webhook. Discord and Slack are known by their hosts; to any other it is said as ntfy takes it: the text as it
    is, with a title. `discord+https://…` and `slack+https://…` say it where the host does not. Raises Unwritable.
    """
    kind, address = url.split("+", 1) if "+" in url.partition("://")[0] else ("", url)
    host = urlsplit(address).hostname or ""
    if kind == "discord" or host in ("discord.com", "discordapp.com"):
        body, headers = (
            json.dumps({"content": f"**{title}**\n{text}"[:2000]}).encode(),
            {"Content-Type": "application/json"},
        )
    elif kind == "slack" or host == "hooks.slack.com":
        body, headers = json.dumps({"text": f"*{title}*\n{text}"}).encode(), {"Content-Type": "application/json"}
    else:
        body = text.encode()
        headers = {"Content-Type": "text/plain; charset=utf-8", "Title": title.encode("ascii", "replace").decode()}
    get(address, body, headers)


def get(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> None:
    """One request, whose answer nobody reads. Raises Unwritable, which does not repeat the address: it is a secret."""
    if not url.startswith(("https://", "http://")):
        raise Unwritable("its address has to begin with https://")
    request = urllib.request.Request(url, body, {"User-Agent": "brapped", **(headers or {})})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        reason = f"status {error.code}"
        error.close()
    except (OSError, ValueError) as error:
        reason = type(error).__name__
    raise Unwritable(reason)


def tell(news: Iterable[tuple[str, str]], webhook: str | None, warn: Say) -> None:
    for title, text in news if webhook else ():
        try:
            send(str(webhook), title, text)
        except Unwritable as error:
            warn(f"The webhook could not be told ({error}).")


def of_workflow(job: str, environ: Mapping[str, str]) -> Report | None:
    """What a run on GitHub came to: what the job has said, or else how far it got. None: there is nothing to say."""
    if environ.get("ALERTS"):
        return Report.of_json(environ["ALERTS"])
    outcome = environ.get("JOB_OUTCOME", "")
    if outcome == "success":
        return Report(job)
    if outcome == "cancelled":
        return None
    if outcome == "failure":
        cause, title = "program", f"A run of {job} ended with an error of the program"
        text = "It stopped before it could say why: its log may. If it comes again, update the program (Sync fork)."
    elif environ.get("SECRETS_OUTCOME") == "failure":
        cause, title = "settings", "Some secrets are missing"
        text = "The run names them. Set them under Settings → Secrets and variables → Actions."
    else:
        cause, title = "installation", f"What {job} stands on could not be installed"
        text = "Mostly this passes by itself. If it comes again, update the program (Sync fork)."
    return Report(job, (Alert(cause, "failing", title, text),), is_whole=False)


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Brings the issues of the repository up to date. Always 0: an alert that fails says so, and is no failure of the job."""

    def warn(said: str) -> None:
        print(f"::warning::{said}")  # noqa: T201
        with Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(f"{said}\n\n")

    [job] = arguments
    report = of_workflow(job, environ)
    if report is None:
        return 0
    link = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(environ)
    repository = environ["GITHUB_REPOSITORY"]
    webhook = environ.get("ALERT_WEBHOOK_URL", "").strip() or None
    try:
        news = told(report, Issues(repository, repository.partition("/")[0], link))
    except Unwritable as error:
        if "disabled issues" not in str(error):
            warn(f"What needs a person could not be told in an issue ({error}).")
        elif report.alerts:
            warn(
                "What needs a person can't be told, because this repository has no issues: tick them under Settings →"
                f" General → Features. It is: {'; '.join(alert.title for alert in report.alerts)}."
            )
        # Nobody knows what was told before: a failure is told again rather than not at all.
        news = [(alert.title, alert.text) for alert in report.alerts if alert.state == "failing"]
    for title, _ in news:
        print(title)  # noqa: T201
    tell(news, webhook, warn)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
