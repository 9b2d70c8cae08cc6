"""Real prices with one defect planted at a time, judged by the real gate.

``PLANTS`` is the table of docs/gates.md: what is planted, which check names it, how the verdict
ends, and what is quarantined. ``MISSED`` are defects that no check can tell; they are stated, so
that nobody relies on the gate for them.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters.expectations import Expectations
from shadowbook.core.gates.market import MarketGatePolicy, bars_gate, reference_gate
from shadowbook.core.gates.verdict import decide
from shadowbook.core.values import Outcome

FIRST, LAST = date(2016, 1, 4), date(2017, 12, 29)
DAY = pd.Timestamp("2017-06-15")
BEFORE = pd.Timestamp("2017-06-14")
AFTER = pd.Timestamp("2017-06-16")
SYMBOL = "KO"


@dataclass(frozen=True)
class Plant:
    """One planted defect and what must come of it."""

    name: str
    plant: object
    check: str
    outcome: Outcome
    first: date | None = None
    last: date | None = None
    where: str = ""
    traded: bool = False


def at(bars, symbol=SYMBOL, day=DAY):
    return (bars["symbol"] == symbol) & (bars["session"] == day)


def since(bars, symbol=SYMBOL, day=DAY):
    return (bars["symbol"] == symbol) & (bars["session"] >= day)


def changed(rows, column, value):
    """Set a column on the chosen rows to a value, or to a function of what it holds."""

    def plant(bars):
        chosen = rows(bars)
        bars.loc[chosen, column] = value(bars.loc[chosen, column]) if callable(value) else value
        return bars

    return plant


def times(factor):
    return lambda values: values * factor


def without(rows):
    return lambda bars: bars[~rows(bars)]


def with_row(**facts):
    """Add a copy of one bar with some facts changed."""

    def plant(bars):
        return pd.concat([bars, bars[at(bars)].assign(**facts)], ignore_index=True)

    return plant


def naive(bars):
    return bars.assign(available_at=bars["available_at"].dt.tz_localize(None))


def as_text(bars):
    return bars.assign(close=bars["close"].map("{:.2f} USD".format))


def known_early(bars):
    bars.loc[at(bars), "available_at"] -= pd.Timedelta(hours=1)
    return bars


def restated(bars):
    """A bad tick that the source itself mends a month before the end."""
    later = bars["available_at"].max() - pd.Timedelta(days=30)
    mended = bars[at(bars)].assign(available_at=later)
    bars.loc[at(bars), "close"] *= 1.2
    return pd.concat([bars, mended], ignore_index=True)


def frozen(bars):
    days = np.sort(bars["session"].unique())
    start = int(np.searchsorted(days, np.datetime64(DAY)))
    span = (bars["symbol"] == SYMBOL) & bars["session"].isin(days[start : start + 16])
    bars.loc[span, "close"] = bars.loc[at(bars), "close"].item()
    return bars


def frozen_to_the_end(bars):
    bars.loc[since(bars), "close"] = bars.loc[at(bars), "close"].item()
    return bars


def copied_session(bars):
    before = bars[bars["session"] == BEFORE].set_index("symbol")["close"]
    day = bars["session"] == DAY
    bars.loc[day, "close"] = bars.loc[day, "symbol"].map(before)
    return bars


def copied_bar(bars):
    columns = ["open", "high", "low", "close", "volume"]
    bars.loc[at(bars), columns] = bars.loc[at(bars, day=BEFORE), columns].to_numpy()
    return bars


def swapped(bars):
    one, other = since(bars, "KO"), since(bars, "JNJ")
    ours = bars.loc[one, "close"].to_numpy()
    bars.loc[one, "close"] = bars.loc[other, "close"].to_numpy()
    bars.loc[other, "close"] = ours
    return bars


def doubled(bars):
    bars.loc[since(bars, "KO"), "close"] = bars.loc[since(bars, "PEP"), "close"].to_numpy()
    return bars


def shrunk(to):
    """Leave so many symbols in the newest session."""

    def plant(bars):
        kept = sorted(bars["symbol"].unique())[:to]
        newest = bars["session"] == bars["session"].max()
        return bars[~newest | bars["symbol"].isin(kept)]

    return plant


def many_zeros(bars):
    few = sorted(bars["symbol"].unique())[:10]
    bars.loc[bars["symbol"].isin(few) & (bars["session"] == DAY), "close"] = 0.0
    return bars


def split(ratio):
    """Leave the prices before the day unadjusted; shares, and so volume, multiply with it."""

    def plant(bars):
        prices = [c for c in ("open", "high", "low", "close") if c in bars]
        bars.loc[since(bars), prices] /= ratio
        if "volume" in bars:
            bars.loc[since(bars), "volume"] *= ratio
        return bars

    return plant


def crash(ratio):
    """Fall as far as a split would, in a session that trades eight times its usual dollars."""

    def plant(bars):
        bars = split(ratio)(bars)
        bars.loc[at(bars), "volume"] *= 8
        return bars

    return plant


def high_too_low(bars):
    bars.loc[at(bars), "high"] = bars.loc[at(bars), "close"] * 0.995
    return bars


def jump(bars):
    bars.loc[since(bars), "close"] *= 0.80
    return bars


PRICES = ["open", "high", "low", "close"]


def sessions_from(bars, start, number):
    """So many sessions of the symbol, from one on."""
    days = np.sort(bars["session"].unique())
    first = int(np.searchsorted(days, np.datetime64(start)))
    return (bars["symbol"] == SYMBOL) & bars["session"].isin(days[first : first + number])


def split_late(sessions, factor=2.0):
    """The prices of these sessions miss the split that those before and after have."""

    def plant(bars):
        bars.loc[sessions_from(bars, DAY, sessions), PRICES] *= factor
        return bars

    return plant


def split_of_prices(ratio):
    def plant(bars):
        bars.loc[since(bars), PRICES] /= ratio
        return bars

    return plant


def split_of_volume(ratio):
    return changed(since, "volume", lambda held: (held * ratio).round())


def gap(number):
    return lambda bars: bars[~sessions_from(bars, DAY, number)]


def many_highs(bars):
    """One bar in five of the adjusted close's highs, as files with unadjusted highs have them."""
    chosen = np.random.default_rng(3).random(len(bars)) < 0.2
    bars.loc[chosen, "high"] = bars.loc[chosen, "close"] * 0.97
    return bars


