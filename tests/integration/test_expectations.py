"""The adapter with the real Great Expectations in a temporary folder."""

import re
import time
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters.expectations import Expectations
from shadowbook.core.gates.learned import (
    FeatureGatePolicy,
    LabelGatePolicy,
    PredictionGatePolicy,
    feature_gate,
    label_gate,
    prediction_gate,
)
from shadowbook.core.gates.suite import Check, Suite
from shadowbook.core.gates.verdict import decide
from shadowbook.core.values import Outcome, Quarantine
from shadowbook.errors import PermanentError

DAYS = pd.to_datetime(["2020-01-02", "2020-01-03", "2020-01-06"]).astype("datetime64[us]")


@pytest.fixture
def engine(tmp_path):
    return Expectations(tmp_path / "expectations")


@pytest.fixture
def bars():
    return pd.DataFrame(
        {
            "symbol": "KO",
            "session": DAYS,
            "until": [DAYS[1], DAYS[2], pd.NaT],
            "close": [10.0, 0.0, np.nan],
            "kind": ["a", "b", "a"],
            "other": ["a", "b", "c"],
        }
    )


def check(kind, *columns, **more):
    facts = {
        "name": f"{kind}_of_{'_'.join(columns)}",
        "table": "bars",
        "severity": "critical",
        "action": "halt",
        "what": "it is {value}",
        "remedy": "mend it",
        "key": ("symbol", "session"),
    }
    return Check(kind=kind, columns=columns, **{**facts, **more})


def run(engine, tables, *checks):
    results = engine.evaluate(Suite("bars", "closed", checks), tables)
    assert [result.check for result in results] == [c.name for c in checks]
    return results


@pytest.mark.parametrize(
    ("asked", "success", "n_unexpected"),
    [
        (check("column_exists", "close"), True, 0),
        (check("column_exists", "volume"), False, 1),
        (check("row_count", minimum=3, maximum=3), True, 0),
        (check("row_count", minimum=4), False, 1),
        (check("unique", "symbol", "session"), True, 0),
        (check("unique", "symbol", "kind"), False, 2),
        (check("not_null", "close"), False, 1),
        (check("between", "close", minimum=0), True, 0),
        (check("between", "close", minimum=0, strict_minimum=True), False, 1),
        (check("between", "close", maximum=9), False, 1),
        (check("in_set", "kind", allowed=("a", "b")), True, 0),
        (check("in_set", "kind", allowed=("a",)), False, 1),
        (check("equal", "kind", "other"), False, 1),
    ],
)
def test_each_kind_is_judged(engine, bars, asked, success, n_unexpected):
    (result,) = run(engine, {"bars": bars}, asked)
    assert not result.errored
    assert result.success is success
    assert result.n_unexpected == n_unexpected


@pytest.mark.parametrize("value", [np.inf, -np.inf, -1.0])
def test_infinity_does_not_pass_a_range(engine, bars, value):
    bars.loc[0, "close"] = value
    asked = check("between", "close", minimum=0, maximum=1e9)
    (result,) = run(engine, {"bars": bars}, asked)
    assert not result.success
    assert result.offenders[0].value == value


def test_offenders_come_back_with_names_spans_and_values(engine, bars):
    asked = check(
        "between",
        "close",
        minimum=0,
        strict_minimum=True,
        action="quarantine",
        span=("session", "until"),
    )
    suite = Suite("bars", "closed", (asked,))
    results = engine.evaluate(suite, {"bars": bars})
    (offender,) = results[0].offenders
    assert offender.value == 0.0
    assert offender.row == {"symbol": "KO", "session": date(2020, 1, 3), "until": date(2020, 1, 6)}
    verdict = decide(suite, results)
    assert verdict.reasons == ("KO 2020-01-03: it is 0; mend it.",)
    span = Quarantine("KO", date(2020, 1, 3), date(2020, 1, 6), asked.name)
    assert verdict.quarantined == (span,)


def test_a_span_without_end_stays_open(engine, bars):
    asked = check("not_null", "close", action="quarantine", span=("session", "until"))
    suite = Suite("bars", "closed", (asked,))
    verdict = decide(suite, engine.evaluate(suite, {"bars": bars}))
    assert verdict.quarantined == (Quarantine("KO", date(2020, 1, 6), None, asked.name),)


def test_an_expectation_that_errors_is_told_from_bad_data(engine, bars):
    asked = check("between", "no_such_column", minimum=0), check("between", "close", minimum=0)
    results = run(engine, {"bars": bars}, *asked)
    assert [result.errored for result in results] == [True, False]
    assert "no_such_column" in results[0].message
    verdict = decide(Suite("bars", "closed", asked), results)
    assert verdict.outcome is Outcome.NOT_COMPUTABLE
    assert verdict.halts


