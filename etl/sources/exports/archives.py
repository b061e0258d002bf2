"""Find JSON files in folders and zip archives, and read them without unpacking to disk. Trusts no archive."""

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
LARGEST_FILE = 512 * MIB  # Spotify splits its exports into files of some 12 MB
BOMB_SIZE = 10 * MIB  # a smaller entry does no harm, whatever its compression ratio
BOMB_RATIO = 200  # real exports shrink to a twelfth
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    RuntimeError,
)  # what zipfile raises for damaged entries
LEADS_OUT = "its path leads out of the archive"


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read at all, and why, in words for a person."""

    name: str
    reason: str


@dataclass(frozen=True)
class JsonFile:
    """A JSON file in a folder or an archive."""

    package: str  # its folder, starting with the name of the path given: the files of one folder are one export
    name: str  # its path within the folder or archive given
    size: int  # bytes, unpacked, as the archive declares them
    path: Path  # the file, or the archive that it is in
    entry: zipfile.ZipInfo | None
    is_named: bool  # given by its own path, rather than found in a folder or archive


def find_json_files(paths: Iterable[Path]) -> Iterator[JsonFile | Unreadable]:
    """Every JSON file of `paths` (zip archives, folders and all below them, files), each once, in a stable order."""
    known: set[Path] = set()
    for named in paths:
        is_folder = named.is_dir()
        top = PurePosixPath(named.resolve().name if is_folder else "")
        for path in files_below(named) if is_folder else [named]:
            if isinstance(path, Unreadable):
                yield path
                continue
            name = path.relative_to(named).as_posix() if is_folder else path.name
            real = resolve_links(path)
            if real is None:
                yield Unreadable(printable(name), "it is a link that leads to itself")
                continue
            if real in known:
                continue
            known.add(real)
            if is_folder and path.is_symlink() and not real.is_relative_to(named.resolve()):
                yield Unreadable(printable(name), "it is a link that leads out of the folder")
            elif not path.is_file():
                yield Unreadable(printable(name), "it is not a regular file")
            elif path.suffix.lower() == ".zip" or (not is_folder and zipfile.is_zipfile(path)):
                yield from zip_entries(
                    path, name, top / name if is_folder else PurePosixPath(name), prefix=f"{name}/" if is_folder else ""
                )
            else:
                package = printable((top / name).parent.as_posix())
                yield JsonFile(package, printable(name), path.stat().st_size, path, None, not is_folder)


def resolve_links(path: Path) -> Path | None:
    """The path with all symbolic links resolved; None for links that lead in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # which one depends on the version of Python
        return None


def read_files(files: Iterable[JsonFile]) -> Iterator[tuple[JsonFile, bytes | Unreadable]]:
    """Each of `files` with its contents, one in memory at a time."""
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
    """The contents of a file, never more than LARGEST_FILE or, in an archive, than its entry declares."""
    if archive is None or file.entry is None:
        with file.path.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
        return content if len(content) <= LARGEST_FILE else too_large(file.name)
    with archive.open(file.entry) as packed:
        content = packed.read(file.size + 1)  # one byte more than declared, and no further
    return content if len(content) == file.size else Unreadable(file.name, "it is damaged within its archive")


def files_below(folder: Path) -> Iterator[Path | Unreadable]:
    """JSON files and archives in a folder and all below it, sorted. Links to folders are not followed."""
    errors: list[OSError] = []
    for above, folders, names in os.walk(folder, onerror=errors.append):
        folders.sort()
        for name in sorted(names):
            path = Path(above, name)
            if is_wanted(path.relative_to(folder).parts):
                yield path
    for error in errors:
        name = Path(error.filename).relative_to(folder).as_posix()
        yield Unreadable(printable(name), f"the folder can't be opened ({error.strerror})")


def zip_entries(path: Path, name: str, top: PurePosixPath, prefix: str) -> Iterator[JsonFile | Unreadable]:
    """The JSON files of a zip archive, and the entries that are refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = sorted(archive.infolist(), key=lambda entry: entry.filename)
    except OSError as error:
        yield Unreadable(printable(name), f"it can't be opened ({error.strerror})")
        return
    except DAMAGED:
        yield Unreadable(
            printable(name), "it is not a complete zip archive: it is damaged, or its download was interrupted"
        )
        return
    if sum(entry.compress_size for entry in found) > path.stat().st_size:
        yield Unreadable(printable(name), "its entries overlap, as in a zip bomb")
        return
    for entry in found:
        inside = PurePosixPath(entry.filename.replace("\\", "/"))  # some Windows programs write backslashes
        shown = printable(f"{prefix}{inside}")
        if entry.is_dir() or not is_wanted(inside.parts):
            continue
        reason = refusal_reason(entry, inside)
        if reason:
            yield Unreadable(shown, reason)
        else:
            package = printable((top / inside.parent).as_posix())
            yield JsonFile(package, shown, entry.file_size, path, entry, is_named=False)


def refusal_reason(entry: zipfile.ZipInfo, inside: PurePosixPath) -> str | None:
    """Why an entry is not opened; None if it is."""
    if inside.is_absolute() or ".." in inside.parts or inside.parts[0].endswith(":"):
        return LEADS_OUT
    if inside.suffix.lower() == ".zip":
        return "it is an archive within an archive: unpack the outer one first"
    if entry.flag_bits & 0x1:
        return "it is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "its compression method is not supported"  # bzip2 and lzma can't be unpacked up to a limit
    if entry.file_size > LARGEST_FILE:
        return too_large(inside.name).reason
    if entry.file_size > BOMB_SIZE and entry.file_size > BOMB_RATIO * entry.compress_size:
        return "it unpacks to more than any export does, as in a zip bomb"
    return None


def is_wanted(parts: tuple[str, ...]) -> bool:
    """Whether a path names a JSON file or an archive, and not what macOS adds to archives (__MACOSX, ._name)."""
    return (
        parts[-1:] != ()
        and parts[-1].lower().endswith((".json", ".jsonl", ".csv", ".zip"))
        and not parts[-1].startswith("._")
        and "__MACOSX" not in parts
    )


def too_large(name: str) -> Unreadable:
    return Unreadable(name, f"it is larger than {LARGEST_FILE // MIB} MiB")
