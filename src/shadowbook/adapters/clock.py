"""The wall clock, the only one in the project."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Says what time it is."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass."""
        time.sleep(seconds)
