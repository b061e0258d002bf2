"""Real exports of one listener, where they are: each listen once, in whatever order, counted by other means than ours.

The other means are those of support/real_exports.py. The account data is held against it by the minute.
"""

import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from support import NOW, asked, fresh_database, real_data, whole_facts
from support.export_files import write_folder
from support.real_exports import ACCOUNT, EXTENDED, dated, imported_once, item_of, listens, rows_of

from etl.jobs.imports import import_exports
from etl.jobs.receipts import Receipt
from etl.settings import Settings
from etl.warehouse.connection import Warehouse


def imported(settings, warehouse, *names: str) -> Receipt:
    return import_exports(
        settings, warehouse, [real_data("exports") / name for name in names], again=True, clock=lambda: NOW
    )


@contextmanager
def after_import_of(cluster: str, template: str, export: str) -> Iterator[tuple[str, Receipt]]:
    """A database that knows one export and nothing else, and the receipt of its import."""
    name, receipt = imported_once(cluster, template, export)
    with contextmanager(fresh_database)(cluster, name) as url:
        yield url, receipt


def import_into(url: str, *names: str) -> Receipt:
    warehouse = Warehouse(url)
    receipt = imported(Settings(_env_file=None, database_url=url), warehouse, *names)
    warehouse.close()
    return receipt


def test_the_extended_export_gives_each_listen_once(cluster, template):
    rows = rows_of(EXTENDED)
    expected = Counter(dated(listens(rows)))
    with after_import_of(cluster, template, EXTENDED) as (url, receipt):
        plays = asked(
            url,
            "select played_at, track_uri, ms_played from listening.fact_play join listening.dim_track using (track_key)",
        )
        [(reported, listened_ms)] = asked(
            url,
            "select count(*), sum(ms_played) from listening.fact_play"
            " join listening.dim_play_profile using (play_profile_key) where ms_played_basis = 'reported'",
        )

    found = Counter(plays)
    assert (found - expected, expected - found) == (Counter(), Counter())
    assert len(rows) == receipt.total.row_count == 68_535
    assert expected.total() == receipt.total.new_count == 68_474
    assert len({(row["ts"], item_of(row), row["ms_played"]) for row in rows}) == 68_511
    # of the 24 rows that repeat another's date, item and length, three began a length apart; forty others began together
    assert receipt.total.duplicate_count == 68_535 - 68_474
    assert receipt.total.unnamed_count == 20
    assert reported == 68_474
    assert listened_ms == sum(max(row["ms_played"] for row in one) for one in listens(rows))


@pytest.mark.timeout(300)
def test_the_account_export_adds_only_what_the_extended_one_does_not_explain(cluster, template):
    """And in the other order the table is the same."""
    explained = {
        (
            row["ts"][:16].replace("T", " "),
            row["master_metadata_album_artist_name"] or row["episode_show_name"] or "Unknown Artist",
            row["master_metadata_track_name"] or row["episode_name"] or "Unknown Track",
            row["ms_played"],
        )
        for row in rows_of(EXTENDED)
    }
    told = [
        (
            row["endTime"],
            row.get("artistName") or row["podcastName"],
            row.get("trackName") or row["episodeName"],
            row["msPlayed"],
        )
        for row in rows_of(ACCOUNT)
    ]
    assert len(told) == 24_614
    assert [row for row in told if row not in explained] == []

    with after_import_of(cluster, template, ACCOUNT) as (url, _):
        receipt = import_into(url, EXTENDED)
        backwards = whole_facts(partial(asked, url))
    assert (receipt.total.new_count, receipt.total.merged_count) == (68_474 - 24_614, 24_614)
    assert len(backwards) == 68_474

    with after_import_of(cluster, template, EXTENDED) as (url, _):
        receipt = import_into(url, ACCOUNT)
        assert (receipt.total.new_count, receipt.total.merged_count) == (0, 24_614)
        assert asked(url, "select count(*) from listening.play_source where source = 'account_export'") == [(24_614,)]
        assert whole_facts(partial(asked, url)) == backwards

        again = import_into(url, ACCOUNT, EXTENDED)
        assert (again.total.new_count, again.total.merged_count) == (0, 0)
        assert again.total.known_count == 24_614 + 68_474
        assert whole_facts(partial(asked, url)) == backwards


