"""`brapped status` lists the latest imports: counts and dates, no file and no listener, within 80 columns."""

import json
import re
from typing import Any

import pytest
from support import NOW
from support.cases import Song, exported
from support.export_files import write_folder

from etl.health.receipts import receipt_lines

S = Song("S", "Song")


def imports_in(text: str) -> list[str]:
    """The lines of the part Imports, without the blanks at their ends."""
    lines = text.splitlines()
    begin = lines.index("Imports") + 1
    return [line.strip() for line in lines[begin : lines.index("", begin)]]


def test_without_imports_there_is_no_such_part(brapped) -> None:
    assert "Imports" not in brapped("status").stdout.splitlines()
    assert json.loads(brapped("status", "--json").stdout)["receipts"] == []


def test_the_last_five_with_what_became_of_them(brapped, tmp_path, ask) -> None:
    for number in range(6):
        rows = [exported(-5_000 * (number + 1), S), exported(-900, S)]
        folder = write_folder(tmp_path / f"of-ada {number}", {f"Streaming_History_Audio_202{number}.json": rows})
        assert brapped("import", str(folder), "--listener", "ada").returncode == 0
    numbers = [number for (number,) in ask("select run_key from ops.run where job = 'import' order by 1 desc")]
    assert brapped("import", "--undo", str(numbers[1]), "--yes").returncode == 0
    text = brapped("status").stdout
    shown = imports_in(text)
    words = " ".join(" ".join(shown).split())
    assert re.findall(r"import (\d+) \d{4}-\d\d-\d\d: 1 file, 2 rows, 1 new play", words) == [
        str(one) for one in numbers[:5]
    ]
    assert words.count("; taken back on ") == 1
    assert shown[-1] == "1 before; 'brapped import --receipts' lists all"
    assert "of-ada" not in text and "Streaming_History" not in text
    assert max(map(len, text.splitlines())) <= 80
    told: list[dict[str, Any]] = json.loads(brapped("status", "--json").stdout)["receipts"]
    assert [one["receipt"] for one in told] == numbers[:5] and {one["import_count"] for one in told} == {6}
    assert [one["undone_at"] is not None for one in told] == [False, True, False, False, False]
    listed = {one["receipt"]: one for one in json.loads(brapped("import", "--receipts", "--json").stdout)}
    for one in told:
        same = listed[one["receipt"]]
        assert all(one[name] == same[name] for name in ("file_count", "row_count", "new_count"))


@pytest.mark.parametrize("count", [1, 5])
def test_when_all_are_shown_nothing_is_said_of_others(count: int) -> None:
    one = {"receipt": 7, "started_at": NOW, "undone_at": None, "file_count": 1, "row_count": 1_000, "new_count": 900}
    lines = list(receipt_lines([{**one, "import_count": count}] * count))
    assert lines[0] == ("import 7", "2026-11-20: 1 file, 1,000 rows, 900 new plays")
    assert lines[-1] == ("", "'brapped import --receipts' lists all") and len(lines) == count + 1
    assert list(receipt_lines([])) == []
