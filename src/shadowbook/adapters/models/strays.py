"""Manifests that lie in the artifact folder though the registry lists no finished run of them.

Their run was deleted in MLflow, which can be undone, or was killed before its end, or the database
is an older one than the files.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from shadowbook.adapters.models.records import MANIFEST


def stray_manifests(
    artifact_folder: Path, known: Collection[str]
) -> tuple[list[dict[str, Any]], list[Path]]:
    """Return the manifests of runs that are not known, and the files that cannot be read."""
    manifests, unreadable = [], []
    for path in sorted(artifact_folder.glob(f"*/artifacts/{MANIFEST}")):
        if path.parents[1].name in known:
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content["pins"].items()
            manifests.append(content)
        except (ValueError, KeyError, TypeError, AttributeError):
            unreadable.append(path)
    return manifests, unreadable
