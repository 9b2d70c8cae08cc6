"""The registry against the real MLflow, SQLite and skops in a temporary folder."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from shadowbook.adapters.models import database
from shadowbook.adapters.models.registry import CandidateRecord, Models, TrainingRecord
from shadowbook.core.learning.candidates import MomentumRule
from shadowbook.core.values import Pin, RunRecord
from shadowbook.errors import (
    ConfigError,
    IntegrityError,
    PermanentError,
    SchemaError,
    TransientError,
)

TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
MOMENTUM = f"{MomentumRule.__module__}.MomentumRule"
TRUSTED = {"ridge": ["numpy.dtype"], "boosting": [TREE], "momentum": [MOMENTUM]}
PIN = Pin("bars", "data/bars", "d41d8cd98f00b204e9800998ecf8427e.dir", 1_234, 33)


@dataclass(frozen=True)
class Learned:
    """Estimators fitted on the sample's real returns."""

    features: pd.DataFrame
    estimators: dict[str, object]


@pytest.fixture(scope="session")
def learned() -> Learned:
    name = next(f for f in files("skfolio") or [] if f.name == "sp500_dataset.csv.gz")
    prices = pd.read_csv(str(name.locate()), index_col=0).tail(300)
    returns = {f"return_{n}": prices.pct_change(n, fill_method=None) for n in (1, 5, 21)}
    returns["target"] = prices.pct_change(5, fill_method=None).shift(-5)
    table = pd.concat({k: v.stack(future_stack=True) for k, v in returns.items()}, axis=1)
    table = table.dropna(subset="target").reset_index(drop=True)
    features, y = table.drop(columns="target"), table["target"].to_numpy()
    X = features.to_numpy()  # noqa: N806
    return Learned(
        features,
        {
            "ridge": make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), Ridge()).fit(
                X, y
            ),
            "boosting": HistGradientBoostingRegressor(max_iter=20, random_state=1).fit(X, y),
            "momentum": MomentumRule(2).fit(X, y),
        },
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def _record(learned: Learned, key: str, best: str = "ridge", strategy: str = "weekly"):
    candidates = tuple(
        CandidateRecord(
            name=name,
            kind=name,
            parameters={"alpha": 0.5, "depth": None},
            metrics={"information_coefficient": 0.01 * n, "sharpe": math.nan},
            oos_digest=_digest(strategy, key, name),
            artifacts={"plots/ic.svg": "<svg/>", "scores.bin": b"\x00\x01"},
            fold_metrics={"information_coefficient": (0.1, math.nan, -0.3)},
        )
        for n, name in enumerate(learned.estimators)
    )
    return TrainingRecord(
        run_key=_digest(strategy, key),
        strategy=strategy,
        as_of=datetime(2022, 12, 28, 21, 30, tzinfo=UTC),
        parameters={"horizon": 5, "seed": 7},
        metrics={"information_coefficient": 0.02, "parity": math.nan},
        pins=(PIN,),
        feature_service=f"{strategy}_v1",
        candidates=candidates,
        best=best,
        prediction_digest=_digest(strategy, key, "final"),
        estimator=learned.estimators[best],
        trusted_types=TRUSTED[best],
        input_example=learned.features.head(3),
        pip_requirements=["scikit-learn", "skops"],
        manifest_of=lambda run_id, version, sha256: {
            "run_id": run_id,
            "model_version": version,
            "artifact_sha256": sha256,
            "reason": None,
        },
        artifacts={"folds.json": "[]"},
        tags={"git_commit": "0123abc"},
    )


def _models(folder: Path) -> Models:
    return Models(f"sqlite:///{folder}/mlruns/mlflow.db", folder / "mlruns" / "artifacts")


@dataclass(frozen=True)
class Registry:
    folder: Path
    models: Models
    runs: tuple[RunRecord, ...]


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory, learned: Learned) -> Registry:
    """Three retrainings; only read by tests (`copied` is for those that alter)."""
    folder = tmp_path_factory.mktemp("registry")
    models = _models(folder)
    recorded = (
        models.record_training(_record(learned, "1", "ridge")),
        models.record_training(_record(learned, "2", "boosting")),
        models.record_training(_record(learned, "1", "momentum", "monthly")),
    )
    return Registry(folder, models, recorded)


@pytest.fixture
def copied(registry: Registry, tmp_path: Path) -> Path:
    shutil.copytree(registry.folder, tmp_path / "moved")
    return tmp_path / "moved"


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    database.open_client(f"sqlite:///{folder}/mlflow.db", folder)
    return folder / "mlflow.db"


