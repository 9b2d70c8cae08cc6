"""What became of many orders, a row each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Table, select

from shadowbook.adapters.ledger import columns
from shadowbook.adapters.ledger.columns import Arrays
from shadowbook.adapters.ledger.names import Names
from shadowbook.adapters.ledger.tables import ORDER_FILLS, ORDER_STATES, ORDERS
from shadowbook.core.books.orders import OrderState

if TYPE_CHECKING:
    import pandas as pd

_NOWHERE = np.iinfo(np.int64).min
"""Microseconds that pandas reads as no time."""


def outcomes(
    connection: Connection,
    names: Names,
    books: dict[int, list[str]],
    between: tuple[int | None, int | None],
) -> pd.DataFrame:
    """Return the orders of some books and what became of them, in order of their recording.

    Parameters
    ----------
    between : microseconds; half-open on the decision.

    Returns
    -------
    Columns ``strategy``, ``book``, ``symbol``, ``session`` (naive midnight, of the auction),
    ``purpose``, ``quantity`` and ``filled`` (signed), ``price`` and ``reference`` (means of the
    fills by quantity, NaN without any), ``commission_cents``, ``state``, ``reason``, and moments:
    ``as_of``, ``sent_at``, ``accepted_at``, ``filled_at`` (UTC; NaT where it is not on record).
    """
    import pandas as pd

    since, until = between
    mine: ColumnElement[bool] = ORDERS.c.book_id.in_(list(books))
    if since is not None:
        mine &= ORDERS.c.as_of >= since
    if until is not None:
        mine &= ORDERS.c.as_of < until
    kept = ["order_id", "book_id", "as_of", "symbol_id", "purpose", "session", "quantity", "at"]
    query = select(*(ORDERS.c[name] for name in kept)).where(mine).order_by(ORDERS.c.order_id)
    orders = columns.arrays(connection, ORDERS, kept, query)
    states = _of_orders(connection, ORDER_STATES, ["state", "changed_at", "reason"], mine)
    fills = _of_orders(
        connection,
        ORDER_FILLS,
        ["quantity", "price", "reference", "commission_cents", "at"],
        mine,
    )
    ids = orders["order_id"]
    made: dict[str, Any] = {
        **_of_books(books, orders["book_id"]),
        "symbol": _category(names.places(orders["symbol_id"], ORDERS.name), names.categories()),
        "session": orders["session"].astype("datetime64[D]").astype("datetime64[us]"),
        "purpose": orders["purpose"],
        "quantity": orders["quantity"],
        **_stood(states, np.searchsorted(ids, states["order_id"]), len(ids)),
        **_filled(fills, np.searchsorted(ids, fills["order_id"]), len(ids)),
    }
    moments = {"as_of": orders["as_of"], "sent_at": orders["at"]}
    for name in ("accepted_at", "filled_at"):
        moments[name] = made.pop(name)
    for name, micros in moments.items():
        made[name] = pd.DatetimeIndex(micros.astype("datetime64[us]")).tz_localize("UTC")
    return pd.DataFrame(made)


def _of_books(books: dict[int, list[str]], ids: NDArray[np.int64]) -> dict[str, pd.Categorical]:
    known = np.array(sorted(books), dtype=np.int64)
    found = {}
    for place, name in enumerate(("strategy", "book")):
        words = [books[one][place] for one in known.tolist()]
        categories = list(dict.fromkeys(words))
        codes = np.array([categories.index(word) for word in words], dtype=np.int64)
        found[name] = _category(codes[np.searchsorted(known, ids)], categories)
    return found


def _category(codes: NDArray[np.int64], categories: list[str]) -> pd.Categorical:
    import pandas as pd

    given: Any = codes
    return pd.Categorical.from_codes(given, categories=pd.Index(categories, dtype=object))


def _of_orders(
    connection: Connection, table: Table, kept: list[str], mine: ColumnElement[bool]
) -> Arrays:
    names = ["order_id", *kept]
    query = select(*(table.c[name] for name in names))
    query = query.join(ORDERS, ORDERS.c.order_id == table.c.order_id).where(mine)
    query = query.order_by(table.c.order_id, table.c.sequence)
    return columns.arrays(connection, table, names, query)


def _stood(states: Arrays, place: NDArray[np.intp], count: int) -> dict[str, NDArray[Any]]:
    accepted_at = np.full(count, _NOWHERE, dtype=np.int64)
    accepted = states["state"] == OrderState.ACCEPTED.value
    accepted_at[place[accepted]] = states["changed_at"][accepted]
    state = np.full(count, OrderState.NEW.value, dtype=object)
    reason = np.full(count, "", dtype=object)
    # The last of each order's states wins, since they come in their order.
    state[place], reason[place] = states["state"], states["reason"]
    return {"accepted_at": accepted_at, "state": state, "reason": reason}


def _filled(fills: Arrays, place: NDArray[np.intp], count: int) -> dict[str, NDArray[Any]]:
    shares = fills["quantity"].astype(np.float64)
    filled = np.bincount(place, shares, minlength=count)
    found: dict[str, NDArray[Any]] = {"filled": filled.astype(np.int64)}
    for name in ("price", "reference"):
        paid = np.bincount(place, shares * fills[name], minlength=count)
        found[name] = np.divide(paid, filled, out=np.full(count, np.nan), where=filled != 0.0)
    found["commission_cents"] = np.bincount(
        place, fills["commission_cents"], minlength=count
    ).astype(np.int64)
    filled_at = np.full(count, _NOWHERE, dtype=np.int64)
    filled_at[place] = fills["at"]
    return found | {"filled_at": filled_at}
