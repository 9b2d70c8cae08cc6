"""A flow that asks Prefect for retrainings as the monitor's does, in a process of its own.

python -m tests.flows.asking WORKSPACE < requests.json
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from prefect import flow

from flows import drift
from shadowbook.core.drift.found import RetrainRequest
from shadowbook.workspace import Workspace


@flow
def watch(root: str, requests: list[dict[str, object]]) -> tuple[str, ...]:
    """Ask for all of them."""
    found = [RetrainRequest(**one) for one in requests]  # type: ignore[arg-type]
    return drift.ask(Workspace.open(Path(root)), SimpleNamespace(requests=found))  # type: ignore[arg-type]


if __name__ == "__main__":
    asked = [one | {"as_of": datetime.fromisoformat(one["as_of"])} for one in json.load(sys.stdin)]
    sys.stdout.write(json.dumps(watch(sys.argv[1], asked)))
