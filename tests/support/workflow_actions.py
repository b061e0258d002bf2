"""Reads a composite action of this repository and holds it to what GitHub accepts.

After actions/runner (action_yaml.json, CompositeActionHandler.cs; August 2026). What the actions of this repository do
not use raises `Unsupported`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.workflow_expressions import Unsupported, as_text

ACTION_KEYS = {"name", "description", "inputs", "outputs", "runs"}
STEP_KEYS = {"name", "id", "if", "uses", "with", "run", "env", "shell", "working-directory"}  # no timeout-minutes
CONTEXTS = ("github", "job", "matrix")  # of the caller's, what an action sees: no secrets, vars or needs


@dataclass(frozen=True)
class Action:
    """A composite action. `inputs` has the default of each input, None for one that must be given."""

    inputs: dict[str, str | None]
    outputs: dict[str, str]
    steps: list[dict[str, Any]]

    def filled_in(self, given: Mapping[str, str]) -> dict[str, str]:
        """The `inputs` context of a call. GitHub would only warn of a wrong call, and run it; this raises ValueError."""
        if unknown := set(given) - set(self.inputs):
            raise ValueError(f"the action has no input {sorted(unknown)}")
        if missing := {name for name, default in self.inputs.items() if default is None} - set(given):
            raise ValueError(f"the action needs the input {sorted(missing)}")
        return {name: given.get(name, default or "") for name, default in self.inputs.items()}


def read_action(folder: Path) -> Action:
    """The action in `folder`/action.yml. Raises FileNotFoundError, ValueError for what GitHub refuses, Unsupported."""
    action = yaml.safe_load((folder / "action.yml").read_text("utf-8"))
    only(action, ACTION_KEYS)
    runs = action["runs"]
    if runs.get("using") != "composite":
        raise Unsupported(f"an action that runs {runs.get('using')}")
    only(runs, {"using", "steps"})
    for step in runs["steps"]:
        if "timeout-minutes" in step or ("run" in step and "shell" not in step):
            raise ValueError("GitHub would refuse a step of an action with timeout-minutes, or with run but no shell")
        only(step, STEP_KEYS)
    inputs = {}
    for name, one in (action.get("inputs") or {}).items():
        only(one, {"description", "required", "default"})
        default = as_text(one["default"]) if "default" in one else None if one.get("required") else ""
        if "${{" in (default or ""):
            raise Unsupported("an input whose default is an expression")
        inputs[name] = default
    outputs = {name: as_text(one["value"]) for name, one in (action.get("outputs") or {}).items()}
    return Action(inputs, outputs, runs["steps"])


def only(mapping: Mapping[str, Any], known: set[str]) -> None:
    """Raises Unsupported for a key that is not imitated."""
    if unknown := set(mapping) - known:
        raise Unsupported(", ".join(sorted(unknown)))
