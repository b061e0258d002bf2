"""Runs a GitHub workflow's `run:` steps on this machine as a runner would, stubbing the actions it `uses:`.

    run = run_workflow(".github/workflows/plays.yml", secrets={"DATABASE_URL": url}, path_prefix=stand_ins)
    assert run.conclusion == "failure" and "SPOTIFY_CLIENT_ID" in run.log

What the workflows do not use is not imitated: it raises `Unsupported`, so that no test passes on a guess. Logs
are not masked as GitHub masks them, so that a test can see a secret that was written.
"""

import atexit
import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.workflow_expressions import Unsupported, as_text, evaluate_condition, interpolate

ROOT = Path(__file__).parent.parent
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"  # no virtual environment, no ~/.local: as on a fresh runner
NOT_CHECKED_OUT = {".git", ".venv", ".env", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}


@dataclass
class Step:
    """What became of one step. `env`: of a `run:` its whole environment, of a `uses:` only its own."""

    job: str
    name: str
    id: str | None
    uses: str | None
    inputs: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    outcome: str = "skipped"  # or "success", "failure"
    status: int | None = None
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Run:
    """What became of a workflow: the steps of all its jobs in order, and what they wrote."""

    steps: list[Step]
    workspace: Path
    summary: str

    @property
    def conclusion(self) -> str:
        return "failure" if any(step.outcome == "failure" for step in self.steps) else "success"

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    def step(self, name_or_id: str) -> Step:
        [step] = [step for step in self.steps if name_or_id in (step.name, step.id)]
        return step

    def outcomes(self) -> dict[str, str]:
        return {step.id or step.name: step.outcome for step in self.steps}


def load_workflow(path: str | Path) -> dict[str, Any]:
    """The workflow as a dictionary, its `on:` under "on" (YAML 1.1 reads that word as true)."""
    workflow = yaml.safe_load((ROOT / path).read_text("utf-8"))
    if True in workflow:
        workflow["on"] = workflow.pop(True)
    return workflow


def run_workflow(
    path: str | Path,
    *,
    secrets: Mapping[str, str] | None = None,
    vars: Mapping[str, str] | None = None,
    event: str = "workflow_dispatch",
    path_prefix: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    workspace: str | Path | None = None,
    timeout: float = 100,
) -> Run:
    """Runs every job (every combination of its matrix) one after the other and says what became of each step.

    `path` is relative to the repository. `path_prefix` is a folder of stand-ins that come before all other
    programs. `env` is added to the otherwise clean environment of each step, as a runner's own would be. The
    scratch `workspace` is empty until `actions/checkout` links the repository's files into it; what a test has
    put there before stays. After `actions/setup-python` the name `python` is this Python with its packages, and
    `pip` says what it was asked to do and does nothing. `timeout` is in seconds, for each step.
    """
    workflow = load_workflow(path)
    github = {
        "workflow": workflow.get("name", str(path)),
        "event_name": event,
        "ref": "refs/heads/main",
        "ref_name": "main",
        "repository": "somebody/brapped",
        "server_url": "https://github.com",
        "run_id": "1",
    }
    run = Run([], Path(), "")
    for key, job in workflow["jobs"].items():
        _only(job, JOB_KEYS)
        for combination in _combinations(job.get("strategy", {}).get("matrix", {})):
            machine = _Machine(Path(workspace or _scratch()), path_prefix, env or {}, timeout)
            contexts = {"secrets": secrets or {}, "vars": vars or {}, "github": github, "matrix": combination}
            run.steps += machine.do(" ".join([key, *combination.values()]), job, workflow, contexts)
            run.workspace, run.summary = machine.workspace, run.summary + machine.summary
    return run


JOB_KEYS = {"name", "runs-on", "timeout-minutes", "permissions", "env", "defaults", "strategy", "steps"}
STEP_KEYS = {"name", "id", "if", "uses", "with", "run", "env", "shell", "working-directory"}
FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")


def _combinations(matrix: Mapping[str, list[Any]]) -> Iterable[dict[str, str]]:
    if {"include", "exclude"} & set(matrix):
        raise Unsupported("include or exclude in a matrix")
    for values in itertools.product(*matrix.values()):
        yield dict(zip(matrix, map(as_text, values), strict=True))


