"""The composition root: opens what the settings name, each part when it is first used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from shadowbook.adapters.broker.paper import PaperBroker
from shadowbook.adapters.broker.port import Broker
from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.clock import Clock
from shadowbook.adapters.code.code import Code
from shadowbook.adapters.drift_reports import DriftReports
from shadowbook.adapters.expectations import Expectations
from shadowbook.adapters.features.journal import FeatureJournal
from shadowbook.adapters.features.log import FeatureLog
from shadowbook.adapters.features.store import Features
from shadowbook.adapters.host import Host
from shadowbook.adapters.lease import lease
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.adapters.market_data.files import FilesSource
from shadowbook.adapters.market_data.market import MarketData
from shadowbook.adapters.market_data.sample import SampleSource
from shadowbook.adapters.models.registry import Models
from shadowbook.adapters.models.shelf import ModelShelf
from shadowbook.adapters.progress import Progress, Silent
from shadowbook.adapters.snapshots.snapshots import Snapshots
from shadowbook.core.learning.features import fingerprint
from shadowbook.core.values import BAR_FIELDS
from shadowbook.settings import PARAMS, Settings, broker_keys, load_settings

INSTALLATION = Path(__file__).resolve().parents[2]
"""The checkout that this code runs from; it carries the feature definitions."""


@dataclass(frozen=True, eq=False)
class Replayed:
    """What one replay writes to."""

    folder: Path
    ledger: Ledger
    broker: PaperBroker
    shelf: ModelShelf

    def close(self) -> None:
        """Let go of the files."""
        self.ledger.close()
        self.broker.close()


class Workspace:
    """One folder with a params.yaml, and everything a step may touch.

    Parameters
    ----------
    root : the workspace's folder.
    settings : what its params.yaml says.
    progress : told what is being done; silent by default.
    """

    def __init__(self, root: Path, settings: Settings, progress: Progress | None = None) -> None:
        self.root = root
        self.settings = settings
        self.progress = progress or Silent()
        self.clock = Clock()
        self.host = Host()

    @classmethod
    def open(
        cls, root: Path, params: Path | None = None, progress: Progress | None = None
    ) -> Workspace:
        """Read the settings and open the workspace.

        Raises
        ------
        ConfigError
            When the params file is missing or wrong.
        """
        root = root.resolve()
        return cls(root, load_settings(params or root / PARAMS), progress)

    @property
    def data(self) -> Path:
        """Folder of market data and features."""
        return self.root / "data"

    @property
    def build(self) -> Path:
        """Folder of what the pipeline's stages hand on."""
        return self.root / "build"

    def lease(self, purpose: str, patience_minutes: float = 0.0) -> AbstractContextManager[None]:
        """Hold the workspace against other writers; see ``adapters.lease``."""
        return lease(self.root / ".shadowbook" / "lease", purpose, patience_minutes * 60)

    def replaying(self, folder: Path) -> AbstractContextManager[None]:
        """Be the one who goes on with a replay."""
        return lease(folder / "lease", "replay")

    def serving(self, server: str | None) -> AbstractContextManager[None]:
        """Be the one who works on this workspace's schedules for a server; None: one's own."""
        name = hashlib.sha256(server.encode("utf-8")).hexdigest()[:8] if server else "own"
        return lease(self.root / ".shadowbook" / f"serving-{name}", "serve")

    @cached_property
    def market(self) -> MarketData:
        """Source, accepted prices and calendar."""
        policy = self.settings.market_data
        delay = timedelta(minutes=policy.decision_delay_minutes)
        source = (
            SampleSource() if policy.source == "sample" else FilesSource(self.root, policy.files)
        )
        return MarketData(source, self.data, TradingCalendar(policy.calendar, delay))

    @cached_property
    def expectations(self) -> Expectations:
        """Great Expectations with its data docs."""
        return Expectations(self.root / ".shadowbook" / "expectations")

    @cached_property
    def feature_log(self) -> FeatureLog:
        """The append-only feature log that the definitions in force write."""
        version = self.settings.features.version
        return FeatureLog(self.feature_folder, fingerprint(BAR_FIELDS), version)

    @cached_property
    def feature_journal(self) -> FeatureJournal:
        """What each extension of the feature log knew."""
        return FeatureJournal(self.feature_folder)

    @property
    def feature_folder(self) -> Path:
        """Folder of the feature log of the version in force."""
        return self.data / "features" / f"v{self.settings.features.version}"

    @cached_property
    def features(self) -> Features:
        """Feast: registered views, point-in-time joins, the online store."""
        return Features(self.feature_definitions, self.data / "online", self.feature_log)

    @property
    def feature_definitions(self) -> Path:
        """Folder of the Feast definitions: the workspace's own, else the installation's."""
        own = self.root / "feature_repo"
        return own if own.is_dir() else INSTALLATION / "feature_repo"

    @cached_property
    def snapshots(self) -> Snapshots:
        """DVC: data pinned by content."""
        return Snapshots(self.root, self.settings.snapshots.remote)

    @cached_property
    def models(self) -> Models:
        """MLflow: runs and registry."""
        folder = self.root / "mlruns"
        return Models(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")

    @cached_property
    def drift_reports(self) -> DriftReports:
        """Evidently: pages to look at."""
        return DriftReports()

    @cached_property
    def code(self) -> Code:
        """Git: the code a run is made from."""
        return Code(self.root)

    @cached_property
    def ledger(self) -> Ledger:
        """What was predicted, decided, traded and earned, chained."""
        return Ledger(self.settings.ledger.url or f"sqlite:///{self._books / 'ledger.db'}")

    @property
    def ledger_file(self) -> Path | None:
        """The ledger's file, there or not; None where it is a server's."""
        return None if self.settings.ledger.url else self._books / "ledger.db"

    @property
    def _books(self) -> Path:
        return self.root / "ledger"

    @cached_property
    def broker(self) -> Broker:
        """Who trades for the champions."""
        settings = self.settings
        if settings.broker.kind == "alpaca":
            from shadowbook.adapters.broker.alpaca import AlpacaBroker

            key, secret = broker_keys()
            policy, known = settings.broker.connection, self.ledger.open_orders()
            return AlpacaBroker(settings.broker.base_url, key, secret, policy, known)
        return PaperBroker(
            self._books / "broker.db", settings.execution, settings.seed, self.cash_cents
        )

    @contextmanager
    def trading(self) -> Iterator[None]:
        """Let go of ledger and broker at the end: a broker's file is one process's at a time."""
        try:
            yield
        finally:
            for name in ("broker", "ledger"):
                opened = self.__dict__.pop(name, None)
                if opened is not None:
                    opened.close()

    @property
    def cash_cents(self) -> int:
        """What the strategies' champions start with together."""
        return sum(round(own.capital * 100) for own in self.settings.strategies.values())

    def replayed(self, key: str) -> Replayed:
        """Open the books of a replay; they are its own."""
        folder = self.root / ".shadowbook" / "replays" / key[:12]
        settings = self.settings
        return Replayed(
            folder=folder,
            ledger=Ledger(f"sqlite:///{folder / 'ledger.db'}", durable=False, simulation=True),
            broker=PaperBroker(
                folder / "broker.db",
                settings.execution,
                settings.seed,
                self.cash_cents,
                durable=False,
            ),
            shelf=ModelShelf(folder / "models"),
        )
