"""A run's manifest in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from shadowbook.rendering import console

if TYPE_CHECKING:
    from shadowbook.steps.lineage import Lineage

Section = tuple[str, Iterable[tuple[str, Any]]]

SHOWN = 8
"""Characters of a run's id that a line shows; commands take them for the whole."""

WIDTH = 24


def show_manifest(found: Lineage) -> None:
    """Print a run's manifest and where its data came from."""
    shown, manifest = console(), found.manifest
    sections = [_head(manifest), *_came_to(manifest), _books(manifest)]
    sections += [_code(manifest), _environment(manifest)]
    sections += [*_data(manifest), *_training(manifest)]
    sections += [("where it came from", _ancestors(found))]
    for title, rows in sections:
        lines = list(rows)
        if not lines:
            continue
        shown.print(f"[bold]{title}[/]", highlight=False)
        for key, value in lines:
            shown.print(f"  {key:<{WIDTH}} {value}", markup=False, highlight=False, soft_wrap=True)


def _head(manifest: Mapping[str, Any]) -> Section:
    kind, outcome = manifest.get("kind", "training"), manifest.get("outcome", "DONE")
    rows = [("kind", kind), ("outcome", outcome)]
    rows += [("as of", manifest["as_of"]), ("made at", manifest["created_at"])]
    if "strategy" in manifest:
        model = f"{manifest['strategy']} version {manifest['model_version']}"
        rows += [("strategy", manifest["strategy"]), ("model", model)]
        rows += [("candidate", manifest["candidate"])]
    if "cause" in manifest:
        rows.append(("because of", manifest["cause"]["alert"]))
    return f"run {manifest['run_id']}", rows


def _came_to(manifest: Mapping[str, Any]) -> Iterator[Section]:
    report = manifest.get("report")
    if report:
        yield "what it did", _flat(report)
    verdicts = manifest.get("verdicts") or []
    verdicts = verdicts or ([manifest["verdict"]] if "verdict" in manifest else [])
    if verdicts:
        yield "what the gates said", [line for verdict in verdicts for line in _verdict(verdict)]


def _books(manifest: Mapping[str, Any]) -> Section:
    rows = [
        (f"{book['strategy']} {book['book']}", _book(book)) for book in manifest.get("books", ())
    ]
    if "ledger" in manifest:
        after = manifest["ledger"]
        rows.append(("ledger after it", f"{after['events']:,} events, {after['head']}"))
    return "books", rows


def _book(book: Mapping[str, Any]) -> str:
    """Tell of a book that was traded, or of one that was watched."""
    version = f"model version {book['model_version']}"
    if "outcome" not in book:
        return version
    return f"{book['outcome']}, {version} (run {(book['model_run'] or 'unknown')[:SHOWN]})"


def _flat(report: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in report.items():
        name = f"{above}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name} ")
        else:
            yield name, value


def _verdict(verdict: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    passed = verdict["outcome"] in ("PASSED", "WARNED")
    dropped = "" if passed or verdict["halts"] else ", dropped: it fails open"
    yield verdict["feed"], f"{verdict['outcome']}{dropped} ({len(verdict['findings'])} checks)"
    for reason in verdict["reasons"]:
        yield "", f"- {reason}"
    for span in verdict["quarantined"]:
        until = span["last"] or "further notice"
        yield "", f"quarantined: {span['symbol']}, {span['first']} to {until}: {span['reason']}"


def _code(manifest: Mapping[str, Any]) -> Section:
    rows = [
        ("commit", manifest["commit"]),
        ("not committed, SHA-256", manifest["patch_sha256"]),
        ("source, SHA-256", manifest["layers"]["code"]["source_sha256"]),
        ("settings, SHA-256", manifest["settings_sha256"]),
    ]
    return "code", rows + ([("seed", manifest["seed"])] if "seed" in manifest else [])


def _environment(manifest: Mapping[str, Any]) -> Section:
    found = manifest["layers"]["environment"]
    rows = [(key, value) for key, value in found.items() if key != "packages"]
    return "environment", rows + list(found["packages"].items())


def _data(manifest: Mapping[str, Any]) -> Iterator[Section]:
    yield (
        "files it read",
        [
            (item["path"], f"SHA-256 {item['sha256']}  {item['bytes']:,} bytes")
            for item in manifest.get("sources", ())
        ],
    )
    for title, pins in (("data it read", "pins"), ("data it wrote", "made")):
        yield (
            title,
            [
                (name, f"{pin['md5']}  {pin['files']} files, {pin['bytes']:,} bytes")
                for name, pin in manifest.get(pins, {}).items()
            ],
        )


def _training(manifest: Mapping[str, Any]) -> Iterator[Section]:
    if "candidates" not in manifest:
        return
    made = manifest["layers"]
    features, folds = made["features"], made["folds"]["folds"]
    yield (
        "features",
        [
            ("definitions", features["fingerprint"]),
            ("rows", f"{features['n_rows']:,} x {len(features['columns'])}"),
            ("values, SHA-256", features["values"]),
        ],
    )
    yield (
        "folds",
        [
            (
                f"fold {fold['fold']}",
                f"train {fold['train_first']} to {fold['train_last']}, "
                f"test {fold['test_first']} to {fold['test_last']}",
            )
            for fold in folds
        ],
    )
    yield (
        "candidates",
        [
            (
                item["name"],
                f"IC {_shown(item, 'information_coefficient', '.4f')}, "
                f"Sharpe {_shown(item, 'sharpe_annualized', '.2f')}, "
                f"predictions {item['out_of_sample'][:16]}",
            )
            for item in manifest["candidates"]
        ],
    )
    yield (
        "what a rebuild must match",
        [
            ("prediction digest", manifest["prediction_digest"]),
            ("model file, SHA-256", manifest["artifact_sha256"]),
        ],
    )


def _shown(item: Mapping[str, Any], name: str, form: str) -> str:
    metric = item["metrics"][name]
    if metric["value"] is None:
        return "not computable"
    return f"{metric['value']:{form}} ± {metric['standard_error']:{form}}"


def _ancestors(found: Lineage, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield one line a parent, its own parents below it, indented."""
    for parent in found.manifest.get("parents", ()):
        above = found.parents.get(parent["pin"])
        name = f"{'  ' * depth}{parent['pin']}"
        line = f"{parent['kind']} {parent['run_id'][:SHOWN]}"
        if above is None:
            yield name, f"{line}, which it extends"
            continue
        yield name, f"{line} as of {above.manifest['as_of'][:16]}, {above.manifest['outcome']}"
        yield from _ancestors(above, depth + 1)
