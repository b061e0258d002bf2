"""Fetch the packages that the web application carries along from npm, and compare them with what is in the repository.

    python docs/vendored.py            # compare
    python docs/vendored.py --write    # write the files anew, as the table in etl/web/static/README.md has them

Needs npm. Fails when a file differs from its hash in the table.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "etl" / "web" / "static"
ROW = re.compile(
    r"^\| `([\w.]+)` \| ([\w.@/-]+), `([\w./-]+)` \| ([\w.-]+) \| [^|]+ \| `([0-9a-f]{64})` \|$", re.MULTILINE
)


@dataclass(frozen=True)
class Vendored:
    """A file of another project. `inside`: its path in the package; `digest`: its SHA-256 in hexadecimal."""

    name: str
    package: str
    inside: str
    version: str
    digest: str


def vendored() -> list[Vendored]:
    """The rows of the table in README.md."""
    return [Vendored(*row) for row in ROW.findall((FOLDER / "README.md").read_text("utf-8"))]


def fetched(one: Vendored, folder: Path) -> bytes:
    """The file as npm has it now."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is not installed.")
    subprocess.run([npm, "pack", "--silent", f"{one.package}@{one.version}"], cwd=folder, check=True, stdout=sys.stderr)
    [archive] = folder.glob("*.tgz")
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/{one.inside}")
        assert member is not None
        return member.read()


def main() -> None:
    for one in vendored():
        with tempfile.TemporaryDirectory() as folder:
            content = fetched(one, Path(folder))
        if hashlib.sha256(content).hexdigest() != one.digest:
            sys.exit(f"{one.name}: npm's {one.package} {one.version} has another hash than etl/web/static/README.md.")
        if "--write" in sys.argv:
            (FOLDER / one.name).write_bytes(content)
        elif (FOLDER / one.name).read_bytes() != content:
            sys.exit(f"{one.name} is not the file of {one.package} {one.version}.")
        sys.stdout.write(f"{one.name} is {one.inside} of {one.package} {one.version}.\n")


if __name__ == "__main__":
    main()
