"""docs/gates.md, the suites and the policies say the same."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.feed_checks import feed_checks
from shadowbook.core.gates.learned import FeatureGatePolicy, LabelGatePolicy, PredictionGatePolicy
from shadowbook.core.gates.learned_checks import feature_checks, label_checks, prediction_checks
from shadowbook.core.gates.market_checks import bar_checks
from shadowbook.core.gates.policy import MarketGatePolicy, SeriesPolicy
from shadowbook.core.gates.references import reference_gate
from shadowbook.core.gates.versions import version_checks
from shadowbook.core.values import BAR_FIELDS, Schedule

TEXT = (Path(__file__).parents[4] / "docs" / "gates.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip(" `") for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| `")
]
POLICY = MarketGatePolicy()
MEASURED = (*BAR_FIELDS, "range_miss", "range_miss_less_tick")


def index_checks():
    day = np.array(["2020-01-02"], dtype="datetime64[D]")
    close = day.astype("datetime64[us]") + np.timedelta64(21, "h")
    rows = pd.DataFrame(
        {
            "name": ["index"],
            "session": day.astype("datetime64[us]"),
            "available_at": pd.DatetimeIndex(close).tz_localize("UTC"),
            "value": [100.0],
        }
    )
    as_of = pd.Timestamp("2020-01-02 22:00", tz="UTC").to_pydatetime()
    return reference_gate("index", rows, Schedule(day, close, close), as_of, POLICY).suite.checks


CHECKS = (
    *bar_checks(POLICY, MEASURED),
    *feed_checks(POLICY),
    *version_checks("symbol", POLICY.max_restatement),
    *index_checks(),
    *feature_checks(FeatureGatePolicy()),
    *label_checks(LabelGatePolicy()),
    *prediction_checks(PredictionGatePolicy()),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_every_check_stands_in_the_table_as_it_is(check):
    assert [check.limit, check.severity, check.action] in [
        row[2:] for row in ROWS if row[0] == check.name
    ]


@pytest.mark.parametrize(
    "policy",
    [MarketGatePolicy, SeriesPolicy, FeatureGatePolicy, LabelGatePolicy, PredictionGatePolicy],
)
def test_every_limit_stands_in_the_table_with_its_reason(policy):
    told = {(row[0], row[2]) for row in ROWS if len(row) == 3}
    for name, field in policy.model_fields.items():
        if field.description:
            assert (name, field.description) in told
