"""An import taken back: the record is as if it had never been, and what others report stays.

The other means: a record into which the import never went, compared row for row by queries of the tests' own.
"""

import json
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support import NOW, asked, fresh_database, observed, whole_facts
from support.cases import Record, Song, exported, minuted, told
from support.export_files import write_folder
from support.table_locks import locked, wait_for_lock
from support.truth_sources import made_up_sources

from etl.jobs.imports import import_exports
from etl.jobs.receipts import Receipt
from etl.jobs.undo import UndoError, Undone, line, list_receipts, undo_import
from etl.paths import sql_folder
from etl.warehouse.connection import Warehouse

DAY = 86_400
S, T, U = Song("S", "Song"), Song("T", "Tune", ("Bob",)), Song("U", "Air", ("Cem",))
COVERAGE = "select source, state, starts_at, ends_at, reason, closed_by from ops.coverage order by 1, 2, 3"
SETS = "select observed_at, content_keys from listening.observation left join ops.import_set using (import_set_key)"
Files = dict[str, list[dict[str, Any]]]


class Imports:
    """A record with imports under names, and what it is, without surrogate keys."""

    def __init__(self, record: Record, ask: Callable[..., list[tuple]]) -> None:
        self.record, self.ask = record, ask
        self.count = 0

    def forget(self) -> None:
        self.record.forget()
        self.ask("delete from ops.run")

    def page(self, items: list[dict[str, Any]]) -> None:
        self.record.merge_page(items, self.record.listener_keys["one"])

    def bring(self, files: Files, **options: Any) -> tuple[int, Receipt]:
        """Import the files as one package; its number."""
        self.count += 1
        folder = write_folder(self.record.folder / f"package{self.count}", files)
        options = {"listener": "one", "clock": lambda: NOW, **options}
        receipt = import_exports(self.record.settings, self.record.warehouse, [folder], **options)
        assert receipt.is_good
        [(number,)] = self.ask("select max(run_key) from ops.run where job = 'import'")
        return number, receipt

    def undo(self, number: int, **options: Any) -> Undone:
        return undo_import(self.record.warehouse, number, **{"dry_run": False, "clock": lambda: NOW, **options})

    def state(self) -> dict[str, list[tuple]]:
        assert self.ask(
            "select count(*) from listening.observation left join listening.fact_play using (listener_key, play_key)"
            " where fact_play.play_key is null"
        ) == [(0,)]
        return {"facts": whole_facts(self.ask), "said": observed(self.ask), "coverage": self.ask(COVERAGE)}


@pytest.fixture(scope="module")
def shared(cluster: str, template: str) -> Iterator[str]:
    yield from fresh_database(cluster, template)


@pytest.fixture(scope="module")
def kept(shared: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Imports]:
    """One database for many examples."""
    warehouse = Warehouse(shared)
    yield Imports(
        Record(warehouse, shared, tmp_path_factory.mktemp("packages")),
        lambda text, *values: asked(shared, text, *values),
    )
    warehouse.close()


@pytest.fixture
def imports(kept: Imports) -> Imports:
    kept.forget()
    return kept


AUDIO, ACCOUNT = "Streaming_History_Audio_2026.json", "StreamingHistory_music_0.json"
PAGE = [told(-300, S), told(-900, T)]
A: Files = {AUDIO: [exported(-310, S), exported(-900, T), exported(-9_000, U), exported(-30 * DAY, U)]}
B: Files = {AUDIO: [exported(-900, T), exported(-9_000, U), exported(-12_000, S), exported(-12_000, S)]}
C: Files = {ACCOUNT: [minuted(-5, S), minuted(-150, U), minuted(-500, T)]}


