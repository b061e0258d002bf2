"""Write to the files through which a step of a GitHub workflow hands over outputs and its summary."""

from etl.settings import Runner


def write_output(runner: Runner, name: str, value: str) -> None:
    """Set an output of the step, for the steps after it. `value` is one line. Does nothing outside GitHub."""
    if runner.github_output:
        with runner.github_output.open("a", encoding="utf-8") as outputs:
            outputs.write(f"{name}={value}\n")


def write_summary(runner: Runner, *paragraphs: str) -> None:
    """Append paragraphs of Markdown to the summary page of the run. Does nothing outside GitHub. Raises OSError."""
    if runner.github_step_summary:
        with runner.github_step_summary.open("a", encoding="utf-8") as summary:
            summary.writelines(f"{paragraph}\n\n" for paragraph in paragraphs)
