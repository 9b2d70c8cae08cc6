"""What each feature contributes to a model's predictions: its SHAP values (Lundberg & Lee 2017).

Three kinds of model are explained exactly, each against the mean of what it was trained on, so that
two windows are explained against the same thing; nothing is sampled.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shadowbook.core.drift.found import Status
from shadowbook.core.values import Floats

_ERROR = 1e-9
"""Largest gap between summed contributions and predictions, in units of their largest."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Contributions to predictions.

    Attributes
    ----------
    values : (n, K) in units of the prediction; a row and ``base`` add up to its prediction. NaN
        where a prediction is missing for want of that feature; all NaN where not computable.
    base : the prediction that contributions start from; NaN where not computable.
    """

    values: Floats
    base: float
    status: Status = "OK"
    reason: str = ""


def attribute(
    estimator: Any, features: Floats, names: Sequence[str], background: Floats | None = None
) -> Explanation:
    """Share out a model's predictions over its features.

    - Boosted trees: TreeSHAP (Lundberg et al. 2020, algorithm 2), which takes expectations over the
      training rows that each branch has seen.
    - A linear model on imputed and standardized features: weight times distance from the mean
      (Strumbelj & Kononenko 2014, eq. 9). A missing value contributes what its imputed value does.
    - One feature as it is: its distance from the background's mean, or from 0 without one.

    Every explanation is held against the model's own predictions: what does not add up is not
    computable.

    Parameters
    ----------
    estimator : fitted, as trained or as loaded back.
    features : (n, K) in the order that it was fitted on; NaN = missing, infinite counts as missing.
    names : K features.
    background : (m, K) rows whose mean a linear model or a single feature is explained against, in
        place of the training rows' or of 0; trees keep to their training rows.

    Returns
    -------
    Not computable, with the reason, for another kind of model, one that was fitted on another
    number of features, and no rows.

    Raises
    ------
    ValueError
        When features or background are no table of the named columns.

    >>> from sklearn.impute import SimpleImputer
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> rows = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 3.0]])
    >>> line = make_pipeline(SimpleImputer(), StandardScaler(), LinearRegression())
    >>> found = attribute(line.fit(rows, [2.0, 4.0, 6.0, 8.0]), rows, ["slope", "idle"])
    >>> found.values[:, 0].round(9).tolist(), round(found.base, 9)
    ([-3.0, -1.0, 1.0, 3.0], 5.0)
    """
    rows = _table(features, names, "features")
    ground = None if background is None else _table(background, names, "background")
    fitted_on = getattr(estimator, "n_features_in_", len(names))
    if not len(rows):
        return _nothing(rows, "no rows are left to explain: explain a longer window")
    if fitted_on != len(names):
        return _nothing(
            rows,
            f"the model was fitted on {fitted_on} features and is given {len(names)}: give it its "
            "own",
        )
    shares = _shares(estimator, rows, ground)
    if shares is None:
        return _nothing(
            rows,
            f"a model of type {type(estimator).__name__} has no exact attribution here: use "
            "boosted trees, the ridge or the momentum rule",
        )
    values, base = shares
    told = np.asarray(estimator.predict(rows), dtype=np.float64)
    scale = np.nanmax(np.abs(told), initial=abs(base))
    if not np.allclose(values.sum(axis=1) + base, told, 0.0, _ERROR * scale, equal_nan=True):
        return _nothing(
            rows,
            f"contributions do not add up to the predictions of this {type(estimator).__name__}: "
            "its settings are not among those that can be explained",
        )
    return Explanation(values, base)


def _nothing(rows: Floats, reason: str) -> Explanation:
    return Explanation(np.full(rows.shape, np.nan), float("nan"), "NOT_COMPUTABLE", reason)


def _table(given: Floats, names: Sequence[str], what: str) -> Floats:
    table = np.array(given, dtype=np.float64, order="C")
    if table.ndim != 2 or table.shape[1] != len(names):
        raise ValueError(f"{what} have shape {table.shape}: give (n, {len(names)})")
    table[~np.isfinite(table)] = np.nan
    return table


def _shares(estimator: Any, rows: Floats, ground: Floats | None) -> tuple[Floats, float] | None:
    """Contributions and base by kind of model; None of another kind."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline

    if isinstance(estimator, HistGradientBoostingRegressor):
        return _of_trees(estimator, rows)
    if isinstance(estimator, Pipeline):
        return _of_line(estimator, rows, ground)
    column = getattr(estimator, "column", None)
    # The rule's own class is of another room; that its prediction is the column is checked.
    if isinstance(column, int) and 0 <= column < rows.shape[1]:
        return _of_column(column, rows, ground)
    return None


def _of_trees(estimator: Any, rows: Floats) -> tuple[Floats, float]:
    with warnings.catch_warnings():
        # On import it sets up color maps for plots, in a way that matplotlib is to drop.
        warnings.filterwarnings(
            "ignore", message="The set_", category=PendingDeprecationWarning, module=r"shap\."
        )
        from shap import TreeExplainer
    explainer = TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
    values = explainer.shap_values(rows, check_additivity=False)
    return np.asarray(values, dtype=np.float64), float(np.ravel(explainer.expected_value)[0])


def _of_line(line: Any, rows: Floats, ground: Floats | None) -> tuple[Floats, float] | None:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    steps = [step for _, step in line.steps]
    weights = getattr(steps[-1], "coef_", None)
    # Other steps might mix columns, or leave them elsewhere than around 0.
    if [type(step) for step in steps[:-1]] != [SimpleImputer, StandardScaler] or weights is None:
        return None
    prepared = line[:-1]
    placed = prepared.transform(rows)
    if placed.shape != rows.shape or np.shape(weights) != (rows.shape[1],):
        return None
    # Standardized training rows have mean 0.
    center = np.zeros(rows.shape[1])
    if ground is not None and len(ground):
        center = prepared.transform(ground).mean(axis=0)
    base = float(steps[-1].intercept_ + np.sum(weights * center))
    return weights * (placed - center), base


def _of_column(column: int, rows: Floats, ground: Floats | None) -> tuple[Floats, float]:
    base = 0.0
    if ground is not None and np.isfinite(ground[:, column]).any():
        base = float(np.nanmean(ground[:, column]))
    values = np.zeros(rows.shape)
    values[:, column] = rows[:, column] - base
    return values, base
