"""The files in deploy/ for the web application: each starts what there is, and the container's steps work."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from support import ROOT

from etl.cli.app import app
from etl.settings import Settings
from etl.web.security import LARGEST_UPLOAD

DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "brapped-web.service"
SETTINGS = {name.upper() for name in Settings.model_fields}


def check_command(words: list[str]) -> None:
    """Raises a UsageError if the program has no such command, option or argument."""
    group = typer.main.get_command(app)
    context = group.make_context("brapped", [*words], resilient_parsing=True)
    commands: dict[str, Any] = group.commands  # type: ignore[attr-defined]
    commands[words[0]].make_context(words[0], words[1:], parent=context)


def unit() -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # case matters here
    parser.read_string(UNIT.read_text("utf-8"))
    return {name: value for section in parser.sections() for name, value in parser[section].items()}


def test_the_unit_starts_a_command_that_there_is() -> None:
    program, *words = shlex.split(unit()["ExecStart"])
    assert program.endswith("/.venv/bin/brapped")
    check_command(words)
    assert unit()["Environment"] == f"BRAPPED_HOME=/var/lib/{unit()['StateDirectory']}"


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        if "systemd" in os.environ.get("BRAPPED_REQUIRE", "").split():
            pytest.fail("BRAPPED_REQUIRE says that systemd is here, but it is not")
        pytest.skip("systemd is not here")
    program, *_ = shlex.split(unit()["ExecStart"])
    copy = tmp_path / UNIT.name  # it looks whether the program is there
    copy.write_text(UNIT.read_text("utf-8").replace(f"ExecStart={program}", f"ExecStart={sys.executable}"), "utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# The container, as far as that goes without Docker.


def steps() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and what follows each."""
    lines = [line for line in (DEPLOY / "Dockerfile").read_text("utf-8").splitlines() if line and line[0] != "#"]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_steps_of_the_container_make_a_program_that_starts(tmp_path: Path) -> None:
    """COPY and pip as they stand there, in a clean folder and an environment of its own; and then its command."""
    folder, python = tmp_path / "opt", tmp_path / "venv" / "bin" / "python"
    folder.mkdir()
    ignored = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and not line.startswith("#")
    ]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=60)
    installed = 0
    for instruction, rest in steps():
        words = shlex.split(rest)
        if instruction == "COPY":
            *names, target = words
            for name in names:
                assert name not in ignored
                source = ROOT / name
                if source.is_dir():
                    shutil.copytree(source, folder / target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(source, folder / target)
        elif instruction == "RUN" and words[0] == "pip":
            pip = [sys.executable, "-m", "pip", "--python", str(python), *words[1:]]
            subprocess.run(pip, cwd=folder, check=True, capture_output=True, timeout=110)
            installed += 1
    assert installed == 2
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    version = subprocess.run(["brapped", "--version"], env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert version.stdout.startswith("brapped "), version.stderr
    [command] = [rest for instruction, rest in steps() if instruction == "CMD"]
    check_command(yaml.safe_load(command))
    served = subprocess.run(
        [str(python), "-c", "import etl.web.app, etl.jobs.imports, etl.jobs.recorder.record; print(etl.__file__)"],
        env=environment, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert served.stdout.startswith(str(tmp_path / "venv")), served.stderr


def test_nothing_secret_gets_into_the_container() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {".env", "**/.env", ".git"} <= set(ignored)


def test_the_services_start_commands_that_there_are_with_settings_that_there_are() -> None:
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    services = composed["services"]
    ours = {name: one for name, one in services.items() if one["image"] == "brapped"}
    assert set(ours) == {"web", "plays", "record"}
    for name, one in ours.items():
        assert (DEPLOY / one["build"]["context"] / one["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
        if name != "plays":
            check_command(one["command"])
    for line in re.findall(r"brapped ([a-z -]+)", ours["plays"]["command"][0]):
        check_command(line.split())
    given = re.findall(r"^([A-Z_]+)=", (DEPLOY / "env.example").read_text("utf-8"), re.MULTILINE)
    assert set(given) - SETTINGS == {"WEB_NAME", "POSTGRES_PASSWORD"}
    used = re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text("utf-8"))
    assert set(used) <= set(given)
    for volume in services["caddy"]["volumes"]:
        if volume.startswith("./"):
            assert (DEPLOY / volume.split(":")[0]).is_file()


@pytest.mark.parametrize(("name", "upstream"), [("Caddyfile", "127.0.0.1:8000"), ("Caddyfile.compose", "web:8000")])
def test_the_proxy_takes_uploads_as_large_as_the_program_and_hides_the_counts(name: str, upstream: str) -> None:
    text = (DEPLOY / name).read_text("utf-8")
    assert f"reverse_proxy {upstream}" in text and "respond /metrics 404" in text
    [megabytes] = re.findall(r"max_size (\d+)MiB", text)
    assert int(megabytes) * 1024 * 1024 == LARGEST_UPLOAD
