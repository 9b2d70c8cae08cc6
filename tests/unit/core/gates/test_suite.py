import pytest

from shadowbook.core.gates.suite import Check


def check(**facts):
    defaults = {
        "name": "c",
        "table": "t",
        "kind": "between",
        "columns": ("x",),
        "severity": "critical",
        "action": "halt",
        "what": "",
        "remedy": "",
    }
    return Check(**{**defaults, **facts})


@pytest.mark.parametrize(
    ("facts", "limit"),
    [
        ({"minimum": 0, "strict_minimum": True, "maximum": 1e9}, "above 0 and at most 1e+09"),
        ({"minimum": 3}, "at least 3"),
        ({"maximum": 0.25}, "at most 0.25"),
        ({"kind": "in_set", "allowed": (0.0, 1.0)}, "one of 0, 1"),
        ({"kind": "not_null"}, "no missing value"),
        ({"kind": "unique"}, "each once"),
    ],
)
def test_limit_says_what_is_allowed(facts, limit):
    assert check(**facts).limit == limit


def test_row_columns_hold_key_span_and_details_once():
    asked = check(key=("symbol", "session"), span=("before", "session"), details=("ratio",))
    assert asked.row_columns == ("symbol", "session", "before", "ratio")
