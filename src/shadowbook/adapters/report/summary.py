"""The top of the page: what a manager reads, and what to doubt. Every word from the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from shadowbook.adapters.report.equity import sharpe_doubt
from shadowbook.adapters.report.gates import Verdict, gates_sentence, said
from shadowbook.adapters.report.html import Table, bullets, facts, paragraph, section
from shadowbook.adapters.report.provenance import uncommitted
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import (
    COLUMNS,
    FORMATS,
    Metrics,
    counted,
    distance,
    listed,
    moment,
    signed,
    with_error,
)

Manifest = Mapping[str, Any]

KINDS = {
    "ridge": "a ridge regression",
    "hist_gradient_boosting": "gradient boosted trees",
    "momentum": "a rule that fits nothing",
}
RULES = {
    "sharpe": "the highest Sharpe ratio after costs",
    "information_coefficient": "the highest mean information coefficient",
}
TILES = (
    ("information_coefficient", "information coefficient", "0 is no skill, 1 a perfect order"),
    ("sharpe_annualized", "Sharpe ratio a year", "after costs; 0 earns nothing"),
    ("max_drawdown", "deepest fall", "from a peak, after costs"),
    ("hit_rate", "hit rate", "50% is chance"),
    ("turnover", "turnover a session", "of capital, both sides"),
)


def metrics_of(manifest: Manifest) -> dict[str, Metrics]:
    """Every candidate's recorded metrics, best first."""
    return {item["name"]: item["metrics"] for item in manifest["candidates"]}


def training_summary(manifest: Manifest, verdicts: Sequence[Verdict]) -> str:
    """Say what was chosen, by which rule, how good it is and what the gates said."""
    chosen = manifest["candidate"]
    kinds = {item["name"]: KINDS[item["kind"]] for item in manifest["candidates"]}
    rule = RULES[manifest["settings"]["learning"]["selection"]]
    n = len(kinds)
    among = (
        f"It is the only candidate ({kinds[chosen]})."
        if n == 1
        else f"Of {n} candidates, {chosen} ({kinds[chosen]}) has {rule} out of sample."
    )
    own = metrics_of(manifest)[chosen]
    tiles = "".join(_tile(own[key], key, name, hint) for key, name, hint in TILES)
    strategy = manifest["settings"]["strategies"][manifest["strategy"]]
    told = [
        (
            "strategy",
            f"{manifest['strategy']}, looking {counted(strategy['horizon'], 'session')} ahead",
        ),
        ("knows", f"everything known at {moment(manifest['as_of'])}, and nothing later"),
        ("registered as", f"{manifest['strategy']} version {manifest['model_version']}"),
        ("run", manifest["run_id"]),
        ("gates", gates_sentence(verdicts)),
    ]
    return (
        element("p", element("strong", f"{escape(chosen)} was chosen.") + f" {escape(among)}")
        + element("div", tiles, class_="tiles")
        + paragraph("± is one standard error that respects overlapping labels.", "faint")
        + facts(told)
    )


def doubts_section(manifest: Manifest, verdicts: Sequence[Verdict]) -> str:
    """List what speaks against believing the numbers."""
    return section("doubts", "What to doubt", bullets(doubts(manifest, verdicts)))


def doubts(manifest: Manifest, verdicts: Sequence[Verdict]) -> list[str]:
    """Find what speaks against the run, from its own numbers."""
    metrics = metrics_of(manifest)
    chosen = manifest["candidate"]
    found = [*_losing(chosen, metrics[chosen]["sharpe_annualized"]), sharpe_doubt(metrics)]
    found += [*_lead(chosen, metrics, manifest), *_floor(manifest, metrics)]
    if manifest["settings"]["market_data"]["source"] == "sample":
        found.append(
            "The prices are the sample's: stocks that survived to its end, picked with hindsight. "
            "They are there to learn the tool, not to trade."
        )
    dropped = [verdict["feed"] for verdict in verdicts if said(verdict) == "DROPPED"]
    if dropped:
        found.append(f"The gate dropped {listed(dropped)}: what needs it was computed without it.")
    spans = sum(len(verdict.get("quarantined", ())) for verdict in verdicts)
    if spans:
        found.append(f"The gate quarantined {counted(spans, 'span')} of prices; see Gates.")
    warned = [verdict["feed"] for verdict in verdicts if said(verdict) == "WARNED"]
    if warned:
        found.append(f"The checks of {listed(warned)} found what asks for a look; see Gates.")
    if not verdicts:
        found.append("No verdict of a gate is recorded with this run.")
    if uncommitted(manifest):
        found.append("It was made with code that is in no commit; the patch is kept with the run.")
    return found


