"""The runner of workflows does with them what GitHub does, or refuses."""

import sys
from pathlib import Path

import pytest
from support import workflow_runner
from support.workflow_expressions import Unsupported, evaluate, evaluate_condition, interpolate
from support.workflow_runner import Run, calls, parse_assignments, run_workflow, stand_in

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
    ("condition", "so_far_well", "after_a_failure", "after_one_that_was_skipped"),
    [
        ("", True, False, False),
        ("true", True, False, False),
        ("${{ vars.ZONE == 'UTC' }}", False, False, False),
        ("always()", True, True, True),
        ("failure()", False, True, False),
        ("failure() && vars.UNSET", False, False, False),
        ("success()", True, False, False),
    ],
)
def test_what_comes_after_a_failure_runs_only_if_it_asks_to(
    condition: str, so_far_well: bool, after_a_failure: bool, after_one_that_was_skipped: bool
) -> None:
    statuses = ("success", "failure", "skipped")
    answers = [bool(evaluate_condition(condition, CONTEXTS, status)) for status in statuses]
    assert answers == [so_far_well, after_a_failure, after_one_that_was_skipped]


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


def run_text(folder: Path, text: str, **options: object) -> Run:
    workflow = folder / "workflow.yml"
    workflow.write_text(text)
    return run_workflow(workflow, **options)  # type: ignore[arg-type]


def run_steps(folder: Path, steps: str, head: str = "", **options: object) -> Run:
    text = f"on: push\n{head}\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"
    return run_text(folder, text, **options)


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
    assert run.summary == run.step("first").summary == "# Heading\n"


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
    assert "mine" not in run.written
    assert "token of this run" not in run.written  # GitHub hands its token over only where a step asks for it
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


@pytest.mark.parametrize(("program", "status"), [("pass", 0), ("raise SystemExit(3)", 3)])
def test_a_stand_in_runs_what_it_is_given_with_its_arguments(tmp_path: Path, program: str, status: int) -> None:
    stand_in(tmp_path / "bin", "gh", says="said, ", does=f"import sys; print(sys.argv[1:]); {program}")
    run = run_steps(tmp_path, "      - {id: call, run: gh api x}", path_prefix=tmp_path / "bin")
    assert (run.step("call").status, run.step("call").log) == (status, "said, ['api', 'x']\n")


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
    ["{run: 'true', continue-on-error: true}", "{uses: 'docker://alpine'}", "{run: 'true', shell: pwsh}"],
)
def test_a_step_beyond_the_part_in_use_is_refused(tmp_path: Path, step: str) -> None:
    with pytest.raises(Unsupported):
        run_steps(tmp_path, f"      - {step}")


# Several jobs.


def test_a_job_runs_after_those_it_needs_knows_their_outputs_and_is_skipped_where_its_condition_says_so(
    tmp_path: Path,
) -> None:
    text = """
on: push
jobs:
  first:
    outputs: {word: "${{ steps.say.outputs.word }}", missing: "${{ steps.say.outputs.other }}"}
    steps:
      - {id: say, run: 'echo word=due >> "$GITHUB_OUTPUT"'}
  second:
    needs: first
    if: needs.first.outputs.word == 'due' && vars.ON == 'yes'
    steps:
      - {id: hear, run: 'echo "$WORD [$MISSING]"', env: {WORD: "${{ needs.first.outputs.word }}",
         MISSING: "${{ needs.first.outputs.missing }}"}}
  third:
    needs: [first, second]
    steps: [{id: last, run: "true"}]
  stubborn:
    needs: second
    if: always()
    steps: [{id: stubborn, run: 'echo "$RESULT"', env: {RESULT: "${{ needs.second.result }}"}}]
"""
    run = run_text(tmp_path, text, vars={"ON": "yes"})
    assert set(run.jobs.items()) == {(job, "success") for job in ("first", "second", "third", "stubborn")}
    assert run.log == "due []\nsuccess\n"
    run = run_text(tmp_path, text)
    assert run.jobs == {"first": "success", "second": "skipped", "third": "skipped", "stubborn": "success"}
    assert (run.conclusion, [step.id for step in run.steps], run.log) == ("success", ["say", "stubborn"], "skipped\n")


