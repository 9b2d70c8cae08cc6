"""What a program reads of a result: one JSON document."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any


def to_json(document: Any) -> str:
    """Write a result as one JSON document; NaN becomes null."""
    return json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """Turn records into mappings, and everything else into what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        for name in ("halts", "reasons", "reproduced", "healthy"):
            if hasattr(type(value), name):
                fields[name] = plain(getattr(value, name))
        return fields
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if type(value) is float:
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # numpy's numbers and arrays
        return plain(value.tolist())
    return value
