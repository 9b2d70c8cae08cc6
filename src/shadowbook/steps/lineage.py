"""Where a run's data came from: its parents, and theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shadowbook.workspace import Workspace


@dataclass(frozen=True)
class Lineage:
    """A run and the runs that wrote what it read.

    Attributes
    ----------
    manifest : the run's own.
    parents : by the name of what they wrote.
    """

    manifest: Mapping[str, Any]
    parents: Mapping[str, Lineage]

    def walk(self) -> Iterator[Lineage]:
        """Yield this run, then its ancestors, each once, nearest first."""
        seen: set[str] = set()
        ahead = [self]
        while ahead:
            here = ahead.pop(0)
            if here.manifest["run_id"] not in seen:
                seen.add(here.manifest["run_id"])
                yield here
                ahead.extend(here.parents.values())


def lineage(workspace: Workspace, run_id: str) -> Lineage:
    """Follow a run back to its sources.

    A gate and a feature build extend what an earlier one wrote; of those only the run is named,
    in the manifest: its own parents are its own history.

    Raises
    ------
    ConfigError
        When there is no such run.
    IntegrityError
        When a manifest was altered.
    """
    manifest = workspace.models.manifest(run_id)
    parents = {
        parent["pin"]: lineage(workspace, parent["run_id"])
        for parent in manifest.get("parents", ())
        if parent["kind"] != manifest["kind"]
    }
    return Lineage(manifest, parents)


def gate_verdicts(found: Lineage) -> list[dict[str, Any]]:
    """Return what the gates along the way said of each feed, the source's first."""
    verdicts: list[dict[str, Any]] = []
    for run in reversed(list(found.walk())):
        verdicts += run.manifest.get("verdicts", [])
        if "verdict" in run.manifest:
            verdicts.append(run.manifest["verdict"])
    return verdicts