def renamed(bars):
    bars.loc[since(bars), "symbol"] = "KOX"
    return bars


def a_session_off(lag):
    """The symbol's bars stand so many sessions late."""

    def plant(bars):
        bars = bars.sort_values(["symbol", "session"], ignore_index=True)
        own = bars["symbol"] == SYMBOL
        bars.loc[own, "close"] = bars.loc[own, "close"].shift(lag)
        return bars[~(own & bars["close"].isna())]

    return plant


def a_day_late(bars):
    """New York's dates read as if they were London's evenings."""
    day = pd.Timedelta(days=1)
    late = bars.assign(session=bars["session"] + day, available_at=bars["available_at"] + day)
    return late[late["session"] <= pd.Timestamp(LAST)]


FAILED, WARNED, PASSED = Outcome.FAILED, Outcome.WARNED, Outcome.PASSED
d = date.fromisoformat
PLANTS = (
    Plant("a column is missing", lambda b: b.drop(columns="close"), "has_close", FAILED),
    Plant("the file is empty", lambda b: b.iloc[:0], "has_rows", FAILED),
    Plant("a column holds nothing", lambda b: b.assign(close=np.nan), "columns_filled", FAILED),
    Plant("prices are text", as_text, "column_types", FAILED, where="close"),
    Plant("times have no zone", naive, "column_types", FAILED, where="available_at"),
    Plant("a key stands twice", with_row(), "keys_unique", FAILED, where="KO 2017-06-15"),
    Plant(
        "a bar on a Saturday",
        with_row(session=pd.Timestamp("2017-06-17")),
        "sessions_on_calendar",
        FAILED,
        where="KO 2017-06-17",
    ),
    Plant(
        "a bar of a future session",
        with_row(session=pd.Timestamp("2018-01-03")),
        "sessions_not_ahead",
        FAILED,
        where="KO 2018-01-03",
    ),
    Plant("a bar known before its close", known_early, "known_after_close", FAILED),
    Plant("a price restated by 20 %", restated, "restatements_small", WARNED),
    Plant("a bar is missing", without(at), "sessions_complete", WARNED, DAY, DAY),
    Plant(
        "a session is missing for all",
        without(lambda b: b["session"] == DAY),
        "session_present",
        FAILED,
        where="2017-06-15",
    ),
    Plant("a symbol stops", without(since), "symbol_stale", WARNED, DAY, None),
    Plant("the feed stops", without(lambda b: b["session"] > DAY), "feed_fresh", FAILED),
    Plant("a quarter lacks the newest session", shrunk(15), "universe_share", FAILED),
    Plant("four symbols have the newest session", shrunk(4), "universe_size", FAILED),
    Plant("a close is missing", changed(at, "close", np.nan), "close_present", WARNED, DAY, DAY),
    Plant("a close is zero", changed(at, "close", 0.0), "close_positive", WARNED, DAY, DAY),
    Plant("a close is negative", changed(at, "close", -42.0), "close_positive", WARNED, DAY, DAY),
    Plant("a close is infinite", changed(at, "close", np.inf), "close_positive", WARNED, DAY, DAY),
    Plant("zeros in half of a session", many_zeros, "quarantine_share", FAILED),
    Plant("a price rests 15 sessions", frozen, "price_frozen", WARNED, AFTER, d("2017-07-07")),
    Plant("a price rests to the end", frozen_to_the_end, "price_frozen", WARNED, AFTER, None),
    Plant("a session copied for all", copied_session, "session_copied", FAILED),
    Plant("a 2 for 1 split", split(2), "split_unadjusted", WARNED, BEFORE, DAY),
    Plant("a 20 for 1 split", split(20), "split_unadjusted", WARNED, BEFORE, DAY),
    Plant("a 1 for 5 reverse split", split(0.2), "split_unadjusted", WARNED, BEFORE, DAY),
    Plant("a bad tick of 30 %", changed(at, "close", times(1.3)), "bad_tick", WARNED, DAY, DAY),
    Plant(
        "one symbol turns to cents",
        changed(since, "close", times(100)),
        "price_level",
        WARNED,
        BEFORE,
        DAY,
    ),
    Plant(
        "the whole feed turns to cents",
        changed(lambda b: b["session"] >= DAY, "close", times(100)),
        "market_move",
        FAILED,
    ),
    Plant("two symbols swapped", swapped, "symbols_swapped", WARNED, BEFORE, DAY),
    Plant("a symbol carries another's prices", doubled, "symbol_doubled", WARNED, None, None),
    Plant("a fall of 20 %", jump, "return_outlier", WARNED),
    Plant(
        "high below close",
        changed(at, "high", times(0.9)),
        "range_broken",
        WARNED,
        DAY,
        DAY,
        traded=True,
    ),
    Plant(
        "high half a percent below close",
        high_too_low,
        "range_holds_prices",
        WARNED,
        traded=True,
    ),
    Plant(
        "open, high and low missing",
        changed(at, ["open", "high", "low"], np.nan),
        "high_present",
        WARNED,
        traded=True,
    ),
    Plant(
        "a negative volume",
        changed(at, "volume", -1.0),
        "volume_not_negative",
        WARNED,
        DAY,
        DAY,
        traded=True,
    ),
    Plant(
        "volume turns to lots",
        changed(since, "volume", times(0.001)),
        "volume_level",
        WARNED,
        traded=True,
    ),
    Plant("a bar copied forward", copied_bar, "bar_repeated", WARNED, DAY, DAY, traded=True),
    Plant("a spin-off of 57 %", split(2.32), "split_unadjusted", WARNED, BEFORE, DAY, traded=True),
    Plant("a 3 for 2 split", split(1.5), "split_unadjusted", WARNED, BEFORE, DAY, traded=True),
    Plant("an honest crash of 50 %", crash(2), "ratio_jump", WARNED, traded=True),
    Plant("a 3 for 2 split, closes alone", split(1.5), "ratio_jump", WARNED),
    Plant(
        "highs below closes by the thousand",
        many_highs,
        "quarantine_bars_range_broken",
        FAILED,
        where="20 symbols",
        traded=True,
    ),
    Plant(
        "low above close",
        changed(at, "low", times(1.1)),
        "range_broken",
        WARNED,
        DAY,
        DAY,
        traded=True,
    ),
    Plant(
        "a low is negative",
        changed(at, "low", -3.0),
        "low_positive",
        WARNED,
        DAY,
        DAY,
        traded=True,
    ),
    Plant("3 sessions are missing", gap(3), "sessions_complete", WARNED, DAY, d("2017-06-19")),
    Plant("30 sessions are missing", gap(30), "sessions_complete", WARNED, DAY, d("2017-07-27")),
    Plant("a split applied a day late", split_late(1), "bad_tick", WARNED, DAY, DAY, traded=True),
    Plant(
        "a split applied, and reversed a day later",
        split_late(1, 0.5),
        "bad_tick",
        WARNED,
        DAY,
        DAY,
        traded=True,
    ),
    Plant(
        "a split applied three days late",
        split_late(3),
        "split_unadjusted",
        WARNED,
        BEFORE,
        DAY,
        traded=True,
    ),
    Plant(
        "a split of prices, not of volume",
        split_of_prices(2),
        "split_unadjusted",
        WARNED,
        BEFORE,
        DAY,
        traded=True,
    ),
    Plant(
        "a 10 for 1 split of volume, not of prices",
        split_of_volume(10),
        "volume_shift",
        WARNED,
        traded=True,
    ),
    Plant(
        "volume 0, and the price moves",
        changed(at, "volume", 0.0),
        "volume_zero",
        WARNED,
        traded=True,
    ),
    Plant(
        "a symbol changes its ticker",
        renamed,
        "symbol_renamed",
        WARNED,
        DAY,
        None,
        where="KO 2017-06-14: it ends here and KOX begins the next session at",
    ),
    Plant(
        "a symbol's bars stand a session late",
        a_session_off(1),
        "sessions_shifted",
        WARNED,
        d("2016-01-04"),
        None,
        where="a session late",
    ),
    Plant(
        "a symbol's bars stand a session early",
        a_session_off(-1),
        "sessions_shifted",
        WARNED,
        d("2016-01-04"),
        None,
        where="a session early",
    ),
    Plant("dates turned by a time zone", a_day_late, "sessions_on_calendar", FAILED),
    Plant(
        "a whole bar 20 % away",
        split_late(1, 1.2),
        "bar_strayed",
        WARNED,
        traded=True,
    ),
    Plant("a whole bar 30 % away", split_late(1, 1.3), "bad_tick", WARNED, DAY, DAY, traded=True),
    Plant(
        "prices in another currency from a day on",
        split_of_prices(1.3),
        "split_unadjusted",
        WARNED,
        BEFORE,
        DAY,
        traded=True,
    ),
)

