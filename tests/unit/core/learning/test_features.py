from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shadowbook.core.learning import features
from shadowbook.core.learning.catalog import CATALOG, Feature
from shadowbook.core.learning.features import (
    FeaturePolicy,
    available_features,
    build_features,
    feature_names,
    fingerprint,
    lookback,
)

ALL = ("open", "high", "low", "close", "adjusted_close", "volume")


def troubled(panel, seed):
    """Punch holes, freeze spans and add outliers."""
    rng = np.random.default_rng(seed)
    rows, names = panel.prices.shape
    for values in panel.fields.values():
        values[rng.integers(rows, size=2), rng.integers(names, size=2)] = np.nan
    price = panel.fields["adjusted_close"]
    start, column = rng.integers(rows - 80), rng.integers(names)
    price[start : start + 80, column] = 3.125
    price[rng.integers(rows), rng.integers(names)] *= 10.0 ** rng.integers(-6, 7)
    panel.fields["volume"][rng.integers(rows, size=5), rng.integers(names, size=5)] = 0.0
    panel.references["index"][rng.integers(rows)] = np.nan
    return panel


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32 - 1),
    names=st.integers(1, 9),
    after=st.integers(0, 60),
    data=st.data(),
)
def test_value_at_a_session_is_the_same_bits_however_the_panel_is_cut(
    seed, names, after, data, make_panel, cut
):
    panel = troubled(make_panel(320 + after, names, seed), seed)
    if data.draw(st.booleans(), label="no index"):
        panel = replace(panel, references={})
    t = data.draw(st.integers(0, 319), label="t")
    whole = build_features(panel).values[t]
    to_t = build_features(cut(panel, slice(0, t + 1))).values[-1]
    window = build_features(cut(panel, slice(max(0, t - lookback()), t + 1))).values[-1]
    assert whole.tobytes() == to_t.tobytes() == window.tobytes()


@pytest.mark.parametrize("t", [0, 251, 252, 253, 3_000, 8_312])
def test_value_is_the_same_bits_on_real_prices(t, sample, cut):
    whole = build_features(sample).values[t]
    window = build_features(cut(sample, slice(max(0, t - lookback()), t + 1))).values[-1]
    assert whole.tobytes() == window.tobytes()


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32 - 1), chosen=st.sets(st.integers(0, 11), min_size=1))
def test_features_of_a_symbol_do_not_depend_on_the_others(seed, chosen, make_panel, cut):
    panel = troubled(make_panel(300, 12, seed), seed)
    columns = sorted(chosen)
    some = replace(
        cut(panel, slice(None)),
        symbols=tuple(panel.symbols[i] for i in columns),
        fields={name: values[:, columns] for name, values in panel.fields.items()},
    )
    own = [i for i, f in enumerate(CATALOG) if f.rank_of is None]
    alone = np.ascontiguousarray(build_features(some).values[:, :, own])
    together = np.ascontiguousarray(build_features(panel).values[:, columns][:, :, own])
    assert alone.tobytes() == together.tobytes()


def test_memory_layout_changes_nothing(make_panel):
    panel = make_panel(280, 19)
    other = replace(panel, fields={k: np.asfortranarray(v) for k, v in panel.fields.items()})
    for references in (panel.references, {}):
        first = build_features(replace(panel, references=references))
        second = build_features(replace(other, references=references))
        assert first.values.tobytes() == second.values.tobytes()


def test_many_symbols_are_computed_in_blocks_with_the_same_bits(make_panel, monkeypatch):
    panel = make_panel(260, 11)
    whole = build_features(panel).values
    monkeypatch.setattr(features, "_BLOCK", 800)
    assert build_features(panel).values.tobytes() == whole.tobytes()


def test_features_warm_up_for_exactly_their_lookback(make_panel):
    cube = build_features(make_panel(300, 4))
    for k, feature in enumerate(CATALOG):
        known = np.isfinite(cube.values[:, :, k]).all(axis=1)
        assert known.argmax() == feature.lookback, feature.name
        assert known[feature.lookback :].all(), feature.name


