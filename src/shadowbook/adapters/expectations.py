"""Great Expectations: runs a suite's checks on prepared tables and keeps the data docs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shadowbook.core.gates.suite import Check, CheckResult, Kind, Offender, Suite
from shadowbook.errors import PermanentError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "tables"
"""The one data source and asset of the context; what is judged is given with each run."""

ROW_KINDS = frozenset({"unique", "not_null", "between", "in_set", "equal"})


class Expectations:
    """A Great Expectations file context under one folder.

    Parameters
    ----------
    folder : holds the context, every validation result and the data docs.
    kept : results kept of each table; the verdicts themselves live with the runs they judged.
    """

    def __init__(self, folder: Path, kept: int = 20) -> None:
        self._folder = folder
        self._kept = kept

    @property
    def docs_path(self) -> Path:
        """The data docs' first page; it exists after the first ``evaluate``."""
        site = self._folder / "gx" / "uncommitted" / "data_docs" / "local_site"
        return site / "index.html"

    def evaluate(self, suite: Suite, tables: Mapping[str, pd.DataFrame]) -> tuple[CheckResult, ...]:
        """Run every check of a suite and renew the data docs.

        Parameters
        ----------
        suite : checks; those on a table that is not given come back as errored.
        tables : name -> prepared measures.

        Returns
        -------
        One result a check, in the suite's order.

        Raises
        ------
        PermanentError
            When Great Expectations itself fails, or the folder cannot be written.
        """
        from great_expectations.exceptions import GreatExpectationsError

        try:
            context = self._context()
            found: dict[str, CheckResult] = {}
            for table in dict.fromkeys(check.table for check in suite.checks):
                checks = [check for check in suite.checks if check.table == table]
                if table not in tables:
                    found.update((c.name, _absent(c)) for c in checks)
                    continue
                rows = tables[table].set_axis(_labels(tables[table], checks), axis=0)
                answer = _validate(context, f"{suite.feed}_{table}", checks, rows)
                found.update(_results(checks, answer, rows))
            names = {f"{suite.feed}_{check.table}" for check in suite.checks}
            _renew_docs(context, names, self._kept)
        except GreatExpectationsError as error:
            raise PermanentError(
                f"Great Expectations could not check feed {suite.feed} in {self._folder}: {error}; "
                "the folder holds nothing that cannot be made again, so remove it and repeat"
            ) from error
        except OSError as error:
            raise PermanentError(
                f"the data docs in {self._folder} cannot be written: {error}; free the disk or "
                "mend the folder's rights"
            ) from error
        return tuple(found[check.name] for check in suite.checks)

    def _context(self) -> Any:
        import great_expectations as gx

        # Its pages are not worth a traceback each on a full disk; the error itself is raised.
        logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
        from great_expectations.data_context.types.base import ProgressBarsConfig

        self._folder.mkdir(parents=True, exist_ok=True)
        # Definitions tie a suite to its batch for one run; one left by a killed process would
        # be read, and stop the next.
        for left in (self._folder / "gx" / "validation_definitions").glob("*.json"):
            left.unlink()
        context = gx.get_context(mode="file", project_root_dir=str(self._folder))
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        return context


def _absent(check: Check) -> CheckResult:
    return CheckResult(check.name, False, True, 0, 0, message=f"table {check.table} is not there")


def _validate(context: Any, name: str, checks: Sequence[Check], table: pd.DataFrame) -> Any:
    """Run the checks of one table as one validation, kept under ``name``."""
    import great_expectations as gx

    suite = context.suites.add_or_update(
        gx.ExpectationSuite(name=name, expectations=[_expectation(check) for check in checks])
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=_batch(context), suite=suite)
    )
    return definition.run(
        batch_parameters={"dataframe": table},
        result_format={
            "result_format": "COMPLETE",
            "return_unexpected_index_query": False,
        },
    )


def _labels(table: pd.DataFrame, checks: Sequence[Check]) -> pd.Index:
    """Name each row by its key, as ``KO 2020-03-04``, so that the data docs name offenders too.

    Great Expectations can name rows by columns, but looks up cell by cell: a defect in each of
    166,000 bars took it a minute. The labels of the index cost nothing. They differ from row to
    row, for the rows are found again by them.
    """
    import numpy as np
    import pandas as pd

    key = next((check.key for check in checks if check.key), ())
    if not key or not set(key) <= set(table.columns):
        return pd.RangeIndex(len(table))
    labels = pd.Series("", index=range(len(table)))
    for column in key:
        cells = table[column].to_numpy()
        days = np.datetime_as_string(cells, unit="D") if cells.dtype.kind == "M" else cells
        labels += pd.Series(days).astype(str) + " "
    labels = labels.str.rstrip()
    again = labels.groupby(labels).cumcount()
    labels = labels.where(again == 0, labels + " (" + (again + 1).astype(str) + ")")
    # A named index would be looked up cell by cell as well.
    return pd.Index(labels.to_numpy())