@pytest.fixture
def fresh(empty_database: Path, tmp_path: Path) -> Path:
    """A workspace whose database is made and empty."""
    (tmp_path / "mlruns").mkdir()
    shutil.copy(empty_database, tmp_path / "mlruns" / "mlflow.db")
    return tmp_path


class TestReading:
    def test_versions_count_up_and_aliases_move(self, registry: Registry) -> None:
        first, second, monthly = registry.runs
        assert [r.model_version for r in registry.runs] == [1, 2, 1]
        assert [r.candidate for r in registry.runs] == ["ridge", "boosting", "momentum"]
        assert second.aliases == ("challenger",)
        assert monthly.aliases == ("challenger", "champion")
        assert registry.models.version_of("weekly", "champion") == first.model_version == 1
        assert registry.models.version_of("weekly", "challenger") == 2
        assert registry.models.version_of("weekly", "shadow") is None
        assert registry.models.version_of("yearly", "champion") is None

    def test_runs_lists_the_last_finished_first(self, registry: Registry) -> None:
        first, second, monthly = (r.run_id for r in registry.runs)
        assert [r.run_id for r in registry.models.runs()] == [monthly, second, first]
        assert [r.run_id for r in registry.models.runs("weekly")] == [second, first]
        assert registry.models.runs("yearly") == []

    def test_a_run_comes_back_as_it_was_recorded(self, registry: Registry) -> None:
        found = registry.models.find(_digest("weekly", "1"))
        assert found is not None
        assert found.as_of == datetime(2022, 12, 28, 21, 30, tzinfo=UTC)
        assert found.metrics["information_coefficient"] == 0.02
        assert math.isnan(found.metrics["parity"])
        assert found.aliases == ("champion",)
        assert registry.models.find(_digest("weekly", "unknown")) is None

    def test_resolve(self, registry: Registry) -> None:
        first, *_, last = registry.runs
        assert registry.models.resolve("latest").run_id == last.run_id
        assert registry.models.resolve(first.run_id).run_id == first.run_id
        assert registry.models.resolve(first.run_id[:12]).run_id == first.run_id
        with pytest.raises(ConfigError, match=r"no finished run 'ffff_nothing' in sqlite:"):
            registry.models.resolve("ffff_nothing")
        with pytest.raises(ConfigError, match=r"run 'ab' is too short: give 4 characters"):
            registry.models.resolve("ab")

    def test_an_ambiguous_beginning_names_the_runs(self, copied: Path) -> None:
        ids = ["feed" + "0" * 28, "feed" + "1" * 28]
        with closing(sqlite3.connect(copied / "mlruns" / "mlflow.db")) as raw, raw:
            runs = raw.execute(
                "SELECT run_uuid FROM tags WHERE key = 'role' AND value = 'retraining' LIMIT 2"
            ).fetchall()
            for old, new in zip(runs, ids, strict=True):
                for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
                    raw.execute(f"UPDATE {table} SET run_uuid = ? WHERE run_uuid = ?", (new, *old))  # noqa: S608
        with pytest.raises(ConfigError, match=f"(?=.*{ids[0]})(?=.*{ids[1]}).*more characters"):
            _models(copied).resolve("feed")

    def test_candidates_come_back_with_nan_and_folds(self, registry: Registry) -> None:
        children = registry.models.children(registry.runs[0].run_id)
        assert [c.name for c in children] == ["ridge", "boosting", "momentum"]
        boosting = children[1]
        assert boosting.kind == "boosting"
        assert boosting.parameters == {"alpha": "0.5", "depth": "None"}
        assert boosting.oos_digest == _digest("weekly", "1", "boosting")
        assert boosting.metrics.keys() == {"information_coefficient", "sharpe"}
        assert boosting.metrics["information_coefficient"] == 0.01
        assert math.isnan(boosting.metrics["sharpe"])
        np.testing.assert_equal(
            boosting.fold_metrics, {"information_coefficient": (0.1, math.nan, -0.3)}
        )

    def test_manifest_and_artifacts(self, registry: Registry) -> None:
        run = registry.runs[1]
        manifest = registry.models.manifest(run.run_id)
        assert manifest["run_id"] == run.run_id
        assert manifest["model_version"] == 2
        folds = registry.models.artifact(run.run_id, "folds.json")
        assert folds.read_text() == "[]"
        child = registry.models.children(run.run_id)[0]
        assert registry.models.artifact(child.run_id, "scores.bin").read_bytes() == b"\x00\x01"
        with pytest.raises(ConfigError, match=r"has no artifact 'none.csv'"):
            registry.models.artifact(run.run_id, "none.csv")
        with pytest.raises(ConfigError, match="has no artifact"):
            registry.models.artifact(run.run_id, "../../../mlflow.db")

    def test_an_empty_workspace_is_read_without_making_a_database(self, tmp_path: Path) -> None:
        models = _models(tmp_path)
        assert models.runs() == []
        assert models.find("0" * 64) is None
        assert models.count_trials("weekly") == 0
        assert models.version_of("weekly", "champion") is None
        with pytest.raises(ConfigError, match="no finished run"):
            models.resolve("latest")
        for version in ("champion", 1):
            with pytest.raises(ConfigError, match=f"strategy weekly has no model {version!r}"):
                models.load("weekly", version)
        assert list(tmp_path.iterdir()) == []

    def test_a_copied_workspace_goes_on_by_itself(
        self, registry: Registry, copied: Path, learned: Learned
    ) -> None:
        original = registry.models.artifact(registry.runs[0].run_id, "manifest.json").parents[2]
        before = sorted(original.rglob("*"))
        models, run = _models(copied), registry.runs[0]
        assert [r.run_id for r in models.runs()] == [r.run_id for r in registry.models.runs()]
        assert models.manifest(run.run_id) == registry.models.manifest(run.run_id)
        assert models.artifact(run.run_id, "folds.json").is_relative_to(copied)
        assert _bits(models.load("weekly", 1), learned) == _bits(
            learned.estimators["ridge"], learned
        )
        later = models.record_training(_record(learned, "3"))
        assert models.artifact(later.run_id, "manifest.json").is_relative_to(copied)
        assert sorted(original.rglob("*")) == before
        with closing(sqlite3.connect(copied / "mlruns" / "mlflow.db")) as raw:
            for table, column in database.LOCATIONS:
                told = {row[0] for row in raw.execute(f"SELECT {column} FROM {table}")}  # noqa: S608
                assert all(uri.startswith(copied.as_uri()) for uri in told), (table, column)


