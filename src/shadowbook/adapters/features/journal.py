"""The feature log's journal: what each extension knew, so that it can be done again."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

from shadowbook.adapters.disk import replace_text
from shadowbook.core.learning.point_in_time import Knowledge
from shadowbook.core.values import Quarantine
from shadowbook.errors import IntegrityError

NAME = "journal.json"


class FeatureJournal:
    """Extensions of a feature log, in the order they were made.

    An entry is written before its rows: an extension cut short leaves an entry, and the next one
    starts at the session where the log really ends.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def read(self) -> list[Knowledge]:
        """Return every entry.

        Raises
        ------
        IntegrityError
            When the journal is not readable.
        """
        if not self._path.exists():
            return []
        try:
            return [_entry(item) for item in json.loads(self._path.read_text(encoding="utf-8"))]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"{self._path} cannot be read: restore the folder from its pin"
            ) from error

    def add(self, knowledge: Knowledge) -> None:
        """Append an entry; entries that wrote nothing before ``knowledge.first`` give way."""
        kept = [entry for entry in self.read() if entry.first < knowledge.first]
        content = [_plain(entry) for entry in [*kept, knowledge]]
        replace_text(self._path, json.dumps(content, indent=1) + "\n")


def _plain(entry: Knowledge) -> dict[str, Any]:
    return {
        "as_of": entry.as_of.isoformat(),
        "first": entry.first.isoformat(),
        "symbols": list(entry.symbols),
        "references": list(entry.references),
        "quarantined": [span.plain() for span in entry.quarantined],
    }


def _entry(item: dict[str, Any]) -> Knowledge:
    return Knowledge(
        as_of=datetime.fromisoformat(item["as_of"]),
        first=date.fromisoformat(item["first"]),
        symbols=tuple(item["symbols"]),
        references=tuple(item["references"]),
        quarantined=tuple(Quarantine.of_plain(span) for span in item["quarantined"]),
    )
