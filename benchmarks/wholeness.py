"""What must hold of a workspace after a kill, and after the same command has then gone through."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HALF_WRITTEN = (".draft", ".tmp", ".partial")
PRELOADED = ("shadowbook.steps.known", "mlflow.store.tracking.sqlalchemy_store", "dvc.repo")
PINNED = ("data", ".dvc/cache", ".shadowbook/remote")


@dataclass(frozen=True)
class Facts:
    """What a finished command left that an undisturbed one leaves byte for byte.

    Attributes
    ----------
    prices, features : digest of the accepted rows, and of the logged ones.
    runs : strategy -> run key, digest of predictions, pins, version, aliases, candidates.
    """

    prices: str
    features: str
    runs: dict[str, Any]


class Inspector:
    """Makes each check in a fresh process: a vendor keeps databases open that are replaced here."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.wholeness", *PRELOADED])
        self._pool = ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1)

    def unbroken(self, root: Path) -> None:
        """See ``check_unbroken``."""
        self._pool.submit(check_unbroken, root).result()

    def finished(self, root: Path, as_of: str) -> Facts:
        """See ``check_finished``."""
        return self._pool.submit(check_finished, root, as_of).result()

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown()


def check_unbroken(root: Path) -> None:
    """Assert what holds at every moment, finished or not: nothing torn, nothing there twice."""
    from shadowbook.workspace import Workspace

    workspace = Workspace.open(root)
    with workspace.lease("wholeness"):
        pass
    _check_prices(workspace)
    _check_features(workspace)
    _check_registry(workspace)
    status = ("git", "status", "--porcelain", "--untracked-files=all")
    done = subprocess.run(status, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "", done.stdout


def _check_prices(workspace: Any) -> None:
    store = workspace.market.accepted
    note = store.read_note("verdict.json")
    if not store.exists():
        assert note is None, "a verdict on prices that are not there"
        return
    delivery = store.read()
    assert not delivery.bars.duplicated(["symbol", "session", "available_at"]).any()
    assert not delivery.references.duplicated(["name", "session", "available_at"]).any()


def _check_features(workspace: Any) -> None:
    journal = workspace.feature_journal.read()
    assert [entry.first for entry in journal] == sorted({entry.first for entry in journal})
    last = workspace.feature_log.last_session()
    if last is None:
        return
    assert journal, "rows without a journal"
    assert not workspace.feature_log.read().duplicated(["symbol", "session"]).any()


def _check_registry(workspace: Any) -> None:
    models = workspace.models
    finished = models.runs()
    keys = [(tags["role"], tags["run_key"]) for tags in _tagged(workspace, "retraining", "step")]
    assert len(set(keys)) == len(keys), "a run is there twice"
    candidates = [(tags["run_key"], tags["candidate"]) for tags in _tagged(workspace, "candidate")]
    assert len(set(candidates)) == len(candidates), "a candidate is there twice"
    for manifest in models.manifests():
        for pin in [*pins_of(manifest, "pins"), *pins_of(manifest, "made")]:
            assert workspace.snapshots.verify(pin) == ()
            assert workspace.snapshots.exists(pin)
    assert {run.run_id for run in finished} <= {m["run_id"] for m in models.manifests()}
    for strategy in workspace.settings.strategies:
        _check_versions(workspace, strategy)


def _rows(workspace: Any, query: str, *given: object) -> list[Any]:
    """Ask the database itself, which must be whole by now; none where there is no database."""
    path = workspace.root / "mlruns" / "mlflow.db"
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(query, given).fetchall()


def _tagged(workspace: Any, *roles: str) -> list[dict[str, str]]:
    """Return the tags of every run of these roles, finished or not."""
    found: dict[str, dict[str, str]] = {}
    for run_id, key, value in _rows(workspace, "SELECT run_uuid, key, value FROM tags"):
        found.setdefault(run_id, {})[key] = value
    return [tags for tags in found.values() if tags.get("role") in roles]


def _versions(workspace: Any, strategy: str) -> dict[int, str]:
    """Return version -> run of a strategy's model."""
    query = "SELECT version, run_id FROM model_versions WHERE name = ?"
    return dict(_rows(workspace, query, strategy))


def _check_versions(workspace: Any, strategy: str) -> None:
    models, versions = workspace.models, _versions(workspace, strategy)
    assert len(set(versions.values())) == len(versions), "a version is there twice"
    for alias in ("champion", "challenger"):
        number = models.version_of(strategy, alias)
        if number is None:
            continue
        path = models.artifact(versions[number], "manifest.json")
        assert json.loads(path.read_text("utf-8"))["model_version"] == number
        models.load(strategy, number)


def pins_of(manifest: dict[str, Any], what: str = "pins") -> list[Any]:
    """Return the pins that a manifest names as read (``pins``) or written (``made``)."""
    from shadowbook.core.values import Pin

    return [
        Pin(name, item["path"], item["md5"], item["bytes"], item["files"])
        for name, item in manifest.get(what, {}).items()
    ]


def check_finished(root: Path, as_of: str) -> Facts:
    """Assert what holds once the command has gone through, and return what it left."""
    import pandas as pd

    from shadowbook.core.learning.point_in_time import rebuild_log
    from shadowbook.steps.known import accepted
    from shadowbook.steps.moment import resolve_as_of
    from shadowbook.workspace import Workspace

    check_unbroken(root)
    workspace = Workspace.open(root)
    left = half_written(root)
    assert not left, left
    moment = resolve_as_of(workspace, as_of)
    known = accepted(workspace.market, moment)
    log, journal = workspace.feature_log.read(), workspace.feature_journal.read()
    bars, references = known.delivery.bars, known.delivery.references
    rebuilt = rebuild_log(bars, references, known.schedule, journal)
    pd.testing.assert_frame_equal(log, rebuilt[list(log)], check_exact=True)
    return Facts(
        _digest(workspace.market.accepted.read().bars), _digest(log), _runs(workspace, moment)
    )


def _runs(workspace: Any, moment: Any) -> dict[str, Any]:
    """Tell the runs of the moment, one a strategy; those of earlier moments are counted."""
    models = workspace.models
    every = models.runs()
    runs = [run for run in every if run.as_of == moment]
    strategies = list(workspace.settings.strategies)
    assert sorted(run.strategy for run in runs) == sorted(strategies), runs
    assert len(models._catalog.runs("tags.role = 'retraining'")) == len(every)
    told = {}
    for run in runs:
        manifest = models.manifest(run.run_id)
        tried = [models.manifest(r.run_id)["candidates"] for r in models.runs(run.strategy)]
        assert models.count_trials(run.strategy) == sum(len(candidates) for candidates in tried)
        assert run.model_version == max(_versions(workspace, run.strategy))
        told[run.strategy] = {
            "run_key": run.run_key,
            "prediction_digest": manifest["prediction_digest"],
            "pins": {name: pin["md5"] for name, pin in manifest["pins"].items()},
            "version": run.model_version,
            "aliases": list(run.aliases),
            "candidates": [[c["name"], c["out_of_sample"]] for c in manifest["candidates"]],
        }
    return told


def _digest(frame: Any) -> str:
    import hashlib

    import pandas as pd

    return hashlib.sha256(pd.util.hash_pandas_object(frame).to_numpy().tobytes()).hexdigest()


def half_written(root: Path) -> list[str]:
    """Return half-written files in what is pinned, in the cache and in the remote."""
    found = [path for place in PINNED for path in (root / place).rglob("*") if path.is_file()]
    return [str(path) for path in found if path.suffix in HALF_WRITTEN]


def processes(mark: str) -> list[str]:
    """Command lines of the living processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
                if state != "Z":
                    found.append(f"{folder.name} {line.strip()}")
        except OSError:
            continue  # it ended while it was being looked at, or is another user's
    return found


def check_no_orphans(mark: str, patience: float = 10.0) -> None:
    """Assert that no process with the mark lives on; a killed one's children get a moment."""
    until = time.monotonic() + patience
    while (left := processes(mark)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left, f"still running: {left}"


def environment(mark: str, **more: str) -> dict[str, str]:
    """Return an environment without the caller's Prefect server, marked to find all children."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return {**kept, "SHADOWBOOK_CAMPAIGN": mark, **more}


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(asdict(check_finished(Path(sys.argv[1]), sys.argv[2]))))
    else:
        check_unbroken(Path(sys.argv[1]))
        print("null")
