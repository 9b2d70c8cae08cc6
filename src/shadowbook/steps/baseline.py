"""The launch baseline of a version: kept with its training run, read when its book is watched."""

from __future__ import annotations

import hashlib
import io

import pandas as pd

from shadowbook.core.books.paper import paper_book
from shadowbook.core.learning.backtest import lagged_information_coefficient
from shadowbook.core.track import Backtest
from shadowbook.errors import IntegrityError
from shadowbook.settings import Settings
from shadowbook.steps.measure import Evaluated, Tested
from shadowbook.workspace import Workspace

BACKTEST = "predictions/backtest.parquet"
"""Artifact of a training run."""

_SERIES = ("signal", "gross", "net", "turnover", "information_coefficient", "lagged_ic")
_CANDIDATE = "candidate."


def baseline(tested: Tested, evaluated: Evaluated, settings: Settings) -> Backtest:
    """Return what the chosen candidate did out of sample, run as its book will be."""
    own, policy = settings.strategy(tested.strategy), settings.learning.evaluation
    scores, chosen = tested.scores[evaluated.best], evaluated.evaluations[evaluated.best]
    execution = settings.execution
    cost_bps = execution.half_spread_bps + execution.commission_bps
    book = paper_book(scores, tested.prices, own.horizon, own.portfolio, cost_bps)
    return Backtest(
        sessions=tested.sessions,
        signal=book.signal,
        gross=book.gross,
        net=book.net,
        turnover=book.turnover,
        information_coefficient=chosen.information_coefficient,
        lagged_ic=lagged_information_coefficient(
            scores, tested.prices, own.horizon, policy.min_names
        ),
        candidates={name: found.net for name, found in evaluated.evaluations.items()},
        horizon=own.horizon,
    )


def packed(backtest: Backtest) -> bytes:
    """Return a backtest as a parquet file."""
    columns = {name: getattr(backtest, name) for name in _SERIES}
    columns |= {f"{_CANDIDATE}{name}": net for name, net in backtest.candidates.items()}
    sessions = backtest.sessions.astype("datetime64[us]")
    frame = pd.DataFrame({"session": sessions, "horizon": backtest.horizon, **columns})
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def unpacked(data: bytes) -> Backtest:
    """Read ``packed`` back."""
    rows = pd.read_parquet(io.BytesIO(data))
    series = {name: rows[name].to_numpy("float64") for name in _SERIES}
    nets = {
        name.removeprefix(_CANDIDATE): rows[name].to_numpy("float64")
        for name in rows.columns
        if name.startswith(_CANDIDATE)
    }
    return Backtest(
        sessions=rows["session"].to_numpy("datetime64[D]"),
        candidates=nets,
        horizon=int(rows["horizon"].iloc[0]),
        **series,
    )


def registered_baseline(workspace: Workspace, strategy: str, version: int) -> Backtest | None:
    """Read a registered version's backtest; None where its run kept none (an older release).

    Raises
    ------
    IntegrityError
        The stored file is not the one that the run recorded.
    """
    for run in workspace.models.runs(strategy):
        if run.model_version != version:
            continue
        recorded = workspace.models.manifest(run.run_id).get("artifacts", {}).get(BACKTEST)
        if recorded is None:
            continue
        there = workspace.models.has_artifact(run.run_id, BACKTEST)
        data = workspace.models.artifact(run.run_id, BACKTEST).read_bytes() if there else b""
        if hashlib.sha256(data).hexdigest() != recorded:
            raise IntegrityError(
                f"{BACKTEST} of run {run.run_id} ({strategy}/{version}) is not the file that was "
                "recorded: restore it, or retrain"
            )
        return unpacked(data)
    return None
