"""From the results of a suite's checks to one verdict about its feed; it fails closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from shadowbook.core.gates.suite import Check, CheckResult, Offender, QuarantineLimits, Suite
from shadowbook.core.values import Finding, Outcome, Quarantine, Verdict
from shadowbook.errors import SchemaError

NAMED = 20
"""Offending rows that a finding names; the count covers the rest."""

ALSO_NAMED = 5
"""Of those, how many its sentence names beside the first."""


def decide(suite: Suite, results: Sequence[CheckResult]) -> Verdict:
    """Judge a feed by what its checks found.

    Parameters
    ----------
    suite : the checks that were asked for.
    results : what the engine answered, in any order.

    Returns
    -------
    Verdict
        FAILED when a critical check bound to a halt failed, or when quarantining leaves too
        little; else NOT_COMPUTABLE when a check broke, did not run, looked at no row or was
        answered twice, or when the suite asked nothing; else WARNED when anything was found;
        else PASSED. Findings come in the order of the suite's checks.

    Examples
    --------
    >>> decide(Suite("bars", "closed", ()), ()).outcome
    <Outcome.NOT_COMPUTABLE: 'NOT_COMPUTABLE'>
    """
    findings = [_finding(suite.feed, check, _answers(check, results)) for check in suite.checks]
    findings.extend(_strangers(suite, results))
    findings.extend(_unnamed(suite, results))
    if not suite.checks:
        findings.append(_broken(suite.feed, "no_checks", "the suite asked nothing"))
    quarantined = _quarantines(suite, results)
    if suite.limits is not None:
        findings.extend(_overreach(suite.limits, quarantined))
    return Verdict(
        feed=suite.feed,
        outcome=_outcome(findings),
        fail_mode=suite.fail_mode,
        findings=tuple(findings),
        quarantined=tuple(_merged(quarantined)),
    )


def _answers(check: Check, results: Sequence[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.check == check.name]


def _finding(feed: str, check: Check, answers: list[CheckResult]) -> Finding:
    """Turn the answer to one check into a finding; anything but one clean answer is broken."""
    problem = _problem(answers)
    if problem:
        return _broken(feed, check.name, problem, check)
    (result,) = answers
    outcome = Outcome.PASSED if result.success else Outcome.FAILED
    where = tuple(_name(feed, check, offender) for offender in result.offenders[:NAMED])
    return Finding(
        check=check.name,
        outcome=outcome,
        severity=check.severity,
        action=check.action,
        observed=result.observed or f"{result.n_unexpected:,} of {result.n_rows:,} rows",
        limit=check.limit,
        where=where,
        reason="" if result.success else _reason(feed, check, result, where),
    )


def _problem(answers: list[CheckResult]) -> str:
    if not answers:
        return "the check did not run"
    if len(answers) > 1:
        return f"the check was answered {len(answers)} times"
    (result,) = answers
    if result.errored:
        return f"the check broke: {result.message}"
    if result.n_rows == 0 and result.success:
        return "the check looked at no row"
    return ""


def _broken(feed: str, name: str, problem: str, check: Check | None = None) -> Finding:
    """Build the finding of a check that gave no answer; it can never count as passed."""
    return Finding(
        check=name,
        outcome=Outcome.NOT_COMPUTABLE,
        severity=check.severity if check else "critical",
        action=check.action if check else "halt",
        limit=check.limit if check else "",
        reason=f"{feed}, {name}: {problem}; the data counts as unchecked until it does.",
    )


def _reason(feed: str, check: Check, result: CheckResult, where: tuple[str, ...]) -> str:
    first = result.offenders[0] if result.offenders else None
    facts: dict[str, object] = dict.fromkeys(check.details, "")
    if first is not None:
        facts.update({key: _text(value) for key, value in first.row.items()})
    facts["value"] = _text(first.value) if first is not None else result.observed
    more = result.n_unexpected - 1
    also = ", ".join(where[1 : ALSO_NAMED + 1])
    rest = ", ..." if more > ALSO_NAMED else ""
    others = f" (and {more:,} more: {also}{rest})" if more > 0 else ""
    place = where[0] if where else feed
    return f"{place}{others}: {check.what.format(**facts)}; {check.remedy}."


def _name(feed: str, check: Check, offender: Offender) -> str:
    parts = [_text(offender.row[column]) for column in check.key]
    return " ".join(parts) if parts else feed


def _text(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _strangers(suite: Suite, results: Sequence[CheckResult]) -> list[Finding]:
    known = {check.name for check in suite.checks}
    unknown = sorted({result.check for result in results} - known)
    return [_broken(suite.feed, name, "an answer to a check not asked for") for name in unknown]


def _unnamed(suite: Suite, results: Sequence[CheckResult]) -> list[Finding]:
    """Find quarantines whose rows did not all come back: what is not named cannot be left out."""
    bound = {check.name for check in suite.checks if check.action == "quarantine"}
    return [
        _broken(
            suite.feed,
            f"{result.check}_rows",
            f"{len(result.offenders)} of {result.n_unexpected} rows to be left out were named",
        )
        for result in results
        if result.check in bound
        and not (result.success or result.errored)
        and len(result.offenders) < max(result.n_unexpected, 1)
    ]


def _outcome(findings: Iterable[Finding]) -> Outcome:
    bad = [finding for finding in findings if finding.outcome is not Outcome.PASSED]
    if any(f.outcome is Outcome.FAILED and f.action == "halt" for f in bad):
        return Outcome.FAILED
    if any(f.outcome is Outcome.NOT_COMPUTABLE for f in bad):
        return Outcome.NOT_COMPUTABLE
    return Outcome.WARNED if bad else Outcome.PASSED


def _quarantines(suite: Suite, results: Sequence[CheckResult]) -> list[tuple[str, Quarantine]]:
    """(check name, span) of every offending row of the checks bound to a quarantine."""
    checks = {check.name: check for check in suite.checks if check.action == "quarantine"}
    spans: list[tuple[str, Quarantine]] = []
    for result in results:
        check = checks.get(result.check)
        if check is None or check.span is None or result.success or result.errored:
            continue
        for offender in result.offenders:
            spans.append((check.name, _span(check, check.span, offender)))
    return spans


def _span(check: Check, span: tuple[str, str], offender: Offender) -> Quarantine:
    first, last = (offender.row[column] for column in span)
    if not isinstance(first, date) or not (last is None or isinstance(last, date)):
        message = f"check {check.name} spans {first!r} to {last!r}, which are not sessions"
        raise SchemaError(message)
    return Quarantine(str(offender.row["symbol"]), first, last, check.name)


def _overreach(limits: QuarantineLimits, spans: list[tuple[str, Quarantine]]) -> list[Finding]:
    """Find out whether the quarantines leave a universe and stay the exception they are for."""
    findings = []
    universe = set(limits.universe)
    newest = limits.newest
    findings.extend(_too_many_bars(limits, spans))
    if newest is not None:
        left = universe - {q.symbol for _, q in spans if q.last is None or q.last >= newest}
        if spans and len(left) < limits.min_symbols:
            findings.append(
                _halt(
                    "universe_after_quarantine",
                    f"{len(left)} symbols",
                    f"at least {limits.min_symbols}",
                    f"{newest}: {len(left)} of {len(universe)} symbols are left after quarantine; "
                    "mend the feed before anything is trained on it.",
                )
            )
    allowed = limits.max_share * len(universe)
    counts = Counter((name, q.first) for name, q in dict.fromkeys(spans))
    crowd = max(counts.items(), key=lambda item: item[1], default=None)
    if crowd is not None and crowd[1] > max(allowed, 1):
        (name, first), count = crowd
        findings.append(
            _halt(
                "quarantine_share",
                f"{count} symbols",
                f"at most {max(allowed, 1):g}",
                f"{first}: {name} would quarantine {count} of {len(universe)} symbols in one "
                "session; that is a defect of the feed, so mend or reload that session.",
            )
        )
    return findings


def _too_many_bars(limits: QuarantineLimits, spans: list[tuple[str, Quarantine]]) -> list[Finding]:
    """Find out whether one check asks for so many bars that too few windows would be left."""
    allowed = max(limits.max_bars_share * limits.n_bars, float(NAMED))
    counts = Counter(name for name, _ in dict.fromkeys(spans))
    return [
        _halt(
            f"quarantine_bars_{name}",
            f"{count:,} of {limits.n_bars:,} bars",
            f"at most {allowed:,.0f}",
            f"{_extent([q for given, q in spans if given == name])}: {name} would quarantine "
            f"{count:,} of {limits.n_bars:,} bars, and with them many windows; that is a defect of "
            "the feed, so mend it there (a column that cannot be mended may leave the column map).",
        )
        for name, count in sorted(counts.items())
        if limits.n_bars and count > allowed
    ]


def _extent(spans: list[Quarantine]) -> str:
    symbols = sorted({q.symbol for q in spans})
    named = ", ".join(symbols[:3]) + (", ..." if len(symbols) > 3 else "")
    return (
        f"{min(q.first for q in spans)} to {max(q.last or q.first for q in spans)}, "
        f"{len(symbols):,} symbols ({named})"
    )


def _halt(name: str, observed: str, limit: str, reason: str) -> Finding:
    return Finding(name, Outcome.FAILED, "critical", "halt", observed, limit, (), reason)


def _merged(spans: list[tuple[str, Quarantine]]) -> list[Quarantine]:
    """Join the names of the checks that ask for the same span; sorted by symbol and session."""
    reasons: dict[tuple[str, date, date | None], list[str]] = {}
    for name, q in spans:
        names = reasons.setdefault((q.symbol, q.first, q.last), [])
        if name not in names:
            names.append(name)
    merged = [
        Quarantine(symbol, first, last, ", ".join(names))
        for (symbol, first, last), names in reasons.items()
    ]
    return sorted(merged, key=lambda q: (q.symbol, q.first, q.last or date.max))
