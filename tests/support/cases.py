"""What the cases of one listen are told with: rows of every source in a few words, and batches merged as the jobs do it."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from etl.dimensions.transform import catalogue_tables
from etl.jobs.imports import import_exports, stage_files
from etl.settings import Settings
from etl.sources.exports.reader import name_uri, read_exports
from etl.sources.recently_played import read_page
from etl.staging import Table
from etl.warehouse.connection import Warehouse
from etl.warehouse.load import stage
from etl.warehouse.merge import Rebuilt, merge_catalogue, merge_plays, rebuild_plays, rematch_plays
from etl.warehouse.statements import run
from support import NOW
from support.export_files import Rows, write_folder

FILES = {
    "ts": "Streaming_History_Audio_2026.json",
    "endTime": "StreamingHistory_music_0.json",
}  # by a key of their rows
SHORT = {
    "recently_played": "list",
    "extended_export": "extended",
    "account_export": "account",
}  # of cases, for a source
OBSERVED_COLUMNS = (
    "item_number", "source", "track_uri", "played_at", "started_at", "ms_played", "context_uri", "context_type",
)  # fmt: skip
FORGOTTEN = (
    "listening.observation",
    "listening.fact_play",
    "ops.coverage",
    "ops.told_apart",
    "ops.merged_play",
    "ops.import_file",
    "ops.import_set",
    "ops.import_span",
    "ops.import_content",
    "listening.track_alias",
    "listening.bridge_track_artist",
    "listening.dim_track where track_key <> 0",
    "listening.dim_album where album_key <> 0",
    "listening.dim_artist where artist_key <> 0",
    "listening.dim_device where device_key <> 0",
    "listening.dim_context where context_key <> 0",
)


@dataclass(frozen=True)
class Song:
    """One id of Spotify's, or with `letter` None what is told without any: what each source says of it."""

    letter: str | None
    name: str | None
    by: tuple[str, ...] = ("Ann",)
    duration_ms: int | None = 200_000
    isrc: str | None = None
    kind: str = "track"
    tag: str = ""  # ends the id, where one letter stands for several ids

    @property
    def id(self) -> str | None:
        return self.letter and self.letter * (22 - len(self.tag)) + self.tag

    @property
    def uri(self) -> str | None:
        """As dim_track has it."""
        if self.id:
            return f"spotify:{self.kind}:{self.id}"
        return self.name and name_uri(self.kind, self.by[0], self.name)


NOTHING = Song(None, None, ())


class Others(list):
    """A batch of another listener's."""


class Described(list):
    """Tracks that the dimensions job asked Spotify for: the catalogue only, no play."""


