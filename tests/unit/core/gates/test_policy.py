import pytest
from pydantic import BaseModel, ValidationError

from shadowbook.core.gates.learned import FeatureGatePolicy, LabelGatePolicy, PredictionGatePolicy
from shadowbook.core.gates.policy import MarketGatePolicy, SeriesPolicy

POLICIES = (
    MarketGatePolicy,
    SeriesPolicy,
    FeatureGatePolicy,
    LabelGatePolicy,
    PredictionGatePolicy,
)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_threshold_says_what_it_is(policy):
    for name, field in policy.model_fields.items():
        nested = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        assert field.description or nested, name


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_symbols": 0},
        {"max_outlier_deviations": float("nan")},
        {"split_gap_share": 1.5},
        {"no_such_key": 1},
        {"index": {"max_move": -1}},
    ],
)
def test_impossible_values_are_refused(wrong):
    with pytest.raises(ValidationError):
        MarketGatePolicy(**wrong)
