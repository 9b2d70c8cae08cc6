"""Where a rebuilt run first differs from the recorded one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LAYERS: tuple[str, ...] = (
    "environment",
    "code",
    "data",
    "features",
    "folds",
    "predictions",
    "metrics",
)
"""From cause to effect: a difference in one explains differences in all that follow."""

_ABSENT = object()


@dataclass(frozen=True)
class Mismatch:
    """The first difference between a recorded and a rebuilt run.

    Attributes
    ----------
    layer : one of ``LAYERS``, or a further key of the records.
    what : path of the value within the layer, dotted.
    recorded, rebuilt : the two values; None where one side has none.
    """

    layer: str
    what: str
    recorded: Any
    rebuilt: Any


def first_mismatch(recorded: Mapping[str, Any], rebuilt: Mapping[str, Any]) -> Mismatch | None:
    """Compare two records layer by layer, exactly.

    Parameters
    ----------
    recorded, rebuilt : a mapping from layer to its values (nested mappings, sequences, scalars).

    Returns
    -------
    The first difference in the order of ``LAYERS``, then of further layers by name, or None.
    NaN equals NaN; a missing layer or key is a difference.

    >>> first_mismatch({"data": {"market": "a1"}}, {"data": {"market": "b2"}})
    Mismatch(layer='data', what='market', recorded='a1', rebuilt='b2')
    """
    others = sorted((set(recorded) | set(rebuilt)) - set(LAYERS))
    for layer in (*LAYERS, *others):
        found = _first(recorded.get(layer, _ABSENT), rebuilt.get(layer, _ABSENT), ())
        if found is not None:
            path, left, right = found
            return Mismatch(layer, ".".join(path), _shown(left), _shown(right))
    return None


def _first(left: Any, right: Any, path: tuple[str, ...]) -> tuple[tuple[str, ...], Any, Any] | None:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in [*left, *(key for key in right if key not in left)]:
            found = _first(left.get(key, _ABSENT), right.get(key, _ABSENT), (*path, str(key)))
            if found is not None:
                return found
        return None
    if _is_list(left) and _is_list(right):
        for i in range(max(len(left), len(right))):
            a = left[i] if i < len(left) else _ABSENT
            b = right[i] if i < len(right) else _ABSENT
            found = _first(a, b, (*path, str(i)))
            if found is not None:
                return found
        return None
    return None if _same(left, right) else (path, left, right)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    return (type(left) is type(right) and bool(left == right)) or _both_numbers(left, right)


def _both_numbers(left: Any, right: Any) -> bool:
    """Say whether both are numbers of one value: JSON does not keep int and float apart."""
    kinds = (int, float)
    plain = not isinstance(left, bool) and not isinstance(right, bool)
    return plain and isinstance(left, kinds) and isinstance(right, kinds) and left == right


def _shown(value: Any) -> Any:
    return None if value is _ABSENT else value
