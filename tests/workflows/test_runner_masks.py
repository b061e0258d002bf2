"""The emulator hides what GitHub's runner hides: in logs, annotations, summaries and the outputs of jobs."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from support import workflow_runner
from support.runner_masks import Masks
from support.workflow_runner import Run, run_workflow

SECRET = "hush 'hush' \"now\" & <then>/\\"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(SECRET.encode()[1:]).decode(),
        base64.b64encode(SECRET.encode()[2:]).decode(),
        json.dumps(SECRET)[1:-1],
        quote(SECRET, safe=""),
        SECRET.replace('"', '\\"'),
        SECRET.replace("'", "''"),
        "hush &apos;hush&apos; &quot;now&quot; &amp; &lt;then&gt;/\\",
    ],
)
def test_a_secret_is_hidden_in_every_form_in_which_a_program_may_write_it(form: str) -> None:
    assert Masks([("A", SECRET)]).masked(f"before {form} after") == "before *** after"


@pytest.mark.parametrize(
    ("secret", "line", "shown"),
    [
        ("one\ntwo\r\n three \n", "one, two and three", "***, *** and ***"),
        ("  padded\n", "padded here", "*** here"),
        ("a", "a banana", "*** b***n***n***"),
        ("aba", "ababa", "***"),
        ('"quoted-secret"', "quoted-secret", "***"),
        ("postgresql://u:p@h/d?sslmode=require&channel_binding=require", "has channel_binding=require in it", "has *** in it"),
        ("first-part&+xsecond-part", "first-part&+ and second-part", "*** and ***"),
        ("a&b", "a&b and b", "*** and b"),
        ("", "nothing", "nothing"),
    ],
)  # fmt: skip
def test_each_line_of_a_secret_each_place_and_each_section_is_hidden(secret: str, line: str, shown: str) -> None:
    assert Masks([("A", secret)]).masked(line) == shown


def test_two_secrets_that_touch_are_one_run_of_stars() -> None:
    assert Masks([("A", "left"), ("B", "right")]).masked("leftright, left right") == "***, *** ***"


def test_the_names_that_switch_debugging_on_hide_nothing() -> None:
    assert not Masks([("ACTIONS_STEP_DEBUG", "true")]).hides_part_of("report_due=true")


def run_with(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str, **secrets: str) -> Run:
    monkeypatch.setattr(workflow_runner, "ROOT", folder)
    lines = "\n".join(f"          {line}" for line in script.splitlines())
    (folder / "w.yml").write_text(
        "on: workflow_dispatch\njobs:\n  one:\n    runs-on: ubuntu-latest\n"
        "    outputs:\n      said: ${{ steps.it.outputs.said }}\n      other: ${{ steps.it.outputs.other }}\n"
        f"    steps:\n      - id: it\n        run: |\n{lines}\n"
        '      - run: echo "within the job ${#SAID}"\n        env:\n          SAID: ${{ steps.it.outputs.said }}\n'
        "  two:\n    needs: one\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - run: echo handed '${{ needs.one.outputs.said }},${{ needs.one.outputs.other }}'\n"
    )
    return run_workflow("w.yml", secrets=secrets)


def test_log_annotation_and_summary_are_masked_and_what_was_written_is_kept_for_the_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'echo "::warning::see hush-hush"\necho "a hush-hush link" >>"$GITHUB_STEP_SUMMARY"'
    run = run_with(tmp_path, monkeypatch, script, A="hush-hush")
    assert run.step("it").log == "::warning::see ***\n" and run.summary == "a *** link\n"
    assert run.step("it").written == "::warning::see hush-hush\na hush-hush link\n"


def test_an_output_with_a_secret_in_it_stays_in_its_job_and_reaches_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'echo "said=with hush-hush" >>"$GITHUB_OUTPUT"\necho "other=fine" >>"$GITHUB_OUTPUT"'
    run = run_with(tmp_path, monkeypatch, script, A="hush-hush")
    assert "within the job 14" in run.log
    assert "handed ,fine" in run.log and run.dropped == ["said"]


def test_the_token_of_the_run_is_masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_with(tmp_path, monkeypatch, 'echo "has the token of this run"').step("it").log == "has ***\n"


def test_a_mask_that_a_step_asks_for_is_beyond_the_part_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(workflow_runner.Unsupported):
        run_with(tmp_path, monkeypatch, 'echo "::add-mask::x"')
