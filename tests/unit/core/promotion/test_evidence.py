"""Evidence goes to JSON and comes back."""

from __future__ import annotations

import json
import math
from dataclasses import fields

from shadowbook.core.promotion.evidence import Evidence
from shadowbook.serialization import plain


def test_what_the_ledger_keeps_is_read_back():
    given = Evidence(kind="refresh", basis="shadow", effect=0.25, n_sessions=70, drift=False)
    told = json.loads(json.dumps(plain(given), allow_nan=False))
    again = Evidence.read(told)
    for one in fields(Evidence):
        own, its = getattr(again, one.name), getattr(given, one.name)
        assert own == its or (math.isnan(own) and math.isnan(its)), one.name


def test_what_another_release_told_beside_is_left_out():
    assert Evidence.read({"effect": 0.2, "of_tomorrow": 1}).effect == 0.2
