"""Books and symbols by small integers, the same for everyone who reads the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from shadowbook.adapters.ledger.database import Database
from shadowbook.adapters.ledger.tables import BOOKS, SYMBOLS
from shadowbook.errors import IntegrityError

Words = NDArray[np.uint64]

_NO_WORD = (0, 0, 0, 0)


@lru_cache(maxsize=4_096)
def _word(text: str) -> tuple[int, ...]:
    raw = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return tuple(np.frombuffer(raw, dtype="<u8").tolist())


@lru_cache(maxsize=256)
def words_of(texts: tuple[str, ...]) -> Words:
    """Stand-ins of texts in digests, of one width: (n, 4) uint64, each text's SHA-256.

    A digest that took the ids instead would differ between two ledgers with the same content.
    """
    words = np.array([_word(text) for text in texts], dtype="<u8").reshape(len(texts), 4)
    words.flags.writeable = False
    return words


class Names:
    """What the ledger calls its books and symbols; grows as they are first recorded."""

    def __init__(self) -> None:
        self._symbols: dict[str, int] = {}
        self._books: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Drop what was read: a write that failed may have named what is not there."""
        self._symbols.clear()
        self._books.clear()

    def refresh(self, connection: Connection) -> None:
        """Read what has been added since; names never change."""
        known = max(self._books.values(), default=0)
        books = select(BOOKS).where(BOOKS.c.book_id > known).order_by(BOOKS.c.book_id)
        for book_id, strategy, book in connection.execute(books):
            self._books[strategy, book] = book_id
        known = max(self._symbols.values(), default=0)
        symbols = select(SYMBOLS).where(SYMBOLS.c.symbol_id > known)
        for symbol_id, symbol in connection.execute(symbols.order_by(SYMBOLS.c.symbol_id)):
            self._symbols[symbol] = symbol_id

    def add(
        self,
        connection: Connection,
        database: Database,
        books: Iterable[tuple[str, str]],
        symbols: Iterable[str],
    ) -> None:
        """Give an id to each name that has none; ``refresh`` comes first, in the same writing."""
        rows: list[tuple[int, str, str]] = []
        for key in dict.fromkeys(books):
            if key not in self._books:
                self._books[key] = len(self._books) + 1
                rows.append((self._books[key], *key))
        database.insert(connection, BOOKS, rows)
        new = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self._symbols]
        for symbol in new:
            self._symbols[symbol] = len(self._symbols) + 1
        database.insert(connection, SYMBOLS, [(self._symbols[symbol], symbol) for symbol in new])

    def books(self, strategy: str | None = None, book: str | None = None) -> dict[int, list[str]]:
        """Ids of books with their strategy and book, in order of first record."""
        return {
            book_id: [*key]
            for key, book_id in self._books.items()
            if strategy in (None, key[0]) and book in (None, key[1])
        }

    def book_id(self, strategy: str, book: str) -> int | None:
        """Return the id of one book; None where it has no record."""
        return self._books.get((strategy, book))

    def ids(self, symbols: Sequence[str]) -> NDArray[np.int64]:
        """Return the ids of symbols that have one."""
        return np.array([self._symbols[symbol] for symbol in symbols], dtype=np.int64)

    def by_id(self) -> NDArray[np.object_]:
        """Symbols laid out by id; an id that no symbol has gives None."""
        laid_out = np.full(max(self._symbols.values(), default=0) + 1, None, dtype=object)
        for symbol, symbol_id in self._symbols.items():
            laid_out[symbol_id] = symbol
        return laid_out

    def words_by_id(self) -> Words:
        """Return the words of symbols by id; zeros where no symbol has the id."""
        words = [_NO_WORD if name is None else _word(name) for name in self.by_id().tolist()]
        return np.array(words, dtype="<u8")

    def ranks_by_id(self) -> NDArray[np.int64]:
        """Place of each id's symbol in the order of names; 0 where no symbol has the id."""
        ranks = np.zeros(max(self._symbols.values(), default=0) + 1, dtype=np.int64)
        for rank, symbol in enumerate(sorted(self._symbols), start=1):
            ranks[self._symbols[symbol]] = rank
        return ranks

    def categories(self) -> list[str]:
        """Return every symbol, in order of names."""
        return sorted(self._symbols)

    def places(self, symbol_ids: NDArray[np.int64], table: str) -> NDArray[np.int64]:
        """Return each id's place among `categories`.

        Raises
        ------
        IntegrityError
            No symbol has one of the ids; ``table`` says where it stands.
        """
        ranks = self.ranks_by_id()
        ids = np.clip(symbol_ids, 0, len(ranks) - 1)
        places = ranks[ids] - 1
        if (ids != symbol_ids).any() or (places < 0).any():
            raise IntegrityError(
                f"the ledger's table {table} has rows of symbols it does not know: "
                "run `ledger verify`"
            )
        return places

    def symbol(self, symbol_id: int) -> str:
        """Return the name of one symbol.

        Raises
        ------
        IntegrityError
            No symbol has the id.
        """
        for symbol, known in self._symbols.items():
            if known == symbol_id:
                return symbol
        raise IntegrityError(
            f"a row names symbol {symbol_id}, which the ledger does not know: run `ledger verify`"
        )
