"""A run's manifest in plain words: what it read, from which code, and how to make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from shadowbook.adapters.report.html import Table, facts, paragraph, section
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import counted, moment

IDENT, TITLE = "manifest", "Where it comes from, and how to make it again"

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing: everything was committed."""

Manifest = Mapping[str, Any]


def provenance_section(manifest: Manifest, lineage: Sequence[Manifest]) -> str:
    """Write the manifest in plain words.

    Parameters
    ----------
    manifest : of the run.
    lineage : manifests of the runs whose data it read, and of those they read from.
    """
    content = _rebuild(manifest)
    content += element("h3", "What it read")
    content += _pins(manifest.get("pins", {}), "Nothing that was made here: the source itself.")
    if manifest.get("sources"):
        content += _sources(manifest["sources"])
    if manifest.get("made"):
        content += element("h3", "What it made") + _pins(manifest["made"], "Nothing.")
    content += element("h3", "Which runs made what it read") + _lineage(lineage)
    content += element("h3", "Code, settings and environment") + facts(_origin(manifest))
    if manifest["kind"] == "training":
        content += element("h3", "What a rebuild must match") + facts(_match(manifest))
    return section(IDENT, TITLE, content)


def uncommitted(manifest: Manifest) -> bool:
    """Tell whether code was used that is in no commit."""
    return manifest.get("patch_sha256") not in (None, "", EMPTY)


def _rebuild(manifest: Manifest) -> str:
    if manifest["kind"] != "training":
        return ""
    command = element("pre", element("code", f"shadowbook reproduce {escape(manifest['run_id'])}"))
    return (
        paragraph("In this workspace, or in a clone of it that has the data's remote:")
        + command
        + paragraph(
            "It brings the data below back by hash, checks the recorded code out, builds "
            "features, folds, fits and predictions again in a fresh process, and says REPRODUCED "
            "or names the first thing that differs."
        )
    )


def _pins(pins: Mapping[str, Mapping[str, Any]], nothing: str) -> str:
    if not pins:
        return paragraph(nothing)
    rows = tuple(
        (name.replace("_", " "), pin["path"], f"{pin['files']:,}", f"{pin['bytes']:,}", pin["md5"])
        for name, pin in pins.items()
    )
    return str(Table(("what", "where", "files", "bytes", "DVC hash (MD5)"), rows))


def _sources(sources: Sequence[Mapping[str, Any]]) -> str:
    rows = tuple((item["path"], f"{item['bytes']:,}", item["sha256"]) for item in sources)
    return str(Table(("source file", "bytes", "SHA-256"), rows))


def _lineage(lineage: Sequence[Manifest]) -> str:
    if not lineage:
        return paragraph("None is recorded.")
    rows = tuple(
        (
            item["kind"],
            moment(item["as_of"]),
            str(item.get("outcome", "")),
            moment(item["created_at"]),
            item["run_id"],
        )
        for item in lineage
    )
    return str(Table(("run of", "as of", "outcome", "made at", "run id"), rows))


def _origin(manifest: Manifest) -> list[tuple[str, str]]:
    made = manifest["layers"]
    patch = (
        f"yes, kept with the run as a patch (SHA-256 {manifest['patch_sha256']})"
        if uncommitted(manifest)
        else "no, everything was committed"
    )
    pairs = [
        ("git commit", str(manifest.get("commit") or "none")),
        ("changes not committed", patch),
        ("settings, SHA-256", manifest["settings_sha256"]),
    ]
    if "seed" in manifest:
        pairs.append(("seed of every fit and draw", str(manifest["seed"])))
    code = made.get("code", {})
    if code:
        told = f"Shadowbook {code['version']}, sources SHA-256 {code['source_sha256']}"
        pairs.append(("running code", told))
    environment = made.get("environment", {})
    pairs += [
        (name.replace("_", " "), str(value))
        for name, value in environment.items()
        if name != "packages" and not isinstance(value, Mapping)
    ]
    packages = environment.get("packages", {})
    if packages:
        told = ", ".join(f"{name} {version}" for name, version in packages.items())
        pairs.append((f"{counted(len(packages), 'main package')}", told))
    return pairs


def _match(manifest: Manifest) -> list[tuple[str, str]]:
    made = manifest["layers"]
    return [
        ("predictions of the registered model", manifest["prediction_digest"]),
        ("its predictions out of sample", made["predictions"]["out_of_sample"]),
        ("members of the folds", made["folds"]["members"]),
        ("labels", made["folds"]["labels"]),
        (
            f"{made['features']['n_rows']:,} feature rows",
            made["features"]["values"],
        ),
        ("stored model file (checked when loaded)", manifest["artifact_sha256"]),
        ("identity of the run (run key)", manifest["run_key"]),
    ]
