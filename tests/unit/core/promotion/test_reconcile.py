"""What a start does after a crash: every point at which one can happen, and strangers."""

from __future__ import annotations

import json
from itertools import product

import pytest

from shadowbook.core.promotion.ramp_state import MoveAlias
from shadowbook.core.promotion.reconcile import ORDER, Actions, Intent, intended, reconciled

BEFORE = {"champion": 1, "challenger": 2, "previous": None}
PROMOTED = {"champion": 2, "challenger": None, "previous": 1}
RETURNED = {"champion": 1, "challenger": None, "previous": None}


class CrashError(Exception):
    """The process ends here."""


class Places:
    """Ledger and registry; every write may be the last before a crash."""

    def __init__(self, aliases=BEFORE):
        self.aliases = dict(aliases)
        self.intent, self.committed = None, True
        self.writes = 0
        self.left = 10**6

    def write(self):
        if self.left == 0:
            raise CrashError
        self.left -= 1
        self.writes += 1

    def change(self, key, target):
        intent = intended(key, target, self.aliases, self.intent, self.committed)
        self.write()
        self.intent, self.committed = intent, False
        for name in ORDER:
            self.write()
            self.aliases[name] = target[name]
        self.write()
        self.committed = True

    def start(self):
        found = reconciled(self.intent, self.committed, self.aliases)
        for move in found.moves:
            self.write()
            self.aliases[move.name] = move.version
        if found.commit:
            self.write()
            self.committed = True
        return found


@pytest.mark.parametrize("writes", range(6))
def test_each_crash_of_a_promotion_is_finished_by_the_next_start(writes):
    places = Places()
    places.left = writes
    try:
        places.change("a", PROMOTED)
    except CrashError:
        assert writes < 5
    places.left = 10**6
    found = places.start()
    assert places.aliases == (BEFORE if writes == 0 else PROMOTED)
    assert places.committed
    assert found.reports == ()
    assert found.commit == (1 <= writes <= 4)
    assert [move.name for move in found.moves] == list(ORDER[writes - 1 :]) * (1 <= writes <= 4)
    assert places.start() == Actions()


@pytest.mark.parametrize(("writes", "again"), list(product(range(1, 5), range(5))))
def test_a_start_that_is_killed_itself_is_finished_by_the_next(writes, again):
    places = Places()
    places.left = writes
    with pytest.raises(CrashError):
        places.change("a", PROMOTED)
    places.left = again
    try:
        places.start()
    except CrashError:
        places.left = 10**6
        places.start()
    assert (places.aliases, places.committed) == (PROMOTED, True)


@pytest.mark.parametrize(("first", "second"), list(product(range(1, 6), range(6))))
def test_a_rollback_over_a_promotion_that_was_cut_short_is_no_stranger(first, second):
    places = Places()
    places.left = first
    try:
        places.change("promote", PROMOTED)
    except CrashError:
        assert first < 5
    places.left = second
    try:
        places.change("rollback", RETURNED)
    except CrashError:
        assert second < 5
    places.left = 10**6
    found = places.start()
    assert places.aliases == (PROMOTED if second == 0 else RETURNED)
    assert found.reports == ()
    assert places.start() == Actions()


VERSIONS = (None, 1, 2, 7)
TRAINED = 7
"""Newer than all that the intent names: where a training has pointed the alias challenger."""


def test_every_alias_anywhere_ends_where_the_ledger_says():
    intent = intended("a", PROMOTED, BEFORE)
    for committed, *stood in product((False, True), VERSIONS, VERSIONS, VERSIONS):
        aliases = dict(zip(BEFORE, stood, strict=True))
        found = reconciled(intent, committed, aliases)
        after = aliases | {move.name: move.version for move in found.moves}
        trained = {"challenger": TRAINED} if aliases["challenger"] == TRAINED else {}
        assert after == PROMOTED | trained
        assert found.commit is not committed
        strangers = {
            name
            for name, version in aliases.items()
            if name not in trained
            and version != PROMOTED[name]
            and (committed or version != BEFORE[name])
        }
        assert {report.split()[2] for report in found.reports} == strangers
        assert len(found.reports) == len(strangers)
        assert {move.name for move in found.moves} == {
            name for name in PROMOTED if name not in trained and aliases[name] != PROMOTED[name]
        }


def test_a_report_says_what_was_moved_and_where_it_belongs():
    found = reconciled(intended("ramp/7", PROMOTED, BEFORE), True, PROMOTED | {"champion": 9})
    assert found == Actions(
        (MoveAlias("champion", 2),),
        False,
        (
            "the alias champion names version 9 and the ledger has version 2 (ramp/7): "
            "it was moved behind the ledger's back and is put back",
        ),
    )
    gone = reconciled(intended("ramp/7", RETURNED, PROMOTED), True, {"previous": 4})
    assert [report.split(" (")[0] for report in gone.reports] == [
        "the alias previous names version 4 and the ledger has none",
        "the alias champion is gone and the ledger has version 1",
    ]


def test_a_training_s_challenger_is_no_stranger_but_an_older_one_is():
    intent = intended("a", {"champion": 3, "challenger": None, "previous": 2}, {"champion": 2})
    stands = {"champion": 3, "previous": 2}
    for committed in (True, False):
        assert reconciled(intent, committed, stands | {"challenger": 4}).moves == ()
        found = reconciled(intent, committed, stands | {"challenger": 1})
        assert found.moves == (MoveAlias("challenger", None),)
        assert len(found.reports) == 1


def test_a_ledger_that_never_moved_anything_leaves_the_registry_alone():
    assert reconciled(None, False, PROMOTED) == reconciled(None, True, {}) == Actions()


def test_an_alias_that_is_not_the_intent_s_is_left_alone():
    intent = intended("a", {"champion": 2, "previous": 1}, BEFORE)
    found = reconciled(intent, True, {"champion": 2, "previous": 1, "challenger": 8, "mine": 3})
    assert found == Actions()


def test_an_intent_needs_no_registry_once_there_is_an_earlier_one():
    first = intended("a", PROMOTED, BEFORE)
    assert intended("b", RETURNED, {}, first).before == {
        name: (version,) for name, version in PROMOTED.items()
    }
    assert intended("b", RETURNED, {}, first, committed=False).before == {
        "champion": (1, 2),
        "challenger": (2, None),
        "previous": (None, 1),
    }


def test_an_intent_goes_through_json():
    intent = intended("b", RETURNED, {}, intended("a", PROMOTED, BEFORE), committed=False)
    assert Intent.of_plain(json.loads(json.dumps(intent.plain()))) == intent
