"""Tells a person what is being done while it is being done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console


class Stage(Protocol):
    """A piece of work under way."""

    def advance(self, done: int = 1) -> None:
        """Count finished parts."""
        ...

    def result(self, text: str) -> None:
        """Say what came out; shown when the stage ends."""
        ...


class Progress(Protocol):
    """Where steps report to."""

    def stage(self, title: str, total: int | None = None) -> AbstractContextManager[Stage]:
        """Open a stage; it ends with the block."""
        ...


class _Quiet:
    def advance(self, done: int = 1) -> None:
        """Count nothing."""

    def result(self, text: str) -> None:
        """Say nothing."""


class Silent:
    """Reports nothing: for machine-readable output and for callers without a terminal."""

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Stage]:
        """Open a stage that says nothing."""
        yield _Quiet()


class _Shown:
    def __init__(self, total: int | None) -> None:
        self.total = total
        self.text = ""
        self.listener: Callable[[int], None] | None = None

    def advance(self, done: int = 1) -> None:
        if self.listener is not None:
            self.listener(done)

    def result(self, text: str) -> None:
        self.text = text


class Terminal:
    """A line a stage, with a moving bar while it runs; plain lines where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Stage]:
        """Show a stage while it runs and one line with its result and seconds when it ends."""
        from time import perf_counter

        from rich.markup import escape

        began = perf_counter()
        shown = _Shown(total)
        failed = True
        try:
            # A moving bar in a log file would be a thousand lines.
            with self._bar(title, shown) if self._console.is_terminal else nullcontext():
                yield shown
            failed = False
        finally:
            mark = "[red]✗[/]" if failed else "[green]✓[/]"
            seconds = perf_counter() - began
            line = escape(f"{title:<36} {seconds:6.1f} s  {shown.text}")
            self._console.print(f"{mark} {line}", highlight=False, soft_wrap=True)

    @contextmanager
    def _bar(self, title: str, shown: _Shown) -> Iterator[None]:
        from rich.markup import escape
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = [SpinnerColumn(), TextColumn("{task.description}")]
        if shown.total is not None:
            columns += [BarColumn(bar_width=24), MofNCompleteColumn()]
        with Bar(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(escape(title), total=shown.total)
            shown.listener = lambda done: bar.advance(task, done)
            yield
