"""How long the jobs take, side by side with their floors. See README.md; run with `python -m benchmarks`."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards; the user whom Postgres runs as can reach what is in it."""
    folder = Path(tempfile.mkdtemp(prefix="brapped-bench-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
