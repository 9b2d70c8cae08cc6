"""A trading day from its raw data on: ingest, gate, features, trade."""

from __future__ import annotations

from datetime import date

from shadowbook.steps.build_features import build_features
from shadowbook.steps.gate import gate
from shadowbook.steps.ingest import ingest
from shadowbook.steps.schedule import Due, prepared
from shadowbook.steps.trade import TradeOutcome, TradeReport, decided_at, trade
from shadowbook.workspace import Workspace


def trading_day(workspace: Workspace, session: date) -> TradeReport:
    """Bring a session's data and features in where they are not there yet, then trade it.

    Raises
    ------
    StaleDataError, IntegrityError, TransientError
        See ``trade``, ``gate`` and ``build_features``.
    """
    as_of = decided_at(workspace, session)
    over = as_of is not None and as_of <= workspace.clock.now()
    if as_of is not None and over and not prepared(workspace, Due(session, as_of, False)):
        ingest(workspace, as_of)
        judged = gate(workspace, as_of)
        reasons = tuple(reason for verdict in judged.verdicts for reason in verdict.reasons)
        if judged.halts:
            return TradeReport(session, as_of, TradeOutcome.GATE_SAID_NO, reasons=reasons)
        built = build_features(workspace, as_of)
        if built.halts:
            reasons = built.verdict.reasons
            return TradeReport(session, as_of, TradeOutcome.GATE_SAID_NO, reasons=reasons)
    return trade(workspace, session)
