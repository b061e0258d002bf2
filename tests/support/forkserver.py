"""A process that has imported the program and forks: each child is `brapped …` in a process of its own, without a second
of imports. A test suite starts the program some two hundred times.

Reads one JSON object a line: arguments, environment, folder, and the files that output and exit status go to. Answers
with the process id of the child. The child sees nothing of the parent's environment, standard input or output.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

# What the commands import when they run.
import etl.cli.app
import etl.demo
import etl.jobs.imports
import etl.jobs.plays
import etl.jobs.receipts
import etl.settings
import etl.terminal

WITHOUT_PAUSES = "BRAPPED_TEST_WITHOUT_PAUSES"  # in the environment of a child that is not to wait between its tries

WITHOUT_RATES = "BRAPPED_TEST_WITHOUT_RATES"  # of one that may be asked any number of times


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.close(reading)
            supervise(order, writing)
        os.close(writing)
        pid = os.read(reading, 20).decode()
        os.close(reading)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        while reap():
            pass


def reap() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def supervise(order: dict, writing: int) -> None:
    """Starts the program, says its process id, waits for its end and writes down the exit status."""
    pid = os.fork()
    if pid == 0:
        become(order)
    os.write(writing, str(pid).encode())
    os.close(writing)
    _, status = os.waitpid(pid, 0)
    draft = Path(order["status"] + ".draft")
    draft.write_text(str(os.waitstatus_to_exitcode(status)))
    draft.rename(order["status"])
    os._exit(0)


def become(order: dict) -> None:
    """Turns this process into the program. Never returns."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    if os.environ.pop(WITHOUT_PAUSES, None):
        time.sleep = lambda seconds: None
    if os.environ.pop(WITHOUT_RATES, None):
        from etl.web.security import Rates

        setattr(Rates, "wait_s", lambda rates, who: 0)  # noqa: B010  for a type checker this is no method
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = ["brapped", *order["arguments"]]
    status = 1
    try:
        etl.cli.app.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the tests
    main()
