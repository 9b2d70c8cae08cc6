"""Pages that show how the features moved since training, or since a reference (Evidently).

For eyes only: nothing decides on them. Evidently is slow and marks far too much as drifted, so it
is given a sample, and the page says so at its top. Decisions on drift are `core.drift`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shadowbook.adapters.disk import replace_text
from shadowbook.errors import PermanentError, SchemaError

if TYPE_CHECKING:
    import pandas as pd

LEAST_ROWS = 30
"""Fewer values draw a histogram of chance: three rows are "100 % drifted"."""

MARK = 0.1
"""Evidently's own limit for its normed Wasserstein distance."""

LEAST_SPREAD = 0.001
"""Evidently divides by no deviation smaller than this."""

_STYLE = """
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:;
 script-src 'unsafe-inline'; style-src 'unsafe-inline'; font-src data:">
<style>
.shadowbook { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 60rem; margin: 0 auto; padding: 1rem; }
.shadowbook h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
.shadowbook .notice { border-left: 4px solid #0072b2; padding: .25rem .75rem; margin: 0 0 1rem; }
.shadowbook table { border-collapse: collapse; margin: 0 0 1rem; }
.shadowbook th, .shadowbook td { text-align: left; padding: .2rem 1rem .2rem 0; }
.shadowbook td.number, .shadowbook th.number { text-align: right; }
.shadowbook li, .shadowbook td { overflow-wrap: anywhere; }
</style>
"""


@dataclass(frozen=True, eq=False)
class _Sample:
    """One side of the comparison: everything there is, and the rows that are drawn."""

    name: str
    everything: pd.DataFrame
    drawn: pd.DataFrame

    def period(self) -> str:
        sessions = self.everything["session"]
        if sessions.empty:
            return "no sessions"
        return f"{sessions.min():%Y-%m-%d} to {sessions.max():%Y-%m-%d}"

    def missing(self, column: str) -> float:
        return float(1.0 - np.isfinite(self.everything[column].astype("float64")).mean())


class DriftReports:
    """Draws drift pages; the one door to Evidently."""

    def page(
        self,
        reference: pd.DataFrame,
        current: pd.DataFrame,
        columns: Sequence[str],
        destination: Path,
        title: str,
        max_rows: int,
        rng: np.random.Generator,
        names: tuple[str, str] = ("Reference (trained on)", "Current"),
    ) -> None:
        """Write one self-contained HTML page that compares distributions of features.

        Parameters
        ----------
        reference : what the model was trained on, or is held against: ``session`` (datetime64)
            and ``columns``.
        current : the newest sessions, same columns.
        columns : features to compare; NaN and infinities are left out of a distribution and
            their shares are listed. A column with fewer than 30 finite values in either drawn
            sample is left out and named.
        destination : the HTML file; replaced whole.
        title : heading of the page, plain text.
        max_rows : rows drawn of each frame, without replacement and in their order; Evidently
            takes about 2 s for 2,000 rows x 25 columns.
        rng : chooses the rows.
        names : what the page calls the two frames, plain text.

        Fewer than 30 rows in either frame, or no column left, give a page that says
        NOT_COMPUTABLE and why.

        Raises
        ------
        SchemaError
            When a frame lacks ``session`` or one of the columns, or they hold neither dates nor
            numbers.
        PermanentError
            When Evidently fails or the page cannot be written.
        """
        samples = (
            _sample(names[0], reference, columns, max_rows, rng),
            _sample(names[1], current, columns, max_rows, rng),
        )
        kept, left_out = _comparable(samples, columns)
        reason = _too_few(samples, kept)
        if reason:
            html = f'<!DOCTYPE html>\n<html lang="en">\n<head>{_META}</head>\n<body></body></html>'
            notes = f"<p><strong>NOT_COMPUTABLE</strong>: {escape(reason)}.</p>"
        else:
            html = _draw(samples, kept, destination)
            notes = _reading(samples[0], kept) + _left_out(left_out) + _missing(samples, kept)
        replace_text(destination, _inject(html, _header(title, samples) + notes, title))


_META = (
    '<meta charset="UTF-8"><meta name="viewport" content="width=device-width, initial-scale=1.0">'
)


def _sample(
    name: str,
    frame: pd.DataFrame,
    columns: Sequence[str],
    max_rows: int,
    rng: np.random.Generator,
) -> _Sample:
    absent = [column for column in ("session", *columns) if column not in frame.columns]
    if absent:
        raise SchemaError(f"drift page, {name}: no column {', '.join(absent)}; pass the log's rows")
    words = [column for column in columns if frame[column].dtype.kind not in "biuf"]
    if words:
        raise SchemaError(f"drift page, {name}: {', '.join(words)} must hold numbers")
    if frame["session"].dtype.kind != "M":
        raise SchemaError(f"drift page, {name}: session must hold naive dates (datetime64)")
    rows = np.arange(len(frame))
    if len(frame) > max_rows:
        rows = np.sort(rng.choice(len(frame), size=max_rows, replace=False))
    drawn = frame.iloc[rows][list(columns)].astype("float64")
    drawn = drawn.where(np.isfinite(drawn))
    drawn.insert(0, "session", frame["session"].iloc[rows])
    return _Sample(name, frame, drawn.reset_index(drop=True))


