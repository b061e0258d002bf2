"""`python -m etl.alerts`: the step of a workflow that turns what a job reported into issues and messages."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from etl.alerts.issues import Issues
from etl.alerts.ledger import Alert, Report, Say, Tell, Unwritable, told
from etl.alerts.webhook import NotSent, send
from etl.health.findings import of_program


def of_workflow(job: str, environ: Mapping[str, str]) -> Report | None:
    """What a run on GitHub came to: what the job has said, or else how far it got. None: there is nothing to say."""
    if environ.get("ALERTS"):
        return Report.of_json(environ["ALERTS"])
    outcome = environ.get("JOB_OUTCOME", "")
    if outcome == "success":
        return Report(job)
    if "cancelled" in (outcome, environ.get("JOB_STATUS")):
        cause, title = f"cancelled-{job}", f"A run of {job} was cancelled"  # by whom, GitHub does not say
        text = "A person cancelled it, or GitHub did because it took too long. What is recorded stays recorded."
    elif outcome == "failure":
        cause, title = of_program(job)
        text = "It ended before it could say why; its log may. If it comes again, update the program (Sync fork)."
    elif environ.get("SECRETS_OUTCOME") == "failure":
        cause, title = "settings", "Some secrets are missing"
        text = "The run names them. Set them under Settings → Secrets and variables → Actions."
    else:
        cause, title = "installation", f"What {job} stands on could not be installed"
        text = "Mostly this passes by itself. If it comes again, update the program (Sync fork)."
    return Report(job, (Alert(cause, "failing", title, text, is_failure=True),), looked_at=())


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Brings the issues of the repository up to date. Always 0: an alert that fails says so, and is no failure of the job."""

    def warn(said: str) -> None:
        print(f"::warning::{said}")  # noqa: T201
        with Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(f"{said}\n\n")

    def tell(title: str, text: str) -> bool:
        print(title)  # noqa: T201
        try:
            if webhook:
                send(webhook, title, text)
        except NotSent as error:
            warn(f"The webhook could not be told ({error}). The next run tries again.")
            return False
        return True

    [job] = arguments
    webhook = environ.get("ALERT_WEBHOOK_URL", "").strip()
    try:
        if report := of_workflow(job, environ):
            told_in_issues(report, environ, tell, warn)
    except Exception as error:  # its words, or where it arose, may hold the address of the webhook
        warn(f"Nobody could be told what needs a person: an unexpected {type(error).__name__}.")
    return 0


def told_in_issues(report: Report, environ: Mapping[str, str], tell: Tell, warn: Say) -> None:
    """Tells the issues, and whoever `tell` reaches. Without issues nobody knows what was told before: then failures are told again
    rather than not at all, and what is going to come once a day."""
    link = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(environ)
    repository = environ["GITHUB_REPOSITORY"]
    heard = set()

    def tell_once(title: str, text: str) -> bool:
        heard.add((title, text))
        return tell(title, text)

    try:
        list(told(report, Issues(repository, repository.partition("/")[0], link, tell_once)))
    except Unwritable as error:
        if "disabled issues" not in str(error):
            warn(f"What needs a person could not be told in an issue ({error}).")
        elif report.alerts:
            warn(
                "What needs a person can't be told, because this repository has no issues: tick them under Settings →"
                f" General → Features. It is: {'; '.join(alert.title for alert in report.alerts)}."
            )
        for alert in report.alerts:
            if (alert.is_failure or report.is_daily) and (alert.title, alert.text) not in heard:
                tell(alert.title, alert.text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
