"""Extend the feature log with what was known at each new decision, and bring it online."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from shadowbook.adapters.features.online import PushOutcome
from shadowbook.adapters.features.store import Parity
from shadowbook.core.bitemporal import instant, known_at
from shadowbook.core.gates.learned import feature_gate
from shadowbook.core.gates.verdict import decide
from shadowbook.core.learning import features as definitions
from shadowbook.core.learning.causality import audit_causality
from shadowbook.core.learning.point_in_time import Knowledge, feature_rows
from shadowbook.core.values import Panel, Verdict
from shadowbook.errors import IntegrityError
from shadowbook.steps.known import Accepted, accepted, apply_services, service_name
from shadowbook.steps.manifest import Kept, StepManifest
from shadowbook.workspace import Workspace

PARITY = 1e-10
"""Largest difference between the online and the offline value of one moment."""

CUTS = 5
"""Sessions at which each run proves that no feature sees the future."""


@dataclass(frozen=True)
class FeatureReport:
    """What a feature build did.

    Attributes
    ----------
    rows_added, sessions_added : what was new to the log.
    features : how many features a row has.
    verdict : what the feature gate says.
    parity : online against offline values, largest over the services; None when the gate halted.
    push : what went online; None when the gate halted.
    kept : its manifest.
    """

    as_of: datetime
    rows_added: int
    sessions_added: int
    features: int
    verdict: Verdict
    parity: Parity | None
    push: PushOutcome | None
    kept: Kept

    @property
    def halts(self) -> bool:
        """True when the flow must stop here."""
        return self.verdict.halts


def build_features(workspace: Workspace, as_of: datetime) -> FeatureReport:
    """Compute, judge, log, register and serve the features of every new decision session.

    Raises
    ------
    StaleDataError
        When the accepted prices do not reach to ``as_of``.
    LeakageError
        When a feature changes with what comes after its session.
    IntegrityError
        When online and offline values of the same moment differ.
    """
    log = workspace.feature_folder
    reads = {"market": workspace.market.accepted.folder, "feature_log": log}
    manifest = StepManifest(workspace, "features", as_of, reads)
    with workspace.progress.stage("features") as stage:
        known = accepted(workspace.market, as_of)
        knowledge = _knowledge(workspace, known, as_of)
        bars, references = known.delivery.bars, known.delivery.references
        rows = feature_rows(bars, references, known.schedule, knowledge)
        _prove_causal(known.panel(as_of))
        verdict = _judge(workspace, rows, as_of)
        stage.result(f"{len(rows):,} new rows, {_width(rows)} features, gate {verdict.outcome}")
    if verdict.halts:
        kept = manifest.keep(verdict.outcome, {}, {"verdict": verdict, "report": None})
        return FeatureReport(as_of, 0, 0, _width(rows), verdict, None, None, kept)
    if len(rows):
        # Before the rows: an extension that is cut short must be known to have begun.
        workspace.feature_journal.add(knowledge)
    outcome = workspace.feature_log.append(rows)
    push, parity = _serve(workspace, as_of)
    added = {"rows_added": outcome.rows_added, "sessions_added": outcome.sessions_added}
    content = {"verdict": verdict, "report": {**added, "parity": parity}}
    return FeatureReport(
        as_of=as_of,
        **added,
        features=_width(rows),
        verdict=verdict,
        parity=parity,
        push=push,
        kept=manifest.keep(verdict.outcome, {"feature_log": log}, content),
    )


def _knowledge(workspace: Workspace, known: Accepted, as_of: datetime) -> Knowledge:
    last = workspace.feature_log.last_session()
    first = known.delivery.bars["session"].min().date()
    if last is not None:
        day: date = last.astype("datetime64[D]").astype(date)
        first = day + timedelta(days=1)
    bars, series = known.delivery.bars, known.delivery.references
    return Knowledge(
        as_of=as_of,
        first=first,
        symbols=tuple(known_at(bars, instant(as_of), ["symbol"])["symbol"]),
        references=tuple(known_at(series, instant(as_of), ["name"])["name"]),
        quarantined=known.quarantined,
    )


def _prove_causal(panel: Panel) -> None:
    """Build some sessions again without, and with another, future."""
    last = len(panel.sessions) - 2
    if last < 1:
        return
    cuts = np.unique(np.linspace(min(definitions.lookback(), last), last, CUTS).astype(int))
    audit_causality(definitions.build_features, panel, [int(cut) for cut in cuts])


def _judge(workspace: Workspace, rows: pd.DataFrame, as_of: datetime) -> Verdict:
    logged = workspace.feature_log.read(as_of)
    together = pd.concat([part for part in (logged, rows) if len(part)], ignore_index=True)
    gate = feature_gate(together, definitions.lookback(), workspace.settings.gates.features)
    return decide(gate.suite, workspace.expectations.evaluate(gate.suite, gate.tables))


def _serve(workspace: Workspace, as_of: datetime) -> tuple[PushOutcome, Parity]:
    with workspace.progress.stage("feature store (Feast)") as stage:
        store, settings = workspace.features, workspace.settings
        apply_services(workspace)
        push = store.materialize(as_of)
        found = [store.parity(service_name(workspace, name)) for name in settings.strategies]
        worst = max(found, key=lambda parity: parity.max_difference)
        if not worst.max_difference <= PARITY or any(parity.n_missing for parity in found):
            raise IntegrityError(
                f"online and offline features of {worst.as_of:%Y-%m-%d %H:%M} UTC differ by up to "
                f"{worst.max_difference:.3g} ({sum(p.n_missing for p in found)} values are on one "
                f"side only): remove {workspace.data / 'online'} and run `shadowbook features`"
            )
        stage.result(
            f"{push.written} symbols brought online, parity {worst.max_difference:.1e} "
            f"over {worst.n_compared:,} values"
        )
    return push, worst


def _width(rows: pd.DataFrame) -> int:
    return len([name for name in rows if name not in ("symbol", "session", "available_at")])
