"""Recognize, without parsing, files that an earlier import of the same listener has read: by their SHA-256. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from etl.sources.exports.others import service_of
from etl.sources.exports.owner import owner_in
from etl.sources.exports.text import NotText, to_utf8

# How a file is turned into rows. Raise it when a change makes any file read differently: each is then read once more.
RULES = "1"
MARK = re.compile(rb'"(?:ms_played|msPlayed)"')  # in every row of a listening history
NAMED_LIKE_A_HISTORY = re.compile(r"(?P<account>streaminghistory)|streaming_history|endsong|endvideo", re.IGNORECASE)


@dataclass(frozen=True)
class EarlierFile:
    """A file as an earlier import read it, without a bad row, and the counts of its receipt."""

    run_key: int
    package: str
    content_hash: str
    rules: str
    kind: str
    row_count: int
    duplicate_count: int
    private_count: int
    podcast_count: int
    unnamed_count: int


@dataclass(frozen=True)
class KnownFile:
    """A file of this import that an earlier one has read: nothing in it is new."""

    package: str
    name: str
    earlier: EarlierFile
    owner: bytes | None = field(default=None, repr=False)  # hash of the user name in the file (exports/owner.py)

    @property
    def content_hash(self) -> str:
        return self.earlier.content_hash


class EarlierImports:
    """The files that earlier imports of one listener have read; by default none."""

    def __init__(self, files: Iterable[EarlierFile] = ()) -> None:
        self.packages: dict[tuple[int, str, str], dict[str, EarlierFile]] = {}
        self.kinds: dict[str, str] = {}  # by hash
        for file in files:
            self.packages.setdefault((file.run_key, file.package, file.rules), {})[file.content_hash] = file
            self.kinds[file.content_hash] = file.kind

    def kind_of(self, content_hash: str) -> str | None:
        """The kind of export that a file with this hash is; None if no earlier import has read it."""
        return self.kinds.get(content_hash)

    def package_with(self, hashes: Iterable[str], rules: str) -> Mapping[str, EarlierFile] | None:
        """A package that one import read by these rules and that had all these files, by hash; None if there is none.

        All in one, because the span that an export covers reaches from its first file to its last.
        """
        wanted = set(hashes)
        return next(
            (files for (_, _, read_by), files in self.packages.items() if read_by == rules and wanted <= files.keys()),
            None,
        )


def hash_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def rules_of(hashes: Iterable[str], *, without_private: bool) -> str:
    """The rules by which an import of these files reads each of them.

    Without private sessions, what is left out of the account data depends on what the extended history says of it, so
    the files themselves are part of the rules.
    """
    if not without_private:
        return RULES
    return f"{RULES}, without private sessions as in {hash_of(' '.join(sorted(set(hashes))).encode())}"


def owner_of(kind: str, content: bytes) -> bytes | None:
    """The hash of the user name in a file. The account data has none."""
    return owner_in(to_utf8(content)) if kind == "extended_export" else None


def may_be_history(name: str, content: bytes, *, is_named: bool) -> bool:
    """Whether a file has to be parsed to know that it is no listening history. `is_named`: given by its own path."""
    if is_named or NAMED_LIKE_A_HISTORY.match(name.rpartition("/")[2]):
        return True
    try:
        return service_of(content) is not None or MARK.search(to_utf8(content)) is not None
    except NotText:
        return False
