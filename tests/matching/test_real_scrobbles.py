"""Scrobbles made of a real export, where it is: each becomes one play with the row that it was made of, in every order of arrival.

What belongs together is known from how the files were made; pandas finds it once more by the nearest start of the same title.
"""

import io
import unicodedata
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pandas
import pytest
from support import NOW, asked, fresh_database, real_data, whole_facts
from support.real_exports import ACCOUNT, EXTENDED, imported_once, rows_of
from support.scrobbled import (
    Sent,
    as_koito,
    as_maloja,
    as_minutes,
    as_pages,
    as_seconds,
    scrobbled_listens,
    scrobbles,
)

from etl.jobs.imports import import_exports
from etl.jobs.receipts import FileReceipt
from etl.settings import Settings
from etl.warehouse.connection import Warehouse

FORMS: dict[str, Callable[[list[Sent]], bytes]] = {
    "lastfm": as_seconds, "lastfm_minutes": as_minutes, "maloja": as_maloja, "koito": as_koito,
}  # fmt: skip
PAIRS = (
    "select service.observed_at, export.observed_at from listening.observation as service"
    " join listening.source on source.source_key = service.source_key and source_name = %s"
    " join listening.observation as export using (listener_key, play_key)"
    " join listening.source as other on other.source_key = export.source_key and other.source_name = 'extended_export'"
)
BY_SOURCES = (
    "select array_to_string(sources, '+'), count(*) from listening.fact_play"
    " join listening.dim_play_profile using (play_profile_key) group by 1"
)

pytestmark = pytest.mark.timeout(300)


def taken(url: str, *paths: Path) -> FileReceipt:
    warehouse = Warehouse(url)
    settings = Settings(_env_file=None, database_url=url)
    receipt = import_exports(settings, warehouse, list(paths), again=True, clock=lambda: NOW)
    warehouse.close()
    return receipt.total


@contextmanager
def with_export(cluster: str, template: str, export: str):
    name, _ = imported_once(cluster, template, export)
    with contextmanager(fresh_database)(cluster, name) as url:
        yield url


def cut(at_ms: int, form: str) -> datetime:
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return at.replace(second=0) if form == "lastfm_minutes" else at


@pytest.mark.parametrize("form", FORMS)
def test_each_scrobble_is_one_play_with_the_row_it_was_made_of(form, cluster, template, tmp_path):
    heard = scrobbled_listens(rows_of(EXTENDED), by_start=True)
    sent = scrobbles(heard)
    (tmp_path / "history").write_bytes(FORMS[form](sent))
    with with_export(cluster, template, EXTENDED) as url:
        total = taken(url, tmp_path / "history")
        found = Counter(asked(url, PAIRS, form))
        [(plays,)] = asked(url, "select count(*) from listening.fact_play")
    right = Counter(
        (cut(one.at_ms, form), datetime.fromisoformat(row["ts"])) for one, (_, row) in zip(sent, heard, strict=True)
    )
    assert (total.row_count, total.new_count, plays) == (35_193, 0, 68_474)
    assert (right & found).total() / right.total() >= 0.999


def test_pandas_finds_as_many_plays_by_the_nearest_start_of_the_same_title(cluster, template, tmp_path):
    """Starts that are the date less the milliseconds; and the first page of Last.fm's answer has what is playing."""
    heard = scrobbled_listens(rows_of(EXTENDED))
    sent = scrobbles(heard)
    (tmp_path / "pages.json").write_bytes(as_pages(sent))
    with with_export(cluster, template, EXTENDED) as url:
        total = taken(url, tmp_path / "pages.json")
        counts = dict(asked(url, BY_SOURCES))
    assert counts == {"extended_export+lastfm": 35_189, "extended_export": 68_474 - 35_189}
    # of what was offline, four pairs seem to begin together, less than 15 s apart, by a date that is that of the upload
    assert (total.new_count, total.merged_count, total.duplicate_count) == (0, 35_189, 4)

    def plain(titles: pandas.Series) -> pandas.Series:
        bare = titles.map(lambda title: unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower())
        return bare.str.replace(r" \(feat\. somebody else\)", "", regex=True)

    read = pandas.read_csv(io.BytesIO(as_seconds(sent)), keep_default_na=False)
    export = pandas.DataFrame(
        {"at": [start // 1000 for start, _ in heard], "track": [row["master_metadata_track_name"] for _, row in heard]}
    )
    export["row"] = export.index
    left = pandas.DataFrame({"at": read["uts"], "track": plain(read["track"])}).sort_values("at")
    right = export.assign(track=plain(export["track"])).sort_values("at")
    met = pandas.merge_asof(left, right, on="at", by="track", direction="nearest", tolerance=60)
    assert met["row"].notna().all()
    assert abs(met["row"].nunique() - 35_189) <= 20


def test_in_every_order_the_table_is_the_same(cluster, template, tmp_path):
    """A year of the export, Last.fm by the second, and Maloja; and nothing is there that the export has not."""
    rows = [row for row in rows_of(EXTENDED) if row["ts"] >= "2023-07"]
    sent = scrobbles(scrobbled_listens(rows, by_start=True))
    (tmp_path / "a.csv").write_bytes(as_seconds(sent))
    (tmp_path / "m.json").write_bytes(as_maloja(scrobbles(scrobbled_listens(rows, by_start=True), seed=2)[::2]))
    export = real_data("exports") / EXTENDED
    tables = []
    for order in permutations((export, tmp_path / "a.csv", tmp_path / "m.json")):
        if order.index(export) == 1:
            continue  # the export takes long: first and last, with both orders of the others
        with contextmanager(fresh_database)(cluster, template) as url:
            for path in order:
                taken(url, path)
            tables.append(whole_facts(lambda statement, *given, url=url: asked(url, statement, *given)))
            [(plays,)] = asked(url, "select count(*) from listening.fact_play")
            assert plays == 68_474
    assert all(table == tables[0] for table in tables)


def test_with_the_account_data_alone_pauses_are_what_keeps_plays_apart(cluster, template, tmp_path):
    """It says when a play ended and how long it was. Where a pause of over five minutes lies between, the start is unknown."""
    told = {(row["endTime"], row["msPlayed"]) for row in rows_of(ACCOUNT) if "trackName" in row}

    def is_told(row: dict) -> bool:
        return (row["ts"][:16].replace("T", " "), row["ms_played"]) in told

    totals = {}
    for by_start in (False, True):
        heard = [one for one in scrobbled_listens(rows_of(EXTENDED), by_start=by_start) if is_told(one[1])]
        (tmp_path / f"{by_start}.csv").write_bytes(as_seconds(scrobbles(heard)))
        with with_export(cluster, template, ACCOUNT) as url:
            totals[by_start] = taken(url, tmp_path / f"{by_start}.csv")
        assert totals[by_start].row_count == len(heard) > 12_000
    assert totals[False].new_count == 0
    assert 0.01 < totals[True].new_count / totals[True].row_count < 0.02
