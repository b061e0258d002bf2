"""Tests that run as root, and programs that run as somebody else."""

import os
import subprocess
import sys
from contextlib import suppress
from functools import cache
from typing import Any

import pytest

only_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="is about running as root")


@cache
def as_nobody() -> dict[str, Any]:
    """How to run a program as `nobody`, with this Python, or the system's where this one is root's own (as pyenv's)."""
    identity: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": [], "cwd": "/"}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    for python in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        with suppress(PermissionError, FileNotFoundError):
            command = [python, "-c", "import etl.embedded.postgres"]
            if not subprocess.run(command, env=environment, capture_output=True, **identity).returncode:
                return {"python": python, "env": environment, **identity}
    return pytest.skip("there is no Python here that nobody may run with these packages")
