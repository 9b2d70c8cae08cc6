"""What a person, or a program, reads of a result."""

from __future__ import annotations

import math
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.progress import Progress, Silent, Terminal
from shadowbook.adapters.report.words import COLUMNS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from shadowbook.core.values import FlowRecord, Metric, RunRecord, Verdict
    from shadowbook.steps.build_features import FeatureReport
    from shadowbook.steps.doctor import Examination
    from shadowbook.steps.gate import GateReport
    from shadowbook.steps.reproduce import Reproduction
    from shadowbook.steps.retrain import RetrainReport

PLAIN_WIDTH = 110
"""Characters a line where output goes to a file or a pipe."""


def console() -> Console:
    """Return the terminal; plain text where output is not one."""
    from rich.console import Console

    shown = Console()
    return shown if shown.is_terminal else Console(width=PLAIN_WIDTH)


def progress(quiet: bool) -> Progress:
    """Return where steps report to: the terminal, or nowhere when a program reads the output."""
    return Silent() if quiet else Terminal(console())


def show_verdict(verdict: Verdict, shown: Console) -> None:
    """Print a gate's outcome and one line a finding."""
    from rich.markup import escape

    color = {"PASSED": "green", "WARNED": "yellow"}.get(verdict.outcome.value, "red")
    if not verdict.passed and not verdict.halts:
        # It fails open: the run goes on without this feed.
        shown.print(f"[yellow]DROPPED[/] {verdict.feed} ({verdict.outcome.value}, fails open)")
        _print_reasons(verdict, shown)
        return
    shown.print(
        f"[{color}]{verdict.outcome.value}[/] {escape(verdict.feed)} "
        f"({len(verdict.findings)} checks)"
    )
    _print_reasons(verdict, shown)
    for span in verdict.quarantined:
        until = span.last or "further notice"
        line = f"  quarantined: {span.symbol}, {span.first} to {until} ({span.reason})"
        shown.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_reasons(verdict: Verdict, shown: Console) -> None:
    for reason in verdict.reasons:
        shown.print(f"  - {reason}", markup=False, highlight=False, soft_wrap=True)


def show_gate(report: GateReport) -> None:
    """Print the market gate's verdicts."""
    shown = console()
    for verdict in report.verdicts:
        show_verdict(verdict, shown)
    if report.halts:
        shown.print("[red]refused[/]: the accepted prices stay as they were")
    else:
        told = f", {report.restated:,} of them restated" if report.restated else ""
        shown.print(f"accepted: {report.added:,} new rows{told}", highlight=False)
    shown.print(f"data docs: {report.docs}", markup=False, highlight=False, soft_wrap=True)


def show_features(report: FeatureReport) -> None:
    """Print the feature gate's verdict and what was logged."""
    shown = console()
    show_verdict(report.verdict, shown)
    if not report.halts:
        shown.print(
            f"logged: {report.rows_added:,} rows of {report.sessions_added:,} sessions, "
            f"{report.features} features",
            highlight=False,
        )


def command(verb: str, run_id: str, workspace: Path) -> str:
    """Spell a command so that it works when pasted into the caller's shell."""
    found = shutil.which("shadowbook")
    own = Path(sys.executable).parent / "shadowbook"
    name = "shadowbook" if found and Path(found).resolve() == own.resolve() else relative(own)
    words = [name, verb, run_id[:8]]
    if workspace.resolve() != Path.cwd():
        words += ["--workspace", relative(workspace)]
    return shlex.join(words)


def relative(path: Path) -> str:
    """Spell a path from here where that is shorter."""
    return min(str(path.absolute()), os.path.relpath(path.absolute()), key=len)


def show_training(reports: Sequence[RetrainReport], workspace: Path) -> None:
    """Print the candidates of every strategy, best first."""
    shown = console()
    for report in reports:
        for verdict in report.verdicts:
            if verdict.reasons:
                show_verdict(verdict, shown)
        if report.run is None:
            shown.print(f"[red]halted[/]: {report.strategy}")
            if report.blocked:
                shown.print(f"  {report.blocked}", markup=False, highlight=False, soft_wrap=True)
            continue
        shown.print(candidates_table(report))
    for verb in ("report", "show", "reproduce"):
        for report in reports:
            if report.run is not None:
                shown.print(command(verb, report.run.run_id, workspace), highlight=False)


