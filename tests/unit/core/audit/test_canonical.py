"""One content, one text, one digest."""

import hashlib
import math
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shadowbook.core.audit import canonical_json, chain_hash, digest, digest_array

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
EVENTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé€", max_size=3), inner)
    ),
    max_leaves=8,
)


def test_the_example_of_rfc_8785():
    """Section 3.2.2 and 3.2.3: numbers, escapes and the order of keys."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(value) == expected.encode()


def test_the_order_of_keys_of_rfc_8785():
    """Section 3.2.3: by UTF-16 code units, so the emoji stands before U+FB33."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = canonical_json(dict.fromkeys(keys, 0)).decode()
    expected = ["\\r", "1", "\u0080", "ö", "€", "\U0001f600", "\ufb33"]
    assert ordered == "{" + ",".join(f'"{key}":0' for key in expected) + "}"


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (0x0000000000000000, "0"),
        (0x8000000000000000, "0"),
        (0x0000000000000001, "5e-324"),
        (0x7FEFFFFFFFFFFFFF, "1.7976931348623157e+308"),
        (0x4340000000000000, "9007199254740992"),
        (0x44B52D02C7E14AF5, "9.999999999999997e+22"),
        (0x44B52D02C7E14AF6, "1e+23"),
        (0x3EB0C6F7A0B5ED8D, "0.000001"),
        (0x41B3DE4355555555, "333333333.3333333"),
        (0xBECBF647612F3696, "-0.0000033333333333333333"),
    ],
)
def test_the_numbers_of_rfc_8785(bits, text):
    """Appendix B."""
    value = np.array([bits], dtype="uint64").view("float64")[0]
    assert canonical_json(float(value)).decode() == text


def test_what_json_does_not_have_is_written_as_text():
    moment = datetime(2022, 1, 3, 21, 15, tzinfo=UTC)
    assert canonical_json([math.nan, moment, date(2022, 1, 3)]) == (
        b'["NaN","2022-01-03T21:15:00+00:00","2022-01-03"]'
    )
    assert canonical_json([np.float64(1.0), np.int64(2), np.bool_(True)]) == b"[1,2,true]"


@pytest.mark.parametrize(
    "value",
    [math.inf, 2**53 + 1, datetime.fromisoformat("2022-01-03"), {1, 2}, object(), b"x", "\ud800"],
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError, match=r"."):
        canonical_json({"value": value})


@given(st.dictionaries(st.text("abc", max_size=2), EVENTS), st.randoms())
def test_the_order_of_keys_does_not_matter(event, random):
    keys = list(event)
    random.shuffle(keys)
    assert digest({key: event[key] for key in keys}) == digest(event)


@given(EVENTS, EVENTS)
def test_another_event_gives_another_hash(one, other):
    assume(canonical_json(one) != canonical_json(other))
    assert chain_hash("", one) != chain_hash("", other)


@given(st.lists(EVENTS, min_size=2, max_size=5), st.data())
def test_a_chain_shows_changes_losses_and_another_order(events, data):
    def end(chain):
        last = ""
        for event in chain:
            last = chain_hash(last, event)
        return last

    at = data.draw(st.integers(0, len(events) - 1))
    assert end(events[:at] + events[at + 1 :]) != end(events)
    assert end([*events[:at], {"new": events[at]}, *events[at + 1 :]]) != end(events)
    assert end([*events, events[-1]]) != end(events)
    backwards = events[::-1]
    assume([canonical_json(e) for e in backwards] != [canonical_json(e) for e in events])
    assert end(backwards) != end(events)


def test_the_chain_hash_is_what_anybody_can_compute():
    text = b'{"event":{"kind":"run"},"previous_hash":"ab"}'
    assert chain_hash("ab", {"kind": "run"}) == hashlib.sha256(text).hexdigest()


def test_equal_arrays_have_equal_digests():
    values = np.array([[1.0, np.nan], [0.0, -2.5]])
    other = np.asfortranarray(values.copy())
    other[1, 0] = -0.0
    other[0, 1] = np.frombuffer(np.uint64(0x7FF8000000000123).tobytes())[0]
    assert digest_array(values) == digest_array(other)
    assert digest_array(values) == digest_array(values.astype(">f8"))


def test_other_arrays_have_other_digests():
    values = np.arange(6.0)
    digests = {
        digest_array(values),
        digest_array(values.reshape(2, 3)),
        digest_array(values.reshape(3, 2)),
        digest_array(values, values),
        digest_array(values.astype("int64")),
        digest_array(np.nextafter(values, 1)),
        digest_array(),
        digest_array(np.array(["a", "bc"])),
        digest_array(np.array(["ab", "c"])),
    }
    assert len(digests) == 9


def test_text_counts_by_content_and_not_by_type():
    assert digest_array(np.array(["é", "bc"], dtype=object)) == digest_array(np.array(["é", "bc"]))
