"""Great Expectations: runs a suite's checks on prepared tables and keeps the data docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shadowbook.core.gates.suite import Check, CheckResult, Kind, Offender, Suite
from shadowbook.errors import PermanentError

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "tables"
"""The one data source and asset of the context; what is judged is given with each run."""

NAMED = 5000
"""Offending rows brought back of a check; the verdict halts where a quarantine has more."""

KEPT = 20
"""Results kept of each table; the verdicts themselves live with the runs they judged."""

ROW_KINDS = frozenset({"unique", "not_null", "between", "in_set", "equal"})


class Expectations:
    """A Great Expectations file context under one folder.

    Parameters
    ----------
    folder : holds the context, every validation result and the data docs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

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
                answer = _validate(context, f"{suite.feed}_{table}", checks, tables[table])
                found.update(_results(checks, answer, len(tables[table])))
            _renew_docs(context, {f"{suite.feed}_{check.table}" for check in suite.checks})
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
    wanted = dict.fromkeys(c for check in checks for c in (*check.row_columns, *check.columns))
    return definition.run(
        batch_parameters={"dataframe": table},
        result_format={
            "result_format": "SUMMARY",
            "partial_unexpected_count": NAMED,
            "unexpected_index_column_names": [c for c in wanted if c in table.columns],
            "return_unexpected_index_query": False,
        },
    )


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


def _renew_docs(context: Any, names: set[str]) -> None:
    """Render the newest result of the named suites, and drop results that are long past.

    A full build renders every result ever kept: its time would grow with every run.
    """
    store = context.validation_results_store
    kept: dict[str, list[Any]] = {}
    for key in store.list_keys():
        kept.setdefault(key.expectation_suite_identifier.name, []).append(key)
    fresh = []
    for name, keys in kept.items():
        keys.sort(key=lambda key: key.run_id.run_time, reverse=True)
        for key in keys[KEPT:]:
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


def _results(checks: Iterable[Check], answer: Any, n_rows: int) -> dict[str, CheckResult]:
    """Read the answers back; a check without one is left for the verdict to miss."""
    by_name = {check.name: check for check in checks}
    found = {}
    for result in answer.results:
        check = by_name[result.expectation_config.meta["check"]]
        found[check.name] = _result(check, result, n_rows)
    return {
        n: found.get(n) or CheckResult(n, False, True, 0, 0, message="no answer") for n in by_name
    }


def _result(check: Check, result: Any, n_rows: int) -> CheckResult:
    trouble = _trouble(result.exception_info)
    if trouble:
        return CheckResult(check.name, False, True, n_rows, 0, message=trouble)
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
    offenders = [_offender(check, row) for row in told.get("partial_unexpected_index_list") or ()]
    return CheckResult(
        check=check.name,
        success=bool(result.success),
        errored=False,
        n_rows=int(told["element_count"]),
        n_unexpected=int(told["unexpected_count"]),
        offenders=tuple(offenders),
    )


def _trouble(info: Mapping[str, Any]) -> str:
    """Say what broke inside the expectation, empty when nothing did."""
    if "raised_exception" in info:
        info = {"": info}
    told = [str(i["exception_message"]) for i in info.values() if i["raised_exception"]]
    return " ".join(told[0].split())[:300] if told else ""


def _offender(check: Check, row: Mapping[str, Any]) -> Offender:
    wanted = check.row_columns
    return Offender(
        value=_plain(row[check.columns[0]]), row={name: _plain(row[name]) for name in wanted}
    )


def _plain(value: Any) -> object:
    """Turn a vendor's scalar into Python's; sessions become dates, NaT becomes None."""
    import pandas as pd

    if value is pd.NaT:
        return None
    if isinstance(value, datetime):
        return value.date() if value.tzinfo is None else value.isoformat()
    return value.item() if hasattr(value, "item") else value