def candidates_section(manifest: Manifest) -> str:
    """Write the table of candidates, as the command line prints it."""
    metrics = metrics_of(manifest)
    names = list(metrics)
    rows = tuple(
        (
            f"→ {name}" if name == manifest["candidate"] else name,
            *(with_error(metrics[name][key], form) for key, _, form, _ in COLUMNS),
        )
        for name in names
    )
    table = Table(
        ("candidate", *(heading for _, heading, _, _ in COLUMNS)),
        rows,
        frozenset({names.index(manifest["candidate"])}),
    )
    evaluation = manifest["settings"]["learning"]["evaluation"]
    folds = manifest["layers"]["folds"]["folds"]
    intro = paragraph(
        f"Every candidate of this run, best first, on the {counted(len(folds), 'test window')} "
        f"it had not seen ({folds[0]['test_first']} to {folds[-1]['test_last']}), after costs of "
        f"{evaluation['cost_bps']:g} basis points of what is traded. → was chosen; ± is one "
        "standard error. IC: mean rank correlation of score and return. Turnover: a session's "
        "trades over capital."
    )
    reasons = [
        f"{name}: {metric['reason']}"
        for name, own in metrics.items()
        for metric in own.values()
        if metric["status"] != "OK"
    ]
    return section("candidates", "The candidates", intro + str(table) + _why_not(reasons))


def _why_not(reasons: Sequence[str]) -> str:
    return paragraph("Not computable:", "faint") + bullets(reasons) if reasons else ""


def _tile(metric: Mapping[str, Any], key: str, name: str, hint: str) -> str:
    shown = with_error(metric, FORMATS[key])
    value, _, error = shown.partition(" ± ")
    told = element("span", escape(value), class_="value")
    told += element("span", escape(f"± {error}"), class_="error") if error else ""
    return element(
        "div",
        element("span", escape(name), class_="name")
        + element("span", told, class_="figure")
        + element("span", escape(hint), class_="hint"),
        class_="tile",
    )


def _losing(chosen: str, sharpe: Mapping[str, Any]) -> list[str]:
    if sharpe["status"] != "OK" or sharpe["value"] > 0.0:
        return []
    return [f"{chosen} lost money after costs out of sample: it is the best of what was tried."]


def _lead(chosen: str, metrics: Mapping[str, Metrics], manifest: Manifest) -> list[str]:
    """Say how small the lead over the next best is."""
    rule = manifest["settings"]["learning"]["selection"]
    key = "sharpe_annualized" if rule == "sharpe" else rule
    values = {
        name: own[key]["value"] for name, own in metrics.items() if own[key]["status"] == "OK"
    }
    others = {name: value for name, value in values.items() if name != chosen}
    if chosen not in values or not others:
        return []
    second = max(others, key=lambda name: others[name])
    form = FORMATS[key]
    lead = values[chosen] - others[second]
    error = metrics[chosen][key]["standard_error"]
    small = "less" if error is not None and lead < error else "more"
    word = "Sharpe ratio" if rule == "sharpe" else "information coefficient"
    return [
        f"{chosen} leads {second} by {signed(lead, form)} in {word}, {small} than one standard "
        f"error of its own ({error:{form}}); it is the best of {len(metrics)} on the same "
        "sessions, which flatters it."
    ]


def _floor(manifest: Manifest, metrics: Mapping[str, Metrics]) -> list[str]:
    """Say where a rule that fits nothing ranks as well as the chosen candidate."""
    key, chosen = "information_coefficient", manifest["candidate"]
    floors = [item["name"] for item in manifest["candidates"] if item["kind"] == "momentum"]
    mine = metrics[chosen][key]
    found = []
    if chosen in floors and len(metrics) > len(floors):
        found.append(f"No fitted candidate beat {chosen}, a rule that fits nothing.")
    for name in floors:
        rule = metrics[name][key]
        both = mine["status"] == "OK" and rule["status"] == "OK"
        if name != chosen and both and rule["value"] >= mine["value"]:
            found.append(
                f"{name}, which fits nothing, ranks at least as well: information coefficient "
                f"{with_error(rule, '.4f')} against {with_error(mine, '.4f')}."
            )
    away = distance(mine)
    if away is not None and abs(away) < 2.0:
        found.append(
            f"{chosen}'s information coefficient, {with_error(mine, '.4f')}, is less than two "
            "standard errors from zero."
        )
    return found
