"""Keep what was sent in a file, where there are no GitHub issues."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from etl.alerts.ledger import Alert, Known, News, Unwritable
from etl.whole_file import UnwritableError, whole_file


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
