"""Figures of the court with their units, as a person reads them."""

from __future__ import annotations

import math
from collections.abc import Callable

from shadowbook.adapters.report.words import signed

UNKNOWN = "not known"
SMALLEST = 1e-6
"""A p-value below is only said to be below."""

MOST_DIGITS = 4
"""Further digits, where two figures differ and look the same."""

Unit = Callable[[float, int], str]
"""Value and further digits -> text."""


def sharpe(value: float, more: int = 0) -> str:
    """Write a Sharpe ratio, or a difference of two, a year.

    >>> sharpe(-0.5), sharpe(-0.001), sharpe(float("nan"))
    ('−0.50', '0.00', 'not known')
    """
    return UNKNOWN if not math.isfinite(value) else signed(value, f"z.{2 + more}f")


def p_value(value: float, more: int = 0) -> str:
    """Write a p-value, or an alpha, with three significant digits.

    >>> p_value(0.05), p_value(0.000528), p_value(1.0), p_value(2e-9)
    ('0.0500', '0.000528', '1.00', 'below 0.000001')
    """
    if not math.isfinite(value):
        return UNKNOWN
    if 0.0 < value < SMALLEST:
        return f"below {SMALLEST:.6f}"
    # The exponent after rounding: 0.0009996 has three digits as 0.00100.
    exponent = int(f"{value:.{2 + more}e}".partition("e")[2]) if value > 0.0 else 0
    return f"{value:.{max(2 + more - exponent, 0)}f}"


def percent(value: float, more: int = 0) -> str:
    """Write a share.

    >>> percent(0.9305), percent(float("nan"))
    ('93.0%', 'not known')
    """
    return UNKNOWN if not math.isfinite(value) else signed(value, f"z.{1 + more}%")


def correlation(value: float, more: int = 0) -> str:
    """Write a correlation.

    >>> correlation(-0.25)
    '−0.250'
    """
    return UNKNOWN if not math.isfinite(value) else signed(value, f"z.{3 + more}f")


def ratio(value: float, more: int = 0) -> str:
    """Write how many times as much one is as the other.

    >>> ratio(1.5)
    '1.50×'
    """
    return UNKNOWN if not math.isfinite(value) else signed(value, f"z.{2 + more}f") + "×"


def count(value: float, more: int = 0) -> str:
    """Write a number of sessions or trials; a part of one counts in full.

    >>> count(503.2), count(float("inf"))
    ('504', 'not known')
    """
    return UNKNOWN if not math.isfinite(value) else f"{math.ceil(value):,}"


def apart(unit: Unit, value: float, threshold: float) -> tuple[str, str]:
    """Write two figures with as many digits as tell them apart, unless they are equal.

    >>> apart(sharpe, 0.1999, 0.2), apart(sharpe, 0.2, 0.2), apart(sharpe, 0.1, 0.2)
    (('0.1999', '0.2000'), ('0.20', '0.20'), ('0.10', '0.20'))
    """
    same = math.isclose(value, threshold, rel_tol=1e-9, abs_tol=1e-12)
    for more in range(MOST_DIGITS + 1):
        told = unit(value, more), unit(threshold, more)
        if same or told[0] != told[1]:
            break
    return told
