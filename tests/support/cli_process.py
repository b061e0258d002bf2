"""The program in a process of its own, started by the fork server; it behaves like a `subprocess.Popen`."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from support import ROOT


class ForkServer:
    """The forking process; one a worker, for the whole run."""

    def __init__(self) -> None:
        # Where coverage is measured, in the children too.
        measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS")}
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "support" / "forkserver.py")],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **measured},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._folder = tempfile.TemporaryDirectory(prefix="brapped-programs-")
        self._count = 0

    def start(self, arguments: tuple[str, ...], environment: dict[str, str], folder: Path) -> "Program":
        self._count += 1
        files = {name: f"{self._folder.name}/{self._count}.{name}" for name in ("out", "err", "status")}
        order = {"arguments": arguments, "environment": environment, "folder": str(folder), **files}
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Program(arguments, int(self._process.stdout.readline()), files)

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._folder.cleanup()


class Program:
    """One run of the program."""

    def __init__(self, arguments: tuple[str, ...], pid: int, files: dict[str, str]) -> None:
        self.args = arguments
        self.pid = pid
        self.returncode: int | None = None
        self._files = {name: Path(file) for name, file in files.items()}

    def poll(self) -> int | None:
        if self.returncode is None and self._files["status"].exists():
            self.returncode = int(self._files["status"].read_text())
        return self.returncode

    def wait(self, timeout: float = 100) -> int:
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(["brapped", *self.args], timeout)
            time.sleep(0.005)
        return status

    def communicate(self, timeout: float = 100) -> tuple[str, str]:
        self.wait(timeout)
        return self._files["out"].read_text(encoding="utf-8"), self._files["err"].read_text(encoding="utf-8")

    def completed(self) -> "subprocess.CompletedProcess[str]":
        out, err = self.communicate()
        assert self.returncode is not None
        return subprocess.CompletedProcess(self.args, self.returncode, out, err)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended by itself, as subprocess.Popen allows for
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)
