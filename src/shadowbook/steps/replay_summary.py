"""What a replay's ledger tells, put together for a reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.accounts import CLOSED
from shadowbook.core.books.summary import BookSeries, ReplayNote, ReplaySummary, summarize
from shadowbook.core.promotion.judged import Judgment
from shadowbook.core.promotion.shown import judgment_of
from shadowbook.steps.court import CASE, JUDGMENT
from shadowbook.steps.replay import ReplayRun

RETURNS = ("net", "signal", "execution", "cost", "turnover", "equity")


def summary_of(name: str, ledger: Ledger, run: ReplayRun, seconds: float) -> ReplaySummary:
    """Read a replay's books and events.

    Parameters
    ----------
    name : of the policy.
    seconds : that it took.
    """
    returns = ledger.frame("book_returns")
    exposures = _exposures(ledger)
    series = []
    for (strategy, book), rows in returns.groupby(["strategy", "book"], observed=True, sort=False):
        held = exposures.reindex(
            pd.MultiIndex.from_product([[strategy], [book], rows["as_of"]]), fill_value=0.0
        )
        equity = rows["equity"].to_numpy("float64")
        values = {part: rows[part].to_numpy("float64") for part in RETURNS}
        series.append(
            BookSeries(
                strategy=str(strategy),
                book=str(book),
                sessions=rows["session"].to_numpy("datetime64[D]"),
                gross_exposure=held["gross"].to_numpy("float64") / equity,
                net_exposure=held["net"].to_numpy("float64") / equity,
                model_versions=rows["model_version"].to_numpy("int64"),
                outcomes=tuple(str(outcome) for outcome in rows["outcome"]),
                **values,
            )
        )
    return summarize(name, series, _notes(ledger), run.digest, seconds)


def judgments_of(ledger: Ledger) -> tuple[Judgment, ...]:
    """Read what the court recorded: cases that were opened, and each time it said something new."""
    found = [judgment_of(one.event) for kind in (CASE, JUDGMENT) for one in ledger.events(kind)]
    # Sorting keeps the ledger's order within a session, and an opening before what was said.
    return tuple(sorted(found, key=lambda one: one.session))


def _exposures(ledger: Ledger) -> pd.DataFrame:
    positions = ledger.frame("positions")
    worth = positions["quantity"] * positions["mark"]
    keys = [positions["strategy"].astype(str), positions["book"].astype(str), positions["as_of"]]
    return pd.DataFrame(
        {"gross": worth.abs().groupby(keys).sum(), "net": worth.groupby(keys).sum()}
    )


def _notes(ledger: Ledger) -> Iterator[ReplayNote]:
    for stored in ledger.events():
        event = stored.event
        body, session = event.body, event.at.date()
        if event.kind == "training":
            text = f"version {body['version']}: {body['candidate']}, as of {body['as_of'][:10]}"
            yield ReplayNote(session, "retraining", text, False, body["strategy"])
        elif event.kind == "promotion":
            text = f"version {body['challenger']} replaces {body['champion']}: {body['reason']}"
            yield ReplayNote(session, "promotion", text, event.simulated, body["strategy"])
        elif event.kind == "alert" and body["transition"] in ("raised", "escalated"):
            if body["transition"] == "raised":
                yield ReplayNote(session, "alert", body["reason"], False, body["strategy"])
            if body["action"] == "halt":
                yield ReplayNote(session, "halt", body["reason"], False, body["strategy"])
        elif event.kind == "acknowledgement":
            text = f"the incident of {body['rule']} is closed"
            yield ReplayNote(session, "acknowledgment", text, event.simulated, body["strategy"])
        elif event.kind == "session":
            yield from _reasons(session, body)


def _reasons(session: date, body: Mapping[str, Any]) -> Iterator[ReplayNote]:
    if body["book"] != "champion":
        return
    for reason in body["reasons"]:
        kind = "delisting" if CLOSED in reason else "held"
        yield ReplayNote(session, kind, reason, False, body["strategy"])
