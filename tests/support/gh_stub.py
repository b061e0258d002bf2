"""A stand-in for GitHub's program gh, with issues, workflows and secrets in a file: as much of it as the workflows use.

    github = Github(folder)            # puts `gh` into the folder, which a test puts before all else on PATH
    github.issues                      # [{number, title, body, state, labels, comments}, …]

Run as a program it is gh itself. What it does not know it refuses, so that no test passes on a guess.
"""

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any


class Github:
    """One repository. Its state lies in a file, so that every call of `gh` sees what the one before has done."""

    def __init__(self, folder: Path, visibility: str = "private", api_status: int = 0, has_issues: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "github.json"
        if not self._file.exists():
            self._keep({"issues": [], "labels": [], "workflows": {}, "enabled": []})
        self.change(visibility=visibility, api_status=api_status, has_issues=has_issues)
        program = folder / "gh"
        me, python = shlex.quote(__file__), shlex.quote(sys.executable)
        calls, state = shlex.quote(str(folder / "gh.calls")), shlex.quote(str(self._file))
        program.write_text(f'#!/bin/sh\nexec {python} -I -S {me} {calls} {state} "$@"\n', "utf-8")
        program.chmod(0o755)

    def change(self, **changes: Any) -> None:
        self._keep({**self._state(), **changes})

    def _state(self) -> dict[str, Any]:
        return json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}

    def _keep(self, state: dict[str, Any]) -> None:
        self._file.write_text(json.dumps(state), "utf-8")

    @property
    def issues(self) -> list[dict[str, Any]]:
        return self._state()["issues"]

    @property
    def open_titles(self) -> list[str]:
        return [issue["title"] for issue in self.issues if issue["state"] == "OPEN"]

    @property
    def enabled(self) -> list[str]:
        return self._state()["enabled"]

    def close(self, number: int) -> None:
        """As a person does."""
        issues = self.issues
        issues[number - 1]["state"] = "CLOSED"
        self.change(issues=issues)


def options_of(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    words, options = [], {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--force":
            options[word] = ""
        elif word.startswith("--"):
            options[word] = rest.pop(0)
        else:
            words.append(word)
    return words, options


def answer(state: dict[str, Any], arguments: list[str]) -> str:
    words, options = options_of(arguments)
    body = sys.stdin.read() if options.get("--body-file") == "-" else ""
    if words[0] == "api":
        if state["api_status"]:
            sys.exit(state["api_status"])
        if words[1].partition("/actions/workflows/")[2]:
            name = words[1].rpartition("/")[2]
            if name not in state["workflows"]:
                sys.exit("gh: Not Found (HTTP 404)")
            return str(state["workflows"][name])
        return str(state["visibility"])
    assert options.get("--repo") == "somebody/brapped", arguments
    if words[:2] == ["workflow", "enable"]:
        state["workflows"][words[2]] = "active"
        state["enabled"].append(words[2])
        return ""
    if words[:2] == ["label", "create"]:
        state["labels"] = sorted({*state["labels"], words[2]})
        return ""
    if words[0] != "issue":
        sys.exit(f"unknown command {words}")
    if not state["has_issues"]:
        sys.exit("the 'somebody/brapped' repository has disabled issues")
    issues = state["issues"]
    if words[1] == "list":
        assert options["--state"] == "all"
        listed = [issue for issue in issues if options["--label"] in issue["labels"]]
        return json.dumps([{name: one[name] for name in options["--json"].split(",")} for one in listed[::-1]])
    if words[1] == "create":
        if options["--label"] not in state["labels"]:
            sys.exit(f"could not add label: '{options['--label']}' not found")
        made = {"number": len(issues) + 1, "title": options["--title"], "body": body, "state": "OPEN", "comments": []}
        issues.append({**made, "labels": [options["--label"]]})
        return "https://github.com/somebody/brapped/issues/1"
    issue = issues[int(words[2]) - 1]
    if words[1] == "edit":
        issue["body"] = body
        issue["title"] = options.get("--title", issue["title"])
    elif words[1] == "comment":
        issue["comments"].append(body)
    elif words[1] in ("close", "reopen"):
        wanted = "CLOSED" if words[1] == "close" else "OPEN"
        if issue["state"] == wanted:
            sys.exit(f"! Issue #{issue['number']} is already {wanted.lower()}")
        issue["state"] = wanted
    else:
        sys.exit(f"unknown command {words}")
    return ""


def main(calls: str, file: str, *arguments: str) -> None:
    with Path(calls).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps([arguments, dict(os.environ)]) + "\n")
    state = json.loads(Path(file).read_text("utf-8"))
    said = answer(state, list(arguments))
    Path(file).write_text(json.dumps(state), "utf-8")
    sys.stdout.write(said)


if __name__ == "__main__":
    main(*sys.argv[1:])
