"""Rebuild a training run from restored files: what the fresh process of ``reproduce`` does."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.features.journal import FeatureJournal
from shadowbook.adapters.host import Host
from shadowbook.adapters.market_data.market import schedule_of
from shadowbook.adapters.market_data.store import MarketStore
from shadowbook.core.learning.dataset import Dataset
from shadowbook.core.learning.fit import fit_fold, join_folds, plan_tasks
from shadowbook.core.learning.point_in_time import rebuild_log
from shadowbook.errors import IntegrityError
from shadowbook.settings import Settings
from shadowbook.steps import layers
from shadowbook.steps.known import VERDICT, dataset_of, judged
from shadowbook.steps.measure import measure, tested_of
from shadowbook.steps.record import final_fit
from shadowbook.steps.train import Trained, fit_policy, out_of_sample_frame, split
from shadowbook.workspace import INSTALLATION


class Request(BaseModel):
    """What ``reproduce`` asks for.

    Attributes
    ----------
    manifest : the recorded run.
    market, feature_log : folders restored from their pins.
    predictions : where the rebuilt out-of-sample predictions are written.
    """

    model_config = ConfigDict(frozen=True)

    manifest: dict[str, Any]
    market: Path
    feature_log: Path
    predictions: Path


def rebuild(request_path: Path) -> dict[str, Any]:
    """Do the recorded run again and return its layers in the manifest's form."""
    request = Request.model_validate_json(request_path.read_text(encoding="utf-8"))
    manifest = request.manifest
    settings = Settings.model_validate(manifest["settings"])
    as_of = datetime.fromisoformat(manifest["as_of"])
    store = MarketStore(request.market)
    note = store.read_note(VERDICT)
    if note is None:
        raise IntegrityError(
            f"{request.market} holds no verdict of its gate: it was not pinned whole"
        )
    delivery = store.read()
    policy = settings.market_data
    calendar = TradingCalendar(policy.calendar, timedelta(minutes=policy.decision_delay_minutes))
    known = judged(delivery, note, schedule_of(delivery, calendar, as_of))
    bars, references = known.delivery.bars, known.delivery.references
    journal = FeatureJournal(request.feature_log).read()
    rows = rebuild_log(bars, references, known.schedule, journal)
    rows = rows[rows["available_at"] <= pd.Timestamp(as_of)]
    panel = known.panel(as_of)
    strategy = settings.strategy(manifest["strategy"])
    names = tuple(manifest["layers"]["features"]["names"])
    dataset = dataset_of(rows, strategy, names, panel)
    trained = _walk(settings, manifest, dataset, as_of)
    candidate = manifest["candidate"]
    estimator = final_fit(trained, candidate, settings)
    evaluation = measure(tested_of(trained), settings).evaluations[candidate]
    out_of_sample_frame(trained).to_parquet(request.predictions, index=False)
    return {
        "environment": layers.environment_layer(Host(), INSTALLATION / layers.LOCK),
        "code": layers.source_layer(),
        "features": layers.features_layer(rows, INSTALLATION / "feature_repo", names),
        "folds": layers.folds_layer(trained),
        "predictions": layers.predictions_layer(trained, candidate, estimator, settings),
        "metrics": layers.metrics_layer(evaluation),
    }


def _walk(
    settings: Settings, manifest: dict[str, Any], dataset: Dataset, as_of: datetime
) -> Trained:
    """Fit the registered candidate on every fold."""
    strategy: str = manifest["strategy"]
    folds = split(dataset, settings, strategy)
    chosen = [settings.learning.candidates[manifest["candidate"]]]
    own = fit_policy(settings, strategy)
    tasks = plan_tasks(dataset.features, dataset.labels, dataset.names, folds, chosen, own)
    done = [fit_fold(task) for task in tasks]
    return Trained(
        strategy=strategy,
        as_of=as_of,
        dataset=dataset,
        folds=folds,
        scores={chosen[0].name: join_folds(done, dataset.labels.shape)},
        n_train={chosen[0].name: tuple(fold.n_train for fold in done)},
        verdicts=(),
    )


def write_request(path: Path, request: Request) -> None:
    """Put a request where the fresh process reads it."""
    path.write_text(json.dumps(request.model_dump(mode="json")), encoding="utf-8")
