"""Split a CSV into records so that a quotation mark that is never closed costs its own line only. Pure."""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator

MOST_LINES = 10  # of one record: a title with a line break in it is rare, one with nine is none
ENDS = ("\n", "\r")
IsRecord = Callable[[list[str]], bool]


def records(lines: Iterable[str], delimiter: str, is_record: IsRecord) -> Iterator[list[str] | None]:
    """The fields of each record, in order; None for a line that can't be split. Empty lines are left out.

    A quoted field may go on over MOST_LINES lines. But if one of those that follow is a record by itself, or what they
    give together is none, the mark was never meant to open a field, and the line stands alone. `is_record`: whether
    fields are those of a record.
    """
    coming = iter(lines)
    ahead: deque[str] = deque()
    while line := ahead.popleft() if ahead else next(coming, ""):
        fields = split(line, delimiter)
        if fields is not None and not is_open(fields):
            if fields:
                yield fields
            continue
        taken: list[str] = []
        whole = None
        while whole is None and len(taken) < MOST_LINES - 1:
            more = ahead.popleft() if ahead else next(coming, "")
            if not more:
                break
            taken.append(more)
            alone = split(more, delimiter)
            if alone and not is_open(alone) and is_record(alone):
                break
            whole = joined([line, *taken], delimiter)
        if whole is not None and is_record(whole):
            yield whole
        else:
            ahead.extendleft(reversed(taken))
            yield unquoted(line, delimiter, is_record)


def split(line: str, delimiter: str) -> list[str] | None:
    """The fields of a line, the last with its end if a quoted field goes on; None if one is too long. Pure."""
    if '"' not in line:
        bare = line.rstrip("\r\n")
        return bare.split(delimiter) if bare else []
    try:
        return next(csv.reader([line if line.endswith(ENDS) else line + "\n"], delimiter=delimiter), [])
    except csv.Error:
        return None


def is_open(fields: list[str]) -> bool:
    """Whether the line ended within a quoted field. Pure."""
    return bool(fields) and fields[-1].endswith(ENDS)


def joined(lines: list[str], delimiter: str) -> list[str] | None:
    """The fields of lines that are one record, with every quotation mark in its place; None if they aren't. Pure."""
    try:
        found = list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None


def unquoted(line: str, delimiter: str, is_record: IsRecord) -> list[str] | None:
    """The fields of a line whose only quotation mark is a part of its text (a 12" single); None if it isn't. Pure."""
    fields = line.rstrip("\r\n").split(delimiter)
    return fields if line.count('"') == 1 and is_record(fields) else None
