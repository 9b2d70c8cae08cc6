"""Round numbers for the axes of a figure."""

from __future__ import annotations

import math

from shadowbook.adapters.canvas import written

Ticks = list[tuple[float, str]]


def round_ticks(low: float, high: float, most: int, percent: bool = False) -> Ticks:
    """Choose round numbers between two values, few enough to be read.

    >>> round_ticks(-0.031, 0.082, 5)
    [(0.0, '0'), (0.05, '0.05')]
    >>> [text for _, text in round_ticks(-0.66, 0.0, 4, percent=True)]
    ['−60%', '−40%', '−20%', '0%']
    """
    step = _step((high - low) / max(most, 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step * (100.0 if percent else 1.0)) + 1e-9))
    return [(k * step, _text(k * step, decimals, percent)) for k in range(first, last + 1)]


def ratio_ticks(low: float, high: float, most: int) -> Ticks:
    """Choose numbers for a logarithmic axis between two positive values.

    >>> [text for _, text in ratio_ticks(0.4, 12.0, 6)]
    ['0.5', '1', '2', '5', '10']
    """
    if high / low < 3.0:
        return [(value, text) for value, text in round_ticks(low, high, most) if value > 0.0]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for parts in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        found = [10.0**d * part for d in decades for part in parts]
        found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(found) <= most:
            break
    return [(value, f"{value:g}") for value in found]


def _step(least: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * part for part in (1.0, 2.0, 5.0, 10.0) if power * part >= least * 0.999)


def _text(value: float, decimals: int, percent: bool) -> str:
    if percent:
        return written(value, f".{decimals}%")
    return written(value, f".{decimals}f") if abs(value) > 1e-12 else "0"
