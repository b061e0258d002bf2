"""Import audio features that Spotify itself once told, for the tracks that are in the warehouse."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from etl import __version__, limits
from etl.clock import Clock, utc_now
from etl.counts import many
from etl.sources.spotify_archive import holds_features, rows_in
from etl.values import Row
from etl.warehouse.connection import Warehouse
from etl.warehouse.schema import migrate_within
from etl.warehouse.statements import run

PROVIDER = "spotify_archive"
BATCH = 5_000


@dataclass
class FeatureReceipt:
    """What became of the rows of all files, in counts.

    row_count is the sum of malformed_count (no track named, or no feature that can be read), duplicate_count (a later
    row of the same track stands), unknown_count (not in the catalogue) and the tracks that got values: new_count and known_count.
    """

    file_count: int = 0
    row_count: int = 0
    new_count: int = 0
    known_count: int = 0
    unknown_count: int = 0
    duplicate_count: int = 0
    malformed_count: int = 0
    out_of_range_count: int = 0
    is_dry_run: bool = False


class DryRunDone(Exception):
    """Rolls the transaction of a dry run back, and carries its receipt."""

    def __init__(self, receipt: FeatureReceipt) -> None:
        super().__init__()
        self.receipt = receipt


def are_features(paths: Sequence[Path]) -> list[bool]:
    """Which of these files hold audio features. Raises OSError."""
    return [holds_features(path) for path in paths]


def import_features(
    warehouse: Warehouse, paths: Sequence[Path], *, dry_run: bool = False, clock: Clock = utc_now
) -> FeatureReceipt:
    """Read the files and keep the features of known tracks as those of `spotify_archive`, in one transaction.

    Of several rows for one track the last stands, as of several imports; what it does not tell stays. Tracks that are not in the catalogue are counted and left out: import
    the files again once they are. Raises FeatureFileError, OSError and WarehouseError.
    """
    if not dry_run:
        warehouse.migrate(clock(), __version__, views_may_wait=True)

    def work(connection: Connection) -> FeatureReceipt:
        now = clock()
        if dry_run:
            migrate_within(connection, now, __version__)
        receipt = FeatureReceipt(len(paths), is_dry_run=dry_run)
        told = read(paths, receipt)
        ids = sorted(told)
        for start in range(0, len(ids), BATCH):
            save(connection, {track_id: told[track_id] for track_id in ids[start : start + BATCH]}, receipt, now)
        if dry_run:
            raise DryRunDone(receipt)
        return receipt

    try:
        return warehouse.transaction(work, limits.IMPORTING)
    except DryRunDone as done:
        return done.receipt


def read(paths: Sequence[Path], receipt: FeatureReceipt) -> dict[str, Row]:
    """The features of all files by track id; rows are counted in `receipt`."""
    told: dict[str, Row] = {}
    for path in paths:
        for row in rows_in(path):
            receipt.row_count += 1
            if row.track_id is None or row.features is None:
                receipt.malformed_count += 1
                continue
            before = told.get(row.track_id, {})
            receipt.duplicate_count += bool(before)
            told[row.track_id] = before | {name: value for name, value in row.features.items() if value is not None}
    return told


def save(connection: Connection, told: dict[str, Row], receipt: FeatureReceipt, now: datetime) -> None:
    """Save the features of the tracks that are in the catalogue, and count them and the others."""
    found = run(connection, "ops/providers/known_tracks", track_ids=list(told))
    known = {row.track_id: row.is_known for row in found}
    receipt.unknown_count += len(told) - len(known)
    receipt.known_count += sum(known.values())
    receipt.new_count += len(known) - sum(known.values())
    receipt.out_of_range_count += sum(told[track_id]["out_of_range_count"] for track_id in known)
    rows = [{"track_key": row.track_key, **told[row.track_id]} for row in found]
    if rows:
        run(
            connection,
            "ops/providers/features_saved",
            provider=PROVIDER,
            now=now,
            matched_by="id",
            told=json.dumps(rows),
        )


def as_text(receipt: FeatureReceipt) -> str:
    """The receipt for a person, in numbers only: it may go into any log."""
    first = (
        f"Audio features from {many(receipt.file_count, 'file')}:"
        f" {many(receipt.row_count, 'row')}{', dry run: nothing was changed' if receipt.is_dry_run else ''}"
    )
    counts = (
        (receipt.new_count, "tracks got features"),
        (receipt.known_count, "tracks had them from an earlier import, and have what this one says"),
        (receipt.unknown_count, "tracks are not in this record and were left out: import again once they are"),
        (receipt.duplicate_count, "rows were followed by another one of the same track"),
        (receipt.malformed_count, "rows name no track, or no feature that can be read"),
        (receipt.out_of_range_count, "values were outside of their documented range, and count as unknown"),
    )
    return "\n".join([first, *(f"  {count:>9,}  {words}" for count, words in counts if count)])


def as_json(receipt: FeatureReceipt) -> str:
    return json.dumps(asdict(receipt), indent=2)
