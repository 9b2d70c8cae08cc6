"""What a book's decisions would have earned, had every input been right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import numpy as np

from shadowbook.core.books.running import RunningBook
from shadowbook.core.books.view import Scored
from shadowbook.core.diagnosis.findings import Layer
from shadowbook.core.diagnosis.layers import compare
from shadowbook.core.values import Floats
from shadowbook.steps.diagnose_known import KnownDay
from shadowbook.steps.diagnose_layers import Rules, features, raw_data, refusal_of
from shadowbook.steps.diagnose_record import RecordedDay
from shadowbook.steps.rating import Scorer


def clean_signal(
    strategy: str,
    book: str,
    days: Sequence[RecordedDay],
    known: Mapping[date, KnownDay],
    scorer: Callable[[int], Scorer],
    rules: Callable[[RecordedDay], Rules],
) -> Floats | None:
    """Run a book again on right inputs, from the first session whose inputs were not.

    Fills are those of the model of execution; the signal does not depend on them but by what is
    left of the book's equity.

    Parameters
    ----------
    days : in order.
    known : session -> what prices said of it, and the features that they make.
    scorer : model version -> its scores.

    Returns
    -------
    (T,) signal by session, as a simple return; NaN up to the first wrong inputs, where the recorded
    one is right. None where a feature that the model takes cannot be made of prices any more.
    """
    signals = np.full(len(days), np.nan)
    running: RunningBook | None = None
    for place, day in enumerate(days):
        there, own = known[day.session], rules(day)
        if not set(day.given.names) <= set(there.computed.names):
            return None
        if running is None:
            if not _wrong(day, there):
                continue
            running = RunningBook(strategy, book, own.policy, day.before)
        symbols = there.computed.symbols
        view = there.moment.view(running.names.union(symbols), own.lookback)
        at = [there.computed.names.index(name) for name in day.given.names]
        rated = scorer(day.version).scores(there.computed.values[:, at], day.given.names)
        by_symbol = dict(zip(symbols, rated.tolist(), strict=True))
        scores = np.array([by_symbol.get(symbol, np.nan) for symbol in view.symbols])
        scored = Scored(day.version, scores, refusal_of(day), day.capacity)
        signals[place] = running.step(view, scored, "").signal
    return signals


def _wrong(day: RecordedDay, known: KnownDay) -> bool:
    pairs = (
        (Layer.RAW_DATA, raw_data(day, known)),
        (Layer.FEATURES, features(day, known.computed.values, known)),
    )
    return any(compare(layer, [pair]).diverging for layer, pair in pairs)
