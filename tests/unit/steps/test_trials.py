"""What was tried: every fit counts, kept or not, and the table says which is which."""

import hashlib
import math
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from shadowbook.adapters.models.records import LoggedTrial
from shadowbook.core.promotion.recipes import recipe_digest
from shadowbook.core.stats.deflation import effective_number_of_trials
from shadowbook.core.track import Backtest
from shadowbook.errors import ConfigError, IntegrityError
from shadowbook.serialization import to_json
from shadowbook.settings import Settings
from shadowbook.steps.baseline import BACKTEST, packed
from shadowbook.steps.recipes import recipe_of
from shadowbook.steps.trials import trial_returns, trials
from tests.unit.steps.test_recipes import PARAMS, changed, manifest_of

CANDIDATES = ("trees", "ridge", "rule")
DAYS = np.datetime64("2015-01-01", "D") + np.arange(800)


class Registry:
    """A registry that holds what a test puts into it."""

    def __init__(self, folder):
        self.folder = folder
        self.logged, self.manifests = [], {}

    def retrained(self, month, nets, params=PARAMS, kept=True, **state):
        """Add a retraining with three candidates; -> its id."""
        run_id = f"{month:02d}" + "f" * 30
        as_of = datetime(2020 + month // 12, 1 + month % 12, 1, tzinfo=UTC)
        manifest = manifest_of(params) | {"run_id": run_id, "artifacts": {}}
        if kept:
            empty = np.full(len(DAYS), np.nan)
            series = dict.fromkeys(("signal", "gross", "net", "turnover"), empty)
            content = packed(
                Backtest(
                    sessions=DAYS[np.isfinite(nets).any(axis=1)],
                    information_coefficient=empty[np.isfinite(nets).any(axis=1)],
                    lagged_ic=empty[np.isfinite(nets).any(axis=1)],
                    candidates={
                        name: nets[np.isfinite(nets).any(axis=1), k]
                        for k, name in enumerate(CANDIDATES)
                    },
                    **{n: v[np.isfinite(nets).any(axis=1)] for n, v in series.items()},
                )
            )
            (self.folder / run_id).write_bytes(content)
            manifest["artifacts"][BACKTEST] = hashlib.sha256(content).hexdigest()
        self.manifests[run_id] = manifest
        told = {"finished": True, "deleted": False} | state
        self.logged += [
            LoggedTrial(
                run_id=run_id,
                candidate=name,
                as_of=as_of,
                chosen=name == "ridge" and told["finished"],
                model_version=month if told["finished"] else None,
                sharpe=0.5 + k,
                sharpe_standard_error=0.3,
                **told,
            )
            for k, name in enumerate(CANDIDATES)
        ]
        return run_id

    def trials(self, strategy):
        return list(self.logged)

    def manifest(self, run_id):
        if isinstance(self.manifests[run_id], Exception):
            raise self.manifests[run_id]
        return self.manifests[run_id]

    def has_artifact(self, run_id, path):
        return (self.folder / run_id).exists()

    def artifact(self, run_id, path):
        return self.folder / run_id


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path)


@pytest.fixture
def place(registry):
    return SimpleNamespace(settings=Settings.model_validate(PARAMS), models=registry)


@pytest.fixture
def market():
    """Three recipes that are strangers, and a little noise for each refit."""
    rng = np.random.default_rng(5)
    common = rng.normal(size=(len(DAYS), 3))
    return lambda noise=0.05: common + noise * rng.normal(size=common.shape)


def test_nothing_was_tried(place):
    found = trials(place, "weekly")
    assert (found.raw, found.recipes, found.effective, found.unknown) == (0, 0, 0.0, 0)
    assert found.table == ()
    sessions, returns = trial_returns(place, "weekly")
    assert (len(sessions), returns) == (0, {})


def test_monthly_refits_are_nearly_one_trial_a_recipe(place, registry, market):
    for month in range(12):
        registry.retrained(month, market())
    found = trials(place, "weekly")
    assert (found.raw, found.recipes, found.unknown) == (36, 3, 0)
    assert found.effective == pytest.approx(3.0, abs=0.1)
    assert found.participation_ratio == pytest.approx(3.0, abs=0.1)


def test_an_experiment_is_not_hidden_by_refits(place, registry, market):
    for month in range(12):
        registry.retrained(month, market())
    other = np.random.default_rng(6).normal(size=(len(DAYS), 3))
    registry.retrained(12, other, changed(window={"kind": "rolling", "sessions": 500}))
    found = trials(place, "weekly")
    assert (found.raw, found.recipes) == (39, 6)
    assert found.effective == pytest.approx(6.0, abs=0.15)
    assert found.participation_ratio < 3.5


