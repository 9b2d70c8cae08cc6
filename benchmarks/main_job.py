"""The main job on the sample: wall time, where it goes, peak memory.

Twice in one run: as a user starts it (a fresh workspace, the Prefect flow, cold imports), and
step by step in one process that has imported every vendor before, which tells what is neither
fitting nor vendors' imports nor server start.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FITTING = ("walk forward", "final fit")
VENDORS = (
    "pandas",
    "sklearn.ensemble",
    "great_expectations",
    "feast",
    "dask.dataframe",
    "mlflow",
    "mlflow.sklearn",
    "mlflow.pyfunc",
    "mlflow.models",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "skops.io",
    "evidently",
    "evidently.presets",
    "dvc.repo",
    "exchange_calendars",
    "matplotlib.figure",
)
LIMIT_TOTAL, LIMIT_REST, LIMIT_MEMORY = 120.0, 25.0, 1.5


def workspace(folder: Path) -> Path:
    """Make a workspace of its own: a clone without data."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


class Stopwatch:
    """Seconds a stage, told by the steps themselves."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Stopwatch]:
        """Time a stage."""
        began = time.perf_counter()
        yield self
        self.seconds[title] = self.seconds.get(title, 0.0) + time.perf_counter() - began

    def advance(self, done: int = 1) -> None:
        """Count nothing."""

    def result(self, text: str) -> None:
        """Say nothing."""


def in_process(folder: Path) -> None:
    """Import every vendor, then do the steps; print seconds as JSON."""
    import importlib

    import shadowbook  # noqa: F401 - pins threads before NumPy is there

    began = time.perf_counter()
    for name in VENDORS:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    imports = time.perf_counter() - began

    from concurrent.futures import ThreadPoolExecutor

    from shadowbook.steps.build_features import build_features
    from shadowbook.steps.gate import gate
    from shadowbook.steps.ingest import ingest
    from shadowbook.steps.moment import resolve_as_of
    from shadowbook.steps.retrain import retrain
    from shadowbook.workspace import Workspace

    watch = Stopwatch()
    opened = Workspace.open(folder, progress=watch)
    began = time.perf_counter()
    moment = resolve_as_of(opened, None)
    ingest(opened, moment)
    gate(opened, moment)
    build_features(opened, moment)
    with ThreadPoolExecutor(2) as pool:
        for name in opened.settings.strategies:
            retrain(opened, name, moment, pool.map)
    total = time.perf_counter() - began
    print(json.dumps({"imports": imports, "total": total, "stages": watch.seconds}))


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = workspace(Path(scratch) / "steps")
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.main_job", str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        steps = json.loads(done.stdout.splitlines()[-1])
        folder = workspace(Path(scratch) / "flow")
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "shadowbook", "run", "--workspace", str(folder)],
            check=True,
            capture_output=True,
        )
        total = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    fitting = sum(s for t, s in steps["stages"].items() if t.endswith(FITTING))
    rest = steps["total"] - fitting
    print("\nmain job on the sample: two strategies, four candidates each")
    for title, seconds in steps["stages"].items():
        print(f"  {title:<40} {seconds:7.2f} s")
    print(f"  {'vendors imported before':<40} {steps['imports']:7.2f} s")
    print(f"  {'fitting (walk forward, final fit)':<40} {fitting:7.2f} s")
    print(f"  {'neither fitting nor vendor imports':<40} {rest:7.2f} s   at most {LIMIT_REST:g}")
    print(f"  {'`shadowbook run`, cold':<40} {total:7.2f} s   at most {LIMIT_TOTAL:g}")
    print(f"  {'... over fitting alone':<40} {total / fitting:7.2f} x")
    print(f"  {'peak memory of a process':<40} {memory:7.2f} GiB at most {LIMIT_MEMORY:g}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        in_process(Path(sys.argv[1]))
    else:
        main()
