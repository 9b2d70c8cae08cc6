"""The monitor's page: everything on it, nothing broken, the numbers those of the books."""

import re
from dataclasses import replace
from datetime import date
from html import escape
from html.parser import HTMLParser
from time import process_time

import numpy as np
import pytest

from shadowbook.adapters.report.monitor import FULL, page_of_monitor
from shadowbook.adapters.report.monitor_alerts import MOST, OPEN
from shadowbook.adapters.report.monitor_execution import points
from shadowbook.adapters.report.monitor_lines import first_limits
from shadowbook.adapters.report.monitor_words import (
    SEVERITY,
    newest_ratio,
    open_alerts,
    reading_of,
    shown_reading,
)
from shadowbook.core.diagnosis.findings import (
    Decay,
    Diagnosis,
    DiagnosisVerdict,
    Evidence,
    Layer,
    LayerComparison,
    Mechanism,
    Weighed,
)
from shadowbook.core.performance.alerts import Transition
from shadowbook.core.performance.attribution import Attribution, GapVerdict, Part
from shadowbook.core.performance.monitored import Limit, RatioPath, Reading
from shadowbook.core.performance.tiers import Tier
from tests.unit.adapters.report.monitored_books import (
    AS_OF,
    book_under_watch,
    copied,
    really_watched,
    untraded,
)

NASTY = "<b>&"
VOID = {"meta"}
MINUS = "\N{MINUS SIGN}"


