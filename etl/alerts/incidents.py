"""Compare what a run found with what people were already told, and say what is new.

Standard library only, because a workflow runs `python3 -m etl.alerts JOB` with the runner's own Python, even when
nothing could be installed.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from etl.health.findings import Finding

Warn = Callable[[str], None]
Send = Callable[[str, str], bool]  # title and text; whether it was delivered
Notification = tuple[str, str]  # title and text


@dataclass(frozen=True)
class Inspection:
    """What one run of a job found.

    inspected: the causes that the run checked. One of them that it did not find is resolved. None: all causes of this
    job. is_daily: the first run of a day. Where nothing remembers what was sent before, that run repeats everything.
    """

    job: str
    findings: tuple[Finding, ...] = ()
    inspected: tuple[str, ...] | None = None
    is_daily: bool = False

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Inspection":
        """The opposite of `as_json`. Raises ValueError, KeyError or TypeError for anything else."""
        raw = json.loads(text)
        findings = tuple(Finding(**one) for one in raw["findings"])
        inspected = None if raw["inspected"] is None else tuple(raw["inspected"])
        return cls(raw["job"], findings, inspected, raw["is_daily"])


# Keys of a stored incident that are called otherwise here: issues and files of earlier versions have them.
STORED_AS = {"is_resolved": "is_well", "is_delivered": "is_heard"}


@dataclass(frozen=True)
class Incident:
    """The last alert about one cause.

    jobs: whose runs found it. is_open: whether its issue is still open; a person may have closed it. is_delivered: the
    webhook, if there is one, has taken the last notification. place: the number of the issue; 0 elsewhere.
    """

    cause: str
    state: str
    title: str
    jobs: tuple[str, ...]
    is_resolved: bool = False
    is_open: bool = True
    is_delivered: bool = True
    place: int = field(default=0, compare=False)

    def stored(self) -> dict[str, Any]:
        """The incident as a store keeps it."""
        return {STORED_AS.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def restored(cls, raw: dict[str, Any]) -> "Incident":
        """The opposite of `stored`. Raises KeyError or TypeError for anything else."""
        named = {name: raw[key] for name in cls.__dataclass_fields__ if (key := STORED_AS.get(name, name)) in raw}
        return cls(**{**named, "jobs": tuple(raw["jobs"])})


class AlertStore(Protocol):
    """Where incidents are kept, one for each cause, and where people read them."""

    def incidents(self) -> dict[str, Incident]:
        """All incidents by cause. Raises StoreError."""
        ...

    def record(
        self, incident: Incident, finding: Finding | None, notification: Notification | None, is_repeat: bool = False
    ) -> None:
        """Send the notification, if there is one, and only then keep the incident: an alert that comes twice is better
        than one that never comes. Raises StoreError.

        finding: what is wrong now; None when it is resolved, or when nothing has changed. is_repeat: people have read
        the notification, and only the webhook has not taken it yet.
        """
        ...


class StoreError(Exception):
    """The store can't be read or written. The message says why, in one line."""


def reconcile(inspection: Inspection, store: AlertStore) -> Iterator[Notification]:
    """Bring the store up to date. Yields each new notification once the store has recorded it. Raises StoreError."""
    known = store.incidents()
    for finding in inspection.findings:
        before = known.get(finding.cause)
        jobs = tuple(sorted({inspection.job, *(before.jobs if before and not before.is_resolved else ())}))
        now = Incident(finding.cause, finding.state, finding.title, jobs, place=before.place if before else 0)
        notification = (finding.title, finding.text)
        is_new = before is None or before.is_resolved or before.state != finding.state
        if before is None or is_new or is_reopened(inspection.job, finding, before):
            store.record(now, finding, notification)
            yield notification
        elif not before.is_delivered:
            store.record(replace(now, is_open=before.is_open), None, notification, is_repeat=True)
            yield notification
        elif before.jobs != jobs:
            store.record(replace(now, is_open=before.is_open), None, None)
    found = {finding.cause for finding in inspection.findings}
    for cause, before in known.items():
        resolved = (f"Over: {before.title}", "This is well again.")
        if before.is_resolved and not before.is_delivered and cause not in found:
            store.record(before, None, resolved, is_repeat=True)
            yield resolved
        was_inspected = inspection.inspected is None or cause in inspection.inspected
        if cause in found or not was_inspected or before.is_resolved or inspection.job not in before.jobs:
            continue
        others = tuple(job for job in before.jobs if job != inspection.job)
        now = replace(before, jobs=others, is_open=before.is_open and bool(others), is_resolved=not others)
        is_news = before.is_open and not others
        delivered = before.is_delivered or now.is_resolved
        store.record(replace(now, is_delivered=delivered), None, resolved if is_news else None)
        if is_news:
            yield resolved


def is_reopened(job: str, finding: Finding, before: Incident) -> bool:
    """Whether a failure that a person closed, as one of other jobs, is now one of this job, too."""
    return finding.is_failure and not before.is_open and job not in before.jobs
