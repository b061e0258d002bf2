"""Files of features as programs of offices write them, and a second file that knows less: nothing known is lost."""

import json
import math

import pytest
from jobs.test_feature_files import ONE, OTHER, SAID, TWO, recorded_tracks, written
from support import NOW

from etl.dimensions.features import RANGES, value_of
from etl.jobs.features import as_text, import_features

__all__ = ["recorded_tracks"]
COMMA = {name: str(value).replace(".", ",") for name, value in SAID.items()}


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read(separator, recorded_tracks, warehouse, tmp_path, ask):
    path = tmp_path / ("a.csv" if separator == ";" else "a.tsv")
    path.write_text(separator.join(["id", *COMMA]) + "\n" + separator.join([ONE, *COMMA.values()]) + "\n")
    receipt = import_features(warehouse, [path], clock=lambda: NOW)
    assert (receipt.new_count, receipt.malformed_count, receipt.out_of_range_count) == (1, 0, 0)
    columns = ", ".join(f"{name}::text" for name in SAID)
    [row] = ask(f"select {columns} from listening.track_feature")
    assert [float(value) for value in row] == list(SAID.values())


def test_a_quoted_decimal_comma_is_read_and_one_that_parts_cells_is_a_bad_row(
    recorded_tracks, warehouse, tmp_path, ask
):
    path = tmp_path / "a.csv"
    path.write_text(f'id,danceability,energy\n{ONE},"0,1","0,2"\n{TWO},0,1,0,2\n{OTHER},.1,.2,,\n')
    receipt = import_features(warehouse, [path], clock=lambda: NOW)
    assert (receipt.new_count, receipt.unknown_count, receipt.malformed_count) == (1, 1, 1)
    assert ask("select danceability::text, energy::text from listening.track_feature") == [("0.1", "0.2")]


def test_what_could_separate_thousands_is_no_number():
    assert value_of("duration_ms", "200,000") == (None, True)
    assert value_of("energy", "1,000.5") == (None, True)
    assert value_of("energy", "0,,5") == (None, True)
    assert value_of("loudness", "-5,25") == (-5.25, False)
    assert value_of("tempo", ",5") == (0.5, False)


@pytest.mark.parametrize("name", RANGES)
def test_a_number_too_small_for_its_column_is_none(name, recorded_tracks, warehouse, tmp_path):
    for told in (1e-300, -1e-300, "1e-46", math.ulp(0.0)):
        value, _ = value_of(name, told)
        assert value is None or value == 0 or abs(value) >= 1e-37
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"id": ONE, "danceability": 0.5, "energy": 0.5, name: 1e-300}]))
    assert import_features(warehouse, [path], clock=lambda: NOW).new_count == 1


def test_a_row_whose_values_can_not_be_read_is_bad_and_its_track_is_unknown(recorded_tracks, warehouse, tmp_path, ask):
    path = written(tmp_path / "a", "list", [{"id": ONE, **dict.fromkeys(SAID, "much")}])
    receipt = import_features(warehouse, [path], clock=lambda: NOW)
    assert (receipt.row_count, receipt.new_count, receipt.malformed_count) == (1, 0, 1)
    assert as_text(receipt).splitlines() == [
        "Audio features from 1 file: 1 row",
        "          1  rows name no track, or no feature that can be read",
    ]
    assert ask("select count(*) from listening.track_feature") == [(0,)]


POORER = (
    {"danceability": 0.25, "energy": None},
    {"danceability": 0.25, "energy": 99, "valence": "x", "tempo": -5},
    {"danceability": 0.25, "key": -1, "tempo": 0, "duration_ms": 0},
)


@pytest.mark.parametrize("poorer", POORER)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_second_file_that_knows_less_takes_nothing_away(poorer, at_once, recorded_tracks, warehouse, tmp_path, ask):
    (tmp_path / "one").mkdir()
    first = written(tmp_path / "one" / "a", "csv", [{"id": ONE, **SAID}])
    second = written(tmp_path / "b", "list", [{"id": ONE, **poorer}])
    for paths in [[first, second]] if at_once else [[first], [second]]:
        import_features(warehouse, paths, clock=lambda: NOW)
    columns = ", ".join(f"{name}::text" for name in SAID)
    [row] = ask(f"select {columns} from listening.track_feature")
    assert [value and float(value) for value in row] == list({**SAID, "danceability": 0.25}.values())
