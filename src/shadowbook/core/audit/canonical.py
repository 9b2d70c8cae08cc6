"""One text for one content: canonical JSON, and digests over it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import rfc8785
from numpy.typing import NDArray

NOT_A_NUMBER = "NaN"
"""JSON has no NaN; a value that could not be computed is written as this text."""


def canonical_json(value: Any) -> bytes:
    """Serialise to canonical JSON.

    Parameters
    ----------
    value : mappings, sequences, text, numbers, bool, None; dates and aware datetimes become ISO
        8601 text, NaN becomes ``"NaN"``.

    Raises
    ------
    ValueError
        For infinity, an integer beyond 2**53, a naive datetime, or a type JSON does not have.

    References
    ----------
    RFC 8785, JSON Canonicalization Scheme.

    >>> canonical_json({"b": 1.0, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    try:
        return rfc8785.dumps(_plain(value))
    except rfc8785.CanonicalizationError as error:
        raise ValueError(f"no canonical JSON for {value!r}: {error}") from error


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def chain_hash(previous_hash: str, event: Any) -> str:
    """Hash an event together with the hash of the one before it.

    Parameters
    ----------
    previous_hash : hash of the event before; empty text for the first.
    event : what happened, as JSON content.

    Returns
    -------
    SHA-256 over the canonical JSON of both, as 64 hexadecimal digits: whoever changes, drops or
    reorders an event changes every hash after it.

    >>> first = chain_hash("", {"kind": "run"})
    >>> chain_hash(first, {"kind": "run"}) == first
    False
    """
    return digest({"event": event, "previous_hash": previous_hash})


def digest_array(*arrays: NDArray[Any]) -> str:
    """SHA-256 over shape, type and bytes of arrays, little-endian and in C order.

    Every NaN counts as the same NaN and negative zero as zero, so that equal values give equal
    digests whatever produced them.
    """
    state = hashlib.sha256()
    for array in arrays:
        values = np.ascontiguousarray(array)
        if values.dtype.kind in "OU":
            values = np.array([str(item) for item in values.ravel()]).reshape(values.shape)
            values = np.char.encode(values.astype(str), "utf-8")
        elif values.dtype.kind == "f":
            values = np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8")
        state.update(f"{values.shape}{values.dtype.str}".encode())
        state.update(values.tobytes())
    return state.hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case bool() | None | str():
            return value
        case np.bool_():
            return bool(value)
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return NOT_A_NUMBER if math.isnan(value) else float(value)
        case datetime():
            if value.tzinfo is None:
                raise ValueError(f"{value.isoformat()} has no time zone")
            return value.isoformat()
        case date():
            return value.isoformat()
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            raise ValueError(f"JSON has no {type(value).__name__}")
