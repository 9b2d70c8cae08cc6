"""Each feature against a plain computation on its own window, and where it is not defined."""

import numpy as np
import pytest
from scipy import stats

from shadowbook.core.learning.catalog import CATALOG
from shadowbook.core.learning.features import build_features


def tail(values, window):
    return values[len(values) - window :]


def moves(price):
    return np.diff(price) / price[:-1]


def regression(market, price):
    x, y = tail(moves(market), 126), tail(moves(price), 126)
    return np.cov(x, y)[0, 1] / np.var(x, ddof=1)


def dollars(bar):
    return bar["close"] * bar["volume"]


# Each takes a dict of one symbol's histories up to the session, and the market's.
PLAIN = {
    "momentum_21": lambda b: b["price"][-1] / b["price"][-22] - 1,
    "momentum_63": lambda b: b["price"][-1] / b["price"][-64] - 1,
    "momentum_126": lambda b: b["price"][-1] / b["price"][-127] - 1,
    "momentum_252": lambda b: b["price"][-1] / b["price"][-253] - 1,
    "momentum_252_21": lambda b: b["price"][-22] / b["price"][-253] - 1,
    "reversal_1": lambda b: 1 - b["price"][-1] / b["price"][-2],
    "reversal_5": lambda b: 1 - b["price"][-1] / b["price"][-6],
    "volatility_21": lambda b: tail(moves(b["price"]), 21).std(ddof=1),
    "volatility_63": lambda b: tail(moves(b["price"]), 63).std(ddof=1),
    "volatility_ratio_21_126": lambda b: (
        tail(moves(b["price"]), 21).std(ddof=1) / tail(moves(b["price"]), 126).std(ddof=1)
    ),
    "drawdown_252": lambda b: b["price"][-1] / tail(b["price"], 252).max() - 1,
    "distance_average_200": lambda b: b["price"][-1] / tail(b["price"], 200).mean() - 1,
    "max_return_21": lambda b: tail(moves(b["price"]), 21).max(),
    "min_return_21": lambda b: tail(moves(b["price"]), 21).min(),
    "skewness_63": lambda b: stats.skew(tail(moves(b["price"]), 63)),
    "beta_126": lambda b: regression(b["market"], b["price"]),
    "correlation_126": lambda b: np.corrcoef(
        tail(moves(b["market"]), 126), tail(moves(b["price"]), 126)
    )[0, 1],
    "residual_momentum_126": lambda b: (
        b["price"][-1] / b["price"][-127]
        - 1
        - regression(b["market"], b["price"]) * (b["market"][-1] / b["market"][-127] - 1)
    ),
    "zero_return_share_63": lambda b: (tail(moves(b["price"]), 63) == 0).mean(),
    "dollar_volume_z_63": lambda b: stats.zscore(tail(np.log1p(dollars(b)), 63), ddof=1)[-1],
    "turnover_ratio_5_63": lambda b: tail(dollars(b), 5).mean() / tail(dollars(b), 63).mean(),
    "illiquidity_21": lambda b: np.log1p(
        1e9 * np.abs(tail(moves(b["price"]), 21)).sum() / tail(dollars(b), 21).sum()
    ),
    "range_volatility_21": lambda b: np.sqrt(
        (np.log(tail(b["high"], 21) / tail(b["low"], 21)) ** 2).mean() / (4 * np.log(2))
    ),
    "overnight_gap": lambda b: b["open"][-1] * 0.8 / b["price"][-2] - 1,
}


def test_every_feature_but_ranks_and_calendar_has_a_plain_twin():
    own = {f.name for f in CATALOG if f.rank_of is None}
    assert own - set(PLAIN) == {"month_position", "turn_of_month"}


@pytest.mark.parametrize("name", PLAIN)
def test_feature_equals_its_plain_twin(name, make_panel):
    panel = make_panel(300, 3, seed=5)
    panel.fields["adjusted_close"][200:210, 1] = panel.fields["adjusted_close"][200, 1]
    cube = build_features(panel)
    k = cube.names.index(name)
    for t in (252, 270, 299):
        for n in range(3):
            bar = {field: values[: t + 1, n] for field, values in panel.fields.items()}
            bar |= {"price": bar["adjusted_close"], "market": panel.references["index"][: t + 1]}
            assert cube.values[t, n, k] == pytest.approx(PLAIN[name](bar), rel=1e-9, abs=1e-12)


def test_ranks_are_the_centered_ranks_of_their_feature(make_panel):
    cube = build_features(make_panel(260, 4))
    for feature in CATALOG:
        if feature.rank_of is None:
            continue
        ranked = cube.values[259, :, cube.names.index(feature.name)]
        plain = cube.values[259, :, cube.names.index(feature.rank_of)]
        np.testing.assert_allclose(ranked, (stats.rankdata(plain) - 1) / 3 - 0.5, atol=1e-15)


def test_calendar_reads_the_date_alone(sample):
    cube = build_features(sample)
    position = cube.values[:, 0, cube.names.index("month_position")]
    turn = cube.values[:, 0, cube.names.index("turn_of_month")]
    dates = {str(s): i for i, s in enumerate(sample.sessions)}
    assert position[dates["2000-03-01"]] == 0.0
    assert position[dates["2000-03-16"]] == 0.5
    assert position[dates["2000-02-29"]] == 1.0
    days = ["2000-03-03", "2000-03-06", "2000-03-27", "2000-03-28", "2000-03-31"]
    assert [turn[dates[day]] for day in days] == [1.0, 0.0, 0.0, 1.0, 1.0]


def test_standing_still_gives_zero_or_nothing_but_never_infinity(make_panel):
    panel = make_panel(300, 3)
    panel.fields["adjusted_close"][:, 1] = 20.0
    panel.fields["volume"][:, 1] = 0.0
    cube = build_features(panel)
    last = dict(zip(cube.names, cube.values[-1, 1], strict=True))
    assert last["volatility_21"] == last["momentum_252"] == last["drawdown_252"] == 0.0
    assert last["zero_return_share_63"] == 1.0
    undefined = {
        "beta_126",
        "correlation_126",
        "residual_momentum_126",
        "skewness_63",
        "volatility_ratio_21_126",
        "dollar_volume_z_63",
        "turnover_ratio_5_63",
        "illiquidity_21",
        "rank_illiquidity_21",
    }
    assert {name for name, value in last.items() if np.isnan(value)} == undefined
    assert not np.isinf(cube.values).any()


def test_growth_at_a_constant_rate_does_not_move(make_panel):
    panel = make_panel(300, 2)
    panel.fields["adjusted_close"][:, 0] = 0.1 * 1.0003 ** np.arange(300)
    cube = build_features(panel)
    last = dict(zip(cube.names, cube.values[-1, 0], strict=True))
    assert last["volatility_63"] == pytest.approx(0.0, abs=1e-15)
    assert all(np.isnan(last[n]) for n in ("beta_126", "correlation_126", "skewness_63"))


def test_a_value_of_a_million_leaves_no_trace_once_its_window_has_passed(make_panel):
    quiet, wild = make_panel(700, 2), make_panel(700, 2)
    wild.fields["adjusted_close"][100, 0] = 1e6 * wild.fields["adjusted_close"][99, 0]
    clean, after = build_features(quiet), build_features(wild)
    np.testing.assert_array_equal(clean.values[353:], after.values[353:])
    assert (clean.values[100, 0] != after.values[100, 0]).any()
