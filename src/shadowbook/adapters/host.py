"""The machine and the installed packages a run was made with."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

VENDORS: tuple[str, ...] = (
    "prefect",
    "great-expectations",
    "feast",
    "scikit-learn",
    "mlflow",
    "dvc",
    "evidently",
    "numpy",
    "pandas",
    "scipy",
    "pyarrow",
    "skops",
    "duckdb",
)
"""Packages whose versions a manifest names one by one; the lock file's hash covers the rest."""


@dataclass(frozen=True)
class Lag:
    """A package whose installed version is not the locked one; ``installed`` None: missing."""

    package: str
    locked: str
    installed: str | None


class Host:
    """Reads what this machine is."""

    def describe(self) -> dict[str, str]:
        """Return Python, platform and numerical threads, as the manifest records them."""
        return {
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "platform": f"{platform.system()}-{platform.machine()}",
            "omp_num_threads": os.environ.get("OMP_NUM_THREADS", ""),
        }

    def versions(self) -> dict[str, str]:
        """Return the installed version of each of ``VENDORS``."""
        return {name: version(name) for name in VENDORS}

    def against_lock(self, lock: Path) -> list[Lag]:
        """Compare what is installed with a ``requirements.lock``."""
        lags = []
        for name, locked in locked_versions(lock).items():
            try:
                installed = version(name)
            except PackageNotFoundError:
                lags.append(Lag(name, locked, None))
                continue
            if installed != locked:
                lags.append(Lag(name, locked, installed))
        return lags

    def free_bytes(self, path: Path) -> int:
        """Return how much space is left where ``path`` lies."""
        return shutil.disk_usage(path).free

    def interpreter(self) -> str:
        """Return the path of the running Python."""
        return sys.executable


def locked_versions(lock: Path) -> dict[str, str]:
    """Read ``name==version`` lines of a lock file that hold on this platform."""
    pattern = re.compile(
        r"^([A-Za-z0-9._-]+)==([^\s;\\]+)[ \t]*(?:;[ \t]*(.*?))?[ \t]*\\?$", re.MULTILINE
    )
    from packaging.markers import Marker

    return {
        name: locked
        for name, locked, marker in pattern.findall(lock.read_text(encoding="utf-8"))
        if not marker or Marker(marker).evaluate()
    }


def sha256_file(path: Path) -> str:
    """SHA-256 of a file, or of nothing where it does not exist."""
    return hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()