def candidates_table(report: RetrainReport) -> Table:
    """Lay the candidates of one retraining out, with standard errors."""
    from rich.table import Table

    assert report.run is not None  # noqa: S101 - callers print halted reports differently
    run = report.run
    said = "made before: nothing was done again" if report.existing else "registered"
    table = Table(
        title=f"{report.strategy} as of {report.as_of:%Y-%m-%d %H:%M} UTC: version "
        f"{run.model_version} ({', '.join(run.aliases) or 'no alias'})",
        title_justify="left",
        caption=f"run {run.run_id}, {said}\n"
        "→ chosen; ± one standard error that respects overlap; out of sample, after costs",
        caption_justify="left",
    )
    table.add_column("candidate", no_wrap=True)
    for _, heading, _, _ in COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, metrics in report.candidates.items():
        chosen = name == report.best
        cells = [_cell(metrics[key], form, scale) for key, _, form, scale in COLUMNS]
        label = f"{'→' if chosen else ' '} {name}"
        table.add_row(label, *cells, style="bold" if chosen else None)
    return table


def _cell(metric: Metric, form: str, scale: float) -> str:
    if metric.status != "OK":
        return "not computable"
    value = format(metric.value * scale, form)
    if math.isnan(metric.standard_error):
        return value
    return f"{value} ± {format(metric.standard_error * scale, form)}"


def show_runs(runs: Sequence[RunRecord]) -> None:
    """Print the finished runs."""
    from rich.table import Table

    shown = console()
    if not runs:
        shown.print("no finished run yet: shadowbook run makes the first")
        return
    table = Table()
    for heading in ("run", "strategy", "as of (UTC)", "version", "candidate", "aliases"):
        table.add_column(heading, no_wrap=True)
    for run in runs:
        table.add_row(
            run.run_id[:12],
            run.strategy,
            f"{run.as_of:%Y-%m-%d %H:%M}",
            str(run.model_version),
            run.candidate,
            ", ".join(run.aliases),
        )
    shown.print(table)


def show_records(records: Sequence[FlowRecord]) -> None:
    """Print the finished runs of every flow."""
    from rich.table import Table

    shown = console()
    if not records:
        shown.print("no finished run yet: shadowbook run makes the first")
        return
    table = Table()
    for heading in ("run", "kind", "as of (UTC)", "outcome", "finished (UTC)"):
        table.add_column(heading, no_wrap=True)
    for record in records:
        table.add_row(
            record.run_id[:12],
            record.kind,
            f"{record.as_of:%Y-%m-%d %H:%M}",
            record.outcome,
            f"{record.finished_at:%Y-%m-%d %H:%M:%S}",
        )
    shown.print(table)


def show_reproduction(result: Reproduction) -> None:
    """Print the outcome of a rebuild."""
    shown = console()
    for note in result.notes:
        shown.print(f"note: {note}", markup=False, highlight=False, soft_wrap=True)
    shown.print(result.outcome, style="green" if result.reproduced else "red")
    if result.mismatch is not None:
        mismatch = result.mismatch
        values = (mismatch.recorded, mismatch.rebuilt)
        told = "" if values == (None, None) else f": recorded {values[0]}, rebuilt {values[1]}"
        shown.print(
            f"{mismatch.what}{told}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def show_examination(report: Examination) -> None:
    """Print the doctor's findings."""
    from rich.markup import escape

    shown = console()
    for item in report.items:
        mark = {"ok": "[green]✓[/]", "note": "[yellow]·[/]", "missing": "[red]✗[/]"}[item.state]
        said = escape(f"{item.name:<22} {item.said}")
        shown.print(f"{mark} {said}", highlight=False, soft_wrap=True)
        if item.remedy:
            line = f"  {'':<22} {item.remedy}"
            shown.print(line, markup=False, highlight=False, soft_wrap=True)
