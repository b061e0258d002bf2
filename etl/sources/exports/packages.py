"""Read the exports at some paths, without parsing the packages that an earlier import has read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from etl.sources.exports import archives
from etl.sources.exports.archives import JsonFile, Unreadable
from etl.sources.exports.earlier import EarlierImports, KnownFile, hash_of, may_be_history, owner_of, rules_of
from etl.staging import AHEAD, Part
from etl.values import printable

SHOWN_PATH = 200  # characters
Progress = Callable[[int, int], None]


class ExportError(Exception):
    """There is nothing to import at the paths given. The message is for the person."""


def must_exist(paths: Sequence[Path]) -> None:
    """Raises ExportError for a path that does not exist or can't be opened."""
    for path in paths:
        name = printable(str(path))
        try:
            if not path.exists():
                is_link = path.is_symlink()
                raise ExportError(
                    f"{name} is a link that leads nowhere." if is_link else f"There is no file or folder {name}."
                )
        except OSError as error:  # a name that is too long, a folder that is closed
            raise ExportError(f"{name[:SHOWN_PATH]} can't be opened: {error.strerror}.") from None


class HistoryReader(Protocol):
    """What parses files; in fact a Reader (exports/reader.py), which an import of known files does not even load."""

    def leave_out_private(self, content: bytes) -> None: ...

    def part(self, file: JsonFile, content: bytes) -> Part | Unreadable | None: ...


class MakeReader(Protocol):
    """Makes the reader of one import. `latest`: a row that ends later is malformed."""

    def __call__(self, latest: datetime, *, without_private: bool) -> HistoryReader: ...


def read_packages(
    paths: Sequence[Path],
    make_reader: MakeReader,
    *,
    without_private: bool = False,
    now: datetime,
    earlier: EarlierImports = EarlierImports(),  # noqa: B008  nothing changes it
    progress: Progress = lambda done, total: None,
) -> Iterator[Part | Unreadable | KnownFile]:
    """Read every file of a listening history in `paths` (zip archives, folders, JSON files), one at a time.

    A file is recognized by its contents, and other JSON of Spotify's packages is skipped. The files of a package that
    an `earlier` import has read by the same rules are only hashed; `make_reader` is called for others. `progress` receives the bytes done and the bytes in
    all, unpacked. Raises ExportError for a missing path, and when there is no history at all.
    """
    must_exist(paths)
    found = list(archives.find_json_files(paths))
    yield from (unreadable for unreadable in found if isinstance(unreadable, Unreadable))
    files = [file for file in found if isinstance(file, JsonFile)]
    done, total, count = 0, sum(file.size for file in files), len(found) - len(files)
    progress(done, total)
    rules = rules_of(hashes_of(files) if without_private else (), without_private=without_private)
    known = known_packages(files, earlier, rules)
    with_history: set[Path] = set()
    for package, recognized in known.items():
        for path, known_file in recognized:
            with_history.add(path)
            yield known_file
        count += len(recognized)
        done += sum(file.size for file in files if file.package == package)
        progress(done, total)
    unknown = [file for file in files if file.package not in known]
    for file, part in parts_of(
        files, unknown, rules, partial(make_reader, now + AHEAD), without_private=without_private
    ):
        if part is not None:
            count += 1
            with_history.add(file.path)
            yield part
        done += file.size
        progress(done, total)
    if count:
        yield from (
            Unreadable(printable(path.name), "there is no listening history in it")
            for path in paths
            if not any(path_read.resolve().is_relative_to(path.resolve()) for path_read in with_history)
            and not any(isinstance(found, Unreadable) for found in archives.find_json_files([path]))
        )
    else:
        raise ExportError(
            f"No listening history in {', '.join(printable(str(path)) for path in paths)}. Looked for JSON files, also"
            " within folders and zip"
            " archives, whose rows have ts and ms_played (extended streaming history) or endTime and msPlayed (account"
            " data), and for the histories of Last.fm, ListenBrainz, Maloja and Koito."
        )


def parts_of(
    files: Sequence[JsonFile],
    unknown: Sequence[JsonFile],
    rules: str,
    make_reader: Callable[..., HistoryReader],
    *,
    without_private: bool,
) -> Iterator[tuple[JsonFile, Part | Unreadable | None]]:
    """Each unknown file with what it reads as; None if it is not one of a listening history.

    Without private sessions, all `files` are searched for them first.
    """
    if not unknown:
        return
    reader = make_reader(without_private=without_private)
    if without_private:
        for _, content in archives.read_files(files):
            if isinstance(content, bytes):
                reader.leave_out_private(content)
    for file, content in archives.read_files(unknown):
        part = content if isinstance(content, Unreadable) else reader.part(file, content)
        if isinstance(part, Part) and isinstance(content, bytes):
            part = replace(part, content_hash=hash_of(content), rules=rules)
        del content
        yield file, part


def hashes_of(files: Iterable[JsonFile]) -> Iterator[str]:
    """The hash of each file that can be read."""
    for _, content in archives.read_files(files):
        if isinstance(content, bytes):
            yield hash_of(content)


def known_packages(
    files: Sequence[JsonFile], earlier: EarlierImports, rules: str
) -> dict[str, list[tuple[Path, KnownFile]]]:
    """The packages whose every history an earlier import has read together, each with those files and their paths."""
    if not earlier.packages:
        return {}
    packages: dict[str, list[JsonFile]] = {}
    for file in files:
        packages.setdefault(file.package, []).append(file)
    found = {package: known_files(together, earlier, rules) for package, together in packages.items()}
    return {package: known for package, known in found.items() if known}


def known_files(package: Sequence[JsonFile], earlier: EarlierImports, rules: str) -> list[tuple[Path, KnownFile]]:
    """The histories of a package if an earlier import has read all of them together; empty otherwise."""
    hashed: list[tuple[JsonFile, str, bytes | None]] = []
    for file, content in archives.read_files(package):
        if isinstance(content, Unreadable):
            return []
        content_hash = hash_of(content)
        kind = earlier.kind_of(content_hash)
        if kind is not None:
            hashed.append((file, content_hash, owner_of(kind, content)))
        elif may_be_history(file.name, content, is_named=file.is_named):
            return []
    read_before = earlier.package_with((content_hash for _, content_hash, _ in hashed), rules)
    if read_before is None:
        return []
    return [
        (file.path, KnownFile(file.package, file.name, read_before[content_hash], owner))
        for file, content_hash, owner in hashed
    ]
