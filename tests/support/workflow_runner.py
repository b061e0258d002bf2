"""Runs a GitHub workflow on this machine as a runner would. The actions of others that it `uses:` are stubs.

    run = run_workflow(".github/workflows/plays.yml", secrets={"DATABASE_URL": url}, path_prefix=stand_ins)
    assert run.conclusion == "failure" and "SPOTIFY_CLIENT_ID" in run.log

A job may call another workflow of the repository; its jobs then run as those of the caller. A step may use a composite
action of the repository (`./…` from the workspace, `$/…` from the commit that runs); it shows as one step, as on GitHub.
What a step uploads is kept in `run.artifacts`.

What the workflows do not use is not imitated: it raises `Unsupported`, so that no test passes on a guess.

Logs, annotations and summaries are masked as GitHub masks them (tests/support/runner_masks.py): `log` and `summary` are
what a person sees. `written` is what a step really wrote, in which a test can find a secret.
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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support.runner_masks import Masks
from support.workflow_actions import CONTEXTS, read_action
from support.workflow_actions import only as _only
from support.workflow_expressions import Unsupported as Unsupported
from support.workflow_expressions import as_text, evaluate_condition, interpolate

ROOT = Path(__file__).parents[2]
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"  # no virtual environment, no ~/.local: as on a fresh runner
NOT_CHECKED_OUT = {".git", ".venv", ".env", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"}


@dataclass
class Step:
    """What became of one step. `env`: of a `run:` its whole environment, of a `uses:` only its own.

    `log` and `summary` as GitHub shows them; `written`: both as the step wrote them. `steps`: those of the composite
    action that it used; its log, summary and written text are theirs together.
    """

    job: str
    name: str
    id: str | None
    uses: str | None
    inputs: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    outcome: str = "skipped"  # or "success", "failure"
    status: int | None = None
    log: str = ""
    summary: str = ""
    written: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list["Step"] = field(default_factory=list)


@dataclass
class Run:
    """What became of a workflow: the steps of all its jobs in order, and what they wrote.

    `jobs` has the result of each job by its name: of a called workflow `caller / job`, as GitHub shows it. A job that
    was skipped has no steps. `artifacts` has the text of each file of each upload. `dropped`: the outputs of jobs that
    GitHub did not hand on, because a secret stands in them.
    """

    steps: list[Step] = field(default_factory=list)
    jobs: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, dict[str, str]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    workspace: Path = Path()

    @property
    def conclusion(self) -> str:
        return "failure" if any(step.outcome == "failure" for step in self.steps) else "success"

    @property
    def log(self) -> str:
        return "".join(step.log for step in self.steps)

    @property
    def summary(self) -> str:
        return "".join(step.summary for step in self.steps)

    @property
    def written(self) -> str:
        return "".join(step.written for step in self.steps)

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
    inputs: Mapping[str, str] | None = None,
    event: str = "workflow_dispatch",
    repository: Mapping[str, bool] | None = None,
    path_prefix: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    workspace: str | Path | None = None,
    timeout: float = 100,
) -> Run:
    """Runs every job (every combination of its matrix) one after the other and says what became of each step.

    `path` is relative to the repository. `inputs` are what was typed in for a run by hand. `repository` says whether
    GitHub calls the repository a `fork` or `private`; it is neither by default. `path_prefix` is a folder of stand-ins that come before all other programs. `env` is added to the otherwise clean environment of each step,
    as a runner's own would be. The scratch `workspace` is empty until `actions/checkout` links the repository's files
    into it; what a test has put there before stays. After `actions/setup-python` the name `python` is this Python with
    its packages, and `pip` says what it was asked to do and does nothing. `timeout` is in seconds, for each step.
    """
    workflow = load_workflow(path)
    _refuse_what_github_refuses(workflow)
    about = {"fork": False, "private": False} | dict(repository or {})
    github: dict[str, Any] = {
        "workflow": workflow.get("name", str(path)),
        "event_name": event,
        "ref": "refs/heads/main",
        "ref_name": "main",
        "repository": "somebody/brapped",
        "server_url": "https://github.com",
        "run_id": "1",
        "run_attempt": "1",
        "token": "the token of this run",
        "event": {"repository": about},
    }
    run = Run()
    typed_in = _typed_in(workflow, event, inputs or {})
    event_file = Path(_scratch()) / "event.json"
    told = {"inputs": typed_in} if event == "workflow_dispatch" else {}
    event_file.write_text(json.dumps(github["event"] | told), "utf-8")
    github["event_path"] = str(event_file)
    contexts = {
        "secrets": secrets or {},
        "vars": vars or {},
        "inputs": typed_in,
        "github": github,
    }

    def machine() -> _Machine:
        return _Machine(Path(workspace or _scratch()), path_prefix, env or {}, timeout, run.artifacts)

    _do_jobs(run, workflow, contexts, machine)
    return run


# Of these, timeouts, permissions, concurrency and environment decide whether GitHub starts or stops a job, not what it
# does: they are not imitated, but for the permissions that a called workflow asks for.
JOB_KEYS = {
    *("name", "needs", "if", "runs-on", "timeout-minutes", "permissions", "concurrency", "environment"),
    *("env", "defaults", "strategy", "outputs", "steps"),
}
CALL_KEYS = {"name", "needs", "if", "permissions", "uses", "secrets"}
STEP_KEYS = {"name", "id", "if", "uses", "with", "run", "env", "shell", "working-directory", "timeout-minutes"}
FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
LEVELS = {"none": 0, "read": 1, "write": 2}


def _typed_in(workflow: Mapping[str, Any], event: str, given: Mapping[str, str]) -> dict[str, str]:
    """The inputs of a run by hand, with their defaults; no other event has any."""
    on = workflow["on"]
    by_hand = on.get("workflow_dispatch") if event == "workflow_dispatch" and isinstance(on, Mapping) else None
    declared = (by_hand or {}).get("inputs", {})
    if any(one.get("type", "string") != "string" or one.get("required") for one in declared.values()):
        raise Unsupported("an input that is no text or that must be given")
    if undeclared := set(given) - set(declared):
        raise ValueError(f"GitHub would refuse the input {undeclared}")
    return {name: as_text(one.get("default")) for name, one in declared.items()} | dict(given)


def _called(job: Mapping[str, Any]) -> dict[str, Any]:
    """The workflow of this repository that a job calls."""
    _only(job, CALL_KEYS)
    found = re.fullmatch(r"[.$]/(\.github/workflows/[\w.-]+)", job["uses"])
    if not found:
        raise Unsupported(job["uses"])
    workflow = load_workflow(found[1])
    if not isinstance(workflow["on"], Mapping) or "workflow_call" not in workflow["on"]:
        raise ValueError(f"GitHub would refuse the call of {found[1]}, which has no workflow_call")
    if any("uses" in inner for inner in workflow["jobs"].values()):
        raise Unsupported("a called workflow that calls another")
    _only(workflow["on"]["workflow_call"] or {}, {"secrets"})
    return workflow


def _refuse_what_github_refuses(workflow: Mapping[str, Any]) -> None:
    """A call with a mistake in it keeps the whole run from starting, even where the job would have been skipped."""
    for key, job in workflow["jobs"].items():
        if "uses" not in job:
            continue
        called = _called(job)
        declared = (called["on"]["workflow_call"] or {}).get("secrets", {})
        if not isinstance(job.get("secrets", {}), Mapping):
            raise Unsupported(f"secrets: {job['secrets']}")
        if undeclared := set(job.get("secrets", {})) - set(declared):
            raise ValueError(f"GitHub would refuse the secrets {undeclared} of {key}, which are not declared")
        if kept := {name for name, one in declared.items() if one.get("required")} - set(job.get("secrets", {})):
            raise ValueError(f"GitHub would refuse {key} without the secrets {kept}")
        granted = job.get("permissions", workflow.get("permissions"))
        for name, inner in called["jobs"].items():
            asked = inner.get("permissions", called.get("permissions"))
            if not isinstance(granted, Mapping) or not isinstance(asked, Mapping):
                raise Unsupported("a call whose permissions are not written out")
            for scope, level in asked.items():
                if LEVELS[level] > LEVELS[granted.get(scope, "none")]:
                    raise ValueError(f"GitHub would refuse {key}, where {name} asks for {scope}: {level}")


def _do_jobs(
    run: Run,
    workflow: Mapping[str, Any],
    contexts: Mapping[str, Any],
    machine: Callable[[], "_Machine"],
    caller: str = "",
) -> None:
    """Runs the jobs in the order in which they stand, and adds what became of them to `run`."""
    needs: dict[str, dict[str, Any]] = {}
    ancestors: dict[str, set[str]] = {}
    for key, job in workflow["jobs"].items():
        parents = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
        if not set(parents) <= set(ancestors):
            raise Unsupported("a job that stands before one that it needs")
        ancestors[key] = {*parents}.union(*(ancestors[parent] for parent in parents))
        known = dict(contexts) | {"needs": {parent: needs[parent] for parent in parents}}
        before = {needs[name]["result"] for name in ancestors[key]}
        status = next((result for result in ("failure", "skipped") if result in before), "success")
        # These are all that GitHub lets the condition of a job use.
        at_hand = {name: known[name] for name in ("github", "needs", "vars", "inputs")}
        needs[key] = {"result": "skipped", "outputs": {}}
        if not evaluate_condition(str(job.get("if", "")), at_hand, status):
            run.jobs[caller + key] = "skipped"
        elif "uses" in job:
            handed = {name: interpolate(value, known) for name, value in job.get("secrets", {}).items()}
            inner = dict(contexts) | {"secrets": handed, "inputs": {}}
            _do_jobs(run, _called(job), inner, machine, f"{key} / ")
            results = {result for name, result in run.jobs.items() if name.startswith(f"{key} / ")}
            needs[key]["result"] = next(one for one in ("failure", "success", "skipped") if one in results)
        else:
            needs[key] = _do_job(run, caller + key, job, workflow, known, machine)


def _do_job(
    run: Run,
    label: str,
    job: Mapping[str, Any],
    workflow: Mapping[str, Any],
    contexts: Mapping[str, Any],
    machine: Callable[[], "_Machine"],
) -> dict[str, Any]:
    """Runs the steps of a job and says what the jobs that need it may know: its result and its outputs."""
    _only(job, JOB_KEYS)
    matrix = job.get("strategy", {}).get("matrix", {})
    if matrix and "outputs" in job:
        raise Unsupported("the outputs of a matrix")
    outputs: dict[str, str] = {}
    results = set()
    for combination in _combinations(matrix):
        one, name = machine(), " ".join([label, *combination.values()])
        one.masks = Masks([*contexts["secrets"].items(), ("", contexts["github"]["token"])])
        steps, outputs = one.do(name, job, workflow, {**contexts, "matrix": combination})
        kept_back = [output for output, value in outputs.items() if one.masks.hides_part_of(value)]
        outputs = {output: "" if output in kept_back else value for output, value in outputs.items()}
        run.dropped += kept_back
        run.steps += steps
        run.workspace = one.workspace
        run.jobs[name] = "failure" if any(step.outcome == "failure" for step in steps) else "success"
        results.add(run.jobs[name])
    return {"result": "failure" if "failure" in results else "success", "outputs": outputs}


def _combinations(matrix: Mapping[str, list[Any]]) -> Iterable[dict[str, str]]:
    if {"include", "exclude"} & set(matrix):
        raise Unsupported("include or exclude in a matrix")
    for values in itertools.product(*matrix.values()):
        yield dict(zip(matrix, map(as_text, values), strict=True))


def _scratch() -> str:
    folder = tempfile.mkdtemp(prefix="workflow-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


class _Machine:
    """What one job runs on: its folders, and what the steps so far have added to PATH and environment."""

    def __init__(
        self,
        workspace: Path,
        path_prefix: str | Path | None,
        env: Mapping[str, str],
        timeout: float,
        artifacts: dict[str, dict[str, str]],
    ) -> None:
        self.workspace = workspace.resolve()
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.home = Path(_scratch())
        self.path = [SYSTEM_PATH]
        self.prefix = [str(path_prefix)] if path_prefix else []
        self.base, self.timeout, self.artifacts = dict(env), timeout, artifacts
        self.added: dict[str, str] = {}  # by way of GITHUB_ENV
        self.masks = Masks([])

    def do(
        self, label: str, job: Mapping[str, Any], workflow: Mapping[str, Any], contexts: dict[str, Any]
    ) -> tuple[list[Step], dict[str, str]]:
        """What became of the steps, and the outputs of the job."""
        defaults = workflow.get("defaults", {}).get("run", {}) | job.get("defaults", {}).get("run", {})
        contexts = contexts | {"steps": {}}
        for raw in job["steps"]:
            _only(raw, STEP_KEYS)
        steps = self._do_steps(
            label, job["steps"], contexts, [workflow.get("env", {}), job.get("env", {})], defaults, is_job=True
        )
        return steps, {name: interpolate(value, contexts) for name, value in job.get("outputs", {}).items()}

    def _do_steps(
        self,
        label: str,
        raws: list[dict[str, Any]],
        contexts: dict[str, Any],
        env: list[Mapping[str, Any]],
        defaults: Mapping[str, Any],
        *,
        is_job: bool = False,
    ) -> list[Step]:
        """Runs the steps of a job or of a composite action. `contexts["steps"]` learns what became of each."""
        steps: list[Step] = []
        for raw in raws:
            name = interpolate(raw.get("name") or raw.get("uses") or raw["run"], contexts)
            step = Step(job=label, name=name, id=raw.get("id"), uses=raw.get("uses"))
            status = "failure" if any(before.outcome == "failure" for before in steps) else "success"
            if is_job:  # the steps of an action see the status of the job, but succeed and fail among themselves
                contexts["job"] = {"status": status}
            if evaluate_condition(str(raw.get("if", "")), contexts, status):
                layers = (*env, raw.get("env", {}))
                step.env = {key: interpolate(value, contexts) for layer in layers for key, value in layer.items()}
                step.inputs = {key: interpolate(value, contexts) for key, value in raw.get("with", {}).items()}
                if step.uses:
                    self._use(step, contexts)
                else:
                    self._run(step, interpolate(raw["run"], contexts), {**defaults, **raw}, contexts["github"])
            if step.id:
                contexts["steps"][step.id] = {"outputs": step.outputs, "outcome": step.outcome}
            steps.append(step)
        return steps

    def _use(self, step: Step, contexts: Mapping[str, Any]) -> None:
        action = (step.uses or "").partition("@")[0]
        if action.startswith(("./", "$/")):
            self._use_composite(step, action, contexts)
            return
        if action.startswith("docker:"):
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
        if action in ("actions/upload-artifact", "actions/upload-pages-artifact"):
            step.outcome = "success" if self._upload(step.inputs, action) else "failure"
        if action == "actions/deploy-pages" and step.inputs.get("artifact_name", "github-pages") not in self.artifacts:
            step.outcome = "failure"

    def _use_composite(self, step: Step, uses: str, contexts: Mapping[str, Any]) -> None:
        """Runs the steps of an action of this repository. Its outputs are set even when one of them fails."""
        folder = (self.workspace if uses.startswith("./") else ROOT) / uses[2:]
        try:
            action = read_action(folder)
        except FileNotFoundError:
            if uses.startswith("$/"):
                raise ValueError(f"GitHub would refuse {uses}, where no action.yml is") from None
            step.outcome, step.log = "failure", f"Can't find 'action.yml' under '{folder}'. Was it checked out?\n"
            step.written = step.log
            return
        seen: dict[str, Any] = {name: contexts[name] for name in CONTEXTS if name in contexts}
        seen["github"] = seen["github"] | {"action_path": str(folder)}
        seen |= {"inputs": action.filled_in(step.inputs), "steps": {}}
        step.steps = self._do_steps(step.job, action.steps, seen, [step.env], {})
        step.outcome = "failure" if any(inner.outcome == "failure" for inner in step.steps) else "success"
        step.outputs = {name: interpolate(value, seen) for name, value in action.outputs.items()}
        for inner in step.steps:
            step.log += inner.log
            step.summary += inner.summary
            step.written += inner.written

    def _upload(self, inputs: Mapping[str, str], action: str) -> bool:
        """Keeps the text of the files; false if there are none."""
        path = self.workspace / inputs["path"]
        files = [file for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
        if action == "actions/upload-artifact":
            if inputs.get("archive") != "false" or inputs.get("if-no-files-found") != "error" or path.is_dir():
                raise Unsupported("an artifact that is not one file which must be there")
            name = path.name  # GitHub asks for no other where nothing is zipped
        else:
            name = inputs.get("name", "github-pages")
        root = path.parent if path.is_file() else path
        if files:
            self.artifacts[name] = {str(file.relative_to(root)): file.read_text("utf-8") for file in files}
        return bool(files)

    def _run(self, step: Step, text: str, settings: Mapping[str, Any], github: Mapping[str, Any]) -> None:
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
            **{f"GITHUB_{name.upper()}": value for name, value in github.items() if name not in ("token", "event")},
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
        said = done.stdout.decode("utf-8", "replace")
        if "::add-mask::" in said:
            raise Unsupported("add-mask")
        step.status, step.log = done.returncode, self.masks.masked_lines(said)
        step.outcome = "failure" if done.returncode else "success"
        step.outputs = parse_assignments(files["GITHUB_OUTPUT"].read_text("utf-8"))
        self.added |= parse_assignments(files["GITHUB_ENV"].read_text("utf-8"))
        self.path = [*reversed(files["GITHUB_PATH"].read_text("utf-8").splitlines()), *self.path]
        summary = files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
        step.summary, step.written = self.masks.masked_lines(summary), said + summary


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


def stand_in(folder: Path, name: str, *, status: int = 0, says: str = "", does: str = "") -> None:
    """A program for `path_prefix`: it notes its arguments and environment, `says` that, ends with `status`.

    `does` is Python that it runs with its arguments before it ends so; where that fails, so does the program.
    """
    notes, python = shlex.quote(str(folder / f"{name}.calls")), shlex.quote(sys.executable)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f'{python} -I -c {shlex.quote(RECORD)} "$@" >> {notes}',
        f"printf %s {shlex.quote(says)}",
        f'{python} -I -c {shlex.quote(does)} "$@" || exit' if does else ":",
        f"exit {status}",
    ]
    script(folder / name, "\n".join(lines))


def calls(folder: Path, name: str) -> list[tuple[list[str], dict[str, str]]]:
    """The arguments and the environment of each call of that stand-in, in order."""
    notes = folder / f"{name}.calls"
    lines = notes.read_text("utf-8").splitlines() if notes.exists() else []
    return [(arguments, env) for arguments, env in map(json.loads, lines)]
