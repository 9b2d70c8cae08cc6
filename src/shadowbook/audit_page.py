"""What a person reads of several rebuilds, of restored data and of a garbage collection."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.rendering import console, relative

if TYPE_CHECKING:
    from shadowbook.steps.collect import Collection
    from shadowbook.steps.reproductions import Attempt
    from shadowbook.steps.restore import Restored


def show_reproductions(attempts: Sequence[Attempt]) -> None:
    """Print the outcomes of several rebuilds as one table."""
    from rich.markup import escape
    from rich.table import Table

    shown = console()
    table = Table()
    for heading in ("run", "strategy", "as of (UTC)", "version", "outcome"):
        table.add_column(heading, no_wrap=True)
    table.add_column("first difference", overflow="fold")
    table.add_column("seconds", justify="right", no_wrap=True)
    for attempt in attempts:
        what = attempt.error or (attempt.mismatch.what if attempt.mismatch else "")
        table.add_row(
            attempt.run_id[:12],
            attempt.strategy,
            f"{attempt.as_of:%Y-%m-%d %H:%M}",
            str(attempt.model_version),
            f"[{'green' if attempt.reproduced else 'red'}]{attempt.outcome}[/]",
            escape(what),
            f"{attempt.seconds:.1f}",
        )
    shown.print(table)
    notes = {note for attempt in attempts for note in attempt.notes}
    for note in sorted(notes):
        shown.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)


def show_restored(result: Restored) -> None:
    """Print where the data of a run was written."""
    shown = console()
    for name, path in result.data.items():
        line = f"{name:<12} {relative(path)}  (of {result.places[name]})"
        shown.print(line, markup=False, highlight=False, soft_wrap=True)


def show_collection(result: Collection) -> None:
    """Print what a garbage collection deleted and what stays."""
    shown = console()
    verb = "would go" if result.dry_run else "deleted"
    for place in result.places:
        line = (
            f"{relative(Path(place.place))}: {place.deleted:,} objects {verb} "
            f"({place.deleted_bytes / 1e6:,.1f} MB), {place.kept:,} stay "
            f"({place.kept_bytes / 1e6:,.1f} MB), {place.drafts} unfinished {verb}"
        )
        shown.print(line, markup=False, highlight=False, soft_wrap=True)
    for path in result.leftovers:
        shown.print(f"{relative(path)}: {verb}", markup=False, highlight=False, soft_wrap=True)
    for note in result.notes:
        shown.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