@pytest.mark.parametrize("broken", [np.nan, 0.0, -1.0, np.inf])
def test_missing_price_blanks_every_window_that_holds_it(broken, make_panel):
    panel = make_panel(700, 3)
    panel.fields["adjusted_close"][300, 1] = broken
    cube = build_features(panel)
    assert np.isnan(cube.values[300, 1]).all()
    for k, feature in enumerate(CATALOG):
        blank = np.flatnonzero(np.isnan(cube.values[:, 1, k])[feature.lookback :])
        expected = np.arange(300, 300 + feature.lookback + 1) - feature.lookback
        assert blank.tolist() == expected.tolist(), feature.name
    assert np.isfinite(cube.values[300:, [0, 2]]).all()


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
def test_missing_field_blanks_the_windows_of_the_features_that_read_it(field, make_panel):
    panel = make_panel(500, 2)
    panel.fields[field][300, 1] = np.nan
    cube = build_features(panel)
    for k, feature in enumerate(CATALOG):
        blank = np.flatnonzero(np.isnan(cube.values[260:, 1, k])) + 260
        span = range(300, 301 + feature.lookback) if field in feature.needs else ()
        assert blank.tolist() == list(span), feature.name


def test_missing_index_blanks_what_needs_the_market_alone(make_panel):
    panel = make_panel(500, 2)
    panel.references["index"][300] = np.nan
    cube = build_features(panel)
    missing = {cube.names[k] for k in np.flatnonzero(np.isnan(cube.values[310]).all(axis=0))}
    assert missing == {"beta_126", "correlation_126", "residual_momentum_126"}
    assert np.isfinite(cube.values[427:]).all()


def test_fields_decide_which_features_there_are(make_panel):
    assert len(feature_names(["close"])) == 25
    assert {f.group for f in available_features(["close"])} == {"price"}
    added = set(feature_names(ALL)) - set(feature_names(["close"]))
    assert added == {f.name for f in CATALOG if f.group == "volume"}
    panel = make_panel(260, 2)
    closes = replace(panel, fields={"close": panel.fields["close"]})
    cube = build_features(closes)
    assert cube.names == feature_names(closes.fields)
    assert cube.values.shape == (260, 2, 25)


def test_names_are_unique_and_ranks_name_a_feature():
    names = [f.name for f in CATALOG]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name == name.lower() and name.isidentifier() for name in names)
    for feature in CATALOG:
        assert (feature.compute is None) == (feature.rank_of is not None)
        if feature.rank_of is not None:
            source = CATALOG[names.index(feature.rank_of)]
            assert (source.lookback, source.needs) == (feature.lookback, feature.needs)


def test_real_prices_give_finite_features_once_warm(sample):
    cube = build_features(sample)
    values = cube.values[lookback() :]
    assert not np.isinf(cube.values).any()
    undefined = dict(zip(cube.names, np.isnan(values).sum(axis=(0, 1)), strict=True))
    assert {name: int(n) for name, n in undefined.items() if n} == {}
    beta = values[:, :, cube.names.index("beta_126")]
    assert 0.9 < beta.mean() < 1.1


def test_empty_panel_gives_an_empty_cube(make_panel, cut):
    cube = build_features(cut(make_panel(10, 2), slice(0, 0)))
    assert cube.values.shape == (0, 2, len(CATALOG))


def test_fingerprint_depends_on_fields_and_definition(monkeypatch):
    closes = fingerprint(["close"])
    assert closes == fingerprint(["close"])
    assert closes != fingerprint(ALL)
    assert len(closes) == 64
    first = CATALOG[0]
    altered = Feature(first.name, first.group, first.lookback, CATALOG[1].compute)
    monkeypatch.setattr(features, "CATALOG", (altered, *CATALOG[1:]))
    assert fingerprint(["close"]) != closes


def test_policy_knows_one_version():
    assert FeaturePolicy().version == 1
    with pytest.raises(ValidationError):
        FeaturePolicy(version=2)