def test_the_participation_ratio_is_that_of_all_shared_sessions(place, registry, market):
    registry.retrained(0, market(0.5))
    later = market(0.5)
    later[:100] = np.nan
    registry.retrained(1, later)
    found = trials(place, "weekly")
    _, table = trial_returns(place, "weekly")
    assert found.participation_ratio > 3.0
    first = np.array([row.run for row in found.table])
    assert list(first) == [f"01{'f' * 30}"] * 3 + [f"00{'f' * 30}"] * 3
    newest = np.column_stack(list(table.values()))
    assert effective_number_of_trials(newest) < found.participation_ratio


def test_what_nobody_kept_counts_whole_and_is_named(place, registry, market):
    registry.retrained(0, market())
    registry.retrained(1, market(), finished=False)
    registry.retrained(2, market(), deleted=True)
    registry.retrained(3, market(), kept=False)
    altered = registry.retrained(4, market())
    (registry.folder / altered).write_bytes(b"something else")
    broken = registry.retrained(5, market())
    registry.manifests[broken] = IntegrityError("the manifest of run 05ff was altered")
    gone = registry.retrained(6, market())
    registry.manifests[gone] = ConfigError("run 06ff has no artifact 'manifest.json'")
    found = trials(place, "weekly")
    assert (found.raw, found.recipes, found.unknown) == (21, 3, 15)
    # A deleted run whose files are there is compared like any other.
    assert found.effective == pytest.approx(15 + 3.0, abs=0.1)
    said = {row.run[:2]: row.reason for row in found.table if row.candidate == "rule"}
    assert said == {
        "06": "run 06ff has no artifact 'manifest.json'",
        "05": "the manifest of run 05ff was altered",
        "04": "predictions/backtest.parquet of run 04ffffff is not the file that was recorded",
        "03": "run 03ffffff kept no returns: an older release made it",
        "02": "",
        "01": "run 01ffffff did not finish",
        "00": "",
    }


def test_a_candidate_without_returns_counts_whole(place, registry, market):
    nets = market()
    nets[:, 2] = np.nan
    registry.retrained(0, nets)
    del registry.manifests["00" + "f" * 30]["settings"]["learning"]["candidates"]["trees"]["name"]
    found = trials(place, "weekly")
    assert found.unknown == 1
    assert found.table[2].reason == "rule has no return in any session"
    registry.logged.append(
        LoggedTrial("00" + "f" * 30, "lost", None, True, False, False, None, math.nan, math.nan)
    )
    found = trials(place, "weekly")
    assert (found.raw, found.unknown) == (4, 2)
    assert found.table[-1].reason == "run 00ffffff kept no returns of lost"
    assert found.table[-1].as_of is None


def test_the_table_says_what_each_was(place, registry, market):
    registry.retrained(0, market())
    registry.retrained(1, market())
    table = trials(place, "weekly").table
    assert [(row.run[:2], row.candidate, row.version) for row in table] == [
        ("01", "trees", None),
        ("01", "ridge", 1),
        ("01", "rule", None),
        ("00", "trees", None),
        ("00", "ridge", 0),
        ("00", "rule", None),
    ]
    chosen = table[1]
    assert chosen.chosen
    assert chosen.kept
    assert chosen.recipe == table[4].recipe == recipe_digest(recipe_of(manifest_of()))
    assert (chosen.sharpe, chosen.standard_error) == (1.5, 0.3)
    assert '"effective": 3.' in to_json(trials(place, "weekly"))


def test_returns_of_a_recipe_are_those_of_its_newest_run(place, registry, market):
    newer, older = market(), market()
    older[-200:] = np.nan
    newer[:50] = np.nan
    registry.retrained(7, newer)
    registry.retrained(3, older)
    registry.retrained(9, market(), kept=False)
    only = market()
    registry.retrained(1, only, changed(window={"kind": "rolling", "sessions": 500}))
    sessions, returns = trial_returns(place, "weekly")
    np.testing.assert_array_equal(sessions, DAYS)
    assert len(returns) == 6
    own = recipe_digest(recipe_of(manifest_of()))
    np.testing.assert_array_equal(returns[own], newer[:, 1])
    rolled = recipe_of(manifest_of(changed(window={"kind": "rolling", "sessions": 500})))
    np.testing.assert_array_equal(returns[recipe_digest(rolled)], only[:, 1])


def test_an_unknown_strategy_is_refused(place):
    with pytest.raises(ConfigError, match="no strategy 'yearly'"):
        trials(place, "yearly")
