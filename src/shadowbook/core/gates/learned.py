"""Gates of what the run makes itself: features, labels, predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.gates.learned_checks import feature_checks, label_checks, prediction_checks
from shadowbook.core.gates.suite import Gate, Suite
from shadowbook.core.values import Floats, Sessions

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FeatureGatePolicy(BaseModel):
    """Limits of the feature gate."""

    model_config = _FROZEN

    max_absolute: float = Field(
        default=1e4, gt=0, description="no feature is a price or a volume; beyond it a unit leaked"
    )
    max_missing_share: float = Field(
        default=0.1, ge=0, lt=1, description="missing values of a feature after its warm-up"
    )
    min_coverage: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="symbols with every feature in the newest session, as the market gate's share",
    )
    min_distinct: int = Field(
        default=2, ge=2, description="distinct values of a feature; one tells nothing"
    )
    max_tail_ratio: float = Field(
        default=1000.0,
        gt=1,
        description="largest size over the 99th percentile's; beyond it one value rules a fit",
    )


class LabelGatePolicy(BaseModel):
    """Limits of the label gate."""

    model_config = _FROZEN

    max_absolute: float = Field(
        default=5.0,
        gt=0,
        description="ranks lie within 0.5; the sample's largest return over 63 sessions is 2.3",
    )
    max_missing_share: float = Field(
        default=0.2, ge=0, lt=1, description="missing labels where they could have matured"
    )
    min_matured: int = Field(
        default=252, ge=1, description="sessions with a label; less than a year has few folds"
    )
    max_constant_share: float = Field(
        default=0.01, ge=0, lt=1, description="sessions whose labels are all the same"
    )


class PredictionGatePolicy(BaseModel):
    """Limits of the prediction gate."""

    model_config = _FROZEN

    max_missing_share: float = Field(
        default=0.2, ge=0, lt=1, description="missing scores of symbols that have features"
    )
    min_distinct_share: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="distinct scores over symbols in the median session; fifths need five levels",
    )
    max_collapsed_share: float = Field(
        default=0.05, ge=0, lt=1, description="sessions in which every score is the same"
    )
    max_tail_ratio: float = Field(
        default=50.0,
        gt=1,
        description="largest distance from the median over the typical (MAD); a fit that ran away",
    )


def feature_gate(
    frame: pd.DataFrame, warm_up: int, policy: FeatureGatePolicy, feed: str = "features"
) -> Gate:
    """Prepare the gate of a feature frame.

    Parameters
    ----------
    frame : long: symbol, session, available_at and one float column a feature; NaN missing.
    warm_up : sessions of a symbol that may be missing at its beginning.
    feed : name of the verdict and of its page in the data docs.

    Returns
    -------
    Gate with one row a feature in table ``features`` and one row in table ``frame``.
    """
    names = [str(c) for c in frame if c not in ("symbol", "session", "available_at")]
    values = frame[names].to_numpy(np.float64) if names else np.empty((len(frame), 0))
    order = frame.groupby("symbol", sort=False)["session"].rank(method="first")
    grown = (order > warm_up).to_numpy()
    table = _column_summary(names, values, grown)
    finite = np.asarray(np.isfinite(values).all(axis=1), dtype=np.bool_)
    newest = np.asarray(frame["session"] == frame["session"].max(), dtype=np.bool_)
    whole = pd.DataFrame(
        {
            "rows": [float(len(frame))],
            "features": [float(len(names))],
            "coverage": [float(finite[newest].mean()) if newest.any() else 0.0],
            "doubled": [float(frame.duplicated(["symbol", "session"]).sum())],
        }
    )
    suite = Suite(feed, "closed", feature_checks(policy))
    return Gate(suite, {"features": table, "frame": whole})


def label_gate(
    labels: Floats,
    sessions: Sessions,
    horizon: int,
    policy: LabelGatePolicy,
    expected: NDArray[np.bool_] | None = None,
    feed: str = "labels",
) -> Gate:
    """Prepare the gate of one strategy's labels.

    Parameters
    ----------
    labels : (T, N); NaN where not matured or not known.
    sessions : (T,) datetime64[D].
    horizon : sessions ahead that a label looks; the last ``horizon`` rows cannot have matured.
    expected : (T, N) where a price exists, so that a label could be; everywhere by default.
    feed : name of the verdict and of its page in the data docs.

    Returns
    -------
    Gate with one row in table ``labels``.
    """
    total = len(labels)
    could = np.ones(labels.shape, dtype=bool) if expected is None else expected.copy()
    unripe = np.arange(total) >= total - horizon
    could[unripe] = False
    finite = np.isfinite(labels)
    told = finite.any(axis=1)
    spread = _spread(labels)
    table = pd.DataFrame(
        {
            "session": [pd.Timestamp(sessions[-1])] if total else [pd.NaT],
            "largest": [_largest(labels)],
            "infinite": [float(np.isinf(labels).sum())],
            "missing_share": [float((could & ~finite).sum() / max(could.sum(), 1))],
            "matured": [float(told.sum())],
            "early": [float(finite[unripe].sum())],
            "constant_share": [float((spread[told] == 0).mean()) if told.any() else 1.0],
        }
    )
    return Gate(Suite(feed, "closed", label_checks(policy)), {"labels": table})


def prediction_gate(
    scores: Floats,
    sessions: Sessions,
    policy: PredictionGatePolicy,
    expected: NDArray[np.bool_] | None = None,
    feed: str = "predictions",
) -> Gate:
    """Prepare the gate of one candidate's scores.

    Parameters
    ----------
    scores : (T, N) of the sessions that were to be predicted; NaN missing.
    sessions : (T,) datetime64[D].
    expected : (T, N) where the symbol had features; everywhere by default.
    feed : name of the verdict and of its page in the data docs.

    Returns
    -------
    Gate with one row in table ``predictions``.
    """
    finite = np.isfinite(scores)
    could = np.ones(scores.shape, dtype=bool) if expected is None else expected
    counts = finite.sum(axis=1)
    told = counts >= 2
    spread = _spread(scores)
    ordered = np.sort(np.where(finite, scores, np.nan), axis=1)
    distinct = 1 + (np.diff(ordered, axis=1) > 0).sum(axis=1)
    shares = distinct[told] / counts[told]
    table = pd.DataFrame(
        {
            "session": [pd.Timestamp(sessions[-1])] if len(scores) else [pd.NaT],
            "scores": [float(finite.sum())],
            "infinite": [float(np.isinf(scores).sum())],
            "missing_share": [float((could & ~finite).sum() / max(could.sum(), 1))],
            "distinct_share": [float(np.median(shares)) if told.any() else 0.0],
            "collapsed_share": [float((spread[told] == 0).mean()) if told.any() else 1.0],
            "tail_ratio": [_tail_ratio(scores[finite])],
        }
    )
    suite = Suite(feed, "closed", prediction_checks(policy))
    return Gate(suite, {"predictions": table})


def _column_summary(names: list[str], values: Floats, grown: NDArray[np.bool_]) -> pd.DataFrame:
    """One row a column: missing after warm-up, infinite, largest, distinct values, tail."""
    rows = []
    for i, name in enumerate(names):
        column = values[:, i]
        finite = column[np.isfinite(column)]
        sizes = np.abs(finite)
        high = float(np.quantile(sizes, 0.99)) if len(sizes) else np.nan
        largest = float(sizes.max()) if len(sizes) else np.nan
        rows.append(
            {
                "feature": name,
                "missing_share": float(np.isnan(column[grown]).mean()) if grown.any() else 1.0,
                "infinite": float(np.isinf(column).sum()),
                "largest": largest,
                "distinct": float(min(len(np.unique(finite[:: _stride(finite)])), 1000)),
                "tail_ratio": largest / high if high > 0 else np.nan,
            }
        )
    kinds = ["feature", "missing_share", "infinite", "largest", "distinct", "tail_ratio"]
    return pd.DataFrame(rows, columns=kinds)


def _stride(values: Floats) -> int:
    """Step that leaves some ten thousand values: enough to tell a constant, quick to sort."""
    return max(1, len(values) // 10_000)


def _largest(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(np.abs(finite).max()) if len(finite) else float("nan")


def _spread(values: Floats) -> Floats:
    """(T,) largest less smallest finite value of a session; 0 without two."""
    finite = np.isfinite(values)
    high = np.where(finite, values, -np.inf).max(axis=1, initial=-np.inf)
    low = np.where(finite, values, np.inf).min(axis=1, initial=np.inf)
    spread: Floats = np.zeros(len(values))
    np.subtract(high, low, out=spread, where=finite.sum(axis=1) >= 2)
    return spread


def _tail_ratio(values: Floats) -> float:
    if not len(values):
        return float("nan")
    distance = np.abs(values - np.median(values))
    typical = float(np.median(distance))
    return float(distance.max()) / typical if typical > 0 else float("nan")