def told(seconds: float, song: Song, context: str | None = None) -> dict[str, Any]:
    """An item of a page: the end of a play, in seconds from NOW."""
    return {
        "played_at": (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z"),
        "track": described(song),
        "context": {"type": context.split(":")[1], "uri": context} if context else None,
    }


def described(song: Song) -> dict[str, Any]:
    """A track as Spotify describes it."""
    return {
        "id": song.id,
        "uri": song.uri,
        "type": "track",
        "name": song.name,
        "duration_ms": song.duration_ms,
        "external_ids": {"isrc": song.isrc} if song.isrc else {},
        "artists": [{"id": name.ljust(22, "0"), "name": name} for name in song.by],
    }


def watched(seconds: float, song: Song, ms: int | None = None, context: str | None = None) -> dict[str, Any]:
    """A play that the player recorder saw to its end, in seconds from NOW."""
    ended, listened = NOW + timedelta(seconds=seconds), song.duration_ms if ms is None else ms
    return {
        "source": "player",
        "song": song,
        "played_at": ended,
        "started_at": ended - timedelta(milliseconds=listened or 0),
        "ms_played": listened,
        "context_uri": context,
        "context_type": context and context.split(":")[1],
    }


def noted(source: str, minute: int, song: Song) -> dict[str, Any]:
    """A play of a source that a test made up, which knows names only, and the minute from NOW in which it ended."""
    ended = NOW + timedelta(minutes=minute)
    nameless = replace(song, letter=None)
    return {"source": source, "song": nameless, "played_at": ended}


def scrobbled(source: str, seconds: float, song: Song, ms: int | None = None) -> dict[str, Any]:
    """A play as another service dates it, in seconds from NOW: mostly its start. `source`: of listening.source."""
    at = NOW + timedelta(seconds=seconds)
    if source == "lastfm_minutes":
        at = at.replace(second=0, microsecond=0)
    started = None if source == "listenbrainz_spotify" else at
    return {"source": source, "song": song, "played_at": at, "started_at": started, "ms_played": ms}


def observed_tables(rows: Rows) -> dict[str, Table]:
    """The staging tables of plays as `watched` and `noted` make them."""
    songs = list({row["song"].uri: row["song"] for row in rows if row["song"].uri}.values())
    with_id = [described(song) for song in songs if song.id]
    tables = catalogue_tables(tracks=with_id, fetched_at=NOW)
    named = {
        "staging_track": [
            {"track_uri": song.uri, "track_name": song.name, "album_artist_name": song.by[0], "content_type": "track"}
            for song in songs
            if not song.id
        ],
        "staging_track_artist": [
            {"track_uri": song.uri, "artist_name": song.by[0], "position": 1, "role": "main", "weight": 1.0}
            for song in songs
            if not song.id
        ],
        "staging_artist": [{"artist_name": name} for name in {song.by[0] for song in songs if not song.id}],
    }
    for name, added in named.items():
        table = tables[name]
        old = [dict(zip(table.columns, one, strict=True)) for one in zip(*table.values.values(), strict=True)]
        tables[name] = Table.of([*old, *added], table.columns)
    plays = [{"item_number": number, "track_uri": row["song"].uri, **row} for number, row in enumerate(rows)]
    tables["staging_play"] = Table.of(plays, OBSERVED_COLUMNS)
    return tables


def exported(
    seconds: int, song: Song, ms: int | None = None, *, start: float | None = None, **others: Any
) -> dict[str, Any]:
    """A row of the extended history, `ts` in seconds from NOW. `start`: likewise; with a fraction it is told in milliseconds."""
    began = (NOW + timedelta(seconds=start)).timestamp() if start is not None else None
    music, episode = (song.uri, None) if song.kind == "track" else (None, song.uri)
    return {
        "ts": f"{NOW + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}",
        "ms_played": song.duration_ms if ms is None else ms,
        "spotify_track_uri": music if song.id else None,
        "master_metadata_track_name": song.name if song.kind == "track" else None,
        "master_metadata_album_artist_name": song.by[0] if song.kind == "track" and song.by else None,
        "master_metadata_album_album_name": "Album" if song.kind == "track" and song.name else None,
        "spotify_episode_uri": episode,
        "episode_name": song.name if episode else None,
        "episode_show_name": song.by[0] if episode else None,
        "platform": "ios",
        "reason_start": "trackdone",
        "reason_end": "trackdone",
        "shuffle": False,
        "skipped": False,
        "offline": False,
        "offline_timestamp": began and round(began if began == round(began) else began * 1000),
        "incognito_mode": False,
        **others,
    }


def minuted(minute: int, song: Song, ms: int | None = None) -> dict[str, Any]:
    """A row of the account data, `endTime` in minutes from NOW, which is the beginning of one."""
    end = f"{NOW + timedelta(minutes=minute):%Y-%m-%d %H:%M}"
    listened = song.duration_ms if ms is None else ms
    if song.kind == "episode":
        return {"endTime": end, "podcastName": song.by[0], "episodeName": song.name, "msPlayed": listened}
    by, name = (song.by[0], song.name) if song.name else ("Unknown Artist", "Unknown Track")
    return {"endTime": end, "artistName": by, "trackName": name, "msPlayed": listened}


class Record:
    """One database for many cases: what batches tell is merged into it as the jobs merge it, and forgotten between cases."""

    def __init__(self, warehouse: Warehouse, url: str, folder: Path) -> None:
        self.warehouse, self.folder = warehouse, folder
        self.settings = Settings(_env_file=None, database_url=url)
        self.listener_keys = {listener_id: self.listener(listener_id) for listener_id in ("one", "other")}

    def listener(self, listener_id: str) -> int:
        about = {"stand_ins": [], "listener_name": None, "time_zone": "UTC", "created_at": NOW}
        with self.warehouse.engine.begin() as connection:
            [row] = run(connection, "dimensions/listener", listener_id=listener_id, **about)
            return row.listener_key

    def forget(self) -> None:
        """Plays, and all that is known of tracks: in another order it is learned in another order."""
        with self.warehouse.engine.begin() as connection:
            for table in FORGOTTEN:
                connection.exec_driver_sql(f"delete from {table}")

    def load(self, *batches: Rows) -> None:
        """Merge the batches one after the other, each as its own job does it; exports by the whole import."""
        for batch in batches:
            listener_id = "other" if isinstance(batch, Others) else "one"
            if isinstance(batch, Described):
                self.describe(batch)
            elif "song" in batch[0]:
                self.observe(batch, self.listener_keys[listener_id])
            elif "played_at" in batch[0]:
                self.merge_page(batch, self.listener_keys[listener_id])
            else:
                self.import_rows(batch, listener_id)

    def merge_page(self, items: Rows, listener_key: int, fetched_at: datetime = NOW) -> None:
        self.merge_staged(read_page({"items": items}, fetched_at).tables, listener_key)

    def observe(self, rows: Rows, listener_key: int) -> None:
        """Plays of the player or of a source that a test made up."""
        self.merge_staged(observed_tables(rows), listener_key)

    def merge_staged(self, tables: Mapping[str, Table], listener_key: int) -> None:
        with self.warehouse.engine.begin() as connection:
            stage(connection, tables)
            merge_catalogue(connection)
            merge_plays(connection, listener_key=listener_key, now=NOW)
            rematch_plays(connection, now=NOW, but_not=listener_key)

    def describe(self, tracks: Rows) -> None:
        """As the dimensions job does it."""
        with self.warehouse.engine.begin() as connection:
            stage(connection, catalogue_tables(tracks=tracks, fetched_at=NOW))
            merge_catalogue(connection)
            rematch_plays(connection, now=NOW)

    def rebuild(self, listener_id: str = "one") -> Rebuilt:
        with self.warehouse.engine.begin() as connection:
            return rebuild_plays(connection, listener_key=self.listener_keys[listener_id], now=NOW)

    def written(self, rows: Rows) -> Path:
        """The rows of one export, or of both, in a folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        return write_folder(
            self.folder,
            {name: told for mark, name in FILES.items() if (told := [row for row in rows if mark in row])},
        )

    def merge_export(self, rows: Rows, listener_key: int) -> None:
        """The same rows read and merged, without the receipt and what else belongs to an import."""
        folder = self.written(rows)
        with self.warehouse.engine.begin() as connection:
            stage_files(connection, read_exports([folder], now=NOW))
            merge_catalogue(connection)
            merge_plays(connection, listener_key=listener_key, now=NOW)
            rematch_plays(connection, now=NOW, but_not=listener_key)

    def import_rows(self, rows: Rows, listener_id: str) -> None:
        """One import of the rows of one export, or of both in a folder."""
        folder = self.written(rows)
        receipt = import_exports(
            self.settings, self.warehouse, [folder], listener=listener_id, again=True, clock=lambda: NOW
        )
        assert receipt.is_good and receipt.total.row_count == len(rows)
