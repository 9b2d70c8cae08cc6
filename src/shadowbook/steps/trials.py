"""Every candidate that was ever fitted for a strategy, and how many independent trials that is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from shadowbook.adapters.models.records import LoggedTrial
from shadowbook.core.promotion.trials import aligned, independent_trials, newest
from shadowbook.core.stats.deflation import effective_number_of_trials
from shadowbook.core.track import Backtest
from shadowbook.core.values import Floats, Sessions
from shadowbook.errors import ConfigError, IntegrityError
from shadowbook.steps.baseline import BACKTEST, unpacked
from shadowbook.steps.manifest import SHOWN
from shadowbook.steps.recipes import recipe_digests
from shadowbook.workspace import Workspace

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TrialRow:
    """One candidate that was fitted.

    Attributes
    ----------
    run : the retraining's.
    as_of : what that run knew; None where the run is gone.
    recipe : digest; None where no manifest tells it.
    sharpe, standard_error : a year, after costs, out of sample; NaN = not recorded.
    chosen : it was registered.
    version : what it was registered as; None where it was not.
    kept : its returns can be read, so that it is compared with the others.
    reason : why not; such a trial counts whole.
    """

    run: str
    as_of: datetime | None
    candidate: str
    recipe: str | None
    sharpe: float
    standard_error: float
    chosen: bool
    version: int | None
    kept: bool
    reason: str


@dataclass(frozen=True)
class Trials:
    """What was tried for a strategy.

    Attributes
    ----------
    raw : candidates ever fitted, those of unfinished and deleted runs among them.
    recipes : different recipes among those whose manifest tells it.
    effective : independent trials; see `independent_trials`, ``unknown`` on top.
    unknown : trials whose returns nobody can read; each counts as one of its own.
    participation_ratio : `effective_number_of_trials` of all returns in the sessions that every
        trial was tested in, ``unknown`` on top; NaN where these are too few. It falls when trials
        are repeated, so no decision uses it.
    table : a row a trial, the newest first.
    """

    strategy: str
    raw: int
    recipes: int
    effective: float
    unknown: int
    participation_ratio: float
    table: tuple[TrialRow, ...]


@dataclass(frozen=True, eq=False)
class _Fit:
    """A trial and, where they were kept, its recipe and its returns."""

    logged: LoggedTrial
    recipe: str | None
    series: tuple[Sessions, Floats] | None
    reason: str


def trials(workspace: Workspace, strategy: str) -> Trials:
    """Count what was ever tried for a strategy.

    Raises
    ------
    ConfigError
        When there is no such strategy.
    """
    fits = _fits(workspace, strategy)
    kept = [fit for fit in fits if fit.series is not None]
    unknown = len(fits) - len(kept)
    _, returns = aligned([fit.series for fit in kept if fit.series is not None])
    independent = independent_trials(returns, [fit.recipe or "" for fit in kept])
    ordered = sorted(fits, key=lambda fit: fit.logged.as_of or LONG_AGO, reverse=True)
    return Trials(
        strategy=strategy,
        raw=len(fits),
        recipes=len({fit.recipe for fit in fits} - {None}),
        effective=independent + unknown,
        unknown=unknown,
        participation_ratio=effective_number_of_trials(returns) + unknown,
        table=tuple(_row(fit) for fit in ordered),
    )


def trial_returns(workspace: Workspace, strategy: str) -> tuple[Sessions, dict[str, Floats]]:
    """Return the net returns of every recipe that was tried, from its newest run.

    Returns
    -------
    (T,) sessions that any of them was tested in, and recipe digest -> (T,) out-of-sample net
    returns of its newest fit; NaN where it was not tested. Errors as in ``trials``.
    """
    kept = [fit for fit in _fits(workspace, strategy) if fit.series is not None]
    chosen = newest(
        [fit.recipe or "" for fit in kept], [fit.logged.as_of or LONG_AGO for fit in kept]
    )
    own = [kept[number].series for number in chosen.values()]
    sessions, returns = aligned([series for series in own if series is not None])
    return sessions, {recipe: returns[:, column] for column, recipe in enumerate(chosen)}


def _row(fit: _Fit) -> TrialRow:
    logged = fit.logged
    return TrialRow(
        run=logged.run_id,
        as_of=logged.as_of,
        candidate=logged.candidate,
        recipe=fit.recipe,
        sharpe=logged.sharpe,
        standard_error=logged.sharpe_standard_error,
        chosen=logged.chosen,
        version=logged.model_version if logged.chosen else None,
        kept=fit.series is not None,
        reason=fit.reason,
    )


def _fits(workspace: Workspace, strategy: str) -> list[_Fit]:
    """Read every trial of a strategy, in the order they were made."""
    workspace.settings.strategy(strategy)
    logged = workspace.models.trials(strategy)
    runs = {trial.run_id: _run(workspace, trial) for trial in logged}
    return [_fit(trial, *runs[trial.run_id]) for trial in logged]


def _fit(
    trial: LoggedTrial, digests: Mapping[str, str], backtest: Backtest | None, reason: str
) -> _Fit:
    recipe = digests.get(trial.candidate)
    net = backtest.candidates.get(trial.candidate) if backtest is not None else None
    if backtest is None or net is None or recipe is None:
        why = reason or f"run {trial.run_id[:SHOWN]} kept no returns of {trial.candidate}"
        return _Fit(trial, recipe, None, why)
    if not np.isfinite(net).any():
        return _Fit(trial, recipe, None, f"{trial.candidate} has no return in any session")
    return _Fit(trial, recipe, (backtest.sessions, net), "")


def _run(workspace: Workspace, trial: LoggedTrial) -> tuple[dict[str, str], Backtest | None, str]:
    """Read a run's recipes and its backtest; (recipes, None, why) where it kept none.

    A file that was altered is as good as none: the count must not depend on what it says, and a
    trial that counts whole makes it no smaller.
    """
    run = trial.run_id[:SHOWN]
    if not trial.finished:
        return {}, None, f"run {run} did not finish"
    try:
        manifest = workspace.models.manifest(trial.run_id)
    except (ConfigError, IntegrityError) as error:
        return {}, None, str(error)
    return recipe_digests(manifest), *_backtest(workspace, trial.run_id, manifest)


def _backtest(
    workspace: Workspace, run_id: str, manifest: Mapping[str, Any]
) -> tuple[Backtest | None, str]:
    recorded = manifest.get("artifacts", {}).get(BACKTEST)
    if recorded is None:
        return None, f"run {run_id[:SHOWN]} kept no returns: an older release made it"
    there = workspace.models.has_artifact(run_id, BACKTEST)
    data = workspace.models.artifact(run_id, BACKTEST).read_bytes() if there else b""
    if hashlib.sha256(data).hexdigest() != recorded:
        return None, f"{BACKTEST} of run {run_id[:SHOWN]} is not the file that was recorded"
    return unpacked(data), ""
