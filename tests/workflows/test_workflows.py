"""The workflows under .github: linted by two tools, held to the house's rules, and their steps really run."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import REFRESH_TOKEN, ago, agree
from support.gh_stub import Github
from support.workflow_runner import ROOT, Run, calls, load_workflow, run_workflow, stand_in

from etl.simulator.routes import Play

WORKFLOWS = sorted(path.name for path in (ROOT / ".github/workflows").glob("*.y*ml"))
ACTIONS = sorted(path.parent.name for path in (ROOT / ".github/actions").glob("*/action.yml"))
APP_SECRETS = ["DATABASE_URL", "SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET"]
RECORDING = {"plays": APP_SECRETS, "dimensions": APP_SECRETS}
JOBS = RECORDING | {"connect": APP_SECRETS, "daily-report": ["DATABASE_URL"]}
OPTIONAL = {"plays": ["SPOTIFY_REFRESH_TOKEN", "TOKEN_KEY", "PING_URL"], "connect": ["TOKEN_KEY"]}
COMMANDS = {job: ["-m", "etl", job] for job in RECORDING} | {"connect": ["-m", "etl", "login", "--no-browser"]}
FOLDER = ROOT / ".github/workflows/README.md"
SET_UP = "$/.github/actions/set-up"
LOCKS = dict.fromkeys(JOBS, "requirements-job.txt")
SCHEDULED = [name for name in WORKFLOWS if "schedule" in load_workflow(f".github/workflows/{name}")["on"]]

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)
each_job = pytest.mark.parametrize("job", JOBS)
each_recording_job = pytest.mark.parametrize("job", RECORDING)
in_bash = pytest.mark.skipif(sys.platform == "win32", reason="workflows run in bash")


def read(name: str) -> dict[str, Any]:
    return load_workflow(f".github/workflows/{name}")


def steps_of(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job.get("steps", [])]


def steps_of_action(name: str) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = load_workflow(f".github/actions/{name}/action.yml")["runs"]["steps"]
    return steps


FILES = [f".github/workflows/{name}" for name in WORKFLOWS] + [f".github/actions/{name}/action.yml" for name in ACTIONS]
ALL_STEPS = [step for name in WORKFLOWS for step in steps_of(name)] + [
    s for name in ACTIONS for s in steps_of_action(name)
]
each_file = pytest.mark.parametrize("path", FILES)


def calls_of(name: str) -> dict[str, dict[str, Any]]:
    """The jobs that call another workflow."""
    return {key: job for key, job in read(name)["jobs"].items() if "uses" in job}


def groups_of(name: str) -> list[dict[str, Any]]:
    """What keeps two runs of a workflow, or two of one of its jobs, from running at once."""
    workflow = read(name)
    return [part["concurrency"] for part in (workflow, *workflow["jobs"].values()) if "concurrency" in part]


# The two linters. Schema first: zizmor passes over a file that the schema would refuse.


def lint(*command: str) -> str:
    """What a linter of this Python's virtual environment says; it is kept from the network and from any token."""
    env = {name: value for name, value in os.environ.items() if "TOKEN" not in name and "ZIZMOR" not in name}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", [f".github/workflows/{name}" for name in WORKFLOWS]),
        ("vendor.github-actions", [f".github/actions/{name}/action.yml" for name in ACTIONS]),
        ("vendor.dependabot", [".github/dependabot.yml"]),
    ],
)
def test_the_files_have_the_shape_that_github_asks_for(schema: str, files: list[str]) -> None:
    lint(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files)


def test_zizmor_finds_nothing_to_say_about_any_of_them() -> None:
    zizmor = Path(sys.executable).with_name("zizmor.exe" if sys.platform == "win32" else "zizmor")
    persona = ["--persona", "auditor", "--strict-collection"]
    output = lint(str(zizmor), "--offline", "--no-progress", "--color", "never", *persona, ".github")
    assert "No findings to report" in output
    seen = set(re.findall(r"completed (\S+\.yml)", output))
    assert {*FILES, ".github/dependabot.yml"} <= seen


# The rules of the house.