def _comparable(
    samples: tuple[_Sample, _Sample], columns: Sequence[str]
) -> tuple[list[str], list[str]]:
    kept, left_out = [], []
    for column in columns:
        counts = [int(sample.drawn[column].notna().sum()) for sample in samples]
        if min(counts) >= LEAST_ROWS:
            kept.append(column)
        else:
            left_out.append(
                f"{column} ({counts[0]} finite values in the reference, {counts[1]} now)"
            )
    return kept, left_out


def _too_few(samples: tuple[_Sample, _Sample], kept: list[str]) -> str:
    for sample in samples:
        if len(sample.drawn) < LEAST_ROWS:
            return f"{sample.name} has {len(sample.drawn)} rows and {LEAST_ROWS} are needed"
    return "" if kept else f"no column has {LEAST_ROWS} finite values in both samples"


def _draw(samples: tuple[_Sample, _Sample], columns: list[str], destination: Path) -> str:
    from evidently import DataDefinition, Dataset, Report
    from evidently.errors import EvidentlyError
    from evidently.presets import DataDriftPreset

    definition = DataDefinition(timestamp="session", numerical_columns=columns)
    reference, current = (
        Dataset.from_pandas(sample.drawn[["session", *columns]], data_definition=definition)
        for sample in samples
    )
    # One distance for every column: left alone, Evidently changes the method with the row count.
    preset = DataDriftPreset(columns=columns, num_method="wasserstein", num_threshold=MARK)
    try:
        # A column that no longer reaches the reference's bins divides 0 by 0 inside numpy.
        with np.errstate(invalid="ignore", divide="ignore"):
            html: str = (
                Report([preset], include_tests=False).run(current, reference).get_html_str(False)
            )
    except (EvidentlyError, ValueError) as error:
        raise PermanentError(
            f"Evidently cannot draw {destination.name} from {len(columns)} columns: {error}"
        ) from error
    return html


def _header(title: str, samples: tuple[_Sample, _Sample]) -> str:
    rows = "".join(
        f"<tr><td>{escape(sample.name)}</td><td>{sample.period()}</td>"
        f'<td class="number">{len(sample.everything):,}</td>'
        f'<td class="number">{len(sample.drawn):,}</td></tr>'
        for sample in samples
    )
    return (
        f"<h1>{escape(title)}</h1>"
        '<p class="notice"><strong>For looking only: no decision is based on this page.</strong> '
        "It compares the distributions of samples drawn from two spans of sessions.</p>"
        '<table><tr><th>Sample</th><th>Sessions</th><th class="number">Rows</th>'
        f'<th class="number">Drawn</th></tr>{rows}</table>'
    )


def _left_out(columns: Sequence[str]) -> str:
    listed = "".join(f"<li>{escape(column)}</li>" for column in columns)
    return f"<p>Left out, NOT_COMPUTABLE:</p><ul>{listed}</ul>" if listed else ""


def _reading(reference: _Sample, columns: list[str]) -> str:
    text = (
        "<p>Drift score: Wasserstein distance in standard deviations of the reference. "
        f"&ldquo;Detected&rdquo; is Evidently's word for a score of {MARK:g} or more; rows of "
        "neighboring sessions repeat each other, so a few weeks reach it without any change.</p>"
    )
    narrow = [name for name in columns if np.nanstd(reference.drawn[name]) < LEAST_SPREAD]
    if narrow:
        text += (
            f"<p>Scores that say nothing, because the reference spreads less than {LEAST_SPREAD:g} "
            f"and Evidently divides by {LEAST_SPREAD:g} instead: {escape(', '.join(narrow))}.</p>"
        )
    return text


def _missing(samples: tuple[_Sample, _Sample], columns: list[str]) -> str:
    rows = "".join(
        f'<tr><td>{escape(column)}</td><td class="number">{shares[0]:.1%}</td>'
        f'<td class="number">{shares[1]:.1%}</td></tr>'
        for column in columns
        if any(shares := [sample.missing(column) for sample in samples])
    )
    if not rows:
        return "<p>No values are missing in the columns drawn.</p>"
    return (
        "<details><summary>Missing values (not part of the distributions)</summary><table>"
        '<tr><th>Column</th><th class="number">Reference</th><th class="number">Current</th></tr>'
        f"{rows}</table></details>"
    )


def _inject(html: str, header: str, title: str) -> str:
    """Put our part into a page; the policy in it forbids the browser to load anything."""
    head, opened, body = html.partition("<body>")
    before, closed, after = head.rpartition("</head>")
    if not opened or not closed:
        raise PermanentError("Evidently's page has no <head> and <body>: check its version")
    return (
        f"{before}<title>{escape(title)}</title>{_STYLE}{closed}{after}"
        f'{opened}<div class="shadowbook">{header}</div>{body}'
    )
