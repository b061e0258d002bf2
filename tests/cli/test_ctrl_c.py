"""Ctrl-C at any moment while a command starts: one sentence, no traceback."""

import signal
import subprocess
import sys
import time

import pytest
from support import ROOT

UP = "import runpy, sys; from etl import interrupts; interrupts.exit_on_interrupt(); print('up', flush=True); sys.argv = "
PROGRAMS = {
    "plays": UP + "['brapped', 'plays']; runpy.run_module('etl', run_name='__main__', alter_sys=True)",
    "report": UP + "['brapped', 'report', 'daily']; runpy.run_module('etl', run_name='__main__', alter_sys=True)",
    "migrate.py": UP + f"['migrate.py']; runpy.run_path({str(ROOT / 'migrate.py')!r}, run_name='__main__')",
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("after_s", [0, 0.05, 0.15, 0.4, 0.8])
def test_ctrl_c_at_any_moment_of_the_start_ends_with_one_sentence(name, after_s, environment, tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAMS[name]], cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert program.stdout and program.stdout.readline() == "up\n"
    time.sleep(after_s)
    program.send_signal(signal.SIGINT)
    _, output = program.communicate(timeout=100)
    assert "Traceback" not in output and not output.startswith("\n")
    if program.returncode != 0:  # it may have been quicker
        assert program.returncode == 130
        assert len([line for line in output.splitlines() if "topped" in line]) == 1
