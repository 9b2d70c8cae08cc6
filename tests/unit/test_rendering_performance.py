"""What a person reads of execution, of a ledger and of a tape."""

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from shadowbook import rendering_performance
from shadowbook.cli import app
from shadowbook.core.performance.execution import ExecutedOrder, execution_quality
from shadowbook.steps.execution import ExecutionReport

NAN = math.nan
ORDER = ExecutedOrder(
    *("weekly", "champion", "A[1]", datetime(2020, 1, 6, 21, tzinfo=UTC), "buy", 1000, 700),
    *(40.0, 40.04, 40.05, 40.08, 40.06, 17.0, 0.1, False, 16),
)
START = 1_723_161_256_000


@pytest.fixture
def tape(tmp_path):
    """Two quotes and a trade, the local clock a second behind."""
    times = {"local_ns": (START - 1_000) * 1_000_000 + np.array([0, 2_000_000_000])}
    sides = {"bid": 99.0, "bid_qty": 1.0, "ask": 101.0, "ask_qty": 1.0}
    quotes = pd.DataFrame({**times, "exch_ms": [START, START + 2_000], **sides})
    trades = pd.DataFrame(
        {
            "local_ns": [(START - 900) * 1_000_000],
            "exch_ms": [START + 100],
            "price": [101.0],
            "qty": [2.0],
            "buyer_is_maker": [False],
        }
    )
    quotes.to_parquet(tmp_path / "quotes.parquet")
    trades.to_csv(tmp_path / "trades.csv", index=False)
    files = [str(tmp_path / name) for name in ("quotes.parquet", "trades.csv")]
    return ["execution", "--quotes", files[0], "--trades", files[1]]


def test_quality_is_shown_together_and_by_group(capsys):
    rejected = replace(ORDER, filled=0, arrival_price=NAN, average_price=NAN, rejected=True,
                       latency_seconds=NAN, hour=None)  # fmt: skip
    report = ExecutionReport(
        date(2020, 1, 7), date(2020, 1, 8), execution_quality([ORDER, rejected])
    )
    rendering_performance.show_execution(report)
    shown = capsys.readouterr().out
    assert "auctions of 2020-01-07 to 2020-01-08" in shown
    for title in ("by strategy", "by symbol", "by hour"):
        assert title in shown
    assert "A[1]" in shown
    assert "0.100/0.100/0.100 s" in shown
    assert "35.0%" in shown
    assert "2.50" in shown  # slippage: 0.01 of 40.04


def test_large_figures_are_whole_at_the_width_of_a_file(capsys):
    large = replace(ORDER, quantity=9_000_000, filled=9_000_000, arrival_price=39.0,
                    later_price=30.0, average_price=47.0, commission=-9e5)  # fmt: skip
    report = ExecutionReport(date(2020, 1, 7), date(2020, 1, 8), execution_quality([large] * 4))
    rendering_performance.show_execution(report)
    shown = capsys.readouterr().out
    assert "…" not in shown
    for figure in ("1,692,000,000", "−250.00", "2051.28", "1725.00", "0.100/0.100/0.100 s"):
        assert figure in shown, figure


def test_a_tape_is_shown_with_what_its_clocks_say(tape):
    found = CliRunner().invoke(app, tape)
    assert found.exit_code == 0, found.output
    assert "200.000" in found.output
    assert "price impact" in found.output
    assert "…" not in found.output
    assert "1.000 s before they were made" in found.output.replace("\n", " ")


def test_a_program_reads_the_same_tape(tape):
    found = CliRunner().invoke(app, [*tape, "--json"])
    told = json.loads(found.output)
    assert told["spreads"]["by_notional"]["effective"] == pytest.approx(200.0)
    assert told["spreads"]["by_notional"]["realized"]["60"] is None
    assert told["clocks"]["quotes"]["offset_median"] == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--quotes", "q.parquet"], "--quotes and --trades go together"),
        (["--quotes", "q.parquet", "--trades", "t.csv"], "there is no file q.parquet"),
        (["--quotes", "q.csv", "--trades", "t.csv", "-s", "weekly"], "are of the ledger"),
        (["--from", "2020-01-02", "--to", "2020-01-01"], "ends on 2020-01-01, before it begins"),
    ],
)
def test_wrong_usage_is_a_sentence_and_2(words, sentence):
    found = CliRunner().invoke(app, ["execution", *words])
    assert found.exit_code == 2
    assert sentence in found.output
