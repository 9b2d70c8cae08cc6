"""Numbers, metrics and moments as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

COLUMNS: tuple[tuple[str, str, str, float], ...] = (
    ("information_coefficient", "IC", ".4f", 1.0),
    ("hit_rate", "hit rate", ".1%", 1.0),
    ("sharpe_annualized", "Sharpe p.a.", ".2f", 1.0),
    ("max_drawdown", "max drawdown", ".1%", 1.0),
    ("turnover", "turnover", ".1%", 1.0),
)
"""Metrics of the candidates' table: key, heading, format, factor."""

FORMATS: Mapping[str, str] = {key: form for key, _, form, _ in COLUMNS}

Metrics = Mapping[str, Mapping[str, Any]]

TWO = 1.96
"""Standard errors on either side that make a 95 % interval."""


def signed(value: float, form: str) -> str:
    """Write a number with a true minus sign.

    >>> signed(-0.5, ".1%")
    '−50.0%'
    """
    return f"{value:{form}}".replace("-", "\N{MINUS SIGN}")


def with_error(metric: Mapping[str, Any], form: str) -> str:
    """Write a recorded metric with its standard error.

    >>> with_error({"status": "OK", "value": 0.33, "standard_error": 0.2}, ".2f")
    '0.33 ± 0.20'
    """
    if metric["status"] != "OK" or metric["value"] is None:
        return "not computable"
    value = signed(metric["value"], form)
    error = metric["standard_error"]
    return value if error is None else f"{value} ± {error:{form}}"


def distance(metric: Mapping[str, Any], from_value: float = 0.0) -> float | None:
    """Count the standard errors between a metric and no skill; None where either is missing."""
    if metric["status"] != "OK" or metric["value"] is None or not metric["standard_error"]:
        return None
    return float((metric["value"] - from_value) / metric["standard_error"])


def moment(text: str) -> str:
    """Write an ISO 8601 time as a person does.

    >>> moment("2022-12-28T21:15:00+00:00")
    '2022-12-28 21:15 UTC'
    """
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def listed(items: Sequence[str], most: int = 8) -> str:
    """Join with commas and an 'and'; many are cut short.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], 2)
    ('a, b and c', 'a, b and 1 more')
    """
    shown = list(items[:most])
    if len(items) > most:
        shown.append(f"{len(items) - most} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def counted(n: int, one: str, many: str = "") -> str:
    """Write a number with its noun.

    >>> counted(1, "check"), counted(1200, "check"), counted(2, "entry", "entries")
    ('1 check', '1,200 checks', '2 entries')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"