def test_a_job_that_fails_fails_the_run_and_skips_all_that_need_it(tmp_path: Path) -> None:
    run = run_text(
        tmp_path,
        """
on: push
jobs:
  bad: {steps: [{run: "false"}]}
  next: {needs: bad, steps: [{run: echo next}]}
  after: {needs: next, if: failure(), steps: [{run: echo after}]}
  apart: {steps: [{run: echo apart}]}
""",
    )
    assert run.jobs == {"bad": "failure", "next": "skipped", "after": "success", "apart": "success"}
    assert (run.conclusion, run.log) == ("failure", "after\napart\n")


@pytest.mark.parametrize(
    "jobs",
    [
        "{late: {needs: early, steps: []}, early: {steps: []}}",
        "{job: {if: secrets.SET != '', steps: []}}",
        "{job: {if: steps.look.outputs.ready, steps: []}}",
        "{job: {steps: [], container: debian}}",
        "{job: {strategy: {matrix: {on: [a, b]}}, outputs: {word: a}, steps: []}}",
    ],
)
def test_jobs_beyond_the_part_in_use_are_refused(tmp_path: Path, jobs: str) -> None:
    with pytest.raises(Unsupported):
        run_text(tmp_path, f"on: push\njobs: {jobs}")


def test_what_was_typed_in_is_an_input_of_a_run_by_hand_only(tmp_path: Path) -> None:
    text = """
on: {workflow_dispatch: {inputs: {day: {default: yesterday}}}, schedule: [{cron: "1 1 * * *"}]}
jobs: {job: {steps: [{run: 'echo "[$DAY]"', env: {DAY: "${{ inputs.day }}"}}]}}
"""
    assert run_text(tmp_path, text).log == "[yesterday]\n"
    assert run_text(tmp_path, text, inputs={"day": "today"}).log == "[today]\n"
    assert run_text(tmp_path, text, event="schedule").log == "[]\n"
    with pytest.raises(ValueError, match="GitHub would refuse the input"):
        run_text(tmp_path, text, inputs={"night": "today"})


# A workflow that is called by another.

