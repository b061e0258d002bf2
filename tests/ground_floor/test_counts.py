"""Counts with their nouns, wherever a count is said."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from support import NOW
from support.export_files import write_zip
from support.marked_rows import GOOD, listen

import migrate
from etl.clock import span_in_words as in_words
from etl.counts import many
from etl.dimensions.answers import FillResult
from etl.jobs.dimensions import dimensions_line
from etl.jobs.plays import plays_line, plays_warnings
from etl.jobs.receipts import FileReceipt, Receipt, as_text, line
from etl.sources.recently_played import Page
from etl.warehouse.merge import Reach

NOUNS = "rows|files|plays|items|calls|tables|hours|days|runs|podcasts|tracks|artists|albums|gaps|listens|pages"


def test_a_count_has_its_noun():
    assert [many(count, "row") for count in (0, 1, 2, 1234)] == ["0 rows", "1 row", "2 rows", "1,234 rows"]
    assert many(1, "entry", "entries") == "1 entry" and many(2, "entry", "entries") == "2 entries"


def said_of_one(tmp_path, brapped, moving) -> list[str]:
    one = FileReceipt("mine", "a.json", "extended_export", 1, new_count=1, malformed_count=22, podcast_count=1, unnamed_count=1, malformed=("row 1: x",) * 21)  # fmt: skip
    broken = FileReceipt("", "b.json", None, unreadable_reason="it is damaged")
    receipt = Receipt((one, broken), is_new_listener=True, is_dry_run=False)
    assert brapped("import", str(write_zip(tmp_path / "mine.zip", {"endsong_0.json": [listen(0)]}))).returncode == 0
    return [
        as_text(receipt).split("\n\n")[1],
        line(receipt),
        plays_line(Page({}, 1, 1), 1, Reach(NOW, None)),
        *(
            warning.text if hasattr(warning, "text") else str(warning)
            for warning in plays_warnings(Page({}, 1, 1), Reach(NOW, None))
        ),
        dimensions_line(FillResult(filled_count=1, call_count=1)),
        in_words(timedelta(minutes=1)),
        moving("--backup", str(tmp_path / "backup.zip"))[1],
    ]


def test_one_of_anything_is_said_in_the_singular(tmp_path, brapped, moving):
    texts = said_of_one(tmp_path, brapped, moving)
    assert len(texts) == 7
    for text in texts:
        found = re.findall(rf"(?<![\d,.])(?<! of )1 +(?:more )?(?:{NOUNS}|minutes)\b", text)
        assert found == [], text


def test_no_line_of_the_program_puts_a_plural_behind_a_count():
    """A count that may be one takes `many`. What is never one, such as the size of a page, or no count is listed here."""
    never_one = {"WINDOW", "TRIES", "DAYS", "len(CHECKS)", "beside.listed_count", "listed", "brapped"}
    found = []
    for path in (*Path(migrate.__file__).parent.glob("etl/**/*.py"), Path(migrate.__file__)):
        for place in re.finditer(rf"\{{([^{{}}]*?)(?::[,>0-9]+)?\}} (?:{NOUNS})\b", path.read_text("utf-8")):
            if place[1] not in never_one:
                found.append(f"{path.name}: {place[0]}")
    assert found == []


@pytest.mark.parametrize("count", [1, 2])
def test_an_import_of_one_row_says_so(brapped, tmp_path, count):
    rows = [listen(10 * number) for number in range(count)]
    ran = brapped("import", str(write_zip(tmp_path / "mine.zip", {next(iter(GOOD)): rows})))
    assert ran.stdout.splitlines()[-1].startswith("1 row of 1 file: 1 new" if count == 1 else "2 rows of 1 file: 2 new")
