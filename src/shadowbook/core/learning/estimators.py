"""Estimators of our own, for what scikit-learn has not or does otherwise on every machine."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from shadowbook.core.values import Floats


class FixedOrderRidge(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression whose bits do not depend on the number of threads.

    scikit-learn's ridge multiplies X'X by BLAS, which splits the rows over its threads: one thread
    and two gave other last bits on the sample data, and a rebuilt run would differ from the
    recorded one. Here the sums are numpy's own, which are pairwise and run on one thread.

    Minimizes ``|y - b - X w|^2 + alpha |w|^2`` (Hoerl & Kennard 1970); the intercept b is free.
    With weights each squared residual counts as often as its row's weight says.

    Parameters
    ----------
    alpha : penalty, above 0.

    Attributes
    ----------
    coef_ : (K,) weights.
    intercept_ : the prediction at the origin.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def fit(
        self,
        X: Floats,  # noqa: N803
        y: Floats,
        sample_weight: Floats | None = None,
    ) -> FixedOrderRidge:
        """Estimate the weights.

        Parameters
        ----------
        X : (rows, K), without NaN.
        y : (rows,), without NaN.
        sample_weight : (rows,), at least 0 and not all 0; None counts every row once.
        """
        columns = np.ascontiguousarray(np.asarray(X, dtype=np.float64).T)
        target = np.asarray(y, dtype=np.float64)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        n_features = len(columns)
        means, level = _centers(columns, target, weights)
        columns -= means[:, None]
        centered = target - level
        gram = np.empty((n_features, n_features))
        moments = np.empty(n_features)
        for k in range(n_features):
            own = columns[k] if weights is None else columns[k] * weights
            gram[k, k:] = gram[k:, k] = np.array(
                [np.sum(columns[j] * own) for j in range(k, n_features)]
            )
            moments[k] = np.sum(own * centered)
        gram[np.diag_indices(n_features)] += self.alpha
        self.coef_ = cho_solve(cho_factor(gram), moments)
        self.intercept_ = float(level - np.sum(means * self.coef_))
        self.n_features_in_ = n_features
        return self

    def predict(self, X: Floats) -> Floats:  # noqa: N803
        """Predict (rows,) from X (rows, K)."""
        check_is_fitted(self)
        rows = np.ascontiguousarray(X, dtype=np.float64)
        predicted: Floats = (rows * self.coef_).sum(axis=1) + self.intercept_
        return predicted


def _centers(columns: Floats, target: Floats, weights: Floats | None) -> tuple[Floats, float]:
    """Return the (weighted) means of (K, rows) columns and of the target."""
    if weights is None:
        return columns.mean(axis=1), float(target.mean())
    total = float(np.sum(weights))
    means = np.array([np.sum(column * weights) for column in columns]) / total
    return means, float(np.sum(target * weights)) / total


class MomentumRule(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Score each symbol by one of its features; nothing is estimated.

    Parameters
    ----------
    column : position of the feature among the columns of X.
    """

    def __init__(self, column: int = 0) -> None:
        self.column = column

    def fit(
        self,
        X: Floats,  # noqa: N803
        y: Floats | None = None,
        sample_weight: Floats | None = None,
    ) -> MomentumRule:
        """Take note of the number of columns; ``y`` and weights change nothing."""
        self.n_features_in_ = int(np.shape(X)[1])
        return self

    def predict(self, X: Floats) -> Floats:  # noqa: N803
        """Return the feature, (rows,); NaN where it is missing."""
        check_is_fitted(self)
        return np.array(np.asarray(X, dtype=np.float64)[:, self.column])
