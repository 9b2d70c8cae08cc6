"""The command line: its commands, in the order that help lists them."""

from __future__ import annotations

import typer

from shadowbook.commands import (
    audit,
    diagnosis,
    monitoring,
    operation,
    performance,
    pipeline,
    promotion,
    records,
    trading,
)
from shadowbook.frame import Commands

app = typer.Typer(
    name="shadowbook",
    cls=Commands,
    help="Keeps live trading models honest: gated data, point-in-time features, pinned retraining, "
    "auditable runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    operation.run,
    operation.serve,
    pipeline.ingest,
    pipeline.gate,
    pipeline.features,
    pipeline.retrain,
    pipeline.train,
    pipeline.measure,
    trading.trade,
    trading.replay,
    monitoring.monitor,
    monitoring.alerts,
    diagnosis.diagnose,
    performance.execution,
    promotion.evaluate,
    promotion.trials,
    records.runs,
    records.show,
    records.report,
    audit.reproduce,
    audit.restore,
    audit.gc,
    operation.doctor,
):
    app.command()(command)

app.add_typer(trading.ledger, name="ledger")
app.command(hidden=True)(audit.rebuild)


def main() -> None:
    """Entry point of the console script."""
    app()