def _only(mapping: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(mapping) - known:
        raise Unsupported(", ".join(sorted(unknown)))


def _scratch() -> str:
    folder = tempfile.mkdtemp(prefix="workflow-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class _Machine:
    """What one job runs on: its folders, and what the steps so far have added to PATH and environment."""

    def __init__(self, workspace: Path, path_prefix: str | Path | None, env: Mapping[str, str], timeout: float) -> None:
        self.workspace = workspace.resolve()
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.home = Path(_scratch())
        self.path = [SYSTEM_PATH]
        self.prefix = [str(path_prefix)] if path_prefix else []
        self.base, self.timeout = dict(env), timeout
        self.added: dict[str, str] = {}  # by way of GITHUB_ENV
        self.summary = ""

    def do(
        self, label: str, job: Mapping[str, Any], workflow: Mapping[str, Any], contexts: dict[str, Any]
    ) -> list[Step]:
        defaults = workflow.get("defaults", {}).get("run", {}) | job.get("defaults", {}).get("run", {})
        contexts = contexts | {"steps": {}}
        steps: list[Step] = []
        for raw in job["steps"]:
            _only(raw, STEP_KEYS)
            name = interpolate(raw.get("name") or raw.get("uses") or raw["run"], contexts)
            step = Step(job=label, name=name, id=raw.get("id"), uses=raw.get("uses"))
            failed = any(before.outcome == "failure" for before in steps)
            if evaluate_condition(str(raw.get("if", "")), contexts, failed):
                layers = (workflow.get("env", {}), job.get("env", {}), raw.get("env", {}))
                step.env = {key: interpolate(value, contexts) for env in layers for key, value in env.items()}
                step.inputs = {key: interpolate(value, contexts) for key, value in raw.get("with", {}).items()}
                if step.uses:
                    self._use(step)
                else:
                    self._run(step, interpolate(raw["run"], contexts), defaults | raw, contexts["github"])
            if step.id:
                contexts["steps"][step.id] = {"outputs": step.outputs, "outcome": step.outcome}
            steps.append(step)
        return steps

    def _use(self, step: Step) -> None:
        action = (step.uses or "").partition("@")[0]
        if action.startswith(("./", "docker:")):
            raise Unsupported(action)
        if action == "actions/checkout":
            for entry in ROOT.iterdir():
                if entry.name not in NOT_CHECKED_OUT and not (self.workspace / entry.name).exists():
                    (self.workspace / entry.name).symlink_to(entry)
        if action == "actions/setup-python":
            tools = self.home / "python"
            tools.mkdir(exist_ok=True)
            for name in ("python", "python3"):
                script(tools / name, f'exec {shlex.quote(sys.executable)} "$@"')
            script(tools / "pip", 'echo "pip $*: not done, this is a test"')
            self.path.insert(0, str(tools))
        step.outcome = "success"

    def _run(self, step: Step, text: str, settings: Mapping[str, Any], github: Mapping[str, str]) -> None:
        files = {name: self.home / name for name in FILES}
        for file in files.values():
            file.write_text("", "utf-8")
        step.env = {
            "PATH": ":".join(self.prefix + self.path),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.home),
            **{f"GITHUB_{name.upper()}": value for name, value in github.items()},
            **{name: str(file) for name, file in files.items()},
            **self.base,
            **self.added,
            **step.env,
        }
        source = self.home / "step.sh"
        source.write_text(text, "utf-8")
        done = subprocess.run(
            [*_shell(settings.get("shell")), str(source)],
            cwd=self.workspace / settings.get("working-directory", "."),
            env=step.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=self.timeout,
            check=False,
        )
        step.status, step.log = done.returncode, done.stdout.decode("utf-8", "replace")
        step.outcome = "failure" if done.returncode else "success"
        step.outputs = parse_assignments(files["GITHUB_OUTPUT"].read_text("utf-8"))
        self.added |= parse_assignments(files["GITHUB_ENV"].read_text("utf-8"))
        self.path = [*reversed(files["GITHUB_PATH"].read_text("utf-8").splitlines()), *self.path]
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text("utf-8")


def _shell(name: str | None) -> list[str]:
    """As GitHub starts them: a bash that was asked for by name is stricter than the one that was not."""
    shells = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
    if name not in shells:
        raise Unsupported(f"shell: {name}")
    return shells[name]


def parse_assignments(text: str) -> dict[str, str]:
    """What a step wrote to GITHUB_OUTPUT or GITHUB_ENV: `name=value`, or `name<<END`, lines and `END`."""
    found: dict[str, str] = {}
    lines = text.splitlines()
    while lines:
        line = lines.pop(0)
        parts = re.fullmatch(r"(.+?)(=|<<)(.*)", line)
        if not parts or (parts[2] == "<<" and parts[3] not in lines):
            raise ValueError(f"GitHub would refuse the line {line!r}")
        name, sign, value = parts.groups()
        if sign == "<<":
            end = lines.index(value)
            value, lines = "\n".join(lines[:end]), lines[end + 1 :]
        found[name] = value
    return found


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)


RECORD = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"


def stand_in(folder: Path, name: str, *, status: int = 0, says: str = "") -> None:
    """A program for `path_prefix`: it notes its arguments and environment, `says` that, ends with `status`."""
    notes, python = shlex.quote(str(folder / f"{name}.calls")), shlex.quote(sys.executable)
    folder.mkdir(parents=True, exist_ok=True)
    script(
        folder / name,
        f'{python} -I -c {shlex.quote(RECORD)} "$@" >> {notes}\nprintf %s {shlex.quote(says)}\nexit {status}',
    )


def calls(folder: Path, name: str) -> list[tuple[list[str], dict[str, str]]]:
    """The arguments and the environment of each call of that stand-in, in order."""
    notes = folder / f"{name}.calls"
    lines = notes.read_text("utf-8").splitlines() if notes.exists() else []
    return [(arguments, env) for arguments, env in map(json.loads, lines)]
