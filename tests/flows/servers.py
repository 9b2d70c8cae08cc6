"""Real Prefect servers, `shadowbook serve` as their worker, and workspaces in the present."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pandas as pd

from flows.server import answers, launch
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.environment import TELEMETRY

SOURCE = ".shadowbook/source"
NEVER = "0 3 29 2 *"
"""A time that no test lives to see."""

PARAMS: dict[str, Any] = {
    "market_data": {
        "source": "files",
        "as_of": "now",
        "files": {
            "path": f"{SOURCE}/bars.parquet",
            "columns": {"available_at": "available_at"},
            "references": {
                "index": {
                    "path": f"{SOURCE}/index.parquet",
                    "value": "value",
                    "available_at": "available_at",
                }
            },
        },
    },
    "learning": {
        "splits": {"n_splits": 2, "min_train": 200, "embargo": 2},
        "candidates": {"ridge": {"kind": "ridge", "parameters": {"alpha": 100.0}}},
    },
    "strategies": {"weekly": {"horizon": 5, "label": {"transform": "demean"}}},
    "schedules": {"retrain": {"cron": NEVER, "patience_minutes": 5, "poll_seconds": 1}},
}
MINUTES = 5
"""How long anything may take here before it counts as hanging."""


@dataclass(frozen=True)
class Server:
    """A Prefect server with a database of its own."""

    url: str

    def ask(self, path: str, body: Any) -> Any:
        """POST; again where its database is busy, as Prefect's own clients do."""
        for _ in range(10):
            answer = httpx.post(f"{self.url}{path}", json=body, timeout=30)
            if answer.status_code != 503:
                break
            time.sleep(1)
        return answer.raise_for_status().json()

    def deployment(self, root: Path, flow: str) -> dict[str, Any]:
        found = self.ask("/deployments/filter", {"deployments": {"tags": {"all_": [flow]}}})
        (mine,) = (one for one in found if one["parameters"]["workspace"] == str(root))
        return mine

    def schedule(self, root: Path, at: str) -> str:
        """Let a run of the retraining be due at a time; -> its id."""
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at}}
        place = self.deployment(root, "retrain")["id"]
        made: str = self.ask(f"/deployments/{place}/create_flow_run", {"state": state})["id"]
        return made

    def runs(self, root: Path, flow: str = "retrain") -> list[dict[str, Any]]:
        """Runs of a flow, as they were scheduled."""
        only = {"deployments": {"id": {"any_": [self.deployment(root, flow)["id"]]}}}
        return self.ask("/flow_runs/filter", {**only, "sort": "EXPECTED_START_TIME_ASC"})

    def run(self, ident: str) -> dict[str, Any]:
        (found,) = self.ask("/flow_runs/filter", {"flow_runs": {"id": {"any_": [ident]}}})
        return found

    def ended(self, ident: str) -> tuple[str, str]:
        """Wait for a run; -> the name of its last state and what it says."""
        final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        found = until(lambda: (run := self.run(ident))["state_type"] in final and run)
        return found["state"]["name"], found["state"]["message"]


def until(look: Callable[[], Any]) -> Any:
    patience = time.monotonic() + MINUTES * 60
    while not (found := look()):
        assert time.monotonic() < patience, "it hangs"
        time.sleep(0.25)
    return found


def clean_environment(**more: str) -> dict[str, str]:
    mine = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    return {**mine, **TELEMETRY, "PREFECT_WORKER_QUERY_SECONDS": "1", **more}


@contextmanager
def ended_with(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def server_in(home: Path) -> Iterator[Server]:
    process, url = launch(clean_environment(PREFECT_HOME=str(home)))
    with ended_with(process):
        until(lambda: answers(url))
        yield Server(url)


@contextmanager
def serving(root: Path, server: Server | None, log: Path) -> Iterator[subprocess.Popen[Any]]:
    """`shadowbook serve`, from when it says that it works."""
    named = {"PREFECT_API_URL": server.url} if server else {}
    with log.open("a", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "shadowbook", "serve", "--workspace", str(root)],
            env=clean_environment(**named),
            stdout=said,
            stderr=said,
        )
        before = log.read_text(encoding="utf-8").count("working until")
        with ended_with(process):
            until(
                lambda: (
                    process.poll() is not None
                    or log.read_text(encoding="utf-8").count("working until") > before
                )
            )
            assert process.poll() is None, log.read_text(encoding="utf-8")
            yield process


def supply(root: Path, recent: Delivery, last: str) -> None:
    """Give a workspace its source: eight symbols up to a day, and the index."""
    (root / SOURCE).mkdir(parents=True)
    index = recent.references[recent.references["name"] == "index"].drop(columns="name")
    index.to_parquet(root / SOURCE / "index.parquet", index=False)
    tell(root, recent.bars, last)


def tell(root: Path, bars: pd.DataFrame, last: str) -> None:
    """Let the source hold eight symbols up to a day."""
    eight = sorted(bars["symbol"].unique())[:8]
    held = bars[bars["symbol"].isin(eight) & (bars["session"] <= last)]
    held.to_parquet(root / SOURCE / "draft", index=False)
    (root / SOURCE / "draft").replace(root / SOURCE / "bars.parquet")


def at_work(root: Path, purpose: str = "retrain on schedule") -> int:
    """Wait until a run holds the workspace; -> its process."""
    note = root / ".shadowbook" / "lease"

    def held() -> int:
        text = note.read_text(encoding="utf-8") if note.exists() else ""
        return json.loads(text)["pid"] if purpose in text else 0

    return until(held)


def gone(pid: int) -> bool:
    """Ended, and even if nobody has asked for its exit code."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"
