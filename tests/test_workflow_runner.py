"""The runner of workflows does with them what GitHub does, or refuses."""

import sys
from pathlib import Path

import pytest

from tests.workflow_expressions import Unsupported, evaluate, evaluate_condition, interpolate
from tests.workflow_runner import Run, calls, parse_assignments, run_workflow, stand_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workflows run in bash")

CONTEXTS = {
    "secrets": {"SET": "s3cret"},
    "vars": {"ZONE": "Europe/Berlin"},
    "steps": {"look": {"outputs": {"ready": "true"}, "outcome": "success"}},
    "github": {"event_name": "schedule"},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("secrets.SET", "s3cret"),
        ("secrets.SET != ''", True),
        ("secrets.UNSET != ''", False),
        ("steps.look.outputs.ready == 'true'", True),
        ("steps.look.outputs.ready == 'TRUE'", True),
        ("steps.look.outputs.ready == true", False),
        ("steps.unknown.outputs.ready", None),
        ("'it''s'", "it's"),
        ("null == ''", True),
        ("0 == ''", True),
        ("'a' == 0", False),
        ("1.5 == '1.5'", True),
        ("vars.UNSET || 'UTC'", "UTC"),
        ("vars.ZONE || 'UTC'", "Europe/Berlin"),
        ("vars.ZONE && 'yes'", "yes"),
        ("vars.UNSET && 'yes'", None),
        ("true || false && false", True),
        ("(true || false) && false", False),
        ("!(secrets.SET == '') && github.event_name != 'push'", True),
        ("success() && !failure()", True),
    ],
)
def test_an_expression_has_the_value_that_github_gives_it(expression: str, value: object) -> None:
    assert evaluate(expression, CONTEXTS) == value


@pytest.mark.parametrize(
    "expression",
    ["hashFiles('x')", "needs.a.result", "a b", "(true", "true)", "'open", "1 <  2", "", "success(1)"],
)
def test_an_expression_beyond_the_part_in_use_is_refused(expression: str) -> None:
    with pytest.raises(Unsupported):
        evaluate(expression, CONTEXTS)


def test_values_become_text_as_github_writes_them() -> None:
    text = "${{ secrets.SET != '' }}/${{ secrets.UNSET }}/${{ vars.ZONE }}/${{ 3.0 }}"
    assert interpolate(text, CONTEXTS) == "true//Europe/Berlin/3"
    assert interpolate(False, CONTEXTS) == "false"


@pytest.mark.parametrize(
    ("condition", "so_far_well", "after_a_failure"),
    [
        ("", True, False),
        ("true", True, False),
        ("${{ vars.ZONE == 'UTC' }}", False, False),
        ("always()", True, True),
        ("failure()", False, True),
        ("failure() && vars.UNSET", False, False),
        ("success()", True, False),
    ],
)
def test_a_step_runs_after_a_failure_only_if_it_asks_to(
    condition: str, so_far_well: bool, after_a_failure: bool
) -> None:
    answers = [bool(evaluate_condition(condition, CONTEXTS, failed)) for failed in (False, True)]
    assert answers == [so_far_well, after_a_failure]


def test_outputs_are_read_as_github_reads_them() -> None:
    text = "one=1\nequal=a=b\nnone=\nmany<<END\nfirst\n\nsecond=2\nEND\nlast=3\n"
    assert parse_assignments(text) == {
        "one": "1",
        "equal": "a=b",
        "none": "",
        "many": "first\n\nsecond=2",
        "last": "3",
    }


@pytest.mark.parametrize("text", ["no sign", "=nameless", "open<<END\nnever ended"])
def test_an_output_that_github_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="GitHub would refuse"):
        parse_assignments(text)


def run_steps(folder: Path, steps: str, head: str = "", **options: object) -> Run:
    workflow = folder / "workflow.yml"
    workflow.write_text(f"on: push\n{head}\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n{steps}")
    return run_workflow(workflow, **options)  # type: ignore[arg-type]