@pytest.mark.parametrize("order", list(permutations("ABCp")), ids="".join)
def test_an_import_taken_back_leaves_what_the_others_report(imports: Imports, order: tuple[str, ...]) -> None:
    packages = {"A": A, "B": B, "C": C}
    gone = "A"
    numbers = {}
    for name in order:
        if name == "p":
            imports.page(PAGE)
        else:
            numbers[name], _ = imports.bring(packages[name])
    whole = imports.state()
    imports.undo(numbers[gone])
    left = imports.state()
    imports.bring(A)
    assert imports.state() == whole
    imports.forget()
    for name in order:
        if name == "p":
            imports.page(PAGE)
        elif name != gone:
            imports.bring(packages[name])
    assert left == imports.state()


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # each example takes a second or more
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 10_000))
def test_of_a_made_up_truth_it_is_the_same(kept: Imports, seed: int) -> None:
    """Both kinds of exports, overlapping, with rows told twice; pages between; one, then two of them taken back."""
    chance = Random(seed)
    made = made_up_sources(seed, days=3)
    steps: list[tuple[str, Any]] = []
    for number in range(3):
        files: Files = {}
        for name, rows in (made.account if chance.random() < 0.3 else made.extended).files.items():
            part = [row for row in rows if chance.random() < 0.6]
            files[name] = sorted([*part, *part[:3]], key=lambda row: str(row.get("ts") or row.get("endTime")))
        steps.append((f"import{number}", files))
    steps += [(f"page{number}", page) for number, page in enumerate(made.pages)]
    pages_first = chance.random() < 0.3
    chance.shuffle(steps)
    steps.sort(key=lambda step: step[0].startswith("import") and pages_first)
    gone = chance.sample(range(3), chance.choice((1, 2)))

    def load(*, without: list[int]) -> dict[str, int]:
        kept.forget()
        numbers = {}
        for name, what in steps:
            if name.startswith("page"):
                kept.record.merge_page(what.items, kept.record.listener_keys["one"], what.fetched_at)
            elif int(name[-1]) not in without:
                numbers[name], _ = kept.bring(what)
        return numbers

    numbers = load(without=[])
    for one in gone:
        preview = kept.undo(numbers[f"import{one}"], dry_run=True)
        done = kept.undo(numbers[f"import{one}"])
        assert (preview.gone_count, preview.removed_count) == (done.gone_count, done.removed_count)
    left = kept.state()
    load(without=gone)
    assert left == kept.state()


def test_what_it_says_before_and_after(imports: Imports) -> None:
    imports.page(PAGE)
    number, _ = imports.bring(A)
    imports.bring(B)
    before, rows = imports.state(), imports.ask("select * from ops.run order by 1")
    preview = imports.undo(number, dry_run=True)
    assert imports.state() == before and imports.ask("select * from ops.run order by 1") == rows
    # of A's four rows B has two; of the other two the list has one as a play
    assert (preview.gone_count, preview.kept_count, preview.removed_count, preview.staying_count) == (2, 2, 1, 1)
    assert preview.is_dry_run
    done = imports.undo(number)
    assert (done.gone_count, done.kept_count, done.removed_count, done.staying_count) == (2, 2, 1, 1)
    assert [row[0] for row in imports.ask("select job from ops.run order by run_key")][-1] == "undo"
    listed = {one.receipt: one for one in list_receipts(imports.record.warehouse)}
    assert listed[number].undone_at == NOW and not listed[number].can_be_undone
    assert [one.undone_at for key, one in listed.items() if key != number] == [None]


def test_the_same_content_again_changes_no_row_and_is_a_reason_to_keep_it(imports: Imports) -> None:
    first, _ = imports.bring(A)
    rows = imports.ask("select xmin::text, ctid::text, observation.* from listening.observation order by observed_at")
    again, receipt = imports.bring(A, again=True)
    known, other = imports.bring(A)
    assert receipt.total.known_count == 4 and other.unchanged_count == 1
    assert rows == imports.ask(
        "select xmin::text, ctid::text, observation.* from listening.observation order by observed_at"
    )
    before = imports.state()
    for number in (first, known):
        assert imports.undo(number).gone_count == 0
        assert imports.state() == before
    assert imports.undo(again).gone_count == 4
    assert imports.ask("select count(*) from listening.fact_play") == [(0,)]
    assert imports.ask(COVERAGE) == []


def test_it_can_be_imported_again_and_its_files_are_not_known(imports: Imports) -> None:
    number, _ = imports.bring(A)
    before = imports.state()
    imports.undo(number)
    _, receipt = imports.bring(A)
    assert receipt.total.new_count == 4 and receipt.unchanged_count == 0
    assert imports.state() == before


def test_two_equal_rows_in_one_and_one_in_the_other(imports: Imports) -> None:
    twice: Files = {AUDIO: [exported(-900, T), exported(-900, T)]}
    once: Files = {AUDIO: [exported(-900, T), exported(-9_000, U)]}
    for first, second in ((twice, once), (once, twice)):
        imports.forget()
        number, _ = imports.bring(first)
        imports.bring(second)
        imports.undo(number)
        left = imports.state()
        imports.forget()
        imports.bring(second)
        assert left == imports.state()


