"""Telling people: one issue on GitHub a cause, opened, updated and closed; and a webhook, if there is one.

Standard library only. A workflow runs it as `python3 -m etl.alerts JOB` with the runner's own Python, also when nothing could
be installed; so it reads what a workflow hands over from the environment itself, as `etl.settings` does for all else. The
step that runs it holds the right to write issues, and no secret but the webhook's address.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

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