def test_the_account_export_alone_is_one_play_a_row(cluster, template):
    with after_import_of(cluster, template, ACCOUNT) as (url, receipt):
        plays = asked(url, "select played_at, ms_played from listening.fact_play")
        nameless = asked(url, "select count(*) from listening.fact_play where track_key = 0")
    assert receipt.total.new_count == receipt.total.row_count == 24_614
    told = Counter(
        (datetime.strptime(row["endTime"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC), row["msPlayed"])
        for row in rows_of(ACCOUNT)
    )
    assert Counter(plays) == told
    assert nameless == [(19,)]


def test_the_order_of_files_does_not_matter(settings, warehouse, ask, tmp_path):
    """The last files, one by one, as somebody who unpacked the archives might."""
    with zipfile.ZipFile(real_data("exports") / EXTENDED) as archive:
        files = [entry for entry in archive.namelist() if entry.endswith(("2024_5.json", "Video_2017-2024.json"))]
        archive.extractall(tmp_path, files)
    paths = [tmp_path / name for name in files] + [real_data("exports") / ACCOUNT]
    tables = []
    for order in [paths, paths[::-1], [paths[2], paths[0], paths[1]]]:
        ask("truncate listening.fact_play, listening.observation, ops.import_file")
        for path in order:
            import_exports(settings, warehouse, [path], clock=lambda: NOW)
        tables.append(whole_facts(ask))
    assert all(table == tables[0] for table in tables)
    assert len(tables[0]) > 24_614


def test_rows_without_a_name_are_named_by_the_other_export(settings, warehouse, ask, tmp_path):
    """The real account data with names taken out of the extended rows that it has: the names come back."""
    source: Path = real_data("exports") / EXTENDED
    with zipfile.ZipFile(source) as archive:
        [name] = [entry for entry in archive.namelist() if entry.endswith("2023-2024_4.json")]
        rows = json.loads(archive.read(name))
    blank = dict.fromkeys(
        [
            "master_metadata_track_name",
            "master_metadata_album_artist_name",
            "master_metadata_album_album_name",
            "spotify_track_uri",
        ]
    )
    account = {
        (row["endTime"], row["msPlayed"])
        for row in rows_of(ACCOUNT)
        if row.get("artistName", "Unknown Artist") != "Unknown Artist"
    }
    blanked = 0
    for row in rows[5000:9000:13]:
        if row["spotify_track_uri"] and (row["ts"][:16].replace("T", " "), row["ms_played"]) in account:
            row.update(blank)
            blanked += 1
    (tmp_path / "Streaming_History_Audio_2023.json").write_text(json.dumps(rows), encoding="utf-8")
    import_exports(settings, warehouse, [tmp_path], clock=lambda: NOW)
    [(unnamed,)] = ask("select count(*) from listening.fact_play where track_key = 0")
    assert unnamed == blanked + 19
    imported(settings, warehouse, ACCOUNT)
    assert ask("select count(*) from listening.fact_play where track_key = 0") == [(19,)]
    assert blanked > 250


def test_estimates_are_as_good_as_the_documents_say(settings, warehouse, ask, tmp_path):
    """Plays that the list would tell, of tracks whose length the export shows (played to the end more than once): the estimate is
    held against the milliseconds that the export tells, which it does not see."""
    ends = defaultdict(Counter)
    for row in rows_of(EXTENDED):
        if row["reason_end"] == "trackdone" and row["spotify_track_uri"]:
            ends[row["spotify_track_uri"]][row["ms_played"]] += 1
    lengths = {uri: length for uri, told in ends.items() for length, often in told.most_common(1) if often > 1}
    told = [
        row
        for row in rows_of(EXTENDED)
        if row["spotify_track_uri"] and row["ms_played"] >= 30_000 and not row["incognito_mode"]
    ]
    write_folder(tmp_path, {"Streaming_History_Audio_2020-2024.json": told})
    import_exports(settings, warehouse, [tmp_path], clock=lambda: NOW)
    ask(
        "update listening.dim_track set duration_ms = told.length"
        " from unnest(%s::text[], %s::integer[]) as told (uri, length) where track_uri = told.uri",
        list(lengths),
        list(lengths.values()),
    )
    off = sorted(
        abs(estimated - reported)
        for estimated, reported in ask(
            "select estimated_ms, reported_ms from listening.play_time where estimated_ms is not null"
        )
    )
    [(too_much,)] = ask(
        "select sum(estimated_ms)::float / sum(reported_ms) from listening.play_time where estimated_ms is not null"
    )
    assert len(off) == 35_831
    assert off[len(off) // 2] == 0
    assert round(sum(ms < 5_000 for ms in off) / len(off), 2) == 0.91
    assert round(sum(ms < 30_000 for ms in off) / len(off), 2) == 0.95
    assert round(too_much, 3) == 1.024
