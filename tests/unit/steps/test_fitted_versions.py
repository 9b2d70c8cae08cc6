"""Which versions there are in a session of a replay, where drift asks for some between."""

from types import SimpleNamespace

import pytest

from shadowbook.settings import parse_settings
from shadowbook.steps.fitted_versions import FittedVersions
from shadowbook.steps.history import History
from shadowbook.workspace import Workspace

COUNT = 30


def versions(tmp_path, interval=10, count=COUNT):
    settings = parse_settings(
        "seed: 1\nlearning: {candidates: {m: {kind: ridge}}}\n"
        "strategies: {weekly: {horizon: 5, features: [momentum_21]}}\n"
        f"replay: {{retrain_sessions: {interval}}}\n"
    )
    history = History(known=None, moments=range(count), features=None, past=None)
    shelf = SimpleNamespace(load=None)
    return FittedVersions(Workspace(tmp_path, settings), history, "weekly", shelf)


def begins(made, count=COUNT):
    """Version -> the session that it is new in."""
    return {version: at for at in range(count) for version in made.new(at)}


def test_one_more_takes_its_place_in_the_order_of_first_sessions(tmp_path):
    made = versions(tmp_path)
    assert begins(made) == {1: 0, 2: 10, 3: 20}
    assert made.add(4, "drift/weekly/a")
    assert begins(made) == {1: 0, 2: 4, 3: 10, 4: 20}
    assert made.add(17, "drift/weekly/b")
    assert begins(made) == {1: 0, 2: 4, 3: 10, 4: 17, 5: 20}
    assert list(made.there(16)) == [1, 2, 3]
    assert list(made.there(17)) == [1, 2, 3, 4]
    assert [made._begin(version) for version in range(1, 6)] == [0, 4, 10, 17, 20]
    assert made.first_champion == 1


def test_what_is_asked_for_later_leaves_earlier_numbers_alone(tmp_path):
    made = versions(tmp_path)
    for at in range(COUNT):
        before = [list(made.there(i)) for i in range(at + 1)]
        if at % 7 == 3:
            made.add(at + 1, f"drift/weekly/{at}")
        assert [list(made.there(i)) for i in range(at + 1)] == before
    assert begins(made) == {1: 0, 2: 4, 3: 10, 4: 11, 5: 18, 6: 20, 7: 25}


def test_a_regular_one_of_that_session_answers_as_well(tmp_path):
    made = versions(tmp_path)
    assert made.add(10, "drift/weekly/a")
    assert begins(made) == {1: 0, 2: 10, 3: 20}


def test_asked_twice_for_a_session_there_is_one(tmp_path):
    made = versions(tmp_path)
    assert made.add(4, "drift/weekly/a")
    assert made.add(4, "drift/weekly/a")
    assert begins(made) == {1: 0, 2: 4, 3: 10, 4: 20}


def test_without_regular_ones_drift_alone_adds(tmp_path):
    made = versions(tmp_path, interval="null")
    assert begins(made) == {1: 0}
    made.add(20, "drift/weekly/b")
    made.add(3, "drift/weekly/a")
    assert begins(made) == {1: 0, 2: 3, 3: 20}


@pytest.mark.parametrize("interval", [10, "null"])
def test_the_end_of_the_span_changes_no_answer(tmp_path, interval):
    """A replay in pieces must say in the last session of a piece what it says in one go."""
    whole, piece = versions(tmp_path, interval), versions(tmp_path, interval, count=13)
    assert piece.add(13, "drift/weekly/a") == whole.add(13, "drift/weekly/a")
    assert begins(piece, 13) == {version: at for version, at in begins(whole).items() if at < 13}
