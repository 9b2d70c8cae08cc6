"""What happened and must not be forgotten: the ledger's entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Event:
    """One entry of the ledger's chain.

    Attributes
    ----------
    kind : what it is, such as ``session``, ``order`` or ``promotion``.
    key : names it for good; the same key is recorded once, with the same content.
    at : the moment it is about or was decided at, aware UTC; in a replay the replayed moment.
    body : JSON content.
    simulated : True where a replay's simulated operator did what a person does.
    """

    kind: str
    key: str
    at: datetime
    body: Mapping[str, Any]
    simulated: bool = False
