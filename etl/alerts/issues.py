"""Keep one GitHub issue for each problem."""

import json
import re
import subprocess
from dataclasses import asdict, replace

from etl import limits
from etl.alerts.ledger import Alert, Known, News, Tell, Unwritable

LABEL = "brapped"
MARK = re.compile(r"<!-- brapped (\{.*?\}) -->")
KEPT = ("cause", "state", "title", "jobs", "is_well")  # of an entry, in its issue; and is_heard


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
