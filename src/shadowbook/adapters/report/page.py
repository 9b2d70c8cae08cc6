"""The page of a run, put together. It loads nothing, runs nothing and reads alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from shadowbook.adapters.report.gates import Verdict, gates_section, gates_sentence
from shadowbook.adapters.report.html import Figure, document, facts, paragraph
from shadowbook.adapters.report.provenance import provenance_section
from shadowbook.adapters.report.style import PATTERNS, STYLE
from shadowbook.adapters.report.summary import (
    candidates_section,
    doubts_section,
    training_summary,
)
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import moment

Manifest = Mapping[str, Any]

NAMES = {
    "training": "Training run",
    "ingest": "Ingest",
    "gate": "Gate",
    "features": "Feature build",
}

SHORT = {
    "equity": "Earnings",
    "drawdown": "Drawdown",
    "skill": "Ranking",
    "importances": "Features",
    "folds": "Folds",
    "coverage": "Prices",
}
"""What the links at the top call the figures."""

PLAIN = {
    "added": "rows new to the accepted prices",
    "restated": "of them, sessions told anew",
    "rows": "rows known",
    "first": "first session",
    "last": "last session",
    "parity, as of": "online against offline, at",
    "parity, max difference": "largest difference",
    "parity, n compared": "values compared",
    "parity, n missing": "values on one side only",
}
"""Words for what a manifest's report names."""


def training_page(
    manifest: Manifest,
    verdicts: Sequence[Verdict],
    lineage: Sequence[Manifest],
    figures: Sequence[Figure],
) -> str:
    """Write the page of a training run.

    Parameters
    ----------
    manifest : of the run, plain values.
    verdicts : what every gate along the way said, as the manifests record it.
    lineage : manifests of the runs whose data it read, and of those they read from.
    figures : in the order they are read.
    """
    parts = [
        ("doubts", "Doubts", doubts_section(manifest, verdicts)),
        ("candidates", "Candidates", candidates_section(manifest)),
        *((figure.ident, SHORT[figure.ident], str(figure)) for figure in figures),
        ("gates", "Gates", gates_section(verdicts)),
        ("manifest", "Manifest", provenance_section(manifest, lineage)),
    ]
    return _document(
        f"{manifest['strategy']} as of {moment(manifest['as_of'])}",
        manifest,
        training_summary(manifest, verdicts),
        parts,
    )


def step_page(manifest: Manifest, verdicts: Sequence[Verdict], lineage: Sequence[Manifest]) -> str:
    """Write the page of a run that trains nothing: what its manifest has."""
    told = [
        ("outcome", manifest["outcome"]),
        ("knows", f"everything known at {moment(manifest['as_of'])}, and nothing later"),
        ("run", manifest["run_id"]),
    ]
    parts = []
    if verdicts:
        told.append(("gates", gates_sentence(verdicts)))
        parts.append(("gates", "Gates", gates_section(verdicts)))
    told += _flat(manifest.get("report") or {})
    parts.append(("manifest", "Manifest", provenance_section(manifest, lineage)))
    title = f"{NAMES[manifest['kind']]} as of {moment(manifest['as_of'])}"
    return _document(title, manifest, facts(told), parts)


def _flat(report: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    told = []
    for key, value in report.items():
        name = f"{above}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            told += _flat(value, f"{name}, ")
        else:
            shown = f"{value:,}" if isinstance(value, int) else str(value)
            told.append((PLAIN.get(name, name), shown))
    return told


def _document(
    title: str, manifest: Manifest, summary: str, parts: Sequence[tuple[str, str, str]]
) -> str:
    links = "".join(element("a", escape(name), href=f"#{ident}") for ident, name, _ in parts)
    header = element("h1", escape(title))
    run = f"{NAMES[manifest['kind']]} {manifest['run_id'][:8]}"
    header += paragraph(f"{run}, made {moment(manifest['created_at'])}", "faint")
    footer = paragraph(
        "Every number comes from the run's manifest and its out-of-sample predictions; "
        "formulas and sources: docs/report.md and docs/statistics.md of Shadowbook. Curves are "
        "thinned for drawing, numbers never.",
        "faint",
    )
    body = (
        PATTERNS
        + element("header", header + element("nav", links, aria_label="Sections"))
        + element("main", element("div", summary, class_="summary") + "".join(p for *_, p in parts))
        + element("footer", footer)
    )
    return document(title, body, STYLE)
