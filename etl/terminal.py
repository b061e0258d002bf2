"""The terminal: its width, its output as plain text, and a progress bar."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

WIDTH = 80  # columns: as wide as reads well, and as a small terminal is


@contextmanager
def bar(title: str, *, is_bytes: bool = False, then: str | None = None) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, if that is a terminal. Yields a function to call with (done, total).

    title: stands before the bar. is_bytes: done and total are bytes. then: the title once everything countable is done.
    """
    console = Console(stderr=True)
    count = DownloadColumn() if is_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)

        def advance(done: int, total: int) -> None:
            is_counted = not (then and done >= total)
            progress.update(
                task, description=title if is_counted else then, completed=done, total=total if is_counted else None
            )

        yield advance


def terminal() -> Console:
    """Standard output, at most 80 columns wide; a file or pipe gets 80 columns without colour."""
    console = Console(highlight=False)
    return Console(highlight=False, width=min(console.width, WIDTH) if console.is_terminal else WIDTH)


def plain(shown: RenderableType) -> str:
    """The output on a terminal of 80 columns as text, without colour. Lines have no trailing spaces."""
    written = io.StringIO()
    Console(file=written, highlight=False, width=WIDTH, color_system=None).print(shown)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"