def _bits(estimator, learned: Learned) -> str:
    return hashlib.sha256(estimator.predict(learned.features.to_numpy()).tobytes()).hexdigest()


LOAD = """
import hashlib, sys, warnings
warnings.simplefilter("error")
import numpy as np
from pathlib import Path
from shadowbook.adapters.models.registry import Models
uri, folder, features = sys.argv[1:]
X = np.load(features)
bits = lambda e: hashlib.sha256(e.predict(X).tobytes()).hexdigest()
models = Models(uri, Path(folder))
for strategy, which in (("weekly", "champion"), ("weekly", "challenger"), ("monthly", 1)):
    print(bits(models.load(strategy, which)))
import mlflow
mlflow.set_tracking_uri(uri)
print(bits(mlflow.sklearn.load_model("models:/weekly@champion")))
print(bits(mlflow.sklearn.load_model("models:/weekly@challenger")))
"""


class TestLoading:
    def test_a_fresh_process_predicts_the_same_bits(
        self, registry: Registry, learned: Learned, tmp_path: Path
    ) -> None:
        np.save(tmp_path / "x.npy", learned.features.to_numpy())
        runs = registry.folder / "mlruns"
        done = subprocess.run(
            [
                *(sys.executable, "-c", LOAD, f"sqlite:///{runs}/mlflow.db"),
                *(str(runs / "artifacts"), str(tmp_path / "x.npy")),
            ],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        ridge, boosting, momentum = (
            _bits(learned.estimators[name], learned) for name in ("ridge", "boosting", "momentum")
        )
        assert done.stdout.split() == [ridge, boosting, momentum, ridge, boosting]
        assert done.stderr == ""
        assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]

    def test_altered_bytes_are_refused_with_both_digests(self, copied: Path) -> None:
        models = _models(copied)
        file = next((copied / "mlruns" / "artifacts" / "models").glob("*/artifacts/model.skops"))
        for stored in file.parents[2].glob("*/artifacts/model.skops"):
            data = bytearray(stored.read_bytes())
            data[len(data) // 2] ^= 1
            stored.write_bytes(data)
        recorded = models.manifest(models.runs("weekly")[0].run_id)["artifact_sha256"]
        with pytest.raises(
            IntegrityError, match=rf"weekly/2 in .*model.skops has SHA-256 [0-9a-f]+.*{recorded}"
        ):
            models.load("weekly", "challenger")

    def test_a_missing_file_and_a_missing_version(self, copied: Path) -> None:
        models = _models(copied)
        shutil.rmtree(copied / "mlruns" / "artifacts" / "models")
        with pytest.raises(PermanentError, match=r"model weekly/1 has no file .*model.skops"):
            models.load("weekly", 1)
        with pytest.raises(ConfigError, match="strategy weekly has no model 9 in"):
            models.load("weekly", 9)

    def test_an_altered_manifest_is_refused(self, copied: Path) -> None:
        models = _models(copied)
        run = models.resolve("latest")
        path = models.artifact(run.run_id, "manifest.json")
        path.write_text(path.read_text().replace("null", '"x"'))
        with pytest.raises(IntegrityError, match=rf"manifest of run {run.run_id} in"):
            models.manifest(run.run_id)


class TestMlflowsOwnView:
    """What a person sees who opens MLflow and knows nothing of us."""

    def test_run_model_and_version_are_linked(self, registry: Registry) -> None:
        from mlflow import MlflowClient

        uri = f"sqlite:///{registry.folder}/mlruns/mlflow.db"
        client = MlflowClient(uri, uri)
        version = client.get_model_version("weekly", "1")
        assert version.run_id == registry.runs[0].run_id
        assert version.tags.keys() == {
            *("run_key", "candidate", "prediction_digest", "artifact_sha256", "as_of"),
            *("model_id", "trusted_types"),
        }
        assert version.tags["prediction_digest"] == _digest("weekly", "1", "final")
        run = client.get_run(version.run_id)
        assert run.data.tags["feature_service"] == "weekly_v1"
        assert run.data.tags["git_commit"] == "0123abc"
        assert run.data.params == {"horizon": "5", "seed": "7"}
        for candidate in registry.models.children(run.info.run_id):
            child = client.get_run(candidate.run_id)
            assert child.data.tags["feature_service"] == "weekly_v1"
            assert [i.dataset.digest for i in child.inputs.dataset_inputs] == [PIN.md5]
        data = run.inputs.dataset_inputs[0].dataset
        assert (data.name, data.digest, data.source_type) == ("bars", PIN.md5, "dvc")
        assert json.loads(data.source)["uri"] == f"dvc://{PIN.md5}"
        model = client.get_logged_model(version.tags["model_id"])
        assert [o.model_id for o in run.outputs.model_outputs] == [model.model_id]
        # MLflow stores a model's NaN as 0.0; such a metric is only with the run.
        assert {m.key: m.value for m in model.metrics} == {"information_coefficient": 0.0}
        assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": "weekly", "version": 1}]

    def test_signature_example_and_requirements(self, registry: Registry) -> None:
        import yaml

        folder = registry.folder / "mlruns" / "artifacts" / "models"
        for path in folder.iterdir():
            model = yaml.safe_load((path / "artifacts" / "MLmodel").read_text())
            columns = json.loads(model["signature"]["inputs"])
            assert [c["name"] for c in columns] == ["return_1", "return_5", "return_21"]
            assert all(c["required"] and c["type"] == "double" for c in columns)
            assert model["flavors"]["sklearn"]["serialization_format"] == "skops"
            assert (path / "artifacts" / "input_example.json").exists()
            assert "scikit-learn" in (path / "artifacts" / "requirements.txt").read_text()


class TestRefusals:
    """A record that contradicts itself is refused before a byte is written."""

    @pytest.mark.parametrize(
        ("change", "error", "sentence"),
        [
            ({"run_key": "abc"}, ConfigError, "run key 'abc' is not a SHA-256"),
            ({"strategy": "a/b"}, ConfigError, "strategy 'a/b' cannot name a model"),
            ({"as_of": datetime(2022, 1, 1)}, ConfigError, "as_of 2022-01-01 .* is naive"),  # noqa: DTZ001
            ({"best": "forest"}, ConfigError, "hold the best, 'forest'"),
            ({"tags": {"role": "x"}}, ConfigError, r"tags \['role'\] of weekly are the registry's"),
            ({"metrics": {"sharpe": math.inf}}, SchemaError, "metric sharpe of weekly is inf"),
            ({"artifacts": {"../x": "a"}}, ConfigError, r"artifact path '\.\./x' of weekly"),
            ({"artifacts": {"manifest.json": "a"}}, ConfigError, "'manifest.json' of weekly"),
            ({"artifacts": {"x": Path("/no/file")}}, ConfigError, "has no file /no/file"),
            ({"trusted_types": []}, ConfigError, "weekly/ridge holds numpy.dtype, which skops"),
        ],
    )
    def test_refused(
        self,
        fresh: Path,
        learned: Learned,
        change: dict[str, object],
        error: type[Exception],
        sentence: str,
    ) -> None:
        before = (fresh / "mlruns" / "mlflow.db").read_bytes()
        with pytest.raises(error, match=sentence):
            _models(fresh).record_training(replace(_record(learned, "1"), **change))
        assert (fresh / "mlruns" / "mlflow.db").read_bytes() == before

    def test_infinite_fold_metric_names_candidate_and_fold(
        self, fresh: Path, learned: Learned
    ) -> None:
        record = _record(learned, "1")
        bad = replace(record.candidates[1], fold_metrics={"sharpe": (0.1, -math.inf)})
        record = replace(record, candidates=(record.candidates[0], bad))
        with pytest.raises(SchemaError, match=r"metric sharpe\[1\] of weekly/boosting is -inf"):
            _models(fresh).record_training(record)

    def test_a_callable_in_the_model_is_not_stored(self, fresh: Path, learned: Learned) -> None:
        evil = make_pipeline(FunctionTransformer(os.getenv), Ridge())
        with pytest.raises(ConfigError, match=r"holds .*os.getenv, which skops loads only when"):
            _models(fresh).record_training(replace(_record(learned, "1"), estimator=evil))

    def test_a_manifest_with_nan_leaves_the_run_unfinished(
        self, fresh: Path, learned: Learned
    ) -> None:
        models = _models(fresh)
        record = replace(_record(learned, "1"), manifest_of=lambda *_: {"sharpe": math.nan})
        with pytest.raises(SchemaError, match=r"the manifest of run .* is not JSON"):
            models.record_training(record)
        assert models.runs() == []
        assert models.version_of("weekly", "champion") is None
        assert models.count_trials("weekly") == 3
        assert models.record_training(_record(learned, "1")).model_version == 1

    def test_the_same_key_with_other_predictions(self, fresh: Path, learned: Learned) -> None:
        models = _models(fresh)
        record = _record(learned, "1")
        models.record_training(record)
        other = replace(record.candidates[0], oos_digest=_digest("other"))
        record = replace(record, candidates=(other, *record.candidates[1:]))
        with pytest.raises(
            IntegrityError, match=rf"candidate ridge of run .*{_digest('other')} under the same"
        ):
            models.record_training(record)


WRITES = (
    *("create_experiment", "create_run", "log_batch", "log_inputs", "log_outputs"),
    *("log_artifact", "log_artifacts", "set_terminated"),
    *("create_logged_model", "log_model_artifacts", "set_logged_model_tags"),
    *("finalize_logged_model", "create_registered_model", "create_model_version"),
    "set_registered_model_alias",
)
N_WRITES = 29  # of one retraining with two candidates


def _count_writes(reached: Callable[[int, str], None]) -> None:
    """Call ``reached`` with 0, 1, ... and the name before each of MLflow's writes from now on."""
    from mlflow import MlflowClient

    n = 0

    def counted(name: str, method: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal n
            reached(n, name)
            n += 1
            return method(*args, **kwargs)

        return call

    for name in WRITES:
        setattr(MlflowClient, name, counted(name, getattr(MlflowClient, name)))


def _killed(fresh: Path, record: TrainingRecord, before: int | str) -> bool:
    """Record in a process that dies before the write of that number or name; False if it ends."""
    child = os.fork()
    if child == 0:
        try:
            _count_writes(lambda n, name: os._exit(9) if before in (n, name) else None)
            _models(fresh).record_training(record)
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def _two_candidates(learned: Learned) -> TrainingRecord:
    record = _record(learned, "1")
    return replace(record, candidates=record.candidates[:2])


def _assert_once(fresh: Path, models: Models, record: TrainingRecord) -> None:
    """One parent, one run a candidate, one model, one version; each metric, input, output once."""
    from mlflow import MlflowClient
    from mlflow.entities import ViewType

    uri = f"sqlite:///{fresh}/mlruns/mlflow.db"
    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name("weekly").experiment_id
    runs = client.search_runs([experiment], run_view_type=ViewType.ALL)
    assert {r.info.status for r in runs} == {"FINISHED"}
    roles = sorted(r.data.tags.get("candidate", "") for r in runs)
    assert len(runs) == 1 + len(record.candidates), roles
    parent = next(r for r in runs if r.data.tags["role"] == "retraining")
    assert len(parent.inputs.dataset_inputs) == 1
    assert len(parent.outputs.model_outputs) == 1
    model = client.search_logged_models([experiment])
    assert len(model) == 1
    assert {m.key for m in model[0].metrics} == {"information_coefficient"}
    assert len(model[0].metrics) == 1
    for run in runs:
        for name in run.data.metrics:
            expected = 3 if name.startswith("fold.") else 1
            assert len(client.get_metric_history(run.info.run_id, name)) == expected, name
    versions = client.search_model_versions("name = 'weekly'")
    assert [int(v.version) for v in versions] == [1]
    assert models.count_trials("weekly") == len(record.candidates)
    assert [r.run_id for r in models.runs()] == [parent.info.run_id]
    assert models.runs()[0].aliases == ("challenger", "champion")
    found = models.manifest(parent.info.run_id)
    assert found["artifact_sha256"] == versions[0].tags["artifact_sha256"]
    for child in models.children(parent.info.run_id):
        assert models.artifact(child.run_id, "plots/ic.svg").read_text() == "<svg/>"


class TestKills:
    @pytest.mark.slow
    @pytest.mark.parametrize("at", range(N_WRITES))
    def test_killed_before_any_write_and_run_again(
        self, fresh: Path, learned: Learned, at: int
    ) -> None:
        record = _two_candidates(learned)
        assert _killed(fresh, record, at)
        models = _models(fresh)
        assert models.runs() == []
        for alias in ("champion", "challenger"):
            if models.version_of("weekly", alias):
                assert list(fresh.glob("mlruns/artifacts/*/artifacts/manifest.json"))
        models.record_training(record)
        _assert_once(fresh, models, record)
        assert _bits(models.load("weekly", "champion"), learned) == _bits(record.estimator, learned)

    def test_killed_again_and_again(self, fresh: Path, learned: Learned) -> None:
        """The nth attempt dies before its nth write, each one on what the last one left."""
        record = _two_candidates(learned)
        attempts = 0
        while _killed(fresh, record, attempts):
            attempts += 1
        assert attempts > 5
        _assert_once(fresh, _models(fresh), record)

    def test_the_kills_cover_every_write(self, fresh: Path, learned: Learned) -> None:
        record = _two_candidates(learned)
        assert not _killed(fresh, record, N_WRITES)
        assert _killed(fresh, replace(record, strategy="monthly"), N_WRITES - 1)

    def test_half_a_model_file_is_written_again(self, fresh: Path, learned: Learned) -> None:
        record = _two_candidates(learned)
        assert _killed(fresh, record, "set_logged_model_tags")
        file = next(fresh.glob("mlruns/artifacts/models/*/artifacts/model.skops"))
        file.write_bytes(file.read_bytes()[:100])
        models = _models(fresh)
        models.record_training(record)
        _assert_once(fresh, models, record)
        assert _bits(models.load("weekly", 1), learned) == _bits(record.estimator, learned)

    def test_a_late_completion_leaves_the_alias_with_the_newer_version(
        self, fresh: Path, learned: Learned
    ) -> None:
        early, late = _record(learned, "1"), _record(learned, "2")
        assert _killed(fresh, early, "set_registered_model_alias")
        models = _models(fresh)
        assert models.version_of("weekly", "challenger") is None
        manifest = next(fresh.glob("mlruns/artifacts/*/artifacts/manifest.json"))
        run_id = manifest.parents[1].name
        with pytest.raises(ConfigError, match=f"run {run_id} is not finished"):
            models.manifest(run_id)
        assert models.record_training(late).model_version == 2
        assert models.version_of("weekly", "champion") == 2
        assert models.record_training(early).model_version == 1
        assert models.version_of("weekly", "challenger") == 2
        assert models.version_of("weekly", "champion") == 2

    def test_a_finished_run_is_returned_without_a_write(
        self, fresh: Path, learned: Learned
    ) -> None:
        models = _models(fresh)
        first = models.record_training(_record(learned, "1"))
        before = (fresh / "mlruns" / "mlflow.db").read_bytes()
        again = models.record_training(_record(learned, "1"))
        np.testing.assert_equal(asdict(again), asdict(first))
        assert (fresh / "mlruns" / "mlflow.db").read_bytes() == before

    def test_deleting_a_run_in_mlflow_does_not_lower_the_trials(self, copied: Path) -> None:
        from mlflow import MlflowClient

        uri = f"sqlite:///{copied}/mlruns/mlflow.db"
        models = _models(copied)
        MlflowClient(uri, uri).delete_run(
            models.children(models.runs("weekly")[0].run_id)[0].run_id
        )
        assert models.count_trials("weekly") == 6


class TestDatabase:
    def test_two_at_once_make_one_database(self, tmp_path: Path, learned: Learned) -> None:
        errors: list[BaseException] = []

        def work(strategy: str) -> None:
            try:
                _models(tmp_path).record_training(_record(learned, "1", strategy=strategy))
            except BaseException as error:  # noqa: BLE001 (shown by the assertion)
                errors.append(error)

        threads = [threading.Thread(target=work, args=(s,)) for s in ("weekly", "monthly")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert {r.strategy for r in _models(tmp_path).runs()} == {"weekly", "monthly"}
        assert sorted(p.name for p in (tmp_path / "mlruns").iterdir()) == ["artifacts", "mlflow.db"]

    def test_a_folder_with_a_space(self, tmp_path: Path, learned: Learned) -> None:
        models = _models(tmp_path / "my books")
        models.record_training(_record(learned, "1"))
        assert _bits(models.load("weekly", 1), learned) == _bits(
            learned.estimators["ridge"], learned
        )
        assert models.record_training(_record(learned, "2")).model_version == 2

    def test_nothing_global_is_set(self, registry: Registry, tmp_path: Path) -> None:
        import mlflow

        assert "MLFLOW_TRACKING_URI" not in os.environ
        assert mlflow.active_run() is None
        assert str(registry.folder) not in mlflow.get_tracking_uri()

    def test_a_relative_address_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"sqlite:///mlruns/mlflow\.db is relative"):
            Models("sqlite:///mlruns/mlflow.db", tmp_path)

    @pytest.mark.parametrize("schema", ["0123456789ab", "fedcba987654"])
    def test_another_schema_is_refused_and_left_alone(
        self, fresh: Path, learned: Learned, schema: str
    ) -> None:
        path = fresh / "mlruns" / "mlflow.db"
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("UPDATE alembic_version SET version_num = ?", (schema,))
            # MLflow migrates by itself where a table is missing.
            raw.execute("DROP TABLE webhooks")
        before = path.read_bytes()
        with pytest.raises(PermanentError, match=f"mlflow.db has the schema {schema} of another"):
            _models(fresh).record_training(_record(learned, "1"))
        assert path.read_bytes() == before

    @pytest.mark.parametrize("content", [b"", b"not a database" * 100])
    def test_not_a_database(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "mlruns").mkdir()
        (tmp_path / "mlruns" / "mlflow.db").write_bytes(content)
        with pytest.raises(PermanentError, match=r"mlflow.db is not a database of MLflow \("):
            _models(tmp_path).runs()
        assert (tmp_path / "mlruns" / "mlflow.db").read_bytes() == content

    def test_a_held_database_is_transient(
        self, fresh: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.1)
        with (
            held(fresh / "mlruns" / "mlflow.db"),
            pytest.raises(TransientError, match="another process holds the database"),
        ):
            _models(fresh).runs()
        assert _models(fresh).runs() == []

    @pytest.mark.slow
    def test_a_database_held_while_writing_is_transient(
        self, fresh: Path, learned: Learned
    ) -> None:
        models = _models(fresh)
        assert models.runs() == []
        with (
            held(fresh / "mlruns" / "mlflow.db"),
            pytest.raises(TransientError, match="another process holds the database"),
        ):
            models.record_training(_record(learned, "1"))
        assert models.record_training(_record(learned, "1")).model_version == 1

    def test_a_folder_that_cannot_be_written(self, tmp_path: Path, learned: Learned) -> None:
        (tmp_path / "mlruns").write_text("a file where the folder should be")
        with pytest.raises(PermanentError, match="cannot open sqlite:"):
            _models(tmp_path).record_training(_record(learned, "1"))


class held:  # noqa: N801 (read as a word)
    """Hold a database's write lock from another connection."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None)

    def __enter__(self) -> None:
        self._raw.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_: object) -> None:
        self._raw.execute("ROLLBACK")
        self._raw.close()


def test_nothing_is_printed(tmp_path: Path, learned: Learned, capfd: pytest.CaptureFixture) -> None:
    _models(tmp_path).record_training(_record(learned, "1"))
    assert capfd.readouterr() == ("", "")


def test_the_door_imports_no_vendor() -> None:
    code = (
        "import sys, shadowbook.adapters.models;"
        "print([m for m in ('mlflow', 'sklearn', 'skops', 'pandas', 'sqlalchemy') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


class TestAliases:
    """An alias is moved on the real registry, and reads back as what MLflow itself says."""

    def test_moves_and_is_taken_away(self, copied: Path) -> None:
        models = _models(copied)
        assert models.aliases("weekly") == {"champion": 1, "challenger": 2}
        models.move_alias("weekly", "previous", 1)
        models.move_alias("weekly", "champion", 2)
        models.move_alias("weekly", "challenger", None)
        expected = {"champion": 2, "previous": 1}
        assert models.aliases("weekly") == _models(copied).aliases("weekly") == expected
        assert models.find(_digest("weekly", "2")).aliases == ("champion",)
        assert models.aliases("monthly") == {"champion": 1, "challenger": 1}
        uri = f"sqlite:///{copied}/mlruns/mlflow.db"
        client = database.open_client(uri, copied / "mlruns" / "artifacts")
        assert int(client.get_model_version_by_alias("weekly", "champion").version) == 2

    def test_done_again_it_changes_nothing(self, copied: Path) -> None:
        models = _models(copied)
        for _ in range(2):
            models.move_alias("weekly", "champion", 2)
            models.move_alias("weekly", "previous", None)
            models.move_alias("weekly", "challenger", None)
        assert models.aliases("weekly") == {"champion": 2}

    def test_a_registration_after_it_keeps_the_champion(
        self, copied: Path, learned: Learned
    ) -> None:
        models = _models(copied)
        models.move_alias("weekly", "champion", 2)
        models.move_alias("weekly", "challenger", None)
        models.record_training(_record(learned, "3"))
        assert models.aliases("weekly") == {"champion": 2, "challenger": 3}

    @pytest.mark.parametrize("alias", ["latest", "v2", "Champion", "", "shadow/3"])
    def test_a_name_that_is_none_is_refused(self, registry: Registry, alias: str) -> None:
        with pytest.raises(ConfigError, match="cannot name a version"):
            registry.models.move_alias("weekly", alias, 1)

    def test_a_version_that_is_not_there_is_refused(self, registry: Registry) -> None:
        with pytest.raises(ConfigError, match=r"no finished run in sqlite:.* made version 9"):
            registry.models.move_alias("weekly", "champion", 9)

    def test_a_version_without_its_whole_run_is_refused(self, copied: Path) -> None:
        models = _models(copied)
        run_id = models.runs("weekly")[0].run_id
        path = models.artifact(run_id, "manifest.json")
        kept = path.read_bytes()
        path.write_bytes(kept.replace(b'"model_version": 2', b'"model_version": 3'))
        with pytest.raises(IntegrityError, match="the registry recorded"):
            models.move_alias("weekly", "champion", 2)
        path.unlink()
        with pytest.raises(ConfigError, match=r"has no artifact 'manifest.json'"):
            models.move_alias("weekly", "champion", 2)
        with closing(sqlite3.connect(copied / "mlruns" / "mlflow.db")) as raw, raw:
            raw.execute("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", (run_id,))
        path.write_bytes(kept)
        with pytest.raises(ConfigError, match="made version 2"):
            models.move_alias("weekly", "champion", 2)
        assert models.aliases("weekly") == {"champion": 1, "challenger": 2}

    def test_an_empty_workspace_stays_empty(self, tmp_path: Path) -> None:
        models = _models(tmp_path)
        models.move_alias("weekly", "challenger", None)
        assert models.aliases("weekly") == {}
        assert list(tmp_path.iterdir()) == []


class TestTrials:
    def test_every_fit_of_the_strategy_is_listed(self, registry: Registry) -> None:
        found = registry.models.trials("weekly")
        first, second, _ = registry.runs
        assert [t.run_id for t in found] == [first.run_id] * 3 + [second.run_id] * 3
        assert [t.candidate for t in found] == ["ridge", "boosting", "momentum"] * 2
        assert [(t.candidate, t.model_version) for t in found if t.chosen] == [
            ("ridge", 1),
            ("boosting", 2),
        ]
        assert all(t.finished and not t.deleted for t in found)
        assert {t.as_of for t in found} == {datetime(2022, 12, 28, 21, 30, tzinfo=UTC)}
        assert math.isnan(found[0].sharpe)
        assert registry.models.trials("yearly") == []

    def test_deleted_and_unfinished_runs_count(self, copied: Path, learned: Learned) -> None:
        models, uri = _models(copied), f"sqlite:///{copied}/mlruns/mlflow.db"
        client = database.open_client(uri, copied / "mlruns" / "artifacts")
        first, second = reversed(models.runs("weekly"))
        for child in models.children(first.run_id):
            client.delete_run(child.run_id)
        client.delete_run(first.run_id)
        with closing(sqlite3.connect(copied / "mlruns" / "mlflow.db")) as raw, raw:
            raw.execute("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", (second.run_id,))
        found = models.trials("weekly")
        assert models.count_trials("weekly") == len(found) == 6
        assert [t.deleted for t in found] == [True] * 3 + [False] * 3
        assert [t.finished for t in found] == [True] * 3 + [False] * 3
        assert [t.model_version for t in found] == [1] * 3 + [None] * 3
        assert not any(t.chosen for t in found[3:])
