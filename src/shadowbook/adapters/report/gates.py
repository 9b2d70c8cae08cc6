"""What the gates said: what did not pass first, the rest folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from shadowbook.adapters.report.html import bullets, folded, paragraph, section
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import counted, listed

IDENT, TITLE = "gates", "What the gates said"

Verdict = Mapping[str, Any]

_SIGNS = {"PASSED": "✓", "WARNED": "!", "DROPPED": "!"}
_CLASSES = {"PASSED": "good", "WARNED": "warned", "DROPPED": "warned"}


def gates_section(verdicts: Sequence[Verdict]) -> str:
    """Write every feed's verdict; ``verdicts`` as the manifests record them."""
    if not verdicts:
        return section(
            IDENT, TITLE, paragraph("No verdict is recorded with this run or those it read from.")
        )
    intro = paragraph(
        "Nothing is trained on data that did not pass its gate. A feed that fails closed stops "
        "the run; one that fails open is dropped and counts as missing. A warning stops nothing, "
        "but asks for a look."
    )
    order = {"good": 1}
    ordered = sorted(verdicts, key=lambda verdict: order.get(_class(verdict), 0))
    return section(IDENT, TITLE, intro + "".join(_feed(verdict) for verdict in ordered))


def said(verdict: Verdict) -> str:
    """Name the outcome: DROPPED where a feed that fails open did."""
    passed = verdict["outcome"] in ("PASSED", "WARNED")
    return str(verdict["outcome"]) if passed or verdict["fail_mode"] == "closed" else "DROPPED"


def not_passed(verdict: Verdict) -> list[Mapping[str, Any]]:
    """List the findings that did not pass, critical ones first."""
    found = [item for item in verdict["findings"] if item["outcome"] != "PASSED"]
    return sorted(found, key=lambda item: item["severity"] != "critical")


def gates_sentence(verdicts: Sequence[Verdict]) -> str:
    """Say in one sentence how the gates ended."""
    if not verdicts:
        return "no verdict is recorded"
    told = []
    for outcome in dict.fromkeys(said(verdict) for verdict in verdicts):
        feeds = [str(verdict["feed"]) for verdict in verdicts if said(verdict) == outcome]
        told.append(f"{outcome}: {listed(feeds)}")
    order = sorted(told, key=lambda text: text.startswith("PASSED"))
    return "; ".join(order)


def _class(verdict: Verdict) -> str:
    return _CLASSES.get(said(verdict), "failed")


def _feed(verdict: Verdict) -> str:
    bad = not_passed(verdict)
    good = [item for item in verdict["findings"] if item["outcome"] == "PASSED"]
    spans = verdict.get("quarantined", ())
    if not bad and not spans:
        return element("details", element("summary", _named(verdict)) + _passed(good))
    told = f"{counted(len(verdict['findings']), 'check')}, fails {verdict['fail_mode']}"
    content = element("h3", _named(verdict))
    content += paragraph(f"{told}: {len(bad)} not passed, {len(good)} passed.", "faint")
    content += "".join(_finding(item) for item in bad) + _quarantined(spans)
    if good:
        content += folded(f"{counted(len(good), 'check')} passed", _passed(good))
    return element("div", content, class_=f"feed {_class(verdict)}")


def _named(verdict: Verdict) -> str:
    outcome = said(verdict)
    text = f"{_SIGNS.get(outcome, '✕')} {outcome.replace('_', ' ')}"
    badge = element("span", escape(text), class_=f"badge {_class(verdict)}")
    return f"{escape(str(verdict['feed']))} {badge}"


def _passed(findings: Sequence[Mapping[str, Any]]) -> str:
    told = [
        element(
            "li",
            element("strong", escape(item["check"]))
            + escape(f": {item['observed']} (allowed: {item['limit']})"),
        )
        for item in findings
    ]
    return element("ul", "".join(told), class_="many")


def _finding(item: Mapping[str, Any]) -> str:
    told = element("p", element("strong", escape(item["check"])) + escape(f": {item['reason']}"))
    parts = [
        f"{item['severity']}, {_action(item)}",
        f"observed {item['observed']}" if item["observed"] else "",
        f"allowed: {item['limit']}" if item["limit"] else "",
    ]
    told += paragraph("; ".join(part for part in parts if part), "faint")
    where = list(item["where"])
    if len(where) > 1:
        told += folded(f"Where: {counted(len(where), 'place')} named", paragraph(", ".join(where)))
    return element("div", told, class_="finding")


def _action(item: Mapping[str, Any]) -> str:
    if item["outcome"] == "NOT_COMPUTABLE":
        return "the check gave no answer"
    return {
        "halt": "stops the feed",
        "quarantine": "leaves the named spans out",
        "note": "a note, nothing is left out",
    }[str(item["action"])]


def _quarantined(spans: Sequence[Mapping[str, Any]]) -> str:
    if not spans:
        return ""
    lines = [
        f"{span['symbol']}: {span['first']} to {span['last'] or 'further notice'}"
        f" ({span['reason']})"
        for span in spans
    ]
    title = f"{counted(len(spans), 'span')} quarantined"
    shown = bullets(lines, "many")
    return folded(title, shown) if len(lines) > 6 else element("p", title + ":") + shown
