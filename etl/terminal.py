"""How long work shows that it goes on: a bar on a terminal, nothing in a log."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
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


WIDTH = 80


def terminal() -> Console:
    """Standard output, no wider than reads well; in a file or pipe as wide as on a small terminal, and without colour."""
    console = Console(highlight=False)
    return Console(highlight=False, width=min(console.width, WIDTH) if console.is_terminal else WIDTH)


def plain(shown: RenderableType) -> str:
    """What a terminal would show, as text of 80 columns, without colour."""
    written = io.StringIO()
    Console(file=written, highlight=False, width=WIDTH, color_system=None).print(shown)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) + "\n"
