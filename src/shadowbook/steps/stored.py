"""Whether the files that a run left in the registry are still those that it recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from shadowbook.adapters.host import sha256_file
from shadowbook.adapters.models.records import Artifact
from shadowbook.core.audit import LAYERS, Mismatch, digest
from shadowbook.errors import ConfigError
from shadowbook.workspace import Workspace

PATCH = "code/uncommitted.patch"

LAYER_OF = {"code": "code", "gate": "data", "folds.json": "folds", "predictions": "predictions"}
"""Layer of an artifact by the beginning of its path; what people look at belongs to the metrics."""


def digests(artifacts: Mapping[str, Artifact]) -> dict[str, str]:
    """SHA-256 of each artifact of a run, as its manifest records them."""
    return {name: _sha256(content) for name, content in sorted(artifacts.items())}


def _sha256(content: Artifact) -> str:
    if isinstance(content, Path):
        return sha256_file(content)
    raw = content.encode("utf-8") if isinstance(content, str) else content
    return hashlib.sha256(raw).hexdigest()


def altered(workspace: Workspace, manifest: Mapping[str, Any]) -> Mismatch | None:
    """Return the first stored file, in the order of the layers, that is not the recorded one.

    The patch is compared before anything is rebuilt from it, and not again here.
    """
    found = [*_artifacts(workspace, manifest), *_model(workspace, manifest)]
    return first(found)


def first(found: Iterable[Mismatch]) -> Mismatch | None:
    """Return the difference that comes first from cause to effect."""
    order = {layer: number for number, layer in enumerate(LAYERS)}
    return min(found, key=lambda item: order.get(item.layer, len(order)), default=None)


def _artifacts(workspace: Workspace, manifest: Mapping[str, Any]) -> Iterator[Mismatch]:
    recorded: Mapping[str, str] = manifest.get("artifacts", {})
    for name in [name for name in recorded if name != PATCH]:
        try:
            now = sha256_file(workspace.models.artifact(manifest["run_id"], name))
        except ConfigError:
            now = None
        if now != recorded[name]:
            yield Mismatch(LAYER_OF.get(name.split("/")[0], "metrics"), name, recorded[name], now)


def _model(workspace: Workspace, manifest: Mapping[str, Any]) -> Iterator[Mismatch]:
    path = workspace.models.model_file(manifest["strategy"], manifest["model_version"])
    recorded = manifest["artifact_sha256"]
    now = sha256_file(path) if path.exists() else None
    if now != recorded:
        yield Mismatch("predictions", f"the stored model {path}", recorded, now)


def settings_differ(manifest: Mapping[str, Any]) -> Mismatch | None:
    """Return a difference where the manifest's settings are not those that it was made under."""
    recorded, now = manifest["settings_sha256"], digest(manifest["settings"])
    return None if now == recorded else Mismatch("settings", "settings_sha256", recorded, now)
