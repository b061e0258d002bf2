"""How long work shows that it goes on: a bar on a terminal, nothing in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def bar(title: str, *, is_bytes: bool = False, then: str | None = None) -> Iterator[Callable[[int, int], None]]:
    """A function to be called with how much is done, of how much; it draws on standard error if that is a terminal.

    `then`: what goes on when all is done that can be counted.
    """
    console = Console(stderr=True)
    count = DownloadColumn() if is_bytes else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), count, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=None)

        def told(done: int, total: int) -> None:
            is_counted = not (then and done >= total)
            progress.update(
                task, description=title if is_counted else then, completed=done, total=total if is_counted else None
            )

        yield told
