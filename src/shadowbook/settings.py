"""The only reader of params.yaml: every tunable number, checked, frozen."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from shadowbook.adapters.broker.policy import BrokerPolicy
from shadowbook.adapters.ledger.policy import LedgerPolicy
from shadowbook.adapters.market_data.files import FilesPolicy
from shadowbook.adapters.params_file import parse, read_text
from shadowbook.core.books.construction import PortfolioPolicy
from shadowbook.core.books.execution import ExecutionPolicy
from shadowbook.core.books.operator import ReplayPolicy
from shadowbook.core.diagnosis.decay import DecayPolicy
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.gates.learned import FeatureGatePolicy, LabelGatePolicy, PredictionGatePolicy
from shadowbook.core.gates.market import MarketGatePolicy
from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.evaluation import EvaluationPolicy
from shadowbook.core.learning.features import FeaturePolicy, feature_names
from shadowbook.core.learning.labels import LabelPolicy
from shadowbook.core.learning.splits import SplitPolicy
from shadowbook.core.learning.windows import WindowPolicy
from shadowbook.core.performance.attribution import AttributionPolicy
from shadowbook.core.performance.tiers import MonitorPolicy
from shadowbook.core.promotion.policy import PromotionPolicy
from shadowbook.core.schedules import FLOWS, SchedulePolicy
from shadowbook.core.values import BAR_FIELDS
from shadowbook.errors import ConfigError
from shadowbook.faults import hint, sentence, truths

PARAMS = "params.yaml"
BROKER_KEYS = ("SHADOWBOOK_BROKER_KEY", "SHADOWBOOK_BROKER_SECRET")
MOMENTS = ("newest_session", "now")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MarketDataSettings(_Section):
    """Where prices come from, and what a run may see of them."""

    source: Literal["sample", "files"] = Field(
        default="sample", description="sample: what ships with the packages; files: your own"
    )
    calendar: str = Field(default="XNYS", description="exchange whose sessions count")
    decision_delay_minutes: float = Field(
        default=15, ge=0, le=1440, description="a session is decided this long after its close"
    )
    as_of: str = Field(
        default="newest_session",
        description="the moment of a run that names none: newest_session, now, a session "
        "(2022-12-28) or an ISO 8601 time with offset",
    )
    on_rewrite: Literal["refuse", "record"] = Field(
        default="refuse", description="what to do when the source tells accepted rows differently"
    )
    files: FilesPolicy = FilesPolicy()

    @field_validator("as_of", mode="before")
    @classmethod
    def _moment(cls, given: Any) -> Any:
        """Take a date or time as YAML reads it, and refuse what names no moment."""
        text = given.isoformat() if isinstance(given, date) else given
        if not isinstance(text, str) or text in MOMENTS:
            return text
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise ValueError(
                f"must be newest_session, now, a session (2022-12-28) or an ISO 8601 time with an "
                f"offset (2022-12-28T21:15:00+00:00){hint(text, MOMENTS)}"
            ) from error
        if moment.tzinfo is None and not DAY.fullmatch(text):
            raise ValueError(f"has no time zone: add an offset, {text}+00:00 for UTC")
        return text

    @property
    def fields(self) -> tuple[str, ...]:
        """The price and volume columns that the source brings."""
        if self.source == "sample":
            return ("close",)
        mapped = self.files.columns.model_dump()
        return tuple(name for name in BAR_FIELDS if mapped[name] is not None)


class GatesSettings(_Section):
    """What data must satisfy."""

    market: MarketGatePolicy = MarketGatePolicy()
    features: FeatureGatePolicy = FeatureGatePolicy()
    labels: LabelGatePolicy = LabelGatePolicy()
    predictions: PredictionGatePolicy = PredictionGatePolicy()


class LearningSettings(_Section):
    """How candidates are fitted, tested and chosen."""

    splits: SplitPolicy = SplitPolicy()
    window: WindowPolicy = WindowPolicy()
    evaluation: EvaluationPolicy = EvaluationPolicy()
    min_feature_share: float = Field(
        default=0.5, gt=0, le=1, description="rows that know fewer of their features are not used"
    )
    selection: Literal["information_coefficient", "sharpe"] = Field(
        default="information_coefficient", description="out-of-sample metric that ranks candidates"
    )
    candidates: Mapping[str, CandidatePolicy] = Field(
        min_length=1, description="name -> kind and parameters"
    )

    @field_validator("candidates", mode="before")
    @classmethod
    def _named_by_key(cls, given: Any) -> Any:
        """Name each candidate by its key, which is what `dvc params diff` shows."""
        if not isinstance(given, dict):
            return given
        return {
            name: {"name": name, **entry} if isinstance(entry, dict) else entry
            for name, entry in given.items()
        }

    @field_validator("candidates")
    @classmethod
    def _keep_their_keys(
        cls, candidates: Mapping[str, CandidatePolicy]
    ) -> Mapping[str, CandidatePolicy]:
        for key, candidate in candidates.items():
            if candidate.name != key:
                raise ValueError(f"{key} calls itself {candidate.name!r}: leave its name out")
        return candidates


class StrategySettings(_Section):
    """One strategy: what it predicts and from which features."""

    horizon: int = Field(ge=1, le=252, description="sessions ahead that the label looks")
    label: LabelPolicy = LabelPolicy()
    features: tuple[str, ...] = Field(default=(), description="empty: every feature there is")
    window: WindowPolicy | None = Field(
        default=None, description="its own training window; null: learning.window"
    )
    capital: float = Field(
        default=1_000_000.0, ge=1.0, le=1e12, description="what each of its books starts with"
    )
    portfolio: PortfolioPolicy = PortfolioPolicy()


class BooksSettings(_Section):
    """Which books are kept."""

    max_shadows: int = Field(
        default=3,
        ge=0,
        le=100,
        description="shadow books a strategy: its newest versions after the champion's",
    )


class SnapshotSettings(_Section):
    """Where pinned data is kept."""

    remote: str | None = Field(default="local", description="DVC remote; null: the cache alone")


class ReportSettings(_Section):
    """What people look at."""

    drift_rows: int = Field(default=2000, ge=100, le=100_000, description="rows Evidently draws")
    drift_sessions: int = Field(default=63, ge=5, le=1000, description="sessions called current")
    importance_rows: int = Field(
        default=100_000,
        ge=100,
        le=100_000_000,
        description="held-out rows that feature importances are measured on, fewer where "
        "predicting takes long; of more, evenly spaced sessions are taken, a year of them at least",
    )


class Settings(_Section):
    """Everything params.yaml says."""

    seed: int = Field(ge=0, lt=2**32, description="root of every fit's and draw's own seed")
    market_data: MarketDataSettings = MarketDataSettings()
    gates: GatesSettings = GatesSettings()
    features: FeaturePolicy = FeaturePolicy()
    learning: LearningSettings
    strategies: Mapping[str, StrategySettings] = Field(min_length=1)
    execution: ExecutionPolicy = ExecutionPolicy()
    books: BooksSettings = BooksSettings()
    broker: BrokerPolicy = BrokerPolicy()
    ledger: LedgerPolicy = LedgerPolicy()
    replay: ReplayPolicy = ReplayPolicy()
    monitor: MonitorPolicy = MonitorPolicy()
    attribution: AttributionPolicy = AttributionPolicy()
    diagnosis: DecayPolicy = DecayPolicy()
    drift: DriftPolicy = DriftPolicy()
    promotion: PromotionPolicy = PromotionPolicy()
    schedules: Mapping[str, SchedulePolicy] = Field(default_factory=dict)
    snapshots: SnapshotSettings = SnapshotSettings()
    report: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _named_well(self) -> Settings:
        for name in self.strategies:
            if not NAME.fullmatch(name):
                raise ValueError(
                    f"strategies.{name}: a name is up to 40 letters a-z, digits and underscores, "
                    "a letter first"
                )
        return self

    @field_validator("schedules")
    @classmethod
    def _of_flows(cls, given: Mapping[str, SchedulePolicy]) -> Mapping[str, SchedulePolicy]:
        for name in given:
            if name not in FLOWS:
                raise ValueError(
                    f"{name!r} is no flow{hint(name, FLOWS)}; there are {', '.join(FLOWS)}"
                )
        return given

    @model_validator(mode="after")
    def _features_there(self) -> Settings:
        """Refuse what would only come to light after minutes of work."""
        there = feature_names(self.market_data.fields)
        for name, strategy in self.strategies.items():
            _known_features(f"strategies.{name}.features", strategy.features, there)
            usable = strategy.features or there
            for key, candidate in self.learning.candidates.items():
                feature = candidate.parameters.get("feature")
                if feature is None:
                    continue
                where = f"learning.candidates.{key}.parameters.feature"
                _known_features(where, (feature,), there)
                if feature not in usable:
                    raise ValueError(
                        f"{where} = {feature!r}: strategy {name} does not use it; add it to "
                        f"strategies.{name}.features"
                    )
        return self

    def strategy(self, name: str) -> StrategySettings:
        """Return one strategy's settings.

        Raises
        ------
        ConfigError
            When there is no such strategy.
        """
        if name not in self.strategies:
            raise ConfigError(
                f"no strategy {name!r} in {PARAMS}: there are {', '.join(self.strategies)}"
            )
        return self.strategies[name]

    def window_of(self, strategy: str) -> WindowPolicy:
        """Return a strategy's training window; errors as ``strategy``."""
        return self.strategy(strategy).window or self.learning.window


