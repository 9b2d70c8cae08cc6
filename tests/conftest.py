"""What every test may use: the sample's real prices, read once, and workspaces to run in."""

from __future__ import annotations

import copy
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings

from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.adapters.market_data.sample import SampleSource

# Seconds belong to benchmarks: a busy machine must not fail a property.
settings.register_profile("shadowbook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shadowbook")

PROJECT = Path(__file__).resolve().parents[1]
DELAY = timedelta(minutes=15)

SMALL_PARAMS: dict[str, Any] = {
    "seed": 7,
    "market_data": {"source": "sample"},
    "learning": {
        "splits": {"n_splits": 2, "min_train": 500},
        "candidates": {"ridge": {"kind": "ridge"}, "momentum_rule": {"kind": "momentum"}},
    },
    "strategies": {"weekly": {"horizon": 5}},
}
"""Params of a workspace that is quick: with ``--as-of 1995-12-29`` there are 1,500 sessions."""


@pytest.fixture(scope="session", autouse=True)
def own_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads the settings of whoever runs it, or writes into their home."""
    home = tmp_path_factory.mktemp("homes")
    (home / "gitconfig").write_text(
        "[user]\nname = Test\nemail = test@example.org\n[init]\ndefaultBranch = main\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for place in ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG"):
            patch.setenv(f"DVC_{place}_DIR", str(home / "dvc" / place))
        yield


@pytest.fixture(scope="session")
def make_workspace(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make workspaces: ``make_workspace(params, files) -> Path``.

    ``params`` is laid over ``SMALL_PARAMS``, section by section; ``strategies`` and
    ``candidates`` replace what is there. ``files`` maps paths to texts. The folder is a git
    repository with one commit of all of it, and a DVC repository as the project ships it.
    """

    def make(
        params: Mapping[str, Any] | None = None, files: Mapping[str, str] | None = None
    ) -> Path:
        root = tmp_path_factory.mktemp("workspace")
        settings = laid_over(SMALL_PARAMS, params or {})
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        for name, content in {"params.yaml": text, **(files or {})}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8")
        (root / ".dvc").mkdir()
        for name in (".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"):
            shutil.copyfile(PROJECT / name, root / name)
        for command in ("init --quiet", "add --all", "commit --quiet --message first"):
            subprocess.run(("git", *command.split()), cwd=root, check=True, capture_output=True)
        return root

    return make


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested settings; see ``make_workspace``."""
    merged = copy.deepcopy(dict(below))
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), dict)
        nested = both and key not in ("strategies", "candidates")
        merged[key] = laid_over(merged[key], value) if nested else copy.deepcopy(value)
    return merged


@pytest.fixture(scope="session")
def calendar() -> TradingCalendar:
    return TradingCalendar("XNYS", DELAY)


@pytest.fixture(scope="session")
def sample(calendar: TradingCalendar) -> Delivery:
    return SampleSource().read(calendar.schedule)


@pytest.fixture(scope="session")
def recent(sample: Delivery) -> Delivery:
    """The sample's last three years."""
    start = "2020-01-01"
    return Delivery(
        sample.bars[sample.bars["session"] >= start].reset_index(drop=True),
        sample.references[sample.references["session"] >= start].reset_index(drop=True),
    )


@pytest.fixture(scope="session")
def recent_schedule(calendar: TradingCalendar):
    return calendar.schedule(date(2020, 1, 2), date(2022, 12, 28))


@pytest.fixture(scope="session")
def sample_end() -> datetime:
    """Decision moment of the sample's last session."""
    return datetime(2022, 12, 28, 21, 15, tzinfo=UTC)