def test_what_a_step_hands_on_reaches_the_steps_after_it(tmp_path: Path) -> None:
    run = run_steps(
        tmp_path,
        """
      - id: first
        run: |
          echo "word=hello there" >> "$GITHUB_OUTPUT"
          echo "MOOD=fine" >> "$GITHUB_ENV"
          mkdir "bin here" && printf '#!/bin/sh\\necho found' > "bin here/tool" && chmod +x "bin here/tool"
          echo "$PWD/bin here" >> "$GITHUB_PATH"
          echo "# Heading" >> "$GITHUB_STEP_SUMMARY"
          echo "[${MOOD:-unset}]"
      - id: second
        env:
          WORD: ${{ steps.first.outputs.word }}
        run: echo "$WORD, $MOOD, $(tool), $GITHUB_ACTIONS, $EXTRA"
""",
        env={"EXTRA": "extra"},
    )
    assert run.conclusion == "success"
    assert run.log == "[unset]\nhello there, fine, found, true, extra\n"
    assert run.summary == "# Heading\n"


@pytest.mark.parametrize(
    ("head", "conclusion"),
    [("defaults: {run: {shell: bash}}", "failure"), ("", "success")],
)
def test_only_a_bash_that_was_asked_for_notices_a_failure_in_a_pipe(tmp_path: Path, head: str, conclusion: str) -> None:
    assert run_steps(tmp_path, "      - run: false | cat", head).conclusion == conclusion


def test_a_failed_step_fails_the_run_and_skips_what_follows(tmp_path: Path) -> None:
    run = run_steps(
        tmp_path,
        """
      - {id: bad, run: "echo before; exit 3; echo after"}
      - {id: next, run: "true"}
      - {id: last, if: failure(), run: "true"}
""",
    )
    assert run.conclusion == "failure"
    assert run.outcomes() == {"bad": "failure", "next": "skipped", "last": "success"}
    assert (run.step("bad").status, run.step("bad").log) == (3, "before\n")


def test_a_step_sees_nothing_of_the_machine_that_tests_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIFY_CLIENT_ID", "mine")
    run = run_steps(tmp_path, "      - run: env; ls -A; cat")
    assert "mine" not in run.log
    assert str(Path(sys.executable).parent) not in run.step("env; ls -A; cat").env["PATH"]


def test_the_workspace_is_empty_until_the_program_is_checked_out(tmp_path: Path) -> None:
    run = run_steps(
        tmp_path,
        """
      - {id: before, run: ls -A}
      - uses: actions/checkout@v7
      - {id: after, run: ls -A etl/__init__.py .github}
""",
        workspace=tmp_path / "work",
    )
    assert run.step("before").log == ""
    assert run.step("after").outcome == "success"
    assert run.workspace == tmp_path / "work"


def test_after_setup_python_python_is_this_one_and_pip_installs_nothing(tmp_path: Path) -> None:
    run = run_steps(
        tmp_path,
        """
      - uses: actions/setup-python@v7
      - run: python -c 'import sys, yaml; print(sys.prefix)'; pip install --require-hashes -r x.txt
""",
    )
    assert run.log == f"{sys.prefix}\npip install --require-hashes -r x.txt: not done, this is a test\n"


def test_a_stand_in_comes_first_notes_its_call_and_ends_as_told(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin", "python", status=2, says="no such thing")
    run = run_steps(
        tmp_path,
        """
      - uses: actions/setup-python@v7
      - {id: call, run: "python -m 'two words'", env: {MOOD: fine}}
""",
        path_prefix=tmp_path / "bin",
    )
    [(arguments, env)] = calls(tmp_path / "bin", "python")
    assert (arguments, env["MOOD"]) == (["-m", "two words"], "fine")
    assert (run.step("call").status, run.step("call").log) == (2, "no such thing")


def test_each_combination_of_a_matrix_is_a_job_of_its_own(tmp_path: Path) -> None:
    run = run_steps(
        tmp_path,
        """
      - {name: "on ${{ matrix.python }}", run: 'ls; touch left-over'}
    strategy:
      matrix:
        python: ["3.11", 3.14]
""",
    )
    assert [(step.job, step.name, step.log) for step in run.steps] == [
        ("job 3.11", "on 3.11", ""),
        ("job 3.14", "on 3.14", ""),
    ]


@pytest.mark.parametrize(
    "step",
    ["{run: 'true', continue-on-error: true}", "{uses: ./local}", "{run: 'true', shell: pwsh}"],
)
def test_a_step_beyond_the_part_in_use_is_refused(tmp_path: Path, step: str) -> None:
    with pytest.raises(Unsupported):
        run_steps(tmp_path, f"      - {step}")