MISSED = (
    ("a price 1 % off", changed(at, "close", times(1.01))),
    ("a whole history in cents", changed(lambda b: b["symbol"] == SYMBOL, "close", times(100))),
    ("a price rests three sessions", lambda b: rest(b, 3)),
    ("a symbol that died is not there at all", lambda b: b[b["symbol"] != SYMBOL]),
    ("a 2 for 1 split of volume, not of prices", lambda b: split_of_volume(2)(traded(b))),
)


def earnings(factor):
    """News: the price jumps, stays there, and trades eight times its usual dollars."""

    def plant(bars, references):
        bars.loc[since(bars), PRICES] *= factor
        bars.loc[at(bars), "volume"] *= 8 / factor
        return bars, references

    return plant


def black_monday(bars, references):
    """All fall by what the S&P 500 fell on 1987-10-19, and trade three times as much."""
    bars.loc[bars["session"] >= DAY, PRICES] *= 0.795
    bars.loc[bars["session"] == DAY, "volume"] *= 3
    index = (references["name"] == "index") & (references["session"] >= DAY)
    return bars, references.assign(
        value=references["value"].mask(index, references["value"] * 0.795)
    )


def halted(bars, references):
    """Four sessions without a trade, told with the last price."""
    rest = sessions_from(bars, DAY, 4)
    bars.loc[rest, PRICES] = bars.loc[at(bars, day=BEFORE), "close"].item()
    bars.loc[rest, "volume"] = 0.0
    return bars, references


