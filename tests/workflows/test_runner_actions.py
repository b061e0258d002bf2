"""The runner of workflows does with a composite action of the repository what GitHub does, or refuses."""

import sys
from pathlib import Path

import pytest
from support import workflow_runner
from support.workflow_expressions import Unsupported
from support.workflow_runner import Run, run_workflow

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workflows run in bash")

ACTION = """
name: greet
description: Greet somebody.
inputs:
  who: {description: Whom, required: true}
  mark: {description: How it ends, default: "!"}
outputs:
  greeting: {description: What was said, value: "${{ steps.say.outputs.said }}"}
  again: {description: Whether again, value: "${{ steps.again.outcome }}"}
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      env: {WHO: "${{ inputs.who }}", MARK: "${{ inputs.mark }}"}
      run: |
        echo "said=$MOOD $WHO$MARK" >> "$GITHUB_OUTPUT"
        echo "LEFT=behind" >> "$GITHUB_ENV"
        echo "# Greeting" >> "$GITHUB_STEP_SUMMARY"
        echo "in $(basename "$GITHUB_ACTION_PATH"), $(basename "$PWD")"
        test "$WHO" != nobody
    - id: again
      shell: bash
      run: echo again
    - if: always()
      shell: bash
      run: echo "status ${{ job.status }}"
"""
WORKFLOW = """
on: push
env: {MOOD: cheerful}
defaults: {run: {shell: bash, working-directory: deep}}
jobs:
  job:
    steps:
      - run: mkdir deep
        working-directory: .
      - id: greet
        uses: $/.github/actions/greet
        with: {who: "${{ vars.WHO }}"}
      - if: always()
        run: echo "[$GREETING] [$AGAIN] [$OUTCOME] [$LEFT]"
        env:
          GREETING: ${{ steps.greet.outputs.greeting }}
          AGAIN: ${{ steps.greet.outputs.again }}
          OUTCOME: ${{ steps.greet.outcome }}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the action `greet`."""
    write(tmp_path, ACTION)
    monkeypatch.setattr(workflow_runner, "ROOT", tmp_path)
    return tmp_path


def write(repository: Path, action: str) -> None:
    folder = repository / ".github/actions/greet"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "action.yml").write_text(action)


def run(repository: Path, text: str = WORKFLOW, who: str = "Ada") -> Run:
    (repository / "workflow.yml").write_text(text)
    return run_workflow("workflow.yml", vars={"WHO": who}, secrets={"KEY": "k3y"}, workspace=repository / "workspace")


def test_an_action_sees_its_inputs_and_hands_its_outputs_to_its_caller(repository: Path) -> None:
    """The defaults of the workflow (`working-directory`) do not reach into it, its environment does."""
    done = run(repository)
    assert done.conclusion == "success"
    assert done.log == "in greet, workspace\nagain\nstatus success\n[cheerful Ada!] [success] [success] [behind]\n"
    greet = done.step("greet")
    assert (greet.outcome, greet.outputs, greet.summary) == (
        "success",
        {"greeting": "cheerful Ada!", "again": "success"},
        "# Greeting\n",
    )
    assert [(step.id, step.outcome) for step in greet.steps] == [
        ("say", "success"),
        ("again", "success"),
        (None, "success"),
    ]
    assert len(done.steps) == 3  # the action is one of them


def test_a_step_that_fails_fails_the_action_and_skips_the_rest_of_it_but_its_outputs_are_set(repository: Path) -> None:
    done = run(repository, who="nobody")
    assert done.conclusion == "failure"
    assert [step.outcome for step in done.step("greet").steps] == ["failure", "skipped", "success"]
    assert done.log.endswith("status success\n[cheerful nobody!] [skipped] [failure] [behind]\n")