def test_a_comparison_that_cannot_be_made_is_an_error_not_a_failure(engine, bars):
    (result,) = run(engine, {"bars": bars}, check("between", "kind", minimum=0))
    assert result.errored


def test_a_table_that_is_not_there_is_an_error(engine):
    (result,) = run(engine, {}, check("not_null", "close"))
    assert result.errored
    assert result.message == "table bars is not there"


def test_an_empty_table_never_passes(engine, bars):
    asked = check("between", "close", minimum=0)
    suite = Suite("bars", "closed", (asked,))
    verdict = decide(suite, engine.evaluate(suite, {"bars": bars.iloc[:0]}))
    assert verdict.outcome is Outcome.NOT_COMPUTABLE
    assert "looked at no row" in verdict.reasons[0]


def test_a_suite_that_asks_nothing_never_passes(engine, bars):
    suite = Suite("bars", "closed", ())
    verdict = decide(suite, engine.evaluate(suite, {"bars": bars}))
    assert verdict.outcome is Outcome.NOT_COMPUTABLE
    assert verdict.halts


def test_data_docs_name_the_feed_and_every_result_stays_under_the_folder(engine, bars, tmp_path):
    run(engine, {"bars": bars}, check("not_null", "symbol"))
    assert engine.docs_path.is_relative_to(tmp_path)
    assert "bars_bars" in engine.docs_path.read_text()
    pages = list(engine.docs_path.parent.glob("validations/bars_bars/**/*.html"))
    assert len(pages) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["expectations"]


def test_data_docs_name_the_offending_rows(engine, bars):
    run(engine, {"bars": bars}, check("between", "close", minimum=0, strict_minimum=True))
    (page,) = engine.docs_path.parent.glob("validations/bars_bars/**/*.html")
    assert "KO 2020-01-03" in page.read_text()


def test_rows_of_one_key_are_told_apart(engine, bars):
    both = pd.concat([bars.iloc[[1]], bars.iloc[[1]].assign(close=-7.0)])
    asked = check("between", "close", minimum=0, strict_minimum=True)
    (result,) = run(engine, {"bars": both}, asked)
    assert [offender.value for offender in result.offenders] == [0.0, -7.0]


def test_a_defect_in_every_row_takes_seconds_not_minutes(engine):
    n = 60_000
    days = pd.date_range("1850-01-01", periods=n).astype("datetime64[us]")
    many = pd.DataFrame({"symbol": "KO", "session": days, "close": -1.0})
    begun = time.monotonic()
    asked = check("between", "close", minimum=0)
    (result,) = run(engine, {"bars": many}, asked)
    assert len(result.offenders) == result.n_unexpected == n
    assert time.monotonic() - begun < 8


def test_results_kept_are_bounded_and_pages_go_with_them(tmp_path, bars):
    engine = Expectations(tmp_path, kept=2)
    for _ in range(4):
        run(engine, {"bars": bars}, check("not_null", "symbol"))
    stored = engine.docs_path.parents[2] / "validations" / "bars_bars"
    assert len(list(stored.glob("**/*.json"))) == 2
    assert len(list(engine.docs_path.parent.glob("validations/bars_bars/**/*.html"))) == 2


def test_what_a_killed_process_left_does_not_stop_the_next(engine, bars):
    asked = check("not_null", "symbol")
    run(engine, {"bars": bars}, asked)
    root = engine.docs_path.parents[3]
    (root / "validation_definitions" / "bars_bars.json").write_text('{"name": "bars_b')
    settings = root / "great_expectations.yml"
    text = settings.read_text()
    settings.write_text(re.sub(r"\n    assets:\n(      .*\n)+", "\n", text))
    assert settings.read_text() != text
    (result,) = run(engine, {"bars": bars}, asked)
    assert result.success


def test_a_broken_context_is_one_of_our_errors(engine, bars):
    run(engine, {"bars": bars}, check("not_null", "symbol"))
    (engine.docs_path.parents[3] / "great_expectations.yml").write_text("][")
    with pytest.raises(PermanentError, match="remove it and repeat"):
        run(engine, {"bars": bars}, check("not_null", "symbol"))


def test_a_folder_that_cannot_be_made_is_one_of_our_errors(tmp_path, bars):
    (tmp_path / "file").write_text("")
    engine = Expectations(tmp_path / "file" / "expectations")
    with pytest.raises(PermanentError, match="cannot be written"):
        run(engine, {"bars": bars}, check("not_null", "symbol"))


def feature_frame(n_sessions=300, n_symbols=12):
    rng = np.random.default_rng(7)
    sessions = pd.bdate_range("2020-01-01", periods=n_sessions).astype("datetime64[us]")
    frame = pd.DataFrame(
        {
            "symbol": np.repeat([f"S{i:02d}" for i in range(n_symbols)], n_sessions),
            "session": np.tile(sessions, n_symbols),
        }
    )
    frame["available_at"] = frame["session"].dt.tz_localize("UTC")
    frame["momentum"] = rng.normal(size=len(frame))
    frame["volatility"] = rng.exponential(size=len(frame))
    frame.loc[frame.groupby("symbol").cumcount() < 20, "momentum"] = np.nan
    return frame