def adjusted_split(bars, references):
    """Raw prices halve and shares double; the adjusted close knows the split."""
    bars = bars.assign(adjusted_close=bars["close"])
    bars.loc[bars["symbol"].eq(SYMBOL) & (bars["session"] < DAY), PRICES] *= 2
    bars.loc[since(bars), "volume"] *= 2
    return bars, references


def quiet(bars, references):
    """A takeover at a fixed price: cents a day for half a year."""
    rows = since(bars)
    cents = np.random.default_rng(4).integers(-3, 4, rows.sum())
    price = bars.loc[at(bars), "close"].item() + 0.01 * cents
    for name, away in (("open", 0.01), ("high", 0.02), ("low", -0.02), ("close", 0.0)):
        bars.loc[rows, name] = price + away
    bars.loc[rows, "open"] = np.clip(bars.loc[rows, "open"], price - 0.02, price + 0.02)
    return bars, references


def share_classes(bars, references):
    rows = bars[bars["symbol"] == SYMBOL].copy()
    noise = np.random.default_rng(5).normal(1, 0.002, len(rows))
    rows[PRICES] = rows[PRICES].mul(0.97 * noise, axis=0).round(3)
    rows = rows.assign(symbol="KO.B", volume=(rows["volume"] / 10).round())
    return pd.concat([bars, rows], ignore_index=True), references


