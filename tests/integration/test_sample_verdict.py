"""The verdict on the whole sample: thirty-three years of real prices, rounded to three decimals."""

import pytest

from shadowbook.adapters.expectations import Expectations
from shadowbook.core.gates.market import MarketGatePolicy, bars_gate, reference_gate
from shadowbook.core.gates.verdict import decide
from shadowbook.core.values import Outcome

WARNINGS = {
    # Jumps near a ratio of share counts that news explains: Apple's earnings warning of
    # September 2000 left it restless for weeks; 3:2 is no evidence on closes alone.
    "ratio_jump": ("AAPL 2000-09-29", "AMD 2002-10-03", "BBY 1991-12-19"),
    # A takeover rumour of one day, and a penny-sized price of 1997.
    "jump_reversed": ("BBY 1997-03-20", "BBY 2012-12-13"),
    # Earnings, profit warnings, a withdrawn drug (MRK 2004): all happened.
    "return_outlier": (
        "AAPL 2000-09-29",
        "AMD 1992-06-18",
        "BAC 2003-10-27",
        "BBY 1994-12-01",
        "BBY 2002-08-08",
        "BBY 2010-12-14",
        "BBY 2014-01-16",
        "BBY 2017-05-25",
        "HD 2000-10-12",
        "LLY 2000-08-09",
        "MRK 2004-09-30",
        "MRK 2017-10-27",
        "MSFT 2006-04-28",
        "PFE 2006-12-04",
        "PG 2000-03-07",
        "UNH 1996-07-11",
        "UNH 1998-08-06",
        "UNH 2008-03-11",
    ),
}


@pytest.fixture(scope="module")
def judge(sample, calendar, sample_end, tmp_path_factory):
    schedule = calendar.schedule(sample.bars["session"].min().date(), sample_end.date())
    engine = Expectations(tmp_path_factory.mktemp("expectations"))

    def judged(gate_of, *names):
        gate = gate_of(*names, sample.references, schedule, sample_end, MarketGatePolicy())
        return decide(gate.suite, engine.evaluate(gate.suite, gate.tables))

    return judged


@pytest.fixture(scope="module")
def verdict(judge, sample):
    return judge(bars_gate, sample.bars)


def test_bars_are_warned_about_honest_jumps_and_nothing_is_quarantined(verdict):
    assert verdict.outcome is Outcome.WARNED
    assert not verdict.halts
    assert verdict.quarantined == ()
    bad = {f.check: f.where for f in verdict.findings if f.outcome is not Outcome.PASSED}
    assert bad == WARNINGS
    assert all(f.severity == "warning" for f in verdict.findings if f.check in bad)


def test_a_price_of_twelve_ticks_is_not_blamed_for_resting(verdict):
    """RRC rested 68 sessions in 1990: its tick was then a twelfth of its price."""
    assert not any("RRC" in place for f in verdict.findings for place in f.where)


def test_the_index_passes_and_the_old_vix_is_dropped(judge):
    index = judge(reference_gate, "index")
    assert index.outcome is Outcome.PASSED
    vix = judge(reference_gate, "vix")
    assert not vix.halts
    assert [f.check for f in vix.findings if f.outcome is Outcome.FAILED] == ["series_fresh"]
