"""The workflows under .github: linted by two tools, held to the house's rules, and their steps really run."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ago

from etl.demo.spotify import Play
from tests.workflow_runner import ROOT, Run, calls, load_workflow, run_workflow, stand_in

WORKFLOWS = sorted(path.name for path in (ROOT / ".github/workflows").glob("*.y*ml"))
APP_SECRETS = ["DATABASE_URL", "SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET"]
JOBS = {"plays": [*APP_SECRETS, "SPOTIFY_REFRESH_TOKEN"], "dimensions": APP_SECRETS}
SCHEDULED = [name for name in WORKFLOWS if "schedule" in load_workflow(f".github/workflows/{name}")["on"]]

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)
each_job = pytest.mark.parametrize("job", JOBS)
in_bash = pytest.mark.skipif(sys.platform == "win32", reason="workflows run in bash")


def read(name: str) -> dict[str, Any]:
    return load_workflow(f".github/workflows/{name}")


def steps_of(name: str) -> list[dict[str, Any]]:
    return [step for job in read(name)["jobs"].values() for step in job["steps"]]


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
        ("vendor.dependabot", [".github/dependabot.yml"]),
    ],
)
def test_the_files_have_the_shape_that_github_asks_for(schema: str, files: list[str]) -> None:
    lint(sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files)


def test_zizmor_finds_nothing_to_say_about_any_of_them() -> None:
    zizmor = Path(sys.executable).with_name("zizmor.exe" if sys.platform == "win32" else "zizmor")
    persona = ["--persona", "auditor", "--strict-collection"]
    said = lint(str(zizmor), "--offline", "--no-progress", "--color", "never", *persona, ".github")
    assert "No findings to report" in said
    assert set(WORKFLOWS) | {"dependabot.yml"} <= set(re.findall(r"completed \S*?([\w-]+\.yml)", said))


# The rules of the house.


@each_workflow
def test_actions_are_pinned_to_a_commit_and_name_its_version(name: str) -> None:
    text = (ROOT / ".github/workflows" / name).read_text("utf-8")
    used = re.findall(r"^\s*(?:- )?uses: *(.*)$", text, re.MULTILINE)
    assert len(used) == sum("uses" in step for step in steps_of(name))
    assert [line for line in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} +# v\d+\.\d+\.\d+", line)] == []


def test_an_action_is_pinned_to_the_same_commit_everywhere() -> None:
    used = {step["uses"] for name in WORKFLOWS for step in steps_of(name) if "uses" in step}
    assert len({uses.partition("@")[0] for uses in used}) == len(used)


@each_workflow
def test_a_checkout_leaves_no_token_behind(name: str) -> None:
    checkouts = [step for step in steps_of(name) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each_workflow
def test_a_workflow_is_bounded_alone_startable_by_hand_and_may_do_nothing_it_does_not_name(name: str) -> None:
    workflow = read(name)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"].startswith(workflow["name"])
    assert "workflow_dispatch" in workflow["on"]
    assert workflow["defaults"] == {"run": {"shell": "bash"}}  # the strict one, with pipefail
    for job in workflow["jobs"].values():
        assert 0 < job["timeout-minutes"] <= 30
        assert job["permissions"] == {"contents": "read"}  # to check the program out


def test_every_workflow_has_a_concurrency_group_of_its_own() -> None:
    groups = [read(name)["concurrency"]["group"] for name in WORKFLOWS]
    assert len(set(groups)) == len(groups)


def test_schedules_keep_off_the_full_hour_and_off_each_other() -> None:
    crons = [entry["cron"] for name in SCHEDULED for entry in read(name)["on"]["schedule"]]
    minutes = [int(cron.split()[0]) for cron in crons]
    assert len(set(minutes)) == len(minutes)
    assert [minute for minute in minutes if not 5 <= minute <= 55] == []


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_load_in_flight_is_never_cancelled(name: str) -> None:
    assert read(name)["concurrency"]["cancel-in-progress"] is False


def test_plays_come_hourly_and_dimensions_every_three_hours() -> None:
    hours = {job: [e["cron"].split()[1:] for e in read(f"{job}.yml")["on"]["schedule"]] for job in JOBS}
    assert hours == {"plays": [["*", "*", "*", "*"]], "dimensions": [["*/3", "*", "*", "*"]]}


@each_workflow
def test_the_folder_says_what_each_workflow_is_for_and_when_it_runs(name: str) -> None:
    lines = (ROOT / ".github/workflows/README.md").read_text("utf-8").splitlines()
    [line] = [line for line in lines if line.startswith(f"| [`{name}`]({name}) |")]
    for entry in read(name)["on"].get("schedule", []):
        assert f"minute {entry['cron'].split()[0]} |" in line


@each_workflow
def test_nothing_is_pasted_into_the_text_of_a_command(name: str) -> None:
    assert [step["run"] for step in steps_of(name) if "${{" in step.get("run", "")] == []


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
        if "secrets" not in text or "${{" not in text:
            continue
        assert (path[0], path[2], path[4]) == ("jobs", "steps", "env"), path
        if not re.fullmatch(r"\$\{\{ secrets\.\w+ != '' \}\}", text):  # only whether it is there
            assert text == f"${{{{ secrets.{path[5]} }}}}"
            seen.append((path[1], path[3]))
    assert len(set(seen)) <= 1


def test_the_jobs_run_on_a_python_that_the_tests_cover_from_the_oldest_promised_on() -> None:
    [tested] = [job["strategy"]["matrix"]["python"] for job in read("tests.yml")["jobs"].values()]
    running = {
        step["with"]["python-version"]
        for name in WORKFLOWS
        for step in steps_of(name)
        if step.get("uses", "").startswith("actions/setup-python@") and name != "tests.yml"
    }
    assert running <= set(tested)
    assert f'requires-python = ">={tested[0]}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_a_run_of_a_job_finds_its_packages_in_the_cache_and_checks_their_hashes() -> None:
    for job in JOBS:
        [setup] = [step for step in steps_of(f"{job}.yml") if "setup-python" in step.get("uses", "")]
        assert (setup["with"]["cache"], setup["with"]["cache-dependency-path"]) == ("pip", "requirements.txt")
        [install] = [step for step in steps_of(f"{job}.yml") if "pip install" in step.get("run", "")]
        assert "--require-hashes" in install["run"] and "-r requirements.txt" in install["run"]


# The steps, run. `pip` and `python` are stand-ins that note how they were called.


def run_job(job: str, folder: Path, secrets: dict[str, str], *, status: int = 0, pip_status: int = 0) -> Run:
    stand_in(folder, "pip", status=pip_status)
    stand_in(folder, "python", status=status)
    return run_workflow(
        f".github/workflows/{job}.yml",
        secrets=secrets,
        vars={"TIME_ZONE": "Europe/Berlin"},
        path_prefix=folder,
        event="schedule",
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
    assert [step.outcome for step in run.steps] == ["success", "success", "skipped", "skipped", "skipped"]
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
    [line] = run.log.splitlines()
    assert line == f"::error::{run.summary.strip()}"
    assert set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", line)) == set(JOBS[job]) - set(given)
    assert calls(tmp_path, "pip") == calls(tmp_path, "python") == []


@in_bash
@each_job
def test_with_all_secrets_the_job_runs_once_and_only_it_sees_them(job: str, tmp_path: Path) -> None:
    secrets = {name: f"the secret {name.lower()}" for name in JOBS[job]}
    run = run_job(job, tmp_path, secrets | {"SOMETHING_ELSE": "the secret of another workflow"})
    assert run.conclusion == "success"
    [(arguments, env)] = calls(tmp_path, "python")
    assert arguments == ["-m", "etl", job]
    assert {name: env.get(name) for name in secrets} == secrets
    assert env["TIME_ZONE"] == "Europe/Berlin"
    assert env["CATALOGUE_DAILY_BUDGET"] == ""  # unset, as GitHub hands it over
    [step_of_the_job] = [step for step in run.steps if set(secrets) <= set(step.env)]
    assert step_of_the_job is run.steps[-1]
    elsewhere = [(step.env, step.inputs) for step in run.steps[:-1]]
    assert "the secret" not in str([elsewhere, run.log, run.summary, calls(tmp_path, "pip")])
    assert "another workflow" not in str(env)


@in_bash
@each_job
def test_the_lock_is_installed_once_with_its_hashes(job: str, tmp_path: Path) -> None:
    run_job(job, tmp_path, dict.fromkeys(JOBS[job], "given"))
    [(arguments, _)] = calls(tmp_path, "pip")
    assert arguments[0] == "install"
    assert {"--require-hashes", "requirements.txt"} <= set(arguments)


@in_bash
@each_job
def test_a_job_that_fails_makes_the_run_red(job: str, tmp_path: Path) -> None:
    run = run_job(job, tmp_path, dict.fromkeys(JOBS[job], "given"), status=1)
    assert (run.conclusion, run.steps[-1].outcome) == ("failure", "failure")


@in_bash
@each_job
def test_a_failed_installation_makes_the_run_red_before_the_job(job: str, tmp_path: Path) -> None:
    run = run_job(job, tmp_path, dict.fromkeys(JOBS[job], "given"), pip_status=1)
    assert run.conclusion == "failure"
    assert calls(tmp_path, "python") == []


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


# The same steps with the real program, a simulated Spotify and a real Postgres.


def run_for_real(job: str, environment: dict[str, str], **changed: str) -> Run:
    """`environment` is that of a listener who has set everything up; the simulated Spotify's address is the runner's."""
    secrets = {name: environment[name] for name in JOBS[job]} | changed
    elsewhere = {name: environment[name] for name in ("SPOTIFY_API_URL", "SPOTIFY_ACCOUNTS_URL")}
    return run_workflow(f".github/workflows/{job}.yml", secrets=secrets, env=elsewhere)


@in_bash
def test_both_jobs_do_their_work_in_their_workflows(environment, play, songs, ask) -> None:
    play(Play(next(iter(songs.tracks)), ago(10)))
    plays = run_for_real("plays", environment)
    assert plays.conclusion == "success", plays.log
    assert plays.summary.strip() in plays.step("Record the plays").log
    assert plays.summary.startswith("1 of 1 plays ")
    assert ask("select count(*) from listening.fact_play") == [(1,)]

    inferred = "select count(*) from listening.dim_artist where fetched_at is null and artist_key <> 0"
    assert ask(inferred) != [(0,)]
    dimensions = run_for_real("dimensions", environment)
    assert dimensions.conclusion == "success", dimensions.log
    assert dimensions.summary.strip() in dimensions.step("Fill in the dimensions").log
    assert ask(inferred) == [(0,)]
    for run in (plays, dimensions):
        assert [name for name in JOBS["plays"] if environment[name] in run.log + run.summary] == []


@in_bash
def test_a_login_that_has_ended_makes_the_hourly_run_red_in_one_line(environment) -> None:
    run = run_for_real("plays", environment, SPOTIFY_REFRESH_TOKEN="one that was withdrawn")
    assert (run.conclusion, run.step("Record the plays").status) == ("failure", 1)
    [line] = run.step("Record the plays").log.splitlines()
    assert "SPOTIFY_REFRESH_TOKEN" in line and "withdrawn" not in line


# .ci/run, as tests.yml calls it; `make` is a stand-in, and so is what would install from Debian.


def run_tests(folder: Path, *, status: int = 0) -> Run:
    stand_in(folder, "make", status=status, says="the tests")
    for name in ("pgbouncer", "apt-get", "sudo"):
        stand_in(folder, name, status=1)
    return run_workflow(".github/workflows/tests.yml", path_prefix=folder, env={"BRAPPED_REQUIRE": "browser"})


@in_bash
def test_the_tests_run_through_make_and_may_not_skip_what_is_installed(tmp_path: Path) -> None:
    run = run_tests(tmp_path)
    assert run.conclusion == "success"
    assert [(arguments, env["BRAPPED_REQUIRE"]) for arguments, env in calls(tmp_path, "make")] == [
        (["test"], "browser pgbouncer")
    ] * 2  # one for each Python
    assert calls(tmp_path, "apt-get") == []
    assert run.log == "the tests" * 2


@in_bash
def test_failing_tests_make_the_run_red(tmp_path: Path) -> None:
    run = run_tests(tmp_path, status=2)
    assert [step.status for step in run.steps if not step.uses] == [2, 2]
    assert run.conclusion == "failure"
