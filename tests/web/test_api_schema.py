"""Schemathesis over the OpenAPI, against the server, with a key that may read and write: it finds nothing."""

import subprocess
import sys
from pathlib import Path

from support.household import Household

CONFIGURATION = """
[checks.positive_data_acceptance]
# 422 is for conditions that contradict each other, such as days in no month: no schema can say that.
expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "422", "429"]

[[operations]]
include-path = "/v1/artists/{{key}}"
parameters = {{ "path.key" = {artist} }}

[[operations]]
include-path = "/v1/albums/{{key}}"
parameters = {{ "path.key" = {album} }}
"""


def test_schemathesis_finds_nothing(home: Household, tmp_path: Path) -> None:
    artist, album = (home.get(f"/tops/{kind}").json()["tops"][0] for kind in ("artists", "albums"))
    known = CONFIGURATION.format(artist=artist["artist_key"], album=album["album_key"])
    (tmp_path / "schemathesis.toml").write_text(known)
    ran = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(tmp_path / "schemathesis.toml"),
            "run", f"{home.served.url}/api/openapi.json",
            "--checks", "all", "--max-examples", "5", "--workers", "2", "--generation-deterministic",
            "--no-color", "--continue-on-failure",
            "-H", f"Authorization: Bearer {home.keys['ada']}",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-12000:] + ran.stderr[-3000:]
