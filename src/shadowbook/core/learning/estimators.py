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

    def fit(self, X: Floats, y: Floats) -> FixedOrderRidge:  # noqa: N803
        """Estimate the weights from X (rows, K) and y (rows,), both without NaN."""
        columns = np.ascontiguousarray(np.asarray(X, dtype=np.float64).T)
        target = np.asarray(y, dtype=np.float64)
        n_features = len(columns)
        means = columns.mean(axis=1)
        columns -= means[:, None]
        level = target.mean()
        centered = target - level
        gram = np.empty((n_features, n_features))
        moments = np.empty(n_features)
        for k in range(n_features):
            gram[k, k:] = gram[k:, k] = np.array(
                [np.sum(columns[j] * columns[k]) for j in range(k, n_features)]
            )
            moments[k] = np.sum(columns[k] * centered)
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


class MomentumRule(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Score each symbol by one of its features; nothing is estimated.

    Parameters
    ----------
    column : position of the feature among the columns of X.
    """

    def __init__(self, column: int = 0) -> None:
        self.column = column

    def fit(self, X: Floats, y: Floats | None = None) -> MomentumRule:  # noqa: N803
        """Take note of the number of columns; ``y`` is ignored."""
        self.n_features_in_ = int(np.shape(X)[1])
        return self

    def predict(self, X: Floats) -> Floats:  # noqa: N803
        """Return the feature, (rows,); NaN where it is missing."""
        check_is_fitted(self)
        return np.array(np.asarray(X, dtype=np.float64)[:, self.column])
