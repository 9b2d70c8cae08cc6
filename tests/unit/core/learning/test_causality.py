from dataclasses import replace

import numpy as np
import pytest

from shadowbook.core.learning.causality import audit_causality, audit_overlap
from shadowbook.core.learning.features import FeatureCube, build_features
from shadowbook.errors import LeakageError


def planted(name, compute):
    """Build the catalog and one more feature, ``compute(prices)``."""

    def build(panel):
        cube = build_features(panel)
        with np.errstate(invalid="ignore"):
            extra = compute(panel.prices)
        return FeatureCube(
            cube.sessions,
            cube.symbols,
            (*cube.names, name),
            np.concatenate([cube.values, extra[:, :, None]], axis=2),
        )

    return build


def tomorrow(prices):
    result = np.full(prices.shape, np.nan)
    result[:-1] = prices[1:] / prices[:-1] - 1.0
    return result


def next_or_last(prices):
    """Look ahead where it can: the end of the data hides it from a plain truncation."""
    following = np.vstack([prices[1:], prices[-1:]])
    return following / prices - 1.0


def standardized_over_all(prices):
    return (prices - prices.mean(axis=0)) / prices.std(axis=0)


def centered_average(prices):
    padded = np.pad(prices, ((2, 2), (0, 0)), mode="edge")
    return sum(padded[i : i + len(prices)] for i in range(5)) / 5.0


def test_the_catalog_passes_on_real_prices(sample):
    audit_causality(build_features, sample, [0, 100, 252, 4_000, 8_312])


def test_the_catalog_passes_with_volume(make_panel):
    audit_causality(build_features, make_panel(400, 5), [260, 300, 399])


@pytest.mark.parametrize(
    "compute", [tomorrow, next_or_last, standardized_over_all, centered_average]
)
def test_a_planted_look_ahead_is_named(compute, make_panel):
    panel = make_panel(400, 3)
    message = r"feature planted of S000 on 2015-11-01 changes from .* to .* when"
    with pytest.raises(LeakageError, match=message):
        audit_causality(planted("planted", compute), panel, [300])


def test_look_ahead_in_one_symbol_names_that_symbol(make_panel):
    def compute(prices):
        result = prices.copy()
        result[:, 2] = tomorrow(prices)[:, 2]
        return result

    with pytest.raises(LeakageError, match="feature late of S002 on"):
        audit_causality(planted("late", compute), make_panel(300, 3), [280])


def test_a_leak_that_survives_removal_is_found_by_falsifying_the_future(make_panel):
    panel = make_panel(400, 2)
    whole = tomorrow(panel.prices)

    def compute(prices):
        # Remembers the answer for the data it has seen; asks the future only where there is one.
        return tomorrow(prices) if len(prices) > 260 else whole[48:301]

    with pytest.raises(LeakageError, match="when the sessions after it change"):
        audit_causality(planted("sly", compute), panel, [300])


def test_reading_further_back_than_the_lookback_is_found(make_panel):
    expanding = planted("expanding", np.add.accumulate)
    with pytest.raises(LeakageError, match="feature expanding of S000"):
        audit_causality(expanding, make_panel(400, 2), [300])
    audit_causality(expanding, make_panel(400, 2), [300], lookback=400)


def test_missing_values_are_equal_to_themselves(make_panel):
    panel = make_panel(300, 3)
    panel.fields["adjusted_close"][250:, 1] = np.nan
    audit_causality(build_features, replace(panel, references={}), [20, 260, 299])


@pytest.mark.parametrize(
    ("train", "test", "offender"),
    [
        ([0, 1, 2, 3, 4], [10, 11, 12], None),
        ([0, 4, 5], [10, 11, 12], 5),
        ([11], [10, 11, 12], 11),
        ([19], [10, 11, 12], 19),
        ([20, 30], [10, 11, 12], None),
        ([4, 20], [25, 26, 10, 11, 12], 20),
        ([], [10], None),
        ([1, 2], [], None),
    ],
)
def test_overlapping_labels_are_named(train, test, offender):
    # horizon 5 and embargo 2: labels end before 10, training resumes after 12 + 5 + 2
    if offender is None:
        audit_overlap(train, test, horizon=5, embargo=2)
    else:
        with pytest.raises(LeakageError, match=f"training label {offender} spans sessions"):
            audit_overlap(train, test, horizon=5, embargo=2)
