"""Shape of a table before anything is measured: rows, columns, types, columns without values."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from shadowbook.core.gates.suite import Check, Tables

TEXT, DAY, INSTANT, NUMBER = "text", "session date", "UTC time", "number"


def shape_tables(frame: pd.DataFrame, expected: Mapping[str, str], feed: str) -> Tables:
    """Describe each expected column in one row.

    Parameters
    ----------
    frame : the table as it came.
    expected : column -> one of ``TEXT``, ``DAY``, ``INSTANT``, ``NUMBER``.
    feed : name of the raw table among the returned.

    Returns
    -------
    ``{feed: frame, "columns": one row per expected column that is there}``; ``filled`` is the
    share of its values that are not missing, NaN in an empty table.
    """
    rows = [
        {
            "column": name,
            "expected": kind,
            "found": _kind(frame[name]),
            "filled": float(frame[name].notna().mean()),
        }
        for name, kind in expected.items()
        if name in frame
    ]
    columns = pd.DataFrame(rows, columns=["column", "expected", "found", "filled"])
    return {feed: frame, "columns": columns}


def shape_checks(expected: Mapping[str, str], feed: str) -> tuple[Check, ...]:
    """List the checks on rows, columns and types; each is critical and halts."""
    exists = [
        Check(
            name=f"has_{name}",
            table=feed,
            kind="column_exists",
            columns=(name,),
            severity="critical",
            action="halt",
            what=f"there is no column {name}",
            remedy=f"name the source's column for {name} in the column map",
        )
        for name in expected
    ]
    rows = Check(
        name="has_rows",
        table=feed,
        kind="row_count",
        columns=(),
        minimum=1,
        severity="critical",
        action="halt",
        what="the table is empty",
        remedy="check the source, the file's span and --as-of",
    )
    types = Check(
        name="column_types",
        table="columns",
        kind="equal",
        columns=("found", "expected"),
        key=("column",),
        details=("found", "expected"),
        severity="critical",
        action="halt",
        what="the column holds {found} where {expected} is needed",
        remedy="mend the column or its place in the column map",
    )
    filled = Check(
        name="columns_filled",
        table="columns",
        kind="between",
        columns=("filled",),
        minimum=0,
        strict_minimum=True,
        key=("column",),
        severity="critical",
        action="halt",
        what="the column holds no value at all",
        remedy="mend it at the source or leave it out of the column map",
    )
    return (rows, *exists, types, filled)


def is_sound(tables: Tables, expected: Mapping[str, str], feed: str) -> bool:
    """Tell whether the table can be measured; the checks above say why where it cannot."""
    columns = tables["columns"]
    return bool(
        len(tables[feed])
        and len(columns) == len(expected)
        and (columns["found"] == columns["expected"]).all()
        and (columns["filled"] > 0).all()
    )


def _kind(values: pd.Series) -> str:
    dtype = values.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        return INSTANT if str(dtype.tz) == "UTC" else f"times in {dtype.tz}"
    if pd.api.types.is_datetime64_dtype(dtype):
        days = values.dropna()
        return DAY if (days == days.dt.normalize()).all() else "naive time"
    if pd.api.types.is_bool_dtype(dtype):
        return "true and false"
    if pd.api.types.is_numeric_dtype(dtype):
        return NUMBER
    present = values.dropna()
    if len(present) and all(isinstance(v, str) and v.strip() for v in present.unique()):
        return TEXT
    return "nothing" if present.empty else "mixed values"
