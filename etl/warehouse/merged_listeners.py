"""Pages of a listener who was merged into another: into the other's record, and into their own, which rests meanwhile."""

from typing import NamedTuple

from sqlalchemy import Connection

from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import LISTENER_LOCK, lock
from etl.warehouse.statements import run


class Merge(NamedTuple):
    """A merge that holds, by what stands for it in the record that it went into."""

    listener_key: int  # of the one whose record that is
    content_key: int  # of ops.import_content
    set_key: int  # of ops.import_set


def merges_between(connection: Connection, account_key: int, record_key: int) -> list[Merge]:
    """Lock the record that the plays of an account go into; the merges by which they do, none for a listener's own.

    Raises WarehouseError if a merge was taken back meanwhile, and OutOfOrder and a lock timeout as `lock` does.
    """
    if account_key == record_key:  # a merge that comes meanwhile is seen by `derive_plays`
        return []
    lock(connection, LISTENER_LOCK, record_key)
    merges = [Merge(*tuple(row)) for row in run(connection, "ops/merges/chain", listener_key=account_key)]
    if not merges or merges[-1].listener_key != record_key:
        raise WarehouseError(
            "A merge of listeners was taken back while this run asked Spotify. Nothing was recorded; run it again."
        )
    return merges


def pass_on(connection: Connection, account_key: int, merges: list[Merge]) -> None:
    """After the merge of a page into the last record: what it says belongs to each record on the way, too."""
    run(connection, "ops/merges/passed_on", listener_key=account_key, content_key=None, set_key=None)
    for merge in merges:
        run(connection, "ops/merges/passed_on", **merge._asdict())
