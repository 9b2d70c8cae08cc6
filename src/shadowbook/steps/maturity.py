"""How far this workspace has come on the ladder of operating models, as measured, never claimed.

After Microsoft's Machine Learning operations maturity model (Azure Architecture Center, levels 0
to 4: no MLOps, DevOps without MLOps, automated training, automated deployment, full automation;
learn.microsoft.com/azure/architecture/ai-ml/guide/mlops-maturity-model) and Google Cloud's levels
0 to 2 ("MLOps: Continuous delivery and automation pipelines in machine learning"). Adapted: a
model that trades is worth deploying by itself only after somebody would notice that it is ill and
something would stop it, so monitoring and breakers stand where theirs have deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from shadowbook.adapters import machine
from shadowbook.adapters.models.inspection import Attempt, stored_manifest
from shadowbook.core.values import Pin
from shadowbook.errors import ShadowbookError
from shadowbook.steps.health import WOUNDS, Patient
from shadowbook.steps.known import VERDICT
from shadowbook.steps.proofs import proofs

LEVELS = (
    "manual",
    "reproducible training",
    "scheduled retraining",
    "monitored, with alarms",
    "guarded by breakers, promoted on evidence",
)
ADVICE = "monitoring and breakers come before more tools"
ABSENT = "not part of this version"


@dataclass(frozen=True)
class Criterion:
    """One rung's part: what level it belongs to, whether it holds, and what was found."""

    level: int
    name: str
    met: bool
    said: str


@dataclass(frozen=True)
class Maturity:
    """The highest level all of whose criteria hold, with those of every level below."""

    level: int
    name: str
    criteria: tuple[Criterion, ...]

    @property
    def missing(self) -> tuple[Criterion, ...]:
        """What the next level lacks."""
        return tuple(c for c in self.criteria if c.level == self.level + 1 and not c.met)


Answer = tuple[bool, str]


def measure(patient: Patient) -> Maturity:
    """Look at every criterion; one that cannot be looked at does not hold."""
    criteria = tuple(_criteria(patient))
    level = 0
    while level + 1 < len(LEVELS) and all(c.met for c in criteria if c.level == level + 1):
        level += 1
    return Maturity(level, LEVELS[level], criteria)


def _criteria(patient: Patient) -> Iterator[Criterion]:
    looks: tuple[tuple[int, str, Callable[[Patient], Answer]], ...] = (
        (1, "prices that passed the gate", _gated),
        (1, "a finished run of each strategy", _trained),
        (1, "pins of the newest run in the cache or the remote", _pinned),
        (1, "a proven rebuild", _proven),
        (2, "an active schedule of the retraining", partial(_scheduled, "retrain")),
        (2, "live data", _live),
        (2, "pins beyond this disk", _beyond),
        (3, "an active schedule of the monitor", partial(_scheduled, "monitor")),
        (4, "breakers", _absent),
        (4, "promotion on evidence", _absent),
    )
    for level, name, look in looks:
        try:
            met, said = look(patient)
        except WOUNDS as error:
            told = str(error).splitlines() if isinstance(error, ShadowbookError) else []
            met, said = False, (told or ["cannot be read"])[0]
        yield Criterion(level, name, met, said)


def _gated(patient: Patient) -> Answer:
    note = patient.opened().market.accepted.read_note(VERDICT)
    if note is None:
        return False, "no prices accepted yet"
    return True, f"judged as of {note['as_of']}"


def _trained(patient: Patient) -> Answer:
    wanted = set(patient.opened().settings.strategies)
    lacking = sorted(wanted - {run.strategy for run in _trainings(patient)})
    if lacking:
        return False, f"none of {', '.join(lacking)}"
    return True, f"{len(wanted)} of {len(wanted)} strategies"


def _pinned(patient: Patient) -> Answer:
    newest = next(iter(_trainings(patient)), None)
    if newest is None:
        return False, "no finished run yet"
    manifest = stored_manifest(patient.root / "mlruns" / "artifacts", newest.run_id)
    if manifest is None:
        return False, f"run {newest.run_id} has no manifest"
    place = patient.opened().snapshots.survey()
    for name, item in manifest["pins"].items():
        pin = Pin(name, item["path"], item["md5"], item["bytes"], item["files"])
        if not place.holds(pin):
            return False, f"{name} of run {newest.run_id} is lost"
    return True, f"{', '.join(manifest['pins'])} of run {newest.run_id[:12]}"


def _proven(patient: Patient) -> Answer:
    known = {run.run_id for run in _trainings(patient)}
    told = [proof for proof in proofs(patient.root) if proof.run_id in known]
    if not told:
        return False, "no run was ever rebuilt here: shadowbook reproduce latest"
    last = told[-1]
    return last.reproduced, f"{last.outcome} {last.run_id[:12]} at {last.at:%Y-%m-%d %H:%M} UTC"


def _scheduled(flow: str, patient: Patient) -> Answer:
    schedule = patient.opened().settings.schedules.get(flow)
    if schedule is None:
        return False, f"params.yaml has no schedules.{flow}"
    return schedule.active, f"{schedule.cron}{'' if schedule.active else ', not active'}"


def _live(patient: Patient) -> Answer:
    moment = patient.opened().settings.market_data.as_of
    return moment == "now", f"market_data.as_of is {moment}"


def _beyond(patient: Patient) -> Answer:
    workspace = patient.opened()
    place = workspace.snapshots.survey()
    if workspace.settings.snapshots.remote is None or place.url is None:
        return False, "no remote"
    if place.remote is not None and machine.same_disk(place.remote, patient.root):
        return False, "the remote lies on this disk"
    return True, place.url


def _absent(_patient: Patient) -> Answer:
    return False, ABSENT


def _trainings(patient: Patient) -> tuple[Attempt, ...]:
    found = patient.records()
    return found.trainings() if found else ()
