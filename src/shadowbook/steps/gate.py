"""Judge what was brought in; what passes becomes the accepted prices, the rest changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from shadowbook.adapters.disk import replace_text
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.adapters.market_data.store import Arrival
from shadowbook.core.gates.market import bars_gate
from shadowbook.core.gates.references import reference_gate
from shadowbook.core.gates.verdict import decide
from shadowbook.core.values import Outcome, Quarantine, Verdict
from shadowbook.errors import StaleDataError
from shadowbook.steps.known import VERDICT, decided
from shadowbook.steps.manifest import NOT_YET, Kept, StepManifest
from shadowbook.workspace import Workspace


@dataclass(frozen=True)
class GateReport:
    """What the market gate decided.

    Attributes
    ----------
    verdicts : one a feed.
    added, restated : rows new to the accepted prices, and those among them that tell a known
        session anew; 0 when the gate said no.
    docs : the data docs page.
    kept : its manifest.
    """

    as_of: datetime
    verdicts: tuple[Verdict, ...]
    added: int
    restated: int
    docs: Path
    kept: Kept = NOT_YET

    @property
    def outcome(self) -> str:
        """The worst that any feed came to that counts; one that was dropped is a warning."""
        if self.halts:
            return next(verdict.outcome.value for verdict in self.verdicts if verdict.halts)
        clean = all(verdict.outcome is Outcome.PASSED for verdict in self.verdicts)
        return Outcome.PASSED.value if clean else Outcome.WARNED.value

    @property
    def halts(self) -> bool:
        """True when the flow must stop here."""
        return any(verdict.halts for verdict in self.verdicts)

    @property
    def quarantined(self) -> tuple[Quarantine, ...]:
        """Spans that no feature and no label may touch."""
        return tuple(span for verdict in self.verdicts for span in verdict.quarantined)


def gate(workspace: Workspace, as_of: datetime) -> GateReport:
    """Lay the newest ingest over the accepted prices, judge the whole, and accept or refuse it.

    Raises
    ------
    StaleDataError
        When nothing was ingested.
    IntegrityError
        When accepted rows are told differently and ``market_data.on_rewrite`` refuses that.
    """
    market, settings = workspace.market, workspace.settings
    if not market.incoming.exists():
        raise StaleDataError("there is nothing to judge: run ingest first")
    reads = {"incoming": market.incoming.folder, "market": market.accepted.folder}
    manifest = StepManifest(workspace, "gate", as_of, reads)
    with workspace.progress.stage("gate (Great Expectations)") as stage:
        incoming = market.incoming.read()
        until = decided(market.accepted.read_note(VERDICT))
        arrival = Arrival(as_of, until, workspace.clock.now())
        merged = market.accepted.merge(incoming, arrival, settings.market_data.on_rewrite)
        verdicts = _judge(
            workspace, _as_if_known(merged.delivery, arrival), merged.withdrawn, as_of
        )
        report = GateReport(
            as_of=as_of,
            verdicts=verdicts,
            added=merged.added,
            restated=merged.restated,
            docs=workspace.expectations.docs_path,
        )
        _write_metrics(workspace.build / "gate.json", report)
        if not report.halts:
            market.accepted.write(merged.delivery)
            market.accepted.write_note(VERDICT, _note(report, max(until or as_of, as_of)))
        n_checks = sum(len(verdict.findings) for verdict in verdicts)
        said = ", ".join(f"{verdict.feed} {_said(verdict)}" for verdict in verdicts)
        stage.result(f"{n_checks} checks: {said}")
    kept = manifest.keep(
        report.outcome,
        {} if report.halts else {"market": market.accepted.folder},
        {
            "verdicts": report.verdicts,
            "report": {"added": report.added, "restated": report.restated},
        },
    )
    return replace(report, kept=kept)


def _expected(workspace: Workspace) -> set[str]:
    """Series that the source promises: one that is missing altogether must be judged too."""
    settings = workspace.settings.market_data
    return {"index", "vix"} if settings.source == "sample" else set(settings.files.references)


def _said(verdict: Verdict) -> str:
    return verdict.outcome if verdict.passed or verdict.halts else "DROPPED"


def _as_if_known(delivery: Delivery, arrival: Arrival) -> Delivery:
    """Bring rows dated to their arrival into view: nothing is accepted that was not judged."""
    came, as_of = pd.Timestamp(arrival.now), pd.Timestamp(arrival.as_of)

    def seen(rows: pd.DataFrame) -> pd.DataFrame:
        dated = rows["available_at"].mask(rows["available_at"] == came, min(came, as_of))
        return rows.assign(available_at=dated)

    return Delivery(seen(delivery.bars), seen(delivery.references))


def _judge(
    workspace: Workspace, delivery: Delivery, withdrawn: pd.DataFrame, as_of: datetime
) -> tuple[Verdict, ...]:
    policy = workspace.settings.gates.market
    schedule = workspace.market.schedule(delivery, as_of)
    bars, references = delivery.bars, delivery.references
    gates = [bars_gate(bars, references, schedule, as_of, policy, withdrawn)]
    gates += [
        reference_gate(name, references, schedule, as_of, policy)
        for name in sorted({*references["name"].unique(), *_expected(workspace)})
    ]
    return tuple(
        decide(judged.suite, workspace.expectations.evaluate(judged.suite, judged.tables))
        for judged in gates
    )


def _note(report: GateReport, until: datetime) -> dict[str, object]:
    """Build what later steps need of the verdict; pinned with the data, so without a clock."""
    return {
        "as_of": report.as_of.isoformat(),
        "decided": until.isoformat(),
        "outcomes": {verdict.feed: verdict.outcome.value for verdict in report.verdicts},
        "reasons": [reason for verdict in report.verdicts for reason in verdict.reasons],
        "quarantined": [span.plain() for span in report.quarantined],
    }


def _write_metrics(path: Path, report: GateReport) -> None:
    counts = {
        verdict.feed: {
            "outcome": verdict.outcome.value,
            "checks": len(verdict.findings),
            "not_passed": len(verdict.reasons),
            "quarantined": len(verdict.quarantined),
        }
        for verdict in report.verdicts
    }
    replace_text(path, json.dumps(counts, indent=1) + "\n")