def test_a_gap_that_it_closed_is_open_again(imports: Imports) -> None:
    key = imports.record.listener_keys["one"]
    gap = (key, NOW - timedelta(seconds=8_000), NOW - timedelta(seconds=2_000), NOW)
    imports.ask(
        "insert into ops.coverage (listener_key, source, state, starts_at, ends_at, found_at, reason)"
        " values (%s, 'recently_played', 'gap', %s, %s, %s, 'outage')",
        *gap,
    )
    before = imports.ask(COVERAGE)
    number, _ = imports.bring(A)
    assert [row[5] for row in imports.ask(COVERAGE) if row[1] == "gap"] == ["extended_export"]
    imports.undo(number)
    assert imports.ask(COVERAGE) == before
    assert imports.ask("select closed_at from ops.coverage") == [(None,)]


def test_spans_of_two_files_of_a_package_are_joined_again_as_the_import_joined_them(imports: Imports) -> None:
    # 20 days of pause in each file, 10 between the files' plays
    files: Files = {
        "Streaming_History_Audio_2025_0.json": [exported(-60 * DAY, S), exported(-40 * DAY, S)],
        "Streaming_History_Audio_2026_1.json": [exported(-50 * DAY, T), exported(-30 * DAY, T)],
    }
    imports.bring(files)
    before = imports.ask(COVERAGE)
    assert len(before) == 1
    number, _ = imports.bring(C)
    imports.undo(number)
    assert imports.ask(COVERAGE) == before


# What can't be undone.


def test_a_wrong_number_and_one_taken_back_already(imports: Imports) -> None:
    with pytest.raises(UndoError, match=r"^No import has the number 7\. Nothing was imported yet;"):
        imports.undo(7)
    number, _ = imports.bring(A)
    with pytest.raises(UndoError, match=rf"^No import has the number {number + 1}\. The latest are {number};"):
        imports.undo(number + 1)
    imports.undo(number)
    with pytest.raises(UndoError, match="taken back on 2026-11-20 already"):
        imports.undo(number)


def test_with_a_listener_the_numbers_of_others_are_none(imports: Imports) -> None:
    number, _ = imports.bring(A)
    own, other = (imports.record.listener_keys["one"], imports.record.listener_keys["one"] + 1)
    before = imports.state()
    with pytest.raises(UndoError, match=rf"^No import has the number {number}\. Nothing was imported yet;"):
        imports.undo(number, listener_key=other)
    assert imports.state() == before
    assert list_receipts(imports.record.warehouse, other) == []
    assert [one.receipt for one in list_receipts(imports.record.warehouse, own)] == [number]
    assert imports.undo(number, listener_key=own).removed_count


def make_earlier(imports: Imports) -> None:
    """As an update leaves it: the schema file's own statements over what was imported before it."""
    imports.ask("update ops.import_file set import_content_key = null")
    for table in ("ops.import_set", "ops.import_span", "ops.import_content"):
        imports.ask(f"delete from {table}")
    imports.ask("update listening.observation set import_set_key = null")
    text = (sql_folder() / "schema" / "019_undo.sql").read_text(encoding="utf-8")
    for statement in text.split(";\n"):
        if "insert into ops.import_" in statement:
            imports.ask(statement[statement.index("insert into") :])


def test_an_import_from_before_is_undone_once_its_files_were_imported_again(imports: Imports) -> None:
    imports.page(PAGE)
    imports.bring(B)
    only_b = imports.state()
    old, _ = imports.bring(A)
    whole = imports.state()
    make_earlier(imports)
    with pytest.raises(UndoError, match=r"from before Brapped kept .* --again"):
        imports.undo(old)
    new, _ = imports.bring(A, again=True)
    assert imports.state() == whole
    # B is still of before, and may have said each row: nothing is lost
    assert imports.undo(new, dry_run=True).gone_count == 0
    imports.bring(B, again=True)
    assert imports.undo(new).gone_count == 2
    assert imports.state() == only_b


def test_a_known_file_of_before_is_read_again_after_the_undo(imports: Imports) -> None:
    imports.bring(A)
    whole = imports.state()
    make_earlier(imports)
    number, _ = imports.bring(A, again=True)
    imports.undo(number)
    assert imports.ask("select count(*) from listening.observation") == [(0,)]
    _, receipt = imports.bring(A)
    assert receipt.total.new_count == 4
    assert imports.state() == whole


