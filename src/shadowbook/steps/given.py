"""What models are given in a session, kept once by its digest so that it can be asked again."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from shadowbook.core.audit import digest_array
from shadowbook.core.values import Floats


@dataclass(frozen=True, eq=False)
class Given:
    """One strategy's inputs in one session.

    Attributes
    ----------
    symbols : n names, sorted: those with features of this very session.
    names : K features.
    features : (n, K); NaN = missing.
    fields : F names of what the session's bars have.
    bars : (n, F) the session's bars; NaN = missing.
    refusal : why nothing may be decided on them, in one sentence; empty where it may.
    """

    symbols: tuple[str, ...]
    names: tuple[str, ...]
    features: Floats
    fields: tuple[str, ...]
    bars: Floats
    refusal: str = ""

    @property
    def digest(self) -> str:
        """Digest of all that a model or a book is given."""
        words = (self.symbols, self.names, self.fields)
        names = (np.array(part, dtype=object) for part in words)
        return digest_array(*names, self.features, self.bars)

    def packed(self) -> bytes:
        """Return the arrays as one file, in numpy's own format."""
        file = io.BytesIO()
        np.savez(
            file,
            symbols=np.array(self.symbols, dtype=str),
            names=np.array(self.names, dtype=str),
            features=self.features,
            fields=np.array(self.fields, dtype=str),
            bars=self.bars,
        )
        return file.getvalue()


def unpacked(data: bytes) -> Given:
    """Read ``packed`` back."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Given(
            symbols=tuple(str(name) for name in arrays["symbols"]),
            names=tuple(str(name) for name in arrays["names"]),
            features=arrays["features"],
            fields=tuple(str(name) for name in arrays["fields"]),
            bars=arrays["bars"],
        )