HONEST = (
    ("a fall of 20 % on earnings", earnings(0.8), {"return_outlier"}),
    ("a rise of 30 % on earnings", earnings(1.3), {"return_outlier"}),
    ("a crash of the whole market", black_monday, {"return_outlier"}),
    ("a halt of four sessions", halted, set()),
    ("three sessions without any bar", lambda b, r: (gap(3)(b), r), {"sessions_complete"}),
    ("a listing", lambda b, r: (b[(b["symbol"] != SYMBOL) | since(b)], r), set()),
    ("a delisting", lambda b, r: (b[~since(b)], r), {"symbol_stale"}),
    ("a split that the adjusted close knows", adjusted_split, set()),
    ("a stock that hardly moves", quiet, set()),
    ("two classes of one share", share_classes, set()),
)
"""What happens, and the checks that may name it; none of them may leave out a bar."""


def rest(bars, sessions):
    days = np.sort(bars["session"].unique())
    start = int(np.searchsorted(days, np.datetime64(DAY)))
    span = (bars["symbol"] == SYMBOL) & bars["session"].isin(days[start : start + sessions + 1])
    bars.loc[span, "close"] = bars.loc[at(bars), "close"].item()
    return bars


@pytest.fixture(scope="module")
def market(sample, calendar):
    """The sample's two years before 2018, and the calendar some days beyond."""
    frames = [
        rows[rows["session"].between(pd.Timestamp(FIRST), pd.Timestamp(LAST))]
        for rows in (sample.bars, sample.references)
    ]
    schedule = calendar.schedule(FIRST, date(2018, 1, 10))
    decided = schedule.decided_at[schedule.sessions == np.datetime64(LAST)].item()
    return *frames, schedule, pd.Timestamp(decided, tz="UTC").to_pydatetime()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Expectations(tmp_path_factory.mktemp("expectations"), kept=1)


def traded(bars):
    """Open, high, low and volume made for real closes: the set has none of its own."""
    rng = np.random.default_rng(20170615)
    n = len(bars)
    bars = bars.sort_values(["symbol", "session"], ignore_index=True)
    before = bars.groupby("symbol")["close"].shift(1).fillna(bars["close"])
    opened = before * (bars["close"] / before) ** rng.uniform(0.0, 0.6, n)
    return bars.assign(
        open=opened,
        high=np.fmax(opened, bars["close"]) * (1 + rng.exponential(0.003, n)),
        low=np.fmin(opened, bars["close"]) * (1 - rng.exponential(0.003, n)),
        volume=np.round(np.exp(rng.normal(15, 0.3, n))),
    )


def judge(engine, market, bars):
    _, references, schedule, as_of = market
    gate = bars_gate(bars, references, schedule, as_of, MarketGatePolicy())
    return decide(gate.suite, engine.evaluate(gate.suite, gate.tables))


def found(verdict):
    return {f.check: f for f in verdict.findings if f.outcome is not Outcome.PASSED}


@pytest.mark.parametrize("with_volume", [False, True])
def test_the_stretch_itself_is_clean(engine, market, with_volume):
    bars = traded(market[0]) if with_volume else market[0]
    verdict = judge(engine, market, bars)
    assert set(found(verdict)) <= {"return_outlier"}
    assert verdict.quarantined == ()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda p: p.name)
def test_planted_defect_is_named(engine, market, plant):
    bars = traded(market[0]) if plant.traded else market[0].copy()
    verdict = judge(engine, market, plant.plant(bars))
    findings = found(verdict)
    assert plant.check in findings, verdict.reasons
    assert verdict.outcome is plant.outcome
    assert verdict.halts is (plant.outcome is FAILED)
    finding = findings[plant.check]
    assert finding.outcome is FAILED
    assert finding.reason.endswith(".")
    assert "\n" not in finding.reason
    if plant.where:
        assert plant.where in finding.reason
    spans = {(q.first, q.last) for q in verdict.quarantined if q.symbol == SYMBOL}
    if plant.first is not None:
        first, last = plant.first, plant.last
        assert (_day(first), last if last is None else _day(last)) in spans
    elif finding.action == "note":
        assert not spans


