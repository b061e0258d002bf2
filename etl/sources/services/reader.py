"""Read histories of other services beside Spotify's exports, file by file, whichever they are."""

from collections.abc import Callable, Iterator
from types import MappingProxyType

from etl.sources.exports.archives import JsonFile, Unreadable
from etl.sources.exports.others import KOITO, LASTFM, LISTENBRAINZ, MALOJA, service_of
from etl.sources.exports.reader import Reader
from etl.sources.exports.text import NotText, decode, to_utf8
from etl.sources.services import koito, lastfm, listenbrainz, maloja
from etl.sources.services.json_rows import Unparsed
from etl.sources.services.scrobbles import Scrobble, Scrobbles
from etl.staging import Part

READERS: MappingProxyType[str, Callable[[bytes], Iterator[Scrobble | Exception]]] = MappingProxyType(
    {LASTFM: lastfm.read, LISTENBRAINZ: listenbrainz.read, MALOJA: maloja.read, KOITO: koito.read}
)
DATE_ENDS = frozenset({listenbrainz.COPIED})  # all other sources here date the start
MAY_BE_OURS = (".csv", ".jsonl")
UNKNOWN = "it is none of the histories that Brapped knows (docs/importing.md has the list)"


class HistoryReader(Reader):
    """A Reader of Spotify's exports that reads the histories of other services, too."""

    def part(self, file: JsonFile, content: bytes) -> Part | Unreadable | None:
        """Read a file; None if it is no listening history."""
        service = service_of(content)
        if service is not None:
            return self.scrobbled(file, content, service)
        if file.name.lower().endswith(MAY_BE_OURS):
            return Unreadable(file.name, UNKNOWN) if file.is_named else None
        return super().part(file, content)

    def scrobbled(self, file: JsonFile, content: bytes, service: str) -> Part | Unreadable:
        """The history of a service as a part."""
        read = Scrobbles(self.latest)
        try:
            content = to_utf8(content)
            if note := decode(content).note:
                read.notes.append(note)
                content = decode(content).text.encode("utf-8", "surrogateescape")
            read.read(READERS[service](content))
        except (NotText, Unparsed) as why:
            return Unreadable(file.name, str(why))
        dates_start = frozenset(read.sources) - DATE_ENDS
        tables = read.tables(self.item_number, self.file_number, dates_start)
        self.item_number += len(read.sources)
        self.file_number += 1
        return Part(
            package=file.package,
            name=file.name,
            kind=read.sources[0] if read.sources else service,
            row_count=read.row_count,
            podcast_count=0,
            unnamed_count=0,
            private_count=0,
            malformed=tuple(read.malformed),
            malformed_count=read.malformed_count,
            tables=tables,
            notes=read.all_notes(),
        )
