"""A restatement, a late bar, a feature that peeks and a forgotten purge, end to end."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.learning import features as definitions
from shadowbook.core.learning.catalog import CATALOG, Feature
from shadowbook.core.learning.point_in_time import Knowledge, feature_rows, rebuild_log
from shadowbook.core.learning.splits import PurgedWalkForward
from shadowbook.errors import LeakageError
from shadowbook.steps.build_features import build_features
from shadowbook.steps.known import accepted
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.reproduce import reproduce
from shadowbook.steps.train import load_dataset, train

BEFORE, LATE, RESTATED, AFTER, BACKDATED = (
    "2022-12-19",
    "2022-12-20",
    "2022-12-21",
    "2022-12-22",
    "2022-12-23",
)
ABOUT = pd.Timestamp("2022-12-14")
FACTOR = 1.03


def noon(day: str) -> pd.Timestamp:
    return pd.Timestamp(f"{day} 12:00", tz="UTC")


def told_again(bars: pd.DataFrame, symbol: str, session: str, known: str) -> pd.DataFrame:
    """Add another version of a bar."""
    row = bars[(bars["symbol"] == symbol) & (bars["session"] == session)]
    again = row.assign(close=row["close"] * FACTOR, available_at=noon(known))
    return pd.concat([bars, again], ignore_index=True)


@pytest.fixture(scope="module")
def grown(priced):
    """Run day by day over a late bar and two restatements, the second dated back.

    -> place, bars as the source told them at first, runs of the days BEFORE and AFTER, gates.
    """
    place = priced()
    plain = place.bars()
    bars = told_again(plain, "AAPL", str(ABOUT.date()), RESTATED)
    late = (bars["symbol"] == "AMD") & (bars["session"] == LATE)
    bars.loc[late, "available_at"] = noon(AFTER)
    place.say(bars)
    gates = {BEFORE: place.extend(BEFORE)}
    runs = [place.train(BEFORE)]
    for day in (LATE, RESTATED, AFTER):
        gates[day] = place.extend(day)
    runs.append(place.train(AFTER))
    place.say(told_again(bars, "BAC", "2022-12-13", LATE))
    gates[BACKDATED] = place.extend(BACKDATED)
    return place, plain, runs, gates


def logged(place):
    return place.workspace.feature_log.read()


OWN = [f.name for f in CATALOG if f.rank_of is None and not f.needs]
"""Features of a symbol that do not depend on who else had a price."""


def rows_at(rows: pd.DataFrame, symbol: str, session: str) -> np.ndarray:
    at = (rows["symbol"] == symbol) & (rows["session"] == session)
    return rows.loc[at, OWN].to_numpy()


def moment(place, day: str) -> datetime:
    return resolve_as_of(place.workspace, day)


def from_plain(grown, day: str) -> pd.DataFrame:
    """Features at once, from what was told first, every bar in time."""
    place, plain, _, _ = grown
    workspace = place.workspace
    known = accepted(workspace.market, moment(place, BACKDATED))
    symbols = tuple(sorted(plain["symbol"].unique()))
    first = plain["session"].min().date()
    knowledge = Knowledge(moment(place, day), first, symbols, ("index",), ())
    return feature_rows(plain, known.delivery.references, known.schedule, knowledge)


def test_day_by_day_gives_what_a_rebuild_gives(grown):
    place, _, _, gates = grown
    workspace = place.workspace
    known = accepted(workspace.market, moment(place, BACKDATED))
    bars, references = known.delivery.bars, known.delivery.references
    journal = workspace.feature_journal.read()
    rebuilt = rebuild_log(bars, references, known.schedule, journal)
    log = logged(place)
    pd.testing.assert_frame_equal(log, rebuilt[list(log)], check_exact=True)
    assert len(journal) == 5
    assert [entry.quarantined[0].symbol for entry in journal[1:3]] == ["AMD", "AMD"]
    assert (gates[AFTER].restated, gates[BACKDATED].restated) == (0, 1)


def test_decisions_before_a_restatement_keep_their_features(grown):
    log, first_told = logged(grown[0]), from_plain(grown, BACKDATED)
    for day in ("2022-12-14", BEFORE, LATE):
        np.testing.assert_array_equal(
            rows_at(log, "AAPL", day), rows_at(first_told, "AAPL", day), err_msg=day
        )
    # Decided with the restatement known: a momentum over the restated session has moved.
    assert not np.array_equal(
        rows_at(log, "AAPL", RESTATED), rows_at(first_told, "AAPL", RESTATED), equal_nan=True
    )


def test_a_late_bar_never_enters_the_session_it_missed(grown):
    log = logged(grown[0])
    assert rows_at(log, "AMD", LATE).shape[0] == 0
    assert np.isnan(rows_at(log, "AMD", RESTATED)).any()  # windows over the gap
    assert np.isfinite(rows_at(log, "AMD", AFTER)).all()


def test_training_sees_the_restatement_only_after_it_was_known(grown):
    place, plain, _, _ = grown
    told = plain[(plain["symbol"] == "AAPL") & (plain["session"] == ABOUT)]["close"].item()
    seen = {}
    for day in (LATE, RESTATED):
        workspace = place.workspace
        dataset = load_dataset(workspace, "weekly", moment(place, day))
        column = dataset.symbols.index("AAPL")
        row = int(np.searchsorted(dataset.sessions, ABOUT.to_datetime64().astype("datetime64[D]")))
        label = dataset.labels[row - 5, column]  # 5 sessions to the restated close
        seen[day] = (dataset.prices[row, column], label, dataset.features[row, column])
    assert seen[LATE][0] == told
    assert seen[RESTATED][0] == told * FACTOR
    assert seen[RESTATED][1] - seen[LATE][1] > 0.02  # 3 % of one of eight, less their mean
    np.testing.assert_array_equal(seen[LATE][2], seen[RESTATED][2])


def test_a_fact_dated_back_counts_from_when_it_came(grown):
    place = grown[0]
    delivery = place.workspace.market.accepted.read()
    bars = delivery.bars
    versions = bars[(bars["symbol"] == "BAC") & (bars["session"] == "2022-12-13")]
    assert len(versions) == 2
    assert versions["available_at"].max() > pd.Timestamp(moment(place, BACKDATED))
    again = place.accept(BACKDATED)  # telling it once more adds nothing
    assert (again.added, again.restated) == (0, 0)


def test_what_came_later_changes_no_earlier_run(grown, single):
    place, _, runs, _ = grown
    alone, (mine, theirs) = (
        single[1],
        (
            place.workspace.models.manifest(runs[0].run.run_id),
            single[0].workspace.models.manifest(single[1].run.run_id),
        ),
    )
    assert mine["prediction_digest"] == theirs["prediction_digest"]
    for layer in ("features", "folds", "predictions", "metrics"):
        assert mine["layers"][layer] == theirs["layers"][layer], layer
    assert alone.best == runs[0].best
    again = place.train(BEFORE)
    assert again.existing
    assert again.run.run_id == runs[0].run.run_id


def test_every_run_is_reproduced_after_later_ones_moved_on(grown):
    place, _, runs, _ = grown
    outcomes = [reproduce(place.workspace, run.run.run_id) for run in runs]
    assert [found.outcome for found in outcomes] == ["REPRODUCED", "REPRODUCED"], outcomes


def test_a_feature_that_peeks_stops_the_build(grown, tmp_path, monkeypatch):
    place = grown[0].copy(tmp_path / "copy")
    workspace = place.workspace
    as_of = moment(place, BACKDATED)
    before = logged(place)
    peek = Feature("peek", "price", 1, lambda inputs: np.roll(inputs.price, -1, axis=0))
    monkeypatch.setattr(definitions, "CATALOG", (*CATALOG, peek))
    with pytest.raises(LeakageError, match=r"^feature peek of \w+ on \d{4}-\d\d-\d\d changes"):
        build_features(workspace, as_of)
    pd.testing.assert_frame_equal(logged(place), before)
    assert not list(workspace.feature_folder.glob(".*"))


def test_labels_that_overlap_stop_the_training(grown, monkeypatch):
    place, _, runs, _ = grown

    def forgetful(self, first_test, size, gap):
        for fold in range(self.n_splits):
            begin = first_test + fold * size
            yield np.arange(begin), np.arange(begin, begin + size)

    monkeypatch.setattr(PurgedWalkForward, "_folds", forgetful)
    with pytest.raises(LeakageError, match=r"training label \d+ spans sessions .*: purge it"):
        train(place.workspace, "weekly", moment(place, AFTER))
    assert [run.run_id for run in place.workspace.models.runs()] == [
        run.run.run_id for run in reversed(runs)
    ]
