"""The locks of the repository, read. Pure but for reading them."""

import re
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]

# Each lock with the extras it holds, besides what every installation has.
LOCKS: dict[str, list[str]] = {
    "requirements-job.txt": [],
    "requirements-embedded.txt": ["embedded"],
    "requirements-web.txt": ["import", "web"],
    "requirements.txt": ["embedded", "import", "web"],
    "requirements-dev.txt": ["embedded", "import", "web"],
}


def entries(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Each requirement of a lock with its hashes."""
    found = []
    for line in (ROOT / lock).read_text("utf-8").replace("\\\n", " ").splitlines():
        if line.strip():
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            found.append((Requirement(requirement), hashes))
    return found
