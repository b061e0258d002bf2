"""A recorder in processes that are killed: run as a program it forks one for each order; the time outlives them.

An order is a line of JSON: {environment, until_ms, kill: {scope, after, since_ms, spared} or null, takeover}. The
answer is a line: {"status": as os.waitstatus_to_exitcode, "told": what the recorder logged}. A kill is SIGKILL before the
n-th line that runs in the scope since a moment: `any` of the recorder and the warehouse, `spool`, or `flush`; in the
span `spared` it waits for the end of that.
"""

import json
import logging
import mmap
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LONGEST_MS = {"any": 60_000, "spool": 60_000, "flush": 3_600_000}
Trace = Callable[[FrameType, str, Any], Any]
SCOPES = {
    "any": ("/etl/jobs/recorder/", "/etl/warehouse/connection.py", "/etl/warehouse/merge.py", "/etl/spotify/player.py"),
    "spool": ("/etl/jobs/recorder/spool.py",),
    "flush": (
        "flush.py flush",
        "flush.py write",
        "flush.py save",
        "flush.py measured",
        "merge.py merge_",
        "spool.py forget",
    ),
}


class SharedTime:
    """The true time, in a file that survives every process."""

    off_ms = 0

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 8)

    @property
    def now_ms(self) -> int:
        return int(struct.unpack_from("q", self._map, 0)[0])

    @now_ms.setter
    def now_ms(self, value: int) -> None:
        struct.pack_into("q", self._map, 0, value)

    def true(self) -> Any:
        from etl.sources.player.observation import moment_of

        return moment_of(self.now_ms)

    wall = true


class Lives:
    """What starts the recorders."""

    def __init__(self, time_file: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(time_file)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live(self, environment: dict[str, str], until_ms: int, **order: Any) -> dict[str, Any]:
        """Let a recorder live until it ends or is killed; what it was like."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"environment": environment, "until_ms": until_ms, **order}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def counting(shared: SharedTime, scope: str, after: int, since_ms: int, spared: Sequence[int]) -> Trace:
    """A trace function that kills this process before line `after` of a scope, or LONGEST_MS later before any line."""
    known: dict[CodeType, tuple[bool, bool]] = {}
    begin_ms, end_ms = spared
    count = 0

    def line(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        now_ms = shared.now_ms
        if event == "line" and now_ms >= since_ms and not begin_ms <= now_ms < end_ms:
            count += known[frame.f_code][1]
            if count >= after or now_ms >= since_ms + LONGEST_MS[scope]:
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def call(frame: FrameType, event: str, argument: object) -> Any:
        code = frame.f_code
        if code not in known:
            name = f"{code.co_filename} {code.co_name}"
            is_ours, is_in_scope = (any(part in name for part in SCOPES[one]) for one in ("any", scope))
            known[code] = is_ours, is_in_scope
        return line if known[code][0] else None

    return call


def one_life(order: dict[str, Any], shared: SharedTime) -> None:
    """The recorder in this process, which ends with it."""
    from etl.settings import read_settings
    from etl.sources.player.observation import moment_of
    from etl.warehouse.connection import Warehouse
    from support.recorder_day import MovedClocks, run_recorder

    os.environ.clear()
    os.environ.update(order["environment"])
    settings = read_settings()
    assert settings.database_url is not None
    warehouse = Warehouse(settings.database_url.get_secret_value())
    clocks = MovedClocks(shared, moment_of(order["until_ms"]))  # type: ignore[arg-type]
    clocks.gives_up = True
    if order.get("kill"):
        sys.settrace(counting(shared, **order["kill"]))
    run_recorder(settings, warehouse, clocks, is_takeover=order.get("takeover", False))


def main() -> None:
    import etl.jobs.recorder.record  # noqa: F401  before the first fork, so that each starts quickly

    shared = SharedTime(Path(sys.argv[1]))
    for number, given in enumerate(sys.stdin):
        told = Path(f"{sys.argv[1]}.{number}.log")
        child = os.fork()
        if not child:
            logging.basicConfig(filename=told, format="%(levelname)s %(message)s")
            time.sleep = lambda seconds: None  # the pauses between two tries at the database
            status = 1
            try:
                one_life(json.loads(given), shared)
                status = 0
            except SystemExit as error:
                status = int(error.code or 0)
            except BaseException as error:
                logging.error("%s: %s", type(error).__name__, error)
            finally:
                logging.shutdown()
                os._exit(status)
        _, ended = os.waitpid(child, 0)
        answer = {"status": os.waitstatus_to_exitcode(ended), "told": told.read_text()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
