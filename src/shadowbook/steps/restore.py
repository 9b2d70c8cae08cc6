"""Write the data that a run read to a folder of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shadowbook.errors import ConfigError
from shadowbook.steps.manifest import pins_of
from shadowbook.workspace import Workspace


@dataclass(frozen=True)
class Restored:
    """What was written.

    Attributes
    ----------
    data : name of each pin -> where it lies now.
    places : name of each pin -> where it lay in the workspace of the run.
    """

    run_id: str
    data: dict[str, Path]
    places: dict[str, str]


def restore(workspace: Workspace, run: str, to: Path | None) -> Restored:
    """Restore every pin of a run, each object hashed, from the cache or the remote.

    Parameters
    ----------
    run : id, the beginning of one, or ``latest``; of any flow.
    to : a folder; ``restored/RUN`` in the workspace by default. A pin NAME goes to ``to/NAME``.

    Raises
    ------
    ConfigError
        No such run, it read nothing that is pinned, or something lies there already.
    IntegrityError
        An object is altered or lost.
    """
    run_id = workspace.models.resolve_any(run).run_id
    pins = pins_of(workspace.models.manifest(run_id)["pins"])
    if not pins:
        raise ConfigError(f"run {run_id} read no pinned data: see `shadowbook show {run_id[:8]}`")
    folder = (to or workspace.root / "restored" / run_id).absolute()
    for pin in pins:
        target = folder / pin.name
        if target.is_file() or (target.is_dir() and any(target.iterdir())):
            raise ConfigError(f"{target} is there already: remove it, or name another place (--to)")
    with workspace.progress.stage("restore data by hash (DVC)", total=len(pins)) as stage:
        for pin in pins:
            workspace.snapshots.restore(pin, folder / pin.name)
            stage.advance()
        stage.result(f"{', '.join(pin.name for pin in pins)} in {folder}")
    return Restored(
        run_id,
        {pin.name: folder / pin.name for pin in pins},
        {pin.name: pin.path for pin in pins},
    )