@pytest.mark.parametrize("mixed", ["sequence = sequence", "started_at = null", "ms_played = 160000"])
def test_what_took_the_place_of_a_row_carried_over_stays_as_that_would(imports: Imports, mixed: str) -> None:
    """A row that both files have, as an older program carried it over: maybe mixed from two."""
    both = exported(-900, T, 150_000, start=-1100.5)
    imports.bring({AUDIO: [both, exported(-12_000, S)]})
    imports.bring({AUDIO: [both, exported(-9_000, U)]})
    imports.ask("update listening.observation set sequence = -1 - sequence")
    imports.ask(f"update listening.observation set {mixed}")
    make_earlier(imports)
    new, _ = imports.bring({AUDIO: [both, exported(-9_000, U)]}, again=True)
    undone = imports.undo(new)
    assert undone.unsure_count == undone.kept_count >= 1
    assert "may be of an import from before Brapped kept which import reports which row" in line(undone)
    at = NOW - timedelta(seconds=900)
    assert imports.ask("select count(*) from listening.observation where observed_at = %s", at) == [(1,)]
    imports.bring({AUDIO: [both, exported(-12_000, S)]}, again=True)
    assert imports.ask("select count(*) from listening.observation where observed_at = %s", at) == [(1,)]


def test_of_two_files_of_before_with_one_name_and_as_many_rows_one_again_is_not_both(imports: Imports) -> None:
    ours: Files = {ACCOUNT: [minuted(-500, T), minuted(-900, S)]}
    theirs: Files = {ACCOUNT: [minuted(-500, T), minuted(-100, U)]}
    imports.bring(ours)
    only_ours = imports.state()
    imports.bring(theirs)
    make_earlier(imports)
    imports.ask("update ops.import_file set content_hash = null, rules = null")
    new, _ = imports.bring(theirs, again=True)
    undone = imports.undo(new, dry_run=True)
    assert (undone.gone_count, undone.kept_count, undone.unsure_count) == (0, 2, 2)
    imports.bring(theirs, again=True)  # the same once more tells nothing of the other
    assert imports.undo(new, dry_run=True).gone_count == 0
    imports.bring(ours, again=True)
    [(number,)] = imports.ask("select max(run_key) - 1 from ops.run where job = 'import'")
    imports.undo(new)
    undone = imports.undo(number)
    assert (undone.gone_count, undone.kept_count, undone.unsure_count) == (1, 1, 0)
    assert "from before" not in line(undone)
    assert imports.state() == only_ours


# The command.


def test_the_command_lists_asks_and_undoes(brapped, tmp_path, ask) -> None:
    folder = write_folder(tmp_path / "package", A)
    assert brapped("import", str(folder), "--listener", "ada").returncode == 0
    [listed] = json.loads(brapped("import", "--receipts", "--json").stdout)
    assert (listed["listener_id"], listed["row_count"], listed["new_count"]) == ("ada", 4, 4)
    number = str(listed["receipt"])
    assert number in brapped("import", "--receipts").stdout
    refused = brapped("import", "--undo", number)
    assert refused.returncode == 1 and "--yes" in refused.stderr and "ada" in refused.stderr
    dry = brapped("import", "--undo", number, "--dry-run")
    assert "nothing was changed (dry run)" in dry.stdout and "4 observations and 4 plays" in dry.stdout
    assert ask("select count(*) from listening.fact_play") == [(4,)]
    done = brapped("import", "--undo", number, "--yes")
    assert done.returncode == 0 and "was taken back: 4 observations and 4 plays" in done.stdout
    assert ask("select count(*) from listening.fact_play") == [(0,)]
    assert "taken back on" in brapped("import", "--receipts").stdout
    public = brapped("import", "--receipts", GITHUB_ACTIONS="true").stdout
    assert "ada" not in public and "Streaming_History" not in public and number in public


def test_killed_in_the_middle_nothing_has_changed(start, brapped, tmp_path, database, ask) -> None:
    folder = write_folder(tmp_path / "package", A)
    brapped("import", str(folder), "--listener", "ada")
    [(number,)] = ask("select max(run_key) from ops.run")
    before = ask(f"{SETS} order by 1")
    with locked(database, "ops.coverage"):
        process = start("import", "--undo", str(number), "--yes")
        wait_for_lock(database, "ops.coverage")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert ask(f"{SETS} order by 1") == before
    assert brapped("import", "--undo", str(number), "--yes").returncode == 0
    assert ask("select count(*) from listening.observation") == [(0,)]
