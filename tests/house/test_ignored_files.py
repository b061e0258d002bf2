"""What the examples in the documents write is not added to the repository."""

import re
import subprocess

import pytest
from support import ROOT

WRITTEN = re.compile(r"--(?:output|backup) ([\w.-]+\.\w+)")


def test_what_the_examples_write_is_not_added_to_the_repository():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    names = {name for page in pages for name in WRITTEN.findall(page.read_text("utf-8"))}
    assert {"wrapped.html", "history.csv", "brapped.zip"} <= names
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", *sorted(names)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert set(ignored.stdout.split()) == names
