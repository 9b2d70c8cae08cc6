"""The only reader of params.yaml: every tunable number, checked, frozen."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from shadowbook.adapters.market_data.files import FilesPolicy
from shadowbook.core.gates.learned import FeatureGatePolicy, LabelGatePolicy, PredictionGatePolicy
from shadowbook.core.gates.market import MarketGatePolicy
from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.evaluation import EvaluationPolicy
from shadowbook.core.learning.features import FeaturePolicy
from shadowbook.core.learning.labels import LabelPolicy
from shadowbook.core.learning.splits import SplitPolicy
from shadowbook.errors import ConfigError

PARAMS = "params.yaml"


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
    as_of: Literal["newest_session", "now"] = Field(
        default="newest_session", description="the moment of a run that names none"
    )
    on_rewrite: Literal["refuse", "record"] = Field(
        default="refuse", description="what to do when the source tells accepted rows differently"
    )
    files: FilesPolicy = FilesPolicy()


class GatesSettings(_Section):
    """What data must satisfy."""

    market: MarketGatePolicy = MarketGatePolicy()
    features: FeatureGatePolicy = FeatureGatePolicy()
    labels: LabelGatePolicy = LabelGatePolicy()
    predictions: PredictionGatePolicy = PredictionGatePolicy()


class LearningSettings(_Section):
    """How candidates are fitted, tested and chosen."""

    splits: SplitPolicy = SplitPolicy()
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


class SnapshotSettings(_Section):
    """Where pinned data is kept."""

    remote: str | None = Field(default="local", description="DVC remote; null: the cache alone")


class ReportSettings(_Section):
    """What people look at."""

    drift_rows: int = Field(default=2000, ge=100, le=100_000, description="rows Evidently draws")
    drift_sessions: int = Field(default=63, ge=5, le=1000, description="sessions called current")


class Settings(_Section):
    """Everything params.yaml says."""

    seed: int = Field(ge=0, lt=2**32, description="root of every fit's and draw's own seed")
    market_data: MarketDataSettings = MarketDataSettings()
    gates: GatesSettings = GatesSettings()
    features: FeaturePolicy = FeaturePolicy()
    learning: LearningSettings
    strategies: Mapping[str, StrategySettings] = Field(min_length=1)
    snapshots: SnapshotSettings = SnapshotSettings()
    report: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _named_well(self) -> Settings:
        for name in self.strategies:
            if not name.replace("_", "").isalnum() or not name[0].isalpha():
                raise ValueError(
                    f"strategies.{name}: a name is letters, digits and underscores, letter first"
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


def load_settings(path: Path) -> Settings:
    """Read and check a params file.

    Raises
    ------
    ConfigError
        One line a fault: the key's path, the value, what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} does not exist: run in a Shadowbook workspace or give --workspace"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return parse_settings(text, path.name)


def parse_settings(text: str, name: str = PARAMS) -> Settings:
    """Check the text of a params file; see ``load_settings``."""
    try:
        content = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{name}{where} is no valid YAML: {problem}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{name} is empty or no mapping: start from the one in the repository")
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        faults = [_fault(fault, content) for fault in error.errors()]
        raise ConfigError("\n".join(f"{name}: {fault}" for fault in faults)) from error


class _UniqueKeys(yaml.SafeLoader):
    """YAML keeps the last of two equal keys; a threshold given twice must not pass unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _fault(fault: Any, content: dict[str, Any]) -> str:
    path = ".".join(str(part) for part in fault["loc"])
    kind = fault["type"]
    if kind == "extra_forbidden":
        allowed = _keys_at(fault["loc"][:-1])
        near = difflib.get_close_matches(str(fault["loc"][-1]), allowed, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        known = f"; known keys: {', '.join(allowed)}" if allowed else ""
        return f"{path} = {fault['input']!r}: unknown key{hint}{known}"
    if kind == "missing":
        return f"{path} is missing: it has no default"
    message: str = fault["msg"].removeprefix("Value error, ")
    if path:
        return f"{path} = {fault['input']!r}: {message[0].lower()}{message[1:]}"
    return message


def _keys_at(path: tuple[int | str, ...]) -> list[str]:
    """Known keys of the section a fault lies in."""
    model: Any = Settings
    for part in path:
        if isinstance(part, int) or not _is_model(model):
            continue
        field = model.model_fields.get(part)
        if field is None:
            return []
        model = _model_in(field.annotation)
    return list(model.model_fields) if _is_model(model) else []


def _is_model(candidate: Any) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)


def _model_in(annotation: Any) -> Any:
    """Return the model within an annotation such as ``Mapping[str, Model]``."""
    if _is_model(annotation):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if _is_model(found):
            return found
    return annotation