def broker_keys() -> tuple[str, str]:
    """Return key and secret of the HTTP broker, from the environment.

    Raises
    ------
    ConfigError
        When one is not set.
    """
    for name in BROKER_KEYS:
        if not os.environ.get(name):
            raise ConfigError(f"{name} is not set: the broker in params.yaml needs it")
    key, secret = (os.environ[name] for name in BROKER_KEYS)
    return key, secret


def load_settings(path: Path) -> Settings:
    """Read and check a params file.

    Raises
    ------
    ConfigError
        One line a fault: the key's path, the value, what is allowed.
    """
    return parse_settings(read_text(path), path.name)


def parse_settings(text: str, name: str = PARAMS) -> Settings:
    """Check the text of a params file; see ``load_settings``."""
    content = parse(text, name)
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        faults = [sentence(fault, content, Settings) for fault in error.errors()]
        raise ConfigError("\n".join(f"{name}: {fault}" for fault in faults)) from error
    mistaken = list(truths(content, settings.model_dump(), ()))
    if mistaken:
        raise ConfigError("\n".join(f"{name}: {fault}" for fault in mistaken))
    return settings


def _known_features(where: str, given: tuple[str, ...], there: tuple[str, ...]) -> None:
    known = feature_names(BAR_FIELDS)
    for feature in given:
        if feature not in known:
            raise ValueError(
                f"{where} = {feature!r}: no such feature{hint(feature, known)}; "
                f"there are {', '.join(there)}"
            )
        if feature not in there:
            raise ValueError(
                f"{where} = {feature!r}: it needs a column that the source does not bring; map it "
                "in market_data.files.columns or choose another feature"
            )
