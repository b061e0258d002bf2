"""JSON files in zip archives and folders: found, and read without unpacking anything to disk. Trusts no archive."""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath

from etl.values import printable

MIB = 2**20
LARGEST_FILE = 512 * MIB  # Spotify cuts its files at some 12 MB
BOMB_SIZE = 10 * MIB  # a smaller entry does no harm, however well it was packed
BOMB_RATIO = 200  # real exports shrink to a twelfth
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)  # what zipfile raises for broken entries
LEADS_OUT = "its path leads out of the archive"


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read at all: its name as a person knows it, and why, in plain words."""

    name: str
    reason: str


@dataclass(frozen=True)
class JsonFile:
    """A file that is called .json, in a folder or an archive."""

    package: str  # the folder it stands in, from the name of what was typed on: files of one folder are one export
    name: str  # its path in the archive or folder that was typed
    size: int  # bytes, unpacked, as the archive declares them
    path: Path  # the file, or the archive that it is in
    entry: zipfile.ZipInfo | None
    is_typed: bool  # the person named this very file


def find(paths: Iterable[Path]) -> Iterator[JsonFile | Unreadable]:
    """Every JSON file of `paths` (archives, folders with all below them, files), each once, in the same order every time."""
    known: set[Path] = set()
    for typed in paths:
        is_folder = typed.is_dir()
        top = PurePosixPath(typed.resolve().name if is_folder else "")
        for path in files_below(typed) if is_folder else [typed]:
            if isinstance(path, Unreadable):
                yield path
                continue
            name = path.relative_to(typed).as_posix() if is_folder else path.name
            real = resolved(path)
            if real is None:
                yield Unreadable(printable(name), "it is a link that leads to itself")
                continue
            if real in known:
                continue
            known.add(real)
            if is_folder and path.is_symlink() and not real.is_relative_to(typed.resolve()):
                yield Unreadable(printable(name), "it is a link that leads out of the folder")
            elif not path.is_file():
                yield Unreadable(printable(name), "it is not a regular file")
            elif path.suffix.lower() == ".zip" or (not is_folder and zipfile.is_zipfile(path)):
                yield from entries(
                    path, name, top / name if is_folder else PurePosixPath(name), prefix=f"{name}/" if is_folder else ""
                )
            else:
                package = printable((top / name).parent.as_posix())
                yield JsonFile(package, printable(name), path.stat().st_size, path, None, not is_folder)


def resolved(path: Path) -> Path | None:
    """Where a path leads through its links; None for links that lead in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # Python raised the one or the other, from version to version
        return None


def contents(files: Iterable[JsonFile]) -> Iterator[tuple[JsonFile, bytes | Unreadable]]:
    """Each of `files` with what is in it, one in memory at a time."""
    for path, together in groupby(files, key=lambda file: file.path):
        with ExitStack() as stack:
            archive = None
            for file in together:
                try:
                    if file.entry is not None and archive is None:
                        archive = stack.enter_context(zipfile.ZipFile(path))
                    content = read(file, archive)
                except DAMAGED:
                    content = Unreadable(file.name, "it is damaged within its archive")
                except OSError as error:
                    content = Unreadable(file.name, f"it can't be opened ({error.strerror})")
                yield file, content
                del content


def read(file: JsonFile, archive: zipfile.ZipFile | None) -> bytes | Unreadable:
    """All of a file, and never more than it declares, whatever really comes out of the archive."""
    if archive is None or file.entry is None:
        with file.path.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        return content if len(content) <= LARGEST_FILE else too_large(file.name)
    with archive.open(file.entry) as packed:
        content = packed.read(file.size + 1)  # unpacks no further; more, or other bytes, break the checksum
    return content if len(content) == file.size else Unreadable(file.name, "it is damaged within its archive")


def files_below(folder: Path) -> Iterator[Path | Unreadable]:
    """JSON files and archives of a folder and all below it, sorted. Links to folders are not followed."""
    closed: list[OSError] = []
    for above, folders, names in os.walk(folder, onerror=closed.append):
        folders.sort()
        for name in sorted(names):
            path = Path(above, name)
            if is_wanted(path.relative_to(folder).parts):
                yield path
    for error in closed:
        name = Path(error.filename).relative_to(folder).as_posix()
        yield Unreadable(printable(name), f"the folder can't be opened ({error.strerror})")


def entries(path: Path, name: str, top: PurePosixPath, prefix: str) -> Iterator[JsonFile | Unreadable]:
    """The JSON files of an archive, and the entries that won't be opened."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = sorted(archive.infolist(), key=lambda entry: entry.filename)
    except OSError as error:
        yield Unreadable(printable(name), f"it can't be opened ({error.strerror})")
        return
    except DAMAGED:
        yield Unreadable(printable(name), "it is not a whole zip archive: damaged, or its download broke off")
        return
    if sum(entry.compress_size for entry in found) > path.stat().st_size:
        yield Unreadable(printable(name), "its entries overlap, as in an archive that was made to burst")
        return
    for entry in found:
        inside = PurePosixPath(entry.filename.replace("\\", "/"))  # some programs for Windows write it so
        shown = printable(f"{prefix}{inside}")
        if entry.is_dir() or not is_wanted(inside.parts):
            continue
        reason = refused(entry, inside)
        if reason:
            yield Unreadable(shown, reason)
        else:
            package = printable((top / inside.parent).as_posix())
            yield JsonFile(package, shown, entry.file_size, path, entry, is_typed=False)


def refused(entry: zipfile.ZipInfo, inside: PurePosixPath) -> str | None:
    """Why an entry is not opened; None if it may be."""
    if inside.is_absolute() or ".." in inside.parts or inside.parts[0].endswith(":"):
        return LEADS_OUT
    if inside.suffix.lower() == ".zip":
        return "it is an archive within an archive: unpack the outer one first"
    if entry.flag_bits & 0x1:
        return "it is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is packed in a way that is not read here"  # bzip2 and lzma can't be unpacked up to a limit
    if entry.file_size > LARGEST_FILE:
        return too_large(inside.name).reason
    if entry.file_size > BOMB_SIZE and entry.file_size > BOMB_RATIO * entry.compress_size:
        return "it unpacks to more than any export does, as in an archive that was made to burst"
    return None


def is_wanted(parts: tuple[str, ...]) -> bool:
    """A name that a JSON file or an archive has. What macOS adds to archives (__MACOSX, ._name) is none."""
    return (
        parts[-1:] != ()
        and parts[-1].lower().endswith((".json", ".zip"))
        and not parts[-1].startswith("._")
        and "__MACOSX" not in parts
    )


def too_large(name: str) -> Unreadable:
    return Unreadable(name, f"it is larger than {LARGEST_FILE // MIB} MiB")