def test_an_action_that_runs_after_a_failure_succeeds_and_fails_by_itself(repository: Path) -> None:
    text = WORKFLOW.replace(
        "      - id: greet", "      - {run: 'false', working-directory: .}\n      - id: greet\n        if: always()"
    )
    done = run(repository, text)
    assert (done.conclusion, done.step("greet").outcome) == ("failure", "success")
    assert "again\nstatus failure\n" in done.log


def test_an_action_of_the_workspace_fails_until_it_is_checked_out(repository: Path) -> None:
    text = WORKFLOW.replace("$/.github", "./.github")
    assert "Can't find 'action.yml'" in run(repository, text).step("greet").log
    checked_out = text.replace("      - run: mkdir", "      - uses: actions/checkout@v7\n      - run: mkdir")
    assert run(repository, checked_out.replace("mkdir deep", "mkdir -p deep")).conclusion == "success"


def test_a_secret_that_an_action_prints_is_masked(repository: Path) -> None:
    write(repository, ACTION.replace("echo again", 'echo "${{ inputs.who }}"'))
    done = run(repository, WORKFLOW.replace("vars.WHO", "secrets.KEY"))
    greet = done.step("greet")
    assert "***\n" in greet.log and "k3y\n" in greet.written
    assert greet.outputs["greeting"] == "cheerful k3y!" and "k3y" not in done.log


def test_an_action_that_uses_another_runs_it(repository: Path) -> None:
    write(
        repository,
        ACTION.replace(
            "- id: again\n      shell: bash\n      run: echo again", "- {id: again, uses: actions/setup-python@v7}"
        ),
    )
    greet = run(repository).step("greet")
    assert greet.outputs["again"] == "success"


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ("    - id: again\n      shell: bash\n", "    - id: again\n", "no shell"),
        ("    - id: again\n", "    - id: again\n      timeout-minutes: 1\n", "timeout-minutes"),
        ("  who: {", "  who_else: {description: x, required: true}\n  who: {", "needs the input"),
        ("  who: {", "  whom: {", "has no input"),
    ],
)
def test_an_action_or_a_call_that_is_wrong_is_refused(repository: Path, old: str, new: str, refused: str) -> None:
    assert old in ACTION
    write(repository, ACTION.replace(old, new))
    with pytest.raises(ValueError, match=refused):
        run(repository)


def test_an_action_that_is_not_in_the_repository_is_refused(repository: Path) -> None:
    with pytest.raises(ValueError, match=r"no action\.yml"):
        run(repository, WORKFLOW.replace("actions/greet", "actions/part"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("using: composite", "using: node24"),
        ("inputs.who }}", "secrets.KEY }}"),  # an action knows no secrets
        ("inputs.who }}", "vars.WHO }}"),
        ('default: "!"', 'default: "${{ github.actor }}"'),
        ("shell: bash", "shell: pwsh"),
        ("- id: again", "- id: again\n      continue-on-error: true"),
        ("name: greet", "name: greet\nbranding: {}"),
    ],
)
def test_an_action_beyond_the_part_in_use_is_refused(repository: Path, old: str, new: str) -> None:
    assert old in ACTION
    write(repository, ACTION.replace(old, new, 1))
    with pytest.raises(Unsupported):
        run(repository)


@pytest.mark.parametrize(
    ("event", "about", "log"),
    [
        ("push", {}, "push\n"),
        ("push", {"fork": True}, ""),
        ("push", {"private": True}, ""),
        ("schedule", {"fork": True}, "schedule\n"),
    ],
)
def test_a_job_may_ask_what_kind_of_repository_it_runs_in(
    repository: Path, event: str, about: dict[str, bool], log: str
) -> None:
    (repository / "workflow.yml").write_text(
        """
on: push
jobs:
  job:
    if: github.event_name != 'push' || !(github.event.repository.fork || github.event.repository.private)
    steps: [{run: 'echo "$EVENT"', env: {EVENT: "${{ github.event_name }}"}}]
"""
    )
    assert run_workflow("workflow.yml", event=event, repository=about).log == log
