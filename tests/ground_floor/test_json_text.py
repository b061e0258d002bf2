"""JSON as the program prints it: nothing in it controls a terminal, and a program reads what was meant."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import ROOT

from etl.json_text import CONTROL, json_text

# How a terminal is controlled: C0, delete, C1 (an 8-bit escape among them), and marks of direction.
DANGEROUS = [*map(chr, (*range(32), *range(127, 160))), *"\u061c\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(DANGEROUS),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(), inside, max_size=4),
)


@pytest.mark.parametrize("character", DANGEROUS)
def test_what_controls_a_terminal_is_escaped(character):
    written = json_text({f"a{character}": f"b{character}c"})
    assert character not in written and json.loads(written) == {f"a{character}": f"b{character}c"}


@given(JSON)
def test_a_program_reads_what_was_meant(value):
    written = json_text(value, indent=2)
    assert json.loads(written) == value and not CONTROL.search(written)


def test_letters_of_all_alphabets_stand_as_they_are():
    assert json_text(["Björk", "宇多田", "Ёлка"], indent=None) == '["Björk", "宇多田", "Ёлка"]'


def test_no_other_module_prints_json_with_letters_of_all_alphabets():
    """json.dumps(…, ensure_ascii=False) leaves control codes in; the simulation and hashes are nobody's terminal."""
    own = {"etl/json_text.py", "etl/simulator/world.py", "etl/warehouse/known_page.py"}
    found = set()
    for path in [*(ROOT / "etl").rglob("*.py"), ROOT / "migrate.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "ensure_ascii":
                found.add(str(path.relative_to(ROOT)))
    assert found == own
