"""A run's manifest in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shadowbook.rendering import console


def show_manifest(manifest: Mapping[str, Any]) -> None:
    """Print a run's manifest in plain words."""
    shown = console()
    made = manifest["layers"]
    sections: list[tuple[str, Iterable[tuple[str, Any]]]] = [
        (
            f"run {manifest['run_id']}",
            [
                ("strategy", manifest["strategy"]),
                ("as of", manifest["as_of"]),
                ("made at", manifest["created_at"]),
                ("model", f"{manifest['strategy']} version {manifest['model_version']}"),
                ("candidate", manifest["candidate"]),
            ],
        ),
        (
            "code",
            [
                ("commit", manifest["commit"]),
                ("not committed, SHA-256", manifest["patch_sha256"]),
                ("source, SHA-256", made["code"]["source_sha256"]),
                ("settings, SHA-256", manifest["settings_sha256"]),
                ("seed", manifest["seed"]),
            ],
        ),
        (
            "environment",
            [(k, v) for k, v in made["environment"].items() if k != "packages"]
            + list(made["environment"]["packages"].items()),
        ),
        (
            "data",
            [
                (name, f"{pin['md5']}  {pin['files']} files, {pin['bytes']:,} bytes")
                for name, pin in manifest["pins"].items()
            ],
        ),
        (
            "features",
            [
                ("definitions", made["features"]["fingerprint"]),
                ("rows", f"{made['features']['n_rows']:,} x {len(made['features']['columns'])}"),
                ("values, SHA-256", made["features"]["values"]),
            ],
        ),
        (
            "folds",
            [
                (
                    f"fold {fold['fold']}",
                    f"train {fold['train_first']} to {fold['train_last']}, "
                    f"test {fold['test_first']} to {fold['test_last']}",
                )
                for fold in made["folds"]["folds"]
            ],
        ),
        (
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
        ),
        (
            "what a rebuild must match",
            [
                ("prediction digest", manifest["prediction_digest"]),
                ("model file, SHA-256", manifest["artifact_sha256"]),
            ],
        ),
    ]
    for title, rows in sections:
        shown.print(f"[bold]{title}[/]", highlight=False)
        for key, value in rows:
            shown.print(f"  {key:<24} {value}", markup=False, highlight=False, soft_wrap=True)


def _shown(item: Mapping[str, Any], name: str, form: str) -> str:
    metric = item["metrics"][name]
    if metric["value"] is None:
        return "not computable"
    return f"{metric['value']:{form}} ± {metric['standard_error']:{form}}"