CALLED = """
on:
  workflow_call: {secrets: {KEY: {required: true}, OTHER: {}}}
  workflow_dispatch: {inputs: {day: {default: yesterday}}}
permissions: {}
jobs:
  inner:
    permissions: {contents: read}
    steps:
      - id: show
        run: env | grep ^IS_ | sort
        env:
          IS_KEY: ${{ secrets.KEY }}
          IS_OTHER: ${{ secrets.OTHER }}
          IS_UNDECLARED: ${{ secrets.UNDECLARED }}
          IS_DAY: ${{ inputs.day }}
          IS_ON: ${{ vars.ON }}
          IS_EVENT: ${{ github.event_name }}
      - run: "false"
        if: vars.BREAK
  more:
    needs: inner
    permissions: {contents: read, pages: write}
    steps: [{run: echo more}]
"""
CALL = """
on: {workflow_dispatch: {inputs: {day: {default: the day of its caller}}}}
permissions: {}
jobs:
  early: {steps: [{run: echo early}]}
  call:
    needs: early
    if: vars.ON
    permissions: {contents: read, pages: write}
    uses: $/.github/workflows/called.yml
    secrets: {KEY: "${{ secrets.KEY }}"}
  late: {needs: call, steps: [{run: echo late}]}
"""
SECRETS = {"KEY": "k3y", "OTHER": "0ther", "UNDECLARED": "undecl4red"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose called.yml is the one above."""
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/called.yml").write_text(CALLED)
    monkeypatch.setattr(workflow_runner, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize("reference", ["$/", "./"])
def test_a_called_workflow_runs_as_jobs_of_its_caller_with_the_secrets_it_is_handed_and_no_inputs(
    repository: Path, reference: str
) -> None:
    text = CALL.replace("$/", reference)
    run = run_text(repository, text, secrets=SECRETS, vars={"ON": "on"})
    assert run.jobs == dict.fromkeys(["early", "call / inner", "call / more", "late"], "success")
    shown = "IS_DAY=\nIS_EVENT=workflow_dispatch\nIS_KEY=k3y\nIS_ON=on\nIS_OTHER=\nIS_UNDECLARED=\n"
    assert run.written == f"early\n{shown}more\nlate\n"
    assert run.step("show").job == "call / inner"


def test_a_called_workflow_that_fails_fails_its_caller(repository: Path) -> None:
    run = run_text(repository, CALL, vars={"ON": "on", "BREAK": "yes"})
    assert run.jobs == {"early": "success", "call / inner": "failure", "call / more": "skipped", "late": "skipped"}
    assert run.conclusion == "failure"


def test_a_call_that_is_skipped_does_nothing(repository: Path) -> None:
    run = run_text(repository, CALL, secrets=SECRETS)
    assert run.jobs == {"early": "success", "call": "skipped", "late": "skipped"}
    assert (run.conclusion, run.log) == ("success", "early\n")


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ('KEY: "$', 'UNDECLARED: "${{ secrets.UNDECLARED }}", KEY: "$', "UNDECLARED"),
        ("    secrets:", "    # secrets:", "without the secrets {'KEY'}"),
        ("    permissions: {contents: read, pages: write}", "", "inner asks for contents: read"),
        (", pages: write", "", "more asks for pages: write"),
        (", pages: write", ", pages: read", "more asks for pages: write"),
    ],
)
def test_a_call_that_github_would_refuse_is_refused_before_anything_runs(
    repository: Path, old: str, new: str, refused: str
) -> None:
    assert old in CALL
    with pytest.raises(ValueError, match=f"GitHub would refuse .*{refused}"):
        run_text(repository, CALL.replace(old, new), secrets=SECRETS)  # though the call itself would be skipped


def test_a_workflow_that_is_not_there_to_be_called_is_refused(repository: Path) -> None:
    (repository / ".github/workflows/called.yml").write_text("on: push\njobs: {}")
    with pytest.raises(ValueError, match="no workflow_call"):
        run_text(repository, CALL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('secrets: {KEY: "${{ secrets.KEY }}"}', "secrets: inherit"),
        ("    secrets:", "    with: {day: today}\n    secrets:"),
        ("$/.github/workflows/called.yml", "somebody/else/.github/workflows/called.yml@v1"),
        ("permissions: {contents: read, pages: write}", "permissions: write-all"),
    ],
)
def test_a_call_beyond_the_part_in_use_is_refused(repository: Path, old: str, new: str) -> None:
    assert old in CALL
    with pytest.raises(Unsupported):
        run_text(repository, CALL.replace(old, new), vars={"ON": "on"})


# What a run leaves behind.

UPLOAD = "{path: out/a.html, archive: false, if-no-files-found: error}"


def test_what_is_uploaded_is_kept_under_its_name_and_can_be_published_under_no_other(tmp_path: Path) -> None:
    run = run_steps(
        tmp_path,
        f"""
      - run: mkdir -p out/deep && echo a > out/a.html && echo b > out/deep/b.html
      - {{uses: actions/upload-artifact@v7, with: {UPLOAD}}}
      - {{uses: actions/upload-pages-artifact@v5, with: {{path: out, name: page}}}}
      - {{id: there, uses: actions/deploy-pages@v5, with: {{artifact_name: page}}}}
      - {{id: not there, uses: actions/deploy-pages@v5}}
""",
    )
    assert run.artifacts == {"a.html": {"a.html": "a\n"}, "page": {"a.html": "a\n", "deep/b.html": "b\n"}}
    assert (run.step("there").outcome, run.step("not there").outcome) == ("success", "failure")


@pytest.mark.parametrize(
    "step",
    [f"uses: actions/upload-artifact@v7, with: {UPLOAD}", "uses: actions/upload-pages-artifact@v5, with: {path: out}"],
)
def test_an_upload_of_nothing_fails(tmp_path: Path, step: str) -> None:
    run = run_steps(tmp_path, f"      - {{{step}}}")
    assert (run.conclusion, run.artifacts) == ("failure", {})


@pytest.mark.parametrize(
    "settings",
    [
        "{path: out}",
        "{path: out/a, archive: false}",
        "{path: out/a, if-no-files-found: error}",
        "{path: ., archive: false, if-no-files-found: error}",
    ],
)
def test_an_upload_beyond_the_part_in_use_is_refused(tmp_path: Path, settings: str) -> None:
    with pytest.raises(Unsupported):
        run_steps(tmp_path, f"      - {{uses: actions/upload-artifact@v7, with: {settings}}}")
