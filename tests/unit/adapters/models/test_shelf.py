"""What a replay keeps of its models, and what it refuses to read back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from shadowbook.adapters.models.shelf import ModelShelf
from shadowbook.errors import IntegrityError

BACKTEST = b"PAR1 what it did out of sample"
ABOUT = {"candidate": "ridge"}


@pytest.fixture(scope="module")
def ridge():
    rng = np.random.default_rng(3)
    return Ridge().fit(rng.normal(size=(20, 2)), rng.normal(size=20))


@pytest.fixture
def shelf(tmp_path, ridge):
    """Two versions kept, of different backtests."""
    made = ModelShelf(tmp_path / "models")
    for version in (1, 2):
        made.keep("weekly", version, ridge, [], ABOUT, BACKTEST + bytes([version]))
    return made


def files_of(shelf, version):
    found = {path.suffix: path for path in shelf.folder.glob(f"weekly-{version}.*")}
    assert set(found) == {".skops", ".parquet", ".json"}
    return found


def test_each_version_comes_back(shelf, ridge):
    for version in (1, 2):
        assert shelf.backtest("weekly", version) == BACKTEST + bytes([version])
        estimator, about = shelf.load("weekly", version)
        np.testing.assert_array_equal(estimator.coef_, ridge.coef_)
        assert about == ABOUT


@pytest.mark.parametrize("key", [("weekly", 3), ("monthly", 1)])
def test_what_was_never_kept_is_none(shelf, key):
    assert shelf.backtest(*key) is None
    assert shelf.load(*key) is None


def test_what_was_not_kept_to_the_end_is_none(shelf):
    files_of(shelf, 1)[".json"].unlink()
    assert shelf.backtest("weekly", 1) is None
    assert shelf.load("weekly", 1) is None


def test_a_version_of_a_release_that_kept_no_backtest_has_none(shelf):
    files = files_of(shelf, 1)
    note = json.loads(files[".json"].read_text("utf-8"))
    del note["backtest_sha256"]
    files[".json"].write_text(json.dumps(note), "utf-8")
    files[".parquet"].unlink()
    assert shelf.backtest("weekly", 1) is None
    assert shelf.load("weekly", 1) is not None


@pytest.mark.parametrize("content", [BACKTEST + b"\x02", BACKTEST, b"", None])
def test_another_backtest_than_was_kept_is_refused(shelf, content):
    """One of another version, cut short, empty, or gone."""
    path = files_of(shelf, 1)[".parquet"]
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(IntegrityError) as refused:
        shelf.backtest("weekly", 1)
    assert str(refused.value) == (
        f"{path} is not the backtest that was kept: delete the replay's folder to begin again"
    )
    assert shelf.load("weekly", 1) is not None
    assert shelf.backtest("weekly", 2) == BACKTEST + b"\x02"


def test_another_estimator_than_was_kept_is_refused(shelf):
    files = files_of(shelf, 1)
    files[".skops"].write_bytes(files_of(shelf, 1)[".skops"].read_bytes()[:-1])
    with pytest.raises(IntegrityError, match=r"model weekly/1 in .* has SHA-256"):
        shelf.load("weekly", 1)
    assert shelf.backtest("weekly", 1) == BACKTEST + b"\x01"
