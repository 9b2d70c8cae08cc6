"""The main job as Prefect runs it: real server, real tasks, a small workspace."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.errors import SchemaError, TransientError
from shadowbook.workspace import Workspace

pytestmark = pytest.mark.usefixtures("harness")

AS_OF = "1993-12-31"
MOMENT = datetime(1993, 12, 31, 21, 15, tzinfo=UTC)
NEXT = "1994-01-03"
PARAMS = {
    "learning": {
        "candidates": {"ridge": {"kind": "ridge"}, "momentum_rule": {"kind": "momentum"}},
        "splits": {"n_splits": 2, "min_train": 500},
    }
}


@pytest.fixture(scope="module")
def root(make_workspace, harness) -> Path:
    return make_workspace(PARAMS)


@pytest.fixture(scope="module")
def first(root):
    from flows.retrain import retrain_flow

    return retrain_flow(root, as_of=AS_OF, return_state=True)


def contents(root: Path) -> dict[str, bytes]:
    """Whatever a run must not touch when a gate says no."""
    places = [root / "data" / name for name in ("market", "features", "online")]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def dirty(root: Path) -> bool:
    return Workspace.open(root).code.is_dirty()


def artifacts(key: str) -> list[dict]:
    from prefect.artifacts import Artifact

    return json.loads(Artifact.get(key).data)


def last_state():
    """State of the newest flow run, as Prefect's pages show it."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        (newest,) = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
    return newest.state


def exit_code(capsys, *arguments: object, **options: object) -> tuple[int, str]:
    """What ``python -m flows.retrain`` ends with, and says."""
    from flows.retrain import main

    with pytest.raises(typer.Exit) as ended:
        main(*arguments, **options)
    said = capsys.readouterr()
    return ended.value.exit_code, said.out + said.err


def test_a_run_registers_the_first_champion(root, first):
    assert first.is_completed()
    (made,) = first.result().strategies
    assert (made.existing, made.run.model_version) == (False, 1)
    assert made.run.aliases == ("challenger", "champion")
    assert made.as_of == MOMENT
    models = Workspace.open(root).models
    assert models.version_of("weekly", "champion") == 1
    children = models.children(made.run.run_id)
    assert len(children) == 2
    for child in children:
        for name in ("equity.png", "information_coefficient.png"):
            drawn = models.artifact(child.run_id, f"plots/{name}").read_bytes()
            assert drawn.startswith(b"\x89PNG")
    assert not dirty(root)


def test_the_table_of_candidates_is_an_artifact(first):
    (made,) = first.result().strategies
    rows = artifacts("candidates-weekly")
    assert [row["candidate"] for row in rows] == list(made.candidates)
    assert [row["chosen"] for row in rows] == [name == made.best for name in made.candidates]
    for row in rows:
        assert row["sharpe"] == made.candidates[row["candidate"]]["sharpe"].value


def test_run_again_does_nothing_twice(root, first, capsys):
    before = contents(root)
    code, said = exit_code(capsys, workspace=root, as_of=AS_OF, as_json=True)
    (again,) = json.loads(said)["strategies"]
    (made,) = first.result().strategies
    assert code == 0
    assert again["existing"] is True
    assert again["run"]["run_id"] == made.run.run_id
    assert again["candidates"].keys() == made.candidates.keys()
    models = Workspace.open(root).models
    assert [run.run_id for run in models.runs()] == [made.run.run_id]
    assert models.count_trials("weekly") == 2
    assert {name: data for name, data in contents(root).items() if "online" not in name} == {
        name: data for name, data in before.items() if "online" not in name
    }


def test_a_gate_that_says_no_ends_failed_and_changes_nothing(root, first, capsys, tmp_path):
    text = (root / "params.yaml").read_text(encoding="utf-8")
    strict = tmp_path / "strict.yaml"
    strict.write_text(text + "gates: {market: {min_symbols: 21}}\n", encoding="utf-8")
    before = contents(root)
    code, said = exit_code(capsys, workspace=root, params=strict, as_of=NEXT)
    assert code == 3
    assert "FAILED bars" in said
    assert "refused: the accepted prices stay as they were" in said
    state = last_state()
    assert (state.is_failed(), state.message) == (True, "a gate said no")
    assert contents(root) == before
    assert len(Workspace.open(root).models.runs()) == 1
    assert not dirty(root)


@pytest.mark.parametrize(("section", "feed"), [("features", "features"), ("labels", "labels")])
def test_a_later_gate_that_says_no_registers_nothing(root, first, tmp_path, section, feed):
    from flows.retrain import retrain_flow

    text = (root / "params.yaml").read_text(encoding="utf-8")
    strict = tmp_path / "strict.yaml"
    limit = "max_absolute: 1.0e-9"
    strict.write_text(text + f"gates: {{{section}: {{{limit}}}}}\n", encoding="utf-8")
    log = Workspace.open(root).feature_log
    before = log.last_session()
    state = retrain_flow(root, strict, as_of=AS_OF, return_state=True)
    summary = state.result(raise_on_failure=False)
    assert state.is_failed()
    assert not summary.gate.halts
    assert summary.features.halts == (feed == "features")
    if feed == "labels":
        (report,) = summary.strategies
        assert report.halts
        assert report.verdicts[0].feed == feed
    assert log.last_session() == before
    assert len(Workspace.open(root).models.runs()) == 1


class Flaky:
    """A source that fails a number of times before it answers."""

    def __init__(self, source, error: Exception, times: int) -> None:
        self.source, self.error, self.times, self.asked = source, error, times, 0

    def files(self) -> list[Path]:
        return self.source.files()

    def read(self, schedule_for) -> Delivery:
        self.asked += 1
        if self.asked <= self.times:
            raise self.error
        return self.source.read(schedule_for)


@pytest.mark.parametrize(
    ("error", "asked"), [(TransientError("busy; try again"), 2), (SchemaError("no column"), 1)]
)
def test_only_what_may_pass_is_tried_again(make_workspace, error, asked):
    from prefect import flow

    from flows.prepare import ingest_task

    workspace = Workspace.open(make_workspace(PARAMS))
    source = Flaky(workspace.market.source, error, times=1)
    workspace.market.source = source

    @flow
    def alone():
        return ingest_task(workspace, MOMENT)

    state = alone(return_state=True)
    assert source.asked == asked
    assert state.is_completed() == (asked == 2)
    if asked == 1:
        assert state.result(raise_on_failure=False) is error
    assert workspace.market.incoming.exists() == (asked == 2)


def test_every_task_of_the_job_is_retried_alike():
    from flows import prepare, retrain

    for task in (
        prepare.ingest_task,
        prepare.gate_task,
        prepare.features_task,
        retrain.retrain_task,
    ):
        assert (task.retries, task.retry_condition_fn) == (2, prepare.may_pass)


def test_an_unknown_strategy_is_said_before_anything_is_done(root, capsys):
    code, said = exit_code(capsys, workspace=root, strategy=["daily"], as_of=AS_OF)
    assert (code, "no strategy 'daily'" in said) == (2, True)


def test_a_workspace_in_use_is_said_and_left_alone(root, first, capsys):
    before = contents(root)
    with Workspace.open(root).lease("features"):
        code, said = exit_code(capsys, workspace=root, as_of=AS_OF)
    assert code == 1
    assert "is held by process" in said
    assert "shadowbook features" in said
    assert contents(root) == before
