"""The gap between a book's backtest and its live record, from the ledger's rows."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from shadowbook.core.performance.accounts import Accounts
from shadowbook.core.performance.attribution import Attribution, attribute
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats
from shadowbook.settings import Settings
from shadowbook.steps.book_sheets import Sheet
from shadowbook.steps.execution import accounts_of


def gap_of(
    settings: Settings,
    own: LiveRecord,
    sheet: Sheet,
    backtest: Backtest,
    clean: Floats | None = None,
) -> Attribution:
    """Split the gap of a book into its parts.

    Parameters
    ----------
    own : sessions that count, each of them in ``sheet``.
    clean : (T,) by session of ``own``, as `attribute` takes it.
    """
    accounts = accounts_of(sheet, settings.execution.half_spread_bps)
    at = np.searchsorted(sheet.sessions, own.sessions)
    parts = {one.name: getattr(accounts, one.name)[at] for one in fields(Accounts)}
    return attribute(backtest, own, Accounts(**parts), clean, settings.attribution)