@each_file
def test_actions_are_pinned_to_a_commit_and_name_its_version(path: str) -> None:
    used = re.findall(r"^\s*(?:- )?uses: *(.*)$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    assert len(used) == sum(isinstance(text, str) and keys[-1] == "uses" for keys, text in strings(load_workflow(path)))
    of_others = [line for line in used if not line.startswith("$/")]  # that is this repository, at the commit that runs
    assert [line for line in of_others if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} +# v\d+\.\d+\.\d+", line)] == []


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    used = {step["uses"] for step in ALL_STEPS if "uses" in step}
    assert len({uses.partition("@")[0] for uses in used}) == len(used)


def test_dependabot_looks_into_every_folder_that_pins_an_action() -> None:
    [updates] = load_workflow(".github/dependabot.yml")["updates"]
    assert updates["directories"] == ["/", "/.github/actions/*"]
    assert {Path(path).parent.parts[:2] for path in FILES} == {(".github", "workflows"), (".github", "actions")}


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_used_and_sees_no_secret(name: str) -> None:
    calls = [step for step in ALL_STEPS if step.get("uses") == f"$/.github/actions/{name}"]
    assert len(calls) > 1  # else it would be no step that several workflows share
    assert [text for _, text in strings([calls, steps_of_action(name)]) if "secrets." in text or "token" in text] == [
        step["if"] for step in calls if "steps.secrets." in step["if"]
    ]


def test_steps_that_workflows_share_stand_in_an_action() -> None:
    """Checking out comes first everywhere; what else is the same in two workflows belongs into .github/actions/."""
    run = [step["run"] for step in ALL_STEPS if step.get("run", "").startswith("pip")]
    python = [step for name in WORKFLOWS for step in steps_of(name) if "setup-python" in step.get("uses", "")]
    assert len(run) == 1
    assert len(python) == 1 and "matrix" in python[0]["with"]["python-version"]  # that of the tests


@each_workflow
def test_a_checkout_leaves_no_token_behind(name: str) -> None:
    checkouts = [step for step in steps_of(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


# What a job may do besides checking the program out.
MORE_PERMISSIONS = {
    ("daily-report.yml", "publish"): {"pages": "write", "id-token": "write"},
    ("plays.yml", "plays"): {"contents": "read", "issues": "write"},
    ("dimensions.yml", "dimensions"): {"contents": "read", "issues": "write"},
    ("daily-report.yml", "report"): {"contents": "read", "issues": "write"},
    ("upkeep.yml", "upkeep"): {"contents": "read", "actions": "write"},
}


@each_workflow
def test_a_workflow_is_bounded_alone_startable_by_hand_and_may_do_nothing_it_does_not_name(name: str) -> None:
    workflow = read(name)
    assert workflow["permissions"] == {}
    assert groups_of(name)[0]["group"].startswith(workflow["name"])
    assert "workflow_dispatch" in workflow["on"]
    assert workflow["defaults"] == {"run": {"shell": "bash"}}  # the strict one, with pipefail
    for key, job in workflow["jobs"].items():
        if "uses" not in job:
            assert 0 < job["timeout-minutes"] <= 30
            assert job["permissions"] == MORE_PERMISSIONS.get((name, key), {"contents": "read"})


def test_a_called_workflow_is_granted_what_its_jobs_ask_for_and_no_more() -> None:
    """Less, and GitHub would refuse the caller as a whole: nothing would be recorded any more."""
    called = [(job["uses"], job["permissions"]) for name in WORKFLOWS for job in calls_of(name).values()]
    [(uses, granted)] = called
    asked = [job["permissions"] for job in read(Path(uses).name)["jobs"].values()]
    assert granted == {scope: level for permissions in asked for scope, level in permissions.items()}


def test_no_two_workflows_or_jobs_wait_for_one_another() -> None:
    """The caller among them: a workflow that asks for the group that its caller holds is cancelled by GitHub."""
    groups = [group["group"] for name in WORKFLOWS for group in groups_of(name)]
    assert len(set(groups)) == len(groups)


def test_a_slow_report_does_not_hold_up_the_next_recording() -> None:
    workflow = read("plays.yml")
    assert "concurrency" not in workflow  # the group would be held until the report is made
    assert workflow["jobs"]["plays"]["concurrency"]["group"] == "plays"


def test_schedules_keep_off_the_full_hour_and_off_each_other() -> None:
    crons = [entry["cron"] for name in SCHEDULED for entry in read(name)["on"]["schedule"]]
    minutes = [int(cron.split()[0]) for cron in crons]
    assert len(set(minutes)) == len(minutes)
    assert [minute for minute in minutes if not 5 <= minute <= 55] == []


@pytest.mark.parametrize("name", sorted({*WORKFLOWS} - {"tests.yml"}))
def test_a_load_or_a_report_in_flight_is_never_cancelled(name: str) -> None:
    assert {group["cancel-in-progress"] for group in groups_of(name)} == {False}


def test_plays_come_hourly_and_dimensions_every_three_hours() -> None:
    hours = {job: [e["cron"].split()[1:] for e in read(f"{job}.yml")["on"]["schedule"]] for job in RECORDING}
    assert hours == {"plays": [["*", "*", "*", "*"]], "dimensions": [["*/3", "*", "*", "*"]]}


@each_workflow
def test_the_folder_says_what_each_workflow_is_for_and_when_it_runs(name: str) -> None:
    lines = FOLDER.read_text("utf-8").splitlines()
    [line] = [line for line in lines if line.startswith(f"| [`{name}`]({name}) |")]
    for entry in read(name)["on"].get("schedule", []):
        assert f"minute {entry['cron'].split()[0]} |" in line


def test_nothing_is_pasted_into_the_text_of_a_command() -> None:
    assert [step["run"] for step in ALL_STEPS if "${{" in step.get("run", "")] == []


def strings(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], str]]:
    """Each string in a workflow, with the keys that lead to it."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from strings(inner, (*path, key))
    elif isinstance(value, str):
        yield path, value


@each_workflow
def test_a_secret_stands_only_in_the_environment_of_the_one_step_that_uses_it(name: str) -> None:
    seen = []
    for path, text in strings(read(name)):
        # Secrets that a job passes to a called workflow are another test's.
        if "secrets." not in text.replace("steps.secrets.", "") or "${{" not in text or path[2] == "secrets":
            continue
        assert (path[0], path[2], path[4]) == ("jobs", "steps", "env"), path
        if not re.fullmatch(r"\$\{\{ secrets\.\w+ != '' \}\}", text):  # only whether it is there
            assert text == f"${{{{ secrets.{path[5]} }}}}"
            seen.append((path[5] == "ALERT_WEBHOOK_URL", path[1], path[3]))
    steps = {(job, step) for _, job, step in seen}
    assert len(steps) == len({is_where_to_tell for is_where_to_tell, _, _ in seen})  # one for each of the two kinds


@each_workflow
def test_only_the_step_that_tells_may_do_anything_on_github_and_it_needs_no_secret_to(name: str) -> None:
    tokens = [path for path, text in strings(read(name)) if "github.token" in text]
    alerting = [step for step in steps_of(name) if "etl.alerts" in step.get("run", "")]
    for step in alerting:
        outcomes = {"SECRETS_OUTCOME", "JOB_OUTCOME", "JOB_STATUS"}
        assert set(step["env"]) <= {"GH_TOKEN", "ALERTS", "ALERT_WEBHOOK_URL", *outcomes}
        assert step["if"].strip().startswith("always()")
    others = [step["run"] for step in steps_of(name) if "GH_TOKEN" in step.get("env", {}) and step not in alerting]
    assert len(tokens) == len(alerting) + len(others)
    assert set(others) <= {
        "bash .github/check-privacy.sh",
        "bash .github/keep-schedules.sh plays.yml dimensions.yml upkeep.yml",
    }


def test_no_secret_reaches_a_pull_request_of_a_fork() -> None:
    """Which runs tests.yml as the fork has it: it has no secret to hand over, and may only read. So does what a push runs."""
    triggers = {name: set(read(name)["on"]) for name in WORKFLOWS}
    assert {name for name, on in triggers.items() if "pull_request" in on} == {"tests.yml"}
    pushed = {name for name, on in triggers.items() if "push" in on}
    assert pushed == {"tests.yml", "container.yml"}
    assert not {"pull_request_target", "workflow_run", "issue_comment", "issues"} & set().union(*triggers.values())
    for name in pushed:
        assert [text for _, text in strings(read(name)) if "secrets" in text or "github.token" in text] == [], name


def test_the_report_is_handed_the_address_of_the_database_and_where_to_tell_and_no_other_secret() -> None:
    handed = {(name, key): job.get("secrets") for name in WORKFLOWS for key, job in calls_of(name).items()}
    both = ("DATABASE_URL", "ALERT_WEBHOOK_URL")
    assert handed == {("plays.yml", "daily-report"): {name: f"${{{{ secrets.{name} }}}}" for name in both}}
    # Not "required": GitHub would refuse plays.yml, and so the recording, if one were once not handed over.
    declared = read("daily-report.yml")["on"]["workflow_call"]["secrets"]
    assert {name: one["required"] for name, one in declared.items()} == dict.fromkeys(both, False)


def test_the_folder_names_every_secret_and_variable_and_no_other() -> None:
    texts = [text for name in WORKFLOWS for _, text in strings(read(name))]
    used = {found for text in texts for found in re.findall(r"\b(?:secrets|vars)\.([A-Z_]+)", text)}
    rows = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|", FOLDER.read_text("utf-8"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"[A-Z_]+", row)} == used


def test_the_jobs_run_on_a_python_that_the_tests_cover_from_the_oldest_promised_on() -> None:
    [tested] = [job["strategy"]["matrix"]["python"] for job in read("tests.yml")["jobs"].values()]
    [running] = [step["with"]["python-version"] for step in steps_of_action("set-up") if "uses" in step]
    assert running in tested
    assert f'requires-python = ">={tested[0]}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_a_run_of_a_job_finds_its_packages_in_the_cache_and_checks_their_hashes() -> None:
    python, install = steps_of_action("set-up")
    assert (python["with"]["cache"], python["with"]["cache-dependency-path"]) == ("pip", "${{ inputs.lock }}")
    assert "--require-hashes" in install["run"] and '-r "$LOCK"' in install["run"]


@each_job
def test_a_job_installs_its_own_lock_once_and_only_when_it_will_run(job: str) -> None:
    [set_up] = [step for step in steps_of(f"{job}.yml") if step.get("uses") == SET_UP]
    assert set_up["with"] == {"lock": LOCKS[job]}
    assert (ROOT / LOCKS[job]).exists()
    [step] = [step for step in steps_of(f"{job}.yml") if "python -m etl" in step.get("run", "")]
    assert set_up["if"] == step["if"]


# The steps, run. `pip`, `python` and `gh` are stand-ins that note how they were called.

TITLE = "Ohne dich (Live)"
# Stands for the program: `plays` says whether a report is due, `report` writes one, to the terminal if to no file.
PROGRAM = """
import argparse, os, re, sys
parser = argparse.ArgumentParser()
parser.add_argument("-m")
parser.add_argument("command", nargs="+")
for option in ("--date", "--format", "--output"):
    parser.add_argument(option)
parser.add_argument("--no-browser", action="store_true")
asked = parser.parse_intermixed_args()
if asked.command == ["plays"] and DUE:
    with open(os.environ["GITHUB_OUTPUT"], "a") as outputs:
        print(f"report_due={DUE}", file=outputs)
if asked.command == ["report", "daily"]:
    if not re.fullmatch(r"yesterday|[0-9]{4}-[0-9]{2}-[0-9]{2}", asked.date):
        sys.exit("That is no day.")
    with open(asked.output, "w") if asked.output else sys.stdout as page:
        print(f"{asked.format}: {TITLE}", file=page)
    if asked.format in BREAKS:
        sys.exit("The report could not be made.")
    print("The report is made.")
"""


def run_job(
    job: str,
    folder: Path,
    secrets: dict[str, str],
    *,
    status: int = 0,
    pip_status: int = 0,
    due: str = "",
    breaks: tuple[str, ...] = (),
    visibility: str = "private",
    gh_status: int = 0,
    vars: dict[str, str] | None = None,
    inputs: dict[str, str] | None = None,
) -> Run:
    """`status` is that of every command of the program; `breaks` are the formats whose report fails."""
    stand_in(folder, "pip", status=pip_status)
    stand_in(folder, "python", status=status, does=f"DUE, BREAKS, TITLE = {due!r}, {breaks!r}, {TITLE!r}\n{PROGRAM}")
    Github(folder, visibility, gh_status)
    return run_workflow(
        f".github/workflows/{job}.yml",
        secrets=secrets,
        vars={"TIME_ZONE": "Europe/Berlin"} | (vars or {}),
        inputs=inputs,
        path_prefix=folder,
        event="schedule" if job in RECORDING else "workflow_dispatch",
    )


def some_but_not_all(names: list[str]) -> Iterator[tuple[str, ...]]:
    for count in range(1, len(names)):
        yield from itertools.combinations(names, count)


@in_bash
@each_job
@pytest.mark.parametrize("unset", ["absent", "empty"])  # GitHub hands over an unset secret as an empty text
def test_a_fork_without_secrets_is_told_so_in_one_line_and_stays_green(job: str, unset: str, tmp_path: Path) -> None:
    run = run_job(job, tmp_path, dict.fromkeys(JOBS[job], "") if unset == "empty" else {})
    assert run.conclusion == "success"
    outcomes = [step.outcome for step in run.steps]
    assert (outcomes[:2], set(outcomes[2:])) == (["success", "success"], {"skipped"})
    [line] = run.log.splitlines()
    assert line == f"::notice::{run.summary.strip()}"
    assert all(name in line for name in JOBS[job])
    assert "https://github.com/somebody/brapped/settings/secrets/actions" in line
    assert calls(tmp_path, "pip") == calls(tmp_path, "python") == []


@in_bash
@pytest.mark.parametrize(("job", "given"), [(job, given) for job in JOBS for given in some_but_not_all(JOBS[job])])
def test_a_fork_with_some_of_the_secrets_fails_and_is_told_which_are_missing(
    job: str, given: tuple[str, ...], tmp_path: Path
) -> None:
    run = run_job(job, tmp_path, dict.fromkeys(given, "given"))
    assert run.conclusion == "failure"
    [line] = run.step("secrets").log.splitlines()
    assert line == f"::error::{run.summary.strip()}"
    assert Github(tmp_path).open_titles == (["Some secrets are missing"] if job in RECORDING else [])
    assert set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", line)) == set(JOBS[job]) - set(given)
    assert calls(tmp_path, "pip") == calls(tmp_path, "python") == []


@in_bash
@pytest.mark.parametrize("job", COMMANDS)
def test_with_all_secrets_the_job_runs_once_and_only_it_sees_them(job: str, tmp_path: Path) -> None:
    secrets = {name: f"the secret {name.lower()}" for name in [*JOBS[job], *OPTIONAL.get(job, [])]}
    run = run_job(job, tmp_path, secrets | {"SOMETHING_ELSE": "the secret of another workflow"})
    assert run.conclusion == "success"
    [(arguments, env)] = calls(tmp_path, "python")
    assert arguments == COMMANDS[job]
    assert {name: env.get(name) for name in secrets} == secrets
    assert env["TIME_ZONE"] == "Europe/Berlin"
    if job in RECORDING:
        assert env["CATALOGUE_DAILY_BUDGET"] == ""  # unset, as GitHub hands it over
    [step_of_the_job] = [step for step in run.steps if set(secrets) <= set(step.env)]
    elsewhere = [(step.env, step.inputs) for step in run.steps if step is not step_of_the_job]
    assert "the secret" not in str([elsewhere, run.written, calls(tmp_path, "pip"), calls(tmp_path, "gh")])
    assert "another workflow" not in str(env)


@in_bash
@each_job
def test_the_lock_is_installed_once_with_its_hashes(job: str, tmp_path: Path) -> None:
    run_job(job, tmp_path, dict.fromkeys(JOBS[job], "given"))
    [(arguments, _)] = calls(tmp_path, "pip")
    assert arguments[0] == "install" and arguments[-2:] == ["-r", LOCKS[job]]
    assert "--require-hashes" in arguments


@in_bash
@each_job
def test_a_job_that_fails_makes_the_run_red(job: str, tmp_path: Path) -> None:
    run = run_job(job, tmp_path, dict.fromkeys(JOBS[job], "given"), status=1)
    [failed] = [step for step in run.steps if step.outcome == "failure"]
    assert (run.conclusion, set(JOBS[job]) <= set(failed.env)) == ("failure", True)
    expected = {job: [f"A run of {job} ended with an unexpected error"] for job in RECORDING}
    assert Github(tmp_path).open_titles == expected.get(job, [])  # whoever starts the others by hand is there to see


@in_bash
@each_job
def test_a_failed_installation_makes_the_run_red_before_the_job(job: str, tmp_path: Path) -> None:
    run = run_job(job, tmp_path, dict.fromkeys(JOBS[job], "given"), pip_status=1)
    assert run.conclusion == "failure"
    assert calls(tmp_path, "python") == []
    expected = {job: [f"Installing the dependencies of {job} failed"] for job in RECORDING}
    assert Github(tmp_path).open_titles == expected.get(job, [])


@in_bash
def test_the_check_of_the_secrets_fails_on_a_name_it_was_told_nothing_about() -> None:
    done = subprocess.run(
        ["bash", str(ROOT / ".github/check-secrets.sh"), "DATABASE_URL"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "unbound variable" in done.stderr


# The daily report.

REPORT_SECRETS = {"DATABASE_URL": "postgresql://the secret"}


def run_report(folder: Path, **options: Any) -> Run:
    return run_job("daily-report", folder, REPORT_SECRETS, **options)


def asked_of_the_program(folder: Path) -> list[list[str]]:
    return [arguments for arguments, _ in calls(folder, "python")]


def report_arguments(date: str) -> list[list[str]]:
    return [
        [
            "-m",
            "etl",
            "report",
            "daily",
            f"--date={date}",
            "--format",
            one,
            "--output",
            f"daily-report/daily-report.{ending}",
        ]
        for one, ending in (("markdown", "md"), ("html", "html"))
    ]


@in_bash
def test_in_a_private_repository_the_report_goes_to_the_summary_and_one_file_and_nowhere_else(tmp_path: Path) -> None:
    run = run_report(tmp_path)
    assert run.jobs == {"report": "success", "publish": "skipped"}
    assert run.summary == run.step("make").summary == f"markdown: {TITLE}\n"
    assert run.artifacts == {"daily-report.html": {"daily-report.html": f"html: {TITLE}\n"}}
    assert run.step("Upload the page").inputs["retention-days"] == "30"
    assert asked_of_the_program(tmp_path) == report_arguments("yesterday")
    for _, env in calls(tmp_path, "python"):
        assert (env["DATABASE_URL"], env["TIME_ZONE"]) == (REPORT_SECRETS["DATABASE_URL"], "Europe/Berlin")
    elsewhere = [(step.env, step.inputs) for step in run.steps if step.id != "make"]
    assert "the secret" not in str([elsewhere, run.written, calls(tmp_path, "pip"), calls(tmp_path, "gh")])


@in_bash
@pytest.mark.parametrize("breaks", [(), ("markdown",), ("html",)])
def test_no_title_reaches_the_log_or_an_output_whether_the_report_is_made_or_not(
    breaks: tuple[str, ...], tmp_path: Path
) -> None:
    run = run_report(tmp_path, breaks=breaks, vars={"PUBLISH_REPORT": "yes"})
    assert calls(tmp_path, "python")
    assert TITLE not in run.log + str([step.outputs for step in run.steps])


def test_every_report_is_written_to_a_file_and_only_from_there_to_the_summary() -> None:
    lines = [line for name in WORKFLOWS for step in steps_of(name) for line in step.get("run", "").splitlines()]
    reports = [line for line in lines if "etl report" in line]
    assert len(reports) == 2
    assert [line for line in reports if not re.search(r" --output daily-report/[\w.-]+$", line)] == []
    readers = [line.strip() for line in lines if "daily-report/" in line and line not in reports]
    assert readers == [
        'cat daily-report/daily-report.md >>"$GITHUB_STEP_SUMMARY"',
        "cp daily-report/daily-report.html page/index.html",
    ]


@in_bash
@pytest.mark.parametrize("visibility", ["public", "internal"])
@pytest.mark.parametrize(
    "consent", [{}, {"SHOW_REPORT_PUBLICLY": ""}, {"SHOW_REPORT_PUBLICLY": "no"}, {"PUBLISH_REPORT": "yes"}]
)
def test_where_others_could_read_it_no_report_is_made_and_the_summary_says_why_and_what_to_do(
    visibility: str, consent: dict[str, str], tmp_path: Path
) -> None:
    run = run_report(tmp_path, visibility=visibility, vars=consent)
    assert run.jobs == {"report": "success", "publish": "skipped"}
    [line] = run.log.splitlines()
    assert line == f"::notice::{run.summary.strip()}"
    assert f"this repository is {visibility}" in line
    assert "private copy" in line and "set the variable SHOW_REPORT_PUBLICLY to yes" in line
    assert "https://github.com/somebody/brapped/settings/variables/actions" in line
    assert (calls(tmp_path, "python"), calls(tmp_path, "pip"), run.artifacts) == ([], [], {})


@in_bash
@pytest.mark.parametrize(
    ("answer", "status"), [("", 1), ("private", 1), ("", 127), ("", 0), ("null", 0), ("true", 0), ("private public", 0)]
)
def test_a_repository_of_which_nobody_can_tell_counts_as_public(answer: str, status: int, tmp_path: Path) -> None:
    run = run_report(tmp_path, visibility=answer, gh_status=status)
    assert run.jobs == {"report": "success", "publish": "skipped"}
    line = run.summary.strip()
    assert run.log.endswith(f"::warning::{line}\n")
    assert "did not say" in line and "SHOW_REPORT_PUBLICLY" in line
    assert (calls(tmp_path, "python"), run.artifacts) == ([], {})


@in_bash
def test_github_is_asked_about_this_repository_with_the_token_of_the_run(tmp_path: Path) -> None:
    run_report(tmp_path)
    [(arguments, env)] = calls(tmp_path, "gh")
    assert arguments == ["api", "repos/somebody/brapped", "--jq", ".visibility"]
    assert env["GH_TOKEN"] == "the token of this run"
    assert "the token of this run" not in str(calls(tmp_path, "python") + calls(tmp_path, "pip"))


@in_bash
@pytest.mark.parametrize("yes", ["yes", "Yes"])
@pytest.mark.parametrize("gh", [{"visibility": "public"}, {"visibility": "", "gh_status": 1}])
def test_who_has_agreed_to_be_public_gets_a_report_everywhere(yes: str, gh: dict[str, Any], tmp_path: Path) -> None:
    run = run_report(tmp_path, vars={"SHOW_REPORT_PUBLICLY": yes}, **gh)
    assert run.jobs == {"report": "success", "publish": "skipped"}
    assert (run.summary, list(run.artifacts)) == (f"markdown: {TITLE}\n", ["daily-report.html"])


@in_bash
@pytest.mark.parametrize("breaks", ["markdown", "html"])
def test_a_report_that_fails_makes_the_run_red_and_shows_nothing_half_made(breaks: str, tmp_path: Path) -> None:
    run = run_report(tmp_path, breaks=(breaks,), vars={"PUBLISH_REPORT": "yes"})
    assert run.jobs == {"report": "failure", "publish": "skipped"}
    assert run.step("make").log.endswith("The report could not be made.\n")
    assert (run.summary, run.artifacts) == ("", {})


@in_bash
@pytest.mark.parametrize(
    ("typed", "date"), [("2026-11-19", "2026-11-19"), ("yesterday", "yesterday"), ("", "yesterday")]
)
def test_the_report_of_a_day_can_be_asked_for_by_hand(typed: str, date: str, tmp_path: Path) -> None:
    run = run_report(tmp_path, inputs={"date": typed})
    assert run.conclusion == "success"
    assert asked_of_the_program(tmp_path) == report_arguments(date)


@in_bash
@pytest.mark.parametrize(
    "typed",
    [
        "$(touch pwned)",
        "`touch pwned`",
        "yesterday; touch pwned",
        '"; touch pwned; "',
        "'; touch pwned; '",
        "yesterday\ntouch pwned",
        "yesterday --output pwned",
        "--output=pwned",
        "${{ secrets.DATABASE_URL }}",
        "*",
    ],
)
def test_what_is_typed_in_for_a_date_reaches_the_program_as_it_is_and_nothing_else(typed: str, tmp_path: Path) -> None:
    run = run_report(tmp_path, inputs={"date": typed})
    assert asked_of_the_program(tmp_path) == report_arguments(typed)[:1]  # which the program refuses
    assert (run.step("make").outcome, run.step("make").log) == ("failure", "That is no day.\n")
    assert not (run.workspace / "pwned").exists()
    assert (run.summary, run.artifacts) == ("", {})


# The web page.


@in_bash
@pytest.mark.parametrize(
    "seen", [{"visibility": "private"}, {"visibility": "public", "vars": {"SHOW_REPORT_PUBLICLY": "yes"}}]
)
def test_the_report_is_published_where_that_is_switched_on(seen: dict[str, Any], tmp_path: Path) -> None:
    run = run_report(tmp_path, **seen | {"vars": seen.get("vars", {}) | {"PUBLISH_REPORT": "yes"}})
    assert run.jobs == {"report": "success", "publish": "success"}
    published = run.artifacts[run.step("deployment").inputs["artifact_name"]]
    assert published == {"index.html": f"html: {TITLE}\n"}
    assert "the secret" not in str([step.env for step in run.steps if step.job == "publish"])


@in_bash
@pytest.mark.parametrize(
    "switch", [{}, {"PUBLISH_REPORT": ""}, {"PUBLISH_REPORT": "no"}, {"SHOW_REPORT_PUBLICLY": "yes"}]
)
def test_nothing_is_published_until_then(switch: dict[str, str], tmp_path: Path) -> None:
    run = run_report(tmp_path, vars=switch)
    assert run.jobs == {"report": "success", "publish": "skipped"}
    assert list(run.artifacts) == ["daily-report.html"]


@in_bash
def test_the_report_of_another_day_does_not_replace_the_page(tmp_path: Path) -> None:
    run = run_report(tmp_path, vars={"PUBLISH_REPORT": "yes"}, inputs={"date": "2020-01-01"})
    assert run.jobs == {"report": "success", "publish": "skipped"}
    assert list(run.artifacts) == ["daily-report.html"]


def test_whoever_reads_how_to_publish_reads_that_it_is_public() -> None:
    workflow = (ROOT / ".github/workflows/daily-report.yml").read_text("utf-8")
    [comment] = [part for part in workflow.split("\n\n") if "the variable PUBLISH_REPORT" in part]
    [paragraph] = [part for part in FOLDER.read_text("utf-8").split("\n\n") if "`PUBLISH_REPORT` to `yes`" in part]
    for text in (comment, paragraph):
        assert "GitHub Pages are" in text and "public" in text.lower() and "private" in text


# The recording has the report made.

PLAYS_SECRETS = {name: f"the secret {name.lower()}" for name in JOBS["plays"]}


@in_bash
def test_a_recording_that_finds_the_report_due_has_it_made_once_and_hands_over_one_secret(tmp_path: Path) -> None:
    run = run_job("plays", tmp_path, PLAYS_SECRETS, due="true")
    assert run.jobs == {"plays": "success", "daily-report / report": "success", "daily-report / publish": "skipped"}
    assert asked_of_the_program(tmp_path) == [["-m", "etl", "plays"], *report_arguments("yesterday")]
    for _, env in calls(tmp_path, "python")[1:]:
        held = {name: value for name, value in env.items() if "the secret" in value or "SPOTIFY" in name}
        assert held == {"DATABASE_URL": PLAYS_SECRETS["DATABASE_URL"]}
    assert (run.summary, list(run.artifacts)) == (f"markdown: {TITLE}\n", ["daily-report.html"])
    assert TITLE not in run.log


@in_bash
@pytest.mark.parametrize("due", ["false", ""])  # the program may also have nothing to say
def test_a_recording_that_finds_none_due_has_none_made(due: str, tmp_path: Path) -> None:
    run = run_job("plays", tmp_path, PLAYS_SECRETS, due=due)
    assert run.jobs == {"plays": "success", "daily-report": "skipped"}
    assert asked_of_the_program(tmp_path) == [["-m", "etl", "plays"]]
    assert [arguments[:2] for arguments, _ in calls(tmp_path, "gh")] == [["issue", "list"]]


@in_bash
def test_a_recording_that_fails_has_no_report_made(tmp_path: Path) -> None:
    run = run_job("plays", tmp_path, PLAYS_SECRETS, due="true", status=1)
    assert run.jobs == {"plays": "failure", "daily-report": "skipped"}


@in_bash
def test_a_report_that_fails_leaves_the_recording_done_and_done_once(tmp_path: Path) -> None:
    run = run_job("plays", tmp_path, PLAYS_SECRETS, due="true", breaks=("markdown",))
    assert run.jobs == {"plays": "success", "daily-report / report": "failure", "daily-report / publish": "skipped"}
    assert run.conclusion == "failure"  # so that GitHub mails about it
    assert asked_of_the_program(tmp_path).count(["-m", "etl", "plays"]) == 1
    assert "needs" not in read("plays.yml")["jobs"]["plays"]


@in_bash
def test_in_a_public_repository_the_recording_stays_green_without_a_report(tmp_path: Path) -> None:
    run = run_job("plays", tmp_path, PLAYS_SECRETS, due="true", visibility="public")
    assert run.jobs == {"plays": "success", "daily-report / report": "success", "daily-report / publish": "skipped"}
    assert "No report: this repository is public" in run.summary


# The same steps with the real program, a simulated Spotify and a real Postgres.


def run_for_real(
    job: str,
    environment: dict[str, str],
    visibility: str = "public",
    vars: dict[str, str] | None = None,
    inputs: dict[str, str] | None = None,
    **changed: str,
) -> Run:
    """`environment` is that of a listener who has set everything up; the simulated Spotify's address is the runner's.

    Public, so that a report, which is due in some hours of the day only, is not made.
    """
    stand_ins = Path(environment["HOME"], "stand-ins")
    Github(stand_ins, visibility)
    known = [*JOBS[job], *OPTIONAL.get(job, [])]
    secrets = {name: environment[name] for name in known if name in environment} | changed
    elsewhere = {name: environment[name] for name in ("SPOTIFY_API_URL", "SPOTIFY_ACCOUNTS_URL")}
    return run_workflow(
        f".github/workflows/{job}.yml", secrets=secrets, vars=vars, inputs=inputs, env=elsewhere, path_prefix=stand_ins
    )


@in_bash
def test_both_jobs_do_their_work_in_their_workflows(environment, play, songs, ask) -> None:
    play(Play(next(iter(songs.tracks)), ago(10)))
    plays = run_for_real("plays", environment)
    assert plays.conclusion == "success", plays.log
    recorded = plays.step("Record the plays")
    assert recorded.summary.strip() in recorded.log
    assert recorded.summary.startswith("1 of 1 play ")
    assert ask("select count(*) from listening.fact_play") == [(1,)]

    inferred = "select count(*) from listening.dim_artist where fetched_at is null and artist_key <> 0"
    assert ask(inferred) != [(0,)]
    dimensions = run_for_real("dimensions", environment)
    assert dimensions.conclusion == "success", dimensions.log
    assert dimensions.summary.strip() in dimensions.step("Fill in the dimensions").log
    assert ask(inferred) == [(0,)]
    for run in (plays, dimensions):
        assert [name for name in JOBS["plays"] if environment[name] in run.written] == []


@in_bash
def test_the_first_run_of_the_morning_makes_the_report_and_the_next_one_does_not(environment, play, songs) -> None:
    play(Play(next(iter(songs.tracks)), ago(10)))
    noon = {"TIME_ZONE": f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"}  # the signs of these zones are the other way round
    run = run_for_real("plays", environment, visibility="private", vars=noon)
    assert run.jobs == {"plays": "success", "daily-report / report": "success", "daily-report / publish": "skipped"}, (
        run.log
    )
    assert run.step("make").summary.startswith("# ")
    again = run_for_real("plays", environment, visibility="private", vars=noon)
    assert again.jobs["plays"] == "success" and again.jobs["daily-report"] == "skipped"


@in_bash
def test_a_report_asked_for_by_hand_has_its_titles_on_the_summary_page_and_nowhere_else(
    environment, play, songs
) -> None:
    [track_id, track] = next(iter(songs.tracks.items()))
    play(Play(track_id, ago(10)))
    assert run_for_real("plays", environment).conclusion == "success"
    day = {"date": f"{ago(10):%Y-%m-%d}"}
    run = run_for_real("daily-report", environment, visibility="private", inputs=day)
    assert run.conclusion == "success", run.log
    assert track.name in run.step("make").summary and track.name not in run.log

    refused = run_for_real("daily-report", environment, visibility="private", inputs={"date": "$(touch pwned)"})
    assert refused.conclusion == "failure" and "2026-11-20, today or yesterday" in re.sub(r"\s+", " ", refused.log)
    assert track.name not in refused.log + refused.summary


@in_bash
def test_a_login_that_has_ended_makes_the_hourly_run_red_in_one_line(environment) -> None:
    run = run_for_real("plays", environment, SPOTIFY_REFRESH_TOKEN="one that was withdrawn")
    assert (run.conclusion, run.step("Record the plays").status) == ("failure", 1)
    [line] = run.step("Record the plays").log.splitlines()
    assert "the workflow connect" in line and "withdrawn" not in line
    github = Github(Path(environment["HOME"], "stand-ins"))
    assert github.open_titles == ["The Spotify login has ended: nothing is being recorded"]
    assert "Actions → connect → Run workflow" in github.issues[0]["body"]
    assert "withdrawn" not in str(github.issues)

    assert run_for_real("plays", environment).conclusion == "success"
    assert github.open_titles == []


# Logging in, in two runs.

LINK = re.compile(r"\[Open Spotify and agree\]\((\S+)\)")


def connected(environment: dict[str, str], answer: str = "") -> Run:
    return run_for_real("connect", environment, inputs={"answer": answer})


@in_bash
def test_from_a_fork_with_three_secrets_to_the_first_row_in_two_runs_of_connect(
    environment, play, songs, spotify, ask
) -> None:
    spotify.clock = lambda: datetime.now(UTC)
    play(Play(next(iter(songs.tracks)), datetime.now(UTC) - timedelta(minutes=10)))
    del environment["SPOTIFY_REFRESH_TOKEN"]
    not_yet = run_for_real("plays", environment)
    github = Github(Path(environment["HOME"], "stand-ins"))
    assert not_yet.conclusion == "failure" and github.open_titles == ["Nobody is logged in to Spotify yet"]

    first = connected(environment)
    assert first.conclusion == "success", first.log
    [link] = LINK.findall(first.summary)
    assert "user-read-recently-played" in first.summary and link not in first.log
    address = agree(link)
    second = connected(environment, f"  {address} ")
    assert second.conclusion == "success", second.log
    assert "lasts until" in second.summary and "*plays*" in second.summary
    [code] = re.findall(r"code=([^&]+)", address)
    [token] = set(spotify.world.refresh_tokens) - {REFRESH_TOKEN}
    seen = str([(step.env, step.inputs, step.outputs, step.written) for step in first.steps + second.steps])
    assert code not in seen and token not in seen and "Ada" not in second.log + second.summary

    plays = run_for_real("plays", environment)
    assert plays.conclusion == "success", plays.log
    assert ask("select count(*) from listening.fact_play") == [(1,)]
    assert github.open_titles == []
    again = connected(environment, address)
    assert again.conclusion == "failure" and "used before" in again.log and code not in again.written


@in_bash
@pytest.mark.parametrize(
    "typed",
    [
        "nonsense",
        "$(touch pwned)",
        "http://127.0.0.1:8888/callback?code=AQ&state=of-another",
        "`touch pwned`\ntouch pwned",
    ],
)
def test_what_is_typed_in_for_an_address_is_data_and_said_to_be_none(typed: str, environment, ask) -> None:
    run = connected(environment, typed)
    assert run.conclusion == "failure"
    [line] = run.step("Log in").log.splitlines()
    assert line.startswith("brapped: That address belongs to no login that was started here in the last hour")
    assert "pwned" not in run.log + run.summary and not (run.workspace / "pwned").exists()
    assert ask("select count(*) from ops.login") == [(0,)]


@in_bash
def test_an_address_of_a_trip_begun_long_ago_is_no_login(environment, spotify, ask) -> None:
    spotify.clock = lambda: datetime.now(UTC)
    [link] = LINK.findall(connected(environment).summary)
    address = agree(link)
    ask("update ops.consent set asked_at = asked_at - interval '61 minutes'")
    assert connected(environment, address).conclusion == "failure"
    assert ask("select count(*) from ops.login") == [(0,)]


# The schedules, kept alive.


@in_bash
def test_schedules_that_run_or_that_github_has_stopped_are_kept_alive_and_no_others(tmp_path: Path) -> None:
    github = Github(tmp_path)
    github.change(
        workflows={"plays.yml": "active", "dimensions.yml": "disabled_manually", "upkeep.yml": "disabled_inactivity"}
    )
    run = run_workflow(".github/workflows/upkeep.yml", path_prefix=tmp_path, event="schedule")
    assert run.conclusion == "success", run.log
    assert github.enabled == ["plays.yml", "upkeep.yml"]
    assert "dimensions.yml: left alone (disabled_manually)" in run.log
    assert sorted(SCHEDULED) == ["dimensions.yml", "plays.yml", "upkeep.yml"]


@in_bash
def test_a_schedule_that_can_not_be_kept_alive_makes_the_run_red(tmp_path: Path) -> None:
    github = Github(tmp_path)
    github.change(workflows={"plays.yml": "active", "upkeep.yml": "active"})
    run = run_workflow(".github/workflows/upkeep.yml", path_prefix=tmp_path, event="schedule")
    assert run.conclusion == "failure" and "::warning::GitHub did not say whether dimensions.yml" in run.log
    assert github.enabled == ["plays.yml", "upkeep.yml"]


# .ci/run, as tests.yml calls it; `make` is a stand-in, and so is what would install from Debian.


def run_tests(folder: Path, *, status: int = 0, event: str = "push", repository: dict[str, bool] | None = None) -> Run:
    stand_in(folder, "make", status=status, says="the tests")
    for name in ("pgbouncer", "chromium", "systemd-analyze", "apt-get", "sudo"):
        stand_in(folder, name, status=1)
    (folder / "postgresql/16/bin").mkdir(parents=True)
    (folder / "postgresql/16/bin/initdb").touch()
    here = {"BRAPPED_REQUIRE": "browser", "BRAPPED_POSTGRES": str(folder / "postgresql")}
    return run_workflow(".github/workflows/tests.yml", path_prefix=folder, env=here, event=event, repository=repository)


@in_bash
def test_the_tests_run_through_make_and_may_not_skip_what_is_installed(tmp_path: Path) -> None:
    run = run_tests(tmp_path)
    assert run.conclusion == "success"
    assert [(arguments, env["BRAPPED_REQUIRE"]) for arguments, env in calls(tmp_path, "make")] == [
        (["test"], "browser pgbouncer postgresql systemd chromium")
    ] * 2  # one for each Python
    assert calls(tmp_path, "apt-get") == []
    assert run.log == "the tests" * 2


@in_bash
def test_failing_tests_make_the_run_red(tmp_path: Path) -> None:
    run = run_tests(tmp_path, status=2)
    assert [step.status for step in run.steps if not step.uses] == [2, 2]
    assert run.conclusion == "failure"


@in_bash
@pytest.mark.parametrize("event", ["push", "pull_request", "workflow_dispatch"])
@pytest.mark.parametrize("kind", ["fork", "private", ""])
def test_a_push_to_a_fork_or_a_private_copy_costs_its_owner_no_tests(event: str, kind: str, tmp_path: Path) -> None:
    run = run_tests(tmp_path, event=event, repository={kind: True} if kind else {})
    expected = [] if event == "push" and kind else [["test"]] * 2
    assert [arguments for arguments, _ in calls(tmp_path, "make")] == expected
    assert run.conclusion == "success"
