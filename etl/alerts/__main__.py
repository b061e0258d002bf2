"""`python -m etl.alerts JOB`: the last step of a workflow turns what the job found into issues and webhook messages.

The step reads its own environment, as `etl.settings` does for everything else. It may write issues, and its only secret
is the address of the webhook.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from etl.alerts.incidents import Inspection, Send, StoreError, Warn, reconcile
from etl.alerts.issues import IssueStore
from etl.alerts.webhook import NotSent, send
from etl.health.findings import Finding, program_error


def inspection_of_workflow(job: str, environ: Mapping[str, str]) -> Inspection:
    """What a run on GitHub found: what the job handed over, or else how far the run got.

    Raises ValueError, KeyError or TypeError when the job handed over something else.
    """
    if environ.get("ALERTS"):
        return Inspection.from_json(environ["ALERTS"])
    outcome = environ.get("JOB_OUTCOME", "")
    if outcome == "success":
        return Inspection(job)
    if "cancelled" in (outcome, environ.get("JOB_STATUS")):
        cause, title = f"cancelled-{job}", f"A run of {job} was cancelled"  # GitHub does not say by whom
        text = "A person cancelled it, or GitHub did because it took too long. What is recorded stays recorded."
    elif outcome == "failure":
        cause, title = program_error(job)
        text = "It ended before it could say why; its log may. If it comes again, update the program (Sync fork)."
    elif environ.get("SECRETS_OUTCOME") == "failure":
        cause, title = "settings", "Some secrets are missing"
        text = "The run names them. Set them under Settings → Secrets and variables → Actions."
    else:
        cause, title = "installation", f"Installing the dependencies of {job} failed"
        text = "This usually passes by itself. If it comes again, update the program (Sync fork)."
    return Inspection(job, (Finding(cause, "failing", title, text, is_failure=True),), inspected=())


def main(arguments: list[str], environ: Mapping[str, str]) -> int:
    """Update the repository's issues. Always returns 0: an alert that can't be sent is a warning, not a failed job."""

    def warn(sentence: str) -> None:
        print(f"::warning::{sentence}")  # noqa: T201
        with Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(f"{sentence}\n\n")

    def send_to_webhook(title: str, text: str) -> bool:
        print(title)  # noqa: T201
        try:
            if webhook:
                send(webhook, title, text)
        except NotSent as error:
            warn(f"The webhook did not take the message ({error}). The next run tries again.")
            return False
        return True

    [job] = arguments
    webhook = environ.get("ALERT_WEBHOOK_URL", "").strip()
    try:
        update_issues(inspection_of_workflow(job, environ), environ, send_to_webhook, warn)
    except Exception as error:  # its message or traceback may hold the address of the webhook
        warn(f"Alerts could not be sent: an unexpected {type(error).__name__}.")
    return 0


def update_issues(inspection: Inspection, environ: Mapping[str, str], send: Send, warn: Warn) -> None:
    """Update the issues, and send what is new.

    A repository without issues can't remember what was sent. There, failures are sent at each run rather than never,
    and everything else once a day.
    """
    link = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(environ)
    repository = environ["GITHUB_REPOSITORY"]
    sent = set()

    def send_once(title: str, text: str) -> bool:
        sent.add((title, text))
        return send(title, text)

    try:
        list(reconcile(inspection, IssueStore(repository, repository.partition("/")[0], link, send_once)))
    except StoreError as error:
        if "disabled issues" not in str(error):
            warn(f"The problems that were found could not be written to an issue ({error}).")
        elif inspection.findings:
            warn(
                "Something needs you, but this repository has no issues to say so. Enable them under Settings → General"
                f" → Features. It is: {'; '.join(finding.title for finding in inspection.findings)}."
            )
        for finding in inspection.findings:
            is_due = finding.is_failure or inspection.is_daily
            if is_due and (finding.title, finding.text) not in sent:
                send(finding.title, finding.text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