def _batch(context: Any) -> Any:
    """Open the whole-frame batch; made once, for each change rewrites the context's file."""
    if SOURCE in context.data_sources.all():
        try:
            return context.data_sources.get(SOURCE).get_asset(SOURCE).get_batch_definition(SOURCE)
        except LookupError:
            # A process killed between the two steps below left a source without its batch.
            context.data_sources.delete(SOURCE)
    asset = context.data_sources.add_pandas(SOURCE).add_dataframe_asset(SOURCE)
    return asset.add_batch_definition_whole_dataframe(SOURCE)


def _renew_docs(context: Any, names: set[str], kept: int) -> None:
    """Render the newest result of the named suites, and drop results that are long past.

    A full build renders every result ever kept: its time would grow with every run.
    """
    store = context.validation_results_store
    stored: dict[str, list[Any]] = {}
    for key in store.list_keys():
        stored.setdefault(key.expectation_suite_identifier.name, []).append(key)
    fresh = []
    for name, keys in stored.items():
        keys.sort(key=lambda key: key.run_id.run_time, reverse=True)
        for key in keys[kept:]:
            store.remove_key(key)
        if name in names:
            fresh += [keys[0], keys[0].expectation_suite_identifier]
    context.build_data_docs(resource_identifiers=fresh)


def _expectation(check: Check) -> Any:
    """Say a check in Great Expectations' words."""
    from great_expectations import expectations as gxe

    limits = {"min_value": check.minimum, "max_value": check.maximum}
    first = check.columns[0] if check.columns else ""
    words: dict[Kind, tuple[Any, dict[str, Any]]] = {
        "column_exists": (gxe.ExpectColumnToExist, {"column": first}),
        "row_count": (gxe.ExpectTableRowCountToBeBetween, limits),
        "unique": (gxe.ExpectCompoundColumnsToBeUnique, {"column_list": list(check.columns)}),
        "not_null": (gxe.ExpectColumnValuesToNotBeNull, {"column": first}),
        "between": (
            gxe.ExpectColumnValuesToBeBetween,
            {"column": first, "strict_min": check.strict_minimum, **limits},
        ),
        "in_set": (
            gxe.ExpectColumnValuesToBeInSet,
            {"column": first, "value_set": list(check.allowed)},
        ),
        "equal": (
            gxe.ExpectColumnPairValuesToBeEqual,
            {"column_A": first, "column_B": check.columns[-1] if check.columns else ""},
        ),
    }
    expectation, asked = words[check.kind]
    return expectation(
        severity=check.severity, meta={"check": check.name}, notes=check.what, **asked
    )


def _results(checks: Iterable[Check], answer: Any, rows: pd.DataFrame) -> dict[str, CheckResult]:
    """Read the answers back; a check that has none counts as errored."""
    told = {result.expectation_config.meta["check"]: result for result in answer.results}
    return {
        check.name: _result(check, told[check.name], rows)
        if check.name in told
        else CheckResult(check.name, False, True, len(rows), 0, message="no answer")
        for check in checks
    }


def _result(check: Check, result: Any, rows: pd.DataFrame) -> CheckResult:
    trouble = _trouble(result.exception_info)
    if trouble:
        return CheckResult(check.name, False, True, len(rows), 0, message=trouble)
    told = result.result
    if check.kind not in ROW_KINDS:
        return CheckResult(
            check=check.name,
            success=bool(result.success),
            errored=False,
            n_rows=1,
            n_unexpected=int(not result.success),
            observed=str(told.get("observed_value", "absent" if not result.success else "present")),
        )
    return CheckResult(
        check=check.name,
        success=bool(result.success),
        errored=False,
        n_rows=int(told["element_count"]),
        n_unexpected=int(told["unexpected_count"]),
        offenders=_offenders(check, rows, told.get("unexpected_index_list") or ()),
    )


def _offenders(check: Check, rows: pd.DataFrame, labels: Sequence[object]) -> tuple[Offender, ...]:
    """Find the offending rows again; sessions become dates, NaT becomes None."""
    import pandas as pd

    found = rows.iloc[rows.index.get_indexer(pd.Index(labels))]
    named = {column: _plain(found[column]) for column in check.row_columns}
    return tuple(
        Offender(value, {column: cells[i] for column, cells in named.items()})
        for i, value in enumerate(_plain(found[check.columns[0]]))
    )


def _plain(values: pd.Series) -> list[object]:
    """Turn a column into Python's own scalars."""
    if values.dtype.kind != "M":
        return list(values.tolist())
    moments = values.dt.date if values.dt.tz is None else values.map(lambda at: at.isoformat())
    return [None if missing else at for at, missing in zip(moments, values.isna(), strict=True)]


def _trouble(info: Mapping[str, Any]) -> str:
    """Say what broke inside the expectation, empty when nothing did."""
    if "raised_exception" in info:
        info = {"": info}
    told = [str(i["exception_message"]) for i in info.values() if i["raised_exception"]]
    return " ".join(told[0].split())[:300] if told else ""