@pytest.mark.parametrize(
    ("plant", "check_name"),
    [
        (lambda f: f.assign(momentum=np.nan), "feature_missing"),
        (lambda f: f.assign(momentum=0.5), "feature_varies"),
        (
            lambda f: f.assign(momentum=f["momentum"].where(f.index != 999, np.inf)),
            "feature_finite",
        ),
        (lambda f: f.assign(momentum=f["momentum"] * 1e6), "feature_range"),
        (lambda f: f[["symbol", "session", "available_at"]], "features_there"),
        (lambda f: f.iloc[:0], "feature_rows"),
        (lambda f: pd.concat([f, f.iloc[[5]]]), "feature_keys_unique"),
        (
            lambda f: f.assign(
                momentum=f["momentum"].where(
                    (f["session"] < f["session"].max()) | (f["symbol"] > "S05")
                )
            ),
            "feature_coverage",
        ),
    ],
)
def test_feature_gate_halts(engine, plant, check_name):
    gate = feature_gate(plant(feature_frame()), 20, FeatureGatePolicy())
    verdict = decide(gate.suite, engine.evaluate(gate.suite, gate.tables))
    failed = {f.check for f in verdict.findings if f.outcome is Outcome.FAILED}
    assert check_name in failed, verdict.reasons
    assert verdict.halts


def test_sound_features_pass(engine):
    gate = feature_gate(feature_frame(), 20, FeatureGatePolicy(), feed="features_main")
    verdict = decide(gate.suite, engine.evaluate(gate.suite, gate.tables))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.feed == "features_main"


def ranks(n_sessions=400, n_symbols=12):
    values = np.random.default_rng(3).normal(size=(n_sessions, n_symbols))
    return values.argsort(axis=1).argsort(axis=1) / (n_symbols - 1) - 0.5


SESSIONS = pd.bdate_range("2020-01-01", periods=400).to_numpy("datetime64[D]")


def set_rows(values, rows, value):
    values[rows] = value
    return values


@pytest.mark.parametrize(
    ("plant", "check_name"),
    [
        (lambda v: v, None),
        (lambda v: set_rows(v, slice(10, 12), 9.0), "label_range"),
        (lambda v: set_rows(v, 10, np.inf), "label_finite"),
        (lambda v: set_rows(v, slice(10, 150), np.nan), "label_missing"),
        (lambda v: set_rows(v, slice(0, 200), np.nan), "labels_matured"),
        (lambda v: set_rows(v, slice(10, 30), 0.25), "labels_vary"),
        (lambda v: set_rows(v, -1, 0.25), "labels_not_early"),
    ],
)
def test_label_gate(engine, plant, check_name):
    labels = plant(set_rows(ranks(), slice(-5, None), np.nan))
    gate = label_gate(labels, SESSIONS, 5, LabelGatePolicy())
    verdict = decide(gate.suite, engine.evaluate(gate.suite, gate.tables))
    failed = {f.check for f in verdict.findings if f.outcome is Outcome.FAILED}
    assert (check_name in failed) if check_name else verdict.outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("plant", "check_name", "halts"),
    [
        (lambda v: v, None, False),
        (lambda v: np.full_like(v, np.nan), "scores_there", True),
        (lambda v: set_rows(v, 3, np.inf), "scores_finite", True),
        (lambda v: set_rows(v, slice(0, 100), np.nan), "scores_missing", True),
        (np.zeros_like, "scores_vary", True),
        (np.sign, "scores_distinct", False),
        (lambda v: set_rows(v, (3, 4), 1e6), "scores_tail", False),
    ],
)
def test_prediction_gate(engine, plant, check_name, halts):
    scores = plant(np.random.default_rng(5).normal(size=(400, 12)))
    gate = prediction_gate(scores, SESSIONS, PredictionGatePolicy())
    verdict = decide(gate.suite, engine.evaluate(gate.suite, gate.tables))
    failed = {f.check for f in verdict.findings if f.outcome is Outcome.FAILED}
    assert (check_name in failed) if check_name else verdict.outcome is Outcome.PASSED
    assert verdict.halts is halts


def test_the_verdict_halts_when_the_engine_forgets_a_check(engine, bars):
    asked = check("not_null", "symbol"), check("not_null", "session")
    suite = Suite("bars", "closed", asked)
    results = engine.evaluate(suite, {"bars": bars})
    assert decide(suite, results).outcome is Outcome.PASSED
    assert decide(suite, results[:1]).halts
    assert not decide(replace(suite, fail_mode="open"), results[:1]).halts
