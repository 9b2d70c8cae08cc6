"""Candidates: the models a retraining compares, and the rule they must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from shadowbook.core.learning.estimators import FixedOrderRidge, MomentumRule
from shadowbook.errors import ConfigError

Kind = Literal["ridge", "hist_gradient_boosting", "momentum"]


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RidgeParameters(_Parameters):
    """Linear regression with an L2 penalty, on imputed and standardized features."""

    alpha: float = Field(1000.0, gt=0.0, le=1e9, description="Penalty on squared weights.")


class BoostingParameters(_Parameters):
    """Gradient boosting of trees on binned features; missing values need no imputing."""

    learning_rate: float = Field(0.05, gt=0.0, le=1.0, description="Share of each tree kept.")
    max_iter: int = Field(80, ge=1, le=5_000, description="Number of trees.")
    max_leaf_nodes: int = Field(15, ge=2, le=1_024, description="Leaves of a tree at most.")
    max_depth: int | None = Field(None, ge=1, le=64, description="Depth at most; null: no limit.")
    min_samples_leaf: int = Field(1000, ge=1, description="Rows of a leaf at least.")
    l2_regularization: float = Field(1.0, ge=0.0, description="Penalty on squared leaf values.")
    max_features: float = Field(1.0, gt=0.0, le=1.0, description="Share of features a split sees.")
    max_bins: int = Field(63, ge=2, le=255, description="Bins of a feature at most.")


class MomentumParameters(_Parameters):
    """One feature as it is."""

    feature: str = Field("momentum_252_21", min_length=1, description="Feature that is the score.")


PARAMETERS: Mapping[str, type[_Parameters]] = {
    "ridge": RidgeParameters,
    "hist_gradient_boosting": BoostingParameters,
    "momentum": MomentumParameters,
}
"""What ``parameters`` of a candidate holds, by its kind."""


class CandidatePolicy(BaseModel):
    """One candidate; ``parameters`` are checked against its kind and completed with defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Unique among a strategy's candidates."
    )
    kind: Kind = Field(description="ridge, hist_gradient_boosting or momentum.")
    parameters: dict[str, Any] = Field(
        default_factory=dict, validate_default=True, description="Settings of the kind."
    )

    @field_validator("parameters", mode="after")
    @classmethod
    def _complete(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        kind = info.data.get("kind")
        if kind is None:  # the kind itself was refused: its own error says so
            return given
        return PARAMETERS[kind].model_validate(given).model_dump()


def build_estimator(candidate: CandidatePolicy, feature_names: Sequence[str], seed: int) -> Any:
    """Make the unfitted estimator of a candidate.

    Parameters
    ----------
    candidate : kind and parameters.
    feature_names : names of the columns of X, in their order.
    seed : for estimators that draw at random.

    Returns
    -------
    A scikit-learn regressor that takes X (rows, K) with NaN for missing values.

    Raises
    ------
    ConfigError
        When the momentum rule names a feature that is not there.
    """
    parameters = candidate.parameters
    if candidate.kind == "ridge":
        return make_pipeline(
            # A feature that is missing throughout a fold keeps its column (as zeros).
            SimpleImputer(strategy="median", keep_empty_features=True),
            StandardScaler(),
            FixedOrderRidge(alpha=parameters["alpha"]),
        )
    if candidate.kind == "hist_gradient_boosting":
        # Early stopping would hold out random rows, whose labels overlap with the rest.
        return HistGradientBoostingRegressor(**parameters, early_stopping=False, random_state=seed)
    feature = parameters["feature"]
    if feature not in feature_names:
        raise ConfigError(
            f"candidate {candidate.name} scores by feature {feature}, which is not among "
            f"{', '.join(feature_names)}: choose one of them"
        )
    return MomentumRule(column=list(feature_names).index(feature))


def weight_argument(estimator: Any, candidate: CandidatePolicy) -> str:
    """Name the argument of an estimator's ``fit`` that takes a weight for each row.

    Only the regressor at a pipeline's end is weighted: medians and scales stay those of all rows,
    and scikit-learn's weighted means go through BLAS, whose bits depend on its threads.

    Raises
    ------
    ConfigError
        When the estimator takes none.
    """
    steps = estimator.steps if isinstance(estimator, Pipeline) else [("", estimator)]
    name, last = steps[-1]
    if not has_fit_parameter(last, "sample_weight"):
        raise ConfigError(
            f"candidate {candidate.name} is a {candidate.kind}, which takes no weights: give its "
            "strategy a window of kind expanding or rolling, or leave the candidate out"
        )
    return f"{name}__sample_weight" if name else "sample_weight"


def trusted_types(estimator: Any) -> list[str]:
    """Types inside a fitted estimator that skops must be told to trust.

    Parameters
    ----------
    estimator : as made by `build_estimator`.

    Returns
    -------
    Fully qualified names, sorted; empty when skops trusts everything in it.
    """
    parts = (
        [step for _, step in estimator.steps] if isinstance(estimator, Pipeline) else [estimator]
    )
    names: set[str] = set()
    for part in parts:
        if isinstance(part, SimpleImputer):
            names.add("numpy.dtype")  # it remembers the type it was fitted on
        if isinstance(part, HistGradientBoostingRegressor):
            names.add("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")
        if isinstance(part, FixedOrderRidge | MomentumRule):
            names.add(f"{type(part).__module__}.{type(part).__qualname__}")
    return sorted(names)