def _day(value):
    return value.date() if isinstance(value, pd.Timestamp) else value


@pytest.mark.parametrize(("name", "plant"), MISSED, ids=[name for name, _ in MISSED])
def test_what_no_check_can_tell_is_stated(engine, market, name, plant):
    verdict = judge(engine, market, plant(market[0].copy()))
    assert set(found(verdict)) <= {"return_outlier"}, name


@pytest.mark.parametrize(("name", "plant", "named"), HONEST, ids=[name for name, *_ in HONEST])
def test_honest_twins_lose_no_bar(engine, market, name, plant, named):
    bars, references, schedule, as_of = market
    bars, references = plant(traded(bars), references)
    verdict = judge(engine, (bars, references, schedule, as_of), bars)
    assert not verdict.halts, verdict.reasons
    assert set(found(verdict)) <= {"return_outlier", *named}, verdict.reasons
    for span in verdict.quarantined:
        rows = bars[bars["symbol"] == span.symbol]
        last = pd.Timestamp(span.last or LAST)
        assert not rows["session"].between(pd.Timestamp(span.first), last).any(), name


def test_a_history_that_is_no_longer_told_is_noted(engine, market):
    bars, references, schedule, as_of = market
    year = bars.loc[bars["session"] < "2017-01-01", ["symbol", "session"]]
    gate = bars_gate(bars, references, schedule, as_of, MarketGatePolicy(), withdrawn=year)
    verdict = decide(gate.suite, engine.evaluate(gate.suite, gate.tables))
    finding = found(verdict)["history_retold"]
    assert verdict.outcome is WARNED
    assert finding.reason.startswith("AAPL 2016-01-04 (and 19 more: ")
    assert "no longer tells 252 accepted bars from here to 2016-12-30" in finding.reason
    gate = bars_gate(bars, references, schedule, as_of, MarketGatePolicy(), withdrawn=year[:0])
    verdict = decide(gate.suite, engine.evaluate(gate.suite, gate.tables))
    assert "history_retold" not in found(verdict)


def test_at_least_twenty_kinds_are_planted_and_documented():
    assert len({plant.name for plant in PLANTS}) == len(PLANTS) >= 20
    text = (Path(__file__).parents[2] / "docs" / "gates.md").read_text(encoding="utf-8")
    rows = {tuple(cell.strip(" `") for cell in line.split("|")[1:5]) for line in text.splitlines()}
    for plant in PLANTS:
        prices = "open to volume" if plant.traded else "closes"
        assert (plant.name, prices, plant.check, plant.outcome) in rows
    for name in (*(name for name, _ in MISSED), *(name for name, *_ in HONEST)):
        assert f"- {name}\n" in text


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (lambda r: r[r["session"] != DAY], "series_complete"),
        (lambda r: r[r["session"] <= DAY], "series_fresh"),
        (lambda r: r.assign(value=r["value"].where(r["session"] != DAY, -1.0)), "value_positive"),
        (lambda r: r.assign(value=r["value"].where(r["session"] < DAY, 24.0)), "value_move"),
        (
            lambda r: r.assign(
                value=r["value"].where(~r["session"].between(BEFORE, "2017-06-23"), 2400.0)
            ),
            "value_frozen",
        ),
    ],
)
def test_a_bad_index_halts(engine, market, plant, check):
    _, references, schedule, as_of = market
    index = references[references["name"] == "index"]
    gate = reference_gate("index", plant(index), schedule, as_of, MarketGatePolicy())
    verdict = decide(gate.suite, engine.evaluate(gate.suite, gate.tables))
    assert check in found(verdict)
    assert verdict.halts


def test_a_stale_vix_is_dropped_not_fatal(engine, market):
    _, references, schedule, as_of = market
    stale = references[(references["name"] == "vix") & (references["session"] <= DAY)]
    gate = reference_gate("vix", stale, schedule, as_of, MarketGatePolicy())
    verdict = decide(gate.suite, engine.evaluate(gate.suite, gate.tables))
    assert set(found(verdict)) == {"series_fresh"}
    assert verdict.outcome is FAILED
    assert not verdict.halts
