"""Keep incidents as issues of a GitHub repository: one issue for each cause, opened, updated and closed."""

import json
import re
import subprocess
from dataclasses import replace

from etl import limits
from etl.alerts.incidents import Incident, Notification, Send, StoreError
from etl.health.findings import Finding

LABEL = "brapped"
MARK = re.compile(r"<!-- brapped (\{.*?\}) -->")
NOT_STORED = {"is_open", "place"}  # GitHub knows these


class IssueStore:
    """An AlertStore in GitHub issues, through GitHub's program gh. A hidden comment in each issue holds the incident.

    Only issues with the label count, because only people who may write to the repository can set it. An issue that a
    person closes stays closed until there is something new to say.

    mention: who is mentioned when something new is wrong. link: address of the run. send: delivers to the webhook.
    """

    def __init__(self, repository: str, mention: str = "", link: str = "", send: Send = lambda *_: True) -> None:
        self._repository = repository
        self._send = send
        self._mention = f"\n\n@{mention}" if mention else ""
        self._link = f"\n\n[The run that found it]({link})" if link else ""
        self._bodies: dict[int, str] = {}
        self._open: set[int] = set()

    def incidents(self) -> dict[str, Incident]:
        """All incidents by cause. If two runs opened an issue each at once, closes the second. Raises StoreError."""
        fields = "number,state,body"
        listed = self._gh("issue", "list", "--label", LABEL, "--state", "all", "--limit", "200", "--json", fields)
        try:
            issues = sorted(json.loads(listed or "[]"), key=lambda one: one["number"])
        except (ValueError, TypeError, KeyError):
            raise StoreError("gh gave no list of issues") from None
        found: dict[str, Incident] = {}
        for issue in issues:
            incident = incident_in(issue["body"] or "", issue["number"], issue["state"] == "OPEN")
            if incident is None:
                continue
            if incident.cause in found:
                if incident.is_open:
                    self._gh("issue", "close", str(incident.place), "--reason", "not planned")
                continue
            self._bodies[incident.place] = issue["body"]
            found[incident.cause] = incident
        self._open = {incident.place for incident in found.values() if incident.is_open}
        return found

    def record(
        self, incident: Incident, finding: Finding | None, notification: Notification | None, is_repeat: bool = False
    ) -> None:
        """Open, update, comment on or close the issue of the incident. Raises StoreError."""
        number, link = str(incident.place), self._link if finding else ""
        body = f"{finding.text}{link}" if finding else MARK.sub("", self._bodies[incident.place]).strip()
        if not incident.place:
            assert finding is not None, "an incident begins with a finding"
            about = "Problems that need a person. Workflows open, update and close these issues"
            self._gh("label", "create", LABEL, "--force", "--color", "C23B22", "--description", about)
            body = f"{body}{self._mark(incident, notification)}{self._mention}"
            self._gh("issue", "create", "--title", finding.title, "--label", LABEL, text=body)
            return
        was_open = incident.place in self._open
        if finding and not was_open:
            self._gh("issue", "reopen", number)
        if notification and not is_repeat:
            self._gh("issue", "comment", number, text=f"{notification[1]}{link}{self._mention if finding else ''}")
        if was_open and not incident.is_open:
            self._gh("issue", "close", number)
        body = f"{body}{self._mark(incident, notification)}"
        self._gh("issue", "edit", number, *(("--title", finding.title) if finding else ()), text=body)

    def _mark(self, incident: Incident, notification: Notification | None) -> str:
        """The hidden comment, written after the webhook got the notification."""
        delivered = self._send(*notification) if notification else incident.is_delivered
        raw = replace(incident, is_delivered=delivered).stored()
        return f"\n\n<!-- brapped {json.dumps({key: raw[key] for key in raw if key not in NOT_STORED})} -->"

    def _gh(self, *arguments: str, text: str | None = None) -> str:
        command = ["gh", *arguments, "--repo", self._repository, *(("--body-file", "-") if text is not None else ())]
        try:
            done = subprocess.run(
                command, input=text or "", capture_output=True, text=True, timeout=limits.GH_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StoreError(f"gh can't be run ({type(error).__name__})") from None
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise StoreError(lines[0] if lines else f"gh ended with {done.returncode}")
        return done.stdout


def incident_in(body: str, number: int, is_open: bool) -> Incident | None:
    """The incident in the text of an issue; None if there is none, or an edit made it unreadable."""
    mark = MARK.search(body)
    try:
        raw = json.loads(mark[1]) if mark else {}
        return replace(Incident.restored(raw), is_open=is_open, place=number)
    except (ValueError, KeyError, TypeError):
        return None