class Reader(HTMLParser):
    """Checks that elements close in order and that every reference has its target."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.rows, self.loaded = [], [], [], [], []
        self.pictures = []

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [told["id"]] if "id" in told else []
        self.links += [told["href"][1:]] if "href" in told else []
        self.links += told.get("aria-labelledby", "").split()
        self.links += [told["for"]] if "for" in told else []
        self.loaded += [told[name] for name in ("src", "xlink:href") if name in told]
        if tag == "svg" and told.get("role") == "img":
            self.pictures.append(told["aria-labelledby"])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert set(reader.links) <= set(reader.ids)
    assert reader.loaded == []
    assert "<script" not in page
    shown = re.sub(r"<style>.*?</style>", "", page).lower().replace("financ", "")
    assert not re.search(r"\bnan\b|nan%|\binf\b", shown)
    assert all(f'id="{one}"' in page for labels in reader.pictures for one in labels.split())
    return reader


def row_of(reader, name):
    return next(row for row in reader.rows if row[:1] == [name])


@pytest.fixture(scope="module")
def watched():
    return book_under_watch()


@pytest.fixture(scope="module")
def calm():
    return book_under_watch(6, "monthly", fades=0.0, alerts=False)


def page_of(*books, **more):
    return page_of_monitor(books, "Monitor", AS_OF, **more)


def test_a_book_in_full_tells_its_own_numbers(watched, calm):
    page = page_of(calm, watched)
    reader = read(page)
    sharpe = reading_of(watched, "sharpe", 63)
    overview = row_of(reader, "weekly, champion")
    assert overview[1:3] == ["critical", "halted"]
    assert overview[3] == shown_reading(sharpe)
    value, error = (float(x.replace(MINUS, "-")) for x in overview[3].split(" ± "))
    assert value == pytest.approx(sharpe.value * np.sqrt(252.0), abs=0.006)
    assert error == pytest.approx(sharpe.standard_error * np.sqrt(252.0), abs=0.006)
    assert overview[6] == newest_ratio(watched.ratios["sharpe"])
    readings = row_of(reader, "cost, bp a session")
    cost = reading_of(watched, "cost", 21)
    assert readings[1] == f"{cost.value * 1e4:.2f} ± {cost.standard_error * 1e4:.2f}"
    newest = watched.series["cost", 21][-1]
    assert float(readings[1].split()[0]) == pytest.approx(1e4 * newest, abs=0.006)
    assert "2022-07-19 21:15 UTC" in page
    assert "sessions of weekly, book champion (400 sessions, 2021-01-04 to 2022-07-15)" in page


def test_the_worst_stands_first_and_champions_before_shadows(watched, calm):
    reader = read(page_of(copied(watched, "weekly", "shadow/10"), calm, watched))
    names = [row[0] for row in reader.rows if ", champion" in row[0] or ", shadow" in row[0]]
    assert names == ["weekly, champion", "monthly, champion", "weekly, shadow/10"]


def test_bands_lie_where_the_limits_are(watched):
    page = page_of(watched)
    limit = {
        one.tier.value: one.value * np.sqrt(252.0)
        for one in watched.limits
        if (one.metric, one.window) == ("sharpe", 63)
    }
    drawing = page[page.index('id="b0-sharpe-63-d-title"') :]
    drawing = drawing[: drawing.index("</svg>")]
    bottoms = {
        tier: float(y)
        for y, tier in re.findall(r'<path d="M50 ([\d.]+)L[^"]*" class="limit (\w+)"', drawing)
    }
    tops = {
        tier: float(y)
        for y, tier in re.findall(r'<rect x="50" y="([\d.]+)"[^>]*class="zone (\w+)"', drawing)
    }
    assert tops == bottoms
    assert limit["watch"] > limit["warning"] > limit["critical"]
    assert bottoms["watch"] < bottoms["warning"] < bottoms["critical"]
    # Equal distances on the axis: the drawing's places are linear in the limits.
    shares = [
        (one["watch"] - one["warning"]) / (one["watch"] - one["critical"])
        for one in (limit, bottoms)
    ]
    assert shares[0] == pytest.approx(shares[1], abs=0.01)
    assert drawing.count('class="event watch raised"') == 2
    assert drawing.count('class="event watch cleared"') == 1
    assert drawing.count('class="event warning acknowledged"') == 1
    assert drawing.count('class="lasting critical"') == 1


def test_of_several_limits_of_a_tier_the_first_reached_counts():
    def limits(metric, *values):
        return [Limit(f"r{v}", metric, 63, Tier.WATCH, v, v) for v in (*values, np.nan)]

    assert first_limits(limits("drawdown_current", -0.2, -0.1), "drawdown_current", 63) == {
        "watch": -0.1
    }
    assert first_limits(limits("cost", 2e-4, 3e-4), "cost", 63) == {"watch": 2.0}
    assert first_limits(limits("cost", 2e-4), "cost", 126) == {}


def test_a_limit_far_on_the_good_side_fills_the_whole_drawing(watched):
    limits = tuple(replace(one, value=10.0) for one in watched.limits if one.metric == "sharpe")
    page = page_of(replace(watched, limits=limits))
    drawing = page[page.index('id="b0-sharpe-63-d-title"') :]
    drawing = drawing[: drawing.index("</svg>")]
    zones = re.findall(r'y="([\d.]+)" [^>]*height="([\d.]+)" class="zone (\w+)"', drawing)
    assert zones == [("8", "170", "critical")]
    assert ">critical</text>" in drawing
    assert 'class="limit' not in drawing


def test_a_thinned_line_keeps_its_extremes_and_its_gaps(watched):
    rng = np.random.default_rng(3)
    n = 5_000
    values = rng.normal(size=n)
    values[:62] = np.nan
    values[2_500] = np.nan
    values[3_001], values[4_002] = 40.0, -30.0
    long = replace(
        watched,
        sessions=np.datetime64("2000-01-01") + np.arange(n),
        series={("sharpe", 63): values},
        limits=(),
        alerts=(),
    )
    page = page_of(long)
    drawing = page[page.index('id="b0-sharpe-63-d-title"') :]
    path = re.search(r'd="([^"]*)" class="line c0"', drawing)[1]
    points = [tuple(map(float, one.split())) for one in re.findall(r"[ML]([^ML]+)", path)]
    assert len(points) <= 1_200
    assert path.count("M") == 2
    across = (342.0 - 50.0) / (n - 1)
    top = min(points, key=lambda one: one[1])
    low = max(points, key=lambda one: one[1])
    assert top[0] == pytest.approx(50.0 + 3_001 * across, abs=0.06)
    assert low[0] == pytest.approx(50.0 + 4_002 * across, abs=0.06)
    assert points[0][0] == pytest.approx(50.0 + 62 * across, abs=0.06)
    assert points[-1][0] == pytest.approx(342.0, abs=0.06)


def test_one_window_is_chosen_and_every_other_can_be(watched):
    page = page_of(watched)
    radios = re.findall(r'<input type="radio" name="b0-sharpe" [^>]*value="(\d+)"( checked)?', page)
    assert [window for window, _ in radios] == ["21", "30", "63", "126", "252"]
    assert [window for window, checked in radios if checked] == ["63"]  # where an alert is open
    assert page.count('class="panel"') == 15


def test_the_waterfall_goes_from_promised_to_earned():
    gap = Attribution(
        0.20,
        0.05,
        0.15,
        0.02,
        (
            Part("signal_decay", 0.01, 0.005),
            Part("data", np.nan, np.nan),
            Part("spread", 0.12, 0.001),
            Part("slippage", -0.01, np.nan),
        ),
        0.03,
        300,
        GapVerdict.EXECUTION,
        ("the signal pays <as> it did",),
    )
    page = page_of(replace(book_under_watch(), attribution=gap))
    reader = read(page)
    assert "Execution masquerading as decay" in page
    assert "The signal pays &lt;as&gt; it did." in page
    assert row_of(reader, "signal decay")[1:3] == ["1.0% ± 0.5%", "7%"]
    assert row_of(reader, "data")[1:3] == ["not computable", "not computable"]
    assert row_of(reader, "gap")[1] == "15.0% ± 2.0%"
    drawing = page[page.index('id="b0-gap-d-title"') :]
    drawing = drawing[: drawing.index("</svg>")]
    bars = re.findall(
        r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="16" class="(\w+)"', drawing
    )
    assert [kind for *_, kind in bars] == ["promised", "lost", "lost", "gained", "rest", "earned"]
    left = {kind: (float(x), float(x) + float(width)) for x, width, kind in bars}
    zero, promised = left["promised"]
    assert left["earned"][0] == pytest.approx(zero, abs=0.2)
    # The rest ends where earned does, a quarter of the way to what was promised.
    assert left["rest"][0] == pytest.approx(left["earned"][1], abs=0.3)
    assert (left["earned"][1] - zero) / (promised - zero) == pytest.approx(0.25, abs=0.01)
    assert f">{MINUS}12.0%<" in drawing
    assert ">+1.0%<" in drawing


@pytest.mark.parametrize(
    ("scale", "words"),
    [(1.0, "promised is the backtest's own."), (1.25, "backtest's times 1.25, for the volatility")],
)
def test_the_waterfall_says_how_the_backtest_was_scaled(watched, scale, words):
    page = page_of(replace(watched, attribution=replace(watched.attribution, scale=scale)))
    assert words in page.replace("&#x27;", "'")


def test_execution_by_symbol_and_hour(watched):
    page = page_of(watched)
    reader = read(page)
    total, xom = watched.execution.total, watched.execution.by["symbol"]["XOM"]
    assert f">{points(total.shortfall_bps)} bp<" in page
    row = row_of(reader, "XOM")
    assert row[1:3] == [f"{xom.orders}", f"{xom.rejects}"]
    assert row[4:6] == [f"{xom.fill_ratio:.1%}", points(xom.slippage_bps)]
    assert row[9] == points(xom.shortfall_bps)
    drawing = page[page.index('id="b0-execution-symbol-title"') :]
    drawing = drawing[: drawing.index("</svg>")]
    for part in ("delay", "realized", "opportunity", "explicit"):
        assert f'class="{part}"' in drawing


def test_execution_says_that_it_is_of_every_version(watched):
    assert "All orders of the book, under every version that scored it; basis" in page_of(watched)


def test_champions_executions_beside_each_other(watched, calm):
    page = page_of(watched, calm)
    drawing = page[page.index('id="execution-drawn-desc"') :][:200]
    for one in (watched, calm):
        assert f"{one.strategy} {points(one.execution.total.shortfall_bps)}" in drawing
    assert 'id="execution"' not in page_of(watched)


def test_the_ratio_is_drawn_with_its_interval_and_its_gaps(watched):
    page = page_of(watched)
    drawing = page[page.index('id="b0-ratio-sharpe-title"') :]
    drawing = drawing[: drawing.index("</svg>")]
    path = watched.ratios["sharpe"].values
    runs = np.diff(np.isfinite(path).astype(int), prepend=0)
    assert re.search(r'd="([^"]*)" class="line c0"', drawing)[1].count("M") == (runs > 0).sum()
    assert 'class="one"' in drawing
    assert 'class="band"' in drawing
    assert newest_ratio(watched.ratios["sharpe"]) in page


def test_huge_ratios_leave_the_drawing_readable(watched):
    path = watched.ratios["sharpe"]
    wild = path.values.copy()
    wild[5] = 1e7
    ratios = {"sharpe": RatioPath(path.sessions, wild, wild - 1e9, wild + 1e9, 126)}
    page = page_of(replace(watched, ratios=ratios))
    read(page)
    drawing = page[page.index('id="b0-ratio-sharpe-title"') :]
    drawing = drawing[: drawing.index("</svg>")]
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ (-?[\d.]+)", drawing)]
    assert min(heights) >= 0.0
    assert max(heights) <= 182.0
    assert ">1.0<" in drawing or ">1<" in drawing


def test_a_backtest_at_zero_has_no_ratio(watched):
    nothing = RatioPath(watched.sessions[-3:], *(np.full(3, np.nan) for _ in range(3)), 126)
    page = page_of(replace(watched, ratios={"sharpe": nothing}))
    read(page)
    assert "the backtest is at or below zero, of which no share can be kept" in page


def test_what_cannot_be_computed_has_its_reason(watched):
    readings = tuple(
        Reading("sharpe", one.window, np.nan, np.nan, 3, "NOT_COMPUTABLE", "3 of 252 <returns>")
        if (one.metric, one.window) == ("sharpe", 252)
        else one
        for one in watched.readings
    )
    page = page_of(replace(watched, readings=readings))
    reader = read(page)
    assert row_of(reader, "Sharpe ratio, a year")[5] == "not computable"
    told = "Not computable over 252 sessions, Sharpe ratio, a year: 3 of 252 &lt;returns&gt;."
    assert told in page


def test_open_alerts_are_sentences_and_the_log_is_whole(watched):
    page = page_of(watched)
    reader = read(page)
    assert "critical since 2022-01-03, escalated 2022-04-11: sharpe over 63 sessions" in page
    assert "halted until a person closes the incident; pages; owner operator." in page
    log = [row for row in reader.rows if len(row) == 6 and row[2] in ("raised", "cleared")]
    assert [row[0] for row in log] == ["2022-02-28", "2022-01-03", "2021-08-02", "2021-06-21"]
    assert log[2][4] == "ended"
    assert log[1][4] == "noted"
    assert row_of(reader, "warning")[1:] == ["1", "0.6", "1", "1", "100%"]
    assert "Decay followed 31% of all sessions" in page


def test_an_acknowledged_incident_is_not_called_a_halt(watched):
    known = replace(watched.alerts[-1], transition=Transition.ACKNOWLEDGED, pages=False)
    page = page_of(replace(watched, alerts=(*watched.alerts, known), capacity=0.5))
    assert "acknowledged 2022-04-11" in page
    assert "; capacity halved; in the daily page; owner operator." in page
    rows = [row for row in read(page).rows if len(row) == 6 and row[1] == "critical"]
    assert [row[4] for row in rows[:2]] == [
        "capacity halved",
        "halted until a person closes the incident",
    ]


def test_a_halted_book_without_figures_keeps_its_diagnosis_and_its_alerts(watched):
    fatigue = replace(watched.fatigue, years=5 / 252)
    young = replace(untraded(), alerts=watched.alerts, capacity=0.0, fatigue=fatigue)
    page = page_of(young, diagnoses={("young", "champion"): diagnosed()})
    assert row_of(read(page), "warning")[2] == "not computable"
    assert "5 alerts in 0.0 years; of them 1 page." in page
    assert "Nothing can be measured yet" in page
    assert "halted until a person closes the incident" in page
    assert "b0-diagnosis" in page
    assert "b0-alerts" in page


def test_a_long_log_is_folded_and_cut(watched):
    many = tuple(
        replace(watched.alerts[0], rule=f"r{at}", reason=f"number {at}") for at in range(MOST + 40)
    )
    page = page_of(replace(watched, alerts=many))
    read(page)
    assert f"<summary>{MOST - OPEN} earlier transitions</summary>" in page
    assert "40 older ones in the ledger alone" in page
    assert "number 40 (r40)" in page
    assert "number 39 (r39)" not in page


def diagnosed():
    return Diagnosis(
        DiagnosisVerdict.BOTH,
        (
            LayerComparison(Layer.RAW_DATA, 12_600, 0, 0.0),
            LayerComparison(
                Layer.FEATURES, 8_400, 12, 0.31, date(2022, 7, 11), ("AAPL <m>: 0.1, 0.2",)
            ),
            LayerComparison(Layer.PREDICTIONS, 400, 2, np.nan),
        ),
        Layer.FEATURES,
        Decay(
            True,
            0.012,
            ("the Sharpe ratio fell",),
            (
                Weighed(
                    Mechanism.REGIME_CHANGE,
                    2.1,
                    (Evidence("change_point", np.nan, 1.4, "the mean changed"),),
                ),
                Weighed(Mechanism.OVERFITTING, -0.4, ()),
            ),
            Mechanism.REGIME_CHANGE,
        ),
        ("features diverge",),
        True,
    )


def test_a_diagnosis_names_the_layer_and_the_mechanism(watched):
    key = ("weekly", "champion")
    page = page_of(watched, diagnoses={key: diagnosed()}, sources={key: "Backtest of run <1>"})
    reader = read(page)
    assert row_of(reader, "features")[1:] == [
        "8,400",
        "12",
        "0.31",
        "from 2022-07-11; AAPL <m>: 0.1, 0.2",
    ]
    assert row_of(reader, "predictions")[3] == "missing cells"
    assert "Retraining is blocked" in page
    assert "Most consistent with regime change." in page
    assert row_of(reader, "regime change")[1:] == [
        "2.10",
        "change point",
        "1.40",
        "the mean changed",
    ]
    assert row_of(reader, "overfitting")[1] == f"{MINUS}0.40"
    assert "Backtest of run &lt;1&gt;." in page


def test_alerts_of_the_real_rules_are_all_on_the_page():
    book = really_watched()
    page = page_of(book)
    read(page)
    raised = [one for one in book.alerts if one.transition is Transition.RAISED]
    assert len(raised) >= 3
    for one in book.alerts:
        assert escape(f"{one.reason} ({one.rule})") in page
    still = open_alerts(book)
    assert still
    assert row_of(read(page), "weekly, champion")[1] == max(
        (one.tier.value for one in still), key=list(SEVERITY).index
    )


def test_an_alert_that_a_new_version_clears_ends_in_its_own_drawing(watched):
    first = next(one for one in watched.alerts if one.metric == "sharpe")
    cleared = replace(
        first,
        transition=Transition.CLEARED,
        session=watched.sessions[200].astype(date),
        window=0,
        limit=np.nan,
        value=np.nan,
        reason="version 5 scores now",
    )
    page = page_of(replace(watched, alerts=(first, cleared), capacity=1.0))
    drawing = page[page.index('id="b0-sharpe-63-d-title"') :]
    drawing = drawing[: drawing.index("</svg>")]
    assert drawing.count('class="event watch cleared"') == 1
    start, stop = re.search(r'd="M([\d.]+) [\d.]+L([\d.]+) [^"]*" class="lasting', drawing).groups()
    assert 50.0 < float(start) < float(stop) < 300.0
    assert "No alert is open." in page


def test_alerts_of_an_earlier_version_are_not_drawn(watched):
    begin = 300
    young = replace(
        watched,
        sessions=watched.sessions[begin:],
        series={key: one[begin:] for key, one in watched.series.items()},
    )
    page = page_of(young)
    drawing = page[page.index('id="b0-sharpe-63-d-title"') :]
    drawing = drawing[: drawing.index("</svg>")]
    # Of seven transitions one is later; what was open at the beginning is a bar from there on.
    assert re.findall(r'class="event ([\w ]+)"', drawing) == ["critical escalated"]
    bars = re.findall(r'd="M([\d.]+) [\d.]+L([\d.]+) [^"]*" class="lasting (\w+)"', drawing)
    assert [(start, tier) for start, _, tier in bars] == [
        ("50", "warning"),
        (bars[1][0], "critical"),
    ]
    assert page.count('<td data-label="what"') == 7  # the log has all of them


def test_no_name_becomes_markup(watched):
    alerts = tuple(replace(one, reason=NASTY, owner=NASTY, rule=NASTY) for one in watched.alerts)
    page = page_of_monitor(
        [copied(replace(watched, alerts=alerts, notes=(NASTY,)), NASTY, "champion")], NASTY, AS_OF
    )
    read(page)
    assert NASTY not in page
    assert escape(NASTY) in page


def test_nothing_traded_yet():
    page = page_of(untraded())
    read(page)
    assert "Nothing can be measured yet: the book has too few sessions." in page
    assert "the book has not traded yet" in page
    empty = page_of()
    read(empty)
    assert "No book has traded yet." in empty


def test_the_same_books_make_the_same_bytes(watched):
    assert page_of(watched) == page_of(watched)


def test_a_hundred_books_of_eight_years_stay_small_and_quick(watched):
    times = 5
    n = times * len(watched.sessions)
    long = replace(
        watched,
        sessions=np.datetime64("2010-01-01") + np.arange(n),
        series={key: np.tile(one, times) for key, one in watched.series.items()},
    )
    champions = [copied(long, f"s{at}", "champion") for at in range(20)]
    shadows = [copied(long, f"s{at % 20}", f"shadow/{at}") for at in range(80)]
    begun = process_time()
    page = page_of(*champions, *shadows)
    assert process_time() - begun < 2.0
    assert len(page.encode()) < 5_000_000
    reader = read(page)
    assert len([row for row in reader.rows if len(row) == 9]) == 1 + 100
    assert page.count('class="strategy"') == FULL
    assert "s19, shadow/79: critical" in page


def test_the_page_of_drift_is_one_click_away():
    books = (book_under_watch(),)
    linked = page_of_monitor(books, "Monitor", AS_OF, drift_page="drift.html")
    assert '<a href="drift.html">Drift</a>' in linked
    assert "drift.html" not in page_of_monitor(books, "Monitor", AS_OF)
