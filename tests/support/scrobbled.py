"""What scrobblers would have sent of the plays of a real export: starts, oddly written names, clocks that are off, repeats. Pure.

It shares nothing with the program: whether a play is scrobbled is decided by Last.fm's rule, from the longest play of its track.
"""

import csv
import io
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from support.real_exports import began, ended, item_of, listens


@dataclass(frozen=True)
class Sent:
    """A scrobble: its start in milliseconds since 1970, by the scrobbler's clock, and what it says was played."""

    at_ms: int
    artist: str
    title: str
    album: str
    uri: str


def scrobbled_listens(rows: list[dict], *, by_start: bool = False) -> list[tuple[int, dict]]:
    """The start and the row of each listen that Last.fm would have: a song of over 30 s, heard half through or four minutes.

    by_start: the export's own start of it where that is known, with all pauses after it; otherwise date less milliseconds.
    """
    songs = [one for one in listens(rows) if (item_of(one[0]) or "").startswith("spotify:track:")]
    longest: dict[str | None, int] = defaultdict(int)
    for one in songs:
        longest[item_of(one[0])] = max(longest[item_of(one[0])], *(row["ms_played"] for row in one))
    found = []
    for one in songs:
        row = min(one, key=ended)
        heard, length = max(part["ms_played"] for part in one), longest[item_of(row)]
        if length > 30_000 and heard >= min(length / 2, 240_000) and row["master_metadata_track_name"]:
            start = began(row)
            found.append((start if by_start and start else ended(row) - heard, row))
    return sorted(found, key=lambda one: one[0])


def scrobbles(listened: Iterable[tuple[int, dict]], seed: int = 1, *, skew_s: int = 20) -> list[Sent]:
    """Each as a scrobbler sends it: its clock is off by up to `skew_s` seconds, anew each month, and a second now and then."""
    random = Random(seed)
    skews: dict[int, int] = {}
    sent = []
    for start, row in listened:
        skew = skews.setdefault(start // (30 * 86_400_000), random.randint(-skew_s, skew_s))
        at = start + 1000 * (skew + random.choice((0, 0, 0, 0, 1, -1, 2)))
        artist, title = row["master_metadata_album_artist_name"], row["master_metadata_track_name"]
        sent.append(
            Sent(
                at,
                random.choice((artist, artist, artist, artist.upper(), bare(artist), f"{artist} & Somebody Else")),
                random.choice((title, title, title, title.lower(), bare(title), f"{title} (feat. Somebody Else)")),
                row["master_metadata_album_album_name"] or "",
                row["spotify_track_uri"],
            )
        )
    return sent


def bare(name: str) -> str:
    """Without accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))


def moment(sent: Sent) -> datetime:
    return datetime.fromtimestamp(sent.at_ms // 1000, UTC)


def as_minutes(sent: Iterable[Sent]) -> bytes:
    """A CSV without header, to the minute, newest first, without commas and quotation marks: as lastfm-to-csv writes it."""
    lines = (
        ",".join(part.replace(",", "").replace('"', "") for part in (one.artist, one.album, one.title))
        + f",{moment(one):%d %b %Y %H:%M}"
        for one in sorted(sent, key=lambda one: -one.at_ms)
    )
    return "\n".join(lines).encode()


def as_seconds(sent: Iterable[Sent]) -> bytes:
    """A CSV with header and seconds, every value quoted."""
    text = io.StringIO()
    written = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    written.writerow(["uts", "utc_time", "artist", "artist_mbid", "album", "album_mbid", "track", "track_mbid"])
    for one in sorted(sent, key=lambda one: -one.at_ms):
        written.writerow(
            [one.at_ms // 1000, f"{moment(one):%d %b %Y, %H:%M}", one.artist, "", one.album, "", one.title, ""]
        )
    return text.getvalue().encode()


def as_pages(sent: Iterable[Sent]) -> bytes:
    """Pages of user.getRecentTracks, the first of which begins with what is playing."""
    tracks = [
        {
            "artist": {"mbid": "", "#text": one.artist},
            "album": {"mbid": "", "#text": one.album},
            "name": one.title,
            "date": {"uts": str(one.at_ms // 1000), "#text": f"{moment(one):%d %b %Y, %H:%M}"},
        }
        for one in sorted(sent, key=lambda one: -one.at_ms)
    ]
    playing = {"artist": {"#text": "Ann"}, "name": "Now", "album": {"#text": ""}, "@attr": {"nowplaying": "true"}}
    parts = [[playing, *tracks[:200]], *(tracks[n : n + 200] for n in range(200, len(tracks), 200))]
    return json.dumps([{"recenttracks": {"track": part, "@attr": {"page": "1"}}} for part in parts]).encode()


def as_listens(sent: Iterable[Sent], *, share_with_id: float = 0.5) -> Iterator[tuple[str, bytes]]:
    """The files of ListenBrainz's archive: one a month."""
    random = Random(2)
    months: dict[str, list[str]] = defaultdict(list)
    for one in sorted(sent, key=lambda one: one.at_ms):
        at = moment(one)
        info = {"submission_client": "pano"}
        if random.random() < share_with_id:
            info["spotify_id"] = f"https://open.spotify.com/track/{one.uri.rpartition(':')[2]}"
        line = {
            "listened_at": one.at_ms / 1000,
            "track_metadata": {
                "artist_name": one.artist,
                "track_name": one.title,
                "release_name": one.album,
                "additional_info": info,
                "mbid_mapping": None,
            },
        }
        months[f"listens/{at.year}/{at.month}.jsonl"].append(json.dumps(line))
    for name, lines in months.items():
        yield name, ("\n".join(lines) + "\n").encode()


def as_maloja(sent: Iterable[Sent]) -> bytes:
    """Maloja's export."""
    rows = [
        {
            "time": one.at_ms // 1000,
            "track": {
                "artists": [one.artist],
                "title": one.title,
                "album": {"artists": [one.artist], "albumtitle": one.album},
                "length": None,
            },
            "duration": None,
            "origin": "client:default",
        }
        for one in sent
    ]
    return json.dumps({"maloja": {"export_time": 1}, "scrobbles": rows}, indent=3).encode()


def as_koito(sent: Iterable[Sent]) -> bytes:
    """Koito's export."""

    def alias(name: str) -> dict:
        return {"mbid": None, "aliases": [{"alias": name, "source": "Canonical", "is_primary": True}]}

    rows = [
        {
            "listened_at": f"{moment(one):%Y-%m-%dT%H:%M:%SZ}",
            "client": "",
            "track": {"duration": 0, **alias(one.title)},
            "album": alias(one.album),
            "artists": [{"is_primary": True, **alias(one.artist)}],
        }
        for one in sent
    ]
    return json.dumps({"version": "1", "exported_at": "2026-01-01T00:00:00Z", "user": "x", "listens": rows}).encode()
