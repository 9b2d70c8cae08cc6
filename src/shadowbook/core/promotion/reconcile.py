"""What a start does about a promotion or rollback that a crash cut short.

A change of aliases is written in this order: the ledger's intent, the registry's aliases one by
one, the ledger's commit. The ledger is the authority, so whatever a crash leaves is finished, not
undone; an alias that stands where neither the intent nor what came before it had put it was moved
by somebody else, and is put back and reported. One move needs no intent: a training points
``challenger`` at the version it has just made, which is newer than all that an intent names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from shadowbook.core.promotion.ramp_state import AliasName, MoveAlias

Aliases = Mapping[str, int | None]
"""Alias -> version; None, or no entry, where there is no such alias."""

ORDER: tuple[AliasName, ...] = ("previous", "champion", "challenger")
"""The order aliases are moved in: there is a way back before there is another champion."""


@dataclass(frozen=True)
class Intent:
    """What the ledger is about to do with a strategy's aliases.

    Attributes
    ----------
    key : of the ledger's event.
    target : alias -> version that it shall name. An alias that is left out is nobody's business
        here.
    before : alias -> versions that it may rightly stand at until then: one, or more where an
        earlier intent was never committed.
    """

    key: str
    target: Aliases
    before: Mapping[str, tuple[int | None, ...]]

    def plain(self) -> dict[str, Any]:
        """Return what JSON has words for."""
        before = {name: list(versions) for name, versions in self.before.items()}
        return {"key": self.key, "target": dict(self.target), "before": before}

    @classmethod
    def of_plain(cls, item: Mapping[str, Any]) -> Self:
        """Read ``plain`` back."""
        before = {name: tuple(versions) for name, versions in item["before"].items()}
        return cls(item["key"], dict(item["target"]), before)


@dataclass(frozen=True)
class Actions:
    """What a start has to do, in this order.

    Attributes
    ----------
    moves : aliases to set; setting one twice changes nothing.
    commit : True where the ledger's commit is to be written after them.
    reports : one sentence for each alias that was moved behind the ledger's back.
    """

    moves: tuple[MoveAlias, ...] = ()
    commit: bool = False
    reports: tuple[str, ...] = ()


def intended(
    key: str, target: Aliases, found: Aliases, earlier: Intent | None = None, committed: bool = True
) -> Intent:
    """Return the intent to write before aliases are moved.

    Parameters
    ----------
    found : the registry's aliases; what the ledger's last intent says is taken where there is one,
        so the registry may be out of reach.
    earlier, committed : the ledger's last intent, and whether it was committed.

    >>> first = intended("a", {"champion": 2}, {"champion": 1})
    >>> intended("b", {"champion": 1}, {}, first, committed=False).before
    {'champion': (1, 2)}
    """
    before: dict[str, tuple[int | None, ...]] = {}
    for name in target:
        if earlier is None or name not in earlier.target:
            before[name] = (found.get(name),)
            continue
        rightly = () if committed else earlier.before.get(name, ())
        before[name] = tuple(dict.fromkeys((*rightly, earlier.target[name])))
    return Intent(key, dict(target), before)


def reconciled(intent: Intent | None, committed: bool, aliases: Aliases) -> Actions:
    """Say what a start has to do.

    Parameters
    ----------
    intent : the ledger's last for the strategy; None where it never had one, and then the registry
        is left as it is.
    committed : whether the ledger has its commit.
    aliases : as the registry has them now.

    >>> promote = intended("a", {"champion": 2, "previous": 1}, {"champion": 1})
    >>> reconciled(promote, False, {"champion": 1, "previous": 1})
    Actions(moves=(MoveAlias(name='champion', version=2),), commit=True, reports=())
    >>> reconciled(promote, True, {"champion": 2, "previous": 1})
    Actions(moves=(), commit=False, reports=())
    """
    if intent is None:
        return Actions()
    moves, reports = [], []
    for name in ORDER:
        if name not in intent.target:
            continue
        wanted, found = intent.target[name], aliases.get(name)
        if found == wanted or (name == "challenger" and _is_newer(found, intent)):
            continue
        moves.append(MoveAlias(name, wanted))
        rightly = () if committed else intent.before.get(name, ())
        if found not in rightly:
            reports.append(
                f"the alias {name} {_at(found)} and the ledger has {_named(wanted)} "
                f"({intent.key}): it was moved behind the ledger's back and is put back"
            )
    return Actions(tuple(moves), not committed, tuple(reports))


def _is_newer(version: int | None, intent: Intent) -> bool:
    known = [*intent.target.values(), *(one for past in intent.before.values() for one in past)]
    return version is not None and all(one is None or version > one for one in known)


def _at(version: int | None) -> str:
    return "is gone" if version is None else f"names version {version}"


def _named(version: int | None) -> str:
    return "none" if version is None else f"version {version}"
